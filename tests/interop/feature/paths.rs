//! What becomes of AS paths and of several paths on their way through us.

use std::net::IpAddr;

use anyhow::Result;
use lab::config::Carries;
use lab::maps::wait_leads_to;
use lab::wait;
use serde_json::Value;

use crate::peer::{Carried, DEADLINE, Extra, Peer, ROUTER_AS, Reflected, Route, Setup, asn};
use crate::world::{OURS_V4, ROUTER_ID, World, base, peer_v4};

const PREFIX: &str = "203.0.113.0/24";
const OTHER: &str = "192.0.2.0/25";

/// Two clients in our AS hear of each other through us, with next hop untouched and the reflector's marks (RFC 4456).
pub(crate) fn route_reflection<P: Peer>() -> Result<()> {
    let config = (0..2).fold(base(2), |config, number| {
        let client = "route-reflector-client = true";
        config.neighbor_exchanging(peer_v4(number), ROUTER_AS, "", client)
    });
    let world = World::run(2, &config)?;
    let spokes = [world.spoke(0), world.spoke(1)];
    let mut peers: Vec<P> = Vec::new();
    let prefixes = [PREFIX, OTHER];
    for (spoke, prefix) in spokes.into_iter().zip(prefixes) {
        // The way to the other client's next hop.
        let other = 1 - spoke.number;
        let gateway = spoke.router_v4().to_string();
        spoke
            .peer
            .add_route(&format!("10.0.{other}.0/24"), &gateway)?;
        let setup = Setup {
            asn: ROUTER_AS,
            ..Setup::new(spoke, &[Carried::V4]).announce(&[prefix])
        };
        peers.push(P::start(&spoke.peer, &setup)?);
    }
    for (near, far) in [(0, 1), (1, 0)] {
        let prefix = prefixes[far];
        peers[near].wait_route(prefix, &Route::plain(Vec::new(), spokes[far].peer_v4()));
        let marks = Reflected {
            originator: format!("10.255.1.{far}"),
            clusters: vec![ROUTER_ID.to_owned()],
        };
        assert_eq!(peers[near].reflected(prefix), Some(marks));
        wait_leads_to(&world.router, prefix, &[spokes[far]]);
    }
    peers[0].kill()?;
    peers[1].wait_no_route(PREFIX);
    world.router.assert_accounting();
    Ok(())
}

