//! `cargo xtask setup`: makes sure that everything is there, and touches nothing that is.
//!
//! Every step says what must be there, looks, and only if it is missing makes it and looks again. A step that
//! cannot be done fails with the reason and with what to do about it; the steps of other parts still run, so
//! that one unreachable package does not hide the rest.

mod apt;
mod host;
mod peers;
mod toolchain;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::run::clock;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only what building needs: the BPF toolchain
    #[arg(long)]
    bpf: bool,
    /// Report what is there and what is missing; change nothing
    #[arg(long)]
    check: bool,
}

/// What a task may need of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What turns router-ebpf into an object.
    Toolchain,
    /// Formatter and lints.
    Lints,
    /// Root, a kernel that is new enough, bpffs.
    Host,
    /// The other BGP daemons and tools that tests use.
    Peers,
}

impl Part {
    pub(crate) const ALL: &'static [Self] =
        &[Self::Toolchain, Self::Lints, Self::Host, Self::Peers];

    fn name(self) -> &'static str {
        match self {
            Self::Toolchain => "toolchain",
            Self::Lints => "lints",
            Self::Host => "host",
            Self::Peers => "peers",
        }
    }

    fn steps(self) -> Vec<Step> {
        match self {
            Self::Toolchain => toolchain::bpf_steps(),
            Self::Lints => toolchain::lint_steps(),
            Self::Host => host::steps(),
            Self::Peers => peers::steps(),
        }
    }
}

/// One thing that must be there.
struct Step {
    /// What it is, as a noun.
    name: &'static str,
    look: fn() -> State,
    /// Makes it; on success `look` finds it.
    make: fn() -> Result<()>,
    /// How long making it takes.
    takes: &'static str,
    /// What the user can do when it cannot be made.
    remedy: &'static str,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// There; the text says which.
    Present(String),
    /// Not there; the text says what is missing.
    Missing(String),
}

impl State {
    /// From a list of what is missing.
    fn lacking(missing: &[&str], all: &str) -> Self {
        if missing.is_empty() {
            Self::Present(all.to_owned())
        } else {
            Self::Missing(missing.join(" "))
        }
    }
}

/// A part that is not there, and why.
#[derive(Clone, Debug)]
pub(crate) struct Lack {
    pub(crate) part: Part,
    pub(crate) reason: String,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let parts: &[Part] = if args.bpf {
        &[Part::Toolchain]
    } else {
        Part::ALL
    };
    let lacks = if args.check {
        parts.iter().flat_map(|&part| report(part)).collect()
    } else {
        provide(parts)
    };
    fail_on(&lacks)?;
    crate::DONE
}

/// Provides the parts, or fails with what could not be had.
///
/// # Errors
/// When a step of any of them cannot be done.
pub(crate) fn require(parts: &[Part]) -> Result<()> {
    fail_on(&provide(parts))
}

fn fail_on(lacks: &[Lack]) -> Result<()> {
    if lacks.is_empty() {
        return Ok(());
    }
    let reasons: Vec<_> = lacks.iter().map(|lack| lack.reason.as_str()).collect();
    bail!("setup is not complete:\n  {}", reasons.join("\n  "))
}

/// Does every step of the parts that is not done yet. A failed step ends its part.
pub(crate) fn provide(parts: &[Part]) -> Vec<Lack> {
    let first_failure = |part: Part| {
        part.steps().iter().find_map(|step| {
            let error = provide_step(part, step).err()?;
            let reason = format!("{}: {error:#}; {}", step.name, step.remedy);
            say(part, &format!("{}: FAILED", step.name));
            Some(Lack { part, reason })
        })
    };
    parts
        .iter()
        .filter_map(|&part| first_failure(part))
        .collect()
}

fn provide_step(part: Part, step: &Step) -> Result<()> {
    let missing = match (step.look)() {
        State::Present(what) => {
            say(part, &format!("{}: {what}", step.name));
            return Ok(());
        }
        State::Missing(what) => what,
    };
    say(
        part,
        &format!("{}: missing {missing}; takes {}", step.name, step.takes),
    );
    let started = Instant::now();
    (step.make)()?;
    if let State::Missing(what) = (step.look)() {
        bail!("still missing {what}");
    }
    say(
        part,
        &format!("{}: done in {}", step.name, clock(started.elapsed())),
    );
    Ok(())
}

/// Says what is there and what is not; returns what is not.
fn report(part: Part) -> Vec<Lack> {
    let look = |step: &Step| match (step.look)() {
        State::Present(what) => {
            say(part, &format!("{}: {what}", step.name));
            None
        }
        State::Missing(what) => {
            say(part, &format!("{}: missing {what}", step.name));
            let reason = format!("{}: missing {what}", step.name);
            Some(Lack { part, reason })
        }
    };
    part.steps().iter().filter_map(look).collect()
}

fn say(part: Part, text: &str) {
    eprintln!("setup {:<9} {text}", part.name());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(look: fn() -> State, make: fn() -> Result<()>) -> Step {
        Step {
            name: "a thing",
            look,
            make,
            takes: "no time",
            remedy: "do it by hand",
        }
    }

    fn there() -> State {
        State::Present("here".into())
    }

    fn missing() -> State {
        State::Missing("all of it".into())
    }

    #[test]
    fn what_is_there_is_left_alone() {
        let step = step(there, || bail!("touched"));
        assert!(provide_step(Part::Host, &step).is_ok());
    }

    #[test]
    fn a_step_that_changes_nothing_has_failed() {
        let step = step(missing, || Ok(()));
        let error = provide_step(Part::Host, &step).unwrap_err();
        assert_eq!(error.to_string(), "still missing all of it");
    }

    #[test]
    fn a_list_without_gaps_is_present() {
        assert_eq!(State::lacking(&[], "a b"), State::Present("a b".into()));
        assert_eq!(
            State::lacking(&["b", "c"], "a b c"),
            State::Missing("b c".into())
        );
    }
}
