//! Ports: what the program knows of an interface that it routes on.

use bytemuck::{Pod, Zeroable};

/// An interface as the wire shows it: the device and the tags on the frame (0 where there is none).
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Pod, Zeroable)]
pub struct PortKey {
    pub ifindex: u32,
    pub outer_vid: u16,
    pub inner_vid: u16,
}

/// `row` is the port's dense row in the counters, below [`MAX_PORTS`](crate::map::MAX_PORTS); row 0 counts
/// frames from interfaces that have no entry. `mac` is the port's own address.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct PortConfig {
    pub row: u32,
    pub mac: [u8; 6],
    pub flags: u16,
}

impl PortConfig {
    /// The counter row of interfaces without an entry.
    pub const UNKNOWN_ROW: u32 = 0;
    /// Packets that arrive here are routed; without it they are `PassPortOff`.
    pub const FORWARDING: u16 = 1;
}

const _: () = assert!(size_of::<PortKey>() == 8 && size_of::<PortConfig>() == 12);

impl PortKey {
    /// The key of an untagged frame.
    #[inline(always)]
    pub const fn untagged(ifindex: u32) -> Self {
        Self {
            ifindex,
            outer_vid: 0,
            inner_vid: 0,
        }
    }
}

#[cfg(feature = "user")]
mod user {
    // SAFETY: `Pod` is derived for both.
    unsafe impl aya::Pod for super::PortKey {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::PortConfig {}
}
