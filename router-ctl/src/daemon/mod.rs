//! Sockets and timers into events, effects into sockets: what runs the router.
//!
//! Threads: the router's own ([`core`]), the FIB writer's ([`fib_writer`]), and a small tokio runtime for
//! everything that waits (neighbours, listener, netlink, API). Order of the start: configuration, data plane
//! (adopt what is pinned), a complete picture of the host, router, neighbours, listener, API. Order of the
//! stop: neighbours say what they have to say, the FIB writer finishes its queue; maps, program and links stay.

mod backend;
mod connection;
mod core;
mod fib_writer;
mod listener;
mod netlink;
mod peer;
mod tcp_options;

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use tokio::net::{TcpStream, UnixListener};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use crate::api;
use crate::bgp::session::{Session, StopReason};
use crate::config::model::{Config, Xdp};
use crate::config::problem::{Invalid, Severity};
use crate::config::toml;
use crate::dataplane::memory::Memory;
use crate::dataplane::{self, Dataplane, OpenOptions};
use crate::kernel::{HostWatch, Neighbours};
use crate::rib::route::PeerId;
use crate::router::event::Event;
use crate::router::{Found, Router};

/// Events of neighbours that may wait for the router; each holds at most one read's worth of routes.
const PEER_EVENTS: usize = 64;
const QUESTIONS: usize = 64;
/// Connections of one neighbour that may wait for its task.
const ACCEPTED: usize = 4;
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
    let config = read_config(&options.config_path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("router-io")
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let outcome = runtime.block_on(Daemon::start_and_run(config, options));
    runtime.shutdown_timeout(Duration::from_secs(2));
    outcome
}

/// Detaches the XDP programs and removes the pins below `bpffs`.
///
/// # Errors
/// When a pin cannot be removed.
pub fn unload(bpffs: &Path) -> anyhow::Result<()> {
    let report = dataplane::unload(bpffs)?;
    info!(
        "{} interfaces detached, {} pins removed",
        report.detached.len(),
        report.unpinned.len()
    );
    Ok(())
}

fn read_config(path: &Path) -> anyhow::Result<Config> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration {}", path.display()))?;
    let (config, problems) = toml::parse(&text).map_err(|problems| Invalid {
        file: path.display().to_string(),
        problems,
    })?;
    for problem in problems
        .iter()
        .filter(|problem| problem.severity == Severity::Warning)
    {
        warn!("{}", problem.in_file(&path.display().to_string()));
    }
    Ok(config)
}

struct Daemon;

impl Daemon {
    async fn start_and_run(config: Config, options: Options) -> anyhow::Result<()> {
        let started = Instant::now();
        refuse_second_instance(&options.socket)?;
        let dataplane = open_dataplane(&config, &options.bpffs)?;
        let opened = started.elapsed();
        let installed = dataplane.dump().context("reading the installed routes")?;
        let dumped = started.elapsed();
        let mut watch = HostWatch::open()?;
        let host = netlink::first_dump(&mut watch).await?;

        let engine = dataplane.engine();
        let counters: Arc<dyn dataplane::Counters> = Arc::from(dataplane.counters());
        let adopted = installed.bindings.len();
        let ports = dataplane.ports();
        let mut router = Router::new(
            config.clone(),
            Found {
                engine,
                installed,
                ports,
            },
            Instant::now(),
        );
        router.note_startup("data plane opened", opened);
        router.note_startup("installed routes read", dumped - opened);
        router.handle(Event::Host(host), Instant::now());
        router.note_startup("host read", started.elapsed() - dumped);
        info!(
            "data plane {engine}: {adopted} routes adopted; starting took {:?}",
            started.elapsed()
        );

        let (control, control_inbox) = mpsc::unbounded_channel();
        let (peer_events, peer_inbox) = mpsc::channel(PEER_EVENTS);
        let (questions, question_inbox) = mpsc::channel(QUESTIONS);
        let (stop, stopped) = oneshot::channel();
        let (wanted_neighbours, neighbour_inbox) = mpsc::unbounded_channel();
        let (fib, fib_thread) = fib_writer::spawn(dataplane, control.clone())?;

        let mut neighbours = start_neighbours(&config, &router, &peer_events)?;
        let outputs = core::Outputs {
            peers: neighbours.commands.clone(),
            fib,
            neighbours: wanted_neighbours,
        };
        let inputs = core::Inputs {
            control: control_inbox,
            peers: peer_inbox,
            questions: question_inbox,
            stop: stopped,
        };
        tokio::spawn(netlink::follow(watch, control));
        tokio::spawn(netlink::keep(Neighbours::open()?, neighbour_inbox));
        let port = config
            .protocols
            .bgp
            .as_ref()
            .map(|bgp| bgp.listen_port.unwrap_or(179));
        for listener in port.map(listener::open).transpose()?.into_iter().flatten() {
            tokio::spawn(listener::run(listener, neighbours.accepting.clone()));
        }
        let router_thread = core::spawn(router, inputs, outputs)?;

        // The socket comes last: whoever reaches it finds a router that works.
        let api_listener = bind_api(&options.socket)?;
        let backend = Arc::new(backend::DaemonBackend {
            questions,
            counters,
            config: Arc::new(config),
            started: SystemTime::now(),
            stopping: AtomicBool::new(false),
        });
        tokio::spawn(serve_api(api_listener, backend.clone()));

        wait_for_signal().await?;
        info!(
            "stopping; forwarding goes on with what is installed (`router-ctl unload` takes it away)"
        );
        backend.stopping.store(true, Ordering::Relaxed);
        neighbours.stop().await;
        if stop.send(()).is_err() {
            error!("the router thread ended before it was told to");
        }
        remove_socket(&options.socket);
        tokio::time::timeout(
            FIB_DRAIN,
            tokio::task::spawn_blocking(move || {
                let ended = router_thread.join().is_ok() & fib_thread.join().is_ok();
                ended
                    .then_some(())
                    .context("a thread panicked; its message is above")
            }),
        )
        .await
        .context("the FIB writer did not finish in time; the next start reconciles")??
    }
}

