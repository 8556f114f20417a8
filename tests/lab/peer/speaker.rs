//! A BGP speaker that announces what a test tells it to and notes what it is told. It has no table and makes no
//! decision; the session is the router's own.
//!
//! It dials until it is answered, dials again when the session ends, and then announces everything anew. A thread
//! of its own drives it.

mod encode;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use ipnet::IpNet;
use router_ctl::bgp::session::{
    Action, ConnectionId, Direction, GracefulRestart, Session, SessionConfig,
};
use router_ctl::bgp::types::{Asn, Family, PathAttributes, PeerAs, RouteUpdate, RouterId};
use router_ctl::bgp::wire::update::encode_end_of_rib;
use socket2::{Domain, Protocol, Socket, Type};

use crate::{Node, wait};

const BGP: u16 = 179;
const READ_TIMEOUT: Duration = Duration::from_millis(10);
const DIAL_TIMEOUT: Duration = Duration::from_secs(1);
const DIAL_PAUSE: Duration = Duration::from_millis(50);
const CONNECTION: ConnectionId = ConnectionId(0);

/// Who speaks, and to whom.
#[derive(Clone, Debug)]
pub struct SpeakerOptions {
    pub asn: u32,
    pub router_id: Ipv4Addr,
    pub local: IpAddr,
    pub router: IpAddr,
    /// The next hops of what is announced.
    pub next_hop_v4: Ipv4Addr,
    pub next_hop_v6: std::net::Ipv6Addr,
    pub families: Vec<Family>,
    /// Seconds; 0 for a session that never times out.
    pub hold_time: u16,
    pub restart: Restart,
}

/// Whether the router may keep our routes when the session ends (RFC 4724).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    Plain,
    Graceful,
}

pub struct Speaker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    name: String,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    stop: AtomicBool,
}

#[derive(Default)]
struct State {
    /// What is to be announced: the AS path of each prefix behind our own AS.
    announced: BTreeMap<IpNet, Vec<u32>>,
    /// Prefixes whose announcement or withdrawal is not on the wire yet.
    pending: BTreeSet<IpNet>,
    received: BTreeMap<IpNet, PathAttributes>,
    end_of_rib: BTreeSet<Family>,
    up: bool,
    /// Sessions that have come up.
    sessions: u32,
    last_error: String,
}

impl Speaker {
    pub fn start(node: &Node, options: SpeakerOptions) -> Self {
        let shared = Arc::new(Shared::default());
        let name = format!("the speaker in {}", node.name());
        let thread = {
            let (shared, node) = (shared.clone(), node.clone());
            thread::spawn(move || drive(&node, &options, &shared))
        };
        Self {
            shared,
            thread: Some(thread),
            name,
        }
    }

    /// Announces the prefixes with this AS path, the speaker's own AS in front.
    pub fn announce<T: AsRef<str>>(&self, prefixes: &[T], as_path: &[u32]) {
        let mut state = self.state();
        for prefix in prefixes {
            let prefix = net(prefix.as_ref());
            state.announced.insert(prefix, as_path.to_vec());
            state.pending.insert(prefix);
        }
    }

    pub fn withdraw<T: AsRef<str>>(&self, prefixes: &[T]) {
        let mut state = self.state();
        for prefix in prefixes {
            let prefix = net(prefix.as_ref());
            state.announced.remove(&prefix);
            state.pending.insert(prefix);
        }
    }

    #[track_caller]
    pub fn wait_up(&self) {
        self.wait_sessions(1);
    }

    /// Waits until the session has come up `count` times.
    #[track_caller]
    pub fn wait_sessions(&self, count: u32) {
        let what = format!("session {count} of {}", self.name);
        let found = wait::try_until(&what, Duration::from_secs(40), || {
            let state = self.state();
            (state.up && state.sessions >= count).then_some(())
        });
        if let Err(error) = found {
            panic!("{error}; the last connection: {}", self.state().last_error);
        }
    }

    pub fn sessions(&self) -> u32 {
        self.state().sessions
    }

    pub fn is_up(&self) -> bool {
        self.state().up
    }

    /// What the router has told about a prefix: its AS path and next hop.
    pub fn received(&self, prefix: &str) -> Option<(Vec<u32>, IpAddr)> {
        let state = self.state();
        let attributes = state.received.get(&net(prefix))?;
        let path = attributes.view().as_path();
        let as_path = path.ases().map(|asn| asn.0).collect();
        Some((as_path, attributes.next_hop.address()))
    }

    #[track_caller]
    pub fn wait_received(&self, prefix: &str) -> (Vec<u32>, IpAddr) {
        let what = format!("{} to be told {prefix}", self.name);
        wait::until(&what, Duration::from_secs(30), || self.received(prefix))
    }

    #[track_caller]
    pub fn wait_withdrawn(&self, prefix: &str) {
        let what = format!("{} to be told that {prefix} is gone", self.name);
        wait::until(&what, Duration::from_secs(30), || {
            self.received(prefix).is_none().then_some(())
        });
    }

    /// Prefixes that the router has told.
    pub fn received_count(&self) -> usize {
        self.state().received.len()
    }

