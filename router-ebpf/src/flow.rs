//! Which flow a packet belongs to: addresses and ports, with the exceptions that keep related packets
//! together. Fragments have no ports, or not all of them do, so none of them uses them. An ICMP error goes
//! where the packet it quotes came from, so that a too-big reaches the node that holds the flow (RFC 7690).
//!
//! Only bytes within the packet count: padding behind it is not part of the key. Forwarding never depends on
//! what is found here, only the choice among paths does.

use bytemuck::Pod;
use router_common::flow_hash::{Discriminator, Flow};

use crate::packet::{Frame, Ipv4, Ipv4Header, Ipv6, Ipv6Header, L3, Protocol};
use crate::verifier::forget;

/// Extension headers that are walked, and how far.
const MAX_EXTENSIONS: usize = 8;
const MAX_CHAIN: usize = 256;

/// An ICMP header up to the quoted packet, of both versions.
const ICMP_HEADER: usize = 8;

/// No header that is read lies behind this offset: Ethernet, IPv6 and its chain, ICMPv6, the quoted packet and
/// its chain, the quoted ports.
pub const DEEPEST: usize = L3 + 2 * (Ipv6Header::LENGTH + MAX_CHAIN) + ICMP_HEADER + 4;

#[inline(always)]
pub fn ipv4<F: Frame>(frame: &F, packet: &Ipv4) -> Flow<[u8; 4]> {
    let header = &packet.header;
    let payload = L3 + packet.header_length;
    let end = L3 + packet.length;
    if header.protocol == Protocol::ICMP
        && !header.is_fragment()
        && let Some(quoted) = quoted_ipv4(frame, payload, end)
    {
        return quoted.reversed();
    }
    tuple_ipv4(frame, header, payload, end).unwrap_or(Flow {
        source: header.source,
        destination: header.destination,
        discriminator: Discriminator::protocol(header.protocol.0),
    })
}

#[inline(always)]
pub fn ipv6<F: Frame>(frame: &F, packet: &Ipv6) -> Flow<[u8; 16]> {
    let header = &packet.header;
    let end = L3 + packet.length;
    let chain = walk(frame, header, L3 + Ipv6Header::LENGTH, end);
    if let Chain::Payload(Protocol::ICMPV6, payload) = chain
        && let Some(quoted) = quoted_ipv6(frame, payload, end)
    {
        return quoted.reversed();
    }
    tuple_ipv6(frame, header, chain, end).unwrap_or(Flow {
        source: header.source,
        destination: header.destination,
        discriminator: Discriminator::flow_label(header.flow_label()),
    })
}

/// `None` where there should be ports and are none.
#[inline(always)]
fn tuple_ipv4<F: Frame>(
    frame: &F,
    header: &Ipv4Header,
    payload: usize,
    end: usize,
) -> Option<Flow<[u8; 4]>> {
    let discriminator = if header.is_fragment() {
        Discriminator::protocol(header.protocol.0)
    } else {
        discriminator(frame, header.protocol, payload, end)?
    };
    Some(Flow {
        source: header.source,
        destination: header.destination,
        discriminator,
    })
}

/// `None` where the chain cannot be walked, or there should be ports and are none. The next header behind a
/// Fragment header may differ between fragments (RFC 8200 §4.5), so the flow label stands for it.
#[inline(always)]
fn tuple_ipv6<F: Frame>(
    frame: &F,
    header: &Ipv6Header,
    chain: Chain,
    end: usize,
) -> Option<Flow<[u8; 16]>> {
    let discriminator = match chain {
        Chain::Unreadable => return None,
        Chain::Fragment => Discriminator::flow_label(header.flow_label()),
        Chain::Payload(protocol, payload) => discriminator(frame, protocol, payload, end)?,
    };
    Some(Flow {
        source: header.source,
        destination: header.destination,
        discriminator,
    })
}

