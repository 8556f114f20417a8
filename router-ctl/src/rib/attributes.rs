//! Attribute sets, each stored once as its canonical bytes with the numbers that decisions compare. A full table
//! of a million prefixes has about 140,000 distinct sets. Paths, choices and what peers were told hold
//! references; a set without one is freed at once.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::arena::{Arena, Handle};
use super::key::DecisionKey;
use super::next_hops::{NextHopRef, NextHops};
use crate::bgp::attributes::AttributesView;
use crate::bgp::types::{NextHop, PathAttributes};

/// An interned attribute set. Equal sets (next hop included) have equal ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributesId(Handle);

/// An interned attribute set for readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredAttributes<'a> {
    pub next_hop: NextHop,
    /// Canonical, as in [`PathAttributes::raw`].
    pub raw: &'a [u8],
}

impl<'a> StoredAttributes<'a> {
    pub fn view(self) -> AttributesView<'a> {
        AttributesView::new(self.raw)
    }
}

impl<'a> From<&'a PathAttributes> for StoredAttributes<'a> {
    fn from(attributes: &'a PathAttributes) -> Self {
        Self {
            next_hop: attributes.next_hop,
            raw: &attributes.raw,
        }
    }
}

#[derive(Debug)]
struct Slot {
    raw: Box<[u8]>,
    key: DecisionKey,
    next_hop: NextHopRef,
    references: u32,
}

const _: () = assert!(size_of::<Slot>() == 48);

#[derive(Debug, Default)]
pub(super) struct Attributes {
    slots: Arena<Slot>,
    /// Sets by their content. The hash is kept, so that growth need not read them all again.
    table: HashTable<(u32, AttributesId)>,
    hasher: DefaultHashBuilder,
    raw_bytes: usize,
    pub(super) next_hops: NextHops,
}

impl Attributes {
    /// The id of `attributes`, with `references` more references.
    pub(super) fn intern(&mut self, attributes: &PathAttributes, references: u32) -> AttributesId {
        let next_hop = self.next_hops.intern(attributes.next_hop);
        let hash = self.hash(&attributes.raw, next_hop);
        let found = self.table.find(spread(hash), |&(known, id)| {
            let slot = || self.slots.get(id.0);
            known == hash && slot().next_hop == next_hop && slot().raw == attributes.raw
        });
        if let Some(&(_, id)) = found {
            self.next_hops.release(next_hop);
            self.slots.get_mut(id.0).references += references;
            return id;
        }
        self.raw_bytes += attributes.raw.len();
        let id = AttributesId(self.slots.insert(Slot {
            raw: attributes.raw.clone(),
            key: DecisionKey::of(&attributes.raw),
            next_hop,
            references,
        }));
        self.table
            .insert_unique(spread(hash), (hash, id), |&(hash, _)| spread(hash));
        id
    }

    pub(super) fn acquire(&mut self, id: AttributesId) {
        self.slots.get_mut(id.0).references += 1;
    }

    pub(super) fn release(&mut self, id: AttributesId) {
        let slot = self.slots.get_mut(id.0);
        slot.references -= 1;
        if slot.references > 0 {
            return;
        }
        let raw = std::mem::take(&mut slot.raw);
        let next_hop = slot.next_hop;
        let hash = self.hash(&raw, next_hop);
        if let Ok(found) = self.table.find_entry(spread(hash), |&(_, each)| each == id) {
            found.remove();
        }
        self.raw_bytes -= raw.len();
        self.slots.free(id.0);
        self.next_hops.release(next_hop);
    }

    pub(super) fn get(&self, id: AttributesId) -> StoredAttributes<'_> {
        let slot = self.slots.get(id.0);
        StoredAttributes {
            next_hop: self.next_hops.next_hop(slot.next_hop),
            raw: &slot.raw,
        }
    }

    pub(super) fn key(&self, id: AttributesId) -> &DecisionKey {
        &self.slots.get(id.0).key
    }

    pub(super) fn next_hop(&self, id: AttributesId) -> NextHopRef {
        self.slots.get(id.0).next_hop
    }

    /// Distinct sets.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.memory_bytes()
            + self.raw_bytes
            + self.table.capacity() * (size_of::<(u32, AttributesId)>() + 1)
            + self.next_hops.memory_bytes()
    }

    /// Half of a hash: the low bits choose the place, the high ones tell places apart.
    fn hash(&self, raw: &[u8], next_hop: NextHopRef) -> u32 {
        let hash = self.hasher.hash_one((raw, next_hop));
        u32::try_from(hash >> 32).unwrap_or_default()
    }
}

/// A hash as the table takes it.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(raw: &[u8], last: u8) -> PathAttributes {
        PathAttributes {
            next_hop: NextHop::V4([192, 0, 2, last].into()),
            raw: raw.into(),
        }
    }

    #[test]
    fn equal_sets_share_an_id_until_the_last_reference_goes() {
        let mut attributes = Attributes::default();
        let id = attributes.intern(&set(&[0x40, 1, 1, 0], 1), 2);
        assert_eq!(attributes.intern(&set(&[0x40, 1, 1, 0], 1), 1), id);
        let other = attributes.intern(&set(&[0x40, 1, 1, 0], 2), 1);
        assert_ne!(id, other, "another next hop is another set");
        assert_eq!(attributes.len(), 2);
        for _ in 0..3 {
            assert_eq!(attributes.get(id).raw, [0x40, 1, 1, 0]);
            attributes.release(id);
        }
        assert_eq!(attributes.len(), 1);
        assert_eq!(attributes.intern(&set(&[0x40, 1, 1, 2], 3), 1), id);
        assert_eq!(attributes.key(id).origin, 2);
    }

    #[test]
    fn a_freed_set_frees_its_next_hop() {
        let mut attributes = Attributes::default();
        let id = attributes.intern(&set(&[], 1), 1);
        let hop = attributes.next_hop(id);
        attributes.next_hops.drain_new();
        attributes.release(id);
        assert_eq!(attributes.next_hops.drain_freed(), [hop]);
        assert!(attributes.memory_bytes() > 0);
    }
}