/// The tasks of the neighbours, from the daemon's side.
struct NeighbourTasks {
    commands: HashMap<PeerId, mpsc::UnboundedSender<peer::Command>>,
    accepting: HashMap<IpAddr, mpsc::Sender<TcpStream>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

fn start_neighbours(
    config: &Config,
    router: &Router,
    events: &mpsc::Sender<Event>,
) -> anyhow::Result<NeighbourTasks> {
    let mut started = NeighbourTasks {
        commands: HashMap::new(),
        accepting: HashMap::new(),
        tasks: Vec::new(),
    };
    let Some(bgp) = &config.protocols.bgp else {
        return Ok(started);
    };
    if router.router_id().0.is_unspecified() {
        anyhow::bail!(
            "protocols bgp parameters router-id: this host has no IPv4 address to take the BGP identifier from; set router-id"
        );
    }
    for (id, address, neighbor) in router.peers().addresses() {
        let session = Session::new(
            router
                .session_config(id)
                .context("a neighbour without BGP")?,
        );
        let transport = tcp_options::Transport {
            remote: address,
            port: neighbor.port.unwrap_or(179),
            source: neighbor.update_source,
            ttl: router.session_ttl(id),
        };
        let (commands, command_inbox) = mpsc::unbounded_channel();
        let (accepting, accepted) = mpsc::channel(ACCEPTED);
        let ends = peer::Ends {
            commands: command_inbox,
            accepted,
            events: events.clone(),
        };
        started.tasks.push(tokio::spawn(
            peer::PeerTask::new(id, session, transport, ends).run(),
        ));
        started.commands.insert(id, commands);
        started.accepting.insert(address, accepting);
    }
    info!(
        "AS {}, router-id {}: {} neighbours",
        bgp.system_as,
        router.router_id(),
        started.tasks.len()
    );
    Ok(started)
}

impl NeighbourTasks {
    /// Ends every session in a way that lets a neighbour with graceful restart keep our routes.
    async fn stop(&mut self) {
        for commands in self.commands.values() {
            // A task that ended has nothing left to stop.
            let _ended = commands
                .send(peer::Command::Stop(StopReason::Restart))
                .is_err();
        }
        for task in self.tasks.drain(..) {
            if tokio::time::timeout(peer::CLOSE_WITHIN * 2, task)
                .await
                .is_err()
            {
                warn!("a neighbour's task did not end in time");
            }
        }
    }
}

/// Starts with maps and programs when an interface asks for them, else with a data plane in memory.
fn open_dataplane(config: &Config, bpffs: &Path) -> anyhow::Result<Box<dyn Dataplane>> {
    if config
        .interfaces
        .ethernet
        .values()
        .all(|ethernet| ethernet.xdp == Xdp::Off)
    {
        info!("no interface has xdp on: this router speaks BGP and forwards nothing itself");
        return Ok(Box::new(Memory::new()));
    }
    let (dataplane, report) = dataplane::open(&OpenOptions {
        bpffs: bpffs.to_path_buf(),
    })?;
    for other in &report.other_versions {
        warn!(
            "{}: pins of another version; `router-ctl unload` removes them",
            other.display()
        );
    }
    for gone in &report.gone {
        warn!(
            "the interface with index {} is gone; what was left of its port is removed",
            gone.0
        );
    }
    Ok(dataplane)
}

fn refuse_second_instance(path: &Path) -> anyhow::Result<()> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        anyhow::bail!(
            "{}: another router serves this socket; give this one its own with --socket",
            path.display()
        );
    }
    Ok(())
}

/// Opens the API's socket, in place of one that nobody serves any more.
fn bind_api(path: &Path) -> anyhow::Result<UnixListener> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)
            .with_context(|| format!("creating {} for the API socket", parent.display()))?;
    }
    remove_socket(path);
    UnixListener::bind(path)
        .with_context(|| format!("cannot open the API socket {}", path.display()))
}

fn remove_socket(path: &Path) {
    match std::fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => warn!("{}: {error}", path.display()),
    }
}

async fn serve_api(listener: UnixListener, backend: Arc<backend::DaemonBackend>) {
    if let Err(error) = api::serve(listener, backend).await {
        error!("the API ended: {error}");
    }
}

async fn wait_for_signal() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("watching for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("watching for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
