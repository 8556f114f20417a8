//! Attribute sets, each stored once as its canonical bytes with the numbers that decisions compare. A full table
//! of a million prefixes has about 140,000 distinct sets. Paths, choices and what peers were told hold
//! references; a set without one is freed at once.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::arena::{Arena, Handle};
use super::key::DecisionKey;
use super::next_hops::{LinkScope, NextHopRef, NextHops};
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

/// What import policy made of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Derivation {
    /// The set as it was received; a derived set holds a reference to it.
    pub(super) from: AttributesId,
    pub(super) weight: u32,
    /// Packets go nowhere, whatever the next hop.
    pub(super) target: Target,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Target {
    #[default]
    NextHop,
    Discard,
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
    weight: u32,
    /// The set that this one was made of.
    from: Option<AttributesId>,
}

const _: () = assert!(size_of::<Slot>() == 56);

/// What makes two sets the same.
type Identity<'a> = (&'a [u8], NextHopRef, u32, Option<AttributesId>);

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
    /// The id of a set as it was received over `link`, with `references` more references.
    pub(super) fn intern(
        &mut self,
        attributes: &PathAttributes,
        link: LinkScope,
        references: u32,
    ) -> AttributesId {
        let next_hop = self.next_hops.intern(attributes.next_hop, link);
        self.put(&attributes.raw, next_hop, None, references)
    }

    /// The id of a set that policy made of another one.
    pub(super) fn intern_derived(
        &mut self,
        attributes: &PathAttributes,
        link: LinkScope,
        derivation: Derivation,
        references: u32,
    ) -> AttributesId {
        let next_hop = match derivation.target {
            Target::NextHop => self.next_hops.intern(attributes.next_hop, link),
            Target::Discard => NextHopRef::DISCARD,
        };
        self.put(&attributes.raw, next_hop, Some(derivation), references)
    }

    fn put(
        &mut self,
        raw: &[u8],
        next_hop: NextHopRef,
        derivation: Option<Derivation>,
        references: u32,
    ) -> AttributesId {
        let from = derivation.map(|derivation| derivation.from);
        let weight = derivation.map_or(0, |derivation| derivation.weight);
        let identity: Identity<'_> = (raw, next_hop, weight, from);
        let hash = self.hash(identity);
        let found = self.table.find(spread(hash), |&(known, id)| {
            known == hash && self.identity(id) == identity
        });
        if let Some(&(_, id)) = found {
            self.next_hops.release(next_hop);
            self.slots.get_mut(id.0).references += references;
            return id;
        }
        if let Some(from) = from {
            self.acquire(from);
        }
        self.raw_bytes += raw.len();
        let id = AttributesId(self.slots.insert(Slot {
            raw: raw.into(),
            key: DecisionKey::of(raw),
            next_hop,
            references,
            weight,
            from,
        }));
        self.table
            .insert_unique(spread(hash), (hash, id), |&(hash, _)| spread(hash));
        id
    }

    fn identity(&self, id: AttributesId) -> Identity<'_> {
        let slot = self.slots.get(id.0);
        (&slot.raw, slot.next_hop, slot.weight, slot.from)
    }

    /// The set as it was received.
    pub(super) fn received(&self, id: AttributesId) -> AttributesId {
        self.slots.get(id.0).from.unwrap_or(id)
    }

    /// The weight that policy gave it.
    pub(super) fn weight(&self, id: AttributesId) -> Option<u32> {
        let slot = self.slots.get(id.0);
        slot.from.map(|_| slot.weight)
    }

    pub(super) fn acquire(&mut self, id: AttributesId) {
        self.slots.get_mut(id.0).references += 1;
    }

    pub(super) fn acquire_many(&mut self, id: AttributesId, references: u32) {
        self.slots.get_mut(id.0).references += references;
    }

    pub(super) fn release(&mut self, id: AttributesId) {
        let mut next = Some(id);
        while let Some(id) = next {
            let slot = self.slots.get_mut(id.0);
            slot.references -= 1;
            next = None;
            if slot.references == 0 {
                next = slot.from;
                self.forget(id);
            }
        }
    }

    fn forget(&mut self, id: AttributesId) {
        let hash = self.hash(self.identity(id));
        if let Ok(found) = self.table.find_entry(spread(hash), |&(_, each)| each == id) {
            found.remove();
        }
        let slot = self.slots.get_mut(id.0);
        let raw = std::mem::take(&mut slot.raw);
        let next_hop = slot.next_hop;
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
    fn hash(&self, identity: Identity<'_>) -> u32 {
        let hash = self.hasher.hash_one(identity);
        u32::try_from(hash >> 32).unwrap_or_default()
    }
}

