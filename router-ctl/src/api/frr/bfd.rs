//! `show bfd peers`: an array. Intervals are milliseconds, times seconds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::frr::milliseconds;
use crate::bfd::Remote;
use crate::bfd::fsm::State;
use crate::router::query;

pub type BfdPeers = Vec<BfdPeer>;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BfdPeer {
    pub multihop: bool,
    pub peer: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local: Option<String>,
    pub vrf: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Of the neighbor that uses the session; not FRR's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub id: u32,
    /// 0 while the other side is silent.
    pub remote_id: u32,
    pub passive_mode: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_ttl: Option<u8>,
    /// `up`, `down`, `init` or `shutdown`.
    pub status: String,
    /// The other side's, in the same words; not FRR's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uptime: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downtime: Option<u64>,
    pub diagnostic: String,
    pub remote_diagnostic: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub receive_interval: u64,
    pub transmit_interval: u64,
    pub echo_receive_interval: u64,
    pub echo_transmit_interval: u64,
    pub detect_multiplier: u8,
    pub remote_receive_interval: u64,
    pub remote_transmit_interval: u64,
    pub remote_echo_receive_interval: u64,
    pub remote_detect_multiplier: u8,
    /// Silence that ends the session; not FRR's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detection_time: Option<u64>,
    /// Not FRR's; up to five seconds old.
    pub packets_received: u64,
    pub packets_sent: u64,
    pub packets_refused: u64,
    pub session_up_events: u64,
    pub session_down_events: u64,
}

impl BfdPeer {
    pub fn new(peer: &query::BfdPeer) -> Self {
        let (key, status) = (&peer.key, &peer.status);
        let remote = status.remote.as_ref();
        let settings = &status.settings;
        let said = |interval: fn(&Remote) -> Duration| {
            remote.map_or(0, |remote| milliseconds(interval(remote)))
        };
        let time =
            |is_up: bool| (is_up == (status.state == State::Up)).then_some(peer.since.as_secs());
        Self {
            multihop: key.multihop,
            peer: key.remote.to_string(),
            local: key.local.map(|local| local.to_string()),
            vrf: "default".to_owned(),
            interface: peer.interface.clone(),
            description: peer.description.clone(),
            id: status.discriminator.get(),
            remote_id: remote.map_or(0, |remote| remote.discriminator.get()),
            passive_mode: settings.passive,
            minimum_ttl: key.multihop.then_some(settings.minimum_ttl),
            status: word(status.state).to_owned(),
            remote_status: remote.map(|remote| word(remote.state).to_owned()),
            uptime: time(true),
            downtime: time(false),
            diagnostic: status.diagnostic.to_string(),
            remote_diagnostic: remote
                .map(|remote| remote.diagnostic)
                .unwrap_or_default()
                .to_string(),
            // All sessions are those of neighbors.
            kind: "dynamic".to_owned(),
            receive_interval: milliseconds(settings.receive),
            transmit_interval: milliseconds(settings.transmit),
            echo_receive_interval: 0,
            echo_transmit_interval: 0,
            detect_multiplier: settings.multiplier,
            remote_receive_interval: said(|remote| remote.receive),
            remote_transmit_interval: said(|remote| remote.transmit),
            remote_echo_receive_interval: said(|remote| remote.echo_receive),
            remote_detect_multiplier: remote.map_or(0, |remote| remote.multiplier),
            detection_time: status.detection_time.map(milliseconds),
            packets_received: status.counts.packets_in,
            packets_sent: status.counts.packets_out,
            packets_refused: status.counts.refused,
            session_up_events: status.counts.up,
            session_down_events: status.counts.down,
        }
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::AdminDown => "shutdown",
        State::Down => "down",
        State::Init => "init",
        State::Up => "up",
    }
}
