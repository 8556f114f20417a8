//! The matrix: what is tried with every other router.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use anyhow::Result;
use lab::config::{Carries, Config};
use lab::frame::{Ethernet, Flow, Frame, Ipv4, Udp};
use lab::maps::wait_leads_to;
use lab::topology::{Spoke, Star};
use lab::{Capture, Daemon, Lab, Pace, Sender, wait};

use crate::peer::{Carried, DEADLINE, Opens, Peer, ROUTER_AS, Route, Setup, asn};

const OURS_V4: &str = "198.51.100.0/24";
const OURS_V6: &str = "2001:db8:51::/48";
const FLOWS: u16 = 4000;
const MARK: u16 = 40_053;

/// The router with its peers' nodes around it. Field order is drop order: the daemon ends before the lab.
struct World {
    router: Daemon,
    star: Star,
    _lab: Lab,
}

impl World {
    /// Sessions on the first `peers` of `spokes` spokes.
    fn start(
        spokes: u8,
        peers: usize,
        carried: &[Carried],
        config: impl FnOnce(Config) -> Config,
    ) -> Result<Self> {
        Self::start_with(spokes, peers, carried, "", config)
    }

    fn start_with(
        spokes: u8,
        peers: usize,
        carried: &[Carried],
        lines: &str,
        config: impl FnOnce(Config) -> Config,
    ) -> Result<Self> {
        let mut lab = Lab::new("interop")?;
        let star = Star::build(&mut lab, spokes)?;
        let mut start = Config::new(ROUTER_AS, "10.255.0.1")
            .ports(usize::from(spokes))
            .parameter("network-import-check = false");
        for spoke in star.spokes.iter().take(peers) {
            for one in carried {
                start = start.neighbor_with(one.peer(spoke), asn(spoke), one.families, lines);
            }
        }
        let router = Daemon::start(&star.router, &config(start).text())?;
        let names: Vec<&str> = star
            .spokes
            .iter()
            .map(|one| one.router_port.name())
            .collect();
        router.wait_attached(&names);
        Ok(Self {
            router,
            star,
            _lab: lab,
        })
    }

    fn spoke(&self, number: usize) -> &Spoke {
        &self.star.spokes[number]
    }
}

/// One prefix of each peer and family that the sessions carry.
fn prefixes(carried: &[Carried], peer: usize) -> Vec<&'static str> {
    let v4 = ["203.0.113.0/24", "192.0.2.0/25"];
    let v6 = ["2001:db8:113::/48", "2001:db8:2::/64"];
    let mut all = Vec::new();
    if carried.iter().any(|one| one.families != Carries::Ipv6) {
        all.push(v4[peer]);
    }
    if carried.iter().any(|one| one.families != Carries::Ipv4) {
        all.push(v6[peer]);
    }
    all
}

/// The router's address that its routes of a prefix's family have as next hop at a peer.
fn routers_address(spoke: &Spoke, prefix: &str) -> IpAddr {
    if prefix.contains(':') {
        spoke.router_v6().into()
    } else {
        spoke.router_v4().into()
    }
}

fn peers_address(spoke: &Spoke, prefix: &str) -> IpAddr {
    if prefix.contains(':') {
        spoke.peer_v6().into()
    } else {
        spoke.peer_v4().into()
    }
}

/// Routes of two peers reach the router, its maps and the other peer, and leave again; the router's own networks
/// reach both.
pub(crate) fn both_ways<P: Peer>(carried: &[Carried]) -> Result<()> {
    let world = World::start(2, 2, carried, |config| {
        config.network(OURS_V4).network(OURS_V6)
    })?;
    let setups: Vec<Setup> = (0..2)
        .map(|peer| Setup::new(world.spoke(peer), carried).announce(&prefixes(carried, peer)))
        .collect();
    let mut peers: Vec<P> = Vec::new();
    for (spoke, setup) in world.star.spokes.iter().zip(&setups) {
        peers.push(P::start(&spoke.peer, setup)?);
    }
    for (spoke, peer) in world.star.spokes.iter().zip(&peers) {
        for one in carried {
            peer.wait_established(one.router(spoke));
            world.router.wait_established(one.peer(spoke));
        }
    }
    for (near, far) in [(0, 1), (1, 0)] {
        let (here, there) = (world.spoke(near), world.spoke(far));
        for prefix in prefixes(carried, near) {
            let paths = world.router.wait_bgp_paths(prefix, 1);
            let as_path = &paths[0]["aspath"]["string"];
            assert_eq!(as_path, &asn(here).to_string(), "{prefix}: {paths:?}");
            world
                .router
                .wait_next_hops(prefix, &[peers_address(here, prefix)]);
            wait_leads_to(&world.router, prefix, &[here]);
            let told = Route {
                as_path: vec![ROUTER_AS, asn(here)],
                next_hop: routers_address(there, prefix),
            };
            peers[far].wait_route(prefix, &told);
            let ours = if prefix.contains(':') {
                OURS_V6
            } else {
                OURS_V4
            };
            let own = Route {
                as_path: vec![ROUTER_AS],
                next_hop: routers_address(here, prefix),
            };
            peers[near].wait_route(ours, &own);
        }
    }
    // The first peer withdraws; the second keeps what it has.
    peers[0].announce(&setups[0].clone().announce(&[]))?;
    for prefix in prefixes(carried, 0) {
        world.router.wait_next_hops(prefix, &[]);
        wait_leads_to(&world.router, prefix, &[]);
        peers[1].wait_no_route(prefix);
    }
    for prefix in prefixes(carried, 1) {
        wait_leads_to(&world.router, prefix, &[world.spoke(1)]);
    }
    for one in carried {
        assert!(peers[0].is_established(one.router(world.spoke(0))));
    }
    world.router.assert_accounting();
    Ok(())
}

