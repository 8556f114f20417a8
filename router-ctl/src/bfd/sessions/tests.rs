//! Two routers, virtual time, and a wire that loses what it is told to lose; then one router and bad input.

use std::time::Duration;

use super::*;
use crate::bfd::Status;
use crate::bfd::fsm::State;
use crate::bfd::packet::Diagnostic;

const LATENCY: Duration = Duration::from_millis(2);

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn key(last: u8) -> Key {
    Key {
        remote: address(last),
        local: None,
        interface: None,
        multihop: false,
    }
}

fn settings(transmit: u64, receive: u64) -> Settings {
    Settings {
        transmit: millis(transmit),
        receive: millis(receive),
        ..Settings::default()
    }
}

/// A packet on its way, or one that was.
#[derive(Clone, Debug)]
struct Flight {
    /// Who sent it: side 0 or 1.
    from: usize,
    sent: Instant,
    packet: Packet,
}

type Loss = Box<dyn FnMut(&Flight) -> bool>;

/// Side 0 has 192.0.2.1, side 1 has 192.0.2.2.
struct World {
    sides: [Sessions; 2],
    status: [Option<Status>; 2],
    now: Instant,
    flying: VecDeque<Flight>,
    /// All that was sent, lost or not.
    log: Vec<Flight>,
    lost: Loss,
}

impl World {
    fn new(settings: [Settings; 2]) -> Self {
        let mut world = Self {
            sides: [Sessions::new(1), Sessions::new(2)],
            status: [None, None],
            now: Instant::now(),
            flying: VecDeque::new(),
            log: Vec::new(),
            lost: Box::new(|_| false),
        };
        let [first, second] = settings;
        world.request(0, Request::Put(key(2), first));
        world.request(1, Request::Put(key(1), second));
        world
    }

    /// Up on both sides, and the Polls of that answered.
    fn up(settings: [Settings; 2]) -> Self {
        let mut world = Self::new(settings);
        world.pass(millis(5000));
        assert_eq!(world.states(), [State::Up, State::Up]);
        assert!(
            world
                .log
                .iter()
                .rev()
                .take(4)
                .all(|flight| !flight.packet.flags.poll)
        );
        world.log.clear();
        world
    }

    fn states(&self) -> [State; 2] {
        [0, 1].map(|side| self.status(side).state)
    }

    fn status(&self, side: usize) -> &Status {
        self.status[side].as_ref().unwrap()
    }

    fn request(&mut self, side: usize, request: Request) {
        self.sides[side].handle_request(request, self.now);
        self.drain(side);
    }

    fn drain(&mut self, side: usize) {
        while let Some(transmit) = self.sides[side].poll_transmit() {
            let flight = Flight {
                from: side,
                sent: self.now,
                packet: Packet::decode(&transmit.bytes).unwrap(),
            };
            self.log.push(flight.clone());
            if !(self.lost)(&flight) {
                self.flying.push_back(flight);
            }
        }
        while let Some(report) = self.sides[side].poll_report() {
            self.status[side] = Some(report.status);
        }
    }

    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let arrival = self.flying.front().map(|flight| flight.sent + LATENCY);
            let timers = self.sides.iter().filter_map(Sessions::poll_timeout);
            let Some(next) = timers.chain(arrival).min().filter(|&next| next <= end) else {
                break;
            };
            self.now = next.max(self.now);
            if arrival == Some(next) {
                self.deliver();
                continue;
            }
            for side in [0, 1] {
                self.sides[side].handle_timeout(self.now);
                self.drain(side);
            }
        }
        self.now = end;
    }

    fn deliver(&mut self) {
        let flight = self.flying.pop_front().unwrap();
        let to = 1 - flight.from;
        let bytes = flight.packet.encode();
        let source = address(u8::try_from(flight.from).unwrap() + 1);
        let outcome = self.sides[to].handle_datagram(&arrived(source, &bytes), self.now);
        // A side that ended its session, or began anew, hears packets of the old one.
        let gone = [
            Discard::UnknownNeighbor,
            Discard::UnknownSession,
            Discard::AdminDown,
        ];
        assert!(
            outcome.err().is_none_or(|reason| gone.contains(&reason)),
            "{outcome:?}"
        );
        self.drain(to);
    }

    fn sent_by(&self, side: usize) -> Vec<&Flight> {
        self.log
            .iter()
            .filter(|flight| flight.from == side)
            .collect()
    }
}

