//! Losing a session and getting it back.

use std::time::Duration;

use super::world::*;
use crate::bgp::fsm::State;
use crate::bgp::session::{Action, ConnectionId, GracefulRestart, SessionConfig, StopReason};
use crate::bgp::types::Asn;

#[test]
fn a_peer_that_never_listens_is_dialed_less_and_less() {
    let mut world = World::new(configs());
    world.listens = [true, false];
    world.sessions[LEFT].start(world.now);
    world.run(seconds(1000));
    let dials = &world.dials[LEFT];
    let gaps: Vec<_> = dials.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (gap, full) in gaps.iter().zip([30, 60, 120, 120, 120]) {
        let full = seconds(full);
        assert!((full * 3 / 4..=full).contains(gap), "{gaps:?}");
    }
    // It is not told again and again, and its own connection is taken at once.
    world.told[LEFT].clear();
    world.sessions[RIGHT].start(world.now);
    world.settle();
    world.assert_established();
}

#[test]
fn a_lost_connection_is_dialed_again_soon() {
    let mut world = World::established(configs());
    world.break_connections();
    world.settle();
    assert_eq!(world.states(), [State::Active; 2]);
    assert_eq!(
        world.downs(LEFT)[0].reason.to_string(),
        "connection closed by the peer"
    );
    world.run(seconds(2));
    world.assert_established();
    assert_eq!(world.sessions[LEFT].stats().connections_dropped, 1);
}

#[test]
fn a_dial_that_is_never_answered_is_tried_again() {
    let mut world = World::new(configs());
    world.hold_dials = true;
    world.sessions[LEFT].start(world.now);
    world.run(seconds(31));
    assert_eq!(world.dials[LEFT].len(), 2);
    assert_eq!(world.states_of(LEFT), [State::Connect]);
}

fn wrong_as() -> [SessionConfig; 2] {
    let [left, mut right] = configs();
    right.local_as = Asn(65099);
    [left, right]
}

#[test]
fn an_error_is_waited_out_longer_each_time() {
    let [left, mut right] = wrong_as();
    right.passive = true;
    let mut world = World::new([left, right]);
    for side in [RIGHT, LEFT] {
        world.sessions[side].start(world.now);
    }
    world.run(seconds(2000));
    let dials = &world.dials[LEFT];
    let gaps: Vec<_> = dials.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps[..8], [5, 10, 20, 40, 80, 160, 300, 300].map(seconds));
    assert!(world.notifications(LEFT).contains(&(2, 2)));
}

#[test]
fn the_first_error_wait_is_configured() {
    let [mut left, mut right] = wrong_as();
    left.error_wait = 100;
    right.passive = true;
    let mut world = World::new([left, right]);
    for side in [RIGHT, LEFT] {
        world.sessions[side].start(world.now);
    }
    world.run(seconds(1500));
    let dials = &world.dials[LEFT];
    let gaps: Vec<_> = dials.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps[..4], [100, 200, 300, 300].map(seconds));
}

#[test]
fn while_an_error_is_waited_out_connections_are_refused() {
    let [mut left, right] = wrong_as();
    left.passive = true;
    let mut world = World::new([left, right]);
    for side in [LEFT, RIGHT] {
        world.sessions[side].start(world.now);
    }
    world.settle();
    assert_eq!(world.states(), [State::Idle; 2]);
    world.sessions[RIGHT].stop(StopReason::AdminReset(None), world.now);
    world.sessions[RIGHT].start(world.now);
    world.settle();
    assert_eq!(world.notifications(LEFT), [(2, 2), (6, 5)]);
    world.run(seconds(5));
    assert_eq!(world.sessions[LEFT].state(), State::Active);
}

#[test]
fn a_stop_ends_the_wait_too() {
    let mut world = World::new(wrong_as());
    world.start();
    assert_eq!(world.states(), [State::Idle; 2]);
    world.sessions[LEFT].stop(StopReason::AdminShutdown(None), world.now);
    assert_eq!(world.sessions[LEFT].poll_timeout(), None);
}

#[test]
fn a_long_session_clears_the_error_wait() {
    let mut script = Script::new({
        let [mut config, _] = configs();
        config.passive = true;
        config.hold_time = 0;
        config
    });
    let wait_of = |script: &mut Script| {
        let until = script.session.poll_timeout().unwrap();
        until - script.now
    };
    let up = |script: &mut Script, id: u32| {
        script.accept(ConnectionId(id));
        script.say(ConnectionId(id), &[peer_open(0, &[]), keepalive()].concat());
        assert_eq!(script.session.state(), State::Established);
    };
    let mut expected = [5, 10, 20].into_iter();
    for id in 0..3 {
        up(&mut script, id);
        script.say(ConnectionId(id), &message(2, &[0, 9, 0, 0]));
        let wait = wait_of(&mut script);
        assert_eq!(wait, seconds(expected.next().unwrap()));
        script.pass(wait);
    }
    up(&mut script, 9);
    script.pass(seconds(300));
    script.say(ConnectionId(9), &message(2, &[0, 9, 0, 0]));
    assert_eq!(wait_of(&mut script), seconds(5));
}

