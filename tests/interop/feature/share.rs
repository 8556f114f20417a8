//! Traffic over several peers at once.

use std::collections::{BTreeMap, HashMap, HashSet};

use anyhow::Result;
use lab::frame::{Ethernet, Flow, Frame, Ipv4, Udp};
use lab::maps::wait_leads_to;
use lab::topology::Spoke;
use lab::{Capture, Pace, Sender, wait};

use crate::peer::{Carried, DEADLINE, Peer, Setup};
use crate::world::World;

const FLOWS: u16 = 4000;
const MARK: u16 = 40_053;

/// Four peers announce one prefix; real frames go through all of them.
pub(crate) fn ecmp<P: Peer>() -> Result<()> {
    let carried = [Carried::V4];
    let world = World::start(5, 4, &carried, |config| {
        config.parameter("bestpath.as-path.multipath-relax = true")
    })?;
    let prefix = "203.0.113.0/24";
    let setup = |peer: usize| Setup::new(world.spoke(peer), &carried).announce(&[prefix]);
    let mut peers: Vec<P> = Vec::new();
    for number in 0..4 {
        peers.push(P::start(&world.spoke(number).peer, &setup(number))?);
    }
    let all: Vec<&Spoke> = (0..4).map(|number| world.spoke(number)).collect();
    wait_leads_to(&world.router, prefix, &all);
    let before = ways(world.spoke(4), &all)?;
    let mut shares = BTreeMap::new();
    for &way in before.values() {
        *shares.entry(way).or_insert(0_u32) += 1;
    }
    // Five standard deviations of a fair draw.
    assert!(
        shares.len() == 4 && shares.values().all(|share| (865..=1135).contains(share)),
        "the shares of {FLOWS} flows: {shares:?}"
    );

    peers[2].kill()?;
    let left = [all[0], all[1], all[3]];
    wait_leads_to(&world.router, prefix, &left);
    let without = ways(world.spoke(4), &all)?;
    let moved = moved_flows(&before, &without);
    let lost: HashSet<Flow> = before
        .iter()
        .filter(|(_, way)| **way == 2)
        .map(|(flow, _)| *flow)
        .collect();
    assert_eq!(
        moved, lost,
        "flows of living peers moved, or flows were lost"
    );

    peers[2] = P::start(&world.spoke(2).peer, &setup(2))?;
    wait_leads_to(&world.router, prefix, &all);
    let back = ways(world.spoke(4), &all)?;
    for flow in moved_flows(&without, &back) {
        assert_eq!(back[&flow], 2, "{flow:?} moved between living peers");
    }
    let returned = back.values().filter(|&&way| way == 2).count();
    assert!(
        (865..=1135).contains(&returned),
        "{returned} flows came back"
    );
    world.router.assert_accounting();
    Ok(())
}

fn moved_flows(before: &HashMap<Flow, usize>, after: &HashMap<Flow, usize>) -> HashSet<Flow> {
    let moved = before.iter().filter(|(flow, way)| after[flow] != **way);
    moved.map(|(flow, _)| *flow).collect()
}

/// At which of the peers each flow comes out; every flow must, at exactly one.
fn ways(from: &Spoke, to: &[&Spoke]) -> Result<HashMap<Flow, usize>> {
    let captures: Vec<_> = to
        .iter()
        .map(|spoke| Capture::flows(&spoke.peer_port, |flow| flow.destination_port == MARK))
        .collect::<Result<_>>()?;
    let frame = |number: u16| {
        Frame::new(Ethernet::new(from.router_port.mac(), from.peer_port.mac()))
            .ipv4(Ipv4::new(from.peer_v4(), [203, 0, 113, 9]))
            .udp(Udp::new(1024 + number, MARK))
            .payload(b"flow")
            .build()
    };
    let frames: Vec<Vec<u8>> = (0..FLOWS).map(frame).collect();
    Sender::open(&from.peer_port)?.send_all(&frames, Pace::PerSecond(20_000))?;
    wait::until("every flow to arrive", DEADLINE, || {
        let arrived: u64 = captures.iter().map(Capture::total).sum();
        (arrived >= u64::from(FLOWS)).then_some(())
    });
    let mut found = HashMap::new();
    for (way, capture) in captures.into_iter().enumerate() {
        let captured = capture.stop()?;
        assert_eq!(captured.dropped, 0, "the capture lost frames");
        for (flow, count) in captured.state {
            assert_eq!((count, found.insert(flow, way)), (1, None), "{flow:?}");
        }
    }
    assert_eq!(found.len(), usize::from(FLOWS), "flows that arrived");
    Ok(found)
}
