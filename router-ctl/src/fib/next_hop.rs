//! Next hops, one for each (interface, neighbour) and each verdict, shared by every path list.
//!
//! A neighbour's MAC changes in place. Port, MTU and source MAC never do: a next hop whose port changes gets
//! a new id, and the buckets that named the old one are rewritten. An id is taken when a bucket table first
//! needs it, and given back when no table does.

use std::collections::BTreeSet;

use router_common::map::MAX_NEXT_HOPS;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::PathListId;
use router_common::verdict::Verdict;
use rustc_hash::FxHashMap;

use crate::fib::ids::IdPool;
use crate::fib::path_set::SetId;
use crate::fib::plan::Batch;
use crate::host::{IfIndex, MacAddress, NeighbourKey};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct HopId(pub(super) u32);

/// What a next hop stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Target {
    Neighbour(NeighbourKey),
    Terminal(Terminal),
    /// Found in the maps; not known yet which neighbour it is.
    Adopted(NextHopId),
}

/// A fate that needs no neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Terminal {
    NoRoute,
    Local,
    /// The egress tells the program whose broadcast address it is (RFC 2644).
    Broadcast(IfIndex),
    Anycast,
    /// A connected subnet: the kernel resolves the destination.
    Glean,
    /// The kernel forwards out of an interface that is no port of ours.
    NotAttached,
    Blackhole,
    Unreachable,
}

impl Terminal {
    pub(super) fn next_hop(self) -> NextHop {
        let verdict = match self {
            Self::NoRoute => Verdict::PassNoRoute,
            Self::Local => Verdict::PassLocal,
            Self::Broadcast(_) => Verdict::PassLocalBroadcast,
            Self::Anycast => Verdict::PassLocalAnycast,
            Self::Glean => Verdict::PassNoNeighbour,
            Self::NotAttached => Verdict::PassNoPortNotAttached,
            Self::Blackhole => Verdict::DropBlackhole,
            Self::Unreachable => Verdict::PassUnreachable,
        };
        let mut next_hop = NextHop::terminal(verdict);
        if let Self::Broadcast(link) = self {
            next_hop.egress = link.0;
        }
        next_hop
    }
}

#[derive(Debug)]
pub(super) struct Hop {
    pub(super) target: Target,
    /// What the map should hold.
    pub(super) value: NextHop,
    /// Gateways and path sets that name it.
    users: u32,
    id: Option<NextHopId>,
    /// What the map holds under the id.
    written: Option<NextHop>,
    /// Path lists with a bucket for it.
    pub(super) lists: BTreeSet<PathListId>,
    /// Path sets that it is a member of.
    pub(super) sets: BTreeSet<SetId>,
}

impl Hop {
    /// Whether traffic can be sent there, as far as is known. The kernel sees to what leaves by its own ports.
    pub(super) fn is_live(&self) -> bool {
        match self.target {
            Target::Terminal(_) | Target::Adopted(_) => true,
            Target::Neighbour(_) => self.value.verdict != 0 || self.value.neighbour != [0; 8],
        }
    }

    /// The value in the maps, or the one that will be.
    pub(super) fn shown(&self) -> NextHop {
        self.written.unwrap_or(self.value)
    }

    pub(super) fn id(&self) -> Option<NextHopId> {
        self.id
    }
}

#[derive(Debug)]
pub(super) struct Hops {
    slots: Vec<Option<Hop>>,
    free_slots: Vec<u32>,
    by_target: FxHashMap<Target, HopId>,
    ids: IdPool,
    /// Ids that verdicts may take when neighbours have used up theirs.
    terminal_ids: IdPool,
    /// Hops to look at when the next operations are made.
    touched: BTreeSet<HopId>,
    /// Ids to be freed then.
    retired: Vec<NextHopId>,
    /// Neighbours whose need for probing may have changed.
    pub(super) probe_changes: BTreeSet<NeighbourKey>,
    pub(super) refused: u64,
}

impl Hops {
    /// Verdicts are few, but must have room when neighbours are many.
    const FOR_TERMINALS: u32 = 1024;

