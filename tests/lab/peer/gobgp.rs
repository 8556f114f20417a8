//! GoBGP in a node, asked and told by its own command over a unix socket.
//!
//! It takes routes at run time only, and no unknown key of its configuration is an error to it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::program;
use crate::{Node, Process, wait};

const START_DEADLINE: Duration = Duration::from_secs(15);
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// `PeerState.ESTABLISHED` of GoBGP's API.
const ESTABLISHED: u64 = 6;

pub struct GoBgp {
    node: Node,
    process: Process,
    socket: PathBuf,
}

impl GoBgp {
    /// Starts gobgpd with this configuration (TOML) and waits until it answers.
    pub fn start(node: &Node, config: &str) -> Result<Self> {
        Self::start_with(node, config, &[])
    }

    /// The same with more options of `gobgpd`: `--graceful-restart` for one that comes back.
    pub fn start_with(node: &Node, config: &str, options: &[&str]) -> Result<Self> {
        let config_file = node.directory().join("gobgpd.toml");
        let socket = node.directory().join("gobgpd.sock");
        fs::write(&config_file, config)?;
        // A socket that a killed daemon left behind keeps the next one from listening.
        fs::remove_file(&socket).ok();
        let mut command = Command::new(program("/usr/bin/gobgpd", "gobgpd")?);
        command
            .args(["--log-plain", "--pprof-disable", "--api-hosts"])
            .arg(format!("unix://{}", socket.display()))
            .arg("-f")
            .arg(&config_file)
            .args(options);
        let process = node.spawn("gobgpd", command)?;
        let mut gobgp = Self {
            node: node.clone(),
            process,
            socket,
        };
        let what = format!("GoBGP in {} to answer", node.name());
        let started = wait::try_until(&what, START_DEADLINE, || {
            if let Some(status) = gobgp.process.exit_status() {
                return Some(Err(status));
            }
            gobgp.query(&["global"]).ok().map(Ok)
        });
        match started {
            Ok(Ok(_)) => Ok(gobgp),
            Ok(Err(status)) => bail!("GoBGP ended with {status}:\n{}", gobgp.log()),
            Err(error) => Err(error.context(gobgp.log())),
        }
    }

    /// One command of `gobgp`, as text.
    pub fn query(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(program("/usr/bin/gobgp", "gobgpd")?);
        command
            .arg("--target")
            .arg(format!("unix://{}", self.socket.display()))
            .args(arguments);
        let output = self.node.output(command)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!(
                "gobgp {arguments:?} ended with {}: {text}{errors}",
                output.status
            );
        }
        Ok(text)
    }

    /// One command of `gobgp` with its answer in JSON.
    pub fn json(&self, arguments: &[&str]) -> Result<Value> {
        let text = self.query(&[&["-j"], arguments].concat())?;
        serde_json::from_str(&text)
            .with_context(|| format!("GoBGP answered {arguments:?} with: {text}"))
    }

    /// Announces a prefix; `attributes` as `gobgp global rib add` takes them: `nexthop 10.0.0.2 med 5`.
    pub fn announce(&self, prefix: &str, attributes: &str) -> Result<()> {
        self.change("add", prefix, attributes)
    }

    pub fn withdraw(&self, prefix: &str) -> Result<()> {
        self.change("del", prefix, "")
    }

    fn change(&self, verb: &str, prefix: &str, attributes: &str) -> Result<()> {
        let mut arguments = vec!["global", "rib", "-a", family(prefix), verb, prefix];
        arguments.extend(attributes.split_whitespace());
        self.query(&arguments).map(|_| ())
    }

    /// The paths to exactly this prefix, best first.
    pub fn paths(&self, prefix: &str) -> Result<Vec<Value>> {
        let answer = self.json(&["global", "rib", "-a", family(prefix), prefix])?;
        let paths = answer.get(prefix).and_then(Value::as_array);
        Ok(paths.cloned().unwrap_or_default())
    }

    /// Everything that it knows about one neighbour.
    pub fn neighbor(&self, neighbour: &str) -> Result<Value> {
        let all = self.json(&["neighbor"])?;
        all.as_array()
            .into_iter()
            .flatten()
            .find(|one| one["state"]["neighbor_address"] == neighbour)
            .cloned()
            .with_context(|| format!("GoBGP has no neighbour {neighbour}"))
    }

    pub fn is_established(&self, neighbour: &str) -> Result<bool> {
        let found = self.neighbor(neighbour)?;
        Ok(found["state"]["session_state"].as_u64() == Some(ESTABLISHED))
    }

    pub fn wait_established(&self, neighbour: &str, deadline: Duration) -> Result<()> {
        let what = format!("GoBGP's session with {neighbour} to be established");
        wait::try_until(&what, deadline, || {
            self.is_established(neighbour).ok()?.then_some(())
        })
        .with_context(|| self.query(&["neighbor"]).unwrap_or_default())
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

fn family(prefix: &str) -> &'static str {
    if prefix.contains(':') { "ipv6" } else { "ipv4" }
}