fn arrived(source: IpAddr, bytes: &[u8]) -> Datagram<'_> {
    Datagram {
        source,
        destination: Some(address(1)),
        interface: Some(IfIndex(2)),
        ttl: Some(255),
        multihop: false,
        bytes,
    }
}

#[test]
fn two_sides_come_up_slowly_and_then_keep_their_own_pace() {
    let mut world = World::new([settings(50, 50), settings(100, 60)]);
    world.pass(millis(3000));
    assert_eq!(world.states(), [State::Up, State::Up]);
    let polls = |side: usize| {
        world
            .sent_by(side)
            .iter()
            .filter(|f| f.packet.flags.poll)
            .count()
    };
    let finals = |side: usize| {
        world
            .sent_by(side)
            .iter()
            .filter(|f| f.packet.flags.is_final)
            .count()
    };
    assert!(polls(0) >= 1 && polls(1) >= 1);
    assert_eq!((finals(0), finals(1)), (polls(1), polls(0)));
    assert_eq!(world.status(0).transmit_interval, Some(millis(60)));
    assert_eq!(world.status(1).transmit_interval, Some(millis(100)));
    assert_eq!(world.status(0).detection_time, Some(millis(300)));
    assert_eq!(world.status(1).detection_time, Some(millis(180)));
    assert_eq!(world.status(0).diagnostic, Diagnostic::NONE);

    world.log.clear();
    world.pass(millis(10_000));
    for (side, most) in [(0, 60), (1, 100)] {
        let sent = world.sent_by(side);
        for pair in sent.windows(2) {
            let gap = pair[1].sent - pair[0].sent;
            assert!(
                (millis(most * 3 / 4)..=millis(most)).contains(&gap),
                "{gap:?}"
            );
        }
    }
}

#[test]
fn fifty_milliseconds_times_three_end_exactly_after_the_last_packet() {
    let mut world = World::up([settings(50, 50), settings(50, 50)]);
    world.pass(millis(120));
    world.lost = Box::new(|flight| flight.from == 0);
    // All that was sent until here arrives.
    let last = world.sent_by(0).last().map(|flight| flight.sent).unwrap();
    world.pass(millis(160));
    let status = world.status(1);
    assert_eq!(
        (status.state, status.diagnostic),
        (State::Down, Diagnostic::EXPIRED)
    );
    assert_eq!(status.since - last, LATENCY + millis(150));
    // The other direction still works: the loss is told, and side 0 goes down for that.
    assert_eq!(world.status(0).diagnostic, Diagnostic::NEIGHBOR_SAID_DOWN);
    world.lost = Box::new(|_| false);
    world.pass(millis(4000));
    assert_eq!(world.states(), [State::Up, State::Up]);
    assert_eq!(world.status(1).counts.down, 1);
}

#[test]
fn two_lost_packets_in_a_row_are_survived() {
    let mut world = World::up([settings(50, 50), settings(50, 50)]);
    let mut count = 0;
    world.lost = Box::new(move |flight| {
        count += u32::from(flight.from == 0);
        flight.from == 0 && !count.is_multiple_of(3)
    });
    world.pass(millis(60_000));
    assert_eq!(world.states(), [State::Up, State::Up]);
    assert_eq!(world.status(1).counts.down, 0);
}

#[test]
fn intervals_change_live_though_polls_and_finals_are_lost() {
    let mut world = World::up([settings(50, 50), settings(50, 50)]);
    let mut left = 4;
    world.lost = Box::new(move |flight| {
        let lost = left > 0 && (flight.packet.flags.poll || flight.packet.flags.is_final);
        left -= i32::from(lost);
        // Three packets in a row would end the session: Polls are all that side 0 sends meanwhile.
        lost && left % 2 == 0
    });
    world.request(0, Request::Put(key(2), settings(700, 400)));
    world.pass(millis(20_000));
    assert_eq!(world.states(), [State::Up, State::Up]);
    assert_eq!([0, 1].map(|side| world.status(side).counts.down), [0, 0]);
    assert_eq!(world.status(0).transmit_interval, Some(millis(700)));
    assert_eq!(world.status(1).detection_time, Some(millis(2100)));
    assert_eq!(world.status(1).transmit_interval, Some(millis(400)));
    world.request(0, Request::Put(key(2), settings(50, 50)));
    world.pass(millis(5_000));
    assert_eq!([0, 1].map(|side| world.status(side).counts.down), [0, 0]);
    assert_eq!(world.status(1).detection_time, Some(millis(150)));
}

