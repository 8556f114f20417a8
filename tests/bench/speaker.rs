//! The two ends of a measurement: a feeder that sends an encoded table as fast as the router takes it, and a
//! receiver that counts prefixes as they come. Both use the project's own session for the handshake, with
//! hold time 0 where nothing but the table is to be on the wire.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::Context;
use router_ctl::bgp::session::{Action, ConnectionId, Direction, Session, SessionConfig};
use router_ctl::bgp::types::{Asn, Family, PeerAs, RouterId};
use socket2::{Domain, Protocol, Socket, Type};

const HANDSHAKE_WITHIN: Duration = Duration::from_secs(30);
const HEADER: usize = 19;
const UPDATE: u8 = 2;

/// An established session.
pub(crate) struct Speaker {
    stream: TcpStream,
    /// Read and not looked at yet.
    inbox: Vec<u8>,
}

/// What a receiver has seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) announced: usize,
    pub(crate) withdrawn: usize,
    pub(crate) end_of_rib: usize,
}

impl Speaker {
    /// Dials `remote` from `local` in the current network namespace until it answers, and brings a session up.
    ///
    /// # Errors
    /// When there is no session within half a minute.
    pub(crate) fn connect(
        local: IpAddr,
        remote: IpAddr,
        asn: Asn,
        router_id: RouterId,
    ) -> anyhow::Result<Self> {
        Self::connect_with(local, remote, asn, router_id, 0)
    }

    /// The same with a hold time in seconds; who asks for one sends the KEEPALIVEs.
    ///
    /// # Errors
    /// When there is no session within half a minute.
    pub(crate) fn connect_with(
        local: IpAddr,
        remote: IpAddr,
        asn: Asn,
        router_id: RouterId,
        hold_time: u16,
    ) -> anyhow::Result<Self> {
        let deadline = Instant::now() + HANDSHAKE_WITHIN;
        loop {
            match dial(local, remote)
                .map_err(anyhow::Error::from)
                .and_then(|stream| handshake(stream, asn, router_id, hold_time))
            {
                Ok(speaker) => return Ok(speaker),
                Err(error) if Instant::now() > deadline => {
                    return Err(error.context(format!("no session from {local} to {remote}")));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// Sends whole messages.
    ///
    /// # Errors
    /// When the connection ends.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Ends the connection, for the other handle too.
    ///
    /// # Errors
    /// When it has ended already.
    pub(crate) fn close(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Both)
    }

    /// A second handle on the connection, to read while the first writes.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub(crate) fn split(self) -> io::Result<(Self, Self)> {
        let stream = self.stream.try_clone()?;
        Ok((
            Self {
                stream,
                inbox: Vec::new(),
            },
            self,
        ))
    }

    /// Reads until `done` says so, and returns what was counted and when the last message came.
    ///
    /// # Errors
    /// When the connection ends or nothing comes for `idle`.
    pub(crate) fn receive(
        &mut self,
        idle: Duration,
        done: impl Fn(&Seen) -> bool,
    ) -> anyhow::Result<(Seen, Instant)> {
        let mut seen = Seen::default();
        let mut chunk = vec![0; 256 << 10];
        let mut inbox = std::mem::take(&mut self.inbox);
        self.stream.set_read_timeout(Some(idle))?;
        loop {
            let used = count(&inbox, &mut seen);
            inbox.drain(..used);
            if done(&seen) {
                self.inbox = inbox;
                return Ok((seen, Instant::now()));
            }
            let length = self
                .stream
                .read(&mut chunk)
                .with_context(|| format!("the table stopped at {seen:?}"))?;
            anyhow::ensure!(length > 0, "the router closed the connection at {seen:?}");
            inbox.extend_from_slice(&chunk[..length]);
        }
    }
}

fn dial(local: IpAddr, remote: IpAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(SocketAddr::new(remote, 179)),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.bind(&SocketAddr::new(local, 0).into())?;
    socket.connect_timeout(&SocketAddr::new(remote, 179).into(), Duration::from_secs(2))?;
    Ok(socket.into())
}

fn handshake(
    mut stream: TcpStream,
    asn: Asn,
    router_id: RouterId,
    hold_time: u16,
) -> anyhow::Result<Speaker> {
    let connection = ConnectionId(0);
    let mut session = Session::new(SessionConfig {
        hold_time,
        families: Family::ALL.to_vec(),
        passive: true,
        ..SessionConfig::new(asn, router_id, PeerAs::External)
    });
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.set_nodelay(true)?;
    session.start(Instant::now());
    session.handle_connected(connection, Direction::Inbound, Instant::now());
    // One message at a time: what follows the handshake belongs to the measurement.
    let mut message = Vec::new();
    loop {
        while let Some(action) = session.poll_action() {
            match action {
                Action::Transmit { bytes, .. } => stream.write_all(&bytes)?,
                Action::Up(_) => {
                    return Ok(Speaker {
                        stream,
                        inbox: Vec::new(),
                    });
                }
                Action::Close { .. } => {
                    anyhow::bail!("the session was refused: {:?}", session.stats().last_reset)
                }
                Action::Dial
                | Action::Down(_)
                | Action::Routes(_)
                | Action::EndOfRib(_)
                | Action::RouteRefresh(..)
                | Action::StateChanged(_)
                | Action::Malformed(_) => {}
            }
        }
        message.resize(HEADER, 0);
        stream.read_exact(&mut message)?;
        message.resize(
            usize::from(u16::from_be_bytes([message[16], message[17]])).max(HEADER),
            0,
        );
        stream.read_exact(&mut message[HEADER..])?;
        session.handle_bytes(connection, &message, Instant::now());
    }
}

/// Counts the prefixes of all whole messages; returns the octets that they take.
fn count(inbox: &[u8], seen: &mut Seen) -> usize {
    let mut used = 0;
    while let Some(header) = inbox.get(used..used + HEADER) {
        let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
        let Some(body) = inbox.get(used + HEADER..used + length) else {
            break;
        };
        if header[18] == UPDATE {
            count_update(body, seen);
        }
        used += length;
    }
    used
}

fn count_update(body: &[u8], seen: &mut Seen) {
    let number = |at: usize| usize::from(u16::from_be_bytes([body[at], body[at + 1]]));
    let withdrawn = number(0);
    let attributes = number(2 + withdrawn);
    let nlri = 4 + withdrawn + attributes;
    seen.withdrawn += prefixes(&body[2..2 + withdrawn]);
    seen.announced += prefixes(&body[nlri..]);
    let mut rest = &body[4 + withdrawn..nlri];
    let classic = withdrawn > 0 || nlri < body.len();
    if attributes == 0 && !classic {
        seen.end_of_rib += 1;
    }
    while rest.len() >= 3 {
        let extended = rest[0] & 0x10 != 0;
        let (start, length) = if extended {
            (4, usize::from(u16::from_be_bytes([rest[2], rest[3]])))
        } else {
            (3, usize::from(rest[2]))
        };
        let value = &rest[start..start + length];
        match rest[1] {
            14 => seen.announced += prefixes(&value[5 + usize::from(value[3])..]),
            15 if length == 3 => seen.end_of_rib += 1,
            15 => seen.withdrawn += prefixes(&value[3..]),
            _ => {}
        }
        rest = &rest[start + length..];
    }
}

fn prefixes(mut octets: &[u8]) -> usize {
    let mut count = 0;
    while let Some(&length) = octets.first() {
        octets = &octets[1 + usize::from(length).div_ceil(8)..];
        count += 1;
    }
    count
}
