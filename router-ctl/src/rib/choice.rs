//! What a decision came to, apart from the attributes: whose path is best, and the set of next hops. Few distinct
//! ones exist, so that a prefix keeps a number and a change is a comparison of numbers.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use smallvec::SmallVec;

use super::arena::{Arena, Handle};
use super::next_hops::{NextHopRef, NextHops};
use super::route::{PeerId, PeerKind};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Choice {
    pub(super) peer: PeerId,
    pub(super) kind: PeerKind,
    pub(super) next_hops: SmallVec<[NextHopRef; 2]>,
}

impl Choice {
    /// Routes of our own lead to no next hop.
    pub(super) fn without_ourselves(mut self) -> Self {
        self.next_hops.retain(|each| *each != NextHopRef::SELF);
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChoiceId(Handle);

#[derive(Debug)]
struct Slot {
    choice: Choice,
    references: u32,
}

#[derive(Debug, Default)]
pub(super) struct Choices {
    slots: Arena<Slot>,
    table: HashTable<ChoiceId>,
    hasher: DefaultHashBuilder,
    /// The one found last: prefixes of one UPDATE come to the same choice.
    last: Option<ChoiceId>,
}

impl Choices {
    /// The id of `choice`, with one more reference. A choice holds references to its next hops.
    pub(super) fn intern(&mut self, choice: Choice, next_hops: &mut NextHops) -> ChoiceId {
        let id = self.find_or_insert(choice, next_hops);
        self.slots.get_mut(id.0).references += 1;
        self.last = Some(id);
        id
    }

    fn find_or_insert(&mut self, choice: Choice, next_hops: &mut NextHops) -> ChoiceId {
        if let Some(last) = self.last
            && self.slots.get(last.0).choice == choice
        {
            return last;
        }
        let hash = self.hasher.hash_one(&choice);
        let found = self
            .table
            .find(hash, |each| self.slots.get(each.0).choice == choice);
        if let Some(&id) = found {
            return id;
        }
        for &next_hop in &choice.next_hops {
            next_hops.acquire(next_hop);
        }
        let id = ChoiceId(self.slots.insert(Slot {
            choice,
            references: 0,
        }));
        self.table.insert_unique(hash, id, |each| {
            self.hasher.hash_one(&self.slots.get(each.0).choice)
        });
        id
    }

    pub(super) fn release(&mut self, id: ChoiceId, next_hops: &mut NextHops) {
        let slot = self.slots.get_mut(id.0);
        slot.references -= 1;
        if slot.references > 0 {
            return;
        }
        let hash = self.hasher.hash_one(&slot.choice);
        for &next_hop in &slot.choice.next_hops {
            next_hops.release(next_hop);
        }
        if let Ok(found) = self.table.find_entry(hash, |&each| each == id) {
            found.remove();
        }
        self.slots.free(id.0);
        self.last = self.last.filter(|&last| last != id);
    }

    pub(super) fn get(&self, id: ChoiceId) -> &Choice {
        &self.slots.get(id.0).choice
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.slots.memory_bytes() + self.table.capacity() * (size_of::<ChoiceId>() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bgp::types::NextHop;
    use crate::rib::next_hops::LinkScope;

    #[test]
    fn equal_choices_are_one_number_and_keep_their_next_hops_alive() {
        let mut hops = NextHops::default();
        let mut choices = Choices::default();
        let hop = hops.intern(NextHop::V4([192, 0, 2, 1].into()), LinkScope::default());
        hops.drain_new();
        let choice = |peer| Choice {
            peer: PeerId(peer),
            kind: PeerKind::Ebgp,
            next_hops: [hop].into_iter().collect(),
        };
        let first = choices.intern(choice(1), &mut hops);
        let second = choices.intern(choice(2), &mut hops);
        assert_eq!(choices.intern(choice(1), &mut hops), first);
        assert_ne!(first, second);
        hops.release(hop);
        assert_eq!(hops.drain_freed(), []);
        for id in [first, first, second] {
            choices.release(id, &mut hops);
        }
        assert_eq!(hops.drain_freed(), [hop]);
    }
}
