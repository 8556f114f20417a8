//! The object itself: its maps, their layout, what it costs to verify.

use aya::maps::MapInfo;
use router_common::counter::Counter;
use router_common::map;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::port::{PortConfig, PortKey};
use router_common::prefix::{PrefixV4, PrefixV6};
use router_common::route::RouteId;
use router_common::settings::Settings;
use router_common::verdict::Verdict;

use crate::bench::{Bench, possible_cpus};

const BPF_F_NO_PREALLOC: u32 = 1;
const BPF_F_MMAPABLE: u32 = 1 << 10;

/// What the verifier of Linux 6.18 goes through, recorded when it last changed for a reason.
const VERIFIED_INSTRUCTIONS: u32 = 61_986;

#[test]
fn the_object_has_the_maps_of_the_abi_and_no_others() {
    let bench = Bench::new();
    let mut names = bench.map_names();
    names.sort();
    let mut expected = map::ALL.map(str::to_owned).to_vec();
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn every_map_has_the_layout_that_user_space_assumes() {
    let bench = Bench::new();
    let cpus = possible_cpus();
    let array = |name, value: usize, entries| (name, 4, value, entries, BPF_F_MMAPABLE);
    let rows = [
        (
            map::PORTS,
            size_of::<PortKey>(),
            size_of::<PortConfig>(),
            map::MAX_PORTS,
            0,
        ),
        (
            map::LPM_V4,
            size_of::<PrefixV4>(),
            size_of::<RouteId>(),
            map::MAX_PREFIXES_V4,
            BPF_F_NO_PREALLOC,
        ),
        (
            map::LPM_V6,
            size_of::<PrefixV6>(),
            size_of::<RouteId>(),
            map::MAX_PREFIXES_V6,
            BPF_F_NO_PREALLOC,
        ),
        array(map::ROUTES, size_of::<PathListId>(), map::MAX_ROUTES),
        array(map::PATH_LISTS, size_of::<PathList>(), map::MAX_PATH_LISTS),
        array(map::BUCKETS, size_of::<NextHopId>(), map::MAX_BUCKETS),
        array(map::NEXT_HOPS, size_of::<NextHop>(), map::MAX_NEXT_HOPS),
        array(map::SETTINGS, size_of::<Settings>(), 1),
        array(map::RECEIVED, size_of::<Counter>(), cpus * map::MAX_PORTS),
        array(
            map::VERDICTS,
            size_of::<Counter>(),
            cpus * map::MAX_PORTS * Verdict::COUNT,
        ),
        array(
            map::ROUTE_COUNTERS,
            size_of::<Counter>(),
            cpus * map::MAX_ROUTES,
        ),
    ];
    for (name, key, value, entries, flags) in rows {
        let info: MapInfo = bench.map_info(name);
        assert_eq!(info.key_size() as usize, key, "{name}: key");
        assert_eq!(info.value_size() as usize, value, "{name}: value");
        assert_eq!(info.max_entries(), entries, "{name}: entries");
        assert_eq!(
            info.map_flags() & (BPF_F_NO_PREALLOC | BPF_F_MMAPABLE),
            flags,
            "{name}: flags"
        );
    }
}

#[test]
fn verifying_does_not_grow_by_a_fifth_unnoticed() {
    let mut bench = Bench::new();
    let instructions = bench.verified_instructions();
    println!("verified instructions: {instructions}");
    assert!(
        instructions <= VERIFIED_INSTRUCTIONS + VERIFIED_INSTRUCTIONS / 5,
        "{instructions} instructions verified, {VERIFIED_INSTRUCTIONS} on record"
    );
}
