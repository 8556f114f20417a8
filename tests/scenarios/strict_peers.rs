//! Speakers that take nothing for granted, and old ones: each is played on the wire as it is known to behave, octet
//! by octet, and must be content with the router.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use lab::topology::Spoke;
use lab::wait;
use serde_json::{Value, json};

use crate::wire::{
    KEEPALIVE, NOTIFICATION, OPEN, Raw, UPDATE, attributes, message, modern, open_with,
};
use crate::world::{Carries, DEADLINE, ROUTER_AS, V4, V6, World, asn, speaker};

/// MetalLB gives up on a connection that has brought no OPEN by then.
const OPEN_WITHIN: Duration = Duration::from_secs(10);

/// What a strict speaker reads in an OPEN.
#[derive(Debug, Default, PartialEq, Eq)]
struct Opened {
    asn: u32,
    hold_time: u16,
    capabilities: Vec<(u8, Vec<u8>)>,
}

/// Reads an OPEN as MetalLB's native speaker does: version 4, parameters of type 2 alone, no octet left over,
/// capabilities of the right length.
fn read_strictly(body: &[u8]) -> Result<Opened> {
    ensure!(
        19 + body.len() >= 37,
        "an OPEN of {} octets",
        19 + body.len()
    );
    let (fixed, mut rest) = body.split_at(10);
    ensure!(fixed[0] == 4, "version {}", fixed[0]);
    let mut opened = Opened {
        asn: u16::from_be_bytes([fixed[1], fixed[2]]).into(),
        hold_time: u16::from_be_bytes([fixed[3], fixed[4]]),
        capabilities: Vec::new(),
    };
    let hold_time = opened.hold_time;
    ensure!(hold_time == 0 || hold_time >= 3, "hold time {hold_time}");
    ensure!(fixed[5..9] != [0; 4], "identifier 0.0.0.0");
    ensure!(
        usize::from(fixed[9]) == rest.len(),
        "octets left over: {body:?}"
    );
    while let [kind, length, after @ ..] = rest {
        ensure!(*kind == 2, "a parameter of type {kind}");
        let parts = after.split_at_checked(usize::from(*length));
        let (mut parameter, next) = parts.context("a parameter that overruns")?;
        rest = next;
        while let [code, length, after @ ..] = parameter {
            let parts = after.split_at_checked(usize::from(*length));
            let (value, next) = parts.context("a capability that overruns")?;
            parameter = next;
            if matches!(code, 1 | 65) {
                ensure!(
                    value.len() == 4,
                    "capability {code} of {} octets",
                    value.len()
                );
            }
            if let (65, &[a, b, c, d]) = (code, value) {
                opened.asn = u32::from_be_bytes([a, b, c, d]);
            }
            opened.capabilities.push((*code, value.to_vec()));
        }
        ensure!(parameter.is_empty(), "octets left over in a parameter");
    }
    ensure!(rest.is_empty(), "octets left over after the parameters");
    Ok(opened)
}

/// Dials, says OPEN at once, and reads the router's.
fn greet(spoke: &Spoke, local: Ipv4Addr, open: &[u8]) -> Result<(Raw, Opened)> {
    let started = Instant::now();
    let mut raw = Raw::connect_from(spoke, local)?;
    raw.send(open)?;
    let opened = read_strictly(&raw.expect(OPEN)?)?;
    let took = started.elapsed();
    ensure!(took < OPEN_WITHIN, "the OPEN came after {took:?}");
    raw.expect(KEEPALIVE)?;
    raw.send(&message(KEEPALIVE, &[]))?;
    Ok((raw, opened))
}

/// One prefix in classic NLRI, the way MetalLB says it.
fn announce(spoke: &Spoke, internal: bool, communities: &[u8], prefix: [u8; 4]) -> Vec<u8> {
    let (next_hop, asn) = (spoke.peer_v4().octets(), asn(spoke).to_be_bytes());
    let path = [[2, 1].as_slice(), &asn].concat();
    let mut all = attributes(&[
        (0x40, 1, &[0]),
        (0x40, 2, if internal { &[] } else { &path }),
        (0x40, 3, &next_hop),
    ]);
    if internal {
        all.extend(attributes(&[(0x40, 5, &[0, 0, 0, 0])]));
    }
    all.extend(attributes(&[(0xc0, 8, communities)]));
    update(&[], &all, &[[32].as_slice(), &prefix].concat())
}

