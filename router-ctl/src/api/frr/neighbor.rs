//! `show bgp neighbors`.

pub mod capabilities;
pub mod family;
pub mod restart;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::capabilities::{Capabilities, capabilities};
use self::family::{FamilyInfo, PrefixStats};
use self::restart::GracefulRestart;
use crate::api::Status;
use crate::api::frr::summary::state_name;
use crate::api::frr::{escaped, family_key, is_false, milliseconds, uptime};
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_timer_up_msec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_timer_up_string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_timer_up_established_epoch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_timer_last_read: Option<u64>,
    /// When all that there was to send had been written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_timer_last_write: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_in_update_elapsed_time_msecs: Option<u64>,
    pub bgp_timer_configured_hold_time_msecs: u64,
    pub bgp_timer_configured_keep_alive_interval_msecs: u64,
    /// As agreed; without session as configured.
    pub bgp_timer_hold_time_msecs: u64,
    pub bgp_timer_keep_alive_interval_msecs: u64,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reset_timer_msecs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reset_due_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error_code_subcode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_notification_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_notification_hard_reset: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_shutdown_description: Option<String>,
    /// Why no connection comes about; not FRR's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_error: Option<String>,
    /// 1 with a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_enabled: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_bgp_nbr_max_hops_away: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_bgp_nbr_max_hops_away: Option<u8>,
    /// `Unknown` without session, and the port is -1.
    pub host_local: String,
    pub port_local: i32,
    pub host_foreign: String,
    pub port_foreign: i32,
    /// Our own addresses that the neighbor is told as next hops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nexthop: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nexthop_global: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nexthop_local: Option<String>,
    /// `sharedNetwork` or `nonSharedNetwork`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_connection: Option<String>,
    pub connect_retry_timer: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_connect_timer_due_in_msecs: Option<u64>,
    /// Configured to stay down; not FRR's.
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
        let up = neighbor.state == NeighborState::Established;
        let notification = neighbor.status.last_notification.as_ref();
        let since = neighbor.since;
        let times = neighbor.times;
        let session = neighbor.session.as_deref();
        let said = session.map(|session| &session.introduction);
        let own_v6 = session.and_then(|session| session.next_hop_v6);
        let (host_local, port_local) = endpoint(neighbor.local_endpoint);
        let (host_foreign, port_foreign) = endpoint(neighbor.remote_endpoint);
        let timers = Timers::configured(self.config, neighbor);
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
            bgp_timer_up_msec: since.filter(|_| up).map(milliseconds),
            bgp_timer_up_string: since.filter(|_| up).map(uptime),
            bgp_timer_up_established_epoch: since
                .filter(|_| up)
                .map(|since| self.status.epoch_before(since)),
            bgp_timer_last_read: times.last_received.map(milliseconds),
            bgp_timer_last_write: times.last_written.map(milliseconds),
            bgp_in_update_elapsed_time_msecs: times.last_update.map(milliseconds),
            bgp_timer_configured_hold_time_msecs: timers.hold,
            bgp_timer_configured_keep_alive_interval_msecs: timers.keepalive,
            bgp_timer_hold_time_msecs: if up {
                in_use(neighbor.hold_time)
            } else {
                timers.hold
            },
            bgp_timer_keep_alive_interval_msecs: if up {
                in_use(neighbor.keepalive)
            } else {
                timers.keepalive
            },
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
            last_reset_timer_msecs: times.last_reset.map(milliseconds),
            last_reset_due_to: neighbor.last_down.clone(),
            last_error_code_subcode: notification
                .map(|last| format!("{:02X}{:02X}", last.code, last.subcode)),
            last_notification_reason: notification.map(|last| last.words.clone()),
            last_notification_hard_reset: notification.map(|last| last.hard_reset),
            last_shutdown_description: notification
                .and_then(|last| last.text.as_ref())
                .map(|text| escaped(text)),
            connect_error: neighbor.status.connect_error.clone(),
            authentication_enabled: settings.password.is_some().then_some(1),
            internal_bgp_nbr_max_hops_away: internal.then_some(255),
            external_bgp_nbr_max_hops_away: (!internal)
                .then(|| settings.ebgp_multihop.unwrap_or(1)),
            host_local,
            port_local,
            host_foreign,
            port_foreign,
            nexthop: session
                .and_then(|session| session.next_hop_v4)
                .map(|address| address.to_string()),
            nexthop_global: own_v6.map(|own| own.global.to_string()),
            nexthop_local: own_v6
                .and_then(|own| own.link_local)
                .map(|address| address.to_string()),
            bgp_connection: session.map(|session| {
                if session.shared_network {
                    "sharedNetwork"
                } else {
                    "nonSharedNetwork"
                }
                .to_owned()
            }),
            connect_retry_timer: timers.connect,
            next_connect_timer_due_in_msecs: times.next_attempt.map(milliseconds),
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

/// The timers that the configuration asks for: hold and keepalive in milliseconds, connect in seconds.
struct Timers {
    hold: u64,
    keepalive: u64,
    connect: u64,
}

impl Timers {
    fn configured(config: &Config, neighbor: &query::Neighbor) -> Self {
        let bgp = config.protocols.bgp.as_ref();
        let global = bgp.map(|bgp| bgp.timers).unwrap_or_default();
        let own = neighbor.settings.timers;
        let hold = own.holdtime.or(global.holdtime).unwrap_or(90);
        let keepalive = own.keepalive.or(global.keepalive).unwrap_or(hold / 3);
        Self {
            hold: u64::from(hold) * 1000,
            keepalive: u64::from(keepalive) * 1000,
            connect: own.connect.or(global.connect).unwrap_or(30).into(),
        }
    }
}

/// A negotiated timer; none runs as 0.
fn in_use(timer: Option<Duration>) -> u64 {
    timer.map_or(0, milliseconds)
}

/// Address and port of one end of a session.
fn endpoint(end: Option<SocketAddr>) -> (String, i32) {
    match end {
        Some(end) => (end.ip().to_canonical().to_string(), end.port().into()),
        None => ("Unknown".to_owned(), -1),
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
