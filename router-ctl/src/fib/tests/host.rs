//! What the host gives: addresses, subnets, neighbours, links.

use router_common::verdict::Verdict;

use super::world::{World, ip, link, mac, net, via};
use crate::fib::op::FibOp;
use crate::fib::{Gateway, LocalKind, PathTarget, Probe, Reachability, RouteKind};
use crate::host::{HostEvent, IfIndex, LinkState, NeighbourKey, NeighbourState};

fn key(link: u32, address: &str) -> NeighbourKey {
    NeighbourKey {
        link: IfIndex(link),
        address: ip(address),
    }
}

#[test]
fn own_addresses_and_the_edges_of_a_subnet_have_their_verdicts() {
    let world = World::two_ports();
    for (address, verdict) in [
        ("10.0.1.1", Verdict::PassLocal),
        ("10.0.1.255", Verdict::PassLocalBroadcast),
        ("10.0.1.0", Verdict::PassNoNeighbour),
        ("10.0.1.77", Verdict::PassNoNeighbour),
        ("2001:db8:1::1", Verdict::PassLocal),
        ("2001:db8:1::", Verdict::PassLocalAnycast),
        ("2001:db8:1::ffff", Verdict::PassNoNeighbour),
        ("10.0.3.1", Verdict::PassNoRoute),
    ] {
        assert_eq!(world.verdict(address), verdict, "{address}");
    }
    assert_eq!(world.spread("10.0.2.255")[0].egress, 2);
    assert_eq!(world.neighbour_of("10.0.2.5"), 5);
    assert_eq!(world.neighbour_of("2001:db8:1::7"), 7);
}

#[test]
fn point_to_point_subnets_have_no_broadcast_or_anycast_address() {
    let mut world = World::two_ports();
    for address in [
        "192.0.2.0/31",
        "192.0.2.9/32",
        "2001:db8:8::/127",
        "2001:db8:9::1/128",
    ] {
        world.address(1, address);
    }
    world.sync();
    for (address, verdict) in [
        ("192.0.2.0", Verdict::PassLocal),
        ("192.0.2.1", Verdict::PassNoNeighbour),
        ("192.0.2.9", Verdict::PassLocal),
        ("192.0.2.8", Verdict::PassNoRoute),
        ("2001:db8:8::", Verdict::PassLocal),
        ("2001:db8:8::1", Verdict::PassNoNeighbour),
        ("2001:db8:9::", Verdict::PassNoRoute),
    ] {
        assert_eq!(world.verdict(address), verdict, "{address}");
    }
}

#[test]
fn a_subnet_on_a_loopback_interface_is_our_own() {
    let mut world = World::two_ports();
    let mut lo = link(9, LinkState::Up);
    lo.loopback = true;
    world.link(lo);
    world.address(9, "198.51.100.1/28");
    world.sync();
    assert_eq!(world.verdict("198.51.100.9"), Verdict::PassLocal);
    assert_eq!(world.verdict("198.51.100.15"), Verdict::PassLocal);
}

#[test]
fn what_the_host_has_wins_over_routes_and_routes_over_neighbours() {
    let mut world = World::two_ports();
    for prefix in ["10.0.1.0/24", "10.0.1.1/32", "10.0.1.5/32"] {
        world.set(prefix, via(&["10.0.2.2"]));
    }
    world.sync();
    assert_eq!(world.verdict("10.0.1.1"), Verdict::PassLocal);
    assert_eq!(world.verdict("10.0.1.77"), Verdict::PassNoNeighbour);
    assert_eq!(
        world.spread("10.0.1.5")[0].egress,
        2,
        "a route to the neighbour itself"
    );
    world.no_address(1, "10.0.1.1/24");
    world.sync();
    assert_eq!(world.spread("10.0.1.1")[0].egress, 2);
    assert_eq!(world.spread("10.0.1.77")[0].egress, 2);
    world.address(1, "10.0.1.1/24");
    for prefix in ["10.0.1.0/24", "10.0.1.1/32", "10.0.1.5/32"] {
        world.unset(prefix);
    }
    world.sync();
    assert_eq!(world.verdict("10.0.1.77"), Verdict::PassNoNeighbour);
    assert_eq!(world.spread("10.0.1.5")[0].egress, 1);
    world.check_everything();
}