#[test]
fn a_removed_session_says_that_it_was_taken_down() {
    let mut world = World::up([Settings::default(), Settings::default()]);
    world.request(0, Request::Remove(key(2)));
    world.pass(millis(200));
    assert!(world.sides[0].is_empty());
    assert_eq!(world.sides[0].poll_timeout(), None);
    let ended = world.sides[0].poll_ended();
    assert!(ended.is_some() && world.sides[0].poll_ended().is_none());
    assert_eq!(
        world
            .sent_by(0)
            .iter()
            .filter(|f| f.packet.state == State::AdminDown)
            .count(),
        3
    );
    assert_eq!(world.status(1).state, State::Down);
    assert!(world.status(1).remote_admin_down());
    // It may come back at once.
    world.request(0, Request::Put(key(2), Settings::default()));
    world.pass(millis(4000));
    assert_eq!(world.states(), [State::Up, State::Up]);
}

#[test]
fn a_side_that_restarts_is_noticed_and_met_again() {
    let mut world = World::up([Settings::default(), Settings::default()]);
    world.sides[0] = Sessions::new(99);
    world.request(0, Request::Put(key(2), Settings::default()));
    world.pass(millis(5000));
    assert_eq!(world.states(), [State::Up, State::Up]);
    assert_eq!(world.status(1).counts.down, 1);
}

#[test]
fn over_a_bad_wire_a_session_is_lost_only_for_a_reason() {
    for seed in 0..30 {
        let mut world = World::new([settings(50, 50), settings(50, 50)]);
        let mut dice = Random::new(seed);
        world.lost = Box::new(move |_| dice.draw() % 100 < 25);
        world.pass(millis(30_000));
        let [first, second] = [0, 1].map(|side| world.status(side).counts);
        assert!(first.up >= 1 && second.up >= 1, "seed {seed}");
        assert!(first.up - first.down <= 1 && second.up - second.down <= 1);
        world.lost = Box::new(|_| false);
        world.pass(millis(5000));
        assert_eq!(world.states(), [State::Up, State::Up], "seed {seed}");
    }
}

#[test]
fn nothing_that_arrives_can_panic_and_nothing_foreign_changes_a_state() {
    let mut world = World::up([Settings::default(), Settings::default()]);
    let before = world.states();
    let valid = world
        .sent_by(1)
        .first()
        .map(|flight| flight.packet.encode());
    world.pass(millis(1000));
    let template = valid
        .or_else(|| world.sent_by(1).first().map(|f| f.packet.encode()))
        .unwrap();
    let mut dice = Random::new(3);
    for round in 0..50_000 {
        let mut bytes = template.to_vec();
        let length = usize::try_from(dice.draw() % 64).unwrap();
        if round % 2 == 0 {
            bytes = (0..length).map(|_| dice.draw().to_le_bytes()[0]).collect();
        } else {
            // The right packet with one wrong octet in what is checked.
            let at = [0, 3, 4, 5, 6, 7, 8, 9, 10, 11][usize::try_from(dice.draw() % 10).unwrap()];
            bytes[at] ^= dice.draw().to_le_bytes()[0];
        }
        // Our neighbour's address, or not; one hop away, or not.
        let mut datagram = arrived(address(2), &bytes);
        if round % 3 == 0 {
            datagram.source = address(9);
        } else if round % 3 == 1 {
            datagram.ttl = Some(254);
        } else if Packet::decode(&bytes).is_ok() {
            continue;
        }
        let outcome = world.sides[0].handle_datagram(&datagram, world.now);
        assert!(outcome.is_err(), "{bytes:x?}");
    }
    world.drain(0);
    assert_eq!(world.states(), before);
    let discarded: u64 = world.sides[0].discarded().map(|(_, count)| count).sum();
    assert!(discarded > 30_000);
}

