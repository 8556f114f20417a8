//! Restarts: what the maps hold is taken over, and no flow moves.

use std::collections::BTreeMap;

use router_common::next_hop::NextHop;
use router_common::path_list::{PathList, PathListId};

use super::world::{Route, World, link, net, via};
use crate::dataplane::Dataplane;
use crate::dataplane::memory::Memory;
use crate::fib::op::FibOp;
use crate::fib::{Fib, Reachability};
use crate::host::{Address, HostEvent, IfIndex, LinkState, NeighbourState};
use crate::prefix::PrefixIndex;

impl World {
    /// Tells the FIB all that the host is like, as a dump does.
    pub(super) fn tell_host(&mut self) {
        let host = self.host.clone();
        for link in host.links.values() {
            self.event(HostEvent::Link(link.clone()));
        }
        for &(link, net) in &host.addresses {
            self.event(HostEvent::AddressAdded(Address { link, net }));
        }
        for (&key, &mac) in &host.neighbours {
            self.event(HostEvent::Neighbour(key, NeighbourState::Reachable(mac)));
        }
    }

    /// The daemon starts anew on what the maps hold: host, routes, sweep. Returns all that it wrote.
    pub(super) fn restart(&mut self) -> Vec<FibOp> {
        let dump = self.memory.dump().unwrap();
        self.memory = Memory::restore(&dump);
        self.index = PrefixIndex::new();
        self.fib = Fib::adopt(&dump, &mut self.index);
        self.gateways.clear();
        for &link in &self.host.attached {
            self.fib.attach_port(link);
        }
        let mut ops = self.sync();
        self.event(HostEvent::Resync);
        self.tell_host();
        self.event(HostEvent::ResyncDone);
        ops.extend(self.sync());
        // Routes come back in another order, in pieces.
        let routes: Vec<_> = self.routes.clone().into_iter().rev().collect();
        for piece in routes.chunks(5) {
            for (prefix, route) in piece {
                self.set_net(*prefix, route.clone());
            }
            ops.extend(self.sync());
        }
        while self.fib.sweep_stale(&self.index, 3) {
            ops.extend(self.sync());
        }
        ops.extend(self.sync());
        ops
    }

    /// No two of the host's next hops look alike in the maps, and no route has to wait for another.
    pub(super) fn is_plain(&self) -> bool {
        let direct = Reachability::Resolved { metric: 0 };
        if (self.gateways.values()).any(|&id| self.fib.reachability(id) != direct) {
            return false;
        }
        let mut seen = BTreeMap::new();
        let unique = self
            .host
            .neighbours
            .iter()
            .all(|(key, mac)| seen.insert((key.link, *mac), ()).is_none());
        let up = self
            .host
            .links
            .values()
            .all(|link| self.host.attached.contains(&link.index));
        unique
            && up
            && self
                .all_hops()
                .all(|hop| hop.verdict != 0 || hop.neighbour != [0; 8])
    }

    /// Next hops that the installed prefixes lead to.
    fn all_hops(&self) -> impl Iterator<Item = NextHop> {
        let dump = self.memory.dump().unwrap();
        let routes: Vec<_> = dump.bindings.iter().map(|&(_, route)| route).collect();
        routes.into_iter().flat_map(move |route| {
            let list = dump.path_lists[dump.routes[route.0 as usize].0 as usize];
            let range = list.offset as usize..=(list.offset + list.mask) as usize;
            let hops = dump.buckets[range]
                .iter()
                .map(|hop| dump.next_hops[hop.0 as usize]);
            hops.collect::<Vec<_>>()
        })
    }
}

fn busy() -> World {
    let mut world = World::two_ports();
    world.set("0.0.0.0/0", via(&["10.0.1.2"]));
    world.set(
        "198.51.100.0/24",
        via(&["10.0.1.2", "10.0.1.3", "10.0.2.4"]),
    );
    world.set(
        "198.51.101.0/24",
        via(&["10.0.1.2", "10.0.1.3", "10.0.2.4"]),
    );
    world.set("203.0.113.0/24", via(&["10.0.1.3", "10.0.2.4"]));
    world.set("192.0.2.0/24", Route::Blackhole);
    world.set("192.0.2.1/32", via(&["198.51.100.9"]));
    world.set("2001:db8:ff::/48", via(&["2001:db8:1::2", "2001:db8:2::3"]));
    world.sync();
    world
}

