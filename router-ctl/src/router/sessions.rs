//! Neighbours as the router sees them: how each session is configured, what happens when it comes and goes,
//! and the routes that it brings.
//!
//! After a restart that found forwarding state in place, nothing is advertised before every neighbour has
//! told its routes or the time for it is over: a neighbour that kept our routes would otherwise drop them at
//! our first End-of-RIB (RFC 4724 §4.1).

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::bgp::negotiate::Negotiated;
use crate::bgp::session::{GracefulRestart, SessionConfig};
use crate::bgp::types::{Asn, Family, PathAttributes, PeerAs, RouteUpdate};
use crate::config::model::{Config, RemoteAs};
use crate::host::IfIndex;
use crate::policy::{self, DefaultPolicy, EbgpRequiresPolicy};
use crate::rib::decision::{DecisionConfig, MaximumPaths, MedRules, MultipathRelax};
use crate::rib::next_hops::LinkScope;
use crate::rib::route::{PeerId, PeerInfo, PeerKind, Rejection};
use crate::rib::update_group::RefreshStyle;
use crate::router::Router;
use crate::router::event::Retain;
use crate::router::peers::{Established, configured_kind};

const HOLD_TIME: u16 = 90;
const CONNECT_RETRY: u16 = 30;
const TTL_INTERNAL: u8 = 255;
const TTL_CONNECTED: u8 = 1;
/// How long stale paths of a neighbour that is back wait for its End-of-RIB (RFC 4724 §4.2).
const STALE_PATH_TIME: Duration = Duration::from_secs(360);

/// What the configuration says about the decision process.
pub(super) fn decision_config(config: &Config) -> DecisionConfig {
    let Some(bgp) = &config.protocols.bgp else {
        return DecisionConfig::new(Asn(0));
    };
    let parameters = &bgp.parameters;
    let maximum_paths = |family| {
        bgp.address_family
            .get(&family)
            .map_or(MaximumPaths::DEFAULT, |settings| MaximumPaths {
                ebgp: settings.maximum_paths_ebgp,
                ibgp: settings.maximum_paths_ibgp,
            })
    };
    DecisionConfig {
        default_local_pref: parameters.default_local_pref,
        med: MedRules {
            always_compare: parameters.always_compare_med,
            missing_as_worst: parameters.med_missing_as_worst,
        },
        ignore_as_path: parameters.as_path_ignore,
        relax: MultipathRelax {
            as_path: parameters.as_path_multipath_relax,
            origin: parameters.origin_multipath_relax,
            peer_type: parameters.peer_type_multipath_relax,
        },
        maximum_paths_v4: maximum_paths(Family::Ipv4Unicast),
        maximum_paths_v6: maximum_paths(Family::Ipv6Unicast),
        ..DecisionConfig::new(bgp.system_as)
    }
}

impl Router {
    /// How the session of a neighbour is to behave.
    pub fn session_config(&self, id: PeerId) -> Option<SessionConfig> {
        let bgp = self.config.protocols.bgp.as_ref()?;
        let peer = self.peers.get(id)?;
        let remote_as = match peer.config.remote_as {
            Some(RemoteAs::Number(asn)) => PeerAs::Number(asn),
            Some(RemoteAs::Internal) => PeerAs::Internal,
            Some(RemoteAs::External) | None => PeerAs::External,
        };
        let timers = peer.config.timers;
        let adopted = self.startup.adopted_routes > 0;
        Some(SessionConfig {
            passive: peer.config.passive,
            admin_down: peer.config.shutdown,
            hold_time: timers.holdtime.or(bgp.timers.holdtime).unwrap_or(HOLD_TIME),
            keepalive: timers.keepalive.or(bgp.timers.keepalive),
            connect_retry: timers
                .connect
                .or(bgp.timers.connect)
                .unwrap_or(CONNECT_RETRY),
            families: peer.config.address_family.keys().copied().collect(),
            graceful_restart: Some(GracefulRestart {
                restart_time: bgp.parameters.restart_time,
                restarting: adopted,
                forwarding_kept: adopted,
                helper_only: false,
            }),
            link_local_next_hop: peer.config.ebgp_multihop.is_none(),
            jitter_seed: u64::from(u32::from(self.router_id.0)) << 16 | u64::from(id.0),
            ..SessionConfig::new(bgp.system_as, self.router_id, remote_as)
        })
    }

