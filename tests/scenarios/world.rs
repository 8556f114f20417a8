//! What the scenarios share: a star with the daemon in its middle, speakers around it, packets in both families.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::Result;
use lab::frame::{Ethernet, Flow, Frame, Ipv4, Ipv6, Udp};
use lab::peer::{Restart, Speaker, SpeakerOptions};
use lab::topology::{Spoke, Star};
use lab::{Capture, Daemon, Lab, Pace, Sender};
use router_ctl::bgp::types::Family;

pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
pub(crate) const ROUTER_AS: u32 = 65000;
pub(crate) const ROUTER_ID: &str = "10.255.0.1";
/// The destination port of every frame that a test sends; whatever else is on the wire is not counted.
pub(crate) const MARK: u16 = 40_053;
const UDP: u8 = 17;

/// A star with a running router. Field order is drop order: the daemon ends before the lab.
pub(crate) struct World {
    pub(crate) router: Daemon,
    pub(crate) star: Star,
    _lab: Lab,
}

impl World {
    /// `peers` spokes with XDP on every port of the router; `config` adds to it.
    pub(crate) fn start(
        name: &str,
        peers: u8,
        config: impl FnOnce(Config, &Star) -> Config,
    ) -> Result<Self> {
        let mut lab = Lab::new(name)?;
        let star = Star::build(&mut lab, peers)?;
        star.router.forward()?;
        for spoke in &star.spokes {
            spoke.set_default_routes()?;
        }
        let start = Config::new(ROUTER_AS, ROUTER_ID).ports(usize::from(peers));
        let text = config(start, &star).text();
        let router = Daemon::start(&star.router, &text)?;
        let names: Vec<&str> = star
            .spokes
            .iter()
            .map(|spoke| spoke.router_port.name())
            .collect();
        router.wait_attached(&names);
        Ok(Self {
            router,
            star,
            _lab: lab,
        })
    }

    pub(crate) fn spoke(&self, number: usize) -> &Spoke {
        &self.star.spokes[number]
    }
}

pub(crate) use lab::config::{Carries, Config};

/// The AS of the peer on a spoke.
pub(crate) fn asn(spoke: &Spoke) -> u32 {
    65001 + u32::from(spoke.number)
}

/// A speaker on a spoke that carries both families over one IPv4 session.
pub(crate) fn options(spoke: &Spoke) -> SpeakerOptions {
    SpeakerOptions {
        asn: asn(spoke),
        router_id: Ipv4Addr::new(10, 255, 1, spoke.number),
        local: spoke.peer_v4().into(),
        router: spoke.router_v4().into(),
        next_hop_v4: spoke.peer_v4(),
        next_hop_v6: spoke.peer_v6(),
        families: Family::ALL.to_vec(),
        hold_time: 90,
        restart: Restart::Plain,
    }
}

pub(crate) fn speaker(spoke: &Spoke) -> Speaker {
    Speaker::start(&spoke.peer, options(spoke))
}

/// The router's side of [`speaker`]s on all spokes.
pub(crate) fn neighbors(mut config: Config, star: &Star) -> Config {
    for spoke in &star.spokes {
        config = config.neighbor_with(spoke.peer_v4(), asn(spoke), Carries::Both, "passive = true");
    }
    config
}

/// One UDP packet; all that a router may change are arguments.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) source_port: u16,
    pub(crate) payload: Vec<u8>,
}

impl Packet {
    /// `destination` decides the family; the source is behind the spoke's peer.
    pub(crate) fn new(from: &Spoke, destination: &str, source_port: u16) -> Self {
        let destination: IpAddr = destination.parse().unwrap();
        let source = match destination {
            IpAddr::V4(_) => IpAddr::V4(from.peer_v4()),
            IpAddr::V6(_) => IpAddr::V6(from.peer_v6()),
        };
        Self {
            source,
            destination,
            source_port,
            payload: b"a payload of some length".to_vec(),
        }
    }

    /// As the spoke's peer sends it to the router.
    pub(crate) fn sent(&self, from: &Spoke) -> Vec<u8> {
        self.frame(from.router_port.mac(), from.peer_port.mac(), 64)
    }

    /// As it must arrive at the spoke's peer after one router.
    pub(crate) fn forwarded(&self, to: &Spoke) -> Vec<u8> {
        self.frame(to.peer_port.mac(), to.router_port.mac(), 63)
    }

    pub(crate) fn frame(&self, to: lab::MacAddress, from: lab::MacAddress, hops: u8) -> Vec<u8> {
        let frame = Frame::new(Ethernet::new(to, from));
        let frame = match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => frame.ipv4(Ipv4 {
                ttl: hops,
                identification: self.source_port,
                ..Ipv4::new(source, destination)
            }),
            (IpAddr::V6(source), IpAddr::V6(destination)) => frame.ipv6(Ipv6 {
                hop_limit: hops,
                ..Ipv6::new(source, destination)
            }),
            (source, destination) => panic!("{source} and {destination} are of two families"),
        };
        frame
            .udp(Udp::new(self.source_port, MARK))
            .payload(&self.payload)
            .build()
    }
}

