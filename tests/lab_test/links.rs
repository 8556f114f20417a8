//! Links, addresses and routes as the lab sets them.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use lab::ethtool::{self, Offload, Switch};
use lab::topology::Star;
use lab::{Lab, LinkOptions, MacAddress};

#[test]
fn a_link_has_the_macs_the_mtu_and_the_offloads_that_were_asked_for() -> Result<()> {
    let mut lab = Lab::new("link")?;
    let (a, b) = (lab.node("a")?, lab.node("b")?);
    let macs = [
        MacAddress([2, 0, 0, 0, 0, 0xa]),
        MacAddress([2, 0, 0, 0, 0, 0xb]),
    ];
    let options = LinkOptions {
        macs: macs.map(Some),
        mtu: 1400,
        ..LinkOptions::default()
    };
    let (port_a, port_b) = lab.link_with((&a, "eth0"), (&b, "wan"), &options)?;
    assert_eq!([port_a.mac(), port_b.mac()], macs);
    assert_eq!(port_b.to_string(), "b:wan");
    for port in [&port_a, &port_b] {
        assert_eq!(ethtool::get(port, Offload::Gro)?, Switch::On);
        assert_eq!(ethtool::get(port, Offload::TransmitChecksum)?, Switch::Off);
    }
    let mut show = Command::new("ip");
    show.args(["link", "show", "wan"]);
    let text = String::from_utf8(b.output(show)?.stdout)?;
    assert!(
        text.contains("mtu 1400") && text.contains("LOWER_UP"),
        "{text}"
    );
    Ok(())
}

#[test]
fn an_ipv6_address_works_at_once() -> Result<()> {
    let mut lab = Lab::new("v6")?;
    let node = lab.node("n1")?;
    node.add_loopback_address("2001:db8::1/128")?;
    node.run(|| UdpSocket::bind("[2001:db8::1]:0"))?;
    Ok(())
}

#[test]
fn tcp_goes_through_a_linux_router_in_both_families() -> Result<()> {
    let mut lab = Lab::new("route")?;
    let star = Star::build(&mut lab, 2)?;
    star.router.forward()?;
    let [client, server] = star.spokes.as_slice() else {
        panic!("two spokes");
    };
    client.set_default_routes()?;
    server.set_default_routes()?;
    for ip in [
        server.peer_v4().into(),
        std::net::IpAddr::V6(server.peer_v6()),
    ] {
        let listener = server.peer.run(|| TcpListener::bind((ip, 7)))?;
        let timeout = Duration::from_secs(5);
        client
            .peer
            .run(|| TcpStream::connect_timeout(&(ip, 7).into(), timeout))?;
        listener.accept()?;
    }
    Ok(())
}

#[test]
fn a_route_on_a_port_can_be_added_and_removed() -> Result<()> {
    let mut lab = Lab::new("routes")?;
    let star = Star::build(&mut lab, 1)?;
    let router = &star.router;
    let port = &star.spokes[0].router_port;
    router.add_route("198.51.100.0/24", "10.0.0.2")?;
    router.add_route_on("2001:db8:9::/48", Some("fe80::99"), port)?;
    let routes = || -> Result<String> {
        let mut v4 = Command::new("ip");
        v4.args(["route"]);
        let mut v6 = Command::new("ip");
        v6.args(["-6", "route"]);
        Ok(String::from_utf8(router.output(v4)?.stdout)?
            + &String::from_utf8(router.output(v6)?.stdout)?)
    };
    let text = routes()?;
    assert!(text.contains("198.51.100.0/24 via 10.0.0.2"), "{text}");
    assert!(
        text.contains("2001:db8:9::/48 via fe80::99 dev eth0"),
        "{text}"
    );
    router.remove_route("198.51.100.0/24")?;
    router.remove_route("2001:db8:9::/48")?;
    let text = routes()?;
    assert!(
        !text.contains("198.51.100.0") && !text.contains("db8:9"),
        "{text}"
    );
    Ok(())
}
