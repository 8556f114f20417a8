//! What a trace build of the program says of each packet. The program of every other build has no log
//! buffer, and this task does not exist.

use aya::Ebpf;
use aya_log::EbpfLogger;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// The map of aya-log.
const LOG_BUFFER: &str = "AYA_LOGS";

/// Hands the program's lines to the logger until dropped.
#[derive(Debug)]
pub(super) struct LogTask(JoinHandle<()>);

impl Drop for LogTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts the task when the object is a trace build. It needs a tokio runtime around.
pub(super) fn start(object: &mut Ebpf) -> Option<LogTask> {
    object.map(LOG_BUFFER)?;
    let Ok(runtime) = Handle::try_current() else {
        tracing::warn!("a trace build of the XDP program outside a runtime: its log is not read");
        return None;
    };
    let logger = EbpfLogger::init(object)
        .inspect_err(|error| tracing::warn!(%error, "the log of the XDP program cannot be read"))
        .ok()?;
    let _entered = runtime.enter();
    // SAFETY: the logger owns the descriptor of its ring buffer and never exchanges it.
    let mut buffer = unsafe { AsyncFd::register_with_interest(logger, Interest::READABLE) }
        .inspect_err(|error| tracing::warn!(%error, "the log of the XDP program cannot be awaited"))
        .ok()?;
    Some(LogTask(runtime.spawn(async move {
        while let Ok(mut ready) = buffer.readable_mut().await {
            ready.get_inner_mut().flush();
            ready.clear_ready();
        }
    })))
}
