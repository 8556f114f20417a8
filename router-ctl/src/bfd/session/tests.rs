//! One session against packets written by hand.

use super::*;

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn number(number: u32) -> Discriminator {
    Discriminator::new(number).unwrap()
}

/// A packet of the other side: 50 ms both ways, three times.
fn said(state: State) -> Packet {
    Packet {
        diagnostic: Diagnostic::NONE,
        state,
        flags: Flags::default(),
        multiplier: 3,
        mine: number(9),
        yours: Some(number(1)),
        desired_min_tx: 50_000,
        required_min_rx: 50_000,
        required_min_echo_rx: 0,
    }
}

fn polling(state: State) -> Packet {
    let flags = Flags {
        poll: true,
        ..Flags::default()
    };
    Packet {
        flags,
        ..said(state)
    }
}

fn answering(state: State) -> Packet {
    let flags = Flags {
        is_final: true,
        ..Flags::default()
    };
    Packet {
        flags,
        ..said(state)
    }
}

fn settings(transmit: u64, receive: u64) -> Settings {
    Settings {
        transmit: millis(transmit),
        receive: millis(receive),
        ..Settings::default()
    }
}

struct Bench {
    session: Session,
    now: Instant,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        let now = Instant::now();
        let session = Session::new(settings, number(1), 42, now);
        Self { session, now }
    }

    /// Up, with a Poll sent and not answered.
    fn up(settings: Settings) -> Self {
        let mut bench = Self::new(settings);
        bench.hear(said(State::Down));
        let sent = bench.hear(said(State::Init));
        assert_eq!(sent.last().map(|sent| sent.flags.poll), Some(true));
        assert_eq!(bench.session.state(), State::Up);
        bench
    }

    /// Up, with the first Poll answered.
    fn settled(settings: Settings) -> Self {
        let mut bench = Self::up(settings);
        bench.hear(answering(State::Up));
        assert_eq!(bench.session.poll, Poll::Idle);
        bench
    }

    fn sent(&mut self) -> Vec<Packet> {
        std::iter::from_fn(|| self.session.poll_transmit())
            .map(|bytes| Packet::decode(&bytes).unwrap())
            .collect()
    }

    fn hear(&mut self, packet: Packet) -> Vec<Packet> {
        self.session.handle_packet(&packet, self.now);
        self.sent()
    }

    fn change(&mut self, settings: Settings) -> Vec<Packet> {
        self.session.handle_settings(settings, self.now);
        self.sent()
    }

    /// Time goes on; what is sent comes with the time that passed.
    fn pass(&mut self, time: Duration) -> Vec<(Duration, Packet)> {
        let (begin, end) = (self.now, self.now + time);
        let mut all = Vec::new();
        while let Some(at) = self.session.poll_timeout().filter(|&at| at <= end) {
            self.session.handle_timeout(at.max(self.now));
            self.now = at.max(self.now);
            let after = self.now - begin;
            all.extend(self.sent().into_iter().map(|packet| (after, packet)));
        }
        self.now = end;
        all
    }

    /// The other side goes on sending while time passes.
    fn pass_hearing(&mut self, time: Duration, packet: Packet) -> Vec<Packet> {
        let mut all = Vec::new();
        let end = self.now + time;
        while self.now < end {
            all.extend(self.hear(packet));
            all.extend(self.pass(millis(50)).into_iter().map(|(_, packet)| packet));
        }
        all
    }
}

#[test]
fn until_up_a_packet_is_sent_each_second_and_says_so() {
    let mut bench = Bench::new(settings(50, 60));
    let sent = bench.pass(millis(10_000));
    assert!((11..=14).contains(&sent.len()), "{}", sent.len());
    for (_, packet) in sent {
        assert_eq!((packet.state, packet.yours), (State::Down, None));
        assert_eq!(
            (packet.desired_min_tx, packet.required_min_rx),
            (1_000_000, 60_000)
        );
        assert!(!packet.flags.poll && !packet.flags.control_plane_independent);
    }
}

