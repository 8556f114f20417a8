//! `HostWatch` against a real kernel: the dump first, then every change, once.

use std::time::Duration;

use anyhow::{Context as _, Result};
use lab::{Lab, MacAddress, Node, Port};
use router_ctl::host::{HostEvent, Link, LinkState, NeighbourKey, NeighbourState};
use router_ctl::kernel::HostWatch;
use tokio::runtime::{Builder, Runtime};

const DEADLINE: Duration = Duration::from_secs(10);

/// A watch inside a node, driven from the test's thread.
struct Watch {
    runtime: Runtime,
    watch: HostWatch,
    seen: Vec<HostEvent>,
}

impl Watch {
    fn open(node: &Node) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let watch = node.run(|| {
            let _inside = runtime.enter();
            HostWatch::open()
        })?;
        Ok(Self {
            runtime,
            watch,
            seen: Vec::new(),
        })
    }

    fn next(&mut self) -> Result<Vec<HostEvent>> {
        let events = self
            .runtime
            .block_on(async { tokio::time::timeout(DEADLINE, self.watch.next()).await })
            .with_context(|| format!("no event within {DEADLINE:?}; so far: {:#?}", self.seen))??;
        self.seen.extend(events.iter().cloned());
        Ok(events)
    }

    /// Reads on until `wanted` says yes to an event that has not been waited for before.
    fn until(&mut self, what: &str, wanted: impl Fn(&HostEvent) -> bool) -> Result<HostEvent> {
        loop {
            if let Some(position) = self.seen.iter().position(&wanted) {
                let event = self.seen.swap_remove(position);
                self.seen.clear();
                return Ok(event);
            }
            self.next().with_context(|| format!("waiting for {what}"))?;
        }
    }

    fn link(&mut self, port: &Port, state: LinkState) -> Result<Link> {
        let what = format!("{port} to be {state:?}");
        let event = self.until(&what, |event| {
            link_of(event).is_some_and(|link| (link.index, link.state) == (port.index(), state))
        })?;
        Ok(link_of(&event).context("no link")?.clone())
    }

    fn event(&mut self, expected: HostEvent) -> Result<()> {
        self.until(&format!("{expected:?}"), |event| *event == expected)
            .map(|_| ())
    }
}

fn link_of(event: &HostEvent) -> Option<&Link> {
    if let HostEvent::Link(link) = event {
        Some(link)
    } else {
        None
    }
}

fn address(port: &Port, net: &str) -> router_ctl::host::Address {
    router_ctl::host::Address {
        link: port.index(),
        net: net.parse().unwrap(),
    }
}

fn key(port: &Port, address: &str) -> NeighbourKey {
    NeighbourKey {
        link: port.index(),
        address: address.parse().unwrap(),
    }
}

fn linked(name: &str) -> Result<(Lab, Port, Port)> {
    let mut lab = Lab::new(name)?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    let (port, far) = lab.link((&a, "eth0"), (&b, "eth0"))?;
    Ok((lab, port, far))
}

#[test]
fn the_first_batch_is_a_whole_dump_between_resync_and_resync_done() -> Result<()> {
    let (_lab, port, far) = linked("dump")?;
    port.add_address("192.0.2.1/24")?;
    port.add_address("2001:db8::1/64")?;
    port.add_neighbour("192.0.2.2".parse()?, far.mac())?;

    let mut watch = Watch::open(port.node())?;
    let events = watch.next()?;

    assert_eq!(events.first(), Some(&HostEvent::Resync));
    assert_eq!(events.last(), Some(&HostEvent::ResyncDone));
    let expected_link = Link {
        index: port.index(),
        name: "eth0".to_owned(),
        mac: Some(port.mac()),
        mtu: 1500,
        state: LinkState::Up,
        loopback: false,
    };
    for expected in [
        HostEvent::Link(expected_link),
        HostEvent::AddressAdded(address(&port, "192.0.2.1/24")),
        HostEvent::AddressAdded(address(&port, "2001:db8::1/64")),
        HostEvent::Neighbour(
            key(&port, "192.0.2.2"),
            NeighbourState::Reachable(far.mac()),
        ),
    ] {
        assert!(events.contains(&expected), "{expected:?} in {events:#?}");
    }
    let mut links = events.iter().filter_map(link_of);
    assert!(links.any(|link| link.loopback && link.mac.is_none()));
    Ok(())
}

#[test]
fn link_changes_arrive() -> Result<()> {
    let (_lab, port, far) = linked("links")?;
    let mut watch = Watch::open(port.node())?;
    watch.event(HostEvent::ResyncDone)?;

    far.down()?;
    watch.link(&port, LinkState::NoCarrier)?;
    port.down()?;
    watch.link(&port, LinkState::AdminDown)?;
    port.up()?;
    far.up()?;
    watch.link(&port, LinkState::Up)?;

    port.set_mtu(1400)?;
    assert_eq!(watch.link(&port, LinkState::Up)?.mtu, 1400);
    let mac = MacAddress([2, 0, 0, 0, 0, 0x77]);
    port.set_mac(mac)?;
    assert_eq!(watch.link(&port, LinkState::Up)?.mac, Some(mac));

    port.delete()?;
    watch.event(HostEvent::LinkGone(port.index()))
}

