//! What the router wants done outside of it.

use std::sync::Arc;
use std::time::Duration;

use crate::bfd::Request;
use crate::bgp::session::{SessionConfig, StopReason};
use crate::bgp::types::Family;
use crate::dataplane::Port;
use crate::fib::op::FibOp;
use crate::host::{IfIndex, NeighbourKey};
use crate::rib::route::PeerId;
use crate::router::transport::{RangeKey, Transport};

#[derive(Debug)]
pub enum Effect {
    /// Whole encoded messages for these neighbours.
    Transmit {
        peers: Vec<PeerId>,
        bytes: Arc<[u8]>,
        messages: u32,
    },
    /// To the FIB writer, in order; it answers with `Event::FibApplied` of this generation.
    ApplyFib {
        generation: u64,
        ops: Vec<FibOp>,
    },
    /// The kernel shall resolve this neighbour and keep it fresh.
    KeepNeighbour(NeighbourKey),
    /// It is not needed any more.
    ForgetNeighbour(NeighbourKey),
    /// Attach a port, or tell the data plane what changed about it.
    PutPort(Port),
    RemovePort(IfIndex),
    /// Run the sessions of a neighbour from now on.
    StartPeer(Box<StartPeer>),
    /// Other settings for a neighbour that runs: what a session can follow holds at once, the rest from the next
    /// connection on. Whatever needs another session comes with a [`ResetPeer`](Self::ResetPeer).
    ConfigurePeer(Box<StartPeer>),
    /// End the session; what follows is `back`.
    ResetPeer {
        peer: PeerId,
        reason: StopReason,
        back: Back,
    },
    /// End the session and forget the neighbour; its number may be given to another at once.
    RemovePeer {
        peer: PeerId,
        reason: StopReason,
    },
    /// Ask the neighbour for its routes again (RFC 2918).
    RequestRefresh {
        peer: PeerId,
        family: Family,
    },
    /// A stranger's connection that [`Event::Stranger`](super::event::Event::Stranger) told of is refused.
    RefuseStranger(Ticket),
    /// Keys of connections from ranges, all of them.
    RangeKeys(Vec<RangeKey>),
    /// Send router advertisements (lifetime 0) on these links, and tell of those that come: all of them.
    AdvertiseOn(Vec<IfIndex>),
    /// To the thread that runs the BFD sessions.
    Bfd(Request),
    /// Something an operator wants to read.
    Note(Note),
}

/// A neighbour as its task needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartPeer {
    pub peer: PeerId,
    /// As operators call it, for the log.
    pub name: String,
    pub session: SessionConfig,
    pub transport: Transport,
    /// The connection that brought a neighbour of a `listen range`.
    pub accept: Option<Ticket>,
}

/// A connection that waits for its fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// What follows the end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// The session starts again at once.
    Now,
    /// After this time.
    After(Duration),
    /// When it is reset or configured again.
    Never,
}

/// A line for the log; `daemon/` writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub level: Level,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Info,
    Warning,
}
