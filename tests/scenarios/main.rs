//! The daemon in namespaces: real links, real sessions, real frames. Needs root.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bgp_v4;
mod bgp_v6;
mod exchange;
mod static_route;
mod world;
