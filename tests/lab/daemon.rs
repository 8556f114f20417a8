//! Our own router in a node: the real binary, its own socket and its own corner of bpffs.

use std::env;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::mount::{MsFlags, mount};
use nix::sys::signal::{Signal, kill};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};
use nix::unistd::Pid;
use serde_json::Value;

use crate::leftovers::BPFFS;
use crate::{Node, Process, wait};

/// Loading and verifying the XDP program takes most of it.
const START_DEADLINE: Duration = Duration::from_secs(30);
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// Names the binary to test, in place of the one that cargo built.
const BINARY_VARIABLE: &str = "ROUTER_CTL";

/// A router in a node. Dropping it kills the process and takes its pins away, so that forwarding ends too.
pub struct Daemon {
    node: Node,
    binary: PathBuf,
    config: PathBuf,
    socket: PathBuf,
    bpffs: PathBuf,
    process: Option<Process>,
}

impl Daemon {
    /// Writes the configuration, starts `router-ctl run` and waits until its socket answers.
    pub fn start(node: &Node, config: &str) -> Result<Self> {
        let mut daemon = Self::prepare(node, config)?;
        daemon.launch()?;
        Ok(daemon)
    }

    /// Everything but the start: for tests of a start that fails.
    pub fn prepare(node: &Node, config: &str) -> Result<Self> {
        mount_bpffs()?;
        let bpffs = Path::new(BPFFS).join(node.full_name());
        fs::create_dir_all(&bpffs).with_context(|| format!("creating {}", bpffs.display()))?;
        let daemon = Self {
            node: node.clone(),
            binary: binary()?,
            config: node.directory().join("router.toml"),
            socket: node.directory().join("router.sock"),
            bpffs,
            process: None,
        };
        daemon.write_config(config)?;
        Ok(daemon)
    }

    /// Replaces the configuration file; the running daemon is not told.
    pub fn write_config(&self, config: &str) -> Result<()> {
        fs::write(&self.config, config)
            .with_context(|| format!("writing {}", self.config.display()))
    }

    /// Replaces the configuration file and tells the running daemon (SIGHUP).
    pub fn reload(&self, config: &str) -> Result<()> {
        self.write_config(config)?;
        let pid = self.pid().context("the router is not running")?;
        kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGHUP).context("sending SIGHUP")
    }

    /// Starts the process after [`prepare`](Self::prepare), [`stop`](Self::stop) or [`kill9`](Self::kill9).
    pub fn launch(&mut self) -> Result<()> {
        // A socket that a killed daemon left behind would look like an answer.
        fs::remove_file(&self.socket).ok();
        let mut process = self.node.spawn("router", self.run_command())?;
        let what = format!("the router in {} to answer", self.node.name());
        let started = wait::try_until(&what, START_DEADLINE, || {
            if let Some(status) = process.exit_status() {
                return Some(Err(status));
            }
            UnixStream::connect(&self.socket).ok().map(Ok)
        });
        match started {
            Ok(Ok(_)) => {
                self.process = Some(process);
                Ok(())
            }
            Ok(Err(status)) => {
                bail!(
                    "the router in {} ended with {status}:\n{}",
                    self.node.name(),
                    process.log_tail()
                )
            }
            Err(error) => Err(error.context(process.log_tail())),
        }
    }

    fn run_command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .arg("run")
            .arg("--config")
            .arg(&self.config)
            .arg("--socket")
            .arg(&self.socket)
            .arg("--bpffs")
            .arg(&self.bpffs);
        command
    }

    /// `router-ctl show … --json`, parsed: `show(&["bgp", "summary"])`.
    pub fn show(&self, what: &[&str]) -> Result<Value> {
        let args: Vec<&str> = ["show"]
            .iter()
            .chain(what)
            .chain(&["--json"])
            .copied()
            .collect();
        self.json(&args)
    }

    /// Any command that prints JSON: `json(&["stats", "--json"])`.
    pub fn json(&self, args: &[&str]) -> Result<Value> {
        let output = self.command(args)?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            bail!(
                "router-ctl {} ended with {}: {words}",
                args.join(" "),
                output.status
            );
        }
        serde_json::from_slice(&output.stdout).with_context(|| {
            let text = String::from_utf8_lossy(&output.stdout);
            format!("router-ctl {} did not print JSON: {text}", args.join(" "))
        })
    }

    /// Any command against this router, inside its node.
    pub fn command(&self, args: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--socket").arg(&self.socket);
        self.node.output(command)
    }

    /// `router-ctl unload`: takes forwarding away.
    pub fn unload(&self) -> Result<Output> {
        let mut command = Command::new(&self.binary);
        command
            .args(["unload", "--yes", "--bpffs"])
            .arg(&self.bpffs);
        self.node.output(command)
    }

    /// SIGTERM, as an operator stops it. Forwarding goes on.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        self.process
            .take()
            .context("the router is not running")?
            .stop(STOP_DEADLINE)
    }

    /// SIGKILL. Forwarding goes on.
    pub fn kill9(&mut self) -> Result<()> {
        self.process
            .take()
            .context("the router is not running")?
            .kill()
    }

    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.launch()
    }

    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(Process::is_running)
    }

    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// What it logged, over all its runs.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.node.directory().join("router.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn node(&self) -> &Node {
        &self.node
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }

    pub fn bpffs(&self) -> &Path {
        &self.bpffs
    }

    pub fn config(&self) -> &Path {
        &self.config
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.process = None;
        if !self.node.is_kept() {
            fs::remove_dir_all(&self.bpffs).ok();
        }
    }
}

/// The `router-ctl` under test: `$ROUTER_CTL`, else the one in the target directory that this program is in.
pub fn binary() -> Result<PathBuf> {
    if let Some(path) = env::var_os(BINARY_VARIABLE) {
        return Ok(PathBuf::from(path));
    }
    let exe = env::current_exe().context("finding this program's path")?;
    // A test is in <target>/<profile>/deps, a tool one level up.
    exe.ancestors()
        .skip(1)
        .take(2)
        .map(|directory| directory.join("router-ctl"))
        .find(|path| path.is_file())
        .with_context(|| {
            format!(
                "no router-ctl beside {}; build it first (cargo build -p router-ctl) or name it in {BINARY_VARIABLE}",
                exe.display()
            )
        })
}

/// `ip netns exec` mounts a fresh /sys and hides bpffs; entering a namespace with `setns`, as the lab does, leaves
/// it in sight.
fn mount_bpffs() -> Result<()> {
    let mounted = statfs(BPFFS).is_ok_and(|found| found.filesystem_type() == BPF_FS_MAGIC);
    if mounted {
        return Ok(());
    }
    mount(
        Some("bpf"),
        BPFFS,
        Some("bpf"),
        MsFlags::empty(),
        None::<&str>,
    )
    .with_context(|| format!("mounting bpffs on {BPFFS}; the lab needs root"))
}
