//! Coming up, staying up, and the timers of both.

use super::world::*;
use crate::bgp::fsm::State;
use crate::bgp::session::{Action, CloseReason, ConnectionId, StopReason};
use crate::bgp::types::{Asn, Family, PeerAs};

const STRICT_CAPABILITIES: [u8; 18] = [1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 65, 4, 0, 0, 0xfd, 0xea];

#[test]
fn two_sessions_come_up() {
    let world = World::established(configs());
    let [left, right] = &world.sessions;
    assert_eq!(left.negotiated().unwrap().peer_as, Asn(65002));
    assert_eq!(right.negotiated().unwrap().peer_as, Asn(65001));
    assert_eq!(left.negotiated().unwrap().families, Family::ALL);
    let states = [
        State::Connect,
        State::OpenSent,
        State::OpenConfirm,
        State::Established,
    ];
    assert_eq!(world.states_of(LEFT), states);
    assert_eq!(world.dialers(), [LEFT]);
    for session in &world.sessions {
        assert_eq!(session.stats().sent.open, 1);
        assert_eq!(session.stats().received.open, 1);
        assert_eq!(session.stats().connections_established, 1);
    }
}

#[test]
fn a_passive_session_never_dials() {
    let [left, mut right] = configs();
    right.passive = true;
    let mut world = World::new([left, right]);
    world.listens = [false, true];
    world.sessions[RIGHT].start(world.now);
    world.run(seconds(600));
    assert_eq!(world.states_of(RIGHT), [State::Active]);
    assert!(world.dials[RIGHT].is_empty());
    world.sessions[LEFT].start(world.now);
    world.run(seconds(1));
    world.assert_established();
}

#[test]
fn an_internal_session_comes_up() {
    let mut configs = configs();
    for config in &mut configs {
        config.local_as = Asn(65000);
        config.remote_as = PeerAs::Internal;
    }
    let world = World::established(configs);
    assert!(world.sessions[LEFT].negotiated().unwrap().internal);
}

#[test]
fn keepalives_keep_it_up_with_jitter() {
    let mut world = World::established(configs());
    world.run(seconds(3600));
    world.assert_established();
    let keepalives: Vec<_> = world
        .sent
        .iter()
        .filter(|(_, side, bytes)| *side == LEFT && bytes[18] == 4)
        .map(|(at, _, _)| *at)
        .collect();
    let gaps: Vec<_> = keepalives
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .collect();
    assert!(gaps.len() >= 3600 / 30);
    assert!(
        gaps.iter()
            .all(|gap| (seconds(22)..=seconds(30)).contains(gap))
    );
    assert!(gaps.iter().any(|&gap| gap < seconds(25)));
    assert!(world.downs(LEFT).is_empty());
}

#[test]
fn silence_ends_it_after_the_hold_time() {
    let mut world = World::established(configs());
    let started = world.now;
    world.cut = true;
    world.run(seconds(80));
    world.assert_established();
    world.run(seconds(40));
    for side in [LEFT, RIGHT] {
        let [down] = world.downs(side)[..] else {
            panic!("{:?}", world.told);
        };
        assert_eq!(down.reason.to_string(), "sent Hold Timer Expired (4/0)");
        let reset = world.sessions[side].stats().last_reset.as_ref().unwrap();
        assert!(reset.at >= started + seconds(88) && reset.at <= started + seconds(90));
        assert_eq!(reset.state, State::Established);
        assert_eq!(reset.open_received[18], 1);
    }
    world.cut = false;
    world.run(seconds(300));
    world.assert_established();
}

#[test]
fn without_hold_time_there_are_no_timers() {
    let [left, mut right] = configs();
    right.hold_time = 0;
    let mut world = World::established([left, right]);
    assert_eq!(world.sessions[LEFT].poll_timeout(), None);
    world.cut = true;
    world.run(seconds(100_000));
    world.assert_established();
}

#[test]
fn a_peer_without_open_is_given_four_minutes() {
    let mut script = Script::new(configs()[0].clone());
    script.accept(PEER);
    assert_eq!(script.session.state(), State::OpenSent);
    script.pass(seconds(239));
    assert_eq!(script.closed, []);
    script.pass(seconds(1));
    assert_eq!(script.closed, [PEER]);
    let notifications = script.heard.iter().filter(|bytes| bytes[18] == 3);
    assert_eq!(
        notifications.map(|bytes| bytes[19]).collect::<Vec<_>>(),
        [4]
    );
}

