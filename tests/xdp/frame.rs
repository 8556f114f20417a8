//! Frames as bytes, made field by field, and what a router has to make of them. Nothing here is shared with
//! the program under test: checksums are recomputed in full.

use std::net::{Ipv4Addr, Ipv6Addr};

pub(crate) type Mac = [u8; 6];

/// Where the IP header begins.
pub(crate) const L3: usize = 14;

pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const ICMPV6: u8 = 58;

pub(crate) fn ethernet(destination: Mac, source: Mac, ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(L3 + payload.len());
    frame.extend(destination);
    frame.extend(source);
    frame.extend(ether_type.to_be_bytes());
    frame.extend(payload);
    frame
}

/// An IPv4 packet. What a field does not say follows from the others.
#[derive(Clone, Debug)]
pub(crate) struct V4 {
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
    pub(crate) ttl: u8,
    pub(crate) protocol: u8,
    /// DSCP and ECN.
    pub(crate) traffic_class: u8,
    pub(crate) identification: u16,
    /// Flags and offset as they stand in the header.
    pub(crate) fragment: u16,
    pub(crate) options: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

pub(crate) const DF: u16 = 0x4000;
pub(crate) const MF: u16 = 0x2000;

impl V4 {
    pub(crate) fn new(source: &str, destination: &str) -> Self {
        Self {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            ttl: 64,
            protocol: UDP,
            traffic_class: 0,
            identification: 0x1234,
            fragment: 0,
            options: Vec::new(),
            payload: ports(40_000, 53),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        assert!(self.options.len().is_multiple_of(4));
        let header_length = 20 + self.options.len();
        let total = u16::try_from(header_length + self.payload.len()).unwrap();
        let mut bytes = vec![0x40 | u8::try_from(header_length / 4).unwrap()];
        bytes.push(self.traffic_class);
        bytes.extend(total.to_be_bytes());
        bytes.extend(self.identification.to_be_bytes());
        bytes.extend(self.fragment.to_be_bytes());
        bytes.extend([self.ttl, self.protocol, 0, 0]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(&self.options);
        set_checksum(&mut bytes);
        bytes.extend(&self.payload);
        bytes
    }
}

/// Writes the checksum of the IPv4 header that `packet` begins with.
pub(crate) fn set_checksum(packet: &mut [u8]) {
    let header_length = usize::from(packet[0] & 0xf) * 4;
    packet[10..12].fill(0);
    let mut sum = 0u32;
    for pair in packet[..header_length.min(packet.len())].chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let checksum = !u16::try_from(sum).unwrap();
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
}

/// An IPv6 packet: fixed header, then `payload` as it is, extension headers included.
#[derive(Clone, Debug)]
pub(crate) struct V6 {
    pub(crate) source: Ipv6Addr,
    pub(crate) destination: Ipv6Addr,
    pub(crate) hop_limit: u8,
    pub(crate) next_header: u8,
    pub(crate) traffic_class: u8,
    pub(crate) flow_label: u32,
    pub(crate) payload: Vec<u8>,
}

impl V6 {
    pub(crate) fn new(source: &str, destination: &str) -> Self {
        Self {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            hop_limit: 64,
            next_header: UDP,
            traffic_class: 0,
            flow_label: 0,
            payload: ports(40_000, 53),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let word = 6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label;
        let length = u16::try_from(self.payload.len()).unwrap();
        let mut bytes = word.to_be_bytes().to_vec();
        bytes.extend(length.to_be_bytes());
        bytes.extend([self.next_header, self.hop_limit]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(&self.payload);
        bytes
    }
}

/// Eight bytes of TCP, UDP or anything else that begins with two ports.
pub(crate) fn ports(source: u16, destination: u16) -> Vec<u8> {
    let mut payload = source.to_be_bytes().to_vec();
    payload.extend(destination.to_be_bytes());
    payload.extend([0xa5; 4]);
    payload
}

/// An ICMP or ICMPv6 message with `body` behind its eight bytes.
pub(crate) fn icmp(kind: u8, code: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
    message.extend(body);
    message
}

/// The frame as it must leave: for the neighbour, from the egress port, one hop older, nothing else changed.
pub(crate) fn forwarded(frame: &[u8], neighbour: Mac, port: Mac) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[..6].copy_from_slice(&neighbour);
    frame[6..12].copy_from_slice(&port);
    if frame[12..14] == [0x08, 0x00] {
        frame[L3 + 8] -= 1;
        set_checksum(&mut frame[L3..]);
    } else {
        frame[L3 + 7] -= 1;
    }
    frame
}
