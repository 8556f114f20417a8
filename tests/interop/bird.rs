//! BIRD 2.

use std::fmt::Write as _;
use std::net::IpAddr;

use anyhow::Result;
use lab::Node;
use lab::config::Carries;
use lab::peer::Bird;

use crate::matrix;
use crate::peer::{Carried, Opens, Peer, ROUTER_AS, Route, Session, Setup};

pub(crate) struct BirdPeer {
    bird: Bird,
    sessions: Vec<Session>,
}

fn config(setup: &Setup) -> String {
    let mut text = format!(
        "log stderr all;\nrouter id {};\nprotocol device {{ scan time 1; }}\n",
        setup.router_id
    );
    for (family, ipv6) in [("ipv4", false), ("ipv6", true)] {
        write!(text, "protocol static static_{family} {{\n  {family};\n").ok();
        for prefix in setup.of_family(ipv6) {
            writeln!(text, "  route {prefix} blackhole;").ok();
        }
        text.push_str("}\n");
    }
    let channel = "{ import all; export where source = RTS_STATIC; }";
    for (number, session) in setup.sessions.iter().enumerate() {
        let passive = if setup.opens == Opens::Router {
            "on"
        } else {
            "off"
        };
        let mut channels = String::new();
        if session.carries != Carries::Ipv6 {
            channels += &format!("  ipv4 {channel};\n");
        }
        if session.carries != Carries::Ipv4 {
            channels += &format!("  ipv6 {channel};\n");
        }
        write!(
            text,
            "protocol bgp router{number} {{
  local {} as {};
  neighbor {} as {ROUTER_AS};
  passive {passive};
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
{channels}}}
",
            session.local, setup.asn, session.router
        )
        .ok();
    }
    text
}

impl BirdPeer {
    fn protocol(&self, router: IpAddr) -> Option<String> {
        let mut sessions = self.sessions.iter();
        let number = sessions.position(|session| session.router == router)?;
        Some(format!("router{number}"))
    }
}

impl Peer for BirdPeer {
    const NAME: &'static str = "BIRD";

    fn start(node: &Node, setup: &Setup) -> Result<Self> {
        Ok(Self {
            bird: Bird::start(node, &config(setup))?,
            sessions: setup.sessions.clone(),
        })
    }

    fn announce(&mut self, setup: &Setup) -> Result<()> {
        self.bird.reconfigure(&config(setup))
    }

    fn is_established(&self, router: IpAddr) -> bool {
        self.protocol(router)
            .and_then(|protocol| self.bird.session_state(&protocol).ok())
            .is_some_and(|state| state == "Established")
    }

    fn route(&self, prefix: &str) -> Option<Route> {
        let answer = self
            .bird
            .query(&format!("show route {prefix} all primary"))
            .ok()?;
        let value = |name: &str| {
            let line = answer.lines().find(|line| line.trim().starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let as_path = value("BGP.as_path")?;
        let next_hop = value("BGP.next_hop")?;
        Some(Route {
            as_path: as_path
                .split_whitespace()
                .map(str::parse)
                .collect::<Result<_, _>>()
                .ok()?,
            // A link-local address may follow the global one.
            next_hop: next_hop.split_whitespace().next()?.parse().ok()?,
        })
    }

    fn ask_for_routes(&self, router: IpAddr) -> Result<()> {
        let protocol = self.protocol(router).unwrap();
        self.bird
            .query(&format!("reload in {protocol}"))
            .map(|_| ())
    }

    /// The second number of "Import updates: received rejected filtered ignored accepted", over all channels.
    fn updates(&self, router: IpAddr) -> Option<u64> {
        let protocol = self.protocol(router)?;
        let answer = self
            .bird
            .query(&format!("show protocols all {protocol}"))
            .ok()?;
        let counts = answer
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Import updates:"))
            .filter_map(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        Some(counts.sum())
    }

    fn kill(&mut self) -> Result<()> {
        self.bird.kill()
    }
}

#[test]
fn ipv4_routes_go_both_ways_over_ipv4_and_are_withdrawn() -> Result<()> {
    matrix::both_ways::<BirdPeer>(&[Carried::V4])
}

#[test]
fn ipv6_routes_go_both_ways_over_ipv6_and_are_withdrawn() -> Result<()> {
    matrix::both_ways::<BirdPeer>(&[Carried::V6])
}

#[test]
fn both_families_go_both_ways_over_one_session() -> Result<()> {
    matrix::both_ways::<BirdPeer>(&[Carried::BOTH_OVER_V4])
}

#[test]
fn both_families_go_both_ways_over_a_session_each() -> Result<()> {
    matrix::both_ways::<BirdPeer>(&[Carried::V4, Carried::V6])
}

#[test]
fn a_killed_peer_takes_its_routes_with_it_and_brings_them_back() -> Result<()> {
    matrix::kill_and_return::<BirdPeer>()
}

#[test]
fn four_next_hops_share_the_flows_and_only_those_of_a_lost_one_move() -> Result<()> {
    matrix::ecmp::<BirdPeer>()
}

#[test]
fn the_session_comes_up_when_only_the_peer_dials() -> Result<()> {
    matrix::who_opens::<BirdPeer>(Opens::Peer)
}

#[test]
fn the_session_comes_up_when_only_the_router_dials() -> Result<()> {
    matrix::who_opens::<BirdPeer>(Opens::Router)
}

#[test]
fn routes_are_sent_again_when_the_peer_asks() -> Result<()> {
    matrix::route_refresh::<BirdPeer>()
}

#[test]
fn the_session_comes_back_after_the_router_restarted() -> Result<()> {
    matrix::router_restart::<BirdPeer>()
}
