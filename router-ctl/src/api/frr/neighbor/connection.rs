//! The connection that is, and how the last one ended.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::api::frr::neighbor::timers::Configured;
use crate::api::frr::{escaped, milliseconds};
use crate::config::model::Config;
use crate::router::query;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Connection {
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
}

impl Connection {
    pub(super) fn new(config: &Config, neighbor: &query::Neighbor) -> Self {
        let session = neighbor.session.as_deref();
        let own_v6 = session.and_then(|session| session.next_hop_v6);
        let (host_local, port_local) = endpoint(neighbor.local_endpoint);
        let (host_foreign, port_foreign) = endpoint(neighbor.remote_endpoint);
        Self {
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
            connect_retry_timer: Configured::of(config, neighbor).connect,
            next_connect_timer_due_in_msecs: neighbor.times.next_attempt.map(milliseconds),
        }
    }
}

/// Address and port of one end of a session.
fn endpoint(end: Option<SocketAddr>) -> (String, i32) {
    match end {
        Some(end) => (end.ip().to_canonical().to_string(), end.port().into()),
        None => ("Unknown".to_owned(), -1),
    }
}

/// How the last connection ended, and why there is none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastConnection {
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
}

impl LastConnection {
    pub(super) fn new(neighbor: &query::Neighbor) -> Self {
        let notification = neighbor.status.last_notification.as_ref();
        Self {
            last_reset_timer_msecs: neighbor.times.last_reset.map(milliseconds),
            last_reset_due_to: neighbor.last_down.clone(),
            last_error_code_subcode: notification
                .map(|last| format!("{:02X}{:02X}", last.code, last.subcode)),
            last_notification_reason: notification.map(|last| last.words.clone()),
            last_notification_hard_reset: notification.map(|last| last.hard_reset),
            last_shutdown_description: notification
                .and_then(|last| last.text.as_ref())
                .map(|text| escaped(text)),
            connect_error: neighbor.status.connect_error.clone(),
        }
    }
}
