use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::bgp::types::{Family, PathAttributes};
use crate::rib::testing::{LOCAL_AS, World, own, path, peer, with_med};
use crate::rib::{
    DecisionConfig, MultipathRelax, PeerId, PeerKind, Reachability, Reason, Rejection, Step,
};

const V4: Family = Family::Ipv4Unicast;
const P: &str = "203.0.113.0/24";

fn world() -> World {
    World::new(DecisionConfig::new(LOCAL_AS))
}

fn config_relaxed() -> DecisionConfig {
    DecisionConfig {
        relax: MultipathRelax {
            as_path: true,
            ..MultipathRelax::default()
        },
        ..DecisionConfig::new(LOCAL_AS)
    }
}

/// Whether the peers, and whether the forwarding table, must hear of the one change that there is.
fn changes(world: &mut World) -> (bool, bool) {
    let [change] = world.settle()[..] else {
        panic!("not one change")
    };
    (change.best_changed, change.paths_changed)
}

#[test]
fn the_first_path_is_chosen_and_the_last_withdrawal_ends_it() {
    let mut world = world();
    world.announce(1, P, &path(&[65001], 1));
    assert_eq!(changes(&mut world), (true, true));
    assert_eq!((world.best(P), world.next_hops(P)), (Some(1), vec![1]));
    assert_eq!(world.reason(P, 1), Reason::Best(None));
    world.withdraw(1, P);
    world.withdraw(1, P);
    assert_eq!(changes(&mut world), (true, true));
    assert_eq!(world.best(P), None);
    assert_eq!(world.rib.drain_unused(), [world.id(P)]);
}

#[test]
fn an_equal_announcement_is_no_change() {
    let mut world = world();
    world.announce(1, P, &path(&[65001], 1));
    world.settle();
    world.announce(1, P, &path(&[65001], 1));
    assert!(!world.rib.has_work());
    world.announce(1, P, &path(&[65001, 9], 1));
    world.announce(1, P, &path(&[65001], 1));
    assert_eq!(world.settle(), []);
}

#[test]
fn new_attributes_with_the_same_next_hop_leave_the_forwarding_table_alone() {
    let mut world = world();
    world.announce(1, P, &path(&[65001], 1));
    world.settle();
    world.announce(1, P, &path(&[65001, 9], 1));
    assert_eq!(changes(&mut world), (true, false));
}

#[test]
fn another_member_of_the_multipath_set_is_no_news_for_peers() {
    let mut world = World::new(config_relaxed());
    world.announce(1, P, &path(&[65001], 1));
    world.settle();
    world.announce(2, P, &path(&[65002], 2));
    assert_eq!(changes(&mut world), (false, true));
    assert_eq!(world.next_hops(P), [1, 2]);
    assert_eq!(world.reason(P, 2), Reason::Lost(Step::RouterId));
    let views = world.rib.explain(world.id(P));
    assert!(views.iter().all(|view| view.multipath && view.valid));
    assert!(views[0].best);
    world.withdraw(2, P);
    assert_eq!(changes(&mut world), (false, true));
}

#[test]
fn our_own_route_wins_and_leads_nowhere() {
    let mut world = world();
    world.announce(1, P, &path(&[65001], 1));
    world.announce(0, P, &own());
    world.settle();
    assert_eq!((world.best(P), world.next_hops(P)), (Some(0), vec![]));
    assert_eq!(world.reason(P, 1), Reason::Lost(Step::Weight));
}

#[test]
fn a_change_of_the_kind_of_route_is_news_for_the_forwarding_table() {
    let mut world = world();
    world.announce(10, P, &path(&[65001], 1));
    world.settle();
    world.announce(1, P, &path(&[65001], 1));
    assert_eq!(changes(&mut world), (true, true));
}

#[test]
fn a_rejected_path_is_kept_with_its_reason() {
    let mut world = world();
    let attributes = path(&[65001], 1);
    world.announce_rejected(1, P, &attributes, Some(Rejection::Policy));
    assert_eq!(world.settle(), []);
    assert_eq!(world.reason(P, 1), Reason::Rejected(Rejection::Policy));
    let counts = |world: &World| {
        let counts = world.rib.counts(PeerId(1), V4);
        let rejected = [Rejection::Policy, Rejection::AsLoop].map(|why| counts.rejected.of(why));
        (counts.received, counts.accepted, rejected)
    };
    assert_eq!(counts(&world), (1, 0, [1, 0]));
    world.announce(1, P, &attributes);
    assert_eq!(changes(&mut world), (true, true));
    assert_eq!(counts(&world), (1, 1, [0, 0]));
    world.announce_rejected(1, P, &attributes, Some(Rejection::AsLoop));
    assert_eq!(changes(&mut world), (true, true));
    assert_eq!(counts(&world), (1, 0, [0, 1]));
    world.withdraw(1, P);
    assert_eq!(world.settle(), []);
    assert_eq!(world.rib.drain_unused(), [world.id(P)]);
}

