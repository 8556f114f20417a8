//! The neighbours: their configuration, the life of their sessions as the router sees it, and what is queued
//! towards each. Ids are dense and follow the order of the configuration; id 0 is the router itself.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use ipnet::IpNet;

use crate::bgp::negotiate::Negotiated;
use crate::bgp::types::{Asn, Family, FamilySet};
use crate::config::model::{NeighborName, NeighborSettings, RemoteAs};
use crate::host::IfIndex;
use crate::policy::Chain;
use crate::rib::route::{PeerId, PeerKind};
use crate::rib::update_group::Congestion;
use crate::router::effect::StartPeer;
use crate::router::event::PeerStatus;
use crate::router::import::ImportRules;

/// Octets towards one neighbour above which nothing more is encoded for it.
const CONGESTED_ABOVE: usize = 4 << 20;
/// How long the first table of a neighbour without graceful restart is waited for after our restart.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// Octets below which it takes part again.
const RELIEVED_BELOW: usize = 1 << 20;

#[derive(Debug)]
pub struct Peer {
    pub id: PeerId,
    pub name: NeighborName,
    /// Unspecified while an unnumbered neighbour has not been heard.
    pub address: IpAddr,
    /// The link of a link-local neighbour.
    pub scope: Option<IfIndex>,
    /// What holds for it, its group's settings included.
    pub config: NeighborSettings,
    pub peer_group: Option<String>,
    /// The `listen range` that it came from.
    pub range: Option<IpNet>,
    pub status: PeerStatus,
    /// What its task was told last; none while it has no task.
    pub started: Option<Box<StartPeer>>,
    /// The session was ended for good, or for a while.
    pub held: Option<Held>,
    pub session: Option<Established>,
    /// When the session last came or went.
    pub changed: Option<Instant>,
    pub families: Vec<PeerFamily>,
    /// Octets handed to the session and not yet on the wire.
    pub queued: usize,
    pub congested: bool,
}

/// Why a neighbour without session does not try for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// `maximum-prefix`: shown as Idle (PfxCt).
    MaximumPrefix,
}

/// What holds while a session is Established.
#[derive(Debug)]
pub struct Established {
    pub negotiated: Box<Negotiated>,
    pub local: SocketAddr,
    pub remote: SocketAddr,
    /// The link that it runs over, when our address is on one.
    pub link: Option<IfIndex>,
}

#[derive(Clone, Debug)]
pub struct PeerFamily {
    pub family: Family,
    pub end_of_rib_received: bool,
    pub end_of_rib_sent: bool,
    /// Stale paths of the last session are swept at this time (RFC 4724 §4.2).
    pub stale_until: Option<Instant>,
    /// What import does with its paths.
    pub import: ImportRules,
    /// The policies of what it is told.
    pub export: ExportPolicies,
    /// The warning of `maximum-prefix-threshold` was given.
    pub limit_warned: bool,
}

impl PeerFamily {
    pub fn new(family: Family) -> Self {
        Self {
            family,
            end_of_rib_received: false,
            end_of_rib_sent: false,
            stale_until: None,
            import: ImportRules::default(),
            export: ExportPolicies::default(),
            limit_warned: false,
        }
    }
}

/// Compiled policies of one family of what a neighbour is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportPolicies {
    pub chain: Option<Chain>,
    /// Lets through what an aggregate suppresses.
    pub unsuppress: Option<Chain>,
    /// Decides about the default route of `default-originate`.
    pub default_originate: Option<Chain>,
}

/// A neighbour before it has a number.
pub struct NewPeer {
    pub name: NeighborName,
    pub address: IpAddr,
    pub scope: Option<IfIndex>,
    pub config: NeighborSettings,
    pub peer_group: Option<String>,
    pub range: Option<IpNet>,
}

impl Peer {
    fn new(id: PeerId, new: NewPeer) -> Self {
        let families = new.config.address_family.keys();
        Self {
            id,
            families: families.copied().map(PeerFamily::new).collect(),
            name: new.name,
            address: new.address,
            scope: new.scope,
            config: new.config,
            peer_group: new.peer_group,
            range: new.range,
            status: PeerStatus::default(),
            started: None,
            held: None,
            session: None,
            changed: None,
            queued: 0,
            congested: false,
        }
    }

    /// The AS that the configuration expects.
    pub fn configured_as(&self, system_as: Asn) -> Option<Asn> {
        match self.config.remote_as {
            Some(RemoteAs::Number(asn)) => Some(asn),
            Some(RemoteAs::Internal) => Some(system_as),
            Some(RemoteAs::External) | None => None,
        }
    }

