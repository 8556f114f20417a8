//! What guards a session: keys, TTL, limits, and BFD.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::Result;
use lab::config::Config;
use lab::maps::wait_leads_to;

use super::never;
use crate::peer::{Carried, Extra, Opens, Peer, Setup, asn};
use crate::world::{World, base, peer_v4};

const PREFIX: &str = "203.0.113.0/24";
const OTHER: &str = "192.0.2.0/25";

/// Two neighbours with lines of their own.
fn two(lines: [&str; 2], exchange: [&str; 2]) -> Config {
    (0..2)
        .zip(lines.iter().zip(exchange))
        .fold(base(2), |config, (number, (lines, exchange))| {
            let asn = 65001 + u32::from(number);
            config.neighbor_exchanging(peer_v4(number), asn, lines, exchange)
        })
}

/// A session with the right key comes up and one with a wrong key does not, until the key is changed here; the other
/// session notices nothing (RFC 2385).
pub(crate) fn tcp_md5<P: Peer>() -> Result<()> {
    const KEY: &str = "the-right-key";
    let config = |second: &str| {
        let lines = |key: &str| format!("password = \"{key}\"");
        two([&lines(KEY), &lines(second)], ["", ""])
    };
    let world = World::run(2, &config("a-wrong-key"))?;
    let start = |number: usize, prefix: &str| {
        let spoke = world.spoke(number);
        let setup = Setup::new(spoke, &[Carried::V4])
            .announce(&[prefix])
            .extra(Extra::Password(KEY));
        P::start(&spoke.peer, &setup)
    };
    let (good, bad) = (start(0, PREFIX)?, start(1, OTHER)?);
    good.wait_established(world.spoke(0).router_v4().into());
    wait_leads_to(&world.router, PREFIX, &[world.spoke(0)]);
    let router: IpAddr = world.spoke(1).router_v4().into();
    never("a session with a wrong key", || bad.is_established(router));
    assert_eq!(world.sessions(peer_v4(1)), 0, "a session with a wrong key");
    world.router.reload(&config(KEY).text())?;
    bad.wait_established(router);
    wait_leads_to(&world.router, OTHER, &[world.spoke(1)]);
    assert_eq!(world.sessions(peer_v4(0)), 1, "the other session was reset");
    world.router.assert_accounting();
    Ok(())
}

/// A peer whose packets come with TTL 255 has a session, one whose packets come from further away has none (RFC 5082).
pub(crate) fn gtsm<P: Peer>() -> Result<()> {
    let lines = "ttl-security.hops = 1";
    let world = World::run(2, &two([lines, lines], ["", ""]))?;
    let setup = |number: usize| Setup::new(world.spoke(number), &[Carried::V4]);
    let near = setup(0).announce(&[PREFIX]).extra(Extra::TtlSecurity);
    let near = P::start(&world.spoke(0).peer, &near)?;
    let far = P::start(&world.spoke(1).peer, &setup(1))?;
    near.wait_established(world.spoke(0).router_v4().into());
    wait_leads_to(&world.router, PREFIX, &[world.spoke(0)]);
    let router = world.spoke(1).router_v4().into();
    never("a session of packets with a low TTL", || {
        far.is_established(router)
    });
    assert_eq!(world.sessions(peer_v4(1)), 0);
    world.router.assert_accounting();
    Ok(())
}

/// A peer that says nothing any more loses its session, long before the hold time (RFC 5882).
pub(crate) fn bfd<P: Peer>() -> Result<()> {
    let lines = "bfd.profile = \"fast\"";
    let profile = "[protocols.bfd.profile.fast]\ninterval = { transmit = 100, receive = 100, multiplier = 3 }";
    let world = World::run(2, &two([lines, ""], ["", ""]).with(profile))?;
    let spoke = world.spoke(0);
    let setup = Setup::new(spoke, &[Carried::V4])
        .announce(&[PREFIX])
        .extra(Extra::Bfd);
    let mut peer = P::start(&spoke.peer, &setup)?;
    peer.wait_established(spoke.router_v4().into());
    wait_leads_to(&world.router, PREFIX, &[spoke]);
    world
        .router
        .wait_show("BFD to be up", &["bfd", "peers"], |shown| {
            let mut all = shown.as_array()?.iter();
            all.find(|one| one["peer"] == spoke.peer_v4().to_string() && one["status"] == "up")
                .map(|_| ())
        });
    peer.freeze()?;
    let frozen = Instant::now();
    world.router.wait_not_established(spoke.peer_v4());
    wait_leads_to(&world.router, PREFIX, &[]);
    let took = frozen.elapsed();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    let key = spoke.peer_v4().to_string();
    let shown = world.router.show(&["bgp", "neighbors", &key])?;
    let why = shown[&key]["lastResetDueTo"].as_str().unwrap_or_default();
    assert!(why.contains("BFD"), "{why}");
    world.router.assert_accounting();
    Ok(())
}

