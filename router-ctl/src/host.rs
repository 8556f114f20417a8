//! What the Linux host told us: interfaces, addresses, neighbours. Plain values; `kernel/` fills them from
//! netlink, the FIB and the router read them.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// A Linux interface index, unique inside one network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IfIndex(pub u32);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An interface as the kernel shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub index: IfIndex,
    pub name: String,
    /// `None` for devices without an Ethernet header (WireGuard, tun).
    pub mac: Option<MacAddress>,
    /// L3 MTU in bytes.
    pub mtu: u32,
    pub state: LinkState,
    pub loopback: bool,
}

/// `Up` needs both the administrative flag and the carrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    Up,
    NoCarrier,
    AdminDown,
}

/// An address of ours, with the length of its subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    pub link: IfIndex,
    pub net: IpNet,
}

/// A neighbour's key: an address means nothing without its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NeighbourKey {
    pub link: IfIndex,
    pub address: IpAddr,
}

/// `Reachable` stands for every NUD state with a usable MAC (reachable, stale, delay, probe, permanent, noarp):
/// a stale entry forwards until it has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighbourState {
    Incomplete,
    Reachable(MacAddress),
    /// Resolution failed, or the entry was deleted.
    Failed,
}

/// One change that the kernel reported. After `Resync` a complete dump follows: what it does not name is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostEvent {
    Link(Link),
    LinkGone(IfIndex),
    AddressAdded(Address),
    AddressRemoved(Address),
    Neighbour(NeighbourKey, NeighbourState),
    /// A unicast route that somebody else than the kernel and this router put into the main table.
    ForeignRoute(IpNet),
    ForeignRouteGone(IpNet),
    /// Start of a complete dump (at start, and after the kernel dropped messages).
    Resync,
    /// The dump that `Resync` began is complete.
    ResyncDone,
}
