//! The thread that runs the BFD sessions: datagrams and the clock into [`Sessions`], packets onto the wire,
//! reports to the router. It waits for nothing but its sockets, its timers and requests, so neither a full table
//! nor a slow router ends a session.
//!
//! Sockets belong to the network namespace of the thread that called [`spawn`]. Receive sockets are opened when
//! the first session needs them: a router without BFD leaves the ports to others.

mod priority;
mod receive;
mod transmit;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use tokio::sync::mpsc::UnboundedSender;
use tracing::{debug, warn};

use crate::bfd::Request;
use crate::bfd::packet::Discriminator;
use crate::bfd::sessions::Sessions;
use crate::daemon::bfd::receive::Receivers;
use crate::daemon::bfd::transmit::Transmitter;
use crate::router::event::Event;

/// Turns that sockets may be read without a look at the timers: more than their buffers hold, so all that had
/// arrived is read by then, and a flood does not keep us from sending.
const PATIENCE: u32 = 16;
/// How long a stop may take: the farewells of all sessions go out meanwhile.
const STOP_WITHIN: Duration = Duration::from_millis(500);
/// A summary of what was discarded, at most so often and only when there is something new.
const DISCARDS_EVERY: Duration = Duration::from_secs(60);

/// The running thread.
#[derive(Debug)]
pub struct Handle {
    requests: Requests,
    thread: JoinHandle<()>,
}

/// Where requests go; they are carried out in order.
#[derive(Clone, Debug)]
pub struct Requests {
    sender: Sender<Command>,
    /// Written to after a command was sent, so that the thread looks.
    wake: Arc<UnixStream>,
}

#[derive(Debug)]
enum Command {
    Request(Request),
    Stop,
}

/// Starts the thread. Reports become [`Event::Bfd`].
///
/// # Errors
/// When the system has no thread or no socket left.
pub fn spawn(reports: UnboundedSender<Event>) -> anyhow::Result<Handle> {
    let (sender, commands) = mpsc::channel();
    let (wake, woken) =
        UnixStream::pair().context("opening a socket pair to wake the BFD thread")?;
    wake.set_nonblocking(true)?;
    woken.set_nonblocking(true)?;
    let worker = Worker {
        sessions: Sessions::new(RandomState::new().hash_one("bfd")),
        commands,
        woken,
        receivers: Receivers::default(),
        transmitters: BTreeMap::new(),
        reports,
        stop_by: None,
        discards: Discards::default(),
    };
    let thread = std::thread::Builder::new()
        .name("bfd".into())
        .spawn(move || {
            priority::raise();
            worker.run();
        })
        .context("starting the BFD thread")?;
    let wake = Arc::new(wake);
    Ok(Handle {
        requests: Requests { sender, wake },
        thread,
    })
}

impl Handle {
    pub fn requests(&self) -> Requests {
        self.requests.clone()
    }

    /// Every session says that it is taken down on purpose (RFC 5880 §6.8.16); waits until that is done, half a
    /// second at most.
    ///
    /// # Errors
    /// When the thread panicked.
    pub fn stop(self) -> anyhow::Result<()> {
        self.requests.command(Command::Stop);
        let ended = self.thread.join();
        ended
            .ok()
            .context("the BFD thread panicked; its message is above")
    }
}

impl Requests {
    pub fn send(&self, request: Request) {
        self.command(Command::Request(request));
    }

    fn command(&self, command: Command) {
        if self.sender.send(command).is_err() {
            warn!("the BFD thread is gone: sessions stay as they were reported");
        }
        // A full pair has waked the thread already.
        let _full_or_gone = self.wake.as_ref().write(&[0]).is_err();
    }
}

struct Worker {
    sessions: Sessions,
    commands: Receiver<Command>,
    woken: UnixStream,
    receivers: Receivers,
    transmitters: BTreeMap<Discriminator, Transmitter>,
    reports: UnboundedSender<Event>,
    /// When a stop ends, with or without the last farewell.
    stop_by: Option<Instant>,
    discards: Discards,
}

