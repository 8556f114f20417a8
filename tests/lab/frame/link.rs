//! Ethernet with VLAN tags, and ARP.

use std::net::Ipv4Addr;

use crate::MacAddress;

pub(super) const IPV4: u16 = 0x0800;
pub(super) const ARP: u16 = 0x0806;
pub(super) const IPV6: u16 = 0x86dd;
/// IEEE 802 local experimental EtherType 1.
pub(super) const EXPERIMENTAL: u16 = 0x88b5;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ethernet {
    pub destination: MacAddress,
    pub source: MacAddress,
    /// Outermost first.
    pub tags: Vec<Tag>,
    pub ether_type: Option<u16>,
}

/// A VLAN tag; `tpid` is 0x8100 or 0x88a8, `control` is priority, drop eligibility and the VLAN number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    pub tpid: u16,
    pub control: u16,
}

impl Tag {
    pub fn vlan(number: u16) -> Self {
        Self {
            tpid: 0x8100,
            control: number,
        }
    }
}

impl Ethernet {
    pub fn new(destination: MacAddress, source: MacAddress) -> Self {
        Self {
            destination,
            source,
            tags: Vec::new(),
            ether_type: None,
        }
    }

    pub(super) fn build(&self, ether_type: u16) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(18);
        bytes.extend(self.destination.0);
        bytes.extend(self.source.0);
        for tag in &self.tags {
            bytes.extend(tag.tpid.to_be_bytes());
            bytes.extend(tag.control.to_be_bytes());
        }
        bytes.extend(self.ether_type.unwrap_or(ether_type).to_be_bytes());
        bytes
    }
}

/// RFC 826 for IPv4 over Ethernet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arp {
    /// 1 request, 2 reply.
    pub operation: u16,
    pub sender: (MacAddress, Ipv4Addr),
    pub target: (MacAddress, Ipv4Addr),
}

impl Arp {
    pub fn request(sender: (MacAddress, Ipv4Addr), wanted: Ipv4Addr) -> Self {
        Self {
            operation: 1,
            sender,
            target: (MacAddress([0; 6]), wanted),
        }
    }

    pub fn reply(sender: (MacAddress, Ipv4Addr), target: (MacAddress, Ipv4Addr)) -> Self {
        Self {
            operation: 2,
            sender,
            target,
        }
    }

    pub(super) fn build(&self) -> Vec<u8> {
        let mut bytes = vec![0, 1, 8, 0, 6, 4];
        bytes.extend(self.operation.to_be_bytes());
        for (mac, ip) in [&self.sender, &self.target] {
            bytes.extend(mac.0);
            bytes.extend(ip.octets());
        }
        bytes
    }
}
