//! A router in small: host, FIB, maps, and what a reader of the specification would expect of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use router_common::next_hop::NextHop;
use router_common::verdict::Verdict;

use crate::dataplane::Dataplane;
use crate::dataplane::memory::Memory;
use crate::fib::naive::Naive;
use crate::fib::op::FibOp;
use crate::fib::plan::plan;
use crate::fib::{Fib, Gateway, GatewayId, LocalKind, PathSet};
use crate::host::{
    Address, HostEvent, IfIndex, Link, LinkState, MacAddress, NeighbourKey, NeighbourState,
};
use crate::prefix::PrefixIndex;

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(super) fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

/// The MAC of the neighbour with this number.
pub(super) fn mac(number: u8) -> MacAddress {
    MacAddress([2, 0, 0, 0, 0, number])
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Route {
    Via(Vec<(Gateway, u32)>),
    Local,
    Blackhole,
    Unreachable,
}

/// A route via gateways of equal weight; `10.0.0.2%3` names the link.
pub(super) fn via(gateways: &[&str]) -> Route {
    let gateway = |text: &&str| {
        let (address, link) = text.split_once('%').unwrap_or((text, ""));
        let gateway = Gateway {
            address: ip(address),
            link: link.parse().ok().map(IfIndex),
        };
        (gateway, 1)
    };
    Route::Via(gateways.iter().map(gateway).collect())
}

/// What the host is like.
#[derive(Clone, Debug, Default)]
pub(super) struct Host {
    pub(super) links: BTreeMap<IfIndex, Link>,
    pub(super) addresses: BTreeSet<(IfIndex, IpNet)>,
    pub(super) neighbours: BTreeMap<NeighbourKey, MacAddress>,
    pub(super) attached: BTreeSet<IfIndex>,
}

pub(super) fn link(index: u32, state: LinkState) -> Link {
    Link {
        index: IfIndex(index),
        name: format!("eth{index}"),
        mac: Some(MacAddress([2, 1, 0, 0, 0, index.to_be_bytes()[3]])),
        mtu: 1500,
        state,
        loopback: false,
    }
}

pub(super) struct World {
    pub(super) fib: Fib,
    pub(super) index: PrefixIndex,
    pub(super) memory: Memory,
    pub(super) host: Host,
    pub(super) routes: BTreeMap<IpNet, Route>,
    pub(super) gateways: BTreeMap<Gateway, GatewayId>,
}

impl World {
    pub(super) fn empty() -> Self {
        Self {
            fib: Fib::new(),
            index: PrefixIndex::new(),
            memory: Memory::new(),
            host: Host::default(),
            routes: BTreeMap::new(),
            gateways: BTreeMap::new(),
        }
    }

    /// Two ports, `10.0.1.1/24` and `2001:db8:1::1/64` on the first, likewise on the second, neighbours .2 to .9
    /// and ::2 to ::9 resolved on both.
    pub(super) fn two_ports() -> Self {
        let mut world = Self::empty();
        for number in [1, 2] {
            world.attach(number);
            world.link(link(number, LinkState::Up));
            world.address(number, &format!("10.0.{number}.1/24"));
            world.address(number, &format!("2001:db8:{number}::1/64"));
            for neighbour in 2..10 {
                world.neighbour(
                    number,
                    &format!("10.0.{number}.{neighbour}"),
                    Some(neighbour),
                );
                world.neighbour(
                    number,
                    &format!("2001:db8:{number}::{neighbour}"),
                    Some(neighbour),
                );
            }
        }
        world.sync();
        world
    }

    pub(super) fn attach(&mut self, index: u32) {
        self.host.attached.insert(IfIndex(index));
        self.fib.attach_port(IfIndex(index));
    }

    pub(super) fn detach(&mut self, index: u32) {
        self.host.attached.remove(&IfIndex(index));
        self.fib.detach_port(IfIndex(index));
    }

    pub(super) fn event(&mut self, event: HostEvent) {
        self.fib.handle_host(&event, &mut self.index);
    }

    pub(super) fn link(&mut self, link: Link) {
        self.host.links.insert(link.index, link.clone());
        self.event(HostEvent::Link(link));
    }

    pub(super) fn address(&mut self, index: u32, text: &str) {
        let (link, net) = (IfIndex(index), net(text));
        self.host.addresses.insert((link, net));
        self.event(HostEvent::AddressAdded(Address { link, net }));
    }

    pub(super) fn no_address(&mut self, index: u32, text: &str) {
        let (link, net) = (IfIndex(index), net(text));
        self.host.addresses.remove(&(link, net));
        self.event(HostEvent::AddressRemoved(Address { link, net }));
    }

    /// Resolves a neighbour to the MAC with this number, or fails it.
    pub(super) fn neighbour(&mut self, index: u32, text: &str, number: Option<u8>) {
        let key = NeighbourKey {
            link: IfIndex(index),
            address: ip(text),
        };
        let state = match number {
            Some(number) => {
                self.host.neighbours.insert(key, mac(number));
                NeighbourState::Reachable(mac(number))
            }
            None => {
                self.host.neighbours.remove(&key);
                NeighbourState::Failed
            }
        };
        self.event(HostEvent::Neighbour(key, state));
    }

    pub(super) fn gateway(&mut self, gateway: Gateway) -> GatewayId {
        *self
            .gateways
            .entry(gateway)
            .or_insert_with(|| self.fib.gateway(gateway, &self.index))
    }

    pub(super) fn set(&mut self, prefix: &str, route: Route) {
        self.set_net(net(prefix), route);
    }

    pub(super) fn set_net(&mut self, prefix: IpNet, route: Route) {
        let set = match &route {
            Route::Via(gateways) => PathSet::Gateways(
                gateways
                    .iter()
                    .map(|&(gateway, weight)| (self.gateway(gateway), weight))
                    .collect(),
            ),
            Route::Local => PathSet::Local,
            Route::Blackhole => PathSet::Blackhole,
            Route::Unreachable => PathSet::Unreachable,
        };
        self.routes.insert(prefix, route);
        let id = self.index.intern(prefix);
        self.fib.set_route(id, prefix, &set);
    }

    pub(super) fn unset(&mut self, prefix: &str) {
        self.unset_net(net(prefix));
    }

    pub(super) fn unset_net(&mut self, prefix: IpNet) {
        self.routes.remove(&prefix);
        if let Some(id) = self.index.get(prefix) {
            self.fib.remove_route(id, prefix);
        }
    }

    /// Lets go of gateways that no route names.
    pub(super) fn release_unused(&mut self) {
        let routes = &self.routes;
        let names = |gateway: &Gateway| {
            routes.values().any(|route| match route {
                Route::Via(gateways) => gateways.iter().any(|(other, _)| other == gateway),
                Route::Local | Route::Blackhole | Route::Unreachable => false,
            })
        };
        let fib = &mut self.fib;
        self.gateways.retain(|gateway, id| {
            let keep = names(gateway);
            if !keep {
                fib.release_gateway(*id);
            }
            keep
        });
    }

    /// Writes what changed. The maps then hold what the FIB says they do.
    pub(super) fn sync(&mut self) -> Vec<FibOp> {
        let ops = self.drain();
        let failures = self.memory.apply(&ops);
        assert!(failures.is_empty(), "{failures:?}");
        let left = plan(&self.fib.desired(&self.index), &self.memory.dump().unwrap());
        assert_eq!(left, [], "maps and FIB differ");
        ops
    }

    /// The next operations, not yet applied. Prefixes that nothing uses leave the index.
    pub(super) fn drain(&mut self) -> Vec<FibOp> {
        let ops = self.fib.drain_ops(&self.index);
        for id in self.fib.drain_released() {
            if !self.routes.contains_key(&self.index.prefix(id)) {
                self.index.remove(id);
            }
        }
        ops
    }

    pub(super) fn spread(&self, address: &str) -> Vec<NextHop> {
        self.memory.spread(ip(address))
    }

    pub(super) fn verdict(&self, address: &str) -> Verdict {
        let found = self.memory.lookup(ip(address), 0);
        Verdict::from_row(u32::from(found.next_hop.verdict)).unwrap()
    }

    /// The number of the MAC that all flows to an address are sent to; 0 while it is not resolved.
    pub(super) fn neighbour_of(&self, address: &str) -> u8 {
        let spread = self.spread(address);
        assert!(spread.iter().all(|hop| *hop == spread[0]), "{spread:?}");
        assert_eq!(spread[0].verdict, 0, "{spread:?}");
        spread[0].neighbour[5]
    }

    /// Buckets by the number of the MAC.
    pub(super) fn shares(&self, address: &str) -> BTreeMap<u8, usize> {
        let mut shares = BTreeMap::new();
        for hop in self.spread(address) {
            *shares.entry(hop.neighbour[5]).or_default() += 1;
        }
        shares
    }

    /// Compares what the maps do for an address with what should be done.
    pub(super) fn check(&self, address: IpAddr) {
        let expected = Expected::new(&self.host, &self.routes).next_hops(address);
        let spread = self.memory.spread(address);
        let size = spread.len() as f64;
        let mut held: BTreeMap<[u8; 24], f64> = BTreeMap::new();
        for hop in &spread {
            *held.entry(bytemuck::cast(*hop)).or_default() += 1.0;
        }
        let mut wanted: BTreeMap<[u8; 24], (f64, f64)> = BTreeMap::new();
        for (hop, weight) in &expected {
            let entry = wanted.entry(bytemuck::cast(*hop)).or_default();
            *entry = (entry.0 + weight * size, entry.1 + 1.0);
        }
        let show = || format!("{address}:\n expected {expected:?}\n found {held:?}");
        assert!(
            held.keys().all(|hop| wanted.contains_key(hop)),
            "{}",
            show()
        );
        for (hop, (share, members)) in wanted {
            let held = held.get(&hop).copied().unwrap_or_default();
            assert!(held < share + members + 1e-6, "{}", show());
            assert!(held >= 1.0 || share < 1.0 + 1e-6, "{}", show());
        }
    }

    /// Addresses at which something may be wrong: the edges of every prefix, just inside and just outside.
    pub(super) fn check_everything(&self) {
        let nets = self.routes.keys().copied();
        let subnets = self.host.addresses.iter().map(|&(_, net)| net);
        let hosts = self.host.neighbours.keys().map(|key| key.address.into());
        let own = self.host.addresses.iter().map(|(_, net)| net.addr().into());
        let mut addresses = BTreeSet::new();
        for net in nets.chain(subnets).chain(hosts).chain(own) {
            addresses.extend([net.network(), net.broadcast()]);
            addresses.extend([beside(net.network(), -1), beside(net.broadcast(), 1)]);
        }
        for address in addresses {
            self.check(address);
        }
    }
}

fn beside(address: IpAddr, step: i32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            std::net::Ipv4Addr::from_bits(address.to_bits().wrapping_add_signed(step)).into()
        }
        IpAddr::V6(address) => {
            std::net::Ipv6Addr::from_bits(address.to_bits().wrapping_add_signed(step.into())).into()
        }
    }
}

