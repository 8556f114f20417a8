//! Taking over what an earlier run left in the maps.
//!
//! The maps know values, not reasons: a next hop is a port and a MAC, not a gateway's address. Everything
//! found is kept under its ids and is stale. When a prefix is set again, its list is compared with the next
//! hops that the set has by now: if they are the same, list, buckets and ids are taken over as they are and
//! nothing is written, so that a restart moves no flow. If they are some of them, the new list is derived from
//! the old one, and only what must move moves.

use router_common::next_hop::NextHopId;
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::fib::buckets::table_size;
use crate::fib::next_hop::{HopId, Hops, Target, Terminal};
use crate::fib::op::Installed;
use crate::fib::path_list::Paths;
use crate::fib::path_set::SetId;
use crate::fib::plan::Batch;
use crate::fib::table::{Capacity, Table};
use crate::fib::{Fib, Reserved};
use crate::prefix::PrefixIndex;

impl Fib {
    /// Takes over what an earlier run left in the maps. All of it is stale until it is set again or swept;
    /// prefixes bound to what is not there are unbound.
    pub fn adopt(installed: &Installed, index: &mut PrefixIndex) -> Self {
        let lists = sound_lists(installed);
        let mut hops: Vec<NextHopId> = lists
            .iter()
            .flat_map(|&(_, _, slots)| slots)
            .copied()
            .collect();
        hops.sort_unstable();
        hops.dedup();
        hops.retain(|&hop| hop != NextHopId::NO_ROUTE);
        let list_ids: Vec<PathListId> = lists.iter().map(|&(id, _, _)| id).collect();
        let mut paths = Paths::new(&hops, &list_ids);
        let mut known: FxHashMap<NextHopId, HopId> = FxHashMap::default();
        known.insert(NextHopId::NO_ROUTE, Hops::NO_ROUTE);
        for id in hops {
            let value = installed.next_hops[id.0 as usize];
            known.insert(id, paths.hops.insert_adopted(id, value));
        }
        let mut adopted = FxHashSet::default();
        for (id, value, slots) in lists {
            let members = slots.iter().map(|hop| known[hop]).collect();
            if paths.insert_adopted(id, value, members, slots.to_vec()) {
                adopted.insert(id);
            }
        }

        let mut routes = FxHashSet::default();
        let (mut bound, mut orphans) = (Vec::new(), Vec::new());
        for &(prefix, route) in &installed.bindings {
            let id = index.intern(prefix);
            let list = installed.routes.get(route.0 as usize).copied();
            match list.filter(|list| adopted.contains(list)) {
                Some(list) if route >= RouteId::FIRST && routes.insert(route) => {
                    bound.push((id, route, list));
                }
                Some(_) | None => orphans.push(id),
            }
        }
        let used = bound.iter().map(|&(_, route, _)| route);
        let mut table = Table::new(Capacity::default(), used);
        for (id, route, list) in bound {
            table.adopt(id, route, list);
            paths.link(list);
        }
        let reserved = if has_reserved(installed) {
            Reserved::Written
        } else {
            Reserved::Missing
        };
        Self {
            table,
            paths,
            orphans,
            reserved,
            ..Self::new()
        }
    }

    /// Takes prefixes out of the maps that were bound to what is not there, unless they were set since.
    pub(super) fn unbind_orphans(&mut self, index: &PrefixIndex, batch: &mut Batch) {
        for id in std::mem::take(&mut self.orphans) {
            if self.table.get(id).route().is_none() {
                batch.unbinds.push(index.prefix(id));
                self.table.release(id);
            }
        }
    }
}

