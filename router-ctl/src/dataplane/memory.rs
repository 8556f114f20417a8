//! The data plane in plain vectors: for tests, and for a speaker that forwards nothing.
//!
//! It is also the judge of the operations that it gets, and panics when a packet could have met a wrong
//! moment: nothing may point at what is not there; what is freed must have been unlinked before the last
//! grace period; an id is not reused before it is freed; of a next hop in use only the neighbour changes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ipnet::IpNet;
use router_common::counter::Counter;
use router_common::map::{
    BUCKETS, LPM_V4, LPM_V6, MAX_BUCKETS, MAX_NEXT_HOPS, MAX_PATH_LISTS, MAX_PREFIXES_V4,
    MAX_PREFIXES_V6, MAX_ROUTES, NEXT_HOPS, PATH_LISTS, ROUTES,
};
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;
use router_common::verdict::Verdict;

use crate::dataplane::{
    Counters, Dataplane, DataplaneError, OpFailure, Port, PortStatus, VerdictCount,
};
use crate::fib::op::{FibOp, Installed};
use crate::host::IfIndex;
use crate::prefix::{PrefixId, PrefixIndex, PrefixVec};

/// Counts grace periods. What was unlinked at an earlier one may be freed.
type Epoch = u32;

#[derive(Debug)]
pub struct Memory {
    prefixes: PrefixIndex,
    /// Route ids.
    bindings: PrefixVec<u32>,
    bound_v4: u32,
    bound_v6: u32,
    routes: Vec<Route>,
    path_lists: Vec<List>,
    buckets: Vec<Bucket>,
    next_hops: Vec<Hop>,
    epoch: Epoch,
    ports: BTreeMap<IfIndex, PortStatus>,
    routes_used: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Route {
    list: u32,
    state: RouteState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum RouteState {
    #[default]
    Free,
    /// Written, bound to no prefix yet.
    Put,
    Bound(PrefixId),
    Unbound(Epoch),
}

/// `users` are routes that name the list; `unlinked` is when the last of those that packets could meet ceased to.
#[derive(Clone, Copy, Debug, Default)]
struct List {
    value: Option<PathList>,
    users: u32,
    unlinked: Epoch,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    next_hop: u32,
    state: BucketState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum BucketState {
    #[default]
    Free,
    /// Written, in no list yet.
    Written,
    Owned(u32),
    Unlinked(Epoch),
}

#[derive(Clone, Copy, Debug, Default)]
struct Hop {
    value: Option<NextHop>,
    users: u32,
    unlinked: Epoch,
}

/// What a packet would have met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub route: RouteId,
    pub next_hop: NextHop,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// Empty but for the reserved ids, whose packets have no route.
    pub fn new() -> Self {
        let mut memory = Self {
            prefixes: PrefixIndex::new(),
            bindings: PrefixVec::default(),
            bound_v4: 0,
            bound_v6: 0,
            routes: Vec::new(),
            path_lists: Vec::new(),
            buckets: Vec::new(),
            next_hops: Vec::new(),
            epoch: 1,
            ports: BTreeMap::new(),
            routes_used: Arc::default(),
        };
        let no_route = NextHop::terminal(Verdict::PassNoRoute);
        memory.put_next_hop(NextHopId::NO_ROUTE, no_route);
        memory.put_buckets(0, &[NextHopId::NO_ROUTE]);
        memory.put_path_list(PathListId::NO_ROUTE, PathList { offset: 0, mask: 0 });
        memory.put_route(RouteId::NO_ROUTE, PathListId::NO_ROUTE);
        memory
    }

    /// What a restart finds: all that a binding leads to, and nothing else.
    ///
    /// # Panics
    /// When a binding leads to what is not there.
    pub fn restore(installed: &Installed) -> Self {
        let mut memory = Self::new();
        let mut lists_done = vec![false; installed.path_lists.len()];
        for &(prefix, route) in &installed.bindings {
            let id = installed.routes[route.0 as usize];
            let list = installed.path_lists[id.0 as usize];
            if !std::mem::replace(&mut lists_done[id.0 as usize], true) && id.0 != 0 {
                let range = list.offset as usize..=(list.offset + list.mask) as usize;
                let next_hops = &installed.buckets[range];
                for hop in next_hops {
                    memory.put_next_hop(*hop, installed.next_hops[hop.0 as usize]);
                }
                memory.put_buckets(list.offset, next_hops);
                memory.put_path_list(id, list);
            }
            memory.put_route(route, id);
            memory.bind(prefix, route);
        }
        memory
    }

    /// The longest match of `address`, and the next hop that a flow with this hash takes.
    pub fn lookup(&self, address: IpAddr, hash: u32) -> Found {
        let route = self.route(address);
        let list = self.path_list(route);
        Found {
            route,
            next_hop: self.next_hop(list.offset + (hash & list.mask)),
        }
    }

    /// The next hops that flows to `address` are spread over, one for each bucket.
    pub fn spread(&self, address: IpAddr) -> Vec<NextHop> {
        let list = self.path_list(self.route(address));
        range(list).map(|bucket| self.next_hop(bucket)).collect()
    }

    fn route(&self, address: IpAddr) -> RouteId {
        self.prefixes
            .covering(address)
            .find_map(|id| self.bindings.get(id).copied().map(RouteId))
            .unwrap_or(RouteId::NO_ROUTE)
    }

    fn path_list(&self, route: RouteId) -> PathList {
        let list = self.routes[route.0 as usize].list;
        self.path_lists[list as usize]
            .value
            .expect("a route names a list that is there")
    }

    fn next_hop(&self, bucket: u32) -> NextHop {
        let next_hop = self.buckets[bucket as usize].next_hop;
        self.next_hops[next_hop as usize]
            .value
            .expect("a bucket names a next hop that is there")
    }

    /// Prefixes installed.
    pub fn len(&self) -> usize {
        self.prefixes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn run(&mut self, op: &FibOp) -> Result<(), DataplaneError> {
        match op {
            FibOp::PutNextHop { id, next_hop } => self.put_next_hop(*id, *next_hop),
            FibOp::PutBuckets { offset, next_hops } => self.put_buckets(*offset, next_hops),
            FibOp::PutPathList { id, list } => self.put_path_list(*id, *list),
            FibOp::PutRoute { id, path_list } => self.put_route(*id, *path_list),
            FibOp::Bind { prefix, route } => {
                self.check_room(*prefix)?;
                self.bind(*prefix, *route);
            }
            FibOp::Unbind { prefix } => self.unbind(*prefix),
            FibOp::Grace => self.epoch += 1,
            FibOp::FreeRoute { id } => self.free_route(*id),
            FibOp::FreePathList { id } => self.free_path_list(*id),
            FibOp::FreeBuckets { offset, count } => self.free_buckets(*offset, *count),
            FibOp::FreeNextHop { id } => self.free_next_hop(*id),
        }
        Ok(())
    }

    fn put_next_hop(&mut self, id: NextHopId, next_hop: NextHop) {
        let hop = entry(&mut self.next_hops, id.0, MAX_NEXT_HOPS, NEXT_HOPS);
        if let Some(old) = hop.value {
            let neighbour = next_hop.neighbour;
            assert_eq!(
                NextHop { neighbour, ..old },
                next_hop,
                "{id:?} is in use: only its neighbour may change"
            );
        }
        hop.value = Some(next_hop);
    }

    fn put_buckets(&mut self, offset: u32, next_hops: &[NextHopId]) {
        for (at, next_hop) in (offset..).zip(next_hops) {
            let hop = &mut self.next_hops[next_hop.0 as usize];
            assert!(hop.value.is_some(), "bucket {at} to a missing {next_hop:?}");
            hop.users += 1;
            let bucket = entry(&mut self.buckets, at, MAX_BUCKETS, BUCKETS);
            match bucket.state {
                BucketState::Free => bucket.state = BucketState::Written,
                BucketState::Written | BucketState::Owned(_) => {
                    let old = &mut self.next_hops[bucket.next_hop as usize];
                    old.users -= 1;
                    old.unlinked = self.epoch;
                }
                BucketState::Unlinked(_) => panic!("bucket {at} is written before it is freed"),
            }
            bucket.next_hop = next_hop.0;
        }
    }

    fn put_path_list(&mut self, id: PathListId, value: PathList) {
        assert!((value.mask + 1).is_power_of_two(), "{id:?}: {value:?}");
        let epoch = self.epoch;
        let list = entry(&mut self.path_lists, id.0, MAX_PATH_LISTS, PATH_LISTS);
        let old = list.value.replace(value);
        if old == Some(value) {
            return;
        }
        for at in old.map(range).into_iter().flatten() {
            self.buckets[at as usize].state = BucketState::Unlinked(epoch);
        }
        for at in range(value) {
            let state = &mut self.buckets[at as usize].state;
            assert_eq!(*state, BucketState::Written, "{id:?} takes bucket {at}");
            *state = BucketState::Owned(id.0);
        }
    }

    fn put_route(&mut self, id: RouteId, path_list: PathListId) {
        let list = &mut self.path_lists[path_list.0 as usize];
        assert!(list.value.is_some(), "{id:?} to a missing {path_list:?}");
        list.users += 1;
        let route = entry(&mut self.routes, id.0, MAX_ROUTES, ROUTES);
        match route.state {
            RouteState::Free => route.state = RouteState::Put,
            RouteState::Put | RouteState::Bound(_) => {
                let old = &mut self.path_lists[route.list as usize];
                old.users -= 1;
                old.unlinked = self.epoch;
            }
            RouteState::Unbound(_) => panic!("{id:?} is written before it is freed"),
        }
        route.list = path_list.0;
        self.routes_used.store(self.routes.len(), Ordering::Relaxed);
    }

    fn check_room(&self, prefix: IpNet) -> Result<(), DataplaneError> {
        let (map, capacity, bound) = match prefix {
            IpNet::V4(_) => (LPM_V4, MAX_PREFIXES_V4, self.bound_v4),
            IpNet::V6(_) => (LPM_V6, MAX_PREFIXES_V6, self.bound_v6),
        };
        if bound >= capacity && self.prefixes.get(prefix).is_none() {
            return Err(DataplaneError::Full {
                map,
                capacity,
                prefix,
            });
        }
        Ok(())
    }

    fn bind(&mut self, prefix: IpNet, route: RouteId) {
        assert!(route >= RouteId::FIRST, "{prefix} bound to {route:?}");
        match self.bound_to(prefix) {
            Some(old) if old == route => {}
            Some(old) => self.unlink_route(old),
            None => *self.bound(prefix) += 1,
        }
        let id = self.prefixes.intern(prefix);
        *self.bindings.entry(id) = route.0;
        let state = &mut self.routes[route.0 as usize].state;
        assert!(
            *state == RouteState::Put || *state == RouteState::Bound(id),
            "{prefix} bound to {route:?}, which is {state:?}"
        );
        *state = RouteState::Bound(id);
    }

    fn unbind(&mut self, prefix: IpNet) {
        let route = self
            .bound_to(prefix)
            .unwrap_or_else(|| panic!("{prefix} is not bound"));
        self.unlink_route(route);
        *self.bound(prefix) -= 1;
        let id = self.prefixes.intern(prefix);
        self.prefixes.remove(id);
    }

    fn bound_to(&self, prefix: IpNet) -> Option<RouteId> {
        let id = self.prefixes.get(prefix)?;
        self.bindings.get(id).copied().map(RouteId)
    }

    fn unlink_route(&mut self, route: RouteId) {
        self.routes[route.0 as usize].state = RouteState::Unbound(self.epoch);
    }

    /// Number of prefixes bound in this one's family.
    fn bound(&mut self, prefix: IpNet) -> &mut u32 {
        match prefix {
            IpNet::V4(_) => &mut self.bound_v4,
            IpNet::V6(_) => &mut self.bound_v6,
        }
    }

    fn free_route(&mut self, id: RouteId) {
        let route = std::mem::take(&mut self.routes[id.0 as usize]);
        let unlinked = match route.state {
            RouteState::Put => 0,
            RouteState::Unbound(epoch) => epoch,
            RouteState::Free | RouteState::Bound(_) => panic!("{id:?} freed while {route:?}"),
        };
        assert!(unlinked < self.epoch, "{id:?} freed without a grace period");
        let list = &mut self.path_lists[route.list as usize];
        list.users -= 1;
        list.unlinked = list.unlinked.max(unlinked);
    }

    fn free_path_list(&mut self, id: PathListId) {
        let list = std::mem::take(&mut self.path_lists[id.0 as usize]);
        assert_eq!(list.users, 0, "{id:?} freed while in use");
        assert!(
            list.unlinked < self.epoch,
            "{id:?} freed without a grace period"
        );
        let value = list
            .value
            .unwrap_or_else(|| panic!("{id:?} freed while it is not there"));
        for at in range(value) {
            self.buckets[at as usize].state = BucketState::Unlinked(list.unlinked);
        }
    }

    fn free_buckets(&mut self, offset: u32, count: u32) {
        for at in offset..offset + count {
            let bucket = std::mem::take(&mut self.buckets[at as usize]);
            let unlinked = match bucket.state {
                BucketState::Written => 0,
                BucketState::Unlinked(epoch) => epoch,
                BucketState::Free | BucketState::Owned(_) => {
                    panic!("bucket {at} freed while {:?}", bucket.state)
                }
            };
            assert!(
                unlinked < self.epoch,
                "bucket {at} freed without a grace period"
            );
            let hop = &mut self.next_hops[bucket.next_hop as usize];
            hop.users -= 1;
            hop.unlinked = hop.unlinked.max(unlinked);
        }
    }

    fn free_next_hop(&mut self, id: NextHopId) {
        let hop = std::mem::take(&mut self.next_hops[id.0 as usize]);
        assert!(hop.value.is_some(), "{id:?} freed while it is not there");
        assert_eq!(hop.users, 0, "{id:?} freed while in use");
        assert!(
            hop.unlinked < self.epoch,
            "{id:?} freed without a grace period"
        );
    }

    fn bindings(&self) -> Vec<(IpNet, RouteId)> {
        let mut bindings = Vec::with_capacity(self.prefixes.len());
        for (position, route) in self.routes.iter().enumerate() {
            if let RouteState::Bound(prefix) = route.state {
                let route = u32::try_from(position).expect("route ids are 32 bits wide");
                bindings.push((self.prefixes.prefix(prefix), RouteId(route)));
            }
        }
        bindings
    }
}

impl Dataplane for Memory {
    fn apply(&mut self, ops: &[FibOp]) -> Vec<OpFailure> {
        ops.iter()
            .enumerate()
            .filter_map(|(position, op)| {
                let error = self.run(op).err()?;
                Some(OpFailure { position, error })
            })
            .collect()
    }

    fn dump(&self) -> Result<Installed, DataplaneError> {
        let no_route = NextHop::terminal(Verdict::PassNoRoute);
        Ok(Installed {
            bindings: self.bindings(),
            routes: self
                .routes
                .iter()
                .map(|route| PathListId(route.list))
                .collect(),
            path_lists: self
                .path_lists
                .iter()
                .map(|list| list.value.unwrap_or(PathList { offset: 0, mask: 0 }))
                .collect(),
            buckets: self
                .buckets
                .iter()
                .map(|bucket| NextHopId(bucket.next_hop))
                .collect(),
            next_hops: self
                .next_hops
                .iter()
                .map(|hop| hop.value.unwrap_or(no_route))
                .collect(),
        })
    }

    fn put_port(&mut self, port: &Port) -> Result<(), DataplaneError> {
        let status = PortStatus {
            index: port.index,
            name: port.name.clone(),
            mode: port.mode,
            adopted: false,
        };
        self.ports.insert(port.index, status);
        Ok(())
    }

    fn remove_port(&mut self, index: IfIndex) -> Result<(), DataplaneError> {
        self.ports.remove(&index);
        Ok(())
    }

    fn ports(&self) -> Vec<PortStatus> {
        self.ports.values().cloned().collect()
    }

    fn engine(&self) -> &'static str {
        "memory"
    }

    fn hash_seed(&self) -> u32 {
        0
    }

    fn counters(&self) -> Box<dyn Counters> {
        Box::new(NoTraffic {
            routes: Arc::clone(&self.routes_used),
        })
    }
}

/// Counters of a data plane that no packet enters.
struct NoTraffic {
    routes: Arc<AtomicUsize>,
}

impl Counters for NoTraffic {
    fn routes(&self) -> Vec<Counter> {
        vec![Counter::default(); self.routes.load(Ordering::Relaxed)]
    }

    fn route(&self, _: RouteId) -> Counter {
        Counter::default()
    }

    fn verdicts(&self) -> Vec<VerdictCount> {
        Vec::new()
    }

    fn received(&self) -> Vec<(Option<IfIndex>, Counter)> {
        Vec::new()
    }
}

/// The element `id` of a map, which grows up to its capacity.
fn entry<'a, T: Clone + Default>(
    map: &'a mut Vec<T>,
    id: u32,
    capacity: u32,
    name: &str,
) -> &'a mut T {
    assert!(id < capacity, "{name} has no element {id}");
    if map.len() <= id as usize {
        map.resize(id as usize + 1, T::default());
    }
    &mut map[id as usize]
}

/// The buckets of a list.
fn range(list: PathList) -> std::ops::RangeInclusive<u32> {
    list.offset..=list.offset + list.mask
}

#[cfg(test)]
mod tests;
