//! The router with other daemons around it.

use std::net::{IpAddr, Ipv6Addr};

use anyhow::Result;
use lab::config::{Carries, Config};
use lab::peer::{Restart, Speaker, SpeakerOptions};
use lab::topology::{Spoke, Star};
use lab::{Daemon, Lab};
use router_ctl::bgp::types::Family;

use crate::peer::{Carried, ROUTER_AS, Source, asn};

pub(crate) const OURS_V4: &str = "198.51.100.0/24";
pub(crate) const OURS_V6: &str = "2001:db8:51::/48";

/// The router's id, and the name of its cluster.
pub(crate) const ROUTER_ID: &str = "10.255.0.1";

/// The router with its peers' nodes around it. Field order is drop order: the daemon ends before the lab.
pub(crate) struct World {
    pub(crate) router: Daemon,
    pub(crate) star: Star,
    lab: Lab,
}

/// How many there are, and who we are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) router_as: u32,
    pub(crate) spokes: u8,
    /// Spokes with sessions, from the first one on.
    pub(crate) peers: usize,
}

impl World {
    /// Sessions on the first `peers` of `spokes` spokes.
    pub(crate) fn start(
        spokes: u8,
        peers: usize,
        carried: &[Carried],
        config: impl FnOnce(Config) -> Config,
    ) -> Result<Self> {
        Self::start_with(spokes, peers, carried, "", config)
    }

    pub(crate) fn start_with(
        spokes: u8,
        peers: usize,
        carried: &[Carried],
        lines: &str,
        config: impl FnOnce(Config) -> Config,
    ) -> Result<Self> {
        let shape = Shape {
            router_as: ROUTER_AS,
            spokes,
            peers,
        };
        Self::start_as(shape, carried, lines, config)
    }

    /// The same under another AS number.
    pub(crate) fn start_as(
        shape: Shape,
        carried: &[Carried],
        lines: &str,
        config: impl FnOnce(Config) -> Config,
    ) -> Result<Self> {
        let Shape {
            router_as,
            spokes,
            peers,
        } = shape;
        let mut lab = Lab::new("interop")?;
        let star = Star::build(&mut lab, spokes)?;
        let mut start = base_as(router_as, spokes);
        for spoke in star.spokes.iter().take(peers) {
            for one in carried {
                start = start.neighbor_with(one.peer(spoke), asn(spoke), one.families, lines);
            }
        }
        let router = Daemon::start(&star.router, &config(start).text())?;
        let names: Vec<&str> = star
            .spokes
            .iter()
            .map(|one| one.router_port.name())
            .collect();
        router.wait_attached(&names);
        Ok(Self { router, star, lab })
    }

    /// The router with this configuration, on the ports of so many spokes.
    pub(crate) fn run(spokes: u8, config: &Config) -> Result<Self> {
        let mut lab = Lab::new("interop")?;
        let star = Star::build(&mut lab, spokes)?;
        let router = Daemon::start(&star.router, &config.text())?;
        Ok(Self { router, star, lab })
    }

    /// Speakers behind the peer of a spoke, each on a link of its own and in an AS of its own, 65101 and so on.
    pub(crate) fn behind(
        &mut self,
        spoke: usize,
        count: u8,
    ) -> Result<(Vec<Speaker>, Vec<Source>)> {
        let mut speakers = Vec::new();
        let mut sources = Vec::new();
        for number in 1..=count {
            let node = self.lab.node(&format!("s{number}"))?;
            let peer = &self.star.spokes[spoke].peer;
            let name = format!("eth{number}");
            let (near, far) = self.lab.link((peer, name.as_str()), (&node, "eth0"))?;
            let (peers, own) = ([10, 9, number, 1], [10, 9, number, 2]);
            near.add_address(&format!("{}/24", IpAddr::from(peers)))?;
            far.add_address(&format!("{}/24", IpAddr::from(own)))?;
            let asn = 65100 + u32::from(number);
            sources.push(Source {
                address: own.into(),
                asn,
            });
            speakers.push(Speaker::start(
                &node,
                SpeakerOptions {
                    asn,
                    router_id: [10, 255, 9, number].into(),
                    local: own.into(),
                    router: peers.into(),
                    next_hop_v4: own.into(),
                    next_hop_v6: Ipv6Addr::LOCALHOST,
                    families: vec![Family::Ipv4Unicast],
                    hold_time: 90,
                    restart: Restart::Plain,
                },
            ));
        }
        Ok((speakers, sources))
    }

    /// How often the session with a peer has come up.
    pub(crate) fn sessions(&self, peer: IpAddr) -> u64 {
        let key = peer.to_string();
        let shown = self.router.show(&["bgp", "neighbors", &key]);
        let shown = shown.unwrap_or_default();
        shown[&key]["connectionsEstablished"].as_u64().unwrap_or(0)
    }

    pub(crate) fn spoke(&self, number: usize) -> &Spoke {
        &self.star.spokes[number]
    }
}

/// A configuration without neighbours.
pub(crate) fn base(spokes: u8) -> Config {
    base_as(ROUTER_AS, spokes)
}

pub(crate) fn base_as(asn: u32, spokes: u8) -> Config {
    Config::new(asn, ROUTER_ID)
        .ports(usize::from(spokes))
        .parameter("network-import-check = false")
}

/// The address of the peer of a spoke, before there are spokes.
pub(crate) fn peer_v4(number: u8) -> IpAddr {
    [10, 0, number, 2].into()
}

pub(crate) fn peer_v6(number: u8) -> IpAddr {
    [0xfd00, 0, 0, number.into(), 0, 0, 0, 2].into()
}

/// One prefix of each peer and family that the sessions carry.
pub(crate) fn prefixes(carried: &[Carried], peer: usize) -> Vec<&'static str> {
    let v4 = ["203.0.113.0/24", "192.0.2.0/25"];
    let v6 = ["2001:db8:113::/48", "2001:db8:2::/64"];
    let mut all = Vec::new();
    if carried.iter().any(|one| one.families != Carries::Ipv6) {
        all.push(v4[peer]);
    }
    if carried.iter().any(|one| one.families != Carries::Ipv4) {
        all.push(v6[peer]);
    }
    all
}

/// The router's address that its routes of a prefix's family have as next hop at a peer.
pub(crate) fn routers_address(spoke: &Spoke, prefix: &str) -> IpAddr {
    if prefix.contains(':') {
        spoke.router_v6().into()
    } else {
        spoke.router_v4().into()
    }
}

pub(crate) fn peers_address(spoke: &Spoke, prefix: &str) -> IpAddr {
    if prefix.contains(':') {
        spoke.peer_v6().into()
    } else {
        spoke.peer_v4().into()
    }
}

pub(crate) fn ours(prefix: &str) -> &'static str {
    if prefix.contains(':') {
        OURS_V6
    } else {
        OURS_V4
    }
}
