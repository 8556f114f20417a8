//! What may not be forwarded, judged by the frame alone: MAC addresses, IP addresses, options. No table is
//! asked, so everything here is the same for every router.

use router_common::ipv4::HEADER_LENGTH;
use router_common::verdict::Verdict;

use crate::packet::{EtherType, EthernetHeader, Frame, Ipv4, Ipv6, Ipv6Header, L3, Protocol};
use crate::verifier::forget;

/// The link layer: packet-cases 4 to 7 and 13. `own` is the MAC of the port.
///
/// # Errors
/// Frames that are not for us to route.
#[inline(always)]
pub fn link<F: Frame>(frame: &F, ethernet: &EthernetHeader, own: [u8; 6]) -> Result<(), Verdict> {
    if is_group(ethernet.source) || ethernet.source == own {
        return Err(Verdict::DropMalformedL2Source);
    }
    if matches!(
        ethernet.ether_type(),
        EtherType::DOT1Q | EtherType::DOT1AD | EtherType::QINQ
    ) {
        return Err(Verdict::PassNotIpTags);
    }
    if ethernet.destination == own {
        return Ok(());
    }
    if is_group(ethernet.destination) {
        return Err(group(frame, ethernet.ether_type()));
    }
    Err(Verdict::DropOtherHost)
}

#[inline(always)]
fn is_group(mac: [u8; 6]) -> bool {
    mac[0] & 1 != 0
}

/// The cause of a frame for a link-layer group. It is never forwarded, whatever is inside (RFC 1812 §5.3.4).
#[inline(always)]
fn group<F: Frame>(frame: &F, ether_type: EtherType) -> Verdict {
    match ether_type {
        EtherType::ARP => Verdict::PassL2GroupArp,
        EtherType::IPV4 => match frame.read(L3 + 16).unwrap_or([0u8; 4]) {
            [224, 0, 0, _] => Verdict::PassL2GroupControl,
            _ => Verdict::PassL2GroupData,
        },
        EtherType::IPV6 => match frame.read::<Ipv6Header>(L3) {
            Some(header) if header.next_header == Protocol::ICMPV6 && is_nd(frame) => {
                Verdict::PassL2GroupNd
            }
            Some(header) if is_local_multicast(header.destination) => Verdict::PassL2GroupControl,
            _ => Verdict::PassL2GroupData,
        },
        _ => Verdict::PassL2GroupControl,
    }
}

/// Router and neighbour discovery: ICMPv6 types 133 to 137 (RFC 4861), right behind the fixed header.
#[inline(always)]
fn is_nd<F: Frame>(frame: &F) -> bool {
    matches!(frame.read::<u8>(L3 + Ipv6Header::LENGTH), Some(133..=137))
}

/// The fate of a unicast frame that carries no IP: packet-cases 16.
#[inline(always)]
pub fn not_ip(ether_type: EtherType) -> Verdict {
    match ether_type {
        EtherType::ARP => Verdict::PassNotIpArp,
        EtherType::SLOW_PROTOCOLS | EtherType::LLDP | EtherType::EAPOL => Verdict::PassNotIpControl,
        other if other.0 < EtherType::LOWEST.0 => Verdict::PassNotIpControl,
        _ => Verdict::PassNotIpOther,
    }
}

/// RFC 1812 §5.3.7 and RFC 6890; packet-cases 24 to 39. The rest of 240/4, 169.254/16 and the documentation
/// ranges are forwarded when routed.
///
/// # Errors
/// Packets that end here because of their source or destination.
#[inline(always)]
pub fn ipv4_addresses(packet: &Ipv4) -> Result<(), Verdict> {
    const BROADCAST: [u8; 4] = [255; 4];
    match packet.header.source {
        [0 | 127 | 224..=239, ..] | BROADCAST => return Err(Verdict::DropMartianSource),
        _ => {}
    }
    match packet.header.destination {
        [0 | 127, ..] => Err(Verdict::DropMartianDestination),
        [224, 0, 0, _] => Err(Verdict::PassMulticastControl),
        [224..=239, ..] => Err(Verdict::PassMulticastData),
        BROADCAST => Err(Verdict::PassLocalBroadcast),
        _ => Ok(()),
    }
}

