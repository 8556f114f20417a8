//! Each fate that a packet can have is met by a packet in the tests: every variant of
//! `router-common/src/verdict.rs` is named in `tests/xdp/`, or in the host's tests of the same code for the
//! frames that the kernel's test run does not take.

use super::Finding;
use super::tree::Tree;

const VERDICTS: &str = "router-common/src/verdict.rs";
const TESTS: &str = "tests/xdp/";
const PROGRAM: &str = "router-ebpf/src/";
/// No fate: marks a next hop that names a port.
const NO_FATE: &str = "Unset";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.get(VERDICTS) else {
        return vec![Finding::new(VERDICTS, 1, "is missing")];
    };
    let lines = (1..).zip(file.text.lines());
    let untested = lines.filter_map(|(number, line)| {
        let variant = variant(line).filter(|variant| *variant != NO_FATE)?;
        let reason = format!("no packet in {TESTS} meets {variant}");
        (!is_met(tree, variant)).then(|| Finding::new(VERDICTS, number, reason))
    });
    untested.collect()
}

/// The name in `Forwarded = "Forwarded", "", Redirect;`.
fn variant(line: &str) -> Option<&str> {
    let (name, rest) = line.trim().split_once(" = \"")?;
    let is_row = rest.ends_with(';') && name.chars().all(char::is_alphanumeric);
    is_row.then_some(name)
}

fn is_met(tree: &Tree, variant: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tests = tree.sources().filter(|(path, _)| {
        path.starts_with(TESTS) || (path.starts_with(PROGRAM) && path.ends_with("/tests.rs"))
    });
    tests.any(|(_, source)| {
        source.lines().any(|line| {
            line.code.match_indices(variant).any(|(at, _)| {
                let after = &line.code[at + variant.len()..];
                !line.code[..at].ends_with(part_of_word) && !after.starts_with(part_of_word)
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree::fixture;

    #[test]
    fn a_fate_that_no_packet_meets_is_found() {
        let tree = fixture(&[
            (
                VERDICTS,
                "verdicts! {\n    Unset = \"Unset\", \"\", Pass;\n    PassScope = \"PassScope\", \"\", Pass;\n    PassNoPortDown = \"PassNoPort\", \"down\", Pass;\n}\n",
            ),
            (
                "tests/xdp/ipv6.rs",
                "bench.passes(&frame, Verdict::PassScope); // PassNoPortDown\n",
            ),
        ]);
        let found: Vec<_> = check(&tree).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            ["router-common/src/verdict.rs:4: no packet in tests/xdp/ meets PassNoPortDown"]
        );
    }
}
