//! Sockets and timers into events, effects into sockets: what runs the router.

use std::path::{Path, PathBuf};

/// What `router-ctl run` was asked for.
#[derive(Clone, Debug)]
pub struct Options {
    pub config_path: PathBuf,
    pub socket: PathBuf,
    pub bpffs: PathBuf,
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// When it cannot start; the message says what to do.
pub fn run(options: Options) -> anyhow::Result<()> {
    anyhow::bail!(
        "no daemon in this build; {} was not read",
        options.config_path.display()
    )
}

/// Detaches the XDP programs and removes the pins below `bpffs`.
///
/// # Errors
/// When a pin cannot be removed.
pub fn unload(bpffs: &Path) -> anyhow::Result<()> {
    anyhow::bail!(
        "no daemon in this build; {} was left alone",
        bpffs.display()
    )
}
