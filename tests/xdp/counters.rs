//! Section 8: what is counted where. That each packet is received once and judged once is asserted by the
//! bench after every run.

use router_common::counter::Counter;
use router_common::verdict::Verdict;

use crate::bench::{Bench, GATEWAY};
use crate::frame::{V4, V6};

#[test]
fn a_prefix_counts_what_matched_it_whatever_became_of_it() {
    let mut bench = Bench::new();
    let gateway = bench.neighbour(GATEWAY);
    let forwarded = bench.route("198.51.100.0/24", gateway);
    let more_specific = bench.route("198.51.100.128/25", gateway);
    let v6 = bench.route("2001:db8:1::/48", gateway);
    let blackhole = bench.route_ends("203.0.113.0/24", Verdict::DropBlackhole);
    let local = bench.route_ends("192.0.2.1/32", Verdict::PassLocal);

    let mut expected = Counter::default();
    for padding in [0, 1, 500] {
        let mut frame = bench.v4(&V4::new("192.0.2.9", "198.51.100.7"));
        frame.resize(frame.len() + padding, 0);
        bench.run(&frame);
        expected.packets += 1;
        expected.bytes += frame.len() as u64;
        assert_eq!(bench.routed(forwarded), expected);
    }
    assert_eq!(bench.routed(more_specific), Counter::default());

    let expired = bench.v4(&V4 {
        ttl: 1,
        ..V4::new("192.0.2.9", "198.51.100.200")
    });
    bench.stops(&expired, Verdict::PassTtlExpired);
    assert_eq!(bench.routed(more_specific), one(&expired));
    let frame = bench.v6(&V6::new("2001:db8::9", "2001:db8:1::7"));
    bench.run(&frame);
    assert_eq!(bench.routed(v6), one(&frame));
    let frame = bench.v4(&V4::new("192.0.2.9", "203.0.113.1"));
    bench.run(&frame);
    assert_eq!(bench.routed(blackhole), one(&frame));
    let frame = bench.v4(&V4::new("192.0.2.9", "192.0.2.1"));
    bench.run(&frame);
    assert_eq!(bench.routed(local), one(&frame));
    assert_eq!(bench.routed(forwarded), expected);
}

#[test]
fn packets_that_end_before_the_lookup_count_for_no_prefix() {
    let mut bench = Bench::new();
    let gateway = bench.neighbour(GATEWAY);
    let default = bench.route("0.0.0.0/0", gateway);
    for packet in [
        V4::new("127.0.0.1", "198.51.100.7"),
        V4::new("192.0.2.9", "127.0.0.1"),
        V4::new("192.0.2.9", "224.0.0.1"),
    ] {
        let frame = bench.v4(&packet);
        bench.run(&frame);
    }
    assert_eq!(bench.routed(default), Counter::default());
}

#[test]
fn a_route_keeps_its_totals_when_its_paths_change() {
    let mut bench = Bench::with_routes();
    let other = [2, 7, 7, 7, 7, 7];
    let frame = bench.v4(&V4::new("192.0.2.9", "198.51.100.7"));
    bench.forwards(&frame);
    let route = router_common::route::RouteId::FIRST;
    let next_hop = bench.neighbour(other);
    bench.repoint(route, next_hop);
    assert_eq!(bench.neighbour_of(&frame), other);
    assert_eq!(bench.routed(route).packets, 2);
}

fn one(frame: &[u8]) -> Counter {
    Counter {
        packets: 1,
        bytes: frame.len() as u64,
    }
}