    /// Waits for the router's End-of-RIB.
    #[track_caller]
    pub fn wait_end_of_rib(&self, family: Family) {
        let what = format!("{} to see the End-of-RIB of {family}", self.name);
        wait::until(&what, Duration::from_secs(30), || {
            self.state().end_of_rib.contains(&family).then_some(())
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared)
    }
}

/// The TCP connection ends without a NOTIFICATION.
impl Drop for Speaker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn lock(shared: &Shared) -> MutexGuard<'_, State> {
    shared.state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn net(prefix: &str) -> IpNet {
    match prefix.parse::<IpNet>() {
        Ok(prefix) => prefix.trunc(),
        Err(error) => panic!("{prefix}: {error}"),
    }
}

fn drive(node: &Node, options: &SpeakerOptions, shared: &Shared) {
    while !shared.stop.load(Ordering::Relaxed) {
        let ended = node
            .run(|| dial(options))
            .and_then(|stream| talk(stream, options, shared));
        let mut state = lock(shared);
        state.up = false;
        state.received.clear();
        state.end_of_rib.clear();
        if let Err(error) = ended {
            state.last_error = format!("{error:#}");
        }
        drop(state);
        thread::sleep(DIAL_PAUSE);
    }
}

fn dial(options: &SpeakerOptions) -> Result<TcpStream> {
    let remote = SocketAddr::new(options.router, BGP);
    let socket = Socket::new(
        Domain::for_address(remote),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.bind(&SocketAddr::new(options.local, 0).into())?;
    socket.connect_timeout(&remote.into(), DIAL_TIMEOUT)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    Ok(stream)
}

/// Runs one connection to its end.
fn talk(mut stream: TcpStream, options: &SpeakerOptions, shared: &Shared) -> Result<()> {
    let mut session = Session::new(SessionConfig {
        passive: true,
        hold_time: options.hold_time,
        families: options.families.clone(),
        graceful_restart: (options.restart == Restart::Graceful).then_some(GracefulRestart {
            restart_time: 120,
            restarting: false,
            forwarding_kept: true,
            helper_only: false,
        }),
        ..SessionConfig::new(
            Asn(options.asn),
            RouterId(options.router_id),
            PeerAs::External,
        )
    });
    session.start(Instant::now());
    session.handle_connected(CONNECTION, Direction::Inbound, Instant::now());
    let mut chunk = vec![0; 64 << 10];
    while !shared.stop.load(Ordering::Relaxed) {
        act(&mut session, &mut stream, options, shared)?;
        announce_pending(&session, &mut stream, options, shared)?;
        match stream.read(&mut chunk) {
            Ok(0) => bail!("the router closed the connection"),
            Ok(length) => {
                let bytes = chunk.get(..length).unwrap_or_default();
                session.handle_bytes(CONNECTION, bytes, Instant::now());
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error).context("reading"),
        }
        if session
            .poll_timeout()
            .is_some_and(|deadline| deadline <= Instant::now())
        {
            session.handle_timeout(Instant::now());
        }
    }
    Ok(())
}

fn act(
    session: &mut Session,
    stream: &mut TcpStream,
    options: &SpeakerOptions,
    shared: &Shared,
) -> Result<()> {
    while let Some(action) = session.poll_action() {
        match action {
            Action::Transmit { bytes, .. } => stream.write_all(&bytes).context("writing")?,
            Action::Close { .. } => {
                let reset = session.stats().last_reset.as_ref();
                let reason = reset.map_or_else(String::new, |reset| reset.reason.to_string());
                bail!("the session ended: {reason}");
            }
            Action::Up(negotiated) => {
                let mut state = lock(shared);
                state.up = true;
                state.sessions += 1;
                state.pending = state.announced.keys().copied().collect();
                let out = encode::pending(&mut state, options, &negotiated.encoding());
                drop(state);
                stream.write_all(&out).context("writing")?;
                let mut end = Vec::new();
                for &family in &negotiated.families {
                    encode_end_of_rib(&mut end, family);
                }
                stream.write_all(&end).context("writing")?;
            }
            Action::Routes(update) => note(&mut lock(shared), update),
            Action::EndOfRib(family) => {
                lock(shared).end_of_rib.insert(family);
            }
            Action::Down(_)
            | Action::Dial
            | Action::RouteRefresh(..)
            | Action::StateChanged(_)
            | Action::Malformed(_) => {}
        }
    }
    Ok(())
}

fn note(state: &mut State, update: RouteUpdate) {
    for gone in update.withdrawn {
        state.received.remove(&gone.prefix);
    }
    if let Some(attributes) = update.attributes {
        for told in update.announced {
            state.received.insert(told.prefix, attributes.clone());
        }
    }
}

fn announce_pending(
    session: &Session,
    stream: &mut TcpStream,
    options: &SpeakerOptions,
    shared: &Shared,
) -> Result<()> {
    let Some(encoding) = session.negotiated().map(|agreed| agreed.encoding()) else {
        return Ok(());
    };
    let out = encode::pending(&mut lock(shared), options, &encoding);
    stream.write_all(&out).context("writing")
}
