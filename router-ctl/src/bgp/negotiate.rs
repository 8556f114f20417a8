//! Two OPENs make one agreement.

use std::time::Duration;

use crate::bgp::types::{Asn, Family, FamilySet, RouterId};
use crate::bgp::wire::update::Encoding;

/// What both sides agreed on. It does not change while the session is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    pub local_as: Asn,
    pub peer_as: Asn,
    pub peer_id: RouterId,
    /// Same AS on both sides: iBGP.
    pub internal: bool,
    /// `None`: no timers (RFC 4271 §4.2, hold time 0).
    pub hold_time: Option<Duration>,
    pub keepalive: Option<Duration>,
    pub four_octet_as: bool,
    pub families: Vec<Family>,
    pub route_refresh: bool,
    pub enhanced_refresh: bool,
    pub extended_message: bool,
    /// IPv4 prefixes may have IPv6 next hops (RFC 8950).
    pub extended_next_hop: bool,
    pub add_path_receive: FamilySet,
    pub add_path_send: FamilySet,
    /// Present when both sides sent the capability.
    pub graceful_restart: Option<PeerGracefulRestart>,
    /// Every capability that either side sent, ascending by code.
    pub capabilities: Vec<CapabilityUse>,
}

impl Negotiated {
    /// How UPDATEs for this peer are written.
    pub fn encoding(&self) -> Encoding {
        Encoding {
            four_octet_as: self.four_octet_as,
            max_message: if self.extended_message { 65535 } else { 4096 },
            add_path_v4: self.add_path_send.contains(Family::Ipv4Unicast),
            add_path_v6: self.add_path_send.contains(Family::Ipv6Unicast),
        }
    }
}

/// The peer's side of graceful restart (RFC 4724, RFC 8538).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerGracefulRestart {
    /// R: the peer has just restarted.
    pub restarting: bool,
    /// Both sides set N: paths survive NOTIFICATIONs other than Hard Reset.
    pub notification: bool,
    pub restart_time: Duration,
    pub families: Vec<PeerGracefulFamily>,
}

/// One family of the peer's capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerGracefulFamily {
    pub family: Family,
    /// F: the peer kept forwarding while it restarted.
    pub forwarding_kept: bool,
}

/// A capability and who sent it, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityUse {
    pub code: u8,
    /// With its values: `multiprotocol ipv6-unicast`.
    pub name: String,
    pub sent: bool,
    pub received: bool,
}
