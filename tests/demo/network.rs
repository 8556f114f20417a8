//! The demo's network: one router, two upstreams, four anycast nodes, each behind a link of its own.
//!
//! Neighbour `n` (from 0) is on 10.0.n.0/24 and fd00:0:0:n::/64; the router has `.1`, the neighbour `.2`. The
//! router's port is named after the neighbour, the neighbour's own is `eth0`. All anycast nodes have the service's
//! two addresses on their loopback.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;
use lab::{Lab, Node, Port};

pub(crate) const SERVICE_V4: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
pub(crate) const SERVICE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x10, 0, 0, 0, 0, 0x10);

/// RFC 5398 sets these AS numbers aside for documentation.
pub(crate) const ROUTER_AS: u32 = 64500;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Upstream,
    Anycast,
}

/// Every neighbour of the router: name, AS and role. A [`Target`] is a position here.
const NEIGHBOURS: [(&str, u32, Role); TARGETS] = [
    ("up1", 64496, Role::Upstream),
    ("up2", 64497, Role::Upstream),
    ("node1", 64501, Role::Anycast),
    ("node2", 64502, Role::Anycast),
    ("node3", 64503, Role::Anycast),
    ("node4", 64504, Role::Anycast),
];

pub(crate) const TARGETS: usize = 6;

/// Where a frame can arrive: a neighbour of the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Target(pub(crate) usize);

impl Target {
    /// Where the traffic comes from.
    pub(crate) const UP1: Self = Self(0);
    /// Where the transit traffic goes.
    pub(crate) const UP2: Self = Self(1);
    pub(crate) const NODE3: Self = Self(4);
    pub(crate) const NODE4: Self = Self(5);

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..TARGETS).map(Self)
    }

    pub(crate) fn nodes() -> impl Iterator<Item = Self> {
        Self::all().filter(|target| target.role() == Role::Anycast)
    }

    pub(crate) fn name(self) -> &'static str {
        NEIGHBOURS[self.0].0
    }

    pub(crate) fn asn(self) -> u32 {
        NEIGHBOURS[self.0].1
    }

    pub(crate) fn role(self) -> Role {
        NEIGHBOURS[self.0].2
    }

    fn subnet(self) -> u8 {
        u8::try_from(self.0).unwrap_or(u8::MAX)
    }

    pub(crate) fn router_v4(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, self.subnet(), 1)
    }

    pub(crate) fn v4(self) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, self.subnet(), 2)
    }

    pub(crate) fn router_v6(self) -> Ipv6Addr {
        Ipv6Addr::new(0xfd00, 0, 0, self.subnet().into(), 0, 0, 0, 1)
    }

    pub(crate) fn v6(self) -> Ipv6Addr {
        Ipv6Addr::new(0xfd00, 0, 0, self.subnet().into(), 0, 0, 0, 2)
    }

    /// Whose session address this is.
    pub(crate) fn of_address(address: IpAddr) -> Option<Self> {
        Self::all().find(|target| match address {
            IpAddr::V4(v4) => target.v4() == v4,
            IpAddr::V6(v6) => target.v6() == v6,
        })
    }
}

pub(crate) struct Network {
    pub(crate) lab: Lab,
    pub(crate) router: Node,
    /// By target.
    pub(crate) links: Vec<Link>,
}

/// A neighbour and both ends of its link.
pub(crate) struct Link {
    pub(crate) node: Node,
    pub(crate) port: Port,
    pub(crate) router_port: Port,
}

impl Network {
    pub(crate) fn build() -> Result<Self> {
        let mut lab = Lab::new("demo")?;
        let router = lab.node("router")?;
        router.forward()?;
        let links = Target::all()
            .map(|target| Link::attach(&mut lab, &router, target))
            .collect::<Result<_>>()?;
        Ok(Self { lab, router, links })
    }

    pub(crate) fn link(&self, target: Target) -> &Link {
        &self.links[target.0]
    }
}

impl Link {
    fn attach(lab: &mut Lab, router: &Node, target: Target) -> Result<Self> {
        let node = lab.node(target.name())?;
        let (router_port, port) = lab.link((router, target.name()), (&node, "eth0"))?;
        for (end, v4, v6) in [
            (&router_port, target.router_v4(), target.router_v6()),
            (&port, target.v4(), target.v6()),
        ] {
            end.add_address(&format!("{v4}/24"))?;
            end.add_address(&format!("{v6}/64"))?;
        }
        if target.role() == Role::Anycast {
            node.add_loopback_address(&format!("{SERVICE_V4}/32"))?;
            node.add_loopback_address(&format!("{SERVICE_V6}/128"))?;
        }
        // An IPv6 address usually goes when its link does.
        node.sysctl("net/ipv6/conf/eth0/keep_addr_on_down", "1")?;
        Ok(Self {
            node,
            port,
            router_port,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_targets_are_where_the_table_has_them() {
        let named = [Target::UP1, Target::UP2, Target::NODE3, Target::NODE4];
        let names = named.map(Target::name);
        assert_eq!(names, ["up1", "up2", "node3", "node4"]);
    }
}
