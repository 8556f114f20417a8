//! Routes: gateways, recursion, path sets that change, and what moves then.

use proptest::prelude::*;
use router_common::next_hop::NextHop;
use router_common::verdict::Verdict;
use smallvec::smallvec;

use super::world::{Route, World, ip, link, net, via};
use crate::fib::op::FibOp;
use crate::fib::table::Capacity;
use crate::fib::{Fib, Gateway, PathSet, PathTarget, PathView, Reachability, ViaDefault};
use crate::host::{IfIndex, LinkState};
use crate::prefix::PrefixIndex;

/// Flows that left a next hop that `after` still has.
fn moved_needlessly(before: &[NextHop], after: &[NextHop]) -> usize {
    let size = before.len().max(after.len());
    (0..size)
        .filter(|hash| {
            let (from, to) = (before[hash % before.len()], after[hash % after.len()]);
            from != to && after.contains(&from) && before.contains(&to)
        })
        .count()
}

#[test]
fn a_route_id_is_kept_while_the_prefix_is_there() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.0.1.2"]));
    world.sync();
    let id = world.index.get(net("198.51.100.0/24")).unwrap();
    let route = world.fib.view(id).unwrap().route;
    for set in [
        via(&["10.0.1.3", "10.0.2.2"]),
        Route::Blackhole,
        via(&["10.0.2.2"]),
    ] {
        world.set("198.51.100.0/24", set);
        let ops = world.sync();
        assert!(
            !ops.iter()
                .any(|op| matches!(op, FibOp::Bind { .. } | FibOp::Unbind { .. })),
            "{ops:?}"
        );
        assert_eq!(world.fib.view(id).unwrap().route, route);
    }
}

#[test]
fn setting_the_same_again_writes_nothing() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.0.1.2", "10.0.2.2"]));
    world.sync();
    world.set("198.51.100.0/24", via(&["10.0.2.2", "10.0.1.2"]));
    assert_eq!(world.sync(), []);
    world.unset("198.51.100.0/24");
    world.set("198.51.100.0/24", via(&["10.0.2.2", "10.0.1.2"]));
    assert_eq!(world.sync(), []);
    world.set("203.0.113.0/24", Route::Blackhole);
    world.unset("203.0.113.0/24");
    assert_eq!(world.sync(), []);
}

#[test]
fn removing_one_prefix_leaves_the_cover_and_frees_in_order() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.0.1.2"]));
    world.set("198.51.100.128/25", via(&["10.0.2.2", "10.0.2.3"]));
    world.sync();
    let id = world.index.get(net("198.51.100.128/25")).unwrap();
    world.unset("198.51.100.128/25");
    assert!(world.fib.uses(id), "until the unbind is drained");
    let ops = world.sync();
    assert!(!world.fib.uses(id));
    assert!(
        matches!(
            ops[..],
            [
                FibOp::Unbind { .. },
                FibOp::Grace,
                FibOp::FreeRoute { .. },
                FibOp::FreePathList { .. },
                FibOp::FreeBuckets { count: 128, .. }
            ]
        ),
        "{ops:?}"
    );
    assert_eq!(world.neighbour_of("198.51.100.200"), 2);
}

#[test]
fn weights_are_bucket_shares() {
    let mut world = World::two_ports();
    let gateway = |address: &str| Gateway {
        address: ip(address),
        link: None,
    };
    let pair = |a, b| Route::Via(vec![(gateway("10.0.1.2"), a), (gateway("10.0.1.3"), b)]);
    for (a, b, expected) in [
        (1, 1, [64, 64]),
        (2, 1, [85, 43]),
        (11, 45, [25, 103]),
        (45, 11, [103, 25]),
    ] {
        world.set("198.51.100.0/24", pair(a, b));
        world.sync();
        let shares: Vec<_> = world.shares("198.51.100.1").into_values().collect();
        assert_eq!(shares, expected);
    }
}

