//! Anything that can happen to a session, in any order. What it tells stays in order: routes only between Up and
//! Down, a deadline that is over is acted on, and nothing is said on a connection that was closed.

#![no_main]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use router_fuzz::bgp::fsm::State;
use router_fuzz::bgp::session::{
    Action, ConnectionId, Direction, GracefulRestart, Session, SessionConfig, StopReason,
};
use router_fuzz::bgp::types::{Asn, Family, PeerAs, RouterId};
use router_fuzz::bgp::wire::route_refresh::RefreshKind;

fuzz_target!(|data: &[u8]| {
    let Some((&choice, mut script)) = data.split_first() else {
        return;
    };
    let mut driver = Driver::new(choice);
    while let Some((&step, rest)) = script.split_first() {
        script = rest;
        driver.step(step, &mut script);
        driver.drain();
    }
});

struct Driver {
    session: Session,
    now: Instant,
    /// Connections that are open as far as the driver knows.
    open: BTreeSet<ConnectionId>,
    last: ConnectionId,
    dialing: bool,
    up: bool,
}

impl Driver {
    fn new(choice: u8) -> Self {
        let bit = |at: u8| choice >> at & 1 != 0;
        let router_id = RouterId([10, 0, 0, 1].into());
        let mut config = SessionConfig::new(Asn(65000), router_id, PeerAs::External);
        config.families = Family::ALL.to_vec();
        config.passive = bit(0);
        config.extended_message = !bit(1);
        config.graceful_restart = bit(2).then_some(GracefulRestart {
            restart_time: 120,
            restarting: false,
            forwarding_kept: true,
            helper_only: bit(3),
        });
        config.strict_capability_match = bit(4);
        config.enforce_first_as = bit(5);
        if bit(6) {
            config.add_path_receive = Family::ALL.to_vec();
        }
        if bit(7) {
            config.remote_as = PeerAs::Internal;
        }
        let mut session = Session::new(config);
        let now = Instant::now();
        session.start(now);
        let mut driver = Self {
            session,
            now,
            open: BTreeSet::new(),
            last: ConnectionId(0),
            dialing: false,
            up: false,
        };
        driver.drain();
        driver
    }

    fn step(&mut self, step: u8, script: &mut &[u8]) {
        // The connection that the step is about: the last one, or the one before.
        let id = ConnectionId(self.last.0.saturating_sub(u32::from(step >> 7)));
        match step & 0x0f {
            0 => self.connect(Direction::Inbound),
            1 if self.dialing => {
                self.dialing = false;
                self.connect(Direction::Outbound);
            }
            2 if self.dialing => {
                self.dialing = false;
                self.session.handle_dial_failed(self.now);
            }
            3 => {
                self.open.remove(&id);
                self.session.handle_closed(id, self.now);
            }
            4 => {
                self.now +=
                    Duration::from_secs(u64::from(take(script, 1).first().copied().unwrap_or(0)));
                self.session.handle_timeout(self.now);
            }
            5 => self.session.stop(StopReason::AdminShutdown(None), self.now),
            6 => self.session.stop(StopReason::ConfigChange, self.now),
            7 => self.session.start(self.now),
            8 => self.session.send_updates([0; 23].into(), 1),
            9 => self
                .session
                .send_route_refresh(Family::Ipv6Unicast, RefreshKind::Begin),
            10 => self
                .session
                .handle_write_progress(id, step & 0x10 != 0, self.now),
            // Bytes as they are.
            11 => {
                let length = take(script, 1).first().copied().unwrap_or(0);
                let bytes = take(script, length.into());
                self.session.handle_bytes(id, bytes, self.now);
            }
            // A message with a good header.
            _ => {
                let kind = (step >> 4 & 7).clamp(1, 5);
                let length = take(script, 1).first().copied().unwrap_or(0);
                let body = take(script, length.into());
                let mut message = vec![0xff; 16];
                let length = u16::try_from(19 + body.len()).expect("a short body");
                message.extend_from_slice(&length.to_be_bytes());
                message.push(kind);
                message.extend_from_slice(body);
                self.session.handle_bytes(id, &message, self.now);
            }
        }
    }

    fn connect(&mut self, direction: Direction) {
        self.last = ConnectionId(self.last.0 + 1);
        self.open.insert(self.last);
        self.session
            .handle_connected(self.last, direction, self.now);
    }

    fn drain(&mut self) {
        self.carry_out();
        // Whatever is due is done at once; a few machines cannot keep each other busy for ever.
        for _ in 0..8 {
            if self.session.poll_timeout().is_none_or(|at| at > self.now) {
                return;
            }
            self.session.handle_timeout(self.now);
            self.carry_out();
        }
        panic!("a deadline stays in the past");
    }

    fn carry_out(&mut self) {
        while let Some(action) = self.session.poll_action() {
            match action {
                Action::Dial => self.dialing = true,
                Action::Transmit { id, bytes } => {
                    assert!(self.open.contains(&id), "said on a closed connection");
                    assert!(bytes.len() >= 19);
                }
                Action::Close { id } => assert!(self.open.remove(&id), "closed twice"),
                Action::Up(_) => assert!(!std::mem::replace(&mut self.up, true)),
                Action::Down(down) => {
                    assert!(std::mem::replace(&mut self.up, false));
                    drop(down.reason.to_string());
                }
                Action::Routes(_) | Action::EndOfRib(_) | Action::RouteRefresh(..) => {
                    assert!(self.up);
                }
                Action::StateChanged(_) | Action::Malformed(_) => {}
            }
        }
        assert_eq!(self.up, self.session.state() == State::Established);
        assert_eq!(self.up, self.session.negotiated().is_some());
        assert!(self.open.len() <= 2, "more than two connections");
        assert!(self.session.stats().malformed.len() <= 8);
    }
}

fn take<'a>(script: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (head, rest) = script.split_at(length.min(script.len()));
    *script = rest;
    head
}