    /// Families in which it is a client of our route reflector.
    pub fn reflector_clients(&self) -> FamilySet {
        let families = self.config.address_family.iter();
        families
            .filter_map(|(&family, settings)| settings.route_reflector_client.then_some(family))
            .collect()
    }

    pub fn family_mut(&mut self, family: Family) -> Option<&mut PeerFamily> {
        self.families
            .iter_mut()
            .find(|entry| entry.family == family)
    }

    /// When a neighbour that need not send End-of-RIB, being without graceful restart, has told its routes.
    pub fn told_by(&self) -> Option<Instant> {
        let session = self.session.as_ref()?;
        let silent = session.negotiated.graceful_restart.is_none();
        self.changed.filter(|_| silent).map(|up| up + TOLD_WITHIN)
    }

    /// Whether it has restarted itself: two that wait for each other would wait for ever (RFC 4724 §4.1).
    pub fn is_restarting(&self) -> bool {
        let session = self.session.as_ref();
        let restart = session.and_then(|session| session.negotiated.graceful_restart.as_ref());
        restart.is_some_and(|restart| restart.restarting)
    }

    pub fn negotiated(&self, family: Family) -> bool {
        self.session
            .as_ref()
            .is_some_and(|session| session.negotiated.families.contains(&family))
    }

    /// Notes queued octets; returns the congestion state when that changed it.
    pub fn note_queued(&mut self, bytes: usize) -> Option<Congestion> {
        self.queued += bytes;
        self.congestion_change()
    }

    /// Notes octets that left; returns the congestion state when that changed it.
    pub fn note_drained(&mut self, bytes: usize) -> Option<Congestion> {
        self.queued = self.queued.saturating_sub(bytes);
        self.congestion_change()
    }

    fn congestion_change(&mut self) -> Option<Congestion> {
        let congested = if self.congested {
            self.queued >= RELIEVED_BELOW
        } else {
            self.queued > CONGESTED_ABOVE
        };
        (congested != std::mem::replace(&mut self.congested, congested)).then_some(if congested {
            Congestion::Full
        } else {
            Congestion::Clear
        })
    }
}

#[derive(Debug, Default)]
pub struct Peers {
    /// By id, the router's own left out.
    slots: Vec<Option<Peer>>,
}

impl Peers {
    /// Gives the neighbour the lowest free number; `None` when there is none.
    pub fn insert(&mut self, new: NewPeer) -> Option<PeerId> {
        let free = self.slots.iter().position(Option::is_none);
        let index = free.unwrap_or(self.slots.len());
        let id = PeerId(u16::try_from(index + 1).ok()?);
        let peer = Some(Peer::new(id, new));
        match self.slots.get_mut(index) {
            Some(slot) => *slot = peer,
            None => self.slots.push(peer),
        }
        Some(id)
    }

    pub fn remove(&mut self, id: PeerId) -> Option<Peer> {
        self.slots.get_mut(index(id)?)?.take()
    }

    pub fn get(&self, id: PeerId) -> Option<&Peer> {
        self.slots.get(index(id)?)?.as_ref()
    }

    pub fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.slots.get_mut(index(id)?)?.as_mut()
    }

    pub fn iter(&self) -> impl Iterator<Item = (PeerId, &Peer)> {
        self.slots.iter().flatten().map(|peer| (peer.id, peer))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (PeerId, &mut Peer)> {
        self.slots.iter_mut().flatten().map(|peer| (peer.id, peer))
    }

    pub fn ids(&self) -> Vec<PeerId> {
        self.iter().map(|(id, _)| id).collect()
    }

    pub fn named(&self, name: &NeighborName) -> Option<PeerId> {
        self.iter()
            .find(|(_, peer)| peer.name == *name)
            .map(|(id, _)| id)
    }

    /// The neighbours in the order of their ids, for those who drive the sessions.
    pub fn addresses(&self) -> impl Iterator<Item = (PeerId, IpAddr, &NeighborSettings)> {
        self.iter()
            .map(|(id, peer)| (id, peer.address, &peer.config))
    }
}

fn index(id: PeerId) -> Option<usize> {
    usize::from(id.0).checked_sub(1)
}

/// Whether a neighbour is internal, as far as the configuration says; the session tells the rest.
pub fn configured_kind(config: &NeighborSettings, system_as: Asn) -> PeerKind {
    match config.remote_as {
        Some(RemoteAs::Internal) => PeerKind::Ibgp,
        Some(RemoteAs::Number(asn)) if asn == system_as => PeerKind::Ibgp,
        Some(RemoteAs::Number(_) | RemoteAs::External) | None => PeerKind::Ebgp,
    }
}