    /// The TTL of our packets to a neighbour (RFC 4271 §5.1.3; RFC 7454 §5).
    pub fn session_ttl(&self, id: PeerId) -> u8 {
        let Some(peer) = self.peers.get(id) else {
            return TTL_CONNECTED;
        };
        match (
            configured_kind(&peer.config, self.local_as()),
            peer.config.ebgp_multihop,
        ) {
            (_, Some(ttl)) => ttl,
            (PeerKind::Ebgp, None) => TTL_CONNECTED,
            (PeerKind::Ibgp | PeerKind::Local, None) => TTL_INTERNAL,
        }
    }

    pub(super) fn peer_up(
        &mut self,
        id: PeerId,
        negotiated: Box<Negotiated>,
        (local, remote): (SocketAddr, SocketAddr),
        now: Instant,
    ) {
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        peer.changed = Some(now);
        peer.queued = 0;
        peer.congested = false;
        let kind = if negotiated.internal {
            PeerKind::Ibgp
        } else {
            PeerKind::Ebgp
        };
        let info = PeerInfo {
            kind,
            address: Some(peer.address),
            router_id: negotiated.peer_id,
            asn: negotiated.peer_as,
            clients: peer.reflector_clients(),
        };
        for family in &mut peer.families {
            family.end_of_rib_received = false;
            family.end_of_rib_sent = false;
            if family.stale_until.take().is_none() {
                continue;
            }
            if kept_forwarding(&negotiated, family.family) {
                family.stale_until = Some(now + STALE_PATH_TIME);
            } else {
                self.rib.remove_peer(id, family.family);
            }
        }
        let link = link_of(local).or(self.host.link_with(local.ip().to_canonical()));
        peer.session = Some(Established {
            negotiated,
            local,
            remote,
            link,
        });
        self.rib.set_peer(id, info);
        let scope = link.map_or_else(LinkScope::default, |link| LinkScope(link.0));
        self.rib.set_link(id, scope);
        if self.restore.is_none() {
            self.join(id);
        }
    }

