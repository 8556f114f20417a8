//! Answers to questions, from the state as it is. Nothing here changes anything; a page holds at most
//! `PAGE_ROWS` rows, so an answer takes a slice of work and no more.

mod bgp;
mod neighbor_routes;
mod policy;

use std::net::IpAddr;
use std::time::Instant;

use crate::bgp::types::Family;
use crate::config::model::Xdp;
use crate::fib::{self, LocalKind, PathTarget, RouteKind, RouteView};
use crate::prefix::PrefixId;
use crate::router::Router;
use crate::router::host::PortState;
use crate::router::query::{
    Answer, Cursor, FibSummary, InstalledPrefix, Interface, PAGE_ROWS, Page, Protocol, Query,
    Route, RouteNextHop, RouteTarget, Select,
};

impl Router {
    pub fn answer(&self, query: &Query, now: Instant) -> Answer {
        match query {
            Query::BgpSummary => Answer::BgpSummary(self.bgp_summary(now)),
            Query::BgpNeighbors => Answer::BgpNeighbors(
                self.peers
                    .iter()
                    .map(|(_, peer)| self.neighbor(peer, now))
                    .collect(),
            ),
            Query::BgpRoutes {
                family,
                select,
                cursor,
            } => Answer::BgpRoutes(self.page(
                (*family, *select, *cursor),
                |id| self.rib.uses(id),
                |id| self.bgp_prefix(id, *select, now),
            )),
            Query::NeighborRoutes {
                neighbor,
                family,
                table,
                cursor,
            } => Answer::BgpRoutes(match self.peers.named(neighbor) {
                Some(peer) => self.page(
                    (*family, Select::All, *cursor),
                    |id| self.rib.uses(id),
                    |id| self.neighbor_routes(peer, id, *table),
                ),
                None => Page {
                    rows: Vec::new(),
                    next: None,
                },
            }),
            Query::ExplainPolicy {
                route_map,
                prefixes,
            } => Answer::Policy(self.try_policy(route_map, prefixes)),
            Query::Routes {
                family,
                select,
                cursor,
            } => Answer::Routes(self.page(
                (*family, *select, *cursor),
                |id| self.fib.uses(id) || self.rib.uses(id),
                |id| self.routes_of(id),
            )),
            Query::Installed { cursor } => Answer::Installed(self.installed(*cursor)),
            Query::Interfaces => Answer::Interfaces(self.interfaces()),
            Query::Fib => Answer::Fib(self.fib_summary()),
            Query::BfdPeers => Answer::BfdPeers(self.bfd_peers(now)),
            Query::Startup => Answer::Startup(self.startup.clone()),
        }
    }
}

/// What a page is asked for.
type Wanted = (Family, Select, Cursor);

impl Router {
    /// Rows of the prefixes that match, from the cursor on. Positions without a row cost a step and no more.
    fn page<T>(
        &self,
        (family, select, cursor): Wanted,
        known: impl Fn(PrefixId) -> bool,
        rows: impl Fn(PrefixId) -> Vec<T>,
    ) -> Page<T> {
        let single = match select {
            Select::All => return self.full_page(family, cursor, known, rows),
            Select::Exact(prefix) => self.index.get(prefix).filter(|&id| known(id)),
            Select::Match(address) => self.index.covering(address).find(|&id| known(id)),
        };
        Page {
            rows: single.map(rows).unwrap_or_default(),
            next: None,
        }
    }

    fn full_page<T>(
        &self,
        family: Family,
        cursor: Cursor,
        known: impl Fn(PrefixId) -> bool,
        rows: impl Fn(PrefixId) -> Vec<T>,
    ) -> Page<T> {
        let ipv6 = family == Family::Ipv6Unicast;
        let bound = self.index.bound(ipv6);
        let mut page = Vec::new();
        let mut position = usize::try_from(cursor.0).unwrap_or(bound);
        while position < bound && page.len() < PAGE_ROWS {
            let id = PrefixId::from_index(position, ipv6);
            position += 1;
            if known(id) {
                page.extend(rows(id));
            }
        }
        Page {
            rows: page,
            next: (position < bound).then_some(Cursor(position as u64)),
        }
    }

    /// The installed route of a prefix, and the protocol's choice beside it when the host's own route won.
    fn routes_of(&self, id: PrefixId) -> Vec<Route> {
        let prefix = self.index.prefix(id);
        let winner = self.winner(id);
        let view = self.fib.view(id);
        let mut rows = Vec::new();
        if let Some(view) = &view {
            let installed = view.route.is_some();
            let next_hops = self.route_next_hops(view);
            let (protocol, distance) = match (view.kind, &winner) {
                (RouteKind::Local(LocalKind::Connected), _) => (Protocol::Connected, 0),
                (RouteKind::Local(_), _) => (Protocol::Local, 0),
                (RouteKind::Neighbour, _) => return rows,
                (RouteKind::Routed, Some(winner)) => (winner.protocol, winner.distance),
                // Adopted from an earlier run and not told again yet: BGP is where it can have come from.
                (RouteKind::Routed, None) => (Protocol::Ebgp, 20),
            };
            rows.push(Route {
                prefix,
                protocol,
                distance,
                metric: self.metric(id, protocol),
                selected: true,
                installed,
                path_list: Some(view.list.0),
                next_hops,
            });
        }
        let shadowed = view.is_some_and(|view| matches!(view.kind, RouteKind::Local(_)));
        if let Some(winner) = winner.filter(|_| shadowed) {
            rows.push(Route {
                prefix,
                protocol: winner.protocol,
                distance: winner.distance,
                metric: self.metric(id, winner.protocol),
                selected: false,
                installed: false,
                path_list: None,
                next_hops: Vec::new(),
            });
        }
        rows
    }