/// A peer tells us all the paths that it has, and takes one of them back (RFC 7911).
pub(crate) fn add_path_received<P: Peer>() -> Result<()> {
    let config = base(1).neighbor(peer_v4(0), 65001, Carries::Ipv4);
    let mut world = World::run(1, &config)?;
    let (speakers, sources) = world.behind(0, 2)?;
    let spoke = world.spoke(0);
    let setup = Setup {
        sources,
        ..Setup::new(spoke, &[Carried::V4]).extra(Extra::SendsAllPaths)
    };
    let _peer = P::start(&spoke.peer, &setup)?;
    for speaker in &speakers {
        speaker.announce(&[PREFIX], &[]);
    }
    let seen = |paths: &[Value]| {
        let paths = paths.iter();
        let mut all: Vec<String> = paths
            .map(|path| {
                path["aspath"]["string"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        all.sort();
        all
    };
    let paths = world.router.wait_bgp_paths(PREFIX, 2);
    assert_eq!(seen(&paths), ["65001 65101", "65001 65102"]);
    speakers[0].withdraw(&[PREFIX]);
    let paths = world.router.wait_bgp_paths(PREFIX, 1);
    assert_eq!(seen(&paths), ["65001 65102"]);
    wait_leads_to(&world.router, PREFIX, &[spoke]);
    speakers[1].withdraw(&[PREFIX]);
    world.router.wait_bgp_paths(PREFIX, 0);
    wait_leads_to(&world.router, PREFIX, &[]);
    world.router.assert_accounting();
    Ok(())
}

/// A peer that wants several paths is told all of them, and hears of each that goes (RFC 7911).
pub(crate) fn add_path_sent<P: Peer>() -> Result<()> {
    let config = (0..3).fold(base(3), |config, number| {
        let exchange = if number == 2 {
            "addpath-tx-all = true"
        } else {
            ""
        };
        let asn = 65001 + u32::from(number);
        config.neighbor_exchanging(peer_v4(number), asn, "", exchange)
    });
    let world = World::run(3, &config)?;
    let start = |number: usize, prefixes: &[&str]| {
        let spoke = world.spoke(number);
        let setup = Setup::new(spoke, &[Carried::V4]).announce(prefixes);
        P::start(&spoke.peer, &setup.extra(Extra::TakesPaths))
    };
    let mut from = [start(0, &[PREFIX])?, start(1, &[PREFIX])?];
    let to = start(2, &[])?;
    let wait_paths = |wanted: &[Vec<u32>]| {
        let what = format!("{} to have the paths {wanted:?}", P::NAME);
        wait::until(&what, DEADLINE, || {
            let mut all = to.as_paths(PREFIX);
            all.sort();
            (all == wanted).then_some(())
        });
    };
    wait_paths(&[vec![ROUTER_AS, 65001], vec![ROUTER_AS, 65002]]);
    let gone = Setup::new(world.spoke(0), &[Carried::V4]);
    from[0].announce(&gone.extra(Extra::TakesPaths))?;
    wait_paths(&[vec![ROUTER_AS, 65002]]);
    from[1].kill()?;
    wait_paths(&[]);
    world.router.assert_accounting();
    Ok(())
}

/// We are another AS towards one peer, with our own behind it and towards another without (RFC 7705).
pub(crate) fn local_as<P: Peer>() -> Result<()> {
    const OTHER_AS: u32 = 64999;
    let config = base(2)
        .network(OURS_V4)
        .neighbor_with(
            peer_v4(0),
            65001,
            Carries::Ipv4,
            &format!("local-as.{OTHER_AS} = {{}}"),
        )
        .neighbor_with(
            peer_v4(1),
            65002,
            Carries::Ipv4,
            &format!("local-as.{OTHER_AS}.no-prepend.replace-as = true"),
        );
    let world = World::run(2, &config)?;
    let start = |number: usize, prefix: &str| {
        let spoke = world.spoke(number);
        let setup = Setup {
            router_as: OTHER_AS,
            ..Setup::new(spoke, &[Carried::V4]).announce(&[prefix])
        };
        P::start(&spoke.peer, &setup)
    };
    let (first, second) = (start(0, PREFIX)?, start(1, OTHER)?);
    let (to_first, to_second) = (world.spoke(0).router_v4(), world.spoke(1).router_v4());
    let behind = vec![OTHER_AS, ROUTER_AS];
    first.wait_route(OURS_V4, &Route::plain(behind.clone(), to_first));
    second.wait_route(OURS_V4, &Route::plain(vec![OTHER_AS], to_second));
    first.wait_route(
        OTHER,
        &Route::plain([behind, vec![65002]].concat(), to_first),
    );
    // What came in over the other AS has it in front, for whoever is next.
    let told = Route::plain(vec![OTHER_AS, OTHER_AS, 65001], to_second);
    second.wait_route(PREFIX, &told);
    wait_leads_to(&world.router, PREFIX, &[world.spoke(0)]);
    world.router.assert_accounting();
    Ok(())
}

/// Two sites of one AS hear of each other with our AS in place of theirs, and private ASes are not for everyone.
pub(crate) fn as_paths_rewritten<P: Peer>() -> Result<()> {
    let config = base(3)
        .neighbor(peer_v4(0), 65001, Carries::Ipv4)
        .neighbor_exchanging(peer_v4(1), 65001, "", "as-override = true")
        .neighbor_exchanging(peer_v4(2), 65003, "", "remove-private-as = {}");
    let world = World::run(3, &config)?;
    let start = |number: usize, asn: u32, prefixes: &[&str]| {
        let spoke = world.spoke(number);
        let setup = Setup {
            asn,
            ..Setup::new(spoke, &[Carried::V4]).announce(prefixes)
        };
        P::start(&spoke.peer, &setup)
    };
    let _from = start(0, 65001, &[PREFIX])?;
    let site = start(1, 65001, &[])?;
    let far = start(2, 65003, &[])?;
    let told = |as_path: &[u32], number: usize| {
        Route::plain(as_path.to_vec(), world.spoke(number).router_v4())
    };
    site.wait_route(PREFIX, &told(&[ROUTER_AS, ROUTER_AS], 1));
    far.wait_route(PREFIX, &told(&[ROUTER_AS], 2));
    world.router.assert_accounting();
    Ok(())
}

/// A path that holds our own AS is refused until the configuration takes it; no session is reset for that.
pub(crate) fn own_as_accepted<P: Peer>() -> Result<()> {
    let config = |exchange: &str| base(1).neighbor_exchanging(peer_v4(0), 65001, "", exchange);
    let mut world = World::run(1, &config(""))?;
    let (speakers, sources) = world.behind(0, 1)?;
    let spoke = world.spoke(0);
    let setup = Setup {
        sources,
        ..Setup::new(spoke, &[Carried::V4]).announce(&[OTHER])
    };
    let _peer = P::start(&spoke.peer, &setup)?;
    speakers[0].announce(&[PREFIX], &[ROUTER_AS]);
    wait_leads_to(&world.router, OTHER, &[spoke]);
    let address: IpAddr = spoke.peer_v4().into();
    let key = address.to_string();
    world.router.wait_show(
        "both prefixes to have come",
        &["bgp", "neighbors", &key],
        |shown| {
            let family = &shown[&key]["addressFamilyInfo"]["ipv4Unicast"];
            (family["receivedPrefixCounter"] == 2).then_some(())
        },
    );
    world.router.wait_bgp_paths(PREFIX, 0);
    world
        .router
        .reload(&config("allowas-in.number = 1").text())?;
    let path = &world.router.wait_bgp_paths(PREFIX, 1)[0];
    let wanted = format!("{} 65101 {ROUTER_AS}", asn(spoke));
    assert_eq!(path["aspath"]["string"], wanted.as_str(), "{path}");
    wait_leads_to(&world.router, PREFIX, &[spoke]);
    assert_eq!(world.sessions(address), 1, "the session was reset");
    world.router.assert_accounting();
    Ok(())
}