/// A hash as the table takes it.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

#[cfg(test)]
impl Attributes {
    /// An id for tests that look at no attributes.
    pub(super) fn some() -> AttributesId {
        let nothing = PathAttributes {
            next_hop: NextHop::V4(std::net::Ipv4Addr::UNSPECIFIED),
            raw: Box::default(),
        };
        Self::default().intern(&nothing, LinkScope::default(), 1)
    }
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
        let id = attributes.intern(&set(&[0x40, 1, 1, 0], 1), LinkScope(0), 2);
        assert_eq!(
            attributes.intern(&set(&[0x40, 1, 1, 0], 1), LinkScope(0), 1),
            id
        );
        let other = attributes.intern(&set(&[0x40, 1, 1, 0], 2), LinkScope(0), 1);
        assert_ne!(id, other, "another next hop is another set");
        assert_eq!(attributes.len(), 2);
        for _ in 0..3 {
            assert_eq!(attributes.get(id).raw, [0x40, 1, 1, 0]);
            attributes.release(id);
        }
        assert_eq!(attributes.len(), 1);
        assert_eq!(
            attributes.intern(&set(&[0x40, 1, 1, 2], 3), LinkScope(0), 1),
            id
        );
        assert_eq!(attributes.key(id).origin, 2);
    }

    #[test]
    fn a_freed_set_frees_its_next_hop() {
        let mut attributes = Attributes::default();
        let id = attributes.intern(&set(&[], 1), LinkScope(0), 1);
        let hop = attributes.next_hop(id);
        attributes.next_hops.drain_new();
        attributes.release(id);
        assert_eq!(attributes.next_hops.drain_freed(), [hop]);
        assert!(attributes.memory_bytes() > 0);
    }

    #[test]
    fn a_derived_set_keeps_the_one_that_it_was_made_of() {
        let mut attributes = Attributes::default();
        let received = attributes.intern(&set(&[0x40, 1, 1, 0], 1), LinkScope(0), 1);
        let derivation = |weight| Derivation {
            from: received,
            weight,
            target: Target::NextHop,
        };
        let same = set(&[0x40, 1, 1, 0], 1);
        let heavy = attributes.intern_derived(&same, LinkScope(0), derivation(7), 1);
        assert_eq!(
            (attributes.received(heavy), attributes.weight(heavy)),
            (received, Some(7))
        );
        let light = attributes.intern_derived(&same, LinkScope(0), derivation(0), 1);
        assert!(heavy != light && light != received);
        attributes.release(received);
        attributes.release(heavy);
        assert_eq!(attributes.get(received).raw, [0x40, 1, 1, 0]);
        attributes.release(light);
        assert_eq!(attributes.len(), 0);
    }

    #[test]
    fn a_set_that_is_to_be_discarded_has_no_next_hop() {
        let mut attributes = Attributes::default();
        let received = attributes.intern(&set(&[], 1), LinkScope(0), 1);
        let derivation = Derivation {
            from: received,
            weight: 0,
            target: Target::Discard,
        };
        let id = attributes.intern_derived(&set(&[], 1), LinkScope(0), derivation, 1);
        assert_eq!(attributes.next_hop(id), NextHopRef::DISCARD);
    }
}