/// The specification, read naively.
pub(super) struct Expected<'a> {
    host: &'a Host,
    table: Naive<Entry>,
}

#[derive(Clone, Debug)]
enum Entry {
    Claim(LocalKind, Vec<IfIndex>),
    Route(Route),
}

impl<'a> Expected<'a> {
    pub(super) fn new(host: &'a Host, routes: &BTreeMap<IpNet, Route>) -> Self {
        let mut table = Naive::default();
        for (&prefix, route) in routes {
            table.insert(prefix, Entry::Route(route.clone()));
        }
        let mut claims: Vec<(IpNet, LocalKind, IfIndex)> = Vec::new();
        for &(index, net) in &host.addresses {
            if matches!(net, IpNet::V6(net) if net.addr().is_unicast_link_local()) {
                continue;
            }
            claims.push((net.addr().into(), LocalKind::Own, index));
            let link = host.links.get(&index);
            if link.is_none_or(|link| link.state != LinkState::Up)
                || net.prefix_len() == net.max_prefix_len()
            {
                continue;
            }
            claims.push((net.trunc(), LocalKind::Connected, index));
            match net {
                IpNet::V4(net) if net.prefix_len() < 31 => {
                    claims.push((
                        IpAddr::from(net.broadcast()).into(),
                        LocalKind::Broadcast,
                        index,
                    ));
                }
                IpNet::V6(net) if net.prefix_len() < 127 => {
                    claims.push((
                        IpAddr::from(net.network()).into(),
                        LocalKind::Anycast,
                        index,
                    ));
                }
                IpNet::V4(_) | IpNet::V6(_) => {}
            }
        }
        claims.sort();
        for &(prefix, _, _) in &claims {
            let of_prefix = || claims.iter().filter(|claim| claim.0 == prefix);
            let kind = of_prefix().map(|claim| claim.1).min().unwrap();
            let links = of_prefix()
                .filter(|claim| claim.1 == kind)
                .map(|claim| claim.2);
            table.insert(prefix, Entry::Claim(kind, links.collect()));
        }
        Self { host, table }
    }

