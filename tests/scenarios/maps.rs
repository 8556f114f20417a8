//! The contents of the kernel's maps, entry by entry, against a naive longest-prefix match that is computed here from
//! what was announced.
//!
//! Three speakers announce overlapping sets of random nested prefixes with paths of different lengths, so some prefixes
//! have one next hop and some share two or three. The prefixes of the host itself are in the maps as well: own
//! addresses, their subnets, and resolved neighbours.

mod random;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Result;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use lab::frame::Flow;
use lab::maps::{Exit, Maps};
use lab::peer::Speaker;
use lab::topology::Spoke;
use lab::{Capture, Pace, Sender, wait};
use router_common::next_hop::NextHop;
use router_common::route::RouteId;
use router_common::verdict::Verdict;

use self::random::{Random, random_prefixes};
use crate::world::{DEADLINE, Packet, World, is_marked_flow, neighbors, speaker};

const PREFIXES: usize = 1500;
const SPEAKERS: usize = 3;

/// What a prefix must lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Exits(BTreeSet<Exit>),
    Ends(Verdict),
}

/// The whole table as it must be: sorted by nothing, searched from end to end.
#[derive(Default)]
struct Reference(BTreeMap<IpNet, Fate>);

impl Reference {
    /// The longest prefix that contains the address.
    fn lookup(&self, address: IpAddr) -> Option<(&IpNet, &Fate)> {
        let containing = self
            .0
            .iter()
            .filter(|(prefix, _)| prefix.contains(&address));
        containing.max_by_key(|(prefix, _)| prefix.prefix_len())
    }
}

/// Which speaker announces what, with how long a path: the input of everything.
type Announced = Vec<BTreeMap<IpNet, usize>>;

fn announce(speakers: &[Speaker], announced: &Announced) {
    for (speaker, prefixes) in speakers.iter().zip(announced) {
        for length in 0..3 {
            let of_length: Vec<String> = prefixes
                .iter()
                .filter(|(_, path)| **path == length)
                .map(|(prefix, _)| prefix.to_string())
                .collect();
            let path: Vec<u32> = (0..u32::try_from(length).unwrap())
                .map(|n| 64900 + n)
                .collect();
            speaker.announce(&of_length, &path);
        }
    }
}

/// The shortest path wins, equal ones share.
fn best_exits(world: &World, announced: &Announced, prefix: &IpNet) -> BTreeSet<Exit> {
    let lengths = || announced.iter().map(|prefixes| prefixes.get(prefix));
    let shortest = lengths().flatten().min();
    let exits = lengths()
        .enumerate()
        .filter(|(_, length)| length.is_some() && *length == shortest)
        .map(|(speaker, _)| Exit::to(world.spoke(1 + speaker)));
    exits.collect()
}

fn host_prefix(address: IpAddr) -> IpNet {
    IpNet::from(address)
}

/// What the host itself puts in: addresses, subnets, broadcast and anycast, resolved neighbours.
fn host_routes(world: &World, reference: &mut Reference) {
    let mut ends = |prefix: IpNet, verdict| reference.0.insert(prefix, Fate::Ends(verdict));
    ends("127.0.0.0/8".parse().unwrap(), Verdict::PassLocal);
    ends("127.0.0.1/32".parse().unwrap(), Verdict::PassLocal);
    ends("::1/128".parse().unwrap(), Verdict::PassLocal);
    for spoke in &world.star.spokes {
        let v4 = IpNet::V4(Ipv4Net::new(spoke.router_v4(), 24).unwrap().trunc());
        let v6 = IpNet::V6(Ipv6Net::new(spoke.router_v6(), 64).unwrap().trunc());
        ends(v4, Verdict::PassNoNeighbour);
        ends(v6, Verdict::PassNoNeighbour);
        ends(host_prefix(spoke.router_v4().into()), Verdict::PassLocal);
        ends(host_prefix(spoke.router_v6().into()), Verdict::PassLocal);
        ends(host_prefix(v4.broadcast()), Verdict::PassLocalBroadcast);
        ends(host_prefix(v6.network()), Verdict::PassLocalAnycast);
    }
    for spoke in &world.star.spokes {
        for address in [IpAddr::V4(spoke.peer_v4()), IpAddr::V6(spoke.peer_v6())] {
            if is_resolved(spoke, address) {
                let exit = BTreeSet::from([Exit::to(spoke)]);
                reference.0.insert(host_prefix(address), Fate::Exits(exit));
            }
        }
    }
}

fn is_resolved(spoke: &Spoke, address: IpAddr) -> bool {
    let entry = spoke.router_port.node().neighbour(address).unwrap();
    entry.is_some_and(|entry| entry.mac.is_some())
}

