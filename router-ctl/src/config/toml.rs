//! TOML text ↔ [`Tree`] ↔ [`Config`]. The table path is the `set` path.
//!
//! Reading never stops at the first problem: the parser recovers from what is not TOML, the walk along the
//! schema notes what it cannot use and goes on, and the cross-checks see whatever is left. Only when the text
//! itself is broken are missing nodes, unknown nodes and the cross-checks left out, for they may come from the
//! part that could not be read.

mod lines;
mod read;
mod suggest;
mod write;

use crate::config::model::Config;
use crate::config::problem::{Code, Problem};
use crate::config::tree::Tree;
use crate::config::{build, check};

/// Reads a whole file. On success the warnings come along; on failure all problems of the file, errors and
/// warnings, in the order of their positions.
///
/// # Errors
/// When the text has at least one error.
pub fn parse(text: &str) -> Result<(Config, Vec<Problem>), Vec<Problem>> {
    let read::Outcome {
        tree,
        mut problems,
        broken,
    } = read::read(text);
    let config = build::config(&tree);
    if broken {
        problems.retain(|problem| !matches!(problem.code, Code::Required | Code::UnknownPath));
    } else {
        problems.extend(cross_checks(&config, &tree, &problems));
    }
    problems.sort_by_key(|problem| problem.position);
    if problems.iter().any(Problem::is_error) {
        Err(problems)
    } else {
        Ok((config, problems))
    }
}

/// The cross-checks, with their places in the text. Defaults stand in for what could not be read, so a
/// configuration with an error in it earns no warnings, and a node with an error in it no further ones.
fn cross_checks(config: &Config, tree: &Tree, found: &[Problem]) -> Vec<Problem> {
    let complete = !found.iter().any(Problem::is_error);
    let mut problems = check::check(config);
    problems.retain(|problem| {
        let spoilt = |found: &Problem| found.is_error() && found.path.starts_with(&problem.path);
        complete || (problem.is_error() && !found.iter().any(spoilt))
    });
    for problem in &mut problems {
        problem.position = tree.position_of(&problem.path);
    }
    problems
}

/// The configuration as TOML: what differs from the defaults, in the order of the schema.
pub fn render(config: &Config) -> String {
    write::write(&build::tree(config))
}

#[cfg(test)]
pub(in crate::config) mod tests;
