//! Members whose key changes while their sessions stay.
//!
//! A group of which all members move keeps its table and takes the new key; members that part from others take a
//! copy of the table along. Either way every prefix is looked at once more, and what was told in the former form is
//! compared with what is to be told in the new one: the difference is sent and nothing else. Groups whose keys have
//! become the same are made one when both are at rest and their tables say the same.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use super::former::FormerTable;
use super::forms::{Form, FormNumber};
use super::group::Group;
use super::{GroupId, UpdateGroups};
use crate::bgp::types::{Family, FamilySet, RouterId};
use crate::rib::export::{GroupKey, GroupKind};
use crate::rib::peers::slot;
use crate::rib::route::{PeerId, PeerKind};
use crate::rib::table::Rib;

/// What groups believe about an internal neighbour.
pub(super) type Senders = BTreeMap<PeerId, (RouterId, FamilySet)>;

impl UpdateGroups {
    /// Carries out what [`rejoin`](Self::rejoin) asked for.
    pub(super) fn move_members(&mut self, rib: &mut Rib) {
        let mut moves = BTreeMap::<GroupId, Vec<(GroupKey, Vec<PeerId>)>>::new();
        for (peer, mut key) in std::mem::take(&mut self.moves) {
            let Some(&id) = self.members.get(&peer) else {
                continue;
            };
            let Some(group) = self.groups.get(&id) else {
                continue;
            };
            // These are facts of the session; a change of them is another session.
            key.kind = group.kind;
            key.families = group.key().families;
            key.encoding = group.key().encoding;
            if *group.key() == key {
                continue;
            }
            let parts = moves.entry(id).or_default();
            match parts.iter_mut().find(|(known, _)| *known == key) {
                Some((_, peers)) => peers.push(peer),
                None => parts.push((key, vec![peer])),
            }
        }
        for (id, mut parts) in moves {
            let Some(group) = self.groups.get(&id) else {
                continue;
            };
            let moving: usize = parts.iter().map(|(_, peers)| peers.len()).sum();
            let rest = if moving == group.members.len() {
                parts.sort_by_key(|(_, peers)| peers.len());
                parts.pop()
            } else {
                None
            };
            for (key, peers) in parts {
                self.split(rib, id, key, &peers);
            }
            if let Some((key, _)) = rest {
                self.change_key(rib, id, key);
            }
            self.merge = true;
        }
    }

    pub(super) fn form(&mut self, key: GroupKey) -> Form {
        self.next_form.0 += 1;
        let number = self.next_form;
        Form { number, key }
    }

    fn change_key(&mut self, rib: &Rib, id: GroupId, key: GroupKey) {
        let form = self.form(key);
        if let Some(group) = self.groups.get_mut(&id) {
            group.keeps_third_party |= !form.key.shared_subnets.is_empty();
            group.forms.change(form);
            group.scan_all(rib);
        }
    }

    /// Some members of a group form one of their own.
    fn split(&mut self, rib: &mut Rib, id: GroupId, key: GroupKey, peers: &[PeerId]) {
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        let new = group.part(rib, peers);
        let new_id = self.next_id;
        self.next_id.0 += 1;
        self.groups.insert(new_id, new);
        for &peer in peers {
            self.members.insert(peer, new_id);
        }
        self.change_key(rib, new_id, key);
    }

    /// Makes two groups with the same key one, if nothing speaks against it at the moment.
    #[expect(
        clippy::mutable_key_type,
        reason = "a policy is the same by its address"
    )]
    pub(super) fn merge_alike(&mut self) {
        if !std::mem::take(&mut self.merge) {
            return;
        }
        let mut first = HashMap::<&GroupKey, GroupId>::new();
        let mut alike = Vec::new();
        for (&id, group) in &self.groups {
            match first.entry(group.key()) {
                Entry::Vacant(vacant) => {
                    vacant.insert(id);
                }
                Entry::Occupied(first) => alike.push((*first.get(), id)),
            }
        }
        for (id, other) in alike {
            let (Some(first), Some(second)) = (self.groups.get(&id), self.groups.get(&other))
            else {
                continue;
            };
            let at_rest = |group: &Group| !group.has_news() && !group.forms.is_changing();
            if !at_rest(first) || !at_rest(second) {
                self.merge = true;
            } else if first.told.equals(&second.told) {
                self.merge_into(id, other);
            } else {
                // Something waits for the data plane. What depends on the order of events may differ for good.
                self.merge |= !first.depends_on_order();
            }
        }
    }

    fn merge_into(&mut self, id: GroupId, other: GroupId) {
        let Some(mut gone) = self.groups.remove(&other) else {
            return;
        };
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        self.released.extend(gone.release_originated());
        group.keeps_third_party |= gone.keeps_third_party;
        for (peer, member) in std::mem::take(&mut gone.members) {
            group.add(peer, member);
            self.members.insert(peer, id);
        }
        group.forms.absorb(gone.forms);
        self.former.push(FormerTable::new(gone.told));
    }

    /// Internal neighbours that are clients now, or came back as another router: what was told of their routes is
    /// looked at again.
    pub(super) fn watch_senders(&mut self, rib: &Rib) {
        let internal = |(peer, info): (PeerId, &crate::rib::PeerInfo)| {
            (info.kind == PeerKind::Ibgp).then_some((peer, (info.router_id, info.clients)))
        };
        let known = self.senders.iter().map(|(&peer, &sender)| (peer, sender));
        if rib.peers.iter().filter_map(internal).eq(known) {
            return;
        }
        let now: Senders = rib.peers.iter().filter_map(internal).collect();
        let before = std::mem::replace(&mut self.senders, now);
        let changed = |sender: (&PeerId, &(RouterId, FamilySet))| {
            let (peer, now) = sender;
            before.get(peer).is_some_and(|before| before != now)
        };
        if !self.senders.iter().any(changed) {
            return;
        }
        let since = FormNumber(self.next_form.0 + 1);
        for (peer, (router_id, _)) in &self.senders {
            if before
                .get(peer)
                .is_some_and(|(before, _)| before != router_id)
            {
                self.shared.renamed.insert(*peer, since);
            }
        }
        let internal = self.groups.iter();
        let internal = internal.filter(|(_, group)| group.kind == GroupKind::Ibgp);
        for id in internal.map(|(&id, _)| id).collect::<Vec<_>>() {
            if let Some(key) = self.groups.get(&id).map(|group| group.key().clone()) {
                self.change_key(rib, id, key);
            }
        }
    }
}

impl Group {
    /// Whether two groups with this key can be told different things at rest.
    fn depends_on_order(&self) -> bool {
        let limited = |family: Family| self.key().family(family).maximum_prefix_out.is_some();
        self.has_add_path() || Family::ALL.into_iter().any(limited)
    }

    /// A group of some of the members, with all that they know.
    fn part(&mut self, rib: &mut Rib, peers: &[PeerId]) -> Self {
        let mut part = Self {
            kind: self.kind,
            forms: self.forms.clone(),
            told: self.told.duplicate(rib),
            members: BTreeMap::new(),
            by_router_id: Default::default(),
            by_address: Default::default(),
            keeps_third_party: self.keeps_third_party,
            queue: self.queue.clone(),
            scans: self.scans.clone(),
            excess: self.excess.clone(),
            originated: Default::default(),
            cursors: self.cursors,
        };
        for family in Family::ALL {
            part.originated[slot(family)].prepare_again();
        }
        for &peer in peers {
            if let Some(member) = self.remove(peer) {
                part.add(peer, member);
            }
        }
        part
    }
}
