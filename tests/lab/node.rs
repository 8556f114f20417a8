//! A node: one network namespace, with what can be set and run in it.

use std::fmt;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, Result};
use ipnet::IpNet;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage,
};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::RouteMessage;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::{LinkMessageBuilder, LinkUnspec, RouteMessageBuilder};

use crate::netlink::Netlink;
use crate::netns::Netns;
use crate::process::{self, Process};
use crate::{IfIndex, MacAddress, Port};

const LOOPBACK_INDEX: u32 = 1;

/// A handle; clones are the same node. The namespace goes with its [`Lab`](crate::Lab).
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

struct Inner {
    name: String,
    netns: Netns,
    netlink: Mutex<Netlink>,
    /// Configurations, sockets and logs of what runs here.
    directory: PathBuf,
    /// The lab's unique name, then the node's.
    full_name: String,
    kept: Arc<AtomicBool>,
}

/// One line of `ip neighbour`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeighbourEntry {
    pub link: IfIndex,
    pub address: IpAddr,
    pub mac: Option<MacAddress>,
    pub state: NeighbourState,
}

impl Node {
    pub(crate) fn create(
        lab: &str,
        name: &str,
        directory: PathBuf,
        kept: Arc<AtomicBool>,
    ) -> Result<Self> {
        let full_name = format!("{lab}-{name}");
        fs::create_dir_all(&directory)
            .with_context(|| format!("creating {}", directory.display()))?;
        let netns = Netns::create(&full_name)?;
        let netlink = netns
            .run(Netlink::open)
            .context("opening a netlink socket")?;
        let node = Self {
            inner: Arc::new(Inner {
                name: name.to_owned(),
                netns,
                netlink: Mutex::new(netlink),
                directory,
                full_name,
                kept,
            }),
        };
        node.set_defaults()?;
        Ok(node)
    }

    /// No duplicate address detection and no router discovery: an address works at once and nothing is learnt.
    fn set_defaults(&self) -> Result<()> {
        for scope in ["all", "default"] {
            self.sysctl(&format!("net/ipv6/conf/{scope}/accept_dad"), "0")?;
            self.sysctl(&format!("net/ipv6/conf/{scope}/accept_ra"), "0")?;
            self.sysctl(&format!("net/ipv4/conf/{scope}/rp_filter"), "0")?;
        }
        self.sysctl("net/ipv6/conf/default/dad_transmits", "0")?;
        self.sysctl("net/ipv6/conf/default/router_solicitations", "0")?;
        let up = LinkMessageBuilder::<LinkUnspec>::new()
            .index(LOOPBACK_INDEX)
            .up();
        self.request(RouteNetlinkMessage::SetLink(up.build()), 0)
            .context("bringing the loopback up")
    }

    /// The short name, unique in its lab.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The name under `/run/netns`, unique on this machine.
    pub fn full_name(&self) -> &str {
        &self.inner.full_name
    }

    pub fn netns_path(&self) -> &Path {
        self.inner.netns.path()
    }

    /// For the files of what runs here; removed with the lab.
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// The lab is left up on purpose.
    pub(crate) fn is_kept(&self) -> bool {
        self.inner.kept.load(Ordering::Relaxed)
    }

    pub(crate) fn kept(&self) -> Arc<AtomicBool> {
        self.inner.kept.clone()
    }

