//! How far one member of a group has come. A member in step has been told what the group has been told. One that
//! joined later still has positions to walk; one whose socket is full collects the prefixes that changed.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;

use smallvec::SmallVec;

use super::forms::FormNumber;
use super::told::{Item, Told};
use crate::bgp::types::{Family, PathId, RouterId};
use crate::prefix::PrefixId;
use crate::rib::peers::slot;
use crate::rib::route::PeerInfo;
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

/// What a member knows about an item: the path and the form in which it was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) told: Option<Told>,
    pub(super) form: FormNumber,
}

#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) address: Option<IpAddr>,
    pub(super) router_id: RouterId,
    pub(super) congested: bool,
    pub(super) walks: [Walk; 2],
    /// What the member knows where the group knows better. Each entry holds a reference to its attributes.
    lag: BTreeMap<Item, Known>,
    order: VecDeque<Item>,
}

impl Member {
    pub(super) fn new(info: Option<&PeerInfo>) -> Self {
        let router_id = info.map(|info| info.router_id);
        Self {
            address: info.and_then(|info| info.address),
            router_id: router_id.unwrap_or(RouterId(Ipv4Addr::UNSPECIFIED)),
            congested: false,
            walks: [Walk::default(), Walk::default()],
            lag: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

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
    pub(super) fn fall_behind(&mut self, item: Item, before: Known) -> bool {
        let walk = self.walk(family_of(item.prefix));
        let untold = !walk.again && walk.contains(item.prefix.index());
        if untold || self.lag.contains_key(&item) {
            return false;
        }
        self.lag.insert(item, before);
        self.order.push_back(item);
        true
    }

    /// The next item to catch up with, and what the member knows of it.
    pub(super) fn catch_up(&mut self) -> Option<(Item, Known)> {
        let item = self.order.pop_front()?;
        let known = self.lag.remove(&item)?;
        if self.lag.is_empty() {
            self.order = VecDeque::new();
        }
        Some((item, known))
    }

    /// What it has not caught up with, when it leaves.
    pub(super) fn into_lag(self) -> impl Iterator<Item = (Item, Known)> {
        self.lag.into_iter()
    }

    pub(super) fn lags(&self) -> bool {
        !self.lag.is_empty()
    }

    pub(super) fn knows_otherwise(&self, id: PrefixId) -> bool {
        let item = |path| Item { prefix: id, path };
        let mut known = self.lag.range(item(PathId(0))..=item(PathId(u32::MAX)));
        known.next().is_some()
    }
}
