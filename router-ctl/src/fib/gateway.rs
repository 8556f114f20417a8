//! Gateways: the next hops that protocols name, what each resolves to, and which prefixes can change that.
//!
//! Gateways are kept sorted by address, so that a prefix that changes finds the ones inside it at once and a
//! million prefixes that contain none cost next to nothing. Each remembers which gateways and prefix lengths
//! its resolution looked at: a change of anything else cannot matter.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::fib::buckets::Share;
use crate::fib::next_hop::{HopId, Hops};
use crate::fib::octets::Octets;
use crate::fib::path_set::SetId;
use crate::fib::types::{Gateway, GatewayId, Reachability};
use crate::host::IfIndex;

#[derive(Debug)]
struct Entry {
    gateway: Gateway,
    /// References that the protocols hold.
    users: u32,
    sets: BTreeSet<SetId>,
    /// Next hops that it resolves to; none while it is unresolved.
    members: SmallVec<[Share<HopId>; 2]>,
    metric: u32,
    /// Gateways that the resolution went through, this one included.
    scope: Vec<GatewayId>,
    /// Gateways whose resolution went through this one, with the shortest prefix length that they looked at.
    dependents: Vec<(GatewayId, u8)>,
    reported: Reachability,
}

impl Entry {
    fn reachability(&self) -> Reachability {
        if self.members.is_empty() {
            Reachability::Unresolved
        } else {
            Reachability::Resolved {
                metric: self.metric,
            }
        }
    }
}

/// What a resolution found, and what it looked at.
#[derive(Debug, Default)]
pub(super) struct Resolution {
    pub(super) members: SmallVec<[Share<HopId>; 2]>,
    pub(super) metric: u32,
    pub(super) scope: Vec<(GatewayId, u8)>,
}

#[derive(Debug, Default)]
pub(super) struct Gateways {
    slots: Vec<Option<Entry>>,
    free: Vec<u32>,
    by_key: FxHashMap<Gateway, GatewayId>,
    v4: Sorted<u32>,
    v6: Sorted<u128>,
    octets: Octets,
    /// To be resolved again.
    dirty: BTreeSet<GatewayId>,
    changed: BTreeSet<GatewayId>,
    idle: Vec<GatewayId>,
}

impl Gateways {
    fn entry(&self, id: GatewayId) -> &Entry {
        self.slots[id.0 as usize]
            .as_ref()
            .expect("a gateway is there for as long as it is named")
    }

    fn entry_mut(&mut self, id: GatewayId) -> &mut Entry {
        self.slots[id.0 as usize]
            .as_mut()
            .expect("a gateway is there for as long as it is named")
    }

    pub(super) fn get(&self, id: GatewayId) -> Gateway {
        self.entry(id).gateway
    }

    pub(super) fn members(&self, id: GatewayId) -> &[Share<HopId>] {
        &self.entry(id).members
    }

    pub(super) fn reachability(&self, id: GatewayId) -> Reachability {
        self.entry(id).reachability()
    }

    /// Whether resolution went through a route.
    pub(super) fn is_recursive(&self, id: GatewayId) -> bool {
        self.entry(id).metric > 0
    }