    pub(crate) fn namespace_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.inner.netns.fd()
    }

    /// Runs `f` on a thread inside the namespace and waits for it. A panic in `f` goes on here.
    pub fn run<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        self.inner.netns.run(f)
    }

    /// Starts a process inside. Its output goes to `<directory>/<label>.log`.
    pub fn spawn(&self, label: &str, mut command: Command) -> Result<Process> {
        process::enter_namespace(&mut command, self.namespace_fd());
        let log = self.directory().join(format!("{label}.log"));
        let label = format!("{label} in {}", self.name());
        Process::spawn(&label, command, &log, self.kept())
    }

    /// Runs a command inside to its end.
    pub fn output(&self, mut command: Command) -> Result<Output> {
        process::enter_namespace(&mut command, self.namespace_fd());
        command
            .output()
            .with_context(|| format!("running {}", command.get_program().display()))
    }

    /// `path` is relative to `/proc/sys`.
    pub fn sysctl(&self, path: &str, value: &str) -> Result<()> {
        let file = Path::new("/proc/sys").join(path);
        self.run(|| fs::write(&file, value))
            .with_context(|| format!("writing {value} to {} in {}", file.display(), self.name()))
    }

    /// Lets the kernel forward both families.
    pub fn forward(&self) -> Result<()> {
        self.sysctl("net/ipv4/ip_forward", "1")?;
        self.sysctl("net/ipv6/conf/all/forwarding", "1")
    }

    /// Adds an address to the loopback, where a node keeps what it answers for.
    pub fn add_loopback_address(&self, address: &str) -> Result<()> {
        self.add_address(IfIndex(LOOPBACK_INDEX), address)
    }

    pub(crate) fn add_address(&self, link: IfIndex, address: &str) -> Result<()> {
        self.add_address_with(link, address, AddressFlags::Nodad)
    }

    pub(crate) fn add_address_with(
        &self,
        link: IfIndex,
        address: &str,
        flags: AddressFlags,
    ) -> Result<()> {
        let mut message = address_message(link, address)?;
        message.attributes.push(AddressAttribute::Flags(flags));
        let flags = NLM_F_CREATE | NLM_F_REPLACE;
        self.request(RouteNetlinkMessage::NewAddress(message), flags)
            .with_context(|| format!("adding address {address} in {}", self.name()))
    }

    pub(crate) fn remove_address(&self, link: IfIndex, address: &str) -> Result<()> {
        let message = address_message(link, address)?;
        self.request(RouteNetlinkMessage::DelAddress(message), 0)
            .with_context(|| format!("removing address {address} in {}", self.name()))
    }

    /// Adds or replaces a route through a gateway on a connected subnet.
    pub fn add_route(&self, destination: &str, gateway: &str) -> Result<()> {
        let message = route_message(destination, Some(gateway), None)?;
        let flags = NLM_F_CREATE | NLM_F_REPLACE;
        self.request(RouteNetlinkMessage::NewRoute(message), flags)
            .with_context(|| {
                format!(
                    "adding route {destination} via {gateway} in {}",
                    self.name()
                )
            })
    }

    /// Adds or replaces a route straight out of a port; with a link-local gateway, through it.
    pub fn add_route_on(
        &self,
        destination: &str,
        gateway: Option<&str>,
        port: &Port,
    ) -> Result<()> {
        let message = route_message(destination, gateway, Some(port.index()))?;
        let flags = NLM_F_CREATE | NLM_F_REPLACE;
        self.request(RouteNetlinkMessage::NewRoute(message), flags)
            .with_context(|| format!("adding route {destination} on {port}"))
    }

    pub fn remove_route(&self, destination: &str) -> Result<()> {
        let message = route_message(destination, None, None)?;
        self.request(RouteNetlinkMessage::DelRoute(message), 0)
            .with_context(|| format!("removing route {destination} in {}", self.name()))
    }

    /// The neighbour tables of both families.
    pub fn neighbours(&self) -> Result<Vec<NeighbourEntry>> {
        let all = RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default());
        let answers = self
            .netlink()
            .dump(all)
            .context("reading the neighbour table")?;
        Ok(answers.iter().filter_map(neighbour_entry).collect())
    }

    pub fn neighbour(&self, address: IpAddr) -> Result<Option<NeighbourEntry>> {
        let mut all = self.neighbours()?.into_iter();
        Ok(all.find(|entry| entry.address == address))
    }

    /// The interface's number and MAC.
    pub(crate) fn find_link(&self, name: &str) -> Result<(IfIndex, MacAddress)> {
        let all = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let answers = self.netlink().dump(all).context("listing the interfaces")?;
        answers
            .iter()
            .find_map(|answer| link_named(answer, name))
            .with_context(|| format!("{} has no interface {name}", self.name()))
    }

    /// The interface is up with a carrier, and the kernel has acted on it: it hands frames over instead of dropping
    /// them, and the interface's IPv6 addresses work.
    pub(crate) fn is_ready(&self, index: IfIndex) -> Result<bool> {
        let links = RouteNetlinkMessage::GetLink(LinkMessage::default());
        let addresses = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let mut netlink = self.netlink();
        let running = netlink
            .dump(links)?
            .iter()
            .any(|answer| is_running(answer, index));
        let checking = netlink
            .dump(addresses)?
            .iter()
            .any(|answer| is_tentative(answer, index));
        Ok(running && !checking)
    }

    pub(crate) fn request(&self, message: RouteNetlinkMessage, flags: u16) -> Result<()> {
        self.netlink().request(message, flags)
    }

    fn netlink(&self) -> MutexGuard<'_, Netlink> {
        let netlink = &self.inner.netlink;
        netlink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.inner.full_name)
    }
}

