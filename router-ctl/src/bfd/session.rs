//! One session: the variables of RFC 5880 §6.8.1, its two timers and its Poll sequences.
//!
//! The driver calls a `handle_*` method for what happened, then drains [`Session::poll_transmit`] and
//! [`Session::poll_status`]; [`Session::poll_timeout`] says when to call [`Session::handle_timeout`]. Packets that
//! have arrived go in before timers are looked at, so that a late driver does not end a living session.
//!
//! What we announce and what we go by are two things (§6.8.3): while Up, a slower transmission or a quicker
//! detection is announced at once and takes effect when the other side has answered a Poll.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::bfd::fsm::{self, Event, State};
use crate::bfd::packet::{Diagnostic, Discriminator, Flags, LENGTH, Packet};
use crate::bfd::random::Random;
use crate::bfd::{Counts, Remote, Settings, Status};

/// Until Up no more than a packet a second (RFC 5880 §6.8.3).
const SLOW: Duration = Duration::from_secs(1);
/// Of an interval: a tighter one is a mistake that would keep a processor busy.
const LEAST_INTERVAL: Duration = Duration::from_millis(1);
/// A session that ends says so this often, in case one is lost, and at most so far apart.
const FAREWELLS: u8 = 3;
const FAREWELL_GAP: Duration = Duration::from_millis(50);
/// Counts are reported while packets flow, no more often than this.
const COUNTS_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Session {
    settings: Settings,
    state: State,
    since: Instant,
    diagnostic: Diagnostic,
    local: Discriminator,
    /// `None` when bfd.RemoteDiscr is zero.
    remote: Option<Remote>,
    /// The other side does not want to be sent to (§6.6).
    remote_demand: bool,
    /// The Desired Min TX Interval and the Required Min RX Interval that we go by.
    transmit_in_use: Duration,
    receive_in_use: Duration,
    poll: Poll,
    /// A packet would say something new.
    unsent: bool,
    /// What `send_at` was computed with.
    interval: Option<Duration>,
    sent_at: Option<Instant>,
    send_at: Option<Instant>,
    heard_at: Option<Instant>,
    detect_at: Option<Instant>,
    farewells: u8,
    random: Random,
    counts: Counts,
    outbox: VecDeque<[u8; LENGTH]>,
    /// There is something to report.
    changed: bool,
    reported_at: Instant,
}

/// A Poll sequence (§6.5). A Final means something only after a Poll was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poll {
    Idle,
    Wanted,
    Sent,
    /// Something changed since it was sent: the Final to come may not know, so another sequence follows.
    SentAndWanted,
}

impl Session {
    pub fn new(settings: Settings, local: Discriminator, seed: u64, now: Instant) -> Self {
        let settings = bounded(settings);
        let mut session = Self {
            transmit_in_use: settings.transmit.max(SLOW),
            receive_in_use: settings.receive,
            settings,
            state: State::Down,
            since: now,
            diagnostic: Diagnostic::NONE,
            local,
            remote: None,
            remote_demand: false,
            poll: Poll::Idle,
            unsent: false,
            interval: None,
            sent_at: None,
            send_at: None,
            heard_at: None,
            detect_at: None,
            farewells: 0,
            random: Random::new(seed),
            counts: Counts::default(),
            outbox: VecDeque::new(),
            changed: true,
            reported_at: now,
        };
        session.reschedule(now);
        session
    }

    /// A packet of this session that passed the checks (the rest of RFC 5880 §6.8.6).
    pub fn handle_packet(&mut self, packet: &Packet, now: Instant) {
        self.counts.packets_in += 1;
        self.heard_at = Some(now);
        let said = Some(remote(packet));
        if self.remote != said {
            self.remote = said;
            self.note_change(now);
        }
        self.remote_demand = packet.flags.demand;
        if packet.flags.is_final {
            self.finish_poll();
        }
        self.advance(Event::Received(packet.state), now);
        self.reschedule(now);
        if packet.flags.poll {
            self.send(Kind::Final, now);
        }
        self.send_news(now);
    }

    /// Counts a packet that belonged to the session and was not taken.
    pub fn handle_refused(&mut self) {
        self.counts.refused += 1;
    }

