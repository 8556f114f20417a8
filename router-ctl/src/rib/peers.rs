//! The senders of paths. Each session of a peer is an epoch, and a path remembers the epoch it came in: paths of
//! a session that has ended become stale, or dead, by one assignment here. A scan removes the dead ones later.

use super::next_hops::LinkScope;
use super::path::Path;
use super::route::{PathCounts, PeerId, PeerInfo};
use crate::bgp::types::Family;

/// Which session of its peer a path belongs to; wraps around.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Epoch(u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    Fresh,
    /// Of the session before, and still used.
    Stale,
    /// To be removed; no candidate.
    Dead,
}

/// Sessions that may end before a scan for their paths has to be finished on the spot, so that an epoch is never
/// mistaken for another one that has the same number.
const UNSWEPT_LIMIT: u8 = 200;

#[derive(Clone, Copy, Debug, Default)]
struct Membership {
    epoch: Epoch,
    /// Paths of the epoch before are stale and not dead.
    keeps_stale: bool,
    /// Epochs that began since the last complete scan.
    unswept: u8,
    fresh: PathCounts,
    stale: PathCounts,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    info: PeerInfo,
    link: LinkScope,
    families: [Membership; 2],
}

#[derive(Debug, Default)]
pub(super) struct Peers {
    peers: Vec<Option<Peer>>,
}

impl Peers {
    /// Notes who `id` is; whether it differs from what decisions were based on.
    pub(super) fn set(&mut self, id: PeerId, info: PeerInfo) -> bool {
        if self.peers.len() <= id.index() {
            self.peers.resize(id.index() + 1, None);
        }
        let slot = &mut self.peers[id.index()];
        match slot {
            Some(peer) => {
                let has_paths = peer
                    .families
                    .iter()
                    .any(|each| each.fresh.received + each.stale.received > 0);
                std::mem::replace(&mut peer.info, info) != info && has_paths
            }
            None => {
                let families = [Membership::default(); 2];
                *slot = Some(Peer {
                    info,
                    link: LinkScope::default(),
                    families,
                });
                false
            }
        }
    }

    pub(super) fn set_link(&mut self, id: PeerId, link: LinkScope) {
        if let Some(Some(peer)) = self.peers.get_mut(id.index()) {
            peer.link = link;
        }
    }

    pub(super) fn link(&self, id: PeerId) -> LinkScope {
        self.peer(id).link
    }

    pub(super) fn is_known(&self, id: PeerId) -> bool {
        self.peers.get(id.index()).is_some_and(Option::is_some)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (PeerId, &PeerInfo)> {
        let numbered = (0..).map(PeerId).zip(&self.peers);
        numbered.filter_map(|(id, peer)| Some((id, &peer.as_ref()?.info)))
    }

    /// The peer behind a path. A path is only taken from a peer that was [`set`](Self::set).
    pub(super) fn info(&self, id: PeerId) -> &PeerInfo {
        &self.peer(id).info
    }

    pub(super) fn epoch(&self, id: PeerId, family: Family) -> Epoch {
        self.membership(id, family).epoch
    }

    pub(super) fn freshness(&self, id: PeerId, family: Family, epoch: Epoch) -> Freshness {
        let membership = self.membership(id, family);
        if epoch == membership.epoch {
            Freshness::Fresh
        } else if membership.keeps_stale && epoch.0.wrapping_add(1) == membership.epoch.0 {
            Freshness::Stale
        } else {
            Freshness::Dead
        }
    }

    /// What the peer has sent becomes stale. What was stale before is dead (RFC 4724 §4.2); whether there is any.
    pub(super) fn mark_stale(&mut self, id: PeerId, family: Family) -> bool {
        let membership = self.membership_mut(id, family);
        let dead = membership.stale.received > 0;
        membership.begin_epoch();
        membership.keeps_stale = true;
        membership.stale = std::mem::take(&mut membership.fresh);
        dead
    }

    /// What is stale is dead; whether there is any.
    pub(super) fn sweep_stale(&mut self, id: PeerId, family: Family) -> bool {
        let membership = self.membership_mut(id, family);
        membership.keeps_stale = false;
        std::mem::take(&mut membership.stale).received > 0
    }

    /// All is dead; whether there is any.
    pub(super) fn remove_all(&mut self, id: PeerId, family: Family) -> bool {
        let membership = self.membership_mut(id, family);
        membership.begin_epoch();
        membership.keeps_stale = false;
        let stale = std::mem::take(&mut membership.stale);
        let fresh = std::mem::take(&mut membership.fresh);
        stale.received + fresh.received > 0
    }

    /// Whether the next epoch has to wait for the scan.
    pub(super) fn is_epoch_short(&self, id: PeerId, family: Family) -> bool {
        self.membership(id, family).unswept >= UNSWEPT_LIMIT
    }

    /// A complete scan of `family` has removed every dead path.
    pub(super) fn note_swept(&mut self, family: Family) {
        for peer in self.peers.iter_mut().flatten() {
            peer.families[slot(family)].unswept = 0;
        }
    }

    pub(super) fn count(&mut self, path: &Path, family: Family) {
        self.membership_mut(path.peer, family).fresh.add(path);
    }

    /// Takes back what [`count`](Self::count) added. Dead paths are not counted.
    pub(super) fn discount(&mut self, path: &Path, family: Family) {
        if let Some(counts) = self.counts_mut(path, family) {
            counts.remove(path);
        }
    }

    /// `path` was judged anew; before it was `former`.
    pub(super) fn recount(&mut self, former: &Path, path: &Path, family: Family) {
        if let Some(counts) = self.counts_mut(path, family) {
            counts.remove(former);
            counts.add(path);
        }
    }

    fn counts_mut(&mut self, path: &Path, family: Family) -> Option<&mut PathCounts> {
        let freshness = self.freshness(path.peer, family, path.epoch);
        let membership = self.membership_mut(path.peer, family);
        match freshness {
            Freshness::Fresh => Some(&mut membership.fresh),
            Freshness::Stale => Some(&mut membership.stale),
            Freshness::Dead => None,
        }
    }

    pub(super) fn counts(&self, id: PeerId, family: Family) -> PathCounts {
        let Some(peer) = self.peers.get(id.index()).and_then(Option::as_ref) else {
            return PathCounts::default();
        };
        let Membership { fresh, stale, .. } = peer.families[slot(family)];
        PathCounts {
            received: fresh.received + stale.received,
            accepted: fresh.accepted + stale.accepted,
            rejected: fresh.rejected.plus(&stale.rejected),
        }
    }

    fn peer(&self, id: PeerId) -> &Peer {
        let peer = self.peers.get(id.index()).and_then(Option::as_ref);
        peer.expect("the router names a peer before it hands in its paths")
    }

    fn membership(&self, id: PeerId, family: Family) -> &Membership {
        &self.peer(id).families[slot(family)]
    }

    fn membership_mut(&mut self, id: PeerId, family: Family) -> &mut Membership {
        let peer = self.peers.get_mut(id.index()).and_then(Option::as_mut);
        let peer = peer.expect("the router names a peer before it hands in its paths");
        &mut peer.families[slot(family)]
    }
}

impl PathCounts {
    fn add(&mut self, path: &Path) {
        self.received += 1;
        match path.rejection() {
            Some(reason) => *self.rejected.of_mut(reason) += 1,
            None => self.accepted += 1,
        }
    }

