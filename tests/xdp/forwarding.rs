//! Section 3.4: options, routes, TTL and size, and what forwarding changes of an IPv4 packet.

use router_common::verdict::Verdict;

use crate::bench::{Bench, GATEWAY};
use crate::frame::{DF, L3, MF, TCP, V4};

fn packet() -> V4 {
    V4::new("192.0.2.9", "198.51.100.7")
}

fn with_options(options: &[u8]) -> V4 {
    V4 {
        options: options.to_vec(),
        ..packet()
    }
}

#[test]
fn case_44_source_routes_are_dropped_wherever_they_stand() {
    let mut bench = Bench::with_routes();
    for options in [
        &[0x83, 7, 4, 203, 0, 113, 1, 0][..],
        &[0x89, 7, 4, 203, 0, 113, 1, 0],
        &[1, 0x83, 7, 4, 203, 0, 113, 1],
        &[0x94, 4, 0, 0, 1, 0x89, 3, 4],
        &[
            7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0x83, 3, 4, 0,
        ],
        &[1, 1, 1, 0x89],
    ] {
        let frame = bench.v4(&with_options(options));
        bench.stops(&frame, Verdict::DropSourceRoute);
    }
    let mut last = vec![1; 40];
    last[37..].copy_from_slice(&[0x83, 3, 4]);
    let frame = bench.v4(&with_options(&last));
    bench.stops(&frame, Verdict::DropSourceRoute);
}

