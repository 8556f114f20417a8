//! Two routers on one host, each in a namespace of its own with its own socket and pins. They are neighbours, and
//! frames go through both.

use anyhow::Result;
use lab::config::{Carries, Config};
use lab::frame::{Ethernet, Frame, Ipv4, Udp};
use lab::maps::{self, Maps};
use lab::{Capture, Daemon, Lab, Pace, Port, Sender, wait};

use crate::world::{DEADLINE, MARK, is_marked};

/// `a — r1 — r2 — b`, with 10.1.0.0/24 on the left, 10.2.0.0/24 on the right, 10.3.0.0/24 in the middle.
struct Chain {
    first: Daemon,
    second: Daemon,
    ports: [Port; 6],
    _lab: Lab,
}

impl Chain {
    fn start() -> Result<Self> {
        let mut lab = Lab::new("two")?;
        let (a, b) = (lab.node("a")?, lab.node("b")?);
        let (r1, r2) = (lab.node("r1")?, lab.node("r2")?);
        let (a0, r10) = lab.link((&a, "eth0"), (&r1, "eth0"))?;
        let (r11, r20) = lab.link((&r1, "eth1"), (&r2, "eth0"))?;
        let (r21, b0) = lab.link((&r2, "eth1"), (&b, "eth0"))?;
        for (port, address) in [
            (&a0, "10.1.0.2/24"),
            (&r10, "10.1.0.1/24"),
            (&r11, "10.3.0.1/24"),
            (&r20, "10.3.0.2/24"),
            (&r21, "10.2.0.1/24"),
            (&b0, "10.2.0.2/24"),
        ] {
            port.add_address(address)?;
        }
        for node in [&r1, &r2] {
            node.forward()?;
        }
        a.add_route("0.0.0.0/0", "10.1.0.1")?;
        b.add_route("0.0.0.0/0", "10.2.0.1")?;
        let config = |asn: u32, id: &str, network: &str, peer: [u8; 4], peer_as: u32| {
            Config::new(asn, id)
                .ports(2)
                .network(network)
                .neighbor(std::net::Ipv4Addr::from(peer), peer_as, Carries::Ipv4)
                .text()
        };
        let first = config(65001, "10.255.0.1", "10.1.0.0/24", [10, 3, 0, 2], 65002);
        let second = config(65002, "10.255.0.2", "10.2.0.0/24", [10, 3, 0, 1], 65001);
        let (first, second) = (Daemon::start(&r1, &first)?, Daemon::start(&r2, &second)?);
        for router in [&first, &second] {
            router.wait_attached(&["eth0", "eth1"]);
        }
        Ok(Self {
            first,
            second,
            ports: [a0, r10, r11, r20, r21, b0],
            _lab: lab,
        })
    }
}

#[test]
fn two_routers_on_one_host_forward_through_each_other() -> Result<()> {
    let mut chain = Chain::start()?;
    assert_ne!(chain.first.socket(), chain.second.socket());
    assert_ne!(maps::pins(&chain.first), maps::pins(&chain.second));
    let [a0, r10, _, _, r21, b0] = chain.ports.clone();
    chain
        .first
        .wait_next_hops("10.2.0.0/24", &["10.3.0.2".parse()?]);
    chain
        .second
        .wait_next_hops("10.1.0.0/24", &["10.3.0.1".parse()?]);

    let packet = |to, from, ttl, number| {
        Frame::new(Ethernet::new(to, from))
            .ipv4(Ipv4 {
                ttl,
                ..Ipv4::new([10, 1, 0, 2], [10, 2, 0, 2])
            })
            .udp(Udp::new(number, MARK))
            .payload(b"through both")
            .build()
    };
    let sender = Sender::open(&a0)?;
    // Until everybody on the way is resolved, kernels forward some of it.
    wait::until("the whole way to be resolved", DEADLINE, || {
        sender.send(&packet(r10.mac(), a0.mac(), 64, 1)).ok()?;
        let lookup = |router: &Daemon| -> Option<bool> {
            let maps = Maps::of(router).ok()?;
            let route = maps.lookup("10.2.0.2".parse().ok()?).ok()??;
            let buckets = maps.buckets(route).ok()?;
            Some(
                buckets
                    .iter()
                    .all(|next_hop| maps::Exit::of(next_hop).is_some()),
            )
        };
        (lookup(&chain.first)? && lookup(&chain.second)?).then_some(())
    });
    let capture = Capture::frames(&b0, is_marked)?;
    let sent: Vec<_> = (100..300)
        .map(|number| packet(r10.mac(), a0.mac(), 64, number))
        .collect();
    let before = [
        chain.first.verdict("Forwarded")?,
        chain.second.verdict("Forwarded")?,
    ];
    sender.send_all(&sent, Pace::PerSecond(10_000))?;
    let wanted: Vec<_> = (100..300)
        .map(|number| packet(b0.mac(), r21.mac(), 62, number))
        .collect();
    let mut arrived = capture.wait_for(200, DEADLINE)?;
    arrived.retain(|frame| wanted.contains(frame));
    assert_eq!(arrived, wanted);
    for (router, before) in [&chain.first, &chain.second].iter().zip(before) {
        let forwarded = router.verdict("Forwarded")?.packets - before.packets;
        assert!(forwarded >= 200, "{forwarded} packets forwarded in XDP");
        router.assert_accounting();
    }

    // What happens to one is nothing to the other.
    chain.first.stop()?;
    assert!(chain.first.unload()?.status.success());
    assert!(!chain.first.bpffs().exists(), "pins of the first are left");
    chain.second.show(&["version"])?;
    assert!(maps::pins(&chain.second).exists());
    chain.second.wait_attached(&["eth0", "eth1"]);
    chain.second.assert_accounting();
    Ok(())
}