/// Path lists that a binding leads to and that are whole, with their buckets.
fn sound_lists(installed: &Installed) -> Vec<(PathListId, PathList, &[NextHopId])> {
    let mut seen = vec![false; installed.path_lists.len()];
    let mut lists = Vec::new();
    for (_, route) in &installed.bindings {
        let Some(&id) = installed.routes.get(route.0 as usize) else {
            continue;
        };
        let (Some(seen), Some(&list)) = (
            seen.get_mut(id.0 as usize),
            installed.path_lists.get(id.0 as usize),
        ) else {
            continue;
        };
        if std::mem::replace(seen, true) || id == PathListId::NO_ROUTE {
            continue;
        }
        let size = list.mask as usize + 1;
        let offset = list.offset as usize;
        let slots = installed.buckets.get(offset..offset + size);
        let known = |hop: &NextHopId| (hop.0 as usize) < installed.next_hops.len();
        if let Some(slots) = slots
            && size.is_power_of_two()
            && slots.iter().all(known)
        {
            lists.push((id, list, slots));
        }
    }
    lists
}

/// Whether destinations without a match lead to "no route".
fn has_reserved(installed: &Installed) -> bool {
    installed.routes.first() == Some(&PathListId::NO_ROUTE)
        && installed.path_lists.first() == Some(&PathList { offset: 0, mask: 0 })
        && installed.buckets.first() == Some(&NextHopId::NO_ROUTE)
        && installed.next_hops.first() == Some(&Terminal::NoRoute.next_hop())
}

impl Paths {
    /// Whether a list found in the maps is one of this set. If so it becomes that, with its buckets as they are
    /// unless the weights are others now.
    pub(super) fn recognise(&mut self, id: PathListId, set: SetId) -> bool {
        if self.list(id).set.is_some() {
            return false;
        }
        self.recognise_hops(id, set);
        let table = &self.list(id).table;
        let entry = self.sets.get(set);
        let is_member = |hop| entry.members.iter().any(|share| share.member == hop);
        let shares = self.live_shares(set);
        if !table.members().all(is_member)
            || !shares.iter().all(|share| table.contains(share.member))
        {
            return false;
        }
        let size = table_size(&entry.members);
        self.sets.get_mut(set).lists.push(id);
        let list = self.list_mut(id);
        list.set = Some(set);
        if list.table.size() < size || !list.table.accept(&shares) {
            self.relayout_list(id, set);
        }
        true
    }

    /// Finds out which of the set's next hops a found list's buckets name.
    fn recognise_hops(&mut self, id: PathListId, set: SetId) {
        let table = &self.list(id).table;
        let mut found: Vec<HopId> = table
            .members()
            .filter(|&hop| matches!(self.hops.get(hop).target, Target::Adopted(_)))
            .collect();
        let mut members: Vec<HopId> = self
            .sets
            .get(set)
            .members
            .iter()
            .map(|share| share.member)
            .filter(|&hop| !table.contains(hop))
            .collect();
        found.retain(|&adopted| {
            let value = self.hops.get(adopted).value;
            let same = members.iter().position(|&hop| {
                let hop = self.hops.get(hop);
                hop.is_live() && hop.value == value
            });
            let Some(position) = same else {
                return true;
            };
            let member = members.swap_remove(position);
            self.identify(id, adopted, member);
            false
        });
        // One is left on either side and both are unresolved: by elimination they are the same.
        if let (&[adopted], &[member]) = (&found[..], &members[..]) {
            let (before, now) = (self.hops.get(adopted), self.hops.get(member));
            if !now.is_live() && before.value == now.value {
                self.identify(id, adopted, member);
            }
        }
    }

    /// The adopted next hop is the member. When the member has another id already, only this list's buckets go over.
    fn identify(&mut self, list: PathListId, adopted: HopId, member: HopId) {
        if self.hops.get(member).id().is_some() {
            self.list_mut(list).table.rename(adopted, member);
            self.hops.leave_list(adopted, list);
            self.hops.join_list(member, list);
            self.touch(list);
            return;
        }
        for list in self.hops.merge(adopted, member) {
            self.list_mut(list).table.rename(adopted, member);
        }
    }
}
