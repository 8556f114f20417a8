//! The loss of an upstream under traffic. Two upstreams announce the same table, a third neighbour sends to random
//! destinations in it, and the first upstream dies: in silence, as a machine without power does, or killed, when
//! its kernel closes the TCP connection. What counts is the last frame that is still sent to the dead one.

use std::fmt;
use std::fs;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use lab::topology::{Spoke, Star};
use lab::{Daemon, Lab, Process};
use nix::sys::signal::Signal;

use crate::edge;
use crate::load::{Flows, Load};
use crate::report::{Figure, Unit};
use crate::subject::Subject;
use crate::table::{Feed, Table};
use crate::upstream::Upstream;

const UPSTREAMS: usize = 2;
const SENDER: usize = 2;
const DYING: usize = 0;
const SMALL: usize = 1000;

const INSTALLED_WITHIN: Duration = Duration::from_secs(120);
const BFD_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
/// Traffic that is seen to flow before anything dies.
const BEFORE: Duration = Duration::from_millis(1500);
/// No frame to the dead upstream for so long: it is repaired.
const QUIET: Duration = Duration::from_secs(2);
/// The longest hold time here is three seconds, and no change of a table takes longer than this.
const REPAIRED_WITHIN: Duration = Duration::from_secs(60);

/// How the upstream that dies is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// Three packets of this many milliseconds.
    Bfd(u64),
    /// Seconds.
    HoldTime(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// SIGSTOP: nothing more is said, by BGP, BFD or TCP's FIN.
    Silent,
    /// SIGKILL: the kernel closes its connection.
    Killed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// Both upstreams carry every prefix.
    Shared,
    /// The upstream that dies is best for every prefix, the other's paths are longer.
    Standby,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    death: Death,
    watch: Watch,
    carries: Use,
    /// `None` is the whole table.
    prefixes: Option<usize>,
}

const CASES: [(Death, Watch, Use); 6] = [
    (Death::Silent, Watch::Bfd(300), Use::Shared),
    (Death::Silent, Watch::Bfd(50), Use::Shared),
    (Death::Silent, Watch::Bfd(300), Use::Standby),
    (Death::Silent, Watch::Bfd(50), Use::Standby),
    (Death::Silent, Watch::HoldTime(3), Use::Shared),
    (Death::Killed, Watch::Bfd(50), Use::Shared),
];

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.watch {
            Watch::Bfd(interval) => write!(f, "BFD {interval} ms × 3")?,
            Watch::HoldTime(seconds) => write!(f, "hold time {seconds} s")?,
        }
        f.write_str(match self.carries {
            Use::Shared => ", both carry",
            Use::Standby => ", one stands by",
        })?;
        if self.death == Death::Killed {
            f.write_str(", SIGKILL")?;
        }
        match self.prefixes {
            Some(prefixes) => write!(f, ", {prefixes} routes"),
            None => f.write_str(", full table"),
        }
    }
}

/// Runs every case `runs` times, interleaved.
///
/// # Errors
/// When a run fails: sessions do not come up, traffic does not flow before the death or not after it.
pub(crate) fn run(table: &Table, runs: usize) -> anyhow::Result<Vec<Figure>> {
    let small = table.sample(SMALL);
    let mut figures = Vec::new();
    for round in 1..=runs {
        for (death, watch, carries) in CASES {
            for (table, prefixes) in [(&small, Some(SMALL)), (table, None)] {
                let case = Case {
                    death,
                    watch,
                    carries,
                    prefixes,
                };
                eprintln!("run {round} of {runs}: {case}");
                one_run(table, case, &mut figures)
                    .with_context(|| format!("{case}, run {round}"))?;
            }
        }
    }
    Ok(figures)
}

fn one_run(table: &Table, case: Case, figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    let mut scene = Scene::start(table, case)?;
    let from = &scene.star.spokes[SENDER];
    let upstreams = &scene.star.spokes[..UPSTREAMS];
    let flows = Flows::choose(table, from, upstreams)?;
    let load = Load::start(&flows, from, upstreams)?;
    thread::sleep(BEFORE);
    let arrived = load.arrived();
    anyhow::ensure!(
        arrived[DYING] > 0 && (arrived[1] > 0) == (case.carries == Use::Shared),
        "before the death the upstreams get {arrived:?} frames"
    );

    let (died, clock) = (Instant::now(), SystemTime::now());
    load.declare_dead(DYING, died);
    match case.death {
        Death::Silent => scene.upstreams[DYING].signal(Signal::SIGSTOP)?,
        Death::Killed => scene.upstreams[DYING].signal(Signal::SIGKILL)?,
    }
    let noticed = loop {
        if let Some(noticed) = scene.noticed(clock)? {
            break noticed;
        }
        anyhow::ensure!(died.elapsed() < REPAIRED_WITHIN, "nobody noticed");
        thread::sleep(POLL);
    };
    while load.last_lost(DYING).unwrap_or(died).elapsed() < QUIET
        || died.elapsed() < noticed + QUIET
    {
        anyhow::ensure!(died.elapsed() < REPAIRED_WITHIN, "it is not repaired");
        thread::sleep(POLL);
    }
    let loss = load.stop(DYING)?;
    let mut note = |what: &str, unit, value| {
        figures.push(Figure {
            case: format!("{case}: {what}"),
            subject: Subject::Ours,
            unit,
            value,
        });
    };
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    note("noticed", Unit::Milliseconds, milliseconds(noticed));
    note(
        "last frame lost",
        Unit::Milliseconds,
        milliseconds(loss.last),
    );
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 frames")]
    note("frames lost", Unit::Frames, loss.frames as f64);
    Ok(())
}