#[test]
fn a_route_inside_a_subnet_hides_the_neighbours_inside_it() {
    let mut world = World::two_ports();
    world.set("10.0.1.4/30", via(&["10.0.2.2"]));
    world.sync();
    assert_eq!(world.spread("10.0.1.5")[0].egress, 2);
    assert_eq!(world.spread("10.0.1.3")[0].egress, 1);
    world.unset("10.0.1.4/30");
    world.sync();
    assert_eq!(world.neighbour_of("10.0.1.5"), 5);
}

#[test]
fn a_neighbour_off_its_links_subnet_gets_no_entry() {
    let mut world = World::two_ports();
    world.neighbour(2, "10.0.1.99", Some(99));
    world.neighbour(2, "198.51.100.1", Some(98));
    world.sync();
    assert_eq!(world.verdict("10.0.1.99"), Verdict::PassNoNeighbour);
    assert_eq!(world.verdict("198.51.100.1"), Verdict::PassNoRoute);
}

#[test]
fn a_mac_change_is_one_next_hop_whatever_uses_it() {
    let mut world = World::two_ports();
    for number in 0..50 {
        world.set(&format!("198.51.{number}.0/24"), via(&["10.0.1.2"]));
        world.set(
            &format!("203.0.{number}.0/24"),
            via(&["10.0.1.2", "10.0.2.2"]),
        );
    }
    world.sync();
    world.neighbour(1, "10.0.1.2", Some(42));
    let ops = world.sync();
    assert!(matches!(ops[..], [FibOp::PutNextHop { .. }]), "{ops:?}");
    assert_eq!(world.neighbour_of("198.51.7.1"), 42);
    world.check_everything();
}

#[test]
fn a_neighbour_being_resolved_again_keeps_its_mac_and_a_failed_one_loses_it() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.0.1.2"]));
    world.sync();
    let incomplete = HostEvent::Neighbour(key(1, "10.0.1.2"), NeighbourState::Incomplete);
    world.event(incomplete);
    assert_eq!(world.sync(), []);
    world.neighbour(1, "10.0.1.2", None);
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 0);
    assert_eq!(world.verdict("10.0.1.2"), Verdict::PassNoNeighbour);
}

#[test]
fn another_mtu_or_port_mac_is_another_next_hop() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.0.1.2"]));
    world.sync();
    let mut changed = link(1, LinkState::Up);
    changed.mtu = 9000;
    changed.mac = Some(mac(250));
    world.link(changed);
    world.sync();
    let hop = world.spread("198.51.100.1")[0];
    assert_eq!((hop.mtu, hop.source_mac), (9000, mac(250).0));
    world.check_everything();
}

#[test]
fn a_link_that_goes_down_takes_its_subnets_and_its_gateways_along() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.0.1.2"]));
    world.set("203.0.113.0/24", via(&["10.0.1.2", "10.0.2.2"]));
    world.sync();
    let gateway = world.gateways[&Gateway {
        address: ip("10.0.1.2"),
        link: None,
    }];
    assert_eq!(
        world.fib.reachability(gateway),
        Reachability::Resolved { metric: 0 }
    );
    world.link(link(1, LinkState::NoCarrier));
    world.sync();
    assert_eq!(world.fib.drain_gateway_changes(&world.index), [gateway]);
    assert_eq!(world.fib.reachability(gateway), Reachability::Unresolved);
    assert_eq!(world.verdict("198.51.100.1"), Verdict::PassUnreachable);
    assert_eq!(world.neighbour_of("203.0.113.1"), 2);
    assert_eq!(
        world.verdict("10.0.1.1"),
        Verdict::PassLocal,
        "an own address stays"
    );
    assert_eq!(world.verdict("10.0.1.77"), Verdict::PassNoRoute);
    world.link(link(1, LinkState::Up));
    world.sync();
    assert_eq!(world.fib.drain_gateway_changes(&world.index), [gateway]);
    assert_eq!(world.fib.drain_gateway_changes(&world.index), []);
    world.check_everything();
}