#[test]
fn a_path_waits_for_its_next_hop() {
    let mut world = world();
    world.announce(1, P, &path(&[65001], 1));
    let [(next_hop, _, _)] = world.rib.drain_new_next_hops()[..] else {
        panic!("one next hop is new")
    };
    assert_eq!(world.settle(), []);
    assert_eq!(world.reason(P, 1), Reason::NextHopUnresolved);
    let resolved = |metric| Reachability::Resolved { metric };
    world.rib.set_next_hop(next_hop, resolved(0));
    assert_eq!(changes(&mut world), (true, true));
    world.rib.set_next_hop(next_hop, resolved(3));
    assert_eq!(world.settle(), [], "alone, its metric does not matter");
    world.announce(2, P, &path(&[65002], 2));
    assert_eq!(changes(&mut world), (true, true));
    world.rib.set_next_hop(next_hop, Reachability::Unresolved);
    assert_eq!(world.settle(), []);
    world.rib.set_next_hop(next_hop, resolved(0));
    assert_eq!(changes(&mut world), (true, true));
}

#[test]
fn a_stale_path_is_used_until_it_is_swept() {
    let mut world = world();
    let other = "198.51.100.0/24";
    world.announce(1, P, &path(&[65001], 1));
    world.announce(1, other, &path(&[65001], 1));
    world.settle();
    world.rib.mark_stale(PeerId(1), V4);
    assert_eq!(world.settle(), []);
    assert!(world.rib.explain(world.id(P))[0].stale);
    world.announce(1, P, &path(&[65001], 1));
    world.rib.sweep_stale(PeerId(1), V4);
    assert_eq!(changes(&mut world), (true, true));
    assert_eq!((world.best(P), world.best(other)), (Some(1), None));
    assert!(!world.rib.explain(world.id(P))[0].stale);
}

#[test]
fn a_removed_peer_can_come_back_before_the_removal_is_carried_out() {
    let mut world = world();
    for third in 0..200 {
        world.announce(1, &format!("10.0.{third}.0/24"), &path(&[65001], 1));
    }
    world.settle();
    world.rib.remove_peer(PeerId(1), V4);
    assert_eq!(world.rib.counts(PeerId(1), V4).received, 0);
    world.rib.settle(1);
    world.rib.set_peer(PeerId(1), peer(1, PeerKind::Ebgp));
    world.announce(1, "10.0.199.0/24", &path(&[65001], 1));
    assert_eq!(world.settle().len() + 1, 199);
    assert_eq!(world.rib.totals(V4).paths, 1);
    assert_eq!(world.best("10.0.199.0/24"), Some(1));
}

#[test]
fn a_choice_that_rests_on_a_dead_path_is_made_again_whatever_becomes_of_the_path() {
    for rejected_again in [false, true] {
        let mut world = world();
        let attributes = path(&[65001], 1);
        world.announce(1, P, &attributes);
        world.settle();
        world.rib.remove_peer(PeerId(1), V4);
        if rejected_again {
            world.announce_rejected(1, P, &attributes, Some(Rejection::Policy));
        } else {
            world.withdraw(1, P);
        }
        assert_eq!(changes(&mut world), (true, true));
        assert_eq!(world.best(P), None);
    }
}

#[test]
fn an_epoch_is_never_mistaken_for_an_older_one() {
    let mut world = world();
    world.announce(1, P, &path(&[65001], 1));
    for _ in 0..256 {
        world.rib.remove_peer(PeerId(1), V4);
    }
    world.settle();
    assert_eq!(world.best(P), None);
    assert_eq!(world.rib.totals(V4).paths, 0);
}

#[test]
fn another_configuration_decides_everything_again() {
    let mut world = world();
    world.announce(2, P, &with_med(&path(&[65001], 1), 1));
    world.announce(1, P, &with_med(&path(&[65002], 2), 9));
    world.settle();
    assert_eq!(world.best(P), Some(1));
    let mut config = DecisionConfig::new(LOCAL_AS);
    config.med.always_compare = true;
    world.rib.set_decision_config(config);
    assert_eq!(changes(&mut world), (true, true));
    assert_eq!(world.best(P), Some(2));
}

