//! The configuration tree. Field names are the words of the `set` path; absent means the default, which the
//! accessor or the field's comment names. Values are typed here: what is in the model is valid by itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::bgp::types::{Asn, Family};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub system: System,
    pub interfaces: Interfaces,
    pub protocols: Protocols,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    pub host_name: Option<String>,
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bgp {
    pub system_as: Asn,
    pub timers: Timers,
    pub parameters: Parameters,
    pub address_family: BTreeMap<Family, AddressFamily>,
    pub neighbor: BTreeMap<IpAddr, Neighbor>,
    /// `listen port`; absent is 179.
    pub listen_port: Option<u16>,
}

/// Seconds. Absent: hold 90, keepalive a third of it, connect 30.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timers {
    pub holdtime: Option<u16>,
    pub keepalive: Option<u16>,
    pub connect: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Absent: the highest IPv4 address of the host.
    pub router_id: Option<Ipv4Addr>,
    /// RFC 8212; absent is on.
    pub ebgp_requires_policy: bool,
    /// `bestpath as-path multipath-relax`
    pub as_path_multipath_relax: bool,
    /// Absent is off.
    pub always_compare_med: bool,
    /// `bestpath med missing-as-worst`
    pub med_missing_as_worst: bool,
    /// Absent is on: a `network` is originated only while another source has the prefix.
    pub network_import_check: bool,
    /// `default local-pref`; absent is 100.
    pub default_local_pref: u32,
    /// `graceful-restart`: how long stale routes are kept after a restart, in seconds; absent is 120.
    pub restart_time: u16,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            router_id: None,
            ebgp_requires_policy: true,
            as_path_multipath_relax: false,
            always_compare_med: false,
            med_missing_as_worst: false,
            network_import_check: true,
            default_local_pref: 100,
            restart_time: 120,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressFamily {
    /// `maximum-paths ebgp`; absent is 256.
    pub maximum_paths_ebgp: u16,
    /// `maximum-paths ibgp`; absent is 256.
    pub maximum_paths_ibgp: u16,
    pub network: BTreeMap<IpNet, Network>,
}

impl Default for AddressFamily {
    fn default() -> Self {
        Self {
            maximum_paths_ebgp: 256,
            maximum_paths_ibgp: 256,
            network: BTreeMap::new(),
        }
    }
}

/// A prefix that we originate. Nothing to set yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbor {
    pub remote_as: RemoteAs,
    pub description: Option<String>,
    pub passive: bool,
    pub shutdown: bool,
    /// Absent is 179.
    pub port: Option<u16>,
    pub update_source: Option<IpAddr>,
    /// `ebgp-multihop`: the TTL of our packets.
    pub ebgp_multihop: Option<u8>,
    pub timers: Timers,
    pub address_family: BTreeMap<Family, NeighborFamily>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteAs {
    Number(Asn),
    Internal,
    External,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeighborFamily {
    pub nexthop_self: bool,
}
