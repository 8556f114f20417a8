//! A BGP client that says whatever it is told to, octet by octet. It shares no code with the router.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use lab::topology::Spoke;
use lab::wait;
use socket2::{Domain, Protocol, Socket, Type};

use crate::world::{DEADLINE, asn};

pub(crate) const OPEN: u8 = 1;
pub(crate) const UPDATE: u8 = 2;
pub(crate) const NOTIFICATION: u8 = 3;
pub(crate) const KEEPALIVE: u8 = 4;

pub(crate) struct Raw {
    stream: TcpStream,
}

impl Raw {
    /// A TCP connection from the spoke's peer to the router's port 179.
    pub(crate) fn connect(spoke: &Spoke) -> Result<Self> {
        Self::connect_from(spoke, spoke.peer_v4())
    }

    /// The same from another of the peer's addresses.
    pub(crate) fn connect_from(spoke: &Spoke, local: Ipv4Addr) -> Result<Self> {
        let router = SocketAddr::from((spoke.router_v4(), 179));
        let dial = || -> io::Result<TcpStream> {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
            socket.bind(&SocketAddr::from((local, 0)).into())?;
            socket.connect_timeout(&router.into(), DEADLINE)?;
            Ok(socket.into())
        };
        let stream = spoke
            .peer
            .run(dial)
            .with_context(|| format!("dialling {router} from {local}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        stream.set_write_timeout(Some(DEADLINE))?;
        Ok(Self { stream })
    }

    /// Connects and exchanges OPEN and KEEPALIVE. Tries again while the router does not take the connection.
    pub(crate) fn establish(spoke: &Spoke) -> Self {
        Self::establish_from(spoke, spoke.peer_v4(), &good_open(spoke))
    }

    /// The same from another of the peer's addresses and with another OPEN.
    pub(crate) fn establish_from(spoke: &Spoke, local: Ipv4Addr, open: &[u8]) -> Self {
        let what = format!("the router to take a session with {local}");
        wait::until(&what, DEADLINE, || {
            let mut raw = Self::connect_from(spoke, local).ok()?;
            raw.send(open).ok()?;
            raw.send(&message(KEEPALIVE, &[])).ok()?;
            raw.expect(OPEN).ok()?;
            raw.expect(KEEPALIVE).ok()?;
            Some(raw)
        })
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("sending")
    }

    /// The type and the body of the next message; an error at the end of the connection.
    pub(crate) fn read(&mut self) -> Result<(u8, Vec<u8>)> {
        let mut header = [0; 19];
        self.stream.read_exact(&mut header)?;
        let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
        let mut body = vec![0; length.saturating_sub(19)];
        self.stream.read_exact(&mut body)?;
        Ok((header[18], body))
    }

    pub(crate) fn expect(&mut self, kind: u8) -> Result<Vec<u8>> {
        match self.read()? {
            (found, body) if found == kind => Ok(body),
            (found, body) => bail!("message type {found} {body:?}, not {kind}"),
        }
    }

    /// Code and subcode of the NOTIFICATION that comes, whatever else comes before; then the end.
    pub(crate) fn notification(&mut self) -> Result<(u8, u8)> {
        loop {
            let (kind, body) = self.read().context("waiting for a NOTIFICATION")?;
            if kind != NOTIFICATION {
                continue;
            }
            let mut rest = Vec::new();
            match self.stream.read_to_end(&mut rest) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
                Err(error) => {
                    return Err(error).context("the connection stays after a NOTIFICATION");
                }
            }
            assert!(rest.is_empty(), "after the NOTIFICATION: {rest:?}");
            return Ok((body[0], body[1]));
        }
    }

    /// A second handle of the connection: one reads, the other writes.
    pub(crate) fn clone_handle(&self) -> Result<Self> {
        let stream = self.stream.try_clone()?;
        stream.set_read_timeout(None)?;
        Ok(Self { stream })
    }

    /// Ends the connection for every handle.
    pub(crate) fn shut_down(&self) {
        self.stream.shutdown(Shutdown::Both).ok();
    }

    pub(crate) fn set_write_timeout(&self, timeout: Duration) -> Result<()> {
        Ok(self.stream.set_write_timeout(Some(timeout))?)
    }
}

/// A whole message.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xff; 16];
    bytes.extend(u16::try_from(19 + body.len()).unwrap().to_be_bytes());
    bytes.push(kind);
    bytes.extend(body);
    bytes
}

pub(crate) fn open(version: u8, asn: u16, hold_time: u16, id: [u8; 4]) -> Vec<u8> {
    // One capability: IPv4 unicast.
    open_with(version, asn, hold_time, id, &[1, 4, 0, 1, 0, 1])
}

/// All capabilities in one parameter of type 2, as everybody writes them; no parameter when there are none.
pub(crate) fn open_with(
    version: u8,
    asn: u16,
    hold_time: u16,
    id: [u8; 4],
    capabilities: &[u8],
) -> Vec<u8> {
    let mut body = vec![version];
    body.extend(asn.to_be_bytes());
    body.extend(hold_time.to_be_bytes());
    body.extend(id);
    if capabilities.is_empty() {
        body.push(0);
    } else {
        let length = u8::try_from(capabilities.len()).unwrap();
        body.extend([length + 2, 2, length]);
        body.extend(capabilities);
    }
    message(OPEN, &body)
}

/// Capabilities 1 for both families and 65.
pub(crate) fn modern(asn: u32) -> Vec<u8> {
    let mut all = vec![1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 65, 4];
    all.extend(asn.to_be_bytes());
    all
}

pub(crate) fn good_open(spoke: &Spoke) -> Vec<u8> {
    let asn = u16::try_from(asn(spoke)).unwrap();
    open(4, asn, 90, [10, 255, 1, 1 + spoke.number])
}

/// Path attributes in the order given: flags, type, value.
pub(crate) fn attributes(all: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (flags, kind, value) in all {
        bytes.extend([*flags, *kind, u8::try_from(value.len()).unwrap()]);
        bytes.extend(*value);
    }
    bytes
}

/// An UPDATE that announces one /24.
pub(crate) fn update(attributes: &[u8], prefix: [u8; 3]) -> Vec<u8> {
    let mut body = vec![0, 0];
    body.extend(u16::try_from(attributes.len()).unwrap().to_be_bytes());
    body.extend(attributes);
    body.push(24);
    body.extend(prefix);
    message(UPDATE, &body)
}

/// An UPDATE that withdraws one /24.
pub(crate) fn withdraw(prefix: [u8; 3]) -> Vec<u8> {
    let mut body = vec![0, 4, 24];
    body.extend(prefix);
    body.extend([0, 0]);
    message(UPDATE, &body)
}

/// ORIGIN, AS_PATH, NEXT_HOP as a two-octet speaker writes them.
pub(crate) fn good_attributes(spoke: &Spoke) -> Vec<u8> {
    let asn = u16::try_from(asn(spoke)).unwrap().to_be_bytes();
    let next_hop: Ipv4Addr = spoke.peer_v4();
    attributes(&[
        (0x40, 1, &[0]),
        (0x40, 2, &[2, 1, asn[0], asn[1]]),
        (0x40, 3, &next_hop.octets()),
    ])
}
