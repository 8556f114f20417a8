//! Static, connected and local routes with real frames: what leaves is compared byte by byte.

use anyhow::Result;
use lab::frame::{Ethernet, Frame, Icmp, Ipv4, Ipv6};
use lab::maps::wait_leads_to;
use lab::topology::Spoke;
use lab::{Capture, Pace, Sender, wait};

use crate::world::{DEADLINE, Packet, World, assert_forwarded, is_marked};

const STATICS: &str = r#"
[protocols.static.route."203.0.113.0/24"]
next-hop."10.0.1.2" = {}
[protocols.static.route."192.0.2.0/24"]
blackhole = {}
[protocols.static.route."192.0.2.64/26"]
reject = {}
[protocols.static.route6."2001:db8:113::/48"]
next-hop."fd00:0:0:1::2" = {}
[protocols.static.route6."2001:db8:2::/48"]
blackhole = {}
"#;

fn world(name: &str) -> Result<World> {
    let world = World::start(name, 2, |config, _| config.with(STATICS))?;
    wait_leads_to(&world.router, "203.0.113.0/24", &[world.spoke(1)]);
    wait_leads_to(&world.router, "2001:db8:113::/48", &[world.spoke(1)]);
    Ok(world)
}

/// Sends the packets and waits until a verdict has counted all of them.
fn assert_verdict(world: &World, verdict: &str, packets: &[Packet]) -> Result<()> {
    let from = world.spoke(0);
    let before = world.router.verdict(verdict)?.packets;
    let frames: Vec<Vec<u8>> = packets.iter().map(|packet| packet.sent(from)).collect();
    Sender::open(&from.peer_port)?.send_all(&frames, Pace::Unlimited)?;
    let what = format!("{} packets to be {verdict}", packets.len());
    let counted = wait::until(&what, DEADLINE, || {
        let counted = world.router.verdict(verdict).ok()?.packets - before;
        (counted >= packets.len() as u64).then_some(counted)
    });
    assert_eq!(counted, packets.len() as u64, "{verdict}");
    Ok(())
}

#[test]
fn a_static_route_forwards_with_every_byte_as_it_should_be() -> Result<()> {
    let world = world("static")?;
    let (from, to) = (world.spoke(0), world.spoke(1));
    for destination in ["203.0.113.9", "2001:db8:113::9"] {
        let packets: Vec<Packet> = (0..500_u16)
            .map(|number| Packet {
                payload: vec![0xa5; usize::from(number)],
                ..Packet::new(from, destination, 1000 + number)
            })
            .collect();
        let before = world.router.verdict("Forwarded")?.packets;
        assert_forwarded(from, to, &packets)?;
        assert_eq!(world.router.verdict("Forwarded")?.packets - before, 500);
    }
    world.router.assert_accounting();
    Ok(())
}

#[test]
fn a_blackhole_swallows_and_a_reject_is_left_to_the_kernel() -> Result<()> {
    let world = world("blackhole")?;
    let from = world.spoke(0);
    let capture = Capture::frames(&world.spoke(1).peer_port, is_marked)?;
    let packets = |destination: &str| -> Vec<Packet> {
        (0..50)
            .map(|number| Packet::new(from, destination, 1000 + number))
            .collect()
    };
    assert_verdict(&world, "DropBlackhole", &packets("192.0.2.1"))?;
    assert_verdict(&world, "DropBlackhole", &packets("2001:db8:2::1"))?;
    assert_verdict(&world, "PassUnreachable", &packets("192.0.2.65"))?;
    assert_verdict(&world, "PassNoRoute", &packets("100.64.0.1"))?;
    assert_eq!(capture.stop()?.state, Vec::<Vec<u8>>::new());
    let total = world.router.assert_accounting();
    assert_eq!(total["dropped"]["packets"], 100);
    Ok(())
}

