//! Routes go both ways, and leave again.

use anyhow::Result;
use lab::maps::wait_leads_to;
use lab::wait;
use serde_json::Value;

use crate::peer::{Carried, DEADLINE, Peer, ROUTER_AS, Route, Setup, asn};
use crate::world::{OURS_V4, OURS_V6, World, ours, peers_address, prefixes, routers_address};

pub(crate) fn ipv4_over_ipv4<P: Peer>() -> Result<()> {
    both_ways::<P>(&[Carried::V4])
}

pub(crate) fn ipv6_over_ipv6<P: Peer>() -> Result<()> {
    both_ways::<P>(&[Carried::V6])
}

pub(crate) fn both_over_one_session<P: Peer>() -> Result<()> {
    both_ways::<P>(&[Carried::BOTH_OVER_V4])
}

pub(crate) fn both_over_a_session_each<P: Peer>() -> Result<()> {
    both_ways::<P>(&[Carried::V4, Carried::V6])
}

/// Routes of two peers reach the router, its maps and the other peer, and leave again; the router's own networks
/// reach both.
fn both_ways<P: Peer>(carried: &[Carried]) -> Result<()> {
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
            let told = Route::plain(vec![ROUTER_AS, asn(here)], routers_address(there, prefix));
            peers[far].wait_route(prefix, &told);
            let own = Route::plain(vec![ROUTER_AS], routers_address(here, prefix));
            peers[near].wait_route(ours(prefix), &own);
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

/// What a peer says of its routes is shown by the router and told to another peer, as it was said.
pub(crate) fn communities<P: Peer>() -> Result<()> {
    let carried = [Carried::BOTH_OVER_V4];
    let world = World::start(2, 2, &carried, |config| config)?;
    let (some, large) = (["65001:7", "64999:65535"], ["65001:1:2", "4200000000:3:4"]);
    let mut setup = Setup::new(world.spoke(0), &carried);
    let announced = prefixes(&carried, 0);
    for prefix in &announced {
        setup = setup.announce_with(prefix, &some, &large);
    }
    let _from = P::start(&world.spoke(0).peer, &setup)?;
    let to = P::start(&world.spoke(1).peer, &Setup::new(world.spoke(1), &carried))?;
    let sorted = |all: &[&str]| {
        let mut all: Vec<String> = all.iter().map(|&one| one.to_owned()).collect();
        all.sort();
        all
    };
    for prefix in announced {
        let path = &world.router.wait_bgp_paths(prefix, 1)[0];
        let shown = path["largeCommunity"]["string"]
            .as_str()
            .unwrap_or_default();
        assert_eq!(sorted(&words(shown)), sorted(&large), "{path}");
        let shown = path["community"]["string"].as_str().unwrap_or_default();
        assert_eq!(sorted(&words(shown)), sorted(&some), "{path}");
        let told = Route {
            communities: sorted(&some),
            large_communities: sorted(&large),
            ..Route::plain(
                vec![ROUTER_AS, asn(world.spoke(0))],
                routers_address(world.spoke(1), prefix),
            )
        };
        to.wait_route(prefix, &told);
    }
    world.router.assert_accounting();
    Ok(())
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// A table of one peer, in both families and with several sets of attributes, as a third router gets it through us:
/// what our own table says is what it has, no prefix more and none less.
pub(crate) fn third_peers_view<P: Peer>() -> Result<()> {
    const COUNT: usize = 60;
    let carried = [Carried::BOTH_OVER_V4];
    let world = World::start(2, 2, &carried, |config| config)?;
    let mut setup = Setup::new(world.spoke(0), &carried);
    for number in 0..COUNT {
        let community = format!("65001:{}", number % 7);
        let large = format!("65001:{}:{}", number % 5, number % 3);
        let (some, large): (&[&str], &[&str]) = match number % 3 {
            0 => (&[], &[]),
            1 => (&[community.as_str()], &[]),
            _ => (&[community.as_str()], &[large.as_str()]),
        };
        for prefix in [
            format!("100.64.{number}.0/24"),
            format!("2001:db8:{:x}::/48", 0x100 + number),
        ] {
            setup = setup.announce_with(&prefix, some, large);
        }
    }
    let _from = P::start(&world.spoke(0).peer, &setup)?;
    let third = P::start(&world.spoke(1).peer, &Setup::new(world.spoke(1), &carried))?;
    for ipv6 in [false, true] {
        let what = format!("{} to have {COUNT} prefixes, IPv6 {ipv6}", P::NAME);
        wait::until(&what, DEADLINE, || {
            (third.count(ipv6)? == COUNT).then_some(())
        });
    }
    for one in &setup.announced {
        let path = &world.router.wait_bgp_paths(&one.prefix, 1)[0];
        let list = |key: &str| -> Vec<String> {
            let text = path[key]["string"].as_str().unwrap_or_default();
            let mut all: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            all.sort();
            all
        };
        let told = Route {
            as_path: [vec![ROUTER_AS], as_path(path)].concat(),
            next_hop: routers_address(world.spoke(1), &one.prefix),
            communities: list("community"),
            large_communities: list("largeCommunity"),
        };
        assert_eq!(told.communities, one.communities, "{path}");
        assert_eq!(told.large_communities, one.large_communities, "{path}");
        third.wait_route(&one.prefix, &told);
    }
    world.router.assert_accounting();
    Ok(())
}

/// The AS path that the router shows of a path.
fn as_path(path: &Value) -> Vec<u32> {
    let text = path["aspath"]["string"].as_str().unwrap_or_default();
    let ases = text.split_whitespace();
    ases.filter_map(|asn| asn.parse().ok()).collect()
}

/// The peer asks for the routes again and gets them (RFC 2918).
pub(crate) fn route_refresh<P: Peer>() -> Result<()> {
    let carried = [Carried::BOTH_OVER_V4];
    let world = World::start(1, 1, &carried, |config| {
        config.network(OURS_V4).network(OURS_V6)
    })?;
    let spoke = world.spoke(0);
    let peer = P::start(&spoke.peer, &Setup::new(spoke, &carried))?;
    let route = |prefix: &str| Route::plain(vec![ROUTER_AS], routers_address(spoke, prefix));
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
