//! Which BFD sessions there shall be, what they reported last, and which neighbours a lost one ends.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::bfd::fsm::State;
use crate::bfd::{Key, Report, Request, Settings, Status};
use crate::bgp::session::StopReason;
use crate::config::model::BfdProfile;
use crate::rib::route::{PeerId, PeerKind};
use crate::router::Router;
use crate::router::effect::{Back, Effect, Level};
use crate::router::peers::{Peer, configured_kind};
use crate::router::query::BfdPeer;

/// A session that the configuration asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    settings: Settings,
    /// Neighbours that share it, in the order of their ids.
    peers: Vec<PeerId>,
}

#[derive(Debug, Default)]
pub(super) struct BfdSessions {
    wanted: BTreeMap<Key, Wanted>,
    reported: BTreeMap<Key, Status>,
    /// Neighbours that are lost and whose sessions have not ended yet.
    lost: BTreeSet<PeerId>,
}

/// The sessions of these neighbours. Those with the same key share one, with the settings of the first.
pub(super) fn desired(
    peers: impl IntoIterator<Item = (PeerId, Key, Settings)>,
) -> BTreeMap<Key, Wanted> {
    let mut wanted = BTreeMap::new();
    for (peer, key, settings) in peers {
        let entry = wanted.entry(key).or_insert_with(|| Wanted {
            settings,
            peers: Vec::new(),
        });
        entry.peers.push(peer);
    }
    wanted
}

impl BfdSessions {
    /// What has to be asked for so that there are these sessions and no others.
    pub(super) fn reconcile(&mut self, wanted: BTreeMap<Key, Wanted>) -> Vec<Request> {
        let gone = self.wanted.keys().filter(|key| !wanted.contains_key(key));
        let mut requests: Vec<_> = gone.cloned().map(Request::Remove).collect();
        for (key, new) in &wanted {
            let old = self.wanted.get(key).map(|old| &old.settings);
            if old != Some(&new.settings) {
                requests.push(Request::Put(key.clone(), new.settings.clone()));
            }
        }
        self.reported.retain(|key, _| wanted.contains_key(key));
        self.wanted = wanted;
        requests
    }

    /// Notes a report. Returns the neighbours whose sessions it ends: those of a session that was Up and is lost,
    /// unless the other side was taken down on purpose (RFC 5882 §3.2).
    pub(super) fn handle_report(&mut self, report: Report) -> Vec<PeerId> {
        let Some(wanted) = self.wanted.get(&report.key) else {
            return Vec::new();
        };
        let discriminator = report.status.discriminator;
        let lost = report.status.state != State::Up && !report.status.remote_admin_down();
        let before = self.reported.insert(report.key, report.status);
        // A session that was removed and asked for again begins Down, under another discriminator.
        let was_up = before.is_some_and(|before| {
            before.state == State::Up && before.discriminator == discriminator
        });
        if lost && was_up {
            wanted.peers.clone()
        } else {
            Vec::new()
        }
    }

    /// The BGP session of a neighbour has ended: the RIB hears what BFD knew.
    pub(super) fn loss_is_told(&mut self, peer: PeerId) {
        self.lost.remove(&peer);
    }

    fn is_shared_by(&self, key: &Key, peer: PeerId) -> bool {
        let wanted = self.wanted.get(key);
        wanted.is_some_and(|wanted| wanted.peers.contains(&peer))
    }

    /// The session that a neighbour uses, as it was reported last.
    fn of_peer(&self, peer: PeerId) -> Option<&Status> {
        let uses = |wanted: &Wanted| wanted.peers.contains(&peer);
        let (key, _) = self.wanted.iter().find(|(_, wanted)| uses(wanted))?;
        self.reported.get(key)
    }
}

impl Router {
    /// The BFD session of a neighbour: over several hops when that is configured (RFC 5883), and with an internal
    /// neighbour that is on no subnet of ours. One that was on a subnet when its session began stays a single hop
    /// away: that the subnet is gone is no reason to end the session, but one for it to be lost.
    pub fn bfd_key(&self, peer: &Peer) -> Key {
        let local = self.source_of(peer);
        let single = Key {
            remote: peer.address,
            local: local.or_else(|| self.host.source_on(peer.scope?, peer.address)),
            interface: peer.scope,
            multihop: false,
        };
        let is_near = || {
            let mut links = self.host.links.keys();
            links.any(|&link| self.host.on_link(link, peer.address))
                || self.bfd.is_shared_by(&single, peer.id)
        };
        let internal = configured_kind(&peer.config, self.local_as()) == PeerKind::Ibgp;
        let configured = peer.config.ebgp_multihop.is_some_and(|hops| hops > 1);
        Key {
            multihop: configured || internal && !is_near(),
            ..single
        }
    }

