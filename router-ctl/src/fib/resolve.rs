//! From a gateway to the neighbours that packets for it are sent to (RFC 4271 §9.1.2.1).
//!
//! A gateway on a connected subnet, or with its interface named, is a neighbour itself. Any other resolves
//! through the longest prefix that leads somewhere, and so on, eight levels deep at most. A route is passed
//! over when it leads back to a gateway that is being resolved: nothing resolves through itself, and whether a
//! route is installed cannot decide whether it may be. Own addresses are never a next hop. Through a blackhole
//! or an unreachable route a gateway resolves to just that. A default route resolves gateways unless it is told
//! not to ([`ViaDefault`]).

use std::net::IpAddr;

use smallvec::SmallVec;

use crate::fib::Fib;
use crate::fib::buckets::Share;
use crate::fib::gateway::{Gateways, Resolution};
use crate::fib::next_hop::{Target, Terminal};
use crate::fib::path_list::Paths;
use crate::fib::path_set::{Part, SetId, SetKey, combine};
use crate::fib::table::Table;
use crate::fib::types::{GatewayId, LocalKind, ViaDefault};
use crate::host::{IfIndex, NeighbourKey};
use crate::prefix::{PrefixId, PrefixIndex};

/// Routes that one resolution goes through at most, one behind another.
const MAX_DEPTH: usize = 8;
/// Gateways that one resolution looks at at most.
const MAX_VISITS: usize = 4096;

/// What a prefix is to those who look for a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Not there, or there for a neighbour alone.
    Nothing,
    /// Left by an earlier run; not known yet what it is.
    Stale,
    /// One of our own addresses.
    Ours,
    Subnet(IfIndex),
    Routed(SetId),
}

pub(super) fn way(table: &Table, paths: &Paths, id: PrefixId) -> Way {
    let entry = table.get(id);
    if let Some(layers) = table.layers(id).filter(|_| entry.is_layered()) {
        return match (layers.claim(), layers.routed) {
            (Some((LocalKind::Connected, link)), _) => Way::Subnet(link),
            (Some((LocalKind::Own | LocalKind::Broadcast | LocalKind::Anycast, _)), _) => Way::Ours,
            (None, Some(set)) => Way::Routed(set),
            (None, None) => Way::Nothing,
        };
    }
    match entry.list() {
        Some(_) if entry.is_stale() => Way::Stale,
        Some(list) => paths.list(list).set.map_or(Way::Stale, Way::Routed),
        None => Way::Nothing,
    }
}

type Targets = SmallVec<[Share<Target>; 2]>;

/// One resolution under way.
struct Search<'a> {
    index: &'a PrefixIndex,
    table: &'a Table,
    paths: &'a Paths,
    gateways: &'a Gateways,
    is_up: &'a dyn Fn(IfIndex) -> bool,
    via_default: ViaDefault,
    /// Gateways being resolved, the first asked for first.
    stack: SmallVec<[GatewayId; MAX_DEPTH]>,
    visits: usize,
    scope: Vec<(GatewayId, u8)>,
    /// A route was passed over for where it leads, or a bound was met.
    cut: bool,
}

