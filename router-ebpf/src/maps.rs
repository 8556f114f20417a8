//! Every map of the program. Names and capacities are `router_common::map`'s; a static's name is the map's.
//!
//! The counters have rows of their own for each CPU. How many CPUs are possible is only known where the
//! program is loaded, so the loader sets `max_entries` of `RECEIVED`, `VERDICTS` and `ROUTE_COUNTERS`; what
//! stands here is the size of one CPU.

use aya_ebpf::bindings::BPF_F_MMAPABLE;
use aya_ebpf::macros::map;
use aya_ebpf::maps::lpm_trie::LpmTrie;
use aya_ebpf::maps::{Array, DevMapHash, HashMap, PerCpuArray};
use router_common::counter::Counter;
use router_common::map::{
    MAX_BUCKETS, MAX_NEXT_HOPS, MAX_PATH_LISTS, MAX_PORTS, MAX_PREFIXES_V4, MAX_PREFIXES_V6,
    MAX_ROUTES,
};
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::port::{PortConfig, PortKey};
use router_common::route::RouteId;
use router_common::settings::Settings;
use router_common::verdict::Verdict;
use router_ebpf::flow::DEEPEST;

/// What [`HEADERS`] holds: no header that is read lies behind it.
pub(crate) const HEADERS_LENGTH: usize = DEEPEST.next_multiple_of(8);

#[map]
pub(crate) static PORTS: HashMap<PortKey, PortConfig> = HashMap::with_max_entries(MAX_PORTS, 0);
#[map]
pub(crate) static TX_PORTS: DevMapHash = DevMapHash::with_max_entries(MAX_PORTS, 0);
#[map]
pub(crate) static LPM_V4: LpmTrie<[u8; 4], RouteId> = LpmTrie::with_max_entries(MAX_PREFIXES_V4, 0);
#[map]
pub(crate) static LPM_V6: LpmTrie<[u8; 16], RouteId> =
    LpmTrie::with_max_entries(MAX_PREFIXES_V6, 0);
#[map]
pub(crate) static ROUTES: Array<PathListId> = Array::with_max_entries(MAX_ROUTES, BPF_F_MMAPABLE);
#[map]
pub(crate) static PATH_LISTS: Array<PathList> =
    Array::with_max_entries(MAX_PATH_LISTS, BPF_F_MMAPABLE);
#[map]
pub(crate) static BUCKETS: Array<NextHopId> = Array::with_max_entries(MAX_BUCKETS, BPF_F_MMAPABLE);
#[map]
pub(crate) static NEXT_HOPS: Array<NextHop> =
    Array::with_max_entries(MAX_NEXT_HOPS, BPF_F_MMAPABLE);
#[map]
pub(crate) static SETTINGS: Array<Settings> = Array::with_max_entries(1, BPF_F_MMAPABLE);
#[map]
pub(crate) static RECEIVED: Array<Counter> = Array::with_max_entries(MAX_PORTS, BPF_F_MMAPABLE);
#[map]
pub(crate) static VERDICTS: Array<Counter> =
    Array::with_max_entries(MAX_PORTS * Verdict::COUNT, BPF_F_MMAPABLE);
#[map]
pub(crate) static ROUTE_COUNTERS: Array<Counter> =
    Array::with_max_entries(MAX_ROUTES, BPF_F_MMAPABLE);
#[map]
pub(crate) static HEADERS: PerCpuArray<[u8; HEADERS_LENGTH]> = PerCpuArray::with_max_entries(1, 0);
