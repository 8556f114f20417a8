//! User side of the router, as a library. ARCHITECTURE.md has the picture; here is one line a module.
//!
//! Pure (bytes, events and time in; actions out; no socket, clock, runtime or BPF): [`host`], [`prefix`],
//! [`bfd`], [`bgp`], [`policy`], [`rib`], [`fib`], [`config`], [`router`].
//! Input and output: [`dataplane`] (maps and programs), [`kernel`] (netlink), [`daemon`] (sockets, timers,
//! threads), [`api`] (HTTP on a unix socket), [`cli`] (the command line).

pub mod api;
pub mod bfd;
pub mod bgp;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod dataplane;
pub mod fib;
pub mod host;
pub mod kernel;
pub mod policy;
pub mod prefix;
pub mod rib;
pub mod router;