fn address_message(link: IfIndex, address: &str) -> Result<AddressMessage> {
    let net: IpNet = address
        .parse()
        .with_context(|| format!("{address} is not an address with a length"))?;
    let mut message = AddressMessage::default();
    message.header.index = link.0;
    message.header.prefix_len = net.prefix_len();
    message.header.family = match net {
        IpNet::V4(_) => AddressFamily::Inet,
        IpNet::V6(_) => AddressFamily::Inet6,
    };
    message.attributes.push(AddressAttribute::Local(net.addr()));
    message
        .attributes
        .push(AddressAttribute::Address(net.addr()));
    if let IpNet::V4(net) = net {
        let broadcast = AddressAttribute::Broadcast(net.broadcast());
        message.attributes.push(broadcast);
    }
    Ok(message)
}

fn route_message(
    destination: &str,
    gateway: Option<&str>,
    link: Option<IfIndex>,
) -> Result<RouteMessage> {
    let net: IpNet = destination
        .parse()
        .with_context(|| format!("{destination} is not a prefix"))?;
    let mut builder = RouteMessageBuilder::<IpAddr>::new()
        .destination_prefix(net.network(), net.prefix_len())
        .context("a route's destination")?;
    if let Some(gateway) = gateway {
        let ip = gateway
            .parse()
            .with_context(|| format!("{gateway} is not an address"))?;
        builder = builder.gateway(ip).context("a route's gateway")?;
    }
    if let Some(link) = link {
        builder = builder.output_interface(link.0);
    }
    Ok(builder.build())
}

fn neighbour_entry(answer: &RouteNetlinkMessage) -> Option<NeighbourEntry> {
    let RouteNetlinkMessage::NewNeighbour(message) = answer else {
        return None;
    };
    let mut address = None;
    let mut mac = None;
    for attribute in &message.attributes {
        if let NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)) = attribute {
            address = Some(IpAddr::V4(*ip));
        } else if let NeighbourAttribute::Destination(NeighbourAddress::Inet6(ip)) = attribute {
            address = Some(IpAddr::V6(*ip));
        } else if let NeighbourAttribute::LinkLayerAddress(bytes) = attribute {
            mac = ethernet_address(bytes);
        }
    }
    Some(NeighbourEntry {
        link: IfIndex(message.header.ifindex),
        address: address?,
        mac,
        state: message.header.state,
    })
}

fn link_named(answer: &RouteNetlinkMessage, wanted: &str) -> Option<(IfIndex, MacAddress)> {
    let RouteNetlinkMessage::NewLink(message) = answer else {
        return None;
    };
    let mut named = false;
    let mut mac = None;
    for attribute in &message.attributes {
        if let LinkAttribute::IfName(name) = attribute {
            named = name == wanted;
        } else if let LinkAttribute::Address(bytes) = attribute {
            mac = ethernet_address(bytes);
        }
    }
    named.then_some((IfIndex(message.header.index), mac?))
}

fn is_running(answer: &RouteNetlinkMessage, index: IfIndex) -> bool {
    let RouteNetlinkMessage::NewLink(message) = answer else {
        return false;
    };
    message.header.index == index.0 && message.header.flags.contains(LinkFlags::Running)
}

fn is_tentative(answer: &RouteNetlinkMessage, index: IfIndex) -> bool {
    let RouteNetlinkMessage::NewAddress(message) = answer else {
        return false;
    };
    let flags = message.header.flags;
    message.header.index == index.0 && flags.contains(AddressHeaderFlags::Tentative)
}

fn ethernet_address(bytes: &[u8]) -> Option<MacAddress> {
    bytes.try_into().ok().map(MacAddress)
}
