//! The one order in which forwarding state changes, and the difference between two states.
//!
//! What is pointed at is written before what points at it: next hops, buckets, path lists, routes, bindings.
//! Then prefixes are unbound, one grace period passes, and what was unlinked is freed, pointers first. Every
//! operation leaves a state in which each packet finds an old or a new way, so a batch may stop anywhere.

use ipnet::IpNet;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;
use rustc_hash::FxHashMap;

use crate::fib::op::{FibOp, Installed};

/// Operations by kind, not yet in order.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) next_hops: Vec<(NextHopId, NextHop)>,
    pub(super) buckets: Vec<(u32, Vec<NextHopId>)>,
    pub(super) path_lists: Vec<(PathListId, PathList)>,
    pub(super) routes: Vec<(RouteId, PathListId)>,
    pub(super) binds: Vec<(IpNet, RouteId)>,
    pub(super) unbinds: Vec<IpNet>,
    pub(super) free_routes: Vec<RouteId>,
    pub(super) free_path_lists: Vec<PathListId>,
    /// Offset and count.
    pub(super) free_buckets: Vec<(u32, u32)>,
    pub(super) free_next_hops: Vec<NextHopId>,
}

impl Batch {
    /// Writes those of `wanted` that differ from what is at `offset`, one operation for each run of them.
    pub(super) fn put_changed_buckets(
        &mut self,
        offset: u32,
        wanted: &[NextHopId],
        written: &[NextHopId],
    ) {
        let mut run: Option<(u32, Vec<NextHopId>)> = None;
        for (position, at) in (0..wanted.len()).zip(offset..) {
            if written.get(position) == Some(&wanted[position]) {
                self.buckets.extend(run.take());
            } else {
                let (_, next_hops) = run.get_or_insert_with(|| (at, Vec::new()));
                next_hops.push(wanted[position]);
            }
        }
        self.buckets.extend(run);
    }

    pub(super) fn into_ops(self) -> Vec<FibOp> {
        let frees = self.free_routes.len()
            + self.free_path_lists.len()
            + self.free_buckets.len()
            + self.free_next_hops.len();
        let puts = self.next_hops.len()
            + self.buckets.len()
            + self.path_lists.len()
            + self.routes.len()
            + self.binds.len()
            + self.unbinds.len();
        let mut ops = Vec::with_capacity(puts + frees + 1);
        ops.extend(
            (self.next_hops.into_iter()).map(|(id, next_hop)| FibOp::PutNextHop { id, next_hop }),
        );
        ops.extend(
            (self.buckets.into_iter())
                .map(|(offset, next_hops)| FibOp::PutBuckets { offset, next_hops }),
        );
        ops.extend((self.path_lists.into_iter()).map(|(id, list)| FibOp::PutPathList { id, list }));
        ops.extend(
            (self.routes.into_iter()).map(|(id, path_list)| FibOp::PutRoute { id, path_list }),
        );
        ops.extend((self.binds.into_iter()).map(|(prefix, route)| FibOp::Bind { prefix, route }));
        ops.extend((self.unbinds.into_iter()).map(|prefix| FibOp::Unbind { prefix }));
        if frees == 0 {
            return ops;
        }
        ops.push(FibOp::Grace);
        ops.extend((self.free_routes.into_iter()).map(|id| FibOp::FreeRoute { id }));
        ops.extend((self.free_path_lists.into_iter()).map(|id| FibOp::FreePathList { id }));
        ops.extend(
            (self.free_buckets.into_iter())
                .map(|(offset, count)| FibOp::FreeBuckets { offset, count }),
        );
        ops.extend((self.free_next_hops.into_iter()).map(|id| FibOp::FreeNextHop { id }));
        ops
    }
}

