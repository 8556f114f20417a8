//! Documents name files, items and commands; all of them exist. A name is what stands between backticks: a
//! path, a path with `::item`, or a `cargo xtask` command. Links are followed. The record of dependencies has
//! one row for each crate of the workspace manifest, and no other, and each of these crates is used.

mod names;

use clap::CommandFactory as _;

use super::Finding;
use super::tree::{File, Tree};
use crate::Cli;
use names::{Claim, claims, commands, links};

const DEPENDENCIES: &str = "docs/adr/0002-dependencies.md";
const MANIFEST: &str = "Cargo.toml";
/// Documents without which the tree is not complete.
const REQUIRED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    DEPENDENCIES,
];
/// A path may be told from the root, or from one of these.
const BASES: &[&str] = &[
    "",
    "router-ctl/src/",
    "router-ebpf/src/",
    "router-common/src/",
    "xtask/src/",
    "tests/",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let missing = REQUIRED.iter().filter(|path| tree.get(path).is_none());
    let mut findings: Vec<_> = missing
        .map(|path| Finding::new(path, 1, "is missing"))
        .collect();
    for file in tree.files().filter(|file| file.path.ends_with(".md")) {
        for (number, line) in (1..).zip(file.text.lines()) {
            let paths = claims(line)
                .into_iter()
                .filter_map(|claim| wrong_path(tree, &claim));
            let commands = commands(line)
                .into_iter()
                .filter_map(|words| wrong_command(&words));
            let links = links(line)
                .into_iter()
                .filter_map(|link| wrong_link(tree, file, &link));
            let reasons = paths.chain(commands).chain(links);
            findings.extend(reasons.map(|reason| Finding::new(&file.path, number, reason)));
        }
    }
    findings.extend(dependencies(tree));
    findings
}

fn wrong_path(tree: &Tree, claim: &Claim) -> Option<String> {
    let found: Vec<_> = if claim.path.contains('/') {
        let places = BASES.iter().map(|base| format!("{base}{}", claim.path));
        places.filter(|path| tree.has(path)).collect()
    } else {
        let end = format!("/{}", claim.path);
        let named = |path: &str| path == claim.path || path.ends_with(&end);
        let files = tree.files().map(|file| file.path.clone());
        files.filter(|path| named(path)).collect()
    };
    if found.is_empty() {
        return Some(format!("{} does not exist", claim.path));
    }
    let item = claim.item.as_ref()?;
    let holds = found
        .iter()
        .filter_map(|path| tree.get(path))
        .any(|file| declares(&file.text, item));
    (!holds).then(|| format!("{} declares no {item}", claim.path))
}

/// Whether a file declares an item, a variant or a field of this name.
fn declares(text: &str, item: &str) -> bool {
    const KINDS: &[&str] = &[
        "fn", "struct", "enum", "trait", "type", "const", "static", "mod", "union",
    ];
    let ends = |after: &str| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let begins = |before: &str| !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    text.match_indices(item).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + item.len()..]);
        let kind = before.split_whitespace().next_back().unwrap_or_default();
        let is_line_start = before
            .rsplit('\n')
            .next()
            .is_some_and(|l| l.trim().is_empty());
        ends(after)
            && begins(before)
            && (KINDS.contains(&kind) || kind == "macro_rules!" || is_line_start)
    })
}

/// A command that `cargo xtask` does not know, a suite that does not exist, an option that it has not.
fn wrong_command(words: &[String]) -> Option<String> {
    let cli = Cli::command();
    let name = words.first()?;
    let Some(command) = cli.get_subcommands().find(|c| c.get_name() == name) else {
        return Some(format!("cargo xtask has no command {name}"));
    };
    let unknown_option = words.iter().skip(1).find(|word| {
        let Some(option) = word.strip_prefix("--").filter(|option| !option.is_empty()) else {
            return false;
        };
        let option = option.split('=').next().unwrap_or(option);
        command
            .get_arguments()
            .all(|argument| argument.get_long() != Some(option))
    });
    if let Some(option) = unknown_option.filter(|_| name != "bench") {
        return Some(format!("cargo xtask {name} has no option {option}"));
    }
    let suite = words.get(1).filter(|word| is_plain(word))?;
    (name == "test" && !crate::test::has_suite(suite))
        .then(|| format!("cargo xtask test has no suite {suite}"))
}

fn is_plain(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase())
}

fn wrong_link(tree: &Tree, file: &File, link: &str) -> Option<String> {
    let target = link.split('#').next().filter(|path| !path.is_empty())?;
    if target.contains("://") {
        return None;
    }
    let mut directory: Vec<_> = file.path.split('/').collect();
    directory.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                directory.pop();
            }
            name => directory.push(name),
        }
    }
    let path = directory.join("/");
    (!tree.has(&path)).then(|| format!("the link leads to {path}, which does not exist"))
}

/// Crates of the workspace manifest without a row in the record, rows without a crate, and crates without use.
fn dependencies(tree: &Tree) -> Vec<Finding> {
    let (Some(manifest), Some(record)) = (tree.get(MANIFEST), tree.get(DEPENDENCIES)) else {
        return Vec::new();
    };
    let declared = declared(&manifest.text);
    let recorded: Vec<_> = (1..)
        .zip(record.text.lines())
        .filter(|(_, line)| line.starts_with("| `"))
        .flat_map(|(number, line)| {
            let cell = line.split('|').nth(1).unwrap_or_default();
            let names = cell.split('`').skip(1).step_by(2);
            names
                .map(move |name| (number, name.to_owned()))
                .collect::<Vec<_>>()
        })
        .collect();
    let unrecorded = declared
        .iter()
        .filter(|(_, name)| !recorded.iter().any(|(_, other)| other == name))
        .map(|(number, name)| {
            Finding::new(
                MANIFEST,
                *number,
                format!("{DEPENDENCIES} has no row for {name}"),
            )
        });
    let undeclared = recorded
        .iter()
        .filter(|(_, name)| !declared.iter().any(|(_, other)| other == name))
        .map(|(number, name)| {
            Finding::new(
                DEPENDENCIES,
                *number,
                format!("{MANIFEST} does not name {name}"),
            )
        });
    let unused = declared
        .iter()
        .filter(|(_, name)| !is_used(tree, name))
        .map(|(number, name)| Finding::new(MANIFEST, *number, format!("no crate uses {name}")));
    unrecorded.chain(undeclared).chain(unused).collect()
}

/// Whether a member's manifest takes this crate from the workspace.
fn is_used(tree: &Tree, name: &str) -> bool {
    let manifests = tree
        .files()
        .filter(|file| file.path.ends_with("/Cargo.toml"));
    let mut lines = manifests.flat_map(|file| file.text.lines());
    lines.any(|line| {
        line.strip_prefix(name)
            .is_some_and(|rest| rest.starts_with(".workspace") || rest.starts_with(" = {"))
    })
}

/// Crates of others under `[workspace.dependencies]`.
fn declared(manifest: &str) -> Vec<(usize, String)> {
    (1..)
        .zip(manifest.lines())
        .skip_while(|(_, line)| *line != "[workspace.dependencies]")
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('['))
        .filter(|(_, line)| !line.contains("path ="))
        .filter_map(|(number, line)| {
            let (name, _) = line.split_once(" = ")?;
            Some((number, name.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests;
