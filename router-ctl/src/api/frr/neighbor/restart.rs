//! `gracefulRestartInfo` (RFC 4724).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::api::frr::family_key;
use crate::config::model::{Bgp, GracefulRestartMode};
use crate::router::query::{self, PeerGracefulRestart};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GracefulRestart {
    pub end_of_rib_send: BTreeMap<String, bool>,
    pub end_of_rib_recv: BTreeMap<String, bool>,
    /// `Restart`, `Helper` or `Disable`; with `*` when it is the default of all neighbors.
    pub local_gr_mode: String,
    /// The same of the neighbor; `NotApplicable` without session.
    pub remote_gr_mode: String,
    /// The neighbor has just restarted.
    pub r_bit: bool,
    /// Both sides let paths survive a NOTIFICATION (RFC 8538).
    pub n_bit: bool,
    pub timers: RestartTimers,
    /// The families of the session.
    #[serde(flatten)]
    pub families: BTreeMap<String, FamilyRestart>,
}

/// Seconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestartTimers {
    pub configured_restart_timer: u64,
    /// 0 without session, and when the neighbor cannot.
    pub received_restart_timer: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_timer_remaining: Option<u64>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FamilyRestart {
    /// The neighbor forwarded while it restarted.
    pub f_bit: bool,
    pub end_of_rib_status: EndOfRibStatus,
    pub timers: FamilyTimers,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndOfRibStatus {
    pub end_of_rib_send: bool,
    pub end_of_rib_sent_after_update: bool,
    pub end_of_rib_recv: bool,
}

/// Seconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FamilyTimers {
    pub stale_path_timer: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_path_timer_remaining: Option<u64>,
    pub selection_deferral_timer: u64,
}

impl GracefulRestart {
    pub(super) fn new(bgp: Option<&Bgp>, neighbor: &query::Neighbor) -> Self {
        let session = neighbor.session.as_ref();
        let theirs = session.and_then(|session| session.graceful_restart.as_ref());
        let parameters = bgp.map(|bgp| bgp.parameters.clone()).unwrap_or_default();
        let in_use = || {
            let families = neighbor.families.iter();
            families.filter(|family| session.is_some() && family.negotiated)
        };
        let by_family = |done: fn(&query::NeighborFamily) -> bool| {
            in_use()
                .map(|family| (family_key(family.family).to_owned(), done(family)))
                .collect()
        };
        let stale = neighbor
            .families
            .iter()
            .filter_map(|family| family.stale_for);
        Self {
            end_of_rib_send: by_family(|family| family.end_of_rib_sent),
            end_of_rib_recv: by_family(|family| family.end_of_rib_received),
            local_gr_mode: match neighbor.settings.graceful_restart {
                None => "Restart*",
                Some(GracefulRestartMode::Enable) => "Restart",
                Some(GracefulRestartMode::RestartHelper) => "Helper",
                Some(GracefulRestartMode::Disable) => "Disable",
            }
            .to_owned(),
            remote_gr_mode: match (session, theirs) {
                (None, _) => "NotApplicable",
                (Some(_), None) => "Disable",
                (Some(_), Some(restart)) if restart.families.is_empty() => "Helper",
                (Some(_), Some(_)) => "Restart",
            }
            .to_owned(),
            r_bit: theirs.is_some_and(|restart| restart.restarting),
            n_bit: theirs.is_some_and(|restart| restart.notification),
            timers: RestartTimers {
                configured_restart_timer: parameters.restart_time.into(),
                received_restart_timer: theirs.map_or(0, |restart| restart.restart_time.as_secs()),
                restart_timer_remaining: stale
                    .max()
                    .filter(|_| session.is_none())
                    .map(|left| left.as_secs()),
            },
            families: in_use()
                .map(|family| {
                    let view = FamilyRestart {
                        f_bit: theirs.is_some_and(|restart| kept(restart, family)),
                        end_of_rib_status: EndOfRibStatus {
                            end_of_rib_send: family.end_of_rib_sent,
                            // It is never sent before them.
                            end_of_rib_sent_after_update: family.end_of_rib_sent,
                            end_of_rib_recv: family.end_of_rib_received,
                        },
                        timers: FamilyTimers {
                            stale_path_timer: parameters.stalepath_time.into(),
                            stale_path_timer_remaining: family
                                .stale_for
                                .map(|left: Duration| left.as_secs()),
                            selection_deferral_timer: parameters.select_defer_time.into(),
                        },
                    };
                    (family_key(family.family).to_owned(), view)
                })
                .collect(),
        }
    }
}

fn kept(restart: &PeerGracefulRestart, family: &query::NeighborFamily) -> bool {
    let mut entries = restart.families.iter();
    entries.any(|entry| entry.family == family.family && entry.forwarding_kept)
}
