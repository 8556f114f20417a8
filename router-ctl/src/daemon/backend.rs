//! What the API knows of the daemon: questions go into the router's queue, counters are read beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};

use crate::api::{AskError, Backend, Phase, Status};
use crate::config::model::Config;
use crate::daemon::core::Question;
use crate::dataplane::Counters;
use crate::rib::route::PeerId;
use crate::router::event::{Event, ResetKind};
use crate::router::query::{Answer, Query};

pub(super) struct DaemonBackend {
    pub(super) questions: mpsc::Sender<Question>,
    pub(super) counters: Arc<dyn Counters>,
    pub(super) control: mpsc::UnboundedSender<Event>,
    pub(super) config: watch::Receiver<Arc<Config>>,
    pub(super) started: SystemTime,
    pub(super) stopping: AtomicBool,
}

impl Backend for DaemonBackend {
    fn ask(&self, query: Query) -> BoxFuture<'_, Result<Answer, AskError>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            self.questions
                .send((query, reply))
                .await
                .map_err(|_| AskError::Stopping)?;
            answer.await.map_err(|_| AskError::Stopping)
        })
    }

    fn reset(&self, peer: PeerId, how: ResetKind) -> Result<(), AskError> {
        self.control
            .send(Event::Reset { peer, how })
            .map_err(|_| AskError::Stopping)
    }

    fn counters(&self) -> Option<Arc<dyn Counters>> {
        Some(self.counters.clone())
    }

    fn config(&self) -> Arc<Config> {
        self.config.borrow().clone()
    }

    fn status(&self) -> Status {
        let phase = if self.stopping.load(Ordering::Relaxed) {
            Phase::Stopping
        } else {
            Phase::Running
        };
        Status {
            phase,
            started: self.started,
            now: SystemTime::now(),
        }
    }
}
