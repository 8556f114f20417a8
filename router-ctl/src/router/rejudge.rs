//! Judging again what is stored, when the rules of import changed: a walk over all prefixes in slices. No session
//! notices and no neighbour is asked.

use std::collections::BTreeSet;

use crate::bgp::types::{Family, Nlri, PathAttributes};
use crate::policy::Scratch;
use crate::prefix::PrefixId;
use crate::rib::judgement::Judgement;
use crate::rib::route::{PeerId, ReceivedPath, Rejection};
use crate::router::Router;
use crate::router::import::Arrival;

/// Prefixes looked at for one unit of the budget.
const LOOKED_AT_PER_UNIT: usize = 4;

/// Whose paths are judged again, and how far the walk has come.
#[derive(Debug, Default)]
pub(super) struct Rejudging {
    /// Taken into the walk that is under way.
    walking: BTreeSet<(PeerId, Family)>,
    /// For the next walk.
    waiting: BTreeSet<(PeerId, Family)>,
    next: [usize; 2],
}

impl Rejudging {
    pub(super) fn request(&mut self, peer: PeerId, family: Family) {
        self.waiting.insert((peer, family));
    }

    /// A neighbour is gone; its number may become another's.
    pub(super) fn forget(&mut self, peer: PeerId) {
        self.walking.retain(|each| each.0 != peer);
        self.waiting.retain(|each| each.0 != peer);
    }

    pub(super) fn is_active(&self) -> bool {
        !self.walking.is_empty() || !self.waiting.is_empty()
    }

    fn begin(&mut self) {
        if self.walking.is_empty() {
            self.walking = std::mem::take(&mut self.waiting);
            self.next = [0; 2];
        }
    }
}

/// What becomes of a stored path.
enum Verdict {
    Kept(Judgement),
    Forgotten,
}

impl Router {
    /// One slice of the walk.
    pub(super) fn judge_stored(&mut self, budget: usize) {
        self.rejudging.begin();
        let mut left = budget.saturating_mul(LOOKED_AT_PER_UNIT);
        let mut scratch = Scratch::default();
        for (place, family) in Family::ALL.into_iter().enumerate() {
            if !self.rejudging.walking.iter().any(|each| each.1 == family) {
                continue;
            }
            let bound = self.rib.prefix_bound(family);
            let start = self.rejudging.next[place].min(bound);
            let end = bound.min(start + left);
            for index in start..end {
                let id = PrefixId::from_index(index, family == Family::Ipv6Unicast);
                self.judge_prefix_again(id, family, &mut scratch);
            }
            left -= end - start;
            self.rejudging.next[place] = end;
            if end == bound {
                self.rejudging.walking.retain(|each| each.1 != family);
            }
            if left == 0 {
                return;
            }
        }
    }

    fn judge_prefix_again(&mut self, id: PrefixId, family: Family, scratch: &mut Scratch) {
        for path in self.rib.received(id) {
            if !self.rejudging.walking.contains(&(path.peer, family)) {
                continue;
            }
            match self.judgement_of(id, family, path, scratch) {
                Some(Verdict::Kept(judgement)) => {
                    self.rib
                        .judge_again(id, (path.peer, path.path_id), &judgement);
                }
                Some(Verdict::Forgotten) => {
                    let nlri = Nlri {
                        prefix: self.index.prefix(id),
                        path_id: path.path_id,
                    };
                    self.rib.withdraw(&self.index, path.peer, family, &[nlri]);
                }
                None => {}
            }
        }
    }

    fn judgement_of(
        &self,
        id: PrefixId,
        family: Family,
        path: ReceivedPath,
        scratch: &mut Scratch,
    ) -> Option<Verdict> {
        let peer = self.peers.get(path.peer)?;
        let entry = peer.families.iter().find(|each| each.family == family)?;
        if path.rejection == Some(Rejection::MaximumPrefix) && !self.has_room(peer, family, 1) {
            return None;
        }
        let stored = self.rib.attributes(path.attributes);
        let attributes = PathAttributes {
            next_hop: stored.next_hop,
            raw: stored.raw.into(),
        };
        let arrival = Arrival {
            peer,
            session: peer.session.as_ref(),
            rules: &entry.import,
            attributes: &attributes,
        };
        let judgement = self.judge_prefix(arrival, self.index.prefix(id), scratch);
        Some(if arrival.is_forgotten(&judgement) {
            Verdict::Forgotten
        } else {
            Verdict::Kept(judgement)
        })
    }
}
