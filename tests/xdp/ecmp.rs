//! Section 6.1: which packets share a flow. The path list has as many next hops as buckets, and the neighbour
//! that a packet leaves for names its bucket, which must be that of `router_common::flow_hash`.

use router_common::flow_hash::{Discriminator, Flow};
use router_common::next_hop::NextHop;
use router_common::verdict::Verdict;

use crate::bench::Bench;
use crate::frame::{ICMP, ICMPV6, MF, TCP, UDP, V4, V6, icmp, ports};

const BUCKETS: u32 = 256;
const SEED: u32 = 0x5eed_1234;
const FRAGMENT: u8 = 44;

fn neighbour(bucket: u32) -> [u8; 6] {
    let [_, _, high, low] = bucket.to_be_bytes();
    [0x02, 0xec, 0, 0, high, low]
}

/// Everything routed over 256 buckets.
fn bench(seed: u32) -> Bench {
    let mut bench = Bench::new();
    bench.set_seed(seed);
    let next_hops: Vec<NextHop> = (0..BUCKETS)
        .map(|bucket| bench.neighbour(neighbour(bucket)))
        .collect();
    bench.route_over("0.0.0.0/0", &next_hops);
    bench.route_over("::/0", &next_hops);
    bench
}

fn bucket_v4(bench: &mut Bench, packet: &V4) -> u32 {
    let frame = bench.v4(packet);
    bucket(bench, &frame)
}

fn bucket_v6(bench: &mut Bench, packet: &V6) -> u32 {
    let frame = bench.v6(packet);
    bucket(bench, &frame)
}

fn bucket(bench: &mut Bench, frame: &[u8]) -> u32 {
    let [_, _, _, _, high, low] = bench.neighbour_of(frame);
    u32::from(high) << 8 | u32::from(low)
}

#[track_caller]
fn check_v4(bench: &mut Bench, packet: &V4, key: (&str, &str, Discriminator)) {
    let (source, destination, discriminator) = key;
    let flow = Flow {
        source: source.parse::<std::net::Ipv4Addr>().unwrap().octets(),
        destination: destination.parse::<std::net::Ipv4Addr>().unwrap().octets(),
        discriminator,
    };
    assert_eq!(
        bucket_v4(bench, packet),
        flow.hash(SEED) % BUCKETS,
        "{packet:?}"
    );
}

#[track_caller]
fn check_v6(bench: &mut Bench, packet: &V6, key: (&str, &str, Discriminator)) {
    let (source, destination, discriminator) = key;
    let flow = Flow {
        source: source.parse::<std::net::Ipv6Addr>().unwrap().octets(),
        destination: destination.parse::<std::net::Ipv6Addr>().unwrap().octets(),
        discriminator,
    };
    assert_eq!(
        bucket_v6(bench, packet),
        flow.hash(SEED) % BUCKETS,
        "{packet:?}"
    );
}

const A: &str = "192.0.2.9";
const B: &str = "198.51.100.7";
const A6: &str = "2001:db8::9";
const B6: &str = "2001:db8:1::7";
const LABEL: u32 = 0xabcde;

fn v4() -> V4 {
    V4::new(A, B)
}

fn v6() -> V6 {
    V6 {
        flow_label: LABEL,
        ..V6::new(A6, B6)
    }
}

#[test]
fn protocols_with_ports_hash_on_the_five_tuple() {
    let mut bench = bench(SEED);
    for protocol in [TCP, UDP, 33, 132, 136] {
        for (source, destination) in [(1, 2), (40_000, 443), (0xffff, 0), (0x0102, 0x0201)] {
            let payload = ports(source, destination);
            let key = Discriminator::ports(protocol, source, destination);
            let packet = V4 {
                protocol,
                payload: payload.clone(),
                ..v4()
            };
            check_v4(&mut bench, &packet, (A, B, key));
            let packet = V6 {
                next_header: protocol,
                payload,
                ..v6()
            };
            check_v6(&mut bench, &packet, (A6, B6, key));
        }
    }
}

#[test]
fn other_protocols_hash_on_addresses_and_protocol() {
    let mut bench = bench(SEED);
    for protocol in [0, 2, 4, 41, 47, 50, 89, 253, 255] {
        let key = Discriminator::protocol(protocol);
        check_v4(&mut bench, &V4 { protocol, ..v4() }, (A, B, key));
    }
    for next_header in [4, 41, 47, 50, 59, 89, 253, 255] {
        let key = Discriminator::protocol(next_header);
        check_v6(
            &mut bench,
            &V6 {
                next_header,
                ..v6()
            },
            (A6, B6, key),
        );
    }
    for (protocol, kind) in [(ICMP, 8), (ICMP, 0), (ICMP, 13)] {
        let packet = V4 {
            protocol,
            payload: icmp(kind, 0, &v4().bytes()),
            ..v4()
        };
        check_v4(&mut bench, &packet, (A, B, Discriminator::protocol(ICMP)));
    }
    for kind in [128, 129, 160] {
        let payload = icmp(kind, 0, &v6().bytes());
        let packet = V6 {
            next_header: ICMPV6,
            payload,
            ..v6()
        };
        check_v6(
            &mut bench,
            &packet,
            (A6, B6, Discriminator::protocol(ICMPV6)),
        );
    }
}

