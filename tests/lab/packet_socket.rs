//! An AF_PACKET socket on one port: whole Ethernet frames out and in, many per system call.
//!
//! All `unsafe` of sending and capturing is here.

use std::io;
use std::mem::{self, size_of};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::ptr;

use anyhow::{Context as _, Result};

use crate::Port;

/// Frames per system call.
pub(crate) const BATCH: usize = 64;

/// Longest frame that is kept whole; GRO can merge up to 64 KiB.
const FRAME_ROOM: usize = 65_536 + 64;

/// Enough for one second of small frames at a few hundred thousand a second.
const RECEIVE_BUFFER: libc::c_int = 256 * 1024 * 1024;

/// `AF_PACKET` and `ETH_P_ALL` in the width of `sockaddr_ll`'s fields.
const FAMILY: libc::sa_family_t = 17;
const EVERY_PROTOCOL: u16 = 3;

/// A VLAN tag and its TPID.
const TAG_BYTES: usize = 4;
/// Destination and source MAC, before the tag.
const MACS: usize = 12;
const TPID_8021Q: u16 = 0x8100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Send,
    Receive,
}

pub(crate) struct PacketSocket {
    fd: OwnedFd,
}

impl PacketSocket {
    pub(crate) fn open(port: &Port, direction: Direction) -> Result<Self> {
        port.node()
            .run(|| Self::open_here(port.index().0, direction))
            .with_context(|| format!("opening a packet socket on {port}"))
    }

