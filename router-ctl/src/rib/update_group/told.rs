//! What the shared stream of a group has said about each prefix: the path as the RIB has it, whose exported form
//! the members have seen, and whose sender has not. 8 bytes a prefix; where ADD-PATH sends several paths of a
//! prefix, 16 bytes a path.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::bgp::types::{Family, FamilySet, PathId, RouterId};
use crate::prefix::PrefixId;
use crate::rib::attributes::AttributesId;
use crate::rib::export::{Heard, Way};
use crate::rib::peers::slot;
use crate::rib::prefix_table::PrefixTable;
use crate::rib::route::PeerId;
use crate::rib::table::{Rib, family_of};

/// A path that was announced to every member but its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) attributes: AttributesId,
    pub(super) source: PeerId,
    pub(super) heard: Heard,
    pub(super) way: Way,
}

const _: () = assert!(size_of::<Option<Told>>() == 8);

/// What an announcement or a withdrawal is about: a prefix, and where ADD-PATH is in use one of its paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Item {
    pub(super) prefix: PrefixId,
    pub(super) path: PathId,
}

/// One path of a prefix as it was announced. Both identifiers are 0 without ADD-PATH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ToldPath {
    /// Our identifier.
    pub(super) path: PathId,
    /// The sender's.
    pub(super) received: PathId,
    pub(super) told: Told,
}

/// Of one prefix.
pub(super) type ToldPaths = SmallVec<[ToldPath; 2]>;

/// The Adj-RIB-Out of a group. Holds a reference to each attribute set in it.
#[derive(Debug, Default)]
pub(super) struct ToldTable {
    entries: PrefixTable<Option<Told>>,
    /// Of the families with ADD-PATH.
    several: FxHashMap<PrefixId, ToldPaths>,
    add_path: FamilySet,
    /// Upper bounds of the numbers in `several`.
    bounds: [usize; 2],
    announced: [usize; 2],
    /// Of these, by their sender.
    by_source: Vec<[usize; 2]>,
    /// Of these, those with an ORIGINATOR_ID.
    by_originator: FxHashMap<(PeerId, RouterId), [usize; 2]>,
}

impl ToldTable {
    pub(super) fn new(add_path: FamilySet) -> Self {
        Self {
            add_path,
            ..Self::default()
        }
    }

    pub(super) fn get(&self, item: Item) -> Option<Told> {
        if self.add_path.contains(family_of(item.prefix)) {
            let mut paths = self.several.get(&item.prefix)?.iter();
            return paths
                .find(|each| each.path == item.path)
                .map(|each| each.told);
        }
        self.entries.get(item.prefix).copied().flatten()
    }

    pub(super) fn paths(&self, id: PrefixId) -> ToldPaths {
        if self.add_path.contains(family_of(id)) {
            return self.several.get(&id).cloned().unwrap_or_default();
        }
        let told = self.entries.get(id).copied().flatten();
        let alone = |told| ToldPath {
            path: PathId::default(),
            received: PathId::default(),
            told,
        };
        told.map(alone).into_iter().collect()
    }

    pub(super) fn contains(&self, id: PrefixId) -> bool {
        self.entries.get(id).is_some_and(Option::is_some) || self.several.contains_key(&id)
    }

    /// Notes `after`; returns what was there, whose reference is the caller's from now on.
    pub(super) fn replace(
        &mut self,
        rib: &mut Rib,
        item: Item,
        after: Option<ToldPath>,
    ) -> Option<Told> {
        let before = self.get(item);
        let told = after.map(|after| after.told);
        if before.is_none() && told.is_none() {
            return None;
        }
        if let Some(told) = told {
            rib.attributes.acquire(told.attributes);
            self.count(rib, told, family_of(item.prefix), 1);
        }
        if let Some(before) = before {
            self.count(rib, before, family_of(item.prefix), -1);
        }
        if self.add_path.contains(family_of(item.prefix)) {
            self.put(item, after);
        } else {
            *self.entries.entry(item.prefix) = told;
        }
        before
    }

    fn put(&mut self, item: Item, after: Option<ToldPath>) {
        let bound = &mut self.bounds[slot(family_of(item.prefix))];
        *bound = (*bound).max(item.prefix.index() + 1);
        let paths = self.several.entry(item.prefix).or_default();
        paths.retain(|each| each.path != item.path);
        paths.extend(after);
        if paths.is_empty() {
            self.several.remove(&item.prefix);
        }
    }

    fn count(&mut self, rib: &Rib, told: Told, family: Family, by: isize) {
        let family = slot(family);
        self.announced[family] = self.announced[family].wrapping_add_signed(by);
        let of_source = if let Some(originator) = originator(rib, told) {
            self.by_originator
                .entry((told.source, originator))
                .or_default()
        } else {
            let index = told.source.index();
            if self.by_source.len() <= index {
                self.by_source.resize(index + 1, [0; 2]);
            }
            &mut self.by_source[index]
        };
        of_source[family] = of_source[family].wrapping_add_signed(by);
    }

    /// Paths that were announced to those who sent none of them.
    pub(super) fn announced(&self, family: Family) -> usize {
        self.announced[slot(family)]
    }

    /// Paths that `peer` has been told once it is up to date; `router_id` where it is not told its own
    /// ORIGINATOR_ID.
    pub(super) fn advertised(
        &self,
        peer: PeerId,
        router_id: Option<RouterId>,
        family: Family,
    ) -> usize {
        let family = slot(family);
        let own = self.by_source.get(peer.index()).map_or(0, |of| of[family]);
        let hidden =
            |source: PeerId, originator: RouterId| source == peer || Some(originator) == router_id;
        let originated = self.by_originator.iter();
        let originated = originated
            .filter(|&(&(source, originator), _)| hidden(source, originator))
            .map(|(_, of)| of[family]);
        self.announced[family] - own - originated.sum::<usize>()
    }

    /// Upper bound of the positions in use.
    pub(super) fn bound(&self, family: Family) -> usize {
        let entries = self.entries.bound(family == Family::Ipv6Unicast);
        entries.max(self.bounds[slot(family)])
    }

    /// The same table once more, with references of its own.
    pub(super) fn duplicate(&self, rib: &mut Rib) -> Self {
        let several = self.several.values().flatten().map(|each| each.told);
        for told in self.entries.iter().copied().flatten().chain(several) {
            rib.attributes.acquire(told.attributes);
        }
        Self {
            entries: self.entries.clone(),
            several: self.several.clone(),
            add_path: self.add_path,
            bounds: self.bounds,
            announced: self.announced,
            by_source: self.by_source.clone(),
            by_originator: self.by_originator.clone(),
        }
    }

    /// Whether both tables say the same.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.announced == other.announced
            && self.add_path == other.add_path
            && self.several == other.several
            && Family::ALL.into_iter().all(|family| {
                let bound = self.bound(family).max(other.bound(family));
                (0..bound).all(|index| {
                    let id = PrefixId::from_index(index, family == Family::Ipv6Unicast);
                    let told = |table: &Self| table.entries.get(id).copied().flatten();
                    told(self) == told(other)
                })
            })
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let each = size_of::<(PrefixId, ToldPaths)>() + 1;
        self.entries.memory_bytes() + self.several.capacity() * each
    }
}

/// The ORIGINATOR_ID of a path that is passed on inside the AS.
pub(super) fn originator(rib: &Rib, told: Told) -> Option<RouterId> {
    let known = told.heard.is_internal() && told.way != Way::Originated;
    let id = known.then(|| rib.attributes.key(told.attributes).originator())??;
    Some(RouterId(id.into()))
}