impl Search<'_> {
    /// Where the gateway leads, and at which metric.
    fn resolve(&mut self, id: GatewayId) -> Option<(Targets, u32)> {
        let gateway = self.gateways.get(id);
        if let Some(link) = gateway.link {
            self.scope.push((id, u8::MAX));
            return (self.is_up)(link).then(|| (direct(link, gateway.address), 0));
        }
        self.visits += 1;
        if self.stack.len() == MAX_DEPTH || self.visits > MAX_VISITS {
            self.cut = true;
            return None;
        }
        self.stack.push(id);
        let mut shortest = 0;
        let mut found = None;
        for prefix in self.index.covering(gateway.address) {
            let decided = match way(self.table, self.paths, prefix) {
                Way::Nothing | Way::Stale => continue,
                Way::Ours => true,
                Way::Subnet(link) => {
                    found = Some((direct(link, gateway.address), 0));
                    true
                }
                Way::Routed(_) if !self.via_default.allows(self.index.prefix(prefix)) => continue,
                Way::Routed(set) => {
                    found = self.follow(set);
                    found.is_some() || self.leads_to_us(set)
                }
            };
            if decided {
                shortest = self.index.prefix(prefix).prefix_len();
                break;
            }
        }
        self.stack.pop();
        self.scope.push((id, shortest));
        found
    }

    fn follow(&mut self, set: SetId) -> Option<(Targets, u32)> {
        let named = match &self.paths.sets.get(set).key {
            SetKey::Terminal(Terminal::Local) => return None,
            SetKey::Terminal(fate) => return Some((single(Target::Terminal(*fate)), 1)),
            SetKey::Gateways(named) => named,
        };
        if named
            .iter()
            .any(|(gateway, _)| self.stack.contains(gateway))
        {
            self.cut = true;
            return None;
        }
        let mut parts: SmallVec<[(u32, Targets); 2]> = SmallVec::new();
        let mut nearest = u32::MAX;
        for &(gateway, weight) in named {
            if let Some((targets, metric)) = self.resolve(gateway) {
                nearest = nearest.min(metric);
                parts.push((weight, targets));
            }
        }
        if parts.is_empty() {
            return None;
        }
        let parts: SmallVec<[Part<'_, Target>; 2]> = parts
            .iter()
            .map(|(weight, targets)| (*weight, &targets[..]))
            .collect();
        Some((combine(&parts), nearest.saturating_add(1)))
    }

    /// A route to the kernel itself: the gateway behind it is one of our own addresses.
    fn leads_to_us(&self, set: SetId) -> bool {
        self.paths.sets.get(set).key == SetKey::Terminal(Terminal::Local)
    }
}

fn direct(link: IfIndex, address: IpAddr) -> Targets {
    single(Target::Neighbour(NeighbourKey { link, address }))
}

fn single(member: Target) -> Targets {
    SmallVec::from_slice(&[Share { member, weight: 1 }])
}

impl Fib {
    /// Resolves the gateway and tells the sets that name it.
    pub(super) fn resolve(&mut self, id: GatewayId, index: &PrefixIndex) {
        let host = &self.host;
        let mut search = Search {
            index,
            table: &self.table,
            paths: &self.paths,
            gateways: &self.gateways,
            is_up: &|link| host.is_up(link),
            via_default: self.via_default,
            stack: SmallVec::new(),
            visits: 0,
            scope: Vec::new(),
            cut: false,
        };
        let found = search.resolve(id);
        let (mut scope, cut) = (search.scope, search.cut);
        if cut {
            // What was passed over depends on every prefix that any of them is inside.
            for (_, length) in &mut scope {
                *length = 0;
            }
        }
        scope.sort_unstable();
        scope.dedup_by_key(|(gateway, _)| *gateway);
        let (targets, metric) = found.unwrap_or_default();
        let members = targets
            .iter()
            .map(|share| {
                let value = || match share.member {
                    Target::Neighbour(key) => host.next_hop(key),
                    Target::Terminal(fate) => fate.next_hop(),
                    Target::Adopted(_) => Terminal::NoRoute.next_hop(),
                };
                Share {
                    member: self.paths.hops.acquire(share.member, value),
                    weight: share.weight,
                }
            })
            .collect();
        let resolution = Resolution {
            members,
            metric,
            scope,
        };
        if let Some(sets) = self
            .gateways
            .set_resolution(id, resolution, &mut self.paths.hops)
        {
            self.paths.sets.changed.extend(sets);
        }
    }

    /// Whether the longest match of a neighbour's address is a subnet that its link is on.
    pub(super) fn is_on_link(&self, index: &PrefixIndex, key: NeighbourKey) -> bool {
        index
            .covering(key.address)
            .map(|id| (id, way(&self.table, &self.paths, id)))
            .find(|&(_, way)| way != Way::Nothing)
            .is_some_and(|(id, way)| {
                matches!(way, Way::Subnet(_))
                    && self.table.layers(id).is_some_and(|layers| {
                        layers.claims.contains(&(LocalKind::Connected, key.link))
                    })
            })
    }
}