impl Worker {
    fn run(mut self) {
        let mut undrained = 0;
        loop {
            if self.take_commands() || self.receivers.is_due(Instant::now()) {
                self.receivers.suit(&self.sessions, Instant::now());
            }
            let drained = self.take_datagrams();
            // A timer is looked at when nothing waits any more that could disarm it.
            undrained = if drained { 0 } else { undrained + 1 };
            if undrained % PATIENCE == 0 {
                self.sessions.handle_timeout(Instant::now());
                self.flush();
            }
            self.discards.note(&self.sessions, Instant::now());
            if let Some(stop_by) = self.stop_by
                && (self.sessions.is_empty() || stop_by <= Instant::now())
            {
                return;
            }
            if drained {
                self.wait();
            }
        }
    }

    /// Returns whether there were any.
    fn take_commands(&mut self) -> bool {
        let mut any = false;
        let mut wakes = [0; 64];
        while matches!(self.woken.read(&mut wakes), Ok(read) if read == wakes.len()) {}
        loop {
            match self.commands.try_recv() {
                Ok(Command::Request(request)) => {
                    self.sessions.handle_request(request, Instant::now());
                }
                Ok(Command::Stop) => self.begin_stop(),
                Err(TryRecvError::Empty) => return any,
                Err(TryRecvError::Disconnected) => {
                    // Whoever would have stopped us is gone.
                    self.begin_stop();
                    self.flush();
                    return any;
                }
            }
            any = true;
            self.flush();
        }
    }

    fn begin_stop(&mut self) {
        if self.stop_by.is_none() {
            self.stop_by = Some(Instant::now() + STOP_WITHIN);
            self.sessions.handle_stop(Instant::now());
        }
    }

    /// Returns whether no socket has more.
    fn take_datagrams(&mut self) -> bool {
        let receivers = std::mem::take(&mut self.receivers);
        let drained = receivers.receive(|datagram| {
            // What is not acted on is counted there.
            let _counted = self
                .sessions
                .handle_datagram(&datagram, Instant::now())
                .is_err();
            self.flush();
        });
        self.receivers = receivers;
        drained
    }

    /// Carries out what the sessions want.
    fn flush(&mut self) {
        while let Some(transmit) = self.sessions.poll_transmit() {
            let transmitter = self.transmitters.entry(transmit.session);
            transmitter
                .or_default()
                .send(&transmit.key, &transmit.bytes, Instant::now());
        }
        while let Some(id) = self.sessions.poll_ended() {
            self.transmitters.remove(&id);
        }
        while let Some(report) = self.sessions.poll_report() {
            // The router is gone when the daemon stops.
            let _gone = self.reports.send(Event::Bfd(Box::new(report))).is_err();
        }
    }

    /// Until a datagram or a command comes, or a timer is due.
    fn wait(&self) {
        let now = Instant::now();
        let deadlines = [
            self.sessions.poll_timeout(),
            self.receivers.poll_timeout(),
            self.stop_by,
        ];
        let next = deadlines.into_iter().flatten().min();
        let timeout = next.map(|at| TimeSpec::from(at.saturating_duration_since(now)));
        // Who stops takes no more commands, and would be waked by the end of those who could send some.
        let woken = self.stop_by.is_none().then(|| self.woken.as_fd());
        let mut sources: Vec<_> = self
            .receivers
            .descriptors()
            .chain(woken)
            .map(|source| PollFd::new(source, PollFlags::POLLIN))
            .collect();
        match ppoll(&mut sources, timeout, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => {
                // Out of memory: time goes on, so sessions do.
                debug!("waiting for BFD packets failed: {error}");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// What was told about discarded datagrams.
#[derive(Debug, Default)]
struct Discards {
    told: u64,
    told_at: Option<Instant>,
}

impl Discards {
    fn note(&mut self, sessions: &Sessions, now: Instant) {
        let total = sessions.discarded().map(|(_, count)| count).sum();
        let recent = |at: Instant| now.saturating_duration_since(at) < DISCARDS_EVERY;
        if total == self.told || self.told_at.is_some_and(recent) {
            return;
        }
        (self.told, self.told_at) = (total, Some(now));
        let reasons: Vec<_> = sessions
            .discarded()
            .filter(|&(_, count)| count > 0)
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        debug!(
            "BFD packets discarded since the start: {}",
            reasons.join(", ")
        );
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