    /// The gateway's id, and whether it is new and must be resolved.
    pub(super) fn intern(&mut self, gateway: Gateway) -> (GatewayId, bool) {
        if let Some(&id) = self.by_key.get(&gateway) {
            return (id, false);
        }
        let entry = Entry {
            gateway,
            users: 0,
            sets: BTreeSet::new(),
            members: SmallVec::new(),
            metric: 0,
            scope: Vec::new(),
            dependents: Vec::new(),
            reported: Reachability::Unresolved,
        };
        let id = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(entry);
                GatewayId(slot)
            }
            None => {
                self.slots.push(Some(entry));
                GatewayId(u32::try_from(self.slots.len() - 1).expect("gateways are few"))
            }
        };
        self.by_key.insert(gateway, id);
        self.octets.add(gateway.address);
        match gateway.address {
            IpAddr::V4(address) => self.v4.insert(address.to_bits(), id),
            IpAddr::V6(address) => self.v6.insert(address.to_bits(), id),
        }
        self.idle.push(id);
        (id, true)
    }

    /// One more reference of the protocols; true when it is the first.
    pub(super) fn retain(&mut self, id: GatewayId) -> bool {
        let entry = self.entry_mut(id);
        entry.users += 1;
        entry.users == 1
    }

    pub(super) fn release(&mut self, id: GatewayId) {
        self.entry_mut(id).users -= 1;
        self.idle.push(id);
    }

    pub(super) fn join_set(&mut self, id: GatewayId, set: SetId) {
        self.entry_mut(id).sets.insert(set);
    }

    pub(super) fn leave_set(&mut self, id: GatewayId, set: SetId) {
        self.entry_mut(id).sets.remove(&set);
        self.idle.push(id);
    }

    /// A gateway to be resolved again, if there is one.
    pub(super) fn pop_dirty(&mut self) -> Option<GatewayId> {
        loop {
            let id = self.dirty.pop_first()?;
            if self.slots[id.0 as usize].is_some() {
                return Some(id);
            }
        }
    }

    /// The first resolution is not a change.
    pub(super) fn mark_reported(&mut self, id: GatewayId) {
        let entry = self.entry_mut(id);
        entry.reported = entry.reachability();
    }

    pub(super) fn drain_changed(&mut self) -> Vec<GatewayId> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .filter(|&id| {
                let Some(entry) = &mut self.slots[id.0 as usize] else {
                    return false;
                };
                let now = entry.reachability();
                entry.users > 0 && std::mem::replace(&mut entry.reported, now) != now
            })
            .collect()
    }

    /// Takes a new resolution, whose members are acquired already. Returns the sets that have other members now.
    pub(super) fn set_resolution(
        &mut self,
        id: GatewayId,
        resolution: Resolution,
        hops: &mut Hops,
    ) -> Option<&BTreeSet<SetId>> {
        self.forget_scope(id);
        for &(seen, length) in &resolution.scope {
            self.entry_mut(seen).dependents.push((id, length));
        }
        let entry = self.entry_mut(id);
        entry.scope = resolution.scope.iter().map(|&(seen, _)| seen).collect();
        entry.metric = resolution.metric;
        let old = std::mem::replace(&mut entry.members, resolution.members);
        for share in &old {
            hops.release(share.member);
        }
        self.changed.insert(id);
        let entry = self.entry(id);
        (old != entry.members).then_some(&entry.sets)
    }

    fn forget_scope(&mut self, id: GatewayId) {
        for seen in std::mem::take(&mut self.entry_mut(id).scope) {
            if let Some(entry) = &mut self.slots[seen.0 as usize] {
                entry.dependents.retain(|&(dependent, _)| dependent != id);
            }
        }
    }

    /// The route of a prefix changed: gateways that may resolve otherwise now are marked.
    pub(super) fn note_prefix(&mut self, prefix: IpNet) {
        if !self.octets.may_be_in(prefix) {
            return;
        }
        let inside: SmallVec<[GatewayId; 8]> = match prefix {
            IpNet::V4(net) => {
                let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
                self.v4.within(first, last).collect()
            }
            IpNet::V6(net) => {
                let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
                self.v6.within(first, last).collect()
            }
        };
        for id in inside {
            let Some(entry) = &self.slots[id.0 as usize] else {
                continue;
            };
            self.dirty.extend(
                (entry.dependents.iter())
                    .filter(|&&(_, length)| prefix.prefix_len() >= length)
                    .map(|&(dependent, _)| dependent),
            );
        }
    }

    /// A link went up or down: gateways that name it, and those behind them, are marked.
    pub(super) fn note_link(&mut self, link: IfIndex) {
        for entry in self.slots.iter().flatten() {
            if entry.gateway.link == Some(link) {
                let dependents = entry.dependents.iter();
                self.dirty
                    .extend(dependents.map(|&(dependent, _)| dependent));
            }
        }
    }

    /// Forgets gateways that nothing names.
    pub(super) fn collect(&mut self, hops: &mut Hops) {
        for id in std::mem::take(&mut self.idle) {
            let idle = self.slots[id.0 as usize]
                .as_ref()
                .is_some_and(|entry| entry.users == 0 && entry.sets.is_empty());
            if !idle {
                continue;
            }
            self.forget_scope(id);
            let Some(entry) = self.slots[id.0 as usize].take() else {
                continue;
            };
            for share in &entry.members {
                hops.release(share.member);
            }
            // Whoever went through it must find another way.
            self.dirty
                .extend(entry.dependents.iter().map(|&(dependent, _)| dependent));
            self.dirty.remove(&id);
            self.changed.remove(&id);
            self.by_key.remove(&entry.gateway);
            self.octets.remove(entry.gateway.address);
            match entry.gateway.address {
                IpAddr::V4(address) => self.v4.remove(address.to_bits(), id),
                IpAddr::V6(address) => self.v6.remove(address.to_bits(), id),
            }
            self.free.push(id.0);
        }
    }
}

/// Gateways of one family, ascending by address.
#[derive(Debug)]
struct Sorted<K>(Vec<(K, GatewayId)>);

impl<K> Default for Sorted<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Copy + Ord> Sorted<K> {
    fn insert(&mut self, address: K, id: GatewayId) {
        let position = self.0.partition_point(|&entry| entry < (address, id));
        self.0.insert(position, (address, id));
    }

    fn remove(&mut self, address: K, id: GatewayId) {
        self.0.retain(|&entry| entry != (address, id));
    }

    fn within(&self, first: K, last: K) -> impl Iterator<Item = GatewayId> + '_ {
        let from = self.0.partition_point(|&(address, _)| address < first);
        (self.0[from..].iter())
            .take_while(move |&&(address, _)| address <= last)
            .map(|&(_, id)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_finds_the_gateways_inside_it() {
        let mut sorted = Sorted::default();
        for (address, id) in [(10u32, 1), (5, 2), (10, 3), (20, 4)] {
            sorted.insert(address, GatewayId(id));
        }
        let ids = |first, last| -> Vec<u32> { sorted.within(first, last).map(|id| id.0).collect() };
        assert_eq!(ids(0, u32::MAX), [2, 1, 3, 4]);
        assert_eq!(ids(10, 10), [1, 3]);
        assert_eq!(ids(6, 9), [0u32; 0]);
        assert_eq!(ids(11, 20), [4]);
    }
}
