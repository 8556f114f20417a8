//! The routers under measurement: ours and BIRD, each in a namespace of its own with the same two links, the
//! same addresses and the same job.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Context;
use lab::peer::Bird;
use lab::{Daemon, Lab, Node};
use router_ctl::bgp::types::{Asn, RouterId};

/// AS of the router under measurement.
const ROUTER_AS: u32 = 65000;
/// Jiffies a second in /proc (USER_HZ).
const TICKS: f64 = 100.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Ours,
    Bird,
}

impl Subject {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "router-ctl",
            Self::Bird => "BIRD 2",
        }
    }
}

/// A neighbour of the router: a node with an address of each family on a link of its own.
pub(crate) struct Neighbour {
    pub(crate) node: Node,
    pub(crate) asn: Asn,
    pub(crate) v4: Ipv4Addr,
    pub(crate) v6: Ipv6Addr,
    pub(crate) router_v4: Ipv4Addr,
}

impl Neighbour {
    pub(crate) fn router_id(&self) -> RouterId {
        RouterId(self.v4)
    }

    pub(crate) fn session(&self) -> (IpAddr, IpAddr) {
        (self.v4.into(), self.router_v4.into())
    }
}

enum Running {
    Ours(Daemon),
    Bird(Bird),
}

/// A started router with its neighbours.
pub(crate) struct Bench {
    _lab: Lab,
    pub(crate) neighbours: Vec<Neighbour>,
    running: Running,
}

impl Bench {
    /// Builds the network, starts the router and waits until it answers.
    ///
    /// # Errors
    /// When the lab cannot be built or the router does not start.
    pub(crate) fn start(subject: Subject, neighbours: u8) -> anyhow::Result<Self> {
        let mut lab = Lab::new("bench")?;
        let star = lab::topology::Star::build(&mut lab, neighbours)?;
        let neighbours: Vec<_> = star
            .spokes
            .iter()
            .map(|spoke| Neighbour {
                node: spoke.peer.clone(),
                asn: Asn(65001 + u32::from(spoke.number)),
                v4: spoke.peer_v4(),
                v6: spoke.peer_v6(),
                router_v4: spoke.router_v4(),
            })
            .collect();
        let running = match subject {
            Subject::Ours => Running::Ours(Daemon::start(&star.router, &our_config(&neighbours))?),
            Subject::Bird => Running::Bird(Bird::start(&star.router, &bird_config(&neighbours))?),
        };
        Ok(Self {
            _lab: lab,
            neighbours,
            running,
        })
    }

    pub(crate) fn daemon(&self) -> Option<&Daemon> {
        match &self.running {
            Running::Ours(daemon) => Some(daemon),
            Running::Bird(_) => None,
        }
    }

    /// Processor seconds and resident megabytes of the router's process so far.
    ///
    /// # Errors
    /// When the process is gone.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let pid = match &self.running {
            Running::Ours(daemon) => daemon.pid().context("the router is not running")?,
            Running::Bird(bird) => bird.pid(),
        };
        Usage::of(pid)
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_mb: f64,
    pub(crate) peak_mb: f64,
}

impl Usage {
    /// Of a running process.
    ///
    /// # Errors
    /// When it is gone.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // Fields behind the command, which is in parentheses and may hold spaces: utime is the 12th, stime the 13th.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let ticks = |index: usize| {
            fields
                .get(index)
                .and_then(|field| field.parse::<f64>().ok())
        };
        let cpu = ticks(11).zip(ticks(12)).context("reading /proc/PID/stat")?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kilobytes = |name: &str| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or_default();
            line.trim()
                .trim_end_matches(" kB")
                .parse::<f64>()
                .unwrap_or(0.0)
        };
        Ok(Self {
            cpu_seconds: (cpu.0 + cpu.1) / TICKS,
            resident_mb: kilobytes("VmRSS:") / 1000.0,
            peak_mb: kilobytes("VmHWM:") / 1000.0,
        })
    }
}

fn our_config(neighbours: &[Neighbour]) -> String {
    let mut config = format!(
        "[protocols.bgp]\nsystem-as = {ROUTER_AS}\n[protocols.bgp.parameters]\nrouter-id = \"10.0.0.1\"\nebgp-requires-policy = false\n"
    );
    for (number, neighbour) in neighbours.iter().enumerate() {
        config += &format!(
            "[interfaces.ethernet.eth{number}]\nxdp = \"native\"\n\
             [protocols.bgp.neighbor.\"{0}\"]\nremote-as = {1}\npassive = true\ntimers.holdtime = 0\n\
             [protocols.bgp.neighbor.\"{0}\".address-family.ipv4-unicast]\n\
             [protocols.bgp.neighbor.\"{0}\".address-family.ipv6-unicast]\n",
            neighbour.v4, neighbour.asn
        );
    }
    config
}

fn bird_config(neighbours: &[Neighbour]) -> String {
    let mut config =
        "log stderr { warning, error, fatal, bug };\nrouter id 10.0.0.1;\nprotocol device {}\n"
            .to_owned();
    for (number, neighbour) in neighbours.iter().enumerate() {
        config += &format!(
            "protocol bgp peer{number} {{\n local {} as {ROUTER_AS};\n neighbor {} as {};\n passive on;\n hold time 0;\n \
             ipv4 {{ import all; export all; }};\n ipv6 {{ import all; export all; next hop self; }};\n}}\n",
            neighbour.router_v4, neighbour.v4, neighbour.asn
        );
    }
    config
}
