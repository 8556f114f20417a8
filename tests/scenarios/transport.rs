//! How connections come about: keys, TTLs, who is let in, and what a reload does to those that are there. The
//! other end is BIRD where it matters that somebody else's idea of an option is the same.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lab::config::{Carries, Config};
use lab::peer::{Bird, Speaker, SpeakerOptions};
use lab::topology::{Spoke, Star};
use lab::{Daemon, Lab, Node, wait};
use serde_json::Value;

use crate::world::{DEADLINE, ROUTER_AS, ROUTER_ID, asn, options};

/// A star without XDP: sessions are all that is looked at.
struct World {
    router: Daemon,
    star: Star,
    lab: Lab,
}

impl World {
    fn start(name: &str, peers: u8, config: impl FnOnce(&Star) -> Config) -> Result<Self> {
        let mut lab = Lab::new(name)?;
        let star = Star::build(&mut lab, peers)?;
        let router = Daemon::start(&star.router, &config(&star).text())?;
        Ok(Self { router, star, lab })
    }

    fn spoke(&self, number: usize) -> &Spoke {
        &self.star.spokes[number]
    }

    fn neighbor(&self, address: impl Into<IpAddr>) -> Result<Value> {
        let address = address.into().to_string();
        Ok(self.router.show(&["bgp", "neighbors", &address])?[&address].clone())
    }
}

fn config() -> Config {
    Config::new(ROUTER_AS, ROUTER_ID)
}

/// One side of a session in BIRD; `lines` are its options.
fn bird(local: IpAddr, asn: u32, router: IpAddr, lines: &str) -> String {
    let channel = if local.is_ipv4() { "ipv4" } else { "ipv6" };
    format!(
        "log stderr all;
router id 10.255.1.9;
debug protocols {{ states, events }};
protocol device {{ scan time 1; }}
protocol bgp upstream {{
  local {local} as {asn};
  neighbor {router} as {ROUTER_AS};
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  {lines}
  {channel} {{ import all; export none; }};
}}
"
    )
}

/// A counter of TCP in a node: how often the kernel has dropped something for this reason.
fn counter(node: &Node, name: &str) -> Result<u64> {
    let text = node.run(|| fs::read_to_string("/proc/thread-self/net/netstat"))?;
    let mut lines = text.lines().filter(|line| line.starts_with("TcpExt:"));
    let (names, values) = lines.next().zip(lines.next()).context("no TcpExt")?;
    let mut pairs = names.split_whitespace().zip(values.split_whitespace());
    let value = pairs.find(|(counter, _)| *counter == name);
    let (_, value) = value.with_context(|| format!("no counter {name}"))?;
    Ok(value.parse()?)
}

