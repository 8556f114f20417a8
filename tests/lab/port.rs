//! One end of a link, inside its node.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::address::AddressFlags;
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::{LinkMessageBuilder, LinkUnspec};

use crate::{IfIndex, MacAddress, Node, wait};

const READY_DEADLINE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Port {
    node: Node,
    name: String,
    index: IfIndex,
    mac: MacAddress,
}

impl Port {
    pub(crate) fn find(node: &Node, name: &str) -> Result<Self> {
        let (index, mac) = node.find_link(name)?;
        Ok(Self {
            node: node.clone(),
            name: name.to_owned(),
            index,
            mac,
        })
    }

    pub fn node(&self) -> &Node {
        &self.node
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn index(&self) -> IfIndex {
        self.index
    }

    /// The MAC the link was made with.
    pub fn mac(&self) -> MacAddress {
        self.mac
    }

    /// Does not wait for the other end; see [`wait_ready`](Self::wait_ready).
    pub fn up(&self) -> Result<()> {
        self.set(self.change().up())
            .with_context(|| format!("bringing {self} up"))
    }

    pub fn down(&self) -> Result<()> {
        self.set(self.change().down())
            .with_context(|| format!("taking {self} down"))
    }

    /// Waits until frames and addresses work here. Both ends must have been brought up. For a moment after the
    /// carrier has come the kernel still drops what is sent, and says it was sent.
    pub fn wait_ready(&self) -> Result<()> {
        let what = format!("{self} to be ready");
        wait::try_until(&what, READY_DEADLINE, || {
            self.node.is_ready(self.index).ok()?.then_some(())
        })
    }

    pub fn set_mtu(&self, mtu: u32) -> Result<()> {
        self.set(self.change().mtu(mtu))
            .with_context(|| format!("setting MTU {mtu} on {self}"))
    }

    /// [`mac`](Self::mac) keeps telling the first one.
    pub fn set_mac(&self, mac: MacAddress) -> Result<()> {
        self.set(self.change().address(mac.0.to_vec()))
            .with_context(|| format!("setting MAC {mac} on {self}"))
    }

    /// Takes the interface away, and with it the other end.
    pub fn delete(&self) -> Result<()> {
        let message = RouteNetlinkMessage::DelLink(self.change().build());
        self.node
            .request(message, 0)
            .with_context(|| format!("deleting {self}"))
    }

    /// `address` with its length: `"192.0.2.1/24"`. It works at once.
    pub fn add_address(&self, address: &str) -> Result<()> {
        self.node.add_address(self.index, address)
    }

    /// An IPv6 address that goes through duplicate address detection, one probe long, first.
    pub fn add_address_checked(&self, address: &str) -> Result<()> {
        for (name, value) in [("accept_dad", "1"), ("dad_transmits", "1")] {
            let path = format!("net/ipv6/conf/{}/{name}", self.name);
            self.node.sysctl(&path, value)?;
        }
        self.node
            .add_address_with(self.index, address, AddressFlags::empty())
    }

    pub fn remove_address(&self, address: &str) -> Result<()> {
        self.node.remove_address(self.index, address)
    }

    /// A permanent neighbour entry.
    pub fn add_neighbour(&self, address: IpAddr, mac: MacAddress) -> Result<()> {
        let mut message = self.neighbour(address);
        message.header.state = NeighbourState::Permanent;
        let lladdr = NeighbourAttribute::LinkLayerAddress(mac.0.to_vec());
        message.attributes.push(lladdr);
        let flags = NLM_F_CREATE | NLM_F_REPLACE;
        self.node
            .request(RouteNetlinkMessage::NewNeighbour(message), flags)
            .with_context(|| format!("adding neighbour {address} on {self}"))
    }

    pub fn remove_neighbour(&self, address: IpAddr) -> Result<()> {
        let message = RouteNetlinkMessage::DelNeighbour(self.neighbour(address));
        self.node
            .request(message, 0)
            .with_context(|| format!("removing neighbour {address} on {self}"))
    }

    fn neighbour(&self, address: IpAddr) -> NeighbourMessage {
        let (family, destination) = match address {
            IpAddr::V4(ip) => (AddressFamily::Inet, NeighbourAddress::Inet(ip)),
            IpAddr::V6(ip) => (AddressFamily::Inet6, NeighbourAddress::Inet6(ip)),
        };
        let mut message = NeighbourMessage::default();
        message.header.family = family;
        message.header.ifindex = self.index.0;
        message
            .attributes
            .push(NeighbourAttribute::Destination(destination));
        message
    }

    fn change(&self) -> LinkMessageBuilder<LinkUnspec> {
        LinkMessageBuilder::<LinkUnspec>::new().index(self.index.0)
    }

    fn set(&self, change: LinkMessageBuilder<LinkUnspec>) -> Result<()> {
        self.node
            .request(RouteNetlinkMessage::SetLink(change.build()), 0)
    }
}

/// `node:interface`, as messages name it.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.node.name(), self.name)
    }
}
