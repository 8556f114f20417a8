//! `protocols bgp`, apart from its neighbours.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::IpNet;

use super::neighbor::{Neighbor, NeighborName, NeighborSettings};
use crate::bgp::types::{Asn, Family};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bgp {
    pub system_as: Asn,
    pub timers: Timers,
    pub parameters: Parameters,
    pub address_family: BTreeMap<Family, AddressFamily>,
    pub neighbor: BTreeMap<NeighborName, Neighbor>,
    pub peer_group: BTreeMap<String, NeighborSettings>,
    pub listen: Listen,
}

impl Bgp {
    /// What holds for a neighbour: its own settings, and where they are silent those of its group.
    pub fn settings(&self, neighbor: &Neighbor) -> NeighborSettings {
        let group = neighbor
            .peer_group
            .as_ref()
            .and_then(|group| self.peer_group.get(group));
        match group {
            Some(group) => neighbor.settings.over(group),
            None => neighbor.settings.clone(),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listen {
    /// Absent is 179.
    pub port: Option<u16>,
    /// `listen range <prefix>`: who may connect without being configured one by one.
    pub range: BTreeMap<IpNet, ListenRange>,
    /// Most neighbours that ranges bring; absent is 100.
    pub limit: Option<u16>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListenRange {
    pub peer_group: String,
}

/// Seconds. Absent: hold 90, keepalive a third of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timers {
    pub holdtime: Option<u16>,
    pub keepalive: Option<u16>,
    /// Absent is 30.
    pub connect: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Absent: the highest IPv4 address of the host.
    pub router_id: Option<Ipv4Addr>,
    /// Absent: the router id.
    pub cluster_id: Option<Ipv4Addr>,
    pub no_client_to_client_reflection: bool,
    /// Policy may change next hop, AS_PATH, MED and LOCAL_PREF of a reflected route.
    pub route_reflector_allow_outbound_policy: bool,
    /// RFC 8212; absent is on.
    pub ebgp_requires_policy: bool,
    /// `bestpath as-path ignore`
    pub as_path_ignore: bool,
    /// `bestpath as-path multipath-relax`
    pub as_path_multipath_relax: bool,
    /// `bestpath peer-type multipath-relax`
    pub peer_type_multipath_relax: bool,
    /// `bestpath origin multipath-relax`
    pub origin_multipath_relax: bool,
    pub always_compare_med: bool,
    /// `bestpath med missing-as-worst`
    pub med_missing_as_worst: bool,
    /// Absent is on: a `network` is originated only while another source has the prefix.
    pub network_import_check: bool,
    /// `default local-pref`; absent is 100.
    pub default_local_pref: u32,
    /// Lowest hold time that a neighbour may offer, in seconds; absent is 3.
    pub minimum_holdtime: u16,
    /// RFC 8326: our routes are about to go away.
    pub graceful_shutdown: bool,
    /// GRACEFUL_SHUTDOWN of others changes nothing.
    pub ignore_graceful_shutdown: bool,
    /// An interface that goes down does not end the sessions over it.
    pub no_fast_external_failover: bool,
    /// Absent is on: a route is announced when the data plane has it.
    pub suppress_fib_pending: bool,
    /// RFC 9774; absent is on.
    pub reject_as_sets: bool,
    pub allow_martian_nexthop: bool,
    /// An administrative reset is no Hard Reset (RFC 8538).
    pub no_hard_administrative_reset: bool,
    pub no_log_neighbor_changes: bool,
    /// `graceful-restart restart-time`: how long neighbours keep our routes, in seconds; absent is 120.
    pub restart_time: u16,
    /// `graceful-restart stalepath-time`: how long stale paths wait for End-of-RIB, in seconds; absent is 360.
    pub stalepath_time: u16,
    /// `graceful-restart select-defer-time`: how long decisions wait after our restart, in seconds; absent is 120.
    pub select_defer_time: u16,
    /// How long paths wait to be refreshed (RFC 7313), in seconds; absent is 360.
    pub enhanced_refresh_stale_time: u16,
    /// How long a cold start waits for End-of-RIB before it decides, in seconds; absent is 0.
    pub update_delay: u16,
    /// `distance global`
    pub distance: Distance,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            router_id: None,
            cluster_id: None,
            no_client_to_client_reflection: false,
            route_reflector_allow_outbound_policy: false,
            ebgp_requires_policy: true,
            as_path_ignore: false,
            as_path_multipath_relax: false,
            peer_type_multipath_relax: false,
            origin_multipath_relax: false,
            always_compare_med: false,
            med_missing_as_worst: false,
            network_import_check: true,
            default_local_pref: 100,
            minimum_holdtime: 3,
            graceful_shutdown: false,
            ignore_graceful_shutdown: false,
            no_fast_external_failover: false,
            suppress_fib_pending: true,
            reject_as_sets: true,
            allow_martian_nexthop: false,
            no_hard_administrative_reset: false,
            no_log_neighbor_changes: false,
            restart_time: 120,
            stalepath_time: 360,
            select_defer_time: 120,
            enhanced_refresh_stale_time: 360,
            update_delay: 0,
            distance: Distance::default(),
        }
    }
}

/// Administrative distance by where a route is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    /// Absent is 20.
    pub external: u8,
    /// Absent is 200.
    pub internal: u8,
    /// Of aggregates; absent is 200.
    pub local: u8,
}

impl Default for Distance {
    fn default() -> Self {
        Self {
            external: 20,
            internal: 200,
            local: 200,
        }
    }
}

/// Administrative distance in one family; what is absent is that of `parameters distance global`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FamilyDistance {
    pub external: Option<u8>,
    pub internal: Option<u8>,
    pub local: Option<u8>,
}

impl FamilyDistance {
    pub fn over(self, global: Distance) -> Distance {
        Distance {
            external: self.external.unwrap_or(global.external),
            internal: self.internal.unwrap_or(global.internal),
            local: self.local.unwrap_or(global.local),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressFamily {
    /// `maximum-paths ebgp`; absent is 256.
    pub maximum_paths_ebgp: u16,
    /// `maximum-paths ibgp`; absent is 256.
    pub maximum_paths_ibgp: u16,
    /// `distance external|internal|local`, before `parameters distance global`.
    pub distance: FamilyDistance,
    pub network: BTreeMap<IpNet, Network>,
    pub aggregate_address: BTreeMap<IpNet, Aggregate>,
    /// `redistribute connected`
    pub redistribute_connected: Option<Redistribute>,
    /// `redistribute static`
    pub redistribute_static: Option<Redistribute>,
    /// `redistribute kernel`: routes of others in the kernel's main table.
    pub redistribute_kernel: Option<Redistribute>,
}

impl Default for AddressFamily {
    fn default() -> Self {
        Self {
            maximum_paths_ebgp: 256,
            maximum_paths_ibgp: 256,
            distance: FamilyDistance::default(),
            network: BTreeMap::new(),
            aggregate_address: BTreeMap::new(),
            redistribute_connected: None,
            redistribute_static: None,
            redistribute_kernel: None,
        }
    }
}

/// A prefix that we originate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    pub route_map: Option<String>,
    /// What eBGP tells of the prefix has the distance of a local route, so that an IGP wins.
    pub backdoor: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aggregate {
    /// More specific routes are not announced.
    pub summary_only: bool,
    /// The AS_PATH ends with the set of the contributors' ASes.
    pub as_set: bool,
    pub route_map: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redistribute {
    /// MED of the routes; absent is none.
    pub metric: Option<u32>,
    pub route_map: Option<String>,
}
