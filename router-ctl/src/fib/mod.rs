//! Desired forwarding state, as a value. The FIB sees prefixes, gateways and what the host reported, never
//! BGP; what it wants written leaves as [`op::FibOp`]s, in an order in which no moment is wrong.
//!
//! A prefix has a route id, the route points at a path list, the list has buckets, each names a next hop.
//! Every arrow is an indirection so that the loss of a neighbour, a link or a gateway is repaired in the path
//! lists, whatever the number of prefixes. What a prefix points at is decided by layers: what the host owns or
//! is attached to, then what the router set, then a neighbour that happens to be resolved.
//!
//! Changes are taken at once and worked out when something is drained: gateways that may resolve otherwise
//! are resolved again, sets that name them get new members, lists of these sets move buckets, and all that
//! differs from what the maps hold becomes one batch.

mod adopt;
mod buckets;
mod connected;
mod dead;
mod gateway;
mod ids;
pub mod naive;
mod next_hop;
mod octets;
pub mod op;
mod path_list;
mod path_set;
pub mod plan;
mod ranges;
mod resolve;
mod table;
#[cfg(test)]
mod tests;
mod types;
mod view;

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use router_common::next_hop::NextHopId;
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;

use self::connected::Host;
use self::gateway::Gateways;
use self::next_hop::{Target, Terminal};
use self::op::FibOp;
use self::path_list::Paths;
use self::path_set::{SetId, SetKey};
use self::plan::Batch;
use self::table::{Capacity, Layers, Table};
pub use self::types::{Gateway, GatewayId, LocalKind, PathSet, Probe, Reachability, ViaDefault};
pub use self::view::{Counts, LocalRoute, PathTarget, PathView, RouteKind, RouteView};
use crate::host::NeighbourKey;
use crate::prefix::{PrefixId, PrefixIndex};

/// Desired forwarding state and what of it has been handed out for writing.
#[derive(Debug)]
pub struct Fib {
    table: Table,
    paths: Paths,
    gateways: Gateways,
    host: Host,
    reserved: Reserved,
    /// Prefixes found bound to what is not there.
    orphans: Vec<PrefixId>,
    /// Neighbours that the kernel was asked to keep, and those to ask for again.
    probed: BTreeSet<NeighbourKey>,
    lost: BTreeSet<NeighbourKey>,
    via_default: ViaDefault,
}

/// Whether the reserved ids, whose packets have no route, are known to be in the maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reserved {
    Missing,
    Written,
}

impl Default for Fib {
    fn default() -> Self {
        Self::new()
    }
}

impl Fib {
    /// Nothing installed yet.
    pub fn new() -> Self {
        Self::with_capacity(Capacity::default())
    }

    fn with_capacity(capacity: Capacity) -> Self {
        Self {
            table: Table::new(capacity, std::iter::empty()),
            paths: Paths::new(&[], &[]),
            gateways: Gateways::default(),
            host: Host::default(),
            reserved: Reserved::Missing,
            orphans: Vec::new(),
            probed: BTreeSet::new(),
            lost: BTreeSet::new(),
            via_default: ViaDefault::default(),
        }
    }

    /// Gateways that resolve through a default route, or might now, are looked at again.
    pub fn set_via_default(&mut self, via_default: ViaDefault) {
        let before = std::mem::replace(&mut self.via_default, via_default);
        if before.v4 != via_default.v4 {
            self.gateways.note_prefix(Ipv4Net::default().into());
        }
        if before.v6 != via_default.v6 {
            self.gateways.note_prefix(Ipv6Net::default().into());
        }
    }

    /// The gateway's id; every call needs one [`release_gateway`](Self::release_gateway).
    pub fn gateway(&mut self, gateway: Gateway, index: &PrefixIndex) -> GatewayId {
        let id = self.intern_gateway(gateway, index);
        if self.gateways.retain(id) {
            self.gateways.mark_reported(id);
        }
        id
    }

    fn intern_gateway(&mut self, gateway: Gateway, index: &PrefixIndex) -> GatewayId {
        let (id, is_new) = self.gateways.intern(gateway);
        if is_new {
            self.resolve(id, index);
        }
        id
    }

    /// The id may name another gateway after the next drain, unless a route still uses it.
    pub fn release_gateway(&mut self, id: GatewayId) {
        self.gateways.release(id);
    }

