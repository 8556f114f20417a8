//! After whatever happens, in whatever order, the maps do what the specification says.

use proptest::prelude::*;

use super::world::{Route, World, ip, link, net};
use crate::dataplane::Dataplane;
use crate::fib::Gateway;
use crate::host::{HostEvent, IfIndex, LinkState};

const PREFIXES: [&str; 20] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.0.0.0/16",
    "10.0.1.0/24",
    "10.0.1.0/25",
    "10.0.1.4/30",
    "10.0.1.5/32",
    "10.0.1.1/32",
    "10.0.2.128/25",
    "10.9.0.0/16",
    "10.9.9.0/24",
    "10.9.9.9/32",
    "203.0.113.0/24",
    "255.255.255.255/32",
    "::/0",
    "2001:db8::/32",
    "2001:db8:1::/64",
    "2001:db8:1::5/128",
    "2001:db8:9::/48",
    "2001:db8:9::9/128",
];

const GATEWAYS: [&str; 14] = [
    "10.0.1.2",
    "10.0.1.3",
    "10.0.1.5",
    "10.0.2.2",
    "10.0.2.130",
    "10.0.1.1",
    "10.9.9.9",
    "10.9.1.1",
    "203.0.113.7",
    "10.0.3.3",
    "2001:db8:1::2",
    "2001:db8:2::3",
    "2001:db8:9::9",
    "fe80::1%1",
];

const NEIGHBOURS: [(u32, &str); 11] = [
    (1, "10.0.1.2"),
    (1, "10.0.1.3"),
    (1, "10.0.1.5"),
    (1, "10.0.1.130"),
    (2, "10.0.2.2"),
    (2, "10.0.2.130"),
    (2, "10.0.1.5"),
    (3, "10.0.3.3"),
    (1, "2001:db8:1::2"),
    (1, "2001:db8:1::5"),
    (1, "fe80::1"),
];

const ADDRESSES: [(u32, &str); 9] = [
    (1, "10.0.1.1/24"),
    (2, "10.0.2.1/24"),
    (3, "10.0.3.0/31"),
    (3, "10.0.1.129/25"),
    (2, "10.9.9.1/24"),
    (1, "192.0.2.1/32"),
    (1, "2001:db8:1::1/64"),
    (2, "2001:db8:2::1/127"),
    (1, "fe80::ff/64"),
];

#[derive(Clone, Debug)]
enum Step {
    Set(usize, Route),
    Unset(usize),
    Link(u32, u8),
    Mtu(u32, u16),
    LinkGone(u32),
    Address(usize, bool),
    Neighbour(usize, Option<u8>),
    Attach(u32, bool),
    Release,
    Resync,
    Restart,
    /// Applies only this share of the operations, then restarts.
    Crash(u8),
}

fn any_gateway() -> impl Strategy<Value = Gateway> {
    (0..GATEWAYS.len()).prop_map(|position| {
        let (address, link) = GATEWAYS[position]
            .split_once('%')
            .unwrap_or((GATEWAYS[position], ""));
        Gateway {
            address: ip(address),
            link: link.parse().ok().map(IfIndex),
        }
    })
}

fn any_route() -> impl Strategy<Value = Route> {
    prop_oneof![
        8 => prop::collection::vec((any_gateway(), 1u32..4), 1..5).prop_map(Route::Via),
        1 => Just(Route::Local),
        1 => Just(Route::Blackhole),
        1 => Just(Route::Unreachable),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..PREFIXES.len(), any_route()).prop_map(|(prefix, route)| Step::Set(prefix, route)),
        6 => (0..PREFIXES.len()).prop_map(Step::Unset),
        3 => (1u32..4, 0u8..3).prop_map(|(link, state)| Step::Link(link, state)),
        1 => (1u32..4, 1280u16..9000).prop_map(|(link, mtu)| Step::Mtu(link, mtu)),
        1 => (1u32..4).prop_map(Step::LinkGone),
        4 => (0..ADDRESSES.len(), any::<bool>()).prop_map(|(address, add)| Step::Address(address, add)),
        6 => (0..NEIGHBOURS.len(), prop::option::of(1u8..200)).prop_map(|(key, mac)| Step::Neighbour(key, mac)),
        2 => (1u32..4, any::<bool>()).prop_map(|(link, on)| Step::Attach(link, on)),
        1 => Just(Step::Release),
        1 => Just(Step::Resync),
        2 => Just(Step::Restart),
        1 => any::<u8>().prop_map(Step::Crash),
    ]
}

