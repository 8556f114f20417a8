//! Route-maps: names become objects, numbers become positions. A map is compiled after those that it calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::findings::Findings;
use super::matches::conditions;
use super::objects::{Objects, Table, keep};
use super::sets::{attribute_changes, side_changes};
use crate::policy::change::SideChange;
use crate::policy::condition::Condition;
use crate::policy::evaluate::{RouteMap, Rule, Then};
use crate::policy::model::{self, Action, OnMatch};
use crate::policy::problem::ProblemKind;

/// Calls inside calls.
const MOST_LEVELS: usize = 16;
/// Rules that a route may meet: calls multiply.
const MOST_RULES: usize = 1 << 20;

pub(super) struct Compiler<'a> {
    configured: &'a BTreeMap<String, model::RouteMap>,
    objects: &'a Objects,
    previous: &'a Table<RouteMap>,
    /// Maps whose calls are being followed.
    open: Vec<&'a str>,
    done: Table<RouteMap>,
}

impl<'a> Compiler<'a> {
    /// All maps. `objects` has the lists.
    pub(super) fn compile(
        findings: &mut Findings,
        configured: &'a BTreeMap<String, model::RouteMap>,
        objects: &'a Objects,
        previous: &'a Table<RouteMap>,
    ) -> Table<RouteMap> {
        let mut compiler = Self {
            configured,
            objects,
            previous,
            open: Vec::new(),
            done: Table::new(),
        };
        for (name, map) in configured {
            compiler.map(findings, name, map);
        }
        compiler.done
    }

    fn map(
        &mut self,
        findings: &mut Findings,
        name: &'a str,
        map: &'a model::RouteMap,
    ) -> Arc<RouteMap> {
        if let Some(done) = self.done.get(name) {
            return done.clone();
        }
        self.open.push(name);
        let called = self.called(findings, map);
        self.open.pop();
        let compiled = findings.within(&["route-map", name], |findings| {
            let rules = findings.rules(&map.rule, |findings, number, rule| {
                let call = called.get(&number).cloned();
                let then = then(findings, map, number, rule);
                let compiled = compile_rule(findings, self.objects, number, rule)?;
                Some(compiled.with(call, then))
            });
            let compiled = RouteMap::new(name, rules);
            if compiled.cost > MOST_RULES {
                let message =
                    format!("a route may meet more than {MOST_RULES} rules, calls included");
                findings.report(ProblemKind::Capacity, &[], message, "call fewer maps");
            }
            compiled
        });
        let compiled = keep(compiled, self.previous.get(name));
        self.done.insert(name.to_owned(), compiled.clone());
        compiled
    }

    /// The maps that rules call. Their problems are reported at their own places.
    fn called(
        &mut self,
        findings: &mut Findings,
        map: &'a model::RouteMap,
    ) -> BTreeMap<u32, Arc<RouteMap>> {
        let own = self.open.last().copied().unwrap_or_default();
        let mut called = BTreeMap::new();
        for (&number, rule) in &map.rule {
            let Some(name) = &rule.call else { continue };
            let rule = number.to_string();
            let place = ["route-map", own, "rule", &rule, "call"];
            let Some((name, target)) = self.configured.get_key_value(name) else {
                let message = format!("there is no route-map {name}");
                let hint = "define it, or remove the call";
                findings.report(ProblemKind::MissingReference, &place, message, hint);
                continue;
            };
            if self.open.contains(&name.as_str()) {
                let message = format!("{} calls itself", way(&self.open, name));
                let hint = "a route-map cannot lead back to itself";
                findings.report(ProblemKind::Conflict, &place, message, hint);
                continue;
            }
            if self.open.len() >= MOST_LEVELS {
                too_deep(findings, &place);
                continue;
            }
            let target = self.map(findings, name, target);
            if target.levels >= MOST_LEVELS {
                too_deep(findings, &place);
                continue;
            }
            called.insert(number, target);
        }
        called
    }
}

