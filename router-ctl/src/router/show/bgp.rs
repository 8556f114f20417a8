//! Answers about neighbours and paths.

use std::time::Instant;

use crate::bgp::types::{Family, RouterId};
use crate::prefix::PrefixId;
use crate::rib::StoredAttributes;
use crate::rib::route::{PathView, PeerId, PeerKind};
use crate::router::Router;
use crate::router::peers::{Peer, PeerFamily};
use crate::router::query::{
    AsPathSegment, BgpPath, BgpPrefix, BgpSummary, FamilySummary, Neighbor, NeighborFamily, Origin,
    PathPeer,
};

impl Router {
    pub(super) fn bgp_summary(&self, now: Instant) -> BgpSummary {
        let families = Family::ALL
            .into_iter()
            .filter(|family| {
                self.peers
                    .iter()
                    .any(|(_, peer)| peer.config.address_family.contains_key(family))
            })
            .map(|family| self.family_summary(family, now))
            .collect();
        BgpSummary {
            router_id: self.router_id,
            local_as: self.local_as(),
            families,
        }
    }

    fn family_summary(&self, family: Family, now: Instant) -> FamilySummary {
        let totals = self.rib.totals(family);
        let configured = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.config.address_family.contains_key(&family));
        FamilySummary {
            family,
            table_version: totals.version,
            prefixes: totals.prefixes,
            paths: totals.paths,
            memory_bytes: self.rib.memory_bytes(),
            multipath_relax: self
                .config
                .protocols
                .bgp
                .as_ref()
                .is_some_and(|bgp| bgp.parameters.as_path_multipath_relax),
            peers: configured
                .map(|(_, peer)| self.neighbor(peer, now))
                .collect(),
        }
    }

    pub(super) fn neighbor(&self, peer: &Peer, now: Instant) -> Neighbor {
        let session = peer.session.as_ref();
        let negotiated = session.map(|session| &session.negotiated);
        Neighbor {
            peer: peer.id,
            status: Box::new(peer.status.clone()),
            name: peer.name.clone(),
            settings: Box::new(peer.config.clone()),
            address: peer.address,
            description: peer.config.description.clone(),
            remote_as: negotiated
                .map(|negotiated| negotiated.peer_as)
                .or(peer.configured_as(self.local_as())),
            local_as: self.local_as(),
            remote_router_id: negotiated.map(|negotiated| negotiated.peer_id),
            state: peer.status.state,
            passive: peer.config.passive,
            admin_down: peer.config.shutdown,
            policy_missing: self.lacks_policy(peer),
            since: peer
                .changed
                .map(|changed| now.saturating_duration_since(changed)),
            messages_received: peer.status.messages_received,
            messages_sent: peer.status.messages_sent,
            output_queue: peer.queued,
            connections_established: peer.status.connections_established,
            connections_dropped: peer.status.connections_dropped,
            hold_time: negotiated.and_then(|negotiated| negotiated.hold_time),
            keepalive: negotiated.and_then(|negotiated| negotiated.keepalive),
            families: peer
                .families
                .iter()
                .map(|entry| self.neighbor_family(peer, entry))
                .collect(),
            last_down: peer.status.last_down.clone(),
            local_endpoint: session.map(|session| session.local),
            remote_endpoint: session.map(|session| session.remote),
            capabilities: negotiated.map_or_else(Vec::new, |negotiated| {
                let both = negotiated
                    .capabilities
                    .iter()
                    .filter(|capability| capability.sent && capability.received);
                both.map(|capability| capability.name.clone()).collect()
            }),
        }
    }

    fn neighbor_family(&self, peer: &Peer, entry: &PeerFamily) -> NeighborFamily {
        let counts = self.rib.counts(peer.id, entry.family);
        NeighborFamily {
            family: entry.family,
            negotiated: peer.negotiated(entry.family),
            received: counts.received,
            accepted: counts.accepted,
            advertised: self.groups.advertised(peer.id, entry.family),
            end_of_rib_received: entry.end_of_rib_received,
            end_of_rib_sent: entry.end_of_rib_sent,
        }
    }

    pub(super) fn bgp_prefix(&self, id: PrefixId) -> Vec<BgpPrefix> {
        let paths: Vec<_> = self
            .rib
            .explain(id)
            .into_iter()
            .map(|path| self.bgp_path(&path))
            .collect();
        if paths.is_empty() {
            return Vec::new();
        }
        vec![BgpPrefix {
            prefix: self.index.prefix(id),
            paths,
        }]
    }

    pub(super) fn bgp_path(&self, path: &PathView) -> BgpPath {
        let stored = self.rib.attributes(path.attributes);
        BgpPath {
            weight: path.weight,
            path_id: path.path_id.0,
            valid: path.valid,
            best: path.best,
            multipath: path.multipath,
            stale: path.stale,
            reason: path.reason.words().into(),
            ..self.path_of(stored, Some(path.peer))
        }
    }

    /// Attributes and their sender; nothing is known about the choice.
    pub(super) fn path_of(
        &self,
        attributes: StoredAttributes<'_>,
        from: Option<PeerId>,
    ) -> BgpPath {
        let view = attributes.view();
        let segments = view.as_path().segments();
        BgpPath {
            peer: from.and_then(|peer| self.rib.peer(peer)).and_then(|info| {
                Some(PathPeer {
                    address: info.address?,
                    router_id: info.router_id,
                    asn: info.asn,
                    internal: info.kind == PeerKind::Ibgp,
                })
            }),
            next_hop: attributes.next_hop,
            as_path: segments
                .map(|segment| AsPathSegment {
                    kind: segment.kind,
                    asns: segment.ases().collect(),
                })
                .collect(),
            origin: view.origin().unwrap_or(Origin::Incomplete),
            med: view.med(),
            local_pref: view.local_pref(),
            weight: 0,
            communities: view.communities().map(|community| community.0).collect(),
            large_communities: view
                .large_communities()
                .map(|community| community.0)
                .collect(),
            extended_communities: view
                .extended_communities()
                .map(|community| community.to_string())
                .collect(),
            originator_id: view.originator_id(),
            cluster_list: view.cluster_list().collect(),
            aggregator: view
                .aggregator()
                .map(|aggregator| (aggregator.asn, RouterId(aggregator.address))),
            atomic_aggregate: view.atomic_aggregate(),
            path_id: 0,
            valid: false,
            best: false,
            multipath: false,
            stale: false,
            reason: "".into(),
        }
    }
}
