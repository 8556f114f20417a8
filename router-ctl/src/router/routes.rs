//! The choice between protocols: for each prefix the source with the lowest administrative distance goes to
//! the FIB. Connected and local routes are the FIB's own and win over all of these.

use std::collections::HashMap;

use ipnet::IpNet;

use crate::bgp::types::{Family, NextHop};
use crate::config::model::{Distance, StaticRoute};
use crate::fib::{Gateway, GatewayId, PathSet, Probe, Reachability as FibReachability, ViaDefault};
use crate::host::IfIndex;
use crate::prefix::PrefixId;
use crate::rib::next_hops::{LinkScope, NextHopRef, Reachability};
use crate::rib::route::PeerKind;
use crate::router::Router;
use crate::router::effect::Effect;
use crate::router::query::Protocol;

const DISTANCE_STATIC: u8 = 1;

/// Static routes, and the gateways behind BGP next hops.
#[derive(Debug, Default)]
pub(super) struct Routes {
    statics: HashMap<PrefixId, Vec<StaticPath>>,
    /// By `NextHopRef`.
    next_hops: HashMap<NextHopRef, GatewayId>,
    users: HashMap<GatewayId, GatewayUsers>,
}

/// One way of a static route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StaticPath {
    pub(super) distance: u8,
    pub(super) target: StaticTarget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StaticTarget {
    Gateway(GatewayId),
    Blackhole,
    Reject,
}

/// Who must hear that a gateway's reachability changed.
#[derive(Debug, Default)]
struct GatewayUsers {
    next_hops: Vec<NextHopRef>,
    statics: Vec<PrefixId>,
}

/// The source that won a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Winner {
    pub(super) protocol: Protocol,
    pub(super) distance: u8,
    pub(super) paths: PathSet,
}

impl Routes {
    pub(super) fn uses(&self, prefix: PrefixId) -> bool {
        self.statics.contains_key(&prefix)
    }

    pub(super) fn gateway_of(&self, next_hop: NextHopRef) -> Option<GatewayId> {
        self.next_hops.get(&next_hop).copied()
    }

    pub(super) fn static_paths(&self, prefix: PrefixId) -> &[StaticPath] {
        self.statics.get(&prefix).map_or(&[], Vec::as_slice)
    }
}

impl Router {
    pub(super) fn has_static(&self, prefix: IpNet) -> bool {
        self.index
            .get(prefix)
            .is_some_and(|id| self.routes.uses(id))
    }

    /// Takes the configured static routes in. Their gateways resolve as soon as the host is known.
    pub(super) fn add_static_routes(&mut self) {
        let statics = &self.config.protocols.static_routes;
        let v4 = statics
            .route
            .iter()
            .map(|(&net, route)| (IpNet::V4(net), route.clone()));
        let v6 = statics
            .route6
            .iter()
            .map(|(&net, route)| (IpNet::V6(net), route.clone()));
        let all: Vec<_> = v4.chain(v6).collect();
        for (prefix, route) in all {
            self.add_static_route(prefix, &route);
        }
    }

    fn add_static_route(&mut self, prefix: IpNet, route: &StaticRoute) {
        let id = self.index.intern(prefix);
        let mut paths = Vec::new();
        for (&address, next_hop) in &route.next_hop {
            let link = next_hop
                .interface
                .as_deref()
                .and_then(|name| self.host.index_of(name));
            let gateway = self.fib.gateway(Gateway { address, link }, &self.index);
            self.routes
                .users
                .entry(gateway)
                .or_default()
                .statics
                .push(id);
            let distance = next_hop.distance.unwrap_or(DISTANCE_STATIC);
            paths.push(StaticPath {
                distance,
                target: StaticTarget::Gateway(gateway),
            });
        }
        let terminals = [
            (&route.blackhole, StaticTarget::Blackhole),
            (&route.reject, StaticTarget::Reject),
        ];
        for (option, target) in terminals {
            if let Some(option) = option {
                paths.push(StaticPath {
                    distance: option.distance.unwrap_or(DISTANCE_STATIC),
                    target,
                });
            }
        }
        self.routes.statics.insert(id, paths);
        self.install(id);
    }

