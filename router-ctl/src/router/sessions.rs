//! Neighbours as the router sees them: how each session is configured, what happens when it comes and goes,
//! and the routes that it brings.
//!
//! After a restart that found forwarding state in place, nothing is advertised before every neighbour has
//! told its routes or the time for it is over: a neighbour that kept our routes would otherwise drop them at
//! our first End-of-RIB (RFC 4724 §4.1).

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::bgp::negotiate::Negotiated;
use crate::bgp::session::StopReason;
use crate::bgp::types::{Asn, Family, FamilySet, PathAttributes, RouteUpdate};
use crate::config::model::{Config, Parameters};
use crate::host::IfIndex;
use crate::policy::{self, DefaultPolicy, EbgpRequiresPolicy, Scratch};
use crate::rib::decision::{DecisionConfig, MaximumPaths, MedRules, MultipathRelax};
use crate::rib::judgement::Judgement;
use crate::rib::next_hops::LinkScope;
use crate::rib::route::{PeerId, PeerInfo, PeerKind, Rejection};
use crate::rib::update_group::RefreshStyle;
use crate::router::Router;
use crate::router::event::Retain;
use crate::router::import::{Arrival, Judged};
use crate::router::peers::{Established, Peer};

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
    pub(super) fn peer_up(
        &mut self,
        id: PeerId,
        negotiated: Box<Negotiated>,
        (local, remote): (SocketAddr, SocketAddr),
        now: Instant,
    ) {
        let stale_path_time = self.stale_time(|parameters| parameters.stalepath_time);
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        peer.changed = Some(now);
        peer.held = None;
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
                family.stale_until = Some(now + stale_path_time);
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
        self.reconcile_peer(id, None);
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
        self.bfd.loss_is_told(id);
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
        self.forget_if_dynamic(id);
    }

    /// A neighbour that a range brought is gone with its session, unless its paths wait for it.
    fn forget_if_dynamic(&mut self, id: PeerId) {
        let waits = |peer: &Peer| peer.families.iter().any(|each| each.stale_until.is_some());
        if self
            .peers
            .get(id)
            .is_some_and(|peer| peer.range.is_some() && peer.session.is_none() && !waits(peer))
        {
            self.remove_peer(id, StopReason::PeerRemoved);
        }
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

    /// How long stale paths wait for being announced again.
    fn stale_time(&self, of: impl Fn(&Parameters) -> u16) -> Duration {
        let bgp = self.config.protocols.bgp.as_ref();
        Duration::from_secs(bgp.map_or(0, |bgp| of(&bgp.parameters)).into())
    }

    /// RFC 7313: what is not refreshed between begin and end is gone.
    pub(super) fn refresh_begin(&mut self, id: PeerId, family: Family, now: Instant) {
        let stale_time = self.stale_time(|parameters| parameters.enhanced_refresh_stale_time);
        let Some(entry) = self
            .peers
            .get_mut(id)
            .and_then(|peer| peer.family_mut(family))
        else {
            return;
        };
        // Paths that wait for a restarted neighbour are stale already, and its End-of-RIB sweeps them.
        if entry.stale_until.is_none() {
            self.rib.mark_stale(id, family);
        }
        entry.stale_until = Some(now + stale_time);
    }

    /// Sweeps stale paths whose time is over.
    pub(super) fn expire(&mut self, now: Instant) {
        let mut expired = Vec::new();
        for (id, peer) in self.peers.iter_mut() {
            for family in &mut peer.families {
                if family.stale_until.is_some_and(|until| until <= now) {
                    family.stale_until = None;
                    self.rib.sweep_stale(id, family.family);
                    expired.push(id);
                }
            }
        }
        for id in expired {
            self.forget_if_dynamic(id);
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
        let mut touched = FamilySet::NONE;
        let mut scratch = Scratch::default();
        for update in updates {
            if !update.withdrawn.is_empty() {
                self.rib
                    .withdraw(&self.index, id, update.family, &update.withdrawn);
            }
            if let Some(attributes) = &update.attributes {
                self.take_in(id, update, attributes, &mut scratch);
            }
            touched.insert(update.family);
        }
        for family in touched.iter() {
            self.watch_limit(id, family);
        }
    }

    fn take_in(
        &mut self,
        id: PeerId,
        update: &RouteUpdate,
        attributes: &PathAttributes,
        scratch: &mut Scratch,
    ) {
        let Some(peer) = self.peers.get(id) else {
            return;
        };
        let entry = peer
            .families
            .iter()
            .find(|each| each.family == update.family);
        let (Some(session), Some(entry)) = (&peer.session, entry) else {
            return;
        };
        let arrival = Arrival {
            peer,
            session: Some(session),
            rules: &entry.import,
            attributes,
        };
        let (fits, above) = self.split_at_limit(peer, update.family, &update.announced);
        let judged = match self.judge(arrival, &fits, scratch) {
            Judged::Alike(judgement) => {
                let forgotten = arrival.is_forgotten(&judgement);
                vec![(judgement, fits, forgotten)]
            }
            Judged::Apart(judged) => judged
                .into_iter()
                .map(|(judgement, announced)| {
                    let forgotten = arrival.is_forgotten(&judgement);
                    (judgement, Cow::Owned(announced), forgotten)
                })
                .collect(),
        };
        for (judgement, announced, forgotten) in judged {
            if forgotten {
                // The path that it takes the place of is gone too.
                self.rib
                    .withdraw(&self.index, id, update.family, &announced);
            } else {
                self.rib
                    .take_in(&mut self.index, id, (attributes, &judgement), &announced);
            }
        }
        let blocked = Judgement::Rejected(Rejection::MaximumPrefix);
        self.rib
            .take_in(&mut self.index, id, (attributes, &blocked), &above);
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
