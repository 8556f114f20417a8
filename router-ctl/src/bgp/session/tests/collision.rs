//! Two connections at once: one stays, and it is the same one on both sides.

use proptest::prelude::*;

use super::world::*;
use crate::bgp::fsm::State;
use crate::bgp::session::{Action, CloseReason, ConnectionId, GracefulRestart, SessionConfig};

/// Both sides dial, both connections come up, nothing has been read.
fn crossed(configs: [SessionConfig; 2]) -> World {
    let mut world = World::new(configs);
    world.hold_dials = true;
    for side in [LEFT, RIGHT] {
        world.sessions[side].start(world.now);
    }
    world.collect();
    world.connect(LEFT);
    world.connect(RIGHT);
    world.collect();
    world.hold_dials = false;
    world
}

#[test]
fn the_connection_of_the_higher_identifier_stays() {
    let [left, right] = configs();
    for (configs, winner) in [
        ([left.clone(), right.clone()], RIGHT),
        ([right, left], LEFT),
    ] {
        let mut world = crossed(configs);
        world.settle();
        world.assert_established();
        assert_eq!(world.dialers(), [winner]);
        for side in [LEFT, RIGHT] {
            assert!(world.downs(side).is_empty());
            assert_eq!(world.sessions[side].stats().connections_established, 1);
        }
        let losers = [world.notifications(LEFT), world.notifications(RIGHT)].concat();
        assert!(!losers.is_empty() && losers.iter().all(|&code| code == (6, 7)));
    }
}

#[test]
fn with_equal_identifiers_the_higher_as_decides() {
    let [mut left, right] = configs();
    left.router_id = right.router_id;
    let mut world = crossed([left, right]);
    world.settle();
    world.assert_established();
    assert_eq!(world.dialers(), [RIGHT]);
}

#[test]
fn a_second_connection_of_an_established_peer_is_refused() {
    let mut script = established();
    let second = ConnectionId(8);
    script.accept(second);
    assert_eq!(script.refusal(), Some((6, 7)));
    assert_eq!(script.closed, [second]);
    assert_eq!(script.session.state(), State::Established);
}

#[test]
fn our_own_dial_that_comes_late_is_closed_in_silence() {
    let mut script = established();
    let late = ConnectionId(8);
    script
        .session
        .handle_connected(late, crate::bgp::session::Direction::Outbound, script.now);
    assert_eq!(
        script.session.poll_action(),
        Some(Action::Close { id: late })
    );
    assert_eq!(script.session.poll_action(), None);
}

#[test]
fn of_two_inbound_connections_the_newer_stays() {
    let mut script = Script::new(configs()[0].clone());
    let newer = ConnectionId(8);
    script.accept(PEER);
    script.accept(newer);
    assert_eq!(script.closed, [PEER]);
    assert!(script.heard.iter().any(|bytes| bytes[18..] == [3, 6, 7]));
    script.say(newer, &[peer_open(90, &[]), keepalive()].concat());
    assert_eq!(script.session.state(), State::Established);
}

/// Up, and dialing itself meanwhile.
fn established() -> Script {
    let mut script = Script::new(configs()[0].clone());
    assert_eq!(script.dialed, 1);
    script.accept(PEER);
    script.say(PEER, &[peer_open(90, &[]), keepalive()].concat());
    assert_eq!(script.session.state(), State::Established);
    script.heard.clear();
    script
}

fn restart() -> GracefulRestart {
    GracefulRestart {
        restart_time: 120,
        restarting: false,
        forwarding_kept: true,
        helper_only: false,
    }
}

#[test]
fn a_restarted_peer_replaces_its_old_connection_once_its_open_is_there() {
    let [mut config, _] = configs();
    config.passive = true;
    config.graceful_restart = Some(restart());
    let mut script = Script::new(config);
    let capabilities = [64, 6, 0xc0, 120, 0, 1, 1, 0x80];
    let open = peer_open(90, &capabilities);
    script.accept(PEER);
    script.say(PEER, &[&open[..], &keepalive()].concat());
    script.heard.clear();
    let second = ConnectionId(8);
    script.accept(second);
    assert_eq!(script.session.state(), State::Established);
    assert_eq!(script.closed, []);
    script.say(second, &open);
    // Without a NOTIFICATION: OPEN and KEEPALIVE on the new connection are all that was said.
    let kinds: Vec<_> = script.heard.iter().map(|bytes| bytes[18]).collect();
    assert_eq!(kinds, [1, 4]);
    assert_eq!(script.closed, [PEER]);
    let down = script.told.iter().find_map(|told| match told {
        Action::Down(down) => Some(down.clone()),
        _ => None,
    });
    let down = down.unwrap();
    assert_eq!((down.reason, down.graceful), (CloseReason::Replaced, true));
    script.say(second, &keepalive());
    assert_eq!(script.session.state(), State::Established);
    assert_eq!(script.session.stats().connections_established, 2);
}

#[test]
fn a_stranger_without_open_does_not_end_a_graceful_session() {
    let [mut left, mut right] = configs();
    left.graceful_restart = Some(restart());
    right.graceful_restart = Some(restart());
    let mut world = World::established([left, right]);
    let stranger = ConnectionId(99);
    let inbound = crate::bgp::session::Direction::Inbound;
    world.sessions[LEFT].handle_connected(stranger, inbound, world.now);
    world.run(seconds(600));
    world.assert_established();
    assert!(world.downs(LEFT).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whatever the order in which bytes arrive, the peers meet, at the latest after another attempt.
    #[test]
    fn crossed_connections_end_in_one_session(
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        graceful in any::<bool>(),
        stray in any::<bool>(),
    ) {
        let mut configs = configs();
        for config in &mut configs {
            config.graceful_restart = graceful.then(restart);
        }
        let mut world = crossed(configs);
        if stray {
            // The dialing machine of one side has moved on when the second connection comes up.
            world.sessions[LEFT].handle_dial_failed(world.now);
        }
        for choice in order {
            let under_way = world.under_way();
            if under_way.is_empty() {
                break;
            }
            let (id, side) = under_way[choice.index(under_way.len())];
            world.deliver(id, side);
        }
        world.run(seconds(40));
        world.assert_established();
        prop_assert_eq!(world.dialers().len(), 1);
    }
}
