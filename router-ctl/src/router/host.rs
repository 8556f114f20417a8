//! The host as the router sees it: interfaces and addresses for `show`, for the BGP Identifier and for next
//! hops; which interfaces are ports of the data plane; and the neighbours that the kernel shall keep fresh.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::bgp::types::{FamilySet, RouterId};
use crate::config::model::{Config, Xdp};
use crate::dataplane::{Forwarding, Port, PortStatus, XdpMode};
use crate::host::{Address, HostEvent, IfIndex, Link, LinkState};
use crate::rib::route::{PeerId, PeerInfo, PeerKind};
use crate::router::Router;
use crate::router::effect::{Effect, Level};

/// Links and addresses, and how far the data plane got with each port.
#[derive(Debug, Default)]
pub(super) struct HostView {
    pub(super) links: BTreeMap<IfIndex, Link>,
    pub(super) addresses: Vec<Address>,
    pub(super) ports: BTreeMap<IfIndex, PortState>,
    foreign_routes: BTreeSet<IpNet>,
    dump: Dump,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PortState {
    Asked(Port),
    Attached { port: Port, status: PortStatus },
    Failed { port: Port, reason: String },
}

impl PortState {
    fn port(&self) -> &Port {
        match self {
            Self::Asked(port) | Self::Attached { port, .. } | Self::Failed { port, .. } => port,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Dump {
    #[default]
    Awaited,
    /// What the dump has named so far; the rest is gone when it ends.
    Running {
        links: Vec<IfIndex>,
        addresses: Vec<Address>,
        routes: BTreeSet<IpNet>,
    },
    Complete,
}

impl HostView {
    /// Whether a complete dump has been seen and none is under way.
    pub(super) fn complete(&self) -> bool {
        self.dump == Dump::Complete
    }

    pub(super) fn name(&self, index: IfIndex) -> Option<&str> {
        self.links.get(&index).map(|link| link.name.as_str())
    }

    pub(super) fn index_of(&self, name: &str) -> Option<IfIndex> {
        self.links
            .values()
            .find(|link| link.name == name)
            .map(|link| link.index)
    }

    pub(super) fn addresses_of(&self, link: IfIndex) -> impl Iterator<Item = IpNet> + '_ {
        self.addresses
            .iter()
            .filter(move |own| own.link == link)
            .map(|own| own.net)
    }

    /// The interface that has this address.
    pub(super) fn link_with(&self, address: IpAddr) -> Option<IfIndex> {
        self.addresses
            .iter()
            .find(|own| own.net.addr() == address)
            .map(|own| own.link)
    }

    pub(super) fn owns(&self, address: IpAddr) -> bool {
        self.link_with(address).is_some()
    }

    /// Whether the address is on a subnet of that interface.
    pub(super) fn on_link(&self, link: IfIndex, address: IpAddr) -> bool {
        self.addresses
            .iter()
            .any(|own| own.link == link && own.net.contains(&address))
    }

    pub(super) fn first_v4(&self, link: IfIndex) -> Option<Ipv4Addr> {
        self.addresses.iter().find_map(|own| match own.net.addr() {
            IpAddr::V4(address) if own.link == link => Some(address),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        })
    }

    /// Our address on an interface from which a neighbour can be reached.
    pub(super) fn source_on(&self, link: IfIndex, remote: IpAddr) -> Option<IpAddr> {
        let (global, link_local) = self.first_v6(link);
        match remote {
            IpAddr::V4(_) => self.first_v4(link).map(IpAddr::V4),
            IpAddr::V6(remote) if remote.is_unicast_link_local() => link_local.map(IpAddr::V6),
            IpAddr::V6(_) => global.map(IpAddr::V6),
        }
    }

    /// Routes that others put into the kernel's main table.
    pub(super) fn foreign_routes(&self) -> impl Iterator<Item = IpNet> + '_ {
        self.foreign_routes.iter().copied()
    }

    /// Our addresses, apart from those of interfaces that carry nothing.
    pub(super) fn live_addresses(&self) -> impl Iterator<Item = &Address> {
        self.addresses.iter().filter(|own| {
            let link = self.links.get(&own.link);
            link.is_none_or(|link| link.state == LinkState::Up)
        })
    }

    pub(super) fn has_foreign_route(&self, prefix: IpNet) -> bool {
        self.foreign_routes.contains(&prefix)
    }

    /// The first global and the first link-local IPv6 address of an interface.
    pub(super) fn first_v6(&self, link: IfIndex) -> (Option<Ipv6Addr>, Option<Ipv6Addr>) {
        let own = || {
            self.addresses
                .iter()
                .filter(|own| own.link == link)
                .filter_map(|own| match own.net.addr() {
                    IpAddr::V6(address) => Some(address),
                    IpAddr::V4(_) => None,
                })
        };
        (
            own().find(|a| !a.is_unicast_link_local()),
            own().find(Ipv6Addr::is_unicast_link_local),
        )
    }

    /// VyOS's order: the highest IPv4 address of a loopback, then the highest of any interface.
    fn router_id(&self) -> Option<Ipv4Addr> {
        let highest = |on_loopback: bool| {
            self.addresses
                .iter()
                .filter(|own| {
                    self.links
                        .get(&own.link)
                        .is_some_and(|link| link.loopback == on_loopback)
                })
                .filter_map(|own| match own.net.addr() {
                    IpAddr::V4(address) if !address.is_loopback() => Some(address),
                    IpAddr::V4(_) | IpAddr::V6(_) => None,
                })
                .max()
        };
        highest(true).or_else(|| highest(false))
    }

    fn apply(&mut self, event: &HostEvent) {
        match event {
            HostEvent::Link(link) => {
                self.links.insert(link.index, link.clone());
                if let Dump::Running { links, .. } = &mut self.dump {
                    links.push(link.index);
                }
            }
            HostEvent::LinkGone(index) => {
                self.links.remove(index);
                self.addresses.retain(|own| own.link != *index);
            }
            HostEvent::AddressAdded(address) => {
                if !self.addresses.contains(address) {
                    self.addresses.push(*address);
                }
                if let Dump::Running { addresses, .. } = &mut self.dump {
                    addresses.push(*address);
                }
            }
            HostEvent::AddressRemoved(address) => self.addresses.retain(|own| own != address),
            HostEvent::Neighbour(..) => {}
            HostEvent::ForeignRoute(prefix) => {
                self.foreign_routes.insert(*prefix);
                if let Dump::Running { routes, .. } = &mut self.dump {
                    routes.insert(*prefix);
                }
            }
            HostEvent::ForeignRouteGone(prefix) => {
                self.foreign_routes.remove(prefix);
            }
            HostEvent::Resync => {
                self.dump = Dump::Running {
                    links: Vec::new(),
                    addresses: Vec::new(),
                    routes: BTreeSet::new(),
                }
            }
            HostEvent::ResyncDone => {
                if let Dump::Running {
                    links,
                    addresses,
                    routes,
                } = std::mem::replace(&mut self.dump, Dump::Complete)
                {
                    self.foreign_routes = routes;
                    self.links.retain(|index, _| links.contains(index));
                    self.addresses.retain(|own| addresses.contains(own));
                }
            }
        }
    }
}

impl Router {
    pub(super) fn handle_host(&mut self, events: &[HostEvent]) {
        for event in events {
            self.host.apply(event);
            self.fib.handle_host(event, &mut self.index);
        }
        if !self.host.complete() {
            return;
        }
        // A MAC that is learnt changes next hops and nothing that is configured.
        if events
            .iter()
            .all(|event| matches!(event, HostEvent::Neighbour(..)))
        {
            return;
        }
        // They come by the thousand and one by one; what is made of them is made once a slice of work.
        if events.iter().all(is_foreign_route) {
            self.aggregates.changed = true;
            return;
        }
        self.reconcile_ports();
        self.choose_router_id();
        self.introduce_ourselves();
        for link in events.iter().filter_map(went_down) {
            self.fail_over(link);
        }
        self.reconcile_own();
        self.reconcile_peers();
    }

