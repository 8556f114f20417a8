//! What the daemon says while it runs: lines on standard error, which systemd takes to the journal. `RUST_LOG`
//! chooses other levels.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

const LEVELS: &str = "info";

/// From here on what is traced is written.
pub(super) fn start() {
    let levels = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LEVELS));
    let started = tracing_subscriber::fmt()
        .with_env_filter(levels)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .try_init();
    // Whoever embeds the daemon and has a subscriber already keeps it.
    let _kept = started.is_err();
}
