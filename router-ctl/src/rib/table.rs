//! The table of all paths, and the choice for each prefix. Announcements and withdrawals only note which
//! prefixes need a decision; [`Rib::settle`] decides them in slices. The choice that readers see is the settled
//! one, and it holds references to its attributes and next hops, whatever has happened to the paths since.

use smallvec::SmallVec;

use super::arena::{Arena, Handle};
use super::attributes::{Attributes, AttributesId, Derivation, StoredAttributes, Target};
use super::choice::{ChoiceId, Choices};
use super::decision::DecisionConfig;
use super::judgement::Judgement;
use super::next_hops::{LinkScope, NextHopRef, Reachability};
use super::path::Path;
use super::peers::{Freshness, Peers, slot};
use super::prefix_set::PrefixQueue;
use super::prefix_table::PrefixTable;
use super::route::{
    PathCounts, PathRef, PeerId, PeerInfo, ReceivedPath, Rejection, Selection, Totals,
};
use super::scan::Scan;
use crate::bgp::types::{Family, NextHop, Nlri, PathAttributes, PathId, RouteUpdate};
use crate::prefix::{PrefixId, PrefixIndex};

#[derive(Debug)]
pub struct Rib {
    pub(super) config: DecisionConfig,
    pub(super) peers: Peers,
    pub(super) attributes: Attributes,
    pub(super) paths: Arena<Path>,
    pub(super) entries: PrefixTable<Entry>,
    pub(super) choices: Choices,
    /// Prefixes that need a decision.
    pub(super) dirty: PrefixQueue,
    pub(super) scans: [Scan; 2],
    /// Every scanned prefix needs a decision, whatever its paths are.
    pub(super) scan_decides_all: bool,
    /// Prefixes that have lost their last path and choice.
    pub(super) unused: Vec<PrefixId>,
    pub(super) totals: [Totals; 2],
    /// Decisions in which the limit cut the multipath set.
    pub(super) truncated_sets: u64,
    /// Someone is told more than the best paths.
    pub(super) watches_candidates: bool,
}

/// One prefix: its paths, and what was chosen. 12 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry {
    pub(super) paths: Option<Handle>,
    pub(super) chosen: Option<Chosen>,
}

const _: () = assert!(size_of::<Entry>() == 12);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) attributes: AttributesId,
    pub(super) choice: ChoiceId,
}

impl Rib {
    pub fn new(config: DecisionConfig) -> Self {
        Self {
            config,
            peers: Peers::default(),
            attributes: Attributes::default(),
            paths: Arena::default(),
            entries: PrefixTable::default(),
            choices: Choices::default(),
            dirty: PrefixQueue::default(),
            scans: [Scan::default(), Scan::default()],
            scan_decides_all: false,
            unused: Vec::new(),
            totals: [Totals::default(); 2],
            truncated_sets: 0,
            watches_candidates: false,
        }
    }

    /// Another configuration: every prefix is decided again.
    pub fn set_decision_config(&mut self, config: DecisionConfig) {
        if std::mem::replace(&mut self.config, config) != config {
            self.decide_all();
        }
    }

    /// Says who `peer` is, before its first path comes. A number that is used again needs its paths removed first
    /// ([`remove_peer`](Self::remove_peer)); their removal need not have been carried out.
    pub fn set_peer(&mut self, peer: PeerId, info: PeerInfo) {
        if self.peers.set(peer, info) {
            self.decide_all();
        }
    }

    /// The link of the peer's session, for its link-local next hops.
    pub fn set_link(&mut self, peer: PeerId, link: LinkScope) {
        self.peers.set_link(peer, link);
    }

