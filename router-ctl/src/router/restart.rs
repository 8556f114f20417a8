//! The start of the router on a data plane that forwards already: nothing moves before the neighbours had their say,
//! and what nobody told is removed last (RFC 4724 §4.1).

use std::time::Instant;

use crate::router::effect::Level;
use crate::router::{Router, SLICE};

/// Nothing is decided before the neighbours have told their routes, or before then. After a restart the
/// forwarding state of the earlier daemon is in use meanwhile.
pub(super) struct Restore {
    pub(super) deadline: Instant,
}

impl Router {
    /// After a restart no route is decided before every neighbour has told its own, or the time for that is over
    /// (RFC 4724 §4.1): until then flows stay where they were, and with only some of the paths they would move
    /// there and back.
    pub(super) fn is_restoring(&self, now: Instant) -> bool {
        self.restore.as_ref().is_some_and(|restore| {
            !self.host.complete() || (now < restore.deadline && !self.all_have_told(now))
        })
    }

    /// Whether every neighbour has a session and has told all its routes over it. One without graceful restart
    /// need not say when that was all, and is not waited for longer than a moment (RFC 4724 §4.1).
    pub(super) fn all_have_told(&self, now: Instant) -> bool {
        self.peers.iter().all(|(_, peer)| {
            let told_by = peer.told_by().is_some_and(|told_by| told_by <= now);
            peer.config.shutdown
                || peer.held.is_some()
                || peer.is_restarting()
                || (peer.session.is_some()
                    && peer
                        .families
                        .iter()
                        .all(|f| f.end_of_rib_received || !peer.negotiated(f.family) || told_by))
        })
    }

    /// Once what the neighbours told is decided and in use: sweeps what nobody told, then advertises.
    pub(super) fn finish_restore(&mut self, now: Instant) {
        if self.restore.is_none() || self.rib.has_work() {
            return;
        }
        let told = self.all_have_told(now);
        let stale = self.fib.stale_count();
        if !self.fib.sweep_stale(&self.index, SLICE) {
            self.restore = None;
            self.startup.steps.push(("restored", now - self.started));
            self.join_deferred();
        }
        if !told && stale > 0 {
            self.note(
                Level::Warning,
                format!("not every neighbour came back within the restart time: {stale} stale routes are removed"),
            );
        }
    }
}
