//! A link that goes down is repaired at once, long before a hold timer could tell.

use std::time::{Duration, Instant};

use anyhow::Result;
use lab::Port;
use lab::maps::{Maps, wait_leads_to};
use lab::peer::Speaker;
use lab::topology::Spoke;

use crate::world::{Packet, V4, World, neighbors, speaker, where_flows_go};

/// The sessions' hold time is 90 s. This leaves room for a busy machine, and none for a timer.
const AT_ONCE: Duration = Duration::from_secs(15);
const FLOWS: u16 = 400;

fn packets(from: &Spoke) -> Vec<Packet> {
    (0..FLOWS)
        .map(|number| Packet::new(from, V4.address, 3000 + number))
        .collect()
}

/// Two paths; the link of one goes `down` and comes `up` again.
fn repaired(name: &str, port: impl Fn(&Spoke) -> &Port) -> Result<()> {
    let world = World::start(name, 3, |config, star| {
        neighbors(config, star).parameter("bestpath.as-path.multipath-relax = true")
    })?;
    let speakers: Vec<Speaker> = world.star.spokes[1..].iter().map(speaker).collect();
    for speaker in &speakers {
        speaker.announce(&[V4.prefix], &[]);
    }
    let (from, left, right) = (world.spoke(0), world.spoke(1), world.spoke(2));
    wait_leads_to(&world.router, V4.prefix, &[left, right]);
    where_flows_go(from, &[left, right], &packets(from))?;

    port(left).down()?;
    let down = Instant::now();
    wait_leads_to(&world.router, V4.prefix, &[right]);
    let took = down.elapsed();
    assert!(took < AT_ONCE, "the repair took {took:?}");
    // All of them arrive at the one that is left.
    where_flows_go(from, &[right], &packets(from))?;

    port(left).up()?;
    port(left).wait_ready()?;
    wait_leads_to(&world.router, V4.prefix, &[left, right]);
    let after = where_flows_go(from, &[left, right], &packets(from))?;
    let back = after.values().filter(|&&way| way == 0).count();
    assert!(
        (140..=260).contains(&back),
        "{back} of {FLOWS} flows came back"
    );
    world.router.assert_accounting();
    Ok(())
}

#[test]
fn the_far_end_loses_its_carrier() -> Result<()> {
    repaired("carrier", |spoke| &spoke.peer_port)
}

#[test]
fn the_routers_own_port_is_taken_down() -> Result<()> {
    repaired("admin", |spoke| &spoke.router_port)
}

#[test]
fn a_neighbour_with_another_mac_is_followed_in_place() -> Result<()> {
    let world = World::start("mac", 2, neighbors)?;
    let (from, to) = (world.spoke(0), world.spoke(1));
    let speaker = speaker(to);
    speaker.announce(&[V4.prefix], &[]);
    wait_leads_to(&world.router, V4.prefix, &[to]);
    let mac = lab::MacAddress([2, 0, 0, 0, 0, 0x77]);
    to.peer_port.set_mac(mac)?;
    // As a host does that takes an address over: it says so.
    let own = (mac, to.peer_v4());
    let gratuitous =
        lab::frame::Frame::new(lab::frame::Ethernet::new(lab::MacAddress([0xff; 6]), mac))
            .arp(lab::frame::Arp::reply(own, own))
            .pad_to(60)
            .build();
    let sender = lab::Sender::open(&to.peer_port)?;
    let what = "the maps to have the new MAC";
    lab::wait::until(what, crate::world::DEADLINE, || {
        sender.send(&gratuitous).ok()?;
        let buckets = Maps::of(&world.router).ok()?.buckets_of(V4.prefix).ok()??;
        let all = buckets
            .iter()
            .all(|next_hop| next_hop.neighbour.get(..6) == Some(mac.0.as_slice()));
        all.then_some(())
    });
    let capture = lab::Capture::frames(&to.peer_port, crate::world::is_marked)?;
    let packet = Packet::new(from, V4.address, 9);
    lab::Sender::open(&from.peer_port)?.send(&packet.sent(from))?;
    let arrived = capture.wait_for(1, crate::world::DEADLINE)?;
    assert_eq!(arrived, [packet.frame(mac, to.router_port.mac(), 63)]);
    world.router.assert_accounting();
    Ok(())
}
