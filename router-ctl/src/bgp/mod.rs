//! BGP as a value: bytes and time in, bytes and events out. No socket, clock or runtime in here.
//!
//! [`session::Session`] is one neighbour. Its driver hands it connections, bytes and the time, and carries out
//! the [`session::Action`]s that come back. Inside, `wire` turns bytes into messages and back, `fsm` says what
//! the protocol does with an event, `negotiate` makes one agreement of two OPENs, `timers` computes deadlines.
//! [`attributes`] reads and edits the path attributes that travel on to the RIB.
//!
//! The only `crate::` path in this folder is `crate::bgp`: it compiles alone, which is how it is fuzzed.

pub mod attributes;
pub mod fsm;
pub mod negotiate;
pub mod session;
pub mod timers;
pub mod types;
pub mod wire;