fn update(withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let length = |octets: &[u8]| u16::try_from(octets.len()).unwrap().to_be_bytes();
    let body = [
        &length(withdrawn),
        withdrawn,
        &length(attributes),
        attributes,
        nlri,
    ]
    .concat();
    message(UPDATE, &body)
}

#[test]
fn metallbs_native_speaker_comes_up_announces_and_leaves_without_a_word() -> Result<()> {
    let world = World::start("metallb", 3, |config, star| {
        let [external, internal, other] = [0, 1, 2].map(|number: usize| &star.spokes[number]);
        let lines = "passive = true";
        config
            .neighbor_with(external.peer_v4(), asn(external), Carries::Both, lines)
            .neighbor_with(internal.peer_v4(), ROUTER_AS, Carries::Both, lines)
            .neighbor_with(other.peer_v4(), asn(other), Carries::Both, lines)
    })?;
    // The router has something to say, in both families; MetalLB reads none of it.
    let other = speaker(world.spoke(2));
    other.announce(&[V4.prefix, V6.prefix], &[]);
    other.wait_up();
    world.router.wait_bgp_paths(V6.prefix, 1);
    for (number, internal) in [(0, false), (1, true)] {
        let spoke = world.spoke(number);
        let as_number = if internal { ROUTER_AS } else { asn(spoke) };
        let id = spoke.peer_v4().octets();
        let as_octets = u16::try_from(as_number)?;
        let open = open_with(4, as_octets, 90, id, &modern(as_number));
        // A header of 19, 10 fixed octets, one parameter of 18.
        assert_eq!(open.len(), 19 + 10 + 2 + 18);
        for _ in 0..2 {
            let (mut raw, opened) = greet(spoke, spoke.peer_v4(), &open)?;
            assert_eq!(opened.asn, ROUTER_AS, "{opened:?}");
            let communities: Vec<u8> = (1..=63_u8).flat_map(|each| [0xfd, 0xf2, 0, each]).collect();
            let service = |last: u8| [100, 64, spoke.number, last];
            for each in 1..=3 {
                raw.send(&announce(spoke, internal, &communities, service(each)))?;
            }
            for each in 1..=3 {
                let prefix = format!("{}/32", Ipv4Addr::from(service(each)));
                let path = &world.router.wait_bgp_paths(&prefix, 1)[0];
                let count = path["community"]["list"].as_array().map(Vec::len);
                assert_eq!(count, Some(63), "{path}");
                if internal {
                    assert_eq!(path["locPrf"], json!(0), "{path}");
                }
                world
                    .router
                    .wait_next_hops(&prefix, &[spoke.peer_v4().into()]);
            }
            // Withdrawals are packed, without attributes: not an End-of-RIB, and nobody else's routes go.
            let withdrawn = [1, 2].map(|each| [[32].as_slice(), &service(each)].concat());
            raw.send(&update(&withdrawn.concat(), &[], &[]))?;
            for each in 1..=2 {
                let prefix = format!("{}/32", Ipv4Addr::from(service(each)));
                world.router.wait_bgp_paths(&prefix, 0);
            }
            let stays = format!("{}/32", Ipv4Addr::from(service(3)));
            world.router.wait_bgp_paths(&stays, 1);
            world.router.wait_established(spoke.peer_v4());
            // It goes without a NOTIFICATION and dials again at once.
            raw.shut_down();
            drop(raw);
            world.router.wait_bgp_paths(&stays, 0);
        }
    }
    assert_eq!(other.sessions(), 1);
    world.router.assert_accounting();
    Ok(())
}

