//! One task a neighbour: TCP connections and timers into its session, the session's actions into sockets and
//! events. Keepalives leave from here and never wait for the router; what the router cannot take yet is left
//! in the socket, so that TCP slows the neighbour.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use crate::bgp::negotiate::Negotiated;
use crate::bgp::session::{Action, ConnectionId, Direction, Session, StopReason};
use crate::bgp::types::RouteUpdate;
use crate::bgp::wire::route_refresh::RefreshKind;
use crate::daemon::connection::{self, Connection, Reading, Ready};
use crate::daemon::tcp_options::Transport;
use crate::rib::route::PeerId;
use crate::router::event::{Event, PeerStatus, Retain};

/// How long a last message may take before the connection is cut.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_secs(1);
/// How long a TCP connection may take to open.
const DIAL_WITHIN: Duration = Duration::from_secs(10);
const READ_CHUNK: usize = 64 << 10;
/// Read calls in one turn; then timers and output have theirs.
const READS_A_TURN: usize = 8;
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// What the rest of the daemon tells a neighbour's task.
#[derive(Debug)]
pub(super) enum Command {
    Transmit {
        bytes: Arc<[u8]>,
        messages: u32,
    },
    /// The last command: the session ends and the task with it.
    Stop(StopReason),
}

/// The ends that a neighbour's task holds.
pub(super) struct Ends {
    pub(super) commands: mpsc::UnboundedReceiver<Command>,
    pub(super) accepted: mpsc::Receiver<TcpStream>,
    pub(super) events: mpsc::Sender<Event>,
}