#[test]
fn adopting_an_identical_table_writes_nothing() {
    let mut world = busy();
    assert_eq!(world.restart(), []);
    assert_eq!(world.fib.stale_count(), 0);
    world.check_everything();
}

#[test]
fn a_table_with_history_is_adopted_as_it_is() {
    let mut world = busy();
    world.neighbour(2, "10.0.2.4", None);
    world.sync();
    world.neighbour(2, "10.0.2.4", Some(77));
    world.sync();
    world.set("198.51.101.0/24", via(&["10.0.1.2", "10.0.2.4"]));
    world.sync();
    let before = world.spread("198.51.100.1");
    assert_eq!(world.restart(), []);
    assert_eq!(world.spread("198.51.100.1"), before);
    world.neighbour(1, "10.0.1.2", Some(99));
    assert_eq!(
        world.sync().len(),
        1,
        "one next hop is known by its neighbour again"
    );
}

#[test]
fn what_was_withdrawn_meanwhile_is_stale_until_the_sweep() {
    let mut world = busy();
    world.routes.remove(&net("192.0.2.0/24"));
    let dump = world.memory.dump().unwrap();
    let mut index = PrefixIndex::new();
    let fib = Fib::adopt(&dump, &mut index);
    assert_eq!(fib.stale_count(), dump.bindings.len());
    let ops = world.restart();
    assert!(
        matches!(ops[..], [FibOp::Unbind { prefix }, FibOp::Grace, FibOp::FreeRoute { .. }, ..] if prefix == net("192.0.2.0/24")),
        "{ops:?}"
    );
    world.check_everything();
}

#[test]
fn a_member_lost_while_nobody_looked_moves_only_its_own_flows() {
    let mut world = busy();
    let before = world.spread("198.51.100.1");
    let lost = world
        .host
        .neighbours
        .iter()
        .find(|(key, _)| key.address == super::world::ip("10.0.1.3"))
        .map(|(key, _)| *key)
        .unwrap();
    world.host.neighbours.remove(&lost);
    world.restart();
    let after = world.spread("198.51.100.1");
    for (before, after) in before.iter().zip(&after) {
        assert!(before == after || before.neighbour[5] == 3);
    }
    world.check_everything();
}

#[test]
fn a_set_that_changed_while_nobody_looked_is_derived_from_the_old_table() {
    let mut world = busy();
    let before = world.spread("198.51.100.1");
    world.routes.insert(
        net("198.51.100.0/24"),
        via(&["10.0.1.2", "10.0.2.4", "10.0.2.5"]),
    );
    world.restart();
    let after = world.spread("198.51.100.1");
    for (before, after) in before.iter().zip(&after) {
        assert!(before == after || before.neighbour[5] == 3 || after.neighbour[5] == 5);
    }
    world.check_everything();
}

#[test]
fn bindings_that_lead_nowhere_are_unbound_unless_set_again() {
    let mut world = busy();
    let mut dump = world.memory.dump().unwrap();
    let broken = u32::try_from(dump.path_lists.len()).unwrap();
    dump.path_lists.push(PathList {
        offset: 1 << 19,
        mask: 2,
    });
    for (prefix, route) in &dump.bindings {
        if [net("192.0.2.0/24"), net("203.0.113.0/24")].contains(prefix) {
            dump.routes[route.0 as usize] = PathListId(broken);
        }
    }
    world.index = PrefixIndex::new();
    world.fib = Fib::adopt(&dump, &mut world.index);
    world.gateways.clear();
    world.set("203.0.113.0/24", Route::Blackhole);
    let ops = world.drain();
    let unbound: Vec<_> = ops
        .iter()
        .filter(|op| matches!(op, FibOp::Unbind { .. }))
        .collect();
    assert_eq!(
        unbound,
        [&FibOp::Unbind {
            prefix: net("192.0.2.0/24")
        }]
    );
    assert!(
        ops.iter()
            .any(|op| matches!(op, FibOp::Bind { prefix, .. } if *prefix == net("203.0.113.0/24")))
    );
}

#[test]
fn a_port_that_comes_back_with_another_mtu_gets_new_next_hops() {
    let mut world = busy();
    let mut changed = link(1, LinkState::Up);
    changed.mtu = 9000;
    world.host.links.insert(IfIndex(1), changed);
    world.restart();
    assert!(world.spread("0.1.2.3").iter().all(|hop| hop.mtu == 9000));
    world.check_everything();
}
