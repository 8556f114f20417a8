//! What the router wants done outside of it.

use std::sync::Arc;

use crate::bfd::Request;
use crate::dataplane::Port;
use crate::fib::op::FibOp;
use crate::host::{IfIndex, NeighbourKey};
use crate::rib::route::PeerId;

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
    /// To the thread that runs the BFD sessions.
    Bfd(Request),
    /// Something an operator wants to read.
    Note(Note),
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
