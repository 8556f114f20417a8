//! Counting: what `cargo test` says in its summary lines, added up.

use std::ops::AddAssign;

/// Tests that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) passed: u64,
    pub(super) failed: u64,
    /// Switched off in the source. A suite that has any has failed.
    pub(super) ignored: u64,
}

impl Tally {
    pub(super) const PASSED: Self = Self {
        passed: 1,
        failed: 0,
        ignored: 0,
    };
    pub(super) const FAILED: Self = Self {
        passed: 0,
        failed: 1,
        ignored: 0,
    };

    /// The counts in a line such as
    /// `test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.01s`.
    pub(super) fn from_line(line: &str) -> Option<Self> {
        let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
        let count = |word: &str| {
            counts.split("; ").find_map(|part| {
                let (number, name) = part.split_once(' ')?;
                (name == word).then(|| number.parse().ok())?
            })
        };
        Some(Self {
            passed: count("passed")?,
            failed: count("failed")?,
            ignored: count("ignored")?,
        })
    }

    pub(super) fn ran(self) -> u64 {
        self.passed + self.failed
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, counts: Option<(u64, u64, u64)>) {
        let tally = Tally::from_line(line);
        assert_eq!(
            tally.map(|t| (t.passed, t.failed, t.ignored)),
            counts,
            "{line}"
        );
    }

    #[test]
    fn summary_lines_are_counted_and_nothing_else_is() {
        check(
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s",
            Some((12, 0, 1)),
        );
        check(
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 9.00s",
            Some((3, 2, 0)),
        );
        check("test bgp::tests::a_result ... ok", None);
        check("test result: ok.", None);
        check("", None);
    }
}