#[test]
fn the_speaker_of_metallb_comes_up_and_is_heard() {
    let [mut config, _] = configs();
    config.passive = true;
    let mut script = Script::new(config);
    script.accept(PEER);
    let (kind, open) = script.hear().unwrap();
    assert_eq!(kind, 1);
    // What it insists on: 37 octets, one parameter of type 2 and nothing after it.
    assert!(open.len() + 19 >= 37);
    assert_eq!((open[0], open[10]), (4, 2));
    assert_eq!(usize::from(open[11]) + 12, open.len());
    let their_open = peer_open(90, &STRICT_CAPABILITIES);
    assert_eq!(their_open.len(), 49);
    script.say(PEER, &their_open);
    assert_eq!(script.hear().unwrap().0, 4);
    // Its KEEPALIVE and its UPDATEs come at once: one prefix each, withdrawals without attributes.
    let update = [
        0, 0, 0, 20, 0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xea, 0x40, 3, 4, 192, 0, 2, 9,
        32, 203, 0, 113, 1,
    ];
    let withdrawal = [0, 5, 32, 203, 0, 113, 2, 0, 0];
    script.say(
        PEER,
        &[keepalive(), message(2, &update), message(2, &withdrawal)].concat(),
    );
    assert_eq!(script.session.state(), State::Established);
    let routes: Vec<_> = script
        .told
        .iter()
        .filter_map(|told| match told {
            Action::Routes(routes) => Some((routes.announced.len(), routes.withdrawn.len())),
            _ => None,
        })
        .collect();
    assert_eq!(routes, [(1, 0), (0, 1)]);
    assert!(
        !script
            .told
            .iter()
            .any(|told| matches!(told, Action::EndOfRib(_)))
    );
    assert!(script.session.stats().findings.is_empty());
}

#[test]
fn bytes_may_come_one_by_one() {
    let mut script = Script::new(configs()[0].clone());
    script.accept(PEER);
    let stream = [peer_open(90, &STRICT_CAPABILITIES), keepalive()].concat();
    for octet in stream {
        script.say(PEER, &[octet]);
    }
    assert_eq!(script.session.state(), State::Established);
}

#[test]
fn messages_out_of_place_are_refused_with_their_type() {
    let open = peer_open(90, &STRICT_CAPABILITIES);
    let update = message(2, &[0, 0, 0, 0]);
    let refresh = message(5, &[0, 1, 0, 1]);
    let unexpected = [
        (vec![keepalive()], 1, 4),
        (vec![update.clone()], 1, 2),
        (vec![refresh.clone()], 1, 5),
        (vec![open.clone(), open.clone()], 2, 1),
        (vec![open.clone(), update], 2, 2),
        (vec![open.clone(), refresh], 2, 5),
        (vec![open.clone(), keepalive(), open], 3, 1),
    ];
    for (messages, subcode, kind) in unexpected {
        let mut script = Script::new(configs()[0].clone());
        script.accept(PEER);
        script.say(PEER, &messages.concat());
        let last = script.heard.back().unwrap();
        assert_eq!(last[18..], [3, 5, subcode, kind], "{messages:?}");
        assert_eq!(script.closed, [PEER]);
    }
}

#[test]
fn headers_and_opens_that_are_wrong_are_refused() {
    let mut marker = keepalive();
    marker[3] = 0;
    let long = [&[0xff; 16], &[0x10, 1, 2][..]].concat();
    let mut version = peer_open(90, &[]);
    version[19] = 5;
    let mut other_as = peer_open(90, &[]);
    other_as[21] = 9;
    let refusals = [
        (marker, (1, 1)),
        (long, (1, 2)),
        (message(9, &[]), (1, 3)),
        (version, (2, 1)),
        (other_as, (2, 2)),
        (peer_open(2, &[]), (2, 6)),
        (peer_open(90, &[1, 4, 0, 1]), (2, 0)),
        (peer_open(90, &[1, 4, 0, 25, 0, 70]), (2, 7)),
    ];
    for (bytes, refusal) in refusals {
        let mut script = Script::new(configs()[0].clone());
        script.accept(PEER);
        script.say(PEER, &bytes);
        assert_eq!(script.refusal(), Some(refusal));
        assert_eq!(script.closed, [PEER]);
        assert_eq!(script.session.state(), State::Idle);
        // Bytes that were under way do no harm.
        script.say(PEER, &keepalive());
    }
}

