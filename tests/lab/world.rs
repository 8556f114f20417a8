//! The lab itself: owns the nodes, joins them by veth pairs, removes everything at its end.

use std::fs;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{InfoData, InfoKind, InfoVeth, LinkMessage};
use rtnetlink::{LinkMessageBuilder, LinkUnspec};

use crate::ethtool::{self, Offload, Switch};
use crate::leftovers::{self, KEPT, PREFIX, RUN_DIR};
use crate::{MacAddress, Node, Port};

/// Long names would push unix socket paths over their 108 bytes.
const MAX_NAME: usize = 20;

static LABS: AtomicU32 = AtomicU32::new(0);

pub struct Lab {
    /// `router-lab-<pid>-<number>-<name>`, the start of every name this lab makes.
    full_name: String,
    id: String,
    directory: PathBuf,
    nodes: Vec<Node>,
    links: AtomicU8,
    kept: Arc<AtomicBool>,
}

/// How a link differs from the usual one.
#[derive(Clone, Debug)]
pub struct LinkOptions {
    /// `None`: given out by the lab, `02:1a:b0:00:<link>:<end>`.
    pub macs: [Option<MacAddress>; 2],
    pub mtu: u32,
    /// See [`Offload::Gro`]; on, unless a test wants to show the trap.
    pub gro: Switch,
    /// See [`Offload::TransmitChecksum`]; off, so that frames leave with whole checksums.
    pub transmit_checksum: Switch,
}

impl Default for LinkOptions {
    fn default() -> Self {
        Self {
            macs: [None, None],
            mtu: 1500,
            gro: Switch::On,
            transmit_checksum: Switch::Off,
        }
    }
}

impl Lab {
    /// `name` shows up in every name the lab makes; it need not be unique.
    pub fn new(name: &str) -> Result<Self> {
        check_name(name)?;
        leftovers::purge_once();
        let number = LABS.fetch_add(1, Ordering::Relaxed);
        let id = format!("{PREFIX}{}-{number}", std::process::id());
        let full_name = format!("{id}-{name}");
        let directory = Path::new(RUN_DIR).join(&full_name);
        fs::create_dir_all(&directory)
            .with_context(|| format!("creating {}; the lab needs root", directory.display()))?;
        Ok(Self {
            full_name,
            id,
            directory,
            nodes: Vec::new(),
            links: AtomicU8::new(0),
            kept: Arc::default(),
        })
    }

    /// Unique on this machine.
    pub fn full_name(&self) -> &str {
        &self.full_name
    }

    /// The start of every name, and what [`leftovers::remove`] takes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// For files; removed with the lab.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub fn node(&mut self, name: &str) -> Result<Node> {
        check_name(name)?;
        if self.nodes.iter().any(|node| node.name() == name) {
            bail!("the lab has a node {name} already");
        }
        let directory = self.directory.join(name);
        let node = Node::create(&self.full_name, name, directory, self.kept.clone())
            .with_context(|| format!("making node {name}"))?;
        self.nodes.push(node.clone());
        Ok(node)
    }

    /// Joins two nodes by a veth pair, both ends up and ready: `lab.link((&a, "eth0"), (&b, "eth0"))`.
    pub fn link(&self, a: (&Node, &str), b: (&Node, &str)) -> Result<(Port, Port)> {
        self.link_with(a, b, &LinkOptions::default())
    }

    pub fn link_with(
        &self,
        a: (&Node, &str),
        b: (&Node, &str),
        options: &LinkOptions,
    ) -> Result<(Port, Port)> {
        let link = self.links.fetch_add(1, Ordering::Relaxed);
        let default = |end| MacAddress([0x02, 0x1a, 0xb0, 0x00, link, end]);
        let [mac_a, mac_b] = options.macs;
        let message = veth(
            a.1,
            mac_a.unwrap_or(default(0)),
            &veth_peer(b, mac_b.unwrap_or(default(1)), options.mtu),
            options.mtu,
        );
        a.0.request(
            RouteNetlinkMessage::NewLink(message),
            NLM_F_CREATE | NLM_F_EXCL,
        )
        .with_context(|| format!("linking {}:{} and {}:{}", a.0.name(), a.1, b.0.name(), b.1))?;
        let ports = (Port::find(a.0, a.1)?, Port::find(b.0, b.1)?);
        for port in [&ports.0, &ports.1] {
            ethtool::set(port, Offload::TransmitChecksum, options.transmit_checksum)?;
            ethtool::set(port, Offload::Gro, options.gro)?;
        }
        // An end that comes up looks once whether the other one can take redirected frames, so both have GRO first.
        ports.0.up()?;
        ports.1.up()?;
        ports.0.wait_ready()?;
        ports.1.wait_ready()?;
        Ok(ports)
    }

    /// Leaves everything up when the lab is dropped, its processes too; [`leftovers::kept`] lists what was left
    /// up and [`leftovers::remove`] takes it down.
    pub fn keep(&self) -> Result<()> {
        fs::write(self.directory.join(KEPT), "")?;
        self.kept.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.kept.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = leftovers::remove(&self.id) {
            eprintln!("removing lab {}: {error:#}", self.full_name);
        }
    }
}

fn check_name(name: &str) -> Result<()> {
    let fits = (1..=MAX_NAME).contains(&name.len());
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !fits || !plain {
        bail!(
            "a lab or node name has 1 to {MAX_NAME} letters, digits, - or _; \"{name}\" does not fit"
        );
    }
    Ok(())
}

fn veth(name: &str, mac: MacAddress, peer: &LinkMessage, mtu: u32) -> LinkMessage {
    LinkMessageBuilder::<LinkUnspec>::new_with_info_kind(InfoKind::Veth)
        .name(name.to_owned())
        .address(mac.0.to_vec())
        .mtu(mtu)
        .set_info_data(InfoData::Veth(InfoVeth::Peer(peer.clone())))
        .build()
}

/// The other end is born inside its node.
fn veth_peer((node, name): (&Node, &str), mac: MacAddress, mtu: u32) -> LinkMessage {
    LinkMessageBuilder::<LinkUnspec>::new()
        .name(name.to_owned())
        .address(mac.0.to_vec())
        .mtu(mtu)
        .setns_by_fd(node.namespace_fd().as_raw_fd())
        .build()
}