#[test]
fn losing_a_gateway_costs_the_same_whatever_the_number_of_prefixes() {
    let ops = |prefixes: u32| {
        let mut world = World::two_ports();
        for number in 0..prefixes {
            let prefix = format!("{}.{}.0.0/16", 20 + number / 256, number % 256);
            world.set(&prefix, via(&["10.0.1.2", "10.0.2.2", "10.0.2.3"]));
        }
        world.sync();
        world.neighbour(1, "10.0.1.2", None);
        let failed = world.sync();
        world.neighbour(1, "10.0.1.2", Some(2));
        world.sync();
        world.link(link(2, LinkState::NoCarrier));
        let down = world.sync();
        assert_eq!(world.neighbour_of("20.0.0.1"), 2);
        let routes = |ops: &[FibOp]| {
            ops.iter()
                .filter(|op| matches!(op, FibOp::PutRoute { .. }))
                .count()
        };
        assert_eq!(routes(&failed), 0);
        (failed.len(), down.len())
    };
    assert_eq!(ops(3), ops(3000));
}

#[test]
fn a_failed_neighbour_moves_its_flows_and_no_others() {
    let mut world = World::two_ports();
    world.set(
        "198.51.100.0/24",
        via(&["10.0.1.2", "10.0.1.3", "10.0.2.4", "10.0.2.5"]),
    );
    world.sync();
    let before = world.spread("198.51.100.1");
    world.neighbour(2, "10.0.2.4", None);
    world.sync();
    let without = world.spread("198.51.100.1");
    assert_eq!(without.len(), before.len());
    for (before, after) in before.iter().zip(&without) {
        assert_eq!(before == after, before.neighbour[5] != 4);
    }
    world.neighbour(2, "10.0.2.4", Some(4));
    world.sync();
    let after = world.spread("198.51.100.1");
    assert_eq!(moved_needlessly(&without, &after), 0);
    assert_eq!(world.shares("198.51.100.1")[&4], 32);
}

#[test]
fn with_all_neighbours_unresolved_the_kernel_resolves_them() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.0.1.200", "10.0.1.201"]));
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 0);
    world.neighbour(1, "10.0.1.201", Some(201));
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 201);
    world.neighbour(1, "10.0.1.200", Some(200));
    world.sync();
    assert_eq!(
        world
            .shares("198.51.100.1")
            .into_values()
            .collect::<Vec<_>>(),
        [64, 64]
    );
}

#[test]
fn prefixes_that_leave_a_gateway_one_by_one_move_only_its_flows() {
    let mut world = World::two_ports();
    let (three, two) = (
        via(&["10.0.1.2", "10.0.1.3", "10.0.2.4"]),
        via(&["10.0.1.2", "10.0.2.4"]),
    );
    // Another prefix has the smaller set already, in a layout of its own.
    world.set("192.0.2.0/24", two.clone());
    world.set("192.0.3.0/24", via(&["10.0.2.4"]));
    world.sync();
    world.set("192.0.3.0/24", two.clone());
    let prefixes = ["198.51.100.0/24", "198.51.101.0/24", "198.51.102.0/24"];
    for prefix in prefixes {
        world.set(prefix, three.clone());
    }
    world.sync();
    let before = world.spread("198.51.100.1");
    for prefix in prefixes {
        world.set(prefix, two.clone());
        world.sync();
    }
    let without: Vec<_> = ["198.51.100.1", "198.51.101.1", "198.51.102.1"]
        .map(|address| world.spread(address))
        .into();
    assert!(
        without.iter().all(|spread| *spread == without[0]),
        "they share one list"
    );
    assert_eq!(moved_needlessly(&before, &without[0]), 0);
    for prefix in prefixes {
        world.set(prefix, three.clone());
        world.sync();
    }
    let again = world.spread("198.51.102.1");
    assert_eq!(moved_needlessly(&without[0], &again), 0);
    let moved = without[0]
        .iter()
        .zip(&again)
        .filter(|(a, b)| a != b)
        .count();
    assert_eq!(moved, 43, "the fair share of the one that came back");
    world.check_everything();
}

#[test]
fn a_single_path_has_one_bucket_and_grows_without_moving_its_flows() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.0.1.2"]));
    world.sync();
    let single = world.spread("198.51.100.1");
    assert_eq!(single.len(), 1);
    world.set("198.51.100.0/24", via(&["10.0.1.2", "10.0.2.2"]));
    world.sync();
    let pair = world.spread("198.51.100.1");
    assert_eq!(pair.len(), 128);
    assert_eq!(moved_needlessly(&single, &pair), 0);
    world.set("198.51.100.0/24", via(&["10.0.2.2"]));
    world.sync();
    assert_eq!(moved_needlessly(&pair, &world.spread("198.51.100.1")), 0);
}

