//! The tables of one neighbour: what it sent, what of it is used, what is not and why, and what it was told.

use std::borrow::Cow;

use crate::bgp::types::{Family, PathAttributes};
use crate::policy::{Denial, Outcome};
use crate::prefix::PrefixId;
use crate::rib::StoredAttributes;
use crate::rib::route::{PathView, PeerId, Rejection};
use crate::router::Router;
use crate::router::peers::Peer;
use crate::router::query::{BgpPath, BgpPrefix, NeighborTable};

impl Router {
    pub(super) fn neighbor_routes(
        &self,
        peer: PeerId,
        id: PrefixId,
        table: NeighborTable,
    ) -> Vec<BgpPrefix> {
        let Some(peer) = self.peers.get(peer) else {
            return Vec::new();
        };
        let paths: Vec<BgpPath> = match table {
            NeighborTable::Advertised => self.told_paths(peer, id),
            NeighborTable::Received | NeighborTable::Accepted | NeighborTable::Filtered => self
                .rib
                .explain(id)
                .iter()
                .filter(|path| path.peer == peer.id)
                .filter_map(|path| self.learnt_path(peer, id, path, table))
                .collect(),
        };
        if paths.is_empty() {
            return Vec::new();
        }
        vec![BgpPrefix {
            prefix: self.index.prefix(id),
            paths,
            advertised_to: Vec::new(),
        }]
    }

    fn learnt_path(
        &self,
        peer: &Peer,
        id: PrefixId,
        path: &PathView,
        table: NeighborTable,
    ) -> Option<BgpPath> {
        let received = self.rib.received(id);
        let received = received
            .iter()
            .find(|each| (each.peer, each.path_id) == (path.peer, path.path_id))?;
        let as_received = PathView {
            attributes: received.attributes,
            ..*path
        };
        let mut row = match (table, received.rejection) {
            (NeighborTable::Accepted, None) => self.bgp_path(path),
            (NeighborTable::Received, _) | (NeighborTable::Filtered, Some(_)) => {
                self.bgp_path(&as_received)
            }
            (NeighborTable::Accepted | NeighborTable::Filtered | NeighborTable::Advertised, _) => {
                return None;
            }
        };
        if received.rejection == Some(Rejection::Policy) {
            let attributes = self.rib.attributes(received.attributes);
            row.reason = self.words_of_policy(peer, id, attributes);
        }
        Some(row)
    }

    /// Which policy rejects a path: found by asking it again.
    fn words_of_policy(
        &self,
        peer: &Peer,
        id: PrefixId,
        attributes: StoredAttributes<'_>,
    ) -> Cow<'static, str> {
        let prefix = self.index.prefix(id);
        let family = Family::of(prefix);
        let entry = peer.families.iter().find(|each| each.family == family);
        let Some(entry) = entry else {
            return Cow::Borrowed(Rejection::Policy.words());
        };
        let received = PathAttributes {
            next_hop: attributes.next_hop,
            raw: attributes.raw.into(),
        };
        let denial = entry.import.chain.as_ref().and_then(|chain| {
            match self
                .explain_import(chain, (peer, entry), (prefix, &received))
                .outcome
            {
                Outcome::Deny(denial) => Some(denial),
                Outcome::Permit(_) => None,
            }
        });
        match denial.as_ref().map(Denial::words) {
            Some(words) => Cow::Owned(words),
            None => Cow::Borrowed("no import policy (RFC 8212)"),
        }
    }

    fn told_paths(&self, peer: &Peer, id: PrefixId) -> Vec<BgpPath> {
        let told = self.groups.told(&self.rib, &self.index, peer.id, id);
        let best = self.rib.selection(id).map(|selection| selection.best.peer);
        // With ADD-PATH the sender is not told apart by what the neighbour was told.
        let source = best.filter(|_| told.len() == 1);
        told.iter()
            .map(|(path_id, attributes)| BgpPath {
                path_id: path_id.0,
                valid: true,
                best: told.len() == 1,
                ..self.path_of(attributes.into(), source)
            })
            .collect()
    }
}
