//! What travels over an established session.

use std::sync::Arc;

use super::world::*;
use crate::bgp::attributes::{Aggregator, AttributesEditor};
use crate::bgp::fsm::State;
use crate::bgp::session::Action;
use crate::bgp::types::{
    Asn, Family, NextHop, Nlri, Origin, PathAttributes, PathId, PeerAs, RouteUpdate,
};
use crate::bgp::wire::as_path::AsPathBuilder;
use crate::bgp::wire::error::Fault;
use crate::bgp::wire::route_refresh::RefreshKind;
use crate::bgp::wire::update::{encode_announce, encode_end_of_rib, encode_withdraw};

fn nlri(text: &str) -> Nlri {
    Nlri {
        prefix: text.parse().unwrap(),
        path_id: PathId(0),
    }
}

/// A path of the left side.
fn attributes(next_hop: NextHop, ases: &[u32]) -> PathAttributes {
    let mut path = AsPathBuilder::new();
    ases.iter().for_each(|&asn| path.push(Asn(asn)));
    let mut editor = AttributesEditor::empty();
    editor.set_origin(Origin::Igp);
    editor.set_as_path(path.as_path());
    PathAttributes {
        next_hop,
        raw: editor.finish(),
    }
}

fn v4() -> NextHop {
    NextHop::V4([192, 0, 2, 1].into())
}

fn v6() -> NextHop {
    NextHop::V6 {
        global: "2001:db8::1".parse().unwrap(),
        link_local: None,
    }
}

fn send(world: &mut World, bytes: Vec<u8>, messages: u32) {
    world.sessions[LEFT].send_updates(bytes.into(), messages);
    world.settle();
}

fn announce(world: &mut World, family: Family, attributes: &PathAttributes, list: &[Nlri]) {
    let encoding = world.sessions[LEFT].negotiated().unwrap().encoding();
    let mut bytes = Vec::new();
    let messages = encode_announce(&mut bytes, family, attributes, list, &encoding).unwrap();
    send(world, bytes, messages);
}

fn routes(world: &World, side: usize) -> Vec<&RouteUpdate> {
    let routes = world.told[side].iter().filter_map(|told| match told {
        Action::Routes(routes) => Some(routes),
        _ => None,
    });
    routes.collect()
}

#[test]
fn routes_of_both_families_arrive() {
    let mut world = World::established(configs());
    let plain = attributes(v4(), &[65001, 7]);
    let six = attributes(v6(), &[65001, 7]);
    let prefixes = [nlri("203.0.113.0/24"), nlri("198.51.100.0/24")];
    let prefixes6 = [nlri("2001:db8:7::/48")];
    announce(&mut world, Family::Ipv4Unicast, &plain, &prefixes);
    announce(&mut world, Family::Ipv6Unicast, &six, &prefixes6);
    let encoding = world.sessions[LEFT].negotiated().unwrap().encoding();
    let mut bytes = Vec::new();
    let mut messages = encode_withdraw(&mut bytes, Family::Ipv4Unicast, &prefixes[..1], &encoding);
    messages += encode_withdraw(&mut bytes, Family::Ipv6Unicast, &prefixes6, &encoding);
    messages += encode_end_of_rib(&mut bytes, Family::Ipv6Unicast);
    send(&mut world, bytes, messages);

    let received = routes(&world, RIGHT);
    assert_eq!(received[0].attributes.as_ref(), Some(&plain));
    assert_eq!(received[0].announced, prefixes);
    assert_eq!(received[1].attributes.as_ref(), Some(&six));
    assert_eq!(received[1].announced, prefixes6);
    assert_eq!(received[2].withdrawn, prefixes[..1]);
    assert_eq!(received[3].withdrawn, prefixes6);
    assert_eq!(received.len(), 4);
    assert!(world.told[RIGHT].contains(&Action::EndOfRib(Family::Ipv6Unicast)));
    assert_eq!(world.sessions[LEFT].stats().sent.update, 5);
    assert_eq!(world.sessions[RIGHT].stats().received.update, 5);
}

