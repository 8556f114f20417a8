//! What the shared stream of a group has said about each prefix: the path as the RIB has it, whose exported form
//! the members have seen, and whose sender has not. 8 bytes a prefix.

use crate::bgp::types::Family;
use crate::prefix::PrefixId;
use crate::rib::attributes::AttributesId;
use crate::rib::peers::slot;
use crate::rib::prefix_table::PrefixTable;
use crate::rib::route::{PeerId, PeerKind};
use crate::rib::table::{Rib, family_of};

/// A path that was announced to every member but its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) attributes: AttributesId,
    pub(super) source: PeerId,
    pub(super) kind: PeerKind,
}

const _: () = assert!(size_of::<Option<Told>>() == 8);

/// The Adj-RIB-Out of a group. Holds a reference to each attribute set in it.
#[derive(Debug, Default)]
pub(super) struct ToldTable {
    entries: PrefixTable<Option<Told>>,
    announced: [usize; 2],
    /// Of these, by their sender.
    by_source: Vec<[usize; 2]>,
}

impl ToldTable {
    pub(super) fn get(&self, id: PrefixId) -> Option<Told> {
        self.entries.get(id).copied().flatten()
    }

    /// Notes `told`; returns what was there, whose reference is the caller's from now on.
    pub(super) fn replace(
        &mut self,
        rib: &mut Rib,
        id: PrefixId,
        told: Option<Told>,
    ) -> Option<Told> {
        let before = self.get(id);
        if before.is_none() && told.is_none() {
            return None;
        }
        if let Some(told) = told {
            rib.attributes.acquire(told.attributes);
            self.count(told.source, family_of(id), 1);
        }
        if let Some(before) = before {
            self.count(before.source, family_of(id), -1);
        }
        *self.entries.entry(id) = told;
        before
    }

    fn count(&mut self, source: PeerId, family: Family, by: isize) {
        let family = slot(family);
        if self.by_source.len() <= source.index() {
            self.by_source.resize(source.index() + 1, [0; 2]);
        }
        let of_source = &mut self.by_source[source.index()][family];
        *of_source = of_source.wrapping_add_signed(by);
        self.announced[family] = self.announced[family].wrapping_add_signed(by);
    }

    /// Prefixes of which `peer` has been told once it is up to date.
    pub(super) fn advertised(&self, peer: PeerId, family: Family) -> usize {
        let own = self.by_source.get(peer.index());
        self.announced[slot(family)] - own.map_or(0, |own| own[slot(family)])
    }

    /// Upper bound of the positions in use.
    pub(super) fn bound(&self, family: Family) -> usize {
        self.entries.bound(family == Family::Ipv6Unicast)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.entries.memory_bytes()
    }
}
