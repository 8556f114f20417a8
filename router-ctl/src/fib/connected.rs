//! What the host itself gives to the table: own addresses, broadcast and anycast addresses, connected
//! subnets, and one entry for each resolved neighbour on them.
//!
//! Each address claims prefixes. A subnet is claimed while its link is up; an own address always is, because
//! the kernel answers for it anyway. Link-local addresses are no part of the table: they are passed before
//! the lookup, and as gateways they name their link.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use router_common::next_hop::NextHop;
use router_common::verdict::Verdict;
use smallvec::SmallVec;

use crate::fib::Fib;
use crate::fib::next_hop::{Target, Terminal};
use crate::fib::octets::Octets;
use crate::fib::path_set::SetKey;
use crate::fib::types::{Gateway, LocalKind};
use crate::host::{
    Address, HostEvent, IfIndex, Link, LinkState, MacAddress, NeighbourKey, NeighbourState,
};
use crate::prefix::{PrefixId, PrefixIndex};

/// What next hops need to know of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Port {
    mac: Option<MacAddress>,
    mtu: u16,
    is_up: bool,
    is_loopback: bool,
}

impl From<&Link> for Port {
    fn from(link: &Link) -> Self {
        Self {
            mac: link.mac,
            mtu: u16::try_from(link.mtu).unwrap_or(u16::MAX),
            is_up: link.state == LinkState::Up,
            is_loopback: link.loopback,
        }
    }
}

/// An address that is resolved on some links. `prefix` is its host prefix, unless it is link-local.
#[derive(Debug, Default)]
struct Neighbour {
    prefix: Option<PrefixId>,
    macs: SmallVec<[(IfIndex, MacAddress); 1]>,
}

/// What a dump has named so far.
#[derive(Debug, Default)]
struct Seen {
    links: BTreeSet<IfIndex>,
    addresses: BTreeSet<(IfIndex, IpNet)>,
    neighbours: BTreeSet<NeighbourKey>,
}

#[derive(Debug, Default)]
pub(super) struct Host {
    ports: BTreeMap<IfIndex, Port>,
    addresses: BTreeSet<(IfIndex, IpNet)>,
    neighbours: BTreeMap<IpAddr, Neighbour>,
    octets: Octets,
    /// Links that the data plane has a port on.
    attached: BTreeSet<IfIndex>,
    resync: Option<Seen>,
    /// Neighbours for whose addresses the longest match may be another now.
    pub(super) dirty: BTreeSet<IpAddr>,
    /// Shortest connected subnets: routes that are no longer than these hide no neighbour.
    shortest_v4: u8,
    shortest_v6: u8,
}

impl Host {
    /// The links on which an address is resolved, with its MAC there.
    pub(super) fn macs_of(&self, address: IpAddr) -> &[(IfIndex, MacAddress)] {
        let neighbour = self.neighbours.get(&address);
        neighbour.map_or(&[], |neighbour| &neighbour.macs)
    }

    pub(super) fn is_up(&self, link: IfIndex) -> bool {
        self.ports.get(&link).is_some_and(|port| port.is_up)
    }

    pub(super) fn is_attached(&self, link: IfIndex) -> bool {
        self.attached.contains(&link)
    }

    /// The next hop to a neighbour, as things are.
    pub(super) fn next_hop(&self, key: NeighbourKey) -> NextHop {
        let port = self.ports.get(&key.link);
        let Some((port, mac)) = port
            .and_then(|port| Some((port, port.mac?)))
            .filter(|_| self.is_attached(key.link))
        else {
            let mut next_hop = NextHop::terminal(Verdict::PassNoPortNotAttached);
            next_hop.egress = key.link.0;
            return next_hop;
        };
        let neighbour = self.mac(key);
        NextHop {
            egress: key.link.0,
            mtu: port.mtu,
            vlan: 0,
            neighbour: neighbour.map_or([0; 8], |mac| NextHop::neighbour_word(mac.0)),
            source_mac: mac.0,
            verdict: 0,
        }
    }

    fn set_mac(&mut self, key: NeighbourKey, mac: Option<MacAddress>) {
        let octets = &mut self.octets;
        let neighbour = self.neighbours.entry(key.address).or_insert_with(|| {
            octets.add(key.address);
            Neighbour::default()
        });
        neighbour.macs.retain(|(link, _)| *link != key.link);
        neighbour.macs.extend(mac.map(|mac| (key.link, mac)));
        neighbour.macs.sort_unstable();
        self.dirty.insert(key.address);
    }

