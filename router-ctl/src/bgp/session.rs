//! One neighbour: up to two TCP connections, the state machine, timers, framing, negotiation.
//!
//! The driver owns the sockets and the clock. It calls a `handle_*` method for what happened and then drains
//! [`Session::poll_action`]; [`Session::poll_timeout`] says when to call [`Session::handle_timeout`].

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::bgp::fsm::State;
use crate::bgp::negotiate::Negotiated;
use crate::bgp::types::{Asn, Family, PeerAs, RouteUpdate, RouterId};
use crate::bgp::wire::error::Finding;
use crate::bgp::wire::notification::Notification;
use crate::bgp::wire::route_refresh::RefreshKind;

/// Given by the driver, unique per neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u32);

/// Who opened the TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Inbound,
    Outbound,
}

/// How to talk to one neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    pub local_as: Asn,
    pub router_id: RouterId,
    pub remote_as: PeerAs,
    /// Never dial.
    pub passive: bool,
    /// Refuse everything until a configuration without it.
    pub admin_down: bool,
    /// Seconds; 0 or at least 3.
    pub hold_time: u16,
    pub minimum_hold_time: u16,
    /// Seconds; a third of the negotiated hold time when absent.
    pub keepalive: Option<u16>,
    /// Seconds between dials; doubles to 120 while they fail.
    pub connect_retry: u16,
    pub families: Vec<Family>,
    pub add_path_receive: Vec<Family>,
    pub add_path_send: Vec<Family>,
    pub extended_message: bool,
    /// Offer IPv6 next hops for IPv4 prefixes (RFC 8950).
    pub extended_next_hop: bool,
    pub graceful_restart: Option<GracefulRestart>,
    pub disable_capability_negotiation: bool,
    pub override_capability: bool,
    pub strict_capability_match: bool,
    pub enforce_first_as: bool,
    pub reject_as_sets: bool,
    pub allow_martian_next_hop: bool,
    /// The session runs over one link, so link-local next hops mean something.
    pub link_local_next_hop: bool,
    /// Jitter is a pure function of it.
    pub jitter_seed: u64,
}

impl SessionConfig {
    /// Every other setting at its default.
    pub fn new(local_as: Asn, router_id: RouterId, remote_as: PeerAs) -> Self {
        Self {
            local_as,
            router_id,
            remote_as,
            passive: false,
            admin_down: false,
            hold_time: 90,
            minimum_hold_time: 3,
            keepalive: None,
            connect_retry: 30,
            families: vec![Family::Ipv4Unicast],
            add_path_receive: Vec::new(),
            add_path_send: Vec::new(),
            extended_message: true,
            extended_next_hop: false,
            graceful_restart: None,
            disable_capability_negotiation: false,
            override_capability: false,
            strict_capability_match: false,
            enforce_first_as: true,
            reject_as_sets: true,
            allow_martian_next_hop: false,
            link_local_next_hop: true,
            jitter_seed: 0,
        }
    }
}

/// What we say about our own restarts (RFC 4724 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracefulRestart {
    /// Seconds, at most 4095.
    pub restart_time: u16,
    /// R: we have just restarted.
    pub restarting: bool,
    /// F, of every family: the data plane forwarded all the while.
    pub forwarding_kept: bool,
    /// Help others, but name no families of our own.
    pub helper_only: bool,
}

/// Why the driver ends a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Text for the peer's operator (RFC 9003).
    AdminShutdown(Option<String>),
    AdminReset(Option<String>),
    PeerRemoved,
    ConfigChange,
    MaximumPrefix {
        family: Family,
        limit: u32,
    },
    OutOfResources,
    BfdDown,
    /// The interface went down: nothing can be sent.
    LinkDown,
    /// We stop to be back soon: closed without a NOTIFICATION, so that helpers keep our paths.
    Restart,
}

/// What the driver is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Connect to the peer, giving up an attempt still under way. The answer is `handle_connected` or
    /// `handle_dial_failed`.
    Dial,
    Transmit {
        id: ConnectionId,
        bytes: Arc<[u8]>,
    },
    /// Close after what was transmitted is written, or after one second. No `handle_closed` is expected.
    Close {
        id: ConnectionId,
    },
    Up(Box<Negotiated>),
    Down(Down),
    Routes(RouteUpdate),
    EndOfRib(Family),
    RouteRefresh(Family, RefreshKind),
    StateChanged(State),
    /// For the log: an UPDATE was repaired or its prefixes withdrawn. At most one a second.
    Malformed(Arc<Malformed>),
}

