//! The life of neighbours: who there is, how each session is to be run, and what its task must be told when the
//! configuration or the host changed. A task is told the difference between what holds and what it was told last.

use std::net::IpAddr;

use crate::bgp::session::{GracefulRestart, SessionConfig, StopReason};
use crate::bgp::types::Family;
use crate::config::model::NeighborName;
use crate::host::IfIndex;
use crate::rib::route::{PeerId, PeerKind};
use crate::router::Router;
use crate::router::effect::{Back, Effect, Level, StartPeer, Ticket};
use crate::router::event::ResetKind;
use crate::router::host::HostView;
use crate::router::import::{export_names, import_names};
use crate::router::peers::{ExportPolicies, NewPeer, Peer, PeerFamily, configured_kind};
use crate::router::transport::Transport;

/// Where a configured neighbour is, as far as its name tells.
pub(super) fn place_of(name: &NeighborName, host: &HostView) -> (IpAddr, Option<IfIndex>) {
    let unknown = IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED);
    match name {
        NeighborName::Address(address) => (*address, None),
        NeighborName::LinkLocal(address, interface) => {
            (IpAddr::V6(*address), host.index_of(interface))
        }
        NeighborName::Interface(interface) => (unknown, host.index_of(interface)),
    }
}

impl Router {
    /// Takes the configured neighbours in that are not there yet.
    pub(super) fn add_configured_peers(&mut self) {
        let Some(bgp) = &self.config.protocols.bgp else {
            return;
        };
        let new: Vec<_> = bgp
            .neighbor
            .iter()
            .filter(|(name, _)| self.peers.named(name).is_none())
            .map(|(name, neighbor)| {
                let (address, scope) = place_of(name, &self.host);
                NewPeer {
                    name: name.clone(),
                    address,
                    scope,
                    config: bgp.settings(neighbor),
                    peer_group: neighbor.peer_group.clone(),
                    range: None,
                }
            })
            .collect();
        for new in new {
            self.add_peer(new);
        }
    }

    pub(super) fn add_peer(&mut self, new: NewPeer) -> Option<PeerId> {
        let name = new.name.clone();
        let Some(id) = self.peers.insert(new) else {
            self.note(
                Level::Warning,
                format!("neighbor {name}: there are no more than 65535 neighbours"),
            );
            return None;
        };
        self.refresh_policies(id);
        Some(id)
    }

    /// Compiled policies and rules of a neighbour; whose paths are judged otherwise now is judged again.
    pub(super) fn refresh_policies(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get(id) else {
            return;
        };
        let settings: Vec<_> = peer
            .config
            .address_family
            .iter()
            .map(|(&family, settings)| (family, settings.clone()))
            .collect();
        let is_up = peer.session.is_some();
        for (family, settings) in settings {
            let import = self.import_rules(id, family);
            let default_map = settings
                .default_originate
                .as_ref()
                .and_then(|originate| originate.route_map.as_deref());
            let route_map = |name: &str| self.policies.route_map(name);
            let (unsuppress, default_originate) = (
                settings.unsuppress_map.as_deref().and_then(route_map),
                default_map.and_then(route_map),
            );
            let export = ExportPolicies {
                chain: self.policies.chain(family, &export_names(&settings)),
                unsuppress,
                default_originate,
            };
            let Some(peer) = self.peers.get_mut(id) else {
                return;
            };
            if peer.family_mut(family).is_none() {
                peer.families.push(PeerFamily::new(family));
            }
            if let Some(entry) = peer.family_mut(family) {
                entry.export = export;
                if entry.import != import {
                    // What the former rules had forgotten can only be asked for.
                    let incomplete = entry.import.discard_rejected && is_up;
                    entry.import = import;
                    self.rejudging.request(id, family);
                    if incomplete {
                        self.effects
                            .push_back(Effect::RequestRefresh { peer: id, family });
                    }
                }
            }
        }
    }

    /// Whether a policy is missing that RFC 8212 wants, in any family of the neighbour.
    pub(super) fn lacks_policy(&self, peer: &Peer) -> bool {
        let required = self.policy(configured_kind(&peer.config, self.local_as()))
            == crate::policy::DefaultPolicy::Deny;
        let lacking =
            |settings| import_names(settings).is_empty() || export_names(settings).is_empty();
        required && peer.config.address_family.values().any(lacking)
    }

    /// Tells the tasks of the neighbours what differs from what they were told.
    pub(super) fn reconcile_peers(&mut self) {
        if self.router_id.0.is_unspecified() || !self.host.complete() {
            return;
        }
        for id in self.peers.ids() {
            self.reconcile_peer(id, None);
        }
        self.reconcile_ranges();
        self.reconcile_bfd_of_peers();
    }

