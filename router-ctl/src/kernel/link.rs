//! Links: interface messages of rtnetlink as [`Link`] values.

use netlink_packet_route::AddressFamily;
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkLayerType, LinkMessage};

use super::table::Observation;
use crate::host::{IfIndex, Link, LinkState, MacAddress};

/// Bridges repeat their ports with family `AF_BRIDGE`; those say nothing new about the interface.
fn concerns_interface(message: &LinkMessage) -> bool {
    message.header.interface_family == AddressFamily::Unspec
}

pub(super) fn observe_new(message: &LinkMessage) -> Option<Observation> {
    if !concerns_interface(message) {
        return None;
    }
    let mut name = None;
    let mut mac = None;
    let mut mtu = 0;
    for attribute in &message.attributes {
        if let LinkAttribute::IfName(value) = attribute {
            name = Some(value.clone());
        } else if let LinkAttribute::Address(bytes) = attribute {
            mac = <[u8; 6]>::try_from(bytes.as_slice()).ok();
        } else if let LinkAttribute::Mtu(value) = attribute {
            mtu = *value;
        }
    }
    let flags = message.header.flags;
    let has_ethernet_header = message.header.link_layer_type == LinkLayerType::Ether;
    Some(Observation::Link(Link {
        index: IfIndex(message.header.index),
        name: name?,
        mac: mac.filter(|_| has_ethernet_header).map(MacAddress),
        mtu,
        state: link_state(flags),
        loopback: flags.contains(LinkFlags::Loopback),
    }))
}

pub(super) fn observe_deleted(message: &LinkMessage) -> Option<Observation> {
    concerns_interface(message).then_some(Observation::LinkGone(IfIndex(message.header.index)))
}

/// `IFF_LOWER_UP` is the carrier as the driver reports it. `IFF_RUNNING` adds RFC 2863's operational state: it
/// is clear while a port waits for something above the carrier (802.1X, a bond's link monitor).
fn link_state(flags: LinkFlags) -> LinkState {
    if !flags.contains(LinkFlags::Up) {
        LinkState::AdminDown
    } else if flags.contains(LinkFlags::LowerUp) && flags.contains(LinkFlags::Running) {
        LinkState::Up
    } else {
        LinkState::NoCarrier
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(flags: LinkFlags, layer: LinkLayerType) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = 7;
        message.header.flags = flags;
        message.header.link_layer_type = layer;
        message.attributes = vec![
            LinkAttribute::IfName("eth0".to_owned()),
            LinkAttribute::Address(vec![2, 0, 0, 0, 0, 1]),
            LinkAttribute::Mtu(1500),
        ];
        message
    }

    fn link(flags: LinkFlags, layer: LinkLayerType) -> Link {
        match observe_new(&message(flags, layer)) {
            Some(Observation::Link(link)) => link,
            other => panic!("expected a link, got {other:?}"),
        }
    }

    #[test]
    fn a_link_is_up_only_with_the_flag_and_the_carrier() {
        let carrier = LinkFlags::LowerUp | LinkFlags::Running;
        let rows = [
            (LinkFlags::Up | carrier, LinkState::Up),
            (LinkFlags::Up, LinkState::NoCarrier),
            (LinkFlags::Up | LinkFlags::LowerUp, LinkState::NoCarrier),
            (carrier, LinkState::AdminDown),
            (LinkFlags::empty(), LinkState::AdminDown),
        ];
        for (flags, expected) in rows {
            assert_eq!(
                link(flags, LinkLayerType::Ether).state,
                expected,
                "{flags:?}"
            );
        }
    }

    #[test]
    fn only_an_ethernet_device_has_a_mac() {
        let ether = link(LinkFlags::Up, LinkLayerType::Ether);
        assert_eq!(ether.mac, Some(MacAddress([2, 0, 0, 0, 0, 1])));
        assert_eq!((ether.index, ether.mtu), (IfIndex(7), 1500));
        assert_eq!(link(LinkFlags::Up, LinkLayerType::None).mac, None);
        let loopback = link(LinkFlags::Up | LinkFlags::Loopback, LinkLayerType::Loopback);
        assert!(loopback.loopback && loopback.mac.is_none());
    }

    #[test]
    fn a_bridge_port_message_is_ignored() {
        let mut bridge = message(LinkFlags::Up, LinkLayerType::Ether);
        bridge.header.interface_family = AddressFamily::Bridge;
        assert!(observe_new(&bridge).is_none());
        assert!(observe_deleted(&bridge).is_none());
    }
}
