//! `bgpTimer…`: since when, how long ago, how long.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::Status;
use crate::api::frr::{milliseconds, uptime};
use crate::config::model::Config;
use crate::router::query::{self, NeighborState};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timers {
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
}

impl Timers {
    pub(super) fn new(config: &Config, status: Status, neighbor: &query::Neighbor) -> Self {
        let up = neighbor.state == NeighborState::Established;
        let since = neighbor.since.filter(|_| up);
        let times = neighbor.times;
        let configured = Configured::of(config, neighbor);
        Self {
            bgp_timer_up_msec: since.map(milliseconds),
            bgp_timer_up_string: since.map(uptime),
            bgp_timer_up_established_epoch: since.map(|since| status.epoch_before(since)),
            bgp_timer_last_read: times.last_received.map(milliseconds),
            bgp_timer_last_write: times.last_written.map(milliseconds),
            bgp_in_update_elapsed_time_msecs: times.last_update.map(milliseconds),
            bgp_timer_configured_hold_time_msecs: configured.hold,
            bgp_timer_configured_keep_alive_interval_msecs: configured.keepalive,
            bgp_timer_hold_time_msecs: if up {
                in_use(neighbor.hold_time)
            } else {
                configured.hold
            },
            bgp_timer_keep_alive_interval_msecs: if up {
                in_use(neighbor.keepalive)
            } else {
                configured.keepalive
            },
        }
    }
}

/// The timers that the configuration asks for: hold and keepalive in milliseconds, connect in seconds.
pub(super) struct Configured {
    hold: u64,
    keepalive: u64,
    pub(super) connect: u64,
}

impl Configured {
    pub(super) fn of(config: &Config, neighbor: &query::Neighbor) -> Self {
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
