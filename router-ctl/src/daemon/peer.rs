//! One task a neighbour: TCP connections and timers into its session, the session's actions into sockets and
//! reports. Keepalives leave from here and never wait for the router; what the router cannot take yet is left
//! in the socket, so that TCP slows the neighbour.

mod actions;
mod connections;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::bgp::fsm::State;
use crate::bgp::session::{ConnectionId, Direction, Session, SessionConfig, StopReason};
use crate::bgp::types::Family;
use crate::bgp::wire::route_refresh::RefreshKind;
use crate::daemon::connection::{self, Connection, Reading, Ready};
use crate::daemon::neighbours::{Alive, Incarnation, Report};
use crate::rib::route::PeerId;
use crate::router::effect::{Back, StartPeer};
use crate::router::event::{Event, PeerStatus};
use crate::router::transport::Transport;

/// How long a last message may take before the connection is cut.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// How long after a reset we dial again.
const LET_READ: Duration = Duration::from_secs(1);
const READ_CHUNK: usize = 64 << 10;
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// What the rest of the daemon tells a neighbour's task.
#[derive(Debug)]
pub(super) enum Command {
    /// UPDATEs for the session of this number, counted from 1; another one does not get them.
    Transmit {
        session: u64,
        bytes: Arc<[u8]>,
        messages: u32,
    },
    /// Ask for the routes of a family again.
    Refresh(Family),
    Configure(Box<StartPeer>),
    /// The session ends, and comes back as `back` says.
    Reset {
        reason: StopReason,
        back: Back,
    },
    /// Why the neighbour cannot connect to us, or that it can.
    Trouble(Option<String>),
    /// The last command: the session ends and the task with it.
    Stop(StopReason),
}

/// Who the neighbour is.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) peer: PeerId,
    pub(super) incarnation: Incarnation,
    /// As operators call it, for the log.
    pub(super) name: String,
}

/// The ends that a neighbour's task holds.
pub(super) struct Ends {
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) accepted: mpsc::Receiver<TcpStream>,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) _alive: Alive,
}

/// Drives one neighbour until it is told to stop or the core is gone.
pub(super) struct PeerTask {
    identity: Identity,
    session: Session,
    transport: Transport,
    ends: Ends,
    connections: Vec<Connection>,
    next_connection: u32,
    /// The connection whose octets the session is looking at.
    reading: Option<ConnectionId>,
    dialling: Option<tokio::task::JoinHandle<io::Result<TcpStream>>>,
    /// Sessions that came up, and whether one of them ended.
    sessions: u64,
    ended: bool,
    /// No dial before this time: the peer is to read first why its session ended, and would take a new connection
    /// for that of a restarted router (RFC 4724 §5).
    dial_after: Instant,
    /// A session that was reset begins again at this time.
    back_at: Option<Instant>,
    /// Why connections do not come about: what the last dial met, and what keeps the neighbour out.
    dial_error: Option<String>,
    trouble: Option<String>,
    published: PeerStatus,
    publish_at: Instant,
    chunk: Box<[u8]>,
    /// Decoded and not yet taken by the router.
    backlog: VecDeque<Event>,
}

/// What woke the task.
enum Wake {
    Connection(usize, Ready),
    Command(Option<Command>),
    Accepted(TcpStream),
    Dialled(io::Result<TcpStream>),
    Delivered,
    RouterGone,
    Timer,
}

impl PeerTask {
    pub(super) fn new(
        identity: Identity,
        session: Session,
        transport: Transport,
        ends: Ends,
    ) -> Self {
        Self {
            identity,
            session,
            transport,
            ends,
            connections: Vec::new(),
            next_connection: 0,
            reading: None,
            dialling: None,
            sessions: 0,
            ended: false,
            dial_after: Instant::now(),
            back_at: None,
            dial_error: None,
            trouble: None,
            published: PeerStatus::default(),
            publish_at: Instant::now(),
            chunk: vec![0; READ_CHUNK].into_boxed_slice(),
            backlog: VecDeque::new(),
        }
    }

    pub(super) async fn run(mut self) {
        self.session.start(Instant::now());
        loop {
            self.drain_actions();
            self.publish();
            match self.wake().await {
                Wake::Connection(index, Ready::Read) => self.read(index),
                Wake::Connection(index, Ready::Write) => self.write(index),
                Wake::Command(Some(Command::Stop(reason))) => {
                    self.session.stop(reason, Instant::now());
                    return self.finish().await;
                }
                Wake::Command(Some(command)) => self.obey(command),
                Wake::Command(None) | Wake::RouterGone => return self.finish().await,
                Wake::Accepted(stream) => self.connected(stream, Direction::Inbound),
                Wake::Dialled(Ok(stream)) => self.connected(stream, Direction::Outbound),
                Wake::Dialled(Err(error)) => self.dial_failed(&error),
                Wake::Delivered => {}
                Wake::Timer => self.timer(),
            }
        }
    }

