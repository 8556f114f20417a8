//! HTTP/JSON on a unix socket. Authoritative for nothing: every answer is a question to the router
//! ([`Backend`]), turned into a body whose shape is fixed: FRR's where FRR has one ([`frr`]), our own
//! elsewhere ([`view`]). Types of the router are never serialised themselves.
//!
//! Success is the body alone. Failure is a status and `{"error": {code, message, details, requestId}}`.
//! Long lists are streamed, sorted by prefix, in bounded memory.

mod accounting;
mod ask;
mod endpoints;
mod error;
pub mod frr;
mod listing;
pub mod ordered;
mod request;
mod server;
mod stats;
pub mod view;

pub(crate) use request::parse_duration;

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::BoxFuture;
use tokio::net::UnixListener;

use crate::config::model::Config;
use crate::dataplane::Counters;
use crate::router::event::ResetKind;
use crate::router::query::{Answer, PeerId, Query};

/// What the API knows of the daemon. The daemon implements it.
pub trait Backend: Send + Sync + 'static {
    /// Puts a question to the router and waits for its answer.
    fn ask(&self, query: Query) -> BoxFuture<'_, Result<Answer, AskError>>;
    /// `None` until the data plane is open.
    fn counters(&self) -> Option<Arc<dyn Counters>>;
    /// The running configuration.
    fn config(&self) -> Arc<Config>;
    fn status(&self) -> Status;
    /// Asks the router to reset the session of a neighbour.
    ///
    /// # Errors
    /// When the router does not listen.
    fn reset(&self, peer: PeerId, how: ResetKind) -> Result<(), AskError>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    pub phase: Phase,
    pub started: SystemTime,
    /// The daemon's clock, so that all times of an answer agree.
    pub now: SystemTime,
}

impl Status {
    fn uptime(self) -> Duration {
        self.now.duration_since(self.started).unwrap_or_default()
    }

    /// The moment so long ago, in seconds since 1970.
    fn epoch_before(self, ago: Duration) -> u64 {
        let now = self.now.duration_since(SystemTime::UNIX_EPOCH);
        now.unwrap_or_default().saturating_sub(ago).as_secs()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Starting,
    Running,
    Stopping,
}

/// Why the router gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("the router is starting; try again in a moment")]
    Starting,
    #[error("the router is stopping")]
    Stopping,
}

/// Serves until the listener fails; drop the future to stop.
///
/// # Errors
/// When the listener cannot accept any more.
pub async fn serve(listener: UnixListener, backend: Arc<dyn Backend>) -> io::Result<()> {
    axum::serve(listener, server::routes(backend)).await
}

#[cfg(test)]
pub(crate) mod tests;
