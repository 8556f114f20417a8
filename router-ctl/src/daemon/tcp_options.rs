//! Socket options of BGP connections, and how a neighbour is dialled.
//!
//! No option is set in vain: what the kernel refuses ends in no connection, never in one that is less than what
//! was asked for.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::AsFd;

use ipnet::IpNet;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpSocket, TcpStream};

use crate::daemon::socket_option::SocketOption;
use crate::daemon::tcp_md5;
use crate::host::IfIndex;
use crate::router::transport::Transport;

/// Network control, DSCP CS6 (RFC 4594 §3.1), as a TOS octet.
const TOS_CS6: u32 = 0xc0;
const MINIMUM_TTL: SocketOption = SocketOption {
    level: libc::IPPROTO_IP,
    name: libc::IP_MINTTL,
};
const MINIMUM_HOP_COUNT: SocketOption = SocketOption {
    level: libc::IPPROTO_IPV6,
    name: libc::IPV6_MINHOPCOUNT,
};

/// Opens a connection in the current network namespace.
///
/// # Errors
/// Those of connect(2), and of setting the options.
pub(super) async fn dial(transport: Transport) -> io::Result<TcpStream> {
    let remote = endpoint(transport.remote, transport.scope, transport.port);
    let socket = Socket::new(
        Domain::for_address(remote),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    if let Some(source) = transport.source {
        let local = endpoint(source, transport.scope, 0);
        socket.bind(&local.into()).map_err(|error| {
            io::Error::new(error.kind(), format!("update-source {source}: {error}"))
        })?;
    }
    if let Some(mss) = transport.mss {
        socket.set_tcp_mss(mss.into())?;
    }
    apply(&transport, &socket)?;
    TcpSocket::from_std_stream(socket.into())
        .connect(remote)
        .await
}

/// What holds for every connection of the neighbour, whoever opened it.
///
/// # Errors
/// Those of setsockopt(2): the connection is not to be used.
pub(super) fn apply(transport: &Transport, socket: &impl AsFd) -> io::Result<()> {
    let options = SockRef::from(socket);
    options.set_tcp_nodelay(true)?;
    send_with(transport.remote, transport.ttl, &options)?;
    require_ttl(transport.remote, transport.minimum_ttl.unwrap_or(0), socket)
        .map_err(|error| io::Error::new(error.kind(), format!("ttl-security: {error}")))?;
    lose_filter(&options)?;
    match &transport.password {
        Some(key) => tcp_md5::set(socket, IpNet::from(transport.remote), key),
        None => Ok(()),
    }
}

/// TTL and traffic class of what we send.
///
/// # Errors
/// Those of setsockopt(2).
pub(super) fn send_with(family: IpAddr, ttl: u8, socket: &SockRef<'_>) -> io::Result<()> {
    match family {
        IpAddr::V4(_) => {
            socket.set_ttl_v4(ttl.into())?;
            socket.set_tos_v4(TOS_CS6)
        }
        IpAddr::V6(_) => {
            socket.set_unicast_hops_v6(ttl.into())?;
            socket.set_tclass_v6(TOS_CS6)
        }
    }
}

/// RFC 5082: what comes with a lower TTL is dropped. 0 asks for nothing.
fn require_ttl(family: IpAddr, minimum: u8, socket: &impl AsFd) -> io::Result<()> {
    let option = match family {
        IpAddr::V4(_) => MINIMUM_TTL,
        IpAddr::V6(_) => MINIMUM_HOP_COUNT,
    };
    option.set(socket, &libc::c_int::from(minimum).to_ne_bytes())
}

/// What a connection inherited from the listener is in the way when the TTL changes: see
/// [`ttl_filter`](crate::daemon::ttl_filter).
fn lose_filter(socket: &SockRef<'_>) -> io::Result<()> {
    match socket.detach_filter() {
        Err(error) if error.raw_os_error() != Some(libc::ENOENT) => Err(error),
        _ => Ok(()),
    }
}

fn endpoint(address: IpAddr, scope: Option<IfIndex>, port: u16) -> SocketAddr {
    match address {
        IpAddr::V6(address) if address.is_unicast_link_local() => {
            let scope = scope.map_or(0, |link| link.0);
            SocketAddrV6::new(address, port, 0, scope).into()
        }
        IpAddr::V4(_) | IpAddr::V6(_) => SocketAddr::new(address, port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(remote: &str) -> Transport {
        Transport {
            remote: remote.parse().unwrap(),
            scope: None,
            port: 179,
            source: None,
            ttl: 255,
            minimum_ttl: Some(254),
            password: Some("key".to_owned()),
            mss: None,
        }
    }

    #[test]
    fn the_kernel_takes_all_options_in_both_families_and_takes_them_back() {
        for (remote, domain) in [("192.0.2.1", Domain::IPV4), ("2001:db8::1", Domain::IPV6)] {
            let socket = Socket::new(domain, Type::STREAM, None).unwrap();
            apply(&transport(remote), &socket).unwrap();
            let without = Transport {
                minimum_ttl: None,
                password: None,
                ttl: 1,
                ..transport(remote)
            };
            apply(&without, &socket).unwrap();
        }
    }

    #[test]
    fn a_key_that_the_kernel_refuses_refuses_the_connection() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let long = Transport {
            password: Some("k".repeat(81)),
            ..transport("192.0.2.1")
        };
        assert!(apply(&long, &socket).is_err());
    }

    #[test]
    fn only_a_link_local_address_has_a_scope() {
        let scoped = |address: &str| {
            let SocketAddr::V6(address) = endpoint(address.parse().unwrap(), Some(IfIndex(7)), 179)
            else {
                panic!("an IPv6 address");
            };
            address.scope_id()
        };
        assert_eq!(scoped("fe80::1"), 7);
        assert_eq!(scoped("2001:db8::1"), 0);
    }
}