    /// The next hops that flows to an address are spread over, with their fractions.
    pub(super) fn next_hops(&self, address: IpAddr) -> Vec<(NextHop, f64)> {
        let verdict = |verdict| vec![(NextHop::terminal(verdict), 1.0)];
        match self.table.lookup(address) {
            None => verdict(Verdict::PassNoRoute),
            Some(Entry::Claim(LocalKind::Own, _)) => verdict(Verdict::PassLocal),
            Some(Entry::Claim(LocalKind::Anycast, _)) => verdict(Verdict::PassLocalAnycast),
            Some(Entry::Claim(LocalKind::Broadcast, links)) => {
                let mut next_hop = NextHop::terminal(Verdict::PassLocalBroadcast);
                next_hop.egress = links[0].0;
                vec![(next_hop, 1.0)]
            }
            Some(Entry::Claim(LocalKind::Connected, links)) => self.on_subnet(address, links),
            Some(Entry::Route(Route::Local)) => verdict(Verdict::PassLocal),
            Some(Entry::Route(Route::Blackhole)) => verdict(Verdict::DropBlackhole),
            Some(Entry::Route(Route::Unreachable)) => verdict(Verdict::PassUnreachable),
            Some(Entry::Route(Route::Via(gateways))) => self.via(gateways),
        }
    }