    /// The MED of a route that was learnt by BGP; the others have none.
    fn metric(&self, id: PrefixId, protocol: Protocol) -> u32 {
        let learnt = matches!(protocol, Protocol::Ebgp | Protocol::Ibgp);
        let selection = self.rib.selection(id).filter(|_| learnt);
        let med = selection
            .and_then(|selection| self.rib.attributes(selection.best.attributes).view().med());
        med.unwrap_or(0)
    }

    fn route_next_hops(&self, view: &RouteView) -> Vec<RouteNextHop> {
        view.paths
            .iter()
            .map(|path| {
                let (target, link) = match path.target {
                    PathTarget::Gateway {
                        gateway, interface, ..
                    } => (RouteTarget::Gateway(gateway), interface),
                    PathTarget::Local => (RouteTarget::Local, None),
                    PathTarget::Connected(link) => (RouteTarget::Connected, link),
                    PathTarget::Blackhole => (RouteTarget::Blackhole, None),
                    PathTarget::Unreachable => (RouteTarget::Unreachable, None),
                };
                let name = |link| self.host.name(link).unwrap_or("?").to_owned();
                RouteNextHop {
                    target,
                    interface: link.map(|link| (link, name(link))),
                    active: path.active,
                    recursive: path.recursive,
                    weight: path.weight,
                    buckets: (view.buckets > 0).then_some((path.buckets, view.buckets)),
                }
            })
            .collect()
    }

    /// Both families, IPv4 first: the cursor counts on through them.
    fn installed(&self, cursor: Cursor) -> Page<InstalledPrefix> {
        let v4 = self.index.bound(false);
        let total = v4 + self.index.bound(true);
        let mut rows = Vec::new();
        let mut position = usize::try_from(cursor.0).unwrap_or(total);
        while position < total && rows.len() < PAGE_ROWS {
            let id = match position.checked_sub(v4) {
                Some(position) => PrefixId::from_index(position, true),
                None => PrefixId::from_index(position, false),
            };
            position += 1;
            rows.extend(self.installed_prefix(id));
        }
        Page {
            rows,
            next: (position < total).then_some(Cursor(position as u64)),
        }
    }

    fn installed_prefix(&self, id: PrefixId) -> Option<InstalledPrefix> {
        let view = self.fib.view(id)?;
        let mut next_hops: Vec<IpAddr> = Vec::new();
        let mut interfaces = Vec::new();
        for path in &view.paths {
            match path.target {
                PathTarget::Gateway {
                    gateway, interface, ..
                } => {
                    next_hops.push(gateway);
                    interfaces.extend(interface.filter(|link| !interfaces.contains(link)));
                }
                PathTarget::Connected(link) => interfaces.extend(link),
                PathTarget::Local | PathTarget::Blackhole | PathTarget::Unreachable => {}
            }
        }
        let best = self.rib.selection(id).map(|selection| selection.best);
        Some(InstalledPrefix {
            prefix: self.index.prefix(id),
            route: view.route?,
            next_hops,
            interfaces,
            origin_as: best
                .and_then(|best| self.rib.attributes(best.attributes).view().origin_as()),
            peer: best.and_then(|best| self.rib.peer(best.peer)?.address),
        })
    }

    fn interfaces(&self) -> Vec<Interface> {
        self.host
            .links
            .values()
            .map(|link| {
                let state = self.host.ports.get(&link.index);
                let configured = self.config.interfaces.ethernet.get(&link.name);
                Interface {
                    index: link.index,
                    name: link.name.clone(),
                    state: link.state,
                    mac: link.mac,
                    mtu: link.mtu,
                    addresses: self.host.addresses_of(link.index).collect(),
                    xdp: match (state, configured.map(|ethernet| ethernet.xdp)) {
                        (Some(PortState::Failed { .. }), _) => "failed",
                        (Some(PortState::Asked(_)), _) => "attaching",
                        (_, Some(Xdp::Native)) => "native",
                        (_, Some(Xdp::Generic)) => "generic",
                        (_, Some(Xdp::Off)) => "off",
                        (_, None) => "-",
                    },
                    adopted: matches!(state, Some(PortState::Attached { status, .. }) if status.adopted),
                }
            })
            .collect()
    }

    fn fib_summary(&self) -> FibSummary {
        let counts: fib::Counts = self.fib.counts();
        FibSummary {
            engine: self.engine,
            routes_v4: counts.routes_v4,
            routes_v6: counts.routes_v6,
            capacity_routes: router_common::map::MAX_ROUTES,
            path_lists: counts.path_lists,
            capacity_path_lists: router_common::map::MAX_PATH_LISTS,
            buckets: counts.buckets,
            capacity_buckets: router_common::map::MAX_BUCKETS,
            next_hops: counts.next_hops,
            capacity_next_hops: router_common::map::MAX_NEXT_HOPS,
            pending: self.outstanding_ops,
            failures: self.refused + counts.refused,
            stale: counts.stale,
            generation: self.generation,
            hash_seed: self.hash_seed,
        }
    }
}
