//! A listening socket for BGP: its options, the keys on it, and a task that accepts.
//!
//! IPv4 and IPv6 have a socket each. Equal link-local addresses on several links are different neighbours, and
//! the kernel binds a key to nothing but an address: so a link with link-local neighbours that have keys gets a
//! socket of its own, which the kernel prefers to the general one for what comes in there.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use ipnet::IpNet;
use socket2::{Domain, Protocol, SockFilter, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use crate::daemon::{tcp_md5, tcp_options, ttl_filter};
use crate::host::IfIndex;

/// Connections that wait to be accepted; more are refused by the kernel.
const BACKLOG: i32 = 128;
/// The answer to a connection request has the largest TTL: a neighbour may ask for it (RFC 5082), and what the
/// neighbour's own TTL is to be is known when the connection is accepted.
const TTL: u8 = 255;
/// Out of descriptors or memory, the connection stays in the backlog.
const AGAIN: Duration = Duration::from_secs(1);

/// A connection as it came.
pub(super) type Accepted = (TcpStream, SocketAddr);

/// Sockets that listen and accept nothing yet.
#[derive(Debug)]
pub(super) struct Sockets {
    sockets: Vec<TcpListener>,
}

/// Opens the listeners, IPv4 and IPv6 apart, in the caller's network namespace.
///
/// # Errors
/// When the port is taken or may not be bound.
pub(super) fn open(port: u16) -> anyhow::Result<Sockets> {
    let mut sockets = vec![bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?];
    match bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
        Ok(socket) => sockets.push(socket),
        Err(error) if is_unsupported(&error) => {
            debug!("no IPv6 on this host: BGP listens on IPv4 only")
        }
        Err(error) => return Err(error),
    }
    Ok(Sockets { sockets })
}

fn is_unsupported(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| {
        matches!(
            error.raw_os_error(),
            Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)
        )
    })
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let socket = new_socket(address.ip())?;
    socket.bind(&address.into()).and_then(|()| socket.listen(BACKLOG)).map_err(|error| {
        let hint = match error.raw_os_error() {
            Some(libc::EADDRINUSE) => {
                "another BGP speaker has the port: stop it, or set another with `protocols bgp listen port`"
            }
            Some(libc::EACCES | libc::EPERM) => "ports below 1024 need root or CAP_NET_BIND_SERVICE",
            Some(_) | None => "check the host's addresses",
        };
        anyhow::Error::from(error).context(format!("cannot listen for BGP on {address}: {hint}"))
    })?;
    TcpListener::from_std(socket.into()).context("registering the BGP listener")
}

fn new_socket(address: IpAddr) -> io::Result<Socket> {
    let domain = if address.is_ipv6() {
        Domain::IPV6
    } else {
        Domain::IPV4
    };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    tcp_options::send_with(address, TTL, &SockRef::from(&socket))?;
    Ok(socket)
}

#[cfg(test)]
impl Sockets {
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        let addresses = self.sockets.iter().map(TcpListener::local_addr);
        addresses.map(Result::unwrap).collect()
    }
}

/// A listener at work; dropped, it accepts no more.
#[derive(Debug)]
pub(super) struct Listener {
    socket: Arc<TcpListener>,
    ipv6: bool,
    /// The link that it is for; the general ones have none.
    link: Option<IfIndex>,
    keys: BTreeMap<IpNet, String>,
    minimum_ttls: Vec<(IpAddr, u8)>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Sockets {
    /// Accepts from now on.
    pub(super) fn run(self, accepted: &mpsc::Sender<Accepted>) -> Vec<Listener> {
        let start = |socket: TcpListener| {
            let ipv6 = socket.local_addr().is_ok_and(|address| address.is_ipv6());
            Listener::start(socket, ipv6, None, accepted)
        };
        self.sockets.into_iter().map(start).collect()
    }
}

impl Listener {
    fn start(
        socket: TcpListener,
        ipv6: bool,
        link: Option<IfIndex>,
        accepted: &mpsc::Sender<Accepted>,
    ) -> Self {
        let socket = Arc::new(socket);
        Self {
            accepting: tokio::spawn(accept(socket.clone(), accepted.clone())),
            socket,
            ipv6,
            link,
            keys: BTreeMap::new(),
            minimum_ttls: Vec::new(),
        }
    }

