//! Desired forwarding state, as a value. The FIB sees prefixes, gateways and what the host reported, never
//! BGP; what it wants written leaves as [`op::FibOp`]s, in an order in which no moment is wrong.

pub mod op;
