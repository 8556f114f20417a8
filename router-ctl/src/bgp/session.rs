//! One neighbour: up to two TCP connections, the state machines, timers, framing, negotiation.
//!
//! The driver owns the sockets and the clock. It calls a `handle_*` method for what happened and then drains
//! [`Session::poll_action`]; [`Session::poll_timeout`] says when to call [`Session::handle_timeout`]. Bytes that
//! have arrived go in before timers are looked at, so that a late driver does not end a living session.
//!
//! The dialing machine and each connection's machine are `fsm::step`; this file finds the event, carries out
//! what the step says and decides what follows the end of a connection: a new attempt, or a wait when an error
//! would only repeat itself. Two connections are both run until an OPEN tells which of them stays
//! (RFC 4271 §6.8, RFC 6286 §2.3). Memory is bounded: two connections, each with at most one unfinished message.

mod config;
mod connection;
mod machine;
mod receive;
mod report;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

pub use self::config::{GracefulRestart, SessionConfig, StopReason};
use self::connection::Connection;
pub use self::report::{
    Action, CloseReason, ConnectionId, Direction, Down, Malformed, MessageCounts, Reset, Stats,
};
use crate::bgp::fsm::{Event, State};
use crate::bgp::negotiate::Negotiated;
use crate::bgp::timers::{self, Jitter};
use crate::bgp::types::Family;
use crate::bgp::wire::header::MessageType;
use crate::bgp::wire::notification::Notification;
use crate::bgp::wire::route_refresh::{self, RefreshKind};
use crate::bgp::wire::update;

/// One neighbour.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    /// Between `start` and `stop`.
    running: bool,
    /// State of the dialing machine: Idle, Connect or Active.
    dialing: State,
    /// Connect retry, or the end of an error wait when `dialing` is Idle.
    retry_at: Option<Instant>,
    connections: SmallVec<[Connection; 2]>,
    jitter: Jitter,
    /// Refused dials, ended connections and errors in a row.
    refused: u32,
    ended: u32,
    errors: u32,
    /// The peer does not take capabilities: the next OPEN goes without.
    without_capabilities: bool,
    state: State,
    reported_malformed: Option<Instant>,
    stats: Stats,
    actions: VecDeque<Action>,
}

/// What comes with an event.
enum Detail {
    None,
    /// To be sent before the connection closes.
    Send(Notification),
    Received(Notification),
    Stopped(StopReason),
    Update(update::Update),
    Refresh(Family, RefreshKind),
}

impl Session {
    pub fn new(config: SessionConfig) -> Self {
        Self {
            jitter: Jitter::new(config.jitter_seed),
            config,
            running: false,
            dialing: State::Idle,
            retry_at: None,
            connections: SmallVec::new(),
            refused: 0,
            ended: 0,
            errors: 0,
            without_capabilities: false,
            state: State::Idle,
            reported_malformed: None,
            stats: Stats::default(),
            actions: VecDeque::new(),
        }
    }

    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// Replaces the configuration: dialing and its timers follow at once, the rest with the next connection. A
    /// change that a running session cannot follow is the caller's to notice; it stops and starts.
    pub fn set_config(&mut self, config: SessionConfig, now: Instant) {
        let passive_changed = self.config.passive != config.passive;
        self.config = config;
        if passive_changed && self.dialing != State::Idle {
            self.begin(now);
        }
    }

    /// Begins: dials, or waits when passive. Nothing while administratively down.
    pub fn start(&mut self, now: Instant) {
        if self.config.admin_down || self.running {
            return;
        }
        self.running = true;
        (self.refused, self.ended, self.errors) = (0, 0, 0);
        self.begin(now);
    }

    /// Ends in Idle, where it stays until `start`.
    pub fn stop(&mut self, why: StopReason, now: Instant) {
        self.running = false;
        self.dial(Event::Stop, Duration::ZERO, now);
        while let Some(connection) = self.connections.first() {
            let id = connection.id;
            let detail = match why.cease(connection.notifications_are_graceful()) {
                Some(cease) => Detail::Send(cease),
                None => Detail::Stopped(why.clone()),
            };
            self.advance(id, Event::Stop, detail, now);
        }
    }

    /// A TCP connection is up.
    pub fn handle_connected(&mut self, id: ConnectionId, direction: Direction, now: Instant) {
        match direction {
            Direction::Outbound if self.dialing == State::Connect => {
                self.dialing = State::Idle;
                self.retry_at = None;
            }
            // Given up meanwhile, for example because the peer's own connection was faster.
            Direction::Outbound => {
                self.actions.push_back(Action::Close { id });
                return;
            }
            Direction::Inbound => {
                if let Some(subcode) = self.refusal() {
                    let refusal = Notification::new(Notification::CEASE, subcode);
                    self.send_notification(id, &refusal);
                    self.actions.push_back(Action::Close { id });
                    return;
                }
                self.drop_inbound(now);
            }
        }
        let with_capabilities = !self.without_capabilities;
        let connection = Connection::new(id, direction, &self.config, with_capabilities);
        self.connections.push(connection);
        self.advance(id, Event::Connected, Detail::None, now);
    }