    /// Forgets an address that is resolved nowhere; its host prefix, if it had one.
    fn forget(&mut self, address: IpAddr) -> Option<PrefixId> {
        let neighbour = self.neighbours.remove(&address)?;
        self.octets.remove(address);
        self.dirty.remove(&address);
        neighbour.prefix
    }

    fn mac(&self, key: NeighbourKey) -> Option<MacAddress> {
        let neighbour = self.neighbours.get(&key.address)?;
        let (_, mac) = neighbour.macs.iter().find(|(link, _)| *link == key.link)?;
        Some(*mac)
    }

    /// The route of a prefix changed: neighbours inside it are marked.
    pub(super) fn note_prefix(&mut self, prefix: IpNet) {
        let shortest = match prefix {
            IpNet::V4(_) => self.shortest_v4,
            IpNet::V6(_) => self.shortest_v6,
        };
        if prefix.prefix_len() < shortest || !self.octets.may_be_in(prefix) {
            return;
        }
        let inside = self.neighbours.range(prefix.network()..=prefix.broadcast());
        self.dirty.extend(inside.map(|(&address, _)| address));
    }

    fn note_neighbours_on(&mut self, link: IfIndex) {
        let on_link = self
            .neighbours
            .iter()
            .filter(|(_, neighbour)| neighbour.macs.iter().any(|&(on, _)| on == link));
        self.dirty.extend(on_link.map(|(&address, _)| address));
    }

    fn update_shortest(&mut self) {
        let shortest = |ipv6: bool| {
            let nets = self.addresses.iter().map(|(_, net)| net);
            nets.filter(|net| matches!(net, IpNet::V6(_)) == ipv6)
                .map(IpNet::prefix_len)
                .min()
                .unwrap_or(u8::MAX)
        };
        (self.shortest_v4, self.shortest_v6) = (shortest(false), shortest(true));
    }

    /// What an address of ours means, as its link is now.
    fn claims(&self, link: IfIndex, net: IpNet) -> SmallVec<[(IpNet, LocalKind); 3]> {
        let mut claims = SmallVec::new();
        if !is_in_table(net.addr()) {
            return claims;
        }
        claims.push((net.addr().into(), LocalKind::Own));
        let (subnet, host_bits) = (net.trunc(), net.max_prefix_len() - net.prefix_len());
        let port = self.ports.get(&link);
        if host_bits == 0 || port.is_none() {
            return claims;
        }
        if port.is_some_and(|port| port.is_loopback) {
            claims.push((subnet, LocalKind::Own));
        } else if self.is_up(link) {
            claims.push((subnet, LocalKind::Connected));
            match subnet {
                // A /31 has no broadcast address (RFC 3021), a /127 no anycast address (RFC 6164).
                IpNet::V4(_) | IpNet::V6(_) if host_bits == 1 => {}
                IpNet::V4(_) => claims.push((subnet.broadcast().into(), LocalKind::Broadcast)),
                IpNet::V6(_) => claims.push((subnet.network().into(), LocalKind::Anycast)),
            }
        }
        claims
    }
}

/// Whether destinations with this address are looked up at all.
fn is_in_table(address: IpAddr) -> bool {
    let link_local = match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    !link_local && !address.is_multicast() && !address.is_unspecified()
}

impl Fib {
    pub fn handle_host(&mut self, event: &HostEvent, index: &mut PrefixIndex) {
        match event {
            HostEvent::Link(link) => {
                self.seen(|seen| seen.links.insert(link.index));
                self.set_port(link.index, Some(link.into()), index);
            }
            HostEvent::LinkGone(link) => self.remove_link(*link, index),
            HostEvent::AddressAdded(Address { link, net }) => {
                self.seen(|seen| seen.addresses.insert((*link, *net)));
                self.add_address(*link, *net, index);
            }
            HostEvent::AddressRemoved(Address { link, net }) => {
                self.remove_address(*link, *net, index);
            }
            HostEvent::Neighbour(key, state) => {
                self.seen(|seen| seen.neighbours.insert(*key));
                match state {
                    // An entry that is being resolved again keeps the MAC that it has.
                    NeighbourState::Incomplete => {}
                    NeighbourState::Reachable(mac) => self.set_neighbour(*key, Some(*mac), index),
                    NeighbourState::Failed => self.set_neighbour(*key, None, index),
                }
            }
            HostEvent::ForeignRoute(_) | HostEvent::ForeignRouteGone(_) => {}
            HostEvent::Resync => self.host.resync = Some(Seen::default()),
            HostEvent::ResyncDone => self.finish_resync(index),
        }
    }

