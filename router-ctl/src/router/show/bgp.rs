//! Answers about neighbours and paths.

use std::sync::Arc;
use std::time::Instant;

use crate::bgp::types::{Family, RouterId};
use crate::config::model::NeighborSettings;
use crate::prefix::PrefixId;
use crate::rib::StoredAttributes;
use crate::rib::route::{PathView, PeerId, PeerKind};
use crate::router::Router;
use crate::router::event::PeerStatus;
use crate::router::peers::{Established, Held, Peer, PeerFamily};
use crate::router::query::{
    AsPathSegment, BgpPath, BgpPrefix, BgpSummary, FamilySummary, Neighbor, NeighborFamily,
    NeighborName, NeighborSession, NeighborTimes, Origin, PathPeer, Select, Told,
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
        let configured = || {
            let peers = self.peers.iter().map(|(_, peer)| peer);
            peers.filter(|peer| peer.config.address_family.contains_key(&family))
        };
        let groups = self
            .config
            .protocols
            .bgp
            .as_ref()
            .map_or(0, |bgp| bgp.peer_group.len());
        FamilySummary {
            peer_memory_bytes: configured().count() * size_of::<Peer>(),
            peer_groups: groups,
            peer_group_memory_bytes: groups * size_of::<NeighborSettings>(),
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
            peers: configured().map(|peer| self.neighbor(peer, now)).collect(),
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
            scope: peer.scope.map(|link| {
                let name = self.host.name(link).unwrap_or("?");
                (link, name.to_owned())
            }),
            peer_group: peer.peer_group.clone(),
            range: peer.range,
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
            over_limit: peer.held == Some(Held::MaximumPrefix),
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
                .map(|entry| self.neighbor_family(peer, entry, now))
                .collect(),
            last_down: peer.status.last_down.clone(),
            local_endpoint: session.map(|session| session.local),
            remote_endpoint: session.map(|session| session.remote),
            times: times(&peer.status, now),
            session: session.map(|session| Box::new(self.neighbor_session(peer.id, session))),
        }
    }

    fn neighbor_session(&self, peer: PeerId, session: &Established) -> NeighborSession {
        let (next_hop_v4, next_hop_v6) = self.own_next_hops(session);
        let negotiated = &session.negotiated;
        let remote = session.remote.ip().to_canonical();
        NeighborSession {
            capabilities: negotiated.capabilities.clone(),
            introduction: negotiated.introduction.clone(),
            add_path_offered: negotiated.add_path_offered,
            add_path_asked: negotiated.add_path_asked,
            graceful_restart: negotiated.graceful_restart.clone(),
            update_group: self.groups.group_of(peer).map(|group| group.0),
            next_hop_v4,
            next_hop_v6,
            shared_network: session
                .link
                .is_some_and(|link| self.host.on_link(link, remote)),
        }
    }

    fn neighbor_family(&self, peer: &Peer, entry: &PeerFamily, now: Instant) -> NeighborFamily {
        let counts = self.rib.counts(peer.id, entry.family);
        NeighborFamily {
            family: entry.family,
            negotiated: peer.negotiated(entry.family),
            received: counts.received,
            accepted: counts.accepted,
            rejected: counts.rejected,
            advertised: self.groups.advertised(peer.id, entry.family),
            end_of_rib_received: entry.end_of_rib_received,
            end_of_rib_sent: entry.end_of_rib_sent,
            stale_for: entry
                .stale_until
                .map(|until| until.saturating_duration_since(now)),
        }
    }

    pub(super) fn bgp_prefix(&self, id: PrefixId, select: Select, now: Instant) -> Vec<BgpPrefix> {
        let prefix = self.index.prefix(id);
        let stale_for = |path: &PathView| {
            let families = &self.peers.get(path.peer)?.families;
            let mut entries = families.iter();
            let entry = entries.find(|entry| entry.family == Family::of(prefix))?;
            let until = entry.stale_until?;
            path.stale.then(|| until.saturating_duration_since(now))
        };
        let paths: Vec<_> = self
            .rib
            .explain(id)
            .into_iter()
            .map(|path| BgpPath {
                stale_for: stale_for(&path),
                ..self.bgp_path(&path)
            })
            .collect();
        if paths.is_empty() {
            return Vec::new();
        }
        vec![BgpPrefix {
            prefix,
            paths,
            advertised_to: match select {
                // To ask what each neighbour was told costs an export: not for every prefix of a table.
                Select::All => Vec::new(),
                Select::Exact(_) | Select::Match(_) => self.advertised_to(id),
            },
        }]
    }

    fn advertised_to(&self, id: PrefixId) -> Vec<Told> {
        self.peers
            .iter()
            .filter(|(peer, _)| {
                let told = self.groups.told(&self.rib, &self.index, *peer, id);
                !told.is_empty()
            })
            .map(|(_, peer)| Told {
                name: peer.name.clone(),
                host: host(peer),
            })
            .collect()
    }

    pub(super) fn bgp_path(&self, path: &PathView) -> BgpPath {
        let stored = self.rib.attributes(path.attributes);
        BgpPath {
            weight: path.weight,
            path_id: path.path_id.0,
            next_hop_metric: path.metric,
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
        let sender = from.and_then(|peer| self.peers.get(peer));
        BgpPath {
            peer: from.and_then(|peer| self.rib.peer(peer)).and_then(|info| {
                let address = info.address?;
                let name = sender.map(|peer| peer.name.clone());
                Some(PathPeer {
                    name: name.unwrap_or(NeighborName::Address(address)),
                    address,
                    router_id: info.router_id,
                    asn: info.asn,
                    internal: info.kind == PeerKind::Ibgp,
                })
            }),
            host: match sender {
                Some(peer) => host(peer),
                None => self.config.system.host_name.as_deref().map(Arc::from),
            },
            next_hop: attributes.next_hop,
            next_hop_metric: None,
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
            stale_for: None,
            reason: "".into(),
        }
    }
}

/// What a neighbour calls itself.
fn host(peer: &Peer) -> Option<Arc<str>> {
    let session = peer.session.as_ref()?;
    session.negotiated.introduction.host.clone()
}

fn times(status: &PeerStatus, now: Instant) -> NeighborTimes {
    let ago = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
    NeighborTimes {
        last_received: ago(status.last_received),
        last_update: ago(status.last_update),
        last_written: ago(status.last_written),
        last_reset: ago(status.last_reset),
        next_attempt: status
            .next_attempt
            .map(|at| at.saturating_duration_since(now)),
    }
}
