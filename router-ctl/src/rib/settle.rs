//! Decisions in slices. A slice first goes on with the scans (removing dead paths, finding prefixes whose next
//! hop has changed), then decides prefixes that need it.

use smallvec::SmallVec;

use super::arena::Handle;
use super::attributes::AttributesId;
use super::choice::Choice;
use super::decision::{Candidate, decide};
use super::next_hops::NextHopRef;
use super::path::Path;
use super::peers::{Freshness, slot};
use super::route::{Change, PathRank, PathView, PathViews, PeerId, PeerKind, Reason};
use super::table::{Chosen, Rib, family_of};
use crate::bgp::types::Family;
use crate::prefix::PrefixId;

/// Weight of our own routes; learnt ones have 0.
const LOCAL_WEIGHT: u32 = 32768;

/// Entries that a scan looks at for one unit of the budget: looking is that much cheaper than deciding.
const SCANNED_PER_UNIT: usize = 16;

impl Rib {
    /// The peer's paths become stale: used as before, and gone at [`sweep_stale`](Self::sweep_stale) unless they
    /// are announced again. What was stale already is removed (RFC 4724 §4.2).
    pub fn mark_stale(&mut self, peer: PeerId, family: Family) {
        if self.is_ready_for_epoch(peer, family) && self.peers.mark_stale(peer, family) {
            self.restart_scan(family);
        }
    }

    /// Removes what is stale.
    pub fn sweep_stale(&mut self, peer: PeerId, family: Family) {
        if self.peers.is_known(peer) && self.peers.sweep_stale(peer, family) {
            self.restart_scan(family);
        }
    }

    /// Removes every path of the peer.
    pub fn remove_peer(&mut self, peer: PeerId, family: Family) {
        if self.is_ready_for_epoch(peer, family) && self.peers.remove_all(peer, family) {
            self.restart_scan(family);
        }
    }

    /// A peer that flaps hundreds of times during one scan has it finished here.
    fn is_ready_for_epoch(&mut self, peer: PeerId, family: Family) -> bool {
        if !self.peers.is_known(peer) {
            return false;
        }
        if self.peers.is_epoch_short(peer, family) {
            self.restart_scan(family);
            while self.scans[slot(family)].is_active() {
                self.scan(family, usize::MAX);
            }
        }
        true
    }

    pub(super) fn restart_scan(&mut self, family: Family) {
        let length = self.prefix_bound(family);
        self.scans[slot(family)].restart(length);
    }

    pub(super) fn decide_all(&mut self) {
        self.scan_decides_all = true;
        for family in Family::ALL {
            self.restart_scan(family);
        }
    }

    /// Whether [`settle`](Self::settle) has something to do.
    pub fn has_work(&self) -> bool {
        !self.dirty.is_empty() || self.scans.iter().any(|scan| scan.is_active())
    }

    /// Decides at most `budget` prefixes; returns those whose choice is another than before, each once.
    pub fn settle(&mut self, budget: usize) -> Vec<Change> {
        for family in Family::ALL {
            self.scan(family, budget);
        }
        let mut changes = Vec::new();
        for _ in 0..budget {
            let Some(id) = self.dirty.pop() else { break };
            changes.extend(self.decide(id));
            self.note_if_unused(id);
        }
        changes
    }

    /// Goes on with the scan of `family` until `budget` prefixes wait for a decision.
    fn scan(&mut self, family: Family, budget: usize) {
        if !self.scans[slot(family)].is_active() {
            return;
        }
        let ipv6 = family == Family::Ipv6Unicast;
        let mut most = budget.saturating_mul(SCANNED_PER_UNIT);
        while most > 0 && self.dirty.len() < budget && self.scans[slot(family)].is_active() {
            let visit = self.scans[slot(family)].next(most.min(256));
            most -= visit.len();
            for index in visit {
                self.visit(PrefixId::from_index(index, ipv6), family);
            }
        }
        if !self.scans[slot(family)].is_active() {
            self.peers.note_swept(family);
            if !self.scans.iter().any(|scan| scan.is_active()) {
                self.scan_decides_all = false;
                self.attributes.next_hops.clear_changed();
            }
        }
    }