    /// Takes the announced prefixes of `update` from `peer`, all judged alike. Withdrawn prefixes of the same
    /// UPDATE go to [`withdraw`](Self::withdraw) first: one that is in both is announced.
    pub fn announce(
        &mut self,
        index: &mut PrefixIndex,
        peer: PeerId,
        update: &RouteUpdate,
        rejected: Option<Rejection>,
    ) {
        if let Some(attributes) = &update.attributes {
            let judgement = Judgement::from(rejected);
            self.take_in(index, peer, (attributes, &judgement), &update.announced);
        }
    }

    /// Takes prefixes from `peer` with the attributes that they came with and what import made of them. A rejected
    /// path is kept with its reason.
    pub fn take_in(
        &mut self,
        index: &mut PrefixIndex,
        peer: PeerId,
        (received, judgement): (&PathAttributes, &Judgement),
        announced: &[Nlri],
    ) {
        let (Some(first), Ok(count)) = (announced.first(), u32::try_from(announced.len())) else {
            return;
        };
        if !self.peers.is_known(peer) {
            return;
        }
        let family = Family::of(first.prefix);
        let link = self.peers.link(peer);
        let received = self.attributes.intern(received, link, 1);
        let attributes = self.judged(received, link, judgement, count);
        let epoch = self.peers.epoch(peer, family);
        // Looking all of them up first lets the processor wait for the index's memory once instead of each time.
        let ids: SmallVec<[PrefixId; 64]> = announced
            .iter()
            .map(|nlri| index.intern(nlri.prefix))
            .collect();
        for (nlri, id) in announced.iter().zip(ids) {
            let path = Path::new(peer, nlri.path_id, epoch, attributes);
            self.put(id, family, path.rejected(judgement.rejection()));
        }
        self.attributes.release(received);
    }

    /// The set that paths with a judgement are used with.
    fn judged(
        &mut self,
        received: AttributesId,
        link: LinkScope,
        judgement: &Judgement,
        references: u32,
    ) -> AttributesId {
        match judgement {
            Judgement::AsReceived | Judgement::Rejected(_) => {
                self.attributes.acquire_many(received, references);
                received
            }
            Judgement::Changed(changed) => {
                let derivation = Derivation {
                    from: received,
                    weight: changed.weight,
                    target: if changed.discard {
                        Target::Discard
                    } else {
                        Target::NextHop
                    },
                };
                self.attributes
                    .intern_derived(&changed.attributes, link, derivation, references)
            }
        }
    }

    /// Learnt paths of a prefix as they were received, for judging them again.
    pub fn received(&self, id: PrefixId) -> SmallVec<[ReceivedPath; 4]> {
        let family = family_of(id);
        let learnt = self.paths_of(id).map(|(_, path)| path).filter(|path| {
            path.peer != PeerId::LOCAL
                && self.peers.freshness(path.peer, family, path.epoch) != Freshness::Dead
        });
        learnt
            .map(|path| ReceivedPath {
                peer: path.peer,
                path_id: path.path_id,
                attributes: self.attributes.received(path.attributes),
                rejection: path.rejection(),
            })
            .collect()
    }

    /// Whether the peer has a path of this prefix and path id that counts towards its limit.
    pub fn holds(&self, index: &PrefixIndex, peer: PeerId, nlri: &Nlri) -> bool {
        let id = index.get(nlri.prefix);
        let head = id
            .and_then(|id| self.entries.get(id))
            .and_then(|entry| entry.paths);
        self.find(head, peer, nlri.path_id).is_some_and(|place| {
            let path = self.paths.get(place);
            let family = Family::of(nlri.prefix);
            path.rejection() != Some(Rejection::MaximumPrefix)
                && self.peers.freshness(peer, family, path.epoch) != Freshness::Dead
        })
    }

