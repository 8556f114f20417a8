//! The heart: owns configuration, neighbours, RIB and FIB. Events in, effects out; no input or output.

pub mod query;
