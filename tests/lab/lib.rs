//! The lab: networks made of namespaces and veth, real daemons inside them, frames sent and captured.
//!
//! A [`Lab`] owns [`Node`]s (network namespaces, entered with `nsenter --net=/run/netns/NAME`) and the links
//! between them; a [`Port`] is one end of a link. [`Daemon`] runs our router in a node, [`peer`] runs BIRD and
//! FRR, [`Sender`] and [`Capture`] put frames on a port and count what arrives, [`frame`] builds and reads them,
//! [`wait`] waits for a condition and says what it was; [`shown`] does so for what our router shows, [`maps`] reads what it
//! wrote. [`topology`] has the shapes that several tests share, [`config`] the configurations for them.
//!
//! Everything is gone when the lab is dropped, after a panic too. What a killed test left behind is removed
//! when the next lab starts ([`leftovers`]).
//!
//! What a daemon logged is printed when a test panics, so tests await things with [`wait::until`], which does.
//!
//! Needs root. All of it works on the calling thread; no async runtime is involved.

pub mod capture;
pub mod config;
pub mod daemon;
pub mod ethtool;
pub mod frame;
pub mod leftovers;
pub mod maps;
mod netlink;
mod netns;
mod node;
mod packet_socket;
pub mod peer;
mod port;
mod process;
pub mod sender;
pub mod shown;
pub mod topology;
pub mod wait;
mod world;

pub use capture::{Capture, Captured};
pub use daemon::Daemon;
pub use node::{NeighbourEntry, Node};
pub use port::Port;
pub use process::Process;
pub use sender::{Pace, Sender, Stream};
pub use world::{Lab, LinkOptions};

/// Our own names for what the kernel numbers, so that tests and router speak of the same things.
pub use router_ctl::host::{IfIndex, MacAddress};
