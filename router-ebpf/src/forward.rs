//! One packet from the wire to the wire, in the order of checks that is the specification's: header syntax,
//! addresses, lookup, blackhole and local, options, no route, TTL, neighbour, port, MTU, and only then the
//! first write. The lookup comes before the TTL because a packet to the router itself is welcome with any TTL
//! (RFC 1812 §4.2.2.9), and because what has no route is told so, not that it came too far.
//!
//! Families differ in their headers, not in their way: [`route`] is one function over [`Ip`].

use router_common::port::PortConfig;
use router_common::route::RouteId;
use router_common::verdict::Verdict;

use crate::packet::{EtherType, Frame, Ipv4, Ipv6};
use crate::rewrite::WriteFrame;
use crate::tables::Tables;
use crate::{flow, guard, packet, path, rewrite};

/// The fate of a frame that came in by `port`; on `Ok` it is rewritten and its redirect is requested.
///
/// # Errors
/// Every fate but `Forwarded`; the frame is then as it came.
#[inline(always)]
pub fn forward<F: WriteFrame, T: Tables>(
    frame: &mut F,
    tables: &T,
    port: &PortConfig,
) -> Result<Verdict, Verdict> {
    if port.flags & PortConfig::FORWARDING == 0 {
        return Err(Verdict::PassPortOff);
    }
    let ethernet = packet::ethernet(frame)?;
    guard::link(frame, &ethernet, port.mac)?;
    match ethernet.ether_type() {
        EtherType::IPV4 => {
            let packet = packet::ipv4(frame)?;
            guard::ipv4_addresses(&packet)?;
            route(frame, tables, &packet)
        }
        EtherType::IPV6 => {
            let packet = packet::ipv6(frame)?;
            guard::ipv6_addresses(&packet)?;
            route(frame, tables, &packet)
        }
        other => Err(guard::not_ip(other)),
    }
}

#[inline(always)]
fn route<F: WriteFrame, T: Tables, P: Ip>(
    frame: &mut F,
    tables: &T,
    packet: &P,
) -> Result<Verdict, Verdict> {
    let route = packet.lookup(tables);
    tables.count(route, frame.length());
    let next_hop = path::next_hop(tables, route, |seed| packet.hash(frame, seed))
        .ok_or(Verdict::PassNoRoute)?;

    let fate = next_hop.fate();
    if let Some(fate) = fate
        && stage(fate) == Stage::BeforeOptions
    {
        return Err(fate);
    }
    packet.options(frame)?;
    if let Some(fate) = fate
        && stage(fate) == Stage::BeforeTtl
    {
        return Err(fate);
    }
    if packet.ttl() <= 1 {
        return Err(Verdict::PassTtlExpired);
    }
    if let Some(fate) = fate {
        return Err(fate);
    }
    let neighbour = next_hop.load_neighbour();
    if neighbour == 0 {
        return Err(Verdict::PassNoNeighbour);
    }
    if !tables.request_redirect(next_hop.egress) {
        return Err(Verdict::PassNoPortNotAttached);
    }
    if packet.length() > usize::from(next_hop.mtu) {
        return Err(packet.too_big());
    }

    rewrite::ethernet(frame, neighbour, next_hop);
    packet.rewrite(frame);
    Ok(Verdict::Forwarded)
}

/// When the fate that a next hop names takes effect, among the checks that could give another.
#[derive(PartialEq, Eq)]
enum Stage {
    BeforeOptions,
    BeforeTtl,
    AfterTtl,
}

/// Ours and nobody's come first; a glean or a port that XDP cannot use only matters to packets that would be
/// forwarded.
#[inline(always)]
fn stage(fate: Verdict) -> Stage {
    if fate == Verdict::PassNoRoute || fate == Verdict::PassUnreachable {
        Stage::BeforeTtl
    } else if fate == Verdict::PassNoNeighbour
        || fate == Verdict::PassNoPortNotAttached
        || fate == Verdict::PassNoPortDown
    {
        Stage::AfterTtl
    } else {
        Stage::BeforeOptions
    }
}

/// What differs between the families on the way from the lookup to the wire.
trait Ip {
    fn lookup<T: Tables>(&self, tables: &T) -> RouteId;
    fn hash<F: Frame>(&self, frame: &F, seed: u32) -> u32;
    /// Options, or the hop-by-hop header.
    fn options<F: Frame>(&self, frame: &F) -> Result<(), Verdict>;
    /// TTL, or hop limit.
    fn ttl(&self) -> u8;
    /// The packet in bytes, without padding: what is compared with the MTU.
    fn length(&self) -> usize;
    fn too_big(&self) -> Verdict;
    fn rewrite<F: WriteFrame>(&self, frame: &mut F);
}

impl Ip for Ipv4 {
    #[inline(always)]
    fn lookup<T: Tables>(&self, tables: &T) -> RouteId {
        tables.route_v4(self.header.destination)
    }

    #[inline(always)]
    fn hash<F: Frame>(&self, frame: &F, seed: u32) -> u32 {
        flow::ipv4(frame, self).hash(seed)
    }

    #[inline(always)]
    fn options<F: Frame>(&self, frame: &F) -> Result<(), Verdict> {
        guard::ipv4_options(frame, self)
    }

    #[inline(always)]
    fn ttl(&self) -> u8 {
        self.header.ttl
    }

    #[inline(always)]
    fn length(&self) -> usize {
        self.length
    }

    #[inline(always)]
    fn too_big(&self) -> Verdict {
        if self.header.dont_fragment() {
            Verdict::PassTooBigDf
        } else {
            Verdict::PassTooBigFragment
        }
    }

    #[inline(always)]
    fn rewrite<F: WriteFrame>(&self, frame: &mut F) {
        rewrite::ipv4_hop(frame, self);
    }
}

impl Ip for Ipv6 {
    #[inline(always)]
    fn lookup<T: Tables>(&self, tables: &T) -> RouteId {
        tables.route_v6(self.header.destination)
    }

    #[inline(always)]
    fn hash<F: Frame>(&self, frame: &F, seed: u32) -> u32 {
        flow::ipv6(frame, self).hash(seed)
    }

    #[inline(always)]
    fn options<F: Frame>(&self, frame: &F) -> Result<(), Verdict> {
        guard::ipv6_hop_by_hop(frame, self)
    }

    #[inline(always)]
    fn ttl(&self) -> u8 {
        self.header.hop_limit
    }

    #[inline(always)]
    fn length(&self) -> usize {
        self.length
    }

    #[inline(always)]
    fn too_big(&self) -> Verdict {
        Verdict::PassTooBigV6
    }

    #[inline(always)]
    fn rewrite<F: WriteFrame>(&self, frame: &mut F) {
        rewrite::ipv6_hop(frame, self);
    }
}

#[cfg(test)]
mod tests;
