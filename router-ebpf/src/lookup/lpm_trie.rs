//! The kernel's longest-prefix match: one trie per family.

use core::ptr::from_ref;

use aya_ebpf::maps::lpm_trie::Key;
use router_common::prefix::{PrefixV4, PrefixV6};
use router_common::route::RouteId;

use crate::maps::{LPM_V4, LPM_V6};

#[inline(always)]
pub(crate) fn route_v4(destination: [u8; 4]) -> RouteId {
    let prefix = PrefixV4::host(destination);
    // SAFETY: the same layout. aya's key is packed; ours is aligned, so it is written in words.
    let key = unsafe { &*from_ref(&prefix).cast::<Key<[u8; 4]>>() };
    LPM_V4.get(key).copied().unwrap_or(RouteId::NO_ROUTE)
}

#[inline(always)]
pub(crate) fn route_v6(destination: [u8; 16]) -> RouteId {
    let prefix = PrefixV6::host(destination);
    // SAFETY: as above.
    let key = unsafe { &*from_ref(&prefix).cast::<Key<[u8; 16]>>() };
    LPM_V6.get(key).copied().unwrap_or(RouteId::NO_ROUTE)
}