#[test]
fn address_changes_arrive_and_a_vanished_link_takes_its_addresses_along() -> Result<()> {
    let (_lab, port, _far) = linked("addresses")?;
    let mut watch = Watch::open(port.node())?;
    watch.event(HostEvent::ResyncDone)?;

    let (v4, v6) = ("192.0.2.1/24", "2001:db8::1/64");
    port.add_address(v4)?;
    watch.event(HostEvent::AddressAdded(address(&port, v4)))?;
    port.add_address(v6)?;
    watch.event(HostEvent::AddressAdded(address(&port, v6)))?;
    port.remove_address(v4)?;
    watch.event(HostEvent::AddressRemoved(address(&port, v4)))?;
    port.delete()?;
    watch.event(HostEvent::AddressRemoved(address(&port, v6)))
}

#[test]
fn a_tentative_address_is_told_when_its_check_is_over() -> Result<()> {
    let (_lab, port, _far) = linked("tentative")?;
    let mut watch = Watch::open(port.node())?;
    watch.event(HostEvent::ResyncDone)?;

    let start = std::time::Instant::now();
    port.add_address_checked("2001:db8::1/64")?;
    watch.event(HostEvent::AddressAdded(address(&port, "2001:db8::1/64")))?;
    assert!(
        start.elapsed() > Duration::from_millis(900),
        "a probe takes a second"
    );
    Ok(())
}

#[test]
fn an_address_that_someone_else_has_is_never_told() -> Result<()> {
    let (_lab, port, far) = linked("duplicate")?;
    far.add_address("2001:db8::1/64")?;
    let mut watch = Watch::open(port.node())?;
    watch.event(HostEvent::ResyncDone)?;

    port.add_address_checked("2001:db8::1/64")?;
    lab::wait::until("the check to fail", DEADLINE, || {
        let mut show = std::process::Command::new("ip");
        show.args(["-6", "address", "show", "dadfailed"]);
        let output = port.node().output(show).unwrap();
        String::from_utf8_lossy(&output.stdout)
            .contains("2001:db8::1")
            .then_some(())
    });
    port.add_address("192.0.2.1/24")?;
    let duplicate = HostEvent::AddressAdded(address(&port, "2001:db8::1/64"));
    let marker = HostEvent::AddressAdded(address(&port, "192.0.2.1/24"));
    let mut seen = Vec::new();
    while !seen.contains(&marker) {
        seen.extend(watch.next()?);
    }
    assert!(!seen.contains(&duplicate), "{seen:#?}");
    Ok(())
}

#[test]
fn neighbour_changes_arrive() -> Result<()> {
    let (_lab, port, _far) = linked("neighbours")?;
    port.add_address("192.0.2.1/24")?;
    let mut watch = Watch::open(port.node())?;
    watch.event(HostEvent::ResyncDone)?;

    for ip in ["192.0.2.2", "2001:db8::2"] {
        for mac in [
            MacAddress([2, 0, 0, 0, 0, 1]),
            MacAddress([2, 0, 0, 0, 0, 2]),
        ] {
            port.add_neighbour(ip.parse()?, mac)?;
            let state = NeighbourState::Reachable(mac);
            watch.event(HostEvent::Neighbour(key(&port, ip), state))?;
        }
        port.remove_neighbour(ip.parse()?)?;
        watch.event(HostEvent::Neighbour(key(&port, ip), NeighbourState::Failed))?;
    }
    Ok(())
}

/// `ip route` in a node; the words are split at spaces.
fn ip(node: &Node, words: &str) -> Result<()> {
    let mut command = std::process::Command::new("ip");
    command.args(words.split(' '));
    let output = node.output(command)?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(output.status.success(), "ip {words}: {complaint}");
    Ok(())
}

fn route(net: &str) -> HostEvent {
    HostEvent::ForeignRoute(net.parse().unwrap())
}

fn route_gone(net: &str) -> HostEvent {
    HostEvent::ForeignRouteGone(net.parse().unwrap())
}

#[test]
fn foreign_routes_are_in_the_dump_and_their_changes_arrive() -> Result<()> {
    let (_lab, port, _far) = linked("routes")?;
    let node = port.node();
    port.add_address("192.0.2.1/24")?;
    port.add_address("2001:db8::1/64")?;
    ip(node, "route add 198.51.100.0/24 via 192.0.2.2")?;
    ip(node, "route add blackhole 198.51.101.0/24")?;
    ip(node, "route add 198.51.102.0/24 via 192.0.2.2 table 100")?;
    let mut watch = Watch::open(node)?;
    let events = watch.next()?;
    let routes: Vec<_> = events
        .iter()
        .filter(|event| matches!(event, HostEvent::ForeignRoute(_)))
        .collect();
    assert_eq!(routes, [&route("198.51.100.0/24")]);

    let (v4, v6) = ("203.0.113.0/24", "2001:db8:113::/48");
    for (net, gateway) in [(v4, "192.0.2.2"), (v6, "2001:db8::2")] {
        let add = format!("route add {net} via {gateway} proto static");
        ip(node, &add)?;
        watch.event(route(net))?;
        ip(node, &format!("route add {net} dev eth0 metric 2000"))?;
        ip(node, &format!("route del {net} via {gateway}"))?;
        ip(node, &format!("route del {net} metric 2000"))?;
        watch.event(route_gone(net))?;
        ip(node, &add)?;
        watch.event(route(net))?;
        ip(node, &format!("route replace blackhole {net}"))?;
        watch.event(route_gone(net))?;
        ip(node, &format!("route del blackhole {net}"))?;
    }
    Ok(())
}