    /// Waits for the next thing to do. While events wait for the router nothing is read, but output, commands
    /// and timers go on.
    async fn wake(&mut self) -> Wake {
        let publish_at = self.publish_at + STATUS_EVERY;
        let deadline = [self.session.poll_timeout(), self.back_at]
            .into_iter()
            .flatten()
            .fold(publish_at, Instant::min);
        let blocked = !self.backlog.is_empty();
        let reading = if blocked {
            Reading::Paused
        } else {
            Reading::On
        };
        let connections = &self.connections;
        let reports = &self.ends.reports;
        let backlog = &mut self.backlog;
        let identity = &self.identity;
        let dialling = &mut self.dialling;
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(deadline.into()) => Wake::Timer,
            command = self.ends.commands.recv() => Wake::Command(command),
            permit = reports.reserve(), if blocked => match (permit, backlog.pop_front()) {
                (Ok(permit), Some(event)) => {
                    permit.send(identity.report(event));
                    Wake::Delivered
                }
                (Ok(_), None) => Wake::Delivered,
                (Err(_), _) => Wake::RouterGone,
            },
            Some(stream) = self.ends.accepted.recv() => Wake::Accepted(stream),
            dialled = async { dialling.as_mut().expect("only polled when there is one").await }, if dialling.is_some() => {
                *dialling = None;
                Wake::Dialled(dialled.unwrap_or_else(|error| Err(io::Error::other(error))))
            }
            (index, ready) = poll_fn(|context| connection::poll_any(connections, reading, context)) => Wake::Connection(index, ready),
        }
    }

    fn timer(&mut self) {
        let now = Instant::now();
        if !self.backlog.is_empty() {
            self.session.handle_reading_paused(now);
        }
        self.session.handle_timeout(now);
        if self.back_at.is_some_and(|at| at <= now) {
            self.back_at = None;
            self.session.start(now);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Transmit {
                session,
                bytes,
                messages,
            } => {
                if session == self.sessions {
                    self.session.send_updates(bytes, messages);
                }
            }
            Command::Refresh(family) => self
                .session
                .send_route_refresh(family, RefreshKind::Request),
            Command::Configure(change) => self.configure(*change),
            Command::Reset { reason, back } => self.reset(reason, back),
            Command::Trouble(trouble) => {
                match &trouble {
                    Some(trouble) => warn!("neighbor {}: {trouble}", self.identity.name),
                    None => info!("neighbor {}: its TCP MD5 key is set", self.identity.name),
                }
                self.trouble = trouble;
            }
            // `run` has seen to it.
            Command::Stop(_) => {}
        }
    }

    fn reset(&mut self, reason: StopReason, back: Back) {
        let now = Instant::now();
        if !self.connections.is_empty() {
            self.dial_after = now + LET_READ;
        }
        self.session.stop(reason, now);
        self.give_up_dialling();
        self.back_at = None;
        match back {
            Back::Now => self.session.start(now),
            Back::After(wait) => self.back_at = Some(now + wait),
            Back::Never => {}
        }
    }

    fn configure(&mut self, change: StartPeer) {
        let now = Instant::now();
        let StartPeer {
            name,
            session,
            transport,
            ..
        } = change;
        self.identity.name = name;
        let mut changed = !differs_by_restart_only(self.session.config(), &session);
        self.session.set_config(session, now);
        if self.ended {
            self.restart_is_over();
        }
        let before = std::mem::replace(&mut self.transport, transport);
        if before != self.transport {
            changed = true;
            self.transport_changed(&before);
        }
        // A session that stays away until it is configured again has been now.
        if changed && self.back_at.is_none() {
            self.session.start(now);
        }
    }

    /// Connections that are there get what can change under them. Where none has come about yet the next attempt
    /// is made at once: the change may have mended what was wrong.
    fn transport_changed(&mut self, before: &Transport) {
        let now = Instant::now();
        if before.remote == self.transport.remote {
            self.change_connections(before);
        }
        self.dial_error = None;
        if matches!(self.session.state(), State::Connect | State::Active) {
            self.session.stop(StopReason::ConfigChange, now);
            self.give_up_dialling();
        }
    }

    /// Only the first session after our restart says that we restarted (RFC 4724 §3, the R bit).
    fn restart_is_over(&mut self) {
        let mut config = self.session.config().clone();
        if let Some(restart) = &mut config.graceful_restart {
            restart.restarting = false;
        }
        self.session.set_config(config, Instant::now());
    }
}

/// Whether there is no difference but in what we say about our own restarts, which changes with time and not by
/// anyone's wish.
fn differs_by_restart_only(before: &SessionConfig, after: &SessionConfig) -> bool {
    let without = |config: &SessionConfig| SessionConfig {
        graceful_restart: None,
        ..config.clone()
    };
    without(before) == without(after)
}

impl Identity {
    fn report(&self, event: Event) -> Report {
        Report {
            peer: self.peer,
            incarnation: self.incarnation,
            event,
        }
    }
}