fn reference(world: &World, announced: &Announced) -> Reference {
    let mut reference = Reference::default();
    let all: BTreeSet<&IpNet> = announced.iter().flat_map(BTreeMap::keys).collect();
    for prefix in all {
        let exits = best_exits(world, announced, prefix);
        reference.0.insert(*prefix, Fate::Exits(exits));
    }
    host_routes(world, &mut reference);
    reference
}

/// What the buckets of a route say.
fn fate_of(buckets: &[NextHop]) -> Fate {
    let ends: BTreeSet<Option<Verdict>> = buckets.iter().map(NextHop::fate).collect();
    let exits: BTreeSet<Exit> = buckets.iter().filter_map(Exit::of).collect();
    match ends.into_iter().flatten().next() {
        Some(verdict) if exits.is_empty() => Fate::Ends(verdict),
        Some(verdict) => panic!("{verdict:?} beside {exits:?}"),
        None => Fate::Exits(exits),
    }
}

/// Every entry of the maps against every entry of the reference, then every edge of every prefix.
fn compare(world: &World, announced: &Announced) -> Result<()> {
    let maps = Maps::of(&world.router)?;
    let count = || Ok::<_, anyhow::Error>(maps.prefixes()?.len());
    // Neighbours come and go by themselves; the moment must fit.
    let reference = wait::try_until(
        "the maps to have as many prefixes as they must",
        DEADLINE,
        || {
            let reference = reference(world, announced);
            (count().ok()? == reference.0.len()).then_some(reference)
        },
    );
    let reference = match reference {
        Ok(reference) => reference,
        Err(error) => {
            let wanted: BTreeSet<IpNet> = self::reference(world, announced).0.into_keys().collect();
            let found: BTreeSet<IpNet> = maps
                .prefixes()?
                .into_iter()
                .map(|(prefix, _)| prefix)
                .collect();
            let missing: Vec<_> = wanted.difference(&found).take(20).collect();
            let extra: Vec<_> = found.difference(&wanted).take(20).collect();
            panic!("{error}; missing {missing:?}, not wanted {extra:?}");
        }
    };
    wait::until("the contents of the maps to settle", DEADLINE, || {
        differences(&maps, &reference)
            .ok()?
            .is_empty()
            .then_some(())
    });
    assert_eq!(differences(&maps, &reference)?, Vec::<String>::new());

    let prefixes = maps.prefixes()?;
    let routes: BTreeSet<RouteId> = prefixes.iter().map(|(_, route)| *route).collect();
    assert_eq!(
        routes.len(),
        prefixes.len(),
        "two prefixes share a route id"
    );
    assert!(routes.iter().all(|route| *route >= RouteId::FIRST));

    let fates: HashMap<RouteId, Fate> = prefixes
        .iter()
        .map(|(_, route)| Ok((*route, fate_of(&maps.buckets(*route)?))))
        .collect::<Result<_>>()?;
    for address in edges(reference.0.keys()) {
        let found = maps.lookup(address)?.map(|route| &fates[&route]);
        let wanted = reference.lookup(address);
        assert_eq!(found, wanted.map(|(_, fate)| fate), "{address}: {wanted:?}");
    }
    Ok(())
}

/// In words, so that a failure says which entries differ.
fn differences(maps: &Maps, reference: &Reference) -> Result<Vec<String>> {
    let mut differences = Vec::new();
    let mut seen = BTreeSet::new();
    for (prefix, route) in maps.prefixes()? {
        seen.insert(prefix);
        let buckets = maps.buckets(route)?;
        let found = fate_of(&buckets);
        let wanted = reference.0.get(&prefix);
        if wanted != Some(&found) {
            differences.push(format!("{prefix}: {found:?} instead of {wanted:?}"));
        }
        let mut held: BTreeMap<Exit, usize> = BTreeMap::new();
        for exit in buckets.iter().filter_map(Exit::of) {
            *held.entry(exit).or_default() += 1;
        }
        let (least, most) = (held.values().min(), held.values().max());
        if most > least.map(|least| least + 1).as_ref() {
            differences.push(format!("{prefix}: shares {held:?}"));
        }
    }
    for missing in reference.0.keys().filter(|prefix| !seen.contains(prefix)) {
        differences.push(format!("{missing}: not there"));
    }
    Ok(differences)
}