/// One router with sessions of every kind; who gets a packet.
#[test]
fn a_packet_finds_its_session_or_a_reason() {
    let now = Instant::now();
    let link_local: IpAddr = "fe80::2".parse().unwrap();
    let on = |interface| Key {
        remote: link_local,
        interface: Some(IfIndex(interface)),
        ..key(2)
    };
    let far = Key {
        multihop: true,
        local: Some(address(1)),
        ..key(2)
    };
    let (mut sessions, ids) = with_sessions(&[key(2), on(2), on(3), far.clone()], now);
    let [blank, first, third, multihop] =
        [0, ids[&key(2)], ids[&on(3)], ids[&far]].map(|yours| down(yours).encode());
    let single = arrived(address(2), &blank);
    let local = |bytes, interface| Datagram {
        source: link_local,
        interface: Some(IfIndex(interface)),
        ..arrived(address(2), bytes)
    };
    let distant = |bytes, ttl| Datagram {
        multihop: true,
        ttl: Some(ttl),
        ..arrived(address(2), bytes)
    };
    let with_ttl = |ttl| Datagram { ttl, ..single };
    let elsewhere = Datagram {
        destination: Some(address(200)),
        ..distant(&blank, 255)
    };
    let rows = [
        (single, Ok(key(2))),
        (arrived(address(2), &first), Ok(key(2))),
        (with_ttl(Some(254)), Err(Discard::Ttl)),
        (with_ttl(None), Err(Discard::Ttl)),
        (arrived(address(3), &blank), Err(Discard::UnknownNeighbor)),
        (arrived(address(3), &first), Err(Discard::WrongSender)),
        (local(&blank, 2), Ok(on(2))),
        (local(&blank, 3), Ok(on(3))),
        (local(&blank, 4), Err(Discard::UnknownNeighbor)),
        (local(&third, 3), Ok(on(3))),
        (local(&third, 2), Err(Discard::WrongSender)),
        (distant(&blank, 255), Ok(far.clone())),
        (distant(&multihop, 254), Ok(far)),
        (distant(&multihop, 253), Err(Discard::Ttl)),
        (distant(&first, 255), Err(Discard::WrongSender)),
        (arrived(address(2), &multihop), Err(Discard::WrongSender)),
        (elsewhere, Err(Discard::UnknownNeighbor)),
    ];
    for (at, (datagram, expected)) in rows.into_iter().enumerate() {
        let before: Vec<_> = counts(&sessions);
        let outcome = sessions.handle_datagram(&datagram, now);
        let taken = counts(&sessions)
            .into_iter()
            .zip(before)
            .find(|(after, before)| after != before)
            .map(|((key, _), _)| key);
        assert_eq!(outcome.map(|()| taken.unwrap()), expected, "row {at}");
    }
    // Two for their TTL, one for its sender, one for its port; and one for its interface.
    let refused = sessions.sessions.values().map(|entry| {
        let counts = entry.session.status().counts;
        (entry.key.clone(), counts.refused)
    });
    let refused: BTreeMap<_, _> = refused.collect();
    assert_eq!([&key(2), &on(2), &on(3)].map(|key| refused[key]), [4, 0, 1]);
}

/// A router with these sessions, and the discriminators that it gave them.
fn with_sessions(keys: &[Key], now: Instant) -> (Sessions, BTreeMap<Key, u32>) {
    let mut sessions = Sessions::new(5);
    for key in keys {
        sessions.handle_request(Request::Put(key.clone(), Settings::default()), now);
    }
    sessions.handle_timeout(now);
    let ids: BTreeMap<_, _> = std::iter::from_fn(|| sessions.poll_transmit())
        .map(|transmit| (transmit.key, transmit.session.get()))
        .collect();
    assert_eq!(ids.len(), keys.len());
    (sessions, ids)
}

fn down(yours: u32) -> Packet {
    Packet {
        diagnostic: Diagnostic::NONE,
        state: State::Down,
        flags: crate::bfd::packet::Flags::default(),
        multiplier: 3,
        mine: Discriminator::new(77).unwrap(),
        yours: Discriminator::new(yours),
        desired_min_tx: 1_000_000,
        required_min_rx: 300_000,
        required_min_echo_rx: 0,
    }
}

fn counts(sessions: &Sessions) -> Vec<(Key, u64)> {
    let entries = sessions.sessions.values();
    entries
        .map(|entry| (entry.key.clone(), entry.session.status().counts.packets_in))
        .collect()
}
