//! The traffic's flows and their frames.
//!
//! Every flow is one 5-tuple. Most go to the anycast service, some pass through to customers behind the second
//! upstream. The last octets of a frame say which flow it is and in which round of the traffic it was sent.

use std::net::{Ipv4Addr, Ipv6Addr};

use lab::MacAddress;
use lab::frame::{Ethernet, Frame, Ipv4, Ipv6, Tcp, Udp};

use crate::network::{SERVICE_V4, SERVICE_V6};

/// Eleven consecutive flows are eight to the service over IPv4, two over IPv6, and one in transit.
const GROUP: usize = 11;
const GROUPS: usize = 512;
pub(crate) const FLOWS: usize = GROUP * GROUPS;

/// RFC 5737's second block, cut into the prefixes of eight customers.
pub(crate) const CUSTOMERS: [&str; 8] = [
    "198.51.100.0/27",
    "198.51.100.32/27",
    "198.51.100.64/27",
    "198.51.100.96/27",
    "198.51.100.128/27",
    "198.51.100.160/27",
    "198.51.100.192/27",
    "198.51.100.224/27",
];

const MARK: [u8; 4] = *b"demo";
const TRAILER: usize = 12;
/// Makes the shortest frame 60 octets long, Ethernet's minimum.
const PAYLOAD: usize = 18;
const HOP_LIMIT: u8 = 64;

/// EtherTypes.
const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ServiceV4,
    ServiceV6,
    Transit,
}

impl Kind {
    pub(crate) fn of(flow: usize) -> Self {
        match flow % GROUP {
            0..8 => Self::ServiceV4,
            8..10 => Self::ServiceV6,
            _ => Self::Transit,
        }
    }

    pub(crate) fn is_service(self) -> bool {
        self != Self::Transit
    }
}

pub(crate) fn service_flows() -> usize {
    (0..FLOWS)
        .filter(|&flow| Kind::of(flow).is_service())
        .count()
}

/// One frame of every flow, in the order of the flows.
pub(crate) fn frames(from: MacAddress, to: MacAddress, round: u32) -> Vec<Vec<u8>> {
    (0..FLOWS)
        .map(|flow| frame(Ethernet::new(to, from), flow, round))
        .collect()
}

fn frame(ethernet: Ethernet, flow: usize, round: u32) -> Vec<u8> {
    let number = u16::try_from(flow).unwrap_or(u16::MAX);
    let client = number / 4;
    let [high, low] = client.to_be_bytes();
    let client_v4 = Ipv4Addr::new(198, 18, high, low);
    let client_v6 = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, client);
    let frame = match Kind::of(flow) {
        Kind::ServiceV4 => Frame::new(ethernet).ipv4(v4(client_v4, SERVICE_V4)),
        Kind::ServiceV6 => Frame::new(ethernet).ipv6(Ipv6 {
            hop_limit: HOP_LIMIT,
            ..Ipv6::new(client_v6, SERVICE_V6)
        }),
        Kind::Transit => {
            let host = low.wrapping_mul(low);
            Frame::new(ethernet).ipv4(v4(client_v4, Ipv4Addr::new(198, 51, 100, host)))
        }
    };
    let source_port = 32_768 | number;
    let frame = if flow.is_multiple_of(3) {
        frame.tcp(Tcp::new(source_port, 443))
    } else {
        frame.udp(Udp::new(source_port, 443))
    };
    frame.payload(&payload(flow, round)).build()
}

fn v4(source: Ipv4Addr, destination: Ipv4Addr) -> Ipv4 {
    Ipv4 {
        ttl: HOP_LIMIT,
        ..Ipv4::new(source, destination)
    }
}

fn payload(flow: usize, round: u32) -> [u8; PAYLOAD] {
    let flow = u32::try_from(flow).unwrap_or(u32::MAX);
    let mut payload = [0; PAYLOAD];
    let trailer = &mut payload[PAYLOAD - TRAILER..];
    trailer[..4].copy_from_slice(&MARK);
    trailer[4..8].copy_from_slice(&round.to_be_bytes());
    trailer[8..].copy_from_slice(&flow.to_be_bytes());
    payload
}

