//! Running tools. What is run is printed to standard error first, and a failure names the whole command.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// The root of the checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// Where cargo puts what it builds: this program lies in `<target>/<profile>/`.
pub(crate) fn target() -> Result<PathBuf> {
    let this = env::current_exe().context("the path of this program")?;
    let target = this.parent().and_then(Path::parent);
    Ok(target
        .context("this program does not lie in a target directory")?
        .to_path_buf())
}

/// A command that runs in the root of the checkout and finds what `cargo install` put away.
pub(crate) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).env("PATH", search_path(None));
    command
}

/// Cargo, quiet about anything but warnings and errors.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut cargo = command("cargo");
    cargo.args(args);
    cargo
}

/// `PATH` with cargo's own directory, and with `first` before all others.
pub(crate) fn search_path(first: Option<&str>) -> OsString {
    let inherited = env::var_os("PATH").unwrap_or_default();
    let directories = first
        .map(PathBuf::from)
        .into_iter()
        .chain(env::split_paths(&inherited))
        .chain(cargo_bin());
    env::join_paths(directories).unwrap_or(inherited)
}

fn cargo_bin() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    home.map(|home| home.join("bin"))
}

/// The command as it would be typed.
pub(crate) fn line(command: &Command) -> String {
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    words.map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=+:,@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

pub(crate) fn announce(command: &Command) {
    eprintln!("$ {}", line(command));
}

/// Runs the command on this terminal; its standard output goes to standard error, so that the result of a
/// task stays alone on standard output.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = line(command);
    run_as(command, &shown)
}

/// [`run`], for a command that does what `shown` says with some precautions.
///
/// # Errors
/// When it cannot be started or fails.
pub(crate) fn run_as(command: &mut Command, shown: &str) -> Result<()> {
    eprintln!("$ {shown}");
    command.stdout(std::io::stderr());
    let status = command
        .status()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed: {status}");
    }
    Ok(())
}

/// What the command prints, without a word on the terminal.
///
/// # Errors
/// When it cannot be started or fails; the message carries what it said.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` failed: {}: {}",
            line(command),
            output.status,
            said.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Becomes the command. Returns only when it cannot be started.
pub(crate) fn become_command(command: &mut Command) -> anyhow::Error {
    announce(command);
    let error = command.exec();
    anyhow::Error::new(error).context(format!("cannot start `{}`", line(command)))
}

/// Whether a program of this name can be found.
pub(crate) fn finds(program: &str) -> bool {
    env::split_paths(&search_path(None)).any(|directory| directory.join(program).is_file())
}

/// `4:07`, minutes and seconds.
pub(crate) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut command = Command::new("cargo");
        command.args(["test", "a b", "it's", ""]);
        assert_eq!(line(&command), r"cargo test 'a b' 'it'\''s' ''");
    }

    #[test]
    fn a_duration_reads_as_minutes_and_seconds() {
        assert_eq!(clock(Duration::from_secs(247)), "4:07");
        assert_eq!(clock(Duration::from_millis(900)), "0:00");
    }
}
