//! What `show … --json` prints, beside what FRR prints of the same neighbours and routes.
//!
//! One scenario is built twice, around our router and around FRR's bgpd with zebra, and the documents are compared:
//! each key that FRR prints is in ours too, of the same type and with the same value. What is meant to differ is a
//! row in [`differences`]; a row that nothing needs fails the test as well.

mod compare;
mod differences;
mod scenario;

use anyhow::Result;
use lab::{Daemon, Lab, peer::Frr, topology::Star, wait};
use serde_json::Value;

use self::compare::Comparison;
use self::differences::{DIFFERENCES, OURS};
use self::scenario::{Peers, SPOKES, SUMMARY, Sent};
use crate::peer::DEADLINE;

/// What is asked of both: a name, our words and FRR's.
const DOCUMENTS: [(&str, &[&str], &str); 12] = [
    ("summary", &["bgp", "summary"], "show bgp summary json"),
    (
        "ipv6 summary",
        &["bgp", "ipv6", "summary"],
        "show bgp ipv6 unicast summary json",
    ),
    (
        "neighbors",
        &["bgp", "neighbors"],
        "show bgp neighbors json",
    ),
    (
        "neighbor",
        &["bgp", "neighbors", "10.0.0.2"],
        "show bgp neighbors 10.0.0.2 json",
    ),
    ("ipv4", &["bgp", "ipv4"], "show bgp ipv4 unicast json"),
    ("ipv6", &["bgp", "ipv6"], "show bgp ipv6 unicast json"),
    (
        "203.0.113.0/24",
        &["bgp", "ipv4", "203.0.113.0/24"],
        "show bgp ipv4 unicast 203.0.113.0/24 json",
    ),
    (
        "198.51.100.0/24",
        &["bgp", "ipv4", "198.51.100.0/24"],
        "show bgp ipv4 unicast 198.51.100.0/24 json",
    ),
    (
        "172.16.0.0/16",
        &["bgp", "ipv4", "172.16.0.0/16"],
        "show bgp ipv4 unicast 172.16.0.0/16 json",
    ),
    (
        "10.100.0.0/16",
        &["bgp", "ipv4", "10.100.0.0/16"],
        "show bgp ipv4 unicast 10.100.0.0/16 json",
    ),
    (
        "2001:db8:1::/48",
        &["bgp", "ipv6", "2001:db8:1::/48"],
        "show bgp ipv6 unicast 2001:db8:1::/48 json",
    ),
    ("routes", &["ip", "route"], "show ip route json"),
];

/// Whether every neighbour is in the state, and has exchanged the prefixes, that the scenario leads to.
fn has_settled(summary: &Value, sent: Sent) -> bool {
    SUMMARY.iter().all(|row| {
        let peer = &summary[row.family]["peers"][row.peer];
        let up = peer["state"] == "Established";
        let expected = match sent {
            Sent::ByUs => row.sent_by_us,
            Sent::ByFrr => row.sent_by_frr,
        };
        up == row.established
            && peer["connectionsDropped"] == row.dropped
            && (!up || (peer["pfxRcd"] == row.received && peer["pfxSnt"] == expected))
    })
}

/// The End-of-RIB of every session has gone both ways, and the statistics have seen it.
fn has_told_all(neighbors: &Value) -> bool {
    let all = neighbors.as_object().into_iter().flatten();
    let mut up = all.filter(|(_, neighbor)| neighbor["bgpState"] == "Established");
    up.all(|(_, neighbor)| {
        let counted = ["updatesSent", "updatesRecv"]
            .iter()
            .all(|key| neighbor["messageStats"][*key].as_u64() > Some(0));
        counted
            && ["endOfRibSend", "endOfRibRecv"].iter().all(|key| {
                let families = neighbor["gracefulRestartInfo"][*key].as_object();
                families
                    .is_some_and(|done| !done.is_empty() && done.values().all(|done| *done == true))
            })
    })
}

