//! The FIB as `show` commands see it.

use std::net::IpAddr;

use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;

use crate::fib::Fib;
use crate::fib::next_hop::{Target, Terminal};
use crate::fib::op::Installed;
use crate::fib::path_list::List;
use crate::fib::path_set::{Set, SetKey};
use crate::fib::types::{GatewayId, LocalKind};
use crate::host::IfIndex;
use crate::prefix::{PrefixId, PrefixIndex};

/// An installed prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteView {
    /// Names the counters. `None` while the table is full.
    pub route: Option<RouteId>,
    pub list: PathListId,
    pub kind: RouteKind,
    /// Adopted from an earlier run and not set again yet; then its paths are not known.
    pub stale: bool,
    pub paths: Vec<PathView>,
    /// Buckets of the path list.
    pub buckets: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RouteKind {
    /// From the host's own addresses.
    Local(LocalKind),
    /// A resolved neighbour on a connected subnet.
    Neighbour,
    /// Set by the router, or not known yet.
    Routed,
}

/// One way that the packets of a prefix take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathView {
    pub target: PathTarget,
    /// The gateway is not on a connected subnet itself.
    pub recursive: bool,
    /// Traffic can be sent there.
    pub active: bool,
    /// As the router gave it.
    pub weight: u32,
    /// Buckets that it holds.
    pub buckets: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathTarget {
    /// `neighbour` is the address that the frame is sent to; `None` when the gateway is not resolved, or
    /// resolves to a route that drops.
    Gateway {
        gateway: IpAddr,
        neighbour: Option<IpAddr>,
        interface: Option<IfIndex>,
    },
    Local,
    /// On a subnet of this link.
    Connected(Option<IfIndex>),
    Blackhole,
    Unreachable,
}

/// A prefix that the host itself owns or is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalRoute {
    pub prefix: PrefixId,
    pub kind: LocalKind,
    pub link: IfIndex,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub routes_v4: usize,
    pub routes_v6: usize,
    pub path_lists: usize,
    pub buckets: usize,
    pub next_hops: usize,
    pub stale: usize,
    /// Prefixes that wait for room.
    pub waiting: usize,
    /// Times that something did not find room since the start.
    pub refused: u64,
}

impl Fib {
    /// What the prefix is and where it leads; `None` when it is not in the table.
    pub fn view(&self, id: PrefixId) -> Option<RouteView> {
        let entry = self.table.get(id);
        let list_id = entry.list()?;
        let list = self.paths.list(list_id);
        let layers = self.table.layers(id);
        let claim = layers.and_then(|layers| layers.claim());
        let kind = match (claim, layers) {
            (Some((kind, _)), _) => RouteKind::Local(kind),
            (None, Some(layers)) if layers.routed.is_none() && !entry.is_stale() => {
                RouteKind::Neighbour
            }
            (None, _) => RouteKind::Routed,
        };
        let set = list.set.map(|set| self.paths.sets.get(set));
        let link = claim.map(|(_, link)| link);
        Some(RouteView {
            route: entry.route(),
            list: list_id,
            kind,
            stale: entry.is_stale(),
            paths: set.map_or_else(Vec::new, |set| self.path_views(list, set, link)),
            buckets: u32::try_from(list.table.size()).unwrap_or(u32::MAX),
        })
    }

    fn path_views(&self, list: &List, set: &Set, link: Option<IfIndex>) -> Vec<PathView> {
        match &set.key {
            SetKey::Gateways(named) => named
                .iter()
                .flat_map(|&(gateway, weight)| self.gateway_views(list, gateway, weight))
                .collect(),
            SetKey::Terminal(fate) => vec![PathView {
                target: match fate {
                    Terminal::Local | Terminal::Broadcast(_) | Terminal::Anycast => {
                        PathTarget::Local
                    }
                    Terminal::Glean | Terminal::NotAttached => PathTarget::Connected(link),
                    Terminal::Blackhole => PathTarget::Blackhole,
                    Terminal::Unreachable | Terminal::NoRoute => PathTarget::Unreachable,
                },
                recursive: false,
                active: true,
                weight: 1,
                buckets: u32::try_from(list.table.size()).unwrap_or(u32::MAX),
            }],
        }
    }

