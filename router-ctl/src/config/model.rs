//! The configuration tree. Field names are the words of the `set` path; absent means the default, which the
//! accessor or the field's comment names. Values are typed here: what is in the model is valid by itself.

mod bgp;
mod neighbor;

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::{Ipv4Net, Ipv6Net};

pub use self::bgp::{
    AddressFamily, Aggregate, Bgp, Distance, FamilyDistance, Listen, ListenRange, Network,
    Parameters, Redistribute, Timers,
};
pub use self::neighbor::{
    AddPathSend, AttributeUnchanged, Capabilities, Directions, DisableSendCommunity,
    GracefulRestartMode, LocalAs, MaximumPrefix, MaximumPrefixAction, Neighbor, NeighborBfd,
    NeighborFamily, NeighborName, NeighborSettings, NeighborTimers, NexthopSelf, Originate,
    PathAttribute, RemoteAs, RemovePrivateAs, UpdateSource,
};

use crate::policy::model::PolicyConfig;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub system: System,
    pub interfaces: Interfaces,
    pub protocols: Protocols,
    pub policy: PolicyConfig,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    pub host_name: Option<String>,
    /// `ip nht no-resolve-via-default`: a default route resolves no next hop.
    pub ip_no_resolve_via_default: bool,
    /// `ipv6 nht no-resolve-via-default`
    pub ipv6_no_resolve_via_default: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// `interfaces ethernet <if>`
    pub ethernet: BTreeMap<String, Ethernet>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ethernet {
    pub description: Option<String>,
    /// `xdp native|generic|off`; absent is off.
    pub xdp: Xdp,
    /// `ip disable-forwarding`: frames that arrive here pass to the kernel.
    pub disable_forwarding: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Xdp {
    Native,
    Generic,
    #[default]
    Off,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protocols {
    pub bgp: Option<Bgp>,
    pub bfd: Bfd,
    /// `protocols static`
    pub static_routes: StaticRoutes,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticRoutes {
    pub route: BTreeMap<Ipv4Net, StaticRoute>,
    pub route6: BTreeMap<Ipv6Net, StaticRoute>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticRoute {
    pub next_hop: BTreeMap<IpAddr, StaticNextHop>,
    /// `blackhole [distance]`
    pub blackhole: Option<StaticTarget>,
    /// `reject [distance]`: unreachable.
    pub reject: Option<StaticTarget>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticNextHop {
    pub interface: Option<String>,
    /// Absent is 1.
    pub distance: Option<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaticTarget {
    /// Absent is 1.
    pub distance: Option<u8>,
}

/// `protocols bfd`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bfd {
    pub profile: BTreeMap<String, BfdProfile>,
}

/// How a BFD session is timed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BfdProfile {
    /// `interval transmit`, in milliseconds; absent is 300.
    pub interval_transmit: u32,
    /// `interval receive`, in milliseconds; absent is 300.
    pub interval_receive: u32,
    /// `interval multiplier`; absent is 3.
    pub multiplier: u8,
    /// Wait for the other side to begin.
    pub passive: bool,
    /// Lowest TTL accepted from a neighbour that is several hops away; absent is 254.
    pub minimum_ttl: u8,
}

impl Default for BfdProfile {
    fn default() -> Self {
        Self {
            interval_transmit: 300,
            interval_receive: 300,
            multiplier: 3,
            passive: false,
            minimum_ttl: 254,
        }
    }
}
