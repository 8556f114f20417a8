//! Sections 3.2 and 3.3: the IPv4 header and its addresses.

use router_common::verdict::Verdict;

use crate::bench::Bench;
use crate::frame::{L3, V4, set_checksum};

fn packet() -> V4 {
    V4::new("192.0.2.9", "198.51.100.7")
}

/// A packet that would be forwarded, changed, its checksum made right again.
#[track_caller]
fn changed(bench: &mut Bench, change: impl Fn(&mut Vec<u8>), verdict: Verdict) {
    let mut frame = bench.v4(&packet());
    change(&mut frame);
    set_checksum(&mut frame[L3..]);
    bench.stops(&frame, verdict);
}

#[test]
fn case_17_fewer_than_20_bytes() {
    let mut bench = Bench::with_routes();
    let frame = bench.v4(&packet());
    for length in 0..20 {
        bench.stops(&frame[..L3 + length], Verdict::DropMalformedShort);
    }
}

#[test]
fn case_18_version_not_4() {
    let mut bench = Bench::with_routes();
    for version in (0..16).filter(|&version| version != 4) {
        let change = |frame: &mut Vec<u8>| frame[L3] = version << 4 | 5;
        changed(&mut bench, change, Verdict::DropMalformedVersion);
    }
}

#[test]
fn case_19_header_length_below_5_words_or_beyond_the_frame() {
    let mut bench = Bench::with_routes();
    for words in 0..5 {
        let mut frame = bench.v4(&packet());
        frame[L3] = 0x40 | words;
        bench.stops(&frame, Verdict::DropMalformedIhl);
    }
    // 28 bytes of packet hold 7 words.
    for words in 8..16 {
        let mut frame = bench.v4(&packet());
        frame[L3] = 0x40 | words;
        bench.stops(&frame, Verdict::DropMalformedIhl);
    }
}

#[test]
fn case_20_total_length_below_the_header_or_beyond_the_frame() {
    let mut bench = Bench::with_routes();
    for length in [0u16, 1, 19, 29, 1500, 0xffff] {
        let change =
            |frame: &mut Vec<u8>| frame[L3 + 2..L3 + 4].copy_from_slice(&length.to_be_bytes());
        changed(&mut bench, change, Verdict::DropMalformedLength);
    }
    let mut with_options = packet();
    with_options.options = vec![1; 4];
    let mut frame = bench.v4(&with_options);
    frame[L3 + 3] = 23;
    set_checksum(&mut frame[L3..]);
    bench.stops(&frame, Verdict::DropMalformedLength);
}

#[test]
fn case_21_padding_behind_the_packet_is_sent_on() {
    let mut bench = Bench::with_routes();
    for padded in [60, 64, 1514] {
        let mut frame = bench.v4(&packet());
        frame.resize(padded, 0xee);
        bench.forwards(&frame);
    }
}

#[test]
fn case_22_a_wrong_checksum_in_any_bit_with_and_without_options() {
    let mut bench = Bench::with_routes();
    for options in [
        vec![],
        vec![1; 4],
        vec![0x94, 4, 0, 0, 1, 1, 1, 0],
        vec![1; 40],
    ] {
        let mut packet = packet();
        packet.options = options;
        let frame = bench.v4(&packet);
        let header = L3 + 20 + packet.options.len();
        // Version, header length and total length are judged first.
        for byte in (L3 + 1..header).filter(|&byte| byte != L3 + 2 && byte != L3 + 3) {
            for bit in 0..8 {
                let mut frame = frame.clone();
                frame[byte] ^= 1 << bit;
                bench.stops(&frame, Verdict::DropMalformedChecksum);
            }
        }
    }
}

#[test]
fn case_22_both_names_of_zero_are_right() {
    let mut bench = Bench::with_routes();
    // The identification that makes the checksum zero.
    let mut frame = (0..=u16::MAX)
        .map(|identification| V4 {
            identification,
            ..packet()
        })
        .map(|packet| bench.v4(&packet))
        .find(|frame| frame[L3 + 10..L3 + 12] == [0, 0])
        .unwrap();
    bench.forwards(&frame);
    frame[L3 + 10..L3 + 12].fill(0xff);
    bench.forwards(&frame);
}

#[test]
fn case_23_a_packet_without_payload_goes_on() {
    let mut bench = Bench::with_routes();
    let mut packet = packet();
    packet.payload.clear();
    let frame = bench.v4(&packet);
    bench.forwards(&frame);
}

/// Every source and destination routed, so that only the guards can stop a packet.
fn everything_routed() -> Bench {
    let mut bench = Bench::new();
    let gateway = bench.neighbour(crate::bench::GATEWAY);
    bench.route("0.0.0.0/0", gateway);
    bench
}

#[track_caller]
fn sources(rows: &[&str], verdict: Option<Verdict>) {
    let mut bench = everything_routed();
    for source in rows {
        let frame = bench.v4(&V4::new(source, "198.51.100.7"));
        match verdict {
            Some(verdict) => bench.stops(&frame, verdict),
            None => bench.forwards(&frame),
        }
    }
}