#[test]
fn updates_are_dropped_before_the_session_is_up() {
    let mut world = World::new(configs());
    world.sessions[LEFT].send_updates(Arc::from([0; 23]), 1);
    world.sessions[LEFT].send_route_refresh(Family::Ipv4Unicast, RefreshKind::Request);
    assert_eq!(world.sessions[LEFT].poll_action(), None);
    assert_eq!(world.sessions[LEFT].stats().sent.total(), 0);
}

#[test]
fn an_old_peer_gets_and_sends_narrow_as_numbers() {
    let [mut left, mut right] = configs();
    left.local_as = Asn(4_200_000_001);
    right.remote_as = PeerAs::Number(left.local_as);
    right.disable_capability_negotiation = true;
    right.families = vec![Family::Ipv4Unicast];
    let mut world = World::established([left, right]);
    assert!(!world.sessions[LEFT].negotiated().unwrap().four_octet_as);

    let mut path = attributes(v4(), &[4_200_000_001, 7, 4_200_000_002]);
    let mut editor = path.edit();
    editor.set_aggregator(Aggregator {
        asn: Asn(4_200_000_002),
        address: [10, 9, 9, 9].into(),
    });
    path.raw = editor.finish();
    announce(
        &mut world,
        Family::Ipv4Unicast,
        &path,
        &[nlri("203.0.113.0/24")],
    );
    // The AS4 attributes went along, so nothing is lost.
    assert_eq!(routes(&world, RIGHT)[0].attributes.as_ref(), Some(&path));
    let (_, _, update) = world.sent.last().unwrap();
    let narrow = [0x40, 2, 8, 2, 3, 0x5b, 0xa0, 0, 7, 0x5b, 0xa0];
    assert!(update.windows(narrow.len()).any(|window| window == narrow));
}

#[test]
fn ipv4_over_ipv6_arrives_when_both_offered_it() {
    let mut configs = configs();
    for config in &mut configs {
        config.extended_next_hop = true;
    }
    let mut world = World::established(configs);
    let path = attributes(v6(), &[65001]);
    announce(
        &mut world,
        Family::Ipv4Unicast,
        &path,
        &[nlri("203.0.113.0/24")],
    );
    assert_eq!(routes(&world, RIGHT)[0].attributes.as_ref(), Some(&path));
}

#[test]
fn path_ids_arrive_when_add_path_is_agreed() {
    let [mut left, mut right] = configs();
    left.add_path_send = vec![Family::Ipv4Unicast];
    right.add_path_receive = Family::ALL.to_vec();
    let mut world = World::established([left, right]);
    let path = attributes(v4(), &[65001]);
    let with_id = Nlri {
        path_id: PathId(77),
        ..nlri("203.0.113.0/24")
    };
    announce(&mut world, Family::Ipv4Unicast, &path, &[with_id]);
    assert_eq!(routes(&world, RIGHT)[0].announced, [with_id]);
}

#[test]
fn long_messages_pass_when_both_offered_them() {
    let mut world = World::established(configs());
    let path = attributes(v4(), &[65001]);
    let many: Vec<_> = (0..5000u32)
        .map(|low| Nlri {
            prefix: ipnet::IpNet::new(std::net::Ipv4Addr::from(low << 8).into(), 24).unwrap(),
            path_id: PathId(0),
        })
        .collect();
    announce(&mut world, Family::Ipv4Unicast, &path, &many);
    assert_eq!(routes(&world, RIGHT)[0].announced, many);
    let (_, _, update) = world.sent.last().unwrap();
    assert!(update.len() > 4096);
}

#[test]
fn a_long_message_without_the_offer_is_refused() {
    let [mut config, _] = configs();
    config.extended_message = false;
    let mut script = Script::new(config);
    script.accept(PEER);
    script.say(PEER, &[peer_open(90, &[6, 0]), keepalive()].concat());
    assert_eq!(script.session.state(), State::Established);
    script.say(PEER, &[&[0xff; 16], &[0x10, 1, 2][..]].concat());
    assert_eq!(script.refusal(), Some((1, 2)));
}

