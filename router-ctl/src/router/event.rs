//! Everything that can happen to the router. The list is closed: nothing else changes routing state.

use std::net::{Ipv6Addr, SocketAddr};
use std::time::Instant;

use ipnet::IpNet;

use crate::bfd::Report;
use crate::bgp::fsm::State;
use crate::bgp::negotiate::Negotiated;
use crate::bgp::session::{CloseReason, MessageCounts, Session};
use crate::bgp::types::{Family, RouteUpdate};
use crate::bgp::wire::error::Disposition;
use crate::config::model::Config;
use crate::dataplane::PortStatus;
use crate::host::{HostEvent, IfIndex};
use crate::rib::route::PeerId;
use crate::router::effect::Ticket;

#[derive(Debug)]
pub enum Event {
    /// The session reached Established.
    PeerUp {
        peer: PeerId,
        negotiated: Box<Negotiated>,
        local: SocketAddr,
        remote: SocketAddr,
    },
    /// The session ended. `retain`: graceful restart lets its paths stay in use as stale ones.
    PeerDown {
        peer: PeerId,
        retain: Retain,
    },
    /// What `show` says about the session; sent on change of state and at most once a second otherwise.
    PeerStatus {
        peer: PeerId,
        status: Box<PeerStatus>,
    },
    Routes {
        peer: PeerId,
        updates: Vec<RouteUpdate>,
    },
    EndOfRib {
        peer: PeerId,
        family: Family,
    },
    /// The neighbour asks for our routes again (RFC 2918).
    RouteRefresh {
        peer: PeerId,
        family: Family,
    },
    /// The neighbour sends its routes again; those that it does not name are gone at the end (RFC 7313).
    RefreshBegin {
        peer: PeerId,
        family: Family,
    },
    RefreshEnd {
        peer: PeerId,
        family: Family,
    },
    /// So many octets left our queue towards the neighbour.
    Drained {
        peer: PeerId,
        bytes: usize,
    },
    /// A connection from an address that is no neighbour waits: it may be in a `listen range`. Answered by a
    /// `StartPeer` that accepts it, or by `RefuseStranger`.
    Stranger {
        ticket: Ticket,
        local: SocketAddr,
        remote: SocketAddr,
    },
    /// A router advertisement came from another router on a link.
    RouterAdvertisement {
        link: IfIndex,
        source: Ipv6Addr,
    },
    /// The operator asks for the session of a neighbour to begin anew, or for its routes to be looked at again.
    Reset {
        peer: PeerId,
        how: ResetKind,
    },
    /// Another configuration, checked as a whole.
    Configure(Box<Config>),
    Host(Vec<HostEvent>),
    /// The FIB writer ran the operations of a generation; these prefixes could not be bound.
    FibApplied {
        generation: u64,
        refused: Vec<Refused>,
    },
    /// A BFD session changed.
    Bfd(Box<Report>),
    /// The data plane has this port, or could not attach it.
    Port {
        index: IfIndex,
        outcome: Result<PortStatus, String>,
    },
}

/// A prefix that the data plane did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub prefix: Option<IpNet>,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResetKind {
    /// The session ends and comes back; the text is for the neighbour's operator (RFC 9003).
    Hard(Option<String>),
    /// What the neighbour sent is judged again, or asked for again.
    SoftIn,
    /// What the neighbour is told is looked at again and sent again.
    SoftOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retain {
    /// Paths go at once.
    No,
    /// RFC 4724: paths stay, marked stale, for the neighbour's restart time.
    Stale,
}

/// What a session publishes about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    pub state: State,
    pub messages_received: u64,
    pub messages_sent: u64,
    /// The same by type.
    pub received: MessageCounts,
    pub sent: MessageCounts,
    pub connections_established: u64,
    pub connections_dropped: u64,
    /// How the last connection ended, in words.
    pub last_down: Option<String>,
    /// The NOTIFICATION that ended it, and who sent it.
    pub last_notification: Option<LastNotification>,
    /// Why no connection comes about: what the last attempt met, or a key that the kernel does not take.
    pub connect_error: Option<String>,
    /// When the last connection ended.
    pub last_reset: Option<Instant>,
    /// When the last message came, and the last UPDATE.
    pub last_received: Option<Instant>,
    pub last_update: Option<Instant>,
    /// When all that there was to send had been written.
    pub last_written: Option<Instant>,
    /// When the next attempt to connect is due.
    pub next_attempt: Option<Instant>,
    /// Errors in UPDATEs that cost an attribute (RFC 7606), and those that cost the routes.
    pub attributes_discarded: u64,
    pub treated_as_withdraw: u64,
}

/// A NOTIFICATION that ended a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastNotification {
    pub sender: Sender,
    pub code: u8,
    pub subcode: u8,
    /// The names of code and subcode: `Cease/Administrative Reset`. Those that a Hard Reset wraps.
    pub words: String,
    /// It was a Hard Reset (RFC 8538): the codes are its own.
    pub hard_reset: bool,
    /// The shutdown communication (RFC 9003). The peer's may contain anything: escape it when shown.
    pub text: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    Us,
    Peer,
}

impl Default for PeerStatus {
    fn default() -> Self {
        Self {
            state: State::Idle,
            messages_received: 0,
            messages_sent: 0,
            received: MessageCounts::default(),
            sent: MessageCounts::default(),
            connections_established: 0,
            connections_dropped: 0,
            last_down: None,
            last_notification: None,
            connect_error: None,
            last_reset: None,
            last_received: None,
            last_update: None,
            last_written: None,
            next_attempt: None,
            attributes_discarded: 0,
            treated_as_withdraw: 0,
        }
    }
}

impl PeerStatus {
    pub fn of(session: &Session) -> Self {
        let stats = session.stats();
        let reason = stats.last_reset.as_ref().map(|reset| &reset.reason);
        Self {
            state: session.state(),
            messages_received: stats.received.total(),
            messages_sent: stats.sent.total(),
            received: stats.received,
            sent: stats.sent,
            connections_established: stats.connections_established,
            connections_dropped: stats.connections_dropped,
            last_down: reason.map(ToString::to_string),
            last_notification: reason.and_then(LastNotification::of),
            connect_error: None,
            last_reset: stats.last_reset.as_ref().map(|reset| reset.at),
            last_received: stats.last_received,
            last_update: stats.last_update,
            last_written: stats.last_written,
            next_attempt: session.next_attempt(),
            attributes_discarded: stats.found(Disposition::AttributeDiscard),
            treated_as_withdraw: stats.found(Disposition::TreatAsWithdraw),
        }
    }
}

impl LastNotification {
    fn of(reason: &CloseReason) -> Option<Self> {
        let (sender, notification) = match reason {
            CloseReason::NotificationSent(notification) => (Sender::Us, notification),
            CloseReason::NotificationReceived(notification) => (Sender::Peer, notification),
            CloseReason::ConnectionLost | CloseReason::Replaced | CloseReason::Stopped(_) => {
                return None;
            }
        };
        let wrapped = notification.unwrapped();
        let shown = wrapped.as_ref().unwrap_or(notification);
        let words = match shown.names() {
            (code, Some(subcode)) => format!("{code}/{subcode}"),
            (code, None) => code.to_owned(),
        };
        Some(Self {
            sender,
            code: notification.code,
            subcode: notification.subcode,
            words,
            hard_reset: notification.is_hard_reset(),
            text: shown.text(),
        })
    }
}
