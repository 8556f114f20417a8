//! Captures frames that arrive at a port. A thread reads them into a large buffer's worth of state that the test
//! chooses: whole frames, a count per flow, or anything else a closure can fold them into. What the socket had
//! to drop is counted and told.
//!
//! A capture sees frames before the IP layer and after XDP: what XDP redirects elsewhere it does not see, and
//! what the node itself sends it does not see. With GRO on (the lab's default) consecutive segments of one TCP flow may
//! arrive merged; UDP and ICMP frames never are. A VLAN tag is put back where it was on the wire.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use crate::frame::Flow;
use crate::packet_socket::{Direction, PacketSocket, ReceiveBatch};
use crate::{Port, wait};

/// How long the reading thread sleeps at most before it looks whether it should end.
const POLL_MILLISECONDS: libc::c_int = 20;

/// A running capture that folds frames into a `T`.
pub struct Capture<T> {
    shared: Arc<Shared<T>>,
    thread: Option<JoinHandle<Result<u64>>>,
    port: String,
}

struct Shared<T> {
    state: Mutex<T>,
    seen: AtomicU64,
    stop: AtomicBool,
}

/// What a capture saw from start to stop.
#[derive(Clone, Debug)]
pub struct Captured<T> {
    pub state: T,
    /// Frames shown to the closure, wanted or not.
    pub seen: u64,
    /// Frames lost because the buffer was full. Counts are exact only when this is zero.
    pub dropped: u64,
}

impl Capture<Vec<Vec<u8>>> {
    /// Keeps the frames that `wanted` picks, in order of arrival.
    pub fn frames(
        port: &Port,
        mut wanted: impl FnMut(&[u8]) -> bool + Send + 'static,
    ) -> Result<Self> {
        Self::fold(port, Vec::new(), move |frames: &mut Vec<Vec<u8>>, frame| {
            if wanted(frame) {
                frames.push(frame.to_vec());
            }
        })
    }

    /// Waits for `count` of the frames that are kept.
    pub fn wait_for(&self, count: usize, deadline: Duration) -> Result<Vec<Vec<u8>>> {
        let what = format!("{count} frames at {}", self.port);
        wait::try_until(&what, deadline, || {
            let frames = self.state();
            (frames.len() >= count).then(|| frames.clone())
        })
        .with_context(|| format!("{} arrived", self.state().len()))
    }
}

impl Capture<HashMap<Flow, u64>> {
    /// Counts frames per flow, for the flows that `wanted` picks. Frames that are not IP are not counted.
    pub fn flows(
        port: &Port,
        mut wanted: impl FnMut(&Flow) -> bool + Send + 'static,
    ) -> Result<Self> {
        let fold = move |flows: &mut HashMap<Flow, u64>, frame: &[u8]| {
            if let Some(flow) = Flow::of(frame).filter(&mut wanted) {
                *flows.entry(flow).or_default() += 1;
            }
        };
        Self::fold(port, HashMap::new(), fold)
    }

    /// The sum over all flows so far.
    pub fn total(&self) -> u64 {
        self.state().values().sum()
    }

    /// Waits until at least `count` frames have been counted, over all flows.
    pub fn wait_for_total(&self, count: u64, deadline: Duration) -> Result<()> {
        let what = format!("{count} frames at {}", self.port);
        wait::try_until(&what, deadline, || (self.total() >= count).then_some(()))
            .with_context(|| format!("{} arrived", self.total()))
    }
}

impl<T: Send + 'static> Capture<T> {
    /// Shows every frame to `fold`. The capture listens when this returns.
    pub fn fold(
        port: &Port,
        start: T,
        mut fold: impl FnMut(&mut T, &[u8]) + Send + 'static,
    ) -> Result<Self> {
        let socket = PacketSocket::open(port, Direction::Receive)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(start),
            seen: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let thread = {
            let shared = shared.clone();
            thread::spawn(move || read(&socket, &shared, &mut fold))
        };
        Ok(Self {
            shared,
            thread: Some(thread),
            port: port.to_string(),
        })
    }

    /// The state so far; the reading thread waits while it is looked at.
    pub fn state(&self) -> MutexGuard<'_, T> {
        lock(&self.shared.state)
    }

    /// Frames shown to the closure so far.
    pub fn seen(&self) -> u64 {
        self.shared.seen.load(Ordering::Relaxed)
    }

    /// Reads what has arrived, ends the capture and hands over what it holds.
    pub fn stop(mut self) -> Result<Captured<T>>
    where
        T: Default,
    {
        let dropped = self.finish()?;
        Ok(Captured {
            state: std::mem::take(&mut *self.state()),
            seen: self.seen(),
            dropped,
        })
    }
}

impl<T> Capture<T> {
    fn finish(&mut self) -> Result<u64> {
        self.shared.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(0),
            Some(Ok(result)) => result.with_context(|| format!("capturing on {}", self.port)),
            Some(Err(_)) => Err(anyhow!("the capture's closure panicked")),
        }
    }
}

impl<T> Drop for Capture<T> {
    fn drop(&mut self) {
        self.finish().ok();
    }
}

/// Reads until told to stop and the socket is empty. Returns the number of frames the socket dropped.
fn read<T>(
    socket: &PacketSocket,
    shared: &Shared<T>,
    fold: &mut impl FnMut(&mut T, &[u8]),
) -> Result<u64> {
    let mut batch = ReceiveBatch::new();
    loop {
        let stopping = shared.stop.load(Ordering::Relaxed);
        if !stopping {
            socket.wait_readable(POLL_MILLISECONDS)?;
        }
        let count = {
            let mut state = lock(&shared.state);
            batch.receive(socket, |frame| fold(&mut state, frame))?
        };
        shared.seen.fetch_add(count as u64, Ordering::Relaxed);
        if stopping && count == 0 {
            return Ok(socket.take_dropped()?);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
