//! Section 3.5: IPv6.

use router_common::verdict::Verdict;

use crate::bench::{Bench, GATEWAY};
use crate::frame::{ICMPV6, L3, UDP, V6, icmp, ports};

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;

fn packet() -> V6 {
    V6::new("2001:db8::9", "2001:db8:1::7")
}

/// A packet behind one extension header.
fn extended(kind: u8, header: &[u8]) -> V6 {
    let mut payload = header.to_vec();
    payload[0] = UDP;
    payload.extend(ports(40_000, 53));
    V6 {
        next_header: kind,
        payload,
        ..packet()
    }
}

fn everything_routed() -> Bench {
    let mut bench = Bench::new();
    let gateway = bench.neighbour(GATEWAY);
    bench.route("::/0", gateway);
    bench
}

#[track_caller]
fn sources(rows: &[&str], verdict: Option<Verdict>) {
    let mut bench = everything_routed();
    for source in rows {
        let frame = bench.v6(&V6::new(source, "2001:db8:1::7"));
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
        let frame = bench.v6(&V6::new("2001:db8::9", destination));
        match verdict {
            Some(verdict) => bench.stops(&frame, verdict),
            None => bench.forwards(&frame),
        }
    }
}

#[test]
fn case_62_fewer_than_40_bytes() {
    let mut bench = Bench::with_routes();
    let frame = bench.v6(&packet());
    for length in 0..40 {
        bench.stops(&frame[..L3 + length], Verdict::DropMalformedShort);
    }
}

#[test]
fn case_63_version_not_6() {
    let mut bench = Bench::with_routes();
    for version in (0..16).filter(|&version| version != 6) {
        let mut frame = bench.v6(&packet());
        frame[L3] = version << 4;
        bench.stops(&frame, Verdict::DropMalformedVersion);
    }
}

#[test]
fn case_64_payload_length_beyond_the_frame() {
    let mut bench = Bench::with_routes();
    for length in [9u16, 1460, 0xffff] {
        let mut frame = bench.v6(&packet());
        frame[L3 + 4..L3 + 6].copy_from_slice(&length.to_be_bytes());
        bench.stops(&frame, Verdict::DropMalformedLength);
    }
}

#[test]
fn case_65_padding_behind_the_packet_is_sent_on() {
    let mut bench = Bench::with_routes();
    for padded in [64, 1514] {
        let mut frame = bench.v6(&packet());
        frame.resize(padded, 0xee);
        bench.forwards(&frame);
    }
}

#[test]
fn case_66_payload_length_zero_goes_on() {
    let mut bench = Bench::with_routes();
    for next_header in [UDP, 59, FRAGMENT] {
        let empty = V6 {
            next_header,
            payload: Vec::new(),
            ..packet()
        };
        let mut frame = bench.v6(&empty);
        bench.forwards(&frame);
        // Only the 40 bytes count, whatever the frame holds.
        frame.resize(2000, 0xee);
        bench.forwards(&frame);
    }
}

#[test]
fn case_67_jumbograms_pass() {
    let mut bench = Bench::with_routes();
    let jumbo = [UDP, 0, 0xc2, 4, 0, 1, 0, 0];
    let mut frame = bench.v6(&extended(HOP_BY_HOP, &jumbo));
    frame[L3 + 4..L3 + 6].fill(0);
    bench.stops(&frame, Verdict::PassHopByHopJumbo);
    // Without the option it is an error, which is the kernel's too.
    let mut frame = bench.v6(&extended(HOP_BY_HOP, &[UDP, 0, 1, 4, 0, 0, 0, 0]));
    frame[L3 + 4..L3 + 6].fill(0);
    bench.stops(&frame, Verdict::PassHopByHopJumbo);
}

#[test]
fn case_68_source_multicast_or_loopback() {
    let rows = ["ff02::1", "ff0e::1", "ff00::", "::1"];
    sources(&rows, Some(Verdict::DropMartianSource));
}

#[test]
fn case_69_source_unspecified() {
    sources(&["::"], Some(Verdict::DropMartianSource));
}

#[test]
fn case_70_destination_unspecified() {
    destinations(&["::"], Some(Verdict::DropMartianDestination));
}

#[test]
fn case_71_destination_loopback() {
    destinations(&["::1"], Some(Verdict::DropMartianDestination));
}

