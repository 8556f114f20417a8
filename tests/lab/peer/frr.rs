//! FRR's bgpd or bfdd in a node, with zebra beside it, asked through vtysh.
//!
//! bgpd needs zebra to know its interfaces: without, it refuses the link-local next hops of its IPv6 neighbours.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use nix::unistd::User;
use serde_json::Value;

use super::program;
use crate::{Node, Process, wait};

const START_DEADLINE: Duration = Duration::from_secs(15);
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// Both drop root for this user, who must be able to write its socket and its pid file.
const USER: &str = "frr";

pub struct Frr {
    node: Node,
    process: Process,
    /// bfdd beside bgpd.
    bfdd: Option<Process>,
    zebra: Process,
    directory: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Nobody,
    Bfdd,
}

impl Frr {
    /// Starts zebra, then bgpd with this configuration, and waits until it answers.
    pub fn start(node: &Node, config: &str) -> Result<Self> {
        Self::start_daemon(node, "bgpd", config, Beside::Nobody)
    }

    /// bgpd with bfdd beside it, which it asks through zebra.
    pub fn start_with_bfdd(node: &Node, config: &str) -> Result<Self> {
        Self::start_daemon(node, "bgpd", config, Beside::Bfdd)
    }

    /// The same with bfdd.
    pub fn start_bfdd(node: &Node, config: &str) -> Result<Self> {
        Self::start_daemon(node, "bfdd", config, Beside::Nobody)
    }

    fn start_daemon(node: &Node, name: &str, config: &str, beside: Beside) -> Result<Self> {
        let (main, zebra) = (
            program(&format!("/usr/lib/frr/{name}"), "frr")?,
            program("/usr/lib/frr/zebra", "frr")?,
        );
        let directory = node.directory().join("frr");
        let config_file = directory.join(format!("{name}.conf"));
        fs::create_dir_all(&directory)?;
        give_away(&directory)?;
        write(&config_file, config)?;
        // zebra starts with what it finds; an empty file keeps it from the one of the host.
        let empty = directory.join("zebra.conf");
        write(&empty, "")?;

        let zserv = directory.join("zserv.api");
        let daemon = |program: &Path, name: &str, config: &Path| {
            let mut command = Command::new(program);
            command
                .args(["-A", "127.0.0.1", "-P", "0", "--log", "stdout"])
                .arg("--vty_socket")
                .arg(&directory)
                .arg("-i")
                .arg(directory.join(format!("{name}.pid")))
                .arg("-z")
                .arg(&zserv)
                .arg("-f")
                .arg(config);
            command
        };
        let mut zebra = node.spawn("zebra", daemon(&zebra, "zebra", &empty))?;
        let what = format!("zebra in {} to listen", node.name());
        wait::try_until(&what, START_DEADLINE, || {
            (zserv.exists() || !zebra.is_running()).then_some(())
        })?;
        if let Some(status) = zebra.exit_status() {
            bail!("zebra ended with {status}:\n{}", zebra.log());
        }
        let bfdctl = |mut bfdd: Command| {
            bfdd.arg("--bfdctl").arg(directory.join("bfdd.sock"));
            bfdd
        };
        let bfdd = match beside {
            Beside::Nobody => None,
            Beside::Bfdd => {
                let program = program("/usr/lib/frr/bfdd", "frr")?;
                let config = directory.join("bfdd.conf");
                write(&config, "")?;
                Some(node.spawn("bfdd", bfdctl(daemon(&program, "bfdd", &config)))?)
            }
        };
        let mut main = daemon(&main, name, &config_file);
        if name == "bfdd" {
            main = bfdctl(main);
        }
        let process = node.spawn("frr", main)?;
        let mut frr = Self {
            node: node.clone(),
            process,
            bfdd,
            zebra,
            directory,
        };
        frr.wait_answer()?;
        Ok(frr)
    }

    fn wait_answer(&mut self) -> Result<()> {
        let what = format!("FRR in {} to answer", self.node.name());
        let started = wait::try_until(&what, START_DEADLINE, || {
            if let Some(status) = self.process.exit_status() {
                return Some(Err(status));
            }
            self.query("show version").ok().map(Ok)
        });
        match started {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(status)) => bail!("FRR ended with {status}:\n{}", self.log()),
            Err(error) => Err(error.context(self.log())),
        }
    }

    /// One command of vtysh, as text.
    pub fn query(&self, command: &str) -> Result<String> {
        self.vtysh(&[command])
    }

    /// One command of vtysh that ends in `json`.
    pub fn json(&self, command: &str) -> Result<Value> {
        let text = self.query(command)?;
        serde_json::from_str(&text).with_context(|| format!("FRR answered {command} with: {text}"))
    }

    /// Lines of configuration, from `configure terminal` on.
    pub fn configure(&self, lines: &[&str]) -> Result<()> {
        let mut commands = vec!["configure terminal"];
        commands.extend(lines);
        self.vtysh(&commands).map(|_| ())
    }

    fn vtysh(&self, commands: &[&str]) -> Result<String> {
        let mut vtysh = Command::new(program("/usr/bin/vtysh", "frr")?);
        vtysh.arg("--vty_socket").arg(&self.directory);
        for command in commands {
            vtysh.arg("-c").arg(command);
        }
        let output = self.node.output(vtysh)?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() || text.contains("failed to connect") {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!(
                "vtysh {commands:?} ended with {}: {text}{errors}",
                output.status
            );
        }
        Ok(text)
    }

    /// The state of a BGP session: "Established", "Active", "Idle"…
    pub fn session_state(&self, neighbour: &str) -> Result<String> {
        let all = self.json("show bgp neighbors json")?;
        let state = all
            .get(neighbour)
            .and_then(|found| found.get("bgpState"))
            .and_then(Value::as_str);
        Ok(state
            .with_context(|| format!("FRR has no neighbour {neighbour}"))?
            .to_owned())
    }

    pub fn wait_established(&self, neighbour: &str, deadline: Duration) -> Result<()> {
        let what = format!("FRR's session with {neighbour} to be established");
        wait::try_until(&what, deadline, || {
            let state = self.session_state(neighbour).ok()?;
            (state == "Established").then_some(())
        })
        .with_context(|| self.query("show bgp summary").unwrap_or_default())
    }

    /// Stops the daemon, then zebra; tells how the daemon ended.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let status = self.process.stop(STOP_DEADLINE)?;
        self.zebra.stop(STOP_DEADLINE)?;
        Ok(status)
    }

    /// SIGKILL: the TCP sessions end without a NOTIFICATION.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        if let Some(bfdd) = &mut self.bfdd {
            bfdd.kill()?;
        }
        self.zebra.kill()
    }

    /// SIGSTOP to bgpd and bfdd: connections stay, and nothing comes over them.
    pub fn freeze(&mut self) -> Result<()> {
        if let Some(bfdd) = &mut self.bfdd {
            bfdd.signal(Signal::SIGSTOP)?;
        }
        self.process.signal(Signal::SIGSTOP)
    }

    pub fn log(&self) -> String {
        self.process.log()
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
    give_away(path)
}

fn give_away(path: &Path) -> Result<()> {
    let user = User::from_name(USER)?
        .with_context(|| format!("there is no user {USER}; install it: apt-get install frr"))?;
    chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
        .with_context(|| format!("giving {} to {USER}", path.display()))
}