    fn remove(&mut self, path: &Path) {
        self.received -= 1;
        match path.rejection() {
            Some(reason) => *self.rejected.of_mut(reason) -= 1,
            None => self.accepted -= 1,
        }
    }
}

impl Membership {
    fn begin_epoch(&mut self) {
        self.epoch = Epoch(self.epoch.0.wrapping_add(1));
        self.unswept = self.unswept.saturating_add(1);
    }
}

/// Position of a family in arrays of two.
pub(super) fn slot(family: Family) -> usize {
    match family {
        Family::Ipv4Unicast => 0,
        Family::Ipv6Unicast => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::attributes::Attributes;
    use super::super::route::PeerKind;
    use super::super::route::Rejection;
    use super::*;
    use crate::bgp::types::{Asn, FamilySet, PathId, RouterId};

    const PEER: PeerId = PeerId(3);
    const V4: Family = Family::Ipv4Unicast;

    fn peers() -> Peers {
        let mut peers = Peers::default();
        let info = PeerInfo {
            kind: PeerKind::Ebgp,
            address: None,
            router_id: RouterId([1; 4].into()),
            asn: Asn(65001),
            clients: FamilySet::NONE,
        };
        assert!(!peers.set(PEER, info));
        peers
    }

    fn path_of(peers: &Peers) -> Path {
        Path::new(PEER, PathId(0), peers.epoch(PEER, V4), Attributes::some())
    }

    #[test]
    fn a_second_loss_kills_what_was_stale() {
        let mut peers = peers();
        let path = path_of(&peers);
        peers.count(&path, V4);
        assert!(!peers.mark_stale(PEER, V4));
        assert_eq!(peers.freshness(PEER, V4, path.epoch), Freshness::Stale);
        assert_eq!(peers.counts(PEER, V4).received, 1);
        assert!(peers.mark_stale(PEER, V4));
        assert_eq!(peers.freshness(PEER, V4, path.epoch), Freshness::Dead);
        assert_eq!(peers.counts(PEER, V4).received, 0);
    }

    #[test]
    fn a_sweep_spares_what_came_after_the_mark() {
        let mut peers = peers();
        let first = path_of(&peers);
        peers.count(&first, V4);
        peers.count(&first.rejected(Some(Rejection::Policy)), V4);
        peers.mark_stale(PEER, V4);
        peers.discount(&first, V4);
        peers.count(&path_of(&peers), V4);
        assert!(peers.sweep_stale(PEER, V4));
        let counts = peers.counts(PEER, V4);
        assert_eq!((counts.received, counts.accepted), (1, 1));
        assert_eq!(peers.freshness(PEER, V4, first.epoch), Freshness::Dead);
        let family = Family::Ipv6Unicast;
        assert_eq!(peers.freshness(PEER, family, first.epoch), Freshness::Fresh);
    }

    #[test]
    fn a_path_that_is_judged_anew_is_counted_anew() {
        let mut peers = peers();
        let path = path_of(&peers);
        let blocked = path.rejected(Some(Rejection::MaximumPrefix));
        peers.count(&blocked, V4);
        peers.recount(&blocked, &path, V4);
        let counts = peers.counts(PEER, V4);
        assert_eq!((counts.accepted, counts.received), (1, 1));
    }
}
