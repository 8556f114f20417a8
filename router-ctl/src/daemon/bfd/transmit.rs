//! The transmit socket of one session: an own source port (RFC 5881 §4), TTL 255, network control.
//!
//! That a packet cannot be sent is normal while a link is down, a route is missing or an address is not there
//! yet. The session is down then and goes on trying; here one line for each new reason is all that comes of it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use tracing::debug;

use super::is_transient;
use crate::bfd::Key;
use crate::host::IfIndex;

const SINGLE_HOP_PORT: u16 = 3784;
const MULTIHOP_PORT: u16 = 4784;
const SOURCE_PORTS: RangeInclusive<u16> = 49152..=65535;
/// Ports tried before the socket has to wait.
const PORT_TRIES: usize = 64;
const TTL: u32 = 255;
/// DSCP CS6 (RFC 4594 §3.1), as a TOS octet.
const TOS_CS6: u32 = 0xc0;
/// Nobody reads what arrives here; the kernel takes its least.
const RECEIVE_BUFFER: usize = 1;
const REOPEN: Duration = Duration::from_secs(1);

/// Shared by all sessions, so that each has a port of its own.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

#[derive(Debug, Default)]
pub(super) struct Transmitter {
    socket: Option<Socket>,
    /// Opening failed; not before then again.
    reopen_at: Option<Instant>,
    failing: Option<io::ErrorKind>,
}

impl Transmitter {
    pub(super) fn send(&mut self, key: &Key, bytes: &[u8], now: Instant) {
        if self.socket.is_none() && self.reopen_at.is_some_and(|at| now < at) {
            return;
        }
        let outcome = self.try_send(key, bytes);
        if self.socket.is_none() {
            self.reopen_at = Some(now + REOPEN);
        }
        match outcome {
            Ok(()) => self.failing = None,
            Err(error) if is_transient(&error) => {}
            Err(error) => {
                let kind = Some(error.kind());
                if std::mem::replace(&mut self.failing, kind) != kind {
                    debug!("sending BFD to {}: {error}", key.remote);
                }
            }
        }
    }

    fn try_send(&mut self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => open(key)?,
        };
        let port = if key.multihop {
            MULTIHOP_PORT
        } else {
            SINGLE_HOP_PORT
        };
        let remote = with_scope(key.remote, port, key.interface);
        let sent = self.socket.insert(socket).send_to(bytes, &remote.into());
        sent.map(|_| ())
    }
}

fn open(key: &Key) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(SocketAddr::new(key.remote, 0)),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    match key.remote {
        IpAddr::V4(_) => {
            socket.set_ttl_v4(TTL)?;
            socket.set_tos_v4(TOS_CS6)?;
        }
        IpAddr::V6(_) => {
            socket.set_only_v6(true)?;
            socket.set_unicast_hops_v6(TTL)?;
            socket.set_tclass_v6(TOS_CS6)?;
        }
    }
    if let Some(IfIndex(index)) = key.interface {
        let name = nix::net::if_::if_indextoname(index)?;
        socket.bind_device(Some(name.to_bytes()))?;
    }
    bind(&socket, key)?;
    Ok(socket)
}

fn bind(socket: &Socket, key: &Key) -> io::Result<()> {
    let any = match key.remote {
        IpAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let local = key.local.unwrap_or(any);
    let mut outcome = Ok(());
    for _ in 0..PORT_TRIES {
        outcome = socket.bind(&with_scope(local, next_port(), key.interface).into());
        match &outcome {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Ok(()) | Err(_) => break,
        }
    }
    outcome
}

/// Goes round the range; begins at a place that differs between two daemons of one host.
fn next_port() -> u16 {
    let (first, last) = SOURCE_PORTS.into_inner();
    let begin = u16::try_from(std::process::id() % 4096).unwrap_or(0);
    let step = NEXT_PORT
        .fetch_add(1, Ordering::Relaxed)
        .wrapping_add(begin);
    first + step % (last - first + 1)
}

fn with_scope(address: IpAddr, port: u16, interface: Option<IfIndex>) -> SocketAddr {
    match (address, interface) {
        (IpAddr::V6(v6), Some(IfIndex(index))) if v6.is_unicast_link_local() => {
            SocketAddrV6::new(v6, port, 0, index).into()
        }
        _ => SocketAddr::new(address, port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_ports_stay_in_their_range_and_differ() {
        let ports: std::collections::BTreeSet<_> = (0..1000).map(|_| next_port()).collect();
        assert!(ports.iter().all(|port| SOURCE_PORTS.contains(port)));
        assert!(ports.len() > 900);
    }

    #[test]
    fn only_a_link_local_address_has_a_scope() {
        let text = |address: &str| {
            with_scope(address.parse().unwrap(), 3784, Some(IfIndex(7))).to_string()
        };
        assert_eq!(text("fe80::1"), "[fe80::1%7]:3784");
        assert_eq!(text("2001:db8::1"), "[2001:db8::1]:3784");
        assert_eq!(text("192.0.2.1"), "192.0.2.1:3784");
    }
}
