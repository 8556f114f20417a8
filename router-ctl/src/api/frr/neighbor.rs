//! `show bgp neighbors`.

pub mod capabilities;
pub mod connection;
pub mod family;
pub mod restart;
pub mod timers;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::capabilities::{Capabilities, capabilities};
use self::connection::{Connection, LastConnection};
use self::family::{FamilyInfo, PrefixStats};
use self::restart::GracefulRestart;
use self::timers::Timers;
use crate::api::Status;
use crate::api::frr::summary::state_name;
use crate::api::frr::{escaped, family_key, is_false};
use crate::api::ordered::Ordered;
use crate::bgp::types::RouterId;
use crate::config::model::{Config, UpdateSource};
use crate::router::query::{self, NeighborState};

/// By name, in the order of the names: addresses by value, then interfaces.
pub type Neighbors = Ordered<Neighbor>;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Neighbor {
    /// `none` while an unnumbered neighbor has not been heard.
    pub bgp_neighbor_addr: String,
    /// 0 while the neighbor may be of any AS.
    pub remote_as: u32,
    pub local_as: u32,
    #[serde(default, skip_serializing_if = "is_false")]
    pub nbr_internal_link: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub nbr_external_link: bool,
    /// Roles of RFC 9234. We have none.
    pub local_role: String,
    pub remote_role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbr_desc: Option<String>,
    /// What the neighbor calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_group: Option<String>,
    /// The `listen range` that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_subnet_range_group: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub dynamic_peer: bool,
    pub bgp_version: u8,
    pub remote_router_id: String,
    pub local_router_id: String,
    pub bgp_state: String,
    /// `passive` while it waits for the neighbor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_state_is: Option<String>,
    #[serde(flatten)]
    pub timers: Timers,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbor_capabilities: Option<Capabilities>,
    pub graceful_restart_info: GracefulRestart,
    pub message_stats: MessageStats,
    pub prefix_stats: PrefixStats,
    pub min_btwn_advertisement_runs_timer_msecs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_source: Option<String>,
    pub address_family_info: BTreeMap<String, FamilyInfo>,
    pub connections_established: u64,
    pub connections_dropped: u64,
    #[serde(flatten)]
    pub last: LastConnection,
    /// 1 with a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_enabled: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_bgp_nbr_max_hops_away: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_bgp_nbr_max_hops_away: Option<u8>,
    #[serde(flatten)]
    pub connection: Connection,
    /// Configured to stay down.
    #[serde(default, skip_serializing_if = "is_false")]
    pub admin_shut_down: bool,
    /// `maximum-prefix` ended the session; not FRR's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub above_maximum_prefix: bool,
    /// Configured to wait for the neighbor; not FRR's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub passive: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageStats {
    pub depth_inq: usize,
    /// Octets.
    pub depth_outq: usize,
    pub opens_sent: u64,
    pub opens_recv: u64,
    pub notifications_sent: u64,
    pub notifications_recv: u64,
    pub updates_sent: u64,
    pub updates_recv: u64,
    pub keepalives_sent: u64,
    pub keepalives_recv: u64,
    pub route_refresh_sent: u64,
    pub route_refresh_recv: u64,
    /// Dynamic capabilities: never.
    pub capability_sent: u64,
    pub capability_recv: u64,
    pub total_sent: u64,
    pub total_recv: u64,
}

/// What the neighbors of one answer share.
pub struct Context<'a> {
    pub router_id: RouterId,
    pub config: &'a Config,
    pub status: Status,
}