/// The first and the last address of each prefix, and those just outside.
fn edges<'a>(prefixes: impl Iterator<Item = &'a IpNet>) -> BTreeSet<IpAddr> {
    let mut all = BTreeSet::new();
    for prefix in prefixes {
        all.insert(prefix.network());
        all.insert(prefix.broadcast());
        match (prefix.network(), prefix.broadcast()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                let before = first.to_bits().checked_sub(1);
                let after = last.to_bits().checked_add(1);
                all.extend(
                    [before, after]
                        .iter()
                        .flatten()
                        .map(|&bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
                );
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                let before = first.to_bits().checked_sub(1);
                let after = last.to_bits().checked_add(1);
                all.extend(
                    [before, after]
                        .iter()
                        .flatten()
                        .map(|&bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
                );
            }
            (first, last) => panic!("{first} and {last} are of two families"),
        }
    }
    all
}

/// Sends a packet to each address that leads to a peer, and checks where it comes out.
fn forward(world: &World, reference: &Reference, addresses: &[IpAddr]) -> Result<()> {
    let from = world.spoke(0);
    let captures: Vec<_> = world.star.spokes[1..]
        .iter()
        .map(|spoke| Capture::flows(&spoke.peer_port, is_marked_flow))
        .collect::<Result<_>>()?;
    let packets: Vec<Packet> = addresses
        .iter()
        .map(|address| Packet::new(from, &address.to_string(), 9))
        .collect();
    let frames: Vec<_> = packets.iter().map(|packet| packet.sent(from)).collect();
    Sender::open(&from.peer_port)?.send_all(&frames, Pace::PerSecond(10_000))?;
    wait::until("every packet to arrive", DEADLINE, || {
        let arrived: u64 = captures.iter().map(Capture::total).sum();
        (arrived >= frames.len() as u64).then_some(())
    });
    let mut came_out: HashMap<IpAddr, Exit> = HashMap::new();
    for (capture, spoke) in captures.into_iter().zip(&world.star.spokes[1..]) {
        for (flow, count) in capture.stop()?.state {
            let Flow { destination, .. } = flow;
            assert_eq!(
                (count, came_out.insert(destination, Exit::to(spoke))),
                (1, None)
            );
        }
    }
    for address in addresses {
        let (prefix, fate) = reference.lookup(*address).unwrap();
        let Fate::Exits(exits) = fate else {
            panic!("{address} in {prefix} is not forwarded");
        };
        assert!(exits.contains(&came_out[address]), "{address} in {prefix}");
    }
    Ok(())
}

#[test]
fn the_maps_are_what_a_naive_longest_prefix_match_says() -> Result<()> {
    let world = World::start("maps", 1 + u8::try_from(SPEAKERS)?, |config, star| {
        neighbors(config, star).parameter("bestpath.as-path.multipath-relax = true")
    })?;
    let speakers: Vec<Speaker> = world.star.spokes[1..].iter().map(speaker).collect();
    let mut random = Random(0x5eed_0f00_ba11);
    let mut announced: Announced = vec![BTreeMap::new(); SPEAKERS];
    for prefix in random_prefixes(PREFIXES, &mut random) {
        // Everything has one speaker at least, and a third has all of them.
        let first = usize::try_from(random.below(3)).unwrap();
        for (speaker, prefixes) in announced.iter_mut().enumerate() {
            if speaker == first || random.below(2) == 0 {
                let length = usize::try_from(random.below(3)).unwrap();
                prefixes.insert(prefix, length);
            }
        }
    }
    announce(&speakers, &announced);
    compare(&world, &announced)?;

    let table = reference(&world, &announced);
    let forwarded: Vec<IpAddr> = edges(announced[0].keys())
        .into_iter()
        .filter(|address| match table.lookup(*address) {
            Some((prefix, Fate::Exits(_))) => is_global(*address) && prefix.prefix_len() > 0,
            _ => false,
        })
        .take(1000)
        .collect();
    assert!(forwarded.len() > 500, "{}", forwarded.len());
    forward(&world, &table, &forwarded)?;

    // Half of what one speaker said is withdrawn, another one changes its mind about its paths.
    let gone: Vec<IpNet> = announced[0].keys().step_by(2).copied().collect();
    for prefix in &gone {
        announced[0].remove(prefix);
    }
    let words: Vec<String> = gone.iter().map(ToString::to_string).collect();
    speakers[0].withdraw(&words);
    for length in announced[1].values_mut() {
        *length = (*length + 1) % 3;
    }
    announce(&speakers, &announced);
    compare(&world, &announced)?;

    // A whole speaker leaves.
    announced[2].clear();
    let mut speakers = speakers;
    speakers.pop();
    compare(&world, &announced)?;
    world.router.assert_accounting();
    Ok(())
}

/// Addresses that a router may forward to at all.
fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => (20..24).contains(&address.octets()[0]),
        IpAddr::V6(address) => address.segments()[0] & 0xfff0 == 0x2a00,
    }
}
