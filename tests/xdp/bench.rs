//! The program on a test bench: its own network namespace with a few ports, maps that the test fills, one
//! packet at a time through `BPF_PROG_TEST_RUN`. Verdicts are read from the counters, and after every packet
//! the books must balance: one received, one verdict, equal bytes.

use std::fs::{File, OpenOptions};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::{env, io};

use aya::maps::lpm_trie::Key;
use aya::maps::{Array, DevMapHash, HashMap, LpmTrie, Map, MapData, MapInfo};
use aya::programs::{TestRun, TestRunOptions, Xdp};
use aya::{Ebpf, EbpfLoader, Pod};
use ipnet::IpNet;
use nix::sched::{CloneFlags, unshare};
use router_common::counter::{Counter, route_row};
use router_common::map;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::port::{PortConfig, PortKey};
use router_common::route::RouteId;
use router_common::settings::Settings;
use router_common::verdict::{Action, Verdict};

use crate::frame::{self, Mac, V4, V6};
use crate::mapped::Mapped;

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;
const XDP_REDIRECT: u32 = 4;

/// How to get the object, for whoever has not got it.
const BUILD: &str = "RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc /usr/bin/cargo build --release \
                     -p router-ebpf --bin router --target bpfel-unknown-none -Z build-std=core \
                     --target-dir target/bpf";

/// Where the object is: `ROUTER_EBPF_OBJECT`, or where the build command leaves it.
pub(crate) fn object() -> PathBuf {
    let path = env::var_os("ROUTER_EBPF_OBJECT").map_or_else(
        || {
            PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("../target/bpf/bpfel-unknown-none/release/router")
        },
        PathBuf::from,
    );
    assert!(
        path.exists(),
        "no XDP object at {}: build it with\n    {BUILD}\nor name another in ROUTER_EBPF_OBJECT",
        path.display()
    );
    path
}

/// A port of the bench: a TAP device, so that the kernel knows its index.
pub(crate) struct Port {
    pub(crate) index: u32,
    pub(crate) mac: Mac,
    row: u32,
    _tap: Option<File>,
}

pub(crate) struct Bench {
    ebpf: Ebpf,
    verdicts: Mapped<Counter>,
    received: Mapped<Counter>,
    route_counters: Mapped<Counter>,
    /// Routes; may transmit.
    pub(crate) ingress: Port,
    /// May transmit.
    pub(crate) egress: Port,
    /// Routes nothing.
    pub(crate) off: Port,
    /// Has no entry in `PORTS` and none in `TX_PORTS`.
    pub(crate) stranger: Port,
    next_route: u32,
    next_list: u32,
    next_bucket: u32,
    next_next_hop: u32,
}

/// The neighbour behind the egress port that the routes of [`Bench::with_routes`] lead to.
pub(crate) const GATEWAY: Mac = [0x02, 0, 0, 0, 0xff, 0x01];
/// Whoever sends to the ingress port.
pub(crate) const SENDER: Mac = [0x02, 0, 0, 0, 0xff, 0x02];

