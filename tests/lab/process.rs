//! A process inside a node: its output goes to a file, it is killed when dropped, and its output is printed
//! when the test panics.

use std::fs::{self, File};
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait;

/// How much of a log a panic prints.
const LOG_TAIL_LINES: usize = 200;

pub struct Process {
    label: String,
    child: Child,
    log: PathBuf,
    /// Set when the lab is left up on purpose.
    kept: Arc<AtomicBool>,
}

impl Process {
    pub(crate) fn spawn(
        label: &str,
        mut command: Command,
        log: &Path,
        kept: Arc<AtomicBool>,
    ) -> Result<Self> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening the log {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {label} ({})", command.get_program().display()))?;
        Ok(Self {
            label: label.to_owned(),
            child,
            log: log.to_owned(),
            kept,
        })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far, to both outputs, over all its runs.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// `None` while it runs.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    pub fn is_running(&mut self) -> bool {
        self.exit_status().is_none()
    }

    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        // `try_wait` has not reaped it, so the number is still this process's.
        if self.is_running() {
            let pid = Pid::from_raw(i32::try_from(self.child.id())?);
            kill(pid, signal).with_context(|| format!("sending {signal} to {}", self.label))?;
        }
        Ok(())
    }

    pub fn wait_exit(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.label);
        wait::try_until(&what, deadline, || self.exit_status())
            .map_err(|error| anyhow!("{error}; its log ends:\n{}", self.log_tail()))
    }

    /// Asks it to end (SIGTERM) and waits.
    pub fn stop(&mut self, deadline: Duration) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        self.wait_exit(deadline)
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&mut self) -> Result<()> {
        if self.is_running() {
            self.child.kill()?;
            self.child.wait()?;
        }
        Ok(())
    }

    pub(crate) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let from = lines.len().saturating_sub(LOG_TAIL_LINES);
        lines.get(from..).unwrap_or_default().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("---- log of {}\n{}\n----", self.label, self.log_tail());
        }
        if !self.kept.load(Ordering::Relaxed) {
            self.kill().ok();
        }
    }
}

/// Makes `command` start inside the namespace. `namespace` must stay open until the command has started.
pub(crate) fn enter_namespace(command: &mut Command, namespace: BorrowedFd<'_>) {
    let fd = namespace.as_raw_fd();
    // SAFETY: between fork and exec only setns is called, which is async-signal-safe and allocates nothing; the
    // descriptor is open in the parent, so it is in the child.
    unsafe {
        command.pre_exec(move || match libc::setns(fd, libc::CLONE_NEWNET) {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error()),
        });
    }
}