#[test]
fn a_change_of_state_is_told_at_once() {
    let mut bench = Bench::new(Settings::default());
    bench.sent();
    for (heard, told) in [
        (State::Down, State::Init),
        (State::Up, State::Up),
        (State::Down, State::Down),
    ] {
        let sent = bench.hear(said(heard));
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].state, sent[0].yours), (told, Some(number(9))));
    }
    let status = bench.session.status();
    assert_eq!(status.diagnostic, Diagnostic::NEIGHBOR_SAID_DOWN);
    assert_eq!((status.counts.up, status.counts.down), (1, 1));
}

#[test]
fn the_detection_time_is_theirs_times_the_slower_of_both_intervals() {
    for (receive, multiplier, desired, expected) in [
        (50, 3, 50_000, 150),
        (300, 3, 50_000, 900),
        (50, 5, 200_000, 1000),
        (10, 1, 1_000, 10),
    ] {
        let mut bench = Bench::up(settings(50, receive));
        let last = Packet {
            multiplier,
            desired_min_tx: desired,
            ..said(State::Up)
        };
        bench.hear(last);
        assert_eq!(
            bench.session.status().detection_time,
            Some(millis(expected))
        );
        bench.pass(millis(expected) - Duration::from_nanos(1));
        assert_eq!(bench.session.state(), State::Up);
        let sent = bench.pass(Duration::from_nanos(1));
        let status = bench.session.status();
        assert_eq!(
            (status.state, status.diagnostic),
            (State::Down, Diagnostic::EXPIRED)
        );
        assert_eq!(status.remote, None);
        assert_eq!(sent.last().map(|(_, packet)| packet.yours), Some(None));
    }
}

#[test]
fn a_poll_is_answered_at_once_in_every_state_even_when_nothing_else_may_be_sent() {
    let mut bench = Bench::new(Settings {
        passive: true,
        ..Settings::default()
    });
    assert!(bench.pass(millis(5000)).is_empty());
    let silent = |packet: Packet| Packet {
        required_min_rx: 0,
        ..packet
    };
    for state in [
        State::AdminDown,
        State::Down,
        State::Up,
        State::Up,
        State::Down,
    ] {
        let sent = bench.hear(silent(polling(state)));
        assert_eq!(sent.len(), 1, "{state}");
        assert!(sent[0].flags.is_final && !sent[0].flags.poll);
    }
    assert!(bench.hear(silent(said(State::Down))).is_empty());
    assert!(bench.pass(millis(100)).is_empty());
}

#[test]
fn nothing_is_sent_to_a_side_that_takes_nothing() {
    let mut bench = Bench::settled(settings(50, 50));
    let silent = Packet {
        required_min_rx: 0,
        ..said(State::Up)
    };
    assert!(bench.pass_hearing(millis(2000), silent).is_empty());
    assert!(bench.pass_hearing(millis(500), said(State::Up)).len() >= 9);
}

#[test]
fn a_passive_side_speaks_when_spoken_to_and_is_silent_again_after_silence() {
    let mut bench = Bench::new(Settings {
        passive: true,
        ..Settings::default()
    });
    assert!(bench.pass(millis(5000)).is_empty());
    assert_eq!(bench.hear(said(State::Down)).len(), 1);
    assert_eq!(bench.hear(said(State::Init)).len(), 1);
    bench.pass(millis(950));
    assert_eq!(bench.session.state(), State::Down);
    assert!(bench.pass(millis(5000)).is_empty());
    let active = bench.change(Settings::default());
    assert!(active.len() <= 1 && !bench.pass(millis(1000)).is_empty());
}

#[test]
fn demand_mode_of_the_other_side_stops_all_but_polls() {
    let mut bench = Bench::settled(settings(50, 50));
    let demand = |packet: Packet| Packet {
        flags: Flags {
            demand: true,
            ..packet.flags
        },
        ..packet
    };
    assert!(
        bench
            .pass_hearing(millis(1000), demand(said(State::Up)))
            .is_empty()
    );
    let sent = bench.change(settings(50, 80));
    assert!(sent.len() == 1 && sent[0].flags.poll);
    bench.hear(demand(answering(State::Up)));
    assert!(
        bench
            .pass_hearing(millis(500), demand(said(State::Up)))
            .is_empty()
    );
}