/// What the program did with one packet.
pub(crate) struct Run {
    pub(crate) verdict: Verdict,
    pub(crate) output: Vec<u8>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace (are you root?)");
        let cpus = possible_cpus();
        let mut ebpf = EbpfLoader::new()
            .map_max_entries(map::RECEIVED, cpus * map::MAX_PORTS)
            .map_max_entries(map::VERDICTS, cpus * map::MAX_PORTS * Verdict::COUNT)
            .map_max_entries(map::ROUTE_COUNTERS, cpus * map::MAX_ROUTES)
            .load_file(object())
            .unwrap_or_else(|error| panic!("{error:#?}"));
        program(&mut ebpf)
            .load()
            .unwrap_or_else(|error| panic!("the verifier refuses the program: {error:#?}"));
        let mut bench = Self {
            verdicts: Mapped::new(&ebpf, map::VERDICTS),
            received: Mapped::new(&ebpf, map::RECEIVED),
            route_counters: Mapped::new(&ebpf, map::ROUTE_COUNTERS),
            ebpf,
            ingress: tap(1),
            egress: tap(2),
            off: tap(3),
            stranger: tap(0),
            next_route: RouteId::FIRST.0,
            next_list: 1,
            next_bucket: 1,
            next_next_hop: 1,
        };
        let next_hop = NextHop::terminal(Verdict::PassNoRoute);
        bench.put_next_hop(NextHopId::NO_ROUTE, next_hop);
        for (index, mac, row, flags) in [
            (
                bench.ingress.index,
                bench.ingress.mac,
                1,
                PortConfig::FORWARDING,
            ),
            (
                bench.egress.index,
                bench.egress.mac,
                2,
                PortConfig::FORWARDING,
            ),
            (bench.off.index, bench.off.mac, 3, 0),
        ] {
            bench.put_port(index, PortConfig { row, mac, flags });
            bench.allow_transmit(index);
        }
        bench
    }

    /// With 198.51.100.0/24 and 2001:db8:1::/48 routed to [`GATEWAY`].
    pub(crate) fn with_routes() -> Self {
        let mut bench = Self::new();
        let gateway = bench.neighbour(GATEWAY);
        bench.route("198.51.100.0/24", gateway);
        bench.route("2001:db8:1::/48", gateway);
        bench
    }

    /// `packet` in a frame for the ingress port.
    pub(crate) fn v4(&self, packet: &V4) -> Vec<u8> {
        frame::ethernet(self.ingress.mac, SENDER, 0x0800, &packet.bytes())
    }

    pub(crate) fn v6(&self, packet: &V6) -> Vec<u8> {
        frame::ethernet(self.ingress.mac, SENDER, 0x86dd, &packet.bytes())
    }

    pub(crate) fn put_port(&mut self, index: u32, config: PortConfig) {
        let mut ports: HashMap<_, PortKey, PortConfig> =
            HashMap::try_from(self.map_mut(map::PORTS)).unwrap();
        ports.insert(PortKey::untagged(index), config, 0).unwrap();
    }

    pub(crate) fn allow_transmit(&mut self, index: u32) {
        let mut ports = DevMapHash::try_from(self.map_mut(map::TX_PORTS)).unwrap();
        ports.insert(index, index, None, 0).unwrap();
    }

    pub(crate) fn set_seed(&mut self, hash_seed: u32) {
        let engine = Settings::ENGINE_LPM_TRIE;
        self.put(map::SETTINGS, 0, Settings { hash_seed, engine });
    }

    /// A next hop out of the egress port.
    pub(crate) fn neighbour(&self, mac: Mac) -> NextHop {
        NextHop {
            egress: self.egress.index,
            mtu: 1500,
            vlan: 0,
            neighbour: NextHop::neighbour_word(mac),
            source_mac: self.egress.mac,
            verdict: 0,
        }
    }

    /// Routes `prefix` to one next hop.
    pub(crate) fn route(&mut self, prefix: &str, next_hop: NextHop) -> RouteId {
        self.route_over(prefix, &[next_hop])
    }

    pub(crate) fn route_ends(&mut self, prefix: &str, verdict: Verdict) -> RouteId {
        self.route(prefix, NextHop::terminal(verdict))
    }

    /// Routes `prefix` over a path list with one bucket for each of `next_hops`: a power of two of them.
    pub(crate) fn route_over(&mut self, prefix: &str, next_hops: &[NextHop]) -> RouteId {
        let list = self.put_path_list(next_hops);
        let route = RouteId(self.next_route);
        self.next_route += 1;
        self.put(map::ROUTES, route.0, list);
        self.bind(prefix.parse().unwrap(), route);
        route
    }

    /// Gives a route another path list.
    pub(crate) fn repoint(&mut self, route: RouteId, next_hop: NextHop) {
        let list = self.put_path_list(&[next_hop]);
        self.put(map::ROUTES, route.0, list);
    }

    fn put_path_list(&mut self, next_hops: &[NextHop]) -> PathListId {
        assert!(next_hops.len().is_power_of_two());
        let count = u32::try_from(next_hops.len()).unwrap();
        let offset = self.next_bucket;
        for (bucket, &next_hop) in (offset..).zip(next_hops) {
            let id = NextHopId(self.next_next_hop);
            self.next_next_hop += 1;
            self.put_next_hop(id, next_hop);
            self.put(map::BUCKETS, bucket, id);
        }
        self.next_bucket += count;
        let list = PathListId(self.next_list);
        self.next_list += 1;
        let mask = count - 1;
        self.put(map::PATH_LISTS, list.0, PathList { offset, mask });
        list
    }

    pub(crate) fn bind(&mut self, prefix: IpNet, route: RouteId) {
        let length = u32::from(prefix.prefix_len());
        match prefix {
            IpNet::V4(net) => {
                let key = Key::new(length, net.network().octets());
                self.lpm_v4().insert(&key, route, 0).unwrap();
            }
            IpNet::V6(net) => {
                let key = Key::new(length, net.network().octets());
                self.lpm_v6().insert(&key, route, 0).unwrap();
            }
        }
    }

    pub(crate) fn unbind(&mut self, prefix: IpNet) {
        let length = u32::from(prefix.prefix_len());
        match prefix {
            IpNet::V4(net) => {
                let key = Key::new(length, net.network().octets());
                self.lpm_v4().remove(&key).unwrap();
            }
            IpNet::V6(net) => {
                let key = Key::new(length, net.network().octets());
                self.lpm_v6().remove(&key).unwrap();
            }
        }
    }

    pub(crate) fn lpm_v4(&mut self) -> LpmTrie<&mut MapData, [u8; 4], RouteId> {
        LpmTrie::try_from(self.map_mut(map::LPM_V4)).unwrap()
    }

    pub(crate) fn lpm_v6(&mut self) -> LpmTrie<&mut MapData, [u8; 16], RouteId> {
        LpmTrie::try_from(self.map_mut(map::LPM_V6)).unwrap()
    }

    pub(crate) fn put_next_hop(&mut self, id: NextHopId, next_hop: NextHop) {
        self.put(map::NEXT_HOPS, id.0, next_hop);
    }

    /// What has been counted for a route, over all CPUs.
    pub(crate) fn routed(&self, route: RouteId) -> Counter {
        let rows = (0..possible_cpus()).map(|cpu| route_row(cpu, route) as usize);
        total(rows.map(|row| self.route_counters.get(row)))
    }

    /// Runs a packet that arrives on the ingress port.
    pub(crate) fn run(&mut self, frame: &[u8]) -> Run {
        self.run_on(self.ingress.index, self.ingress.row, frame, frame.len())
    }

    pub(crate) fn run_off(&mut self, frame: &[u8]) -> Run {
        self.run_on(self.off.index, self.off.row, frame, frame.len())
    }

    pub(crate) fn run_stranger(&mut self, frame: &[u8]) -> Run {
        self.run_on(self.stranger.index, self.stranger.row, frame, frame.len())
    }

    /// Runs a packet of which only the first `linear` bytes are in the linear part of the buffer.
    pub(crate) fn run_split(&mut self, frame: &[u8], linear: usize) -> Run {
        self.run_on(self.ingress.index, self.ingress.row, frame, linear)
    }

    fn run_on(&mut self, index: u32, row: u32, frame: &[u8], linear: usize) -> Run {
        let received = self.received_by(row);
        let before = self.verdicts_of(row);
        // struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex.
        let mut context = [0u8; 24];
        context[4..8].copy_from_slice(&u32::try_from(linear).unwrap().to_ne_bytes());
        context[12..16].copy_from_slice(&index.to_ne_bytes());
        let mut output = vec![0; frame.len() + 256];
        let result = program(&mut self.ebpf)
            .test_run(TestRunOptions {
                data_in: Some(frame),
                data_out: Some(&mut output),
                ctx_in: Some(&context),
                ..TestRunOptions::new()
            })
            .unwrap_or_else(|error| panic!("test run: {error:#?}"));
        output.truncate(result.data_size_out as usize);

        let one = Counter {
            packets: 1,
            bytes: frame.len() as u64,
        };
        assert_eq!(difference(self.received_by(row), received), one, "received");
        let counted: Vec<(Verdict, Counter)> = Verdict::ALL
            .iter()
            .zip(self.verdicts_of(row).into_iter().zip(before))
            .map(|(&verdict, (after, before))| (verdict, difference(after, before)))
            .filter(|(_, counter)| *counter != Counter::default())
            .collect();
        let [(verdict, counter)] = counted[..] else {
            panic!("not one verdict but {counted:?}");
        };
        assert_eq!(counter, one, "{verdict}");

        let code = match verdict.action() {
            Action::Redirect => XDP_REDIRECT,
            Action::Pass => XDP_PASS,
            Action::Drop => XDP_DROP,
        };
        assert_eq!(result.return_value, code, "XDP code of {verdict}");
        Run { verdict, output }
    }

    /// The packet ends with `verdict`, and as it came.
    #[track_caller]
    pub(crate) fn stops(&mut self, frame: &[u8], verdict: Verdict) {
        let run = self.run(frame);
        assert_eq!(run.verdict, verdict);
        assert_eq!(run.output, frame, "{verdict} changed the packet");
    }

    /// The packet is forwarded to [`GATEWAY`], and what leaves is right to the last byte.
    #[track_caller]
    pub(crate) fn forwards(&mut self, frame: &[u8]) {
        let run = self.run(frame);
        assert_eq!(run.verdict, Verdict::Forwarded);
        let expected = frame::forwarded(frame, GATEWAY, self.egress.mac);
        assert_eq!(run.output, expected);
    }

    /// Where a packet that is forwarded goes.
    #[track_caller]
    pub(crate) fn neighbour_of(&mut self, frame: &[u8]) -> Mac {
        let run = self.run(frame);
        assert_eq!(run.verdict, Verdict::Forwarded);
        run.output[..6].try_into().unwrap()
    }

    /// How many instructions the verifier went through.
    pub(crate) fn verified_instructions(&mut self) -> u32 {
        let info = program(&mut self.ebpf).info().unwrap();
        info.verified_instruction_count().unwrap()
    }

    /// Names of the maps in the object.
    pub(crate) fn map_names(&self) -> Vec<String> {
        let maps = self.ebpf.maps();
        maps.map(|(name, _)| name.to_owned()).collect()
    }

    pub(crate) fn map_info(&self, name: &str) -> MapInfo {
        match self.ebpf.map(name) {
            Some(Map::Array(data) | Map::HashMap(data) | Map::LpmTrie(data)) => {
                data.info().unwrap()
            }
            other => panic!("{name}: {other:?}"),
        }
    }

    fn put<T: Pod>(&mut self, name: &str, index: u32, value: T) {
        let mut array: Array<_, T> = Array::try_from(self.map_mut(name)).unwrap();
        array.set(index, value, 0).unwrap();
    }

    fn map_mut(&mut self, name: &str) -> &mut Map {
        self.ebpf.map_mut(name).unwrap()
    }

    fn received_by(&self, port: u32) -> Counter {
        let rows = (0..possible_cpus()).map(|cpu| (cpu * map::MAX_PORTS + port) as usize);
        total(rows.map(|row| self.received.get(row)))
    }

    fn verdicts_of(&self, port: u32) -> Vec<Counter> {
        let row =
            |cpu, verdict: u32| ((cpu * map::MAX_PORTS + port) * Verdict::COUNT + verdict) as usize;
        (0..Verdict::COUNT)
            .map(|verdict| {
                let rows = (0..possible_cpus()).map(|cpu| row(cpu, verdict));
                total(rows.map(|row| self.verdicts.get(row)))
            })
            .collect()
    }
}

