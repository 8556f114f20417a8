//! Longest-prefix match: the tries against a sorted list and a loop. Entries are compared one by one as they
//! are read back; lookups are compared through the program, by the route that it counts the packet for.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use router_common::route::RouteId;

use crate::bench::Bench;
use crate::frame::{V4, V6};
use crate::random::Random;

type Table = BTreeMap<IpNet, RouteId>;

/// The longest of the prefixes that contain the address.
fn naive(table: &Table, address: IpAddr) -> RouteId {
    table
        .iter()
        .filter(|(prefix, _)| prefix.contains(&address))
        .max_by_key(|(prefix, _)| prefix.prefix_len())
        .map_or(RouteId::NO_ROUTE, |(_, &route)| route)
}

/// What the tries hold.
fn installed(bench: &mut Bench) -> Table {
    let mut table = Table::new();
    let v4 = bench.lpm_v4();
    for entry in v4.iter() {
        let (key, route) = entry.unwrap();
        let length = u8::try_from(key.prefix_len()).unwrap();
        let prefix = Ipv4Net::new(Ipv4Addr::from(key.data()), length).unwrap();
        assert_eq!(table.insert(IpNet::V4(prefix), route), None);
    }
    let v6 = bench.lpm_v6();
    for entry in v6.iter() {
        let (key, route) = entry.unwrap();
        let length = u8::try_from(key.prefix_len()).unwrap();
        let prefix = Ipv6Net::new(Ipv6Addr::from(key.data()), length).unwrap();
        assert_eq!(table.insert(IpNet::V6(prefix), route), None);
    }
    table
}

/// Few distinct bits at the front, so that prefixes nest.
fn random_v4(random: &mut Random) -> Ipv4Addr {
    let [a, b, c, d, ..] = random.next().to_le_bytes();
    Ipv4Addr::new([10, 11, 64, 198][usize::from(a & 3)], b & 3, c, d)
}

fn random_v6(random: &mut Random) -> Ipv6Addr {
    let high = 0x2001_0db8_0000_0000 | random.next() & 0x3_0003_0003;
    Ipv6Addr::from(u128::from(high) << 64 | u128::from(random.next()))
}

fn random_prefix(random: &mut Random) -> IpNet {
    if random.below(2) == 0 {
        let length = u8::try_from(random.below(33)).unwrap();
        Ipv4Net::new(random_v4(random), length)
            .unwrap()
            .trunc()
            .into()
    } else {
        let length = u8::try_from(random.below(129)).unwrap();
        Ipv6Net::new(random_v6(random), length)
            .unwrap()
            .trunc()
            .into()
    }
}

/// The edges of a prefix and what lies next to them.
fn edges(prefix: IpNet) -> Vec<IpAddr> {
    let (first, last) = (prefix.network(), prefix.broadcast());
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => {
            let (first, last) = (u32::from(first), u32::from(last));
            [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                .map(|address| Ipv4Addr::from(address).into())
                .to_vec()
        }
        (IpAddr::V6(first), IpAddr::V6(last)) => {
            let (first, last) = (u128::from(first), u128::from(last));
            [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
                .map(|address| Ipv6Addr::from(address).into())
                .to_vec()
        }
        _ => unreachable!("a prefix is of one family"),
    }
}

/// Whether packets for the address get as far as the lookup.
fn is_looked_up(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !matches!(address.octets()[0], 0 | 127 | 224..),
        IpAddr::V6(address) => (0x2000..0x4000).contains(&address.segments()[0]),
    }
}

#[track_caller]
fn assert_lookup(bench: &mut Bench, table: &Table, address: IpAddr) {
    let frame = match address {
        IpAddr::V4(destination) => bench.v4(&V4 {
            destination,
            ..V4::new("192.0.2.9", "0.0.0.0")
        }),
        IpAddr::V6(destination) => bench.v6(&V6 {
            destination,
            ..V6::new("2001:db8::9", "::")
        }),
    };
    let expected = naive(table, address);
    let before = bench.routed(expected).packets;
    bench.run(&frame);
    assert_eq!(
        bench.routed(expected).packets,
        before + 1,
        "{address} should match {expected:?}"
    );
}

#[test]
fn the_tries_agree_with_a_naive_longest_prefix_match_under_random_updates() {
    let mut bench = Bench::new();
    let mut random = Random(2026);
    let mut table = Table::new();
    let mut next = RouteId::FIRST.0;
    for round in 0..6 {
        // Grow, replace, shrink.
        for _ in 0..150 {
            let prefix = random_prefix(&mut random);
            let route = RouteId(next);
            next += 1;
            bench.bind(prefix, route);
            table.insert(prefix, route);
        }
        for _ in 0..if round < 3 { 30 } else { 170 } {
            let position = usize::try_from(random.below(table.len() as u64)).unwrap();
            let prefix = *table.keys().nth(position).unwrap();
            bench.unbind(prefix);
            table.remove(&prefix);
        }
        assert_eq!(installed(&mut bench), table, "round {round}");

        let mut addresses: Vec<IpAddr> = table.keys().flat_map(|&prefix| edges(prefix)).collect();
        addresses.extend((0..200).map(|_| IpAddr::from(random_v4(&mut random))));
        addresses.extend((0..200).map(|_| IpAddr::from(random_v6(&mut random))));
        for address in addresses
            .into_iter()
            .filter(|&address| is_looked_up(address))
        {
            assert_lookup(&mut bench, &table, address);
        }
    }
}

#[test]
fn nested_prefixes_from_default_to_host_serve_as_each_is_withdrawn() {
    let mut bench = Bench::new();
    let mut table = Table::new();
    let chains = [
        ("198.51.100.77", (0..=32).rev().collect::<Vec<u8>>()),
        ("2001:db8:1::7", (0..=128).rev().collect()),
    ];
    let mut next = RouteId::FIRST.0;
    for (address, lengths) in &chains {
        for &length in lengths {
            let prefix = IpNet::new(address.parse().unwrap(), length)
                .unwrap()
                .trunc();
            bench.bind(prefix, RouteId(next));
            table.insert(prefix, RouteId(next));
            next += 1;
        }
    }
    for (address, lengths) in &chains {
        let address = address.parse().unwrap();
        for &length in lengths {
            assert_lookup(&mut bench, &table, address);
            let prefix = IpNet::new(address, length).unwrap().trunc();
            bench.unbind(prefix);
            table.remove(&prefix);
        }
        assert_eq!(naive(&table, address), RouteId::NO_ROUTE);
        assert_lookup(&mut bench, &table, address);
    }
    assert_eq!(installed(&mut bench), table);
}
