//! Runs the rules of a route-map.

use std::fmt::Write;
use std::sync::Arc;

use crate::bgp::attributes::AttributesView;
use crate::bgp::types::NextHop;
use crate::policy::change::{self, AttributeChange, SideChange};
use crate::policy::compile::{Hit, Named};
use crate::policy::condition::Condition;
use crate::policy::model::Action;
use crate::policy::outcome::{Denial, Edits, NextHopEdit};
use crate::policy::problem::ListKind;
use crate::policy::subject::{Scratch, Subject};

/// A compiled route-map: nothing in it can fail or run in circles.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) struct RouteMap {
    pub(in crate::policy) name: Arc<str>,
    pub(in crate::policy) rules: Vec<Rule>,
    pub(in crate::policy) depends_on_prefix: bool,
    pub(in crate::policy) depends_on_peer: bool,
    /// Levels of calls, this one included.
    pub(in crate::policy) levels: usize,
    /// Rules that one route meets at most, those of called maps included.
    pub(in crate::policy) cost: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) struct Rule {
    pub(in crate::policy) number: u32,
    pub(in crate::policy) action: Action,
    pub(in crate::policy) conditions: Vec<Condition>,
    pub(in crate::policy) attributes: Vec<AttributeChange>,
    pub(in crate::policy) sides: Vec<SideChange>,
    pub(in crate::policy) call: Option<Arc<RouteMap>>,
    pub(in crate::policy) then: Then,
}

/// After a rule that permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Then {
    End,
    /// With the rule at this index, which comes later.
    GoOn(usize),
}

/// A route on its way through a policy, as it is by now.
pub(in crate::policy) struct State<'a, 's> {
    pub(in crate::policy) subject: &'a Subject<'a>,
    pub(in crate::policy) edits: Edits,
    scratch: &'s mut Scratch,
}

impl<'a, 's> State<'a, 's> {
    pub(in crate::policy) fn new(subject: &'a Subject<'a>, scratch: &'s mut Scratch) -> Self {
        scratch.as_path_known = false;
        Self {
            subject,
            edits: Edits::default(),
            scratch,
        }
    }

    pub(in crate::policy) fn view(&self) -> AttributesView<'_> {
        AttributesView::new(self.raw())
    }

    pub(in crate::policy) fn raw(&self) -> &[u8] {
        self.edits.raw.as_deref().unwrap_or(self.subject.raw)
    }

    pub(in crate::policy) fn next_hop(&self) -> NextHop {
        match self.edits.next_hop {
            NextHopEdit::Set(next_hop) => next_hop,
            NextHopEdit::Kept | NextHopEdit::Unchanged => self.subject.next_hop,
        }
    }

    pub(in crate::policy) fn tag(&self) -> u32 {
        self.edits.tag.unwrap_or(self.subject.tag)
    }

    /// Written once for all expressions that look at it.
    pub(in crate::policy) fn as_path_text(&mut self) -> &str {
        let raw = self.edits.raw.as_deref().unwrap_or(self.subject.raw);
        let scratch = &mut *self.scratch;
        if !scratch.as_path_known {
            scratch.as_path.clear();
            // A String takes everything.
            _ = write!(scratch.as_path, "{}", AttributesView::new(raw).as_path());
            scratch.as_path_known = true;
        }
        &scratch.as_path
    }

    /// The attributes, and a buffer for the text of communities.
    pub(in crate::policy) fn communities(&mut self) -> (AttributesView<'_>, &mut String) {
        let raw = self.edits.raw.as_deref().unwrap_or(self.subject.raw);
        (AttributesView::new(raw), &mut self.scratch.communities)
    }

    fn apply(&mut self, rule: &Rule) {
        if !rule.attributes.is_empty() {
            let before = self.edits.raw.take();
            let raw = before.as_deref().unwrap_or(self.subject.raw);
            let text = &mut self.scratch.communities;
            let after = change::edit(raw, self.subject, &rule.attributes, text);
            self.edits.raw = (*after != *self.subject.raw).then_some(after);
        }
        for change in &rule.attributes {
            match change {
                AttributeChange::AsPath(_) => self.scratch.as_path_known = false,
                AttributeChange::Metric(_) => self.edits.med_set = true,
                AttributeChange::Aggregator(_)
                | AttributeChange::AtomicAggregate
                | AttributeChange::Community(..)
                | AttributeChange::LargeCommunity(_)
                | AttributeChange::ExtendedCommunity(_)
                | AttributeChange::LocalPreference(_)
                | AttributeChange::Origin(_)
                | AttributeChange::OriginatorId(_) => {}
            }
        }
        for change in &rule.sides {
            change.apply(self);
        }
    }
}

/// Hears of each step. `()` does not listen.
pub(in crate::policy) trait Trace {
    fn list(&mut self, kind: ListKind, name: &Arc<str>, hit: Option<Hit>);
    fn skipped(&mut self, map: &RouteMap, rule: &Rule, failed: &Condition);
    fn taken(&mut self, map: &RouteMap, rule: &Rule);
    fn ended(&mut self, map: &RouteMap);
}

impl Trace for () {
    fn list(&mut self, _: ListKind, _: &Arc<str>, _: Option<Hit>) {}
    fn skipped(&mut self, _: &RouteMap, _: &Rule, _: &Condition) {}
    fn taken(&mut self, _: &RouteMap, _: &Rule) {}
    fn ended(&mut self, _: &RouteMap) {}
}

impl RouteMap {
    /// Permits by returning, with the edits in `state`. The end denies, also what an earlier rule has matched
    /// and sent on.
    pub(in crate::policy) fn run(
        &self,
        state: &mut State<'_, '_>,
        trace: &mut impl Trace,
    ) -> Result<(), Denial> {
        let mut at = 0;
        while let Some(rule) = self.rules.get(at) {
            let failed = rule
                .conditions
                .iter()
                .find(|condition| !condition.holds(state));
            if let Some(failed) = failed {
                trace.skipped(self, rule, failed);
                at += 1;
                continue;
            }
            trace.taken(self, rule);
            if rule.action == Action::Deny {
                return Err(self.denial(Some(rule.number)));
            }
            state.apply(rule);
            if let Some(called) = &rule.call {
                called.run(state, trace)?;
            }
            match rule.then {
                Then::End => return Ok(()),
                Then::GoOn(index) => at = index,
            }
        }
        trace.ended(self);
        Err(self.denial(None))
    }

    fn denial(&self, rule: Option<u32>) -> Denial {
        Denial {
            list: ListKind::RouteMap,
            name: self.name.clone(),
            rule,
        }
    }
}

impl Named for RouteMap {
    fn name(&self) -> &Arc<str> {
        &self.name
    }
}

#[cfg(test)]
mod tests;
