//! The kernel's longest-prefix match: one trie per family.
//!
//! Keys lie on the stack, where the verifier wants every store aligned. Ours are laid out so that whatever words
//! the compiler chooses to write them in are; aya's are packed, and would be written byte by byte.

use core::mem::offset_of;
use core::ptr::from_ref;

use aya_ebpf::maps::lpm_trie::Key;
use router_common::prefix::{PrefixV4, PrefixV6};
use router_common::route::RouteId;

use crate::maps::{LPM_V4, LPM_V6};

#[repr(C, align(8))]
struct KeyV4(PrefixV4);

/// `PrefixV6` behind four bytes that nobody reads, so that its address begins on an eight-byte boundary.
#[repr(C)]
struct KeyV6 {
    _unused: u32,
    length: u32,
    address: [u64; 2],
}

const _: () = assert!(size_of::<KeyV6>() - offset_of!(KeyV6, length) == size_of::<PrefixV6>());

#[inline(always)]
pub(crate) fn route_v4(destination: [u8; 4]) -> RouteId {
    let key = KeyV4(PrefixV4::host(destination));
    // SAFETY: `PrefixV4` is laid out as this key.
    let key = unsafe { &*from_ref(&key.0).cast::<Key<[u8; 4]>>() };
    LPM_V4.get(key).copied().unwrap_or(RouteId::NO_ROUTE)
}

#[inline(always)]
pub(crate) fn route_v6(destination: [u8; 16]) -> RouteId {
    let key = KeyV6 {
        _unused: 0,
        length: 128,
        address: bytemuck::cast(destination),
    };
    // SAFETY: from `length` on the same bytes as `PrefixV6`, which is laid out as this key.
    let key = unsafe {
        let prefix = from_ref(&key).byte_add(offset_of!(KeyV6, length));
        &*prefix.cast::<Key<[u8; 16]>>()
    };
    LPM_V6.get(key).copied().unwrap_or(RouteId::NO_ROUTE)
}
