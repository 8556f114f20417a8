//! Steps that change the installed forwarding state, and the installed state itself as the data plane reads
//! it back. The order of a batch matters: what is pointed at is put before what points at it, and everything
//! that frees comes after a `Grace` that follows the unlink.

use ipnet::IpNet;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FibOp {
    /// Writes a next hop. On an id in use, only `neighbour` may differ: one 8-byte store.
    PutNextHop {
        id: NextHopId,
        next_hop: NextHop,
    },
    /// Writes buckets from `offset` on; on buckets in use, one 4-byte store each.
    PutBuckets {
        offset: u32,
        next_hops: Vec<NextHopId>,
    },
    /// Writes a path list: one 8-byte store.
    PutPathList {
        id: PathListId,
        list: PathList,
    },
    /// Points a route at a path list: one 4-byte store.
    PutRoute {
        id: RouteId,
        path_list: PathListId,
    },
    /// Makes the longest-prefix match of `prefix` the route. Replaces an older binding of the prefix.
    Bind {
        prefix: IpNet,
        route: RouteId,
    },
    /// Takes the prefix out of the longest-prefix match; the covering prefix serves from then on.
    Unbind {
        prefix: IpNet,
    },
    /// Waits until no program run can still hold anything unlinked before (an RCU grace period).
    Grace,
    /// Adds the route's counters to the withdrawn row, zeroes them; the id may be reused.
    FreeRoute {
        id: RouteId,
    },
    FreePathList {
        id: PathListId,
    },
    FreeBuckets {
        offset: u32,
        count: u32,
    },
    FreeNextHop {
        id: NextHopId,
    },
}

/// What the maps hold, as read at start. Only what is reachable from a binding is meaningful; the rest is
/// free or leaked, and is reused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installed {
    pub bindings: Vec<(IpNet, RouteId)>,
    /// Indexed by route id, up to the highest bound one.
    pub routes: Vec<PathListId>,
    /// Indexed by path list id, up to the highest one that a bound route names.
    pub path_lists: Vec<PathList>,
    /// Indexed by bucket, up to the highest one that those lists name.
    pub buckets: Vec<NextHopId>,
    /// Indexed by next hop id, up to the highest one that those buckets name.
    pub next_hops: Vec<NextHop>,
}
