//! What a router shows, as answers that tests wait for. Every wait has a deadline and says what was awaited;
//! what the router showed instead is in the message.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{Daemon, wait};

/// Sessions, routes and maps under load; a condition that holds is seen at once.
const DEADLINE: Duration = Duration::from_secs(40);

/// Packets and bytes of one prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub packets: u64,
    pub bytes: u64,
}

impl Daemon {
    /// Asks again and again until `look` finds what it wants in the answer to `show …`.
    #[track_caller]
    pub fn wait_show<T>(
        &self,
        what: &str,
        question: &[&str],
        look: impl Fn(&Value) -> Option<T>,
    ) -> T {
        let mut last = String::from("nothing");
        let found = wait::try_until(what, DEADLINE, || match self.show(question) {
            Ok(answer) => look(&answer).or_else(|| {
                last = answer.to_string();
                None
            }),
            Err(error) => {
                last = format!("{error:#}");
                None
            }
        });
        match found {
            Ok(found) => found,
            Err(error) => panic!("{error}; the router showed {last}"),
        }
    }

    /// The state of a session as `show bgp neighbors` tells it.
    pub fn session_state(&self, neighbor: impl Into<IpAddr>) -> Result<String> {
        let neighbor = neighbor.into().to_string();
        let answer = self.show(&["bgp", "neighbors", &neighbor])?;
        let state = answer[&neighbor]["bgpState"].as_str();
        Ok(state
            .with_context(|| format!("no neighbor {neighbor} in {answer}"))?
            .to_owned())
    }

    #[track_caller]
    pub fn wait_established(&self, neighbor: impl Into<IpAddr>) {
        self.wait_state(neighbor.into(), true);
    }

    #[track_caller]
    pub fn wait_not_established(&self, neighbor: impl Into<IpAddr>) {
        self.wait_state(neighbor.into(), false);
    }

    #[track_caller]
    fn wait_state(&self, neighbor: IpAddr, up: bool) {
        let neighbor = neighbor.to_string();
        let not = if up { "" } else { "not " };
        let what = format!("the session with {neighbor} {not}to be established");
        self.wait_show(&what, &["bgp", "neighbors", &neighbor], |answer| {
            let state = answer[&neighbor]["bgpState"].as_str()?;
            ((state == "Established") == up).then_some(())
        });
    }

    /// The next hops of the installed route for exactly this prefix, in order; empty when there is none.
    pub fn next_hops(&self, prefix: &str) -> Result<Vec<IpAddr>> {
        // A prefix that is not there is an answer too, and the command fails with it.
        let Ok(answer) = self.show(&["route", prefix]) else {
            ensure!(
                self.show(&["version"]).is_ok(),
                "the router does not answer"
            );
            return Ok(Vec::new());
        };
        Ok(next_hops_in(&answer, prefix))
    }

    /// Waits until the installed route leads to exactly these next hops; none: until there is no route.
    #[track_caller]
    pub fn wait_next_hops(&self, prefix: &str, wanted: &[IpAddr]) {
        let mut wanted = wanted.to_vec();
        wanted.sort();
        let what = format!("the route {prefix} to lead to {wanted:?}");
        let mut last = Vec::new();
        let found = wait::try_until(&what, DEADLINE, || {
            last = self.next_hops(prefix).ok()?;
            (last == wanted).then_some(())
        });
        if let Err(error) = found {
            panic!("{error}; it leads to {last:?}");
        }
    }

    /// The paths that BGP has for exactly this prefix; none when there are none.
    pub fn bgp_paths(&self, prefix: &str) -> Vec<Value> {
        let family = if prefix.contains(':') { "ipv6" } else { "ipv4" };
        let answer = self.show(&["bgp", family, prefix]).unwrap_or_default();
        let paths = answer["paths"].as_array();
        paths.cloned().unwrap_or_default()
    }

