//! Section 3.1: ports, MAC addresses, tags, EtherTypes. Case 1, a frame shorter than an Ethernet header, is a
//! test of `router-ebpf` on the host: a test run refuses such frames.

use router_common::verdict::Verdict;

use crate::bench::{Bench, GATEWAY, SENDER};
use crate::frame::{self, DF, V4, V6, ethernet, icmp};

const BROADCAST: frame::Mac = [0xff; 6];

fn v4() -> V4 {
    V4::new("192.0.2.9", "198.51.100.7")
}

fn v6() -> V6 {
    V6::new("2001:db8::9", "2001:db8:1::7")
}

#[test]
fn case_2_headers_that_lie_in_the_fragments_of_a_frame_are_read_there() {
    if !can_split() {
        eprintln!("not run: before Linux 6.18 a test run cannot choose where a frame is split");
        return;
    }
    let mut bench = Bench::with_routes();
    for frame in [bench.v4(&v4()), bench.v6(&v6())] {
        let mut frame = frame;
        // Long enough to have fragments at all; padding behind the packet.
        frame.resize(1000, 0);
        for linear in [14, 15, 20, 33, 34, 40, 53, 54, 60, 700] {
            let run = bench.run_split(&frame, linear);
            assert_eq!(run.verdict, Verdict::Forwarded, "{linear} bytes linear");
            let expected = frame::forwarded(&frame, GATEWAY, bench.egress.mac);
            assert_eq!(run.output, expected, "{linear} bytes linear");
        }
    }
    let mut damaged = bench.v4(&v4());
    damaged[frame::L3 + 8] ^= 1;
    damaged.resize(1000, 0);
    let run = bench.run_split(&damaged, 14);
    assert_eq!(run.verdict, Verdict::DropMalformedChecksum);
    assert_eq!(run.output, damaged);
}

pub(crate) fn can_split() -> bool {
    let release = nix::sys::utsname::uname().unwrap().release().to_owned();
    let release = release.to_str().unwrap();
    let mut numbers = release
        .split(['.', '-'])
        .map_while(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(18))
}

#[test]
fn case_2_a_frame_of_several_buffers_is_forwarded_whole() {
    let mut bench = Bench::new();
    let mut gateway = bench.neighbour(GATEWAY);
    gateway.mtu = 9000;
    bench.route("198.51.100.0/24", gateway);
    let mut packet = v4();
    packet.fragment = DF;
    packet.payload.resize(8972, 0x5a);
    let frame = bench.v4(&packet);
    assert_eq!(frame.len(), 9006);
    bench.forwards(&frame);
}

#[test]
fn case_3_a_port_that_is_not_ours_to_route_on_passes_everything() {
    let mut bench = Bench::with_routes();
    let routable = bench.v4(&v4());
    let foreign = ethernet([2, 1, 1, 1, 1, 1], SENDER, 0x0800, &v4().bytes());
    for frame in [routable, foreign] {
        let run = bench.run_off(&frame);
        assert_eq!(run.verdict, Verdict::PassPortOff);
        assert_eq!(run.output, frame);
        let run = bench.run_stranger(&frame);
        assert_eq!(run.verdict, Verdict::PassPortOff);
        assert_eq!(run.output, frame);
    }
}

#[test]
fn case_4_a_source_mac_that_is_a_group_or_our_own_is_dropped() {
    let mut bench = Bench::with_routes();
    let own = bench.ingress.mac;
    for source in [
        BROADCAST,
        [0x03, 0, 0, 0, 0, 9],
        [0x01, 0, 0x5e, 0, 0, 1],
        own,
    ] {
        for destination in [own, BROADCAST] {
            let frame = ethernet(destination, source, 0x0800, &v4().bytes());
            bench.stops(&frame, Verdict::DropMalformedL2Source);
        }
    }
}

#[test]
fn case_5_a_frame_for_the_port_goes_on() {
    let mut bench = Bench::with_routes();
    let frame = bench.v4(&v4());
    bench.forwards(&frame);
    let frame = bench.v6(&v6());
    bench.forwards(&frame);
}

