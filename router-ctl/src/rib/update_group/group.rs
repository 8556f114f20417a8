//! One group: the table of what it has been told, its members, and the slice of work that brings them on.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::Transmit;
use super::batch::{Audience, Batch, News};
use super::exports::Exports;
use super::gate::Gate;
use super::member::{Member, RefreshStyle, Walk, as_seen_by};
use super::told::{Told, ToldTable};
use crate::bgp::types::{Family, PathAttributes};
use crate::prefix::{PrefixId, PrefixIndex};
use crate::rib::export::GroupKey;
use crate::rib::peers::slot;
use crate::rib::prefix_set::PrefixQueue;
use crate::rib::route::PeerId;
use crate::rib::scan::Scan;
use crate::rib::table::{Rib, family_of};

/// Where a slice of work reads and writes.
pub(super) struct Work<'a> {
    pub(super) rib: &'a mut Rib,
    pub(super) index: &'a PrefixIndex,
    pub(super) gate: &'a Gate,
    pub(super) exports: &'a mut Exports,
    /// Prefixes that may still be handled in this slice.
    pub(super) budget: usize,
    pub(super) out: Vec<Transmit>,
    /// Prefixes of which the group need not know any more.
    pub(super) unused: Vec<PrefixId>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) key: GroupKey,
    pub(super) told: ToldTable,
    pub(super) members: BTreeMap<PeerId, Member>,
    /// Prefixes whose choice may have changed.
    pub(super) queue: PrefixQueue,
    /// The first look at the RIB after the group was formed.
    pub(super) scans: [Scan; 2],
    /// Where the members' walks stand; they share one stride.
    cursors: [usize; 2],
}

impl Group {
    pub(super) fn new(key: GroupKey, rib: &Rib) -> Self {
        let scans = Family::ALL.map(|family| {
            let mut scan = Scan::default();
            if key.families.contains(family) {
                scan.restart(rib.prefix_bound(family));
            }
            scan
        });
        Self {
            key,
            told: ToldTable::default(),
            members: BTreeMap::new(),
            queue: PrefixQueue::default(),
            scans,
            cursors: [0; 2],
        }
    }

    pub(super) fn join(&mut self, peer: PeerId) {
        let mut member = Member::default();
        for family in self.key.families.iter() {
            *member.walk_mut(family) = Walk::first(self.told.bound(family));
        }
        self.members.insert(peer, member);
    }