#[test]
fn a_list_whose_gateway_spreads_out_changes_size_in_place() {
    let mut world = World::two_ports();
    world.set("198.51.100.0/24", via(&["10.9.9.9"]));
    world.set("10.9.0.0/16", via(&["10.0.1.2"]));
    world.sync();
    let single = world.spread("198.51.100.1");
    assert_eq!(single.len(), 1);
    world.set("10.9.0.0/16", via(&["10.0.1.2", "10.0.2.3"]));
    let ops = world.sync();
    let own = world.index.get(net("198.51.100.0/24")).unwrap();
    let route = world.fib.view(own).unwrap().route.unwrap();
    assert!(
        !ops.iter()
            .any(|op| matches!(op, FibOp::PutRoute { id, .. } if *id == route)),
        "{ops:?}"
    );
    let spread = world.spread("198.51.100.1");
    assert_eq!(spread.len(), 128);
    assert_eq!(moved_needlessly(&single, &spread), 0);
    world.check_everything();
}

#[test]
fn a_gateway_resolves_through_routes_and_follows_them() {
    let mut world = World::two_ports();
    let far = Gateway {
        address: ip("192.0.2.9"),
        link: None,
    };
    let id = world.gateway(far);
    assert_eq!(world.fib.reachability(id), Reachability::Unresolved);
    world.set("198.51.100.0/24", via(&["192.0.2.9"]));
    world.sync();
    assert_eq!(world.verdict("198.51.100.1"), Verdict::PassUnreachable);
    world.set("0.0.0.0/0", via(&["10.0.1.2"]));
    world.sync();
    assert_eq!(
        world.fib.reachability(id),
        Reachability::Resolved { metric: 1 }
    );
    assert_eq!(world.neighbour_of("198.51.100.1"), 2);
    world.set("192.0.2.0/24", via(&["10.0.2.3"]));
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 3);
    world.set("192.0.2.8/29", Route::Blackhole);
    world.sync();
    assert_eq!(world.verdict("198.51.100.1"), Verdict::DropBlackhole);
    world.unset("192.0.2.8/29");
    world.unset("192.0.2.0/24");
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 2);
    assert_eq!(world.fib.drain_gateway_changes(&world.index), [id]);
}

#[test]
fn a_default_route_resolves_gateways_unless_it_is_told_not_to() {
    let mut world = World::two_ports();
    let id = world.gateway(Gateway {
        address: ip("192.0.2.9"),
        link: None,
    });
    world.set("198.51.100.0/24", via(&["192.0.2.9"]));
    world.set("0.0.0.0/0", via(&["10.0.1.2"]));
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 2);
    assert_eq!(world.fib.drain_gateway_changes(&world.index), [id]);
    let forbid = |v4: bool, v6: bool| ViaDefault { v4: !v4, v6: !v6 };

    // Live, and for that family alone.
    world.fib.set_via_default(forbid(false, true));
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 2);
    world.fib.set_via_default(forbid(true, true));
    assert_eq!(world.fib.drain_gateway_changes(&world.index), [id]);
    world.sync();
    assert_eq!(world.fib.reachability(id), Reachability::Unresolved);
    assert_eq!(world.verdict("198.51.100.1"), Verdict::PassUnreachable);
    assert_eq!(world.neighbour_of("203.0.113.1"), 2, "the route is there");

    // Any longer prefix still does, and the default route does again when it may.
    world.set("192.0.0.0/8", via(&["10.0.2.3"]));
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 3);
    world.unset("192.0.0.0/8");
    world.sync();
    assert_eq!(world.fib.reachability(id), Reachability::Unresolved);
    world.fib.set_via_default(ViaDefault::default());
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 2);
    world.check_everything();
}