#[test]
fn case_6_a_link_layer_group_passes_whatever_is_inside() {
    let mut bench = Bench::with_routes();
    let solicitation = V6 {
        next_header: frame::ICMPV6,
        payload: icmp(135, 0, &[0; 16]),
        hop_limit: 255,
        ..V6::new("2001:db8::9", "ff02::1:ff00:7")
    };
    let report = V6 {
        next_header: 0,
        payload: vec![58, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0, 0, 0, 0, 0],
        ..V6::new("fe80::9", "ff02::16")
    };
    for (ether_type, payload, verdict) in [
        (0x0806, vec![0; 28], Verdict::PassL2GroupArp),
        (0x0800, v4().bytes(), Verdict::PassL2GroupData),
        (
            0x0800,
            V4::new("0.0.0.0", "255.255.255.255").bytes(),
            Verdict::PassL2GroupData,
        ),
        (
            0x0800,
            V4::new("192.0.2.9", "224.0.0.5").bytes(),
            Verdict::PassL2GroupControl,
        ),
        (
            0x0800,
            V4::new("192.0.2.9", "239.1.1.1").bytes(),
            Verdict::PassL2GroupData,
        ),
        (0x0800, vec![0; 4], Verdict::PassL2GroupData),
        (0x86dd, v6().bytes(), Verdict::PassL2GroupData),
        (0x86dd, solicitation.bytes(), Verdict::PassL2GroupNd),
        (0x86dd, report.bytes(), Verdict::PassL2GroupControl),
        (
            0x86dd,
            V6::new("2001:db8::9", "ff0e::1").bytes(),
            Verdict::PassL2GroupData,
        ),
        (0x86dd, vec![0x60; 8], Verdict::PassL2GroupData),
        (0x88cc, vec![0; 40], Verdict::PassL2GroupControl),
        (0x0026, vec![0; 60], Verdict::PassL2GroupControl),
    ] {
        for destination in [
            BROADCAST,
            [0x01, 0x80, 0xc2, 0, 0, 0x0e],
            [0x33, 0x33, 0, 0, 0, 1],
        ] {
            let frame = ethernet(destination, SENDER, ether_type, &payload);
            bench.stops(&frame, verdict);
        }
    }
}

#[test]
fn case_7_a_frame_for_another_mac_is_dropped() {
    let mut bench = Bench::with_routes();
    let mut neighbouring = bench.ingress.mac;
    neighbouring[5] ^= 0x80;
    for destination in [[2, 1, 1, 1, 1, 1], neighbouring, bench.egress.mac] {
        for (ether_type, payload) in [
            (0x0800, v4().bytes()),
            (0x86dd, v6().bytes()),
            (0x0806, vec![0; 28]),
        ] {
            let frame = ethernet(destination, SENDER, ether_type, &payload);
            bench.stops(&frame, Verdict::DropOtherHost);
        }
    }
}

/// There are no VLAN interfaces, so a tag of whatever kind and number is the kernel's: cases 9 to 13.
#[test]
fn case_13_tagged_frames_pass() {
    let mut bench = Bench::with_routes();
    for tag in [0x8100, 0x88a8, 0x9100] {
        for vid in [0u16, 1, 100, 4094] {
            for destination in [bench.ingress.mac, BROADCAST] {
                let mut payload = vid.to_be_bytes().to_vec();
                payload.extend([0x08, 0x00]);
                payload.extend(v4().bytes());
                let frame = ethernet(destination, SENDER, tag, &payload);
                bench.stops(&frame, Verdict::PassNotIpTags);
            }
        }
    }
}

#[test]
fn case_16_what_is_not_ip_passes() {
    let mut bench = Bench::with_routes();
    for (ether_type, verdict) in [
        (0x0806, Verdict::PassNotIpArp),
        (0x88cc, Verdict::PassNotIpControl),
        (0x8809, Verdict::PassNotIpControl),
        (0x888e, Verdict::PassNotIpControl),
        (0x0000, Verdict::PassNotIpControl),
        (0x05dc, Verdict::PassNotIpControl),
        (0x05ff, Verdict::PassNotIpControl),
        (0x0600, Verdict::PassNotIpOther),
        (0x8863, Verdict::PassNotIpOther),
        (0x8864, Verdict::PassNotIpOther),
        (0x8847, Verdict::PassNotIpOther),
        (0x0008, Verdict::PassNotIpControl),
        (0xdd86, Verdict::PassNotIpOther),
    ] {
        // The payload is a packet that would be forwarded: the EtherType alone decides.
        let frame = ethernet(bench.ingress.mac, SENDER, ether_type, &v4().bytes());
        bench.stops(&frame, verdict);
    }
    let empty = ethernet(bench.ingress.mac, SENDER, 0x0806, &[]);
    bench.stops(&empty, Verdict::PassNotIpArp);
}
