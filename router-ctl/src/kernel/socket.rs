//! An rtnetlink socket under tokio: dumps, acknowledged requests, multicast groups, the kernel's own words on
//! an error.

use std::io;

use netlink_packet_core::{
    ErrorMessage, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage,
    NetlinkPayload, NlasIterator,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{AsyncSocket, AsyncSocketExt, SocketAddr, TokioSocket};

use super::KernelError;

/// The kernel fills at most 32 KiB at a time in a dump; a single message may be longer.
const READ_BUFFER: usize = 128 * 1024;

/// Room for the burst when a link with a full peering LAN behind it goes away.
const RECEIVE_BUFFER: usize = 16 * 1024 * 1024;

const NETLINK_HEADER: usize = 16;
/// `NLMSGERR_ATTR_MSG`: the kernel's explanation in words.
const ERROR_MESSAGE: u16 = 1;

pub(super) struct RouteSocket {
    socket: TokioSocket,
    port: u32,
    sequence: u32,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for RouteSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouteSocket")
            .field("port", &self.port)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

pub(super) enum Received {
    Messages(Vec<NetlinkMessage<RouteNetlinkMessage>>),
    /// The receive buffer was full and the kernel dropped messages (`ENOBUFS`).
    Overrun,
}

impl RouteSocket {
    pub(super) fn open(purpose: &'static str, groups: &[u32]) -> Result<Self, KernelError> {
        Self::try_open(groups).map_err(|source| KernelError::Open { purpose, source })
    }

    fn try_open(groups: &[u32]) -> io::Result<Self> {
        let mut socket = TokioSocket::new(NETLINK_ROUTE)?;
        let inner = socket.socket_mut();
        let port = inner.bind_auto()?.port_number();
        inner.set_ext_ack(true)?;
        inner.set_cap_ack(true)?;
        enlarge_receive_buffer(inner)?;
        for &group in groups {
            inner.add_membership(group)?;
        }
        Ok(Self {
            socket,
            port,
            sequence: 0,
            buffer: Vec::with_capacity(READ_BUFFER),
        })
    }

    pub(super) fn port(&self) -> u32 {
        self.port
    }

    /// Asks for a dump; returns the sequence number that its replies carry.
    pub(super) fn send_dump(
        &mut self,
        request: RouteNetlinkMessage,
        what: &str,
    ) -> Result<u32, KernelError> {
        self.send(request, NLM_F_DUMP, what)
    }

    /// Sends `request`, waits until the kernel has carried it out, returns what it answered.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "netlink's own enums grow with the kernel"
    )]
    pub(super) async fn request(
        &mut self,
        request: RouteNetlinkMessage,
        flags: u16,
        what: &str,
    ) -> Result<Vec<RouteNetlinkMessage>, KernelError> {
        let sequence = self.send(request, flags | NLM_F_ACK, what)?;
        let mut answers = Vec::new();
        loop {
            let Received::Messages(messages) = self.receive().await? else {
                continue;
            };
            for message in messages {
                if message.header.sequence_number != sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::InnerMessage(inner) => answers.push(inner),
                    NetlinkPayload::Error(error) if error.code.is_some() => {
                        return Err(refused(what.to_owned(), &error));
                    }
                    NetlinkPayload::Error(_) => return Ok(answers),
                    _ => {}
                }
            }
        }
    }

    /// The kernel handles a request inside `sendto`, so sending does not wait.
    fn send(
        &mut self,
        request: RouteNetlinkMessage,
        flags: u16,
        what: &str,
    ) -> Result<u32, KernelError> {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(request));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        self.socket
            .socket_ref()
            .send_to(&bytes, &SocketAddr::new(0, 0), 0)
            .map_err(|source| KernelError::Send {
                what: what.to_owned(),
                source,
            })?;
        Ok(self.sequence)
    }

    /// Waits for one datagram from the kernel. Nothing is lost when the future is dropped.
    pub(super) async fn receive(&mut self) -> Result<Received, KernelError> {
        loop {
            self.buffer.clear();
            match self.socket.recv_from(&mut self.buffer).await {
                Ok(sender) if sender.port_number() == 0 => {
                    return Ok(Received::Messages(split(&self.buffer)));
                }
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    return Ok(Received::Overrun);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(KernelError::Receive { source }),
            }
        }
    }

    /// Throws away all that is queued, the rest of a running dump included.
    pub(super) fn drain(&mut self) -> Result<(), KernelError> {
        loop {
            self.buffer.clear();
            match self
                .socket
                .socket_ref()
                .recv_from(&mut self.buffer, libc::MSG_DONTWAIT)
            {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error)
                    if error.raw_os_error() == Some(libc::ENOBUFS)
                        || error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(KernelError::Receive { source }),
            }
        }
    }
}

