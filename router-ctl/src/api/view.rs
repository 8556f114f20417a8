//! Bodies whose shape is our own. Keys are camelCase and are not renamed once released.

use std::collections::BTreeMap;

use router_common::counter::Counter;
use serde::{Deserialize, Serialize};

use crate::api::frr::milliseconds;
use crate::api::ordered::Ordered;
use crate::api::{Phase, Status};
use crate::config::model::Config;
use crate::host::LinkState;
use crate::router::query;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub name: String,
    pub version: String,
    /// Layout of the maps that this build works with.
    pub abi: u32,
}

impl Version {
    pub fn of_this_build() -> Self {
        Self {
            name: "router-ctl".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            abi: router_common::ABI_VERSION,
        }
    }
}

/// What a reset has asked of the router.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResetDone {
    pub reset: Vec<ResetNeighbor>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResetNeighbor {
    pub neighbor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `hard`, `soft-in` or `soft-out`.
    pub action: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// `starting`, `running` or `stopping`.
    pub state: String,
    pub version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_name: Option<String>,
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub local_as: Option<u32>,
    pub started_epoch: u64,
    pub uptime_seconds: u64,
}

impl StatusView {
    pub fn new(status: Status, config: &Config) -> Self {
        Self {
            state: match status.phase {
                Phase::Starting => "starting",
                Phase::Running => "running",
                Phase::Stopping => "stopping",
            }
            .to_owned(),
            version: Version::of_this_build().version,
            host_name: config.system.host_name.clone(),
            local_as: config.protocols.bgp.as_ref().map(|bgp| bgp.system_as.0),
            started_epoch: status.epoch_before(status.uptime()),
            uptime_seconds: status.uptime().as_secs(),
        }
    }
}

/// By name, in the order of the interface indexes.
pub type Interfaces = Ordered<Interface>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Interface {
    pub index: u32,
    /// `up`, `no-carrier` or `admin-down`.
    pub state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    pub mtu: u32,
    pub addresses: Vec<String>,
    /// `native`, `generic`, `off`, or `-` when the interface is not configured.
    pub xdp: String,
    /// The attachment was found pinned and kept.
    pub adopted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

pub fn interfaces(mut interfaces: Vec<query::Interface>, config: &Config) -> Interfaces {
    interfaces.sort_by_key(|interface| interface.index);
    let view = |interface: query::Interface| {
        let configured = config.interfaces.ethernet.get(&interface.name);
        let view = Interface {
            index: interface.index.0,
            state: match interface.state {
                LinkState::Up => "up",
                LinkState::NoCarrier => "no-carrier",
                LinkState::AdminDown => "admin-down",
            }
            .to_owned(),
            mac: interface.mac.map(|mac| mac.to_string()),
            mtu: interface.mtu,
            addresses: interface
                .addresses
                .iter()
                .map(ToString::to_string)
                .collect(),
            xdp: interface.xdp.to_owned(),
            adopted: interface.adopted,
            description: configured.and_then(|ethernet| ethernet.description.clone()),
        };
        (interface.name, view)
    };
    interfaces.into_iter().map(view).collect()
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fib {
    pub engine: String,
    pub generation: u64,
    pub routes: Routes,
    pub path_lists: Usage,
    pub buckets: Usage,
    pub next_hops: Usage,
    /// Operations handed over and not acknowledged.
    pub pending: usize,
    pub failures: u64,
    /// Found at start and not confirmed yet.
    pub stale: usize,
    pub hash_seed: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Routes {
    pub ipv4: usize,
    pub ipv6: usize,
    pub capacity: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Usage {
    pub used: usize,
    pub capacity: u32,
}

impl Fib {
    pub fn new(fib: &query::FibSummary) -> Self {
        Self {
            engine: fib.engine.to_owned(),
            generation: fib.generation,
            routes: Routes {
                ipv4: fib.routes_v4,
                ipv6: fib.routes_v6,
                capacity: fib.capacity_routes,
            },
            path_lists: Usage {
                used: fib.path_lists,
                capacity: fib.capacity_path_lists,
            },
            buckets: Usage {
                used: fib.buckets,
                capacity: fib.capacity_buckets,
            },
            next_hops: Usage {
                used: fib.next_hops,
                capacity: fib.capacity_next_hops,
            },
            pending: fib.pending,
            failures: fib.failures,
            stale: fib.stale,
            hash_seed: fib.hash_seed,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Startup {
    /// Routes that an earlier run had installed and that went on forwarding.
    pub adopted_routes: usize,
    pub steps: Vec<Step>,
    pub total_milliseconds: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    pub name: String,
    pub milliseconds: u64,
}

impl Startup {
    pub fn new(startup: &query::Startup) -> Self {
        let total = startup.steps.iter().map(|(_, duration)| *duration).sum();
        Self {
            adopted_routes: startup.adopted_routes,
            steps: startup
                .steps
                .iter()
                .map(|&(name, duration)| Step {
                    name: name.to_owned(),
                    milliseconds: milliseconds(duration),
                })
                .collect(),
            total_milliseconds: milliseconds(total),
        }
    }
}

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub packets: u64,
    pub bytes: u64,
}

impl From<Counter> for Count {
    fn from(counter: Counter) -> Self {
        Self {
            packets: counter.packets,
            bytes: counter.bytes,
        }
    }
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

/// What became of every packet. For each port, and over all:
/// received = forwarded + passed + dropped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Accounting {
    /// Whether the sum above is right for every port.
    pub balanced: bool,
    pub total: Balance,
    pub ports: Vec<PortAccount>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PortAccount {
    /// Absent for frames of interfaces that the program does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ifindex: Option<u32>,
    #[serde(flatten)]
    pub balance: Balance,
    pub verdicts: Vec<VerdictRow>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    pub received: Count,
    pub forwarded: Count,
    pub passed: Count,
    pub dropped: Count,
    /// Packets received less packets with a verdict; 0 when nothing is lost or counted twice.
    pub unaccounted: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictRow {
    pub verdict: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// `forward`, `pass` or `drop`.
    pub action: String,
    #[serde(flatten)]
    pub count: Count,
}

/// Traffic by prefix.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrefixStats {
    pub rows: Vec<PrefixRow>,
    /// Prefixes that matched the question; `rows` holds the first of them.
    pub prefixes: usize,
    /// Traffic of the prefixes that matched the question.
    pub selected: Count,
    /// Traffic of prefixes that are gone.
    pub withdrawn: Count,
    /// Traffic of all prefixes, the withdrawn ones included.
    pub total: Count,
    /// What the ports received.
    pub received: Count,
    /// Seconds between the two readings that rates come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_seconds: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrefixRow {
    pub prefix: String,
    pub next_hops: Vec<String>,
    pub interfaces: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_as: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    pub packets: u64,
    pub bytes: u64,
    /// Packets a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pps: Option<f64>,
    /// Bits a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bps: Option<f64>,
    /// Octets of a packet; absent without packets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_size: Option<u64>,
}

/// The body of every failure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    pub error: ErrorView,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorView {
    pub code: String,
    pub message: String,
    /// Problems of a configuration; empty for anything else.
    pub details: Vec<serde_json::Value>,
    pub request_id: String,
}

/// Names of interfaces by index.
pub(super) fn names(interfaces: &[query::Interface]) -> BTreeMap<u32, String> {
    interfaces
        .iter()
        .map(|interface| (interface.index.0, interface.name.clone()))
        .collect()
}
