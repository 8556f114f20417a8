//! `cargo xtask test`: sets up, builds once, and runs the suites of [`suites`] in order. A suite that fails
//! does not stop those behind it; one that cannot run has failed, with the reason; one that ran no test has
//! failed too. The last line adds up everything: `N passed, N failed`.
//!
//! Everything is built in the development profile: the daemon under test has its overflow checks and debug
//! assertions on, and the workspace is compiled once for all suites. The eBPF object is a release build
//! whatever the profile. Tests find the daemon by the variable `ROUTER_CTL`.

mod suites;
mod tally;

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::run::{cargo, clock, root, run, target};
use crate::setup::{self, Lack, Part};
use crate::watch::watch;
use crate::{fuzz, tidy};
use suites::{Runs, Suite, Tests};
use tally::Tally;

/// How long a formatter or lint may take, with all that it compiles.
const CHECK_LIMIT: Duration = Duration::from_secs(15 * 60);

#[derive(clap::Args, Default)]
pub(crate) struct Args {
    /// The suites; all when none is named
    suites: Vec<String>,
    /// List the suites and what each is
    #[arg(long)]
    list: bool,
    /// After `--`: run only tests whose names contain one of these
    #[arg(last = true)]
    filters: Vec<String>,
}

/// How a suite ended.
struct Outcome {
    suite: &'static Suite,
    tally: Tally,
    /// Why it failed, when the counts do not say it.
    reason: Option<String>,
    took: Duration,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    if args.list {
        for suite in suites::ALL {
            println!("{:<10} {}", suite.name, suite.title);
        }
        return crate::DONE;
    }
    let chosen = choose(&args.suites)?;
    let mut parts: Vec<Part> = Vec::new();
    for part in chosen.iter().flat_map(|suite| suite.needs) {
        if !parts.contains(part) {
            parts.push(*part);
        }
    }
    let lacks = setup::provide(&parts);
    let mut bench = Bench {
        lacks,
        build: None,
        filters: &args.filters,
    };
    let outcomes: Vec<_> = chosen.into_iter().map(|suite| bench.run(suite)).collect();
    Ok(conclude(&outcomes))
}

/// Whether there is a suite of this name.
pub(crate) fn has_suite(name: &str) -> bool {
    suites::ALL.iter().any(|suite| suite.name == name)
}

fn choose(names: &[String]) -> Result<Vec<&'static Suite>> {
    if let Some(unknown) = names.iter().find(|name| !has_suite(name)) {
        let all: Vec<_> = suites::ALL.iter().map(|suite| suite.name).collect();
        bail!("no suite {unknown}; there are {}", all.join(", "));
    }
    let wanted = |suite: &&Suite| names.is_empty() || names.iter().any(|name| name == suite.name);
    Ok(suites::ALL.iter().filter(wanted).collect())
}

/// What the suites run on.
struct Bench<'a> {
    lacks: Vec<Lack>,
    /// Whether the workspace was built, once that was tried.
    build: Option<Result<(), String>>,
    filters: &'a [String],
}

impl Bench<'_> {
    fn run(&mut self, suite: &'static Suite) -> Outcome {
        println!("\n=== {}: {}", suite.name, suite.title);
        let started = Instant::now();
        let mut tally = Tally::default();
        let result = self.attempt(suite, &mut tally);
        let reason = verdict(result, &mut tally);
        if let Some(reason) = &reason {
            println!("{}: {reason}", suite.name);
        }
        Outcome {
            suite,
            tally,
            reason,
            took: started.elapsed(),
        }
    }

    fn attempt(&mut self, suite: &Suite, tally: &mut Tally) -> Result<()> {
        let lacking = |lack: &&Lack| suite.needs.contains(&lack.part);
        if let Some(lack) = self.lacks.iter().find(lacking) {
            bail!("cannot run: {}", lack.reason);
        }
        match &suite.runs {
            Runs::Checks => checks(tally),
            Runs::Tests(tests) => {
                self.build()?;
                run_tests(tests, self.filters, tally)
            }
            Runs::Fuzz { seconds } => fuzz_smoke(*seconds, tally),
        }
    }

    /// Builds daemon and tests, once for all suites.
    fn build(&mut self) -> Result<()> {
        let built = self.build.get_or_insert_with(|| {
            run(&mut cargo(&[
                "build",
                "--workspace",
                "--lib",
                "--bins",
                "--tests",
            ]))
            .map_err(|error| format!("cannot run: the workspace does not build: {error:#}"))
        });
        built.clone().map_err(anyhow::Error::msg)
    }
}

/// The reason why a suite failed, if it did and the counts alone do not say it. A suite that failed has at
/// least one failure in its counts.
fn verdict(result: Result<()>, tally: &mut Tally) -> Option<String> {
    let reason = match result {
        Err(error) => Some(format!("{error:#}")),
        Ok(()) if tally.ran() == 0 => Some("ran no test".to_owned()),
        Ok(()) if tally.ignored > 0 => Some(format!("{} tests are switched off", tally.ignored)),
        Ok(()) => None,
    };
    if reason.is_some() && tally.failed == 0 {
        *tally += Tally::FAILED;
    }
    reason
}

