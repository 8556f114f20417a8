//! FRR's bgpd.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::process::Command;

use anyhow::Result;
use lab::Node;
use lab::config::Carries;
use lab::peer::Frr;
use serde_json::Value;

use crate::peer::{
    Announced, Extra, Manner, Opens, Peer, Reflected, Route, Session, Setup, Source, said,
};

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
    if matches!(setup.manner, Manner::Graceful | Manner::Returned) {
        text.push_str(" bgp graceful-restart\n bgp graceful-restart preserve-fw-state\n");
    }
    for Source { address, asn } in &setup.sources {
        write!(
            text,
            " neighbor {address} remote-as {asn}\n neighbor {address} passive\n"
        )
        .ok();
    }
    for session in &setup.sessions {
        neighbor(&mut text, setup, session);
    }
    for (family, ipv6) in [("ipv4", false), ("ipv6", true)] {
        writeln!(text, " address-family {family} unicast").ok();
        for session in &setup.sessions {
            let other = if ipv6 { Carries::Ipv4 } else { Carries::Ipv6 };
            if session.carries != other {
                let router = name(setup, session.router);
                writeln!(text, "  neighbor {router} activate").ok();
                if setup.has(Extra::SendsAllPaths) {
                    writeln!(text, "  neighbor {router} addpath-tx-all-paths").ok();
                }
            }
        }
        if !ipv6 {
            for source in &setup.sources {
                writeln!(text, "  neighbor {} activate", source.address).ok();
            }
        }
        for one in setup.of_family(ipv6) {
            let map = if has_map(one) {
                map_name(one)
            } else {
                String::new()
            };
            let by = if map.is_empty() { "" } else { " route-map " };
            writeln!(text, "  network {}{by}{map}", one.prefix).ok();
        }
        text.push_str(" exit-address-family\n");
    }
    text.push_str("exit\n");
    for one in setup.announced.iter().filter(|one| has_map(one)) {
        route_map(&mut text, one);
    }
    text
}

/// The session apart from its families.
fn neighbor(text: &mut String, setup: &Setup, session: &Session) {
    let router = name(setup, session.router);
    let interface = if setup.has(Extra::Unnumbered) {
        "interface "
    } else {
        ""
    };
    write!(
        text,
        " neighbor {router} {interface}remote-as {}
 neighbor {router} timers connect 1
",
        setup.router_as
    )
    .ok();
    if let Some(key) = setup.password() {
        writeln!(text, " neighbor {router} password {key}").ok();
    }
    for (extra, words) in [
        (Extra::TtlSecurity, "ttl-security hops 1"),
        (Extra::Bfd, "bfd 3 100 100"),
        (Extra::ExtendedNextHop, "capability extended-nexthop"),
    ] {
        if setup.has(extra) {
            writeln!(text, " neighbor {router} {words}").ok();
        }
    }
    if setup.manner == Manner::TwoOctets {
        // There is no switch for this capability alone.
        writeln!(text, " neighbor {router} dont-capability-negotiate").ok();
    }
    if setup.opens == Opens::Router {
        writeln!(text, " neighbor {router} passive").ok();
    }
}

/// How it names the router.
fn name(setup: &Setup, router: IpAddr) -> String {
    if setup.has(Extra::Unnumbered) {
        "eth0".to_owned()
    } else {
        router.to_string()
    }
}

/// A community that it calls by its name.
fn number(community: &str) -> &str {
    match community {
        "gracefulShutdown" => "65535:0",
        "blackhole" => "65535:666",
        other => other,
    }
}

fn segments(path: &Value) -> Option<Vec<u32>> {
    let segments = path.pointer("/aspath/segments")?.as_array()?.iter();
    let ases = segments.flat_map(|segment| segment["list"].as_array().into_iter().flatten());
    Some(
        ases.filter_map(|asn| u32::try_from(asn.as_u64()?).ok())
            .collect(),
    )
}

fn has_map(one: &Announced) -> bool {
    !one.communities.is_empty() || !one.large_communities.is_empty()
}

fn map_name(one: &Announced) -> String {
    let name = one.prefix.replace([':', '.', '/'], "-");
    format!("of-{name}")
}

