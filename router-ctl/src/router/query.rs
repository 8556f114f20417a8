//! Questions to the router, and their answers as plain values. Readers never touch routing state: a question
//! enters the one event loop, is answered within its slice of work, and long lists come in pages.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use router_common::route::RouteId;

use crate::bfd;
pub use crate::bgp::fsm::State as NeighborState;
pub use crate::bgp::negotiate::{AddPathOffer, CapabilityUse, Introduction, PeerGracefulRestart};
pub use crate::bgp::types::Origin;
use crate::bgp::types::{Asn, Family, NextHop, RouterId};
pub use crate::bgp::wire::as_path::SegmentKind;
pub use crate::config::model::NeighborName;
use crate::config::model::NeighborSettings;
use crate::host::{IfIndex, LinkState, MacAddress};
pub use crate::rib::export::OwnNextHopV6;
pub use crate::rib::route::{PeerId, Rejection, Rejections};
use crate::router::event::PeerStatus;

/// Rows that one answer carries at most.
pub const PAGE_ROWS: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    BgpSummary,
    BgpNeighbors,
    /// Paths of the prefixes that match, a page at a time, in no particular order.
    BgpRoutes {
        family: Family,
        select: Select,
        cursor: Cursor,
    },
    /// A table of one neighbour, a page at a time, in no particular order. Answered by `BgpRoutes`.
    NeighborRoutes {
        neighbor: NeighborName,
        family: Family,
        table: NeighborTable,
        cursor: Cursor,
    },
    /// What a route map would make of the routes of some prefixes.
    ExplainPolicy {
        route_map: String,
        prefixes: Vec<IpNet>,
    },
    /// Routes of every protocol, a page at a time, in no particular order.
    Routes {
        family: Family,
        select: Select,
        cursor: Cursor,
    },
    /// Installed prefixes with the route ids that name their counters, a page at a time.
    Installed {
        cursor: Cursor,
    },
    Interfaces,
    Fib,
    BfdPeers,
    Startup,
}

/// What of a neighbour is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighborTable {
    /// What it sent, as it came.
    Received,
    /// Of that what may be used, as it is used.
    Accepted,
    /// What may not be used, and why.
    Filtered,
    /// What it was told.
    Advertised,
}

/// Which prefixes are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    All,
    Exact(IpNet),
    /// The longest match of an address.
    Match(IpAddr),
}

/// Where a page begins: 0 at first, then what the last page gave as `next`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor(pub u64);

#[derive(Clone, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// `None` on the last page.
    pub next: Option<Cursor>,
}

#[derive(Clone, Debug)]
pub enum Answer {
    BgpSummary(BgpSummary),
    BgpNeighbors(Vec<Neighbor>),
    BgpRoutes(Page<BgpPrefix>),
    Policy(Result<Vec<PolicyTrial>, String>),
    Routes(Page<Route>),
    Installed(Page<InstalledPrefix>),
    Interfaces(Vec<Interface>),
    Fib(FibSummary),
    BfdPeers(Vec<BfdPeer>),
    Startup(Startup),
}

#[derive(Clone, Debug)]
pub struct BgpSummary {
    pub router_id: RouterId,
    pub local_as: Asn,
    pub families: Vec<FamilySummary>,
}

/// One family and the neighbours on which it is configured.
#[derive(Clone, Debug)]
pub struct FamilySummary {
    pub family: Family,
    /// Counts every change of the table.
    pub table_version: u64,
    pub prefixes: usize,
    pub paths: usize,
    pub memory_bytes: usize,
    pub peer_memory_bytes: usize,
    pub peer_groups: usize,
    pub peer_group_memory_bytes: usize,
    pub multipath_relax: bool,
    pub peers: Vec<Neighbor>,
}