/// Drives one neighbour until the daemon drops its commands.
pub(super) struct PeerTask {
    peer: PeerId,
    session: Session,
    transport: Transport,
    ends: Ends,
    connections: Vec<Connection>,
    next_connection: u32,
    /// The connection whose octets the session is looking at.
    reading: Option<ConnectionId>,
    dialling: Option<tokio::task::JoinHandle<io::Result<TcpStream>>>,
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
    pub(super) fn new(peer: PeerId, session: Session, transport: Transport, ends: Ends) -> Self {
        Self {
            peer,
            session,
            transport,
            ends,
            connections: Vec::new(),
            next_connection: 0,
            reading: None,
            dialling: None,
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
                Wake::Command(Some(Command::Transmit { bytes, messages })) => {
                    self.session.send_updates(bytes, messages);
                }
                Wake::Command(Some(Command::Stop(reason))) => {
                    self.session.stop(reason, Instant::now());
                    return self.finish().await;
                }
                Wake::Command(None) | Wake::RouterGone => return self.finish().await,
                Wake::Accepted(stream) => self.connected(stream, Direction::Inbound),
                Wake::Dialled(Ok(stream)) => self.connected(stream, Direction::Outbound),
                Wake::Dialled(Err(error)) => {
                    debug!(peer = %self.transport.remote, "dial failed: {error}");
                    self.session.handle_dial_failed(Instant::now());
                }
                Wake::Delivered => {}
                Wake::Timer => self.timer(),
            }
        }
    }

    fn timer(&mut self) {
        let now = Instant::now();
        if !self.backlog.is_empty() {
            self.session.handle_reading_paused(now);
        }
        self.session.handle_timeout(now);
    }

    /// Waits for the next thing to do. While events wait for the router nothing is read, but output, commands
    /// and timers go on.
    async fn wake(&mut self) -> Wake {
        let deadline = self
            .session
            .poll_timeout()
            .unwrap_or(self.publish_at + STATUS_EVERY)
            .min(self.publish_at + STATUS_EVERY);
        let blocked = !self.backlog.is_empty();
        let reading = if blocked {
            Reading::Paused
        } else {
            Reading::On
        };
        let connections = &self.connections;
        let events = &self.ends.events;
        let backlog = &mut self.backlog;
        let dialling = &mut self.dialling;
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(deadline.into()) => Wake::Timer,
            command = self.ends.commands.recv() => Wake::Command(command),
            permit = events.reserve(), if blocked => match (permit, backlog.pop_front()) {
                (Ok(permit), Some(event)) => {
                    permit.send(event);
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
}

impl PeerTask {
    fn read(&mut self, index: usize) {
        for _ in 0..READS_A_TURN {
            let Some(connection) = self.connections.get(index) else {
                return;
            };
            let id = connection.id;
            match connection.stream.try_read(&mut self.chunk) {
                Ok(0) => return self.lost(id, None),
                Ok(length) => {
                    self.reading = Some(id);
                    self.session
                        .handle_bytes(id, &self.chunk[..length], Instant::now());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return self.lost(id, Some(error)),
            }
            self.drain_actions();
            if !self.backlog.is_empty()
                || self.connections.get(index).is_none_or(|now| now.id != id)
            {
                return;
            }
        }
    }

    fn write(&mut self, index: usize) {
        let Some(connection) = self.connections.get_mut(index) else {
            return;
        };
        match connection.write() {
            Ok(0) => {}
            Ok(drained) => {
                let (id, pending) = (connection.id, connection.has_output());
                self.session
                    .handle_write_progress(id, pending, Instant::now());
                self.backlog.push_back(Event::Drained {
                    peer: self.peer,
                    bytes: drained,
                });
            }
            Err(error) => {
                let id = connection.id;
                self.lost(id, Some(error));
            }
        }
    }

    fn lost(&mut self, id: ConnectionId, error: Option<io::Error>) {
        if let Some(error) = error {
            debug!(peer = %self.transport.remote, "connection lost: {error}");
        }
        self.connections.retain(|connection| connection.id != id);
        self.session.handle_closed(id, Instant::now());
    }

    fn connected(&mut self, stream: TcpStream, direction: Direction) {
        let id = ConnectionId(self.next_connection);
        let connection = self
            .transport
            .accept(&stream)
            .and_then(|()| Connection::new(id, stream));
        match connection {
            Ok(connection) => self.connections.push(connection),
            Err(error) => {
                debug!(peer = %self.transport.remote, "connection unusable: {error}");
                if direction == Direction::Outbound {
                    self.session.handle_dial_failed(Instant::now());
                }
                return;
            }
        }
        self.next_connection += 1;
        self.session.handle_connected(id, direction, Instant::now());
    }

    /// Carries out what the session wants; consecutive routes travel as one event.
    fn drain_actions(&mut self) {
        let mut routes: Vec<RouteUpdate> = Vec::new();
        while let Some(action) = self.session.poll_action() {
            let event = match action {
                Action::Routes(update) => {
                    routes.push(update);
                    continue;
                }
                Action::Dial => {
                    self.dialling = Some(tokio::spawn(self.dial()));
                    continue;
                }
                Action::Transmit { id, bytes } => {
                    if let Some(connection) = self
                        .connections
                        .iter_mut()
                        .find(|connection| connection.id == id)
                    {
                        connection.queue(bytes);
                        self.session.handle_write_progress(id, true, Instant::now());
                    }
                    continue;
                }
                Action::Close { id } => {
                    self.close(id);
                    continue;
                }
                Action::StateChanged(state) => {
                    debug!(peer = %self.transport.remote, ?state, "session state");
                    self.publish_at = Instant::now();
                    continue;
                }
                Action::Malformed(malformed) => {
                    warn!(
                        "neighbor {}: UPDATE with errors: {:?}",
                        self.transport.remote, malformed.findings
                    );
                    continue;
                }
                Action::Up(negotiated) => self.up(negotiated),
                Action::Down(down) => {
                    self.restart_is_over();
                    info!(
                        "%ADJCHANGE: neighbor {} Down {}",
                        self.transport.remote, down.reason
                    );
                    let retain = if down.graceful {
                        Retain::Stale
                    } else {
                        Retain::No
                    };
                    Event::PeerDown {
                        peer: self.peer,
                        retain,
                    }
                }
                Action::EndOfRib(family) => Event::EndOfRib {
                    peer: self.peer,
                    family,
                },
                Action::RouteRefresh(family, RefreshKind::Request) => Event::RouteRefresh {
                    peer: self.peer,
                    family,
                },
                Action::RouteRefresh(family, RefreshKind::Begin) => Event::RefreshBegin {
                    peer: self.peer,
                    family,
                },
                Action::RouteRefresh(family, RefreshKind::End) => Event::RefreshEnd {
                    peer: self.peer,
                    family,
                },
            };
            self.deliver_routes(&mut routes);
            self.backlog.push_back(event);
        }
        self.deliver_routes(&mut routes);
        self.hand_over();
    }

    fn deliver_routes(&mut self, routes: &mut Vec<RouteUpdate>) {
        if !routes.is_empty() {
            self.backlog.push_back(Event::Routes {
                peer: self.peer,
                updates: std::mem::take(routes),
            });
        }
    }

    /// Gives the router what it takes without waiting.
    fn hand_over(&mut self) {
        while let Ok(permit) = self.ends.events.try_reserve() {
            let Some(event) = self.backlog.pop_front() else {
                return;
            };
            permit.send(event);
        }
    }

    async fn dial_within(transport: Transport) -> io::Result<TcpStream> {
        tokio::time::timeout(DIAL_WITHIN, transport.dial())
            .await
            .unwrap_or_else(|_| {
                Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "no answer to the connection request",
                ))
            })
    }

    fn dial(&self) -> impl Future<Output = io::Result<TcpStream>> + use<> {
        Self::dial_within(self.transport)
    }

    fn up(&self, negotiated: Box<Negotiated>) -> Event {
        let unknown = SocketAddr::new(self.transport.remote, self.transport.port);
        let (local, remote) = self
            .connections
            .iter()
            .find(|connection| Some(connection.id) == self.reading)
            .map_or((unknown, unknown), |connection| {
                (connection.local, connection.remote)
            });
        info!("%ADJCHANGE: neighbor {} Up", self.transport.remote);
        Event::PeerUp {
            peer: self.peer,
            negotiated,
            local,
            remote,
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

    /// Lets the last message out, within a bounded time, and cuts the connection.
    fn close(&mut self, id: ConnectionId) {
        let Some(index) = self
            .connections
            .iter()
            .position(|connection| connection.id == id)
        else {
            return;
        };
        let connection = self.connections.swap_remove(index);
        tokio::spawn(async move {
            let flushed = tokio::time::timeout(CLOSE_WITHIN, connection.finish()).await;
            if !matches!(flushed, Ok(Ok(()))) {
                debug!("a closing connection did not take its last message");
            }
        });
    }

    /// Publishes the session's figures when they changed, at most once a second unless its state did.
    fn publish(&mut self) {
        let now = Instant::now();
        if now < self.publish_at || !self.backlog.is_empty() {
            return;
        }
        self.publish_at = now + STATUS_EVERY;
        let status = PeerStatus::of(&self.session);
        if status != self.published {
            let event = Event::PeerStatus {
                peer: self.peer,
                status: status.clone(),
            };
            if self.ends.events.try_send(event).is_ok() {
                self.published = status;
            }
        }
    }

    /// The daemon stops: what the session has left to say goes out, then the connections end.
    async fn finish(mut self) {
        while let Some(action) = self.session.poll_action() {
            if let Action::Transmit { id, bytes } = action
                && let Some(connection) = self
                    .connections
                    .iter_mut()
                    .find(|connection| connection.id == id)
            {
                connection.queue(bytes);
            }
        }
        let flushing = self
            .connections
            .drain(..)
            .map(|connection| tokio::time::timeout(CLOSE_WITHIN, connection.finish()));
        futures_util::future::join_all(flushing).await;
    }
}