#[test]
fn nothing_resolves_through_itself() {
    let mut world = World::two_ports();
    // Both cover the gateway that they go through; a default route is what is left.
    world.set("192.0.2.0/24", via(&["192.0.2.9"]));
    world.set("203.0.113.0/24", via(&["192.0.2.9"]));
    world.sync();
    assert_eq!(world.verdict("203.0.113.1"), Verdict::PassUnreachable);
    world.set("0.0.0.0/0", via(&["10.0.1.2"]));
    world.sync();
    assert_eq!(world.neighbour_of("203.0.113.1"), 2);
    assert_eq!(world.neighbour_of("192.0.2.1"), 2);
    // Two that lead to each other.
    world.set("198.18.0.0/24", via(&["198.19.0.9"]));
    world.set("198.19.0.0/24", via(&["198.18.0.9"]));
    world.sync();
    assert_eq!(world.neighbour_of("198.18.0.1"), 2);
    world.unset("0.0.0.0/0");
    world.sync();
    for address in ["198.18.0.1", "198.19.0.1", "192.0.2.1"] {
        assert_eq!(
            world.verdict(address),
            Verdict::PassUnreachable,
            "{address}"
        );
    }
    world.check_everything();
}

#[test]
fn our_own_addresses_are_no_gateways() {
    let mut world = World::two_ports();
    world.set("0.0.0.0/0", via(&["10.0.1.2"]));
    for own in ["10.0.1.1", "10.0.2.255"] {
        world.set("198.51.100.0/24", via(&[own]));
        world.sync();
        assert_eq!(
            world.verdict("198.51.100.1"),
            Verdict::PassUnreachable,
            "{own}"
        );
    }
}

#[test]
fn recursion_ends_after_eight_routes() {
    let mut world = World::two_ports();
    world.set("172.16.0.0/24", via(&["10.0.1.2"]));
    for level in 1..12 {
        let gateway = format!("172.16.{}.9", level - 1);
        world.set(&format!("172.16.{level}.0/24"), via(&[&gateway]));
    }
    world.sync();
    // Through seven routes to the eighth, whose gateway is a neighbour.
    assert_eq!(world.neighbour_of("172.16.7.1"), 2);
    assert_eq!(world.verdict("172.16.8.1"), Verdict::PassUnreachable);
    world.check_everything();
}

#[test]
fn an_ipv4_prefix_may_go_over_an_ipv6_gateway() {
    let mut world = World::two_ports();
    world.neighbour(1, "fe80::7", Some(77));
    world.set("198.51.100.0/24", via(&["fe80::7%1"]));
    world.set("198.51.101.0/24", via(&["2001:db8:2::4"]));
    world.set("198.51.102.0/24", via(&["fe80::7"]));
    world.sync();
    assert_eq!(world.neighbour_of("198.51.100.1"), 77);
    assert_eq!(world.neighbour_of("198.51.101.1"), 4);
    assert_eq!(
        world.verdict("198.51.102.1"),
        Verdict::PassUnreachable,
        "no link, no neighbour"
    );
}

#[test]
fn a_view_shows_where_a_prefix_leads() {
    let mut world = World::two_ports();
    world.set("10.9.0.0/16", via(&["10.0.2.3"]));
    world.set(
        "198.51.100.0/24",
        via(&["10.0.1.2", "10.9.9.9", "192.0.2.1"]),
    );
    world.sync();
    let view = world
        .fib
        .view(world.index.get(net("198.51.100.0/24")).unwrap())
        .unwrap();
    let path = |gateway: &str, neighbour: Option<(&str, u32)>, recursive, buckets| PathView {
        target: PathTarget::Gateway {
            gateway: ip(gateway),
            neighbour: neighbour.map(|(address, _)| ip(address)),
            interface: neighbour.map(|(_, link)| IfIndex(link)),
        },
        recursive,
        active: buckets > 0,
        weight: 1,
        buckets,
    };
    let expected = [
        path("10.0.1.2", Some(("10.0.1.2", 1)), false, 64),
        path("192.0.2.1", None, false, 0),
        path("10.9.9.9", Some(("10.0.2.3", 2)), true, 64),
    ];
    assert_eq!(view.paths.len(), 3);
    for path in &expected {
        assert!(view.paths.contains(path), "{path:?} in {:?}", view.paths);
    }
    assert_eq!(view.buckets, 128);
}