#[test]
fn case_72_link_local_source_and_wider_destination() {
    sources(&["fe80::1", "febf:ffff::1"], Some(Verdict::PassScope));
}

#[test]
fn case_73_link_local_destination_is_never_forwarded() {
    let mut bench = everything_routed();
    for (source, destination) in [
        ("2001:db8::9", "fe80::1"),
        ("fe80::9", "fe80::1"),
        ("fe80::9", "febf::1"),
    ] {
        for hop_limit in [0, 1, 64, 255] {
            let near = V6 {
                hop_limit,
                ..V6::new(source, destination)
            };
            let frame = bench.v6(&near);
            bench.stops(&frame, Verdict::PassLocalLinkLocal);
        }
    }
}

#[test]
fn case_74_multicast_by_scope() {
    let rows = ["ff00::1", "ff01::1", "ff02::1", "ff12::5", "ff32::1"];
    destinations(&rows, Some(Verdict::PassMulticastControl));
    let rows = ["ff03::1", "ff05::1", "ff08::1", "ff0e::1", "ff3e::1"];
    destinations(&rows, Some(Verdict::PassMulticastData));
}

#[test]
fn case_75_v4_mapped_addresses() {
    sources(
        &["::ffff:192.0.2.1", "::ffff:0.0.0.0"],
        Some(Verdict::DropMartianSource),
    );
    let rows = ["::ffff:192.0.2.1", "::ffff:255.255.255.255"];
    destinations(&rows, Some(Verdict::DropMartianDestination));
}

#[test]
fn case_77_odd_ranges_go_on_when_routed() {
    let rows = [
        "fec0::1",
        "::2",
        "::192.0.2.1",
        "100::1",
        "3fff::1",
        "fc00::1",
        "64:ff9b::1",
    ];
    sources(&rows, None);
    destinations(&rows, None);
}

#[test]
fn case_78_subnet_router_anycast_is_an_entry_of_the_table() {
    let mut bench = everything_routed();
    bench.route_ends("2001:db8:2::/128", Verdict::PassLocalAnycast);
    let frame = bench.v6(&V6::new("2001:db8::9", "2001:db8:2::"));
    bench.stops(&frame, Verdict::PassLocalAnycast);
}

#[test]
fn case_79_our_addresses_are_welcome_with_any_hop_limit() {
    let mut bench = everything_routed();
    bench.route_ends("2001:db8::1/128", Verdict::PassLocal);
    for hop_limit in [0, 1, 2, 255] {
        let to_us = V6 {
            hop_limit,
            ..V6::new("2001:db8::9", "2001:db8::1")
        };
        let frame = bench.v6(&to_us);
        bench.stops(&frame, Verdict::PassLocal);
        let mut alert = extended(HOP_BY_HOP, &[UDP, 0, 5, 2, 0, 0, 1, 0]);
        alert.destination = to_us.destination;
        let frame = bench.v6(&alert);
        bench.stops(&frame, Verdict::PassLocal);
    }
}

#[test]
fn case_80_hop_by_hop_headers_are_forwarded_unread_but_for_router_alert() {
    let mut bench = Bench::with_routes();
    let alert = extended(HOP_BY_HOP, &[UDP, 0, 5, 2, 0, 0, 1, 0]);
    let frame = bench.v6(&alert);
    bench.stops(&frame, Verdict::PassHopByHopRouterAlert);
    // Before the hop limit is looked at.
    let frame = bench.v6(&V6 {
        hop_limit: 1,
        ..alert
    });
    bench.stops(&frame, Verdict::PassHopByHopRouterAlert);
    for options in [
        [UDP, 0, 1, 4, 0, 0, 0, 0],
        [UDP, 0, 0, 0, 5, 2, 0, 0],
        [UDP, 0, 0x3e, 4, 0, 0, 0, 0],
        [UDP, 0, 0x7e, 4, 0, 0, 0, 0],
        [UDP, 0, 0xfe, 4, 0, 0, 0, 0],
    ] {
        let frame = bench.v6(&extended(HOP_BY_HOP, &options));
        bench.forwards(&frame);
    }
}

#[test]
fn case_81_routing_headers_in_transit_are_forwarded() {
    let mut bench = everything_routed();
    let mut header = [0; 24];
    header[1] = 2;
    header[3] = 1;
    let frame = bench.v6(&extended(ROUTING, &header));
    bench.forwards(&frame);
    bench.route_ends("2001:db8:1::7/128", Verdict::PassLocal);
    bench.stops(&frame, Verdict::PassLocal);
}

