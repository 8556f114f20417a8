//! The neighbours: their configuration, the life of their sessions as the router sees it, and what is queued
//! towards each. Ids are dense and follow the order of the configuration; id 0 is the router itself.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::bgp::negotiate::Negotiated;
use crate::bgp::types::{Asn, Family, FamilySet};
use crate::config::model::{Bgp, NeighborName, NeighborSettings, RemoteAs};
use crate::host::IfIndex;
use crate::rib::route::{PeerId, PeerKind};
use crate::rib::update_group::Congestion;
use crate::router::event::PeerStatus;

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
    pub address: IpAddr,
    /// What holds for it, its group's settings included.
    pub config: NeighborSettings,
    pub status: PeerStatus,
    pub session: Option<Established>,
    /// When the session last came or went.
    pub changed: Option<Instant>,
    pub families: Vec<PeerFamily>,
    /// Octets handed to the session and not yet on the wire.
    pub queued: usize,
    pub congested: bool,
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
}

impl Peer {
    fn new(id: PeerId, name: NeighborName, address: IpAddr, config: NeighborSettings) -> Self {
        let families = config
            .address_family
            .keys()
            .map(|&family| PeerFamily {
                family,
                end_of_rib_received: false,
                end_of_rib_sent: false,
                stale_until: None,
            })
            .collect();
        Self {
            id,
            name,
            address,
            config,
            status: PeerStatus::default(),
            session: None,
            changed: None,
            families,
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
    peers: Vec<Peer>,
}

impl Peers {
    pub fn new(bgp: &Bgp) -> Self {
        let addressed = bgp
            .neighbor
            .iter()
            .filter_map(|(name, neighbor)| match name {
                NeighborName::Address(address) => Some((name, *address, neighbor)),
                NeighborName::LinkLocal(..) | NeighborName::Interface(_) => None,
            });
        Self {
            peers: addressed
                .zip(1..)
                .map(|((name, address, neighbor), id)| {
                    let settings = bgp.settings(neighbor);
                    Peer::new(PeerId(id), name.clone(), address, settings)
                })
                .collect(),
        }
    }

    pub fn get(&self, id: PeerId) -> Option<&Peer> {
        self.peers.get((usize::from(id.0)).checked_sub(1)?)
    }

    pub fn get_mut(&mut self, id: PeerId) -> Option<&mut Peer> {
        self.peers.get_mut((usize::from(id.0)).checked_sub(1)?)
    }

    pub fn iter(&self) -> impl Iterator<Item = (PeerId, &Peer)> {
        self.peers.iter().map(|peer| (peer.id, peer))
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = (PeerId, &mut Peer)> {
        self.peers.iter_mut().map(|peer| (peer.id, peer))
    }

    /// The neighbours in the order of their ids, for those who drive the sessions.
    pub fn addresses(&self) -> impl Iterator<Item = (PeerId, IpAddr, &NeighborSettings)> {
        self.iter()
            .map(|(id, peer)| (id, peer.address, &peer.config))
    }
}

/// Whether a neighbour is internal, as far as the configuration says; the session tells the rest.
pub fn configured_kind(config: &NeighborSettings, system_as: Asn) -> PeerKind {
    match config.remote_as {
        Some(RemoteAs::Internal) => PeerKind::Ibgp,
        Some(RemoteAs::Number(asn)) if asn == system_as => PeerKind::Ibgp,
        Some(RemoteAs::Number(_) | RemoteAs::External) | None => PeerKind::Ebgp,
    }
}