#[track_caller]
fn wait_settled(sent: Sent, ask: impl Fn(&str, &[&str], &str) -> Result<Value>) {
    let mut last = Value::Null;
    let what = match sent {
        Sent::ByUs => "our router to have settled",
        Sent::ByFrr => "FRR to have settled",
    };
    let (summary, neighbors) = (DOCUMENTS[0], DOCUMENTS[2]);
    let found = wait::try_until(what, DEADLINE, || {
        last = ask(summary.0, summary.1, summary.2).ok()?;
        let told = ask(neighbors.0, neighbors.1, neighbors.2).ok()?;
        (has_settled(&last, sent) && has_told_all(&told)).then_some(())
    });
    if let Err(error) = found {
        panic!("{error}; it shows {last}");
    }
}

fn shown_by_us() -> Result<Vec<Value>> {
    let mut lab = Lab::new("shapes")?;
    let star = Star::build(&mut lab, SPOKES)?;
    let router = Daemon::start(&star.router, &scenario::ours())?;
    router.wait_attached(&["eth0", "eth1", "eth2", "eth3"]);
    let peers = Peers::start(&star)?;
    router.wait_established(star.spokes[3].peer_v6());
    peers.go_fishing()?;
    let ask = |_: &str, words: &[&str], _: &str| router.show(words);
    wait_settled(Sent::ByUs, ask);
    router.wait_settled();
    DOCUMENTS
        .iter()
        .map(|(name, ours, frr)| ask(name, ours, frr))
        .collect()
}

fn shown_by_frr() -> Result<Vec<Value>> {
    let mut lab = Lab::new("shapes")?;
    let star = Star::build(&mut lab, SPOKES)?;
    let router = Frr::start(&star.router, &scenario::frr())?;
    let peers = Peers::start(&star)?;
    router.wait_established(&star.spokes[3].peer_v6().to_string(), DEADLINE)?;
    peers.go_fishing()?;
    let ask = |_: &str, _: &[&str], words: &str| router.json(words);
    wait_settled(Sent::ByFrr, ask);
    DOCUMENTS
        .iter()
        .map(|(name, ours, frr)| ask(name, ours, frr))
        .collect()
}

/// A neighbour that nothing is exchanged with for want of a policy (RFC 8212).
#[test]
fn a_neighbour_without_policy_is_shown_as_frr_shows_it() -> Result<()> {
    let documents = [DOCUMENTS[0], DOCUMENTS[3]];
    let told = |neighbor: &Value| has_told_all(neighbor).then_some(());
    let ours = {
        let mut lab = Lab::new("policy")?;
        let star = Star::build(&mut lab, 1)?;
        let router = Daemon::start(&star.router, &scenario::without_policy_ours())?;
        let _bird = scenario::provider(&star)?;
        router.wait_established(star.spokes[0].peer_v4());
        router.wait_show("our router to have told all", documents[1].1, told);
        documents.map(|(_, words, _)| router.show(words))
    };
    let theirs = {
        let mut lab = Lab::new("policy")?;
        let star = Star::build(&mut lab, 1)?;
        let router = Frr::start(&star.router, &scenario::without_policy_frr())?;
        let _bird = scenario::provider(&star)?;
        router.wait_established("10.0.0.2", DEADLINE)?;
        wait::until("FRR to have told all", DEADLINE, || {
            told(&router.json(documents[1].2).ok()?)
        });
        documents.map(|(_, _, words)| router.json(words))
    };
    let mut comparison = Comparison::new(DIFFERENCES);
    for ((name, _, _), (ours, theirs)) in documents.iter().zip(ours.into_iter().zip(theirs)) {
        comparison.compare(name, &ours?, &theirs?);
    }
    let findings = comparison.found();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    Ok(())
}

#[test]
fn json_has_the_keys_types_and_values_of_frr() -> Result<()> {
    let ours = shown_by_us()?;
    let theirs = shown_by_frr()?;
    let mut comparison = Comparison::new(DIFFERENCES);
    for ((name, _, _), (ours, theirs)) in DOCUMENTS.iter().zip(ours.iter().zip(&theirs)) {
        comparison.compare(name, ours, theirs);
    }
    for (name, key, expected) in OURS {
        let at = DOCUMENTS.iter().position(|document| document.0 == *name);
        comparison.expect(name, &ours[at.unwrap()], key, *expected);
    }
    let findings = comparison.finish();
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    Ok(())
}
