//! Exported attribute sets of one slice of work: each computed once, equal results under one number, so that
//! prefixes pack by what the peers will see.
//!
//! A policy that looks at the prefix is asked for each; what it leaves as it is shares the rest of the work.

use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};
use rustc_hash::FxHashMap;

use super::forms::{Form, FormNumber};
use super::told::Told;
use crate::bgp::types::{PathAttributes, RouterId};
use crate::policy::Scratch;
use crate::prefix::{PrefixId, PrefixIndex};
use crate::rib::attributes::AttributesId;
use crate::rib::export::{GroupKind, Heard, Outgoing, Way, Withheld};
use crate::rib::route::PeerId;
use crate::rib::table::{Rib, family_of};

/// An exported attribute set, valid until [`Exports::clear`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ExportId(usize);

/// A path as one member, or all members for whom it is the same, are to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) told: Told,
    /// The next hop is the member itself.
    pub(super) leads_to_receiver: bool,
}

impl From<Told> for Seen {
    fn from(told: Told) -> Self {
        Self {
            told,
            leads_to_receiver: false,
        }
    }
}

/// Where a number is looked up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tables<'a> {
    pub(super) rib: &'a Rib,
    pub(super) index: &'a PrefixIndex,
}

/// All that an outcome depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Question {
    form: FormNumber,
    attributes: AttributesId,
    /// Only where its router id goes out with the path.
    sender: Option<PeerId>,
    heard: Heard,
    way: Way,
    leads_to_receiver: bool,
    ipv6: bool,
    scope: Scope,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Scope {
    Any,
    /// The policy looked at the prefix, and changed nothing.
    Unedited,
    Prefix(PrefixId),
}

/// What tells nearly all questions apart, in few words.
impl Hash for Question {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.attributes.hash(state);
        let sender = self.sender.map_or(0, |sender| u32::from(sender.0));
        state.write_u32(self.form.0 ^ sender << 16);
        if let Scope::Prefix(prefix) = self.scope {
            prefix.hash(state);
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Exports {
    known: FxHashMap<Question, Option<ExportId>>,
    sets: Vec<PathAttributes>,
    by_content: HashTable<ExportId>,
    hasher: DefaultHashBuilder,
    /// The last two answers: what was told before and what is told now, for runs of prefixes that are alike.
    last: [Option<(Question, Option<ExportId>)>; 2],
    scratch: Scratch,
}

impl Exports {
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.sets.clear();
        self.by_content.clear();
        self.last = [None; 2];
    }

    /// What a path looks like in a form, `None` when it is not told in it.
    pub(super) fn id(
        &mut self,
        form: &Form,
        tables: Tables<'_>,
        prefix: PrefixId,
        seen: Seen,
    ) -> Option<ExportId> {
        let Seen {
            told,
            leads_to_receiver,
        } = seen;
        let reflected = form.key.kind == GroupKind::Ibgp && told.heard.is_internal();
        let by_prefix = form.key.depends_on_prefix(family_of(prefix), told.way);
        let question = Question {
            form: form.number,
            attributes: told.attributes,
            sender: reflected.then_some(told.source),
            heard: told.heard,
            way: told.way,
            leads_to_receiver,
            ipv6: prefix.is_ipv6(),
            scope: if by_prefix {
                Scope::Prefix(prefix)
            } else {
                Scope::Any
            },
        };
        let mut last = self.last.iter().flatten();
        if let Some(&(_, id)) = last.find(|(last, _)| *last == question) {
            return id;
        }
        let id = match self.known.get(&question) {
            Some(&id) => id,
            None => {
                let id = self.answer(form, question, &outgoing(tables, prefix, seen));
                self.known.insert(question, id);
                id
            }
        };
        self.last = [Some((question, id)), self.last[0]];
        id
    }

    fn answer(&mut self, form: &Form, question: Question, path: &Outgoing<'_>) -> Option<ExportId> {
        let edits = form.key.permit(path, &mut self.scratch).ok()?;
        if question.scope == Scope::Any || !edits.is_unchanged() {
            let exported = form.key.write(path, &edits).ok()?;
            return Some(self.intern(exported));
        }
        let unedited = Question {
            scope: Scope::Unedited,
            ..question
        };
        if let Some(&id) = self.known.get(&unedited) {
            return id;
        }
        let exported = form.key.write(path, &edits).ok();
        let id = exported.map(|exported| self.intern(exported));
        self.known.insert(unedited, id);
        id
    }

    /// The same for a reader, with the reason.
    pub(super) fn judge(
        form: &Form,
        tables: Tables<'_>,
        prefix: PrefixId,
        seen: Seen,
    ) -> Result<PathAttributes, Withheld> {
        let path = outgoing(tables, prefix, seen);
        form.key.judge(&path, &mut Scratch::default())
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

fn outgoing(Tables { rib, index }: Tables<'_>, prefix: PrefixId, seen: Seen) -> Outgoing<'_> {
    let told = seen.told;
    let sender = rib.peer(told.source).map(|sender| sender.router_id);
    Outgoing {
        prefix: index.prefix(prefix),
        attributes: rib.attributes(told.attributes),
        key: rib.attributes.key(told.attributes),
        heard: told.heard,
        way: told.way,
        sender: sender.unwrap_or(RouterId(std::net::Ipv4Addr::UNSPECIFIED)),
        leads_to_receiver: seen.leads_to_receiver,
    }
}
