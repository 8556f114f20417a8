//! What is wrong from outside: configurations, the host, messages, floods. Each is told in one clear sentence, or by
//! the NOTIFICATION that the RFCs ask for, and harms nobody else.

mod configuration;
mod environment;
mod floods;
mod messages;
mod rfc7606;

use std::process::{Command, ExitStatus};

use anyhow::Result;
use lab::{Daemon, Node, daemon};

use crate::world::DEADLINE;

/// How a start ended that was to fail.
struct Refused {
    status: ExitStatus,
    /// What it said, without the daemon's log lines.
    words: String,
}

/// Runs `command`, which must end by itself.
fn refused(node: &Node, command: Command) -> Result<Refused> {
    let mut process = node.spawn("refused", command)?;
    let before = process.log().len();
    let status = process.wait_exit(DEADLINE)?;
    let log = process.log();
    let said = log.get(before.min(log.len())..).unwrap_or_default();
    let said = if said.is_empty() { log.as_str() } else { said };
    Ok(Refused {
        status,
        words: said.to_owned(),
    })
}

/// `router-ctl run` as the daemon would be started.
fn run_command(daemon: &Daemon) -> Result<Command> {
    let mut command = Command::new(daemon::binary()?);
    command
        .arg("run")
        .arg("--config")
        .arg(daemon.config())
        .arg("--socket")
        .arg(daemon.socket())
        .arg("--bpffs")
        .arg(daemon.bpffs());
    Ok(command)
}

/// The start must fail with exit code 1, in one sentence that says all of `wanted`.
#[track_caller]
fn assert_sentence(refused: &Refused, wanted: &[&str]) {
    let words = &refused.words;
    assert_eq!(refused.status.code(), Some(1), "{words}");
    let errors: Vec<&str> = words
        .lines()
        .filter(|line| line.starts_with("error:"))
        .collect();
    let [sentence] = errors.as_slice() else {
        panic!("one sentence, not: {words}");
    };
    for part in wanted {
        assert!(sentence.contains(part), "no {part:?} in: {sentence}");
    }
    assert!(!words.contains("panicked"), "{words}");
}

/// Nothing was applied: no API, nothing pinned, no program on the node's interfaces.
fn assert_nothing_applied(daemon: &Daemon) -> Result<()> {
    assert!(!daemon.socket().exists(), "there is an API socket");
    let pins = lab::maps::pins(daemon);
    assert!(!pins.exists(), "{} exists", pins.display());
    let mut links = Command::new("ip");
    links.args(["link", "show"]);
    let output = daemon.node().output(links)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text.contains("prog/xdp"), "{text}");
    Ok(())
}
