//! `cargo xtask demo`: the router at work, in network namespaces, within a minute.
//!
//! Two upstreams and four anycast nodes around one router that forwards in XDP. Traffic of thousands of flows comes
//! in from one upstream while a node is taken away and brought back and the router is restarted. Every number that is
//! told is measured in this run; the exit code is 0 only if the router kept its promises: no flow moved that
//! had no reason to, and no packet was lost but those on their way to what was just taken away.

mod facts;
mod flows;
mod interrupt;
mod keep;
mod ledger;
mod network;
mod play;
mod router;
mod screen;
mod speaker;
mod stage;
mod summary;
mod traffic;
mod view;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::facts::Facts;
use crate::play::Play;
use crate::speaker::Implementation;
use crate::stage::{Output, Stage};

#[derive(Parser)]
#[command(about = "Shows the router at work in network namespaces")]
struct Args {
    /// Who speaks BGP with the router
    #[arg(long, value_enum, default_value_t = Implementation::Own)]
    peers: Implementation,
    /// End with the summary as one line of JSON; progress goes to standard error
    #[arg(long)]
    json: bool,
    /// Leave the lab up, and print how to look around
    #[arg(long)]
    keep: bool,
    /// Take away a lab that was left up, and do nothing else
    #[arg(long, value_name = "LAB", exclusive = true)]
    remove: Option<String>,
}

/// As a shell tells that SIGINT ended a program.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.remove {
        Some(lab) => keep::remove(lab).map(|()| true),
        None => interrupt::watch().and_then(|()| show(&args)),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) if interrupt::requested() => ExitCode::from(INTERRUPTED),
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the router kept its promises.
fn show(args: &Args) -> Result<bool> {
    let output = if args.json {
        Output::Machine
    } else {
        Output::People
    };
    let stage = Stage::open(output, args.peers.name());
    let mut facts = Facts {
        peers: args.peers.name(),
        ..Facts::default()
    };
    let mut instructions = None;
    let outcome = perform(args, &stage, &mut facts, &mut instructions);
    facts.elapsed = stage.elapsed();
    let error = outcome.err().map(|error| match interrupt::requested() {
        true => interrupt::Interrupted.to_string(),
        false => format!("{error:#}"),
    });
    if let Some(error) = &error {
        stage.failed(error);
    }
    stage.close();

    let mut stdout = io::stdout();
    if args.json {
        if let Some(instructions) = &instructions {
            eprintln!("{instructions}");
        }
        writeln!(stdout, "{}", facts.json(error.as_deref()))?;
    } else {
        writeln!(stdout, "\n{}", summary::text(&facts, error.as_deref()))?;
        if let Some(instructions) = &instructions {
            writeln!(stdout, "\n{instructions}")?;
        }
    }
    Ok(error.is_none() && facts.broken().is_empty())
}

/// The lab is gone when this returns, unless it is to be kept.
fn perform(
    args: &Args,
    stage: &Stage,
    facts: &mut Facts,
    instructions: &mut Option<String>,
) -> Result<()> {
    let mut play = Play::open(args.peers, stage)?;
    let performed = play.perform(facts);
    if args.keep && !interrupt::requested() {
        *instructions = Some(keep::keep(&play)?);
    }
    let closed = play.close(facts);
    performed.and(closed)
}
