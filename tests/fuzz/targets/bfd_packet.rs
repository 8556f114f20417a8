//! One session between time, settings and datagrams: raw ones, and ones that are right but for what the input
//! says. Holds: packets survive a round trip, states follow the table, a datagram earns at most two packets, and
//! no timer stays due.

#![no_main]

use std::net::IpAddr;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use router_fuzz::bfd::fsm::{self, Event, State};
use router_fuzz::bfd::packet::{Diagnostic, Discriminator, Flags, Packet};
use router_fuzz::bfd::sessions::{Datagram, Sessions};
use router_fuzz::bfd::{Key, Request, Settings, Status};

struct World {
    sessions: Sessions,
    status: Option<Status>,
    now: Instant,
}

fuzz_target!(|data: &[u8]| {
    let mut world = World {
        sessions: Sessions::new(7),
        status: None,
        now: Instant::now(),
    };
    let mut rest = data;
    world.put(&mut rest);
    while let Some(step) = take(&mut rest) {
        match step % 5 {
            0 => world.pass(Duration::from_millis(
                u64::from(take(&mut rest).unwrap_or(0)) * 10,
            )),
            1 => world.put(&mut rest),
            2 => {
                let length = rest.len().min(usize::from(step));
                let (bytes, after) = rest.split_at(length);
                rest = after;
                world.hear(bytes);
            }
            _ => {
                let packet = world.packet(&mut rest);
                world.hear(&packet.encode());
            }
        }
    }
    world.sessions.handle_stop(world.now);
    world.drain();
    world.pass(Duration::from_secs(1));
    assert!(world.sessions.is_empty() && world.sessions.poll_timeout().is_none());
});

impl World {
    fn put(&mut self, rest: &mut &[u8]) {
        let mut interval = || Duration::from_millis(u64::from(take(rest).unwrap_or(30)) * 10);
        let (transmit, receive) = (interval(), interval());
        let choice = take(rest).unwrap_or(3);
        let settings = Settings {
            transmit,
            receive,
            multiplier: choice >> 1,
            passive: choice & 1 != 0,
            ..Settings::default()
        };
        let request = Request::Put(key(), settings);
        self.sessions.handle_request(request, self.now);
        self.drain();
    }

    /// A packet that the session may take.
    fn packet(&self, rest: &mut &[u8]) -> Packet {
        let bits = take(rest).unwrap_or(0);
        let ours = self.status.as_ref().map(|status| status.discriminator);
        let state = State::from_code(bits);
        let needs_ours = matches!(state, State::Init | State::Up);
        let mut number = || u32::from(take(rest).unwrap_or(1)) << 12;
        Packet {
            diagnostic: Diagnostic::from_code(bits),
            state,
            flags: Flags {
                poll: bits & 4 != 0,
                is_final: bits & 8 != 0,
                control_plane_independent: bits & 16 != 0,
                demand: bits & 32 != 0,
            },
            multiplier: (bits >> 6) + 1,
            mine: Discriminator::new(number() | 1).expect("odd"),
            yours: ours.filter(|_| needs_ours || bits & 64 != 0),
            desired_min_tx: number(),
            required_min_rx: number(),
            required_min_echo_rx: 0,
        }
    }

    fn hear(&mut self, bytes: &[u8]) {
        let before = self.status.as_ref().map(|status| status.state);
        let datagram = Datagram {
            source: key().remote,
            destination: None,
            interface: None,
            ttl: Some(255),
            multihop: false,
            bytes,
        };
        let taken = self.sessions.handle_datagram(&datagram, self.now).is_ok();
        let sent = self.drain();
        assert!(sent <= 2 && (taken || sent == 0));
        let after = self.status.as_ref().map(|status| status.state);
        if let (true, Ok(packet), Some(before)) = (taken, Packet::decode(bytes), before) {
            assert_eq!(
                after,
                Some(fsm::step(before, Event::Received(packet.state)).0)
            );
            assert_eq!(Packet::decode(&packet.encode()), Ok(packet));
        } else {
            assert_eq!(after, before);
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.sessions.poll_timeout().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.sessions.handle_timeout(self.now);
            let next = self.sessions.poll_timeout();
            assert!(next.is_none_or(|next| next > self.now), "a timer stays due");
            self.drain();
        }
        self.now = end;
    }

    /// Returns how many packets were sent.
    fn drain(&mut self) -> usize {
        let mut sent = 0;
        while let Some(transmit) = self.sessions.poll_transmit() {
            let packet = Packet::decode(&transmit.bytes).expect("what is sent can be read");
            assert!(!(packet.flags.poll && packet.flags.is_final));
            assert_eq!(packet.encode(), transmit.bytes);
            sent += 1;
        }
        while let Some(report) = self.sessions.poll_report() {
            self.status = Some(report.status);
        }
        while self.sessions.poll_ended().is_some() {}
        sent
    }
}

fn key() -> Key {
    Key {
        remote: IpAddr::from([192, 0, 2, 1]),
        local: None,
        interface: None,
        multihop: false,
    }
}

fn take(rest: &mut &[u8]) -> Option<u8> {
    let (&first, after) = rest.split_first()?;
    *rest = after;
    Some(first)
}
