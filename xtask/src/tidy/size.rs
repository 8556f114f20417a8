//! Files stay small enough to be read: a median of about 150 lines, a warning above 400, none above 600.
//! Tests do not count; files of tests have a larger cap. A decision record fits on a page.

use super::Finding;
use super::source::Source;
use super::tree::Tree;

const TARGET_MEDIAN: usize = 150;
const SOFT: usize = 400;
const HARD: usize = 600;
const HARD_FOR_TESTS: usize = 1000;
const DECISION: usize = 40;

/// Lines without tests, and lines of tests.
fn measure(source: &Source) -> (usize, usize) {
    let tests = source.lines().filter(|line| line.test).count();
    (source.lines().count() - tests, tests)
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in tree.sources() {
        let (code, tests) = measure(source);
        if code > HARD {
            let reason = format!("{code} lines without tests; the cap is {HARD}: split it");
            findings.push(Finding::new(path, HARD, reason));
        }
        if code == 0 && tests > HARD_FOR_TESTS {
            let reason = format!("{tests} lines of tests; the cap is {HARD_FOR_TESTS}: split it");
            findings.push(Finding::new(path, HARD_FOR_TESTS, reason));
        }
    }
    for file in tree.files() {
        let lines = file.text.lines().count();
        if file.path.starts_with("docs/adr/") && lines > DECISION {
            let reason = format!("{lines} lines; a decision fits on {DECISION}");
            findings.push(Finding::new(&file.path, DECISION, reason));
        }
    }
    findings
}

/// What is large and not yet too large.
pub(super) fn warnings(tree: &Tree) -> Vec<Finding> {
    let large = tree.sources().filter_map(|(path, source)| {
        let (code, _) = measure(source);
        let reason = format!("{code} lines without tests; more than {SOFT} ask to be split");
        (SOFT < code && code <= HARD).then(|| Finding::new(path, SOFT, reason))
    });
    large.collect()
}

pub(super) fn summary(tree: &Tree) -> String {
    let mut sizes: Vec<_> = tree
        .sources()
        .map(|(_, source)| measure(source).0)
        .filter(|&code| code > 0)
        .collect();
    sizes.sort_unstable();
    let median = sizes.get(sizes.len() / 2).copied().unwrap_or(0);
    format!(
        "{} files, median {median} lines without tests (target {TARGET_MEDIAN})",
        sizes.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture;

    #[test]
    fn only_lines_outside_of_tests_count() {
        let code = "fn a() {}\n".repeat(600);
        let tests = format!(
            "#[cfg(test)]\nmod tests {{\n{}}}\n",
            "fn b() {}\n".repeat(300)
        );
        let tree = fixture(&[("a.rs", &(code.clone() + &tests))]);
        assert_eq!(check(&tree), []);
        assert_eq!(warnings(&tree).len(), 1);
        let tree = fixture(&[("a.rs", &(code + "fn c() {}\n"))]);
        assert_eq!(check(&tree).len(), 1);
        assert_eq!(warnings(&tree), []);
    }

    #[test]
    fn a_file_of_tests_has_a_larger_cap() {
        let declaration = ("lib.rs", "#[cfg(test)]\nmod tests;\n");
        let most = "fn a() {}\n".repeat(1000);
        assert_eq!(check(&fixture(&[declaration, ("tests.rs", &most)])), []);
        let more = most + "fn b() {}\n";
        assert_eq!(
            check(&fixture(&[declaration, ("tests.rs", &more)])).len(),
            1
        );
    }

    #[test]
    fn a_decision_fits_on_a_page() {
        let long = "a\n".repeat(41);
        let tree = fixture(&[("docs/adr/0001-a.md", &long), ("docs/lab.md", &long)]);
        assert_eq!(check(&tree).len(), 1);
    }
}
