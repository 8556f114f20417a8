//! The router with other daemons around it.

use std::net::IpAddr;

use anyhow::Result;
use lab::config::{Carries, Config};
use lab::topology::{Spoke, Star};
use lab::{Daemon, Lab};

use crate::peer::{Carried, ROUTER_AS, asn};

pub(crate) const OURS_V4: &str = "198.51.100.0/24";
pub(crate) const OURS_V6: &str = "2001:db8:51::/48";

/// The router with its peers' nodes around it. Field order is drop order: the daemon ends before the lab.
pub(crate) struct World {
    pub(crate) router: Daemon,
    pub(crate) star: Star,
    _lab: Lab,
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
        let mut start = Config::new(router_as, "10.255.0.1")
            .ports(usize::from(spokes))
            .parameter("network-import-check = false");
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
