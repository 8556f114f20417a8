//! The unix socket of the API: one router each, and root and its group only.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio::net::UnixListener;
use tracing::{error, warn};

use crate::api::{self, Backend};

const MODE: u32 = 0o660;

/// # Errors
/// When another router serves the socket.
pub(super) fn refuse_second_instance(path: &Path) -> anyhow::Result<()> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        anyhow::bail!(
            "{}: another router serves this socket; give this one its own with --socket",
            path.display()
        );
    }
    Ok(())
}

/// Opens the API's socket, in place of one that nobody serves any more.
///
/// # Errors
/// When the socket cannot be made.
pub(super) fn bind(path: &Path) -> anyhow::Result<UnixListener> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)
            .with_context(|| format!("creating {} for the API socket", parent.display()))?;
    }
    remove(path);
    let listener = UnixListener::bind(path)
        .with_context(|| format!("cannot open the API socket {}", path.display()))?;
    fs::set_permissions(path, Permissions::from_mode(MODE))
        .with_context(|| format!("setting the mode of {}", path.display()))?;
    Ok(listener)
}

pub(super) fn remove(path: &Path) {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => warn!("{}: {error}", path.display()),
    }
}

/// Serves until the daemon ends.
pub(super) async fn serve(listener: UnixListener, backend: Arc<dyn Backend>) {
    if let Err(error) = api::serve(listener, backend).await {
        error!("the API ended: {error}");
    }
}