    /// Advertises to the neighbours that had to wait for the restart to be over.
    pub(super) fn join_deferred(&mut self) {
        let waiting: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.session.is_some())
            .map(|(id, _)| id)
            .collect();
        for id in waiting {
            self.join(id);
        }
    }

    fn join(&mut self, id: PeerId) {
        if let Some(key) = self.peers.get(id).and_then(|peer| self.group_key(peer)) {
            self.groups.join(&self.rib, id, key);
        }
    }

    pub(super) fn peer_down(&mut self, id: PeerId, retain: Retain, now: Instant) {
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        let Some(session) = peer.session.take() else {
            return;
        };
        peer.changed = Some(now);
        peer.queued = 0;
        peer.congested = false;
        let restart = session
            .negotiated
            .graceful_restart
            .as_ref()
            .filter(|_| retain == Retain::Stale);
        for family in &mut peer.families {
            let restart_time = restart
                .filter(|restart| {
                    restart
                        .families
                        .iter()
                        .any(|entry| entry.family == family.family)
                })
                .map(|restart| restart.restart_time);
            // A second loss before the End-of-RIB of the first: what is stale goes.
            match restart_time.filter(|_| family.stale_until.is_none()) {
                Some(restart_time) => {
                    family.stale_until = Some(now + restart_time);
                    self.rib.mark_stale(id, family.family);
                }
                None => {
                    family.stale_until = None;
                    self.rib.remove_peer(id, family.family);
                }
            }
        }
        self.groups.leave(id);
    }

    pub(super) fn end_of_rib(&mut self, id: PeerId, family: Family) {
        let Some(entry) = self
            .peers
            .get_mut(id)
            .and_then(|peer| peer.family_mut(family))
        else {
            return;
        };
        entry.end_of_rib_received = true;
        if entry.stale_until.take().is_some() {
            self.rib.sweep_stale(id, family);
        }
    }

    /// RFC 7313: what is not refreshed between begin and end is gone.
    pub(super) fn refresh_begin(&mut self, id: PeerId, family: Family, now: Instant) {
        let Some(entry) = self
            .peers
            .get_mut(id)
            .and_then(|peer| peer.family_mut(family))
        else {
            return;
        };
        entry.stale_until = Some(now + STALE_PATH_TIME);
        self.rib.mark_stale(id, family);
    }

    /// Sweeps stale paths whose time is over.
    pub(super) fn expire(&mut self, now: Instant) {
        for (id, peer) in self.peers.iter_mut() {
            for family in &mut peer.families {
                if family.stale_until.is_some_and(|until| until <= now) {
                    family.stale_until = None;
                    self.rib.sweep_stale(id, family.family);
                }
            }
        }
    }

    /// The neighbour asks for our routes again.
    pub(super) fn refresh(&mut self, id: PeerId, family: Family) {
        let Some(session) = self.peers.get(id).and_then(|peer| peer.session.as_ref()) else {
            return;
        };
        let style = if session.negotiated.enhanced_refresh {
            RefreshStyle::Enhanced
        } else {
            RefreshStyle::Plain
        };
        self.groups.refresh(id, family, style);
    }

    pub(super) fn drained(&mut self, id: PeerId, bytes: usize) {
        if let Some(congested) = self
            .peers
            .get_mut(id)
            .and_then(|peer| peer.note_drained(bytes))
        {
            self.groups.set_congested(id, congested);
        }
    }

    pub(super) fn handle_routes(&mut self, id: PeerId, updates: &[RouteUpdate]) {
        let Some(peer) = self.peers.get(id) else {
            return;
        };
        let Some(session) = &peer.session else { return };
        let kind = if session.negotiated.internal {
            PeerKind::Ibgp
        } else {
            PeerKind::Ebgp
        };
        let denied = self.policy(kind) == DefaultPolicy::Deny;
        for update in updates {
            if !update.withdrawn.is_empty() {
                self.rib
                    .withdraw(&self.index, id, update.family, &update.withdrawn);
            }
            if let Some(attributes) = update
                .attributes
                .as_ref()
                .filter(|_| !update.announced.is_empty())
            {
                let rejected = self
                    .loop_in(attributes, kind)
                    .or(denied.then_some(Rejection::Policy));
                self.rib.announce(&mut self.index, id, update, rejected);
            }
        }
    }

    /// Why a path cannot be used whatever policy says (RFC 4271 §9.1.2, RFC 4456 §8).
    fn loop_in(&self, attributes: &PathAttributes, kind: PeerKind) -> Option<Rejection> {
        let view = attributes.view();
        if view.as_path().occurrences(self.local_as()) > 0 {
            return Some(Rejection::AsLoop);
        }
        if kind == PeerKind::Ibgp {
            if view.originator_id() == Some(self.router_id) {
                return Some(Rejection::OriginatorLoop);
            }
            if view.cluster_list().any(|cluster| cluster == self.router_id) {
                return Some(Rejection::ClusterLoop);
            }
        }
        self.host
            .owns(attributes.next_hop.address())
            .then_some(Rejection::OwnNextHop)
    }

    pub(super) fn policy(&self, kind: PeerKind) -> DefaultPolicy {
        let required = match &self.config.protocols.bgp {
            Some(bgp) if bgp.parameters.ebgp_requires_policy => EbgpRequiresPolicy::Yes,
            Some(_) | None => EbgpRequiresPolicy::No,
        };
        let session = match kind {
            PeerKind::Ebgp => policy::Session::External,
            PeerKind::Ibgp | PeerKind::Local => policy::Session::Internal,
        };
        policy::without_policy(session, required)
    }
}

/// The link that a link-local address names.
fn link_of(address: SocketAddr) -> Option<IfIndex> {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => Some(IfIndex(v6.scope_id())),
        SocketAddr::V6(_) | SocketAddr::V4(_) => None,
    }
}

fn kept_forwarding(negotiated: &Negotiated, family: Family) -> bool {
    negotiated.graceful_restart.as_ref().is_some_and(|restart| {
        restart
            .families
            .iter()
            .any(|entry| entry.family == family && entry.forwarding_kept)
    })
}
