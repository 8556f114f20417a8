//! ExaBGP in a node: it has no table, announces whatever it is told to, and writes down what it hears.
//!
//! Commands go to it through a shell that it starts itself and reads from; what it receives it writes, one JSON
//! object a line, to the same shell.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;

use super::program;
use crate::{Node, Process, wait};

const STOP_DEADLINE: Duration = Duration::from_secs(10);

pub struct ExaBgp {
    process: Process,
    /// Open as long as it runs: the shell's end of the pipe must not close.
    commands: File,
    received: PathBuf,
}

impl ExaBgp {
    /// Starts it with these neighbours: the lines inside of each `neighbor <address> { … }`.
    pub fn start(node: &Node, neighbors: &[(&str, &str)]) -> Result<Self> {
        let directory = node.directory().join("exabgp");
        fs::create_dir_all(&directory)?;
        let (config, script) = (directory.join("exabgp.conf"), directory.join("api.sh"));
        let (pipe, received) = (directory.join("commands"), directory.join("received"));
        fs::remove_file(&pipe).ok();
        mkfifo(&pipe, Mode::S_IRUSR | Mode::S_IWUSR)?;
        fs::write(&received, "")?;
        fs::write(
            &script,
            format!(
                "exec 3<&0\ncat <&3 >>{} &\nexec cat {}\n",
                received.display(),
                pipe.display()
            ),
        )?;
        let mut text = format!(
            "process lab {{ run /bin/sh {}; encoder json; }}\n",
            script.display()
        );
        for (address, lines) in neighbors {
            text += &format!(
                "neighbor {address} {{\n{lines}\n  api {{ processes [ lab ]; neighbor-changes; \
                 receive {{ parsed; update; notification; }} }}\n}}\n"
            );
        }
        fs::write(&config, text)?;
        let mut command = Command::new(program("/usr/sbin/exabgp", "exabgp")?);
        command
            .env("exabgp.daemon.user", "root")
            .env("exabgp.api.ack", "false")
            .env("exabgp.api.cli", "false")
            .env("exabgp.log.destination", "stdout")
            .arg(&config);
        let process = node.spawn("exabgp", command)?;
        // Opening both ways does not wait for the other end.
        let commands = File::options().read(true).write(true).open(&pipe)?;
        Ok(Self {
            process,
            commands,
            received,
        })
    }

    /// One line of ExaBGP's API: `neighbor 10.0.0.1 announce route 198.51.100.0/24 next-hop 10.0.0.2`.
    pub fn say(&mut self, command: &str) -> Result<()> {
        writeln!(self.commands, "{command}").context("telling ExaBGP")
    }

    /// All that it has reported, in order.
    pub fn received(&self) -> Vec<Value> {
        let text = fs::read_to_string(&self.received).unwrap_or_default();
        let lines = text.lines();
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// "up", "connected" or "down", as it last said of this neighbour.
    pub fn session_state(&self, neighbour: &str) -> Option<String> {
        let mut states = self.received().into_iter().filter(|report| {
            report["type"] == "state" && report["neighbor"]["address"]["peer"] == neighbour
        });
        let last = states.next_back()?;
        Some(last["neighbor"]["state"].as_str()?.to_owned())
    }

    pub fn wait_established(&mut self, neighbour: &str, deadline: Duration) -> Result<()> {
        let what = format!("ExaBGP's session with {neighbour} to be up");
        let up = wait::try_until(&what, deadline, || {
            let ended = !self.process.is_running();
            (ended || self.session_state(neighbour)? == "up").then_some(ended)
        });
        match up {
            Ok(false) => Ok(()),
            Ok(true) => anyhow::bail!("ExaBGP ended:\n{}", self.log()),
            Err(error) => Err(error.context(self.log())),
        }
    }

    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.process.stop(STOP_DEADLINE)
    }

    /// SIGKILL: the TCP sessions end without a NOTIFICATION.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    pub fn log(&self) -> String {
        self.process.log()
    }
}