#[test]
fn all_fragments_of_an_ipv4_packet_share_a_flow_and_no_ports() {
    let mut bench = bench(SEED);
    for fragment in [MF, MF | 185, 185, 0x1fff] {
        for (source, destination) in [(40_000, 53), (1, 2)] {
            let packet = V4 {
                fragment,
                payload: ports(source, destination),
                ..v4()
            };
            check_v4(&mut bench, &packet, (A, B, Discriminator::protocol(UDP)));
        }
    }
}

#[test]
fn all_fragments_of_an_ipv6_packet_share_a_flow_whatever_their_next_header() {
    let mut bench = bench(SEED);
    for (next, offset) in [(UDP, 0u8), (UDP, 1), (60, 8), (TCP, 0xb9)] {
        let mut payload = vec![next, 0, 0, offset, 0, 0, 0, 7];
        payload.extend(ports(40_000, 53));
        let packet = V6 {
            next_header: FRAGMENT,
            payload,
            ..v6()
        };
        check_v6(
            &mut bench,
            &packet,
            (A6, B6, Discriminator::flow_label(LABEL)),
        );
    }
    // The Fragment header may stand behind others.
    let mut payload = vec![FRAGMENT, 0, 1, 4, 0, 0, 0, 0, UDP, 0, 0, 1, 0, 0, 0, 7];
    payload.extend(ports(40_000, 53));
    let packet = V6 {
        next_header: 60,
        payload,
        ..v6()
    };
    check_v6(
        &mut bench,
        &packet,
        (A6, B6, Discriminator::flow_label(LABEL)),
    );
}

/// `count` destination options headers of `length` bytes each, then UDP.
fn chain(count: usize, length: usize) -> V6 {
    let mut payload = Vec::new();
    for index in 0..count {
        let next = if index + 1 == count { UDP } else { 60 };
        let mut header = vec![0; length];
        header[0] = next;
        header[1] = u8::try_from(length / 8 - 1).unwrap();
        payload.extend(header);
    }
    payload.extend(ports(40_000, 53));
    V6 {
        next_header: if count == 0 { UDP } else { 60 },
        payload,
        ..v6()
    }
}

#[test]
fn extension_headers_are_walked_up_to_8_of_them_and_256_bytes() {
    let mut bench = bench(SEED);
    let ports = Discriminator::ports(UDP, 40_000, 53);
    for (count, length) in [(0, 8), (1, 8), (3, 16), (8, 8), (8, 32), (1, 256)] {
        check_v6(&mut bench, &chain(count, length), (A6, B6, ports));
    }
    for (count, length) in [(9, 8), (8, 40), (1, 264), (2, 136)] {
        let label = Discriminator::flow_label(LABEL);
        check_v6(&mut bench, &chain(count, length), (A6, B6, label));
    }
}

#[test]
fn every_kind_of_extension_header_is_walked_by_its_own_length() {
    let mut bench = bench(SEED);
    let key = Discriminator::ports(UDP, 40_000, 53);
    // Authentication counts in units of 4 bytes beyond two.
    for (kind, units, length) in [
        (0, 1, 16),
        (43, 2, 24),
        (51, 4, 24),
        (51, 1, 12),
        (60, 0, 8),
        (135, 1, 16),
        (139, 4, 40),
        (140, 0, 8),
    ] {
        let mut payload = vec![0; length];
        payload[0] = UDP;
        payload[1] = units;
        payload.extend(ports(40_000, 53));
        let packet = V6 {
            next_header: kind,
            payload,
            ..v6()
        };
        check_v6(&mut bench, &packet, (A6, B6, key));
    }
}

#[test]
fn case_46_ports_are_never_read_from_padding() {
    let mut bench = bench(SEED);
    for length in 0..4 {
        let payload = vec![0x11; length];
        let mut frame = bench.v4(&V4 {
            payload: payload.clone(),
            ..v4()
        });
        frame.resize(80, 0x22);
        let flow = Flow {
            source: v4().source.octets(),
            destination: v4().destination.octets(),
            discriminator: Discriminator::protocol(UDP),
        };
        assert_eq!(bucket(&mut bench, &frame), flow.hash(SEED) % BUCKETS);
        let mut frame = bench.v6(&V6 { payload, ..v6() });
        frame.resize(80, 0x22);
        let flow = Flow {
            source: v6().source.octets(),
            destination: v6().destination.octets(),
            discriminator: Discriminator::flow_label(LABEL),
        };
        assert_eq!(bucket(&mut bench, &frame), flow.hash(SEED) % BUCKETS);
    }
}