/// The router with the table from both upstreams installed. Field order is drop order.
struct Scene {
    daemon: Daemon,
    upstreams: Vec<Process>,
    star: Star,
    _lab: Lab,
}

impl Scene {
    fn start(table: &Table, case: Case) -> anyhow::Result<Self> {
        let mut lab = Lab::new("failover")?;
        let star = Star::build(&mut lab, 3)?;
        star.router.forward()?;
        for spoke in &star.spokes {
            spoke.pin_neighbours()?;
        }
        let daemon = Daemon::start(&star.router, &config(&star, case))?;
        daemon.wait_attached(&["eth0", "eth1", "eth2"]);
        let upstreams = star.spokes[..UPSTREAMS]
            .iter()
            .map(|spoke| upstream(table, spoke, case))
            .collect::<anyhow::Result<_>>()?;
        let scene = Self {
            daemon,
            upstreams,
            star,
            _lab: lab,
        };
        scene.wait_ready(table.prefixes.len(), case)?;
        Ok(scene)
    }

    /// Until every path is in the RIB, every prefix in the maps, nothing under way, and BFD up.
    fn wait_ready(&self, prefixes: usize, case: Case) -> anyhow::Result<()> {
        edge::wait_settled(
            &self.daemon,
            UPSTREAMS * prefixes,
            prefixes,
            INSTALLED_WITHIN,
        )?;
        if matches!(case.watch, Watch::Bfd(_)) {
            edge::wait(BFD_WITHIN, || {
                let peers = self.daemon.show(&["bfd", "peers"])?.to_string();
                let up = peers.matches("\"status\":\"up\"").count();
                Ok((up == UPSTREAMS).then_some(()).ok_or(peers))
            })?;
        }
        Ok(())
    }

    /// From `died` to the line in which the router says that the session with the dead upstream has ended.
    fn noticed(&self, died: SystemTime) -> anyhow::Result<Option<Duration>> {
        let name = self.star.spokes[DYING].peer_v4().to_string();
        let log = self.daemon.log();
        let line = log.lines().find(|line| {
            line.contains("%ADJCHANGE") && line.contains(&name) && line.contains("Down")
        });
        let Some(stamp) = line.and_then(|line| line.split_whitespace().next()) else {
            return Ok(None);
        };
        const DAY: f64 = 86_400.0;
        let said = time_of_day(stamp).with_context(|| format!("`{stamp}` is not a time"))?;
        let died = died.duration_since(UNIX_EPOCH)?.as_secs_f64() % DAY;
        Ok(Some(Duration::from_secs_f64((said - died).rem_euclid(DAY))))
    }
}

/// Seconds since midnight of `2026-11-23T18:00:00.123456Z`.
fn time_of_day(stamp: &str) -> Option<f64> {
    let time = stamp.split_once('T')?.1.trim_end_matches('Z');
    let mut parts = time.split(':').map(|part| part.parse::<f64>().ok());
    Some(parts.next()?? * 3600.0 + parts.next()?? * 60.0 + parts.next()??)
}

fn upstream(table: &Table, spoke: &Spoke, case: Case) -> anyhow::Result<Process> {
    let asn = edge::asn(spoke);
    let is_first = usize::from(spoke.number) == DYING;
    let feed = table.encode_feed(Feed {
        asn,
        next_hop_v4: spoke.peer_v4(),
        next_hop_v6: spoke.peer_v6(),
        seed: 1,
        prepend: usize::from(case.carries == Use::Standby && !is_first),
    })?;
    let file = spoke.peer.directory().join("feed");
    fs::write(&file, feed).with_context(|| format!("writing {}", file.display()))?;
    let (bfd, hold_time) = match case.watch {
        Watch::Bfd(interval) => (Some(interval), 180),
        Watch::HoldTime(seconds) => (None, seconds),
    };
    Upstream {
        local: spoke.peer_v4(),
        router: spoke.router_v4(),
        asn: asn.0,
        hold_time,
        bfd,
        feed: file,
    }
    .spawn(&spoke.peer)
}

fn config(star: &Star, case: Case) -> String {
    let upstreams = &star.spokes[..UPSTREAMS];
    match case.watch {
        Watch::Bfd(interval) => edge::config(
            upstreams,
            star.spokes.len(),
            "bfd.profile = \"bench\"\ntimers.holdtime = 180",
            &format!(
                "[protocols.bfd.profile.bench]\n\
                 interval = {{ transmit = {interval}, receive = {interval}, multiplier = 3 }}\n"
            ),
        ),
        Watch::HoldTime(seconds) => edge::config(
            upstreams,
            star.spokes.len(),
            &format!("timers.holdtime = {seconds}\ntimers.keepalive = 1"),
            "",
        ),
    }
}
