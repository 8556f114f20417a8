//! How the TCP connections of a neighbour are made: plain values for those who own the sockets.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::host::IfIndex;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transport {
    pub remote: IpAddr,
    /// The link of a link-local neighbour.
    pub scope: Option<IfIndex>,
    pub port: u16,
    /// `update-source`: the address to dial from; connections to another one of ours are refused.
    pub source: Option<IpAddr>,
    /// TTL of our packets: 1 for a directly connected eBGP neighbour, 255 for iBGP and GTSM, else `ebgp-multihop`.
    pub ttl: u8,
    /// GTSM: what comes with less is dropped by the kernel (RFC 5082).
    pub minimum_ttl: Option<u8>,
    /// TCP MD5 (RFC 2385): no key, no session.
    pub password: Option<String>,
    /// Upper bound of the segments that we send and accept, in octets.
    pub mss: Option<u16>,
}

/// The key of connections that neighbours of a `listen range` open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeKey {
    pub range: IpNet,
    pub password: String,
}
