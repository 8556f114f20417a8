//! The way that a route takes through a policy, for `router-ctl explain policy`.

use std::sync::Arc;

use crate::bgp::types::NextHop;
use crate::policy::compile::Hit;
use crate::policy::condition::Condition;
use crate::policy::evaluate::{RouteMap, Rule, Trace};
use crate::policy::model::Action;
use crate::policy::outcome::Outcome;
use crate::policy::problem::ListKind;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// In the order of evaluation, those of called route-maps included.
    pub steps: Vec<Step>,
    pub outcome: Outcome,
    /// The attributes as they are at the end, or were when the route was denied.
    pub raw: Box<[u8]>,
    pub next_hop: NextHop,
    pub weight: u32,
    pub tag: u32,
}

/// One object or rule that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub list: ListKind,
    pub name: Arc<str>,
    /// `None`: no rule matched up to the end.
    pub rule: Option<u32>,
    pub matched: bool,
    /// What the rule that matched says.
    pub action: Option<Action>,
    /// The first leaf of `match` that did not hold.
    pub failed: Option<String>,
    /// What the rule set, in the words of the configuration.
    pub set: Vec<String>,
}

impl Trace for Vec<Step> {
    fn list(&mut self, kind: ListKind, name: &Arc<str>, hit: Option<Hit>) {
        self.push(Step {
            list: kind,
            name: name.clone(),
            rule: hit.map(|hit| hit.rule),
            matched: hit.is_some(),
            action: hit.map(|hit| hit.action),
            failed: None,
            set: Vec::new(),
        });
    }

    fn skipped(&mut self, map: &RouteMap, rule: &Rule, failed: &Condition) {
        self.push(Step {
            failed: Some(failed.to_string()),
            ..Step::of(map, Some(rule.number))
        });
    }

    fn taken(&mut self, map: &RouteMap, rule: &Rule) {
        let attributes = rule.attributes.iter().map(ToString::to_string);
        let sides = rule.sides.iter().map(ToString::to_string);
        self.push(Step {
            matched: true,
            action: Some(rule.action),
            set: attributes.chain(sides).collect(),
            ..Step::of(map, Some(rule.number))
        });
    }

    fn ended(&mut self, map: &RouteMap) {
        self.push(Step::of(map, None));
    }
}

impl Step {
    fn of(map: &RouteMap, rule: Option<u32>) -> Self {
        Self {
            list: ListKind::RouteMap,
            name: map.name.clone(),
            rule,
            matched: false,
            action: None,
            failed: None,
            set: Vec::new(),
        }
    }
}
