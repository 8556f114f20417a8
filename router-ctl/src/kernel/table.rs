//! What the kernel last told us, so that only changes travel on: the kernel repeats itself (a neighbour's walk
//! from stale to reachable is four messages and no change of MAC), and a resync needs the whole picture.

use std::collections::{BTreeMap, BTreeSet};

use super::ways::{RouteObservation, Ways};
use crate::host::{Address, HostEvent, IfIndex, Link, LinkState, NeighbourKey, NeighbourState};

/// One statement of the kernel about one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Observation {
    Link(Link),
    LinkGone(IfIndex),
    Address(Address),
    AddressGone(Address),
    Neighbour(NeighbourKey, NeighbourState),
    NeighbourGone(NeighbourKey),
    Route(RouteObservation),
}

/// Where a statement came from. While a dump runs, notifications win over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Dump,
    Notification,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Link(IfIndex),
    Address(IfIndex, ipnet::IpNet),
    Neighbour(NeighbourKey),
}

impl Observation {
    /// `None` for routes, of which a resync keeps its own account.
    fn key(&self) -> Option<Key> {
        Some(match self {
            Self::Link(link) => Key::Link(link.index),
            Self::LinkGone(index) => Key::Link(*index),
            Self::Address(address) | Self::AddressGone(address) => {
                Key::Address(address.link, address.net)
            }
            Self::Neighbour(key, _) | Self::NeighbourGone(key) => Key::Neighbour(*key),
            Self::Route(_) => return None,
        })
    }
}

#[derive(Debug, Default)]
pub(super) struct Table {
    links: BTreeMap<IfIndex, Link>,
    addresses: BTreeSet<(IfIndex, ipnet::IpNet)>,
    neighbours: BTreeMap<NeighbourKey, NeighbourState>,
    routes: Ways,
    /// `Some` while a resync runs: what notifications have spoken of since its start.
    noted: Option<BTreeSet<Key>>,
}

impl Table {
    /// Forgets everything; until [`finish_resync`](Self::finish_resync) no events come out.
    pub(super) fn begin_resync(&mut self) {
        *self = Self {
            noted: Some(BTreeSet::new()),
            ..Self::default()
        };
        self.routes.begin();
    }

    /// Whether the routes have to be listed again; forgets them if so.
    pub(super) fn begin_routes(&mut self) -> bool {
        let doubtful = self.routes.is_doubtful();
        if doubtful {
            self.routes.begin();
        }
        doubtful
    }

    /// What the lists that are complete now have to tell: everything after
    /// [`begin_resync`](Self::begin_resync), what changed after [`begin_routes`](Self::begin_routes).
    pub(super) fn finish(&mut self) -> Vec<HostEvent> {
        if self.noted.is_some() {
            self.finish_resync()
        } else {
            self.routes.finish()
        }
    }

    /// The complete picture between `Resync` and `ResyncDone`: links, then addresses, then neighbours, then
    /// routes.
    fn finish_resync(&mut self) -> Vec<HostEvent> {
        self.noted = None;
        self.routes.finish();
        let links = self.links.values().cloned().map(HostEvent::Link);
        let addresses = self
            .addresses
            .iter()
            .map(|&(link, net)| HostEvent::AddressAdded(Address { link, net }));
        let neighbours = self
            .neighbours
            .iter()
            .map(|(&key, &state)| HostEvent::Neighbour(key, state));
        std::iter::once(HostEvent::Resync)
            .chain(links)
            .chain(addresses)
            .chain(neighbours)
            .chain(self.routes.prefixes().map(HostEvent::ForeignRoute))
            .chain(std::iter::once(HostEvent::ResyncDone))
            .collect()
    }

    /// Takes one statement in; returns what it changed.
    pub(super) fn apply(&mut self, observation: Observation, origin: Origin) -> Vec<HostEvent> {
        if let Observation::Route(route) = observation {
            return self.routes.apply(route, origin);
        }
        if origin == Origin::Notification && takes_routes_along(&observation) {
            self.routes.doubt();
        }
        let (Some(noted), Some(key)) = (&mut self.noted, observation.key()) else {
            return self.change(observation);
        };
        match origin {
            Origin::Notification => {
                noted.insert(key);
                self.change(observation);
            }
            Origin::Dump if noted.contains(&key) => {}
            Origin::Dump => {
                self.change(observation);
            }
        }
        Vec::new()
    }

    fn change(&mut self, observation: Observation) -> Vec<HostEvent> {
        let event = match observation {
            Observation::Link(link) => {
                let before = self.links.insert(link.index, link.clone());
                (before.as_ref() != Some(&link)).then_some(HostEvent::Link(link))
            }
            Observation::LinkGone(index) => return self.remove_link(index),
            Observation::Address(address) => self
                .addresses
                .insert((address.link, address.net))
                .then_some(HostEvent::AddressAdded(address)),
            Observation::AddressGone(address) => self
                .addresses
                .remove(&(address.link, address.net))
                .then_some(HostEvent::AddressRemoved(address)),
            Observation::Neighbour(key, state) => {
                let before = self.neighbours.insert(key, state);
                (before != Some(state)).then_some(HostEvent::Neighbour(key, state))
            }
            Observation::NeighbourGone(key) => self
                .neighbours
                .remove(&key)
                .filter(|&before| before != NeighbourState::Failed)
                .map(|_| HostEvent::Neighbour(key, NeighbourState::Failed)),
            Observation::Route(route) => {
                return self.routes.apply(route, Origin::Notification);
            }
        };
        event.into_iter().collect()
    }

    /// The kernel takes addresses and neighbours away before their link. Whatever it left is taken along here, so
    /// that a reused index starts clean.
    fn remove_link(&mut self, index: IfIndex) -> Vec<HostEvent> {
        let mut events = Vec::new();
        self.neighbours.retain(|&key, &mut state| {
            let stays = key.link != index;
            if !stays && state != NeighbourState::Failed {
                events.push(HostEvent::Neighbour(key, NeighbourState::Failed));
            }
            stays
        });
        self.addresses.retain(|&(link, net)| {
            let stays = link != index;
            if !stays {
                events.push(HostEvent::AddressRemoved(Address { link, net }));
            }
            stays
        });
        if self.links.remove(&index).is_some() {
            events.push(HostEvent::LinkGone(index));
        }
        events
    }
}

/// Whether the kernel may have dropped IPv4 routes with this, of which it says nothing.
fn takes_routes_along(observation: &Observation) -> bool {
    match observation {
        Observation::Link(link) => link.state == LinkState::AdminDown,
        Observation::LinkGone(_) => true,
        Observation::AddressGone(address) => address.net.addr().is_ipv4(),
        Observation::Address(_)
        | Observation::Neighbour(..)
        | Observation::NeighbourGone(_)
        | Observation::Route(_) => false,
    }
}

#[cfg(test)]
mod tests;
