//! A path list is what prefixes with the same set of paths share: a power-of-two run of buckets, each
//! naming a next hop. Offset and mask travel in one word so that a list can change size under traffic.

use bytemuck::{Pod, Zeroable};

#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
pub struct PathListId(pub u32);

impl PathListId {
    /// The list of [`RouteId::NO_ROUTE`](crate::route::RouteId::NO_ROUTE): one bucket, next hop 0.
    pub const NO_ROUTE: Self = Self(0);
}

/// Buckets `offset ..= offset + mask`; `mask + 1` is a power of two.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Pod, Zeroable)]
pub struct PathList {
    pub offset: u32,
    pub mask: u32,
}

const _: () = assert!(size_of::<PathList>() == 8 && align_of::<PathList>() == 8);

impl PathList {
    /// The list as it is read and stored: one word, so that offset and mask always belong together.
    #[inline(always)]
    pub fn from_word(word: u64) -> Self {
        bytemuck::cast(word)
    }

    #[inline(always)]
    pub fn word(self) -> u64 {
        bytemuck::cast(self)
    }

    /// The bucket of a flow.
    #[inline(always)]
    pub const fn bucket(self, hash: u32) -> u32 {
        self.offset.wrapping_add(hash & self.mask)
    }
}

#[cfg(feature = "user")]
mod user {
    // SAFETY: `Pod` is derived for both.
    unsafe impl aya::Pod for super::PathListId {}
    // SAFETY: as above.
    unsafe impl aya::Pod for super::PathList {}
}
