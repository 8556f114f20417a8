//! What peers have been told, and the next difference.
//!
//! Peers that are told the same form a group ([`GroupKey`]). A group has one Adj-RIB-Out: for each prefix the path
//! it was told, by attributes and sender, in 8 bytes. A change is exported and encoded once and the bytes are
//! shared by all members; the sender of a path is left out, and told to forget what it had been told before.
//!
//! A member is in step with the group, or it is not: it joined when the table was not empty, asked for a refresh,
//! or cannot be written to for the moment. Then it walks the group's table (walks of several members share one
//! stride), and what changes behind its back is noted with what the member knows, so that it is told exactly the
//! difference when it catches up. Nobody waits for anybody.
//!
//! A prefix must keep its number until those who were told of it have been told of its end: see
//! [`UpdateGroups::uses`] and [`UpdateGroups::drain_unused`].

mod batch;
mod exports;
mod gate;
mod group;
mod marks;
mod member;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use self::exports::Exports;
use self::gate::Gate;
use self::group::{Group, Work};
pub use self::member::RefreshStyle;
use self::told::ToldTable;
use super::attributes::AttributesId;
use super::export::GroupKey;
use super::peers::slot;
use super::route::PeerId;
use super::scan::Scan;
use super::table::Rib;
use crate::bgp::types::{Family, PathAttributes};
use crate::prefix::{PrefixId, PrefixIndex};

/// Whole messages for some peers, in the order in which they must be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    pub peers: SmallVec<[PeerId; 4]>,
    pub bytes: Arc<[u8]>,
    pub messages: u32,
    /// These bytes are the End-of-RIB of a family.
    pub end_of_rib: Option<Family>,
}

impl Transmit {
    fn one(peers: &[PeerId], bytes: Vec<u8>) -> Self {
        Self {
            peers: SmallVec::from_slice(peers),
            bytes: Arc::from(bytes),
            messages: 1,
            end_of_rib: None,
        }
    }
}

/// Places of former tables that are cleared for one unit of the budget.
const CLEARED_PER_UNIT: usize = 8;

/// Number of a group, for readers. Not used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u32);

#[derive(Debug, Default)]
pub struct UpdateGroups {
    groups: BTreeMap<GroupId, Group>,
    /// The group of each member.
    members: BTreeMap<PeerId, GroupId>,
    next_id: GroupId,
    /// The group whose turn comes first.
    turn: GroupId,
    gate: Gate,
    exports: Exports,
    /// Tables of groups without members, and how far they have been cleared.
    former: Vec<FormerTable>,
    /// References that members held when they left.
    released: Vec<AttributesId>,
    unused: Vec<PrefixId>,
}

impl UpdateGroups {
    pub fn new() -> Self {
        Self::default()
    }

    /// A session is up: the peer is sent everything that its group is told, and End-of-RIB for each family after
    /// it. A peer that is a member leaves first; what it was told before is taken to be forgotten with its session.
    pub fn join(&mut self, rib: &Rib, peer: PeerId, key: GroupKey) {
        self.leave(peer);
        let known = self.groups.iter().find(|(_, group)| group.key == key);
        let id = known.map_or(self.next_id, |(&id, _)| id);
        if id == self.next_id {
            self.next_id.0 += 1;
        }
        let group = self.groups.entry(id);
        group.or_insert_with(|| Group::new(key, rib)).join(peer);
        self.members.insert(peer, id);
    }

    /// LEAD-INTERIM
    pub fn rejoin(&mut self, rib: &mut Rib, peer: PeerId, key: GroupKey) {
        let same = self
            .members
            .get(&peer)
            .and_then(|id| self.groups.get(id))
            .is_some_and(|group| group.key == key);
        if !same && self.members.contains_key(&peer) {
            self.join(rib, peer, key);
        }
    }
    /// LEAD-INTERIM
    pub fn set_suppressed(&mut self, _id: PrefixId, _suppressed: bool) {}

    /// The session is down.
    pub fn leave(&mut self, peer: PeerId) {
        let Some(id) = self.members.remove(&peer) else {
            return;
        };
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        if let Some(member) = group.members.remove(&peer) {
            for (prefix, told) in member.into_lag() {
                self.unused.push(prefix);
                self.released.extend(told.map(|told| told.attributes));
            }
        }
        if group.members.is_empty()
            && let Some(mut group) = self.groups.remove(&id)
        {
            self.unused.extend(std::iter::from_fn(|| group.queue.pop()));
            self.former.push(FormerTable::new(group.told));
        }
    }

    /// The choice for `id` is another, and the data plane has it: members hear of it.
    pub fn note_change(&mut self, id: PrefixId) {
        self.gate.open(id);
        self.enqueue(id);
    }

    /// The choice for `id` is another, and the data plane does not have it yet: what members were told stands until
    /// [`note_change`](Self::note_change) or [`note_refused`](Self::note_refused).
    pub fn note_pending(&mut self, id: PrefixId) {
        self.gate.wait(id);
    }

    /// The data plane could not take the choice for `id`: it is withdrawn until the next
    /// [`note_change`](Self::note_change).
    pub fn note_refused(&mut self, id: PrefixId) {
        self.gate.refuse(id);
        self.enqueue(id);
    }

    fn enqueue(&mut self, id: PrefixId) {
        for group in self.groups.values_mut() {
            group.queue.push(id);
        }
    }

