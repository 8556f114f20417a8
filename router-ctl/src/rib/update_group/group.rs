//! One group: the table of what it has been told, its members, and the slice of work that brings them on.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::Transmit;
use super::batch::Batch;
use super::exports::{Exports, Tables};
use super::forms::{Form, Forms};
use super::gate::Gate;
use super::member::{Member, RefreshStyle, Walk};
use super::originate::Originated;
use super::told::ToldTable;
use crate::bgp::types::{Family, PathAttributes, PathId, RouterId};
use crate::prefix::{PrefixId, PrefixIndex};
use crate::rib::attributes::AttributesId;
use crate::rib::export::{GroupKey, GroupKind};
use crate::rib::peers::slot;
use crate::rib::prefix_set::{PrefixQueue, PrefixSet};
use crate::rib::route::PeerId;
use crate::rib::scan::Scan;
use crate::rib::table::Rib;

/// Where a slice of work reads and writes.
pub(super) struct Work<'a> {
    pub(super) rib: &'a mut Rib,
    pub(super) index: &'a PrefixIndex,
    pub(super) gate: &'a Gate,
    pub(super) exports: &'a mut Exports,
    pub(super) shared: &'a Shared,
    /// Prefixes that may still be handled in this slice.
    pub(super) budget: usize,
    pub(super) out: Vec<Transmit>,
    /// Prefixes of which the group need not know any more.
    pub(super) unused: Vec<PrefixId>,
}

/// What holds for all groups.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Prefixes that an aggregate suppresses.
    pub(super) suppressed: PrefixSet,
    /// Numbers of the default routes, while a group originates one.
    pub(super) defaults: [Option<PrefixId>; 2],
    /// Internal neighbours that came back with another router id, and the first form that knows it.
    pub(super) renamed: FxHashMap<PeerId, super::forms::FormNumber>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) kind: GroupKind,
    pub(super) forms: Forms,
    pub(super) told: ToldTable,
    pub(super) members: BTreeMap<PeerId, Member>,
    pub(super) by_router_id: FxHashMap<RouterId, SmallVec<[PeerId; 1]>>,
    pub(super) by_address: FxHashMap<IpAddr, SmallVec<[PeerId; 1]>>,
    /// In some form of the group a next hop on a subnet shared with a member stays.
    pub(super) keeps_third_party: bool,
    /// Prefixes whose choice may have changed.
    pub(super) queue: PrefixQueue,
    /// A look at every prefix: after the group was formed, and when something other than a choice changed.
    pub(super) scans: [Scan; 2],
    /// Prefixes that wait for room below `maximum-prefix-out`.
    pub(super) excess: PrefixSet,
    pub(super) originated: [Originated; 2],
    /// Where the members' walks stand; they share one stride.
    pub(super) cursors: [usize; 2],
}

impl Group {
    pub(super) fn new(form: Form, rib: &Rib) -> Self {
        let key = &form.key;
        let families = key.families.iter();
        let mut group = Self {
            kind: key.kind,
            told: ToldTable::new(
                families
                    .filter(|&each| key.encoding.add_path(each))
                    .collect(),
            ),
            members: BTreeMap::new(),
            by_router_id: FxHashMap::default(),
            by_address: FxHashMap::default(),
            keeps_third_party: !key.shared_subnets.is_empty(),
            queue: PrefixQueue::default(),
            scans: [Scan::default(), Scan::default()],
            excess: PrefixSet::default(),
            originated: [Originated::default(), Originated::default()],
            cursors: [0; 2],
            forms: Forms::new(form),
        };
        group.scan_all(rib);
        group
    }

    pub(super) fn key(&self) -> &GroupKey {
        self.forms.key()
    }

    /// Every prefix is looked at once more.
    pub(super) fn scan_all(&mut self, rib: &Rib) {
        for family in self.key().families.iter() {
            let bound = rib.prefix_bound(family).max(self.told.bound(family));
            self.scans[slot(family)].restart(bound);
            self.originated[slot(family)].prepare_again();
        }
    }

    pub(super) fn join(&mut self, peer: PeerId, rib: &Rib) {
        let mut member = Member::new(rib.peer(peer));
        for family in self.key().families.iter() {
            *member.walk_mut(family) = Walk::first(self.told.bound(family));
        }
        self.add(peer, member);
    }

    pub(super) fn add(&mut self, peer: PeerId, member: Member) {
        let alike = self.by_router_id.entry(member.router_id);
        alike.or_default().push(peer);
        if let Some(address) = member.address {
            self.by_address.entry(address).or_default().push(peer);
        }
        self.members.insert(peer, member);
    }

    pub(super) fn remove(&mut self, peer: PeerId) -> Option<Member> {
        let member = self.members.remove(&peer)?;
        if let Some(alike) = self.by_router_id.get_mut(&member.router_id) {
            alike.retain(|each| *each != peer);
        }
        if let Some(alike) = member.address.and_then(|at| self.by_address.get_mut(&at)) {
            alike.retain(|each| *each != peer);
        }
        self.by_router_id.retain(|_, alike| !alike.is_empty());
        self.by_address.retain(|_, alike| !alike.is_empty());
        Some(member)
    }

