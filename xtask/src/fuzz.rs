//! `cargo xtask fuzz`: the targets of tests/fuzz under libFuzzer, on the stable compiler. What cargo-fuzz
//! would set is set here: the compiler counts the edges it passes and libFuzzer looks for inputs that reach
//! new ones. Flags name the host as target, so that build scripts and macros stay uninstrumented.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::run::{capture, cargo, command, root, run};
use crate::watch::watch;

const INSTRUMENT: &str = "-Cpasses=sancov-module \
     -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
     -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cdebug-assertions --cfg fuzzing";
/// An input that takes longer, in seconds, is a finding.
const SLOW: u32 = 10;
/// A target that needs more memory, in MiB, is a finding.
const HUNGRY: u32 = 2048;
/// How much longer than asked a target may take to start and to end.
const GRACE: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How long each target runs
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// The targets; all when none is named
    targets: Vec<String>,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let all = targets()?;
    let chosen = if args.targets.is_empty() {
        all
    } else {
        for name in &args.targets {
            if !all.contains(name) {
                bail!("no fuzz target {name}; there are {}", all.join(", "));
            }
        }
        args.targets.clone()
    };
    let binaries = build()?;
    let mut failed = Vec::new();
    for name in &chosen {
        if let Err(error) = fuzz(&binaries, name, args.seconds) {
            eprintln!("{name}: {error:#}");
            failed.push(name.as_str());
        }
    }
    if !failed.is_empty() {
        bail!("{} found something", failed.join(", "));
    }
    crate::DONE
}

fn home() -> PathBuf {
    root().join("tests/fuzz")
}

/// The targets that tests/fuzz declares.
///
/// # Errors
/// When it declares none.
pub(crate) fn targets() -> Result<Vec<String>> {
    let manifest = home().join("Cargo.toml");
    let text = fs::read_to_string(&manifest)
        .with_context(|| format!("cannot read {}", manifest.display()))?;
    let names = binaries_of(&text);
    if names.is_empty() {
        bail!("{} declares no [[bin]]", manifest.display());
    }
    Ok(names)
}

/// Names of the `[[bin]]` sections of a manifest.
fn binaries_of(manifest: &str) -> Vec<String> {
    let sections = manifest.split("[[bin]]").skip(1);
    let name = |section: &str| {
        let own = section.split("\n[").next()?;
        let value = own
            .lines()
            .find_map(|line| line.trim().strip_prefix("name")?.trim().strip_prefix('='))?;
        Some(value.trim().trim_matches('"').to_owned())
    };
    sections.filter_map(name).collect()
}

/// Builds all targets, instrumented; returns the directory of the binaries.
///
/// # Errors
/// When the build fails.
pub(crate) fn build() -> Result<PathBuf> {
    let host = host()?;
    let mut build = cargo(&["build", "--release", "--bins", "--target", &host]);
    build
        .arg("--manifest-path")
        .arg(home().join("Cargo.toml"))
        .arg("--target-dir")
        .arg(home().join("target"))
        .env("RUSTFLAGS", INSTRUMENT);
    run(&mut build)?;
    Ok(home().join("target").join(host).join("release"))
}

fn host() -> Result<String> {
    let version = capture(command("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// Runs one target; what it finds interesting is kept in the corpus, what fails in the artifacts.
///
/// # Errors
/// When an input made the target fail.
pub(crate) fn fuzz(binaries: &Path, name: &str, seconds: u64) -> Result<()> {
    let corpus = home().join("corpus").join(name);
    let artifacts = home().join("artifacts").join(name);
    for directory in [&corpus, &artifacts] {
        fs::create_dir_all(directory)
            .with_context(|| format!("cannot create {}", directory.display()))?;
    }
    let mut target = Command::new(binaries.join(name));
    target
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={SLOW}"))
        .arg(format!("-rss_limit_mb={HUNGRY}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-print_final_stats=1", "-verbosity=1"])
        .arg(&corpus)
        .current_dir(home());
    let status = watch(&mut target, Duration::from_secs(seconds) + GRACE, |_| ())?;
    if !status.success() {
        bail!("{status}; the input lies in {}", artifacts.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_binaries_of_the_manifest() {
        let manifest = "[package]\nname = \"fuzz\"\n\n[[bin]]\nname = \"bgp_message\"\npath = \"a.rs\"\n\n\
                        [[bin]]\npath = \"b.rs\"\nname=\"bgp_update\"\n\n[profile.release]\nname = \"no\"\n";
        assert_eq!(binaries_of(manifest), ["bgp_message", "bgp_update"]);
        assert!(binaries_of("[package]\nname = \"fuzz\"\n").is_empty());
    }
}
