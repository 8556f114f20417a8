//! Traffic to destinations of the table: sent at a bounded rate by one neighbour, counted at the upstreams, with the
//! moment of the last frame that reached one which was dead by then.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use ipnet::IpNet;
use lab::frame::{Ethernet, Flow, Frame, Ipv4, Ipv6, Udp};
use lab::topology::Spoke;
use lab::{Capture, Pace, Sender, Stream};

use crate::table::{Random, Table};

/// Frames a second: the loss of 1 ms is ten frames, and two cores carry it beside a full table's changes.
const RATE: u64 = 10_000;
/// Flows, each to a destination of its own.
const FLOWS: usize = 8192;
/// The destination port of every frame, so that nothing else is counted.
const MARK: u16 = 40_053;
/// Frames that are under way when the sender stops arrive within this.
const STRAGGLERS: Duration = Duration::from_millis(500);

/// One frame of each flow.
pub(crate) struct Flows(Vec<Vec<u8>>);

/// What one upstream has got.
#[derive(Debug, Default)]
struct Tally {
    frames: u64,
    /// From then on what arrives is lost.
    dead: Option<Instant>,
    /// Since it is dead.
    lost: u64,
    last_lost: Option<Instant>,
}

/// Traffic under way.
pub(crate) struct Load {
    stream: Stream,
    captures: Vec<Capture<Tally>>,
}

/// What a run of traffic with one death in it showed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    /// Frames to the dead upstream, and those that arrived nowhere.
    pub(crate) frames: u64,
    /// From the death to the last frame that was sent to the dead upstream.
    pub(crate) last: Duration,
}

impl Flows {
    /// Random destinations of the table that the router forwards to one of the upstreams: a real table has prefixes
    /// that are not for forwarding.
    pub(crate) fn choose(table: &Table, from: &Spoke, upstreams: &[Spoke]) -> anyhow::Result<Self> {
        let mut random = Random(0x0dd0_f10e);
        let mut frames: Vec<_> = (0..FLOWS)
            .map(|number| {
                let prefix = table.prefixes[random.below(table.prefixes.len())];
                let port = u16::try_from(number).unwrap_or(0) | 1 << 14;
                frame(from, inside(prefix, random.next()), port)
            })
            .collect();
        let captures = upstreams
            .iter()
            .map(|spoke| {
                Capture::fold(
                    &spoke.peer_port,
                    HashSet::new(),
                    |seen: &mut HashSet<Flow>, frame| {
                        seen.extend(Flow::of(frame).filter(|flow| flow.destination_port == MARK));
                    },
                )
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        Sender::open(&from.peer_port)?.send_all(&frames, Pace::PerSecond(RATE))?;
        thread::sleep(STRAGGLERS);
        let mut seen = HashSet::new();
        for capture in captures {
            seen.extend(capture.stop()?.state);
        }
        frames.retain(|frame| Flow::of(frame).is_some_and(|flow| seen.contains(&flow)));
        anyhow::ensure!(
            frames.len() > FLOWS * 9 / 10,
            "only {} of {FLOWS} flows are forwarded",
            frames.len()
        );
        Ok(Self(frames))
    }
}

impl Load {
    pub(crate) fn start(flows: &Flows, from: &Spoke, upstreams: &[Spoke]) -> anyhow::Result<Self> {
        let captures = upstreams
            .iter()
            .map(|spoke| Capture::fold(&spoke.peer_port, Tally::default(), Tally::count))
            .collect::<anyhow::Result<_>>()?;
        let stream =
            Sender::open(&from.peer_port)?.stream(flows.0.clone(), Pace::PerSecond(RATE))?;
        Ok(Self { stream, captures })
    }

    /// Frames that each upstream has got.
    pub(crate) fn arrived(&self) -> Vec<u64> {
        let frames = |capture: &Capture<Tally>| capture.state().frames;
        self.captures.iter().map(frames).collect()
    }

    /// From now on what reaches this upstream is lost.
    pub(crate) fn declare_dead(&self, upstream: usize, at: Instant) {
        self.captures[upstream].state().dead = Some(at);
    }

    /// When the latest lost frame arrived.
    pub(crate) fn last_lost(&self, upstream: usize) -> Option<Instant> {
        self.captures[upstream].state().last_lost
    }

    /// Ends the traffic and counts what is missing.
    pub(crate) fn stop(self, upstream: usize) -> anyhow::Result<Loss> {
        let sent = self.stream.stop()?.total;
        thread::sleep(STRAGGLERS);
        let mut arrived = 0;
        let mut loss = Loss {
            frames: 0,
            last: Duration::ZERO,
        };
        for (number, capture) in self.captures.into_iter().enumerate() {
            let captured = capture.stop()?;
            anyhow::ensure!(captured.dropped == 0, "a capture could not keep up");
            let tally = captured.state;
            arrived += tally.frames;
            if number == upstream {
                loss.frames = tally.lost;
                let (dead, last) = (tally.dead.context("nothing died")?, tally.last_lost);
                loss.last = last.map_or(Duration::ZERO, |last| last - dead);
            }
        }
        loss.frames += sent.saturating_sub(arrived);
        Ok(loss)
    }
}

impl Tally {
    fn count(&mut self, frame: &[u8]) {
        if Flow::of(frame).is_none_or(|flow| flow.destination_port != MARK) {
            return;
        }
        let now = Instant::now();
        self.frames += 1;
        if self.dead.is_some_and(|dead| dead <= now) {
            self.lost += 1;
            self.last_lost = Some(now);
        }
    }
}

fn inside(prefix: IpNet, random: u64) -> IpAddr {
    match prefix {
        IpNet::V4(net) => {
            let host = u32::try_from(random >> 32).unwrap_or(0) & u32::from(net.hostmask());
            Ipv4Addr::from(u32::from(net.network()) | host).into()
        }
        IpNet::V6(net) => {
            let host = u128::from(random) & u128::from(net.hostmask());
            Ipv6Addr::from(u128::from(net.network()) | host).into()
        }
    }
}

fn frame(from: &Spoke, to: IpAddr, source_port: u16) -> Vec<u8> {
    let frame = Frame::new(Ethernet::new(from.router_port.mac(), from.peer_port.mac()));
    let frame = match to {
        IpAddr::V4(to) => frame.ipv4(Ipv4::new(from.peer_v4(), to)),
        IpAddr::V6(to) => frame.ipv6(Ipv6::new(from.peer_v6(), to)),
    };
    frame
        .udp(Udp::new(source_port, MARK))
        .payload(&[0; 18])
        .build()
}