    /// What BFD knows of a neighbour; `None` without a session, and before its first report.
    pub fn bfd_status(&self, peer: PeerId) -> Option<&Status> {
        self.bfd.of_peer(peer)
    }

    /// Makes the BFD sessions those of these neighbours.
    pub fn reconcile_bfd(&mut self, peers: impl IntoIterator<Item = (PeerId, Key, Settings)>) {
        let requests = self.bfd.reconcile(desired(peers));
        self.effects.extend(requests.into_iter().map(Effect::Bfd));
    }

    /// The sessions that the neighbours ask for.
    pub(super) fn reconcile_bfd_of_peers(&mut self) {
        let profiles = &self.config.protocols.bfd.profile;
        let wanted: Vec<_> = self
            .peers
            .iter()
            .filter(|(_, peer)| peer.started.is_some() && !peer.config.shutdown)
            .filter_map(|(id, peer)| {
                let bfd = peer.config.bfd.as_ref()?;
                let profile = bfd.profile.as_ref().and_then(|name| profiles.get(name));
                Some((
                    id,
                    self.bfd_key(peer),
                    profile.map_or_else(Settings::default, settings),
                ))
            })
            .collect();
        self.reconcile_bfd(wanted);
    }

    /// The loss of a BFD session ends the BGP sessions that it watches, at once and without keeping their paths
    /// (RFC 9384). Path lists keep away from the neighbour before that: to take its paths from a full table takes
    /// a while.
    pub(super) fn bfd_report(&mut self, report: Report) {
        let (remote, link) = (report.key.remote, report.key.interface);
        let diagnostic = report.status.diagnostic;
        let lost = self.bfd.handle_report(report);
        if !lost.is_empty() {
            let text = format!("BFD: the session with {remote} is lost: {diagnostic}");
            self.note(Level::Warning, text);
        }
        let in_use = |&peer: &PeerId| {
            let peer = self.peers.get(peer);
            peer.is_some_and(|peer| peer.session.is_some())
        };
        let ending: Vec<_> = lost.iter().copied().filter(in_use).collect();
        if !ending.is_empty() {
            self.fib.fail_neighbour(remote, link);
            self.bfd.lost.extend(ending);
        }
        for peer in lost {
            self.effects.push_back(Effect::ResetPeer {
                peer,
                reason: StopReason::BfdDown,
                back: Back::Now,
            });
        }
    }

    /// Once the RIB has decided without the lost neighbours, no path leads to them, and path lists need not keep
    /// away any more: whoever is announced at their addresses from then on is there.
    pub(super) fn forget_bfd_losses(&mut self) {
        if self.fib.has_failed_neighbours() && self.bfd.lost.is_empty() && !self.rib.has_work() {
            self.fib.revive_neighbours();
        }
    }

    pub(super) fn bfd_peers(&self, now: Instant) -> Vec<BfdPeer> {
        let rows = self.bfd.reported.iter();
        rows.map(|(key, status)| {
            let peers = self.bfd.wanted.get(key).map(|wanted| &wanted.peers);
            let interface = key.interface.and_then(|index| self.host.name(index));
            BfdPeer {
                description: peers
                    .into_iter()
                    .flatten()
                    .find_map(|&id| self.peers.get(id)?.config.description.clone()),
                key: key.clone(),
                interface: interface.map(str::to_owned),
                since: now.saturating_duration_since(status.since),
                status: status.clone(),
            }
        })
        .collect()
    }
}

fn settings(profile: &BfdProfile) -> Settings {
    Settings {
        transmit: Duration::from_millis(profile.interval_transmit.into()),
        receive: Duration::from_millis(profile.interval_receive.into()),
        multiplier: profile.multiplier,
        passive: profile.passive,
        minimum_ttl: profile.minimum_ttl,
    }
}

#[cfg(test)]
mod tests;
