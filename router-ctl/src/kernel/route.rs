//! Routes of the main table that somebody else put there, for `redistribute kernel`.
//!
//! Left out is what nobody decided on for the whole network: what the kernel made itself from addresses (that is
//! `redistribute connected`), what an ICMP redirect corrected for this host alone, and what a router
//! advertisement offers a host (a neighbour's own default would go back to it as ours). A lease's default route
//! stays in: somebody asked for the lease. Blackholes and their like lead nowhere, so they are not announced.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use netlink_packet_core::NLM_F_REPLACE;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteNextHop,
    RouteProtocol, RouteType, RouteVia,
};

use super::ways::{RouteObservation, Slot, Through, Way};

/// The number under which this router writes routes into the kernel (`rtm_protocol`); unassigned in
/// linux/rtnetlink.h and in iproute2's `rt_protos`. Routes that carry it are our own and never come back in.
pub(super) const OUR_PROTOCOL: u8 = 201;

/// One message about a route; `None` for tables and kinds of routes that are never redistributed.
pub(super) fn observe_new(message: &RouteMessage, flags: u16) -> Option<RouteObservation> {
    let slot = slot(message)?;
    let replaces = flags & NLM_F_REPLACE != 0;
    // What replaces a foreign route need not be one.
    let ways = if is_foreign(message) {
        ways(message, slot)
    } else if replaces {
        Vec::new()
    } else {
        return None;
    };
    Some(if replaces {
        RouteObservation::Replaced(slot, ways)
    } else {
        RouteObservation::Added(ways)
    })
}

pub(super) fn observe_deleted(message: &RouteMessage) -> Option<RouteObservation> {
    let slot = slot(message).filter(|_| is_foreign(message))?;
    Some(RouteObservation::Removed(ways(message, slot)))
}

/// Asks for all routes of one family.
pub(super) fn dump(family: AddressFamily) -> RouteNetlinkMessage {
    let mut message = RouteMessage::default();
    message.header.address_family = family;
    RouteNetlinkMessage::GetRoute(message)
}

fn is_foreign(message: &RouteMessage) -> bool {
    let made_by_nobody = matches!(
        message.header.protocol,
        RouteProtocol::Kernel | RouteProtocol::IcmpRedirect | RouteProtocol::Ra
    );
    let ours = u8::from(message.header.protocol) == OUR_PROTOCOL;
    message.header.kind == RouteType::Unicast && !made_by_nobody && !ours
}

/// `None` for another table, for an exception that the kernel cached, and for a route by source.
fn slot(message: &RouteMessage) -> Option<Slot> {
    let cached = message.header.flags.contains(RouteFlags::Cloned);
    let by_source = message.header.source_prefix_length != 0;
    if table(message) != u32::from(RouteHeader::RT_TABLE_MAIN) || cached || by_source {
        return None;
    }
    let prefix = prefix(message).filter(|&prefix| is_global(prefix))?;
    let metric = message.attributes.iter().find_map(|attribute| {
        if let RouteAttribute::Priority(metric) = attribute {
            Some(*metric)
        } else {
            None
        }
    });
    Some(Slot {
        prefix,
        tos: message.header.tos,
        metric: metric.unwrap_or(0),
    })
}

/// The header has eight bits for the table; the attribute has all of it.
fn table(message: &RouteMessage) -> u32 {
    let attribute = message.attributes.iter().find_map(|attribute| {
        if let RouteAttribute::Table(table) = attribute {
            Some(*table)
        } else {
            None
        }
    });
    attribute.unwrap_or_else(|| message.header.table.into())
}

/// A route to everywhere has no destination.
fn prefix(message: &RouteMessage) -> Option<IpNet> {
    let destination = message.attributes.iter().find_map(|attribute| {
        if let RouteAttribute::Destination(address) = attribute {
            Some(ip(address))
        } else {
            None
        }
    });
    let address = match (destination, message.header.address_family) {
        (Some(address), _) => address?,
        (None, AddressFamily::Inet) => Ipv4Addr::UNSPECIFIED.into(),
        (None, AddressFamily::Inet6) => Ipv6Addr::UNSPECIFIED.into(),
        (None, _) => return None,
    };
    let net = IpNet::new(address, message.header.destination_prefix_length).ok()?;
    Some(net.trunc())
}

/// Loopback, link-local and multicast prefixes mean something else on each host.
fn is_global(prefix: IpNet) -> bool {
    match prefix {
        IpNet::V4(net) => {
            let address = net.addr();
            !address.is_loopback() && !address.is_link_local() && !address.is_multicast()
        }
        IpNet::V6(net) => {
            let address = net.addr();
            !address.is_loopback() && !address.is_unicast_link_local() && !address.is_multicast()
        }
    }
}

/// IPv4 keeps a route with several next hops as one, and one next hop cannot leave it. For IPv6 each next hop is a
/// route of its own, added and removed alone or together.
fn ways(message: &RouteMessage, slot: Slot) -> Vec<Way> {
    let attributes = &message.attributes;
    if let Some(object) = attributes.iter().find_map(object) {
        let through = Through::Object(object);
        return vec![Way { slot, through }];
    }
    let several = attributes.iter().find_map(|attribute| {
        if let RouteAttribute::MultiPath(hops) = attribute {
            Some(hops)
        } else {
            None
        }
    });
    let hops = match several {
        Some(several) => several.iter().map(one_of_several).collect(),
        None => {
            let link = attributes.iter().find_map(|attribute| {
                if let RouteAttribute::Oif(link) = attribute {
                    Some(*link)
                } else {
                    None
                }
            });
            vec![(gateway(attributes), link.unwrap_or(0))]
        }
    };
    if slot.prefix.addr().is_ipv4() {
        let through = Through::Hops(hops);
        return vec![Way { slot, through }];
    }
    hops.into_iter()
        .map(|hop| Way {
            slot,
            through: Through::Hops(vec![hop]),
        })
        .collect()
}

fn one_of_several(hop: &RouteNextHop) -> (Option<IpAddr>, u32) {
    (gateway(&hop.attributes), hop.interface_index)
}

fn gateway(attributes: &[RouteAttribute]) -> Option<IpAddr> {
    attributes.iter().find_map(|attribute| {
        if let RouteAttribute::Gateway(address) = attribute {
            ip(address)
        } else if let RouteAttribute::Via(RouteVia::Inet6(address)) = attribute {
            Some(IpAddr::V6(*address))
        } else {
            None
        }
    })
}

fn object(attribute: &RouteAttribute) -> Option<u32> {
    if let RouteAttribute::NhId(id) = attribute {
        Some(*id)
    } else {
        None
    }
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    if let RouteAddress::Inet(address) = address {
        Some(IpAddr::V4(*address))
    } else if let RouteAddress::Inet6(address) = address {
        Some(IpAddr::V6(*address))
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
