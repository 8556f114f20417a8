//! Everything that can happen to the router. The list is closed: nothing else changes routing state.

use std::net::SocketAddr;

use ipnet::IpNet;

use crate::bfd::Report;
use crate::bgp::fsm::State;
use crate::bgp::negotiate::Negotiated;
use crate::bgp::session::Session;
use crate::bgp::types::{Family, RouteUpdate};
use crate::dataplane::PortStatus;
use crate::host::{HostEvent, IfIndex};
use crate::rib::route::PeerId;

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
        status: PeerStatus,
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
    pub connections_established: u64,
    pub connections_dropped: u64,
    pub last_down: Option<String>,
}

impl Default for PeerStatus {
    fn default() -> Self {
        Self {
            state: State::Idle,
            messages_received: 0,
            messages_sent: 0,
            connections_established: 0,
            connections_dropped: 0,
            last_down: None,
        }
    }
}

impl PeerStatus {
    pub fn of(session: &Session) -> Self {
        let stats = session.stats();
        Self {
            state: session.state(),
            messages_received: stats.received.total(),
            messages_sent: stats.sent.total(),
            connections_established: stats.connections_established,
            connections_dropped: stats.connections_dropped,
            last_down: stats
                .last_reset
                .as_ref()
                .map(|reset| reset.reason.to_string()),
        }
    }
}
