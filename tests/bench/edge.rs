//! An edge router as it is measured: upstreams that are told nothing, because an upstream hears no other's routes.

use std::thread;
use std::time::{Duration, Instant};

use lab::Daemon;
use lab::topology::Spoke;
use router_ctl::bgp::types::Asn;
use serde_json::Value;

const ROUTER_AS: u32 = 65000;
const POLL: Duration = Duration::from_millis(50);
/// Addresses, subnets and neighbours of the router itself, at most.
const OWN_ROUTES: usize = 64;

pub(crate) fn asn(upstream: &Spoke) -> Asn {
    Asn(ROUTER_AS + 1 + u32::from(upstream.number))
}

/// XDP on `ports` interfaces; `timing` stands below each neighbour, `rest` at the end.
pub(crate) fn config(upstreams: &[Spoke], ports: usize, timing: &str, rest: &str) -> String {
    let mut text = format!(
        "[protocols.bgp]\nsystem-as = {ROUTER_AS}\n[protocols.bgp.parameters]\nrouter-id = \"10.0.0.1\"\n\
         ebgp-requires-policy = false\nbestpath.as-path.multipath-relax = true\n\
         [policy.prefix-list.NONE]\nrule.10 = {{ action = \"deny\", prefix = \"0.0.0.0/0\", le = 32 }}\n\
         [policy.prefix-list6.NONE]\nrule.10 = {{ action = \"deny\", prefix = \"::/0\", le = 128 }}\n"
    );
    let mut add = |block: String| text.push_str(&block);
    for port in 0..ports {
        add(format!(
            "[interfaces.ethernet.eth{port}]\nxdp = \"native\"\n"
        ));
    }
    for spoke in upstreams {
        let (address, asn) = (spoke.peer_v4(), asn(spoke));
        let neighbor = format!("protocols.bgp.neighbor.\"{address}\"");
        add(format!(
            "[{neighbor}]\nremote-as = {asn}\npassive = true\n{timing}\n"
        ));
        for family in ["ipv4-unicast", "ipv6-unicast"] {
            add(format!(
                "[{neighbor}.address-family.{family}]\nprefix-list.export = \"NONE\"\n"
            ));
        }
    }
    text.push_str(rest);
    text
}

/// Until the neighbours' paths are `paths`, the maps hold `routes` and the router's own few, and nothing is under
/// way. Without paths the neighbours' routes are gone from the maps.
///
/// # Errors
/// When that is not so in time.
pub(crate) fn wait_settled(
    daemon: &Daemon,
    paths: usize,
    routes: usize,
    within: Duration,
) -> anyhow::Result<()> {
    let number = |value: &Value| {
        value
            .as_u64()
            .and_then(|value| usize::try_from(value).ok())
            .unwrap_or(0)
    };
    wait(within, || {
        let fib = daemon.show(&["fib"])?;
        let summary = daemon.show(&["bgp", "summary"])?;
        let installed = number(&fib["routes"]["ipv4"]) + number(&fib["routes"]["ipv6"]);
        let received = received(&summary);
        let ready = received == paths
            && (routes..=routes + OWN_ROUTES).contains(&installed)
            && fib["pending"] == 0;
        Ok(ready.then_some(()).ok_or_else(|| {
            format!("{received} paths (of {paths}) and {installed} routes (of {routes})")
        }))
    })
}

/// The sum of `pfxRcd` anywhere in the answer.
fn received(answer: &Value) -> usize {
    match answer {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match name.as_str() {
                "pfxRcd" => value
                    .as_u64()
                    .and_then(|value| usize::try_from(value).ok())
                    .unwrap_or(0),
                _ => received(value),
            })
            .sum(),
        Value::Array(values) => values.iter().map(received).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Asks until the answer is `Ok`; the last other answer says what was there instead.
///
/// # Errors
/// When it is not in time, or cannot be asked.
pub(crate) fn wait(
    within: Duration,
    ask: impl Fn() -> anyhow::Result<Result<(), String>>,
) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        match ask()? {
            Ok(()) => return Ok(()),
            Err(found) => anyhow::ensure!(started.elapsed() < within, "there are {found}"),
        }
        thread::sleep(POLL);
    }
}