    /// As of the last drain.
    pub fn reachability(&self, id: GatewayId) -> Reachability {
        self.gateways.reachability(id)
    }

    /// Gateways whose reachability is another than at the last call.
    pub fn drain_gateway_changes(&mut self, index: &PrefixIndex) -> Vec<GatewayId> {
        self.settle(index);
        self.gateways.drain_changed()
    }

    /// Neighbours that must be resolved and kept fresh from now on, and those that need not any more. One that
    /// failed or was deleted is asked for again.
    pub fn drain_probes(&mut self) -> Vec<Probe> {
        let lost = std::mem::take(&mut self.lost);
        let mut keys = std::mem::take(&mut self.paths.hops.probe_changes);
        keys.extend(&lost);
        let mut probes = Vec::new();
        for key in keys {
            let is_named = self.paths.hops.find(Target::Neighbour(key)).is_some();
            if is_named && self.host.is_attached(key.link) {
                if self.probed.insert(key) || lost.contains(&key) {
                    probes.push(Probe::Keep(key));
                }
            } else if self.probed.remove(&key) {
                probes.push(Probe::Forget(key));
            }
        }
        probes
    }

    /// Sets the winner among the protocols for a prefix. The set's gateways are referenced by the caller.
    pub fn set_route(&mut self, id: PrefixId, prefix: IpNet, set: &PathSet) {
        let paths = &mut self.paths;
        let set = (paths.sets).intern(set, &mut self.gateways, &mut paths.hops);
        let entry = self.table.get(id);
        if entry.is_layered() {
            let old = self.layers_mut(id).routed.replace(set);
            if old == Some(set) {
                return;
            }
            self.paths.sets.retain(set);
            if let Some(old) = old {
                self.paths.sets.release(old);
            }
            self.refresh(id);
        } else {
            let current = entry.list().and_then(|list| self.paths.list(list).set);
            if current == Some(set) && !entry.is_stale() {
                return;
            }
            self.assign(id, Some(set));
        }
        self.note_prefix(prefix);
    }

    /// The protocols have no route for the prefix any more. One that is stale stays until it is swept.
    pub fn remove_route(&mut self, id: PrefixId, prefix: IpNet) {
        let entry = self.table.get(id);
        if entry.is_layered() {
            let Some(old) = self.layers_mut(id).routed.take() else {
                return;
            };
            self.refresh(id);
            self.paths.sets.release(old);
        } else {
            if entry.list().is_none() || entry.is_stale() {
                return;
            }
            self.assign(id, None);
        }
        self.note_prefix(prefix);
    }

    /// Looks at up to `budget` of the adopted prefixes and removes those that were not set again; true when
    /// stale ones are left.
    pub fn sweep_stale(&mut self, index: &PrefixIndex, budget: usize) -> bool {
        let mut budget = budget;
        while let Some(id) = self.table.next_stale(&mut budget) {
            self.table.clear_stale(id);
            if self.table.get(id).is_layered() {
                self.refresh(id);
            } else {
                self.assign(id, None);
            }
            self.note_prefix(index.prefix(id));
        }
        self.stale_count() > 0
    }

    pub fn stale_count(&self) -> usize {
        self.table.stale_count()
    }

    /// What must be written to get from the last drain to here, in order.
    pub fn drain_ops(&mut self, index: &PrefixIndex) -> Vec<FibOp> {
        self.settle(index);
        let mut batch = Batch::default();
        if self.reserved == Reserved::Missing {
            self.reserved = Reserved::Written;
            let next_hop = Terminal::NoRoute.next_hop();
            batch.next_hops.push((NextHopId::NO_ROUTE, next_hop));
            batch.buckets.push((0, vec![NextHopId::NO_ROUTE]));
            let list = PathList { offset: 0, mask: 0 };
            batch.path_lists.push((PathListId::NO_ROUTE, list));
            batch.routes.push((RouteId::NO_ROUTE, PathListId::NO_ROUTE));
        }
        self.unbind_orphans(index, &mut batch);
        self.table.drain(index, &mut batch);
        self.paths.drain(&mut batch);
        let hops = &mut self.paths.hops;
        self.paths.sets.collect(&mut self.gateways, hops);
        self.gateways.collect(hops);
        hops.drain(&mut batch);
        self.table.reuse(&batch);
        self.paths.reuse(&batch);
        batch.into_ops()
    }