#[test]
fn a_full_table_refuses_the_new_and_keeps_the_old() {
    let mut index = PrefixIndex::new();
    let capacity = Capacity {
        v4: 2,
        v6: 5,
        routes: 5,
    };
    let mut fib = Fib::with_capacity(capacity);
    let mut set = |fib: &mut Fib, text: &str| {
        let id = index.intern(net(text));
        fib.set_route(id, net(text), &PathSet::Blackhole);
        id
    };
    let ids = [
        "10.0.0.0/24",
        "10.0.1.0/24",
        "10.0.2.0/24",
        "2001:db8::/32",
        "2001:db9::/32",
    ]
    .map(|text| set(&mut fib, text));
    let binds = |ops: &[FibOp]| {
        ops.iter()
            .filter(|op| matches!(op, FibOp::Bind { .. }))
            .count()
    };
    assert_eq!(binds(&fib.drain_ops(&index)), 3);
    let counts = fib.counts();
    assert_eq!(
        (
            counts.routes_v4,
            counts.routes_v6,
            counts.waiting,
            counts.refused
        ),
        (2, 1, 2, 2)
    );
    assert_eq!(fib.view(ids[2]).unwrap().route, None);
    fib.remove_route(ids[0], net("10.0.0.0/24"));
    assert_eq!(
        binds(&fib.drain_ops(&index)),
        0,
        "its id is freed at the end of this batch"
    );
    assert_eq!(
        binds(&fib.drain_ops(&index)),
        1,
        "and serves one that waited"
    );
    assert_eq!(fib.counts().waiting, 1);
}

#[test]
fn more_gateways_than_a_list_may_have_are_cut_off() {
    let mut world = World::empty();
    world.attach(1);
    world.link(link(1, LinkState::Up));
    world.address(1, "10.0.0.1/16");
    let gateways: smallvec::SmallVec<[(Gateway, u32); 2]> = (0..300u32)
        .map(|number| {
            let address = ip(&format!("10.0.{}.{}", 1 + number / 200, 2 + number % 200));
            (
                Gateway {
                    address,
                    link: None,
                },
                1,
            )
        })
        .collect();
    world.set("198.51.100.0/24", Route::Via(gateways.to_vec()));
    world.sync();
    assert_eq!(world.spread("198.51.100.1").len(), 4096);
    let empty = PathSet::Gateways(smallvec![]);
    let id = world.index.intern(net("198.51.101.0/24"));
    world.fib.set_route(id, net("198.51.101.0/24"), &empty);
    world.sync();
    assert_eq!(world.verdict("198.51.101.1"), Verdict::PassUnreachable);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    /// Prefixes gain and lose gateways one at a time, neighbours fail and return, the daemon restarts.
    #[test]
    fn no_flow_moves_that_need_not(steps in prop::collection::vec((0u8..3, 2u8..8, 0u8..10), 1..40)) {
        let prefixes = ["198.51.100.0/24", "198.51.101.0/24", "198.51.102.0/24"];
        let addresses = ["198.51.100.1", "198.51.101.1", "198.51.102.1"];
        let mut world = World::two_ports();
        let mut sets = vec![vec![2u8, 3, 4]; 3];
        let route = |set: &[u8]| {
            let gateways: Vec<String> = set.iter().map(|number| format!("10.0.1.{number}")).collect();
            via(&gateways.iter().map(String::as_str).collect::<Vec<_>>())
        };
        for (prefix, set) in prefixes.iter().zip(&sets) {
            world.set(prefix, route(set));
        }
        world.sync();
        for (prefix, gateway, action) in steps {
            let before = addresses.map(|address| world.spread(address));
            let number = usize::from(prefix);
            match action {
                0..6 => {
                    let set = &mut sets[number];
                    match set.iter().position(|&other| other == gateway) {
                        Some(position) if set.len() > 1 => drop(set.remove(position)),
                        Some(_) => {}
                        None => set.push(gateway),
                    }
                    let route = route(set);
                    world.set(prefixes[number], route);
                }
                6 => world.neighbour(1, &format!("10.0.1.{gateway}"), None),
                7 | 8 => world.neighbour(1, &format!("10.0.1.{gateway}"), Some(gateway)),
                _ if world.is_plain() => prop_assert_eq!(world.restart(), []),
                _ => {}
            }
            world.sync();
            let after = addresses.map(|address| world.spread(address));
            for (before, after) in before.iter().zip(&after) {
                prop_assert_eq!(moved_needlessly(before, after), 0);
            }
        }
        world.check_everything();
    }
}
