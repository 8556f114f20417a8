//! Words that are not left behind: marks of unfinished work, tests that are switched off, code that is
//! commented out, paths of one particular machine, and sleeping where a condition should be awaited.

use super::Finding;
use super::source::Line;
use super::tree::Tree;

/// In comments and code, not in literals.
const UNFINISHED: &[&str] = &["TODO", "FIXME", "XXX", "HACK"];
/// In code.
const SWITCHED_OFF: &[(&str, &str)] = &[
    (
        "#[ignore",
        "a test that does not run proves nothing: mend or remove it",
    ),
    ("unimplemented!", "unfinished"),
    ("todo!", "unfinished"),
    ("dbg!", "left over from debugging"),
];
/// In any text. Spelled in two pieces, so that this file does not contain them.
const MACHINE: &[&str] = &[concat!("/", "work/"), concat!("/", "root/")];
/// Files of tests wait with the lab's deadlines; the lab itself must sleep between two looks.
const AWAITING: &[&str] = &["tests/lab/", "tests/demo", "tests/bench"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.sources() {
        for line in source.lines() {
            let reasons = look_at(path, line);
            findings.extend(
                reasons
                    .into_iter()
                    .map(|reason| Finding::new(path, line.number, reason)),
            );
        }
    }
    for file in tree.files() {
        for (number, line) in (1..).zip(file.text.lines()) {
            let unfinished = file.source.is_none() && UNFINISHED.iter().any(|word| has(line, word));
            if unfinished {
                findings.push(Finding::new(
                    &file.path,
                    number,
                    "a mark of unfinished work",
                ));
            }
            for path in MACHINE.iter().filter(|path| begins_in(line, path)) {
                let reason = format!("{path} is a path of one machine");
                findings.push(Finding::new(&file.path, number, reason));
            }
        }
    }
    findings
}

fn look_at(path: &str, line: &Line) -> Vec<String> {
    let mut reasons = Vec::new();
    for word in UNFINISHED {
        if has(&line.comment, word) || has(&line.code, word) {
            reasons.push(format!(
                "{word}: finish it, or say what is missing in the documentation"
            ));
        }
    }
    for (word, reason) in SWITCHED_OFF {
        if line.code.contains(word) {
            reasons.push(format!("{word}: {reason}"));
        }
    }
    if is_code(&line.comment) {
        reasons.push("code that is commented out".to_owned());
    }
    let awaits = path.starts_with("tests/") && !AWAITING.iter().any(|lab| path.starts_with(lab));
    if awaits && line.code.contains("sleep(") {
        reasons.push("sleeping in a test: wait for the condition, with a deadline".to_owned());
    }
    reasons
}

/// Whether `word` stands in `text` by itself.
fn has(text: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let after = &text[at + word.len()..];
        !text[..at].ends_with(part_of_word) && !after.starts_with(part_of_word)
    })
}

/// Whether `path` stands in `text` and does not go on from another.
fn begins_in(text: &str, path: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || "_.-}".contains(c);
    text.match_indices(path)
        .any(|(at, _)| !text[..at].ends_with(goes_on))
}

/// A plain comment that ends as a statement does.
fn is_code(comment: &str) -> bool {
    let Some(text) = comment.strip_prefix("// ") else {
        return false;
    };
    let statement = text.ends_with(';') && text.contains(['(', '=']);
    statement || text.starts_with("use crate::") || text.starts_with("let ") && text.contains(" = ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture;

    fn check_file(path: &str, text: &str, findings: usize) {
        assert_eq!(check(&fixture(&[(path, text)])).len(), findings, "{text}");
    }

    #[test]
    fn unfinished_work_is_found_in_comments_and_code_and_not_in_literals() {
        check_file("a.rs", concat!("// TO", "DO: more"), 1);
        check_file("a.rs", "fn f() { unimplemented!() }", 1);
        check_file("a.rs", concat!("let a = \"TO", "DO\";"), 0);
        check_file("a.rs", concat!("// TO", "DOS"), 0);
        check_file("docs/a.md", concat!("FIX", "ME"), 1);
    }

    #[test]
    fn tests_are_not_switched_off() {
        check_file("a.rs", "#[ignore = \"slow\"]\nfn f() {}", 1);
        check_file(
            "a.rs",
            "#[cfg(test)]\nmod tests { #[ignore]\nfn f() {} }",
            1,
        );
    }

    #[test]
    fn commented_code_is_told_from_prose() {
        check_file("a.rs", "// session.start(now);", 1);
        check_file("a.rs", "// let a = b", 1);
        check_file("a.rs", "// The first message; it has no body.", 0);
        check_file("a.rs", "/// session.start(now);", 0);
    }

    #[test]
    fn paths_of_one_machine_are_found_anywhere() {
        check_file("a.rs", concat!("let a = \"/ro", "ot/.cargo\";"), 1);
        check_file("b.md", concat!("see /wo", "rk/shared"), 1);
        check_file("b.md", concat!("the network/ro", "ot/leaf"), 0);
    }

    #[test]
    fn tests_wait_for_conditions() {
        check_file("tests/scenarios/restart.rs", "thread::sleep(SECOND);", 1);
        check_file("tests/lab/wait.rs", "thread::sleep(SECOND);", 0);
        check_file("router-ctl/src/a.rs", "thread::sleep(SECOND);", 0);
    }
}