#[test]
fn an_old_peer_that_refuses_capabilities_gets_an_open_without() {
    let [mut config, _] = configs();
    config.passive = true;
    let mut script = Script::new(config);
    script.accept(PEER);
    script.say(PEER, &message(3, &[2, 4]));
    assert_eq!(script.session.state(), State::Active);
    script.heard.clear();
    let second = ConnectionId(8);
    script.accept(second);
    let (kind, open) = script.hear().unwrap();
    assert_eq!((kind, open.len(), open[9]), (1, 10, 0));
    script.say(second, &[peer_open(90, &[]), keepalive()].concat());
    let negotiated = script.session.negotiated().unwrap();
    assert_eq!(negotiated.families, [Family::Ipv4Unicast]);
    assert!(!negotiated.four_octet_as);
    // Once is enough: the next connection tries again with capabilities.
    script.session.handle_closed(second, script.now);
    script.heard.clear();
    script.accept(PEER);
    assert!(script.hear().unwrap().1.len() > 10);
}

#[test]
fn a_strict_session_keeps_its_capabilities() {
    let [mut config, _] = configs();
    config.passive = true;
    config.strict_capability_match = true;
    let mut script = Script::new(config);
    script.accept(PEER);
    script.say(PEER, &message(3, &[2, 4]));
    assert_eq!(script.session.state(), State::Idle);
}

#[test]
fn stop_tells_the_peer_and_stays_idle() {
    let mut world = World::established(configs());
    let text = Some("maintenance".to_owned());
    world.sessions[LEFT].stop(StopReason::AdminShutdown(text), world.now);
    world.settle();
    let down = world.downs(RIGHT)[0];
    assert_eq!(
        down.reason.to_string(),
        "received Cease/Administrative Shutdown (6/2): \"maintenance\""
    );
    assert!(!down.graceful);
    world.run(seconds(3600));
    assert_eq!(world.sessions[LEFT].state(), State::Idle);
    assert_eq!(world.sessions[LEFT].poll_timeout(), None);
    // Those who come are told.
    assert!(world.notifications(LEFT).contains(&(6, 5)));
    world.sessions[LEFT].start(world.now);
    world.run(seconds(1));
    world.assert_established();
}

#[test]
fn an_administratively_down_session_does_nothing() {
    let [mut config, _] = configs();
    config.admin_down = true;
    let mut script = Script::new(config);
    assert_eq!((script.session.state(), script.dialed), (State::Idle, 0));
    script.accept(PEER);
    assert_eq!(script.refusal(), Some((6, 5)));
    assert_eq!(script.closed, [PEER]);
}

#[test]
fn every_stop_has_its_cease() {
    let v4 = Family::Ipv4Unicast;
    let stops = [
        (
            StopReason::MaximumPrefix {
                family: v4,
                limit: 9,
            },
            Some((6, 1)),
        ),
        (StopReason::AdminShutdown(None), Some((6, 2))),
        (StopReason::PeerRemoved, Some((6, 3))),
        (StopReason::AdminReset(None), Some((6, 4))),
        (StopReason::ConfigChange, Some((6, 6))),
        (StopReason::OutOfResources, Some((6, 8))),
        (StopReason::BfdDown, Some((6, 10))),
        (StopReason::LinkDown, None),
        (StopReason::Restart, None),
    ];
    for (why, cease) in stops {
        let mut world = World::established(configs());
        world.sessions[LEFT].stop(why.clone(), world.now);
        world.settle();
        assert_eq!(world.notifications(LEFT), Vec::from_iter(cease), "{why}");
        let down = &world.downs(LEFT)[0].reason;
        assert_eq!(matches!(down, CloseReason::Stopped(_)), cease.is_none());
    }
}
