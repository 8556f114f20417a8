//! IPv4 and IPv6 headers.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::checksum::{checksum, low_u16};

pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;
/// RFC 3692: for experiments.
pub(super) const EXPERIMENTAL: u8 = 253;

const IPV4_HEADER: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv4 {
    pub version: u8,
    /// IHL, in words of four bytes.
    pub header_words: Option<u8>,
    /// DSCP and ECN.
    pub traffic_class: u8,
    pub total_length: Option<u16>,
    pub identification: u16,
    /// Reserved, DF, MF: the three bits as a number from 0 to 7.
    pub flags: u8,
    /// In units of eight bytes.
    pub fragment_offset: u16,
    pub ttl: u8,
    pub protocol: Option<u8>,
    pub checksum: Option<u16>,
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    /// Padded with zeroes to whole words.
    pub options: Vec<u8>,
}

impl Ipv4 {
    pub fn new(source: impl Into<Ipv4Addr>, destination: impl Into<Ipv4Addr>) -> Self {
        Self {
            version: 4,
            header_words: None,
            traffic_class: 0,
            total_length: None,
            identification: 0,
            flags: 0,
            fragment_offset: 0,
            ttl: 64,
            protocol: None,
            checksum: None,
            source: source.into(),
            destination: destination.into(),
            options: Vec::new(),
        }
    }

    pub(super) fn build(&self, protocol: u8, body: usize) -> Vec<u8> {
        let length = IPV4_HEADER + self.options.len().next_multiple_of(4);
        let words = u8::try_from((length / 4) & 0xf).unwrap_or(0xf);
        let fragment = u16::from(self.flags) << 13 | self.fragment_offset & 0x1fff;
        let total = self.total_length.unwrap_or(low_u16(length + body));

        let mut bytes = Vec::with_capacity(length);
        bytes.push(self.version << 4 | self.header_words.unwrap_or(words) & 0xf);
        bytes.push(self.traffic_class);
        bytes.extend(total.to_be_bytes());
        bytes.extend(self.identification.to_be_bytes());
        bytes.extend(fragment.to_be_bytes());
        bytes.push(self.ttl);
        bytes.push(self.protocol.unwrap_or(protocol));
        bytes.extend([0, 0]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(&self.options);
        bytes.resize(length, 0);
        let sum = self.checksum.unwrap_or_else(|| checksum(&[&bytes]));
        bytes[10..12].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    pub version: u8,
    pub traffic_class: u8,
    pub flow_label: u32,
    pub payload_length: Option<u16>,
    /// Of the IPv6 header itself; the first extension's number when `None`.
    pub next_header: Option<u8>,
    pub hop_limit: u8,
    pub source: Ipv6Addr,
    pub destination: Ipv6Addr,
    /// In order; each one's first byte, the next header, is filled in.
    pub extensions: Vec<Extension>,
}

/// An extension header: its number, and its bytes after the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    pub number: u8,
    pub rest: Vec<u8>,
}

impl Extension {
    /// Hop-by-hop options holding nothing but padding.
    pub fn hop_by_hop() -> Self {
        Self {
            number: 0,
            rest: vec![0, 1, 4, 0, 0, 0, 0],
        }
    }

    /// `offset` in units of eight bytes.
    pub fn fragment(identification: u32, offset: u16, more: bool) -> Self {
        let mut rest = vec![0];
        rest.extend((offset << 3 | u16::from(more)).to_be_bytes());
        rest.extend(identification.to_be_bytes());
        Self { number: 44, rest }
    }
}

impl Ipv6 {
    pub fn new(source: impl Into<Ipv6Addr>, destination: impl Into<Ipv6Addr>) -> Self {
        Self {
            version: 6,
            traffic_class: 0,
            flow_label: 0,
            payload_length: None,
            next_header: None,
            hop_limit: 64,
            source: source.into(),
            destination: destination.into(),
            extensions: Vec::new(),
        }
    }

    pub(super) fn build(&self, protocol: u8, body: usize) -> Vec<u8> {
        let mut chain = Vec::new();
        for (position, extension) in self.extensions.iter().enumerate() {
            let next = self.extensions.get(position + 1);
            chain.push(next.map_or(protocol, |next| next.number));
            chain.extend(&extension.rest);
        }
        let first = self
            .extensions
            .first()
            .map_or(protocol, |first| first.number);
        let word = u32::from(self.version) << 28
            | u32::from(self.traffic_class) << 20
            | self.flow_label & 0xf_ffff;
        let length = self.payload_length.unwrap_or(low_u16(chain.len() + body));

        let mut bytes = Vec::with_capacity(40 + chain.len());
        bytes.extend(word.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.push(self.next_header.unwrap_or(first));
        bytes.push(self.hop_limit);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(chain);
        bytes
    }
}
