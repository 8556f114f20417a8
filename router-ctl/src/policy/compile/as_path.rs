//! `as-path-list`: expressions over the path as it is shown, `65001 65002 {65003,65004}`.

use std::sync::Arc;

use super::findings::Findings;
use super::hit::{Hit, Named};
use super::pattern::{Case, Pattern, PatternError};
use crate::policy::model;
use crate::policy::problem::ProblemKind;

#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) struct AsPathList {
    name: Arc<str>,
    rules: Vec<(Hit, Pattern)>,
}

impl AsPathList {
    pub(super) fn compile(findings: &mut Findings, name: &str, list: &model::RegexList) -> Self {
        let rules = findings.rules(&list.rule, |findings, rule, configured| {
            let action = findings.required("action", configured.action, "permit or deny");
            let written = findings.required("regex", configured.regex.as_ref(), "")?;
            let pattern = compile_pattern(findings, written, Case::Significant);
            let (pattern, action) = (pattern?, action?);
            Some((Hit { rule, action }, pattern))
        });
        Self {
            name: name.into(),
            rules,
        }
    }

    /// The first rule that matches.
    pub(in crate::policy) fn find(&self, path: &str) -> Option<Hit> {
        let (hit, _) = self
            .rules
            .iter()
            .find(|(_, pattern)| pattern.matches(path))?;
        Some(*hit)
    }
}

impl Named for AsPathList {
    fn name(&self) -> &Arc<str> {
        &self.name
    }
}

pub(super) fn compile_pattern(
    findings: &mut Findings,
    written: &str,
    case: Case,
) -> Option<Pattern> {
    Pattern::new(written, case)
        .map_err(|error| {
            let (kind, hint) = match error {
                PatternError::TooLarge => (
                    ProblemKind::Capacity,
                    "smaller counts, or several rules instead of one",
                ),
                PatternError::Malformed(_) => (
                    ProblemKind::BadValue,
                    "as in VyOS: _ begins or ends a number, \\ before a literal . ( { [",
                ),
            };
            findings.report(kind, &["regex"], error.to_string(), hint);
        })
        .ok()
}