/// An UPDATE with errors that did not end the session (RFC 7606).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub at: Instant,
    pub findings: Vec<Finding>,
    /// The message as it came.
    pub message: Vec<u8>,
}

/// The end of an established session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Down {
    pub reason: CloseReason,
    /// The peer's paths may be kept as stale (RFC 4724, RFC 8538).
    pub graceful: bool,
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    NotificationSent(Notification),
    NotificationReceived(Notification),
    /// The TCP connection ended.
    ConnectionLost,
    /// The peer restarted and came back before its old connection was gone (RFC 4724 §5).
    Replaced,
    /// We ended it without a NOTIFICATION.
    Stopped(StopReason),
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotificationSent(notification) => write!(f, "sent {notification}"),
            Self::NotificationReceived(notification) => write!(f, "received {notification}"),
            Self::ConnectionLost => f.write_str("connection closed by the peer"),
            Self::Replaced => f.write_str("replaced by a new connection of the restarted peer"),
            Self::Stopped(reason) => write!(f, "stopped: {reason:?}"),
        }
    }
}

/// Messages by type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageCounts {
    pub open: u64,
    pub update: u64,
    pub notification: u64,
    pub keepalive: u64,
    pub route_refresh: u64,
}

impl MessageCounts {
    pub fn total(&self) -> u64 {
        self.open + self.update + self.notification + self.keepalive + self.route_refresh
    }
}

/// Counters since the session was configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub received: MessageCounts,
    pub sent: MessageCounts,
    pub connections_established: u64,
    pub connections_dropped: u64,
    /// When the state last went to or from Established.
    pub last_change: Option<Instant>,
    pub last_reset: Option<Reset>,
    /// How often each error was met in an UPDATE.
    pub findings: BTreeMap<Finding, u64>,
    /// The last eight UPDATEs with errors, oldest first.
    pub malformed: VecDeque<Arc<Malformed>>,
}

/// The last time a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    pub at: Instant,
    pub reason: CloseReason,
    pub state: State,
    /// Both OPENs as they were on the wire.
    pub open_sent: Vec<u8>,
    pub open_received: Vec<u8>,
}

/// One neighbour.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    state: State,
    stats: Stats,
    negotiated: Option<Box<Negotiated>>,
    actions: VecDeque<Action>,
}

impl Session {
    pub fn new(config: SessionConfig) -> Self {
        Self {
            config,
            state: State::Idle,
            stats: Stats::default(),
            negotiated: None,
            actions: VecDeque::new(),
        }
    }

    pub fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// Replaces the configuration: timers, `passive` and error handling at once, the rest with the next
    /// connection.
    pub fn set_config(&mut self, config: SessionConfig) {
        self.config = config;
    }

    /// Begins: dials, or waits when passive.
    pub fn start(&mut self, _now: Instant) {}

    /// Ends in Idle, where it stays until `start`.
    pub fn stop(&mut self, _why: StopReason, _now: Instant) {}

    /// A TCP connection is up.
    pub fn handle_connected(&mut self, _id: ConnectionId, _direction: Direction, _now: Instant) {}

    pub fn handle_dial_failed(&mut self, _now: Instant) {}

    pub fn handle_bytes(&mut self, _id: ConnectionId, _bytes: &[u8], _now: Instant) {}

    /// The TCP connection ended.
    pub fn handle_closed(&mut self, _id: ConnectionId, _now: Instant) {}

    /// Bytes wait for the socket (`pending`), or none do. Call it when that changes and whenever some were
    /// written: a peer that takes nothing for long loses its session (RFC 9687).
    pub fn handle_write_progress(&mut self, _id: ConnectionId, _pending: bool, _now: Instant) {}

    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// Whole messages, encoded by the caller. Counted as UPDATEs; dropped unless Established.
    pub fn send_updates(&mut self, _bytes: Arc<[u8]>, _messages: u32) {}

    /// Asks the peer for its routes, or marks begin and end of ours. Dropped unless both sides can.
    pub fn send_route_refresh(&mut self, _family: Family, _kind: RefreshKind) {}

    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    pub fn state(&self) -> State {
        self.state
    }

    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiated.as_deref()
    }
}