#[test]
fn a_slice_decides_no_more_than_its_budget() {
    let mut world = world();
    for third in 0..100 {
        world.announce(1, &format!("10.0.{third}.0/24"), &path(&[65001], 1));
    }
    for (next_hop, _, _) in world.rib.drain_new_next_hops() {
        let resolved = Reachability::Resolved { metric: 0 };
        world.rib.set_next_hop(next_hop, resolved);
    }
    assert_eq!(world.rib.settle(30).len(), 30);
    assert_eq!(world.settle().len(), 70);
    assert_eq!(world.rib.totals(V4).version, 100);
}

const PREFIXES: [&str; 5] = [
    "10.0.0.0/8",
    "10.1.0.0/16",
    "192.0.2.0/24",
    "2001:db8::/32",
    "2001:db8:1::/48",
];

#[derive(Clone, Debug)]
enum Op {
    Announce {
        peer: u16,
        prefix: usize,
        variant: u8,
        rejected: bool,
    },
    Withdraw {
        peer: u16,
        prefix: usize,
    },
    MarkStale {
        peer: u16,
        v6: bool,
    },
    SweepStale {
        peer: u16,
        v6: bool,
    },
    Remove {
        peer: u16,
        v6: bool,
    },
    NextHop {
        variant: u8,
        metric: Option<u32>,
    },
    Settle {
        budget: usize,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let peers = || prop_oneof![0u16..4, 10u16..12];
    let prefixes = || 0..PREFIXES.len();
    let v6 = any::<bool>;
    prop_oneof![
        6 => (peers(), prefixes(), 0u8..12, prop::bool::weighted(0.1))
            .prop_map(|(peer, prefix, variant, rejected)| Op::Announce { peer, prefix, variant, rejected }),
        3 => (peers(), prefixes()).prop_map(|(peer, prefix)| Op::Withdraw { peer, prefix }),
        1 => (peers(), v6()).prop_map(|(peer, v6)| Op::MarkStale { peer, v6 }),
        1 => (peers(), v6()).prop_map(|(peer, v6)| Op::SweepStale { peer, v6 }),
        1 => (peers(), v6()).prop_map(|(peer, v6)| Op::Remove { peer, v6 }),
        1 => (1u8..4, prop::option::of(0u32..3)).prop_map(|(variant, metric)| Op::NextHop { variant, metric }),
        3 => (1usize..4).prop_map(|budget| Op::Settle { budget }),
    ]
}

fn family(v6: bool) -> Family {
    if v6 { Family::Ipv6Unicast } else { V4 }
}

/// One of twelve attribute sets with three next hops.
fn attributes(variant: u8) -> PathAttributes {
    let base = path(&[65001 + u32::from(variant / 6), 7], variant % 3 + 1);
    with_med(&base, u32::from(variant) / 3 % 2)
}

type Known = BTreeMap<(u16, usize), (u8, bool, bool)>;

/// What the peers have said, kept in the plainest way: variant, rejected, stale.
fn model(known: &mut Known, op: &Op) {
    let of = |(peer, prefix): (u16, usize), wanted: u16, v6: bool| {
        peer == wanted && PREFIXES[prefix].contains(':') == v6
    };
    match *op {
        Op::Announce {
            peer,
            prefix,
            variant,
            rejected,
        } => {
            known.insert((peer, prefix), (variant, rejected, false));
        }
        Op::Withdraw { peer, prefix } => {
            known.remove(&(peer, prefix));
        }
        Op::MarkStale { peer, v6 } => {
            known.retain(|&key, path| !of(key, peer, v6) || !std::mem::replace(&mut path.2, true));
        }
        Op::SweepStale { peer, v6 } => known.retain(|&key, path| !(of(key, peer, v6) && path.2)),
        Op::Remove { peer, v6 } => known.retain(|&key, _| !of(key, peer, v6)),
        Op::NextHop { .. } | Op::Settle { .. } => {}
    }
}

/// Next hops by their last octet; unknown ones are connected.
type Metrics = BTreeMap<u8, Option<u32>>;

fn reachability(metrics: &Metrics, last: u8) -> Reachability {
    match metrics.get(&last) {
        Some(None) => Reachability::Unresolved,
        Some(&Some(metric)) => Reachability::Resolved { metric },
        None => Reachability::Resolved { metric: 0 },
    }
}

/// The router's part: it answers for new next hops and remembers their numbers.
#[derive(Default)]
struct NextHops {
    metrics: Metrics,
    numbers: BTreeMap<crate::rib::NextHopRef, u8>,
}

impl NextHops {
    fn answer(&mut self, world: &mut World) {
        for (number, next_hop, _) in world.rib.drain_new_next_hops() {
            let std::net::IpAddr::V4(address) = next_hop.address() else {
                panic!("tests use IPv4 next hops")
            };
            let last = address.octets()[3];
            assert_eq!(self.numbers.insert(number, last), None);
            world
                .rib
                .set_next_hop(number, reachability(&self.metrics, last));
        }
        for number in world.rib.drain_freed_next_hops() {
            assert!(self.numbers.remove(&number).is_some());
        }
    }

