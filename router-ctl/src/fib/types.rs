//! The words of the FIB's interface.

use std::net::IpAddr;

use ipnet::IpNet;
use smallvec::SmallVec;

use crate::host::{IfIndex, NeighbourKey};

/// A next hop as a protocol names it: an address, and the interface when the protocol says which. Without
/// one the longest match of the address decides (RFC 4271 §9.1.2.1); a link-local address needs one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gateway {
    pub address: IpAddr,
    pub link: Option<IfIndex>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatewayId(pub u32);

/// Whether a gateway leads anywhere, and at which cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachability {
    Unresolved,
    /// `metric` is 0 on a connected subnet, and one more for each route that is gone through.
    Resolved {
        metric: u32,
    },
}

/// Whether a default route resolves gateways of each family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViaDefault {
    pub v4: bool,
    pub v6: bool,
}

impl Default for ViaDefault {
    fn default() -> Self {
        Self { v4: true, v6: true }
    }
}

impl ViaDefault {
    pub(super) fn allows(self, prefix: IpNet) -> bool {
        let default_allowed = match prefix {
            IpNet::V4(_) => self.v4,
            IpNet::V6(_) => self.v6,
        };
        default_allowed || prefix.prefix_len() > 0
    }
}

/// Where the packets of a prefix go. Prefixes with equal sets share one path list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathSet {
    /// Gateways with their weights. Flows are spread over those that are usable.
    Gateways(SmallVec<[(GatewayId, u32); 2]>),
    /// To the kernel.
    Local,
    Blackhole,
    Unreachable,
    Prohibit,
}

/// What a prefix is to the host itself, most important first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LocalKind {
    /// One of our addresses, or a subnet on a loopback interface.
    Own,
    /// Broadcast address of an attached IPv4 subnet.
    Broadcast,
    /// Subnet-router anycast address of an attached IPv6 subnet (RFC 4291 §2.6.1).
    Anycast,
    /// A subnet that a link is attached to.
    Connected,
}

/// What the kernel's neighbour table is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// Resolve this neighbour and keep it fresh.
    Keep(NeighbourKey),
    /// It is not needed any more.
    Forget(NeighbourKey),
}
