//! What a full table costs in memory: one feed, then a second one, with no receiver; and the same feed again and
//! again, after which nothing may have grown.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use lab::topology::{Spoke, Star};
use lab::{Daemon, Lab};
use router_ctl::bgp::types::RouterId;

use crate::edge;
use crate::report::{Figure, Unit};
use crate::speaker::Speaker;
use crate::subject::{Subject, Usage};
use crate::table::Table;

const SETTLED_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(50);
/// What the allocator gives back, it gives back within this.
const REST: Duration = Duration::from_secs(2);
/// Flaps between two looks.
const DECADE: usize = 10;

/// Resident memory without a feed, with one and with two, and the bytes of each path of the second.
///
/// # Errors
/// When a run fails.
pub(crate) fn memory(table: &Table, runs: usize) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for round in 1..=runs {
        eprintln!("run {round} of {runs}");
        let edge = Edge::start(2)?;
        let mut note = |case: &str, unit, value| figures.push(figure(case.to_owned(), unit, value));
        let idle = edge.resident_mb()?;
        note("resident, no feed", Unit::Megabytes, idle);
        let _first = edge.feed(0, table)?;
        edge.wait_paths(1, table)?;
        let one = edge.resident_mb()?;
        note("resident, one feed", Unit::Megabytes, one);
        let _second = edge.feed(1, table)?;
        edge.wait_paths(2, table)?;
        let two = edge.resident_mb()?;
        note("resident, two feeds", Unit::Megabytes, two);
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 prefixes")]
        let paths = table.prefixes.len() as f64;
        note(
            "each path of the first feed",
            Unit::Bytes,
            (one - idle) * 1e6 / paths,
        );
        note(
            "each path of the second feed",
            Unit::Bytes,
            (two - one) * 1e6 / paths,
        );
        note("peak, two feeds", Unit::Megabytes, edge.usage()?.peak_mb);
    }
    Ok(figures)
}

/// `flaps` full feeds that come up and are lost; resident memory with and without the table after the first and
/// after each tenth.
///
/// # Errors
/// When a feed does not come up or does not go.
pub(crate) fn soak(table: &Table, flaps: usize) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let edge = Edge::start(1)?;
    for flap in 1..=flaps {
        let shown = flap == 1 || flap % DECADE == 0;
        let feed = edge.feed(0, table)?;
        edge.wait_paths(1, table)?;
        let mut note = |when: &str| -> anyhow::Result<()> {
            if shown {
                let resident = edge.resident_mb()?;
                eprintln!("flap {flap} of {flaps}, {when}: {resident:.1} MB");
                figures.push(figure(
                    format!("flap {flap}, {when}"),
                    Unit::Megabytes,
                    resident,
                ));
            }
            Ok(())
        };
        note("table in")?;
        feed.close()?;
        edge.wait_paths(0, table)?;
        note("table gone")?;
    }
    Ok(figures)
}

fn figure(case: String, unit: Unit, value: f64) -> Figure {
    Figure {
        case,
        subject: Subject::Ours,
        unit,
        value,
    }
}

/// A running router with upstreams that tell it tables. Field order is drop order.
struct Edge {
    daemon: Daemon,
    star: Star,
    _lab: Lab,
}

impl Edge {
    fn start(upstreams: u8) -> anyhow::Result<Self> {
        let mut lab = Lab::new("resident")?;
        let star = Star::build(&mut lab, upstreams)?;
        let config = edge::config(
            &star.spokes,
            usize::from(upstreams),
            "timers.holdtime = 0",
            "",
        );
        let daemon = Daemon::start(&star.router, &config)?;
        Ok(Self {
            daemon,
            star,
            _lab: lab,
        })
    }

    /// A session with the whole table sent. The reading half ends with the connection.
    fn feed(&self, upstream: usize, table: &Table) -> anyhow::Result<Speaker> {
        let spoke = &self.star.spokes[upstream];
        let updates = table.encode(edge::asn(spoke), spoke.peer_v4(), spoke.peer_v6())?;
        let (mut drain, mut feed) = connect(spoke)?.split()?;
        thread::spawn(move || drain.receive(SETTLED_WITHIN, |_| false).is_ok());
        feed.send(&updates)?;
        Ok(feed)
    }

    /// Until so many paths of each prefix are there and everything is in the maps.
    fn wait_paths(&self, feeds: usize, table: &Table) -> anyhow::Result<()> {
        let wanted = table.prefixes.len();
        edge::wait_settled(
            &self.daemon,
            feeds * wanted,
            if feeds > 0 { wanted } else { 0 },
            SETTLED_WITHIN,
        )
    }

    fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.daemon.pid().context("the router is not running")?)
    }

    fn resident_mb(&self) -> anyhow::Result<f64> {
        let started = Instant::now();
        while started.elapsed() < REST {
            thread::sleep(POLL);
        }
        Ok(self.usage()?.resident_mb)
    }
}

fn connect(spoke: &Spoke) -> anyhow::Result<Speaker> {
    let (local, router) = (spoke.peer_v4(), spoke.router_v4());
    let asn = edge::asn(spoke);
    spoke
        .peer
        .run(move || Speaker::connect(local.into(), router.into(), asn, RouterId(local)))
}
