//! `cargo xtask`: everything around the code. Each command is one module; none of our crates is imported, so
//! this builds in seconds on a machine that has nothing but cargo.

#![expect(clippy::print_stdout, reason = "what a task has to say is its result")]

mod bench;
mod build;
mod demo;
mod fuzz;
mod load;
mod machine;
mod run;
mod setup;
mod test;
mod tidy;
mod watch;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Set up, build, show and test the router"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install or build what is missing; what is there is left alone
    Setup(setup::Args),
    /// Build the eBPF object and the release binary, and print where they are
    Build(build::Args),
    /// Build, and run the daemon on the named interfaces of this machine
    Load(load::Args),
    /// Show the router at work in network namespaces, in a minute
    Demo(demo::Args),
    /// Keep the demo's lab up and print how to look around
    Lab(demo::LabArgs),
    /// Run the test suites: all of them, or those named
    Test(test::Args),
    /// Check the invariants of the tree: sizes, imports, documents, map names, words
    Tidy(tidy::Args),
    /// Run the benchmarks; arguments go to the bench binary
    Bench(bench::Args),
    /// Fuzz the decoders
    Fuzz(fuzz::Args),
    /// What CI runs: every suite of `test`, formatting and lints first
    Ci,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Task::Setup(args) => setup::main(&args),
        Task::Build(args) => build::main(&args),
        Task::Load(args) => load::main(&args),
        Task::Demo(args) => demo::main(&args),
        Task::Lab(args) => demo::lab(&args),
        Task::Test(args) => test::main(&args),
        Task::Tidy(args) => tidy::main(&args),
        Task::Bench(args) => bench::main(&args),
        Task::Fuzz(args) => fuzz::main(&args),
        Task::Ci => test::main(&test::Args::default()),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What a command that has nothing more to say returns.
const DONE: Result<ExitCode> = Ok(ExitCode::SUCCESS);
