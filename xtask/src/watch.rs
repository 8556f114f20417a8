//! A child process that is watched: what it writes to either output is passed on line by line, in order, and
//! when its time is up, it and everything it started are stopped.

use std::fs;
use std::io::{BufRead as _, BufReader, pipe};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::run::{clock, line};

/// How often is looked whether the child has ended although its outputs are still open.
const LOOK: Duration = Duration::from_millis(500);

/// Runs the command, gives each line that it writes to `each`, and prints it.
///
/// # Errors
/// When it cannot be started, or is not done within `limit`.
pub(crate) fn watch(
    command: &mut Command,
    limit: Duration,
    mut each: impl FnMut(&str),
) -> Result<ExitStatus> {
    println!("$ {}", line(command));
    let deadline = Instant::now() + limit;
    let (mut child, lines) = start(command)?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left.min(LOOK)) {
            Ok(line) => {
                println!("{line}");
                each(&line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            // Something that it left running may hold the outputs open: that is not waited for.
            Err(RecvTimeoutError::Timeout) => {
                if let Some(status) = child.try_wait()? {
                    return Ok(status);
                }
            }
        }
        if Instant::now() >= deadline {
            stop(&mut child);
            bail!("not done after {}, stopped", clock(limit));
        }
    }
    child.wait().with_context(|| line(command))
}

/// Starts the command with both outputs in one pipe, which a thread reads.
fn start(command: &mut Command) -> Result<(Child, Receiver<String>)> {
    let (reader, writer) = pipe().context("a pipe")?;
    let child = command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().context("a pipe")?)
        .stderr(writer)
        .spawn()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    // The command keeps its ends of the pipe; without this they would stay open here.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&line).into_owned();
            if sender.send(text).is_err() {
                break;
            }
        }
    });
    Ok((child, lines))
}

/// Stops the child and its descendants, youngest last: a parent that is gone starts nothing more.
fn stop(child: &mut Child) {
    let descendants = descendants(child.id(), &parents());
    let _ = child.kill();
    let ids = descendants.iter().map(u32::to_string);
    // The shell's own: a small installation has no program of that name.
    let _ = Command::new("sh")
        .args(["-c", "kill -KILL \"$@\"", "sh"])
        .args(ids)
        .status();
    let _ = child.wait();
}

/// Every process and its parent.
fn parents() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let id = entry.file_name().to_string_lossy().parse().ok()?;
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // `id (name) state parent …`; the name may hold blanks and brackets.
            let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?;
            Some((id, parent.parse().ok()?))
        })
        .collect()
}

fn descendants(of: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut found = vec![of];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|p| p.1 == parent).map(|p| p.0));
        next += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_are_children_and_their_children() {
        let parents = [(1, 0), (10, 1), (11, 10), (12, 11), (13, 10), (20, 1)];
        assert_eq!(descendants(10, &parents), [11, 13, 12]);
        assert!(descendants(20, &parents).is_empty());
    }

    #[test]
    fn a_child_that_takes_too_long_is_stopped_with_what_it_started() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo $!; wait"]);
        let mut sleeper = String::new();
        let started = Instant::now();
        let error = watch(&mut command, Duration::from_millis(300), |line| {
            sleeper = line.to_owned();
        });
        assert!(error.is_err() && started.elapsed() < Duration::from_secs(30));
        let runs = || {
            fs::read_to_string(format!("/proc/{sleeper}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z "))
        };
        let deadline = Instant::now() + Duration::from_secs(10);
        while runs() {
            assert!(Instant::now() < deadline, "process {sleeper} still runs");
            thread::yield_now();
        }
    }

    #[test]
    fn what_a_child_leaves_running_is_not_waited_for() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 5 & exit 0"]);
        let started = Instant::now();
        let status = watch(&mut command, Duration::from_secs(30), |_| ());
        assert!(status.unwrap().success() && started.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn every_line_is_seen_and_the_status_returned() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; exit 3"]);
        let mut lines = Vec::new();
        let status = watch(&mut command, Duration::from_secs(30), |line| {
            lines.push(line.to_owned());
        });
        assert_eq!(status.unwrap().code(), Some(3));
        assert_eq!(lines, ["one", "two"]);
    }
}
