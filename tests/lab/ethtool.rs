//! Offload switches of an interface, through the ethtool ioctl.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;

use anyhow::{Context as _, Result, bail};

use crate::port::Port;

/// Legacy one-switch commands (linux/ethtool.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offload {
    /// Generic receive offload. On a veth end it also turns NAPI on, without which frames that an XDP program
    /// redirects to the other end vanish unseen.
    Gro,
    /// Transmit checksum offload. A veth sender with it leaves checksums unfinished.
    TransmitChecksum,
}

impl Offload {
    fn set_command(self) -> u32 {
        match self {
            Self::Gro => 0x2c,              // ETHTOOL_SGRO
            Self::TransmitChecksum => 0x17, // ETHTOOL_STXCSUM
        }
    }

    fn get_command(self) -> u32 {
        match self {
            Self::Gro => 0x2b,              // ETHTOOL_GGRO
            Self::TransmitChecksum => 0x16, // ETHTOOL_GTXCSUM
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    On,
    Off,
}

pub fn set(port: &Port, offload: Offload, switch: Switch) -> Result<()> {
    let value = u32::from(switch == Switch::On);
    call(port, offload.set_command(), value)
        .with_context(|| format!("switching {offload:?} {switch:?} on {port}"))?;
    Ok(())
}

pub fn get(port: &Port, offload: Offload) -> Result<Switch> {
    let value = call(port, offload.get_command(), 0)
        .with_context(|| format!("reading {offload:?} of {port}"))?;
    Ok(if value == 0 { Switch::Off } else { Switch::On })
}

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

fn call(port: &Port, command: u32, data: u32) -> Result<u32> {
    let name = port.name().as_bytes();
    if name.len() >= libc::IFNAMSIZ {
        bail!("the interface name {} is too long", port.name());
    }
    let mut value = EthtoolValue { command, data };
    port.node().run(|| {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        // SAFETY: ifreq is plain data; all zeroes is a valid value.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        for (slot, byte) in request.ifr_name.iter_mut().zip(name) {
            *slot = byte.cast_signed();
        }
        request.ifr_ifru.ifru_data = (&raw mut value).cast();
        // SAFETY: SIOCETHTOOL reads and writes the ethtool_value behind ifru_data, which lives through the call.
        let result =
            unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
        match result {
            0 => Ok(value.data),
            _ => Err(io::Error::last_os_error().into()),
        }
    })
}
