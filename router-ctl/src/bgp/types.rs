//! Numbers with a meaning, and what a decoded UPDATE is.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// An autonomous system number of four octets (RFC 6793).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(pub u32);

impl Asn {
    /// Stands for an AS above 65535 towards speakers of two octets (RFC 6793 §9).
    pub const TRANS: Self = Self(23456);
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A BGP Identifier: any non-zero number (RFC 6286), written like an IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouterId(pub Ipv4Addr);

impl fmt::Display for RouterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An address family that this router carries (AFI and SAFI, RFC 4760).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    Ipv4Unicast,
    Ipv6Unicast,
}

impl Family {
    pub const ALL: [Self; 2] = [Self::Ipv4Unicast, Self::Ipv6Unicast];

    pub fn of(prefix: IpNet) -> Self {
        match prefix {
            IpNet::V4(_) => Self::Ipv4Unicast,
            IpNet::V6(_) => Self::Ipv6Unicast,
        }
    }
}

/// A path identifier (RFC 7911); 0 where ADD-PATH is not in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(pub u32);

/// One prefix of an UPDATE, host bits cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nlri {
    pub prefix: IpNet,
    pub path_id: PathId,
}

/// The next hop of a path. IPv4 prefixes may have an IPv6 one (RFC 8950).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NextHop {
    V4(Ipv4Addr),
    /// RFC 2545 §3: `link_local` is there when the peer shares the subnet. A path learnt over a link-local
    /// session may have an unspecified `global`.
    V6 {
        global: Ipv6Addr,
        link_local: Option<Ipv6Addr>,
    },
}

impl NextHop {
    /// The address that is resolved and shown: the global one, unless only a link-local one is usable.
    pub fn address(self) -> IpAddr {
        match self {
            Self::V4(address) => address.into(),
            Self::V6 {
                global,
                link_local: Some(link_local),
            } if global.is_unspecified() => link_local.into(),
            Self::V6 { global, .. } => global.into(),
        }
    }
}

/// The path attributes of one UPDATE in canonical form: each attribute once, ascending by type code, minimal
/// header, AS numbers of four octets (AS4_PATH already merged), communities sorted and without duplicates,
/// unknown optional transitive ones with Partial set. NEXT_HOP and the MP attributes are not in `raw`.
/// Equal paths have equal bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathAttributes {
    pub next_hop: NextHop,
    pub raw: Box<[u8]>,
}

/// What one UPDATE says about one family. `attributes` is there whenever `announced` is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteUpdate {
    pub family: Family,
    pub attributes: Option<PathAttributes>,
    pub announced: Vec<Nlri>,
    pub withdrawn: Vec<Nlri>,
}