#[derive(Clone, Debug)]
pub struct Neighbor {
    pub peer: PeerId,
    pub name: NeighborName,
    pub address: IpAddr,
    /// The link of a link-local neighbour, and its name.
    pub scope: Option<(IfIndex, String)>,
    pub peer_group: Option<String>,
    /// The `listen range` that it came from.
    pub range: Option<IpNet>,
    /// What is configured for it, its group's settings included.
    pub settings: Box<NeighborSettings>,
    pub description: Option<String>,
    pub remote_as: Option<Asn>,
    pub local_as: Asn,
    pub remote_router_id: Option<RouterId>,
    pub state: NeighborState,
    pub passive: bool,
    pub admin_down: bool,
    /// `maximum-prefix` ended the session.
    pub over_limit: bool,
    /// eBGP without a policy under `ebgp-requires-policy`: nothing is exchanged (RFC 8212).
    pub policy_missing: bool,
    /// Time in Established, or since the last session ended; `None` before the first session.
    pub since: Option<Duration>,
    pub messages_received: u64,
    pub messages_sent: u64,
    /// Octets queued towards the neighbour.
    pub output_queue: usize,
    pub connections_established: u64,
    pub connections_dropped: u64,
    pub hold_time: Option<Duration>,
    pub keepalive: Option<Duration>,
    pub families: Vec<NeighborFamily>,
    /// Why the last session ended, in words.
    pub last_down: Option<String>,
    /// What the session tells of itself.
    pub status: Box<PeerStatus>,
    pub local_endpoint: Option<std::net::SocketAddr>,
    pub remote_endpoint: Option<std::net::SocketAddr>,
    /// Times of the session, as they lie behind or ahead.
    pub times: NeighborTimes,
    /// While Established.
    pub session: Option<Box<NeighborSession>>,
}

/// How long ago something was; `None` when it never was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeighborTimes {
    /// A message, and an UPDATE, came.
    pub last_received: Option<Duration>,
    pub last_update: Option<Duration>,
    /// All that there was to send had been written.
    pub last_written: Option<Duration>,
    /// The last connection ended.
    pub last_reset: Option<Duration>,
    /// Until the next attempt to connect.
    pub next_attempt: Option<Duration>,
}

/// What was agreed with a neighbour, and what it is told.
#[derive(Clone, Debug)]
pub struct NeighborSession {
    /// Every capability that either side sent.
    pub capabilities: Vec<CapabilityUse>,
    pub introduction: Introduction,
    pub add_path_offered: AddPathOffer,
    pub add_path_asked: AddPathOffer,
    /// Present when both sides can.
    pub graceful_restart: Option<PeerGracefulRestart>,
    /// Neighbours with the same number are told the same.
    pub update_group: Option<u32>,
    /// Our own addresses that it is told as next hops.
    pub next_hop_v4: Option<Ipv4Addr>,
    pub next_hop_v6: Option<OwnNextHopV6>,
    /// The neighbour is on a subnet of ours.
    pub shared_network: bool,
}

#[derive(Clone, Debug)]
pub struct NeighborFamily {
    pub family: Family,
    pub negotiated: bool,
    pub received: usize,
    /// Of these, accepted by policy and checks.
    pub accepted: usize,
    /// The others.
    pub rejected: Rejections,
    pub advertised: usize,
    pub end_of_rib_received: bool,
    pub end_of_rib_sent: bool,
    /// Until stale paths of the last session are swept.
    pub stale_for: Option<Duration>,
}

#[derive(Clone, Debug)]
pub struct BgpPrefix {
    pub prefix: IpNet,
    pub paths: Vec<BgpPath>,
    /// Who was told of it. Only when one prefix was asked for.
    pub advertised_to: Vec<Told>,
}

/// A neighbour that was told of a prefix.
#[derive(Clone, Debug)]
pub struct Told {
    pub name: NeighborName,
    /// What it calls itself.
    pub host: Option<Arc<str>>,
}

#[derive(Clone, Debug)]
pub struct BgpPath {
    /// `None` for a route of our own.
    pub peer: Option<PathPeer>,
    /// What its sender calls itself; of a route of our own what we are called.
    pub host: Option<Arc<str>>,
    pub next_hop: NextHop,
    /// Of the way to the next hop; `None` while that is unresolved, and where the choice is not looked at.
    pub next_hop_metric: Option<u32>,
    pub as_path: Vec<AsPathSegment>,
    pub origin: Origin,
    pub med: Option<u32>,
    pub local_pref: Option<u32>,
    pub weight: u32,
    pub communities: Vec<u32>,
    pub large_communities: Vec<[u32; 3]>,
    /// As people write them: `rt:65000:1`.
    pub extended_communities: Vec<String>,
    pub originator_id: Option<RouterId>,
    pub cluster_list: Vec<RouterId>,
    pub aggregator: Option<(Asn, RouterId)>,
    pub atomic_aggregate: bool,
    pub path_id: u32,
    /// Usable: accepted by policy, no loop, next hop resolved.
    pub valid: bool,
    pub best: bool,
    pub multipath: bool,
    pub stale: bool,
    /// Until it is swept as stale.
    pub stale_for: Option<Duration>,
    /// Why it is best, at which step it lost, or why it is no candidate. Words of the decision process.
    pub reason: Cow<'static, str>,
}