    /// Takes the static routes of the former configuration out and those of this one in.
    pub(super) fn replace_static_routes(&mut self) {
        let former: Vec<_> = self.routes.statics.drain().collect();
        for users in self.routes.users.values_mut() {
            users.statics.clear();
        }
        self.add_static_routes();
        for (id, paths) in former {
            for path in paths {
                if let StaticTarget::Gateway(gateway) = path.target {
                    self.fib.release_gateway(gateway);
                }
            }
            self.install(id);
            self.unused.push(id);
        }
    }

    /// Whether next hops resolve through default routes (`no-resolve-via-default`).
    pub(super) fn choose_via_default(&mut self) {
        let system = &self.config.system;
        self.fib.set_via_default(ViaDefault {
            v4: !system.ip_no_resolve_via_default,
            v6: !system.ipv6_no_resolve_via_default,
        });
    }

    /// Whether a static route leads anywhere.
    pub(super) fn is_static_active(&self, prefix: IpNet) -> bool {
        let id = self.index.get(prefix);
        id.is_some_and(|id| self.static_winner(id).is_some())
    }

    /// Puts the winner of a prefix into the FIB, or takes the prefix out.
    pub(super) fn install(&mut self, id: PrefixId) {
        let prefix = self.index.prefix(id);
        match self.winner(id) {
            Some(winner) => self.fib.set_route(id, prefix, &winner.paths),
            None => self.fib.remove_route(id, prefix),
        }
    }

    /// The source with the lowest distance that leads anywhere.
    pub(super) fn winner(&self, id: PrefixId) -> Option<Winner> {
        let fixed = self.static_winner(id);
        let learnt = self.bgp_winner(id);
        match (fixed, learnt) {
            (Some(fixed), Some(learnt)) if learnt.distance < fixed.distance => Some(learnt),
            (Some(fixed), _) => Some(fixed),
            (None, learnt) => learnt,
        }
    }

    fn static_winner(&self, id: PrefixId) -> Option<Winner> {
        let usable = |path: &&StaticPath| match path.target {
            StaticTarget::Gateway(gateway) => {
                self.fib.reachability(gateway) != FibReachability::Unresolved
            }
            StaticTarget::Blackhole | StaticTarget::Reject => true,
        };
        let paths = self.routes.static_paths(id);
        let distance = paths
            .iter()
            .filter(usable)
            .map(|path| path.distance)
            .min()?;
        let mut gateways = smallvec::SmallVec::new();
        let mut terminal = None;
        for path in paths
            .iter()
            .filter(usable)
            .filter(|path| path.distance == distance)
        {
            match path.target {
                StaticTarget::Gateway(gateway) => gateways.push((gateway, 1)),
                StaticTarget::Blackhole => terminal = Some(PathSet::Blackhole),
                StaticTarget::Reject => terminal = terminal.or(Some(PathSet::Unreachable)),
            }
        }
        let paths = if gateways.is_empty() {
            terminal?
        } else {
            PathSet::Gateways(gateways)
        };
        Some(Winner {
            protocol: Protocol::Static,
            distance,
            paths,
        })
    }

    fn bgp_winner(&self, id: PrefixId) -> Option<Winner> {
        let selection = self.rib.selection(id)?;
        let discards = selection.next_hops.first() == Some(&NextHopRef::DISCARD);
        let prefix = self.index.prefix(id);
        let distances = self.distances(Family::of(prefix));
        let (protocol, distance) = match selection.kind {
            PeerKind::Local if discards => (Protocol::Aggregate, distances.local),
            // Another source has the prefix, or it would not be originated.
            PeerKind::Local => return None,
            PeerKind::Ebgp if self.is_backdoor(prefix) => (Protocol::Ebgp, distances.local),
            PeerKind::Ebgp => (Protocol::Ebgp, distances.external),
            PeerKind::Ibgp => (Protocol::Ibgp, distances.internal),
        };
        if discards {
            return Some(Winner {
                protocol,
                distance,
                paths: PathSet::Blackhole,
            });
        }
        let gateways = selection
            .next_hops
            .iter()
            .filter_map(|&next_hop| self.routes.gateway_of(next_hop));
        Some(Winner {
            protocol,
            distance,
            paths: PathSet::Gateways(gateways.map(|gateway| (gateway, 1)).collect()),
        })
    }