#[test]
fn coming_up_is_a_change_of_interval_and_polls_until_it_is_answered() {
    let mut bench = Bench::up(settings(50, 50));
    let sent = bench.pass_hearing(millis(1000), said(State::Up));
    assert!(sent.len() >= 19 && sent.iter().all(|sent| sent.flags.poll));
    assert!(sent.iter().all(|sent| sent.desired_min_tx == 50_000));
    let answered = bench.pass_hearing(millis(50), answering(State::Up));
    let sent = bench.pass_hearing(millis(500), said(State::Up));
    assert!(answered.iter().chain(&sent).all(|sent| !sent.flags.poll));
}

/// RFC 5880 §6.8.3: both would otherwise let the other side take us for dead, or us the other side.
#[test]
fn a_slower_transmission_waits_for_the_end_of_the_poll() {
    let mut bench = Bench::settled(settings(50, 50));
    let told = bench.change(settings(500, 50));
    assert!(told.len() == 1 && told[0].flags.poll && told[0].desired_min_tx == 500_000);
    let sent = bench.pass_hearing(millis(1000), said(State::Up));
    assert!(sent.len() >= 19, "{}", sent.len());
    bench.hear(answering(State::Up));
    assert_eq!(bench.session.status().transmit_interval, Some(millis(500)));
    assert!(bench.pass_hearing(millis(2000), said(State::Up)).len() <= 6);
}

#[test]
fn a_faster_transmission_begins_at_once() {
    let mut bench = Bench::settled(settings(500, 50));
    bench.change(settings(50, 50));
    assert_eq!(bench.session.status().transmit_interval, Some(millis(50)));
    assert!(bench.pass_hearing(millis(500), said(State::Up)).len() >= 9);
}

#[test]
fn a_quicker_detection_waits_for_the_end_of_the_poll_and_a_slower_one_does_not() {
    let mut bench = Bench::settled(settings(50, 300));
    let detection = |bench: &Bench| bench.session.status().detection_time;
    assert_eq!(detection(&bench), Some(millis(900)));
    let told = bench.change(settings(50, 100));
    assert!(told.len() == 1 && told[0].flags.poll && told[0].required_min_rx == 100_000);
    assert_eq!(detection(&bench), Some(millis(900)));
    bench.hear(answering(State::Up));
    assert_eq!(detection(&bench), Some(millis(300)));
    bench.change(settings(50, 1000));
    assert_eq!(detection(&bench), Some(millis(3000)));
}

#[test]
fn what_changes_during_a_poll_is_polled_for_again() {
    let mut bench = Bench::settled(settings(50, 300));
    bench.change(settings(500, 300));
    bench.change(settings(500, 100));
    // The answer may be to the first Poll, which did not say 100 ms.
    bench.hear(answering(State::Up));
    assert_eq!(bench.session.status().detection_time, Some(millis(900)));
    assert_eq!(bench.session.status().transmit_interval, Some(millis(50)));
    bench.pass_hearing(millis(100), said(State::Up));
    bench.hear(answering(State::Up));
    assert_eq!(bench.session.status().detection_time, Some(millis(300)));
    assert_eq!(bench.session.status().transmit_interval, Some(millis(500)));
}

#[test]
fn a_final_without_a_poll_means_nothing() {
    let mut bench = Bench::settled(settings(50, 300));
    bench.hear(answering(State::Up));
    bench.session.settings.transmit = millis(500);
    bench.session.want_poll();
    bench.hear(answering(State::Up));
    assert_eq!(bench.session.poll, Poll::Wanted);
    assert_eq!(bench.session.transmit_in_use, millis(50));
}