/// Capability 73: host and domain name.
const FQDN: [u8; 8] = [73, 6, 4, b'n', b'o', b'd', b'e', 0];
/// Capability 64 as a restarter: 120 seconds, IPv4 with the F bit.
const GRACEFUL: [u8; 8] = [64, 6, 0x00, 120, 0, 1, 1, 0x80];
/// Capability 5: IPv4 prefixes with IPv6 next hops.
const EXTENDED_NEXT_HOP: [u8; 8] = [5, 6, 0, 1, 0, 1, 0, 2];
const SOFTWARE: [u8; 6] = [75, 4, 3, b'1', b'.', b'0'];
const ADD_PATH: [u8; 6] = [69, 4, 0, 1, 1, 1];

#[test]
fn a_gobgp_that_offers_ipv4_alone_is_told_nothing_of_ipv6() -> Result<()> {
    let world = World::start("cilium", 2, |config, star| {
        let mut config = config.parameter("network-import-check = false");
        for spoke in &star.spokes {
            let lines = "passive = true";
            config = config.neighbor_with(spoke.peer_v4(), asn(spoke), Carries::Both, lines);
        }
        config.network(V4.own).network(V6.own)
    })?;
    let other = speaker(world.spoke(1));
    other.announce(&[V4.prefix, V6.prefix], &[]);
    other.wait_up();
    world.router.wait_bgp_paths(V6.prefix, 1);
    let spoke = world.spoke(0);
    let as_number = asn(spoke).to_be_bytes();
    let capabilities = [
        [2, 0].as_slice(),
        &FQDN,
        &[1, 4, 0, 1, 0, 1],
        &[[65, 4].as_slice(), &as_number].concat(),
        &GRACEFUL,
        &EXTENDED_NEXT_HOP,
        &[6, 0],
        &SOFTWARE,
        &ADD_PATH,
    ]
    .concat();
    let open = open_with(
        4,
        u16::try_from(asn(spoke))?,
        90,
        [10, 255, 1, 7],
        &capabilities,
    );
    let (mut raw, opened) = greet(spoke, spoke.peer_v4(), &open)?;
    let has = |code: u8| opened.capabilities.iter().any(|each| each.0 == code);
    assert!(has(2) && has(65), "{opened:?}");
    // Its parser rejects a family that it did not offer: read everything until the table and its end were told.
    let (mut prefixes, mut ended) = (Vec::new(), false);
    while !ended || prefixes.len() < 2 {
        let (kind, body) = raw.read()?;
        if kind == KEEPALIVE {
            continue;
        }
        assert_eq!(kind, UPDATE, "{body:?}");
        let told = Told::read(&body, 4)?;
        assert!(
            told.attributes
                .iter()
                .all(|(code, _)| !matches!(code, 14 | 15)),
            "{told:?}"
        );
        ended |= told == Told::default();
        prefixes.extend(told.nlri.as_chunks::<4>().0.to_vec());
    }
    prefixes.sort_unstable();
    assert_eq!(prefixes, [[24, 198, 51, 100], [24, 203, 0, 113]]);
    world.router.wait_established(spoke.peer_v4());
    Ok(())
}

/// An UPDATE that carries IPv4 alone.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    attributes: Vec<(u8, Vec<u8>)>,
    /// AS_PATH in AS numbers.
    path: Vec<u32>,
    nlri: Vec<u8>,
}

impl Told {
    fn read(body: &[u8], width: usize) -> Result<Self> {
        let mut told = Self::default();
        let length = usize::from(u16::from_be_bytes([body[2], body[3]]));
        ensure!(body[..2] == [0, 0], "withdrawals: {body:?}");
        let (mut attributes, nlri) = body[4..].split_at(length);
        told.nlri = nlri.to_vec();
        while let [flags, code, length, rest @ ..] = attributes {
            ensure!(flags & 0x10 == 0, "a long attribute: {attributes:?}");
            let (value, next) = rest.split_at(usize::from(*length));
            attributes = next;
            told.attributes.push((*code, value.to_vec()));
            if *code == 2 {
                let ases = value.get(2..).unwrap_or_default().chunks(width);
                let number = |octets: &[u8]| {
                    octets
                        .iter()
                        .fold(0, |sum, &octet| sum << 8 | u32::from(octet))
                };
                told.path = ases.map(number).collect();
            }
        }
        Ok(told)
    }

