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

    /// The family that an AFI and SAFI name, if this router carries it.
    pub fn from_codes(afi: u16, safi: u8) -> Option<Self> {
        match (afi, safi) {
            (1, 1) => Some(Self::Ipv4Unicast),
            (2, 1) => Some(Self::Ipv6Unicast),
            _ => None,
        }
    }

    /// AFI and SAFI as on the wire.
    pub fn codes(self) -> (u16, u8) {
        match self {
            Self::Ipv4Unicast => (1, 1),
            Self::Ipv6Unicast => (2, 1),
        }
    }

    /// Length of the longest prefix.
    pub fn bits(self) -> u8 {
        match self {
            Self::Ipv4Unicast => 32,
            Self::Ipv6Unicast => 128,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ipv4Unicast => "ipv4-unicast",
            Self::Ipv6Unicast => "ipv6-unicast",
        })
    }
}

/// A set of families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FamilySet {
    ipv4_unicast: bool,
    ipv6_unicast: bool,
}

impl FamilySet {
    pub const NONE: Self = Self {
        ipv4_unicast: false,
        ipv6_unicast: false,
    };

    pub fn contains(self, family: Family) -> bool {
        match family {
            Family::Ipv4Unicast => self.ipv4_unicast,
            Family::Ipv6Unicast => self.ipv6_unicast,
        }
    }

    pub fn insert(&mut self, family: Family) {
        match family {
            Family::Ipv4Unicast => self.ipv4_unicast = true,
            Family::Ipv6Unicast => self.ipv6_unicast = true,
        }
    }

    pub fn intersection(self, other: Self) -> Self {
        Self {
            ipv4_unicast: self.ipv4_unicast && other.ipv4_unicast,
            ipv6_unicast: self.ipv6_unicast && other.ipv6_unicast,
        }
    }

    pub fn is_empty(self) -> bool {
        self == Self::NONE
    }

    pub fn iter(self) -> impl Iterator<Item = Family> {
        Family::ALL
            .into_iter()
            .filter(move |&family| self.contains(family))
    }
}

impl FromIterator<Family> for FamilySet {
    fn from_iter<I: IntoIterator<Item = Family>>(families: I) -> Self {
        let mut set = Self::NONE;
        for family in families {
            set.insert(family);
        }
        set
    }
}

/// Which AS a neighbour may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerAs {
    Number(Asn),
    /// Ours.
    Internal,
    /// Any but ours.
    External,
}

impl PeerAs {
    pub fn accepts(self, asn: Asn, local: Asn) -> bool {
        match self {
            Self::Number(wanted) => asn == wanted,
            Self::Internal => asn == local,
            Self::External => asn != local,
        }
    }
}

/// ORIGIN (RFC 4271 §5.1.1); the order is the order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    Igp,
    Egp,
    Incomplete,
}

impl Origin {
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Igp),
            1 => Some(Self::Egp),
            2 => Some(Self::Incomplete),
            _ => None,
        }
    }

    pub fn code(self) -> u8 {
        match self {
            Self::Igp => 0,
            Self::Egp => 1,
            Self::Incomplete => 2,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Igp => "IGP",
            Self::Egp => "EGP",
            Self::Incomplete => "incomplete",
        })
    }
}

/// A path identifier (RFC 7911); 0 where ADD-PATH is not in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(pub u32);

/// One prefix of an UPDATE, host bits cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// What one UPDATE says about one family. `withdrawn` comes before `announced`; `attributes` is there exactly
/// when `announced` is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteUpdate {
    pub family: Family,
    pub attributes: Option<PathAttributes>,
    pub announced: Vec<Nlri>,
    pub withdrawn: Vec<Nlri>,
}
