//! The FIB as `show` commands see it.

use std::net::IpAddr;

use router_common::route::RouteId;

use crate::fib::types::LocalKind;
use crate::host::IfIndex;
use crate::prefix::PrefixId;

/// An installed prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteView {
    /// Names the counters. `None` while the table is full.
    pub route: Option<RouteId>,
    pub kind: RouteKind,
    /// Adopted from an earlier run and not set again yet.
    pub stale: bool,
    pub paths: Vec<PathView>,
    /// Buckets of the path list.
    pub buckets: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// From the host's own addresses.
    Local(LocalKind),
    /// A resolved neighbour on a connected subnet.
    Neighbour,
    /// Set by the router.
    Routed,
}

/// One way that the packets of a prefix take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathView {
    pub target: PathTarget,
    /// The gateway is not on a connected subnet itself.
    pub recursive: bool,
    /// Traffic can be sent there.
    pub active: bool,
    pub weight: u32,
    /// Buckets that it holds.
    pub buckets: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathTarget {
    /// `neighbour` is the address that the frame is sent to; `None` when nothing resolves the gateway.
    Gateway {
        gateway: IpAddr,
        neighbour: Option<IpAddr>,
        interface: Option<IfIndex>,
    },
    Local,
    Connected(IfIndex),
    Blackhole,
    Unreachable,
}

/// A prefix that the host itself owns or is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalRoute {
    pub prefix: PrefixId,
    pub kind: LocalKind,
    pub link: IfIndex,
    /// Connected subnets of links that are down are not installed.
    pub active: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub routes_v4: usize,
    pub routes_v6: usize,
    pub path_lists: usize,
    pub buckets: usize,
    pub next_hops: usize,
    pub stale: usize,
    /// Prefixes that wait for room, and changes refused for lack of it since the start.
    pub waiting: usize,
    pub refused: u64,
}
