//! `policy route-map`: rules with what they match and what they set.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::bgp::attributes::{Community, LargeCommunity};
use crate::bgp::types::{Asn, Origin, RouterId};
use crate::policy::model::{Action, CommunityRange, ExtendedValue, NumberChange};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteMap {
    pub description: Option<String>,
    pub rule: BTreeMap<u32, RouteMapRule>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteMapRule {
    pub action: Option<Action>,
    pub description: Option<String>,
    pub match_: Match,
    pub set: Set,
    /// Another route-map, evaluated after `set`; if it denies, the route is denied.
    pub call: Option<String>,
    /// Where a permitted route goes on. The same as `on-match goto`.
    pub continue_: Option<u32>,
    pub on_match: Option<OnMatch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMatch {
    Next,
    Goto(u32),
}

/// All leaves must hold; several values of one leaf are alternatives. An empty leaf asks nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    pub as_path: Vec<String>,
    pub community: CommunityMatch,
    /// All of them must hold.
    pub community_range: BTreeMap<CommunityRange, CommunityRangeMatch>,
    pub large_community: LargeCommunityMatch,
    pub extcommunity: Vec<String>,
    pub interface: Vec<String>,
    pub ip: MatchV4,
    pub ipv6: MatchV6,
    pub local_preference: Vec<u32>,
    pub metric: Vec<u32>,
    pub origin: Vec<Origin>,
    pub peer: Vec<Peer>,
    pub protocol: Vec<Protocol>,
    pub tag: Vec<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommunityMatch {
    pub community_list: Vec<String>,
    /// The communities of the route are those of the rule and no others.
    pub exact_match: bool,
}

/// The route has a community of the range with such a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommunityRangeMatch {
    pub ge: Option<u16>,
    pub le: Option<u16>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LargeCommunityMatch {
    pub large_community_list: Vec<String>,
}

/// `match ip`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatchV4 {
    pub address: AddressMatch,
    pub nexthop: NextHopMatch<Ipv4Addr>,
}

/// `match ipv6`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatchV6 {
    pub address: AddressMatch,
    pub nexthop: NextHopMatch<Ipv6Addr>,
}

/// The prefix of the route. A prefix of the other family does not match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressMatch {
    pub access_list: Vec<String>,
    pub prefix_list: Vec<String>,
    pub prefix_len: Vec<u8>,
}

/// The next hop of the route; lists see it as a host prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextHopMatch<A> {
    pub address: Vec<A>,
    pub access_list: Vec<String>,
    pub prefix_list: Vec<String>,
    pub prefix_len: Vec<u8>,
}

impl<A> Default for NextHopMatch<A> {
    fn default() -> Self {
        Self {
            address: Vec::new(),
            access_list: Vec::new(),
            prefix_list: Vec::new(),
            prefix_len: Vec::new(),
        }
    }
}

/// `match peer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The neighbour that sent the route, or that is to get it.
    Address(IpAddr),
    /// The route is our own: a network, an aggregate or redistributed.
    Local,
}

/// `match protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Bgp,
    Connected,
    Kernel,
    Static,
}

impl Protocol {
    pub const ALL: [Self; 4] = [Self::Bgp, Self::Connected, Self::Kernel, Self::Static];

    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Bgp => "bgp",
            Self::Connected => "connected",
            Self::Kernel => "kernel",
            Self::Static => "static",
        }
    }
}

/// What a permitted route becomes. Applied in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    pub aggregator: AggregatorSet,
    pub as_path: AsPathSet,
    pub atomic_aggregate: bool,
    pub community: CommunitySet<Community>,
    /// After `community`.
    pub community_range: BTreeMap<CommunityRange, CommunityRangeSet>,
    pub large_community: CommunitySet<LargeCommunity>,
    pub extcommunity: RouteTargets,
    pub distance: Option<u8>,
    pub ip_next_hop: Option<SetNextHop>,
    pub ipv6_next_hop: Ipv6NextHopSet,
    pub local_preference: Option<NumberChange>,
    pub metric: Option<NumberChange>,
    pub origin: Option<Origin>,
    pub originator_id: Option<RouterId>,
    pub tag: Option<u32>,
    pub weight: Option<u32>,
}

/// Both or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AggregatorSet {
    pub as_: Option<Asn>,
    pub ip: Option<Ipv4Addr>,
}

/// `exclude` comes first, then `prepend-last-as`, then `prepend`: its first AS becomes the leftmost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsPathSet {
    pub exclude: Vec<Asn>,
    pub prepend_last_as: Option<u8>,
    pub prepend: Vec<Asn>,
}

/// `none` or `replace` first, then `delete`, then `add`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommunitySet<C> {
    pub none: bool,
    pub replace: Vec<C>,
    /// A list: what it permits, each community looked at alone, is removed.
    pub delete: Option<String>,
    pub add: Vec<C>,
}

impl<C> Default for CommunitySet<C> {
    fn default() -> Self {
        Self {
            none: false,
            replace: Vec::new(),
            delete: None,
            add: Vec::new(),
        }
    }
}

/// One of these. `max` and `min` leave one community of the range: the largest or smallest of what the route
/// has and this value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommunityRangeSet {
    pub max: Option<u16>,
    pub min: Option<u16>,
    pub delete: bool,
}

/// `set extcommunity`: `none` removes all, then `rt` and `soo` are added to what there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteTargets {
    pub none: bool,
    pub rt: Vec<ExtendedValue>,
    pub soo: Vec<ExtendedValue>,
}

/// `set ip-next-hop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetNextHop {
    /// IPv4 prefixes only.
    Address(Ipv4Addr),
    /// The neighbour's address on import, our address of the session on export.
    PeerAddress,
    /// On export the next hop stays as it was learnt.
    Unchanged,
}

/// `set ipv6-next-hop`: for IPv6 prefixes, and for IPv4 prefixes with an IPv6 next hop (RFC 8950).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ipv6NextHopSet {
    pub global: Option<Ipv6Addr>,
    pub local: Option<Ipv6Addr>,
    pub peer_address: bool,
}
