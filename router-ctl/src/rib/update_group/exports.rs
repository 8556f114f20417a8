//! Exported attribute sets of one slice of work: each computed once, equal results under one number, so that
//! prefixes pack by what the peers will see.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};
use rustc_hash::FxHashMap;

use super::told::Told;
use crate::bgp::types::{Family, PathAttributes};
use crate::rib::attributes::AttributesId;
use crate::rib::export::GroupKey;
use crate::rib::route::PeerKind;
use crate::rib::table::Rib;

/// An exported attribute set, valid until [`Exports::clear`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ExportId(usize);

type Source = (AttributesId, PeerKind, Family);

#[derive(Debug, Default)]
pub(super) struct Exports {
    known: FxHashMap<Source, Option<ExportId>>,
    sets: Vec<PathAttributes>,
    by_content: HashTable<ExportId>,
    hasher: DefaultHashBuilder,
    last: Option<(Source, Option<ExportId>)>,
}

impl Exports {
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.sets.clear();
        self.by_content.clear();
        self.last = None;
    }

    /// What a group that was told `told` has seen.
    pub(super) fn id(
        &mut self,
        key: &GroupKey,
        rib: &Rib,
        family: Family,
        told: Told,
    ) -> Option<ExportId> {
        let source = (told.attributes, told.kind, family);
        if let Some((last, id)) = self.last
            && last == source
        {
            return id;
        }
        let id = match self.known.get(&source) {
            Some(&id) => id,
            None => {
                let attributes = rib.attributes(told.attributes);
                let id = key
                    .export(family, told.kind, attributes)
                    .map(|exported| self.intern(exported));
                self.known.insert(source, id);
                id
            }
        };
        self.last = Some((source, id));
        id
    }

    fn intern(&mut self, exported: PathAttributes) -> ExportId {
        let hash = self.hasher.hash_one(&exported);
        let found = self
            .by_content
            .find(hash, |each| self.sets[each.0] == exported);
        if let Some(&known) = found {
            return known;
        }
        let id = ExportId(self.sets.len());
        self.sets.push(exported);
        self.by_content
            .insert_unique(hash, id, |each| self.hasher.hash_one(&self.sets[each.0]));
        id
    }

    pub(super) fn get(&self, id: ExportId) -> &PathAttributes {
        &self.sets[id.0]
    }
}
