//! Keys of the LPM tries: the prefix length in host order, then the address in network order
//! (`struct bpf_lpm_trie_key`, Linux 4.11).

use bytemuck::{Pod, Zeroable};

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Pod, Zeroable)]
pub struct PrefixV4 {
    pub length: u32,
    pub address: [u8; 4],
}

#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Pod, Zeroable)]
pub struct PrefixV6 {
    pub length: u32,
    pub address: [u8; 16],
}

const _: () = assert!(size_of::<PrefixV4>() == 8 && size_of::<PrefixV6>() == 20);

impl PrefixV4 {
    /// The key that looks up one address.
    #[inline(always)]
    pub const fn host(address: [u8; 4]) -> Self {
        Self {
            length: 32,
            address,
        }
    }
}

impl PrefixV6 {
    /// The key that looks up one address.
    #[inline(always)]
    pub const fn host(address: [u8; 16]) -> Self {
        Self {
            length: 128,
            address,
        }
    }
}

#[cfg(feature = "user")]
mod user {
    use super::{PrefixV4, PrefixV6};
    use ipnet::{Ipv4Net, Ipv6Net};

    // SAFETY: `Pod` is derived above: any bit pattern is valid and there is no padding.
    unsafe impl aya::Pod for PrefixV4 {}
    // SAFETY: as above.
    unsafe impl aya::Pod for PrefixV6 {}

    impl From<Ipv4Net> for PrefixV4 {
        /// Host bits are cleared.
        fn from(net: Ipv4Net) -> Self {
            Self {
                length: u32::from(net.prefix_len()),
                address: net.network().octets(),
            }
        }
    }

    impl From<Ipv6Net> for PrefixV6 {
        /// Host bits are cleared.
        fn from(net: Ipv6Net) -> Self {
            Self {
                length: u32::from(net.prefix_len()),
                address: net.network().octets(),
            }
        }
    }
}
