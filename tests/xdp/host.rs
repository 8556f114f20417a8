//! The program against itself: the same sources compiled for the host, over the same tables, must make of any
//! frame what the object makes of it, verdict and bytes. What differs is a fault of the compiler's work, of the
//! maps' layout, or of the way frames are read.

use router_common::map;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::port::PortConfig;
use router_common::prefix::{PrefixV4, PrefixV6};
use router_common::route::RouteId;
use router_common::verdict::Verdict;
use router_ebpf::forward::forward;
use router_ebpf::host::{Bytes, Memory};

use crate::bench::{Bench, SENDER};
use crate::frame::{self, DF, ICMP, ICMPV6, L3, MF, TCP, UDP, V4, V6, icmp, ports, set_checksum};
use crate::link_layer::can_split;
use crate::random::Random;

const SEED: u32 = 0xfeed_f00d;
const BUCKETS: u32 = 64;

/// The same routes in both; every bucket of the default routes leads to a neighbour of its own.
fn both() -> (Bench, Memory) {
    let mut bench = Bench::new();
    bench.set_seed(SEED);
    let neighbours: Vec<NextHop> = (0..BUCKETS)
        .map(|bucket| bench.neighbour([2, 0xec, 0, 0, 0, u8::try_from(bucket).unwrap()]))
        .collect();
    let ends = [
        ("203.0.113.0/24", "2001:db8:3::/48", Verdict::DropBlackhole),
        ("192.0.2.1/32", "2001:db8::1/128", Verdict::PassLocal),
        ("198.18.0.0/15", "2001:db8:4::/48", Verdict::PassNoNeighbour),
        ("100.64.0.0/10", "2001:db8:5::/48", Verdict::PassUnreachable),
    ];
    let mut memory = Memory {
        routes: vec![PathListId(0); 2],
        path_lists: vec![PathList { offset: 0, mask: 0 }],
        buckets: vec![NextHopId(0)],
        next_hops: vec![NextHop::terminal(Verdict::PassNoRoute)],
        seed: SEED,
        tx_ports: vec![bench.egress.index],
        ..Memory::default()
    };
    let mut add = |v4: &str, v6: &str, next_hops: &[NextHop]| {
        for prefix in [v4, v6] {
            let route = bench.route_over(prefix, next_hops);
            match prefix.parse().unwrap() {
                ipnet::IpNet::V4(net) => memory.v4.push((PrefixV4::from(net), route)),
                ipnet::IpNet::V6(net) => memory.v6.push((PrefixV6::from(net), route)),
            }
            let offset = u32::try_from(memory.buckets.len()).unwrap();
            for &next_hop in next_hops {
                let id = NextHopId(u32::try_from(memory.next_hops.len()).unwrap());
                memory.next_hops.push(next_hop);
                memory.buckets.push(id);
            }
            let list = PathListId(u32::try_from(memory.path_lists.len()).unwrap());
            let mask = u32::try_from(next_hops.len()).unwrap() - 1;
            memory.path_lists.push(PathList { offset, mask });
            assert_eq!(memory.routes.len(), route.0 as usize);
            memory.routes.push(list);
        }
    };
    add("0.0.0.0/0", "::/0", &neighbours);
    for (v4, v6, verdict) in ends {
        add(v4, v6, &[NextHop::terminal(verdict)]);
    }
    assert!(memory.routes.len() < map::MAX_ROUTES as usize);
    (bench, memory)
}

fn pick<T: Clone>(random: &mut Random, of: &[T]) -> T {
    of[usize::try_from(random.below(of.len() as u64)).unwrap()].clone()
}

fn v4(random: &mut Random) -> Vec<u8> {
    let destinations = [
        "198.51.100.7",
        "203.0.113.1",
        "192.0.2.1",
        "198.18.1.1",
        "100.64.1.1",
    ];
    let quoted = V4 {
        options: pick(random, &[vec![], vec![1; 8]]),
        ..V4::new("198.51.100.7", "192.0.2.9")
    };
    let payloads = [
        ports(40_000, 443),
        ports(0, 0xffff),
        icmp(8, 0, &[]),
        icmp(3, 4, &quoted.bytes()),
        icmp(11, 0, &quoted.bytes()[..24]),
        vec![0x5a; 1481],
        vec![],
    ];
    V4 {
        ttl: pick(random, &[0, 1, 2, 64, 255]),
        protocol: pick(random, &[TCP, UDP, ICMP, ICMP, 132, 50]),
        fragment: pick(random, &[0, 0, 0, DF, MF, 185]),
        options: pick(
            random,
            &[
                vec![],
                vec![],
                vec![1; 4],
                vec![7, 7, 4, 0, 0, 0, 0, 0x89],
                vec![1; 40],
            ],
        ),
        payload: pick(random, &payloads),
        ..V4::new("192.0.2.9", pick(random, &destinations))
    }
    .bytes()
}