    fn gateway_views(&self, list: &List, id: GatewayId, weight: u32) -> Vec<PathView> {
        let gateway = self.gateways.get(id);
        let members = self.gateways.members(id);
        let view = |neighbour, interface, active, buckets| PathView {
            target: PathTarget::Gateway {
                gateway: gateway.address,
                neighbour,
                interface,
            },
            recursive: self.gateways.is_recursive(id),
            active,
            weight,
            buckets,
        };
        if members.is_empty() {
            return vec![view(None, gateway.link, false, 0)];
        }
        members
            .iter()
            .map(|share| {
                let hop = self.paths.hops.get(share.member);
                let held = u32::try_from(list.table.held(share.member)).unwrap_or(u32::MAX);
                match hop.target {
                    Target::Neighbour(key) => {
                        view(Some(key.address), Some(key.link), hop.is_live(), held)
                    }
                    Target::Terminal(_) | Target::Adopted(_) => view(None, None, true, held),
                }
            })
            .collect()
    }

    /// Own addresses, broadcast and anycast addresses and connected subnets, as often as addresses give them.
    pub fn local_routes(&self) -> impl Iterator<Item = LocalRoute> + '_ {
        self.table.all_layers().flat_map(|(prefix, layers)| {
            layers
                .claims
                .iter()
                .map(move |&(kind, link)| LocalRoute { prefix, kind, link })
        })
    }

    /// Prefixes of one family that are in the table, in the order of their ids.
    pub fn prefixes(&self, ipv6: bool) -> impl Iterator<Item = PrefixId> + '_ {
        (self.table.family(ipv6))
            .filter(|(_, entry)| entry.list().is_some())
            .map(|(id, _)| id)
    }

    pub fn counts(&self) -> Counts {
        let (routes_v4, routes_v6) = self.table.counts();
        Counts {
            routes_v4,
            routes_v6,
            path_lists: self.paths.iter().count(),
            buckets: self.paths.buckets_used(),
            next_hops: self.paths.hops.len(),
            stale: self.table.stale_count(),
            waiting: self.table.waiting(),
            refused: self.table.refused + self.paths.refused + self.paths.hops.refused,
        }
    }

    /// What the maps hold when everything drained is applied. To be asked right after a drain.
    pub fn desired(&self, index: &PrefixIndex) -> Installed {
        let mut installed = Installed::default();
        for (id, list) in self.paths.iter() {
            put(
                &mut installed.path_lists,
                id.0,
                list.value(),
                PathList { offset: 0, mask: 0 },
            );
            for (at, &hop) in (list.value().offset..).zip(list.table.slots()) {
                let hop = self.paths.hops.map_id(hop);
                put(&mut installed.buckets, at, hop, NextHopId::NO_ROUTE);
            }
        }
        let no_route = Terminal::NoRoute.next_hop();
        for (_, hop) in self.paths.hops.iter() {
            if let Some(id) = hop.id() {
                put::<NextHop>(&mut installed.next_hops, id.0, hop.shown(), no_route);
            }
        }
        let no_list = PathListId::NO_ROUTE;
        installed.routes.push(no_list);
        for (id, entry) in [false, true]
            .into_iter()
            .flat_map(|ipv6| self.table.family(ipv6))
        {
            if let (Some(route), Some(list)) = (entry.route(), entry.list()) {
                installed.bindings.push((index.prefix(id), route));
                put(&mut installed.routes, route.0, list, no_list);
            }
        }
        installed
    }
}

fn put<T: Clone>(vector: &mut Vec<T>, position: u32, value: T, hole: T) {
    let position = position as usize;
    if vector.len() <= position {
        vector.resize(position + 1, hole);
    }
    vector[position] = value;
}
