//! The receive sockets: one for each family and each kind of session, with the TTL and the interface of what
//! arrives.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tracing::{debug, warn};

use super::is_transient;
use crate::bfd::Key;
use crate::bfd::sessions::{Datagram, Sessions};
use crate::host::IfIndex;

/// RFC 5881 §4.
const SINGLE_HOP_PORT: u16 = 3784;
/// RFC 5883 §5.
const MULTIHOP_PORT: u16 = 4784;
/// A packet with the longest authentication is shorter; what follows it is of no interest.
const LONGEST: usize = 256;
/// Datagrams taken from one socket before the others and the timers have their turn.
const A_TURN: usize = 64;
/// A port that another process has is tried again after this.
const RETRY: Duration = Duration::from_secs(5);

/// Room for every neighbour to send at once, a few times over.
const RECEIVE_BUFFER: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    ipv6: bool,
    multihop: bool,
}

#[derive(Debug, Default)]
pub(super) struct Receivers {
    open: Vec<Receiver>,
    /// Could not be opened, and when that is tried again.
    failed: Vec<(Kind, Instant)>,
}

#[derive(Debug)]
struct Receiver {
    kind: Kind,
    socket: Socket,
}

impl Receivers {
    /// Opens what the sessions need and is not open yet; closes what none needs.
    pub(super) fn suit(&mut self, sessions: &Sessions, now: Instant) {
        for kind in Kind::ALL {
            let is_wanted = sessions.keys().any(|key| kind.serves(key));
            if !is_wanted {
                self.open.retain(|receiver| receiver.kind != kind);
                self.failed.retain(|&(failed, _)| failed != kind);
            } else if self.open.iter().all(|receiver| receiver.kind != kind) {
                self.open(kind, now);
            }
        }
    }

    fn open(&mut self, kind: Kind, now: Instant) {
        let earlier = self.failed.iter().position(|&(failed, _)| failed == kind);
        if earlier.is_some_and(|at| self.failed[at].1 > now) {
            return;
        }
        match kind.bind() {
            Ok(socket) => {
                self.open.push(Receiver { kind, socket });
                self.failed.retain(|&(failed, _)| failed != kind);
            }
            Err(error) => {
                let port = kind.port();
                match earlier {
                    Some(at) => self.failed[at].1 = now + RETRY,
                    None => {
                        warn!(
                            "cannot receive BFD packets on UDP port {port}: {error}; trying again while sessions \
                             need it (`ss -lunp sport = {port}` tells who has it)"
                        );
                        self.failed.push((kind, now + RETRY));
                    }
                }
            }
        }
    }

    /// Whether a port is to be tried again.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.poll_timeout().is_some_and(|at| at <= now)
    }

    /// When a port is to be tried again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.failed.iter().map(|&(_, again)| again).min()
    }

    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.open.iter().map(|receiver| receiver.socket.as_fd())
    }

    /// Takes what has arrived. Returns whether no socket has more.
    pub(super) fn receive(&self, mut take: impl FnMut(Datagram<'_>)) -> bool {
        let mut drained = true;
        for receiver in &self.open {
            let mut taken = 0;
            while taken < A_TURN && receiver.receive(&mut take) {
                taken += 1;
            }
            drained &= taken < A_TURN;
        }
        drained
    }
}

impl Kind {
    const ALL: [Self; 4] = [
        Self::new(false, false),
        Self::new(false, true),
        Self::new(true, false),
        Self::new(true, true),
    ];

    const fn new(ipv6: bool, multihop: bool) -> Self {
        Self { ipv6, multihop }
    }

    fn serves(self, key: &Key) -> bool {
        (key.remote.is_ipv6(), key.multihop) == (self.ipv6, self.multihop)
    }

    fn port(self) -> u16 {
        if self.multihop {
            MULTIHOP_PORT
        } else {
            SINGLE_HOP_PORT
        }
    }

