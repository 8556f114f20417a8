//! Counters by prefix are exact, and survive a restart.

use std::collections::BTreeMap;

use anyhow::Result;
use lab::maps::wait_leads_to;
use lab::shown::Count;
use lab::{Capture, Pace, Sender};

use crate::world::{DEADLINE, Packet, World, is_marked, neighbors, speaker};

/// Each prefix, an address that belongs to it and to nothing longer, and how many packets it gets.
const TRAFFIC: [(&str, &str, u16); 6] = [
    ("203.0.113.0/24", "203.0.113.9", 137),
    ("203.0.113.128/25", "203.0.113.200", 41),
    ("203.0.113.200/32", "203.0.113.200", 59),
    ("198.51.0.0/16", "198.51.100.1", 1),
    ("2001:db8:113::/48", "2001:db8:113::1", 83),
    ("2001:db8:113:1::/64", "2001:db8:113:1::1", 17),
];

/// What is to be counted: packets of different lengths to each prefix.
fn traffic(world: &World) -> (Vec<Packet>, BTreeMap<&'static str, Count>) {
    let from = world.spoke(0);
    let mut packets = Vec::new();
    let mut wanted: BTreeMap<&str, Count> = BTreeMap::new();
    for (prefix, address, count) in TRAFFIC {
        // The longer prefix takes what goes to its address.
        let address = if prefix == "203.0.113.128/25" {
            "203.0.113.201"
        } else {
            address
        };
        for number in 0..count {
            let packet = Packet {
                payload: vec![7; usize::from(20 + number)],
                ..Packet::new(from, address, 5000 + number)
            };
            let counted = wanted.entry(prefix).or_default();
            counted.packets += 1;
            counted.bytes += packet.sent(from).len() as u64;
            packets.push(packet);
        }
    }
    (packets, wanted)
}

fn send(world: &World, packets: &[Packet]) -> Result<()> {
    let from = world.spoke(0);
    let capture = Capture::frames(&world.spoke(1).peer_port, is_marked)?;
    let frames: Vec<Vec<u8>> = packets.iter().map(|packet| packet.sent(from)).collect();
    Sender::open(&from.peer_port)?.send_all(&frames, Pace::PerSecond(20_000))?;
    capture.wait_for(packets.len(), DEADLINE)?;
    Ok(())
}

fn assert_counts(world: &World, wanted: &BTreeMap<&str, Count>, times: u64) -> Result<()> {
    for (prefix, count) in wanted {
        let wanted = Count {
            packets: count.packets * times,
            bytes: count.bytes * times,
        };
        assert_eq!(world.router.count_of(prefix)?, wanted, "{prefix}");
    }
    Ok(())
}

#[test]
fn every_prefix_counts_its_own_packets_and_bytes_whatever_becomes_of_the_daemon() -> Result<()> {
    let mut world = World::start("stats", 2, neighbors)?;
    // Who is told of no route has told all it has: the restarted router waits for everybody.
    let _silent = speaker(world.spoke(0));
    let speaker = speaker(world.spoke(1));
    let prefixes: Vec<&str> = TRAFFIC.iter().map(|(prefix, _, _)| *prefix).collect();
    speaker.announce(&prefixes, &[]);
    for prefix in &prefixes {
        wait_leads_to(&world.router, prefix, &[world.spoke(1)]);
    }
    let (packets, wanted) = traffic(&world);
    send(&world, &packets)?;
    assert_counts(&world, &wanted, 1)?;

    world.router.restart()?;
    speaker.wait_sessions(2);
    world.router.wait_settled();
    assert_counts(&world, &wanted, 1)?;
    send(&world, &packets)?;
    assert_counts(&world, &wanted, 2)?;

    world.router.kill9()?;
    // Nobody reads the counters meanwhile; the kernel counts on.
    send(&world, &packets)?;
    world.router.launch()?;
    speaker.wait_sessions(3);
    world.router.wait_settled();
    assert_counts(&world, &wanted, 3)?;
    world.router.assert_accounting();
    Ok(())
}

#[test]
fn a_withdrawn_prefix_leaves_its_count_in_the_total_and_starts_again_at_zero() -> Result<()> {
    let world = World::start("withdrawn", 2, neighbors)?;
    let (from, to) = (world.spoke(0), world.spoke(1));
    let speaker = speaker(to);
    let prefix = "203.0.113.0/24";
    let packets: Vec<Packet> = (0..30)
        .map(|number| Packet::new(from, "203.0.113.9", 6000 + number))
        .collect();
    speaker.announce(&[prefix], &[]);
    wait_leads_to(&world.router, prefix, &[to]);
    send(&world, &packets)?;
    assert_eq!(world.router.count_of(prefix)?.packets, 30);
    speaker.withdraw(&[prefix]);
    wait_leads_to(&world.router, prefix, &[]);
    let stats = lab::wait::until("the withdrawn count", DEADLINE, || {
        let stats = world.router.json(&["stats", "--interval", "0", "--json"]);
        stats
            .ok()
            .filter(|stats| stats["withdrawn"]["packets"] == 30)
    });
    assert!(stats["total"]["packets"].as_u64() >= Some(30), "{stats}");
    speaker.announce(&[prefix], &[]);
    wait_leads_to(&world.router, prefix, &[to]);
    assert_eq!(world.router.count_of(prefix)?, Count::default());
    send(&world, &packets)?;
    assert_eq!(world.router.count_of(prefix)?.packets, 30);
    world.router.assert_accounting();
    Ok(())
}

#[test]
fn the_busiest_prefixes_come_first() -> Result<()> {
    let world = World::start("top", 2, neighbors)?;
    let (from, to) = (world.spoke(0), world.spoke(1));
    let speaker = speaker(to);
    let prefixes = ["203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24"];
    speaker.announce(&prefixes, &[]);
    for prefix in prefixes {
        wait_leads_to(&world.router, prefix, &[to]);
    }
    let mut packets = Vec::new();
    for (address, count) in [("203.0.113.1", 20), ("198.51.100.1", 60), ("192.0.2.1", 40)] {
        packets.extend((0..count).map(|number| Packet::new(from, address, number)));
    }
    send(&world, &packets)?;
    let question = [
        "stats",
        "--top",
        "2",
        "--sort",
        "pkts",
        "--interval",
        "0",
        "-4",
        "--json",
    ];
    let stats = world.router.json(&question)?;
    let first: Vec<_> = (0..2)
        .map(|row| {
            (
                &stats["rows"][row]["prefix"],
                &stats["rows"][row]["packets"],
            )
        })
        .map(|(prefix, packets)| (prefix.as_str().unwrap(), packets.as_u64().unwrap()))
        .collect();
    assert_eq!(first, [("198.51.100.0/24", 60), ("192.0.2.0/24", 40)]);
    assert_eq!(stats["rows"].as_array().unwrap().len(), 2);
    world.router.assert_accounting();
    Ok(())
}
