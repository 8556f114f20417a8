//! Where a packet goes at last: a port and a neighbour, or a verdict instead of a port.

use bytemuck::{Pod, Zeroable};

use crate::verdict::Verdict;

#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
pub struct NextHopId(pub u32);

impl NextHopId {
    /// The next hop of destinations without a route: verdict `PassNoRoute`.
    pub const NO_ROUTE: Self = Self(0);
}

/// `neighbour` is a MAC and two zero bytes, stored as one word; zero means unresolved.
/// A `verdict` other than zero is the row of the packet's fate (local, blackhole…) instead of a port.
/// `mtu` is the egress L3 MTU in bytes; `vlan` is the tag to push, 0 for none. Egress, MTU, VLAN and source
/// MAC never change in place: that is a new id. Only `neighbour` does, in one store.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Pod, Zeroable)]
pub struct NextHop {
    pub egress: u32,
    pub mtu: u16,
    pub vlan: u16,
    pub neighbour: [u8; 8],
    pub source_mac: [u8; 6],
    pub verdict: u16,
}

const _: () = assert!(size_of::<NextHop>() == 24 && align_of::<NextHop>() == 8);

impl NextHop {
    /// A next hop that ends the packet's way with `verdict`.
    pub const fn terminal(verdict: Verdict) -> Self {
        Self {
            egress: 0,
            mtu: 0,
            vlan: 0,
            neighbour: [0; 8],
            source_mac: [0; 6],
            verdict: verdict as u16,
        }
    }

    /// The fate of packets that end here; `None` where the next hop is a port.
    #[inline(always)]
    pub const fn fate(&self) -> Option<Verdict> {
        match self.verdict {
            0 => None,
            row => Verdict::from_row(row as u32),
        }
    }

    /// The neighbour's MAC in the first six bytes, read at once: it may be written meanwhile.
    #[inline(always)]
    pub fn load_neighbour(&self) -> u64 {
        // SAFETY: the field is eight bytes at offset 8 of a struct that is aligned to 8.
        unsafe {
            core::ptr::from_ref(&self.neighbour)
                .cast::<u64>()
                .read_volatile()
        }
    }

    /// The word form of a neighbour's MAC.
    pub const fn neighbour_word(mac: [u8; 6]) -> [u8; 8] {
        [mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], 0, 0]
    }
}

#[cfg(feature = "user")]
mod user {
    // SAFETY: `Pod` is derived for both.
    unsafe impl aya::Pod for super::NextHopId {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::NextHop {}
}
