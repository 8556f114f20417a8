use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];

fn message(address: NeighbourAddress, state: Nud, mac: Option<&[u8]>) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.ifindex = 4;
    message.header.state = state;
    message.attributes = vec![NeighbourAttribute::Destination(address)];
    if let Some(mac) = mac {
        let mac = NeighbourAttribute::LinkLayerAddress(mac.to_vec());
        message.attributes.push(mac);
    }
    message
}

fn v4(last: u8) -> NeighbourAddress {
    NeighbourAddress::Inet(Ipv4Addr::new(192, 0, 2, last))
}

fn observed(state: NeighbourState) -> Option<Observation> {
    let key = NeighbourKey {
        link: IfIndex(4),
        address: "192.0.2.9".parse().unwrap(),
    };
    Some(Observation::Neighbour(key, state))
}

#[test]
fn every_state_that_forwards_is_reachable() {
    let reachable = observed(NeighbourState::Reachable(MacAddress(MAC)));
    let rows = [
        (Nud::Reachable, &reachable),
        (Nud::Stale, &reachable),
        (Nud::Delay, &reachable),
        (Nud::Probe, &reachable),
        (Nud::Permanent, &reachable),
        (Nud::Noarp, &reachable),
        (Nud::Failed, &observed(NeighbourState::Failed)),
        (Nud::Incomplete, &observed(NeighbourState::Incomplete)),
        (Nud::None, &observed(NeighbourState::Incomplete)),
    ];
    for (state, expected) in rows {
        let seen = observe_new(&message(v4(9), state, Some(&MAC)));
        assert_eq!(&seen, expected, "{state}");
    }
}

#[test]
fn entries_for_multicast_broadcast_and_without_a_mac_are_ignored() {
    let multicast_v4 = NeighbourAddress::Inet(Ipv4Addr::new(224, 0, 0, 22));
    let multicast_v6 = NeighbourAddress::Inet6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1));
    let rows = [
        message(multicast_v4, Nud::Noarp, Some(&[1, 0, 0x5e, 0, 0, 22])),
        message(multicast_v6, Nud::Noarp, Some(&[0x33, 0x33, 0, 0, 0, 1])),
        message(v4(255), Nud::Noarp, Some(&[0xff; 6])),
        message(v4(9), Nud::Noarp, Some(&[0; 6])),
        message(v4(9), Nud::Noarp, None),
        message(v4(9), Nud::Reachable, Some(&[1, 2, 3, 4])),
    ];
    for row in rows {
        assert_eq!(observe_new(&row), None, "{row:?}");
    }
}

#[test]
fn proxy_entries_and_bridge_entries_are_no_neighbours() {
    let mut proxy = message(v4(9), Nud::Permanent, Some(&MAC));
    proxy.header.flags = NeighbourFlags::Proxy;
    assert_eq!(observe_new(&proxy), None);
    let bridge = message(
        NeighbourAddress::Other(vec![1; 6]),
        Nud::Permanent,
        Some(&MAC),
    );
    assert_eq!(observe_new(&bridge), None);
    assert_eq!(observe_deleted(&bridge), None);
}
