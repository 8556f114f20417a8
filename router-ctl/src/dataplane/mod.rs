//! The only place that names aya and bpf(2). [`Dataplane`] is what the rest of the daemon sees of it: the
//! maps of the XDP program ([`ebpf`]), or the same in ordinary collections ([`memory`]) for tests and for a
//! speaker that forwards nothing.
//!
//! Contract: one writer; `apply` runs the operations in order; a failed operation changes nothing, is
//! reported with its position, and does not stop those behind it; a replaced key never fails for lack of room.

#[cfg(feature = "ebpf")]
mod array;
#[cfg(feature = "ebpf")]
mod attach;
#[cfg(feature = "ebpf")]
mod bpf;
#[cfg(feature = "ebpf")]
mod counters;
#[cfg(feature = "ebpf")]
pub mod ebpf;
#[cfg(feature = "ebpf")]
mod engine;
#[cfg(feature = "ebpf")]
mod environment;
#[cfg(feature = "ebpf")]
mod loader;
#[cfg(feature = "ebpf")]
mod log;
pub mod memory;
#[cfg(feature = "ebpf")]
mod pins;
#[cfg(feature = "ebpf")]
mod ports;

use std::path::{Path, PathBuf};

use ipnet::IpNet;
use router_common::counter::Counter;
use router_common::route::RouteId;
use router_common::verdict::Verdict;

use crate::fib::op::{FibOp, Installed};
use crate::host::{IfIndex, MacAddress};

pub trait Dataplane: Send {
    /// Runs the operations in order and returns those that failed, by position.
    fn apply(&mut self, ops: &[FibOp]) -> Vec<OpFailure>;

    /// Reads back what is installed.
    ///
    /// # Errors
    /// When a map cannot be read.
    fn dump(&self) -> Result<Installed, DataplaneError>;

    /// Adds a port or changes its MAC and forwarding state.
    ///
    /// # Errors
    /// When the program cannot be attached in the asked mode (never another one), or a map is full.
    fn put_port(&mut self, port: &Port) -> Result<(), DataplaneError>;

    /// Takes a port away: it is detached, and frames for it pass to the kernel.
    ///
    /// # Errors
    /// When a map cannot be written.
    fn remove_port(&mut self, index: IfIndex) -> Result<(), DataplaneError>;

    /// Ports as the data plane has them.
    fn ports(&self) -> Vec<PortStatus>;

    /// Name of the engine that looks up destinations: `lpm-trie`, `flat`, or `memory`.
    fn engine(&self) -> &'static str;

    /// Seed of the flow hash: random when the maps were made, the same for as long as they are pinned.
    fn hash_seed(&self) -> u32;

    /// A reader of the counters that works beside the writer.
    fn counters(&self) -> Box<dyn Counters>;
}

/// Reads counters without disturbing the writer or the program. All values are sums over the CPUs and
/// monotonic for as long as the maps are pinned.
pub trait Counters: Send + Sync {
    /// Packets and bytes by route id, from 0 up to the highest id in use.
    fn routes(&self) -> Vec<Counter>;
    fn route(&self, route: RouteId) -> Counter;
    /// Rows that are not zero, by ifindex (`None` for frames of interfaces without an entry).
    fn verdicts(&self) -> Vec<VerdictCount>;
    fn received(&self) -> Vec<(Option<IfIndex>, Counter)>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerdictCount {
    pub port: Option<IfIndex>,
    pub verdict: Verdict,
    pub counter: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    pub index: IfIndex,
    pub name: String,
    pub mac: MacAddress,
    pub mode: XdpMode,
    pub forwarding: Forwarding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpMode {
    Native,
    Generic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forwarding {
    On,
    /// Frames that arrive pass to the kernel; the port still transmits.
    Off,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortStatus {
    pub index: IfIndex,
    pub name: String,
    pub mode: XdpMode,
    /// Whether the attachment was found pinned and kept.
    pub adopted: bool,
}

/// Where the maps, the program and the links are pinned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    /// A directory of its own for each router of a host, inside a mounted bpffs.
    pub bpffs: PathBuf,
}

/// What [`open`] found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// The maps were there already: what they hold is forwarding, [`Dataplane::dump`] reads it.
    pub adopted: bool,
    /// Attachments that were there already; each runs the new program from now on.
    pub ports: Vec<PortStatus>,
    /// Ports that are not attached any more, mostly because their interface is gone; what was left of them is
    /// removed.
    pub gone: Vec<IfIndex>,
    /// Pin directories of other ABI versions. What is attached there still holds its interfaces.
    pub other_versions: Vec<PathBuf>,
}

/// What [`unload`] took away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnloadReport {
    /// Interfaces that the program was attached to.
    pub detached: Vec<IfIndex>,
    /// Names of everything that was pinned, below the directory.
    pub unpinned: Vec<PathBuf>,
}

/// One operation that did not happen.
#[derive(Debug)]
pub struct OpFailure {
    /// Index into the operations that were given.
    pub position: usize,
    pub error: DataplaneError,
}

/// Each message says what failed and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum DataplaneError {
    #[error("{map}: full at {capacity} entries; {prefix} is not installed")]
    Full {
        map: &'static str,
        capacity: u32,
        prefix: IpNet,
    },
    #[error("{map}: {action}: {source}")]
    Map {
        map: &'static str,
        action: &'static str,
        source: std::io::Error,
    },
    #[error("{message}")]
    Setup { message: String },
}

/// Loads the XDP program into the kernel, or adopts what an earlier start left pinned.
///
/// # Errors
/// What is missing (a capability, bpffs, a newer kernel) and what to do about it.
#[cfg(feature = "ebpf")]
pub fn open(options: &OpenOptions) -> Result<(Box<dyn Dataplane>, OpenReport), DataplaneError> {
    let ebpf = ebpf::Ebpf::open(options)?;
    let report = ebpf.report().clone();
    Ok((Box::new(ebpf), report))
}

/// Detaches the program and unpins everything below `bpffs`: the one way to take forwarding away.
///
/// # Errors
/// When a router still runs on it, or something there is not ours.
#[cfg(feature = "ebpf")]
pub fn unload(bpffs: &Path) -> Result<UnloadReport, DataplaneError> {
    ebpf::unload(bpffs)
}

/// As the real one, of which a build without the feature `ebpf` has nothing.
///
/// # Errors
/// Always.
#[cfg(not(feature = "ebpf"))]
pub fn open(options: &OpenOptions) -> Result<(Box<dyn Dataplane>, OpenReport), DataplaneError> {
    Err(without_data_plane(&options.bpffs))
}

/// As the real one, of which a build without the feature `ebpf` has nothing.
///
/// # Errors
/// Always.
#[cfg(not(feature = "ebpf"))]
pub fn unload(bpffs: &Path) -> Result<UnloadReport, DataplaneError> {
    Err(without_data_plane(bpffs))
}

#[cfg(not(feature = "ebpf"))]
fn without_data_plane(bpffs: &Path) -> DataplaneError {
    DataplaneError::Setup {
        message: format!(
            "{}: this router-ctl was built without its data plane; build it with the default features",
            bpffs.display()
        ),
    }
}