    /// Prefixes that the FIB has stopped using since the last call.
    pub fn drain_released(&mut self) -> Vec<PrefixId> {
        self.table.drain_released()
    }

    /// Whether the FIB still needs the id; one that is removed is needed until its `Unbind` is drained.
    pub fn uses(&self, id: PrefixId) -> bool {
        self.table.uses(id)
    }

    /// The longest installed prefix that contains the address.
    pub fn lookup(&self, index: &PrefixIndex, address: IpAddr) -> Option<PrefixId> {
        index.covering(address).find(|&id| {
            let entry = self.table.get(id);
            entry.list().is_some() && entry.route().is_some()
        })
    }

    /// Works out what follows from the changes so far.
    fn settle(&mut self, index: &PrefixIndex) {
        for address in std::mem::take(&mut self.host.dirty) {
            self.update_neighbour(address, index);
        }
        while let Some(id) = self.gateways.pop_dirty() {
            self.resolve(id, index);
        }
        while let Some(id) = self.paths.sets.changed.pop_first() {
            let paths = &mut self.paths;
            (paths.sets).update_members(id, &self.gateways, &mut paths.hops);
            paths.relayout(id);
        }
    }

    /// The route of a prefix changed: what is inside it may find another way.
    fn note_prefix(&mut self, prefix: IpNet) {
        self.gateways.note_prefix(prefix);
        self.host.note_prefix(prefix);
    }

    fn intern_key(&mut self, key: SetKey) -> SetId {
        let paths = &mut self.paths;
        (paths.sets).intern_key(key, &mut self.gateways, &mut paths.hops)
    }

    fn layers_mut(&mut self, id: PrefixId) -> &mut Layers {
        let was_layered = self.table.get(id).is_layered();
        let paths = &mut self.paths;
        let layers = self.table.layers_mut(id, |list| paths.list(list).set);
        if let Some(routed) = layers.routed.filter(|_| !was_layered) {
            paths.sets.retain(routed);
        }
        layers
    }

    /// The neighbour whose host prefix this is: not resolved, resolved, or to be reached directly.
    fn set_neighbour_layer(&mut self, id: PrefixId, neighbour: Option<Option<SetId>>) {
        let old = std::mem::replace(&mut self.layers_mut(id).neighbour, neighbour);
        if let Some(set) = neighbour.flatten() {
            self.paths.sets.retain(set);
        }
        if let Some(set) = old.flatten() {
            self.paths.sets.release(set);
        }
        self.refresh(id);
    }

    /// Points a layered prefix at what wins.
    fn refresh(&mut self, id: PrefixId) {
        let Some(layers) = self.table.layers(id) else {
            return;
        };
        let neighbour = layers.neighbour.flatten();
        match (layers.claim(), layers.routed) {
            (Some((kind, link)), _) => {
                let fate = self.terminal(kind, link);
                let set = self.intern_key(SetKey::Terminal(fate));
                self.assign(id, Some(set));
            }
            (None, Some(set)) => self.assign(id, Some(set)),
            (None, None) => self.assign_neighbour(id, neighbour),
        }
        if let Some(routed) = self.table.flatten(id) {
            self.paths.sets.release(routed);
        }
    }

    /// A neighbour does not take a prefix from an earlier run's route, unless that was the neighbour's.
    fn assign_neighbour(&mut self, id: PrefixId, set: Option<SetId>) {
        let entry = self.table.get(id);
        let adopted = entry.list().filter(|_| entry.is_stale());
        let is_kept = adopted.is_some_and(|list| {
            set.is_none_or(|set| {
                self.paths.list(list).set != Some(set) && !self.paths.recognise(list, set)
            })
        });
        if !is_kept {
            self.assign(id, set);
        }
    }

    /// Points the prefix at a list of the set. Without room for a list it keeps what it has.
    fn assign(&mut self, id: PrefixId, set: Option<SetId>) {
        let old = self.table.get(id).list();
        let new = match set {
            None => None,
            Some(set) => match self.paths.choose(old, set) {
                Some(list) => Some(list),
                None => return,
            },
        };
        self.table.clear_stale(id);
        if new == old {
            return;
        }
        if let Some(new) = new {
            self.paths.link(new);
        }
        self.table.point(id, new);
        if let Some(old) = old {
            self.paths.unlink(old);
        }
    }
}
