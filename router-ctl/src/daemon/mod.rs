//! Sockets and timers into events, effects into sockets: what runs the router.
//!
//! Threads: the router's own ([`core`]), the FIB writer's ([`fib_writer`]), that of BFD ([`bfd`]), and a small tokio runtime for
//! everything that waits (neighbours, listener, netlink, API). Order of the start: configuration, listeners, a
//! complete picture of the host, data plane (adopt what is pinned), ports, neighbours, router, API. Order of the
//! stop: neighbours say what they have to say, the FIB writer finishes its queue; maps, program and links stay.

mod api_socket;
mod backend;
pub mod bfd;
mod config_file;
mod connection;
mod core;
mod door;
mod fib_writer;
mod listener;
mod log;
mod neighbours;
mod netlink;
mod peer;
mod ports;
mod router_discovery;
mod socket_option;
mod tcp_md5;
mod tcp_options;
mod ttl_filter;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info, warn};

use crate::config::model::Config;
use crate::daemon::config_file::Reloader;
use crate::daemon::neighbours::Neighbours;
use crate::dataplane;
use crate::kernel;
use crate::kernel::HostWatch;
use crate::router::event::Event;

/// Reports of neighbours that may wait for the router; each holds at most one read's worth of routes.
const PEER_REPORTS: usize = 64;
const QUESTIONS: usize = 64;
/// How long a stopping daemon waits for the FIB writer's queue.
const FIB_DRAIN: Duration = Duration::from_secs(10);

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
/// When it cannot start; the message says what to do. A refused configuration is an [`Invalid`].
pub fn run(options: Options) -> anyhow::Result<()> {
    log::start();
    let config = config_file::read(&options.config_path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("router-io")
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let outcome = runtime.block_on(async {
        let mut daemon = Daemon::start(config, options).await?;
        daemon.follow_signals().await?;
        daemon.stop().await
    });
    runtime.shutdown_timeout(Duration::from_secs(2));
    outcome
}

/// Detaches the XDP programs and removes the pins below `bpffs`.
///
/// # Errors
/// When a pin cannot be removed.
pub fn unload(bpffs: &Path) -> anyhow::Result<()> {
    log::start();
    let report = dataplane::unload(bpffs)?;
    info!(
        "{} interfaces detached, {} pins removed",
        report.detached.len(),
        report.unpinned.len()
    );
    Ok(())
}

/// A daemon whose parts are all running.
struct Daemon {
    socket: PathBuf,
    /// Ends when the last neighbour's task has.
    alive: mpsc::Receiver<Infallible>,
    bfd: bfd::Handle,
    backend: Arc<backend::DaemonBackend>,
    reloader: Reloader,
    hangup: Signal,
    stop_router: oneshot::Sender<()>,
    router_thread: JoinHandle<anyhow::Result<()>>,
    fib_thread: JoinHandle<()>,
}

impl Daemon {
    /// Starts part after part; what can be refused for a reason of the operator's comes before anything that
    /// changes the host.
    async fn start(config: Config, options: Options) -> anyhow::Result<Self> {
        let started = Instant::now();
        api_socket::refuse_second_instance(&options.socket)?;
        // From the first moment on a SIGHUP is a request, and does not end the daemon.
        let hangup = signal(SignalKind::hangup()).context("watching for SIGHUP")?;
        let port = config_file::bgp_port(&config);
        let sockets = port.map(listener::open).transpose()?;
        let mut watch = HostWatch::open()?;
        let host = netlink::first_dump(&mut watch).await?;
        ports::check_interfaces(&config, &host)?;

        let mut opened = ports::open_dataplane(&config, &options.bpffs)?;
        let prepared = ports::start_router(&config, host, &mut opened, started);
        let (router, effects) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                opened.take_back();
                return Err(error);
            }
        };
        let counters: Arc<dyn dataplane::Counters> = Arc::from(opened.dataplane.counters());
        let (control, control_inbox) = mpsc::unbounded_channel();
        let (questions, question_inbox) = mpsc::channel(QUESTIONS);
        let (stop_router, stopped) = oneshot::channel();
        let (wanted_neighbours, neighbour_inbox) = mpsc::unbounded_channel();
        let (fib, fib_thread) = fib_writer::spawn(opened.dataplane, control.clone())?;
        let speakers = start_neighbours(sockets, &control)?;
        let bfd = bfd::spawn(control.clone())?;
        tokio::spawn(netlink::follow(watch, control.clone()));
        tokio::spawn(netlink::keep(kernel::Neighbours::open()?, neighbour_inbox));
        let (advertise_on, advertised) = watch::channel(Vec::new());
        tokio::spawn(router_discovery::run(advertised, control.clone()));
        let inputs = core::Inputs {
            control: control_inbox,
            peers: speakers.reports,
            questions: question_inbox,
            stop: stopped,
        };
        let outputs = core::Outputs {
            peers: speakers.neighbours,
            fib,
            neighbours: wanted_neighbours,
            bfd: bfd.requests(),
            advertise_on,
        };
        let router_thread = core::spawn(router, effects, inputs, outputs)?;

        // The socket comes last: whoever reaches it finds a router that works.
        let forwards = config_file::forwards(&config);
        let (running, config) = watch::channel(Arc::new(config));
        let reloader = Reloader {
            path: options.config_path,
            running,
            router: control.clone(),
            door: speakers.door,
            listening: port,
            forwards,
        };
        let backend = Arc::new(backend::DaemonBackend {
            questions,
            control,
            counters,
            config,
            started: SystemTime::now(),
            stopping: AtomicBool::new(false),
        });
        let listener = api_socket::bind(&options.socket)?;
        tokio::spawn(api_socket::serve(listener, backend.clone()));
        info!("started in {:?}", started.elapsed());
        Ok(Self {
            socket: options.socket,
            alive: speakers.alive,
            bfd,
            backend,
            reloader,
            hangup,
            stop_router,
            router_thread,
            fib_thread,
        })
    }

    /// SIGHUP reads the configuration again; returns when the daemon is to stop.
    async fn follow_signals(&mut self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate()).context("watching for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("watching for SIGINT")?;
        loop {
            tokio::select! {
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
                _ = self.hangup.recv() => self.reloader.reload(),
            }
        }
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        info!(
            "stopping; forwarding goes on with what is installed (`router-ctl unload` takes it away)"
        );
        self.backend.stopping.store(true, Ordering::Relaxed);
        // First of all: a neighbour that loses BFD without this would not wait for us to come back (RFC 5882 §4.3).
        let bfd = tokio::task::spawn_blocking(move || self.bfd.stop()).await;
        if let Err(problem) = bfd.context("stopping BFD").flatten() {
            error!("{problem:#}");
        }
        if self.stop_router.send(()).is_err() {
            error!("the router thread ended before it was told to");
        }
        if tokio::time::timeout(peer::CLOSE_WITHIN * 2, self.alive.recv())
            .await
            .is_err()
        {
            warn!("a neighbour's task did not end in time");
        }
        api_socket::remove(&self.socket);
        let threads = tokio::task::spawn_blocking(move || {
            let router = self.router_thread.join().is_ok();
            let writer = self.fib_thread.join().is_ok();
            (router && writer)
                .then_some(())
                .context("a thread panicked; its message is above")
        });
        tokio::time::timeout(FIB_DRAIN, threads)
            .await
            .context("the FIB writer did not finish in time; the next start reconciles")??
    }
}

/// The door, and what the core needs to run those who come through it.
struct Speakers {
    neighbours: Neighbours,
    reports: mpsc::Receiver<neighbours::Report>,
    door: mpsc::UnboundedSender<door::Order>,
    alive: mpsc::Receiver<Infallible>,
}

fn start_neighbours(
    sockets: Option<listener::Sockets>,
    control: &mpsc::UnboundedSender<Event>,
) -> anyhow::Result<Speakers> {
    let (door, orders) = mpsc::unbounded_channel();
    if let Some(sockets) = sockets {
        door.send(door::Order::Listen(sockets))?;
    }
    tokio::spawn(door::Door::new(orders, control.clone()).run());
    let (report_end, reports) = mpsc::channel(PEER_REPORTS);
    let (alive_end, alive) = mpsc::channel(1);
    let neighbours = Neighbours::new(neighbours::Ends {
        runtime: tokio::runtime::Handle::current(),
        reports: report_end,
        door: door.clone(),
        alive: alive_end,
    });
    Ok(Speakers {
        neighbours,
        reports,
        door,
        alive,
    })
}
