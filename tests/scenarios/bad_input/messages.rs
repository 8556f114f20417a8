//! Malformed BGP messages: the NOTIFICATION that RFC 4271 §6 asks for, or routes treated as withdrawn where RFC 7606
//! does, and nobody else is harmed.

use anyhow::Result;
use lab::maps::wait_leads_to;
use lab::topology::Spoke;
use lab::wait;

use crate::wire::{
    KEEPALIVE, OPEN, Raw, UPDATE, attributes, good_attributes, good_open, message, open, update,
};
use crate::world::{DEADLINE, V4, World, asn, neighbors, speaker};

const ID: [u8; 4] = [10, 255, 1, 99];

/// What is said after the router's OPEN, and the code and subcode it earns.
type Case = (&'static str, fn(&Spoke) -> Vec<u8>, (u8, u8));

fn peer_as(spoke: &Spoke) -> u16 {
    u16::try_from(asn(spoke)).unwrap()
}

fn broken(position: usize, value: u8) -> Vec<u8> {
    let mut bytes = message(KEEPALIVE, &[]);
    bytes[position] = value;
    bytes
}

const IN_OPEN_SENT: [Case; 12] = [
    ("a marker with a zero", |_| broken(3, 0), (1, 1)),
    ("a length below the header's", |_| broken(17, 18), (1, 2)),
    ("a length above 4096", |_| broken(16, 0x20), (1, 2)),
    ("an OPEN of 20 octets", |_| message(OPEN, &[4]), (1, 2)),
    ("a message type 9", |_| message(9, &[]), (1, 3)),
    ("a message type 0", |_| message(0, &[]), (1, 3)),
    ("version 5", |spoke| open(5, peer_as(spoke), 90, ID), (2, 1)),
    (
        "an AS that is not configured",
        |_| open(4, 65333, 90, ID),
        (2, 2),
    ),
    (
        "identifier 0.0.0.0",
        |spoke| open(4, peer_as(spoke), 90, [0; 4]),
        (2, 3),
    ),
    (
        "a hold time of one second",
        |spoke| open(4, peer_as(spoke), 1, ID),
        (2, 6),
    ),
    (
        "a KEEPALIVE before the OPEN",
        |_| message(KEEPALIVE, &[]),
        (5, 1),
    ),
    (
        "an UPDATE before the OPEN",
        |_| message(UPDATE, &[0, 0, 0, 0]),
        (5, 1),
    ),
];

/// The router with a speaker of good manners on spoke 0, which must not notice anything.
fn check_notifications(name: &str, cases: &[Case], establish: bool) -> Result<()> {
    let count = u8::try_from(cases.len())?;
    let world = World::start(name, count + 1, neighbors)?;
    let good = speaker(world.spoke(0));
    good.announce(&[V4.prefix], &[]);
    good.wait_up();
    for (spoke, (what, words, wanted)) in world.star.spokes[1..].iter().zip(cases) {
        let mut raw = if establish {
            Raw::establish(spoke)
        } else {
            let mut raw = Raw::connect(spoke)?;
            raw.expect(OPEN)?;
            raw
        };
        raw.send(&words(spoke))?;
        let found = raw.notification();
        assert!(
            found.as_ref().is_ok_and(|found| found == wanted),
            "{what}: {found:?}, not {wanted:?}"
        );
        world.router.wait_not_established(spoke.peer_v4());
    }
    assert_eq!(good.sessions(), 1, "the good speaker's session suffered");
    assert!(good.is_up());
    wait_leads_to(&world.router, V4.prefix, &[world.spoke(0)]);
    // Whoever misbehaved may come back, and is heard.
    let back = world.spoke(1);
    let mut raw = Raw::establish(back);
    raw.send(&update(&good_attributes(back), [198, 51, 100]))?;
    wait_leads_to(&world.router, "198.51.100.0/24", &[back]);
    world.router.assert_accounting();
    Ok(())
}

#[test]
fn a_bad_message_before_the_session_is_up_earns_its_notification() -> Result<()> {
    check_notifications("opensent", &IN_OPEN_SENT, false)
}

const IN_ESTABLISHED: [Case; 6] = [
    (
        "withdrawn routes longer than the message",
        |_| message(UPDATE, &[0, 9, 0, 0]),
        (3, 1),
    ),
    (
        "attributes longer than the message",
        |_| message(UPDATE, &[0, 0, 0, 9]),
        (3, 1),
    ),
    (
        "a withdrawn prefix of 33 bits",
        |_| message(UPDATE, &[0, 6, 33, 10, 0, 0, 0, 0, 0, 0]),
        (3, 10),
    ),
    ("a second OPEN", good_open, (5, 3)),
    (
        "a KEEPALIVE with a body",
        |_| message(KEEPALIVE, &[0]),
        (1, 2),
    ),
    (
        "a message that is cut by garbage",
        |_| vec![0x47; 64],
        (1, 1),
    ),
];

#[test]
fn a_bad_message_in_a_session_earns_its_notification() -> Result<()> {
    check_notifications("established", &IN_ESTABLISHED, true)
}

#[test]
fn routes_with_a_broken_attribute_are_withdrawn_and_the_session_lives() -> Result<()> {
    let world = World::start("rfc7606", 2, neighbors)?;
    let spoke = world.spoke(1);
    let mut raw = Raw::establish(spoke);
    let asn = peer_as(spoke).to_be_bytes();
    let path = [2, 1, asn[0], asn[1]];
    let next_hop = spoke.peer_v4().octets();
    let good = good_attributes(spoke);
    // Each replaces a good route by one that cannot be used (RFC 7606 §7).
    let cases: [(&str, Vec<u8>); 6] = [
        (
            "ORIGIN 9",
            attributes(&[(0x40, 1, &[9]), (0x40, 2, &path), (0x40, 3, &next_hop)]),
        ),
        (
            "ORIGIN of two octets",
            attributes(&[(0x40, 1, &[0, 0]), (0x40, 2, &path), (0x40, 3, &next_hop)]),
        ),
        (
            "no AS_PATH",
            attributes(&[(0x40, 1, &[0]), (0x40, 3, &next_hop)]),
        ),
        (
            "an AS_PATH segment of type 9",
            attributes(&[
                (0x40, 1, &[0]),
                (0x40, 2, &[9, 1, 0, 1]),
                (0x40, 3, &next_hop),
            ]),
        ),
        (
            "NEXT_HOP of three octets",
            attributes(&[(0x40, 1, &[0]), (0x40, 2, &path), (0x40, 3, &[10, 0, 0])]),
        ),
        (
            "flags of ORIGIN",
            attributes(&[(0xc0, 1, &[0]), (0x40, 2, &path), (0x40, 3, &next_hop)]),
        ),
    ];
    for (number, (what, broken)) in cases.iter().enumerate() {
        let last = u8::try_from(number)?;
        let prefix = format!("198.51.{last}.0/24");
        raw.send(&update(&good, [198, 51, last]))?;
        wait_leads_to(&world.router, &prefix, &[spoke]);
        raw.send(&update(broken, [198, 51, last]))?;
        let gone = wait::try_until(&format!("{prefix} to go after {what}"), DEADLINE, || {
            world
                .router
                .next_hops(&prefix)
                .ok()?
                .is_empty()
                .then_some(())
        });
        assert!(gone.is_ok(), "{gone:?}");
    }
    // An attribute that does not matter is dropped and the route stays.
    let odd = [good, attributes(&[(0xc0, 7, &[1, 2, 3])])].concat();
    raw.send(&update(&odd, [203, 0, 113]))?;
    wait_leads_to(&world.router, V4.prefix, &[spoke]);
    world.router.wait_established(spoke.peer_v4());
    let address = spoke.peer_v4().to_string();
    let shown = world.router.show(&["bgp", "neighbors", &address])?;
    assert_eq!(shown[&address]["connectionsEstablished"], 1, "{shown}");
    world.router.assert_accounting();
    Ok(())
}
