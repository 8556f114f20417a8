//! Routes that we bring ourselves.

use anyhow::Result;
use lab::config::Carries;

use crate::peer::{Carried, Peer, ROUTER_AS, Route, Setup, asn};
use crate::world::{OURS_V4, World, base, peer_v4};

/// One peer is told a default route, another one and the rest of the table.
pub(crate) fn default_route<P: Peer>() -> Result<()> {
    let config = |exchange: &str| {
        base(1)
            .network(OURS_V4)
            .neighbor_exchanging(peer_v4(0), 65001, "", exchange)
    };
    let world = World::run(1, &config("default-originate = {}"))?;
    let spoke = world.spoke(0);
    let peer = P::start(&spoke.peer, &Setup::new(spoke, &[Carried::V4]))?;
    let own = Route::plain(vec![ROUTER_AS], spoke.router_v4());
    for prefix in ["0.0.0.0/0", OURS_V4] {
        peer.wait_route(prefix, &own);
    }
    world.router.reload(&config("").text())?;
    peer.wait_no_route("0.0.0.0/0");
    peer.wait_route(OURS_V4, &own);
    assert_eq!(world.sessions(peer_v4(0)), 1, "the session was reset");
    world.router.assert_accounting();
    Ok(())
}

/// An aggregate stands for its parts while there are any.
pub(crate) fn aggregate<P: Peer>() -> Result<()> {
    const WHOLE: &str = "203.0.112.0/22";
    const PARTS: [&str; 2] = ["203.0.113.0/24", "203.0.114.0/24"];
    let config = base(2)
        .neighbor(peer_v4(0), 65001, Carries::Ipv4)
        .neighbor(peer_v4(1), 65002, Carries::Ipv4)
        .with(&format!(
            "[protocols.bgp.address-family.ipv4-unicast.aggregate-address.\"{WHOLE}\"]\nsummary-only = true"
        ));
    let world = World::run(2, &config)?;
    let (from, to) = (world.spoke(0), world.spoke(1));
    let setup = Setup::new(from, &[Carried::V4]);
    let mut sender = P::start(&from.peer, &setup.clone().announce(&[PARTS[0], OURS_V4]))?;
    let receiver = P::start(&to.peer, &Setup::new(to, &[Carried::V4]))?;
    let told = |as_path: Vec<u32>| Route::plain(as_path, to.router_v4());
    receiver.wait_route(WHOLE, &told(vec![ROUTER_AS]));
    receiver.wait_route(OURS_V4, &told(vec![ROUTER_AS, asn(from)]));
    sender.announce(&setup.clone().announce(&[PARTS[0], PARTS[1], OURS_V4]))?;
    for part in PARTS {
        world.router.wait_bgp_paths(part, 1);
        assert_eq!(
            receiver.route(part),
            None,
            "{part} is told beside its aggregate"
        );
    }
    sender.announce(&setup.announce(&[OURS_V4]))?;
    receiver.wait_no_route(WHOLE);
    receiver.wait_route(OURS_V4, &told(vec![ROUTER_AS, asn(from)]));
    world.router.assert_accounting();
    Ok(())
}

/// Prefixes of our interfaces, static routes and networks are told, as their route maps have them.
pub(crate) fn redistribution<P: Peer>() -> Result<()> {
    const STATIC: &str = "198.18.0.0/24";
    let config = base(2)
        .neighbor(peer_v4(0), 65001, Carries::Ipv4)
        .with(&format!(
            "[protocols.bgp.address-family.ipv4-unicast.redistribute]
connected = {{}}
static.route-map = \"MARK\"
[protocols.bgp.address-family.ipv4-unicast.network.\"{OURS_V4}\"]
route-map = \"OWN\"
[protocols.static.route.\"{STATIC}\"]
blackhole = {{}}
[policy.route-map.MARK.rule.10]
action = \"permit\"
set.community.add = \"65000:1\"
[policy.route-map.OWN.rule.10]
action = \"permit\"
set.community.add = \"65000:2\"
set.large-community.add = \"65000:2:3\""
        ));
    let world = World::run(2, &config)?;
    let spoke = world.spoke(0);
    let peer = P::start(&spoke.peer, &Setup::new(spoke, &[Carried::V4]))?;
    let plain = Route::plain(vec![ROUTER_AS], spoke.router_v4());
    let marked = |community: &str| Route {
        communities: vec![community.to_owned()],
        ..plain.clone()
    };
    peer.wait_route("10.0.1.0/24", &plain);
    peer.wait_route(STATIC, &marked("65000:1"));
    let own = Route {
        large_communities: vec!["65000:2:3".to_owned()],
        ..marked("65000:2")
    };
    peer.wait_route(OURS_V4, &own);
    // The interface goes, and its prefix with it.
    world.spoke(1).router_port.down()?;
    peer.wait_no_route("10.0.1.0/24");
    world.router.assert_accounting();
    Ok(())
}