fn v6(random: &mut Random) -> Vec<u8> {
    let destinations = [
        "2001:db8:1::7",
        "2001:db8:3::1",
        "2001:db8::1",
        "2001:db8:4::1",
        "2001:db8:5::1",
    ];
    let mut next_header = pick(random, &[TCP, UDP, ICMPV6, ICMPV6, 50, 44]);
    let quoted = V6 {
        next_header,
        ..V6::new("2001:db8:1::7", "2001:db8::9")
    };
    let mut payload = match next_header {
        ICMPV6 => pick(
            random,
            &[
                icmp(2, 0, &quoted.bytes()),
                icmp(128, 0, &[]),
                icmp(1, 0, &[0; 30]),
            ],
        ),
        44 => vec![UDP, 0, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4],
        _ => pick(random, &[ports(40_000, 443), vec![0x5a; 1461]]),
    };
    for _ in 0..random.below(10) {
        let units = pick(random, &[0u8, 0, 0, 1, 4]);
        let kind = pick(random, &[0, 43, 51, 60, 60, 135]);
        let length = if kind == 51 {
            8 + usize::from(units) * 4
        } else {
            8 + usize::from(units) * 8
        };
        let mut header = vec![0; length];
        header[0] = next_header;
        header[1] = units;
        header[2] = pick(random, &[0, 1, 5, 0xc2]);
        header.extend(payload);
        payload = header;
        next_header = kind;
    }
    V6 {
        hop_limit: pick(random, &[0, 1, 2, 64, 255]),
        next_header,
        flow_label: pick(random, &[0, 0xabcde]),
        payload,
        ..V6::new("2001:db8::9", pick(random, &destinations))
    }
    .bytes()
}

/// Mostly sensible frames, some with a few bytes changed, cut short or padded.
fn any_frame(random: &mut Random, bench: &Bench) -> Vec<u8> {
    let (ether_type, packet) = match random.below(2) {
        0 => (0x0800, v4(random)),
        _ => (0x86dd, v6(random)),
    };
    let mut frame = frame::ethernet(bench.ingress.mac, SENDER, ether_type, &packet);
    match random.below(8) {
        0 => frame.truncate(14 + usize::try_from(random.below(frame.len() as u64 - 13)).unwrap()),
        1 => frame.resize(
            frame.len() + usize::try_from(random.below(100)).unwrap(),
            0xee,
        ),
        2 => frame.resize(1700, 0xee),
        _ => {}
    }
    if random.below(2) == 0 {
        for _ in 0..=random.below(3) {
            let position = usize::try_from(random.below(frame.len().min(80) as u64)).unwrap();
            frame[position] = u8::try_from(random.below(256)).unwrap();
        }
        if frame.len() >= L3 + 20 && ether_type == 0x0800 && random.below(4) != 0 {
            set_checksum(&mut frame[L3..]);
        }
    }
    frame
}

#[test]
fn the_object_does_what_its_sources_do_on_the_host() {
    let (mut bench, memory) = both();
    let port = PortConfig {
        row: 1,
        mac: bench.ingress.mac,
        flags: PortConfig::FORWARDING,
    };
    let mut random = Random(7);
    let mut met = std::collections::BTreeMap::new();
    for _ in 0..20_000 {
        let frame = any_frame(&mut random, &bench);
        let mut expected = frame.clone();
        let verdict =
            forward(&mut Bytes(&mut expected), &memory, &port).unwrap_or_else(|stopped| stopped);
        *met.entry(verdict).or_insert(0) += 1;
        let run = if can_split() && random.below(4) == 0 {
            let linear = 14 + usize::try_from(random.below(frame.len() as u64 - 13)).unwrap();
            bench.run_split(&frame, linear)
        } else {
            bench.run(&frame)
        };
        assert_eq!(run.verdict, verdict, "{frame:02x?}");
        assert_eq!(run.output, expected, "{verdict} {frame:02x?}");
    }
    for (route, counter) in memory.counted.borrow().iter() {
        assert_eq!(bench.routed(*route), *counter, "{route:?}");
    }
    assert_eq!(bench.routed(RouteId::WITHDRAWN).packets, 0);
    for verdict in [
        Verdict::Forwarded,
        Verdict::DropBlackhole,
        Verdict::PassLocal,
        Verdict::PassTtlExpired,
        Verdict::PassIpOptions,
        Verdict::DropSourceRoute,
        Verdict::PassHopByHopRouterAlert,
        Verdict::PassTooBigDf,
        Verdict::PassTooBigFragment,
        Verdict::PassTooBigV6,
        Verdict::DropMalformedChecksum,
        Verdict::DropMalformedLength,
        Verdict::DropOtherHost,
    ] {
        assert!(
            met.get(&verdict).is_some_and(|&count| count > 5),
            "{verdict} not met: {met:?}"
        );
    }
}
