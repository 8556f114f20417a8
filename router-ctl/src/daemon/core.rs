//! The router's thread: events and questions in, effects out. Routing state lives here and nowhere else.
//!
//! Order of a turn: what the host and the data plane report (repairs come first), a few questions, a bounded
//! number of neighbours' events, one slice of work. It sleeps only when all of these are empty.

use std::sync::mpsc as std_mpsc;
use std::time::Instant;

use anyhow::Context;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{info, warn};

use crate::daemon::bfd;
use crate::daemon::fib_writer::Work;
use crate::daemon::neighbours::{Neighbours, Report};
use crate::fib::Probe;
use crate::host::IfIndex;
use crate::router::Router;
use crate::router::effect::{Effect, Level};
use crate::router::event::Event;
use crate::router::query::{Answer, Query};

/// Neighbours' events handled in one turn.
const EVENTS_A_TURN: usize = 16;
/// Questions answered in one turn.
const QUESTIONS_A_TURN: usize = 4;

pub(super) type Question = (Query, oneshot::Sender<Answer>);

/// What flows to the router.
pub(super) struct Inputs {
    /// The host, the data plane, and the daemon itself.
    pub(super) control: mpsc::UnboundedReceiver<Event>,
    /// The neighbours' sessions: bounded, so that a flood slows its sender.
    pub(super) peers: mpsc::Receiver<Report>,
    pub(super) questions: mpsc::Receiver<Question>,
    pub(super) stop: oneshot::Receiver<()>,
}

/// Where its effects go.
pub(super) struct Outputs {
    pub(super) peers: Neighbours,
    pub(super) fib: std_mpsc::Sender<Work>,
    pub(super) neighbours: mpsc::UnboundedSender<Probe>,
    pub(super) bfd: bfd::Requests,
    /// Links with unnumbered neighbours.
    pub(super) advertise_on: watch::Sender<Vec<IfIndex>>,
}

/// Starts the thread; `effects` are what the router wanted before. When told to stop it tells the neighbours'
/// tasks, and ends.
///
/// # Errors
/// When the system has no thread left.
pub(super) fn spawn(
    router: Router,
    effects: Vec<Effect>,
    inputs: Inputs,
    outputs: Outputs,
) -> anyhow::Result<std::thread::JoinHandle<anyhow::Result<()>>> {
    std::thread::Builder::new()
        .name("router".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()
                .context("starting the router's runtime")?;
            let mut core = Core {
                router,
                inputs,
                outputs,
            };
            effects
                .into_iter()
                .for_each(|effect| core.carry_out(effect));
            runtime.block_on(core.run());
            core.outputs.peers.stop();
            Ok(())
        })
        .context("starting the router thread")
}

struct Core {
    router: Router,
    inputs: Inputs,
    outputs: Outputs,
}

impl Core {
    async fn run(&mut self) {
        loop {
            let handled = self.take_waiting();
            let more = self.router.work(Instant::now());
            self.execute();
            if handled || more {
                if self.inputs.stop.try_recv().is_ok() {
                    return;
                }
                continue;
            }
            if !self.wait().await {
                return;
            }
            self.execute();
        }
    }

    /// Handles what is there without waiting. Returns whether there was anything.
    fn take_waiting(&mut self) -> bool {
        let mut handled = false;
        while let Ok(event) = self.inputs.control.try_recv() {
            self.router.handle(event, Instant::now());
            handled = true;
        }
        self.execute();
        for _ in 0..QUESTIONS_A_TURN {
            let Ok(question) = self.inputs.questions.try_recv() else {
                break;
            };
            self.answer(question);
            handled = true;
        }
        for _ in 0..EVENTS_A_TURN {
            let Ok(report) = self.inputs.peers.try_recv() else {
                break;
            };
            self.hear(report);
            handled = true;
        }
        handled
    }

    /// Waits for the next event, question or deadline. Returns false when the daemon stops.
    async fn wait(&mut self) -> bool {
        let deadline = self.router.poll_timeout();
        let sleep = async {
            match deadline {
                Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            biased;
            _ = &mut self.inputs.stop => return false,
            Some(event) = self.inputs.control.recv() => event,
            Some(question) = self.inputs.questions.recv() => {
                self.answer(question);
                return true;
            }
            Some(report) = self.inputs.peers.recv() => {
                self.hear(report);
                return true;
            }
            () = sleep => return true,
        };
        self.router.handle(event, Instant::now());
        true
    }

    fn hear(&mut self, report: Report) {
        if let Some(event) = self.outputs.peers.accept(report) {
            self.router.handle(event, Instant::now());
        }
    }

    fn answer(&self, (query, reply): Question) {
        // Whoever asked may have gone; then the answer has no reader.
        let _unread = reply
            .send(self.router.answer(&query, Instant::now()))
            .is_err();
    }

    fn execute(&mut self) {
        while let Some(effect) = self.router.poll_effect() {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        let Some(effect) = self.outputs.peers.carry_out(effect) else {
            return;
        };
        match effect {
            Effect::ApplyFib { generation, ops } => self.write(Work::Apply { generation, ops }),
            Effect::PutPort(port) => self.write(Work::PutPort(port)),
            Effect::RemovePort(index) => self.write(Work::RemovePort(index)),
            Effect::KeepNeighbour(key) => self.probe(Probe::Keep(key)),
            Effect::ForgetNeighbour(key) => self.probe(Probe::Forget(key)),
            Effect::Bfd(request) => self.outputs.bfd.send(request),
            Effect::Note(note) => match note.level {
                Level::Info => info!("{}", note.text),
                Level::Warning => warn!("{}", note.text),
            },
            Effect::AdvertiseOn(links) => {
                self.outputs.advertise_on.send_replace(links);
            }
            // The neighbours took theirs.
            Effect::Transmit { .. }
            | Effect::StartPeer(_)
            | Effect::ConfigurePeer(_)
            | Effect::ResetPeer { .. }
            | Effect::RemovePeer { .. }
            | Effect::RequestRefresh { .. }
            | Effect::RefuseStranger(_)
            | Effect::RangeKeys(_) => {}
        }
    }

    fn probe(&self, probe: Probe) {
        if self.outputs.neighbours.send(probe).is_err() {
            warn!("the netlink task is gone: neighbours are not refreshed any more");
        }
    }

    fn write(&self, work: Work) {
        if self.outputs.fib.send(work).is_err() {
            warn!("the FIB writer is gone: the data plane keeps its last state");
        }
    }
}
