//! Sends raw frames from a port, at a bounded rate, to the last frame.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

use crate::Port;
use crate::packet_socket::{BATCH, Direction, PacketSocket};

/// Longest that a full device may refuse frames before sending gives up.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_micros(50);

/// How fast frames go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    PerSecond(u64),
    /// As fast as the device takes them.
    Unlimited,
}

pub struct Sender {
    socket: PacketSocket,
    name: String,
}

impl Sender {
    pub fn open(port: &Port) -> Result<Self> {
        Ok(Self {
            socket: PacketSocket::open(port, Direction::Send)?,
            name: port.to_string(),
        })
    }

    pub fn send(&self, frame: &[u8]) -> Result<()> {
        self.send_all(&[frame], Pace::Unlimited).map(|_| ())
    }

    /// Sends each frame once, in order. Returns their number; anything less is an error.
    pub fn send_all<F: AsRef<[u8]>>(&self, frames: &[F], pace: Pace) -> Result<u64> {
        let total = frames.len() as u64;
        let mut clock = Clock::start(pace);
        let mut sent = 0;
        while sent < total {
            sent += self.send_batch(frames, sent, clock.allowed(sent, total))?;
        }
        Ok(sent)
    }

    /// Sends the frames in a circle from a thread of its own until it is stopped.
    pub fn stream(self, frames: Vec<Vec<u8>>, pace: Pace) -> Result<Stream> {
        if frames.is_empty() {
            bail!("a stream needs at least one frame");
        }
        let circle = frames.len() as u64;
        let shared = Arc::new(Shared::default());
        let thread = {
            let shared = shared.clone();
            thread::spawn(move || -> Result<()> {
                let mut clock = Clock::start(pace);
                let mut sent = 0;
                while !shared.stop.load(Ordering::Relaxed) {
                    sent += self.send_batch(&frames, sent, clock.allowed(sent, u64::MAX))?;
                    shared.sent.store(sent, Ordering::Relaxed);
                }
                Ok(())
            })
        };
        Ok(Stream {
            shared,
            circle,
            thread: Some(thread),
        })
    }

    /// Sends up to `count` frames of the circle, from position `from` on.
    fn send_batch<F: AsRef<[u8]>>(&self, frames: &[F], from: u64, count: u64) -> Result<u64> {
        let circle = frames.len() as u64;
        let count = count.min(BATCH as u64);
        let batch: Vec<&[u8]> = (from..from + count)
            .filter_map(|position| frames.get(usize::try_from(position % circle).ok()?))
            .map(AsRef::as_ref)
            .collect();
        if batch.is_empty() {
            return Ok(0);
        }
        self.send_patiently(&batch)
            .map(|sent| sent as u64)
            .with_context(|| format!("sending on {}", self.name))
    }

    /// A full device answers ENOBUFS and has not taken the frame, so trying again neither loses nor doubles it.
    fn send_patiently(&self, batch: &[&[u8]]) -> io::Result<usize> {
        let start = Instant::now();
        loop {
            match self.socket.send(batch) {
                Err(error) if is_full(&error) && start.elapsed() < PATIENCE => thread::sleep(PAUSE),
                other => return other,
            }
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::ENOBUFS | libc::EAGAIN | libc::EINTR)
    )
}

/// A stream that runs until [`stop`](Self::stop) or its drop.
pub struct Stream {
    shared: Arc<Shared>,
    circle: u64,
    thread: Option<JoinHandle<Result<()>>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    sent: AtomicU64,
}

impl Stream {
    /// Frames handed over so far.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Ends the stream; returns how many frames it sent in all, or why it ended by itself.
    pub fn stop(mut self) -> Result<Sent> {
        self.finish()?;
        Ok(Sent {
            total: self.sent(),
            circle: self.circle,
        })
    }

    fn finish(&mut self) -> Result<()> {
        self.shared.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(anyhow!("the sending thread panicked")),
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.finish().ok();
    }
}

/// What a stream sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub total: u64,
    circle: u64,
}

impl Sent {
    /// How often the frame at `position` of the circle was sent.
    pub fn of(&self, position: usize) -> u64 {
        let position = position as u64;
        let whole = self.total / self.circle;
        whole + u64::from(position < self.total % self.circle)
    }
}

struct Clock {
    start: Instant,
    pace: Pace,
    /// Frames that stalls have cost: what was missed is not made up for by a burst, which would overrun the rings
    /// of the device behind the first one.
    skipped: u64,
}

impl Clock {
    fn start(pace: Pace) -> Self {
        Self {
            start: Instant::now(),
            pace,
            skipped: 0,
        }
    }

    /// How many more of `total` frames may go out now; waits until that is at least one.
    fn allowed(&mut self, sent: u64, total: u64) -> u64 {
        let left = total - sent;
        let Pace::PerSecond(rate) = self.pace else {
            return left;
        };
        let due = u64::try_from(self.start.elapsed().as_micros() * u128::from(rate) / 1_000_000)
            .unwrap_or(u64::MAX);
        let behind = (due + 1).saturating_sub(self.skipped + sent);
        self.skipped += behind.saturating_sub(BATCH as u64);
        if behind == 0 {
            thread::sleep(Duration::from_micros(
                (1_000_000 / rate.max(1)).clamp(50, 1_000),
            ));
        }
        behind.min(BATCH as u64).min(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_each_frame_follows_from_the_total() {
        let sent = Sent {
            total: 11,
            circle: 4,
        };
        let counts: Vec<u64> = (0..4).map(|position| sent.of(position)).collect();
        assert_eq!(counts, [3, 3, 3, 2]);
    }
}
