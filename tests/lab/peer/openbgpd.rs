//! OpenBGPD in a node, asked by `bgpctl` over a socket of its own.
//!
//! Its daemon has the name of FRR's; Debian keeps it in `/usr/sbin`, FRR's in `/usr/lib/frr`. One process owns three
//! more, which drop root and change into the home of their user: it must be there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::program;
use crate::{Node, Process, wait};

const START_DEADLINE: Duration = Duration::from_secs(15);
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// The home of the user `_openbgpd`.
const HOME: &str = "/run/openbgpd";

pub struct OpenBgpd {
    node: Node,
    process: Process,
    socket: PathBuf,
    config: PathBuf,
}

impl OpenBgpd {
    /// Starts bgpd with this configuration and waits until it answers.
    pub fn start(node: &Node, config: &str) -> Result<Self> {
        ensure!(
            Path::new(HOME).is_dir(),
            "{HOME} is missing; run: cargo xtask setup"
        );
        let config_file = node.directory().join("openbgpd.conf");
        let socket = node.directory().join("openbgpd.sock");
        let bgpd = program("/usr/sbin/bgpd", "openbgpd")?;
        write(&config_file, config, &socket)?;
        // bgpctl's connection to what a killed daemon left behind would be refused, and the daemon takes it over.
        fs::remove_file(&socket).ok();
        let mut command = Command::new(bgpd);
        command.arg("-d").arg("-f").arg(&config_file);
        let process = node.spawn("openbgpd", command)?;
        let mut daemon = Self {
            node: node.clone(),
            process,
            socket,
            config: config_file,
        };
        let what = format!("OpenBGPD in {} to answer", node.name());
        let started = wait::try_until(&what, START_DEADLINE, || {
            if let Some(status) = daemon.process.exit_status() {
                return Some(Err(status));
            }
            daemon.json(&["show", "neighbor"]).ok().map(Ok)
        });
        match started {
            Ok(Ok(_)) => Ok(daemon),
            Ok(Err(status)) => bail!("OpenBGPD ended with {status}:\n{}", daemon.log()),
            Err(error) => Err(error.context(daemon.log())),
        }
    }

    /// One command of bgpctl, as text.
    pub fn query(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(program("/usr/sbin/bgpctl", "openbgpd")?);
        command.arg("-s").arg(&self.socket).args(arguments);
        let output = self.node.output(command)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!(
                "bgpctl {arguments:?} ended with {}: {text}{errors}",
                output.status
            );
        }
        Ok(text)
    }

    /// One command of bgpctl with its answer in JSON.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.query(&[&["-j"], arguments].concat())?;
        serde_json::from_str(&text)
            .with_context(|| format!("OpenBGPD answered {arguments:?} with: {text}"))
    }

    /// The paths to exactly this prefix.
    pub fn paths(&self, prefix: &str) -> Result<Vec<Value>> {
        let answer = self.json(&["show", "rib", "detail", prefix])?;
        let all = answer["rib"].as_array().into_iter().flatten();
        Ok(all
            .filter(|path| path["prefix"] == prefix)
            .cloned()
            .collect())
    }

    /// Everything that it knows about one neighbour.
    pub fn neighbor(&self, neighbour: &str) -> Result<Value> {
        let all = self.json(&["show", "neighbor"])?;
        all["neighbors"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|one| one["remote_addr"] == neighbour)
            .cloned()
            .with_context(|| format!("OpenBGPD has no neighbour {neighbour}"))
    }

    /// "Established", "Active", "Idle"…
    pub fn session_state(&self, neighbour: &str) -> Result<String> {
        let found = self.neighbor(neighbour)?;
        let state = found["state"].as_str();
        Ok(state.context("a neighbour without state")?.to_owned())
    }

    pub fn wait_established(&self, neighbour: &str, deadline: Duration) -> Result<()> {
        let what = format!("OpenBGPD's session with {neighbour} to be established");
        wait::try_until(&what, deadline, || {
            let state = self.session_state(neighbour).ok()?;
            (state == "Established").then_some(())
        })
        .with_context(|| self.query(&["show", "neighbor"]).unwrap_or_default())
    }

    /// Replaces the configuration of the running daemon.
    pub fn reconfigure(&self, config: &str) -> Result<()> {
        write(&self.config, config, &self.socket)?;
        self.query(&["reload"]).map(|_| ())
    }

    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.process.stop(STOP_DEADLINE)
    }

    /// SIGKILL to all of it: the TCP sessions end without a NOTIFICATION.
    pub fn kill(&mut self) -> Result<()> {
        if !self.process.is_running() {
            return Ok(());
        }
        for child in children(self.process.pid()) {
            kill(child, Signal::SIGKILL).ok();
        }
        self.process.kill()
    }

    pub fn log(&self) -> String {
        self.process.log()
    }
}

/// The processes that a running one of ours has started and not reaped: their numbers are theirs.
fn children(parent: u32) -> Vec<Pid> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let text = fs::read_to_string(path).unwrap_or_default();
    let numbers = text.split_whitespace();
    numbers
        .filter_map(|number| number.parse().ok().map(Pid::from_raw))
        .collect()
}

/// Nobody else may read it, or bgpd refuses it: there may be passwords.
fn write(path: &Path, config: &str, socket: &Path) -> Result<()> {
    let text = format!("socket \"{}\"\n{config}", socket.display());
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(())
}
