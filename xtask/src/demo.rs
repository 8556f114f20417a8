//! `cargo xtask demo` and `cargo xtask lab`: set up, build, and become the demo binary of the tests.

use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::build;
use crate::run::{become_command, cargo, run, search_path};
use crate::setup::{self, Part};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// End with the summary as one line of JSON
    #[arg(long)]
    json: bool,
    /// Leave the lab up, and print how to look around
    #[arg(long)]
    keep: bool,
    /// Who speaks BGP with the router
    #[arg(long, value_enum, default_value_t = Peers::Own)]
    peers: Peers,
}

#[derive(clap::Args)]
pub(crate) struct LabArgs {
    /// Who speaks BGP with the router
    #[arg(long, value_enum, default_value_t = Peers::Own)]
    peers: Peers,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Peers {
    /// The router's own speaker
    #[value(name = "self")]
    Own,
    /// BIRD 2
    Bird,
    /// FRR
    Frr,
}

impl Peers {
    fn word(self) -> &'static str {
        match self {
            Self::Own => "self",
            Self::Bird => "bird",
            Self::Frr => "frr",
        }
    }
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    let mut parts = vec![Part::Toolchain, Part::Host];
    if args.peers != Peers::Own {
        parts.push(Part::Peers);
    }
    setup::require(&parts)?;
    // One build of both, so that what they share is compiled once.
    run(&mut cargo(&[
        "build",
        "--release",
        "--package=router-ctl",
        "--package=router-tests",
        "--bin=router-ctl",
        "--bin=demo",
    ]))?;
    let mut demo = Command::new(build::release("demo")?);
    demo.args(["--peers", args.peers.word()]);
    demo.args(args.json.then_some("--json"));
    demo.args(args.keep.then_some("--keep"));
    demo.env("ROUTER_CTL", build::release("router-ctl")?)
        .env("PATH", search_path(None));
    Err(become_command(&mut demo))
}

pub(crate) fn lab(args: &LabArgs) -> Result<ExitCode> {
    main(&Args {
        json: false,
        keep: true,
        peers: args.peers,
    })
}