#[test]
fn out_of_an_interface_without_a_port_the_kernel_forwards() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.0.2.2"]));
    world.detach(2);
    world.sync();
    for address in ["198.51.100.1", "10.0.2.2", "10.0.2.77"] {
        assert_eq!(
            world.verdict(address),
            Verdict::PassNoPortNotAttached,
            "{address}"
        );
    }
    assert_eq!(world.verdict("10.0.2.1"), Verdict::PassLocal);
    world.attach(2);
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 2);
    world.check_everything();
}

#[test]
fn a_dump_removes_what_it_does_not_name() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.0.1.2"]));
    world.sync();
    world.host.neighbours.remove(&key(1, "10.0.1.2"));
    world
        .host
        .addresses
        .remove(&(IfIndex(2), net("10.0.2.1/24")));
    world.event(HostEvent::Resync);
    world.tell_host();
    assert_eq!(world.sync(), [], "until the dump is complete all stays");
    world.event(HostEvent::ResyncDone);
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 0);
    assert_eq!(world.verdict("10.0.2.1"), Verdict::PassNoRoute);
    world.check_everything();
}

#[test]
fn an_identical_dump_writes_nothing() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.0.1.2"]));
    world.sync();
    world.fib.drain_probes();
    world.event(HostEvent::Resync);
    world.tell_host();
    world.event(HostEvent::ResyncDone);
    assert_eq!(world.sync(), []);
    assert_eq!(world.fib.drain_probes(), []);
}

#[test]
fn neighbours_in_use_are_kept_fresh_and_lost_ones_asked_for_again() {
    let mut world = World::two_ports();
    let used = key(1, "10.0.1.200");
    world.fib.drain_probes();
    world.set("198.51.100.0/24", via(&["10.0.1.200"]));
    world.sync();
    assert_eq!(world.fib.drain_probes(), [Probe::Keep(used)]);
    assert_eq!(world.fib.drain_probes(), []);
    world.neighbour(1, "10.0.1.200", None);
    world.sync();
    assert_eq!(world.fib.drain_probes(), [Probe::Keep(used)]);
    world.unset("198.51.100.0/24");
    world.release_unused();
    world.sync();
    assert_eq!(world.fib.drain_probes(), [Probe::Forget(used)]);
    // A neighbour that is reached directly is kept as well, for as long as it answers.
    world.neighbour(1, "10.0.1.201", Some(9));
    world.sync();
    assert_eq!(
        world.fib.drain_probes(),
        [Probe::Keep(key(1, "10.0.1.201"))]
    );
    world.neighbour(1, "10.0.1.201", None);
    world.sync();
    assert_eq!(
        world.fib.drain_probes(),
        [Probe::Forget(key(1, "10.0.1.201"))]
    );
}

#[test]
fn local_routes_are_listed_and_shown() {
    let world = World::two_ports();
    let kinds = |kind: LocalKind| {
        let locals = world.fib.local_routes();
        locals.filter(|local| local.kind == kind).count()
    };
    assert_eq!(kinds(LocalKind::Own), 4);
    assert_eq!(kinds(LocalKind::Connected), 4);
    assert_eq!(
        (kinds(LocalKind::Broadcast), kinds(LocalKind::Anycast)),
        (2, 2)
    );
    let id = world.fib.lookup(&world.index, ip("10.0.1.77")).unwrap();
    let view = world.fib.view(id).unwrap();
    assert_eq!(view.kind, RouteKind::Local(LocalKind::Connected));
    assert_eq!(
        view.paths[0].target,
        PathTarget::Connected(Some(IfIndex(1)))
    );
    let id = world.fib.lookup(&world.index, ip("10.0.1.5")).unwrap();
    assert_eq!(world.fib.view(id).unwrap().kind, RouteKind::Neighbour);
}
