//! BIRD 2 in a node, asked over its control socket.
//!
//! The control protocol (doc/reply_codes in BIRD's sources): a command is one line; an answer is lines
//! `NNNN-text` and ` text`, ended by `NNNN text`. Codes from 8000 on are errors.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;

use super::program;
use crate::{Node, Process, wait};

const START_DEADLINE: Duration = Duration::from_secs(10);
const STOP_DEADLINE: Duration = Duration::from_secs(10);
const FIRST_ERROR: u16 = 8000;

pub struct Bird {
    process: Process,
    socket: PathBuf,
    config: PathBuf,
}

impl Bird {
    /// Starts BIRD with this configuration and waits until it answers.
    pub fn start(node: &Node, config: &str) -> Result<Self> {
        Self::start_with(node, config, &[])
    }

    /// The same with more options of `bird`: `-R` for one that comes back from a graceful restart.
    pub fn start_with(node: &Node, config: &str, options: &[&str]) -> Result<Self> {
        let directory = node.directory();
        let config_file = directory.join("bird.conf");
        let socket = directory.join("bird.ctl");
        fs::write(&config_file, config)?;
        let mut command = Command::new(program("/usr/sbin/bird", "bird2")?);
        command
            .arg("-f")
            .arg("-c")
            .arg(&config_file)
            .arg("-s")
            .arg(&socket)
            .arg("-P")
            .arg(directory.join("bird.pid"))
            .args(options);
        let process = node.spawn("bird", command)?;
        let mut bird = Self {
            process,
            socket,
            config: config_file,
        };
        let what = format!("BIRD in {} to answer", node.name());
        wait::try_until(&what, START_DEADLINE, || {
            if let Some(status) = bird.process.exit_status() {
                return Some(Err(status));
            }
            bird.query("show status").ok().map(Ok)
        })?
        .map_or_else(
            |status| bail!("BIRD ended with {status}:\n{}", bird.log()),
            |_| Ok(()),
        )?;
        Ok(bird)
    }

    /// One command of `birdc`; returns the answer without the reply codes.
    pub fn query(&self, command: &str) -> Result<String> {
        let mut stream = UnixStream::connect(&self.socket)
            .with_context(|| format!("connecting to {}", self.socket.display()))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        read_answer(&mut reader).context("BIRD's greeting")?;
        writeln!(stream, "{command}")?;
        read_answer(&mut reader).with_context(|| format!("asking BIRD: {command}"))
    }

    /// The state of a BGP session as `show protocols` tells it: "Established", "Active", "Idle"…
    pub fn session_state(&self, protocol: &str) -> Result<String> {
        let answer = self.query(&format!("show protocols {protocol}"))?;
        let line = answer
            .lines()
            .find(|line| line.split_whitespace().next() == Some(protocol))
            .with_context(|| format!("BIRD has no protocol {protocol}"))?;
        // Name, Proto, Table, State, Since, Info; Since is one word under `timeformat … iso short ms`.
        Ok(line
            .split_whitespace()
            .nth(5)
            .unwrap_or_default()
            .to_owned())
    }

    pub fn wait_established(&self, protocol: &str, deadline: Duration) -> Result<()> {
        let what = format!("BIRD's session {protocol} to be established");
        wait::try_until(&what, deadline, || {
            let state = self.session_state(protocol).ok()?;
            (state == "Established").then_some(())
        })
        .with_context(|| self.query("show protocols all").unwrap_or_default())
    }

    /// Number of routes in a table, best and others: `route_count("master4")`.
    pub fn route_count(&self, table: &str) -> Result<u64> {
        let answer = self.query(&format!("show route table {table} count"))?;
        // "N of N routes for N networks in table master4"
        let first = answer.split_whitespace().next().unwrap_or_default();
        first
            .parse()
            .with_context(|| format!("BIRD counted: {answer}"))
    }

    /// Replaces the configuration of the running daemon.
    pub fn reconfigure(&self, config: &str) -> Result<()> {
        fs::write(&self.config, config)?;
        self.query("configure").map(|_| ())
    }

    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.process.stop(STOP_DEADLINE)
    }

    /// SIGKILL: the TCP sessions end without a NOTIFICATION.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// SIGSTOP: connections stay, and nothing comes over them.
    pub fn freeze(&mut self) -> Result<()> {
        self.process.signal(Signal::SIGSTOP)
    }

    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    pub fn log(&self) -> String {
        self.process.log()
    }
}

fn read_answer(reader: &mut impl BufRead) -> Result<String> {
    let mut answer = String::new();
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            bail!("BIRD closed its control socket");
        }
        let text = line.trim_end_matches('\n');
        // A line without a code carries on the one before.
        if let Some(more) = text.strip_prefix(' ') {
            answer.push_str(more);
            answer.push('\n');
            continue;
        }
        let code: u16 = text
            .get(..4)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0);
        answer.push_str(text.get(5..).unwrap_or_default());
        answer.push('\n');
        match text.as_bytes().get(4) {
            Some(b'-') => {}
            _ if code >= FIRST_ERROR => bail!("{}", answer.trim_end()),
            _ => return Ok(answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_several_lines_loses_its_codes() {
        let text = "2002-Name State\n1002-up1 up\n up2 up\n0000 \n";
        let answer = read_answer(&mut text.as_bytes()).unwrap();
        assert_eq!(answer, "Name State\nup1 up\nup2 up\n\n");
    }

    #[test]
    fn an_error_code_is_an_error() {
        let answer = read_answer(&mut "9001 syntax error\n".as_bytes());
        assert_eq!(answer.unwrap_err().to_string(), "syntax error");
    }
}
