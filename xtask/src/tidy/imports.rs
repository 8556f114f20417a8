//! Who may name whom. The tables are in [`rules`]; here they are applied to the paths that code outside of
//! tests names, and to the manifests.

mod rules;

use super::Finding;
use super::source::{Path, Source};
use super::tree::{File, Tree};
use rules::{CRATES, ITEMS, MANIFESTS, MODULES, PURE, PURE_FORBIDS, WRITES};

const USER_SIDE: &str = "router-ctl/src/";
const KERNEL_SIDE: &str = "router-ebpf/src/";
/// Files of these may name any crate: proof and tools stand outside of the layers.
const FREE: &[&str] = &[
    "tests/",
    "router-ctl/benches/",
    "router-ctl/examples/",
    "router-ctl/tests/",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.sources() {
        if FREE.iter().any(|free| path.starts_with(free)) {
            continue;
        }
        let paths = source.paths();
        for named in &paths {
            let reasons = [
                crate_outside(path, named, &paths, source),
                item_outside(path, named),
                impure(path, named),
                wrong_layer(path, named),
            ];
            let reasons = reasons.into_iter().flatten();
            findings.extend(reasons.map(|reason| Finding::new(path, named.line, reason)));
        }
        if path.starts_with(KERNEL_SIDE) {
            findings.extend(packet_writes(path, source));
        }
    }
    findings.extend(tree.files().flat_map(manifest));
    findings
}

fn within(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path.starts_with(place))
}

/// A crate that is named where it does not belong.
fn crate_outside(path: &str, named: &Path, all: &[Path], source: &Source) -> Option<String> {
    let first = named.names.first()?;
    let rule = CRATES
        .iter()
        .find(|rule| rule.names.contains(&first.as_str()))?;
    let allowed = within(path, rule.only_in) || is_ours(first, all, source);
    (!allowed).then(|| format!("{first} is named only in {}", rule.only_in.join(", ")))
}

/// Whether a name that is also a crate's means a module of ours in this file.
fn is_ours(name: &str, all: &[Path], source: &Source) -> bool {
    let imported = all.iter().any(|path| {
        let from_us = ["crate", "super", "self"].map(|root| path.starts_with(&[root]));
        path.imported
            && from_us.contains(&true)
            && path.names.last().is_some_and(|last| last == name)
    });
    let declaration = format!("mod {name};");
    imported
        || source
            .code()
            .any(|line| line.code.trim_end().ends_with(&declaration))
}

/// A raw call outside of the file that makes it.
fn item_outside(path: &str, named: &Path) -> Option<String> {
    let rule = ITEMS
        .iter()
        .find(|rule| rule.paths.iter().any(|item| named.starts_with(item)))?;
    (!within(path, rule.only_in)).then(|| {
        let places = rule.only_in.join(", ");
        format!("{} is called only in {places}", named.text())
    })
}

/// Input, output, clocks or locks in a pure module.
fn impure(path: &str, named: &Path) -> Option<String> {
    let inside = path.strip_prefix(USER_SIDE)?;
    if !PURE.contains(&module_of(inside)) {
        return None;
    }
    let (_, why) = PURE_FORBIDS
        .iter()
        .find(|(item, _)| named.starts_with(item))?;
    Some(format!("{}: {why}", named.text()))
}

/// A module of ours that this one may not know.
fn wrong_layer(path: &str, named: &Path) -> Option<String> {
    let inside = path.strip_prefix(USER_SIDE)?;
    let own = module_of(inside);
    let other = module_named(inside, named)?;
    let (_, allowed) = MODULES.iter().find(|(module, _)| *module == own)?;
    let known = MODULES.iter().any(|(module, _)| *module == other);
    let item = named.names.last().map(|item| format!("{other}::{item}"));
    let item_is_allowed = item.is_some_and(|item| allowed.contains(&item.as_str()));
    let fine = !known || other == own || allowed.contains(&other.as_str()) || item_is_allowed;
    (!fine).then(|| format!("{own} does not know {other}: {}", named.text()))
}

/// `bgp` of `bgp/wire/open.rs` and of `bgp.rs`.
fn module_of(inside: &str) -> &str {
    let first = inside.split('/').next().unwrap_or(inside);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The top module that a path leads to, through `crate` or through enough `super`s.
fn module_named(inside: &str, named: &Path) -> Option<String> {
    if named.starts_with(&["crate"]) || named.starts_with(&["router_ctl"]) {
        return named.names.get(1).cloned();
    }
    let ups = named
        .names
        .iter()
        .take_while(|name| *name == "super")
        .count();
    let file = inside.strip_suffix(".rs").unwrap_or(inside);
    let file = file.strip_suffix("/mod").unwrap_or(file);
    let depth = file.split('/').count();
    (ups > 0 && ups == depth).then(|| named.names.get(ups).cloned())?
}

/// A packet is written by one file alone.
fn packet_writes(path: &str, source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in source.code() {
        for rule in WRITES.iter().filter(|rule| !rule.only_in.contains(&path)) {
            if line.code.contains(rule.text) {
                let places = rule.only_in.join(", ");
                let reason = format!("`{}` stands only in {places}", rule.text);
                findings.push(Finding::new(path, line.number, reason));
            }
        }
    }
    findings
}

/// Crates of ours in a manifest that may not depend on them.
fn manifest(file: &File) -> Vec<Finding> {
    let Some((_, allowed)) = MANIFESTS.iter().find(|(path, _)| *path == file.path) else {
        return Vec::new();
    };
    let lines = (1..).zip(file.text.lines());
    let ours = lines.filter_map(|(number, line)| {
        let name = line.split([' ', '.', '=']).next()?;
        let of_ours = ["router-common", "router-ebpf", "router-ctl", "router-tests"];
        let wrong = of_ours.contains(&name) && !allowed.contains(&name);
        wrong.then(|| Finding::new(&file.path, number, format!("must not depend on {name}")))
    });
    ours.collect()
}

#[cfg(test)]
mod tests;