#[test]
fn a_connected_host_is_reached_from_the_first_packet_on_and_then_without_the_kernel() -> Result<()>
{
    let world = World::start("connected", 2, |config, _| config)?;
    let (from, to) = (world.spoke(0), world.spoke(1));
    for destination in [to.peer_v4().to_string(), to.peer_v6().to_string()] {
        // Nobody has resolved the host: the kernel gets the packet, resolves and forwards it.
        assert_forwarded(from, to, &[Packet::new(from, &destination, 1)])?;
        let length = if destination.contains(':') { 128 } else { 32 };
        wait_leads_to(&world.router, &format!("{destination}/{length}"), &[to]);
        let before = world.router.verdict("Forwarded")?.packets;
        let packets: Vec<Packet> = (2..102)
            .map(|number| Packet::new(from, &destination, number))
            .collect();
        assert_forwarded(from, to, &packets)?;
        assert_eq!(world.router.verdict("Forwarded")?.packets - before, 100);
    }
    world.router.assert_accounting();
    Ok(())
}

/// An echo request to the far address of the router, as the peer of `from` sends it.
fn echo_requests(from: &Spoke, far: &Spoke, hops: u8) -> [Vec<u8>; 2] {
    let ethernet = || Ethernet::new(from.router_port.mac(), from.peer_port.mac());
    let v4 = Frame::new(ethernet())
        .ipv4(Ipv4 {
            ttl: hops,
            ..Ipv4::new(from.peer_v4(), far.router_v4())
        })
        .icmp(Icmp::echo_request(7, 1))
        .payload(b"ping")
        .build();
    let v6 = Frame::new(ethernet())
        .ipv6(Ipv6 {
            hop_limit: hops,
            ..Ipv6::new(from.peer_v6(), far.router_v6())
        })
        .icmp(Icmp::echo_request_v6(7, 1))
        .payload(b"ping")
        .build();
    [v4, v6]
}

/// ICMP of one type, from the router to the peer of `from`.
fn icmp(from: &Spoke, offset: usize, kind: u8) -> Result<Capture<Vec<Vec<u8>>>> {
    let router = from.router_port.mac();
    Capture::frames(&from.peer_port, move |frame| {
        let protocol = if offset == 34 {
            frame.get(23)
        } else {
            frame.get(20)
        };
        frame.get(6..12) == Some(router.0.as_slice())
            && matches!(protocol, Some(1 | 58))
            && frame.get(offset) == Some(&kind)
    })
}

#[test]
fn the_kernel_answers_for_the_routers_own_addresses_whatever_the_hop_limit() -> Result<()> {
    let world = world("local")?;
    let (from, far) = (world.spoke(0), world.spoke(1));
    let sender = Sender::open(&from.peer_port)?;
    for hops in [64, 1] {
        let [v4, v6] = echo_requests(from, far, hops);
        let (replies_v4, replies_v6) = (icmp(from, 34, 0)?, icmp(from, 54, 129)?);
        sender.send(&v4)?;
        sender.send(&v6)?;
        replies_v4.wait_for(1, DEADLINE)?;
        replies_v6.wait_for(1, DEADLINE)?;
    }
    world.router.assert_accounting();
    Ok(())
}

#[test]
fn the_kernel_answers_when_the_hops_are_used_up() -> Result<()> {
    let world = world("ttl")?;
    let from = world.spoke(0);
    let sender = Sender::open(&from.peer_port)?;
    for (destination, offset, kind) in [("203.0.113.9", 34, 11), ("2001:db8:113::9", 54, 3)] {
        let packet = Packet::new(from, destination, 1);
        let exceeded = icmp(from, offset, kind)?;
        sender.send(&packet.frame(from.router_port.mac(), from.peer_port.mac(), 1))?;
        // The kernel needs a route of its own to tell an expired packet from an unreachable one.
        let answer = exceeded.wait_for(1, DEADLINE);
        assert!(answer.is_ok(), "no time exceeded for {destination}");
    }
    assert_eq!(world.router.verdict("PassTtlExpired")?.packets, 2);
    world.router.assert_accounting();
    Ok(())
}