    fn set(&mut self, world: &mut World, last: u8, metric: Option<u32>) {
        self.metrics.insert(last, metric);
        for (&number, _) in self.numbers.iter().filter(|&(_, &each)| each == last) {
            world
                .rib
                .set_next_hop(number, reachability(&self.metrics, last));
        }
    }
}

fn apply(world: &mut World, next_hops: &mut NextHops, op: &Op, seen: &mut Seen) {
    match *op {
        Op::Announce {
            peer,
            prefix,
            variant,
            rejected,
        } => {
            let rejected = rejected.then_some(Rejection::Policy);
            world.announce_rejected(peer, PREFIXES[prefix], &attributes(variant), rejected);
        }
        Op::Withdraw { peer, prefix } => world.withdraw(peer, PREFIXES[prefix]),
        Op::MarkStale { peer, v6 } => world.rib.mark_stale(PeerId(peer), family(v6)),
        Op::SweepStale { peer, v6 } => world.rib.sweep_stale(PeerId(peer), family(v6)),
        Op::Remove { peer, v6 } => world.rib.remove_peer(PeerId(peer), family(v6)),
        Op::NextHop { variant, metric } => next_hops.set(world, variant, metric),
        Op::Settle { budget } => {
            next_hops.answer(world);
            note(world, budget, seen);
        }
    }
}

/// Best peer, attributes and next hops of each prefix.
type Seen = BTreeMap<String, (u16, Vec<u8>, Vec<u8>)>;

/// Settles once and follows the reported changes alone. A prefix that is free loses its number.
fn note(world: &mut World, budget: usize, seen: &mut Seen) {
    for change in world.rib.settle(budget) {
        let prefix = world.index.prefix(change.prefix).to_string();
        match world.rib.selection(change.prefix) {
            Some(_) => seen.insert(prefix.clone(), choice(world, &prefix)),
            None => seen.remove(&prefix),
        };
    }
    for id in world.rib.drain_unused() {
        world.index.remove(id);
    }
}

fn choice(world: &World, prefix: &str) -> (u16, Vec<u8>, Vec<u8>) {
    let selection = world.rib.selection(world.id(prefix)).unwrap();
    let raw = world.rib.attributes(selection.best.attributes).raw.to_vec();
    (selection.best.peer.0, raw, world.next_hops(prefix))
}

fn finish(world: &mut World, next_hops: &mut NextHops, seen: &mut Seen) {
    next_hops.answer(world);
    while world.rib.has_work() {
        note(world, 2, seen);
    }
    next_hops.answer(world);
}

proptest! {
    #[test]
    fn a_grown_table_equals_one_built_from_scratch(ops in prop::collection::vec(op(), 1..120)) {
        let mut world = World::new(config_relaxed());
        let (mut next_hops, mut seen, mut known) = (NextHops::default(), Seen::new(), Known::new());
        for op in &ops {
            apply(&mut world, &mut next_hops, op, &mut seen);
            model(&mut known, op);
        }
        finish(&mut world, &mut next_hops, &mut seen);

        let mut fresh = World::new(config_relaxed());
        let mut fresh_hops = NextHops { metrics: next_hops.metrics.clone(), ..NextHops::default() };
        let mut expected = Seen::new();
        for (&(peer, prefix), &(variant, rejected, _)) in known.iter().rev() {
            let op = Op::Announce { peer, prefix, variant, rejected };
            apply(&mut fresh, &mut fresh_hops, &op, &mut expected);
        }
        finish(&mut fresh, &mut fresh_hops, &mut expected);
        prop_assert_eq!(&seen, &expected);
        prop_assert_eq!(world.rib.attribute_sets(), fresh.rib.attribute_sets());

        for v6 in [false, true] {
            prop_assert_eq!(world.rib.totals(family(v6)).paths, fresh.rib.totals(family(v6)).paths);
            prop_assert_eq!(world.rib.totals(family(v6)).prefixes, fresh.rib.totals(family(v6)).prefixes);
            for peer in [0, 1, 2, 3, 10, 11].map(PeerId) {
                prop_assert_eq!(world.rib.counts(peer, family(v6)), fresh.rib.counts(peer, family(v6)));
                world.rib.remove_peer(peer, family(v6));
            }
        }
        finish(&mut world, &mut next_hops, &mut seen);
        prop_assert_eq!(&seen, &Seen::new());
        prop_assert_eq!(world.rib.attribute_sets(), 0);
        prop_assert!(next_hops.numbers.is_empty(), "every next hop was given back");
        prop_assert_eq!(world.index.len(), 0, "every prefix was given back");
    }
}
