//! Path lists: bucket tables that prefixes with equal path sets share.
//!
//! A list that changes its members moves the fewest buckets in place. A prefix that changes its set goes to a
//! list whose table was derived from the one that it leaves, so that its flows on surviving next hops stay
//! where they are; prefixes that make the same step share the new list.

use std::collections::BTreeSet;

use router_common::map::{MAX_BUCKETS, MAX_PATH_LISTS};
use router_common::next_hop::NextHopId;
use router_common::path_list::{PathList, PathListId};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::fib::buckets::{Buckets, Share, table_size};
use crate::fib::dead::Machine;
use crate::fib::ids::IdPool;
use crate::fib::next_hop::{HopId, Hops};
use crate::fib::path_set::{SetId, Sets};
use crate::fib::plan::Batch;
use crate::fib::ranges::{Range, Ranges};

/// Lists with one set and different layouts at most; beyond it flows may move.
const MAX_LAYOUTS: usize = 8;

#[derive(Debug)]
pub(super) struct List {
    /// `None` for a list that was found in the maps and not recognised yet.
    pub(super) set: Option<SetId>,
    /// Routes that point at it.
    users: u32,
    pub(super) table: Buckets<HopId>,
    range: Range,
    /// What the maps hold.
    written: Option<(Range, Vec<NextHopId>)>,
}