#[test]
fn several_next_hops_keep_a_route_until_the_last_is_gone() -> Result<()> {
    let (_lab, port, _far) = linked("multipath")?;
    let node = port.node();
    port.add_address("2001:db8::1/64")?;
    port.add_address("192.0.2.1/24")?;
    let mut watch = Watch::open(node)?;
    watch.event(HostEvent::ResyncDone)?;

    let net = "2001:db8:113::/48";
    let both = "nexthop via 2001:db8::2 nexthop via 2001:db8::3";
    ip(node, &format!("route add {net} {both}"))?;
    watch.event(route(net))?;
    ip(node, &format!("route append {net} via 2001:db8::4"))?;
    ip(node, &format!("route del {net} via 2001:db8::2"))?;
    ip(node, &format!("route del {net} via 2001:db8::3"))?;
    // The marker comes right after, so nothing was said between.
    ip(node, "route add 203.0.113.0/24 via 192.0.2.2")?;
    assert_eq!(watch.next()?, [route("203.0.113.0/24")]);
    ip(node, &format!("route del {net} via 2001:db8::4"))?;
    watch.event(route_gone(net))?;

    // Which of two alike is replaced the kernel does not say.
    let net = "198.51.100.0/24";
    for verb in ["add", "append"] {
        let last = if verb == "add" { 2 } else { 3 };
        ip(node, &format!("route {verb} {net} via 192.0.2.{last}"))?;
    }
    watch.event(route(net))?;
    ip(node, &format!("route replace {net} via 192.0.2.4"))?;
    for last in [4, 3] {
        ip(node, &format!("route del {net} via 192.0.2.{last}"))?;
    }
    watch.event(route_gone(net))
}

#[test]
fn routes_that_went_with_their_link_without_a_word_are_missed() -> Result<()> {
    let (_lab, port, _far) = linked("silent")?;
    let node = port.node();
    port.add_address("192.0.2.1/24")?;
    let (by_gateway, by_source) = ("203.0.113.0/24", "198.51.100.0/24");
    ip(node, &format!("route add {by_gateway} via 192.0.2.2"))?;
    let mut watch = Watch::open(node)?;
    watch.event(HostEvent::ResyncDone)?;

    port.add_address("192.0.2.9/32")?;
    let from = format!("route add {by_source} via 192.0.2.2 src 192.0.2.9");
    ip(node, &from)?;
    watch.event(route(by_source))?;
    port.remove_address("192.0.2.9/32")?;
    watch.event(route_gone(by_source))?;
    port.down()?;
    watch.event(route_gone(by_gateway))?;
    port.up()?;
    ip(node, &format!("route add {by_gateway} via 192.0.2.2"))?;
    watch.event(route(by_gateway))
}

#[test]
fn a_flood_that_overruns_the_socket_ends_in_a_new_and_true_picture() -> Result<()> {
    let (_lab, port, _far) = linked("overrun")?;
    port.add_address("10.1.0.1/16")?;
    let mut watch = Watch::open(port.node())?;
    watch.event(HostEvent::ResyncDone)?;

    // Each round is two messages of about 1.3 KiB of buffer; sixteen megabytes are full long before the end.
    let mut index = 0u32;
    let mut flood = |count: u32| -> Result<()> {
        for _ in 0..count {
            index += 1;
            let ip = std::net::Ipv4Addr::from(0x0a01_0100 + index % 200);
            port.add_neighbour(ip.into(), MacAddress([2, 0, 0, 0, 0, 1]))?;
            port.remove_neighbour(ip.into())?;
        }
        Ok(())
    };
    flood(30_000)?;
    let last = "10.1.9.9";
    port.add_neighbour(last.parse()?, MacAddress([2, 0, 0, 0, 0, 9]))?;

    let state = NeighbourState::Reachable(MacAddress([2, 0, 0, 0, 0, 9]));
    let expected = HostEvent::Neighbour(key(&port, last), state);
    let mut resynced = false;
    loop {
        let events = watch.next()?;
        resynced |= events.contains(&HostEvent::Resync);
        if resynced && events.contains(&expected) {
            assert_eq!(events.first(), Some(&HostEvent::Resync));
            assert_eq!(events.last(), Some(&HostEvent::ResyncDone));
            return Ok(());
        }
    }
}