    fn visit(&mut self, id: PrefixId, family: Family) {
        let mut dead = SmallVec::<[Handle; 4]>::new();
        let mut decide = self.scan_decides_all;
        for (handle, path) in self.paths_of(id) {
            if self.peers.freshness(path.peer, family, path.epoch) == Freshness::Dead {
                dead.push(handle);
            } else if !decide && self.attributes.next_hops.any_changed() {
                let next_hop = self.attributes.next_hop(path.attributes);
                decide = self.attributes.next_hops.has_changed(next_hop);
            }
        }
        if decide && self.uses(id) {
            self.dirty.push(id);
        }
        for handle in dead {
            self.unlink(id, family, handle);
        }
    }

    /// Makes the choice for one prefix.
    fn decide(&mut self, id: PrefixId) -> Option<Change> {
        let before = self.entries.get(id)?.chosen;
        let chosen = self.choose(id).map(|(place, choice)| {
            let attributes = self.paths.get(place).attributes;
            self.attributes.acquire(attributes);
            let next_hops = &mut self.attributes.next_hops;
            let choice = self.choices.intern(choice, next_hops);
            Chosen { attributes, choice }
        });
        self.entries.entry(id).chosen = chosen;
        let change = self.compare(id, before, chosen).or_else(|| {
            self.watches_candidates.then_some(Change {
                prefix: id,
                best_changed: false,
                paths_changed: false,
                candidates: true,
            })
        });
        if let Some(before) = before {
            self.attributes.release(before.attributes);
            self.choices
                .release(before.choice, &mut self.attributes.next_hops);
        }
        if change.is_some_and(|change| change.best_changed) {
            self.totals[slot(family_of(id))].version += 1;
        }
        change
    }

    fn compare(
        &self,
        id: PrefixId,
        before: Option<Chosen>,
        after: Option<Chosen>,
    ) -> Option<Change> {
        if before == after {
            return None;
        }
        let choice = |chosen: Option<Chosen>| chosen.map(|chosen| self.choices.get(chosen.choice));
        let attributes = |chosen: Option<Chosen>| chosen.map(|chosen| chosen.attributes);
        let (old, new) = (choice(before), choice(after));
        let forwarding = |choice: &Choice| (choice.kind, choice.next_hops.clone());
        Some(Change {
            prefix: id,
            best_changed: attributes(before) != attributes(after)
                || old.map(|choice| choice.peer) != new.map(|choice| choice.peer),
            paths_changed: old.map(forwarding) != new.map(forwarding),
            candidates: self.watches_candidates,
        })
    }

    /// The best path of `id` and the set that shares its traffic.
    fn choose(&mut self, id: PrefixId) -> Option<(Handle, Choice)> {
        let family = family_of(id);
        let head = self.entries.get(id)?.paths;
        let mut usable = SmallVec::<[(Handle, NextHopRef, u32); 8]>::new();
        let mut at = head;
        while let Some(handle) = at {
            let path = self.paths.get(handle);
            at = path.next;
            if self.is_candidate(family, path) {
                let next_hop = self.attributes.next_hop(path.attributes);
                if let Some(metric) = self.attributes.next_hops.metric(next_hop) {
                    usable.push((handle, next_hop, metric));
                }
            }
        }
        if usable.is_empty() {
            return None;
        }
        let (best, next_hops) = if let [(only, next_hop, _)] = usable[..] {
            (only, SmallVec::from_slice(&[next_hop]))
        } else {
            let outcome = {
                let candidates: SmallVec<[Candidate<'_>; 8]> = usable
                    .iter()
                    .map(|&(handle, next_hop, metric)| self.candidate(handle, next_hop, metric))
                    .collect();
                decide(&candidates, &self.config, family)?
            };
            self.truncated_sets += u64::from(outcome.truncated);
            let next_hops = outcome.multipath.iter().map(|&path| usable[path].1);
            (usable[outcome.best].0, next_hops.collect())
        };
        let peer = self.paths.get(best).peer;
        let choice = Choice {
            peer,
            kind: self.peers.info(peer).kind,
            next_hops,
        };
        Some((best, choice.without_ourselves()))
    }

    fn candidate(&self, handle: Handle, next_hop: NextHopRef, metric: u32) -> Candidate<'_> {
        let path = self.paths.get(handle);
        Candidate {
            key: self.attributes.key(path.attributes),
            raw: self.attributes.get(path.attributes).raw,
            sender: self.peers.info(path.peer),
            peer: path.peer,
            path_id: path.path_id,
            next_hop,
            metric,
            weight: self.weight(path),
        }
    }