    /// Judges one path anew; nothing when the peer has none of that path id.
    pub fn judge_again(
        &mut self,
        id: PrefixId,
        (peer, path_id): (PeerId, PathId),
        judgement: &Judgement,
    ) {
        let family = family_of(id);
        let head = self.entries.get(id).and_then(|entry| entry.paths);
        let Some(place) = self.find(head, peer, path_id) else {
            return;
        };
        let path = *self.paths.get(place);
        let received = self.attributes.received(path.attributes);
        let attributes = self.judged(received, self.peers.link(peer), judgement, 1);
        let judged = path.with(attributes).rejected(judgement.rejection());
        *self.paths.get_mut(place) = judged;
        self.attributes.release(path.attributes);
        self.peers.recount(&path, &judged, family);
        let used = path.is_accepted() || judged.is_accepted();
        if used && judged != path {
            self.dirty.push(id);
        }
    }

    /// `path` takes the place of the one with the same peer and path id. Its reference to the attributes is the
    /// table's from now on.
    fn put(&mut self, id: PrefixId, family: Family, path: Path) {
        let head = self.entries.entry(id).paths;
        let Some(place) = self.find(head, path.peer, path.path_id) else {
            let first = head.is_none();
            let handle = self.paths.insert(path.before(head));
            self.entries.entry(id).paths = Some(handle);
            let totals = &mut self.totals[slot(family)];
            totals.paths += 1;
            totals.prefixes += usize::from(first);
            self.peers.count(&path, family);
            if path.is_accepted() {
                self.dirty.push(id);
            }
            return;
        };
        let known = *self.paths.get(place);
        let freshness = self.peers.freshness(path.peer, family, known.epoch);
        self.peers.discount(&known, family);
        self.peers.count(&path, family);
        *self.paths.get_mut(place) = path.before(known.next);
        let same = freshness != Freshness::Dead
            && known.attributes == path.attributes
            && known.is_accepted() == path.is_accepted();
        self.attributes.release(known.attributes);
        if !same && (known.is_accepted() || path.is_accepted()) {
            self.dirty.push(id);
        }
    }

    /// `peer` takes prefixes back. Those that it never announced are no error.
    pub fn withdraw(
        &mut self,
        index: &PrefixIndex,
        peer: PeerId,
        family: Family,
        withdrawn: &[Nlri],
    ) {
        for nlri in withdrawn {
            if let Some(id) = index.get(nlri.prefix) {
                self.take(id, family, peer, nlri.path_id);
            }
        }
    }

    fn take(&mut self, id: PrefixId, family: Family, peer: PeerId, path_id: PathId) {
        let head = self.entries.get(id).and_then(|entry| entry.paths);
        if let Some(place) = self.find(head, peer, path_id) {
            self.unlink(id, family, place);
        }
    }

    /// Removes the path at `place` from the list of `id`.
    pub(super) fn unlink(&mut self, id: PrefixId, family: Family, place: Handle) {
        let path = *self.paths.get(place);
        let entry = self.entries.entry(id);
        if entry.paths == Some(place) {
            entry.paths = path.next;
        } else {
            let mut at = entry.paths;
            while let Some(handle) = at {
                let before = self.paths.get_mut(handle);
                at = before.next;
                if before.next == Some(place) {
                    before.next = path.next;
                    break;
                }
            }
        }
        let entry = *self.entries.entry(id);
        self.paths.free(place);
        self.peers.discount(&path, family);
        self.attributes.release(path.attributes);
        let totals = &mut self.totals[slot(family)];
        totals.paths -= 1;
        totals.prefixes -= usize::from(entry.paths.is_none());
        if path.is_accepted() {
            self.dirty.push(id);
        }
        self.note_if_unused(id);
    }

    pub(super) fn note_if_unused(&mut self, id: PrefixId) {
        if !self.uses(id) {
            self.unused.push(id);
        }
    }

    fn find(&self, head: Option<Handle>, peer: PeerId, path_id: PathId) -> Option<Handle> {
        let mut at = head;
        while let Some(handle) = at {
            let path = self.paths.get(handle);
            if path.is_from(peer, path_id) {
                return Some(handle);
            }
            at = path.next;
        }
        None
    }

