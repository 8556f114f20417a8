//! What the tests stand on: a namespace, a pin directory that is gone afterwards, ports, prefixes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use aya::maps::{Array, Map, MapData};
use aya::programs::links::LinkInfo;
use ipnet::IpNet;
use nix::sched::{CloneFlags, unshare};
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;
use router_ctl::dataplane::ebpf::Ebpf;
use router_ctl::dataplane::{
    DataplaneError, Forwarding, OpFailure, OpenOptions, Port, XdpMode, unload,
};
use router_ctl::fib::op::FibOp;
use router_ctl::host::{IfIndex, MacAddress};

pub(crate) const BPFFS: &str = "/sys/fs/bpf";

/// A pin directory and a network namespace.
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
}

impl Place {
    /// Moves the thread into a new network namespace.
    pub(crate) fn new() -> Self {
        mount_bpffs();
        unshare(CloneFlags::CLONE_NEWNET).expect("tests of the data plane need root");
        Self::beside()
    }

    /// Another pin directory in the namespace of the thread.
    pub(crate) fn beside() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("router-test-{}-{number}", std::process::id());
        Self {
            directory: Path::new(BPFFS).join(name),
        }
    }

    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions {
            bpffs: self.directory.clone(),
        }
    }

    pub(crate) fn try_open(&self) -> Result<Ebpf, DataplaneError> {
        Ebpf::open(&self.options())
    }

    pub(crate) fn open(&self) -> Ebpf {
        self.try_open().expect("the data plane opens")
    }

    /// A file of the version in use.
    pub(crate) fn pin(&self, name: &str) -> PathBuf {
        let version = format!("v{}", router_common::ABI_VERSION);
        self.directory.join(version).join(name)
    }

    /// A pinned array, as another program would open it.
    pub(crate) fn array<T: aya::Pod>(&self, name: &str) -> Array<MapData, T> {
        let map = MapData::from_pin(self.pin(name)).expect("the map is pinned");
        Map::from_map_data(map)
            .expect("a map")
            .try_into()
            .expect("an array of this type")
    }

    /// The one link that is pinned.
    pub(crate) fn link(&self) -> LinkInfo {
        let pins: Vec<PathBuf> = names(&self.pin(""))
            .into_iter()
            .filter(|name| name.starts_with("link_"))
            .map(|name| self.pin(&name))
            .collect();
        let [pin] = pins.as_slice() else {
            panic!("one link is pinned, not {pins:?}");
        };
        let link = aya::programs::links::PinnedLink::from_pin(pin).expect("a pinned link");
        aya::programs::links::FdLink::from(link)
            .info()
            .expect("the link can be asked")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = unload(&self.directory)
            && !std::thread::panicking()
        {
            panic!("not unloaded: {error}");
        }
    }
}

fn mount_bpffs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let mounts = fs::read_to_string("/proc/mounts").expect("the list of mounts");
        if !mounts
            .lines()
            .any(|line| line.contains(" /sys/fs/bpf bpf "))
        {
            run("mount", &["-t", "bpf", "bpf", BPFFS]);
        }
    });
}

pub(crate) fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .expect("the directory exists")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A veth pair `name`, `name`-peer, both up.
pub(crate) fn veth(name: &str) -> Port {
    veth_with(name, &[])
}

/// The same with an interface number that no other namespace uses.
pub(crate) fn numbered_veth(name: &str, number: &str) -> Port {
    veth_with(name, &["index", number])
}

fn veth_with(name: &str, options: &[&str]) -> Port {
    let peer = format!("{name}-peer");
    let pair = ["type", "veth", "peer", "name", &peer];
    run("ip", &[&["link", "add", name], options, &pair].concat());
    for end in [name, &peer] {
        run("ip", &["link", "set", end, "up"]);
    }
    port(name, XdpMode::Native)
}

pub(crate) fn port(name: &str, mode: XdpMode) -> Port {
    let index = nix::net::if_::if_nametoindex(name).expect("the interface exists");
    Port {
        index: IfIndex(index),
        name: name.to_owned(),
        mac: MacAddress([2, 0, 0, 0, 0, 1]),
        mode,
        forwarding: Forwarding::On,
    }
}

pub(crate) fn net(text: &str) -> IpNet {
    text.parse().expect("a prefix")
}

pub(crate) fn bind(prefix: &str, route: u32) -> FibOp {
    FibOp::Bind {
        prefix: net(prefix),
        route: RouteId(route),
    }
}

pub(crate) fn unbind(prefix: &str) -> FibOp {
    FibOp::Unbind {
        prefix: net(prefix),
    }
}

pub(crate) fn next_hop(egress: u32, last_byte: u8) -> NextHop {
    NextHop {
        egress,
        mtu: 1500,
        vlan: 0,
        neighbour: NextHop::neighbour_word([2, 0, 0, 0, 1, last_byte]),
        source_mac: [2, 0, 0, 0, 0, 1],
        verdict: 0,
    }
}

/// Two next hops, a list of four buckets over them, and routes 2 and 3 on it.
pub(crate) fn two_paths() -> Vec<FibOp> {
    let [first, second] = [NextHopId(1), NextHopId(2)];
    let list = PathList {
        offset: 16,
        mask: 3,
    };
    vec![
        FibOp::PutNextHop {
            id: first,
            next_hop: next_hop(7, 1),
        },
        FibOp::PutNextHop {
            id: second,
            next_hop: next_hop(8, 2),
        },
        FibOp::PutBuckets {
            offset: list.offset,
            next_hops: vec![first, second, first, second],
        },
        FibOp::PutPathList {
            id: PathListId(5),
            list,
        },
        FibOp::PutRoute {
            id: RouteId(2),
            path_list: PathListId(5),
        },
        FibOp::PutRoute {
            id: RouteId(3),
            path_list: PathListId(5),
        },
    ]
}

/// Positions of the failures, each with its sentence.
pub(crate) fn sentences(failures: &[OpFailure]) -> Vec<(usize, String)> {
    failures
        .iter()
        .map(|failure| (failure.position, failure.error.to_string()))
        .collect()
}
