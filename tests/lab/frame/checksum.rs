//! The Internet checksum (RFC 1071) and the pseudo headers that TCP, UDP and ICMPv6 put in front of it.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The complement of the one's complement sum. Over bytes that hold their own checksum it is zero.
pub fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u64;
    for part in parts {
        for pair in part.chunks(2) {
            let word = [pair[0], pair.get(1).copied().unwrap_or(0)];
            sum += u64::from(u16::from_be_bytes(word));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    // The loop above leaves at most 16 bits.
    !u16::try_from(sum).unwrap_or(0)
}

/// RFC 9293 §3.1.
pub fn pseudo_header_v4(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    length: usize,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(12);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend([0, protocol]);
    bytes.extend(low_u16(length).to_be_bytes());
    bytes
}

/// RFC 8200 §8.1.
pub fn pseudo_header_v6(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    protocol: u8,
    length: usize,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend(u32::from(low_u16(length)).to_be_bytes());
    bytes.extend([0, 0, 0, protocol]);
    bytes
}

/// A length as a 16-bit header field; what does not fit is cut, as a test of wrong lengths may want it.
pub(super) fn low_u16(length: usize) -> u16 {
    u16::try_from(length & 0xffff).unwrap_or(u16::MAX)
}
