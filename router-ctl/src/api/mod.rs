//! HTTP/JSON on a unix socket. Authoritative for nothing: every answer comes from [`Backend`].

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use tokio::net::UnixListener;

use crate::config::model::Config;
use crate::dataplane::Counters;
use crate::router::query::{Answer, Query};

/// What the API knows of the daemon. The daemon implements it.
pub trait Backend: Send + Sync + 'static {
    /// Puts a question to the router and waits for its answer.
    fn ask(&self, query: Query) -> BoxFuture<'_, Result<Answer, AskError>>;
    /// `None` until the data plane is open.
    fn counters(&self) -> Option<Arc<dyn Counters>>;
    /// The running configuration.
    fn config(&self) -> Arc<Config>;
    fn status(&self) -> Status;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    pub phase: Phase,
    pub started: SystemTime,
    /// The daemon's clock, so that every time in an answer agrees.
    pub now: SystemTime,
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
    let router: axum::Router = axum::Router::new().with_state(backend);
    axum::serve(listener, router).await
}
