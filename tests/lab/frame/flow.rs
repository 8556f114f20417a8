//! Which flow a frame belongs to, read from its bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{ip, link};

/// The 5-tuple of an IP packet. Fragments and packets without ports have ports 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: u8,
    pub source_port: u16,
    pub destination_port: u16,
}

impl Flow {
    /// `None` for what is not IP or is too short. VLAN tags are skipped, IPv6 extension headers too.
    pub fn of(frame: &[u8]) -> Option<Self> {
        let mut offset = 12;
        let mut ether_type = be16(frame, offset)?;
        while matches!(ether_type, 0x8100 | 0x88a8) {
            offset += 4;
            ether_type = be16(frame, offset)?;
        }
        let packet = frame.get(offset + 2..)?;
        match ether_type {
            link::IPV4 => Self::of_ipv4(packet),
            link::IPV6 => Self::of_ipv6(packet),
            _ => None,
        }
    }

    fn of_ipv4(packet: &[u8]) -> Option<Self> {
        let header = usize::from(packet.first()? & 0xf) * 4;
        let fragmented = be16(packet, 6)? & 0x3fff != 0;
        let protocol = *packet.get(9)?;
        let ports = packet.get(header..).filter(|_| !fragmented);
        Some(Self::new(
            IpAddr::V4(Ipv4Addr::from(*packet.get(12..)?.first_chunk::<4>()?)),
            IpAddr::V4(Ipv4Addr::from(*packet.get(16..)?.first_chunk::<4>()?)),
            protocol,
            ports,
        ))
    }

    fn of_ipv6(packet: &[u8]) -> Option<Self> {
        let mut protocol = *packet.get(6)?;
        let mut offset = 40;
        let mut fragmented = false;
        // Hop-by-hop, routing, destination options count eight bytes at a time; a fragment header is eight.
        while matches!(protocol, 0 | 43 | 44 | 60) {
            fragmented |= protocol == 44;
            let units = match protocol {
                44 => 0,
                _ => usize::from(*packet.get(offset + 1)?),
            };
            protocol = *packet.get(offset)?;
            offset += (units + 1) * 8;
        }
        let ports = packet.get(offset..).filter(|_| !fragmented);
        Some(Self::new(
            IpAddr::V6(Ipv6Addr::from(*packet.get(8..)?.first_chunk::<16>()?)),
            IpAddr::V6(Ipv6Addr::from(*packet.get(24..)?.first_chunk::<16>()?)),
            protocol,
            ports,
        ))
    }

    fn new(source: IpAddr, destination: IpAddr, protocol: u8, transport: Option<&[u8]>) -> Self {
        let transport = transport.filter(|_| matches!(protocol, ip::TCP | ip::UDP));
        let port = |offset| transport.and_then(|bytes| be16(bytes, offset)).unwrap_or(0);
        Self {
            source,
            destination,
            protocol,
            source_port: port(0),
            destination_port: port(2),
        }
    }
}

fn be16(bytes: &[u8], offset: usize) -> Option<u16> {
    let pair = bytes.get(offset..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*pair))
}
