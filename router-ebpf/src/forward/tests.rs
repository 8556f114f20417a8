//! The order of checks, and what no packet may do to the program. The cases one by one are tests of the object,
//! `tests/xdp`.

use router_common::ipv4::{fold, sum};
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::prefix::{PrefixV4, PrefixV6};

use super::*;
use crate::host::{Bytes, Memory};

const OWN: [u8; 6] = [2, 0, 0, 0, 0, 1];
const SENDER: [u8; 6] = [2, 0, 0, 0, 0, 2];
const NEIGHBOUR: [u8; 6] = [2, 0, 0, 0, 0, 3];
const EGRESS_MAC: [u8; 6] = [2, 0, 0, 0, 0, 4];
const EGRESS: u32 = 7;

const PORT: PortConfig = PortConfig {
    row: 1,
    mac: OWN,
    flags: PortConfig::FORWARDING,
};

/// Both default routes over one next hop.
fn tables(next_hop: NextHop) -> Memory {
    let length = 0;
    let (v4, v6) = ([0; 4], [0; 16]);
    Memory {
        v4: vec![(
            PrefixV4 {
                length,
                address: v4,
            },
            RouteId::FIRST,
        )],
        v6: vec![(
            PrefixV6 {
                length,
                address: v6,
            },
            RouteId::FIRST,
        )],
        routes: vec![PathListId(0), PathListId(0), PathListId(1)],
        path_lists: vec![
            PathList { offset: 0, mask: 0 },
            PathList { offset: 1, mask: 0 },
        ],
        buckets: vec![NextHopId(0), NextHopId(1)],
        next_hops: vec![NextHop::terminal(Verdict::PassNoRoute), next_hop],
        tx_ports: vec![EGRESS],
        ..Memory::default()
    }
}

fn neighbour() -> NextHop {
    NextHop {
        egress: EGRESS,
        mtu: 1500,
        vlan: 0,
        neighbour: NextHop::neighbour_word(NEIGHBOUR),
        source_mac: EGRESS_MAC,
        verdict: 0,
    }
}

/// A frame that is forwarded, of 34 bytes.
fn frame() -> Vec<u8> {
    let mut header = [
        0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7,
    ];
    set_checksum(&mut header);
    let mut frame = [OWN, SENDER].concat();
    frame.extend([0x08, 0x00]);
    frame.extend(header);
    frame
}

fn set_checksum(header: &mut [u8; 20]) {
    header[10..12].fill(0);
    let checksum = !fold(sum(bytemuck::cast(*header)));
    header[10..12].copy_from_slice(&checksum.to_ne_bytes());
}

fn run(frame: &mut [u8], tables: &Memory) -> Verdict {
    forward(&mut Bytes(frame), tables, &PORT).unwrap_or_else(|stopped| stopped)
}

#[test]
fn case_1_a_frame_shorter_than_its_link_layer_header_is_a_runt() {
    let frame = frame();
    for length in 0..14 {
        let mut runt = frame[..length].to_vec();
        let verdict = run(&mut runt, &tables(neighbour()));
        assert_eq!(verdict, Verdict::DropMalformedRunt);
    }
}

#[test]
fn a_forwarded_packet_is_counted_rewritten_and_its_redirect_requested() {
    let tables = tables(neighbour());
    let mut frame = frame();
    assert_eq!(run(&mut frame, &tables), Verdict::Forwarded);
    assert_eq!(frame[..6], NEIGHBOUR);
    assert_eq!(frame[6..12], EGRESS_MAC);
    assert_eq!(frame[22], 63);
    let header: [u8; 20] = frame[14..].try_into().unwrap();
    assert_eq!(fold(sum(bytemuck::cast(header))), 0xffff);
    assert_eq!(tables.redirect.get(), Some(EGRESS));
    let counted = tables.counted.borrow()[&RouteId::FIRST];
    assert_eq!((counted.packets, counted.bytes), (1, 34));
}

struct Arrival {
    destination: [u8; 6],
    header: [u8; 20],
    next_hop: NextHop,
}

