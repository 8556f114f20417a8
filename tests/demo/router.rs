//! The router under test: its configuration, and what the demo asks it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use lab::Daemon;
use lab::daemon::binary;
use router_ctl::api::frr::path::Detail;
use router_ctl::api::frr::route::{Route, Routes};
use router_ctl::api::frr::summary::{FamilySummary, Summary};
use router_ctl::api::view::{Accounting, Fib, PrefixStats};
use serde::de::DeserializeOwned;

use crate::network::{ROUTER_AS, SERVICE_V4, SERVICE_V6, TARGETS, Target};
use crate::speaker::Announced;

pub(crate) fn config() -> String {
    let mut config = format!(
        r#"
[protocols.bgp]
system-as = {ROUTER_AS}
timers.connect = 1
timers.holdtime = 6

[protocols.bgp.parameters]
router-id = "10.0.0.1"
ebgp-requires-policy = false
bestpath.as-path.multipath-relax = true
"#
    );
    for target in Target::all() {
        let name = target.name();
        config += &format!("\n[interfaces.ethernet.{name}]\nxdp = \"native\"\n");
        let sessions = [
            (IpAddr::V4(target.v4()), "ipv4-unicast"),
            (IpAddr::V6(target.v6()), "ipv6-unicast"),
        ];
        for (address, family) in sessions {
            config += &format!(
                r#"
[protocols.bgp.neighbor."{address}"]
remote-as = {asn}
description = "{name}"
[protocols.bgp.neighbor."{address}".address-family.{family}]
maximum-prefix = 1000000
"#,
                asn = target.asn()
            );
        }
    }
    config
}

/// Asks the router with `router-ctl`, as anybody would. While it is down, every question is an error.
#[derive(Clone)]
pub(crate) struct Inquirer {
    binary: PathBuf,
    socket: PathBuf,
}

/// The state of a target's two sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Established {
    pub(crate) v4: bool,
    pub(crate) v6: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sessions {
    pub(crate) configured: usize,
    pub(crate) established: usize,
    pub(crate) by_target: [Established; TARGETS],
}

impl Inquirer {
    pub(crate) fn of(daemon: &Daemon) -> Result<Self> {
        Ok(Self {
            binary: binary()?,
            socket: daemon.socket().to_owned(),
        })
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    fn ask<T: DeserializeOwned>(&self, words: &[&str]) -> Result<T> {
        let mut command = Command::new(&self.binary);
        command.args(words).arg("--json");
        command.arg("--socket").arg(&self.socket);
        let output = command.output().context("starting router-ctl")?;
        let question = words.join(" ");
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr);
            bail!(
                "router-ctl {question} ended with {}: {reason}",
                output.status
            );
        }
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("reading what router-ctl {question} printed"))
    }

    pub(crate) fn sessions(&self) -> Result<Sessions> {
        self.ask(&["show", "bgp", "summary"]).map(Sessions::of)
    }

    /// IPv4 and IPv6 prefixes with a BGP path.
    pub(crate) fn bgp_prefixes(&self) -> Result<(usize, usize)> {
        let summary: Summary = self.ask(&["show", "bgp", "summary"])?;
        let count = |family: Option<FamilySummary>| family.map_or(0, |family| family.rib_count);
        Ok((count(summary.ipv4_unicast), count(summary.ipv6_unicast)))
    }

    /// The neighbours over which the service's traffic is shared, by what the data plane has: those that carry both
    /// addresses.
    pub(crate) fn service_targets(&self) -> Result<Vec<Target>> {
        let v4 = self.active_next_hops(IpAddr::V4(SERVICE_V4))?;
        let v6 = self.active_next_hops(IpAddr::V6(SERVICE_V6))?;
        if v4 != v6 {
            bail!("IPv4 and IPv6 are not shared alike yet");
        }
        Ok(v4)
    }

    fn active_next_hops(&self, service: IpAddr) -> Result<Vec<Target>> {
        let routes: Routes = self.ask(&["show", "route", &service.to_string()])?;
        let all = routes.0.into_iter().flat_map(|(_, routes)| routes);
        let mut targets: Vec<Target> = all
            .filter(|route| route.selected && route.installed && is_host_route(route))
            .flat_map(|route| route.nexthops)
            .filter(|next_hop| next_hop.active && next_hop.buckets != Some(0))
            .filter_map(|next_hop| Target::of_address(next_hop.ip?.parse().ok()?))
            .collect();
        targets.sort_unstable();
        Ok(targets)
    }

    /// Whether the router has no path to the service through this neighbour any more, not even a stale one.
    pub(crate) fn has_forgotten(&self, target: Target) -> Result<bool> {
        for (family, service) in [
            ("ipv4", IpAddr::V4(SERVICE_V4)),
            ("ipv6", IpAddr::V6(SERVICE_V6)),
        ] {
            let table: Detail = self.ask(&["show", "bgp", family, &service.to_string()])?;
            let mut next_hops = table.paths.iter().flat_map(|path| &path.nexthops);
            if next_hops.any(|next_hop| {
                next_hop.ip.parse().ok().and_then(Target::of_address) == Some(target)
            }) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn fib(&self) -> Result<Fib> {
        self.ask(&["show", "fib"])
    }

    pub(crate) fn accounting(&self) -> Result<Accounting> {
        self.ask(&["show", "dataplane", "accounting"])
    }

    /// The prefixes with the most packets. The router takes `interval` to answer.
    pub(crate) fn top_prefixes(&self, top: usize, interval: &str) -> Result<PrefixStats> {
        let top = top.to_string();
        self.ask(&[
            "stats",
            "--top",
            &top,
            "--sort",
            "pps",
            "--interval",
            interval,
        ])
    }
}

fn is_host_route(route: &Route) -> bool {
    matches!(route.prefix_len, 32 | 128)
}

impl Sessions {
    fn of(summary: Summary) -> Self {
        let families = [summary.ipv4_unicast, summary.ipv6_unicast];
        // A neighbour with both families is in both, and is one session.
        let states: BTreeMap<String, String> = families
            .into_iter()
            .flatten()
            .flat_map(|family| family.peers.0)
            .map(|(address, peer)| (address, peer.state))
            .collect();
        let mut sessions = Self {
            configured: states.len(),
            ..Self::default()
        };
        for (address, state) in states {
            if state != "Established" {
                continue;
            }
            sessions.established += 1;
            let Ok(address) = address.parse::<IpAddr>() else {
                continue;
            };
            if let Some(target) = Target::of_address(address) {
                let established = &mut sessions.by_target[target.0];
                match address {
                    IpAddr::V4(_) => established.v4 = true,
                    IpAddr::V6(_) => established.v6 = true,
                }
            }
        }
        sessions
    }

    pub(crate) fn all_established(&self) -> bool {
        self.configured > 0 && self.established == self.configured
    }
}

/// Distinct prefixes that all neighbours together announce.
pub(crate) fn announced_prefixes() -> (usize, usize) {
    let mut v4 = std::collections::BTreeSet::new();
    let mut v6 = std::collections::BTreeSet::new();
    for target in Target::all() {
        let announced = Announced::by(target);
        v4.extend(announced.v4);
        v6.extend(announced.v6);
    }
    (v4.len(), v6.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_has_no_problem() {
        let (_, problems) = router_ctl::config::toml::parse(&config()).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
    }
}
