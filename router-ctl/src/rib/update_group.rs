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
//! When what decides about a member changes while its session stays, it is sent the difference: [`moves`]. A member
//! that agreed on ADD-PATH is told several paths of a prefix, each an item of its own.
//!
//! A prefix must keep its number until those who were told of it have been told of its end: see
//! [`UpdateGroups::uses`] and [`UpdateGroups::drain_unused`].

mod batch;
mod change;
mod explain;
mod exports;
mod former;
mod forms;
mod gate;
mod group;
mod marks;
mod member;
mod moves;
mod originate;
mod told;
mod view;
mod walk;

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use self::exports::Exports;
use self::former::FormerTable;
use self::forms::FormNumber;
use self::gate::Gate;
use self::group::{Group, Shared, Work};
pub use self::member::RefreshStyle;
use self::moves::Senders;
use super::attributes::AttributesId;
use super::export::GroupKey;
use super::peers::slot;
use super::route::PeerId;
use super::table::Rib;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::bgp::types::{Family, PathAttributes, PathId};
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
    next_form: FormNumber,
    /// The group whose turn comes first.
    turn: GroupId,
    gate: Gate,
    shared: Shared,
    exports: Exports,
    /// Members that are to be told by another key.
    moves: BTreeMap<PeerId, GroupKey>,
    /// Groups may have become alike.
    merge: bool,
    senders: Senders,
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
        let mut groups = self.groups.iter();
        let known = groups.find(|(_, group)| *group.key() == key);
        let id = known.map_or(self.next_id, |(&id, _)| id);
        if id == self.next_id {
            self.next_id.0 += 1;
            let form = self.form(key);
            self.groups.insert(id, Group::new(form, rib));
        }
        if let Some(group) = self.groups.get_mut(&id) {
            group.join(peer, rib);
            self.members.insert(peer, id);
        }
        self.merge = true;
    }

    /// What decides about what a member is told is another, and its session stays: it is sent the difference
    /// between what it has been told and what it is to be told. Members of one group for which this is called
    /// before the next [`poll`](Self::poll) move together.
    pub fn rejoin(&mut self, peer: PeerId, key: GroupKey) {
        if self.members.contains_key(&peer) {
            self.moves.insert(peer, key);
        }
    }

    /// The session is down.
    pub fn leave(&mut self, peer: PeerId) {
        self.moves.remove(&peer);
        let Some(id) = self.members.remove(&peer) else {
            return;
        };
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        if let Some(member) = group.remove(peer) {
            for (item, known) in member.into_lag() {
                self.unused.push(item.prefix);
                self.released.extend(known.told.map(|told| told.attributes));
            }
        }
        if group.members.is_empty()
            && let Some(mut group) = self.groups.remove(&id)
        {
            self.unused.extend(std::iter::from_fn(|| group.queue.pop()));
            self.released.extend(group.release_originated());
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

    /// Whether an aggregate stands for the prefix: then it is told where an unsuppress-map lets it through.
    pub fn set_suppressed(&mut self, id: PrefixId, suppressed: bool) {
        let before = self.shared.suppressed.contains(id);
        if suppressed {
            self.shared.suppressed.insert(id);
        } else {
            self.shared.suppressed.remove(id);
        }
        if before != suppressed {
            self.enqueue(id);
        }
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
            || !self.moves.is_empty()
            || self.groups.values().any(Group::has_work)
    }

    /// Messages for at most `budget` prefixes, counted once for each time they are looked at.
    pub fn poll(&mut self, rib: &mut Rib, index: &mut PrefixIndex, budget: usize) -> Vec<Transmit> {
        let budget = self.clear(rib, budget);
        self.watch_senders(rib);
        self.move_members(rib);
        self.merge_alike();
        self.number_defaults(index);
        rib.watch_candidates(self.groups.values().any(Group::has_add_path));
        let mut work = Work {
            rib,
            index,
            gate: &self.gate,
            exports: &mut self.exports,
            shared: &self.shared,
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

    /// The default routes that are originated have numbers as long as they are.
    fn number_defaults(&mut self, index: &mut PrefixIndex) {
        for family in Family::ALL {
            let wanted = |group: &Group| {
                let key = group.key();
                key.families.contains(family) && key.family(family).default_originate.is_some()
            };
            let number = &mut self.shared.defaults[slot(family)];
            if self.groups.values().any(wanted) {
                number.get_or_insert_with(|| index.intern(default_prefix(family)));
            } else {
                self.unused.extend(number.take());
            }
        }
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
        let default = self.shared.defaults.contains(&Some(id));
        default || self.groups.values().any(|group| group.uses(id))
    }

    /// Prefixes that the groups used and use no more, and that had no path when they were last looked at.
    pub fn drain_unused(&mut self) -> Vec<PrefixId> {
        let mut unused = std::mem::take(&mut self.unused);
        unused.sort_unstable();
        unused.dedup();
        unused.retain(|&id| !self.uses(id));
        unused
    }

    /// Prefixes, with ADD-PATH paths, of which `peer` has been told, once it is in step.
    pub fn advertised(&self, peer: PeerId, family: Family) -> usize {
        let group = self.members.get(&peer).and_then(|id| self.groups.get(id));
        group.map_or(0, |group| group.advertised(peer, family))
    }

    /// Whether `peer` has been told everything there is to tell at the moment.
    pub fn is_in_step(&self, peer: PeerId) -> bool {
        let group = self.members.get(&peer).and_then(|id| self.groups.get(id));
        group.is_some_and(|group| group.is_in_step(peer))
    }

    /// What `peer` has been told about a prefix, in the form in which it was told, once it is in step. Several
    /// paths with ADD-PATH, else one with the identifier 0.
    pub fn told(
        &self,
        rib: &Rib,
        index: &PrefixIndex,
        peer: PeerId,
        id: PrefixId,
    ) -> Vec<(PathId, PathAttributes)> {
        let group = self.members.get(&peer).and_then(|id| self.groups.get(id));
        group.map_or_else(Vec::new, |group| group.told_forms(rib, index, peer, id))
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

fn default_prefix(family: Family) -> IpNet {
    match family {
        Family::Ipv4Unicast => IpNet::V4(Ipv4Net::default()),
        Family::Ipv6Unicast => IpNet::V6(Ipv6Net::default()),
    }
}

#[cfg(test)]
mod tests;
