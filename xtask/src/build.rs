//! `cargo xtask build`: the eBPF object and the release binary. The object is built by the build script of
//! router-ctl, which embeds it, so that `cargo build` alone gives the same binary.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::run::{cargo, run, target};
use crate::setup::{self, Part};

/// Where the build script of router-ctl leaves the object before it embeds it, below the target directory.
const OBJECT: &str = "bpf/bpfel-unknown-none/release/router";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Log each packet's verdict through aya-log: for a look at single packets, never for traffic
    #[arg(long)]
    trace: bool,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let binary = router_ctl(args.trace)?;
    println!("{}", binary.display());
    println!("{}", target()?.join(OBJECT).display());
    crate::DONE
}

/// Builds the release binary and returns its path.
///
/// # Errors
/// When the toolchain cannot be had or the build fails.
pub(crate) fn router_ctl(trace: bool) -> Result<PathBuf> {
    setup::require(&[Part::Toolchain])?;
    let mut build = cargo(&["build", "--release", "--package", "router-ctl"]);
    if trace {
        build.env("ROUTER_EBPF_FEATURES", "trace");
    }
    run(&mut build)?;
    release("router-ctl")
}

/// Where a release binary of the workspace lies.
///
/// # Errors
/// When it is not there.
pub(crate) fn release(name: &str) -> Result<PathBuf> {
    let path = target()?.join("release").join(name);
    path.metadata()
        .with_context(|| format!("{} was not built", path.display()))?;
    Ok(path)
}
