//! `show bgp neighbors`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Status;
use crate::api::frr::summary::state_name;
use crate::api::frr::{family_key, is_false, milliseconds, uptime};
use crate::api::ordered::Ordered;
use crate::bgp::types::RouterId;
use crate::config::model::{Config, UpdateSource};
use crate::router::query::{self, NeighborState};

/// By address, in the order of the addresses.
pub type Neighbors = Ordered<Neighbor>;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Neighbor {
    pub bgp_neighbor_addr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_as: Option<u32>,
    pub local_as: u32,
    #[serde(default, skip_serializing_if = "is_false")]
    pub nbr_internal_link: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub nbr_external_link: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbr_desc: Option<String>,
    pub bgp_version: u8,
    pub remote_router_id: String,
    pub local_router_id: String,
    pub bgp_state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_timer_up_msec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_timer_up_string: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_timer_up_established_epoch: Option<u64>,
    pub bgp_timer_configured_hold_time_msecs: u64,
    pub bgp_timer_configured_keep_alive_interval_msecs: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_timer_hold_time_msecs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bgp_timer_keep_alive_interval_msecs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neighbor_capabilities: Option<BTreeMap<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graceful_restart_info: Option<GracefulRestart>,
    pub message_stats: MessageStats,
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
    #[serde(default, skip_serializing_if = "is_false")]
    pub last_notification_hard_reset: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_shutdown_description: Option<String>,
    /// Why no connection comes about; not FRR's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect_error: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub authentication_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_bgp_nbr_max_hops_away: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_bgp_nbr_max_hops_away: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_local: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_local: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_foreign: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port_foreign: Option<u16>,
    pub connect_retry_timer: u64,
    /// Configured to stay down; not FRR's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub admin_shut_down: bool,
    /// Configured to wait for the neighbor; not FRR's.
    #[serde(default, skip_serializing_if = "is_false")]
    pub passive: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GracefulRestart {
    pub end_of_rib_send: BTreeMap<String, bool>,
    pub end_of_rib_recv: BTreeMap<String, bool>,
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

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FamilyInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound_ebgp_requires_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound_ebgp_requires_policy: Option<String>,
    pub accepted_prefix_counter: usize,
    pub sent_prefix_counter: usize,
    /// Accepted and filtered ones together; not FRR's.
    pub received_prefix_counter: usize,
    /// The session carries this family; not FRR's.
    pub negotiated: bool,
}

/// What the neighbors of one answer share.
pub struct Context<'a> {
    pub router_id: RouterId,
    pub config: &'a Config,
    pub status: Status,
}

