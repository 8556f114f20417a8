//! Prefix → route: the part of the FIB that has a million entries, at 8 bytes each.
//!
//! An entry is the route id that the prefix keeps for as long as it is installed, and the path list that the
//! route points at. Prefixes that are more than a protocol's route (own addresses, connected subnets,
//! neighbours) have their layers on the side.

use std::collections::BTreeMap;

use router_common::map::{MAX_PREFIXES_V4, MAX_PREFIXES_V6, MAX_ROUTES};
use router_common::path_list::PathListId;
use router_common::route::RouteId;
use smallvec::SmallVec;

use crate::fib::ids::IdPool;
use crate::fib::path_set::SetId;
use crate::fib::plan::Batch;
use crate::fib::types::LocalKind;
use crate::host::IfIndex;
use crate::prefix::{PrefixId, PrefixIndex, PrefixVec};

/// `route` is a route id, 0 while there is none, and flags. `list` is a path list id, 0 for none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry {
    route: u32,
    list: u32,
}

const _: () = assert!(size_of::<Entry>() == 8 && MAX_ROUTES <= Entry::DIRTY);

impl Entry {
    /// Changed since the last drain.
    const DIRTY: u32 = 1 << 29;
    /// Found in the maps and not set again yet.
    const STALE: u32 = 1 << 30;
    /// Has layers on the side.
    const LAYERED: u32 = 1 << 31;
    const ID: u32 = Self::DIRTY - 1;

    pub(super) fn route(self) -> Option<RouteId> {
        let id = self.route & Self::ID;
        (id != 0).then_some(RouteId(id))
    }

    pub(super) fn list(self) -> Option<PathListId> {
        (self.list != 0).then_some(PathListId(self.list))
    }

    pub(super) fn is_stale(self) -> bool {
        self.route & Self::STALE != 0
    }

    pub(super) fn is_layered(self) -> bool {
        self.route & Self::LAYERED != 0
    }

    fn set_flag(&mut self, flag: u32) {
        self.route |= flag;
    }

    fn clear_flag(&mut self, flag: u32) {
        self.route &= !flag;
    }
}

/// What a prefix is beside a protocol's route.
#[derive(Debug, Default)]
pub(super) struct Layers {
    /// From the host's addresses, each as often as addresses give it.
    pub(super) claims: SmallVec<[(LocalKind, IfIndex); 1]>,
    /// The protocols' route.
    pub(super) routed: Option<SetId>,
    /// The address of a neighbour that the kernel has resolved, and the way to it if it is to be installed.
    pub(super) neighbour: Option<Option<SetId>>,
}

impl Layers {
    pub(super) fn claim(&self) -> Option<(LocalKind, IfIndex)> {
        self.claims.iter().copied().min()
    }

    fn is_plain(&self) -> bool {
        self.claims.is_empty() && self.neighbour.is_none()
    }
}

/// How many prefixes of each family, and routes of both, there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    pub(super) v4: u32,
    pub(super) v6: u32,
    pub(super) routes: u32,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            v4: MAX_PREFIXES_V4,
            v6: MAX_PREFIXES_V6,
            routes: MAX_ROUTES,
        }
    }
}

#[derive(Debug)]
pub(super) struct Table {
    entries: PrefixVec<Entry>,
    layers: BTreeMap<PrefixId, Layers>,
    /// Entries that changed, with the path list that the maps have (0 for none).
    dirty: Vec<(PrefixId, u32)>,
    ids: IdPool,
    capacity: Capacity,
    installed_v4: u32,
    installed_v6: u32,
    /// Adopted entries, for the sweep; those set again since are skipped.
    adopted: Vec<PrefixId>,
    stale: usize,
    /// Entries without a route id for lack of room.
    waiting: Vec<PrefixId>,
    released: Vec<PrefixId>,
    pub(super) refused: u64,
}

impl Table {
    pub(super) fn new(capacity: Capacity, used: impl Iterator<Item = RouteId>) -> Self {
        let used = used.map(|id| id.0);
        Self {
            entries: PrefixVec::default(),
            layers: BTreeMap::new(),
            dirty: Vec::new(),
            ids: IdPool::with_used(RouteId::FIRST.0, capacity.routes, used),
            capacity,
            installed_v4: 0,
            installed_v6: 0,
            adopted: Vec::new(),
            stale: 0,
            waiting: Vec::new(),
            released: Vec::new(),
            refused: 0,
        }
    }

    pub(super) fn get(&self, id: PrefixId) -> Entry {
        self.entries.get(id).copied().unwrap_or_default()
    }

    /// A prefix as it was found in the maps.
    pub(super) fn adopt(&mut self, id: PrefixId, route: RouteId, list: PathListId) {
        *self.installed(id) += 1;
        let entry = self.entries.entry(id);
        entry.route = route.0 | Entry::STALE;
        entry.list = list.0;
        self.adopted.push(id);
        self.stale += 1;
    }

    /// Prefixes of a family that have a route id.
    fn installed(&mut self, id: PrefixId) -> &mut u32 {
        if id.is_ipv6() {
            &mut self.installed_v6
        } else {
            &mut self.installed_v4
        }
    }

    /// Points the prefix at another list, or at none.
    pub(super) fn point(&mut self, id: PrefixId, list: Option<PathListId>) {
        let entry = self.entries.entry(id);
        let old = std::mem::replace(&mut entry.list, list.map_or(0, |list| list.0));
        if entry.route & Entry::DIRTY == 0 {
            entry.set_flag(Entry::DIRTY);
            let in_maps = if entry.route().is_some() { old } else { 0 };
            self.dirty.push((id, in_maps));
        }
        let entry = *entry;
        if entry.route().is_none() && entry.list != 0 && old == 0 && !self.take_route(id) {
            self.waiting.push(id);
            self.refused += 1;
        }
    }

