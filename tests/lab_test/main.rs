//! The lab tested by itself, and the router's view of the host inside it. Needs root.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod cleanup;
mod host_watch;
mod links;
mod neighbours;
mod peers;
mod traffic;
