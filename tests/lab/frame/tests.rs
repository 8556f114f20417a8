use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::*;
use crate::MacAddress;

const TO: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
const FROM: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
const V4: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(203, 0, 113, 9));
const V6: (Ipv6Addr, Ipv6Addr) = (
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, 9),
);

fn start() -> Frame {
    Frame::new(Ethernet::new(TO, FROM))
}

#[test]
fn an_ipv4_header_matches_a_known_one() {
    // The example of RFC 1071's users: the checksum of this header is 0xb861.
    let header = Ipv4 {
        flags: 2,
        ..Ipv4::new([192, 168, 0, 1], [192, 168, 0, 199])
    };
    let bytes = start()
        .ipv4(header)
        .udp(Udp::new(53, 53))
        .payload(&[0; 87])
        .build();
    let expected = [
        0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,
        0xc7,
    ];
    assert_eq!(bytes[14..34], expected);
}

#[test]
fn every_checksum_adds_up_to_zero() {
    let payload = b"odd length!";
    let v4 = start().ipv4(Ipv4::new(V4.0, V4.1));
    let v6 = start().ipv6(Ipv6::new(V6.0, V6.1));
    let rows = [
        (v4.clone().udp(Udp::new(1, 2)), Some(17), 8),
        (v4.clone().tcp(Tcp::new(1, 2)), Some(6), 20),
        (v4.icmp(Icmp::echo_request(1, 2)), None, 8),
        (v6.clone().udp(Udp::new(1, 2)), Some(17), 8),
        (v6.clone().tcp(Tcp::new(1, 2)), Some(6), 20),
        (v6.icmp(Icmp::echo_request_v6(1, 2)), Some(58), 8),
    ];
    for (frame, protocol, header) in rows {
        let length = header + payload.len();
        let bytes = frame.clone().payload(payload).build();
        let body = &bytes[bytes.len() - length..];
        let pseudo = match (&frame.network, protocol) {
            (Network::Ipv4(_), Some(protocol)) => pseudo_header_v4(V4.0, V4.1, protocol, length),
            (_, Some(protocol)) => pseudo_header_v6(V6.0, V6.1, protocol, length),
            (_, None) => Vec::new(),
        };
        assert_eq!(checksum(&[&pseudo, body]), 0, "{frame:?}");
    }
}

#[test]
fn what_is_set_is_written_as_it_stands() {
    let header = Ipv4 {
        version: 5,
        header_words: Some(4),
        total_length: Some(9),
        protocol: Some(99),
        checksum: Some(0xdead),
        flags: 7,
        fragment_offset: 0x1fff,
        ..Ipv4::new(V4.0, V4.1)
    };
    let bytes = start().ipv4(header).build();
    assert_eq!(bytes[14], 0x54);
    assert_eq!(bytes[16..18], [0, 9]);
    assert_eq!(bytes[20..22], [0xff, 0xff]);
    assert_eq!(bytes[23], 99);
    assert_eq!(bytes[24..26], [0xde, 0xad]);
}

#[test]
fn options_tags_and_padding_are_laid_out_in_order() {
    let mut ethernet = Ethernet::new(TO, FROM);
    ethernet.tags = vec![
        Tag {
            tpid: 0x88a8,
            control: 100,
        },
        Tag::vlan(7),
    ];
    let header = Ipv4 {
        options: vec![0x94, 4, 0, 0, 1],
        ..Ipv4::new(V4.0, V4.1)
    };
    let bytes = Frame::new(ethernet).ipv4(header).pad_to(60).build();
    assert_eq!(bytes.len(), 60);
    assert_eq!(bytes[12..22], [0x88, 0xa8, 0, 100, 0x81, 0, 0, 7, 8, 0]);
    assert_eq!(bytes[22], 0x47);
    assert_eq!(bytes[24..26], [0, 28]);
    assert_eq!(bytes[42..50], [0x94, 4, 0, 0, 1, 0, 0, 0]);
}

#[test]
fn extension_headers_are_chained() {
    let header = Ipv6 {
        extensions: vec![Extension::hop_by_hop(), Extension::fragment(1, 0, true)],
        ..Ipv6::new(V6.0, V6.1)
    };
    let bytes = start().ipv6(header).udp(Udp::new(1, 2)).build();
    assert_eq!(bytes[20], 0, "hop-by-hop first");
    assert_eq!(bytes[18..20], [0, 24], "two extensions and UDP");
    assert_eq!(bytes[54], 44, "then the fragment header");
    assert_eq!(bytes[62], 17, "then UDP");
    assert_eq!(bytes[62..66], [17, 0, 0, 1]);
}

#[test]
fn an_arp_request_asks_for_an_address() {
    let bytes = start().arp(Arp::request((FROM, V4.0), V4.1)).build();
    assert_eq!(bytes[12..22], [8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    assert_eq!(bytes[28..32], V4.0.octets());
    assert_eq!(bytes[38..42], V4.1.octets());
}

#[test]
fn the_flow_of_a_built_frame_is_read_back() {
    let flow = |protocol, ports: (u16, u16)| Flow {
        source: IpAddr::V4(V4.0),
        destination: IpAddr::V4(V4.1),
        protocol,
        source_port: ports.0,
        destination_port: ports.1,
    };
    let v4 = Ipv4::new(V4.0, V4.1);
    let udp = start().ipv4(v4.clone()).udp(Udp::new(1000, 53));
    assert_eq!(Flow::of(&udp.build()), Some(flow(17, (1000, 53))));
    let icmp = start().ipv4(v4.clone()).icmp(Icmp::echo_request(9, 9));
    assert_eq!(Flow::of(&icmp.build()), Some(flow(1, (0, 0))));
    let fragment = Ipv4 { flags: 1, ..v4 };
    let fragment = start().ipv4(fragment).udp(Udp::new(1000, 53));
    assert_eq!(Flow::of(&fragment.build()), Some(flow(17, (0, 0))));
    assert_eq!(Flow::of(&start().payload(b"not IP").build()), None);
    assert_eq!(Flow::of(&[0; 13]), None);
}

#[test]
fn the_flow_is_found_behind_tags_and_extension_headers() {
    let mut ethernet = Ethernet::new(TO, FROM);
    ethernet.tags = vec![Tag::vlan(7)];
    let header = Ipv6 {
        extensions: vec![Extension::hop_by_hop()],
        ..Ipv6::new(V6.0, V6.1)
    };
    let frame = Frame::new(ethernet).ipv6(header).tcp(Tcp::new(80, 81));
    let flow = Flow::of(&frame.build()).unwrap();
    assert_eq!(
        (flow.protocol, flow.source_port, flow.destination_port),
        (6, 80, 81)
    );
    assert_eq!(flow.destination, IpAddr::V6(V6.1));
}