    /// The data plane has a port on this interface: next hops out of it can be forwarded to. Best told
    /// before the host's first dump is complete.
    pub fn attach_port(&mut self, link: IfIndex) {
        if self.host.attached.insert(link) {
            self.refresh_link(link);
        }
    }

    /// Packets for next hops out of this interface pass to the kernel from now on.
    pub fn detach_port(&mut self, link: IfIndex) {
        if self.host.attached.remove(&link) {
            self.refresh_link(link);
        }
    }

    fn seen<T>(&mut self, note: impl FnOnce(&mut Seen) -> T) {
        if let Some(seen) = &mut self.host.resync {
            note(seen);
        }
    }

    /// What the dump did not name is gone.
    fn finish_resync(&mut self, index: &mut PrefixIndex) {
        let Some(seen) = self.host.resync.take() else {
            return;
        };
        let mut gone = Vec::new();
        for (address, neighbour) in &self.host.neighbours {
            for &(link, _) in &neighbour.macs {
                let address = *address;
                gone.push(NeighbourKey { link, address });
            }
        }
        gone.retain(|key| !seen.neighbours.contains(key));
        for key in gone {
            self.set_neighbour(key, None, index);
        }
        let addresses: Vec<_> = self
            .host
            .addresses
            .difference(&seen.addresses)
            .copied()
            .collect();
        for (link, net) in addresses {
            self.remove_address(link, net, index);
        }
        let links: Vec<_> = (self.host.ports.keys())
            .filter(|link| !seen.links.contains(link))
            .copied()
            .collect();
        for link in links {
            self.remove_link(link, index);
        }
    }

    fn remove_link(&mut self, link: IfIndex, index: &mut PrefixIndex) {
        let addresses: Vec<_> = (self.host.addresses.iter())
            .filter(|(on, _)| *on == link)
            .copied()
            .collect();
        for (link, net) in addresses {
            self.remove_address(link, net, index);
        }
        let neighbours: Vec<_> = (self.host.neighbours.iter())
            .filter(|(_, neighbour)| neighbour.macs.iter().any(|&(on, _)| on == link))
            .map(|(&address, _)| NeighbourKey { link, address })
            .collect();
        for key in neighbours {
            self.set_neighbour(key, None, index);
        }
        self.set_port(link, None, index);
    }

    fn set_port(&mut self, link: IfIndex, port: Option<Port>, index: &mut PrefixIndex) {
        let old = match port {
            Some(port) if self.host.ports.get(&link) == Some(&port) => return,
            _ => self.host.ports.get(&link).copied(),
        };
        let addresses: Vec<_> = (self.host.addresses.iter())
            .filter(|(on, _)| *on == link)
            .copied()
            .collect();
        let before: Vec<_> = addresses
            .iter()
            .flat_map(|&(_, net)| self.host.claims(link, net))
            .collect();
        match port {
            Some(port) => self.host.ports.insert(link, port),
            None => self.host.ports.remove(&link),
        };
        let after: Vec<_> = addresses
            .iter()
            .flat_map(|&(_, net)| self.host.claims(link, net))
            .collect();
        self.change_claims(link, &before, &after, index);
        if old.map(|old| old.is_up) != port.map(|port| port.is_up) {
            self.gateways.note_link(link);
        }
        self.refresh_link(link);
    }

    fn add_address(&mut self, link: IfIndex, net: IpNet, index: &mut PrefixIndex) {
        if self.host.addresses.insert((link, net)) {
            self.host.update_shortest();
            let claims = self.host.claims(link, net);
            self.change_claims(link, &[], &claims, index);
        }
    }

    fn remove_address(&mut self, link: IfIndex, net: IpNet, index: &mut PrefixIndex) {
        if self.host.addresses.remove(&(link, net)) {
            let claims = self.host.claims(link, net);
            self.change_claims(link, &claims, &[], index);
            self.host.update_shortest();
        }
    }

