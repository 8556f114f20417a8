//! FRR's bgpd.

use std::fmt::Write as _;
use std::net::IpAddr;

use anyhow::Result;
use lab::Node;
use lab::config::Carries;
use lab::peer::Frr;
use serde_json::Value;

use crate::matrix;
use crate::peer::{Carried, Opens, Peer, ROUTER_AS, Route, Setup};

pub(crate) struct FrrPeer {
    frr: Frr,
    setup: Setup,
}

fn config(setup: &Setup) -> String {
    let mut text = format!(
        "hostname peer
log stdout
router bgp {}
 bgp router-id {}
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
",
        setup.asn, setup.router_id
    );
    for session in &setup.sessions {
        let router = session.router;
        write!(
            text,
            " neighbor {router} remote-as {ROUTER_AS}
 neighbor {router} timers connect 1
"
        )
        .ok();
        if setup.opens == Opens::Router {
            writeln!(text, " neighbor {router} passive").ok();
        }
    }
    for (family, ipv6) in [("ipv4", false), ("ipv6", true)] {
        writeln!(text, " address-family {family} unicast").ok();
        for session in &setup.sessions {
            let other = if ipv6 { Carries::Ipv4 } else { Carries::Ipv6 };
            if session.carries != other {
                writeln!(text, "  neighbor {} activate", session.router).ok();
                if ipv6 {
                    // Without zebra, bgpd knows no interface to take an IPv6 address from.
                    writeln!(text, "  neighbor {} route-map own out", session.router).ok();
                }
            }
        }
        for prefix in setup.of_family(ipv6) {
            writeln!(text, "  network {prefix}").ok();
        }
        text.push_str(" exit-address-family\n");
    }
    write!(
        text,
        "route-map own permit 10\n set ipv6 next-hop global {}\n",
        setup.next_hop_v6
    )
    .ok();
    text
}

fn family(prefix: &str) -> &'static str {
    if prefix.contains(':') { "ipv6" } else { "ipv4" }
}

impl Peer for FrrPeer {
    const NAME: &'static str = "FRR";

    fn start(node: &Node, setup: &Setup) -> Result<Self> {
        Ok(Self {
            frr: Frr::start(node, &config(setup))?,
            setup: setup.clone(),
        })
    }

    fn announce(&mut self, setup: &Setup) -> Result<()> {
        let process = format!("router bgp {}", setup.asn);
        let change = |verb: &str, prefix: &String| {
            let family = format!("address-family {} unicast", family(prefix));
            let line = format!("{verb}network {prefix}");
            self.frr
                .configure(&[process.as_str(), family.as_str(), line.as_str()])
        };
        for gone in &self.setup.announced {
            if !setup.announced.contains(gone) {
                change("no ", gone)?;
            }
        }
        for new in &setup.announced {
            if !self.setup.announced.contains(new) {
                change("", new)?;
            }
        }
        self.setup = setup.clone();
        Ok(())
    }

    fn is_established(&self, router: IpAddr) -> bool {
        self.frr
            .session_state(&router.to_string())
            .is_ok_and(|state| state == "Established")
    }

    fn route(&self, prefix: &str) -> Option<Route> {
        let question = format!("show bgp {} unicast {prefix} json", family(prefix));
        let answer = self.frr.json(&question).ok()?;
        let paths = answer.get("paths")?.as_array()?;
        let best = paths
            .iter()
            .find(|path| path.pointer("/bestpath/overall") == Some(&Value::Bool(true)))?;
        let segments = best.pointer("/aspath/segments")?.as_array()?;
        let as_path = segments
            .iter()
            .flat_map(|segment| segment["list"].as_array().into_iter().flatten())
            .filter_map(|asn| u32::try_from(asn.as_u64()?).ok())
            .collect();
        let next_hops = best.get("nexthops")?.as_array()?.iter();
        let global = next_hops
            .filter(|next_hop| next_hop["scope"] != "link-local")
            .find_map(|next_hop| next_hop["ip"].as_str()?.parse().ok())?;
        Some(Route {
            as_path,
            next_hop: global,
        })
    }

    fn ask_for_routes(&self, router: IpAddr) -> Result<()> {
        for session in self
            .setup
            .sessions
            .iter()
            .filter(|one| one.router == router)
        {
            if session.carries != Carries::Ipv6 {
                self.frr
                    .query(&format!("clear bgp ipv4 unicast {router} soft in"))?;
            }
            if session.carries != Carries::Ipv4 {
                self.frr
                    .query(&format!("clear bgp ipv6 unicast {router} soft in"))?;
            }
        }
        Ok(())
    }

    fn updates(&self, router: IpAddr) -> Option<u64> {
        let answer = self.frr.json("show bgp neighbors json").ok()?;
        let stats = &answer[router.to_string().as_str()]["messageStats"];
        stats["updatesRecv"].as_u64()
    }

    fn kill(&mut self) -> Result<()> {
        self.frr.kill()
    }
}

#[test]
fn ipv4_routes_go_both_ways_over_ipv4_and_are_withdrawn() -> Result<()> {
    matrix::both_ways::<FrrPeer>(&[Carried::V4])
}

#[test]
fn ipv6_routes_go_both_ways_over_ipv6_and_are_withdrawn() -> Result<()> {
    matrix::both_ways::<FrrPeer>(&[Carried::V6])
}

#[test]
fn both_families_go_both_ways_over_one_session() -> Result<()> {
    matrix::both_ways::<FrrPeer>(&[Carried::BOTH_OVER_V4])
}

#[test]
fn both_families_go_both_ways_over_a_session_each() -> Result<()> {
    matrix::both_ways::<FrrPeer>(&[Carried::V4, Carried::V6])
}

#[test]
fn a_killed_peer_takes_its_routes_with_it_and_brings_them_back() -> Result<()> {
    matrix::kill_and_return::<FrrPeer>()
}

#[test]
fn four_next_hops_share_the_flows_and_only_those_of_a_lost_one_move() -> Result<()> {
    matrix::ecmp::<FrrPeer>()
}

#[test]
fn the_session_comes_up_when_only_the_peer_dials() -> Result<()> {
    matrix::who_opens::<FrrPeer>(Opens::Peer)
}

#[test]
fn the_session_comes_up_when_only_the_router_dials() -> Result<()> {
    matrix::who_opens::<FrrPeer>(Opens::Router)
}

#[test]
fn routes_are_sent_again_when_the_peer_asks() -> Result<()> {
    matrix::route_refresh::<FrrPeer>()
}

#[test]
fn the_session_comes_back_after_the_router_restarted() -> Result<()> {
    matrix::router_restart::<FrrPeer>()
}