    /// Asks for every configured port that exists, and takes away those that went.
    pub(super) fn reconcile_ports(&mut self) {
        let desired = desired_ports(&self.config, &self.host.links);
        let gone: Vec<_> = self
            .host
            .ports
            .keys()
            .filter(|index| !desired.contains_key(index))
            .copied()
            .collect();
        for index in gone {
            self.host.ports.remove(&index);
            self.fib.detach_port(index);
            self.effects.push_back(Effect::RemovePort(index));
        }
        for (index, port) in desired {
            if self
                .host
                .ports
                .get(&index)
                .is_some_and(|state| *state.port() == port)
            {
                continue;
            }
            self.host
                .ports
                .insert(index, PortState::Asked(port.clone()));
            self.effects.push_back(Effect::PutPort(port));
        }
    }

    pub(super) fn port_outcome(&mut self, index: IfIndex, outcome: Result<PortStatus, String>) {
        let Some(state) = self.host.ports.get_mut(&index) else {
            return;
        };
        let port = state.port().clone();
        match outcome {
            Ok(status) => {
                *state = PortState::Attached { port, status };
                self.fib.attach_port(index);
            }
            Err(reason) => {
                self.effects.push_back(Effect::Note(super::Note {
                    level: Level::Warning,
                    text: reason.clone(),
                }));
                *state = PortState::Failed { port, reason };
            }
        }
    }