    pub(super) fn refresh(&mut self, peer: PeerId, family: Family, style: RefreshStyle) {
        if self.key.families.contains(family)
            && let Some(member) = self.members.get_mut(&peer)
        {
            member.walk_mut(family).wanted = Some(style);
        }
    }

    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty()
            || self.scans.iter().any(Scan::is_active)
            || self.members.values().any(|member| {
                !member.congested
                    && (!member.is_in_step()
                        || member
                            .walks
                            .iter()
                            .any(|walk| walk.closing.is_some() || walk.wanted.is_some()))
            })
    }

    pub(super) fn is_in_step(&self, peer: PeerId) -> bool {
        let member = self.members.get(&peer);
        !self.scans.iter().any(Scan::is_active) && member.is_some_and(Member::is_in_step)
    }

    pub(super) fn told_form(
        &self,
        rib: &Rib,
        peer: PeerId,
        id: PrefixId,
    ) -> Option<PathAttributes> {
        let told = as_seen_by(peer, self.told.get(id))?;
        let attributes = rib.attributes(told.attributes);
        self.key.export(family_of(id), told.kind, attributes)
    }

    pub(super) fn uses(&self, id: PrefixId) -> bool {
        self.told.get(id).is_some()
            || self.queue.contains(id)
            || self
                .members
                .values()
                .any(|member| member.knows_otherwise(id))
    }

    /// One slice: news for those in step, then what the others lack.
    pub(super) fn poll(&mut self, work: &mut Work<'_>) {
        work.exports.clear();
        self.share_news(work);
        self.catch_up(work);
        self.begin_refreshes(&mut work.out);
        for family in Family::ALL {
            self.walk(family, work);
        }
        self.close_tables(&mut work.out);
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
        let reserve = if can_catch_up { work.budget / 2 } else { 0 };
        while work.budget > reserve {
            work.budget -= 1;
            if let Some(id) = self.next_scanned() {
                if !work.gate.is_waiting(id) && work.rib.selection(id).is_some() {
                    self.update(id, &behind, &mut batch, work);
                }
                continue;
            }
            let Some(id) = self.queue.pop() else { break };
            if !work.gate.is_waiting(id) {
                self.update(id, &behind, &mut batch, work);
            }
            if self.told.get(id).is_none() && !work.rib.uses(id) {
                work.unused.push(id);
            }
        }
        batch.flush(work.index, work.exports, &self.key.encoding, &mut work.out);
    }

    fn next_scanned(&mut self) -> Option<PrefixId> {
        Family::ALL.into_iter().find_map(|family| {
            let index = self.scans[slot(family)].next(1).next()?;
            Some(PrefixId::from_index(index, family == Family::Ipv6Unicast))
        })
    }

    /// Brings what the group has been told about one prefix up to date.
    fn update(
        &mut self,
        id: PrefixId,
        behind: &[PeerId],
        batch: &mut Batch<'_>,
        work: &mut Work<'_>,
    ) {
        let before = self.told.get(id);
        let after = self.desired(id, work);
        if before != after {
            self.tell(id, [before, after], batch, work);
            self.told.replace(work.rib, id, after);
            for peer in behind {
                let news = as_seen_by(*peer, before) != as_seen_by(*peer, after);
                let member = self.members.get_mut(peer).filter(|_| news);
                if member.is_some_and(|member| member.fall_behind(id, before))
                    && let Some(before) = before
                {
                    work.rib.attributes.acquire(before.attributes);
                }
            }
            if let Some(before) = before {
                work.rib.attributes.release(before.attributes);
            }
        }
    }

    /// The path that the group should know of.
    fn desired(&self, id: PrefixId, work: &Work<'_>) -> Option<Told> {
        if work.gate.is_refused(id) {
            return None;
        }
        let selection = work.rib.selection(id)?;
        let attributes = selection.best.attributes;
        let admitted = self.key.admits(
            family_of(id),
            selection.kind,
            work.rib.attributes.key(attributes),
            work.rib.attributes(attributes),
        );
        admitted.then_some(Told {
            attributes,
            source: selection.best.peer,
            kind: selection.kind,
        })
    }

    /// News for the members in step: the same for all, but for the senders of the two paths.
    fn tell(
        &self,
        id: PrefixId,
        change: [Option<Told>; 2],
        batch: &mut Batch<'_>,
        work: &mut Work<'_>,
    ) {
        let in_step = batch.peers();
        if in_step.is_empty() {
            return;
        }
        let sources = change.map(|told| {
            told.map(|told| told.source)
                .filter(|source| in_step.binary_search(source).is_ok())
        });
        let [old, new] = sources;
        let except = if old == new { [old, None] } else { sources };
        if let Some(news) = self.news(id, change, work) {
            batch.add(Audience::AllBut(except), id, news);
        }
        if old != new {
            for peer in sources.into_iter().flatten() {
                let seen = change.map(|told| as_seen_by(peer, told));
                if let Some(news) = self.news(id, seen, work) {
                    batch.add(Audience::Only(peer), id, news);
                }
            }
        }
    }

    /// What someone who knew the first must be told to know the second.
    fn news(
        &self,
        id: PrefixId,
        [before, after]: [Option<Told>; 2],
        work: &mut Work<'_>,
    ) -> Option<News> {
        let family = family_of(id);
        let Some(after) = after else {
            return before.map(|_| News::Withdraw);
        };
        let new = work.exports.id(&self.key, work.rib, family, after)?;
        let known = match before {
            Some(before) => work.exports.id(&self.key, work.rib, family, before),
            None => None,
        };
        (known != Some(new)).then_some(News::Announce(new))
    }

    /// Members that fell behind and are not congested any more hear what they missed.
    fn catch_up(&mut self, work: &mut Work<'_>) {
        let lagging: SmallVec<[PeerId; 8]> = self
            .members
            .iter()
            .filter(|(_, member)| member.lags() && !member.congested)
            .map(|(&peer, _)| peer)
            .collect();
        for peer in lagging {
            let mut batch = Batch::new(&[]);
            while work.budget > 0 {
                let member = self.members.get_mut(&peer);
                let Some((id, told)) = member.and_then(Member::catch_up) else {
                    break;
                };
                work.budget -= 1;
                let now = self.told.get(id);
                let seen = [told, now].map(|told| as_seen_by(peer, told));
                if let Some(news) = self.news(id, seen, work) {
                    batch.add(Audience::Only(peer), id, news);
                }
                if let Some(told) = told {
                    work.rib.attributes.release(told.attributes);
                }
                if now.is_none() && !work.rib.uses(id) {
                    work.unused.push(id);
                }
            }
            batch.flush(work.index, work.exports, &self.key.encoding, &mut work.out);
        }
    }

    /// Sends the next stretches of the table to all members that have it before them.
    fn walk(&mut self, family: Family, work: &mut Work<'_>) {
        while work.budget > 0 {
            let cursor = self.cursors[slot(family)];
            let walkers = || self.members.iter().filter(|(_, member)| member.can_walk());
            let walks = || walkers().map(|(_, member)| member.walk(family));
            let nearest = |from| walks().filter_map(|walk| walk.next(from)).min();
            let Some(start) = nearest(cursor).or_else(|| nearest(0)) else {
                return;
            };
            let border = walks().filter_map(|walk| walk.border(start)).min();
            let limit = start + work.budget;
            let stretch = start..border.map_or(limit, |border| border.min(limit));
            let peers: SmallVec<[PeerId; 8]> = walkers()
                .filter(|(_, member)| member.walk(family).contains(start))
                .map(|(&peer, _)| peer)
                .collect();
            work.budget -= stretch.len();
            let mut batch = Batch::new(&peers);
            for index in stretch.clone() {
                let id = PrefixId::from_index(index, family == Family::Ipv6Unicast);
                let Some(told) = self.told.get(id) else {
                    continue;
                };
                let source = Some(told.source).filter(|source| peers.contains(source));
                if let Some(news) = self.news(id, [None, Some(told)], work) {
                    batch.add(Audience::AllBut([source, None]), id, news);
                }
            }
            batch.flush(work.index, work.exports, &self.key.encoding, &mut work.out);
            for peer in peers {
                if let Some(member) = self.members.get_mut(&peer) {
                    member.walk_mut(family).note_sent(&stretch);
                }
            }
            self.cursors[slot(family)] = stretch.end;
        }
    }
}