impl List {
    pub(super) fn value(&self) -> PathList {
        PathList {
            offset: self.range.offset,
            mask: self.range.mask(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Paths {
    pub(super) hops: Hops,
    pub(super) sets: Sets,
    lists: Vec<Option<List>>,
    ids: IdPool,
    ranges: Ranges,
    touched: BTreeSet<PathListId>,
    /// Which list prefixes of a list go to when their set changes, as found out since layouts last changed.
    transitions: FxHashMap<(PathListId, SetId), PathListId>,
    /// Lists keep away from these machines where there is another way.
    pub(super) dead: BTreeSet<Machine>,
    pub(super) refused: u64,
}

impl Paths {
    pub(super) fn new(used_hops: &[NextHopId], used_lists: &[PathListId]) -> Self {
        let mut ranges = Ranges::new(MAX_BUCKETS);
        let range = ranges.take(0).expect("no bucket is taken yet");
        let no_route = Share {
            member: Hops::NO_ROUTE,
            weight: 1,
        };
        let mut paths = Self {
            hops: Hops::new(used_hops),
            sets: Sets::default(),
            lists: vec![Some(List {
                set: None,
                users: 1,
                table: Buckets::fill(&[no_route], 1),
                range,
                written: Some((range, vec![NextHopId::NO_ROUTE])),
            })],
            ids: IdPool::with_used(1, MAX_PATH_LISTS, used_lists.iter().map(|id| id.0)),
            ranges,
            touched: BTreeSet::new(),
            transitions: FxHashMap::default(),
            dead: BTreeSet::new(),
            refused: 0,
        };
        paths.hops.join_list(Hops::NO_ROUTE, PathListId::NO_ROUTE);
        paths
    }

    pub(super) fn list(&self, id: PathListId) -> &List {
        self.lists[id.0 as usize]
            .as_ref()
            .expect("a list is there for as long as a route points at it")
    }

    pub(super) fn list_mut(&mut self, id: PathListId) -> &mut List {
        self.lists[id.0 as usize]
            .as_mut()
            .expect("a list is there for as long as a route points at it")
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (PathListId, &List)> {
        (0..)
            .zip(&self.lists)
            .filter_map(|(id, list)| Some((PathListId(id), list.as_ref()?)))
    }

    /// Buckets taken.
    pub(super) fn buckets_used(&self) -> usize {
        self.ranges.used()
    }

    pub(super) fn link(&mut self, id: PathListId) {
        self.list_mut(id).users += 1;
    }

    pub(super) fn unlink(&mut self, id: PathListId) {
        let list = self.list_mut(id);
        list.users -= 1;
        if list.users == 0 {
            self.touched.insert(id);
        }
    }

    /// Looks at the list again at the next drain.
    pub(super) fn touch(&mut self, id: PathListId) {
        self.touched.insert(id);
    }

    /// The list for a prefix that has `old` and asks for `set`. `None` when there is no room for a new one.
    pub(super) fn choose(&mut self, old: Option<PathListId>, set: SetId) -> Option<PathListId> {
        let Some(old) = old else {
            return match self.sets.get(set).lists.first() {
                Some(&list) => Some(list),
                None => self.create(set, None),
            };
        };
        if self.list(old).set == Some(set) {
            return Some(old);
        }
        if let Some(&known) = self.transitions.get(&(old, set)) {
            return Some(known);
        }
        if self.list(old).set.is_none() && self.recognise(old, set) {
            return Some(old);
        }
        let table = &self.list(old).table;
        let candidates = &self.sets.get(set).lists;
        let agreeing = candidates
            .iter()
            .find(|&&list| table.agrees_with(&self.list(list).table))
            .copied();
        let any = candidates.first().copied();
        let new = match agreeing {
            Some(list) => list,
            None if candidates.len() >= MAX_LAYOUTS => any?,
            None => self.create(set, Some(old)).or(any)?,
        };
        self.transitions.insert((old, set), new);
        Some(new)
    }

    fn create(&mut self, set: SetId, from: Option<PathListId>) -> Option<PathListId> {
        let mut size = table_size(&self.sets.get(set).members);
        let origin = from.map(|from| self.list(from).table.clone());
        if let Some(origin) = &origin
            && size > 1
        {
            size = size.max(origin.size());
        }
        let Some(id) = self.ids.take() else {
            self.refused += 1;
            return None;
        };
        let Some(range) = self.take_range(size) else {
            self.ids.give_back(id);
            self.refused += 1;
            return None;
        };
        let id = PathListId(id);
        let shares = self.usable_shares(set, id);
        let size = range.size() as usize;
        let table = match origin {
            Some(mut table) if table.size() <= size => {
                table.grow(size);
                table.rebalance(&shares);
                table
            }
            Some(_) | None => Buckets::fill(&shares, size),
        };
        self.insert(
            id,
            List {
                set: Some(set),
                users: 0,
                table,
                range,
                written: None,
            },
        );
        self.sets.get_mut(set).lists.push(id);
        self.touched.insert(id);
        Some(id)
    }

    fn insert(&mut self, id: PathListId, list: List) {
        if self.lists.len() <= id.0 as usize {
            self.lists.resize_with(id.0 as usize + 1, || None);
        }
        self.lists[id.0 as usize] = Some(list);
    }

    /// A list as it was found in the maps; false when its buckets are not what a list may have.
    pub(super) fn insert_adopted(
        &mut self,
        id: PathListId,
        value: PathList,
        slots: Vec<HopId>,
        written: Vec<NextHopId>,
    ) -> bool {
        let range = Range {
            offset: value.offset,
            order: Range::order_for(slots.len()),
        };
        if !self.ranges.reserve(range) {
            return false;
        }
        let table = Buckets::found(slots);
        for member in table.members() {
            self.hops.join_list(member, id);
        }
        self.insert(
            id,
            List {
                set: None,
                users: 0,
                table,
                range,
                written: Some((range, written)),
            },
        );
        true
    }

    /// Room for `size` buckets, or for as many as there is room for.
    fn take_range(&mut self, size: usize) -> Option<Range> {
        let order = Range::order_for(size);
        let range = (0..=order).rev().find_map(|order| self.ranges.take(order));
        if range.is_none_or(|range| range.order < order) {
            self.refused += 1;
        }
        range
    }

    /// What the set's traffic should be spread over: the members that traffic can be sent to, or all if there
    /// is none; of these the ones that have an id.
    fn usable_shares(&mut self, set: SetId, list: PathListId) -> SmallVec<[Share<HopId>; 2]> {
        let mut shares = self.live_shares(set);
        shares.retain(|share| self.hops.join_list(share.member, list));
        if shares.is_empty() {
            self.hops.join_list(Hops::NO_ROUTE, list);
            shares.push(Share {
                member: Hops::NO_ROUTE,
                weight: 1,
            });
        }
        shares
    }

    pub(super) fn live_shares(&self, set: SetId) -> SmallVec<[Share<HopId>; 2]> {
        let members = &self.sets.get(set).members;
        let live = members.iter().filter(|share| {
            let hop = self.hops.get(share.member);
            hop.is_live() && !self.is_dead(hop)
        });
        let live: SmallVec<_> = live.copied().collect();
        if live.is_empty() {
            members.clone()
        } else {
            live
        }
    }

    /// Brings the tables of a set's lists in line with its members.
    pub(super) fn relayout(&mut self, set: SetId) {
        for id in self.sets.get(set).lists.clone() {
            self.relayout_list(id, set);
        }
    }

    pub(super) fn relayout_list(&mut self, id: PathListId, set: SetId) {
        let size = table_size(&self.sets.get(set).members);
        let shares = self.live_shares(set);
        let table = &self.list(id).table;
        let (grows, unbalanced) = (table.size() < size, !table.is_balanced_for(&shares));
        if grows {
            self.grow(id, size);
        }
        if unbalanced {
            let shares = self.usable_shares(set, id);
            let table = &mut self.list_mut(id).table;
            let before: SmallVec<[HopId; 8]> = table.members().collect();
            table.rebalance(&shares);
            for member in before {
                if !self.list(id).table.contains(member) {
                    self.hops.leave_list(member, id);
                }
            }
        }
        if grows || unbalanced {
            self.touched.insert(id);
            self.transitions.clear();
        }
    }

    /// Puts the table into a larger range; it stays as it is when there is none.
    fn grow(&mut self, id: PathListId, size: usize) {
        let Some(range) = self.take_range(size) else {
            return;
        };
        let list = self.list_mut(id);
        if range.size() as usize <= list.table.size() {
            self.ranges.give_back(range);
            return;
        }
        list.table.grow(range.size() as usize);
        let old = std::mem::replace(&mut list.range, range);
        let written = list.written.as_ref().map(|(range, _)| *range);
        if written != Some(old) {
            self.ranges.give_back(old);
        }
    }

    /// Writes lists that changed, frees those that no route points at. Of what is freed, ranges and ids become
    /// available with [`reuse`](Self::reuse).
    pub(super) fn drain(&mut self, batch: &mut Batch) {
        for id in std::mem::take(&mut self.touched) {
            let Some(list) = &self.lists[id.0 as usize] else {
                continue;
            };
            if list.users == 0 {
                self.remove(id, batch);
                continue;
            }
            let wanted: Vec<NextHopId> = list
                .table
                .slots()
                .iter()
                .map(|&hop| self.hops.map_id(hop))
                .collect();
            let (range, value) = (list.range, list.value());
            let list = self.list_mut(id);
            match list.written.replace((range, wanted.clone())) {
                Some((old, written)) if old == range => {
                    batch.put_changed_buckets(range.offset, &wanted, &written);
                }
                old => {
                    batch.put_changed_buckets(range.offset, &wanted, &[]);
                    batch.path_lists.push((id, value));
                    batch
                        .free_buckets
                        .extend(old.map(|(old, _)| (old.offset, old.size())));
                }
            }
        }
    }

    fn remove(&mut self, id: PathListId, batch: &mut Batch) {
        let Some(list) = self.lists[id.0 as usize].take() else {
            return;
        };
        for member in list.table.members() {
            self.hops.leave_list(member, id);
        }
        if let Some(set) = list.set {
            self.sets.remove_list(set, id);
        }
        self.transitions.clear();
        match list.written {
            Some((written, _)) => {
                batch.free_path_lists.push(id);
                batch.free_buckets.push((written.offset, written.size()));
                if written != list.range {
                    self.ranges.give_back(list.range);
                }
            }
            None => {
                self.ids.give_back(id.0);
                self.ranges.give_back(list.range);
            }
        }
    }

    /// The batch is in the stream: what it frees may be taken again.
    pub(super) fn reuse(&mut self, batch: &Batch) {
        for id in &batch.free_path_lists {
            self.ids.give_back(id.0);
        }
        for &(offset, count) in &batch.free_buckets {
            let order = Range::order_for(count as usize);
            self.ranges.give_back(Range { offset, order });
        }
        for &id in &batch.free_next_hops {
            self.hops.give_back(id);
        }
    }
}
