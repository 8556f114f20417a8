//! Our decoder of UPDATEs beside two of other people: what a message says must not depend on who reads it.
//!
//! Messages come from two writers: our encoder with made-up attributes, and one in this test that shares no code with it
//! and writes what a neighbour may but we would not (attributes in any order, long headers, several segments).
//! `PREFIXES` may name a list of real prefixes, one a line or packed by xz, to be announced as well.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod facts;
mod generate;

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use ipnet::IpNet;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use router_ctl::bgp::types::{Family, NextHop, Nlri, PathAttributes, PathId};
use router_ctl::bgp::wire::update::{Encoding, encode_announce, encode_withdraw};

use self::facts::{Facts, Session};

/// Messages of one kind that are made up.
const CASES: u32 = 800;
/// All of it together; a decoder that became slow is a finding too.
const LIMIT: Duration = Duration::from_secs(60);

type Read = fn(&[u8], Session) -> Result<Facts, String>;

/// Another decoder.
struct Other {
    name: &'static str,
    read: Read,
}

const OTHERS: [Other; 2] = [
    Other {
        name: "bgpkit-parser",
        read: facts::bgpkit,
    },
    Other {
        name: "rustbgpd-wire",
        read: facts::rustbgpd,
    },
];

/// Where we differ from others, and why that is right.
struct Difference {
    /// From all of them when empty.
    with: &'static str,
    why: &'static str,
    /// Takes the difference away, on both sides.
    level: fn(&mut Facts),
    /// The other one cannot be asked about such a message.
    excuses: fn(&Facts, Session) -> bool,
}

const DIFFERENCES: [Difference; 4] = [
    Difference {
        with: "",
        why: "communities are a set (RFC 1997, RFC 8092 §5): we store them in order, so that equal ones are stored once",
        level: |facts| {
            facts.communities.sort_unstable();
            facts.communities.dedup();
            facts.large_communities.sort_unstable();
            facts.large_communities.dedup();
        },
        excuses: |_, _| false,
    },
    Difference {
        with: "",
        why: "prefixes of one message have no order",
        level: |facts| {
            facts.announced.sort_unstable();
            facts.withdrawn.sort_unstable();
        },
        excuses: |_, _| false,
    },
    Difference {
        with: "rustbgpd-wire",
        why: "always refuses AS_SET (RFC 9774); we are told to let it pass here, to compare what is in it",
        level: |_| {},
        excuses: |facts, _| {
            let segments = facts.as_path.iter().flatten();
            segments.into_iter().any(|(kind, _)| *kind == 1)
        },
    },
    Difference {
        with: "bgpkit-parser",
        why: "takes a field of prefixes that begins with 0 for one with path ids, whatever it is told: a default route",
        level: |_| {},
        excuses: |facts, session| {
            let all = facts.announced.iter().chain(&facts.withdrawn);
            !session.add_path && all.into_iter().any(|(prefix, _)| prefix.prefix_len() == 0)
        },
    },
];

fn differences(with: &str) -> impl Iterator<Item = &'static Difference> {
    let concerns = move |one: &&Difference| one.with.is_empty() || one.with == with;
    DIFFERENCES.iter().filter(concerns)
}

fn levelled(mut facts: Facts, with: &str) -> Facts {
    differences(with).for_each(|one| (one.level)(&mut facts));
    facts
}

/// Each whole message of `bytes`, header included.
fn messages(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some(length) = bytes.get(16..18) {
        let length = usize::from(u16::from_be_bytes(length.try_into().unwrap()));
        let (message, rest) = bytes.split_at(length);
        all.push(message);
        bytes = rest;
    }
    assert!(bytes.is_empty(), "half a message is left");
    all
}

/// All decoders say the same of all messages.
fn compare(bytes: &[u8], session: Session) -> Result<(), TestCaseError> {
    for message in messages(bytes) {
        let ours = facts::ours(message, session).map_err(TestCaseError::fail)?;
        for Other { name, read } in &OTHERS {
            if differences(name).any(|one| (one.excuses)(&ours, session)) {
                continue;
            }
            let theirs = read(message, session)
                .map_err(|error| TestCaseError::fail(format!("{name}: {error}: {message:02x?}")))?;
            let (ours, theirs) = (levelled(ours.clone(), name), levelled(theirs, name));
            prop_assert_eq!(&ours, &theirs, "ours and {}: {:02x?}", name, message);
        }
    }
    Ok(())
}