    fn on_subnet(&self, address: IpAddr, links: &[IfIndex]) -> Vec<(NextHop, f64)> {
        let mut resolved = self.host.neighbours.keys().filter(|key| {
            key.address == address
                && links.contains(&key.link)
                && self.host.attached.contains(&key.link)
        });
        let next_hop = match resolved.next() {
            Some(&key) => self.neighbour(key),
            None if self.host.attached.contains(&links[0]) => {
                NextHop::terminal(Verdict::PassNoNeighbour)
            }
            None => NextHop::terminal(Verdict::PassNoPortNotAttached),
        };
        vec![(next_hop, 1.0)]
    }

    fn neighbour(&self, key: NeighbourKey) -> NextHop {
        let link = &self.host.links[&key.link];
        if !self.host.attached.contains(&key.link) {
            let mut next_hop = NextHop::terminal(Verdict::PassNoPortNotAttached);
            next_hop.egress = key.link.0;
            return next_hop;
        }
        let mac = self.host.neighbours.get(&key);
        NextHop {
            egress: key.link.0,
            mtu: u16::try_from(link.mtu).unwrap(),
            vlan: 0,
            neighbour: mac.map_or([0; 8], |mac| NextHop::neighbour_word(mac.0)),
            source_mac: link.mac.unwrap().0,
            verdict: 0,
        }
    }

    fn via(&self, gateways: &[(Gateway, u32)]) -> Vec<(NextHop, f64)> {
        let members = self.members(gateways, &mut Vec::new());
        let all: Vec<_> = members
            .into_iter()
            .map(|(member, weight)| match member {
                Member::Neighbour(key) => (self.neighbour(key), weight),
                Member::Fate(verdict) => (NextHop::terminal(verdict), weight),
            })
            .collect();
        let is_live = |hop: &NextHop| hop.verdict != 0 || hop.neighbour != [0; 8];
        let mut live: Vec<_> = all
            .iter()
            .copied()
            .filter(|(hop, _)| is_live(hop))
            .collect();
        if live.is_empty() {
            live = all;
        }
        if live.is_empty() {
            return vec![(NextHop::terminal(Verdict::PassUnreachable), 1.0)];
        }
        let total: f64 = live.iter().map(|(_, weight)| weight).sum();
        live.iter()
            .map(|&(hop, weight)| (hop, weight / total))
            .collect()
    }

    fn members(&self, gateways: &[(Gateway, u32)], seen: &mut Vec<Gateway>) -> Vec<(Member, f64)> {
        let mut members = Vec::new();
        for &(gateway, weight) in gateways {
            let found = self.resolve(gateway, seen);
            let total: f64 = found.iter().map(|(_, weight)| weight).sum();
            members.extend(
                found
                    .into_iter()
                    .map(|(member, share)| (member, share / total * f64::from(weight))),
            );
        }
        members
    }

    fn resolve(&self, gateway: Gateway, seen: &mut Vec<Gateway>) -> Vec<(Member, f64)> {
        let address = gateway.address;
        let direct = |link: IfIndex| vec![(Member::Neighbour(NeighbourKey { link, address }), 1.0)];
        if let Some(link) = gateway.link {
            let up = self
                .host
                .links
                .get(&link)
                .is_some_and(|link| link.state == LinkState::Up);
            return if up { direct(link) } else { Vec::new() };
        }
        if seen.len() == 8 {
            return Vec::new();
        }
        seen.push(gateway);
        let mut found = Vec::new();
        for (_, entry) in self.table.matches(address) {
            found = match entry {
                Entry::Claim(LocalKind::Connected, links) => direct(links[0]),
                Entry::Claim(..) | Entry::Route(Route::Local) => break,
                Entry::Route(Route::Blackhole) => vec![(Member::Fate(Verdict::DropBlackhole), 1.0)],
                Entry::Route(Route::Unreachable) => {
                    vec![(Member::Fate(Verdict::PassUnreachable), 1.0)]
                }
                Entry::Route(Route::Via(gateways))
                    if gateways.iter().any(|(other, _)| seen.contains(other)) =>
                {
                    Vec::new()
                }
                Entry::Route(Route::Via(gateways)) => self.members(gateways, seen),
            };
            if !found.is_empty() {
                break;
            }
        }
        seen.pop();
        found
    }
}

#[derive(Clone, Copy, Debug)]
enum Member {
    Neighbour(NeighbourKey),
    Fate(Verdict),
}
