//! OpenBGPD.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::process::Command;

use anyhow::Result;
use lab::config::Carries;
use lab::peer::OpenBgpd;
use lab::{Node, wait};
use serde_json::Value;

use crate::peer::{Announced, DEADLINE, Extra, Manner, Opens, Peer, Reflected, Route, Setup, said};

pub(crate) struct OpenBgpdPeer {
    daemon: OpenBgpd,
}

fn config(setup: &Setup) -> String {
    let mut text = format!(
        "AS {}\nrouter-id {}\nfib-update no\nconnect-retry 1\n",
        setup.asn, setup.router_id
    );
    for one in &setup.announced {
        writeln!(text, "network {}{}", one.prefix, attributes(setup, one)).ok();
    }
    for source in &setup.sources {
        writeln!(
            text,
            "neighbor {} {{\n  remote-as {}\n  passive\n}}",
            source.address, source.asn
        )
        .ok();
    }
    let mut extras = String::new();
    if let Some(key) = setup.password() {
        extras += &format!("  tcp md5sig password {key}\n");
    }
    for (extra, words) in [
        (Extra::TtlSecurity, "ttl-security yes"),
        (Extra::SendsAllPaths, "announce add-path send all"),
        (Extra::TakesPaths, "announce add-path recv yes"),
    ] {
        if setup.has(extra) {
            extras += &format!("  {words}\n");
        }
    }
    for session in &setup.sessions {
        let offer = |without: Carries| {
            if session.carries == without {
                "none"
            } else {
                "unicast"
            }
        };
        write!(
            text,
            "neighbor {} {{
  remote-as {}
  local-address {}
  announce IPv4 {}
  announce IPv6 {}
  announce as-4byte {}
  {}
  {}
{extras}}}
",
            session.router,
            setup.router_as,
            session.local,
            offer(Carries::Ipv6),
            offer(Carries::Ipv4),
            if setup.manner == Manner::TwoOctets {
                "no"
            } else {
                "yes"
            },
            if setup.opens == Opens::Router {
                "passive"
            } else {
                ""
            },
            // The other half of `nexthop no-modify` below: it holds for neighbours that may be further away.
            if session.carries == Carries::Both {
                "multihop 2"
            } else {
                ""
            },
        )
        .ok();
    }
    text.push_str("allow from any\nallow to any\n");
    // Over an IPv4 session it would announce ::1 as next hop of IPv6 routes, which the router does not accept.
    text.push_str("match to any inet6 set nexthop no-modify\n");
    text
}

fn attributes(setup: &Setup, one: &Announced) -> String {
    let mut set = String::new();
    if one.is_ipv6() {
        write!(set, " nexthop {}", setup.address_v6).ok();
    }
    for (what, all) in [
        ("community", &one.communities),
        ("large-community", &one.large_communities),
    ] {
        for community in all {
            write!(set, " {what} {community}").ok();
        }
    }
    if set.is_empty() {
        set
    } else {
        format!(" set {{{set} }}")
    }
}

/// A community that it calls by its name.
fn number(community: &str) -> &str {
    match community {
        "GRACEFUL_SHUTDOWN" => "65535:0",
        "BLACKHOLE" => "65535:666",
        other => other,
    }
}

fn strings(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    let mut all: Vec<String> = all
        .filter_map(|one| Some(number(one.as_str()?).to_owned()))
        .collect();
    all.sort();
    all
}

fn as_path(path: &Value) -> Option<Vec<u32>> {
    let words = path["aspath"].as_str()?.split_whitespace();
    words.map(str::parse).collect::<Result<_, _>>().ok()
}

impl Peer for OpenBgpdPeer {
    const NAME: &'static str = "OpenBGPD";

    fn start(node: &Node, setup: &Setup) -> Result<Self> {
        Ok(Self {
            daemon: OpenBgpd::start(node, &config(setup))?,
        })
    }

    fn announce(&mut self, setup: &Setup) -> Result<()> {
        self.daemon.reconfigure(&config(setup))
    }

    fn is_established(&self, router: IpAddr) -> bool {
        self.daemon
            .session_state(&router.to_string())
            .is_ok_and(|state| state == "Established")
    }

    /// After each lost session it stays idle for twice as long, from 30 seconds on; an operator does not wait.
    fn wait_established(&self, router: IpAddr) {
        let router = router.to_string();
        let what = format!("OpenBGPD's session with {router} to be established");
        wait::until(&what, DEADLINE, || {
            let state = self.daemon.session_state(&router).ok()?;
            if state == "Idle" {
                self.daemon.query(&["neighbor", &router, "up"]).ok()?;
            }
            (state == "Established").then_some(())
        });
    }

    fn route(&self, prefix: &str) -> Option<Route> {
        let paths = self.daemon.paths(prefix).ok()?;
        let best = paths.iter().find(|path| path["best"] == true)?;
        Some(Route {
            as_path: as_path(best)?,
            next_hop: best["exit_nexthop"].as_str()?.parse().ok()?,
            communities: strings(&best["communities"]),
            large_communities: strings(&best["large_communities"]),
        })
    }

    fn as_paths(&self, prefix: &str) -> Vec<Vec<u32>> {
        let paths = self.daemon.paths(prefix).unwrap_or_default();
        paths.iter().filter_map(as_path).collect()
    }

    fn reflected(&self, prefix: &str) -> Option<Reflected> {
        let paths = self.daemon.paths(prefix).ok()?;
        let best = paths.iter().find(|path| path["best"] == true)?;
        let value = |name: &str| {
            let all = best["attributes"].as_array()?.iter();
            all.clone().find(|one| one["type"] == name).cloned()
        };
        let clusters = value("Cluster Id List")?;
        Some(Reflected {
            originator: value("Originator Id")?["originator"].as_str()?.to_owned(),
            clusters: strings(&clusters["cluster_list"]),
        })
    }

    fn count(&self, ipv6: bool) -> Option<usize> {
        let family = if ipv6 { "inet6" } else { "inet" };
        let all = self.daemon.json(&["show", "rib", family]).ok()?;
        Some(all["rib"].as_array()?.len())
    }

    fn ask_for_routes(&self, router: IpAddr) -> Result<()> {
        let router = router.to_string();
        self.daemon
            .query(&["neighbor", &router, "refresh"])
            .map(|_| ())
    }

    fn updates(&self, router: IpAddr) -> Option<u64> {
        let found = self.daemon.neighbor(&router.to_string()).ok()?;
        found["stats"]["message"]["received"]["updates"].as_u64()
    }

    fn kill(&mut self) -> Result<()> {
        self.daemon.kill()
    }

    fn version(node: &Node) -> Result<String> {
        // "OpenBGPD 7.7"
        let mut command = Command::new("/usr/sbin/bgpd");
        command.arg("-V");
        said(&node.output(command)?)
    }
}