    fn weight(&self, path: &Path) -> u32 {
        if let Some(weight) = self.attributes.weight(path.attributes) {
            return weight;
        }
        match self.peers.info(path.peer).kind {
            PeerKind::Local => LOCAL_WEIGHT,
            PeerKind::Ebgp | PeerKind::Ibgp => 0,
        }
    }

    /// Accepted and alive; its next hop is another question.
    pub(super) fn is_candidate(&self, family: Family, path: &Path) -> bool {
        path.is_accepted() && self.peers.freshness(path.peer, family, path.epoch) != Freshness::Dead
    }

    /// From now on every decision is reported, because paths that are not the best matter to someone.
    pub fn watch_candidates(&mut self, watch: bool) {
        self.watches_candidates = watch;
    }

    /// The usable paths of a prefix as they are now, each the best of those that follow.
    pub fn ranked(&self, id: PrefixId) -> SmallVec<[PathRank; 4]> {
        let family = family_of(id);
        let mut left = SmallVec::<[Candidate<'_>; 8]>::new();
        let mut attributes = SmallVec::<[AttributesId; 8]>::new();
        for (handle, path) in self.paths_of(id) {
            let next_hop = self.attributes.next_hop(path.attributes);
            let metric = self.attributes.next_hops.peek_metric(next_hop);
            if let Some(metric) = metric.filter(|_| self.is_candidate(family, path)) {
                left.push(self.candidate(handle, next_hop, metric));
                attributes.push(path.attributes);
            }
        }
        let mut ranked = SmallVec::new();
        while let Some(outcome) = decide(&left, &self.config, family) {
            let best = left.remove(outcome.best);
            ranked.push(PathRank {
                peer: best.peer,
                path_id: best.path_id,
                attributes: attributes.remove(outcome.best),
            });
        }
        ranked
    }

    /// Every path of a prefix with what became of it, the best first. Computed from the paths as they are now.
    pub fn explain(&self, id: PrefixId) -> PathViews {
        let family = family_of(id);
        let mut views = PathViews::new();
        let mut candidates = SmallVec::<[Candidate<'_>; 8]>::new();
        let mut positions = SmallVec::<[usize; 8]>::new();
        for (handle, path) in self.paths_of(id) {
            let freshness = self.peers.freshness(path.peer, family, path.epoch);
            if freshness == Freshness::Dead {
                continue;
            }
            let next_hop = self.attributes.next_hop(path.attributes);
            let metric = self.attributes.next_hops.peek_metric(next_hop);
            let reason = path.rejection().map(Reason::Rejected);
            if let (Some(metric), None) = (metric, reason) {
                candidates.push(self.candidate(handle, next_hop, metric));
                positions.push(views.len());
            }
            views.push(PathView {
                peer: path.peer,
                attributes: path.attributes,
                path_id: path.path_id,
                weight: self.weight(path),
                metric,
                valid: reason.is_none() && metric.is_some(),
                best: false,
                multipath: false,
                stale: freshness == Freshness::Stale,
                reason: reason.unwrap_or(Reason::NextHopUnresolved),
            });
        }
        let Some(outcome) = decide(&candidates, &self.config, family) else {
            return views;
        };
        for (candidate, lost_at) in outcome.lost_at.iter().enumerate() {
            let view = &mut views[positions[candidate]];
            view.best = candidate == outcome.best;
            view.multipath = outcome.multipath.len() > 1 && outcome.multipath.contains(&candidate);
            view.reason = match lost_at {
                Some(step) => Reason::Lost(*step),
                None => Reason::Best(outcome.decided_at()),
            };
        }
        views.swap(0, positions[outcome.best]);
        views
    }
}

#[cfg(test)]
mod tests;
