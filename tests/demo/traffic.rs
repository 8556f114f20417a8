//! The traffic: rounds of frames into the first upstream's port, and what arrives at every neighbour.
//!
//! A round is one stream from its first frame to its last. Its ledger is exact: the sender knows how often it sent
//! each flow, the captures count what arrived, and frames say which round they are of. What a capture itself had to
//! drop is told at the end, for then no count is exact.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use lab::{Capture, MacAddress, Pace, Port, Sender, Stream};

use crate::flows::{self, FLOWS, Kind, Label, service_flows};
use crate::interrupt;
use crate::ledger::{Arrivals, Ledger};
use crate::network::{Network, TARGETS, Target};

const PACE: Pace = Pace::PerSecond(20_000);

/// How long after the last arrival a frame that is missing counts as lost.
const STRAGGLERS: Duration = Duration::from_millis(500);
const DEADLINE: Duration = Duration::from_secs(15);

/// The latest target of a flow that has not arrived yet.
const NOWHERE: u8 = u8::MAX;

pub(crate) struct Traffic {
    source: Port,
    router_mac: MacAddress,
    /// By target.
    captures: Vec<Capture<Tally>>,
    gauges: Arc<Gauges>,
    rounds: u32,
    sent: u64,
    arrived: u64,
    /// Frames that the source's device had dropped before the first round.
    dropped_before: u64,
}

/// What has arrived at one target in the present round.
#[derive(Default)]
struct Tally {
    round: u32,
    /// By flow.
    counts: Vec<u32>,
    total: u64,
    last: Option<Instant>,
    /// In all rounds: frames that came after their round had ended.
    late: u64,
    /// In all rounds: frames that the router did not rewrite as it must.
    spoilt: u64,
}

/// What can be read at any moment.
pub(crate) struct Gauges {
    /// By flow: the target at which it arrived last.
    latest: Vec<AtomicU8>,
    /// By target.
    arrived: [AtomicU64; TARGETS],
}

/// A stream under way.
pub(crate) struct Round {
    stream: Stream,
    number: u32,
}

/// What a round showed.
pub(crate) struct Finished {
    pub(crate) ledger: Ledger,
    /// By target: when the last frame of the round arrived.
    last: [Option<Instant>; TARGETS],
}

/// The whole run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) sent: u64,
    pub(crate) arrived: u64,
    pub(crate) late: u64,
    pub(crate) spoilt: u64,
    /// Frames that a capture had no room for.
    pub(crate) missed: u64,
    /// Frames that never reached the router: the first link had no room for them.
    pub(crate) unsent: u64,
}

impl Traffic {
    /// Listens at every neighbour.
    pub(crate) fn prepare(network: &Network) -> Result<Self> {
        let gauges = Arc::new(Gauges::new());
        let captures = Target::all().map(|target| {
            let port = &network.link(target).port;
            let (gauges, mac) = (gauges.clone(), port.mac());
            Capture::fold(port, Tally::default(), move |tally, frame| {
                tally.count(target, mac, frame, &gauges);
            })
        });
        let entry = network.link(Target::UP1);
        Ok(Self {
            source: entry.port.clone(),
            router_mac: entry.router_port.mac(),
            captures: captures.collect::<Result<_>>()?,
            gauges,
            rounds: 0,
            sent: 0,
            arrived: 0,
            dropped_before: transmit_drops(&entry.port)?,
        })
    }

    pub(crate) fn gauges(&self) -> Arc<Gauges> {
        self.gauges.clone()
    }

    pub(crate) fn start_round(&mut self) -> Result<Round> {
        self.rounds += 1;
        let number = self.rounds;
        for capture in &self.captures {
            capture.state().start_round(number);
        }
        let frames = flows::frames(self.source.mac(), self.router_mac, number);
        let stream = Sender::open(&self.source)?.stream(frames, PACE)?;
        Ok(Round { stream, number })
    }

    /// Ends the stream and waits for its last frames.
    pub(crate) fn finish(&mut self, round: Round) -> Result<Finished> {
        let Round { stream, number } = round;
        let sent = stream.stop()?;
        self.wait_for_stragglers(sent.total)?;

        let mut arrived: Vec<Arrivals> = vec![[0; TARGETS]; FLOWS];
        let mut last = [None; TARGETS];
        for (target, capture) in Target::all().zip(&self.captures) {
            let tally = capture.state();
            assert_eq!(tally.round, number, "rounds do not overlap");
            for (flow, &count) in arrived.iter_mut().zip(&tally.counts) {
                flow[target.0] = count;
            }
            last[target.0] = tally.last;
        }
        let ledger = Ledger {
            sent: (0..FLOWS).map(|flow| sent.of(flow)).collect(),
            arrived,
        };
        self.sent += ledger.sent();
        self.arrived += ledger.arrived();
        Ok(Finished { ledger, last })
    }

