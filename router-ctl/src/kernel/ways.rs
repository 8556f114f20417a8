//! Which prefixes have a foreign route now. Several routes may have the same prefix (by metric, by type of
//! service, appended); it is gone with the last of them.
//!
//! The kernel does not tell everything: it drops IPv4 routes without a word when their interface goes down or
//! their source address goes, and when one of several alike is replaced it does not say which. Then what is known
//! is in doubt, and the routes are listed again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::table::Origin;
use crate::host::HostEvent;

/// Where a route can be replaced by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) prefix: IpNet,
    pub(super) tos: u8,
    pub(super) metric: u32,
}

/// One route. Of several in one slot each goes another way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Way {
    pub(super) slot: Slot,
    pub(super) through: Through,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Through {
    /// Gateways and interfaces.
    Hops(Vec<(Option<IpAddr>, u32)>),
    /// A next-hop object; what it holds may change under the route.
    Object(u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RouteObservation {
    Added(Vec<Way>),
    /// All that is in the slot now, if it held one route before.
    Replaced(Slot, Vec<Way>),
    Removed(Vec<Way>),
}

#[derive(Debug, Default)]
pub(super) struct Ways {
    known: BTreeSet<Way>,
    /// By prefix, how many of `known`.
    count: BTreeMap<IpNet, u32>,
    listing: Option<Listing>,
    doubtful: bool,
}

/// What a dump and the notifications since its start have said. Notifications win.
#[derive(Debug, Default)]
struct Listing {
    before: BTreeSet<IpNet>,
    noted: BTreeSet<Way>,
    replaced: BTreeSet<Slot>,
}

impl Ways {
    /// Whether the routes must be listed again to know what is there.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubtful
    }

    /// An interface or an address is gone, and IPv4 routes may be with it.
    pub(super) fn doubt(&mut self) {
        self.doubtful |= !self.known.is_empty() || self.listing.is_some();
    }

    /// Forgets the routes; until [`finish`](Self::finish) no events come out.
    pub(super) fn begin(&mut self) {
        let before = std::mem::take(&mut self.count).into_keys().collect();
        *self = Self {
            listing: Some(Listing {
                before,
                ..Listing::default()
            }),
            ..Self::default()
        };
    }

    /// What changed since [`begin`](Self::begin).
    pub(super) fn finish(&mut self) -> Vec<HostEvent> {
        let before = self.listing.take().unwrap_or_default().before;
        let gone = before
            .iter()
            .filter(|prefix| !self.count.contains_key(prefix))
            .map(|&prefix| HostEvent::ForeignRouteGone(prefix));
        let new = self
            .prefixes()
            .filter(|prefix| !before.contains(prefix))
            .map(HostEvent::ForeignRoute);
        gone.chain(new).collect()
    }

    pub(super) fn prefixes(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.count.keys().copied()
    }

    /// Takes one statement in; returns what it changed.
    pub(super) fn apply(
        &mut self,
        observation: RouteObservation,
        origin: Origin,
    ) -> Vec<HostEvent> {
        let mut events = Vec::new();
        match observation {
            RouteObservation::Added(ways) => {
                for way in ways {
                    if self.is_news(&way, origin) {
                        self.insert(way, &mut events);
                    }
                }
            }
            RouteObservation::Removed(ways) => {
                for way in ways {
                    if self.is_news(&way, origin) {
                        self.remove(&way, &mut events);
                    }
                }
            }
            RouteObservation::Replaced(slot, ways) => self.replace(slot, ways, &mut events),
        }
        if self.listing.is_some() {
            events.clear();
        }
        events
    }

    fn is_news(&mut self, way: &Way, origin: Origin) -> bool {
        let Some(listing) = &mut self.listing else {
            return true;
        };
        match origin {
            Origin::Notification => {
                listing.noted.insert(way.clone());
                true
            }
            Origin::Dump => !listing.noted.contains(way) && !listing.replaced.contains(&way.slot),
        }
    }

    fn replace(&mut self, slot: Slot, ways: Vec<Way>, events: &mut Vec<HostEvent>) {
        let held: Vec<Way> = self.in_slot(slot).cloned().collect();
        if let [way] = held.as_slice() {
            // Goes after the new ones came, so that the prefix is not lost for a moment.
            for new in &ways {
                self.insert(new.clone(), events);
            }
            if !ways.contains(way) {
                self.remove(way, events);
            }
        } else {
            self.doubtful |= !held.is_empty();
            for new in &ways {
                self.insert(new.clone(), events);
            }
        }
        if let Some(listing) = &mut self.listing {
            listing.replaced.insert(slot);
            listing.noted.extend(ways);
        }
    }

    fn in_slot(&self, slot: Slot) -> impl Iterator<Item = &Way> {
        let first = Way {
            slot,
            through: Through::Hops(Vec::new()),
        };
        self.known
            .range(first..)
            .take_while(move |way| way.slot == slot)
    }

    fn insert(&mut self, way: Way, events: &mut Vec<HostEvent>) {
        let prefix = way.slot.prefix;
        if self.known.insert(way) {
            let count = self.count.entry(prefix).or_insert(0);
            *count += 1;
            if *count == 1 {
                events.push(HostEvent::ForeignRoute(prefix));
            }
        }
    }

    fn remove(&mut self, way: &Way, events: &mut Vec<HostEvent>) {
        let prefix = way.slot.prefix;
        if !self.known.remove(way) {
            return;
        }
        if let Some(count) = self.count.get_mut(&prefix) {
            *count -= 1;
            if *count == 0 {
                self.count.remove(&prefix);
                events.push(HostEvent::ForeignRouteGone(prefix));
            }
        }
    }
}

#[cfg(test)]
mod tests;