    pub(super) fn refresh(&mut self, peer: PeerId, family: Family, style: RefreshStyle) {
        if self.key().families.contains(family)
            && let Some(member) = self.members.get_mut(&peer)
        {
            member.walk_mut(family).wanted = Some(style);
        }
    }

    pub(super) fn has_work(&self) -> bool {
        self.has_news()
            || self.members.values().any(|member| {
                !member.congested
                    && (!member.is_in_step()
                        || member
                            .walks
                            .iter()
                            .any(|walk| walk.closing.is_some() || walk.wanted.is_some()))
            })
    }

    /// Whether prefixes wait to be looked at.
    pub(super) fn has_news(&self) -> bool {
        !self.queue.is_empty()
            || self.scans.iter().any(Scan::is_active)
            || self.originated.iter().any(Originated::is_searching)
    }

    pub(super) fn is_in_step(&self, peer: PeerId) -> bool {
        let member = self.members.get(&peer);
        !self.scans.iter().any(Scan::is_active) && member.is_some_and(Member::is_in_step)
    }

    pub(super) fn advertised(&self, peer: PeerId, family: Family) -> usize {
        let member = self.members.get(&peer);
        let member = member.filter(|_| self.kind == GroupKind::Ibgp);
        let router_id = member.map(|member| member.router_id);
        self.told.advertised(peer, router_id, family)
    }

    pub(super) fn has_add_path(&self) -> bool {
        let mut families = self.key().families.iter();
        families.any(|family| self.key().add_path(family).is_some())
    }

    /// What `peer` has been told about a prefix, in the form in which it was told.
    pub(super) fn told_forms(
        &self,
        rib: &Rib,
        index: &PrefixIndex,
        peer: PeerId,
        id: PrefixId,
    ) -> Vec<(PathId, PathAttributes)> {
        let form = self.forms.get(self.forms.of(id));
        let paths = self.told.paths(id).into_iter();
        let seen = paths.filter_map(|each| {
            let seen = self.view(peer, Some(each.told), rib)?;
            let exported = Exports::judge(form, Tables { rib, index }, id, seen).ok()?;
            Some((each.path, exported))
        });
        seen.collect()
    }

    pub(super) fn uses(&self, id: PrefixId) -> bool {
        self.told.contains(id)
            || self.queue.contains(id)
            || self
                .members
                .values()
                .any(|member| member.knows_otherwise(id))
    }

    /// References that the group holds besides its table, when it ends.
    pub(super) fn release_originated(&mut self) -> impl Iterator<Item = AttributesId> + '_ {
        self.originated.iter_mut().filter_map(Originated::release)
    }

    /// One slice: news for those in step, then what the others lack.
    pub(super) fn poll(&mut self, work: &mut Work<'_>) {
        work.exports.clear();
        self.share_news(work);
        // In a former form nobody is told anything: it may name what the new one keeps back.
        if self.forms.is_changing() {
            return;
        }
        self.catch_up(work);
        self.begin_refreshes(&mut work.out);
        for family in Family::ALL {
            self.walk(family, work);
        }
        self.close_tables(&mut work.out);
        if self.forms.has_earlier() && !self.members.values().any(Member::lags) {
            self.forms.forget_earlier();
        }
    }

    fn share_news(&mut self, work: &mut Work<'_>) {
        let mut in_step = SmallVec::<[PeerId; 8]>::new();
        let mut behind = SmallVec::<[PeerId; 8]>::new();
        let mut can_catch_up = false;
        for (&peer, member) in &self.members {
            if member.is_in_step() {
                in_step.push(peer);
            } else {
                behind.push(peer);
                can_catch_up |= !member.congested;
            }
        }
        let mut batch = Batch::new(&in_step);
        // Half of the slice is left to those who have something to catch up with.
        let reserve = if can_catch_up && !self.forms.is_changing() {
            work.budget / 2
        } else {
            0
        };
        while work.budget > reserve {
            if self.search_conditions(work) {
                continue;
            }
            work.budget -= 1;
            if let Some(id) = self.next_scanned() {
                // What waits for the data plane comes by the queue; a new form does not wait for it.
                if self.forms.is_changing() || !self.waits(id, work) {
                    self.update(id, &behind, &mut batch, work);
                }
                continue;
            }
            let Some(id) = self.queue.pop() else { break };
            self.check_condition(id, work);
            if !self.waits(id, work) {
                self.update(id, &behind, &mut batch, work);
            }
            if !self.told.contains(id) && !work.rib.uses(id) {
                work.unused.push(id);
            }
        }
        batch.flush(
            work.index,
            work.exports,
            &self.key().encoding,
            &mut work.out,
        );
        if !self.scans.iter().any(Scan::is_active) {
            self.forms.finish_change();
        }
    }

    fn waits(&self, id: PrefixId, work: &Work<'_>) -> bool {
        work.gate.is_waiting(id) && !self.originates(id, work.shared)
    }

    fn next_scanned(&mut self) -> Option<PrefixId> {
        Family::ALL.into_iter().find_map(|family| {
            let index = self.scans[slot(family)].next(1).next()?;
            Some(PrefixId::from_index(index, family == Family::Ipv6Unicast))
        })
    }
}