#[track_caller]
fn destinations(rows: &[&str], verdict: Option<Verdict>) {
    let mut bench = everything_routed();
    for destination in rows {
        let frame = bench.v4(&V4::new("192.0.2.9", destination));
        match verdict {
            Some(verdict) => bench.stops(&frame, verdict),
            None => bench.forwards(&frame),
        }
    }
}

#[test]
fn case_24_source_unspecified() {
    sources(&["0.0.0.0"], Some(Verdict::DropMartianSource));
}

#[test]
fn case_25_source_in_the_rest_of_net_0() {
    sources(
        &["0.0.0.1", "0.255.255.255"],
        Some(Verdict::DropMartianSource),
    );
}

#[test]
fn case_26_source_loopback() {
    sources(
        &["127.0.0.0", "127.0.0.1", "127.255.255.255"],
        Some(Verdict::DropMartianSource),
    );
    sources(&["126.255.255.255", "128.0.0.0"], None);
}

#[test]
fn case_27_source_multicast_or_limited_broadcast() {
    let rows = [
        "224.0.0.0",
        "224.0.0.1",
        "232.1.1.1",
        "239.255.255.255",
        "255.255.255.255",
    ];
    sources(&rows, Some(Verdict::DropMartianSource));
    sources(&["223.255.255.255"], None);
}

#[test]
fn case_28_source_in_class_e_goes_on() {
    sources(&["240.0.0.0", "240.0.0.1", "255.255.255.254"], None);
}

#[test]
fn case_31_source_equal_to_destination_goes_on() {
    sources(&["198.51.100.7"], None);
}

#[test]
fn case_32_link_local_addresses_go_on_when_routed() {
    sources(&["169.254.1.1"], None);
    destinations(&["169.254.1.1"], None);
}

#[test]
fn case_33_documentation_and_benchmark_ranges_go_on_when_routed() {
    let rows = [
        "192.0.2.200",
        "198.18.0.1",
        "198.51.100.9",
        "203.0.113.1",
        "100.64.0.1",
    ];
    sources(&rows, None);
    destinations(&rows, None);
}

#[test]
fn case_34_destination_unspecified_or_loopback() {
    let rows = ["0.0.0.0", "127.0.0.1", "127.255.255.255"];
    destinations(&rows, Some(Verdict::DropMartianDestination));
    destinations(&["126.255.255.255", "128.0.0.0"], None);
}

#[test]
fn case_35_destination_in_the_rest_of_net_0() {
    let rows = ["0.0.0.1", "0.255.255.255"];
    destinations(&rows, Some(Verdict::DropMartianDestination));
    destinations(&["1.0.0.0"], None);
}

#[test]
fn case_36_destination_limited_broadcast() {
    destinations(&["255.255.255.255"], Some(Verdict::PassLocalBroadcast));
}

#[test]
fn case_37_destination_local_network_control_multicast() {
    let rows = ["224.0.0.0", "224.0.0.5", "224.0.0.255"];
    destinations(&rows, Some(Verdict::PassMulticastControl));
}

#[test]
fn case_38_destination_other_multicast() {
    let rows = ["224.0.1.0", "225.0.0.1", "232.1.1.1", "239.255.255.255"];
    destinations(&rows, Some(Verdict::PassMulticastData));
    destinations(&["223.255.255.255"], None);
}

#[test]
fn case_39_destination_in_class_e_goes_on() {
    destinations(&["240.0.0.0", "240.0.0.1", "255.255.255.254"], None);
}

#[test]
fn case_40_broadcast_of_the_ingress_subnet_is_an_entry_of_the_table() {
    let mut bench = everything_routed();
    bench.route_ends("192.0.2.255/32", Verdict::PassLocalBroadcast);
    let frame = bench.v4(&V4::new("192.0.2.9", "192.0.2.255"));
    bench.stops(&frame, Verdict::PassLocalBroadcast);
}

#[test]
fn case_41_broadcast_of_another_subnet_is_an_entry_of_the_table() {
    let mut bench = everything_routed();
    bench.route_ends("198.51.100.255/32", Verdict::DropDirectedBroadcast);
    let frame = bench.v4(&V4::new("192.0.2.9", "198.51.100.255"));
    bench.stops(&frame, Verdict::DropDirectedBroadcast);
}

#[test]
fn case_42_lowest_address_of_a_subnet_and_both_of_a_31_are_unicast() {
    destinations(
        &[
            "192.0.2.0",
            "198.51.100.0",
            "198.51.100.254",
            "198.51.100.255",
        ],
        None,
    );
}

#[test]
fn case_43_our_addresses_are_welcome_with_any_ttl_and_any_options() {
    let mut bench = everything_routed();
    bench.route_ends("192.0.2.1/32", Verdict::PassLocal);
    for ttl in [0, 1, 2, 255] {
        for options in [vec![], vec![0x94, 4, 0, 0], vec![0x83, 3, 4, 0]] {
            let to_us = V4 {
                ttl,
                options,
                ..V4::new("192.0.2.9", "192.0.2.1")
            };
            let frame = bench.v4(&to_us);
            bench.stops(&frame, Verdict::PassLocal);
        }
    }
}