#[test]
fn case_45_other_options_pass() {
    let mut bench = Bench::with_routes();
    for options in [
        &[1, 1, 1, 0][..],
        &[0, 0, 0, 0],
        &[0x94, 4, 0, 0],
        &[7, 7, 4, 0, 0, 0, 0, 0],
        &[68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[1; 40],
        // Within another option's data, or behind the end of the list.
        &[7, 7, 4, 0x83, 0x89, 0, 0, 0],
        &[0, 0x83, 3, 4],
        // Bad lengths: the kernel answers 12/0.
        &[7, 0, 0x83, 0],
        &[7, 1, 0x83, 0],
        &[7, 200, 0x83, 0],
    ] {
        let frame = bench.v4(&with_options(options));
        bench.stops(&frame, Verdict::PassIpOptions);
    }
}

#[test]
fn case_45_options_pass_before_the_ttl_is_looked_at_and_after_blackholes() {
    let mut bench = Bench::with_routes();
    bench.route_ends("203.0.113.0/24", Verdict::DropBlackhole);
    let mut expired = with_options(&[1, 1, 1, 0]);
    expired.ttl = 1;
    let frame = bench.v4(&expired);
    bench.stops(&frame, Verdict::PassIpOptions);
    expired.destination = "203.0.113.1".parse().unwrap();
    let frame = bench.v4(&expired);
    bench.stops(&frame, Verdict::DropBlackhole);
}

#[test]
fn case_50_no_route() {
    let mut bench = Bench::with_routes();
    for ttl in [0, 1, 2, 64] {
        let stray = V4 {
            ttl,
            ..V4::new("192.0.2.9", "203.0.113.1")
        };
        let frame = bench.v4(&stray);
        bench.stops(&frame, Verdict::PassNoRoute);
    }
}

#[test]
fn case_51_blackhole_wins_over_ttl_and_size() {
    let mut bench = Bench::with_routes();
    bench.route_ends("203.0.113.0/24", Verdict::DropBlackhole);
    for ttl in [0, 1, 64] {
        let mut lost = V4 {
            ttl,
            ..V4::new("192.0.2.9", "203.0.113.1")
        };
        lost.payload.resize(4000, 0);
        let frame = bench.v4(&lost);
        bench.stops(&frame, Verdict::DropBlackhole);
    }
}

#[test]
fn case_52_unreachable_wins_over_ttl() {
    let mut bench = Bench::with_routes();
    bench.route_ends("203.0.113.0/24", Verdict::PassUnreachable);
    for ttl in [0, 1, 64] {
        let refused = V4 {
            ttl,
            ..V4::new("192.0.2.9", "203.0.113.1")
        };
        let frame = bench.v4(&refused);
        bench.stops(&frame, Verdict::PassUnreachable);
    }
}

#[test]
fn case_53_ttl_0_or_1_expires_before_anything_about_the_next_hop() {
    let mut bench = Bench::with_routes();
    bench.route_ends("203.0.113.0/24", Verdict::PassNoNeighbour);
    for ttl in [0, 1] {
        let mut expired = V4 { ttl, ..packet() };
        let frame = bench.v4(&expired);
        bench.stops(&frame, Verdict::PassTtlExpired);
        expired.payload.resize(4000, 0);
        expired.fragment = DF;
        let frame = bench.v4(&expired);
        bench.stops(&frame, Verdict::PassTtlExpired);
        expired.destination = "203.0.113.1".parse().unwrap();
        let frame = bench.v4(&expired);
        bench.stops(&frame, Verdict::PassTtlExpired);
    }
}

#[test]
fn case_54_every_ttl_goes_down_by_one_and_the_checksum_follows() {
    let mut bench = Bench::with_routes();
    for ttl in 2..=255 {
        // With the identification the checksum runs through carries of all kinds.
        for identification in [0, 1, 0xff, 0x100, 0x7fff, 0xfeff, 0xff00, 0xffff] {
            let aged = V4 {
                ttl,
                identification,
                ..packet()
            };
            let frame = bench.v4(&aged);
            bench.forwards(&frame);
        }
    }
}

#[test]
fn case_54_a_checksum_about_to_wrap_comes_out_canonical() {
    let mut bench = Bench::with_routes();
    for checksum in [
        0x0000u16, 0x0001, 0x00ff, 0x0100, 0xfdff, 0xfe00, 0xfeff, 0xff00, 0xfffe,
    ] {
        let frame = (0..=u16::MAX)
            .map(|identification| {
                V4 {
                    identification,
                    ..packet()
                }
                .bytes()
            })
            .find(|bytes| bytes[10..12] == checksum.to_be_bytes())
            .unwrap();
        let frame = crate::frame::ethernet(bench.ingress.mac, crate::bench::SENDER, 0x0800, &frame);
        bench.forwards(&frame);
    }
}

#[test]
fn case_55_to_57_too_big_is_measured_without_link_layer_and_padding() {
    let mut bench = Bench::with_routes();
    for (length, fragment, verdict) in [
        (1500, DF, None),
        (1500, 0, None),
        (1501, DF, Some(Verdict::PassTooBigDf)),
        (1501, 0, Some(Verdict::PassTooBigFragment)),
        (1501, MF, Some(Verdict::PassTooBigFragment)),
        (1501, DF | 185, Some(Verdict::PassTooBigDf)),
        (9000, DF, Some(Verdict::PassTooBigDf)),
    ] {
        let mut big = V4 {
            fragment,
            ..packet()
        };
        big.payload.resize(length - 20, 0x5a);
        let mut frame = bench.v4(&big);
        for padding in [0, 100] {
            frame.resize(frame.len() + padding, 0);
            match verdict {
                Some(verdict) => bench.stops(&frame, verdict),
                None => bench.forwards(&frame),
            }
        }
    }
}

#[test]
fn case_58_fragments_that_fit_are_forwarded() {
    let mut bench = Bench::with_routes();
    for fragment in [MF, MF | 100, 100] {
        let piece = V4 {
            fragment,
            ..packet()
        };
        let frame = bench.v4(&piece);
        bench.forwards(&frame);
    }
}

#[test]
fn case_59_a_tcp_fragment_at_offset_1_goes_on() {
    let mut bench = Bench::with_routes();
    let tiny = V4 {
        fragment: 1,
        protocol: TCP,
        ..packet()
    };
    let frame = bench.v4(&tiny);
    bench.forwards(&frame);
}

#[test]
fn case_60_odd_but_forwardable_headers_go_on_unchanged() {
    let mut bench = Bench::with_routes();
    for fragment in [0x8000, 0x8000 | DF, 0x1fff, MF | 0x1fff, DF | MF] {
        let odd = V4 {
            fragment,
            ..packet()
        };
        let frame = bench.v4(&odd);
        bench.forwards(&frame);
    }
    for protocol in [0, 1, 2, 50, 253, 255] {
        let odd = V4 {
            protocol,
            traffic_class: 0xb9,
            ..packet()
        };
        let frame = bench.v4(&odd);
        bench.forwards(&frame);
    }
}

#[test]
fn case_61_and_100_a_packet_may_leave_where_it_came_in() {
    let mut bench = Bench::new();
    let mut back = bench.neighbour(GATEWAY);
    back.egress = bench.ingress.index;
    back.source_mac = bench.ingress.mac;
    bench.route("198.51.100.0/24", back);
    let frame = bench.v4(&packet());
    let run = bench.run(&frame);
    assert_eq!(run.verdict, Verdict::Forwarded);
    let expected = crate::frame::forwarded(&frame, GATEWAY, bench.ingress.mac);
    assert_eq!(run.output, expected);
}

#[test]
fn what_forwarding_changes_is_12_bytes_of_link_layer_ttl_and_checksum() {
    let mut bench = Bench::with_routes();
    let frame = bench.v4(&V4 {
        traffic_class: 0xff,
        fragment: DF,
        ..packet()
    });
    let run = bench.run(&frame);
    let changed: Vec<usize> = (0..frame.len())
        .filter(|&byte| frame[byte] != run.output[byte])
        .collect();
    assert!(
        changed
            .iter()
            .all(|&byte| byte < 12 || [8, 10, 11].contains(&(byte - L3)))
    );
    assert_eq!(run.output.len(), frame.len());
}
