//! What BFD says is in the path lists before any prefix was looked at.

use super::*;
use crate::bfd::fsm::State;
use crate::bfd::packet::{Diagnostic, Discriminator};
use crate::bfd::{Counts, Report, Request, Settings, Status};

const PREFIXES: u8 = 50;

/// The shared configuration, with BFD between us and the first neighbour.
fn config() -> String {
    let neighbor = "[protocols.bgp.neighbor.\"10.0.1.2\"]\n";
    CONFIG.replace(neighbor, &format!("{neighbor}bfd = {{}}\n"))
}

fn destination(number: u8) -> String {
    format!("203.0.{number}.1")
}

impl Rig {
    /// A report on the session with the first neighbour, carried out without a slice of work.
    fn bfd(&mut self, state: State) {
        let key = self.orders.iter().find_map(|order| {
            if let Effect::Bfd(Request::Put(key, _)) = order {
                Some(key.clone())
            } else {
                None
            }
        });
        let status = Status {
            settings: Settings::default(),
            state,
            since: self.now,
            diagnostic: Diagnostic::NONE,
            discriminator: Discriminator::new(1).unwrap(),
            remote: None,
            transmit_interval: None,
            detection_time: None,
            counts: Counts::default(),
        };
        let key = key.expect("BFD is asked for");
        let report = Event::Bfd(Box::new(Report { key, status }));
        self.router.handle(report, self.now);
        while let Some(effect) = self.router.poll_effect() {
            self.execute(effect);
        }
    }
}

/// The first neighbour shares even destinations with the second and is alone at odd ones.
fn rig() -> Rig {
    let mut rig = Rig::new(&config());
    for peer in [FIRST, SECOND] {
        rig.up(peer);
    }
    for number in 0..PREFIXES {
        let prefix = format!("203.0.{number}.0/24");
        rig.announce(FIRST, &prefix, &[65001, 64999]);
        if number % 2 == 0 {
            rig.announce(SECOND, &prefix, &[65002, 64999]);
        }
    }
    rig.bfd(State::Up);
    assert_eq!(rig.interfaces_of(&destination(0)), [1, 2]);
    assert_eq!(rig.interfaces_of(&destination(1)), [1]);
    rig
}

#[test]
fn a_neighbour_that_bfd_misses_gets_nothing_more_where_there_is_another_way() {
    let mut rig = rig();
    rig.bfd(State::Down);
    for number in 0..PREFIXES {
        let alone = number % 2 == 1;
        let wanted = if alone { 1 } else { 2 };
        assert_eq!(
            rig.interfaces_of(&destination(number)),
            [wanted],
            "{number}"
        );
    }
    let resets = |order: &Effect| matches!(order, Effect::ResetPeer { peer: FIRST, .. });
    assert!(rig.orders.iter().any(resets), "the session goes on");
    rig.down(FIRST, Retain::No);
    assert_eq!(rig.interfaces_of(&destination(0)), [2]);
    assert_eq!(rig.interfaces_of(&destination(1)), [0_u32; 0]);
    assert!(!rig.router.fib.has_failed_neighbours());
}

#[test]
fn a_neighbour_that_comes_back_is_used_again_even_before_bfd() {
    let mut rig = rig();
    rig.bfd(State::Down);
    rig.down(FIRST, Retain::No);
    rig.up(FIRST);
    for number in [0, 1] {
        let prefix = format!("203.0.{number}.0/24");
        rig.announce(FIRST, &prefix, &[65001, 64999]);
    }
    assert_eq!(rig.interfaces_of(&destination(0)), [1, 2]);
    assert_eq!(rig.interfaces_of(&destination(1)), [1]);
}

#[test]
fn a_loss_without_a_bgp_session_changes_nothing() {
    let mut rig = rig();
    rig.down(FIRST, Retain::Stale);
    assert_eq!(rig.interfaces_of(&destination(0)), [1, 2]);
    rig.bfd(State::Down);
    assert!(!rig.router.fib.has_failed_neighbours());
    assert_eq!(rig.interfaces_of(&destination(0)), [1, 2]);
}
