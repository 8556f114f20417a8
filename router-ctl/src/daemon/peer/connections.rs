//! The TCP connections of a neighbour: how they come about, what goes over them, how they end.

use std::io;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use tokio::net::TcpStream;
use tracing::{debug, info, warn};

use super::{CLOSE_WITHIN, PeerTask};
use crate::bgp::session::{Action, ConnectionId, Direction};
use crate::daemon::connection::Connection;
use crate::daemon::{door, tcp_md5, tcp_options};
use crate::router::event::Event;
use crate::router::transport::Transport;

/// How long a TCP connection may take to open.
const DIAL_WITHIN: Duration = Duration::from_secs(10);
const NO_ANSWER: &str = "no answer to the connection request";
/// Read calls in one turn; then timers and output have theirs.
const READS_A_TURN: usize = 8;

impl PeerTask {
    pub(super) fn dial(&mut self) {
        let wait = self.dial_after.saturating_duration_since(Instant::now());
        if self.dialling.is_some() {
            if !wait.is_zero() {
                return;
            }
            // The time between two attempts may be shorter than what one may take.
            self.note_dial_error(NO_ANSWER.to_owned());
        }
        self.give_up_dialling();
        let transport = self.transport.clone();
        self.dialling = Some(tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            dial_within(transport).await
        }));
    }

    pub(super) fn give_up_dialling(&mut self) {
        if let Some(attempt) = self.dialling.take() {
            attempt.abort();
        }
    }

    pub(super) fn dial_failed(&mut self, error: &io::Error) {
        self.note_dial_error(error.to_string());
        self.session.handle_dial_failed(Instant::now());
    }

    /// One line for each new reason, however often it is met.
    fn note_dial_error(&mut self, error: String) {
        if self.dial_error.as_ref() != Some(&error) {
            info!("neighbor {}: cannot connect: {error}", self.identity.name);
            self.dial_error = Some(error);
        }
    }

    /// A connection is there, from either side. It gets all its options or is not used.
    pub(super) fn connected(&mut self, stream: TcpStream, direction: Direction) {
        let id = ConnectionId(self.next_connection);
        let connection =
            tcp_options::apply(&self.transport, &stream).and_then(|()| Connection::new(id, stream));
        let connection = match (connection, direction) {
            (Ok(connection), _) => connection,
            (Err(error), Direction::Outbound) => return self.dial_failed(&error),
            (Err(error), Direction::Inbound) => {
                warn!(
                    "neighbor {}: its connection is not usable: {error}",
                    self.identity.name
                );
                return;
            }
        };
        let local = connection.local.ip().to_canonical();
        if direction == Direction::Inbound
            && let Some(source) = self.transport.source.filter(|source| *source != local)
        {
            debug!(
                "neighbor {}: connected to {local}, and not to its update-source {source}",
                self.identity.name
            );
            tokio::spawn(door::refuse(connection.stream));
            return;
        }
        self.dial_error = None;
        self.connections.push(connection);
        self.next_connection += 1;
        self.session.handle_connected(id, direction, Instant::now());
    }

    /// The options of connections that exist, as they are now. What cannot be had ends the connection: it would
    /// go on with a key that holds no more.
    pub(super) fn change_connections(&mut self, before: &Transport) {
        let mut lost = Vec::new();
        for connection in &self.connections {
            let stream = &connection.stream;
            let key_is_gone = before.password.is_some() && self.transport.password.is_none();
            let changed = tcp_options::apply(&self.transport, stream).and_then(|()| {
                if key_is_gone {
                    tcp_md5::remove(stream, IpNet::from(self.transport.remote))
                } else {
                    Ok(())
                }
            });
            if let Err(error) = changed {
                warn!(
                    "neighbor {}: its connection cannot follow the change: {error}",
                    self.identity.name
                );
                lost.push((connection.id, error));
            }
        }
        for (id, error) in lost {
            self.lost(id, Some(error));
        }
    }

    pub(super) fn read(&mut self, index: usize) {
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

    pub(super) fn write(&mut self, index: usize) {
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
                    peer: self.identity.peer,
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
            debug!("neighbor {}: connection lost: {error}", self.identity.name);
        }
        self.connections.retain(|connection| connection.id != id);
        self.session.handle_closed(id, Instant::now());
    }

    /// Lets the last message out, within a bounded time, and cuts the connection.
    pub(super) fn close(&mut self, id: ConnectionId) {
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

    /// The task ends: what the session has left to say goes out, then the connections end.
    pub(super) async fn finish(mut self) {
        self.give_up_dialling();
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Transmit { id, bytes } => self.queue(id, bytes),
                Action::Down(down) => info!(
                    "%ADJCHANGE: neighbor {} Down {}",
                    self.identity.name, down.reason
                ),
                Action::Dial
                | Action::Close { .. }
                | Action::Up(_)
                | Action::Routes(_)
                | Action::EndOfRib(_)
                | Action::RouteRefresh(..)
                | Action::StateChanged(_)
                | Action::Malformed(_) => {}
            }
        }
        let flushing = self
            .connections
            .drain(..)
            .map(|connection| tokio::time::timeout(CLOSE_WITHIN, connection.finish()));
        futures_util::future::join_all(flushing).await;
    }
}

async fn dial_within(transport: Transport) -> io::Result<TcpStream> {
    tokio::time::timeout(DIAL_WITHIN, tcp_options::dial(transport))
        .await
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, NO_ANSWER)))
}