/// Each row breaks one more thing than the row above it, in the reverse of the order of checks: the fate is
/// always that of the latest breakage.
#[test]
fn the_first_check_that_fails_decides() {
    type Breakage = fn(&mut Arrival);
    let rows: [(Breakage, Verdict); 15] = [
        (|_| {}, Verdict::Forwarded),
        (
            |it| it.header[2..4].copy_from_slice(&[7, 208]),
            Verdict::PassTooBigFragment,
        ),
        (
            |it| it.next_hop.egress = EGRESS + 1,
            Verdict::PassNoPortNotAttached,
        ),
        (
            |it| it.next_hop.neighbour = [0; 8],
            Verdict::PassNoNeighbour,
        ),
        (|it| it.header[8] = 1, Verdict::PassTtlExpired),
        (
            |it| it.next_hop = NextHop::terminal(Verdict::PassUnreachable),
            Verdict::PassUnreachable,
        ),
        (|it| it.header[0] = 0x46, Verdict::PassIpOptions),
        (
            |it| it.next_hop = NextHop::terminal(Verdict::DropBlackhole),
            Verdict::DropBlackhole,
        ),
        (|it| it.header[16] = 127, Verdict::DropMartianDestination),
        (|it| it.header[12] = 0, Verdict::DropMartianSource),
        (|it| it.header[11] ^= 1, Verdict::DropMalformedChecksum),
        (|it| it.header[2] = 0xff, Verdict::DropMalformedLength),
        (|it| it.header[0] = 0x44, Verdict::DropMalformedIhl),
        (|it| it.header[0] = 0x54, Verdict::DropMalformedVersion),
        (|it| it.destination[5] = 9, Verdict::DropOtherHost),
    ];
    let mut arrival = Arrival {
        destination: OWN,
        header: frame()[14..].try_into().unwrap(),
        next_hop: neighbour(),
    };
    let mut checksum_is_kept_right = true;
    for (breakage, verdict) in rows {
        breakage(&mut arrival);
        checksum_is_kept_right &= verdict != Verdict::DropMalformedChecksum;
        if checksum_is_kept_right {
            set_checksum(&mut arrival.header);
        }
        let mut frame = [arrival.destination, SENDER].concat();
        frame.extend([0x08, 0x00]);
        frame.extend(arrival.header);
        // Behind the header zeros, which are also the end of an option list.
        frame.resize(14 + 2000, 0);
        let before = frame.clone();
        assert_eq!(run(&mut frame, &tables(arrival.next_hop)), verdict);
        assert_eq!(frame == before, verdict != Verdict::Forwarded);
    }
}

/// An id out of range anywhere behind the lookup is a bug of the writer, and costs the packet its way, not the
/// program its life.
#[test]
fn a_broken_table_passes_to_the_kernel() {
    type Breakage = fn(&mut Memory);
    let breakages: [Breakage; 4] = [
        |tables| tables.routes.truncate(1),
        |tables| tables.path_lists.truncate(1),
        |tables| tables.buckets.truncate(1),
        |tables| tables.next_hops.truncate(1),
    ];
    for breakage in breakages {
        let mut tables = tables(neighbour());
        breakage(&mut tables);
        assert_eq!(run(&mut frame(), &tables), Verdict::PassNoRoute);
    }
    // A row that no verdict has is no fate: the next hop is a port like any other.
    let unknown = NextHop {
        verdict: u16::MAX,
        ..neighbour()
    };
    assert_eq!(run(&mut frame(), &tables(unknown)), Verdict::Forwarded);
}

#[test]
fn no_bytes_are_too_strange_and_only_forwarded_frames_change() {
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 33) as usize
    };
    let mut tables = tables(neighbour());
    tables.path_lists[1].mask = 1;
    tables.buckets.push(NextHopId(1));
    for _ in 0..200_000 {
        let mut frame = frame();
        frame.resize(14 + random() % 120, 0);
        for _ in 0..random() % 8 {
            let position = 12 + random() % 60;
            if let Some(byte) = frame.get_mut(position) {
                *byte = random().to_le_bytes()[0];
            }
        }
        if random() % 2 == 0 && frame.len() > 54 {
            frame[12..14].copy_from_slice(&[0x86, 0xdd]);
            frame[14] = 0x60;
        } else if let Some(header) = frame.get_mut(14..34) {
            let mut fixed: [u8; 20] = (&*header).try_into().unwrap();
            set_checksum(&mut fixed);
            header.copy_from_slice(&fixed);
        }
        let before = frame.clone();
        let verdict = run(&mut frame, &tables);
        assert_ne!(verdict, Verdict::Unset);
        assert_eq!(frame.len(), before.len());
        if verdict != Verdict::Forwarded {
            assert_eq!(frame, before, "{verdict}");
        }
        assert_eq!(run(&mut before.clone(), &tables), verdict, "the same again");
    }
}