/// What a frame of ours says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) round: u32,
    pub(crate) flow: usize,
}

impl Label {
    /// `None` for frames of others, also for an ICMP error that quotes one of ours.
    pub(crate) fn of(frame: &[u8]) -> Option<Self> {
        if !carries_ports(frame)? {
            return None;
        }
        let (rest, flow) = frame.split_last_chunk::<4>()?;
        let (rest, round) = rest.split_last_chunk::<4>()?;
        let (_, mark) = rest.split_last_chunk::<4>()?;
        let flow = usize::try_from(u32::from_be_bytes(*flow)).ok()?;
        (*mark == MARK && flow < FLOWS).then_some(Self {
            round: u32::from_be_bytes(*round),
            flow,
        })
    }
}

/// Whether the frame is TCP or UDP, right behind an IPv4 or IPv6 header.
fn carries_ports(frame: &[u8]) -> Option<bool> {
    let (ether_type, packet) = frame.get(12..)?.split_first_chunk::<2>()?;
    let protocol = match *ether_type {
        IPV4 => packet.get(9)?,
        IPV6 => packet.get(6)?,
        _ => return Some(false),
    };
    Some(matches!(protocol, 6 | 17))
}

/// Whether the router did its part: the frame is addressed to the port it arrived at, its hop limit is one less,
/// and its IPv4 checksum is right.
pub(crate) fn is_well_forwarded(frame: &[u8], port: MacAddress) -> bool {
    let Some((destination, rest)) = frame.split_first_chunk::<6>() else {
        return false;
    };
    let Some((ether_type, packet)) = rest.get(6..).and_then(<[u8]>::split_first_chunk::<2>) else {
        return false;
    };
    let right = match *ether_type {
        IPV4 => packet.get(..20).is_some_and(|header| {
            header[8] == HOP_LIMIT - 1 && lab::frame::checksum(&[header]) == 0
        }),
        IPV6 => packet.get(7) == Some(&(HOP_LIMIT - 1)),
        _ => false,
    };
    right && *destination == port.0
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use lab::frame::Flow;

    use super::*;

    const FROM: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
    const TO: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);

    #[test]
    fn every_flow_has_a_tuple_of_its_own_and_says_which_it_is() {
        let frames = frames(FROM, TO, 7);
        let tuples: HashSet<Flow> = frames.iter().filter_map(|frame| Flow::of(frame)).collect();
        assert_eq!(tuples.len(), FLOWS);
        for (flow, frame) in frames.iter().enumerate() {
            assert!(frame.len() >= 60);
            assert_eq!(Label::of(frame), Some(Label { round: 7, flow }));
        }
    }

    #[test]
    fn an_error_that_quotes_a_frame_is_none_of_ours() {
        let quoted = frames(FROM, TO, 1).swap_remove(0);
        let error = Frame::new(Ethernet::new(TO, FROM))
            .ipv4(v4(SERVICE_V4, Ipv4Addr::new(198, 18, 0, 0)))
            .icmp(lab::frame::Icmp::new(3, 3))
            .payload(&quoted[14..])
            .build();
        assert_eq!(Label::of(&error), None);
    }

    #[test]
    fn all_customers_get_some_of_the_transit() {
        let frames = frames(FROM, TO, 1);
        let transit = (0..FLOWS).filter(|&flow| Kind::of(flow) == Kind::Transit);
        let networks: HashSet<u8> = transit.map(|flow| frames[flow][33] / 32).collect();
        assert_eq!(networks.len(), CUSTOMERS.len());
    }

    #[test]
    fn a_frame_as_it_was_sent_is_not_well_forwarded() {
        assert!(
            frames(FROM, TO, 1)
                .iter()
                .all(|frame| !is_well_forwarded(frame, TO))
        );
    }
}