    /// Changes to these settings; the state stays.
    pub fn handle_settings(&mut self, settings: Settings, now: Instant) {
        let new = bounded(settings);
        let old = std::mem::replace(&mut self.settings, new);
        let new = &self.settings;
        let intervals_changed = (old.transmit, old.receive) != (new.transmit, new.receive);
        self.unsent |= intervals_changed || old.multiplier != new.multiplier;
        if self.state == State::Up {
            self.transmit_in_use = self.transmit_in_use.min(new.transmit);
            self.receive_in_use = self.receive_in_use.max(new.receive);
            if intervals_changed {
                self.want_poll();
            }
        } else {
            self.use_announced();
        }
        self.note_change(now);
        self.reschedule(now);
        self.send_news(now);
    }

    /// The session ends: tells the other side, which takes no action on it, and is over soon.
    pub fn handle_stop(&mut self, now: Instant) {
        let listened_to = self.remote.is_some() && self.interval.is_some();
        self.advance(Event::Stop, now);
        self.farewells = if listened_to { FAREWELLS } else { 0 };
        self.reschedule(now);
        self.send_news(now);
    }

    pub fn handle_timeout(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.detect_at) {
            // bfd.RemoteDiscr is forgotten in every state (§6.8.1).
            self.remote = None;
            self.remote_demand = false;
            self.heard_at = None;
            self.note_change(now);
            self.advance(Event::Expired, now);
            self.reschedule(now);
            self.send_news(now);
        }
        if due(self.send_at) {
            self.send(Kind::Periodic, now);
        }
    }

    pub fn poll_transmit(&mut self) -> Option<[u8; LENGTH]> {
        self.outbox.pop_front()
    }

    /// The status, when it is worth a report.
    pub fn poll_status(&mut self) -> Option<Status> {
        std::mem::take(&mut self.changed).then(|| self.status())
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.send_at.into_iter().chain(self.detect_at).min()
    }

    /// It was stopped and has said so.
    pub fn is_over(&self) -> bool {
        self.state == State::AdminDown && self.farewells == 0
    }

    pub fn state(&self) -> State {
        self.state
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn status(&self) -> Status {
        Status {
            settings: self.settings.clone(),
            state: self.state,
            since: self.since,
            diagnostic: self.diagnostic,
            discriminator: self.local,
            remote: self.remote.clone(),
            transmit_interval: self.interval,
            detection_time: self.detection_time(),
            counts: self.counts,
        }
    }

    fn advance(&mut self, event: Event, now: Instant) {
        let (next, diagnostic) = fsm::step(self.state, event);
        if next == self.state {
            return;
        }
        self.counts.up += u64::from(next == State::Up);
        self.counts.down += u64::from(self.state == State::Up);
        (self.state, self.diagnostic, self.since) = (next, diagnostic, now);
        self.unsent = true;
        self.note_change(now);
        // A Poll under way is about values that do not hold any more; coming Up changes the announced interval.
        self.poll = Poll::Idle;
        self.use_announced();
        if next == State::Up {
            self.want_poll();
        }
    }

    /// What we announce as Desired Min TX Interval.
    fn desired_transmit(&self) -> Duration {
        match self.state {
            State::Up => self.settings.transmit,
            State::AdminDown | State::Down | State::Init => self.settings.transmit.max(SLOW),
        }
    }

    fn use_announced(&mut self) {
        self.transmit_in_use = self.desired_transmit();
        self.receive_in_use = self.settings.receive;
    }

    fn want_poll(&mut self) {
        self.poll = match self.poll {
            Poll::Idle | Poll::Wanted => Poll::Wanted,
            Poll::Sent | Poll::SentAndWanted => Poll::SentAndWanted,
        };
    }

    fn finish_poll(&mut self) {
        match self.poll {
            Poll::Idle | Poll::Wanted => {}
            Poll::Sent => {
                self.poll = Poll::Idle;
                self.use_announced();
            }
            Poll::SentAndWanted => self.poll = Poll::Wanted,
        }
    }

    /// Time between packets before jitter (§6.8.7); `None` when none may be sent but answers to Polls.
    fn transmit_interval(&self) -> Option<Duration> {
        let negotiated = match &self.remote {
            // bfd.RemoteMinRxInterval begins as one microsecond.
            None => (!self.settings.passive).then_some(self.transmit_in_use),
            Some(remote) if remote.receive.is_zero() => None,
            Some(remote) => Some(self.transmit_in_use.max(remote.receive)),
        };
        match self.state {
            State::AdminDown if self.farewells == 0 => None,
            State::AdminDown => negotiated.map(|interval| interval.min(FAREWELL_GAP)),
            State::Up if self.is_excused() => None,
            State::Down | State::Init | State::Up => negotiated,
        }
    }

    /// The other side is in demand mode: only Polls are sent (§6.8.7).
    fn is_excused(&self) -> bool {
        let up = |remote: &Remote| remote.state == State::Up;
        self.remote_demand && self.poll == Poll::Idle && self.remote.as_ref().is_some_and(up)
    }

    /// §6.8.4, for asynchronous mode.
    fn detection_time(&self) -> Option<Duration> {
        let remote = self.remote.as_ref()?;
        let interval = self.receive_in_use.max(remote.transmit);
        Some(interval.saturating_mul(u32::from(remote.multiplier)))
    }

    /// Computes the timers anew. A changed interval counts from the last packet (§6.8.3).
    fn reschedule(&mut self, now: Instant) {
        let interval = self.transmit_interval();
        if interval != self.interval {
            self.interval = interval;
            self.send_at = interval.map(|interval| {
                let wait = self.random.jitter(interval, self.settings.multiplier);
                self.sent_at.map_or(now, |sent_at| sent_at + wait)
            });
        }
        let silence = self.heard_at.zip(self.detection_time());
        self.detect_at = silence
            .filter(|_| self.state != State::AdminDown)
            .map(|(heard_at, time)| heard_at + time);
    }

    /// Sends at once what would say something new (§6.8.7).
    fn send_news(&mut self, now: Instant) {
        if self.unsent && self.interval.is_some() {
            self.send(Kind::Periodic, now);
        }
    }

    fn send(&mut self, kind: Kind, now: Instant) {
        // A packet has one of both bits; the Poll goes out with the next one.
        let poll = kind == Kind::Periodic && self.poll != Poll::Idle;
        if poll && self.poll == Poll::Wanted {
            self.poll = Poll::Sent;
        }
        let packet = Packet {
            diagnostic: self.diagnostic,
            state: self.state,
            flags: Flags {
                poll,
                is_final: kind == Kind::Final,
                ..Flags::default()
            },
            multiplier: self.settings.multiplier,
            mine: self.local,
            yours: self.remote.as_ref().map(|remote| remote.discriminator),
            desired_min_tx: microseconds(self.desired_transmit()),
            required_min_rx: microseconds(self.settings.receive),
            required_min_echo_rx: 0,
        };
        self.outbox.push_back(packet.encode());
        self.counts.packets_out += 1;
        if kind == Kind::Periodic || self.unsent {
            self.unsent = false;
            self.sent_at = Some(now);
            if self.state == State::AdminDown {
                self.farewells = self.farewells.saturating_sub(1);
                self.interval = self.transmit_interval();
            }
            self.send_at = self
                .interval
                .map(|interval| now + self.random.jitter(interval, self.settings.multiplier));
        }
        if now.saturating_duration_since(self.reported_at) >= COUNTS_EVERY {
            self.note_change(now);
        }
    }

    fn note_change(&mut self, now: Instant) {
        self.changed = true;
        self.reported_at = now;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Periodic,
    /// The answer to a Poll, whatever the timers say (§6.8.7).
    Final,
}

fn bounded(settings: Settings) -> Settings {
    Settings {
        transmit: settings.transmit.max(LEAST_INTERVAL),
        receive: settings.receive.max(LEAST_INTERVAL),
        multiplier: settings.multiplier.max(1),
        ..settings
    }
}

fn microseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

fn remote(packet: &Packet) -> Remote {
    let interval = |microseconds: u32| Duration::from_micros(microseconds.into());
    Remote {
        state: packet.state,
        diagnostic: packet.diagnostic,
        discriminator: packet.mine,
        transmit: interval(packet.desired_min_tx),
        receive: interval(packet.required_min_rx),
        echo_receive: interval(packet.required_min_echo_rx),
        multiplier: packet.multiplier,
        control_plane_independent: packet.flags.control_plane_independent,
    }
}

#[cfg(test)]
mod tests;
