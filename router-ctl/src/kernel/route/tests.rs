use super::*;

fn address(text: &str) -> RouteAddress {
    text.parse::<IpAddr>().unwrap().into()
}

/// A route of `ip route add`, in the main table.
fn route(net: &str, gateway: &str) -> RouteMessage {
    let net: IpNet = net.parse().unwrap();
    let mut message = RouteMessage::default();
    message.header.address_family = match net {
        IpNet::V4(_) => AddressFamily::Inet,
        IpNet::V6(_) => AddressFamily::Inet6,
    };
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.kind = RouteType::Unicast;
    message.header.protocol = RouteProtocol::Boot;
    message.header.destination_prefix_length = net.prefix_len();
    if net.prefix_len() > 0 {
        let destination = RouteAttribute::Destination(net.addr().into());
        message.attributes.push(destination);
    }
    message
        .attributes
        .push(RouteAttribute::Gateway(address(gateway)));
    message.attributes.push(RouteAttribute::Oif(3));
    message
}

fn added(message: &RouteMessage) -> Vec<Way> {
    match observe_new(message, 0) {
        Some(RouteObservation::Added(ways)) => ways,
        other => panic!("{other:?}"),
    }
}

fn prefix_of(message: &RouteMessage) -> String {
    added(message)[0].slot.prefix.to_string()
}

#[test]
fn a_route_of_the_main_table_is_taken_in_by_its_prefix() {
    for net in ["203.0.113.0/24", "0.0.0.0/0"] {
        assert_eq!(prefix_of(&route(net, "192.0.2.2")), net);
    }
    for net in ["2001:db8::/32", "::/0"] {
        assert_eq!(prefix_of(&route(net, "fe80::1")), net);
    }
}

#[test]
fn what_the_kernel_or_this_router_made_is_not_foreign() {
    let by = |protocol| {
        let mut message = route("203.0.113.0/24", "192.0.2.2");
        message.header.protocol = protocol;
        observe_new(&message, 0).is_some()
    };
    for protocol in [
        RouteProtocol::Kernel,
        RouteProtocol::IcmpRedirect,
        RouteProtocol::Ra,
        RouteProtocol::Other(OUR_PROTOCOL),
    ] {
        assert!(!by(protocol), "{protocol:?}");
    }
    for protocol in [
        RouteProtocol::Boot,
        RouteProtocol::Static,
        RouteProtocol::Dhcp,
        RouteProtocol::Zebra,
        RouteProtocol::Bird,
    ] {
        assert!(by(protocol), "{protocol:?}");
    }
}

#[test]
fn other_tables_other_kinds_and_local_prefixes_are_left_out() {
    let mut other_table = route("203.0.113.0/24", "192.0.2.2");
    other_table.attributes.push(RouteAttribute::Table(1000));
    let mut blackhole = route("203.0.113.0/24", "192.0.2.2");
    blackhole.header.kind = RouteType::BlackHole;
    let mut cached = route("2001:db8::1/128", "fe80::1");
    cached.header.flags = RouteFlags::Cloned;
    let mut by_source = route("2001:db8::/32", "fe80::1");
    by_source.header.source_prefix_length = 64;
    let mut too_long = route("203.0.113.0/24", "192.0.2.2");
    too_long.header.destination_prefix_length = 33;
    for message in [
        other_table,
        blackhole,
        cached,
        by_source,
        too_long,
        route("169.254.0.0/16", "192.0.2.2"),
        route("fe80::/64", "fe80::1"),
        route("224.0.0.0/4", "192.0.2.2"),
    ] {
        assert_eq!(observe_new(&message, 0), None, "{message:?}");
        assert_eq!(observe_deleted(&message), None, "{message:?}");
    }
}

#[test]
fn what_takes_the_place_of_a_foreign_route_is_told_whatever_it_is() {
    let mut message = route("203.0.113.0/24", "192.0.2.2");
    message.attributes.push(RouteAttribute::Priority(20));
    let slot = Slot {
        prefix: "203.0.113.0/24".parse().unwrap(),
        tos: 0,
        metric: 20,
    };
    let ways = added(&message);
    assert_eq!(
        observe_new(&message, NLM_F_REPLACE),
        Some(RouteObservation::Replaced(slot, ways))
    );
    message.header.kind = RouteType::BlackHole;
    assert_eq!(
        observe_new(&message, NLM_F_REPLACE),
        Some(RouteObservation::Replaced(slot, Vec::new()))
    );
}

#[test]
fn several_next_hops_are_one_route_for_ipv4_and_several_for_ipv6() {
    let several = |net: &str, gateways: [&str; 2]| {
        let mut message = route(net, gateways[0]);
        message.attributes.truncate(1);
        let hops = gateways.map(|gateway| {
            let mut hop = RouteNextHop::default();
            hop.interface_index = 3;
            hop.attributes
                .push(RouteAttribute::Gateway(address(gateway)));
            hop
        });
        message
            .attributes
            .push(RouteAttribute::MultiPath(hops.to_vec()));
        message
    };
    let v4 = added(&several("203.0.113.0/24", ["192.0.2.2", "192.0.2.3"]));
    assert_eq!(v4.len(), 1);
    let v6 = added(&several("2001:db8::/32", ["fe80::1", "fe80::2"]));
    assert_eq!(v6.len(), 2);
    assert_eq!(added(&route("2001:db8::/32", "fe80::2")), v6[1..]);
}

#[test]
fn a_next_hop_object_stands_for_what_it_holds_now() {
    let mut before = route("203.0.113.0/24", "192.0.2.2");
    before.attributes.push(RouteAttribute::NhId(7));
    let mut after = route("203.0.113.0/24", "192.0.2.9");
    after.attributes.push(RouteAttribute::NhId(7));
    assert_eq!(added(&before), added(&after));
}
