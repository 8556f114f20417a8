//! BGP as a value: bytes and time in, bytes and events out. No socket, clock or runtime in here.

pub mod fsm;
pub mod negotiate;
pub mod session;
pub mod timers;
pub mod types;
pub mod wire;