/// The operations that lead from `installed` to `desired`. Ids mean the same on both sides: the second is
/// what was read back of the first. Bindings, lists, buckets and next hops that only `installed` has are freed,
/// the reserved ones excepted.
pub fn plan(desired: &Installed, installed: &Installed) -> Vec<FibOp> {
    let (wanted, present) = (Reachable::of(desired), Reachable::of(installed));
    let mut batch = Batch::default();
    for id in marked(&wanted.next_hops) {
        let next_hop = desired.next_hops[id];
        if !present.has_next_hop(id) || installed.next_hops[id] != next_hop {
            batch.next_hops.push((NextHopId(number(id)), next_hop));
        }
    }
    for id in marked(&wanted.path_lists) {
        let list = desired.path_lists[id];
        let next_hops = &desired.buckets[span(list)];
        let same_range = present.has_list(id) && installed.path_lists[id] == list;
        let written = if same_range {
            &installed.buckets[span(list)]
        } else {
            batch.path_lists.push((PathListId(number(id)), list));
            &[]
        };
        batch.put_changed_buckets(list.offset, next_hops, written);
    }
    plan_routes(desired, installed, &present, &mut batch);
    for id in marked(&present.path_lists) {
        if id == PathListId::NO_ROUTE.0 as usize {
            continue;
        }
        if !wanted.has_list(id) {
            batch.free_path_lists.push(PathListId(number(id)));
        }
        let list = installed.path_lists[id];
        if !wanted.has_list(id) || desired.path_lists[id] != list {
            batch.free_buckets.push((list.offset, list.mask + 1));
        }
    }
    batch.free_next_hops = marked(&present.next_hops)
        .map(|id| NextHopId(number(id)))
        .filter(|&id| id != NextHopId::NO_ROUTE && !wanted.has_next_hop(id.0 as usize))
        .collect();
    batch.into_ops()
}

fn plan_routes(desired: &Installed, installed: &Installed, present: &Reachable, batch: &mut Batch) {
    let bound: FxHashMap<IpNet, RouteId> = installed.bindings.iter().copied().collect();
    let wanted: FxHashMap<IpNet, RouteId> = desired.bindings.iter().copied().collect();
    let mut kept = vec![false; present.routes.len()];
    if let Some(&list) = desired.routes.first()
        && installed.routes.first() != Some(&list)
    {
        batch.routes.push((RouteId::NO_ROUTE, list));
    }
    for &(prefix, route) in &desired.bindings {
        let id = route.0 as usize;
        let list = desired.routes[id];
        let is_bound = bound.get(&prefix) == Some(&route);
        if let Some(kept) = kept.get_mut(id) {
            *kept = true;
        }
        if !is_bound || installed.routes[id] != list {
            batch.routes.push((route, list));
        }
        if !is_bound {
            batch.binds.push((prefix, route));
        }
    }
    for &(prefix, _) in &installed.bindings {
        if !wanted.contains_key(&prefix) {
            batch.unbinds.push(prefix);
        }
    }
    batch.free_routes = marked(&present.routes)
        .filter(|&id| !kept[id])
        .map(|id| RouteId(number(id)))
        .collect();
}

/// Which ids a binding leads to, soundly: what is out of bounds is not there.
struct Reachable {
    routes: Vec<bool>,
    path_lists: Vec<bool>,
    next_hops: Vec<bool>,
}

impl Reachable {
    fn of(state: &Installed) -> Self {
        let mut found = Self {
            routes: vec![false; state.routes.len()],
            path_lists: vec![false; state.path_lists.len()],
            next_hops: vec![false; state.next_hops.len()],
        };
        let bound = state.bindings.iter().map(|&(_, route)| route);
        for route in bound.chain([RouteId::NO_ROUTE]) {
            let Some(list) = state.routes.get(route.0 as usize) else {
                continue;
            };
            found.routes[route.0 as usize] = route >= RouteId::FIRST;
            let Some(&buckets) = state.path_lists.get(list.0 as usize) else {
                continue;
            };
            if std::mem::replace(&mut found.path_lists[list.0 as usize], true) {
                continue;
            }
            for hop in state.buckets.get(span(buckets)).unwrap_or_default() {
                if let Some(mark) = found.next_hops.get_mut(hop.0 as usize) {
                    *mark = true;
                }
            }
        }
        found
    }

    fn has_list(&self, id: usize) -> bool {
        self.path_lists.get(id) == Some(&true)
    }

    fn has_next_hop(&self, id: usize) -> bool {
        self.next_hops.get(id) == Some(&true)
    }
}

fn marked(marks: &[bool]) -> impl Iterator<Item = usize> + '_ {
    (0..marks.len()).filter(|&id| marks[id])
}

fn span(list: PathList) -> std::ops::Range<usize> {
    let offset = list.offset as usize;
    offset..offset + list.mask as usize + 1
}

fn number(id: usize) -> u32 {
    u32::try_from(id).expect("map elements are numbered with 32 bits")
}

#[cfg(test)]
mod tests;
