//! The daemon in namespaces: real links, real sessions, real frames. Needs root.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bad_input;
mod bgp_v4;
mod bgp_v6;
mod ecmp;
mod exchange;
mod link_down;
mod maps;
mod redistribute;
mod restart;
mod side_by_side;
mod static_route;
mod stats;
mod strict_peers;
mod transport;
mod wire;
mod world;