pub(crate) fn kill_and_return<P: Peer>() -> Result<()> {
    let carried = [Carried::V4, Carried::V6];
    let world = World::start(2, 2, &carried, |config| config)?;
    let setup =
        |peer: usize| Setup::new(world.spoke(peer), &carried).announce(&prefixes(&carried, peer));
    let listener = P::start(&world.spoke(1).peer, &setup(1))?;
    let spoke = world.spoke(0);
    let mut peer = P::start(&spoke.peer, &setup(0))?;
    for round in 0..2 {
        for prefix in prefixes(&carried, 0) {
            wait_leads_to(&world.router, prefix, &[spoke]);
            let told = Route {
                as_path: vec![ROUTER_AS, asn(spoke)],
                next_hop: routers_address(world.spoke(1), prefix),
            };
            listener.wait_route(prefix, &told);
        }
        if round == 1 {
            break;
        }
        peer.kill()?;
        for prefix in prefixes(&carried, 0) {
            world.router.wait_next_hops(prefix, &[]);
            wait_leads_to(&world.router, prefix, &[]);
            listener.wait_no_route(prefix);
        }
        for one in carried {
            world.router.wait_not_established(one.peer(spoke));
        }
        drop(peer);
        peer = P::start(&spoke.peer, &setup(0))?;
    }
    world.router.assert_accounting();
    Ok(())
}

pub(crate) fn who_opens<P: Peer>(opens: Opens) -> Result<()> {
    let carried = [Carried::V4, Carried::V6];
    let lines = if opens == Opens::Peer {
        "passive = true"
    } else {
        ""
    };
    let world = World::start_with(1, 1, &carried, lines, |config| config)?;
    let spoke = world.spoke(0);
    let setup = Setup {
        opens,
        ..Setup::new(spoke, &carried).announce(&prefixes(&carried, 0))
    };
    let peer = P::start(&spoke.peer, &setup)?;
    for one in carried {
        peer.wait_established(one.router(spoke));
        let address = one.peer(spoke).to_string();
        world.router.wait_established(one.peer(spoke));
        // The side that was dialled has the well-known port.
        let (key, what) = match opens {
            Opens::Peer => ("portLocal", "the router to have been dialled"),
            Opens::Router | Opens::Both => ("portForeign", "the router to have dialled"),
        };
        world
            .router
            .wait_show(what, &["bgp", "neighbors", &address], |answer| {
                (answer[&address][key] == 179).then_some(())
            });
    }
    for prefix in prefixes(&carried, 0) {
        wait_leads_to(&world.router, prefix, &[spoke]);
    }
    world.router.assert_accounting();
    Ok(())
}

pub(crate) fn route_refresh<P: Peer>() -> Result<()> {
    let carried = [Carried::BOTH_OVER_V4];
    let world = World::start(1, 1, &carried, |config| {
        config.network(OURS_V4).network(OURS_V6)
    })?;
    let spoke = world.spoke(0);
    let peer = P::start(&spoke.peer, &Setup::new(spoke, &carried))?;
    let route = |prefix: &str| Route {
        as_path: vec![ROUTER_AS],
        next_hop: routers_address(spoke, prefix),
    };
    for prefix in [OURS_V4, OURS_V6] {
        peer.wait_route(prefix, &route(prefix));
    }
    let router = spoke.router_v4().into();
    let before = peer.updates(router).unwrap();
    peer.ask_for_routes(router)?;
    wait::until("both routes to be sent again", DEADLINE, || {
        (peer.updates(router)? >= before + 2).then_some(())
    });
    for prefix in [OURS_V4, OURS_V6] {
        peer.wait_route(prefix, &route(prefix));
    }
    assert!(peer.is_established(router), "the session went down");
    world.router.assert_accounting();
    Ok(())
}

pub(crate) fn router_restart<P: Peer>() -> Result<()> {
    let carried = [Carried::V4, Carried::V6];
    let mut world = World::start(1, 1, &carried, |config| {
        config.network(OURS_V4).network(OURS_V6)
    })?;
    let setup = Setup::new(world.spoke(0), &carried).announce(&prefixes(&carried, 0));
    let peer = P::start(&world.spoke(0).peer, &setup)?;
    for kill in [false, true] {
        for prefix in prefixes(&carried, 0) {
            wait_leads_to(&world.router, prefix, &[world.spoke(0)]);
        }
        if kill {
            world.router.kill9()?;
            world.router.launch()?;
        } else {
            world.router.restart()?;
        }
        for one in carried {
            world.router.wait_established(one.peer(world.spoke(0)));
            peer.wait_established(one.router(world.spoke(0)));
        }
        world.router.wait_settled();
        for prefix in prefixes(&carried, 0) {
            wait_leads_to(&world.router, prefix, &[world.spoke(0)]);
            world.router.wait_bgp_paths(prefix, 1);
            let ours = if prefix.contains(':') {
                OURS_V6
            } else {
                OURS_V4
            };
            let own = Route {
                as_path: vec![ROUTER_AS],
                next_hop: routers_address(world.spoke(0), prefix),
            };
            peer.wait_route(ours, &own);
        }
    }
    world.router.assert_accounting();
    Ok(())
}

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