    fn value(&self, code: u8) -> Option<&[u8]> {
        let found = self.attributes.iter().find(|each| each.0 == code)?;
        Some(&found.1)
    }
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one conversation, from greeting to greeting"
)]
fn an_old_speaker_of_two_octets_gets_as_trans_and_keeps_what_it_cannot_read() -> Result<()> {
    const OURS: u32 = 4_200_000_000;
    let mut lab = lab::Lab::new("oldpeer")?;
    let star = lab::topology::Star::build(&mut lab, 2)?;
    let [old, other] = [&star.spokes[0], &star.spokes[1]];
    let lines = "passive = true";
    let config = lab::config::Config::new(OURS, "10.255.0.1")
        .ports(2)
        .neighbor_with(old.peer_v4(), asn(old), Carries::Both, lines)
        .neighbor_with(other.peer_v4(), asn(other), Carries::Both, lines);
    let router = lab::Daemon::start(&star.router, &config.text())?;
    let good = speaker(other);
    good.announce(&[V4.prefix], &[4_200_000_077]);
    good.wait_up();
    router.wait_bgp_paths(V4.prefix, 1);

    // No parameter at all, and no idea of what those of the router mean.
    let bare = open_with(4, u16::try_from(asn(old))?, 90, [10, 255, 1, 3], &[]);
    let mut raw = Raw::connect(old)?;
    raw.send(&bare)?;
    let theirs = raw.expect(OPEN)?;
    assert_eq!(
        theirs[1..3],
        23456_u16.to_be_bytes(),
        "our AS in two octets"
    );
    raw.expect(KEEPALIVE)?;
    raw.send(&message(KEEPALIVE, &[]))?;
    let told = loop {
        let (kind, body) = raw.read()?;
        if kind == UPDATE && body != [0; 4] {
            break Told::read(&body, 2)?;
        }
    };
    assert_eq!(told.nlri, [24, 203, 0, 113], "{told:?}");
    let neighbour = asn(other);
    assert_eq!(told.path, [23456, neighbour, 23456], "{told:?}");
    let as4: Vec<u8> = [OURS, neighbour, 4_200_000_077]
        .into_iter()
        .flat_map(u32::to_be_bytes)
        .collect();
    assert_eq!(
        told.value(17),
        Some([[2, 3].as_slice(), &as4].concat().as_slice())
    );

    // What it passes on of others it cannot read, the router reads.
    let own = u16::try_from(asn(old))?.to_be_bytes();
    let path = [[2, 2].as_slice(), &own, &23456_u16.to_be_bytes()].concat();
    let beyond = [[2, 1].as_slice(), &4_200_000_001_u32.to_be_bytes()].concat();
    let aggregator = [23456_u16.to_be_bytes().as_slice(), &[10, 1, 1, 1]].concat();
    let aggregator4 = [4_200_000_001_u32.to_be_bytes().as_slice(), &[10, 1, 1, 1]].concat();
    let all = attributes(&[
        (0x40, 1, &[0]),
        (0x40, 2, &path),
        (0x40, 3, &old.peer_v4().octets()),
        (0xc0, 7, &aggregator),
        (0xe0, 17, &beyond),
        (0xe0, 18, &aggregator4),
    ]);
    raw.send(&update(&[], &all, &[24, 198, 51, 100]))?;
    let path = &router.wait_bgp_paths("198.51.100.0/24", 1)[0];
    let text = format!("{} 4200000001", asn(old));
    assert_eq!(path["aspath"]["string"], json!(text), "{path}");
    assert_eq!(path["aggregatorAs"], json!(4_200_000_001_u32), "{path}");
    let (ases, _) = good.wait_received("198.51.100.0/24");
    assert_eq!(ases, [OURS, asn(old), 4_200_000_001]);
    raw.shut_down();
    router.wait_not_established(old.peer_v4());

    // One that refuses capabilities (RFC 5492 §3) is greeted without any the next time.
    let mut raw = Raw::connect(old)?;
    raw.expect(OPEN)?;
    raw.send(&message(NOTIFICATION, &[2, 4]))?;
    drop(raw);
    let theirs = wait::until("the router to greet an old speaker again", DEADLINE, || {
        let mut raw = Raw::connect(old).ok()?;
        raw.send(&bare).ok()?;
        let theirs = raw.expect(OPEN).ok()?;
        if theirs.len() > 10 {
            // A connection that broke off on the way counts as the one without: it refuses again.
            raw.send(&message(NOTIFICATION, &[2, 4])).ok()?;
            return None;
        }
        raw.expect(KEEPALIVE).ok()?;
        raw.send(&message(KEEPALIVE, &[])).ok()?;
        router.wait_established(old.peer_v4());
        Some(theirs)
    });
    assert_eq!(theirs.len(), 10, "the OPEN has parameters: {theirs:?}");
    Ok(())
}