/// A rule that ends the map and calls nothing yet.
fn compile_rule(
    findings: &mut Findings,
    objects: &Objects,
    number: u32,
    rule: &model::RouteMapRule,
) -> Option<Rule> {
    let action = findings.required("action", rule.action, "permit or deny");
    let conditions = findings.within(&["match"], |findings| {
        conditions(findings, objects, &rule.match_)
    });
    let (attributes, sides) = findings.within(&["set"], |findings| {
        let attributes = attribute_changes(findings, objects, &rule.set);
        (attributes, side_changes(findings, &rule.set))
    });
    let mut compiled = Rule {
        number,
        action: action?,
        conditions,
        attributes,
        sides,
        call: None,
        then: Then::End,
    };
    if compiled.action == Action::Deny {
        // What is denied is not changed.
        compiled.attributes.clear();
        compiled.sides.clear();
    }
    Some(compiled)
}

impl Rule {
    fn with(self, call: Option<Arc<RouteMap>>, then: Then) -> Self {
        match self.action {
            Action::Permit => Self { call, then, ..self },
            // What is denied goes nowhere.
            Action::Deny => self,
        }
    }
}

/// `a → b → a`.
fn way(open: &[&str], name: &str) -> String {
    let from = open.iter().position(|each| *each == name).unwrap_or(0);
    let mut words: Vec<&str> = open.iter().skip(from).copied().collect();
    words.push(name);
    words.join(" → ")
}

fn too_deep(findings: &mut Findings, place: &[&str]) {
    let message = format!("more than {MOST_LEVELS} route-maps call one another");
    findings.report(ProblemKind::Capacity, place, message, "call fewer maps");
}

/// Positions, of which `map` has as many as rules: an incomplete rule is a problem of its own.
fn then(
    findings: &mut Findings,
    map: &model::RouteMap,
    number: u32,
    rule: &model::RouteMapRule,
) -> Then {
    let (leaf, target): (&[&str], u32) = match (rule.continue_, rule.on_match) {
        (None, None) => return Then::End,
        (None, Some(OnMatch::Next)) => {
            let later = map.rule.range(..=number).count();
            // Behind the last rule there is nothing to go on with: the route stays permitted.
            return if later < map.rule.len() {
                Then::GoOn(later)
            } else {
                Then::End
            };
        }
        (Some(target), None) => (&["continue"], target),
        (None, Some(OnMatch::Goto(target))) => (&["on-match", "goto"], target),
        (Some(_), Some(_)) => {
            let message = "continue and on-match say both where to go on";
            findings.report(ProblemKind::Conflict, &["on-match"], message, "keep one");
            return Then::End;
        }
    };
    if target <= number {
        let message = format!("rule {target} does not come after rule {number}");
        let hint = "a route-map is only left forwards";
        findings.report(ProblemKind::Conflict, leaf, message, hint);
    } else if !map.rule.contains_key(&target) {
        let message = format!("there is no rule {target}");
        let hint = "name a rule of this route-map";
        findings.report(ProblemKind::MissingReference, leaf, message, hint);
    }
    Then::GoOn(map.rule.range(..target).count())
}

impl RouteMap {
    fn new(name: &str, rules: Vec<Rule>) -> Self {
        let calls = || rules.iter().filter_map(|rule| rule.call.as_deref());
        Self {
            name: name.into(),
            depends_on_prefix: calls().any(|map| map.depends_on_prefix)
                || rules
                    .iter()
                    .flat_map(|rule| &rule.conditions)
                    .any(Condition::depends_on_prefix),
            depends_on_peer: calls().any(|map| map.depends_on_peer)
                || rules.iter().any(|rule| {
                    rule.conditions.iter().any(Condition::depends_on_peer)
                        || rule.sides.iter().any(SideChange::depends_on_peer)
                }),
            levels: 1 + calls().map(|map| map.levels).max().unwrap_or(0),
            cost: calls().fold(rules.len(), |cost, map| cost.saturating_add(map.cost)),
            rules,
        }
    }
}

#[cfg(test)]
mod tests;
