//! Flows spread over equal paths, and stay where they are when they can.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Result;
use lab::frame::Flow;
use lab::maps::{Maps, wait_leads_to};
use lab::peer::Speaker;
use lab::topology::Spoke;

use crate::world::{Packet, Sample, V4, V6, World, neighbors, speaker, where_flows_go};

const FLOWS: u16 = 4000;
/// A quarter of the flows, five standard deviations of a fair draw to each side.
const FAIR: std::ops::RangeInclusive<usize> = 865..=1135;

/// Spoke 0 sends; a speaker on each of the others announces the sample's prefix.
struct Shared {
    world: World,
    speakers: Vec<Speaker>,
}

impl Shared {
    fn start(name: &str, peers: u8, sample: Sample) -> Result<Self> {
        let world = World::start(name, peers + 1, |config, star| {
            neighbors(config, star).parameter("bestpath.as-path.multipath-relax = true")
        })?;
        let speakers: Vec<Speaker> = world.star.spokes[1..].iter().map(speaker).collect();
        for speaker in &speakers {
            speaker.announce(&[sample.prefix], &[]);
        }
        let shared = Self { world, speakers };
        wait_leads_to(&shared.world.router, sample.prefix, &shared.peers());
        Ok(shared)
    }

    fn peers(&self) -> Vec<&Spoke> {
        self.world.star.spokes[1..].iter().collect()
    }

    fn ways(&self, sample: Sample) -> Result<HashMap<Flow, usize>> {
        let from = self.world.spoke(0);
        let packets: Vec<Packet> = (0..FLOWS)
            .map(|number| Packet::new(from, sample.address, 1024 + number))
            .collect();
        where_flows_go(from, &self.peers(), &packets)
    }
}

fn moved(before: &HashMap<Flow, usize>, after: &HashMap<Flow, usize>) -> HashSet<Flow> {
    let moved = before.iter().filter(|(flow, way)| after[flow] != **way);
    moved.map(|(flow, _)| *flow).collect()
}

fn shares(ways: &HashMap<Flow, usize>) -> BTreeMap<usize, usize> {
    let mut shares = BTreeMap::new();
    for &way in ways.values() {
        *shares.entry(way).or_default() += 1;
    }
    shares
}

/// Losing a path moves its flows and no other; its return moves flows to it and no other.
fn one_of_four_leaves_and_returns(sample: Sample) -> Result<()> {
    let shared = Shared::start("ecmp", 4, sample)?;
    let router = &shared.world.router;
    let before = shared.ways(sample)?;
    let found = shares(&before);
    assert!(
        found.len() == 4 && found.values().all(|share| FAIR.contains(share)),
        "shares of {FLOWS} flows: {found:?}"
    );
    assert_eq!(shared.ways(sample)?, before, "flows moved by themselves");

    shared.speakers[1].withdraw(&[sample.prefix]);
    let peers = shared.peers();
    wait_leads_to(router, sample.prefix, &[peers[0], peers[2], peers[3]]);
    let without = shared.ways(sample)?;
    let lost: HashSet<Flow> = before
        .iter()
        .filter(|(_, way)| **way == 1)
        .map(|(flow, _)| *flow)
        .collect();
    assert_eq!(moved(&before, &without), lost, "flows that moved");

    shared.speakers[1].announce(&[sample.prefix], &[]);
    wait_leads_to(router, sample.prefix, &peers);
    let back = shared.ways(sample)?;
    let needless = moved(&without, &back)
        .iter()
        .filter(|flow| back[flow] != 1)
        .count();
    assert_eq!(needless, 0, "flows that moved between paths that stayed");
    let found = shares(&back);
    assert!(
        FAIR.contains(&found[&1]),
        "shares of {FLOWS} flows: {found:?}"
    );
    router.assert_accounting();
    Ok(())
}

#[test]
fn ipv4_flows_stay_when_another_path_leaves_or_returns() -> Result<()> {
    one_of_four_leaves_and_returns(V4)
}

#[test]
fn ipv6_flows_stay_when_another_path_leaves_or_returns() -> Result<()> {
    one_of_four_leaves_and_returns(V6)
}

#[test]
fn buckets_are_shared_out_evenly_and_shown_as_they_are() -> Result<()> {
    let shared = Shared::start("buckets", 3, V4)?;
    let router = &shared.world.router;
    let buckets = Maps::of(router)?.buckets_of(V4.prefix)?.unwrap();
    let mut held = BTreeMap::new();
    for next_hop in &buckets {
        *held.entry(next_hop.egress).or_insert(0_u64) += 1;
    }
    let (least, most) = (held.values().min().unwrap(), held.values().max().unwrap());
    assert!(most - least <= 1, "buckets by interface: {held:?}");
    let shown: BTreeMap<u32, u64> = router.wait_show(
        "the route with its buckets",
        &["route", V4.prefix],
        |answer| {
            let next_hops = answer[V4.prefix][0]["nexthops"].as_array()?;
            next_hops
                .iter()
                .map(|next_hop| {
                    let index = next_hop["interfaceIndex"].as_u64()?;
                    Some((u32::try_from(index).ok()?, next_hop["buckets"].as_u64()?))
                })
                .collect()
        },
    );
    assert_eq!(shown, held);
    router.assert_accounting();
    Ok(())
}

#[test]
fn without_relaxing_only_paths_through_one_as_share() -> Result<()> {
    let world = World::start("strict", 4, neighbors)?;
    let speakers: Vec<Speaker> = world.star.spokes[1..].iter().map(speaker).collect();
    for speaker in &speakers {
        speaker.announce(&[V4.prefix], &[]);
    }
    let paths = world.router.wait_bgp_paths(V4.prefix, 3);
    let multipath = paths
        .iter()
        .filter(|path| path["multipath"] == true)
        .count();
    assert!(multipath <= 1, "{paths:?}");
    // All else equal, the lowest router id decides.
    wait_leads_to(&world.router, V4.prefix, &[world.spoke(1)]);
    world.router.assert_accounting();
    Ok(())
}
