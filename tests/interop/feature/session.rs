//! How a session comes up.

use anyhow::Result;
use lab::maps::wait_leads_to;
use lab::wait;

use crate::peer::{Carried, DEADLINE, Manner, Opens, Peer, Route, Setup, asn};
use crate::world::{OURS_V4, Shape, World, prefixes};

pub(crate) fn peer_dials<P: Peer>() -> Result<()> {
    who_opens::<P>(Opens::Peer)
}

pub(crate) fn router_dials<P: Peer>() -> Result<()> {
    who_opens::<P>(Opens::Router)
}

fn who_opens<P: Peer>(opens: Opens) -> Result<()> {
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

/// A peer that does not send capability 65 beside one that has it, and a router whose AS number needs four octets (RFC 6793).
pub(crate) fn two_octet_as<P: Peer>() -> Result<()> {
    const OURS: u32 = 4_200_000_000;
    const TRANS: u32 = 23456;
    let carried = [Carried::V4];
    let shape = Shape {
        router_as: OURS,
        spokes: 2,
        peers: 2,
    };
    let world = World::start_as(shape, &carried, "", |config| config.network(OURS_V4))?;
    let (old_spoke, new_spoke) = (world.spoke(0), world.spoke(1));
    let (of_old, of_new) = (prefixes(&carried, 0)[0], prefixes(&carried, 1)[0]);
    let old = P::start(
        &old_spoke.peer,
        &Setup {
            router_as: OURS,
            ..Setup::new(old_spoke, &carried)
                .announce(&[of_old])
                .mannered(Manner::TwoOctets)
        },
    )?;
    let new = P::start(
        &new_spoke.peer,
        &Setup {
            router_as: OURS,
            ..Setup::new(new_spoke, &carried).announce(&[of_new])
        },
    )?;
    let as_it_sees_us = if P::MERGES_AS4_PATH { OURS } else { TRANS };
    let own = Route::plain(vec![as_it_sees_us], old_spoke.router_v4());
    old.wait_route(OURS_V4, &own);
    let path = vec![as_it_sees_us, asn(new_spoke)];
    old.wait_route(of_new, &Route::plain(path, old_spoke.router_v4()));
    let told = Route::plain(vec![OURS, asn(old_spoke)], new_spoke.router_v4());
    new.wait_route(of_old, &told);
    wait_leads_to(&world.router, of_old, &[old_spoke]);
    let address = old_spoke.peer_v4().to_string();
    let shown = world.router.show(&["bgp", "neighbors", &address])?;
    let capabilities = &shown[&address]["neighborCapabilities"];
    assert!(
        capabilities["4byteAs"].as_str() != Some("advertisedAndReceived"),
        "{shown}"
    );
    world.router.assert_accounting();
    Ok(())
}

/// A route whose attributes fit no message of 4096 octets comes in and goes out (RFC 8654).
pub(crate) fn extended_messages<P: Peer>() -> Result<()> {
    const COUNT: u16 = 1200;
    let carried = [Carried::V4];
    let world = World::start(2, 2, &carried, |config| config)?;
    let mut communities: Vec<String> = (0..COUNT).map(|each| format!("65001:{each}")).collect();
    communities.sort();
    let names: Vec<&str> = communities.iter().map(String::as_str).collect();
    let prefix = prefixes(&carried, 0)[0];
    let setup = |number: usize| {
        Setup::new(world.spoke(number), &carried).mannered(Manner::ExtendedMessages)
    };
    let _from = P::start(
        &world.spoke(0).peer,
        &setup(0).announce_with(prefix, &names, &[]),
    )?;
    let to = P::start(&world.spoke(1).peer, &setup(1))?;
    let path = &world.router.wait_bgp_paths(prefix, 1)[0];
    let shown = path["community"]["list"].as_array().map(Vec::len);
    assert_eq!(shown, Some(usize::from(COUNT)));
    let what = format!("{} to be told all {COUNT} communities", P::NAME);
    let told = wait::until(&what, DEADLINE, || {
        let told = to.route(prefix)?;
        (told.communities.len() == usize::from(COUNT)).then_some(told)
    });
    assert_eq!(told.communities, communities);
    world.router.assert_accounting();
    Ok(())
}