/// Too many prefixes end the session with 6/1 (RFC 4486), or are only a warning.
pub(crate) fn maximum_prefix<P: Peer>() -> Result<()> {
    let limits = [
        "maximum-prefix = 2\nmaximum-prefix-action = \"shutdown\"",
        "maximum-prefix = 2\nmaximum-prefix-action = \"warn\"",
    ];
    let world = World::run(2, &two(["", ""], limits))?;
    let setup = |number: usize| Setup::new(world.spoke(number), &[Carried::V4]);
    let two = [PREFIX, OTHER];
    let three = [PREFIX, OTHER, "198.18.3.0/24"];
    let mut ended = P::start(&world.spoke(0).peer, &setup(0).announce(&two))?;
    for prefix in two {
        world.router.wait_bgp_paths(prefix, 1);
    }
    ended.announce(&setup(0).announce(&three))?;
    world.router.wait_not_established(peer_v4(0));
    let key = peer_v4(0).to_string();
    let neighbor = ["bgp", "neighbors", key.as_str()];
    // Behind a Hard Reset where the peer would keep the routes otherwise (RFC 8538).
    world
        .router
        .wait_show("the reason to be shown", &neighbor, |shown| {
            let why = shown[&key]["lastResetDueTo"].as_str()?;
            why.contains("Maximum Number of Prefixes Reached (6/1)")
                .then_some(())
        });
    // A peer may send back to us what it hears from us: the other one comes when this one has gone.
    let warned = P::start(&world.spoke(1).peer, &setup(1).announce(&three))?;
    for prefix in three {
        wait_leads_to(&world.router, prefix, &[world.spoke(1)]);
    }
    never("a session that comes back by itself", || {
        world.sessions(peer_v4(0)) != 1
    });
    assert!(warned.is_established(world.spoke(1).router_v4().into()));
    assert_eq!(world.sessions(peer_v4(1)), 1);
    world.router.assert_accounting();
    Ok(())
}

/// Who connects from a range is a neighbour as long as its session lasts.
pub(crate) fn dynamic_neighbour<P: Peer>() -> Result<()> {
    let config = base(1).with(
        "[protocols.bgp.listen.range.\"10.0.0.0/24\"]
peer-group = \"RANGE\"
[protocols.bgp.peer-group.RANGE]
remote-as = \"external\"
[protocols.bgp.peer-group.RANGE.address-family.ipv4-unicast]",
    );
    let world = World::run(1, &config)?;
    let spoke = world.spoke(0);
    let setup = Setup {
        opens: Opens::Peer,
        ..Setup::new(spoke, &[Carried::V4]).announce(&[PREFIX])
    };
    let mut peer = P::start(&spoke.peer, &setup)?;
    for _ in 0..2 {
        peer.wait_established(spoke.router_v4().into());
        world.router.wait_established(spoke.peer_v4());
        wait_leads_to(&world.router, PREFIX, &[spoke]);
        let key = spoke.peer_v4().to_string();
        let shown = world.router.show(&["bgp", "neighbors", &key])?;
        assert_eq!(shown[&key]["remoteAs"], asn(spoke), "{shown}");
        peer.kill()?;
        wait_leads_to(&world.router, PREFIX, &[]);
        world
            .router
            .wait_show("the neighbour to be gone", &["bgp", "neighbors"], |shown| {
                shown.get(&key).is_none().then_some(())
            });
        drop(peer);
        peer = P::start(&spoke.peer, &setup)?;
    }
    world.router.assert_accounting();
    Ok(())
}