    /// Those of the family before those of all.
    fn distances(&self, family: Family) -> Distance {
        let Some(bgp) = &self.config.protocols.bgp else {
            return Distance::default();
        };
        let global = bgp.parameters.distance;
        let settings = bgp.address_family.get(&family);
        settings.map_or(global, |settings| settings.distance.over(global))
    }

    /// `network … backdoor`: what eBGP tells of the prefix is the last resort.
    fn is_backdoor(&self, prefix: IpNet) -> bool {
        let bgp = self.config.protocols.bgp.as_ref();
        let family = bgp.and_then(|bgp| bgp.address_family.get(&Family::of(prefix)));
        let network = family.and_then(|family| family.network.get(&prefix));
        network.is_some_and(|network| network.backdoor)
    }

    /// Distances may be others now. They decide between protocols only, so nothing but the prefixes of static
    /// routes can have another winner.
    pub(super) fn choose_protocols_again(&mut self) {
        let contested: Vec<_> = self.routes.statics.keys().copied().collect();
        for id in contested {
            self.install(id);
        }
    }

    /// Carries news between the RIB's next hops and the FIB's gateways until neither has any.
    pub(super) fn track_next_hops(&mut self) {
        for (next_hop, value, scope) in self.rib.drain_new_next_hops() {
            let gateway = self.fib.gateway(
                Gateway {
                    address: value.address(),
                    link: self.link_of(value, scope),
                },
                &self.index,
            );
            self.routes.next_hops.insert(next_hop, gateway);
            self.routes
                .users
                .entry(gateway)
                .or_default()
                .next_hops
                .push(next_hop);
            self.tell_rib(next_hop, gateway);
        }
        for next_hop in self.rib.drain_freed_next_hops() {
            if let Some(gateway) = self.routes.next_hops.remove(&next_hop) {
                if let Some(users) = self.routes.users.get_mut(&gateway) {
                    users.next_hops.retain(|&user| user != next_hop);
                }
                self.fib.release_gateway(gateway);
            }
        }
        for gateway in self.fib.drain_gateway_changes(&self.index) {
            let Some(users) = self.routes.users.get(&gateway) else {
                continue;
            };
            let (next_hops, statics) = (users.next_hops.clone(), users.statics.clone());
            for next_hop in next_hops {
                self.tell_rib(next_hop, gateway);
            }
            self.aggregates.changed |= !statics.is_empty();
            for prefix in statics {
                self.install(prefix);
            }
        }
        for probe in self.fib.drain_probes() {
            self.effects.push_back(match probe {
                Probe::Keep(key) => Effect::KeepNeighbour(key),
                Probe::Forget(key) => Effect::ForgetNeighbour(key),
            });
        }
    }

    fn tell_rib(&mut self, next_hop: NextHopRef, gateway: GatewayId) {
        let reachability = match self.fib.reachability(gateway) {
            FibReachability::Unresolved => Reachability::Unresolved,
            FibReachability::Resolved { metric } => Reachability::Resolved { metric },
        };
        self.rib.set_next_hop(next_hop, reachability);
    }

    /// A neighbour one hop away is on the link of its session and nowhere else (RFC 4271 §5.1.3): with that link
    /// down, whatever route covers its address leads to somebody else. A link-local address is always meant so.
    fn link_of(&self, next_hop: NextHop, scope: LinkScope) -> Option<IfIndex> {
        if scope != LinkScope::default() {
            return Some(IfIndex(scope.0));
        }
        let address = next_hop.address();
        self.peers
            .iter()
            .filter_map(|(_, peer)| Some((peer, peer.session.as_ref()?)))
            .filter(|(_, session)| session.remote.ip().to_canonical() == address)
            .find(|(peer, session)| {
                !session.negotiated.internal && peer.config.ebgp_multihop.is_none()
            })
            .and_then(|(_, session)| session.link)
    }
}