    /// Nothing is made for a peer that cannot be written to; it catches up afterwards.
    pub fn set_congested(&mut self, peer: PeerId, congested: Congestion) {
        if let Some(group) = self
            .members
            .get(&peer)
            .and_then(|id| self.groups.get_mut(id))
            && let Some(member) = group.members.get_mut(&peer)
        {
            member.congested = congested == Congestion::Full;
        }
    }

    /// The peer wants everything of one family again (RFC 2918).
    pub fn refresh(&mut self, peer: PeerId, family: Family, style: RefreshStyle) {
        if let Some(group) = self
            .members
            .get(&peer)
            .and_then(|id| self.groups.get_mut(id))
        {
            group.refresh(peer, family, style);
        }
    }

    /// Whether [`poll`](Self::poll) has something to do.
    pub fn has_work(&self) -> bool {
        !self.former.is_empty()
            || !self.released.is_empty()
            || self.groups.values().any(Group::has_work)
    }

    /// Messages for at most `budget` prefixes, counted once for each time they are looked at.
    pub fn poll(&mut self, rib: &mut Rib, index: &PrefixIndex, budget: usize) -> Vec<Transmit> {
        let budget = self.clear(rib, budget);
        let mut work = Work {
            rib,
            index,
            gate: &self.gate,
            exports: &mut self.exports,
            budget,
            out: Vec::new(),
            unused: std::mem::take(&mut self.unused),
        };
        let first = self.groups.range(self.turn..).next().map(|(&id, _)| id);
        let first = first.unwrap_or_default();
        let ids = self.groups.range(first..).chain(self.groups.range(..first));
        let ids: SmallVec<[GroupId; 8]> = ids.map(|(&id, _)| id).collect();
        for id in ids {
            if let Some(group) = self.groups.get_mut(&id).filter(|group| group.has_work()) {
                group.poll(&mut work);
            }
            if work.budget == 0 {
                break;
            }
        }
        self.turn = GroupId(first.0.saturating_add(1));
        self.unused = work.unused;
        work.out
    }

    /// Gives back references of members and groups that are gone; returns what is left of the budget.
    fn clear(&mut self, rib: &mut Rib, budget: usize) -> usize {
        let mut left = budget.saturating_mul(CLEARED_PER_UNIT);
        let count = self.released.len().min(left);
        for attributes in self.released.drain(..count) {
            rib.attributes.release(attributes);
        }
        left -= count;
        while left > 0
            && let Some(table) = self.former.last_mut()
        {
            left = table.clear(rib, left, &mut self.unused);
            if table.is_clear() {
                self.former.pop();
            }
        }
        left / CLEARED_PER_UNIT
    }

    /// Whether the number of a prefix must stay what it is.
    pub fn uses(&self, id: PrefixId) -> bool {
        self.groups.values().any(|group| group.uses(id))
    }

    /// Prefixes that the groups used and use no more, and that had no path when they were last looked at.
    pub fn drain_unused(&mut self) -> Vec<PrefixId> {
        let mut unused = std::mem::take(&mut self.unused);
        unused.sort_unstable();
        unused.dedup();
        unused.retain(|&id| !self.uses(id));
        unused
    }

    /// Prefixes of which `peer` has been told, once it is in step.
    pub fn advertised(&self, peer: PeerId, family: Family) -> usize {
        let group = self.members.get(&peer).and_then(|id| self.groups.get(id));
        group.map_or(0, |group| group.told.advertised(peer, family))
    }

    /// Whether `peer` has been told everything there is to tell at the moment.
    pub fn is_in_step(&self, peer: PeerId) -> bool {
        let group = self.members.get(&peer).and_then(|id| self.groups.get(id));
        group.is_some_and(|group| group.is_in_step(peer))
    }

    /// What `peer` has been told about a prefix, in the form in which it was told, once it is in step.
    pub fn told(&self, rib: &Rib, peer: PeerId, id: PrefixId) -> Option<PathAttributes> {
        let group = self.groups.get(self.members.get(&peer)?)?;
        group.told_form(rib, peer, id)
    }

    pub fn group_of(&self, peer: PeerId) -> Option<GroupId> {
        self.members.get(&peer).copied()
    }

    pub fn memory_bytes(&self) -> usize {
        let tables = self.groups.values().map(|group| group.told.memory_bytes());
        tables.sum()
    }
}

/// Whether a peer's socket takes more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Congestion {
    Clear,
    Full,
}

/// The table of a group that is gone; its references are given back in slices.
#[derive(Debug)]
struct FormerTable {
    table: ToldTable,
    scans: [Scan; 2],
}

impl FormerTable {
    fn new(table: ToldTable) -> Self {
        let scans = Family::ALL.map(|family| {
            let mut scan = Scan::default();
            scan.restart(table.bound(family));
            scan
        });
        Self { table, scans }
    }

    fn is_clear(&self) -> bool {
        !self.scans.iter().any(Scan::is_active)
    }

    /// Clears at most `most` places; returns how many more it may be.
    fn clear(&mut self, rib: &mut Rib, most: usize, unused: &mut Vec<PrefixId>) -> usize {
        let mut left = most;
        for family in Family::ALL {
            let places = self.scans[slot(family)].next(left);
            left -= places.len();
            for place in places {
                let id = PrefixId::from_index(place, family == Family::Ipv6Unicast);
                if let Some(told) = self.table.get(id) {
                    rib.attributes.release(told.attributes);
                    if !rib.uses(id) {
                        unused.push(id);
                    }
                }
            }
        }
        left
    }
}

#[cfg(test)]
mod tests;
