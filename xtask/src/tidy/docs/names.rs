//! What a line of a document names: paths and items between backticks, commands, links.

/// A file or directory, and perhaps something that it declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) path: String,
    pub(super) item: Option<String>,
}

/// Endings that make a word the name of a file.
const FILES: &[&str] = &[".rs", ".md", ".toml", ".service", ".html"];

/// Paths between backticks. `a/{b,c}.rs` is two. What begins at the root of the file system, or has a
/// placeholder in it, belongs to the user's machine.
pub(super) fn claims(line: &str) -> Vec<Claim> {
    spans(line)
        .flat_map(expand)
        .filter_map(|word| claim(&word))
        .collect()
}

/// What stands between backticks.
fn spans(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn claim(word: &str) -> Option<Claim> {
    let (path, item) = match word.split_once("::") {
        Some((path, item)) => (path, Some(item)),
        None => (word, None),
    };
    let of_names = |c: char| c.is_ascii_alphanumeric() || "_./-".contains(c);
    let is_file = FILES.iter().any(|ending| path.ends_with(ending));
    // Without a directory, a manifest or a document is as likely the user's.
    let is_named = path.contains('/') || path.ends_with(".rs");
    let is_path = (is_file && is_named) || path.ends_with('/');
    if !is_path || path.starts_with(['/', '.']) || !path.chars().all(of_names) {
        return None;
    }
    let item = item.and_then(|item| item.rsplit("::").next());
    let item = item.map(|item| item.trim_end_matches("()").to_owned());
    Some(Claim {
        path: path.to_owned(),
        item,
    })
}

/// `a/{b,c}.rs` → `a/b.rs`, `a/c.rs`.
fn expand(word: &str) -> Vec<String> {
    let parts = word
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    match parts {
        Some((before, (names, after))) => names
            .split(',')
            .map(|name| format!("{before}{}{after}", name.trim()))
            .collect(),
        None => vec![word.to_owned()],
    }
}

/// The words after `cargo xtask`, up to the end of the command.
pub(super) fn commands(line: &str) -> Vec<Vec<String>> {
    let starts = line.split("cargo xtask ").skip(1);
    let words = starts.map(|rest| {
        let command = rest.split(['`', '#', ';', '|', ')', '"', '\'']).next();
        let words = command.unwrap_or_default().split_whitespace();
        let words = words.map(|word| word.trim_matches(['[', ']', ',', '.', ':']));
        words.map(str::to_owned).collect::<Vec<_>>()
    });
    // In prose the command is a noun: what follows is no argument.
    words
        .filter(|words| words.first().is_some_and(|word| !word.is_empty()))
        .collect()
}

/// Targets of `[text](target)`.
pub(super) fn links(line: &str) -> Vec<String> {
    let ends = line.split("](").skip(1);
    ends.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[(&str, Option<&str>)]) {
        let found = claims(line);
        let found: Vec<_> = found
            .iter()
            .map(|claim| (claim.path.as_str(), claim.item.as_deref()))
            .collect();
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn paths_and_items_are_claimed() {
        check(
            "see `bgp/fsm.rs::Fsm::handle()`, `tests/lab/` and `main.rs`",
            &[
                ("bgp/fsm.rs", Some("handle")),
                ("tests/lab/", None),
                ("main.rs", None),
            ],
        );
        check("`a/{b,c}.rs`", &[("a/b.rs", None), ("a/c.rs", None)]);
    }

    #[test]
    fn other_words_and_the_users_files_are_not() {
        check("`/etc/router/router.toml` `router.toml` `ipv4/ipv6`", &[]);
        check(
            "`203.0.113.0/24` `show route`, a/b.rs `docs/NNNN-*.md`",
            &[],
        );
    }

    #[test]
    fn commands_end_with_their_span() {
        assert_eq!(
            commands("run `cargo xtask test interop`, then cargo xtask demo --json # all"),
            [vec!["test", "interop"], vec!["demo", "--json"]]
        );
        assert!(commands("`cargo test`").is_empty());
    }

    #[test]
    fn links_are_what_stands_in_brackets() {
        assert_eq!(links("[a](docs/a.md) and [b](#c)"), ["docs/a.md", "#c"]);
    }
}