/// A router at C tells the node at B that its packet to A was too big. It must reach the node that serves A's
/// flow towards B.
#[test]
fn an_icmp_error_follows_the_flow_that_it_quotes() {
    let mut bench = bench(SEED);
    for protocol in [TCP, UDP] {
        let request = V4 {
            protocol,
            payload: ports(40_000, 443),
            ..v4()
        };
        let reply = V4 {
            protocol,
            payload: ports(443, 40_000),
            ..V4::new(B, A)
        };
        let expected = bucket_v4(&mut bench, &request);
        for kind in [3, 4, 5, 11, 12] {
            let mut options = reply.clone();
            options.options = vec![1; 8];
            for quoted in [reply.bytes(), options.bytes()] {
                let error = V4 {
                    protocol: ICMP,
                    payload: icmp(kind, 4, &quoted),
                    ..V4::new("203.0.113.5", B)
                };
                assert_eq!(bucket_v4(&mut bench, &error), expected);
            }
        }
        let request = V6 {
            next_header: protocol,
            payload: ports(40_000, 443),
            ..v6()
        };
        let reply = V6 {
            next_header: protocol,
            payload: ports(443, 40_000),
            ..V6::new(B6, A6)
        };
        let mut extended = reply.clone();
        extended.next_header = 60;
        extended.payload = vec![protocol, 0, 1, 4, 0, 0, 0, 0];
        extended.payload.extend(ports(443, 40_000));
        let expected = bucket_v6(&mut bench, &request);
        for kind in [1, 2, 3, 4] {
            for quoted in [&reply, &extended] {
                let error = V6 {
                    next_header: ICMPV6,
                    payload: icmp(kind, 0, &quoted.bytes()),
                    ..V6::new("2001:db8:5::1", B6)
                };
                assert_eq!(bucket_v6(&mut bench, &error), expected, "{error:?}");
            }
        }
    }
}

#[test]
fn an_icmp_error_about_a_fragment_follows_the_fragments() {
    let mut bench = bench(SEED);
    let request = V4 {
        fragment: MF,
        ..v4()
    };
    let expected = bucket_v4(&mut bench, &request);
    let quoted = V4 {
        fragment: 185,
        ..V4::new(B, A)
    };
    let error = V4 {
        protocol: ICMP,
        payload: icmp(3, 4, &quoted.bytes()),
        ..V4::new("203.0.113.5", B)
    };
    assert_eq!(bucket_v4(&mut bench, &error), expected);
}

#[test]
fn an_icmp_error_that_quotes_too_little_hashes_on_its_own_addresses() {
    let mut bench = bench(SEED);
    let quoted = V4::new(B, A).bytes();
    for length in [0, 1, 19, 20, 23] {
        let payload = icmp(3, 4, &quoted[..length]);
        let error = V4 {
            protocol: ICMP,
            payload,
            ..v4()
        };
        check_v4(&mut bench, &error, (A, B, Discriminator::protocol(ICMP)));
    }
    let mut wrong_version = quoted;
    wrong_version[0] = 0x65;
    let payload = icmp(3, 4, &wrong_version);
    let error = V4 {
        protocol: ICMP,
        payload,
        ..v4()
    };
    check_v4(&mut bench, &error, (A, B, Discriminator::protocol(ICMP)));
    let quoted = V6::new(B6, A6).bytes();
    for length in [0, 1, 39, 40, 43] {
        let payload = icmp(2, 0, &quoted[..length]);
        let error = V6 {
            next_header: ICMPV6,
            payload,
            ..v6()
        };
        check_v6(
            &mut bench,
            &error,
            (A6, B6, Discriminator::protocol(ICMPV6)),
        );
    }
}

#[test]
fn what_changes_on_the_way_is_not_in_the_key() {
    let mut bench = bench(SEED);
    let expected = bucket_v4(&mut bench, &v4());
    for packet in [
        V4 { ttl: 7, ..v4() },
        V4 {
            identification: 0xbeef,
            ..v4()
        },
        V4 {
            traffic_class: 0xff,
            ..v4()
        },
        V4 {
            fragment: crate::frame::DF,
            ..v4()
        },
    ] {
        assert_eq!(bucket_v4(&mut bench, &packet), expected);
    }
    let expected = bucket_v6(&mut bench, &v6());
    for packet in [
        V6 {
            hop_limit: 7,
            ..v6()
        },
        V6 {
            traffic_class: 0xff,
            ..v6()
        },
        // A sender may change the label of a flow in mid-life.
        V6 {
            flow_label: 1,
            ..v6()
        },
    ] {
        assert_eq!(bucket_v6(&mut bench, &packet), expected);
    }
}

#[test]
fn the_seed_is_that_of_the_settings() {
    let mut bench = bench(SEED);
    let one = Flow {
        source: v4().source.octets(),
        destination: v4().destination.octets(),
        discriminator: Discriminator::ports(UDP, 40_000, 53),
    };
    for seed in [0, 1, 0xffff_ffff, SEED] {
        bench.set_seed(seed);
        assert_eq!(bucket_v4(&mut bench, &v4()), one.hash(seed) % BUCKETS);
    }
}

#[test]
fn a_bucket_may_end_the_packets_way() {
    let mut bench = Bench::new();
    let dead = NextHop::terminal(Verdict::DropBlackhole);
    bench.route_over("198.51.100.0/24", &[dead; 4]);
    let frame = bench.v4(&v4());
    bench.stops(&frame, Verdict::DropBlackhole);
}
