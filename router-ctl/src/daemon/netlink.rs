//! The host's events into the router, and its wishes about neighbours into the kernel.

use std::time::Duration;

use anyhow::Context;
use tokio::sync::mpsc;
use tracing::{debug, error};

use crate::fib::Probe;
use crate::host::HostEvent;
use crate::kernel::{HostWatch, Neighbours};
use crate::router::event::Event;

/// How often neighbours are refreshed on kernels that do not do it by themselves (before 5.16).
const REFRESH_EVERY: Duration = Duration::from_secs(10);

/// Reads the first complete dump, so that the daemon starts with the whole picture.
///
/// # Errors
/// When netlink cannot be read.
pub(super) async fn first_dump(watch: &mut HostWatch) -> anyhow::Result<Vec<HostEvent>> {
    let mut events = Vec::new();
    while events.last() != Some(&HostEvent::ResyncDone) {
        events.extend(
            watch
                .next()
                .await
                .context("reading interfaces, addresses and neighbours")?,
        );
    }
    Ok(events)
}

/// Follows the host until the router is gone or netlink fails.
pub(super) async fn follow(mut watch: HostWatch, events: mpsc::UnboundedSender<Event>) {
    loop {
        match watch.next().await {
            Ok(batch) if batch.is_empty() => {}
            Ok(batch) => {
                if events.send(Event::Host(batch)).is_err() {
                    return;
                }
            }
            Err(error) => {
                error!("netlink: {error}; interfaces and neighbours are not followed any more");
                return;
            }
        }
    }
}

/// Keeps the neighbours that the router names resolved and fresh.
pub(super) async fn keep(neighbours: Neighbours, mut wanted: mpsc::UnboundedReceiver<Probe>) {
    let mut refresh = tokio::time::interval(REFRESH_EVERY);
    loop {
        tokio::select! {
            probe = wanted.recv() => {
                let done = match probe {
                    Some(Probe::Keep(key)) => neighbours.keep(key).await,
                    Some(Probe::Forget(key)) => neighbours.forget(key).await,
                    None => return,
                };
                if let Err(error) = done {
                    debug!("{error}");
                }
            }
            _ = refresh.tick() => {
                for (key, error) in neighbours.refresh().await {
                    debug!("refreshing neighbour {}: {error}", key.address);
                }
            }
        }
    }
}