#[test]
fn case_82_forwarding_does_not_depend_on_the_extension_headers() {
    let mut bench = Bench::with_routes();
    let long = extended(DESTINATION_OPTIONS, &[0; 8]);
    let mut endless = packet();
    endless.next_header = DESTINATION_OPTIONS;
    endless.payload = [DESTINATION_OPTIONS, 0, 1, 4, 0, 0, 0, 0].repeat(100);
    let mut lying = extended(DESTINATION_OPTIONS, &[0; 8]);
    lying.payload[1] = 255;
    for packet in [long, endless, lying] {
        let frame = bench.v6(&packet);
        bench.forwards(&frame);
    }
}

#[test]
fn case_83_fragments_atomic_or_not_are_forwarded() {
    let mut bench = Bench::with_routes();
    for offset in [0u16, 1, 8, 0xfff9] {
        let [high, low] = offset.to_be_bytes();
        let frame = bench.v6(&extended(FRAGMENT, &[UDP, 0, high, low, 0, 0, 0, 1]));
        bench.forwards(&frame);
    }
}

#[test]
fn case_84_hop_limit() {
    let mut bench = Bench::with_routes();
    for hop_limit in [0, 1] {
        let expired = V6 {
            hop_limit,
            ..packet()
        };
        let frame = bench.v6(&expired);
        bench.stops(&frame, Verdict::PassTtlExpired);
        let stray = V6 {
            destination: "2001:db8:2::1".parse().unwrap(),
            ..expired
        };
        let frame = bench.v6(&stray);
        bench.stops(&frame, Verdict::PassNoRoute);
    }
    for hop_limit in 2..=255 {
        let frame = bench.v6(&V6 {
            hop_limit,
            traffic_class: 0xb9,
            flow_label: 0xfedcb,
            ..packet()
        });
        bench.forwards(&frame);
    }
}

#[test]
fn case_85_too_big_counts_the_fixed_header_and_not_the_padding() {
    let mut bench = Bench::with_routes();
    for (length, fits) in [
        (1499, true),
        (1500, true),
        (1501, false),
        (1540, false),
        (9000, false),
    ] {
        let mut big = packet();
        big.payload.resize(length - 40, 0x5a);
        let mut frame = bench.v6(&big);
        for padding in [0, 100] {
            frame.resize(frame.len() + padding, 0);
            if fits {
                bench.forwards(&frame);
            } else {
                bench.stops(&frame, Verdict::PassTooBigV6);
            }
        }
    }
}

#[test]
fn case_86_no_route_blackhole_and_unreachable_win_over_the_hop_limit() {
    let mut bench = Bench::with_routes();
    bench.route_ends("2001:db8:2::/48", Verdict::PassUnreachable);
    bench.route_ends("2001:db8:3::/48", Verdict::DropBlackhole);
    for hop_limit in [0, 1, 64] {
        for (destination, verdict) in [
            ("2001:db8:2::1", Verdict::PassUnreachable),
            ("2001:db8:3::1", Verdict::DropBlackhole),
            ("2001:db8:4::1", Verdict::PassNoRoute),
        ] {
            let frame = bench.v6(&V6 {
                hop_limit,
                ..V6::new("2001:db8::9", destination)
            });
            bench.stops(&frame, verdict);
        }
    }
}

#[test]
fn case_87_neighbour_discovery_to_us_passes() {
    let mut bench = everything_routed();
    bench.route_ends("2001:db8::1/128", Verdict::PassLocal);
    for (destination, verdict) in [
        ("2001:db8::1", Verdict::PassLocal),
        ("fe80::1", Verdict::PassLocalLinkLocal),
        ("ff02::1:ff00:1", Verdict::PassMulticastControl),
    ] {
        let advertisement = V6 {
            next_header: ICMPV6,
            hop_limit: 255,
            payload: icmp(136, 0, &[0; 16]),
            ..V6::new("fe80::9", destination)
        };
        let advertisement = if verdict == Verdict::PassLocal {
            V6 {
                source: "2001:db8::9".parse().unwrap(),
                ..advertisement
            }
        } else {
            advertisement
        };
        let frame = bench.v6(&advertisement);
        bench.stops(&frame, verdict);
    }
}
