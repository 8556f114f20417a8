//! The command line. Everything that shows state asks the daemon's API: `--json` prints the body of the answer
//! as it came, and the tables are a rendering of the same body. Exit codes: 0 done, 1 failed, 2 usage or
//! validation, 3 daemon unreachable, 4 conflict.

mod args;
mod check;
mod client;
mod explain;
mod failure;
mod output;
mod reset;
mod show;
mod stats;
mod table;

use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::cli::args::{Cli, Command, Run, Unload};
use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, Paint, Style};
use crate::daemon;

/// Reads the arguments, runs the command, says what went wrong.
pub fn main() -> ExitCode {
    let outcome = execute(Cli::parse());
    let Err(failure) = outcome else {
        return ExitCode::SUCCESS;
    };
    if let Some(message) = failure.message() {
        let word = Style::of_stderr().paint("error:", Paint::Bad);
        // There is no one to tell when even this cannot be written.
        let _unwritable = writeln!(io::stderr(), "{word} {message}").is_err();
    }
    failure.exit_code()
}

fn execute(cli: Cli) -> Result<(), Failure> {
    let Cli { socket, command } = cli;
    match command {
        Command::Run(Run { config, bpffs }) => Ok(daemon::run(daemon::Options {
            config_path: config,
            socket,
            bpffs: bpffs.path,
        })?),
        Command::Check(check) => check::check(&check),
        Command::Show(show) => {
            let mut out = Output::paged();
            let style = out.style;
            show::show(&Client::new(&socket)?, &show, &mut out, style)?;
            Ok(out.finish()?)
        }
        Command::Explain(explain) => {
            let mut out = Output::paged();
            let style = out.style;
            explain::explain(&Client::new(&socket)?, &explain, &mut out, style)?;
            Ok(out.finish()?)
        }
        Command::Reset(reset) => {
            let mut out = Output::direct();
            reset::reset(&Client::new(&socket)?, &reset, &mut out)?;
            Ok(out.finish()?)
        }
        Command::Stats(stats) => {
            let mut out = if stats.watch {
                Output::direct()
            } else {
                Output::paged()
            };
            let screen = stats::Screen {
                style: out.style,
                clear: stats.watch && io::stdout().is_terminal(),
            };
            stats::stats(&Client::new(&socket)?, &stats, &mut out, screen)?;
            Ok(out.finish()?)
        }
        Command::Unload(unload) => self::unload(&unload),
        Command::Completions { shell } => {
            let mut out = Output::direct();
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "router-ctl", &mut script);
            out.write_all(&script)?;
            Ok(out.finish()?)
        }
    }
}

fn unload(unload: &Unload) -> Result<(), Failure> {
    let bpffs = &unload.bpffs.path;
    if !unload.yes {
        if !io::stdin().is_terminal() {
            let message = "unload asks before it acts, and nobody can answer here; add --yes";
            return Err(Failure::Refused(message.to_owned()));
        }
        let mut stderr = io::stderr();
        writeln!(
            stderr,
            "This detaches the XDP programs of {} and removes their maps. Packets that they forward \
             go through the kernel from then on, if it has routes for them.",
            bpffs.display()
        )?;
        write!(stderr, "Continue? [y/N] ")?;
        stderr.flush()?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Err(Failure::Failed("nothing was done".to_owned()));
        }
    }
    Ok(daemon::unload(bpffs)?)
}

#[cfg(test)]
mod tests;