fn run(world: &mut World, step: &Step) {
    match step {
        Step::Set(prefix, route) => world.set(PREFIXES[*prefix], route.clone()),
        Step::Unset(prefix) => world.unset(PREFIXES[*prefix]),
        Step::Link(index, state) => {
            let state =
                [LinkState::Up, LinkState::NoCarrier, LinkState::AdminDown][usize::from(*state)];
            world.link(link(*index, state));
        }
        Step::Mtu(index, mtu) => {
            let mut link = link(*index, LinkState::Up);
            link.mtu = u32::from(*mtu);
            world.link(link);
        }
        Step::LinkGone(index) => {
            let index = IfIndex(*index);
            world.host.links.remove(&index);
            world.host.addresses.retain(|(link, _)| *link != index);
            world.host.neighbours.retain(|key, _| key.link != index);
            world.event(HostEvent::LinkGone(index));
        }
        Step::Address(address, true) => world.address(ADDRESSES[*address].0, ADDRESSES[*address].1),
        Step::Address(address, false) => {
            world.no_address(ADDRESSES[*address].0, ADDRESSES[*address].1)
        }
        Step::Neighbour(key, mac) => world.neighbour(NEIGHBOURS[*key].0, NEIGHBOURS[*key].1, *mac),
        Step::Attach(link, true) => world.attach(*link),
        Step::Attach(link, false) => world.detach(*link),
        Step::Release => world.release_unused(),
        Step::Resync => {
            world.event(HostEvent::Resync);
            world.tell_host();
            world.event(HostEvent::ResyncDone);
        }
        Step::Restart => {
            world.sync();
            let ops = world.restart();
            if world.is_plain() {
                assert_eq!(ops, [], "a restart writes nothing");
            }
        }
        Step::Crash(share) => {
            let ops = world.drain();
            let applied = ops.len() * usize::from(*share) / 256;
            assert!(world.memory.apply(&ops[..applied]).is_empty());
            world.restart();
        }
    }
}

proptest! {
    // Long runs: a quarter of the usual number.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn the_maps_do_what_the_specification_says(steps in prop::collection::vec((any_step(), prop::bool::weighted(0.7)), 1..60)) {
        let mut world = World::empty();
        for number in 1..4 {
            world.link(link(number, LinkState::Up));
            world.attach(number);
        }
        for (number, address) in &ADDRESSES[..3] {
            world.address(*number, address);
        }
        for (step, synced) in steps {
            run(&mut world, &step);
            if synced {
                world.sync();
                world.check_everything();
            }
        }
        world.sync();
        world.check_everything();
        // And all of it can be taken away again.
        for prefix in PREFIXES {
            world.unset(prefix);
        }
        for (number, address) in ADDRESSES {
            world.no_address(number, address);
        }
        for (number, address) in NEIGHBOURS {
            world.neighbour(number, address, None);
        }
        world.release_unused();
        world.sync();
        world.sync();
        prop_assert!(world.memory.is_empty());
        prop_assert_eq!(world.index.len(), 0);
        let counts = world.fib.counts();
        prop_assert_eq!((counts.path_lists, counts.buckets, counts.next_hops), (1, 1, 1));
        prop_assert!(!world.memory.dump().unwrap().bindings.iter().any(|(prefix, _)| *prefix == net("0.0.0.0/0")));
    }
}