/// What a policy makes of one route, tried without consequences.
#[derive(Clone, Debug)]
pub struct PolicyTrial {
    pub prefix: IpNet,
    /// `None` for a route of our own.
    pub peer: Option<IpAddr>,
    pub permitted: bool,
    /// The rule that decided.
    pub verdict: String,
    /// What happened rule by rule, in words.
    pub steps: Vec<String>,
    pub before: BgpPath,
    /// Of a permitted route.
    pub after: Option<BgpPath>,
}

#[derive(Clone, Debug)]
pub struct PathPeer {
    pub name: NeighborName,
    pub address: IpAddr,
    pub router_id: RouterId,
    pub asn: Asn,
    pub internal: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsPathSegment {
    pub kind: SegmentKind,
    pub asns: Vec<Asn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Local,
    Connected,
    Static,
    Ebgp,
    Ibgp,
    /// A BGP aggregate of our own: what no more specific route covers is dropped.
    Aggregate,
}

#[derive(Clone, Debug)]
pub struct Route {
    pub prefix: IpNet,
    pub protocol: Protocol,
    pub distance: u8,
    pub metric: u32,
    /// Chosen among the protocols.
    pub selected: bool,
    /// In the data plane and acknowledged.
    pub installed: bool,
    /// Prefixes with the same number share a path list; `None` for one that is not chosen.
    pub path_list: Option<u32>,
    pub next_hops: Vec<RouteNextHop>,
}

#[derive(Clone, Debug)]
pub struct RouteNextHop {
    pub target: RouteTarget,
    pub interface: Option<(IfIndex, String)>,
    /// Whether traffic can be sent there.
    pub active: bool,
    pub recursive: bool,
    pub weight: u32,
    /// Buckets of the path list that this next hop holds, and how many the list has.
    pub buckets: Option<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    Gateway(IpAddr),
    Connected,
    Local,
    Blackhole,
    Unreachable,
}

#[derive(Clone, Debug)]
pub struct InstalledPrefix {
    pub prefix: IpNet,
    pub route: RouteId,
    pub next_hops: Vec<IpAddr>,
    pub interfaces: Vec<IfIndex>,
    pub origin_as: Option<Asn>,
    pub peer: Option<IpAddr>,
}

#[derive(Clone, Debug)]
pub struct Interface {
    pub index: IfIndex,
    pub name: String,
    pub state: LinkState,
    pub mac: Option<MacAddress>,
    pub mtu: u32,
    pub addresses: Vec<IpNet>,
    /// `native`, `generic`, `off`, or `-` when it is not configured.
    pub xdp: &'static str,
    /// The attachment was found pinned and kept.
    pub adopted: bool,
}

#[derive(Clone, Debug)]
pub struct FibSummary {
    pub engine: &'static str,
    pub routes_v4: usize,
    pub routes_v6: usize,
    pub capacity_routes: u32,
    pub path_lists: usize,
    pub capacity_path_lists: u32,
    pub buckets: usize,
    pub capacity_buckets: u32,
    pub next_hops: usize,
    pub capacity_next_hops: u32,
    /// Operations handed over and not yet acknowledged.
    pub pending: usize,
    pub failures: u64,
    pub stale: usize,
    pub generation: u64,
    pub hash_seed: u32,
}

#[derive(Clone, Debug)]
pub struct BfdPeer {
    /// Of the neighbours that use the session, the first that has one.
    pub description: Option<String>,
    pub key: bfd::Key,
    /// Name of the key's interface.
    pub interface: Option<String>,
    /// Time in the present state.
    pub since: Duration,
    pub status: bfd::Status,
}

/// How long each part of the start took.
#[derive(Clone, Debug, Default)]
pub struct Startup {
    pub adopted_routes: usize,
    pub steps: Vec<(&'static str, Duration)>,
}