/// `SO_RCVBUFFORCE` passes over `net.core.rmem_max`; without the capability the plain limit has to do.
fn enlarge_receive_buffer(socket: &netlink_sys::Socket) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};
    let fd = std::os::fd::AsFd::as_fd(socket);
    setsockopt(&fd, sockopt::RcvBufForce, &RECEIVE_BUFFER)
        .or_else(|_| setsockopt(&fd, sockopt::RcvBuf, &RECEIVE_BUFFER))
        .map_err(io::Error::from)
}

/// Cuts a datagram into its messages. One that cannot be read is skipped: a new kind of interface must not
/// blind the router to all others.
fn split(datagram: &[u8]) -> Vec<NetlinkMessage<RouteNetlinkMessage>> {
    let mut messages = Vec::new();
    let mut rest = datagram;
    while let Some(length) = rest
        .first_chunk::<4>()
        .map(|bytes| u32::from_ne_bytes(*bytes) as usize)
    {
        let Some(bytes) = rest.get(..length).filter(|_| length >= NETLINK_HEADER) else {
            tracing::warn!(length, left = rest.len(), "a netlink message was cut short");
            break;
        };
        match NetlinkMessage::deserialize(bytes) {
            Ok(message) => messages.push(message),
            Err(error) => tracing::warn!(%error, "skipping a netlink message"),
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    messages
}

/// A negative acknowledgement as an error, with the kernel's own words when it gave any.
pub(super) fn refused(what: String, error: &ErrorMessage) -> KernelError {
    KernelError::Refused {
        what,
        source: error.to_io(),
        detail: explanation(error.header.get(NETLINK_HEADER..).unwrap_or_default()),
    }
}

fn explanation(attributes: &[u8]) -> Option<String> {
    let text = NlasIterator::new(attributes)
        .filter_map(Result::ok)
        .find(|attribute| attribute.kind() == ERROR_MESSAGE)?;
    let words = String::from_utf8_lossy(text.value());
    Some(words.trim_end_matches('\0').to_owned())
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::LinkMessage;

    use super::*;

    fn message(sequence: u32) -> Vec<u8> {
        let mut header = NetlinkHeader::default();
        header.sequence_number = sequence;
        let inner = RouteNetlinkMessage::NewLink(LinkMessage::default());
        let mut message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(inner));
        message.finalize();
        let mut bytes = vec![0; message.buffer_len()];
        message.serialize(&mut bytes);
        bytes
    }

    fn sequences(datagram: &[u8]) -> Vec<u32> {
        let messages = split(datagram);
        messages
            .iter()
            .map(|message| message.header.sequence_number)
            .collect()
    }

    #[test]
    fn a_datagram_is_cut_into_its_messages() {
        let two = [message(1), message(2)].concat();
        assert_eq!(sequences(&two), [1, 2]);
        assert_eq!(sequences(&[]), [0; 0]);
    }

    #[test]
    fn a_message_that_cannot_be_read_is_skipped_alone() {
        let mut short_link = message(2);
        // An interface message of four bytes: too short for its header.
        short_link.truncate(NETLINK_HEADER + 4);
        short_link[..4].copy_from_slice(&20u32.to_ne_bytes());
        let three = [message(1), short_link, message(3)].concat();
        assert_eq!(sequences(&three), [1, 3]);
    }

    #[test]
    fn no_cut_of_a_datagram_panics_or_hangs() {
        let two = [message(1), message(2)].concat();
        for end in 0..two.len() {
            assert!(sequences(&two[..end]).len() < 2, "cut at {end}");
        }
        let zero_length = [0; 64];
        assert_eq!(sequences(&zero_length), [0; 0]);
    }

    #[test]
    fn the_kernels_own_words_are_found() {
        let words = b"Invalid device\0";
        let length = u16::try_from(4 + words.len()).unwrap();
        let mut attributes = length.to_ne_bytes().to_vec();
        attributes.extend(ERROR_MESSAGE.to_ne_bytes());
        attributes.extend(words);
        assert_eq!(explanation(&attributes).as_deref(), Some("Invalid device"));
        assert_eq!(explanation(&[]), None);
        assert_eq!(explanation(&attributes[..7]), None);
    }
}
