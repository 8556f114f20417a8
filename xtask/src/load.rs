//! `cargo xtask load`: the router on interfaces of this machine. Writes a configuration that names the
//! interfaces and nothing else, runs the daemon with it, and asks the kernel, not the daemon, whether the
//! program is there. Interrupting it stops the daemon and leaves the program forwarding, as ever.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::build;
use crate::run::{announce, capture, command, target};
use crate::setup::{self, Part};

const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// An interface to route on; may be given several times
    #[arg(long = "interface", value_name = "IF", required = true, num_args = 1..)]
    interfaces: Vec<String>,
    /// How the program is attached; never another way than asked
    #[arg(long, value_enum, default_value_t = Mode::Native)]
    mode: Mode,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Mode {
    /// In the driver
    Native,
    /// In the kernel's stack: slow, works anywhere
    Generic,
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
        }
    }

    /// What `ip link` shows for it.
    fn shown(self) -> &'static str {
        match self {
            Self::Native => "xdp",
            Self::Generic => "xdpgeneric",
        }
    }
}

pub(crate) fn main(args: &Args) -> Result<ExitCode> {
    for name in &args.interfaces {
        capture(command("ip").args(["link", "show", "dev", name]))
            .with_context(|| format!("interface {name}"))?;
    }
    setup::require(&[Part::Host])?;
    let binary = build::router_ctl(false)?;
    let directory = target()?.join("xtask");
    fs::create_dir_all(&directory).context("the directory for the configuration")?;
    let config = directory.join("load.toml");
    let socket = directory.join("load.sock");
    fs::write(&config, configuration(&args.interfaces, args.mode))
        .with_context(|| format!("cannot write {}", config.display()))?;

    let mut daemon = Command::new(&binary);
    daemon.arg("run").arg("--config").arg(&config);
    daemon.arg("--socket").arg(&socket);
    announce(&daemon);
    let mut daemon = daemon.spawn().context("cannot start the daemon")?;
    for name in &args.interfaces {
        wait_for_program(&mut daemon, name, args.mode)?;
        eprintln!("{name}: program attached, {}", args.mode.word());
    }
    tell(&binary, &socket);
    let status = daemon.wait().context("the daemon")?;
    Ok(ExitCode::from(u8::from(!status.success())))
}

fn configuration(interfaces: &[String], mode: Mode) -> String {
    let mut text = String::new();
    for name in interfaces {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "[interfaces.ethernet.{name:?}]\nxdp = \"{}\"\n",
            mode.word()
        );
    }
    text
}

fn wait_for_program(daemon: &mut Child, name: &str, mode: Mode) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = daemon.try_wait()? {
            bail!("the daemon ended ({status}) before the program was on {name}");
        }
        let link = capture(command("ip").args(["link", "show", "dev", name]))?;
        if carries_program(&link, mode) {
            return Ok(());
        }
        if Instant::now() > deadline {
            let _ = daemon.kill();
            let _ = daemon.wait();
            bail!(
                "no program on {name} after {} s; `ip link` shows: {}",
                PATIENCE.as_secs(),
                link.trim()
            );
        }
        sleep(LOOK_AGAIN);
    }
}

/// `2: eth0: <UP> mtu 1500 xdp qdisc …`, and a line `prog/xdp id 7 …`.
fn carries_program(link: &str, mode: Mode) -> bool {
    link.contains("prog/xdp id ") && link.split_whitespace().any(|word| word == mode.shown())
}

fn tell(binary: &Path, socket: &Path) {
    let (binary, socket) = (binary.display(), socket.display());
    eprintln!("look:   {binary} show interfaces --socket {socket}");
    eprintln!("stop:   Ctrl-C; the program stays and goes on forwarding");
    eprintln!("remove: {binary} unload");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_names_the_interfaces_and_the_mode() {
        let text = configuration(&["eth0".into(), "eth1.7".into()], Mode::Generic);
        assert_eq!(
            text,
            "[interfaces.ethernet.\"eth0\"]\nxdp = \"generic\"\n\n\
             [interfaces.ethernet.\"eth1.7\"]\nxdp = \"generic\"\n\n"
        );
    }

    #[test]
    fn the_kernel_says_in_which_mode_a_program_is_attached() {
        let native = "2: a@if3: <UP> mtu 1500 xdp qdisc noqueue\n    prog/xdp id 7 name router\n";
        assert!(carries_program(native, Mode::Native));
        assert!(!carries_program(native, Mode::Generic));
        let without = "2: a@if3: <UP> mtu 1500 qdisc noqueue\n    link/ether 02:00\n";
        assert!(!carries_program(without, Mode::Native));
    }
}
