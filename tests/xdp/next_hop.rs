//! Sections 3.6 and 3.7: the neighbour and the egress port.

use router_common::next_hop::{NextHop, NextHopId};
use router_common::verdict::Verdict;

use crate::bench::{Bench, GATEWAY};
use crate::frame::{self, DF, V4, V6};

fn v4() -> V4 {
    V4::new("192.0.2.9", "198.51.100.7")
}

fn v6() -> V6 {
    V6::new("2001:db8::9", "2001:db8:1::7")
}

/// Both families towards one next hop: from the route on there is no difference.
#[track_caller]
fn towards(change: impl Fn(&Bench, &mut NextHop), verdict: Verdict) {
    let mut bench = Bench::new();
    let mut next_hop = bench.neighbour(GATEWAY);
    change(&bench, &mut next_hop);
    bench.route("198.51.100.0/24", next_hop);
    bench.route("2001:db8:1::/48", next_hop);
    let mut big = v4();
    big.payload.resize(3000, 0);
    let mut options = v4();
    options.options = vec![1; 4];
    for (frame, verdict) in [
        (bench.v4(&v4()), verdict),
        (bench.v6(&v6()), verdict),
        // The neighbour comes before the size, options and TTL come before the neighbour.
        (bench.v4(&big), verdict),
        (bench.v4(&options), Verdict::PassIpOptions),
        (bench.v4(&V4 { ttl: 1, ..v4() }), Verdict::PassTtlExpired),
        (
            bench.v6(&V6 {
                hop_limit: 1,
                ..v6()
            }),
            Verdict::PassTtlExpired,
        ),
    ] {
        bench.stops(&frame, verdict);
    }
}

#[test]
fn case_88_a_next_hop_without_a_mac() {
    towards(
        |_, next_hop| next_hop.neighbour = [0; 8],
        Verdict::PassNoNeighbour,
    );
}

#[test]
fn case_91_a_connected_subnet_gleans_and_its_neighbours_have_entries() {
    towards(
        |_, next_hop| *next_hop = NextHop::terminal(Verdict::PassNoNeighbour),
        Verdict::PassNoNeighbour,
    );
    let mut bench = Bench::with_routes();
    bench.route_ends("203.0.113.0/24", Verdict::PassNoNeighbour);
    let neighbour = bench.neighbour(GATEWAY);
    bench.route("203.0.113.7/32", neighbour);
    let known = bench.v4(&V4::new("192.0.2.9", "203.0.113.7"));
    bench.forwards(&known);
    let unknown = bench.v4(&V4::new("192.0.2.9", "203.0.113.8"));
    bench.stops(&unknown, Verdict::PassNoNeighbour);
}

#[test]
fn case_92_ipv4_over_a_neighbour_of_either_family_keeps_its_ether_type() {
    // A next hop is a port and a MAC: there is nothing of its family in it.
    let mut bench = Bench::new();
    let shared = bench.neighbour(GATEWAY);
    bench.route("198.51.100.0/24", shared);
    bench.route("2001:db8:1::/48", shared);
    for frame in [bench.v4(&v4()), bench.v6(&v6())] {
        bench.forwards(&frame);
    }
}

#[test]
fn case_94_a_new_mac_is_one_store_in_the_next_hop() {
    let mut bench = Bench::with_routes();
    let frame = bench.v4(&v4());
    bench.forwards(&frame);
    let moved = [0x02, 1, 2, 3, 4, 5];
    let next_hop = bench.neighbour(moved);
    // The first next hop that `with_routes` made.
    bench.put_next_hop(NextHopId(1), next_hop);
    assert_eq!(bench.neighbour_of(&frame), moved);
}

#[test]
fn case_96_an_egress_that_does_not_take_xdp_frames() {
    towards(
        |bench, next_hop| next_hop.egress = bench.stranger.index,
        Verdict::PassNoPortNotAttached,
    );
}

#[test]
fn case_97_an_egress_without_ethernet_header_is_reached_through_the_kernel() {
    towards(
        |_, next_hop| *next_hop = NextHop::terminal(Verdict::PassNoPortNotAttached),
        Verdict::PassNoPortNotAttached,
    );
    towards(
        |_, next_hop| *next_hop = NextHop::terminal(Verdict::PassNoPortDown),
        Verdict::PassNoPortDown,
    );
}

#[test]
fn the_mtu_is_that_of_the_next_hop() {
    let mut bench = Bench::new();
    for (prefix, mtu) in [("198.51.100.0/24", 1280), ("203.0.113.0/24", 65_535)] {
        let mut next_hop = bench.neighbour(GATEWAY);
        next_hop.mtu = mtu;
        bench.route(prefix, next_hop);
    }
    let mut packet = V4 {
        fragment: DF,
        ..v4()
    };
    packet.payload.resize(1280 - 20, 0);
    let frame = bench.v4(&packet);
    bench.forwards(&frame);
    packet.payload.push(0);
    let frame = bench.v4(&packet);
    bench.stops(&frame, Verdict::PassTooBigDf);
    packet.destination = "203.0.113.1".parse().unwrap();
    packet.payload.resize(20_000, 0);
    let frame = bench.v4(&packet);
    let run = bench.run(&frame);
    assert_eq!(run.verdict, Verdict::Forwarded);
    assert_eq!(
        run.output,
        frame::forwarded(&frame, GATEWAY, bench.egress.mac)
    );
}