/// Whether a frame is one of ours.
pub(crate) fn is_marked(frame: &[u8]) -> bool {
    Flow::of(frame).is_some_and(|flow| is_marked_flow(&flow))
}

pub(crate) fn is_marked_flow(flow: &Flow) -> bool {
    flow.protocol == UDP && flow.destination_port == MARK
}

/// Sends one packet of each flow from `from` and tells at which of `to` it came out. Fails unless every one
/// arrives at exactly one.
pub(crate) fn where_flows_go(
    from: &Spoke,
    to: &[&Spoke],
    packets: &[Packet],
) -> Result<HashMap<Flow, usize>> {
    let captures: Vec<_> = to
        .iter()
        .map(|spoke| Capture::flows(&spoke.peer_port, is_marked_flow))
        .collect::<Result<_>>()?;
    let frames: Vec<Vec<u8>> = packets.iter().map(|packet| packet.sent(from)).collect();
    Sender::open(&from.peer_port)?.send_all(&frames, Pace::PerSecond(20_000))?;
    lab::wait::until(
        &format!("{} packets to arrive", frames.len()),
        DEADLINE,
        || {
            let arrived: u64 = captures.iter().map(Capture::total).sum();
            (arrived >= frames.len() as u64).then_some(())
        },
    );
    let mut ways = HashMap::new();
    for (number, capture) in captures.into_iter().enumerate() {
        let captured = capture.stop()?;
        assert_eq!(captured.dropped, 0, "the capture lost frames");
        for (flow, count) in captured.state {
            assert_eq!(count, 1, "{flow:?} arrived more than once");
            let other = ways.insert(flow, number);
            assert_eq!(other, None, "{flow:?} arrived at two peers");
        }
    }
    assert_eq!(ways.len(), packets.len(), "flows that arrived");
    Ok(ways)
}

/// Sends packets and compares the frames that arrive with those that must, byte by byte and in order.
pub(crate) fn assert_forwarded(from: &Spoke, to: &Spoke, packets: &[Packet]) -> Result<()> {
    let capture = Capture::frames(&to.peer_port, is_marked)?;
    let sent: Vec<Vec<u8>> = packets.iter().map(|packet| packet.sent(from)).collect();
    Sender::open(&from.peer_port)?.send_all(&sent, Pace::PerSecond(20_000))?;
    let arrived = capture.wait_for(packets.len(), DEADLINE)?;
    let wanted: Vec<Vec<u8>> = packets.iter().map(|packet| packet.forwarded(to)).collect();
    assert_eq!(arrived, wanted, "the frames that left");
    Ok(())
}

/// What differs between the families, so that one test can speak of both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) family: Family,
    /// A prefix, an address in it, a longer prefix inside of it, an address in that.
    pub(crate) prefix: &'static str,
    pub(crate) address: &'static str,
    pub(crate) inner: &'static str,
    pub(crate) inner_address: &'static str,
    /// Another prefix, of our own.
    pub(crate) own: &'static str,
}

pub(crate) const V4: Sample = Sample {
    family: Family::Ipv4Unicast,
    prefix: "203.0.113.0/24",
    address: "203.0.113.9",
    inner: "203.0.113.128/25",
    inner_address: "203.0.113.200",
    own: "198.51.100.0/24",
};

pub(crate) const V6: Sample = Sample {
    family: Family::Ipv6Unicast,
    prefix: "2001:db8:113::/48",
    address: "2001:db8:113:1::9",
    inner: "2001:db8:113:8000::/49",
    inner_address: "2001:db8:113:8000::200",
    own: "2001:db8:51::/48",
};

impl Sample {
    pub(crate) fn peer(&self, spoke: &Spoke) -> IpAddr {
        self.pick(spoke.peer_v4(), spoke.peer_v6())
    }

    pub(crate) fn router(&self, spoke: &Spoke) -> IpAddr {
        self.pick(spoke.router_v4(), spoke.router_v6())
    }

    fn pick(&self, v4: Ipv4Addr, v6: Ipv6Addr) -> IpAddr {
        match self.family {
            Family::Ipv4Unicast => v4.into(),
            Family::Ipv6Unicast => v6.into(),
        }
    }

    pub(crate) fn carries(&self) -> Carries {
        match self.family {
            Family::Ipv4Unicast => Carries::Ipv4,
            Family::Ipv6Unicast => Carries::Ipv6,
        }
    }

    /// A speaker that carries this family alone, over this family.
    pub(crate) fn speaker(&self, spoke: &Spoke) -> Speaker {
        Speaker::start(
            &spoke.peer,
            SpeakerOptions {
                local: self.peer(spoke),
                router: self.router(spoke),
                families: vec![self.family],
                ..options(spoke)
            },
        )
    }

    /// The router's side of [`speaker`](Self::speaker) on all spokes.
    pub(crate) fn neighbors(&self, mut config: Config, star: &Star) -> Config {
        for spoke in &star.spokes {
            config = config.neighbor_with(
                self.peer(spoke),
                asn(spoke),
                self.carries(),
                "passive = true",
            );
        }
        config
    }
}
