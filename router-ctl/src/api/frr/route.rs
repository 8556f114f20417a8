//! `show ip route`.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::api::frr::is_false;
use crate::api::ordered::Ordered;
use crate::router::query::{self, Protocol, RouteTarget};

/// By prefix, in the order of the prefixes; each with the route of every protocol that has one.
pub type Routes = Ordered<Vec<Route>>;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    pub prefix: String,
    pub prefix_len: u8,
    pub protocol: String,
    /// `external` or `internal` on BGP routes; not FRR's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_type: Option<String>,
    pub vrf_id: i32,
    pub vrf_name: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub selected: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub dest_selected: bool,
    pub distance: u8,
    pub metric: u32,
    pub installed: bool,
    /// Chosen, and on its way to the data plane.
    #[serde(default, skip_serializing_if = "is_false")]
    pub queued: bool,
    /// In the XDP program's tables.
    #[serde(default, skip_serializing_if = "is_false")]
    pub offloaded: bool,
    pub internal_next_hop_num: usize,
    pub internal_next_hop_active_num: usize,
    /// Routes with the same number share a path list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nexthop_group_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_nexthop_group_id: Option<u32>,
    pub nexthops: Vec<NextHop>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextHop {
    /// Bits: 1 active, 2 in the FIB, 4 recursive.
    pub flags: u8,
    #[serde(default, skip_serializing_if = "is_false")]
    pub fib: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub afi: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface_name: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub active: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub recursive: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub directly_connected: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub blackhole: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub reject: bool,
    pub weight: u32,
    /// Buckets of the path list that it holds; not FRR's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buckets: Option<u32>,
    /// How many the list has; not FRR's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buckets_total: Option<u32>,
}

impl Route {
    pub fn new(route: &query::Route) -> Self {
        let active = |next_hop: &&query::RouteNextHop| next_hop.active;
        Self {
            prefix: route.prefix.to_string(),
            prefix_len: route.prefix.prefix_len(),
            protocol: protocol_name(route.protocol).to_owned(),
            bgp_type: match route.protocol {
                Protocol::Ebgp => Some("external".to_owned()),
                Protocol::Ibgp => Some("internal".to_owned()),
                Protocol::Aggregate => Some("aggregate".to_owned()),
                Protocol::Local | Protocol::Connected | Protocol::Static => None,
            },
            vrf_id: 0,
            vrf_name: "default".to_owned(),
            selected: route.selected,
            dest_selected: route.selected,
            distance: route.distance,
            metric: route.metric,
            installed: route.installed,
            queued: route.selected && !route.installed,
            offloaded: route.installed,
            internal_next_hop_num: route.next_hops.len(),
            internal_next_hop_active_num: route.next_hops.iter().filter(active).count(),
            nexthop_group_id: route.path_list,
            installed_nexthop_group_id: route.path_list.filter(|_| route.installed),
            nexthops: route
                .next_hops
                .iter()
                .map(|next_hop| NextHop::new(next_hop, route))
                .collect(),
        }
    }
}

impl NextHop {
    fn new(next_hop: &query::RouteNextHop, route: &query::Route) -> Self {
        let address = match next_hop.target {
            RouteTarget::Gateway(address) => Some(address),
            RouteTarget::Connected
            | RouteTarget::Local
            | RouteTarget::Blackhole
            | RouteTarget::Unreachable => None,
        };
        let interface = next_hop.interface.as_ref();
        let fib = route.installed && next_hop.active;
        Self {
            flags: u8::from(next_hop.active)
                | u8::from(fib) << 1
                | u8::from(next_hop.recursive) << 2,
            fib,
            ip: address.map(|address| address.to_string()),
            afi: address.map(|address| {
                match address {
                    IpAddr::V4(_) => "ipv4",
                    IpAddr::V6(_) => "ipv6",
                }
                .to_owned()
            }),
            interface_index: interface.map(|(index, _)| index.0),
            interface_name: interface.map(|(_, name)| name.clone()),
            active: next_hop.active,
            recursive: next_hop.recursive,
            directly_connected: matches!(
                next_hop.target,
                RouteTarget::Connected | RouteTarget::Local
            ),
            blackhole: next_hop.target == RouteTarget::Blackhole,
            reject: next_hop.target == RouteTarget::Unreachable,
            weight: next_hop.weight,
            buckets: next_hop.buckets.map(|(held, _)| held),
            buckets_total: next_hop.buckets.map(|(_, total)| total),
        }
    }
}

fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Local => "local",
        Protocol::Connected => "connected",
        Protocol::Static => "static",
        Protocol::Ebgp | Protocol::Ibgp | Protocol::Aggregate => "bgp",
    }
}
