//! How far one member of a group has come. A member in step has been told what the group has been told. One that
//! joined later still has positions to walk; one whose socket is full collects the prefixes that changed.

use std::collections::VecDeque;
use std::ops::Range;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::told::Told;
use crate::bgp::types::Family;
use crate::prefix::PrefixId;
use crate::rib::peers::slot;
use crate::rib::route::PeerId;
use crate::rib::table::family_of;

/// How a peer that asked for its routes again is told where they begin and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshStyle {
    /// RFC 2918: not at all.
    Plain,
    /// RFC 7313: BoRR and EoRR.
    Enhanced,
}

/// What closes the table of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    EndOfRib,
    EndOfRefresh,
}

/// One family of one member.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    /// Positions of the group's table still to be sent, ascending.
    remaining: SmallVec<[Range<usize>; 2]>,
    /// The member knows what lies in `remaining` and asked for it again.
    again: bool,
    pub(super) closing: Option<Closing>,
    pub(super) wanted: Option<RefreshStyle>,
}

impl Walk {
    /// The first table: positions below `bound` have not been told.
    pub(super) fn first(bound: usize) -> Self {
        Self {
            remaining: ranges(bound),
            again: false,
            closing: Some(Closing::EndOfRib),
            wanted: None,
        }
    }

    pub(super) fn refresh(&mut self, bound: usize, style: RefreshStyle) {
        self.remaining = ranges(bound);
        self.again = true;
        self.closing = match style {
            RefreshStyle::Plain => None,
            RefreshStyle::Enhanced => Some(Closing::EndOfRefresh),
        };
    }

    pub(super) fn is_done(&self) -> bool {
        self.remaining.is_empty()
    }

    pub(super) fn contains(&self, position: usize) -> bool {
        self.remaining.iter().any(|range| range.contains(&position))
    }

    /// The first position at or after `from` that remains.
    pub(super) fn next(&self, from: usize) -> Option<usize> {
        let range = self.remaining.iter().find(|range| range.end > from)?;
        Some(range.start.max(from))
    }

    /// The first border of a range after `position`.
    pub(super) fn border(&self, position: usize) -> Option<usize> {
        self.remaining
            .iter()
            .flat_map(|range| [range.start, range.end])
            .find(|&border| border > position)
    }

    /// `sent` lies inside one of the ranges.
    pub(super) fn note_sent(&mut self, sent: &Range<usize>) {
        let split = |range: &Range<usize>| {
            [
                range.start..range.end.min(sent.start),
                range.start.max(sent.end)..range.end,
            ]
        };
        self.remaining = self
            .remaining
            .iter()
            .flat_map(split)
            .filter(|range| !range.is_empty())
            .collect();
    }
}

fn ranges(bound: usize) -> SmallVec<[Range<usize>; 2]> {
    let whole = 0..bound;
    [whole]
        .into_iter()
        .filter(|range| !range.is_empty())
        .collect()
}

#[derive(Clone, Debug, Default)]
pub(super) struct Member {
    pub(super) congested: bool,
    pub(super) walks: [Walk; 2],
    /// What the member knows of prefixes about which the group knows better. Each entry holds a reference to its
    /// attributes.
    lag: FxHashMap<PrefixId, Option<Told>>,
    order: VecDeque<PrefixId>,
}

impl Member {
    pub(super) fn is_in_step(&self) -> bool {
        !self.congested && self.lag.is_empty() && self.walks.iter().all(Walk::is_done)
    }

    /// Not congested and not catching up either: ready for the next stretch of its walks.
    pub(super) fn can_walk(&self) -> bool {
        !self.congested && self.lag.is_empty()
    }

    pub(super) fn walk(&self, family: Family) -> &Walk {
        &self.walks[slot(family)]
    }

    pub(super) fn walk_mut(&mut self, family: Family) -> &mut Walk {
        &mut self.walks[slot(family)]
    }

    /// The shared stream said something that this member has not heard; `before` is what the group knew. Whether
    /// it was kept, and with it a reference.
    pub(super) fn fall_behind(&mut self, id: PrefixId, before: Option<Told>) -> bool {
        let walk = self.walk(family_of(id));
        let untold = !walk.again && walk.contains(id.index());
        if untold || self.lag.contains_key(&id) {
            return false;
        }
        self.lag.insert(id, before);
        self.order.push_back(id);
        true
    }

    /// The next prefix to catch up with, and what the member knows of it.
    pub(super) fn catch_up(&mut self) -> Option<(PrefixId, Option<Told>)> {
        let id = self.order.pop_front()?;
        let told = self.lag.remove(&id)?;
        if self.lag.is_empty() {
            self.lag = FxHashMap::default();
            self.order = VecDeque::new();
        }
        Some((id, told))
    }

    /// What it has not caught up with, when it leaves.
    pub(super) fn into_lag(self) -> impl Iterator<Item = (PrefixId, Option<Told>)> {
        self.lag.into_iter()
    }

    pub(super) fn lags(&self) -> bool {
        !self.lag.is_empty()
    }

    pub(super) fn knows_otherwise(&self, id: PrefixId) -> bool {
        self.lag.contains_key(&id)
    }
}

/// What `peer` has been told when the others have been told `told`: never its own path.
pub(super) fn as_seen_by(peer: PeerId, told: Option<Told>) -> Option<Told> {
    told.filter(|told| told.source != peer)
}
