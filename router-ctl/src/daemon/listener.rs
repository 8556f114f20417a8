//! Port 179: accepts connections and hands each to the neighbour that it comes from. A connection from an
//! address that is no neighbour is told so (Cease, connection rejected: RFC 4486) and closed.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use crate::bgp::wire::notification::Notification;

/// RFC 4486 §3.
const CONNECTION_REJECTED: u8 = 5;
/// Connections that wait to be accepted; more are refused by the kernel.
const BACKLOG: i32 = 128;

/// Opens the listeners, IPv4 and IPv6 apart, in the caller's network namespace.
///
/// # Errors
/// When the port is taken or may not be bound.
pub(super) fn open(port: u16) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = vec![bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?];
    match bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
        Ok(listener) => listeners.push(listener),
        Err(error) if is_unsupported(&error) => {
            debug!("no IPv6 on this host: BGP listens on IPv4 only")
        }
        Err(error) => return Err(error),
    }
    Ok(listeners)
}

fn is_unsupported(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| {
        matches!(
            error.raw_os_error(),
            Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL)
        )
    })
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
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

/// Accepts until the listener fails for good. `peers` maps a neighbour's address to its task.
pub(super) async fn run(listener: TcpListener, peers: HashMap<IpAddr, mpsc::Sender<TcpStream>>) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => dispatch(stream, remote, &peers),
            Err(error) => {
                // Out of descriptors or memory: the connection stays in the backlog, so wait before the next try.
                warn!("accepting a BGP connection failed: {error}; trying again in a second");
                tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            }
        }
    }
}

fn dispatch(
    stream: TcpStream,
    remote: SocketAddr,
    peers: &HashMap<IpAddr, mpsc::Sender<TcpStream>>,
) {
    let Some(peer) = peers.get(&remote.ip().to_canonical()) else {
        debug!(
            "refused a BGP connection from {}: no such neighbour",
            remote.ip()
        );
        tokio::spawn(refuse(stream));
        return;
    };
    // A neighbour that opens connections faster than its session takes them loses the surplus.
    if peer.try_send(stream).is_err() {
        debug!(
            "refused a BGP connection from {}: too many at once",
            remote.ip()
        );
    }
}

async fn refuse(mut stream: TcpStream) {
    let mut message = Vec::new();
    Notification::new(Notification::CEASE, CONNECTION_REJECTED).encode(&mut message);
    let written = tokio::time::timeout(super::peer::CLOSE_WITHIN, async {
        stream.write_all(&message).await?;
        stream.shutdown().await
    });
    if let Ok(Err(error)) = written.await {
        debug!("a refused connection closed first: {error}");
    }
}
