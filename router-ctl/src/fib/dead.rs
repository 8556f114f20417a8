//! Neighbours that are dead before anything of the host shows it: their port is up and the kernel still has their
//! MAC, but BFD misses them. Path lists keep away from them at once, however many prefixes there are, wherever
//! a list has another way; prefixes without one follow when the protocols have decided anew.
//!
//! A machine is known by its MAC on a link: next hops of both families go with the address that was watched.

use std::net::IpAddr;

use router_common::next_hop::NextHop;

use crate::fib::Fib;
use crate::fib::next_hop::{Hop, Target};
use crate::fib::path_list::Paths;
use crate::host::IfIndex;

/// A machine on a link, as next hops name it.
pub(super) type Machine = (IfIndex, [u8; 8]);

impl Fib {
    /// The neighbour with this address, on this link or on any, is dead until
    /// [`revive_neighbours`](Self::revive_neighbours). An address that is on no subnet of ours changes nothing.
    pub fn fail_neighbour(&mut self, address: IpAddr, link: Option<IfIndex>) {
        for &(on, mac) in self.host.macs_of(address) {
            if link.is_none_or(|link| link == on) {
                let machine = (on, NextHop::neighbour_word(mac.0));
                if self.paths.dead.insert(machine) {
                    self.paths.look_again_at(machine);
                }
            }
        }
    }

    /// What the host tells decides again.
    pub fn revive_neighbours(&mut self) {
        for machine in std::mem::take(&mut self.paths.dead) {
            self.paths.look_again_at(machine);
        }
    }

    pub fn has_failed_neighbours(&self) -> bool {
        !self.paths.dead.is_empty()
    }
}

impl Paths {
    pub(super) fn is_dead(&self, hop: &Hop) -> bool {
        machine(hop).is_some_and(|machine| self.dead.contains(&machine))
    }

    fn look_again_at(&mut self, wanted: Machine) {
        let hops = self.hops.iter().map(|(_, hop)| hop);
        let of_machine = hops.filter(|hop| machine(hop) == Some(wanted));
        let sets = of_machine.flat_map(|hop| hop.sets.iter().copied());
        self.sets.changed.extend(sets);
    }
}

fn machine(hop: &Hop) -> Option<Machine> {
    match hop.target {
        Target::Neighbour(key) => Some((key.link, hop.value.neighbour)),
        Target::Terminal(_) | Target::Adopted(_) => None,
    }
}
