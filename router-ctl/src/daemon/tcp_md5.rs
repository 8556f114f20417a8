//! Keys of TCP MD5 (RFC 2385) on a socket.
//!
//! `TCP_MD5SIG_EXT` takes a prefix, so that one key covers a `listen range`; of several that match, the kernel
//! takes the longest. Its interface index means VRFs only (Linux refuses any other), so a key of a link-local
//! neighbour is bound to its link by the socket that it is set on: see [`listener`](super::listener).

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;

use ipnet::IpNet;

use crate::daemon::socket_option::SocketOption;

const KEY: SocketOption = SocketOption {
    level: libc::IPPROTO_TCP,
    name: libc::TCP_MD5SIG_EXT,
};
/// `TCP_MD5SIG_MAXKEYLEN`
const MAX_KEY: usize = 80;
/// Size of `struct tcp_md5sig`: an address, flags, prefix length, key length, interface, key.
const SIZE: usize = 128 + 8 + MAX_KEY;
const FLAG_PREFIX: u8 = 1;

/// From now on segments from and to these addresses carry a signature, and unsigned ones are dropped. Holds for
/// connections that exist too.
///
/// # Errors
/// The kernel's refusal, with what to do about it.
pub(super) fn set(socket: &impl AsFd, peers: IpNet, key: &str) -> io::Result<()> {
    if key.is_empty() || key.len() > MAX_KEY {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("a TCP MD5 key has 1 to {MAX_KEY} octets"),
        ));
    }
    KEY.set(socket, &encode(peers, key.as_bytes()))
        .map_err(|error| {
            let hint = match error.raw_os_error() {
                Some(libc::ENOPROTOOPT) => ": it is built without CONFIG_TCP_MD5SIG",
                Some(libc::ENOMEM | libc::ENOBUFS) => {
                    ": no room for more keys on a socket; raise net.core.optmem_max"
                }
                Some(_) | None => "",
            };
            io::Error::new(
                error.kind(),
                format!("the kernel refuses the TCP MD5 key ({error}){hint}"),
            )
        })
}

/// The key is gone. Nothing happens when there was none.
///
/// # Errors
/// Those of setsockopt(2).
pub(super) fn remove(socket: &impl AsFd, peers: IpNet) -> io::Result<()> {
    match KEY.set(socket, &encode(peers, &[])) {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        outcome => outcome,
    }
}

fn encode(peers: IpNet, key: &[u8]) -> [u8; SIZE] {
    let mut option = [0; SIZE];
    match peers.addr() {
        IpAddr::V4(address) => {
            option[0..2].copy_from_slice(&family(libc::AF_INET));
            option[4..8].copy_from_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            option[0..2].copy_from_slice(&family(libc::AF_INET6));
            option[8..24].copy_from_slice(&address.octets());
        }
    }
    option[128] = FLAG_PREFIX;
    option[129] = peers.prefix_len();
    let length = u16::try_from(key.len()).unwrap_or(u16::MAX);
    option[130..132].copy_from_slice(&length.to_ne_bytes());
    option[136..136 + key.len()].copy_from_slice(key);
    option
}

fn family(family: libc::c_int) -> [u8; 2] {
    u16::try_from(family).unwrap_or_default().to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_key_is_laid_out_as_the_kernel_reads_it() {
        let option = encode("192.0.2.0/24".parse().unwrap(), b"key");
        assert_eq!(option.len(), 216);
        assert_eq!(&option[..8], &[2, 0, 0, 0, 192, 0, 2, 0]);
        assert_eq!(&option[128..136], &[1, 24, 3, 0, 0, 0, 0, 0]);
        assert_eq!(&option[136..140], b"key\0");
        let option = encode("2001:db8::/32".parse().unwrap(), b"");
        assert_eq!(
            &option[..12],
            &[10, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0x0d, 0xb8]
        );
        assert_eq!(&option[128..132], &[1, 32, 0, 0]);
    }

    #[test]
    fn the_kernel_takes_keys_of_hosts_and_ranges_and_gives_them_up() {
        for (listen, peers) in [
            ("127.0.0.1:0", "10.0.0.1/32"),
            ("127.0.0.1:0", "10.0.0.0/8"),
            ("[::1]:0", "2001:db8::/64"),
            ("[::1]:0", "fe80::1/128"),
        ] {
            let socket = TcpListener::bind(listen).unwrap();
            let peers: IpNet = peers.parse().unwrap();
            for key in ["one", "another"] {
                set(&socket, peers, key).unwrap_or_else(|error| panic!("{peers}: {error}"));
            }
            for _ in 0..2 {
                remove(&socket, peers).unwrap_or_else(|error| panic!("{peers}: {error}"));
            }
        }
    }

    #[test]
    fn a_key_that_is_too_long_or_for_another_family_is_an_error() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let peers = "10.0.0.1/32".parse().unwrap();
        assert!(set(&socket, peers, &"k".repeat(80)).is_ok());
        assert!(set(&socket, peers, &"k".repeat(81)).is_err());
        assert!(set(&socket, peers, "").is_err());
        let other = "2001:db8::1/128".parse().unwrap();
        let refusal = set(&socket, other, "key").unwrap_err().to_string();
        assert!(refusal.contains("refuses the TCP MD5 key"), "{refusal}");
    }
}