#[inline(always)]
fn discriminator<F: Frame>(
    frame: &F,
    protocol: Protocol,
    payload: usize,
    end: usize,
) -> Option<Discriminator> {
    if !has_ports(protocol) {
        return Some(Discriminator::protocol(protocol.0));
    }
    let [source, destination]: [[u8; 2]; 2] = read_before(end, frame, payload)?;
    Some(Discriminator::ports(
        protocol.0,
        u16::from_be_bytes(source),
        u16::from_be_bytes(destination),
    ))
}

#[inline(always)]
fn has_ports(protocol: Protocol) -> bool {
    matches!(
        protocol,
        Protocol::TCP | Protocol::UDP | Protocol::DCCP | Protocol::SCTP | Protocol::UDP_LITE
    )
}

/// The flow of the packet that the ICMP error at `icmp` quotes. `None` for what is no error, or quotes too little.
#[inline(always)]
fn quoted_ipv4<F: Frame>(frame: &F, icmp: usize, end: usize) -> Option<Flow<[u8; 4]>> {
    // RFC 792: unreachable, source quench, redirect, time exceeded, parameter problem.
    if !matches!(frame.read::<u8>(icmp)?, 3 | 4 | 5 | 11 | 12) {
        return None;
    }
    let quote = icmp + ICMP_HEADER;
    let header: Ipv4Header = read_before(end, frame, quote)?;
    if header.version() != 4 || header.header_length() < size_of::<Ipv4Header>() {
        return None;
    }
    tuple_ipv4(frame, &header, quote + header.header_length(), end)
}

#[inline(always)]
fn quoted_ipv6<F: Frame>(frame: &F, icmp: usize, end: usize) -> Option<Flow<[u8; 16]>> {
    // RFC 4443 §2.1: errors are the types without the high bit.
    if frame.read::<u8>(icmp)? & 0x80 != 0 {
        return None;
    }
    let quote = icmp + ICMP_HEADER;
    let header: Ipv6Header = read_before(end, frame, quote)?;
    if header.version() != 6 {
        return None;
    }
    let chain = walk(frame, &header, quote + Ipv6Header::LENGTH, end);
    tuple_ipv6(frame, &header, chain, end)
}

/// What follows the extension headers of an IPv6 packet.
#[derive(Clone, Copy)]
enum Chain {
    Payload(Protocol, usize),
    Fragment,
    Unreadable,
}

/// Walks the extension headers of `header`, which begin at `start`.
#[inline(always)]
fn walk<F: Frame>(frame: &F, header: &Ipv6Header, start: usize, end: usize) -> Chain {
    let mut next = header.next_header;
    let mut length = 0;
    for _ in 0..=MAX_EXTENSIONS {
        let unit = match next {
            Protocol::FRAGMENT => return Chain::Fragment,
            Protocol::AUTHENTICATION => 4,
            Protocol::HOP_BY_HOP
            | Protocol::ROUTING
            | Protocol::DESTINATION_OPTIONS
            | Protocol::MOBILITY
            | Protocol::HIP
            | Protocol::SHIM6 => 8,
            _ => return Chain::Payload(next, start + length),
        };
        let Some([following, units]) = read_before::<_, [u8; 2]>(end, frame, start + length) else {
            return Chain::Unreadable;
        };
        next = Protocol(following);
        // RFC 8200 §4.3: in units of 8 bytes beyond the first; RFC 4302 §2.2: of 4 bytes beyond the first two.
        length += 8 + usize::from(units) * unit;
        if length > MAX_CHAIN {
            return Chain::Unreadable;
        }
        length = forget(length, 0x1ff);
    }
    Chain::Unreadable
}

#[inline(always)]
fn read_before<F: Frame, T: Pod>(end: usize, frame: &F, offset: usize) -> Option<T> {
    if offset + size_of::<T>() > end {
        return None;
    }
    frame.read(offset)
}

#[cfg(test)]
mod tests;
