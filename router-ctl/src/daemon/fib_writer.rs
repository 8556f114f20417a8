//! The one thread that writes to the data plane: generations of operations in, acknowledgements out.

use std::sync::mpsc;
use std::thread;

use anyhow::Context;
use tracing::error;

use crate::dataplane::{Dataplane, Port};
use crate::fib::op::FibOp;
use crate::host::IfIndex;
use crate::router::event::{Event, Refused};

/// What the writer is asked to do, in order.
pub(super) enum Work {
    Apply { generation: u64, ops: Vec<FibOp> },
    PutPort(Port),
    RemovePort(IfIndex),
}

/// Starts the writer. It ends when the sender is dropped, leaving the data plane as it is.
///
/// # Errors
/// When the system has no thread left.
pub(super) fn spawn(
    mut dataplane: Box<dyn Dataplane>,
    events: tokio::sync::mpsc::UnboundedSender<Event>,
) -> anyhow::Result<(mpsc::Sender<Work>, thread::JoinHandle<()>)> {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::Builder::new()
        .name("fib-writer".into())
        .spawn(move || {
            for work in receiver {
                // The router is gone: the last operations are still worth writing.
                let _gone =
                    run(dataplane.as_mut(), work).is_some_and(|event| events.send(event).is_err());
            }
        })
        .context("starting the FIB writer thread")?;
    Ok((sender, thread))
}

fn run(dataplane: &mut dyn Dataplane, work: Work) -> Option<Event> {
    match work {
        Work::Apply { generation, ops } => {
            let refused = dataplane
                .apply(&ops)
                .into_iter()
                .map(|failure| Refused {
                    prefix: bound_prefix(&ops[failure.position]),
                    reason: failure.error.to_string(),
                })
                .collect();
            Some(Event::FibApplied {
                generation,
                refused,
            })
        }
        Work::PutPort(port) => {
            let outcome = dataplane
                .put_port(&port)
                .map_err(|error| error.to_string())
                .and_then(|()| {
                    let ports = dataplane.ports();
                    ports
                        .into_iter()
                        .find(|status| status.index == port.index)
                        .ok_or_else(|| {
                            format!(
                                "interface {}: attached, but the data plane does not list it",
                                port.name
                            )
                        })
                });
            Some(Event::Port {
                index: port.index,
                outcome,
            })
        }
        Work::RemovePort(index) => {
            if let Err(error) = dataplane.remove_port(index) {
                error!("removing the port with index {}: {error}", index.0);
            }
            None
        }
    }
}

fn bound_prefix(op: &FibOp) -> Option<ipnet::IpNet> {
    match op {
        FibOp::Bind { prefix, .. } | FibOp::Unbind { prefix } => Some(*prefix),
        FibOp::PutNextHop { .. }
        | FibOp::PutBuckets { .. }
        | FibOp::PutPathList { .. }
        | FibOp::PutRoute { .. }
        | FibOp::Grace
        | FibOp::FreeRoute { .. }
        | FibOp::FreePathList { .. }
        | FibOp::FreeBuckets { .. }
        | FibOp::FreeNextHop { .. } => None,
    }
}