fn wait_counted(node: &Node, name: &str, count: u64) -> Result<()> {
    wait::try_until(&format!("{count} of {name}"), DEADLINE, || {
        (counter(node, name).ok()? >= count).then_some(())
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dials {
    Router,
    Peer,
}

/// The right key brings the session up and another one does not, whoever dials.
fn keys(name: &str, dials: Dials, ipv6: bool) -> Result<()> {
    let ends = |spoke: &Spoke| -> (IpAddr, IpAddr) {
        if ipv6 {
            (spoke.peer_v6().into(), spoke.router_v6().into())
        } else {
            (spoke.peer_v4().into(), spoke.router_v4().into())
        }
    };
    let carries = if ipv6 { Carries::Ipv6 } else { Carries::Ipv4 };
    let passive = dials == Dials::Peer;
    let world = World::start(name, 2, |star| {
        star.spokes.iter().fold(config(), |config, spoke| {
            let lines = format!("password = \"correct-horse\"\npassive = {passive}");
            config.neighbor_with(ends(spoke).0, asn(spoke), carries, &lines)
        })
    });
    let world = world?;
    let passive = if dials == Dials::Router { "on" } else { "off" };
    let mut birds = Vec::new();
    for (spoke, key) in world.star.spokes.iter().zip(["correct-horse", "wrong"]) {
        let (local, router) = ends(spoke);
        let lines = format!("password \"{key}\"; passive {passive};");
        let text = bird(local, asn(spoke), router, &lines);
        birds.push(Bird::start(&spoke.peer, &text)?);
    }
    world.router.wait_established(ends(world.spoke(0)).0);
    birds[0].wait_established("upstream", DEADLINE)?;
    // Whoever is dialled sees signatures that are not right, again and again.
    let dialled = match dials {
        Dials::Router => &world.spoke(1).peer,
        Dials::Peer => &world.star.router,
    };
    wait_counted(dialled, "TCPMD5Failure", 3)?;
    assert_ne!(birds[1].session_state("upstream")?, "Established");
    let shown = world.neighbor(ends(world.spoke(1)).0)?;
    assert_ne!(shown["bgpState"], "Established");
    if dials == Dials::Router {
        assert_eq!(shown["connectError"], "no answer to the connection request");
    }
    Ok(())
}

#[test]
fn a_session_that_we_dial_needs_the_right_key() -> Result<()> {
    keys("md5dial", Dials::Router, false)
}

#[test]
fn a_session_that_the_peer_dials_needs_the_right_key() -> Result<()> {
    keys("md5listen", Dials::Peer, false)
}

#[test]
fn over_ipv6_too_a_session_needs_the_right_key() -> Result<()> {
    keys("md5dial6", Dials::Router, true)?;
    keys("md5listen6", Dials::Peer, true)
}

#[test]
fn a_peer_without_a_key_is_not_let_in() -> Result<()> {
    let world = World::start("md5none", 1, |star| {
        let spoke = &star.spokes[0];
        config().neighbor_with(
            spoke.peer_v4(),
            asn(spoke),
            Carries::Ipv4,
            "password = \"key\"\npassive = true",
        )
    })?;
    let spoke = world.spoke(0);
    let (local, router) = (spoke.peer_v4().into(), spoke.router_v4().into());
    let bird = Bird::start(&spoke.peer, &bird(local, asn(spoke), router, ""))?;
    wait_counted(&world.star.router, "TCPMD5NotFound", 2)?;
    assert_ne!(bird.session_state("upstream")?, "Established");
    Ok(())
}

#[test]
fn a_key_is_changed_under_a_session_of_two_of_our_own() -> Result<()> {
    let mut lab = Lab::new("md5live")?;
    let star = Star::build(&mut lab, 1)?;
    let spoke = &star.spokes[0];
    let near = |key: &str| {
        config()
            .neighbor_with(
                spoke.peer_v4(),
                65001,
                Carries::Ipv4,
                &format!("password = \"{key}\"\npassive = true\ntimers.holdtime = 30"),
            )
            .text()
    };
    let far = |key: &str| {
        Config::new(65001, "10.255.1.1")
            .neighbor_with(
                spoke.router_v4(),
                ROUTER_AS,
                Carries::Ipv4,
                &format!("password = \"{key}\""),
            )
            .network("198.51.100.0/24")
            .parameter("network-import-check = false")
            .text()
    };
    let router = Daemon::start(&star.router, &near("one"))?;
    let peer = Daemon::start(&spoke.peer, &far("one"))?;
    router.wait_established(spoke.peer_v4());
    router.reload(&near("two"))?;
    peer.reload(&far("two"))?;
    let address = spoke.peer_v4().to_string();
    let received = |value: &Value| value[&address]["messageStats"]["keepalivesRecv"].as_u64();
    let before = received(&router.show(&["bgp", "neighbors", &address])?).unwrap();
    // Two keepalives of a third of 30 s each: one could have been under way with the old key.
    router.wait_show("keepalives", &["bgp", "neighbors", &address], |value| {
        (received(value)? >= before + 2).then_some(())
    });
    let shown = router.show(&["bgp", "neighbors", &address])?;
    assert_eq!(shown[&address]["bgpState"], "Established");
    assert_eq!(shown[&address]["connectionsEstablished"], 1);
    // A new session has the new key too.
    router.command(&["reset", "bgp", &address])?;
    router.wait_show(
        "a second session",
        &["bgp", "neighbors", &address],
        |value| {
            let neighbor = &value[&address];
            (neighbor["connectionsEstablished"] == 2 && neighbor["bgpState"] == "Established")
                .then_some(())
        },
    );
    Ok(())
}

/// A node behind the first spoke's peer, which forwards.
fn behind(world: &mut World) -> Result<(Node, IpAddr)> {
    let far = world.lab.node("far")?;
    let spoke = &world.star.spokes[0];
    let (near_port, far_port) = world.lab.link((&spoke.peer, "eth1"), (&far, "eth0"))?;
    near_port.add_address("10.9.0.1/24")?;
    far_port.add_address("10.9.0.2/24")?;
    spoke.peer.forward()?;
    far.add_route("0.0.0.0/0", "10.9.0.1")?;
    world
        .star
        .router
        .add_route("10.9.0.0/24", &spoke.peer_v4().to_string())?;
    Ok((far, "10.9.0.2".parse()?))
}

#[test]
fn ttl_security_lets_in_who_is_near_enough_and_nobody_else() -> Result<()> {
    let far: IpAddr = "10.9.0.2".parse()?;
    let text = |star: &Star, hops: u8| {
        let spoke = &star.spokes[0];
        config()
            .neighbor_with(
                spoke.peer_v4(),
                asn(spoke),
                Carries::Ipv4,
                "ttl-security.hops = 1",
            )
            .neighbor_with(
                far,
                65009,
                Carries::Ipv4,
                &format!("ttl-security.hops = {hops}\npassive = true"),
            )
    };
    let mut world = World::start("gtsm", 1, |star| text(star, 1))?;
    let spoke = world.spoke(0);
    let (local, router) = (spoke.peer_v4().into(), spoke.router_v4().into());
    let near = bird(local, asn(spoke), router, "direct; ttl security on;");
    let near = Bird::start(&spoke.peer, &near)?;
    world.router.wait_established(spoke.peer_v4());
    near.wait_established("upstream", DEADLINE)?;

    let (node, _) = behind(&mut world)?;
    let distant = bird(far, 65009, router, "multihop 2; ttl security on;");
    let distant = Bird::start(&node, &distant)?;
    wait::try_until("four connection requests in vain", DEADLINE, || {
        (distant.log().matches("Connecting to").count() > 3).then_some(())
    })?;
    assert_ne!(distant.session_state("upstream")?, "Established");
    assert_ne!(world.neighbor(far)?["bgpState"], "Established");

    // The same with one hop more allowed.
    world.router.reload(&text(&world.star, 2).text())?;
    world.router.wait_established(far);
    distant.wait_established("upstream", DEADLINE)?;
    assert_eq!(world.neighbor(local)?["connectionsEstablished"], 1);
    Ok(())
}

#[test]
fn a_range_brings_neighbours_and_strangers_are_sent_away() -> Result<()> {
    let world = World::start("range", 2, |_| {
        config().with(
            "[protocols.bgp.peer-group.RACK]
remote-as = \"external\"
password = \"shared\"
[protocols.bgp.peer-group.RACK.address-family.ipv4-unicast]
[protocols.bgp.listen.range.\"10.0.0.0/24\"]
peer-group = \"RACK\"",
        )
    })?;
    let mut birds = Vec::new();
    for (spoke, lines) in world.star.spokes.iter().zip(["password \"shared\";", ""]) {
        let (local, router) = (spoke.peer_v4().into(), spoke.router_v4().into());
        birds.push(Bird::start(
            &spoke.peer,
            &bird(local, asn(spoke), router, lines),
        )?);
    }
    birds[0].wait_established("upstream", DEADLINE)?;
    world.router.wait_established(world.spoke(0).peer_v4());
    // BIRD's words for Cease, connection rejected.
    wait::try_until("the stranger to be told", DEADLINE, || {
        let shown = birds[1].query("show protocols all upstream").ok()?;
        shown.contains("Connection rejected").then_some(())
    })?;
    Ok(())
}

#[test]
fn a_link_local_neighbour_has_a_key_of_its_own_on_each_link() -> Result<()> {
    let world = World::start("linklocal", 2, |star| {
        star.spokes.iter().fold(config(), |config, spoke| {
            let link = spoke.router_port.name();
            config.with(&format!(
                "[protocols.bgp.neighbor.\"fe80::99%{link}\"]
remote-as = {}
password = \"key-of-{link}\"
[protocols.bgp.neighbor.\"fe80::99%{link}\".address-family.ipv6-unicast]",
                asn(spoke)
            ))
        })
    })?;
    let mut birds = Vec::new();
    for spoke in &world.star.spokes {
        spoke.router_port.add_address("fe80::1/64")?;
        spoke.peer_port.add_address("fe80::99/64")?;
        let link = spoke.router_port.name();
        let lines = format!("interface \"eth0\"; password \"key-of-{link}\";");
        let text = bird("fe80::99".parse()?, asn(spoke), "fe80::1".parse()?, &lines);
        birds.push(Bird::start(&spoke.peer, &text)?);
    }
    for bird in &birds {
        bird.wait_established("upstream", DEADLINE)?;
    }
    Ok(())
}

#[test]
fn a_reload_adds_and_removes_neighbours_and_touches_no_other() -> Result<()> {
    let text = |star: &Star, peers: usize| {
        let spokes = star.spokes[..peers].iter();
        spokes.fold(config(), |config, spoke| {
            config.neighbor_with(spoke.peer_v4(), asn(spoke), Carries::Both, "passive = true")
        })
    };
    let world = World::start("reload", 2, |star| text(star, 1))?;
    let quick = |spoke: &Spoke| SpeakerOptions {
        hold_time: 9,
        ..options(spoke)
    };
    let speakers: Vec<Speaker> = world
        .star
        .spokes
        .iter()
        .map(|spoke| Speaker::start(&spoke.peer, quick(spoke)))
        .collect();
    speakers[0].wait_up();
    let (first, second) = (world.spoke(0).peer_v4(), world.spoke(1).peer_v4());
    world.router.wait_established(first);
    assert!(!speakers[1].is_up(), "not configured yet");

    let both = text(&world.star, 2).text();
    world.router.reload(&both)?;
    speakers[1].wait_up();
    world.router.wait_established(second);

    // A file with an error is not taken over, and says where it is wrong.
    world
        .router
        .reload(&both.replace("remote-as = 65002", "remote-as = 0"))?;
    wait::try_until("the reload to be refused", DEADLINE, || {
        let log = world.router.log();
        (log.contains("remote-as") && log.contains("stays as it was")).then_some(())
    })?;
    assert_eq!(world.router.session_state(second)?, "Established");

    let one = text(&world.star, 1).text();
    world.router.reload(&one)?;
    wait::try_until("the second neighbour to lose its session", DEADLINE, || {
        (!speakers[1].is_up()).then_some(())
    })?;
    let shown = world.router.show(&["bgp", "neighbors"])?;
    assert!(shown[second.to_string()].is_null(), "{shown}");
    assert_eq!(shown[first.to_string()]["connectionsEstablished"], 1);
    assert_eq!(speakers[0].sessions(), 1);
    Ok(())
}

#[test]
fn a_reset_ends_one_session_and_says_why() -> Result<()> {
    let world = World::start("reset", 2, |star| {
        star.spokes.iter().fold(config(), |config, spoke| {
            config.neighbor(spoke.peer_v4(), asn(spoke), Carries::Ipv4)
        })
    })?;
    let mut birds = Vec::new();
    for spoke in &world.star.spokes {
        let (local, router) = (spoke.peer_v4().into(), spoke.router_v4().into());
        birds.push(Bird::start(
            &spoke.peer,
            &bird(local, asn(spoke), router, ""),
        )?);
        world.router.wait_established(local);
    }
    let address = world.spoke(0).peer_v4().to_string();
    let said = world
        .router
        .command(&["reset", "bgp", &address, "message", "tea break"])?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert_eq!(said, format!("{address}: the session begins anew\n"));
    wait::try_until("BIRD to read the message", DEADLINE, || {
        birds[0].log().contains("tea break").then_some(())
    })?;
    world
        .router
        .wait_show("a second session", &["bgp", "neighbors"], |shown| {
            (shown[&address]["connectionsEstablished"] == 2).then_some(())
        });
    let other = world.neighbor(world.spoke(1).peer_v4())?;
    assert_eq!(other["connectionsEstablished"], 1);
    assert_eq!(other["bgpState"], "Established");
    let nobody = world.router.command(&["reset", "bgp", "10.99.0.1"])?;
    assert_eq!(nobody.status.code(), Some(1));
    Ok(())
}

/// How long an unnumbered neighbour may take to be found: who comes asks, so nobody waits for the next
/// advertisement. Most of it is for a busy machine.
const FOUND_WITHIN: Duration = Duration::from_secs(20);

#[test]
fn two_routers_find_each_other_on_a_link_without_addresses() -> Result<()> {
    let mut lab = Lab::new("unnumbered")?;
    let left = lab.node("left")?;
    let right = lab.node("right")?;
    let (left_port, right_port) = lab.link((&left, "eth0"), (&right, "eth0"))?;
    for port in [&left_port, &right_port] {
        port.node()
            .sysctl("net/ipv6/conf/eth0/addr_gen_mode", "0")?;
        port.down()?;
        port.up()?;
    }
    let text = |asn: u32, id: &str| {
        Config::new(asn, id)
            .with(
                "[protocols.bgp.neighbor.eth0]
interface.v6only.remote-as = \"external\"
[protocols.bgp.neighbor.eth0.address-family.ipv4-unicast]",
            )
            .text()
    };
    let near = Daemon::start(&left, &text(65001, "10.255.0.1"))?;
    let far = Daemon::start(&right, &text(65002, "10.255.0.2"))?;
    for router in [&near, &far] {
        wait::try_until("the session with the other", FOUND_WITHIN, || {
            let neighbors = router.show(&["bgp", "neighbors"]).ok()?;
            let (name, neighbor) = neighbors.as_object()?.iter().next()?;
            (name == "eth0" && neighbor["bgpState"] == "Established").then_some(())
        })
        .with_context(|| router.log())?;
    }
    Ok(())
}