    /// Protocol 0 hears nothing, so no frame of another interface slips in before `bind`.
    fn open_here(index: u32, direction: Direction) -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
        // SAFETY: no pointers are involved.
        let fd = check(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })?;
        // SAFETY: `fd` was just opened and nobody else owns it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let socket = Self { fd };
        let protocol = match direction {
            Direction::Send => 0,
            Direction::Receive => {
                socket.set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, RECEIVE_BUFFER)?;
                socket.set(libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING, 1)?;
                socket.set(libc::SOL_PACKET, libc::PACKET_AUXDATA, 1)?;
                EVERY_PROTOCOL
            }
        };
        socket.bind(index, protocol)?;
        Ok(socket)
    }

    fn bind(&self, index: u32, protocol: u16) -> io::Result<()> {
        // SAFETY: sockaddr_ll is plain data; all zeroes is a valid value.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = FAMILY;
        address.sll_protocol = protocol.to_be();
        address.sll_ifindex = index.cast_signed();
        // SAFETY: the pointer and the length describe `address`, which lives through the call.
        check(unsafe {
            libc::bind(
                self.fd.as_raw_fd(),
                (&raw const address).cast(),
                length_of::<libc::sockaddr_ll>(),
            )
        })
        .map(|_| ())
    }

    fn set(&self, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
        // SAFETY: the pointer and the length describe `value`, which lives through the call.
        check(unsafe {
            libc::setsockopt(
                self.fd.as_raw_fd(),
                level,
                option,
                (&raw const value).cast(),
                length_of::<libc::c_int>(),
            )
        })
        .map(|_| ())
    }

    /// Hands over up to [`BATCH`] frames; returns how many the device took. `ENOBUFS`: it took none.
    pub(crate) fn send(&self, frames: &[&[u8]]) -> io::Result<usize> {
        let frames = frames.get(..BATCH).unwrap_or(frames);
        let mut parts: Vec<libc::iovec> = frames
            .iter()
            .map(|frame| libc::iovec {
                iov_base: frame.as_ptr().cast_mut().cast(),
                iov_len: frame.len(),
            })
            .collect();
        let mut messages: Vec<libc::mmsghdr> = parts.iter_mut().map(message).collect();
        // SAFETY: each message points at one element of `parts`, which points at one frame; all of them outlive
        // the call, and sendmmsg writes only to `messages`.
        let sent = check(unsafe {
            libc::sendmmsg(
                self.fd.as_raw_fd(),
                messages.as_mut_ptr(),
                count(&messages),
                0,
            )
        })?;
        Ok(sent as usize)
    }

    /// Waits up to `timeout` milliseconds for a frame.
    pub(crate) fn wait_readable(&self, timeout: libc::c_int) -> io::Result<bool> {
        let mut poll = libc::pollfd {
            fd: self.fd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        // SAFETY: the pointer and the count describe `poll`, which lives through the call.
        match check(unsafe { libc::poll(&raw mut poll, 1, timeout) }) {
            Ok(ready) => Ok(ready > 0),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Frames lost to a full receive buffer since the last call.
    pub(crate) fn take_dropped(&self) -> io::Result<u64> {
        // SAFETY: tpacket_stats is plain data; all zeroes is a valid value.
        let mut stats: libc::tpacket_stats = unsafe { mem::zeroed() };
        let mut length = length_of::<libc::tpacket_stats>();
        // SAFETY: the pointers and the length describe `stats` and `length`, which live through the call.
        check(unsafe {
            libc::getsockopt(
                self.fd.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut stats).cast(),
                &raw mut length,
            )
        })?;
        Ok(u64::from(stats.tp_drops))
    }
}

/// Where received frames land. Reused from call to call.
pub(crate) struct ReceiveBatch {
    frames: Vec<Box<[u8]>>,
    controls: Vec<Control>,
}

/// Room for one `PACKET_AUXDATA` control message, aligned as the kernel's header wants it.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; 64]);

impl ReceiveBatch {
    pub(crate) fn new() -> Self {
        let frame = || vec![0; FRAME_ROOM].into_boxed_slice();
        Self {
            frames: (0..BATCH).map(|_| frame()).collect(),
            controls: vec![Control([0; 64]); BATCH],
        }
    }

    /// Takes what is queued, up to [`BATCH`] frames, and shows each to `see`. Returns how many there were.
    pub(crate) fn receive(
        &mut self,
        socket: &PacketSocket,
        mut see: impl FnMut(&[u8]),
    ) -> io::Result<usize> {
        let lengths = self.fill(socket)?;
        for (frame, (length, tag)) in self.frames.iter_mut().zip(&lengths) {
            let end = (TAG_BYTES + length).min(FRAME_ROOM);
            match tag {
                None => see(frame.get(TAG_BYTES..end).unwrap_or_default()),
                Some(tag) => {
                    put_tag_back(frame, *tag);
                    see(frame.get(..end).unwrap_or_default());
                }
            }
        }
        Ok(lengths.len())
    }

    /// One `recvmmsg`. Frames land behind [`TAG_BYTES`] of room for the tag.
    fn fill(&mut self, socket: &PacketSocket) -> io::Result<Vec<(usize, Option<[u8; 4]>)>> {
        let mut parts: Vec<libc::iovec> = self
            .frames
            .iter_mut()
            .map(|frame| libc::iovec {
                iov_base: frame[TAG_BYTES..].as_mut_ptr().cast(),
                iov_len: FRAME_ROOM - TAG_BYTES,
            })
            .collect();
        let mut messages: Vec<libc::mmsghdr> = parts.iter_mut().map(message).collect();
        for (message, control) in messages.iter_mut().zip(&mut self.controls) {
            message.msg_hdr.msg_control = control.0.as_mut_ptr().cast();
            message.msg_hdr.msg_controllen = control.0.len();
        }
        // SAFETY: each message points at one frame buffer and one control buffer with their true lengths; all of
        // them outlive the call and none is shared.
        let received = check(unsafe {
            libc::recvmmsg(
                socket.fd.as_raw_fd(),
                messages.as_mut_ptr(),
                count(&messages),
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        });
        let received = match received {
            Ok(count) => count as usize,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            // Told once when the interface goes down; frames come again when it is up.
            Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => 0,
            Err(error) => return Err(error),
        };
        let full = messages.iter().take(received);
        Ok(full
            .map(|message| (message.msg_len as usize, stripped_tag(&message.msg_hdr)))
            .collect())
    }
}

/// The kernel takes the outer VLAN tag off before it shows a frame; it tells the tag beside the frame.
fn stripped_tag(header: &libc::msghdr) -> Option<[u8; 4]> {
    // SAFETY: the kernel has filled the control buffer that `header` points at and set its length.
    let first = unsafe { libc::CMSG_FIRSTHDR(header) };
    // SAFETY: CMSG_FIRSTHDR returns null or a pointer to a whole header inside the control buffer.
    let control = unsafe { first.as_ref() }?;
    if (control.cmsg_level, control.cmsg_type) != (libc::SOL_PACKET, libc::PACKET_AUXDATA) {
        return None;
    }
    // SAFETY: a PACKET_AUXDATA message holds one tpacket_auxdata; it need not be aligned.
    let auxiliary: libc::tpacket_auxdata =
        unsafe { ptr::read_unaligned(libc::CMSG_DATA(first).cast()) };
    if auxiliary.tp_status & libc::TP_STATUS_VLAN_VALID == 0 {
        return None;
    }
    let tpid = match auxiliary.tp_status & libc::TP_STATUS_VLAN_TPID_VALID {
        0 => TPID_8021Q,
        _ => auxiliary.tp_vlan_tpid,
    };
    let [a, b] = tpid.to_be_bytes();
    let [c, d] = auxiliary.tp_vlan_tci.to_be_bytes();
    Some([a, b, c, d])
}

/// Moves the MACs into the room in front and writes the tag between them and the EtherType.
fn put_tag_back(frame: &mut [u8], tag: [u8; TAG_BYTES]) {
    frame.copy_within(TAG_BYTES..TAG_BYTES + MACS, 0);
    frame[MACS..MACS + TAG_BYTES].copy_from_slice(&tag);
}

fn length_of<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(size_of::<T>()).unwrap_or(0)
}

fn count(messages: &[libc::mmsghdr]) -> libc::c_uint {
    libc::c_uint::try_from(messages.len()).unwrap_or(libc::c_uint::MAX)
}

fn message(part: &mut libc::iovec) -> libc::mmsghdr {
    // SAFETY: mmsghdr is plain data; all zeroes is a valid value.
    let mut message: libc::mmsghdr = unsafe { mem::zeroed() };
    message.msg_hdr.msg_iov = part;
    message.msg_hdr.msg_iovlen = 1;
    message
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