    fn take_route(&mut self, id: PrefixId) -> bool {
        let capacity = if id.is_ipv6() {
            self.capacity.v6
        } else {
            self.capacity.v4
        };
        if *self.installed(id) >= capacity {
            return false;
        }
        let Some(route) = self.ids.take() else {
            return false;
        };
        *self.installed(id) += 1;
        self.entries.entry(id).route |= route;
        true
    }

    pub(super) fn clear_stale(&mut self, id: PrefixId) {
        let entry = self.entries.entry(id);
        if entry.is_stale() {
            entry.clear_flag(Entry::STALE);
            self.stale -= 1;
        }
    }

    /// An adopted prefix that nobody set again, if one is left among the next `budget` to look at.
    pub(super) fn next_stale(&mut self, budget: &mut usize) -> Option<PrefixId> {
        while *budget > 0 {
            *budget -= 1;
            let id = self.adopted.pop()?;
            if self.get(id).is_stale() {
                return Some(id);
            }
        }
        None
    }

    pub(super) fn stale_count(&self) -> usize {
        self.stale
    }

    pub(super) fn layers(&self, id: PrefixId) -> Option<&Layers> {
        self.layers.get(&id)
    }

    pub(super) fn all_layers(&self) -> impl Iterator<Item = (PrefixId, &Layers)> {
        self.layers.iter().map(|(&id, layers)| (id, layers))
    }

    /// The layers of a prefix, new ones if it was a plain entry; then `routed` is the route that it has.
    pub(super) fn layers_mut(
        &mut self,
        id: PrefixId,
        routed: impl FnOnce(PathListId) -> Option<SetId>,
    ) -> &mut Layers {
        let entry = self.entries.entry(id);
        let was_layered = entry.is_layered();
        entry.set_flag(Entry::LAYERED);
        let plain = *entry;
        let layers = self.layers.entry(id).or_default();
        if !was_layered && !plain.is_stale() {
            layers.routed = plain.list().and_then(routed);
        }
        layers
    }

    /// Drops layers that say no more than a plain entry does. Returns the route that they held.
    pub(super) fn flatten(&mut self, id: PrefixId) -> Option<SetId> {
        if !self.layers.get(&id)?.is_plain() {
            return None;
        }
        let layers = self.layers.remove(&id)?;
        let entry = self.entries.entry(id);
        entry.clear_flag(Entry::LAYERED);
        if entry.list == 0 {
            self.released.push(id);
        }
        layers.routed
    }

    /// Writes what changed. Ids that are freed become available with [`reuse`](Self::reuse).
    pub(super) fn drain(&mut self, index: &PrefixIndex, batch: &mut Batch) {
        self.admit_waiting();
        for (id, in_maps) in std::mem::take(&mut self.dirty) {
            let entry = self.entries.entry(id);
            entry.clear_flag(Entry::DIRTY);
            let entry = *entry;
            match (entry.list(), entry.route()) {
                (Some(list), Some(route)) => {
                    if in_maps != list.0 {
                        batch.routes.push((route, list));
                    }
                    if in_maps == 0 {
                        batch.binds.push((index.prefix(id), route));
                    }
                }
                (Some(_), None) => {}
                (None, route) => {
                    self.entries.entry(id).route &= !Entry::ID;
                    if route.is_some() {
                        *self.installed(id) -= 1;
                    }
                    match route {
                        Some(route) if in_maps != 0 => {
                            batch.unbinds.push(index.prefix(id));
                            batch.free_routes.push(route);
                        }
                        Some(route) => self.ids.give_back(route.0),
                        None => {}
                    }
                    self.released.push(id);
                }
            }
        }
    }

    /// Gives route ids that were freed to prefixes that wait for one.
    fn admit_waiting(&mut self) {
        for id in std::mem::take(&mut self.waiting) {
            let entry = self.get(id);
            if entry.list().is_none() || entry.route().is_some() {
                continue;
            }
            if !self.take_route(id) {
                self.waiting.push(id);
                continue;
            }
            let entry = self.entries.entry(id);
            if entry.route & Entry::DIRTY == 0 {
                entry.set_flag(Entry::DIRTY);
                self.dirty.push((id, 0));
            }
        }
    }

    /// A prefix that was adopted without becoming an entry.
    pub(super) fn release(&mut self, id: PrefixId) {
        self.released.push(id);
    }

    pub(super) fn reuse(&mut self, batch: &Batch) {
        for id in &batch.free_routes {
            self.ids.give_back(id.0);
        }
    }

    pub(super) fn drain_released(&mut self) -> Vec<PrefixId> {
        let mut released = std::mem::take(&mut self.released);
        released.retain(|&id| !self.uses(id));
        released.sort_unstable();
        released.dedup();
        released
    }

    pub(super) fn uses(&self, id: PrefixId) -> bool {
        let entry = self.get(id);
        entry.route != 0 || entry.list != 0
    }

    pub(super) fn counts(&self) -> (usize, usize) {
        (self.installed_v4 as usize, self.installed_v6 as usize)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Prefixes of one family with an entry, in the order of their ids.
    pub(super) fn family(&self, ipv6: bool) -> impl Iterator<Item = (PrefixId, Entry)> + '_ {
        self.entries
            .family(ipv6)
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.list != 0 || entry.route != 0)
            .map(move |(position, &entry)| (PrefixId::from_index(position, ipv6), entry))
    }
}
