//! The summary for people.

use std::fmt::Write as _;

use crate::facts::{Facts, NodeLoss, NodeReturn, Restart, thousands};
use crate::flows::FLOWS;
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
        let (established, configured) = (sessions.established, sessions.configured);
        let line = format!(
            "{established} of {configured} established, peers: {}",
            facts.peers
        );
        rows.push(("sessions", line));
    }
    if let (Some((v4, v6)), Some(engine)) = (facts.routes, &facts.engine) {
        let (v4, v6) = (thousands(v4 as u64), thousands(v6 as u64));
        let line = format!("engine {engine}, {v4} IPv4 and {v6} IPv6 routes");
        rows.push(("forwarding", line));
    }
    if let Some(totals) = &facts.totals {
        let (sent, arrived) = (thousands(totals.sent), thousands(totals.arrived));
        let line = format!(
            "{sent} sent, {arrived} received, in {} flows",
            thousands(FLOWS as u64)
        );
        rows.push(("packets", line));
    }
    if let Some(flows) = &facts.steady {
        let share = |node: Target| format!("{} {:.1} %", node.name(), percent(flows[node.0]));
        let shares: Vec<String> = Target::nodes().map(share).collect();
        rows.push(("shares", shares.join(", ")));
    }
    rows.extend(facts.losses.iter().flat_map(lost));
    rows.extend(facts.returns.iter().map(back));
    rows.extend(facts.restarts.iter().flat_map(restarted));
    rows
}

fn lost(loss: &NodeLoss) -> [(&'static str, String); 2] {
    let outcome = &loss.outcome;
    let took = loss.took.map_or_else(String::new, |took| {
        format!(" in {:.0} ms", took.as_secs_f64() * 1000.0)
    });
    let first = format!(
        "{}, {}: {} of {} flows moved{took}",
        loss.node.name(),
        loss.way.words(),
        thousands(outcome.moved),
        thousands(loss.flows),
    );
    let second = format!(
        "of the others {} moved; {} packets lost, {} of its own",
        thousands(outcome.moved_needlessly),
        thousands(outcome.lost),
        thousands(outcome.lost_of_leaving)
    );
    [("node lost", first), ("", second)]
}

fn back(back: &NodeReturn) -> (&'static str, String) {
    let line = format!(
        "{} has {} flows ({:.1} %); {} others moved, {} packets lost",
        back.node.name(),
        thousands(back.flows),
        percent(back.flows),
        thousands(back.outcome.moved_needlessly + back.shuffled),
        thousands(back.outcome.lost)
    );
    ("node back", line)
}

fn restarted(restart: &Restart) -> [(&'static str, String); 2] {
    let first = format!(
        "{}: {} packets lost, {} flows moved",
        restart.stop.words(),
        thousands(restart.outcome.lost),
        thousands(restart.outcome.moved_needlessly)
    );
    let second = format!(
        "no router process for {:.1} s, all sessions back after {:.1} s",
        restart.down.as_secs_f64(),
        restart.sessions_after.as_secs_f64(),
    );
    [("restart", first), ("", second)]
}