impl Context<'_> {
    pub fn neighbors(&self, mut neighbors: Vec<query::Neighbor>) -> Neighbors {
        neighbors.sort_by(|a, b| a.name.cmp(&b.name));
        neighbors
            .iter()
            .map(|neighbor| (neighbor.name.to_string(), self.neighbor(neighbor)))
            .collect()
    }

    fn neighbor(&self, neighbor: &query::Neighbor) -> Neighbor {
        let session = neighbor.session.as_deref();
        let said = session.map(|session| &session.introduction);
        let settings = &neighbor.settings;
        let internal = neighbor.remote_as == Some(neighbor.local_as);
        Neighbor {
            bgp_neighbor_addr: if neighbor.address.is_unspecified() {
                "none".to_owned()
            } else {
                neighbor.address.to_string()
            },
            remote_as: neighbor.remote_as.map_or(0, |asn| asn.0),
            local_as: neighbor.local_as.0,
            nbr_internal_link: internal,
            nbr_external_link: !internal,
            local_role: "undefined".to_owned(),
            remote_role: role_name(said.and_then(|said| said.role)).to_owned(),
            nbr_desc: neighbor.description.clone(),
            hostname: said.and_then(|said| said.host.as_deref().map(escaped)),
            peer_group: neighbor.peer_group.clone(),
            peer_subnet_range_group: neighbor.range.map(|range| range.to_string()),
            dynamic_peer: neighbor.range.is_some(),
            bgp_version: 4,
            remote_router_id: neighbor
                .remote_router_id
                .map_or_else(|| "0.0.0.0".to_owned(), |id| id.to_string()),
            local_router_id: self.router_id.to_string(),
            bgp_state: state_name(neighbor.state).to_owned(),
            bgp_state_is: (neighbor.passive && neighbor.state == NeighborState::Active)
                .then(|| "passive".to_owned()),
            timers: Timers::new(self.config, self.status, neighbor),
            neighbor_capabilities: session.map(capabilities),
            graceful_restart_info: GracefulRestart::new(
                self.config.protocols.bgp.as_ref(),
                neighbor,
            ),
            message_stats: message_stats(neighbor),
            prefix_stats: PrefixStats::new(neighbor),
            min_btwn_advertisement_runs_timer_msecs: u64::from(
                settings.advertisement_interval.unwrap_or(0),
            ) * 1000,
            update_source: settings.update_source.as_ref().map(|source| match source {
                UpdateSource::Address(address) => address.to_string(),
                UpdateSource::Interface(name) => name.clone(),
            }),
            address_family_info: neighbor
                .families
                .iter()
                .map(|family| {
                    let key = family_key(family.family).to_owned();
                    (key, FamilyInfo::new(neighbor, family))
                })
                .collect(),
            connections_established: neighbor.connections_established,
            connections_dropped: neighbor.connections_dropped,
            last: LastConnection::new(neighbor),
            authentication_enabled: settings.password.is_some().then_some(1),
            internal_bgp_nbr_max_hops_away: internal.then_some(255),
            external_bgp_nbr_max_hops_away: (!internal)
                .then(|| settings.ebgp_multihop.unwrap_or(1)),
            connection: Connection::new(self.config, neighbor),
            admin_shut_down: neighbor.admin_down,
            above_maximum_prefix: neighbor.over_limit,
            passive: neighbor.passive,
        }
    }
}

fn message_stats(neighbor: &query::Neighbor) -> MessageStats {
    let (sent, received) = (neighbor.status.sent, neighbor.status.received);
    MessageStats {
        depth_inq: 0,
        depth_outq: neighbor.output_queue,
        opens_sent: sent.open,
        opens_recv: received.open,
        notifications_sent: sent.notification,
        notifications_recv: received.notification,
        updates_sent: sent.update,
        updates_recv: received.update,
        keepalives_sent: sent.keepalive,
        keepalives_recv: received.keepalive,
        route_refresh_sent: sent.route_refresh,
        route_refresh_recv: received.route_refresh,
        capability_sent: 0,
        capability_recv: 0,
        total_sent: neighbor.messages_sent,
        total_recv: neighbor.messages_received,
    }
}

/// RFC 9234 §4.1.
fn role_name(role: Option<u8>) -> &'static str {
    match role {
        Some(0) => "provider",
        Some(1) => "rs-server",
        Some(2) => "rs-client",
        Some(3) => "customer",
        Some(4) => "peer",
        Some(_) | None => "undefined",
    }
}

#[cfg(test)]
mod tests;
