//! Nothing that comes from the wire can make a decoder panic: below `bgp/wire/` and in BFD's packet there is no unwrapping, no
//! indexing and no panicking macro outside of tests. Constants and statics are exempt: what panics there fails
//! the build.

use super::Finding;
use super::tree::Tree;

const WIRE: &[&str] = &["router-ctl/src/bgp/wire/", "router-ctl/src/bfd/packet.rs"];
const WORDS: &[&str] = &[
    ".unwrap()",
    ".expect(",
    "panic!(",
    "unreachable!(",
    "assert!(",
    "assert_eq!(",
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.sources() {
        if !WIRE.iter().any(|wire| path.starts_with(wire)) {
            continue;
        }
        let mut constant: Option<usize> = None;
        for line in source.code() {
            let code = line.code.trim();
            let depth = line.code.len() - line.code.trim_start().len();
            if constant.is_none() && opens_constant(code) {
                constant = Some(depth);
            }
            if let Some(opened) = constant {
                if depth == opened && code.ends_with(';') {
                    constant = None;
                }
                continue;
            }
            for word in WORDS.iter().filter(|word| stands_in(&line.code, word)) {
                let reason = format!("`{word}` where input is decoded: return the error");
                findings.push(Finding::new(path, line.number, reason));
            }
            if indexes(&line.code) {
                let reason = "indexing where input is decoded: use the reader, or `get`";
                findings.push(Finding::new(path, line.number, reason));
            }
        }
    }
    findings
}

/// Whether an item that is computed while compiling begins here. It ends with a semicolon on a line as deep
/// as its first.
fn opens_constant(code: &str) -> bool {
    let item = match code.strip_prefix("pub") {
        Some(rest) => rest.trim_start_matches(|c| c != ' ').trim_start(),
        None => code,
    };
    item.starts_with("static ") || item.starts_with("const ") && !item.starts_with("const fn ")
}

/// `debug_assert!(` is no `assert!(`.
fn stands_in(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        word.starts_with('.') || !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
    })
}

/// A bracket right after a value is an index; `[..]` of everything cannot fail.
fn indexes(code: &str) -> bool {
    code.match_indices('[').any(|(at, _)| {
        let after_value = code[..at].ends_with(|c: char| c.is_alphanumeric() || "_)]?".contains(c));
        after_value && !code[at..].starts_with("[..]")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture;

    fn check_line(line: &str, findings: usize) {
        let tree = fixture(&[("router-ctl/src/bgp/wire/open.rs", line)]);
        assert_eq!(check(&tree).len(), findings, "{line}");
    }

    #[test]
    fn what_can_panic_is_found() {
        check_line("let a = bytes[0];", 1);
        check_line("let a = f(b)[1..2];", 1);
        check_line("a.unwrap();", 1);
        check_line("a.expect(\"b\");", 1);
        check_line("assert!(a);", 1);
    }

    #[test]
    fn types_attributes_patterns_and_tests_are_no_index() {
        check_line("#[derive(Debug)]", 0);
        check_line(
            "fn f(a: &[u8], b: [u8; 4]) -> &'a [u8] { vec![1]; &a[..] }",
            0,
        );
        check_line("let [a, b] = c;", 0);
        check_line("debug_assert!(a); a.unwrap_or(b)", 0);
        check_line("// bytes[0].unwrap()", 0);
        check_line("pub(crate) const A: u8 = B[0];\nfn f() { c[0]; }", 1);
        check_line("static A: [u8; 2] = {\n    B[0];\n};\nfn f() { c[0]; }", 1);
        check_line("pub const fn f() { c[0]; }", 1);
        check_line("impl A {\n    const B: u8 = 1;\n    fn f() { c[0]; }\n}", 1);
        check_line("#[cfg(test)]\nmod tests { fn f() { a[0].unwrap(); } }", 0);
    }

    #[test]
    fn only_the_wire_is_looked_at() {
        let tree = fixture(&[("router-ctl/src/bgp/session.rs", "a[0].unwrap();")]);
        assert_eq!(check(&tree), []);
    }
}