impl Context<'_> {
    pub fn neighbors(&self, mut neighbors: Vec<query::Neighbor>) -> Neighbors {
        neighbors.sort_by_key(|neighbor| neighbor.address);
        neighbors
            .iter()
            .map(|neighbor| (neighbor.address.to_string(), self.neighbor(neighbor)))
            .collect()
    }

    fn neighbor(&self, neighbor: &query::Neighbor) -> Neighbor {
        let up = neighbor.state == NeighborState::Established;
        let notification = neighbor.status.last_notification.as_ref();
        let since = neighbor.since;
        let timers = Timers::configured(self.config, neighbor);
        let settings = &neighbor.settings;
        let internal = neighbor.remote_as == Some(neighbor.local_as);
        Neighbor {
            bgp_neighbor_addr: neighbor.address.to_string(),
            remote_as: neighbor.remote_as.map(|asn| asn.0),
            local_as: neighbor.local_as.0,
            nbr_internal_link: internal,
            nbr_external_link: !internal,
            nbr_desc: neighbor.description.clone(),
            bgp_version: 4,
            remote_router_id: neighbor
                .remote_router_id
                .map_or_else(|| "0.0.0.0".to_owned(), |id| id.to_string()),
            local_router_id: self.router_id.to_string(),
            bgp_state: state_name(neighbor.state).to_owned(),
            bgp_timer_up_msec: since.filter(|_| up).map(milliseconds),
            bgp_timer_up_string: since.filter(|_| up).map(uptime),
            bgp_timer_up_established_epoch: since
                .filter(|_| up)
                .map(|since| self.status.epoch_before(since)),
            bgp_timer_configured_hold_time_msecs: timers.hold,
            bgp_timer_configured_keep_alive_interval_msecs: timers.keepalive,
            bgp_timer_hold_time_msecs: up.then(|| in_use(neighbor.hold_time)),
            bgp_timer_keep_alive_interval_msecs: up.then(|| in_use(neighbor.keepalive)),
            neighbor_capabilities: up.then(|| capabilities(neighbor)),
            graceful_restart_info: up.then(|| GracefulRestart {
                end_of_rib_send: by_family(neighbor, |family| family.end_of_rib_sent),
                end_of_rib_recv: by_family(neighbor, |family| family.end_of_rib_received),
            }),
            message_stats: message_stats(neighbor),
            update_source: settings.update_source.as_ref().map(|source| match source {
                UpdateSource::Address(address) => address.to_string(),
                UpdateSource::Interface(name) => name.clone(),
            }),
            address_family_info: by_family(neighbor, |family| family_info(neighbor, family)),
            connections_established: neighbor.connections_established,
            connections_dropped: neighbor.connections_dropped,
            last_reset_timer_msecs: since.filter(|_| !up).map(milliseconds),
            last_reset_due_to: neighbor.last_down.clone(),
            last_error_code_subcode: notification
                .map(|last| format!("{:02X}{:02X}", last.code, last.subcode)),
            last_notification_reason: notification.map(|last| last.words.clone()),
            last_notification_hard_reset: notification.is_some_and(|last| last.hard_reset),
            last_shutdown_description: notification
                .and_then(|last| last.text.as_ref())
                .map(|text| text.escape_debug().to_string()),
            connect_error: neighbor.status.connect_error.clone(),
            authentication_enabled: settings.password.is_some(),
            internal_bgp_nbr_max_hops_away: internal.then_some(255),
            external_bgp_nbr_max_hops_away: (!internal)
                .then(|| settings.ebgp_multihop.unwrap_or(1)),
            host_local: neighbor.local_endpoint.map(|end| end.ip().to_string()),
            port_local: neighbor.local_endpoint.map(|end| end.port()),
            host_foreign: neighbor.remote_endpoint.map(|end| end.ip().to_string()),
            port_foreign: neighbor.remote_endpoint.map(|end| end.port()),
            connect_retry_timer: timers.connect,
            admin_shut_down: neighbor.admin_down,
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

fn by_family<T>(
    neighbor: &query::Neighbor,
    view: impl Fn(&query::NeighborFamily) -> T,
) -> BTreeMap<String, T> {
    let families = neighbor.families.iter();
    families
        .map(|family| (family_key(family.family).to_owned(), view(family)))
        .collect()
}

fn family_info(neighbor: &query::Neighbor, family: &query::NeighborFamily) -> FamilyInfo {
    let missing = |direction: &str| {
        neighbor
            .policy_missing
            .then(|| format!("{direction} updates discarded due to missing policy"))
    };
    FamilyInfo {
        inbound_ebgp_requires_policy: missing("Inbound"),
        outbound_ebgp_requires_policy: missing("Outbound"),
        accepted_prefix_counter: family.accepted,
        sent_prefix_counter: family.advertised,
        received_prefix_counter: family.received,
        negotiated: family.negotiated,
    }
}

/// FRR's keys of the capabilities that both sides have.
fn capabilities(neighbor: &query::Neighbor) -> BTreeMap<String, Value> {
    let mut view = BTreeMap::new();
    let mut families = serde_json::Map::new();
    for name in &neighbor.capabilities {
        let name: &str = name;
        if let Some(family) = name.strip_prefix("multiprotocol ") {
            families.insert(camel_case(family), json!({"advertisedAndReceived": true}));
        } else {
            view.insert(capability_key(name), json!("advertisedAndReceived"));
        }
    }
    if !families.is_empty() {
        view.insert("multiprotocolExtensions".to_owned(), families.into());
    }
    view
}

fn capability_key(name: &str) -> String {
    let word = name.split(' ').next().unwrap_or(name);
    match word {
        "four-octet-as" | "4-octet-as" => "4byteAs".to_owned(),
        "extended-next-hop" => "extendedNexthop".to_owned(),
        "enhanced-refresh" => "enhancedRouteRefresh".to_owned(),
        _ => camel_case(word),
    }
}

/// `route-refresh` → `routeRefresh`.
fn camel_case(name: &str) -> String {
    let mut words = name.split(['-', ' ']);
    let mut key = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        key.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        key.push_str(letters.as_str());
    }
    key
}
