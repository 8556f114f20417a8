//! What a session tells: actions for its driver, reasons, counters.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::config::StopReason;
use crate::bgp::fsm::State;
use crate::bgp::negotiate::Negotiated;
use crate::bgp::types::{Family, RouteUpdate};
use crate::bgp::wire::error::{Disposition, Finding};
use crate::bgp::wire::header::MessageType;
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
    /// `withdrawn` comes before `announced`.
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

/// What was wrong, for one line of a log.
impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.findings.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
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

impl CloseReason {
    /// Would the same happen at once if the peers met again?
    pub(super) fn is_error(&self) -> bool {
        match self {
            Self::NotificationSent(notification) | Self::NotificationReceived(notification) => {
                match notification.unwrapped() {
                    Some(inner) => inner.is_error(),
                    None => notification.is_error(),
                }
            }
            Self::ConnectionLost | Self::Replaced | Self::Stopped(_) => false,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotificationSent(notification) => write!(f, "sent {notification}"),
            Self::NotificationReceived(notification) => write!(f, "received {notification}"),
            Self::ConnectionLost => f.write_str("connection closed by the peer"),
            Self::Replaced => f.write_str("replaced by a new connection of the restarted peer"),
            Self::Stopped(reason) => reason.fmt(f),
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

    pub(super) fn count(&mut self, kind: MessageType, messages: u64) {
        *match kind {
            MessageType::Open => &mut self.open,
            MessageType::Update => &mut self.update,
            MessageType::Notification => &mut self.notification,
            MessageType::Keepalive => &mut self.keepalive,
            MessageType::RouteRefresh => &mut self.route_refresh,
        } += messages;
    }
}

/// Counters since the session was configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub received: MessageCounts,
    pub sent: MessageCounts,
    pub connections_established: u64,
    pub connections_dropped: u64,
    /// When the session last became or ceased to be Established.
    pub last_change: Option<Instant>,
    /// When the last message came, and the last UPDATE.
    pub last_received: Option<Instant>,
    pub last_update: Option<Instant>,
    /// When the kernel last had taken all that there was to send.
    pub last_written: Option<Instant>,
    pub last_reset: Option<Reset>,
    /// How often each error was met in an UPDATE.
    pub findings: BTreeMap<Finding, u64>,
    /// The last eight UPDATEs with errors, oldest first.
    pub malformed: VecDeque<Arc<Malformed>>,
}

impl Stats {
    /// How often an error in an UPDATE cost this.
    pub fn found(&self, disposition: Disposition) -> u64 {
        let findings = self.findings.iter();
        findings
            .filter(|(finding, _)| finding.disposition == disposition)
            .map(|(_, times)| times)
            .sum()
    }
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset {
    pub at: Instant,
    pub reason: CloseReason,
    /// The state in which it ended.
    pub state: State,
    /// Both OPENs as they were on the wire; empty if there was none.
    pub open_sent: Arc<[u8]>,
    pub open_received: Arc<[u8]>,
}