    /// Paths of a prefix, dead ones included.
    pub(super) fn paths_of(&self, id: PrefixId) -> impl Iterator<Item = (Handle, &Path)> {
        let head = self.entries.get(id).and_then(|entry| entry.paths);
        std::iter::successors(head, |&handle| self.paths.get(handle).next)
            .map(|handle| (handle, self.paths.get(handle)))
    }

    /// Next hops that appeared since the last call, to be resolved. Call it before
    /// [`drain_freed_next_hops`](Self::drain_freed_next_hops).
    pub fn drain_new_next_hops(&mut self) -> Vec<(NextHopRef, NextHop, LinkScope)> {
        self.attributes.next_hops.drain_new()
    }

    /// Next hops that nothing names any more. Their numbers are given to others afterwards.
    pub fn drain_freed_next_hops(&mut self) -> Vec<NextHopRef> {
        self.attributes.next_hops.drain_freed()
    }

    /// What the forwarding side found out about a next hop; unresolved until then.
    pub fn set_next_hop(&mut self, next_hop: NextHopRef, reachability: Reachability) {
        if self.attributes.next_hops.set(next_hop, reachability) {
            for family in Family::ALL {
                self.restart_scan(family);
            }
        }
    }

    pub fn next_hop(&self, next_hop: NextHopRef) -> NextHop {
        self.attributes.next_hops.next_hop(next_hop)
    }

    /// Prefixes that had a path or a choice and have neither: the index may forget those that nobody else uses.
    pub fn drain_unused(&mut self) -> Vec<PrefixId> {
        let mut unused = std::mem::take(&mut self.unused);
        unused.retain(|&id| !self.uses(id));
        unused
    }

    /// Whether the number of a prefix must stay what it is.
    pub fn uses(&self, id: PrefixId) -> bool {
        self.entries
            .get(id)
            .is_some_and(|entry| entry.paths.is_some() || entry.chosen.is_some())
            || self.dirty.contains(id)
    }

    /// The settled choice.
    pub fn selection(&self, id: PrefixId) -> Option<Selection<'_>> {
        let chosen = self.entries.get(id)?.chosen?;
        let choice = self.choices.get(chosen.choice);
        Some(Selection {
            best: PathRef {
                peer: choice.peer,
                attributes: chosen.attributes,
            },
            kind: choice.kind,
            next_hops: &choice.next_hops,
        })
    }

    /// Attributes of a path or choice, as long as it is there.
    pub fn attributes(&self, id: AttributesId) -> StoredAttributes<'_> {
        self.attributes.get(id)
    }

    pub fn peer(&self, peer: PeerId) -> Option<&PeerInfo> {
        self.peers.is_known(peer).then(|| self.peers.info(peer))
    }

    pub fn counts(&self, peer: PeerId, family: Family) -> PathCounts {
        self.peers.counts(peer, family)
    }

    pub fn totals(&self, family: Family) -> Totals {
        self.totals[slot(family)]
    }

    /// Decisions so far in which `maximum-paths` cut the multipath set.
    pub fn truncated_sets(&self) -> u64 {
        self.truncated_sets
    }

    /// Distinct attribute sets.
    pub fn attribute_sets(&self) -> usize {
        self.attributes.len()
    }

    /// Upper bound of [`PrefixId::index`] of prefixes with a path, for readers that go through all.
    pub fn prefix_bound(&self, family: Family) -> usize {
        self.entries.bound(family == Family::Ipv6Unicast)
    }

    pub fn memory_bytes(&self) -> usize {
        self.entries.memory_bytes()
            + self.paths.memory_bytes()
            + self.attributes.memory_bytes()
            + self.choices.memory_bytes()
    }
}

/// The family of a prefix number.
pub(super) fn family_of(id: PrefixId) -> Family {
    if id.is_ipv6() {
        Family::Ipv6Unicast
    } else {
        Family::Ipv4Unicast
    }
}
