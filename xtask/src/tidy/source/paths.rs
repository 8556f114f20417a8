//! The paths that code names: `use` trees spelled out one by one, and paths inside of expressions and types.

use super::Line;

/// A path of two or more names, or of one that a `use` imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tidy) struct Path {
    pub(in crate::tidy) line: usize,
    pub(in crate::tidy) names: Vec<String>,
    /// Named by a `use`.
    pub(in crate::tidy) imported: bool,
}

impl Path {
    pub(in crate::tidy) fn starts_with(&self, names: &[&str]) -> bool {
        self.names.len() >= names.len() && self.names.iter().zip(names).all(|(a, b)| a == b)
    }

    pub(in crate::tidy) fn text(&self) -> String {
        self.names.join("::")
    }
}

/// A token and the line that it stands on.
type Token = (usize, String);

pub(super) fn of<'a>(lines: impl Iterator<Item = &'a Line>) -> Vec<Path> {
    let tokens = tokens(lines);
    let mut paths = Vec::new();
    let mut at = 0;
    while let Some((line, token)) = tokens.get(at) {
        if token == "use" {
            at = tree(&tokens, at + 1, &[], &mut paths);
        } else if is_name(token) {
            let (names, next) = chain(&tokens, at);
            let continues = at
                .checked_sub(1)
                .and_then(|before| tokens.get(before))
                .is_some_and(|(_, token)| token == "." || token == "::");
            if names.len() > 1 && !continues {
                paths.push(Path {
                    line: *line,
                    names,
                    imported: false,
                });
            }
            at = next;
        } else {
            at += 1;
        }
    }
    paths
}

/// `a::b::c` from `at` on, and where it ends.
fn chain(tokens: &[Token], mut at: usize) -> (Vec<String>, usize) {
    let mut names = Vec::new();
    while let Some((_, name)) = tokens.get(at).filter(|(_, token)| is_name(token)) {
        names.push(name.clone());
        at += 1;
        if tokens.get(at).is_none_or(|(_, token)| token != "::") {
            break;
        }
        at += 1;
    }
    (names, at)
}

/// One `use` tree from `at` on; returns where it ends.
fn tree(tokens: &[Token], mut at: usize, prefix: &[String], paths: &mut Vec<Path>) -> usize {
    if tokens.get(at).is_some_and(|(_, token)| token == "::") {
        at += 1;
    }
    let line = tokens.get(at).map_or(0, |(line, _)| *line);
    let (names, mut at) = chain(tokens, at);
    let full: Vec<_> = prefix.iter().cloned().chain(names).collect();
    match tokens.get(at).map(|(_, token)| token.as_str()) {
        Some("{") => {
            at += 1;
            while let Some((_, token)) = tokens.get(at) {
                match token.as_str() {
                    "}" => return at + 1,
                    "," => at += 1,
                    _ => {
                        let next = tree(tokens, at, &full, paths);
                        // What is no tree must not stop the walk.
                        at = next.max(at + 1);
                    }
                }
            }
        }
        next => {
            if next == Some("*") {
                at += 1;
            }
            if tokens.get(at).is_some_and(|(_, token)| token == "as") {
                at += 2;
            }
            // `use<'a>` in a type imports nothing.
            if !full.is_empty() {
                paths.push(Path {
                    line,
                    names: full,
                    imported: true,
                });
            }
        }
    }
    at
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_') && token != "as"
}

fn tokens<'a>(lines: impl Iterator<Item = &'a Line>) -> Vec<Token> {
    let mut tokens = Vec::new();
    for line in lines {
        let mut rest = line.code.as_str();
        while let Some(first) = rest.chars().next() {
            let length = if first.is_alphanumeric() || first == '_' {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))
                    .unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(length);
            if !first.is_whitespace() {
                tokens.push((line.number, token.to_owned()));
            }
            rest = after;
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::super::Source;

    fn check(text: &str, expected: &[(usize, &str)]) {
        let found: Vec<_> = Source::read(text)
            .paths()
            .iter()
            .map(|path| (path.line, path.text()))
            .collect();
        let found: Vec<_> = found.iter().map(|(l, t)| (*l, t.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn use_trees_are_spelled_out() {
        check("use std::fs;", &[(1, "std::fs")]);
        check(
            "pub use a::{b, c::{self, d as e},\n f::*};\nuse g;",
            &[
                (1, "a::b"),
                (1, "a::c::self"),
                (1, "a::c::d"),
                (2, "a::f"),
                (3, "g"),
            ],
        );
    }

    #[test]
    fn paths_in_code_are_found_and_methods_are_not() {
        check(
            "fn f() -> io::Result<()> { x.fs::<u8>(); Instant::now() }",
            &[(1, "io::Result"), (1, "Instant::now")],
        );
        check("#[cfg(test)]\nmod tests { use a::b; }", &[]);
    }
}