    /// Routes of our own are in the RIB under our own name.
    pub(super) fn introduce_ourselves(&mut self) {
        let ourselves = PeerInfo {
            kind: PeerKind::Local,
            address: None,
            router_id: self.router_id,
            asn: self.local_as(),
            clients: FamilySet::NONE,
        };
        self.rib.set_peer(PeerId::LOCAL, ourselves);
    }

    /// Keeps the identifier once there is one: changing it would reset every session (RFC 4271 §4.2).
    pub(super) fn choose_router_id(&mut self) {
        if self.router_id.0.is_unspecified()
            && let Some(found) = self.host.router_id()
        {
            self.router_id = RouterId(found);
        }
    }
}

fn is_foreign_route(event: &HostEvent) -> bool {
    matches!(
        event,
        HostEvent::ForeignRoute(_) | HostEvent::ForeignRouteGone(_)
    )
}

/// The link that cannot carry anything any more.
fn went_down(event: &HostEvent) -> Option<IfIndex> {
    match event {
        HostEvent::Link(link) if link.state != LinkState::Up => Some(link.index),
        HostEvent::LinkGone(index) => Some(*index),
        HostEvent::Link(_)
        | HostEvent::AddressAdded(_)
        | HostEvent::AddressRemoved(_)
        | HostEvent::Neighbour(..)
        | HostEvent::ForeignRoute(_)
        | HostEvent::ForeignRouteGone(_)
        | HostEvent::Resync
        | HostEvent::ResyncDone => None,
    }
}

fn desired_ports(config: &Config, links: &BTreeMap<IfIndex, Link>) -> BTreeMap<IfIndex, Port> {
    links
        .values()
        .filter_map(|link| {
            let ethernet = config.interfaces.ethernet.get(&link.name)?;
            let mode = match ethernet.xdp {
                Xdp::Native => XdpMode::Native,
                Xdp::Generic => XdpMode::Generic,
                Xdp::Off => return None,
            };
            let forwarding = if ethernet.disable_forwarding {
                Forwarding::Off
            } else {
                Forwarding::On
            };
            Some((
                link.index,
                Port {
                    index: link.index,
                    name: link.name.clone(),
                    mac: link.mac?,
                    mode,
                    forwarding,
                },
            ))
        })
        .collect()
}

/// Subnets that the host is connected to, apart from those that mean another one on each host.
pub(super) fn subnets<'a>(
    addresses: impl Iterator<Item = &'a Address>,
) -> impl Iterator<Item = IpNet> {
    addresses
        .map(|own| own.net.trunc())
        .filter(|net| match net {
            IpNet::V4(net) => !net.addr().is_loopback() && !net.addr().is_link_local(),
            IpNet::V6(net) => !net.addr().is_loopback() && !net.addr().is_unicast_link_local(),
        })
}

/// Subnets and host addresses that the host itself gives reachability to: what `network` may originate.
pub(super) fn connected<'a>(
    addresses: impl Iterator<Item = &'a Address>,
) -> impl Iterator<Item = IpNet> {
    addresses.flat_map(|own| [own.net.trunc(), IpNet::from(own.net.addr())])
}
