//! One full table in, one receiver out: ours and BIRD in turns in one run.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use router_ctl::bgp::types::Asn;

use crate::maps;
use crate::report::{Figure, Unit};
use crate::speaker::Speaker;
use crate::subject::{Bench, Neighbour, Subject};
use crate::table::Table;

/// Silence for this long means that the table stopped.
const IDLE: Duration = Duration::from_secs(60);
const INSTALLED_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(10);

const FEEDER: usize = 0;
const RECEIVER: usize = 1;

/// Runs every subject `runs` times, interleaved, and collects the figures.
///
/// # Errors
/// When a run fails, or the maps do not hold exactly the table.
pub(crate) fn run(table: &Table, runs: usize) -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for round in 1..=runs {
        for subject in [Subject::Ours, Subject::Bird] {
            eprintln!("run {round} of {runs}: {}", subject.name());
            one_run(table, subject, &mut figures)
                .with_context(|| format!("{}, run {round}", subject.name()))?;
        }
    }
    Ok(figures)
}

fn one_run(table: &Table, subject: Subject, figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    let bench = Bench::start(subject, 2)?;
    let feeder = &bench.neighbours[FEEDER];
    let updates = table.encode(feeder.asn, feeder.v4, feeder.v6)?;
    let receiver = connect(&bench.neighbours[RECEIVER])?;
    let feed = connect(feeder)?;
    let (mut drain, mut feed) = feed.split()?;
    let drained = thread::spawn(move || drain.receive(IDLE, |_| false));
    let before = bench.usage()?;
    let wanted = table.prefixes.len();
    let mut note = |case: &str, unit, value| {
        figures.push(Figure {
            case: case.to_owned(),
            subject,
            unit,
            value,
        })
    };

    let started = Instant::now();
    let counting = thread::spawn(move || {
        let mut receiver = receiver;
        let outcome = receiver.receive(IDLE, |seen| seen.announced >= wanted);
        (receiver, outcome)
    });
    feed.send(&updates)?;
    note("sent", Unit::Seconds, started.elapsed().as_secs_f64());
    let installed = wait_installed(&bench, wanted, started)?;
    let (mut receiver, counted) = counting
        .join()
        .map_err(|_| anyhow::anyhow!("the receiver panicked"))?;
    let (_, last) = counted?;
    note(
        "re-advertised",
        Unit::Seconds,
        (last - started).as_secs_f64(),
    );
    if let Some(installed) = installed {
        note("in the maps", Unit::Seconds, installed.as_secs_f64());
    }
    let after = bench.usage()?;
    note(
        "CPU",
        Unit::CpuSeconds,
        after.cpu_seconds - before.cpu_seconds,
    );
    note("resident", Unit::Megabytes, after.resident_mb);
    note("peak", Unit::Megabytes, after.peak_mb);
    if let Some(daemon) = bench.daemon() {
        maps::check(daemon.bpffs(), &table.prefixes)?;
    }

    let closed = Instant::now();
    feed.close()?;
    let (_, last) = receiver.receive(IDLE, |seen| seen.withdrawn >= wanted)?;
    note("withdrawn", Unit::Seconds, (last - closed).as_secs_f64());
    let rest = bench.usage()?;
    note(
        "CPU of withdrawal",
        Unit::CpuSeconds,
        rest.cpu_seconds - after.cpu_seconds,
    );
    // The feeder's other half ends with its connection; how it ended says nothing about the router.
    let _closed = drained.join().is_ok();
    Ok(())
}

/// Our router: until every prefix is in the maps and nothing is under way. BIRD writes none here.
fn wait_installed(
    bench: &Bench,
    wanted: usize,
    started: Instant,
) -> anyhow::Result<Option<Duration>> {
    let Some(daemon) = bench.daemon() else {
        return Ok(None);
    };
    loop {
        let fib = daemon.show(&["fib"])?;
        let number = |value: &serde_json::Value| value.as_u64().unwrap_or(0);
        let routes = number(&fib["routes"]["ipv4"]) + number(&fib["routes"]["ipv6"]);
        if routes >= wanted as u64 && fib["pending"] == 0 {
            return Ok(Some(started.elapsed()));
        }
        anyhow::ensure!(
            started.elapsed() < INSTALLED_WITHIN,
            "the maps hold {routes} of {wanted} prefixes: {fib}"
        );
        thread::sleep(POLL);
    }
}

fn connect(neighbour: &Neighbour) -> anyhow::Result<Speaker> {
    let (local, remote) = neighbour.session();
    let (asn, id): (Asn, _) = (neighbour.asn, neighbour.router_id());
    neighbour
        .node
        .run(move || Speaker::connect(local, remote, asn, id))
}
