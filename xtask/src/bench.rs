//! `cargo xtask bench`: set up, build, and become the bench binary of the tests, which says what it measures.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::build;
use crate::run::{become_command, cargo, run, search_path};
use crate::setup::{self, Part};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Arguments of the bench binary; `--help` after `--` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    setup::require(&[Part::Toolchain, Part::Host, Part::Peers])?;
    run(&mut cargo(&[
        "build",
        "--release",
        "--package=router-ctl",
        "--package=router-tests",
        "--bin=router-ctl",
        "--bin=bench",
    ]))?;
    let mut bench = Command::new(build::release("bench")?);
    bench
        .args(&args.rest)
        .env("ROUTER_CTL", build::release("router-ctl")?)
        .env("PATH", search_path(None));
    Err(become_command(&mut bench))
}
