//! The way that a route takes through a policy, for `router-ctl explain policy`.

use std::sync::Arc;

use crate::policy::outcome::Outcome;
use crate::policy::problem::ListKind;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// In the order of evaluation, those of called route-maps included.
    pub steps: Vec<Step>,
    pub outcome: Outcome,
}

/// One object or rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub list: ListKind,
    pub name: Arc<str>,
    /// `None`: no rule matched up to the end.
    pub rule: Option<u32>,
    pub matched: bool,
    /// The first leaf of `match` that did not hold.
    pub failed: Option<String>,
    /// What the rule set, in the words of the configuration.
    pub set: Vec<String>,
}