    /// Until all have arrived, or nothing more does.
    fn wait_for_stragglers(&self, sent: u64) -> Result<()> {
        let arrived = || -> u64 { self.captures.iter().map(|c| c.state().total).sum() };
        let mut latest = (arrived(), Instant::now());
        interrupt::until("the last frames of a round", DEADLINE, || {
            let now = arrived();
            if now != latest.0 {
                latest = (now, Instant::now());
            }
            (now >= sent || latest.1.elapsed() > STRAGGLERS).then_some(())
        })
    }

    /// Ends the captures.
    pub(crate) fn close(self) -> Result<Totals> {
        let mut totals = Totals {
            sent: self.sent,
            arrived: self.arrived,
            unsent: transmit_drops(&self.source)? - self.dropped_before,
            ..Totals::default()
        };
        for capture in self.captures {
            let captured = capture.stop()?;
            totals.late += captured.state.late;
            totals.spoilt += captured.state.spoilt;
            totals.missed += captured.dropped;
        }
        Ok(totals)
    }
}

impl Round {
    /// Waits until every flow has been sent `times` more.
    pub(crate) fn wait_circles(&self, times: u64) -> Result<()> {
        let start = self.stream.sent();
        let enough = start + times * FLOWS as u64;
        let what = format!("{} more frames to be sent", enough - start);
        interrupt::until(&what, DEADLINE, || {
            (self.stream.sent() >= enough).then_some(())
        })
        .with_context(|| format!("{} were sent", self.stream.sent() - start))
    }
}

impl Finished {
    /// How long after `event` frames still arrived at `target`.
    pub(crate) fn arrived_until(&self, target: Target, event: Instant) -> Duration {
        self.last[target.0].map_or(Duration::ZERO, |last| last.saturating_duration_since(event))
    }
}

impl Tally {
    fn start_round(&mut self, round: u32) {
        *self = Self {
            round,
            counts: vec![0; FLOWS],
            late: self.late,
            spoilt: self.spoilt,
            ..Self::default()
        };
    }

    fn count(&mut self, target: Target, mac: MacAddress, frame: &[u8], gauges: &Gauges) {
        let Some(label) = Label::of(frame) else {
            return;
        };
        if !flows::is_well_forwarded(frame, mac) {
            self.spoilt += 1;
            return;
        }
        if label.round != self.round {
            self.late += 1;
            return;
        }
        self.counts[label.flow] += 1;
        self.total += 1;
        self.last = Some(Instant::now());
        gauges.note(label.flow, target);
    }
}

impl Gauges {
    fn new() -> Self {
        Self {
            latest: (0..FLOWS).map(|_| AtomicU8::new(NOWHERE)).collect(),
            arrived: Default::default(),
        }
    }

    fn note(&self, flow: usize, target: Target) {
        let number = u8::try_from(target.0).unwrap_or(NOWHERE);
        self.latest[flow].store(number, Ordering::Relaxed);
        self.arrived[target.0].fetch_add(1, Ordering::Relaxed);
    }

    /// Frames by target, in all rounds.
    pub(crate) fn arrived(&self) -> [u64; TARGETS] {
        self.arrived
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed))
    }

    /// Flows by the target at which they arrived last: those to the service, and those in transit.
    pub(crate) fn flows(&self) -> [FlowCount; TARGETS] {
        let mut counts = [FlowCount::default(); TARGETS];
        for (flow, latest) in self.latest.iter().enumerate() {
            let Some(count) = counts.get_mut(usize::from(latest.load(Ordering::Relaxed))) else {
                continue;
            };
            if Kind::of(flow).is_service() {
                count.service += 1;
            } else {
                count.transit += 1;
            }
        }
        counts
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FlowCount {
    pub(crate) service: u64,
    pub(crate) transit: u64,
}

impl Totals {
    /// Fails when the lab's own counting was not exact.
    pub(crate) fn check(&self) -> Result<()> {
        if self.missed + self.unsent > 0 {
            bail!(
                "the lab itself lost {} frames on the first link and {} in the captures, so the router's losses cannot be told; the machine is too busy, run it again",
                self.unsent,
                self.missed
            );
        }
        Ok(())
    }
}

/// What a device had no room for, from the table that its namespace shows.
fn transmit_drops(port: &Port) -> Result<u64> {
    // Behind the name: eight fields about receiving, then octets, packets, errors and drops.
    const DROPS: usize = 11;
    let table = port
        .node()
        .run(|| std::fs::read_to_string("/proc/thread-self/net/dev"))?;
    let (_, fields) = table
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim() == port.name())
        .with_context(|| format!("{port} is not in /proc/net/dev"))?;
    let drops = fields.split_whitespace().nth(DROPS);
    drops
        .and_then(|drops| drops.parse().ok())
        .with_context(|| format!("reading the drops of {port}: {fields}"))
}

/// A share of the service's flows, in percent.
pub(crate) fn percent(flows: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "thousands of flows")]
    let share = flows as f64 * 100.0 / service_flows() as f64;
    share
}
