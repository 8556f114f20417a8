//! Frames to send and frames to read.
//!
//! A [`Frame`] is headers as plain structs: what is `None` is computed (lengths, protocol numbers, checksums),
//! what is `Some` is written as it stands, right or wrong. Nothing here shares code with the router, so that a
//! mistake there is not a mistake here too.
//!
//! ```
//! use lab::frame::{Ethernet, Frame, Ipv4, Udp};
//! # use lab::MacAddress;
//! # let (to, from) = (MacAddress([2, 0, 0, 0, 0, 2]), MacAddress([2, 0, 0, 0, 0, 1]));
//! let bytes = Frame::new(Ethernet::new(to, from))
//!     .ipv4(Ipv4 { ttl: 1, ..Ipv4::new([192, 0, 2, 1], [203, 0, 113, 9]) })
//!     .udp(Udp::new(4000, 53))
//!     .payload(b"query")
//!     .build();
//! assert_eq!(bytes.len(), 14 + 20 + 8 + 5);
//! ```

mod checksum;
mod flow;
mod ip;
mod link;
mod transport;

pub use checksum::{checksum, pseudo_header_v4, pseudo_header_v6};
pub use flow::Flow;
pub use ip::{Extension, Ipv4, Ipv6};
pub use link::{Arp, Ethernet, Tag};
pub use transport::{Icmp, Tcp, Udp};

/// One Ethernet frame in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub ethernet: Ethernet,
    pub network: Network,
    pub transport: Transport,
    pub payload: Vec<u8>,
    /// Zeroes are added behind the packet up to this length: 60 is Ethernet's minimum.
    pub pad_to: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Network {
    /// The payload follows the Ethernet header.
    None,
    Ipv4(Ipv4),
    Ipv6(Ipv6),
    Arp(Arp),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// The payload follows the network header.
    None,
    Udp(Udp),
    Tcp(Tcp),
    /// ICMP over IPv4, ICMPv6 over IPv6.
    Icmp(Icmp),
}

impl Frame {
    pub fn new(ethernet: Ethernet) -> Self {
        Self {
            ethernet,
            network: Network::None,
            transport: Transport::None,
            payload: Vec::new(),
            pad_to: 0,
        }
    }

    pub fn ipv4(self, header: Ipv4) -> Self {
        Self {
            network: Network::Ipv4(header),
            ..self
        }
    }

    pub fn ipv6(self, header: Ipv6) -> Self {
        Self {
            network: Network::Ipv6(header),
            ..self
        }
    }

    pub fn arp(self, arp: Arp) -> Self {
        Self {
            network: Network::Arp(arp),
            ..self
        }
    }

    pub fn udp(self, header: Udp) -> Self {
        Self {
            transport: Transport::Udp(header),
            ..self
        }
    }

    pub fn tcp(self, header: Tcp) -> Self {
        Self {
            transport: Transport::Tcp(header),
            ..self
        }
    }

    pub fn icmp(self, header: Icmp) -> Self {
        Self {
            transport: Transport::Icmp(header),
            ..self
        }
    }

    pub fn payload(self, bytes: &[u8]) -> Self {
        Self {
            payload: bytes.to_vec(),
            ..self
        }
    }

    pub fn pad_to(self, length: usize) -> Self {
        Self {
            pad_to: length,
            ..self
        }
    }

    pub fn build(&self) -> Vec<u8> {
        let mut bytes = self.ethernet.build(self.ether_type());
        match &self.network {
            Network::None => bytes.extend(&self.payload),
            Network::Arp(arp) => {
                bytes.extend(arp.build());
                bytes.extend(&self.payload);
            }
            Network::Ipv4(header) => {
                let body = self.body(|protocol, length| {
                    pseudo_header_v4(header.source, header.destination, protocol, length)
                });
                bytes.extend(header.build(self.protocol_v4(), body.len()));
                bytes.extend(body);
            }
            Network::Ipv6(header) => {
                let body = self.body(|protocol, length| {
                    pseudo_header_v6(header.source, header.destination, protocol, length)
                });
                bytes.extend(header.build(self.protocol_v6(), body.len()));
                bytes.extend(body);
            }
        }
        bytes.resize(bytes.len().max(self.pad_to), 0);
        bytes
    }

    fn ether_type(&self) -> u16 {
        match self.network {
            Network::None => link::EXPERIMENTAL,
            Network::Ipv4(_) => link::IPV4,
            Network::Ipv6(_) => link::IPV6,
            Network::Arp(_) => link::ARP,
        }
    }

    fn protocol_v4(&self) -> u8 {
        match self.transport {
            Transport::None => ip::EXPERIMENTAL,
            Transport::Udp(_) => ip::UDP,
            Transport::Tcp(_) => ip::TCP,
            Transport::Icmp(_) => ip::ICMP,
        }
    }

    fn protocol_v6(&self) -> u8 {
        match self.transport {
            Transport::None => ip::EXPERIMENTAL,
            Transport::Udp(_) => ip::UDP,
            Transport::Tcp(_) => ip::TCP,
            Transport::Icmp(_) => ip::ICMPV6,
        }
    }

    /// The transport header and the payload. `pseudo` makes the pseudo header for a protocol and a length.
    fn body(&self, pseudo: impl Fn(u8, usize) -> Vec<u8>) -> Vec<u8> {
        match &self.transport {
            Transport::None => self.payload.clone(),
            Transport::Udp(header) => header.build(&self.payload, |length| pseudo(ip::UDP, length)),
            Transport::Tcp(header) => header.build(&self.payload, |length| pseudo(ip::TCP, length)),
            Transport::Icmp(header) => header.build(&self.payload, |length| match self.network {
                Network::Ipv6(_) => pseudo(ip::ICMPV6, length),
                Network::None | Network::Ipv4(_) | Network::Arp(_) => Vec::new(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