fn run<T: std::fmt::Debug>(
    strategy: &impl Strategy<Value = T>,
    check: impl Fn(T) -> Result<(), TestCaseError>,
) {
    let started = Instant::now();
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    });
    if let Err(error) = runner.run(strategy, check) {
        panic!("{error}");
    }
    let took = started.elapsed();
    assert!(took < LIMIT, "{CASES} messages took {took:?}");
}

#[test]
fn what_our_encoder_writes_is_read_alike() {
    run(&generate::updates(), |update| {
        let session = update.session;
        let encoding = encoding(session);
        let mut bytes = Vec::new();
        encode_withdraw(&mut bytes, update.family, &update.withdrawn, &encoding);
        let announced = encode_announce(
            &mut bytes,
            update.family,
            &update.attributes,
            &update.announced,
            &encoding,
        );
        prop_assert!(announced.is_ok(), "{announced:?}");
        compare(&bytes, session)
    });
}

#[test]
fn what_others_may_write_is_read_alike() {
    run(&generate::foreign(), |(bytes, session)| {
        compare(&bytes, session)
    });
}

#[test]
fn every_difference_has_a_reason_and_somebody_to_differ_from() {
    for one in &DIFFERENCES {
        assert!(one.why.len() > 20, "{}", one.why);
        assert!(one.with.is_empty() || OTHERS.iter().any(|other| other.name == one.with));
    }
}

fn encoding(session: Session) -> Encoding {
    Encoding {
        four_octet_as: session.four_octet_as,
        max_message: 4096,
        add_path_v4: session.add_path,
        add_path_v6: session.add_path,
    }
}

/// Prefixes of a real table when `PREFIXES` names one, else of its shape: announced in full messages, then withdrawn.
#[test]
fn the_prefixes_of_a_whole_table_are_read_alike() {
    let session = Session {
        four_octet_as: true,
        add_path: false,
    };
    let prefixes = env::var_os("PREFIXES").map_or_else(made_up, |path| listed(&path));
    assert!(prefixes.len() > 1000, "{} prefixes", prefixes.len());
    let mut random = proptest::test_runner::TestRunner::deterministic();
    for family in Family::ALL {
        let nlri: Vec<Nlri> = prefixes
            .iter()
            .filter(|&&prefix| Family::of(prefix) == family)
            .map(|&prefix| Nlri {
                prefix,
                path_id: PathId(0),
            })
            .collect();
        for some in nlri.chunks(5000) {
            let mut bytes = Vec::new();
            let raw = generate::attributes(true)
                .new_tree(&mut random)
                .unwrap()
                .current();
            let next_hop = match family {
                Family::Ipv4Unicast => NextHop::V4([192, 0, 2, 1].into()),
                Family::Ipv6Unicast => NextHop::V6 {
                    global: "2001:db8::1".parse().unwrap(),
                    link_local: None,
                },
            };
            let attributes = PathAttributes { next_hop, raw };
            encode_announce(&mut bytes, family, &attributes, some, &encoding(session)).unwrap();
            encode_withdraw(&mut bytes, family, some, &encoding(session));
            if let Err(error) = compare(&bytes, session) {
                panic!("{error}");
            }
        }
    }
}

fn made_up() -> Vec<IpNet> {
    let mut random = proptest::test_runner::TestRunner::deterministic();
    let mut prefixes = Vec::new();
    for family in Family::ALL {
        let prefix = generate::prefix(family);
        let all = (0..20_000).map(|_| prefix.new_tree(&mut random).unwrap().current());
        prefixes.extend(all.filter(|prefix| prefix.prefix_len() > 0));
    }
    prefixes
}

fn listed(path: &std::ffi::OsStr) -> Vec<IpNet> {
    let output = Command::new("xz")
        .args(["-dcf"])
        .arg(path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.trim().parse().unwrap())
        .collect()
}