    /// Waits until exactly `count` paths are valid.
    #[track_caller]
    pub fn wait_bgp_paths(&self, prefix: &str, count: usize) -> Vec<Value> {
        let what = format!("{count} valid BGP paths to {prefix}");
        let mut last = Vec::new();
        let found = wait::try_until(&what, DEADLINE, || {
            last = self.bgp_paths(prefix);
            let valid = last.iter().filter(|path| path["valid"] == true).count();
            (valid == count && last.len() == count).then(|| last.clone())
        });
        match found {
            Ok(paths) => paths,
            Err(error) => panic!("{error}; there are {last:?}"),
        }
    }

    /// Waits until these interfaces run the XDP program.
    #[track_caller]
    pub fn wait_attached(&self, interfaces: &[&str]) {
        let what = format!("XDP on {interfaces:?}");
        self.wait_show(&what, &["interfaces"], |answer| {
            let all = interfaces
                .iter()
                .all(|&name| answer[name]["xdp"] == "native");
            all.then_some(())
        });
    }

    /// Waits until every operation is in the data plane and none of an earlier run is left.
    #[track_caller]
    pub fn wait_settled(&self) {
        self.wait_show("the data plane to be in step", &["fib"], |answer| {
            (answer["pending"] == 0 && answer["stale"] == 0).then_some(())
        });
    }

    /// What one prefix has counted.
    pub fn count_of(&self, prefix: &str) -> Result<Count> {
        let answer = self.json(&["stats", "--prefix", prefix, "--interval", "0", "--json"])?;
        let row = answer["rows"]
            .as_array()
            .and_then(|rows| rows.iter().find(|row| row["prefix"] == prefix))
            .with_context(|| format!("no row for {prefix} in {answer}"))?;
        count_in(row)
    }

    /// What the ports have counted under a verdict, over all causes.
    pub fn verdict(&self, name: &str) -> Result<Count> {
        let answer = self.accounting()?;
        let mut sum = Count::default();
        for port in answer["ports"].as_array().into_iter().flatten() {
            for row in port["verdicts"].as_array().into_iter().flatten() {
                if row["verdict"] == name {
                    let count = count_in(row)?;
                    sum.packets += count.packets;
                    sum.bytes += count.bytes;
                }
            }
        }
        Ok(sum)
    }

    pub fn accounting(&self) -> Result<Value> {
        self.show(&["dataplane", "accounting"])
    }

    /// Received = forwarded + passed + dropped, on every port. Returns the total.
    #[track_caller]
    pub fn assert_accounting(&self) -> Value {
        let answer = match self.accounting() {
            Ok(answer) => answer,
            Err(error) => panic!("the accounting: {error:#}"),
        };
        assert_eq!(answer["balanced"], true, "packets are lost: {answer}");
        let total = &answer["total"];
        for unit in ["packets", "bytes"] {
            let of = |key: &str| total[key][unit].as_u64().unwrap_or(u64::MAX / 4);
            assert_eq!(
                of("received"),
                of("forwarded") + of("passed") + of("dropped"),
                "{unit}: {total}"
            );
        }
        answer["total"].clone()
    }
}

fn next_hops_in(answer: &Value, prefix: &str) -> Vec<IpAddr> {
    let routes = answer[prefix].as_array();
    let installed = routes.into_iter().flatten().filter(|route| {
        route["prefix"] == prefix && route["selected"] == true && route["installed"] == true
    });
    let mut found: Vec<IpAddr> = installed
        .flat_map(|route| route["nexthops"].as_array().into_iter().flatten())
        .filter(|next_hop| next_hop["active"] == true)
        .filter_map(|next_hop| next_hop["ip"].as_str()?.parse().ok())
        .collect();
    found.sort();
    found
}

fn count_in(row: &Value) -> Result<Count> {
    let of = |key: &str| {
        row[key]
            .as_u64()
            .with_context(|| format!("no {key} in {row}"))
    };
    Ok(Count {
        packets: of("packets")?,
        bytes: of("bytes")?,
    })
}