#[test]
fn a_multiplier_changes_without_a_poll_and_is_told_at_once() {
    let mut bench = Bench::settled(settings(50, 50));
    let told = bench.change(Settings {
        multiplier: 5,
        ..settings(50, 50)
    });
    assert!(told.len() == 1 && !told[0].flags.poll && told[0].multiplier == 5);
    assert!(bench.change(bench.session.settings().clone()).is_empty());
}

#[test]
fn the_interval_is_the_slower_of_both_and_a_shorter_one_counts_from_the_last_packet() {
    let mut bench = Bench::settled(settings(50, 50));
    let slow = Packet {
        required_min_rx: 2_000_000,
        desired_min_tx: 2_000_000,
        ..said(State::Up)
    };
    bench.hear(slow);
    assert_eq!(bench.session.status().transmit_interval, Some(millis(2000)));
    assert!(bench.pass(millis(1000)).is_empty());
    bench.hear(said(State::Up));
    // More than 50 ms have passed since the last packet.
    assert_eq!(bench.pass(Duration::ZERO).len(), 1);
}

#[test]
fn administratively_down_there_is_down_here_and_known_as_such() {
    let mut bench = Bench::settled(settings(50, 50));
    let farewell = Packet {
        diagnostic: Diagnostic::ADMIN_DOWN,
        ..said(State::AdminDown)
    };
    bench.hear(farewell);
    let status = bench.session.poll_status().unwrap();
    assert_eq!(
        (status.state, status.diagnostic),
        (State::Down, Diagnostic::NEIGHBOR_SAID_DOWN)
    );
    assert!(status.remote_admin_down());
    bench.pass(millis(5000));
    assert_eq!(bench.session.status().counts.down, 1);
    assert!(!bench.session.status().remote_admin_down());
}

#[test]
fn a_stop_is_told_three_times_and_then_it_is_over() {
    let mut bench = Bench::settled(Settings::default());
    bench.session.handle_stop(bench.now);
    let mut sent = bench.sent();
    assert!(!bench.session.is_over());
    sent.extend(
        bench
            .pass(millis(100))
            .into_iter()
            .map(|(_, packet)| packet),
    );
    assert_eq!(sent.len(), 3);
    for packet in sent {
        assert_eq!(
            (packet.state, packet.diagnostic),
            (State::AdminDown, Diagnostic::ADMIN_DOWN)
        );
    }
    assert!(bench.session.is_over() && bench.session.poll_timeout().is_none());

    let mut unheard = Bench::new(Settings::default());
    unheard.pass(millis(1500));
    unheard.session.handle_stop(unheard.now);
    assert!(unheard.session.is_over() && unheard.sent().is_empty());
}

#[test]
fn periodic_packets_are_jittered_within_the_bounds() {
    for (multiplier, most) in [(3, 100), (1, 90)] {
        let mut bench = Bench::settled(Settings {
            multiplier,
            ..settings(100, 100)
        });
        let long = Packet {
            desired_min_tx: u32::MAX,
            ..said(State::Up)
        };
        bench.hear(long);
        let times: Vec<_> = bench
            .pass(millis(60_000))
            .into_iter()
            .map(|(at, _)| at)
            .collect();
        let gaps = times.windows(2).map(|pair| pair[1] - pair[0]);
        let (least, largest) = (gaps.clone().min().unwrap(), gaps.max().unwrap());
        assert!(least >= millis(75) && least < millis(76), "{least:?}");
        assert!(
            largest <= millis(most) && largest > millis(most - 1),
            "{largest:?}"
        );
    }
}

#[test]
fn counts_are_reported_now_and_then_and_the_rest_only_when_it_changes() {
    let mut bench = Bench::settled(settings(50, 50));
    bench.hear(said(State::Up));
    bench.session.poll_status();
    let mut reports = 0;
    for _ in 0..400 {
        bench.hear(said(State::Up));
        bench.pass(millis(50));
        reports += u32::from(bench.session.poll_status().is_some());
    }
    assert!((3..=4).contains(&reports), "{reports} in 20 s");
}
