//! What forwarding changes in a packet: both MACs, and TTL with checksum or hop limit. The only writes to a
//! packet in the whole program, and all of them come after the last check.

use bytemuck::Pod;
use router_common::ipv4::decrement_ttl;
use router_common::next_hop::NextHop;

use crate::packet::{Frame, Ipv4, Ipv6, L3};

/// A frame that can be changed in place.
pub trait WriteFrame: Frame {
    /// Overwrites bytes that have been read before; those of a frame never become fewer.
    fn write<T: Pod>(&mut self, offset: usize, value: T);
}

/// Addresses the frame to the neighbour. `neighbour` is the MAC as [`NextHop::load_neighbour`] gave it.
#[inline(always)]
pub fn ethernet<F: WriteFrame>(frame: &mut F, neighbour: u64, next_hop: &NextHop) {
    let [a, b, c, d, e, f, _, _] = neighbour.to_ne_bytes();
    frame.write(0, [a, b, c, d, e, f]);
    frame.write(6, next_hop.source_mac);
}

/// RFC 1812 §5.3.1; the TTL is above 1.
#[inline(always)]
pub fn ipv4_hop<F: WriteFrame>(frame: &mut F, packet: &Ipv4) {
    let checksum = decrement_ttl(u16::from_be_bytes(packet.header.checksum));
    let [high, low] = checksum.to_be_bytes();
    let ttl = packet.header.ttl.wrapping_sub(1);
    frame.write(L3 + 8, [ttl, packet.header.protocol.0, high, low]);
}

/// RFC 8200 §3; the hop limit is above 1.
#[inline(always)]
pub fn ipv6_hop<F: WriteFrame>(frame: &mut F, packet: &Ipv6) {
    frame.write(L3 + 7, packet.header.hop_limit.wrapping_sub(1));
}
