//! Socket options of BGP connections: TTL, traffic class, no delay; and how a neighbour is dialled.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpSocket, TcpStream};

/// Network control, DSCP CS6 (RFC 4594 §3.1), as a TOS octet.
const TOS_CS6: u32 = 0xc0;

/// How to reach one neighbour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transport {
    pub(super) remote: IpAddr,
    pub(super) port: u16,
    /// `update-source`: the address to dial from.
    pub(super) source: Option<IpAddr>,
    /// 1 for a directly connected eBGP neighbour, 255 for iBGP, else `ebgp-multihop`.
    pub(super) ttl: u8,
}

impl Transport {
    /// Opens a connection in the current network namespace.
    ///
    /// # Errors
    /// Those of connect(2), and of setting the options.
    pub(super) async fn dial(self) -> io::Result<TcpStream> {
        let remote = SocketAddr::new(self.remote, self.port);
        let socket = Socket::new(
            Domain::for_address(remote),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_nonblocking(true)?;
        if let Some(source) = self.source {
            socket.bind(&SocketAddr::new(source, 0).into())?;
        }
        self.apply(&SockRef::from(&socket))?;
        TcpSocket::from_std_stream(socket.into())
            .connect(remote)
            .await
    }

    /// Sets the options on a connection that the neighbour opened.
    ///
    /// # Errors
    /// Those of setsockopt(2).
    pub(super) fn accept(self, stream: &TcpStream) -> io::Result<()> {
        self.apply(&SockRef::from(stream))
    }

    fn apply(self, socket: &SockRef<'_>) -> io::Result<()> {
        socket.set_tcp_nodelay(true)?;
        match self.remote {
            IpAddr::V4(_) => {
                socket.set_ttl_v4(u32::from(self.ttl))?;
                socket.set_tos_v4(TOS_CS6)
            }
            IpAddr::V6(_) => {
                socket.set_unicast_hops_v6(u32::from(self.ttl))?;
                socket.set_tclass_v6(TOS_CS6)
            }
        }
    }
}