    /// `used` are the ids found in the maps.
    pub(super) fn new(used: &[NextHopId]) -> Self {
        let split = MAX_NEXT_HOPS - Self::FOR_TERMINALS;
        let used = || used.iter().map(|id| id.0);
        let mut hops = Self {
            slots: Vec::new(),
            free_slots: Vec::new(),
            by_target: FxHashMap::default(),
            ids: IdPool::with_used(1, split, used().filter(|&id| id < split)),
            terminal_ids: IdPool::with_used(split, MAX_NEXT_HOPS, used()),
            touched: BTreeSet::new(),
            retired: Vec::new(),
            probe_changes: BTreeSet::new(),
            refused: 0,
        };
        let no_route = Target::Terminal(Terminal::NoRoute);
        let id = hops.insert(no_route, Terminal::NoRoute.next_hop());
        let hop = hops.get_mut(id);
        hop.users = 1;
        hop.id = Some(NextHopId::NO_ROUTE);
        hop.written = Some(hop.value);
        hops
    }

    /// The hop of destinations without a route; always there.
    pub(super) const NO_ROUTE: HopId = HopId(0);

    pub(super) fn get(&self, id: HopId) -> &Hop {
        self.slots[id.0 as usize]
            .as_ref()
            .expect("a hop is there for as long as it is named")
    }

    pub(super) fn get_mut(&mut self, id: HopId) -> &mut Hop {
        self.slots[id.0 as usize]
            .as_mut()
            .expect("a hop is there for as long as it is named")
    }

    pub(super) fn find(&self, target: Target) -> Option<HopId> {
        self.by_target.get(&target).copied()
    }

    /// The hop of `target`, with one more user; `value` is used when it is new.
    pub(super) fn acquire(&mut self, target: Target, value: impl FnOnce() -> NextHop) -> HopId {
        let id = match self.find(target) {
            Some(id) => id,
            None => self.insert(target, value()),
        };
        self.get_mut(id).users += 1;
        id
    }

    /// One more user of a hop that is there.
    pub(super) fn retain(&mut self, id: HopId) {
        self.get_mut(id).users += 1;
    }

    /// One user less. A hop without users goes when no bucket names it either.
    pub(super) fn release(&mut self, id: HopId) {
        self.get_mut(id).users -= 1;
        self.touched.insert(id);
    }