#[test]
fn refreshes_are_asked_for_and_marked() {
    let mut world = World::established(configs());
    for kind in [RefreshKind::Request, RefreshKind::Begin, RefreshKind::End] {
        for family in Family::ALL {
            world.sessions[LEFT].send_route_refresh(family, kind);
            world.settle();
            let told = Action::RouteRefresh(family, kind);
            assert_eq!(world.told[RIGHT].last(), Some(&told));
        }
    }
    assert_eq!(world.sessions[RIGHT].stats().received.route_refresh, 6);
}

#[test]
fn refreshes_that_were_not_agreed_on_are_neither_sent_nor_heard() {
    let mut script = Script::new(configs()[0].clone());
    script.accept(PEER);
    let v4_and_refresh = [1, 4, 0, 1, 0, 1, 2, 0];
    script.say(
        PEER,
        &[peer_open(90, &v4_and_refresh), keepalive()].concat(),
    );
    script.heard.clear();
    script
        .session
        .send_route_refresh(Family::Ipv6Unicast, RefreshKind::Request);
    script
        .session
        .send_route_refresh(Family::Ipv4Unicast, RefreshKind::Begin);
    assert_eq!(script.session.poll_action(), None);
    let (v6, begin) = ([0, 2, 0, 1], [0, 1, 1, 1]);
    script.say(PEER, &[message(5, &v6), message(5, &begin)].concat());
    assert!(
        !script
            .told
            .iter()
            .any(|told| matches!(told, Action::RouteRefresh(..)))
    );
    assert_eq!(script.session.state(), State::Established);
    // A demarcation of a wrong length is an error nonetheless.
    script.say(PEER, &message(5, &[0, 1, 1, 1, 0]));
    assert_eq!(script.refusal(), Some((7, 1)));
}

/// An UPDATE of the right side whose ORIGIN is out of range.
fn bad_origin() -> Vec<u8> {
    message(
        2,
        &[
            0, 0, 0, 20, 0x40, 1, 1, 9, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xea, 0x40, 3, 4, 192, 0, 2,
            9, 24, 203, 0, 113,
        ],
    )
}

#[test]
fn a_malformed_update_is_withdrawn_counted_kept_and_told_once_a_second() {
    let mut script = Script::new(configs()[0].clone());
    script.accept(PEER);
    let open = peer_open(90, &[65, 4, 0, 0, 0xfd, 0xea]);
    script.say(PEER, &[open, keepalive()].concat());
    for _ in 0..20 {
        script.say(PEER, &bad_origin());
    }
    assert_eq!(script.session.state(), State::Established);
    let reports = |script: &Script| {
        let reports = script.told.iter();
        reports
            .filter(|told| matches!(told, Action::Malformed(_)))
            .count()
    };
    assert_eq!(reports(&script), 1);
    let stats = script.session.stats();
    assert_eq!(stats.malformed.len(), 8);
    assert_eq!(stats.malformed[0].message, bad_origin());
    assert_eq!(
        stats.malformed[0].to_string(),
        "ORIGIN: bad value, routes withdrawn"
    );
    let (finding, count) = stats.findings.first_key_value().unwrap();
    assert_eq!((finding.fault, *count), (Fault::Value, 20));
    script.pass(seconds(1));
    script.say(PEER, &bad_origin());
    assert_eq!(reports(&script), 2);
    let withdrawn = script.told.iter().filter_map(|told| match told {
        Action::Routes(routes) => Some(routes.withdrawn.len()),
        _ => None,
    });
    assert_eq!(withdrawn.sum::<usize>(), 21);
}

#[test]
fn an_update_that_cannot_be_read_ends_the_session() {
    let mut script = Script::new(configs()[0].clone());
    script.accept(PEER);
    script.say(PEER, &[peer_open(90, &[]), keepalive()].concat());
    let update = message(2, &[0, 9, 0, 0]);
    script.say(PEER, &update);
    assert_eq!(script.refusal(), Some((3, 1)));
    assert_eq!(script.session.stats().malformed[0].message, update);
    assert_eq!(script.session.state(), State::Idle);
}