#[test]
fn a_cease_is_no_error() {
    let mut world = World::established(configs());
    world.sessions[LEFT].stop(StopReason::AdminReset(None), world.now);
    world.settle();
    assert_eq!(world.sessions[RIGHT].state(), State::Active);
    world.sessions[LEFT].start(world.now);
    world.run(seconds(1));
    world.assert_established();
}

fn graceful() -> [SessionConfig; 2] {
    configs().map(|mut config| {
        config.graceful_restart = Some(GracefulRestart {
            restart_time: 120,
            restarting: false,
            forwarding_kept: true,
            helper_only: false,
        });
        config
    })
}

#[test]
fn the_loss_of_a_graceful_peer_keeps_its_paths() {
    let mut world = World::established(graceful());
    world.break_connections();
    world.settle();
    assert!(world.downs(LEFT)[0].graceful && world.downs(RIGHT)[0].graceful);

    let mut world = World::established(configs());
    world.break_connections();
    world.settle();
    assert!(!world.downs(LEFT)[0].graceful);
}

#[test]
fn a_restart_of_ours_is_silent_and_keeps_our_paths() {
    let mut world = World::established(graceful());
    world.sessions[LEFT].stop(StopReason::Restart, world.now);
    world.settle();
    assert_eq!(world.notifications(LEFT), []);
    assert!(world.downs(RIGHT)[0].graceful);
}

#[test]
fn with_the_n_bit_a_hold_expiry_keeps_paths() {
    let mut world = World::established(graceful());
    world.cut = true;
    world.run(seconds(100));
    assert_eq!(world.notifications(LEFT), [(4, 0)]);
    assert!(world.downs(LEFT)[0].graceful);
}

#[test]
fn with_the_n_bit_an_end_goes_as_hard_reset() {
    for why in [
        StopReason::AdminShutdown(None),
        StopReason::PeerRemoved,
        StopReason::BfdDown,
    ] {
        let mut world = World::established(graceful());
        world.sessions[LEFT].stop(why.clone(), world.now);
        world.settle();
        assert_eq!(world.notifications(LEFT), [(6, 9)], "{why}");
        assert!(!world.downs(LEFT)[0].graceful && !world.downs(RIGHT)[0].graceful);
    }
    let mut world = World::established(graceful());
    world.sessions[LEFT].stop(StopReason::ConfigChange, world.now);
    world.settle();
    assert_eq!(world.notifications(LEFT), [(6, 6)]);
    assert!(world.downs(LEFT)[0].graceful && world.downs(RIGHT)[0].graceful);
}

#[test]
fn a_peer_that_reads_nothing_loses_its_session() {
    let mut script = Script::new(configs()[0].clone());
    script.accept(PEER);
    script.say(PEER, &[peer_open(0, &[]), keepalive()].concat());
    script.session.handle_write_progress(PEER, true, script.now);
    script.pass(seconds(479));
    script.session.handle_write_progress(PEER, true, script.now);
    script.pass(seconds(479));
    assert_eq!(script.session.state(), State::Established);
    script.pass(Duration::from_secs(1));
    assert_eq!(script.refusal(), Some((8, 0)));
    assert!(
        script
            .told
            .iter()
            .any(|told| matches!(told, Action::Down(_)))
    );
}

#[test]
fn how_long_a_peer_may_read_nothing_is_configured() {
    let mut config = configs()[0].clone();
    config.send_hold = Some(60);
    let mut script = Script::new(config);
    script.accept(PEER);
    script.say(PEER, &[peer_open(0, &[]), keepalive()].concat());
    script.session.handle_write_progress(PEER, true, script.now);
    script.pass(seconds(59));
    assert_eq!(script.session.state(), State::Established);
    script.pass(seconds(1));
    assert_eq!(script.refusal(), Some((8, 0)));
}

#[test]
fn a_socket_that_drained_is_not_waited_for() {
    let mut script = Script::new(configs()[0].clone());
    script.accept(PEER);
    script.say(PEER, &[peer_open(0, &[]), keepalive()].concat());
    script.session.handle_write_progress(PEER, true, script.now);
    script
        .session
        .handle_write_progress(PEER, false, script.now);
    script.pass(seconds(10_000));
    assert_eq!(script.session.state(), State::Established);
}

#[test]
fn becoming_passive_stops_the_dials_and_back() {
    let [config, _] = configs();
    let mut script = Script::new(config.clone());
    script.session.handle_dial_failed(script.now);
    let passive = SessionConfig {
        passive: true,
        ..config.clone()
    };
    script.session.set_config(passive, script.now);
    script.pass(seconds(1000));
    assert_eq!(script.dialed, 1);
    script.session.set_config(config, script.now);
    script.collect();
    assert_eq!(script.dialed, 2);
}
