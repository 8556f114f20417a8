//! Collects what is wrong, with the path where.

use std::collections::BTreeMap;

use crate::policy::problem::{PolicyProblem, ProblemKind};

#[derive(Debug, Default)]
pub(super) struct Findings {
    path: Vec<String>,
    problems: Vec<PolicyProblem>,
}

impl Findings {
    pub(super) fn into_problems(self) -> Vec<PolicyProblem> {
        self.problems
    }

    /// What `body` reports lies below `words`.
    pub(super) fn within<T>(&mut self, words: &[&str], body: impl FnOnce(&mut Self) -> T) -> T {
        let outside = self.path.len();
        self.path.extend(words.iter().map(|&word| word.to_owned()));
        let result = body(self);
        self.path.truncate(outside);
        result
    }

    pub(super) fn report(
        &mut self,
        kind: ProblemKind,
        leaf: &[&str],
        message: impl Into<String>,
        hint: &str,
    ) {
        let words = leaf.iter().map(|&word| word.to_owned());
        self.problems.push(PolicyProblem {
            kind,
            path: self.path.iter().cloned().chain(words).collect(),
            message: message.into(),
            hint: (!hint.is_empty()).then(|| hint.to_owned()),
        });
    }

    /// The value of a leaf that must be there.
    pub(super) fn required<T>(&mut self, leaf: &str, value: Option<T>, hint: &str) -> Option<T> {
        if value.is_none() {
            self.report(ProblemKind::Required, &[leaf], "required", hint);
        }
        value
    }

    /// The rules of an object that `compile` can make something of, by number.
    pub(super) fn rules<R, T>(
        &mut self,
        rules: &BTreeMap<u32, R>,
        mut compile: impl FnMut(&mut Self, u32, &R) -> Option<T>,
    ) -> Vec<T> {
        let compiled = rules.iter().filter_map(|(&number, rule)| {
            self.within(&["rule", &number.to_string()], |findings| {
                if !(1..=65535).contains(&number) {
                    let message = "rule numbers are 1 to 65535";
                    findings.report(ProblemKind::OutOfRange, &[], message, "");
                }
                compile(findings, number, rule)
            })
        });
        compiled.collect()
    }
}