fn run_tests(tests: &Tests, filters: &[String], tally: &mut Tally) -> Result<()> {
    let mut command = cargo(&["test", "--workspace", "--no-fail-fast"]);
    command
        .args(tests.targets)
        .arg("--")
        .args(tests.arguments)
        .args(filters)
        .env("ROUTER_CTL", target()?.join("debug/router-ctl"));
    let mut error = None;
    let status = watch(&mut command, tests.limit, |line| {
        if let Some(counts) = Tally::from_line(line) {
            *tally += counts;
        } else if error.is_none() && line.starts_with("error") {
            error = Some(line.to_owned());
        }
    })?;
    if !status.success() && tally.failed == 0 {
        bail!("{}", error.unwrap_or_else(|| status.to_string()));
    }
    Ok(())
}

/// Each of these counts as one test.
fn checks(tally: &mut Tally) -> Result<()> {
    let fuzz = root().join("tests/fuzz/Cargo.toml");
    let mut failed = Vec::new();
    let mut note = |name: &'static str, passed: Result<bool>| -> Result<()> {
        if passed? {
            *tally += Tally::PASSED;
        } else {
            *tally += Tally::FAILED;
            failed.push(name);
        }
        Ok(())
    };
    let passes = |command: &mut Command| Ok(watch(command, CHECK_LIMIT, |_| ())?.success());

    note("tidy", tidy::passes(root()))?;
    note("fmt", passes(&mut cargo(&["fmt", "--all", "--check"])))?;
    let mut fuzz_fmt = cargo(&["fmt", "--check", "--manifest-path"]);
    note("fmt of the fuzz targets", passes(fuzz_fmt.arg(fuzz)))?;
    let whole = ["--workspace", "--all-targets"];
    note("clippy", passes(&mut clippy(&whole)))?;
    let protocols = [
        "--package=router-ctl",
        "--no-default-features",
        "--all-targets",
    ];
    note("clippy without eBPF", passes(&mut clippy(&protocols)))?;

    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn clippy(selection: &[&str]) -> Command {
    let mut clippy = cargo(&["clippy"]);
    clippy.args(selection).args(["--", "--deny=warnings"]);
    clippy
}

/// Each target counts as one test.
fn fuzz_smoke(seconds: u64, tally: &mut Tally) -> Result<()> {
    let targets = fuzz::targets()?;
    let binaries = fuzz::build().context("the targets do not build")?;
    let mut failed = Vec::new();
    for name in &targets {
        match fuzz::fuzz(Path::new(&binaries), name, seconds) {
            Ok(()) => *tally += Tally::PASSED,
            Err(error) => {
                *tally += Tally::FAILED;
                failed.push(format!("{name}: {error:#}"));
            }
        }
    }
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(())
}

/// Prints the table and the closing line.
fn conclude(outcomes: &[Outcome]) -> ExitCode {
    println!(
        "\n{:<12}{:>8}{:>8}{:>8}",
        "suite", "passed", "failed", "time"
    );
    let mut total = Tally::default();
    for Outcome {
        suite,
        tally,
        reason,
        took,
    } in outcomes
    {
        let took = clock(*took);
        let (passed, failed) = (tally.passed, tally.failed);
        let reason = reason.as_deref().unwrap_or_default();
        let row = format!(
            "{:<12}{passed:>8}{failed:>8}{took:>8}  {reason}",
            suite.name
        );
        println!("{}", row.trim_end());
        total += *tally;
    }
    println!("\n{} passed, {} failed", total.passed, total.failed);
    ExitCode::from(u8::from(total.failed > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(result: Result<()>, before: Tally, reason: Option<&str>, failed: u64) {
        let mut tally = before;
        assert_eq!(verdict(result, &mut tally).as_deref(), reason);
        assert_eq!(tally.failed, failed);
    }

    #[test]
    fn a_suite_that_ran_no_test_or_could_not_run_has_failed() {
        let none = Tally::default();
        check(Ok(()), Tally::PASSED, None, 0);
        check(Ok(()), Tally::FAILED, None, 1);
        check(Ok(()), none, Some("ran no test"), 1);
        check(Err(anyhow::anyhow!("no root")), none, Some("no root"), 1);
        check(Err(anyhow::anyhow!("late")), Tally::FAILED, Some("late"), 1);
    }

    #[test]
    fn a_suite_with_tests_switched_off_has_failed() {
        let tally = Tally {
            passed: 3,
            failed: 0,
            ignored: 2,
        };
        check(Ok(()), tally, Some("2 tests are switched off"), 1);
    }

    #[test]
    fn suites_have_distinct_names_and_run_in_the_order_of_the_table() {
        let mut names: Vec<_> = suites::ALL.iter().map(|suite| suite.name).collect();
        let chosen = choose(&["fuzz".into(), "unit".into()]).unwrap();
        assert_eq!(
            chosen.iter().map(|suite| suite.name).collect::<Vec<_>>(),
            ["unit", "fuzz"]
        );
        assert!(choose(&["unknown".into()]).is_err());
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), suites::ALL.len());
    }
}
