//! The summary for people.

use std::fmt::Write as _;

use crate::facts::{Facts, thousands};
use crate::flows::{FLOWS, service_flows};
use crate::network::Target;
use crate::traffic::percent;

pub(crate) fn text(facts: &Facts, error: Option<&str>) -> String {
    let mut out = String::new();
    for (head, line) in rows(facts) {
        // Writing to a string cannot fail.
        let _never = writeln!(out, "  {head:<12} {line}");
    }
    let broken = facts.broken();
    let seconds = facts.elapsed.as_secs_f64();
    match (error, broken.as_slice()) {
        (Some(error), _) => {
            out += &format!("\nThe demo ended after {seconds:.1} s: {error}");
        }
        (None, []) => {
            out += &format!("\nAll promises kept, in {seconds:.1} s.");
        }
        (None, broken) => {
            out += &format!("\nPromises broken, in {seconds:.1} s:");
            for line in broken {
                out += &format!("\n  {line}");
            }
        }
    }
    out
}

fn rows(facts: &Facts) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    if let Some(sessions) = &facts.sessions {
        let line = format!(
            "{} of {} established (peers: {})",
            sessions.established, sessions.configured, facts.peers
        );
        rows.push(("sessions", line));
    }
    if let (Some((v4, v6)), Some(engine)) = (facts.routes, &facts.engine) {
        let (v4, v6) = (thousands(v4 as u64), thousands(v6 as u64));
        rows.push((
            "forwarding",
            format!("engine {engine}, {v4} IPv4 and {v6} IPv6 routes"),
        ));
    }
    if let Some(totals) = &facts.totals {
        let line = format!(
            "{} sent, {} received, in {} flows",
            thousands(totals.sent),
            thousands(totals.arrived),
            thousands(FLOWS as u64)
        );
        rows.push(("packets", line));
    }
    if let Some(flows) = &facts.steady {
        let share = |node: Target| format!("{} {:.1} %", node.name(), percent(flows[node.0]));
        let shares: Vec<String> = Target::nodes().map(share).collect();
        let service = thousands(service_flows() as u64);
        rows.push((
            "shares",
            format!("of {service} flows: {}", shares.join(", ")),
        ));
    }
    for loss in &facts.losses {
        let outcome = &loss.outcome;
        let took = loss.took.map_or_else(String::new, |took| {
            format!(" in {:.0} ms", took.as_secs_f64() * 1000.0)
        });
        let line = format!(
            "{} ({}): {} of its {} flows moved{took}, {} others;",
            loss.node.name(),
            loss.way.words(),
            thousands(outcome.moved),
            thousands(loss.flows),
            thousands(outcome.moved_needlessly),
        );
        rows.push(("node lost", line));
        let line = format!(
            "{} packets lost elsewhere, {} of its own before the router knew",
            thousands(outcome.lost),
            thousands(outcome.lost_of_leaving)
        );
        rows.push(("", line));
    }
    for back in &facts.returns {
        let line = format!(
            "{}: has {} flows again ({:.1} %), {} moved between others; {} packets lost",
            back.node.name(),
            thousands(back.flows),
            percent(back.flows),
            thousands(back.outcome.moved_needlessly + back.shuffled),
            thousands(back.outcome.lost)
        );
        rows.push(("node back", line));
    }
    for restart in &facts.restarts {
        let line = format!(
            "{}: {:.1} s away, sessions back in {:.1} s; {} packets lost, {} flows moved",
            restart.stop.words(),
            restart.down.as_secs_f64(),
            restart.sessions_after.as_secs_f64(),
            thousands(restart.outcome.lost),
            thousands(restart.outcome.moved_needlessly)
        );
        rows.push(("restart", line));
    }
    rows
}