/// Received = forwarded + passed + dropped, over all ports and CPUs, whatever the test did.
impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let received = total(self.received.iter());
            assert_eq!(
                received,
                total(self.verdicts.iter()),
                "the books do not balance"
            );
        }
    }
}

fn program(ebpf: &mut Ebpf) -> &mut Xdp {
    let program = ebpf.program_mut("router_ingress").expect("router_ingress");
    program.try_into().expect("an XDP program")
}

fn total(counters: impl Iterator<Item = Counter>) -> Counter {
    counters.fold(Counter::default(), |sum, counter| Counter {
        packets: sum.packets + counter.packets,
        bytes: sum.bytes + counter.bytes,
    })
}

fn difference(after: Counter, before: Counter) -> Counter {
    Counter {
        packets: after.packets - before.packets,
        bytes: after.bytes - before.bytes,
    }
}

pub(crate) fn possible_cpus() -> u32 {
    u32::try_from(aya::util::nr_cpus().unwrap()).unwrap()
}

/// Makes a TAP device in the namespace of the calling thread; it lives as long as its file.
fn tap(row: u8) -> Port {
    const IFF_TAP: i16 = 0x0002;
    const IFF_NO_PI: i16 = 0x1000;
    const TUNSETIFF: libc::Ioctl = 0x4004_54ca;

    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .expect("/dev/net/tun");
    let name = format!("port{row}");
    // struct ifreq: name, then the flags.
    let mut request = [0u8; 40];
    request[..name.len()].copy_from_slice(name.as_bytes());
    request[16..18].copy_from_slice(&(IFF_TAP | IFF_NO_PI).to_ne_bytes());
    // SAFETY: the request is as long as struct ifreq and outlives the call.
    let status = unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF, request.as_mut_ptr()) };
    assert_eq!(status, 0, "TUNSETIFF: {}", io::Error::last_os_error());
    let index = nix::net::if_::if_nametoindex(name.as_str()).unwrap();
    Port {
        index,
        mac: [0x02, 0, 0, 0, 0, row],
        row: u32::from(row),
        _tap: Some(file),
    }
}