/// A line takes a few hundred communities at most: each rule adds some.
fn route_map(text: &mut String, one: &Announced) {
    const IN_A_RULE: usize = 100;
    let rules = [
        ("community", &one.communities),
        ("large-community", &one.large_communities),
    ];
    let mut number = 0;
    for (what, all) in rules {
        for some in all.chunks(IN_A_RULE) {
            number += 1;
            let list = some.join(" ");
            write!(
                text,
                "route-map {} permit {number}\n set {what} {list} additive\n on-match next\nexit\n",
                map_name(one)
            )
            .ok();
        }
    }
    writeln!(
        text,
        "route-map {} permit {}\nexit",
        map_name(one),
        number + 1
    )
    .ok();
}

fn family(prefix: &str) -> &'static str {
    if prefix.contains(':') { "ipv6" } else { "ipv4" }
}

impl FrrPeer {
    fn paths(&self, prefix: &str) -> Vec<Value> {
        let question = format!("show bgp {} unicast {prefix} json", family(prefix));
        let answer = self.frr.json(&question).unwrap_or_default();
        answer["paths"].as_array().cloned().unwrap_or_default()
    }

    fn best(&self, prefix: &str) -> Option<Value> {
        let mut paths = self.paths(prefix).into_iter();
        paths.find(|path| path.pointer("/bestpath/overall") == Some(&Value::Bool(true)))
    }
}

impl Peer for FrrPeer {
    const NAME: &'static str = "FRR";

    // It saw that we have the capability, and takes AS_PATH as it comes.
    const MERGES_AS4_PATH: bool = false;

    fn start(node: &Node, setup: &Setup) -> Result<Self> {
        Ok(Self {
            frr: if setup.has(Extra::Bfd) {
                Frr::start_with_bfdd(node, &config(setup))?
            } else {
                Frr::start(node, &config(setup))?
            },
            setup: setup.clone(),
        })
    }

    fn announce(&mut self, setup: &Setup) -> Result<()> {
        let process = format!("router bgp {}", setup.asn);
        let change = |verb: &str, one: &Announced| {
            let prefix = &one.prefix;
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
            .session_state(&name(&self.setup, router))
            .is_ok_and(|state| state == "Established")
    }

    fn route(&self, prefix: &str) -> Option<Route> {
        let best = &self.best(prefix)?;
        let as_path = segments(best)?;
        let next_hops = best.get("nexthops")?.as_array()?.iter();
        let global = next_hops
            .filter(|next_hop| next_hop["scope"] != "link-local")
            .find_map(|next_hop| next_hop["ip"].as_str()?.parse().ok())?;
        // The same as a string is cut short when it is long.
        let communities = |key: &str| {
            let list = best.get(key).and_then(|found| found["list"].as_array());
            let all = list.into_iter().flatten();
            let mut all: Vec<String> = all
                .filter_map(|one| Some(number(one.as_str()?).to_owned()))
                .collect();
            all.sort();
            all
        };
        Some(Route {
            as_path,
            next_hop: global,
            communities: communities("community"),
            large_communities: communities("largeCommunity"),
        })
    }

    fn as_paths(&self, prefix: &str) -> Vec<Vec<u32>> {
        self.paths(prefix).iter().filter_map(segments).collect()
    }

    fn reflected(&self, prefix: &str) -> Option<Reflected> {
        let best = self.best(prefix)?;
        let clusters = best["clusterList"]["list"].as_array()?.iter();
        Some(Reflected {
            originator: best["originatorId"].as_str()?.to_owned(),
            clusters: clusters
                .filter_map(|one| Some(one.as_str()?.to_owned()))
                .collect(),
        })
    }

    fn freeze(&mut self) -> Result<()> {
        self.frr.freeze()
    }

    fn count(&self, ipv6: bool) -> Option<usize> {
        let family = if ipv6 { "ipv6" } else { "ipv4" };
        let all = self
            .frr
            .json(&format!("show bgp {family} unicast json"))
            .ok()?;
        Some(all.get("routes")?.as_object()?.len())
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

    fn version(node: &Node) -> Result<String> {
        // "bgpd version 8.4.4", then who wrote it.
        let mut command = Command::new("/usr/lib/frr/bgpd");
        command.arg("--version");
        Ok(said(&node.output(command)?)?.replace("bgpd", "FRR"))
    }
}