    fn insert(&mut self, target: Target, value: NextHop) -> HopId {
        let hop = Hop {
            target,
            value,
            users: 0,
            id: None,
            written: None,
            lists: BTreeSet::new(),
            sets: BTreeSet::new(),
        };
        let id = match self.free_slots.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(hop);
                HopId(slot)
            }
            None => {
                self.slots.push(Some(hop));
                HopId(u32::try_from(self.slots.len() - 1).expect("hops are few"))
            }
        };
        self.by_target.insert(target, id);
        self.touched.insert(id);
        self.note_probe(target);
        id
    }

    fn note_probe(&mut self, target: Target) {
        if let Target::Neighbour(key) = target {
            self.probe_changes.insert(key);
        }
    }

    /// A hop as it was found in the maps.
    pub(super) fn insert_adopted(&mut self, id: NextHopId, value: NextHop) -> HopId {
        let hop_id = self.insert(Target::Adopted(id), value);
        let hop = self.get_mut(hop_id);
        hop.id = Some(id);
        hop.written = Some(value);
        hop_id
    }

    /// `known` turns out to be the same as `adopted`, whose id and buckets it takes over. Returns the lists in
    /// which the member must be renamed.
    pub(super) fn merge(&mut self, adopted: HopId, known: HopId) -> BTreeSet<PathListId> {
        self.touched.remove(&adopted);
        let taken = self.slots[adopted.0 as usize]
            .take()
            .expect("an adopted hop is there until it is merged");
        self.free_slots.push(adopted.0);
        self.by_target.remove(&taken.target);
        self.touched.insert(known);
        let hop = self.get_mut(known);
        hop.id = taken.id;
        hop.written = taken.written;
        hop.lists.extend(&taken.lists);
        taken.lists
    }

    /// A list has a bucket for it from now on. False when there is no id left for it.
    pub(super) fn join_list(&mut self, id: HopId, list: PathListId) -> bool {
        if self.get(id).id.is_none() {
            let pools = match self.get(id).target {
                Target::Neighbour(_) | Target::Adopted(_) => [Some(&mut self.ids), None],
                Target::Terminal(_) => [Some(&mut self.terminal_ids), Some(&mut self.ids)],
            };
            let Some(new) = pools.into_iter().flatten().find_map(IdPool::take) else {
                self.refused += 1;
                return false;
            };
            self.get_mut(id).id = Some(NextHopId(new));
            self.touched.insert(id);
        }
        self.get_mut(id).lists.insert(list);
        true
    }

    pub(super) fn leave_list(&mut self, id: HopId, list: PathListId) {
        self.get_mut(id).lists.remove(&list);
        self.touched.insert(id);
    }

    /// The neighbour was resolved or, with `None`, failed. True when that changes whether traffic can be sent there.
    pub(super) fn set_neighbour(&mut self, id: HopId, mac: Option<MacAddress>) -> bool {
        self.touched.insert(id);
        let hop = self.get_mut(id);
        let was_live = hop.is_live();
        if hop.value.verdict == 0 {
            hop.value.neighbour = mac.map_or([0; 8], |mac| NextHop::neighbour_word(mac.0));
        }
        hop.is_live() != was_live
    }

    /// The port changed. Returns the lists whose buckets must name the new id.
    pub(super) fn set_value(&mut self, id: HopId, value: NextHop) -> BTreeSet<PathListId> {
        let hop = self.get(id);
        self.note_probe(hop.target);
        self.touched.insert(id);
        let hop = self.get_mut(id);
        hop.value = value;
        let in_place = hop
            .written
            .is_none_or(|written| same_port(&written, &value));
        if in_place {
            return BTreeSet::new();
        }
        hop.written = None;
        let lists = hop.lists.clone();
        let Some(old) = hop.id.take() else {
            return lists;
        };
        self.retired.push(old);
        for &list in &lists {
            if !self.join_list(id, list) {
                break;
            }
        }
        lists
    }

    /// Hops of neighbours on a link.
    pub(super) fn on_link(&self, link: IfIndex) -> Vec<(HopId, NeighbourKey)> {
        let mut found: Vec<_> = self
            .iter()
            .filter_map(|(id, hop)| match hop.target {
                Target::Neighbour(key) if key.link == link => Some((id, key)),
                Target::Neighbour(_) | Target::Terminal(_) | Target::Adopted(_) => None,
            })
            .collect();
        found.sort_unstable();
        found
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (HopId, &Hop)> {
        (0..)
            .zip(&self.slots)
            .filter_map(|(id, slot)| Some((HopId(id), slot.as_ref()?)))
    }

    /// The id that a bucket of this hop holds.
    pub(super) fn map_id(&self, id: HopId) -> NextHopId {
        self.get(id).id.unwrap_or(NextHopId::NO_ROUTE)
    }

    /// Writes what changed, frees what nothing names.
    pub(super) fn drain(&mut self, batch: &mut Batch) {
        batch.free_next_hops.append(&mut self.retired);
        for id in std::mem::take(&mut self.touched) {
            let Some(hop) = self.slots[id.0 as usize].as_mut() else {
                continue;
            };
            if hop.lists.is_empty() && id != Self::NO_ROUTE {
                if let Some(old) = hop.id.take() {
                    match hop.written.take() {
                        Some(_) => batch.free_next_hops.push(old),
                        None => self.give_back(old),
                    }
                }
            } else if let Some(id) = hop.id
                && hop.written != Some(hop.value)
            {
                hop.written = Some(hop.value);
                batch.next_hops.push((id, hop.value));
            }
            let hop = self.get(id);
            if hop.users == 0 && hop.lists.is_empty() {
                let target = hop.target;
                self.note_probe(target);
                self.by_target.remove(&target);
                self.slots[id.0 as usize] = None;
                self.free_slots.push(id.0);
            }
        }
    }

    /// An id may be taken again: its `FreeNextHop` is in the stream, or it was never written.
    pub(super) fn give_back(&mut self, id: NextHopId) {
        let split = MAX_NEXT_HOPS - Self::FOR_TERMINALS;
        let pool = if id.0 < split {
            &mut self.ids
        } else {
            &mut self.terminal_ids
        };
        pool.give_back(id.0);
    }

    /// Ids in use.
    pub(super) fn len(&self) -> usize {
        self.iter().filter(|(_, hop)| hop.id.is_some()).count()
    }
}

/// Equal but for the neighbour, which may change in place.
fn same_port(a: &NextHop, b: &NextHop) -> bool {
    NextHop {
        neighbour: a.neighbour,
        ..*b
    } == *a
}