/// An OPEN of each way in which capabilities are packed, and whether IPv6 is agreed.
fn openings(as_number: u16) -> Vec<(&'static str, Vec<u8>, bool)> {
    let four = [[65, 4, 0, 0].as_slice(), &as_number.to_be_bytes()].concat();
    let ipv4 = [1, 4, 0, 1, 0, 1];
    let ipv6 = [1, 4, 0, 2, 0, 1];
    let with = |parameters: &[u8]| {
        let mut body = vec![4];
        body.extend(as_number.to_be_bytes());
        body.extend([0, 90, 10, 255, 9, 9]);
        body.extend(parameters);
        message(OPEN, &body)
    };
    // FRR: a parameter for each capability, some of them known to nobody else.
    let mut each = Vec::new();
    for capability in [
        &ipv4[..],
        &ipv6,
        &[128, 0],
        &[2, 0],
        &[70, 0],
        &four,
        &FQDN,
        &[67, 0],
        &[71, 0],
        &SOFTWARE,
        &[76, 0],
    ] {
        each.extend([2, u8::try_from(capability.len()).unwrap()]);
        each.extend(capability);
    }
    let split = [&[u8::try_from(each.len()).unwrap()], each.as_slice()].concat();
    let all = [ipv4.as_slice(), &ipv6, &four].concat();
    let length = u8::try_from(all.len()).unwrap();
    // RFC 9072: 255, type 255, then lengths of two octets.
    let extended = [&[255, 255, 0, length + 3, 2, 0, length], all.as_slice()].concat();
    let twice = [&[2 + length + 6, 2, length + 6], all.as_slice(), &ipv4].concat();
    let wrong_length = [
        &[2 + length + 5, 2, length + 5],
        all.as_slice(),
        &[70, 3, 1, 2, 3],
    ]
    .concat();
    let unknown = [
        &[2 + length + 4, 2, length + 4],
        all.as_slice(),
        &[199, 2, 7, 7],
    ]
    .concat();
    vec![
        ("no parameter", with(&[0]), false),
        ("an empty parameter", with(&[2, 2, 0]), false),
        ("a parameter for each capability", with(&split), true),
        ("extended parameters of RFC 9072", with(&extended), true),
        ("a capability twice", with(&twice), true),
        ("a capability of a wrong length", with(&wrong_length), true),
        ("a capability that nobody knows", with(&unknown), true),
    ]
}

#[test]
fn capabilities_are_understood_however_they_are_packed() -> Result<()> {
    let count = u8::try_from(openings(0).len())?;
    let world = World::start("openings", count, |mut config, star| {
        for spoke in &star.spokes {
            let lines = "passive = true";
            config = config.neighbor_with(spoke.peer_v4(), asn(spoke), Carries::Both, lines);
        }
        config
    })?;
    for (number, spoke) in world.star.spokes.iter().enumerate() {
        let (what, open, both) = openings(u16::try_from(asn(spoke))?).swap_remove(number);
        let (_raw, opened) = greet(spoke, spoke.peer_v4(), &open).context(what)?;
        assert_eq!(opened.asn, ROUTER_AS, "{what}");
        world.router.wait_established(spoke.peer_v4());
        let address = spoke.peer_v4().to_string();
        let shown = world.router.show(&["bgp", "neighbors", &address])?;
        let families = &shown[&address]["addressFamilyInfo"];
        let agreed = |family: &str| families[family]["negotiated"] == Value::Bool(true);
        assert!(agreed("ipv4Unicast"), "{what}: {shown}");
        assert_eq!(agreed("ipv6Unicast"), both, "{what}: {shown}");
    }
    Ok(())
}