    pub fn handle_dial_failed(&mut self, now: Instant) {
        if self.dialing != State::Connect {
            return;
        }
        let wait = timers::connect_retry(self.connect_retry(), self.refused);
        self.refused = self.refused.saturating_add(1);
        self.dial(Event::DialFailed, wait, now);
    }

    pub fn handle_bytes(&mut self, id: ConnectionId, bytes: &[u8], now: Instant) {
        let Some(connection) = self.connection_mut(id) else {
            return;
        };
        let mut inbox = std::mem::take(&mut connection.inbox);
        let mut rest = bytes;
        // The connection may end with any message.
        while let Some(limit) = self.connection_mut(id).map(|connection| connection.limit()) {
            match inbox.next(&mut rest, limit) {
                Ok(Some((header, message))) => self.handle_message(id, header, message, now),
                Ok(None) => break,
                Err(error) => self.fail(id, error, now),
            }
        }
        if let Some(connection) = self.connection_mut(id) {
            connection.inbox = inbox;
        }
    }

    /// The TCP connection ended.
    pub fn handle_closed(&mut self, id: ConnectionId, now: Instant) {
        self.advance(id, Event::ConnectionLost, Detail::None, now);
    }

    /// Bytes wait for the socket (`pending`), or none do. Call it when that changes and whenever some were
    /// written, and not when more are queued: a peer that takes nothing for long loses its session (RFC 9687).
    pub fn handle_write_progress(&mut self, id: ConnectionId, pending: bool, now: Instant) {
        let configured = self
            .config
            .send_hold
            .map(u64::from)
            .map(Duration::from_secs);
        if !pending {
            self.stats.last_written = Some(now);
        }
        if let Some(connection) = self.connection_mut(id) {
            let hold = connection.negotiated().and_then(|agreed| agreed.hold_time);
            let allowed = configured.unwrap_or_else(|| timers::send_hold(hold));
            connection.send_hold_at = pending.then(|| now + allowed);
        }
    }

    /// Nothing is read for the moment, for reasons of our own: the silence is not the peer's, and its hold timer
    /// begins anew.
    pub fn handle_reading_paused(&mut self, now: Instant) {
        for connection in &mut self.connections {
            if let Some(hold) = connection.negotiated().and_then(|agreed| agreed.hold_time) {
                connection.hold_at = Some(now + hold);
            }
        }
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let ids: SmallVec<[ConnectionId; 2]> =
            self.connections.iter().map(|each| each.id).collect();
        for id in ids {
            let Some(connection) = self.connection_mut(id) else {
                continue;
            };
            let event = if due(connection.hold_at) {
                Event::HoldExpired
            } else if due(connection.send_hold_at) {
                Event::SendHoldExpired
            } else if due(connection.keepalive_at) {
                Event::KeepaliveExpired
            } else {
                continue;
            };
            self.advance(id, event, Detail::None, now);
        }
        if due(self.retry_at) {
            self.retry_at = None;
            self.retry(now);
        }
    }

    /// Whole UPDATEs, encoded by the caller. Dropped unless Established.
    pub fn send_updates(&mut self, bytes: Arc<[u8]>, messages: u32) {
        let Some(id) = self.established().map(|connection| connection.id) else {
            return;
        };
        self.stats.sent.count(MessageType::Update, messages.into());
        self.actions.push_back(Action::Transmit { id, bytes });
    }

    /// Asks the peer for its routes, or marks begin and end of ours. Dropped unless both sides can.
    pub fn send_route_refresh(&mut self, family: Family, kind: RefreshKind) {
        let able = |agreed: &Negotiated| {
            agreed.families.contains(&family)
                && match kind {
                    RefreshKind::Request => agreed.route_refresh,
                    RefreshKind::Begin | RefreshKind::End => agreed.enhanced_refresh,
                }
        };
        let connection = self.established();
        let Some(id) = connection
            .filter(|connection| connection.negotiated().is_some_and(able))
            .map(|connection| connection.id)
        else {
            return;
        };
        self.send(id, MessageType::RouteRefresh, |out| {
            route_refresh::encode(out, family, kind);
        });
    }

    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let connections = self.connections.iter().flat_map(Connection::deadlines);
        connections.chain(self.retry_at).min()
    }

    /// When the next attempt to connect is due, if one is.
    pub fn next_attempt(&self) -> Option<Instant> {
        self.retry_at
    }

    /// The furthest state of the session's machines.
    pub fn state(&self) -> State {
        self.state
    }

    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// While Established.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.established().and_then(Connection::negotiated)
    }

    fn established(&self) -> Option<&Connection> {
        self.connections
            .iter()
            .find(|connection| connection.state == State::Established)
    }

    fn connection_mut(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|each| each.id == id)
    }

    fn connect_retry(&self) -> Duration {
        Duration::from_secs(self.config.connect_retry.max(1).into())
    }
}

#[cfg(test)]
mod tests;