    /// A listener for one link on the port of this one, which both have to agree to share for that.
    ///
    /// # Errors
    /// When the link is gone or the kernel refuses.
    pub(super) fn beside(
        &self,
        link: IfIndex,
        accepted: &mpsc::Sender<Accepted>,
    ) -> io::Result<Self> {
        let address = SocketAddr::from((Ipv6Addr::UNSPECIFIED, self.socket.local_addr()?.port()));
        let socket = new_socket(address.ip())?;
        socket.bind_device_by_index_v6(NonZeroU32::new(link.0))?;
        socket.set_reuse_port(true)?;
        let general = SockRef::from(&*self.socket);
        general.set_reuse_port(true)?;
        let bound = socket
            .bind(&address.into())
            .and_then(|()| socket.listen(BACKLOG));
        general.set_reuse_port(false)?;
        bound?;
        socket.set_reuse_port(false)?;
        let socket = TcpListener::from_std(socket.into())?;
        Ok(Self::start(socket, true, Some(link), accepted))
    }

    pub(super) fn link(&self) -> Option<IfIndex> {
        self.link
    }

    pub(super) fn is_ipv6(&self) -> bool {
        self.ipv6
    }

    /// Whether connections from there come to this listener, as far as one can tell beforehand.
    pub(super) fn serves(&self, peers: IpNet, scope: Option<IfIndex>) -> bool {
        self.ipv6 == peers.addr().is_ipv6() && (scope.is_none() || scope == self.link)
    }

    /// Puts these keys on the socket and takes all others away. Returns the addresses whose key the kernel
    /// does not take; they have none.
    pub(super) fn set_keys(&mut self, wanted: BTreeMap<IpNet, String>) -> Vec<(IpNet, io::Error)> {
        let gone: BTreeSet<IpNet> = self.keys.keys().copied().collect();
        for peers in gone.into_iter().filter(|peers| !wanted.contains_key(peers)) {
            self.keys.remove(&peers);
            if let Err(error) = tcp_md5::remove(&self.socket, peers) {
                warn!("the TCP MD5 key of {peers} cannot be removed from the listener: {error}");
            }
        }
        let mut refused = Vec::new();
        for (peers, key) in wanted {
            if self.keys.get(&peers) == Some(&key) {
                continue;
            }
            match tcp_md5::set(&self.socket, peers, &key) {
                Ok(()) => {
                    self.keys.insert(peers, key);
                }
                Err(error) => refused.push((peers, error)),
            }
        }
        refused
    }

    /// Neighbours with TTL security, and the lowest TTL that they may come with; all others may come with any.
    ///
    /// # Errors
    /// When they are too many, or those of setsockopt(2).
    pub(super) fn set_minimum_ttls(&mut self, wanted: Vec<(IpAddr, u8)>) -> io::Result<()> {
        if wanted == self.minimum_ttls {
            return Ok(());
        }
        let socket = SockRef::from(&*self.socket);
        if wanted.is_empty() {
            socket.detach_filter()?;
        } else {
            let program = ttl_filter::program(&wanted).ok_or_else(|| {
                io::Error::other("too many neighbours for a filter on the listener")
            })?;
            let program: Vec<SockFilter> = program
                .into_iter()
                .map(|step| SockFilter::new(step.code, step.jt, step.jf, step.k))
                .collect();
            socket.attach_filter(&program)?;
        }
        self.minimum_ttls = wanted;
        Ok(())
    }

    /// The segment size that the answer to a connection request announces; absent is the kernel's.
    ///
    /// # Errors
    /// Those of setsockopt(2).
    pub(super) fn set_mss(&self, mss: Option<u16>) -> io::Result<()> {
        SockRef::from(&*self.socket).set_tcp_mss(mss.unwrap_or(0).into())
    }
}

async fn accept(socket: Arc<TcpListener>, accepted: mpsc::Sender<Accepted>) {
    loop {
        match socket.accept().await {
            Ok(connection) => {
                if accepted.send(connection).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                warn!("accepting a BGP connection failed: {error}; trying again in a second");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