    fn bind(self) -> io::Result<Socket> {
        let (domain, address) = if self.ipv6 {
            (Domain::IPV6, IpAddr::from(Ipv6Addr::UNSPECIFIED))
        } else {
            (Domain::IPV4, IpAddr::from(Ipv4Addr::UNSPECIFIED))
        };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if self.ipv6 {
            socket.set_only_v6(true)?;
            setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        } else {
            setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
            setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        }
        if !self.multihop {
            socket.attach_filter(&far_senders_sampled(self.ipv6))?;
        }
        // Past the system's limit when that is allowed; a smaller buffer works too.
        let _limited = setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER)
            .or_else(|_| setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER))
            .is_err();
        socket.bind(&SocketAddr::new(address, self.port()).into())?;
        Ok(socket)
    }
}

/// A socket filter (classic BPF) that leaves one in 64 of the packets whose TTL is not 255. From farther than one
/// hop nobody can fill the buffer, and that somebody tries is still counted.
fn far_senders_sampled(ipv6: bool) -> [SockFilter; 7] {
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_WORD: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const AND: u16 = 0x54;
    const RETURN: u16 = 0x06;
    /// `SKF_NET_OFF`: from here on offsets count from the IP header.
    const NETWORK_HEADER: u32 = 0xfff0_0000;
    /// `SKF_AD_OFF + SKF_AD_RANDOM`.
    const RANDOM: u32 = 0xffff_f000 + 56;
    let ttl = NETWORK_HEADER + if ipv6 { 7 } else { 8 };
    [
        SockFilter::new(LOAD_BYTE, 0, 0, ttl),
        SockFilter::new(JUMP_IF_EQUAL, 3, 0, 255),
        SockFilter::new(LOAD_WORD, 0, 0, RANDOM),
        SockFilter::new(AND, 0, 0, 63),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

impl Receiver {
    /// Takes one datagram; returns whether there was one, or an error in its place.
    fn receive(&self, take: &mut impl FnMut(Datagram<'_>)) -> bool {
        let mut bytes = [0; LONGEST];
        let mut parts = [IoSliceMut::new(&mut bytes)];
        let mut control = nix::cmsg_space!(i32, libc::in6_pktinfo, libc::in_pktinfo);
        let flags = MsgFlags::empty();
        let descriptor = self.socket.as_raw_fd();
        let received =
            recvmsg::<SockaddrStorage>(descriptor, &mut parts, Some(&mut control), flags);
        let message = match received {
            Ok(message) => message,
            Err(error) => {
                let error = io::Error::from(error);
                if !is_transient(&error) {
                    debug!("receiving on UDP port {}: {error}", self.kind.port());
                }
                return false;
            }
        };
        let length = message.bytes;
        let source = message.address.as_ref().and_then(address);
        let mut arrival = Arrival::default();
        if let Ok(messages) = message.cmsgs() {
            messages.for_each(|message| arrival.note(&message));
        }
        if let (Some(source), Some(bytes)) = (source, bytes.get(..length)) {
            take(Datagram {
                source,
                destination: arrival.destination,
                interface: arrival.interface,
                ttl: arrival.ttl,
                multihop: self.kind.multihop,
                bytes,
            });
        }
        true
    }
}

fn address(storage: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| IpAddr::from(v4.ip()));
    v4.or_else(|| storage.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
}

/// What the control messages say.
#[derive(Debug, Default)]
struct Arrival {
    destination: Option<IpAddr>,
    interface: Option<IfIndex>,
    ttl: Option<u8>,
}

impl Arrival {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only what was asked for comes, and the enum names all there is"
    )]
    fn note(&mut self, message: &ControlMessageOwned) {
        match message {
            ControlMessageOwned::Ipv4Ttl(ttl) | ControlMessageOwned::Ipv6HopLimit(ttl) => {
                self.ttl = u8::try_from(*ttl).ok();
            }
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let destination = Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr));
                self.destination = Some(destination.into());
                self.interface = u32::try_from(info.ipi_ifindex).ok().map(IfIndex);
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                self.destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into());
                self.interface = Some(IfIndex(info.ipi6_ifindex));
            }
            _ => {}
        }
    }
}