    /// Claims appear before others vanish, so that what stays never leaves the table.
    fn change_claims(
        &mut self,
        link: IfIndex,
        before: &[(IpNet, LocalKind)],
        after: &[(IpNet, LocalKind)],
        index: &mut PrefixIndex,
    ) {
        if before == after {
            return;
        }
        for &(prefix, kind) in after {
            let id = index.intern(prefix);
            self.layers_mut(id).claims.push((kind, link));
        }
        for &(prefix, kind) in before {
            let id = index.intern(prefix);
            let claims = &mut self.layers_mut(id).claims;
            if let Some(position) = claims.iter().position(|&claim| claim == (kind, link)) {
                claims.swap_remove(position);
            }
        }
        for &(prefix, _) in after.iter().chain(before) {
            let id = index.intern(prefix);
            self.refresh(id);
            self.note_prefix(prefix);
        }
    }

    /// The MAC that a neighbour is resolved to; `None` when it failed or was deleted.
    fn set_neighbour(
        &mut self,
        key: NeighbourKey,
        mac: Option<MacAddress>,
        index: &mut PrefixIndex,
    ) {
        self.host.set_mac(key, mac);
        if let Some(hop) = self.paths.hops.find(Target::Neighbour(key))
            && self.paths.hops.set_neighbour(hop, mac)
        {
            let sets = &self.paths.hops.get(hop).sets;
            self.paths.sets.changed.extend(sets);
        }
        if mac.is_none() {
            self.lost.insert(key);
        }
        let Some(neighbour) = self.host.neighbours.get_mut(&key.address) else {
            return;
        };
        if neighbour.macs.is_empty() {
            if let Some(id) = self.host.forget(key.address) {
                self.set_neighbour_layer(id, None);
            }
        } else if neighbour.prefix.is_none() && is_in_table(key.address) {
            let id = index.intern(key.address.into());
            neighbour.prefix = Some(id);
            self.set_neighbour_layer(id, Some(None));
        }
    }

    /// Looks again whether a neighbour's address is to be reached directly, and over which link.
    pub(super) fn update_neighbour(&mut self, address: IpAddr, index: &PrefixIndex) {
        let Some(neighbour) = self.host.neighbours.get(&address) else {
            return;
        };
        let Some(id) = neighbour.prefix else {
            return;
        };
        let link = neighbour.macs.iter().map(|&(link, _)| link).find(|&link| {
            self.host.is_attached(link)
                && self.host.is_up(link)
                && self.is_on_link(index, NeighbourKey { link, address })
        });
        let set = link.map(|link| {
            let gateway = Gateway {
                address,
                link: Some(link),
            };
            let gateway = self.intern_gateway(gateway, index);
            self.intern_key(SetKey::Gateways(SmallVec::from_slice(&[(gateway, 1)])))
        });
        self.set_neighbour_layer(id, Some(set));
    }

    /// The port's properties may have changed: next hops out of it, subnets and neighbours on it follow.
    fn refresh_link(&mut self, link: IfIndex) {
        for (hop, key) in self.paths.hops.on_link(link) {
            let value = self.host.next_hop(key);
            let old = self.paths.hops.get(hop);
            if old.value == value {
                continue;
            }
            let sets = old.sets.clone();
            for list in self.paths.hops.set_value(hop, value) {
                self.paths.touch(list);
            }
            self.paths.sets.changed.extend(sets);
        }
        let subnets: Vec<_> = (self.table.all_layers())
            .filter(|(_, layers)| layers.claims.contains(&(LocalKind::Connected, link)))
            .map(|(id, _)| id)
            .collect();
        for id in subnets {
            self.refresh(id);
        }
        self.host.note_neighbours_on(link);
    }

    /// What a claim comes down to.
    pub(super) fn terminal(&self, kind: LocalKind, link: IfIndex) -> Terminal {
        match kind {
            LocalKind::Own => Terminal::Local,
            LocalKind::Broadcast => Terminal::Broadcast(link),
            LocalKind::Anycast => Terminal::Anycast,
            LocalKind::Connected if self.host.is_attached(link) => Terminal::Glean,
            LocalKind::Connected => Terminal::NotAttached,
        }
    }
}
