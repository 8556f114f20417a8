//! Either side goes away and comes back.

use std::net::IpAddr;

use anyhow::Result;
use lab::maps::{leads_to, wait_leads_to};

use super::never;
use crate::peer::{Carried, Manner, Peer, ROUTER_AS, Route, Setup, asn};
use crate::world::{OURS_V4, OURS_V6, World, ours, prefixes, routers_address};

/// SIGKILL: the peer's routes go with its connections, and come back with it.
pub(crate) fn peer_killed<P: Peer>() -> Result<()> {
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
            let told = Route::plain(
                vec![ROUTER_AS, asn(spoke)],
                routers_address(world.spoke(1), prefix),
            );
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

/// The router is stopped, then killed: the sessions come back, and what was told on them.
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
            peer.wait_established(one.router(world.spoke(0)));
            world.router.wait_established(one.peer(world.spoke(0)));
        }
        world.router.wait_settled();
        for prefix in prefixes(&carried, 0) {
            wait_leads_to(&world.router, prefix, &[world.spoke(0)]);
            world.router.wait_bgp_paths(prefix, 1);
            let own = Route::plain(vec![ROUTER_AS], routers_address(world.spoke(0), prefix));
            peer.wait_route(ours(prefix), &own);
        }
    }
    world.router.assert_accounting();
    Ok(())
}

/// A peer that restarts gracefully is killed: its routes stay in use, stale, until it is back (RFC 4724 §4.2).
pub(crate) fn peer_restarts_gracefully<P: Peer>() -> Result<()> {
    let carried = [Carried::V4];
    let world = World::start(1, 1, &carried, |config| config)?;
    let spoke = world.spoke(0);
    let prefix = prefixes(&carried, 0)[0];
    let setup = |manner| {
        Setup::new(spoke, &carried)
            .announce(&[prefix])
            .mannered(manner)
    };
    let mut peer = P::start(&spoke.peer, &setup(Manner::Graceful))?;
    wait_leads_to(&world.router, prefix, &[spoke]);
    peer.wait_established(spoke.router_v4().into());
    peer.kill()?;
    drop(peer);
    world.router.wait_not_established(spoke.peer_v4());
    let path = world.router.bgp_paths(prefix).remove(0);
    assert_eq!(path["stale"], true, "{path}");
    let kept = || leads_to(&world.router, prefix, &[spoke]);
    never("the withdrawal of a restarting peer's route", || {
        !kept().unwrap_or(false)
    });
    let peer = P::start(&spoke.peer, &setup(Manner::Returned))?;
    peer.wait_established(spoke.router_v4().into());
    let fresh = "the path to be fresh again";
    world
        .router
        .wait_show(fresh, &["bgp", "ipv4", prefix], |shown| {
            assert!(
                kept().unwrap_or(true),
                "{prefix} was withdrawn as the peer came back"
            );
            (shown["paths"][0]["stale"] == false).then_some(())
        });
    world.router.assert_accounting();
    Ok(())
}

/// The router is killed: a peer that helps keeps its routes until it is back.
pub(crate) fn router_restarts_gracefully<P: Peer>() -> Result<()> {
    let carried = [Carried::V4];
    let mut world = World::start(1, 1, &carried, |config| config.network(OURS_V4))?;
    let spoke = world.spoke(0);
    let (router, address): (IpAddr, IpAddr) = (spoke.router_v4().into(), spoke.peer_v4().into());
    let own = Route::plain(vec![ROUTER_AS], router);
    let setup = Setup::new(spoke, &carried).mannered(Manner::Graceful);
    let peer = P::start(&spoke.peer, &setup)?;
    peer.wait_route(OURS_V4, &own);
    world.router.kill9()?;
    never("another route while the router restarts", || {
        peer.route(OURS_V4).as_ref() != Some(&own)
    });
    assert!(
        !peer.is_established(router),
        "the session outlives the router"
    );
    world.router.launch()?;
    peer.wait_established(router);
    world.router.wait_established(address);
    world.router.wait_settled();
    never("another route after the router is back", || {
        peer.route(OURS_V4).as_ref() != Some(&own)
    });
    world.router.assert_accounting();
    Ok(())
}
