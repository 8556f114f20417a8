//! What a policy looks at.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::bgp::types::{Asn, NextHop};

/// One path of one prefix, on its way in or out.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub prefix: IpNet,
    pub next_hop: NextHop,
    /// Canonical attributes ([`crate::bgp::attributes`]).
    pub raw: &'a [u8],
    pub weight: u32,
    pub direction: Direction,
    /// The neighbour that sent the route (import) or is to get it (export); none for a route of our own that
    /// enters the table.
    pub peer: Option<IpAddr>,
    pub peer_as: Option<Asn>,
    /// Our address of the session with `peer`.
    pub local_address: Option<IpAddr>,
    /// Through which the next hop is reached.
    pub interface: Option<&'a str>,
    pub source: Source,
    pub tag: u32,
    /// LOCAL_PREF of a route that has none.
    pub default_local_pref: u32,
}

/// Routes enter the table or leave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a neighbour, or from `network`, `redistribute` and `aggregate-address`.
    Import,
    Export,
}

/// Where a route comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    Bgp,
    Connected,
    Static,
    Kernel,
    Aggregate,
}

/// Buffers that evaluations share, so that they allocate nothing.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    /// The AS path as text, while `as_path_known`.
    pub(in crate::policy) as_path: String,
    pub(in crate::policy) as_path_known: bool,
    /// Communities as text.
    pub(in crate::policy) communities: String,
}