/// RFC 4291 §2.5 and §2.7, RFC 6890; packet-cases 68 to 75.
///
/// # Errors
/// Packets that end here because of their source or destination.
#[inline(always)]
pub fn ipv6_addresses(packet: &Ipv6) -> Result<(), Verdict> {
    let source = packet.header.source;
    let destination = packet.header.destination;
    if source[0] == 0xff || is_never_routed(source) {
        return Err(Verdict::DropMartianSource);
    }
    if is_never_routed(destination) {
        return Err(Verdict::DropMartianDestination);
    }
    if destination[0] == 0xff {
        return Err(if is_local_multicast(destination) {
            Verdict::PassMulticastControl
        } else {
            Verdict::PassMulticastData
        });
    }
    if is_link_local(destination) {
        return Err(Verdict::PassLocalLinkLocal);
    }
    if is_link_local(source) {
        return Err(Verdict::PassScope);
    }
    Ok(())
}

/// `::`, `::1` and v4-mapped addresses.
#[inline(always)]
fn is_never_routed(address: [u8; 16]) -> bool {
    let [high, low]: [u64; 2] = bytemuck::cast(address);
    let low = u64::from_be(low);
    high == 0 && (low <= 1 || low >> 32 == 0xffff)
}

#[inline(always)]
fn is_link_local(address: [u8; 16]) -> bool {
    address[0] == 0xfe && address[1] & 0xc0 == 0x80
}

/// Multicast of reserved, interface-local or link-local scope.
#[inline(always)]
fn is_local_multicast(address: [u8; 16]) -> bool {
    address[0] == 0xff && address[1] & 0xf <= 2
}

/// Options are the kernel's work, except for the source routes that nobody follows (RFC 7126 §4.3, §4.4);
/// packet-cases 44 and 45.
///
/// # Errors
/// Every packet whose header is longer than 20 bytes.
#[inline(always)]
pub fn ipv4_options<F: Frame>(frame: &F, packet: &Ipv4) -> Result<(), Verdict> {
    if packet.header_length == HEADER_LENGTH {
        return Ok(());
    }
    if has_source_route(frame, packet.header_length) {
        Err(Verdict::DropSourceRoute)
    } else {
        Err(Verdict::PassIpOptions)
    }
}

/// Walks the options up to their end or to the first that is malformed, which the kernel answers.
#[inline(always)]
fn has_source_route<F: Frame>(frame: &F, header_length: usize) -> bool {
    const END: u8 = 0;
    const NO_OPERATION: u8 = 1;
    const LOOSE_SOURCE_ROUTE: u8 = 131;
    const STRICT_SOURCE_ROUTE: u8 = 137;
    const MAX_HEADER_LENGTH: usize = 60;

    // To the verifier every offset is a constant, every round reads the same bytes, and what is known of
    // `next` does not grow. An option whose length would lie behind the frame is malformed.
    let mut next = HEADER_LENGTH;
    for offset in HEADER_LENGTH..MAX_HEADER_LENGTH {
        if offset >= header_length {
            return false;
        }
        let Some([kind, length]) = frame.read::<[u8; 2]>(L3 + offset) else {
            return false;
        };
        next = forget(next, 0x1ff);
        if offset < forget(next, 0x1ff) {
            continue;
        }
        match (kind, length) {
            (END, _) => return false,
            (NO_OPERATION, _) => {}
            (LOOSE_SOURCE_ROUTE | STRICT_SOURCE_ROUTE, _) => return true,
            (_, 0 | 1) => return false,
            _ => next = offset + usize::from(length),
        }
    }
    false
}

/// Packet-cases 67 and 80: a hop-by-hop header is not read beyond its first option. One that asks every router
/// to look (RFC 2711), and a payload length of zero, which means a jumbogram or an error (RFC 2675 §3), are
/// the kernel's.
///
/// # Errors
/// Packets whose hop-by-hop header the kernel must see.
#[inline(always)]
pub fn ipv6_hop_by_hop<F: Frame>(frame: &F, packet: &Ipv6) -> Result<(), Verdict> {
    const ROUTER_ALERT: u8 = 5;

    if packet.header.next_header != Protocol::HOP_BY_HOP {
        return Ok(());
    }
    if packet.header.payload_length() == 0 {
        return Err(Verdict::PassHopByHopJumbo);
    }
    match frame.read::<[u8; 3]>(L3 + Ipv6Header::LENGTH) {
        Some([_, _, ROUTER_ALERT]) => Err(Verdict::PassHopByHopRouterAlert),
        _ => Ok(()),
    }
}