    pub(super) fn reconcile_peer(&mut self, id: PeerId, accept: Option<Ticket>) {
        self.follow_link(id);
        let wanted = self.start_of(id, accept);
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        let told = peer.started.take();
        peer.started = wanted.clone().map(|start| {
            Box::new(StartPeer {
                accept: None,
                ..start
            })
        });
        match (told, wanted) {
            (None, Some(start)) => self.effects.push_back(Effect::StartPeer(Box::new(start))),
            (Some(told), Some(start)) if *told != start => {
                let reset = needs_another_session(&told, &start);
                let down = start.session.admin_down;
                let message = peer.config.shutdown_message.clone();
                self.effects
                    .push_back(Effect::ConfigurePeer(Box::new(start)));
                if let Some(reset) = reset {
                    let (reason, back) = if down {
                        (StopReason::AdminShutdown(message), Back::Never)
                    } else {
                        (reset, Back::Now)
                    };
                    self.effects.push_back(Effect::ResetPeer {
                        peer: id,
                        reason,
                        back,
                    });
                }
            }
            (Some(_), None) => self.effects.push_back(Effect::RemovePeer {
                peer: id,
                reason: StopReason::LinkDown,
            }),
            (None, None) | (Some(_), Some(_)) => {}
        }
    }

    /// The link of a neighbour may have another number than before.
    fn follow_link(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(id) {
            let (_, scope) = place_of(&peer.name, &self.host);
            if peer.range.is_none() {
                peer.scope = scope;
            }
        }
    }

    /// What the neighbour's task must know; `None` when there cannot be a session yet.
    fn start_of(&self, id: PeerId, accept: Option<Ticket>) -> Option<StartPeer> {
        let peer = self.peers.get(id)?;
        let link_local = matches!(peer.address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        if peer.address.is_unspecified() || (link_local && peer.scope.is_none()) {
            return None;
        }
        Some(StartPeer {
            peer: id,
            name: peer.name.to_string(),
            session: self.session_config(id)?,
            transport: self.transport(peer)?,
            accept,
        })
    }

    /// Forgets a neighbour: its session, its paths, what it was told.
    pub(super) fn remove_peer(&mut self, id: PeerId, reason: StopReason) {
        let Some(peer) = self.peers.remove(id) else {
            return;
        };
        self.bfd.loss_is_told(id);
        self.rejudging.forget(id);
        self.groups.leave(id);
        for family in Family::ALL {
            self.rib.remove_peer(id, family);
        }
        if peer.started.is_some() {
            self.effects
                .push_back(Effect::RemovePeer { peer: id, reason });
        }
    }

    /// The operator wants a session to begin anew, or routes to be looked at again.
    pub(super) fn reset(&mut self, id: PeerId, how: ResetKind) {
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        let families: Vec<_> = peer.families.iter().map(|each| each.family).collect();
        match how {
            ResetKind::Hard(text) => {
                peer.held = None;
                self.effects.push_back(Effect::ResetPeer {
                    peer: id,
                    reason: StopReason::AdminReset(text),
                    back: Back::Now,
                });
            }
            ResetKind::SoftIn => {
                for family in families {
                    self.rejudging.request(id, family);
                    self.effects
                        .push_back(Effect::RequestRefresh { peer: id, family });
                }
            }
            ResetKind::SoftOut => {
                for family in families {
                    self.refresh(id, family);
                }
            }
        }
    }

    /// A link went down: sessions of neighbours one hop away over it end now and not when their hold timers do.
    pub(super) fn fail_over(&mut self, link: IfIndex) {
        let bgp = self.config.protocols.bgp.as_ref();
        if bgp.is_none_or(|bgp| bgp.parameters.no_fast_external_failover) {
            return;
        }
        let over: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| {
                let external = configured_kind(&peer.config, self.local_as()) == PeerKind::Ebgp;
                let session = peer.session.as_ref();
                external
                    && peer.config.ebgp_multihop.is_none()
                    && session.is_some_and(|session| session.link == Some(link))
            })
            .map(|(id, _)| id)
            .collect();
        for peer in over {
            self.effects.push_back(Effect::ResetPeer {
                peer,
                reason: StopReason::LinkDown,
                back: Back::Now,
            });
        }
    }
}

/// Why a session that runs cannot follow a change (bgp-scope: effect of a change); `None` when it can.
fn needs_another_session(told: &StartPeer, wanted: &StartPeer) -> Option<StopReason> {
    let lasting = |start: &StartPeer| {
        let session = SessionConfig {
            passive: false,
            hold_time: 0,
            minimum_hold_time: 0,
            keepalive: None,
            connect_retry: 0,
            graceful_restart: start
                .session
                .graceful_restart
                .map(|restart| GracefulRestart {
                    restart_time: 0,
                    restarting: false,
                    forwarding_kept: false,
                    ..restart
                }),
            ..start.session.clone()
        };
        let transport = Transport {
            password: None,
            mss: None,
            ..start.transport.clone()
        };
        (session, transport)
    };
    (lasting(told) != lasting(wanted)).then_some(StopReason::ConfigChange)
}
