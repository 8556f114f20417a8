//! The raw ICMPv6 socket of router discovery.

use std::collections::BTreeMap;
use std::io::{self, IoSliceMut};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::sockopt::Ipv6RecvPacketInfo;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, setsockopt};
use socket2::{Domain, Protocol, Type};
use tracing::debug;

use super::message::{ADVERTISEMENT, SOLICITATION};
use super::{MacAddresses, Received};
use crate::daemon::socket_option::SocketOption;
use crate::host::{IfIndex, MacAddress};

pub(super) const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
pub(super) const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
/// From <linux/icmpv6.h>: 256 bits, one a type; a bit that is set blocks.
const FILTER: SocketOption = SocketOption {
    level: libc::IPPROTO_ICMPV6,
    name: 1,
};
/// Longer than any link's MTU that carries such messages; what is cut off is not parsed.
const LONGEST: usize = 9216;

pub(super) struct Socket(socket2::Socket);

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Socket {
    /// # Errors
    /// Without CAP_NET_RAW, or without IPv6.
    pub(super) fn open() -> io::Result<Self> {
        let socket = socket2::Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
        socket.set_nonblocking(true)?;
        FILTER.set(&socket, &filter())?;
        socket.set_multicast_hops_v6(255)?;
        socket.set_multicast_loop_v6(false)?;
        socket.set_recv_hoplimit_v6(true)?;
        setsockopt(&socket, Ipv6RecvPacketInfo, &true)?;
        Ok(Self(socket))
    }

    /// Solicitations are sent to all routers of a link: be one of them. Done for each advertisement, as a link
    /// that went away takes its groups along.
    pub(super) fn listen_on(&self, link: IfIndex) {
        match self.0.join_multicast_v6(&ALL_ROUTERS, link.0) {
            Err(error) if error.raw_os_error() != Some(libc::EADDRINUSE) => {
                debug!("interface {}: solicitations are not heard: {error}", link.0);
            }
            _ => {}
        }
    }

    /// To one of the groups of a link.
    ///
    /// # Errors
    /// When the link is gone or down.
    pub(super) fn send(&self, link: IfIndex, group: Ipv6Addr, message: &[u8]) -> io::Result<()> {
        let group = SocketAddrV6::new(group, 0, 0, link.0);
        self.0.send_to(message, &group.into()).map(|_| ())
    }

    /// The next message.
    ///
    /// # Errors
    /// `WouldBlock` when there is none; else the socket is broken.
    pub(super) fn receive(&self) -> io::Result<Received> {
        let mut buffer = vec![0; LONGEST];
        let mut control = nix::cmsg_space!(libc::in6_pktinfo, libc::c_int);
        let (length, source, link, hop_limit) = {
            let mut parts = [IoSliceMut::new(&mut buffer)];
            let received = recvmsg::<SockaddrIn6>(
                self.0.as_fd().as_raw_fd(),
                &mut parts,
                Some(&mut control),
                MsgFlags::empty(),
            )?;
            let mut link = 0;
            let mut hop_limit = 0;
            for part in received.cmsgs()? {
                if let ControlMessageOwned::Ipv6PacketInfo(info) = part {
                    link = info.ipi6_ifindex;
                } else if let ControlMessageOwned::Ipv6HopLimit(limit) = part {
                    hop_limit = limit;
                }
            }
            let source = received
                .address
                .map_or(Ipv6Addr::UNSPECIFIED, |from| from.ip());
            let cut = received.flags.contains(MsgFlags::MSG_TRUNC);
            let length = if cut { 0 } else { received.bytes };
            (length, source, link, hop_limit)
        };
        buffer.truncate(length);
        Ok(Received {
            link: IfIndex(link),
            source,
            hop_limit: u8::try_from(hop_limit).unwrap_or(0),
            message: buffer,
        })
    }
}

fn filter() -> [u8; 32] {
    let mut words = [u32::MAX; 8];
    for kind in [SOLICITATION, ADVERTISEMENT] {
        words[usize::from(kind >> 5)] &= !(1 << (kind & 31));
    }
    let mut octets = [0; 32];
    for (chunk, word) in octets.chunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&word.to_ne_bytes());
    }
    octets
}

/// The MAC addresses of all links that have one.
pub(super) fn mac_addresses() -> MacAddresses {
    let Ok(addresses) = getifaddrs() else {
        return BTreeMap::new();
    };
    let mac = |entry: nix::ifaddrs::InterfaceAddress| {
        let address = entry.address?;
        let link = address.as_link_addr()?;
        let mac = link.addr().filter(|_| link.halen() == 6)?;
        let index = u32::try_from(link.ifindex()).ok()?;
        (mac != [0; 6]).then_some((IfIndex(index), MacAddress(mac)))
    };
    addresses.filter_map(mac).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_lets_two_types_through() {
        let filter = filter();
        let passes = |kind: u8| {
            let word = usize::from(kind >> 5) * 4;
            let word = u32::from_ne_bytes(filter[word..word + 4].try_into().unwrap());
            word & 1 << (kind & 31) == 0
        };
        let passing: Vec<u8> = (0..=255).filter(|&kind| passes(kind)).collect();
        assert_eq!(passing, [133, 134]);
    }
}
