//! A route id names a prefix's counters and its path list. It is kept for as long as the prefix is
//! installed, whatever happens to its paths.

use bytemuck::{Pod, Zeroable};

#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
pub struct RouteId(pub u32);

impl RouteId {
    /// What a destination without a match resolves to; its path list says no route.
    pub const NO_ROUTE: Self = Self(0);
    /// Counters of prefixes that are withdrawn are added to this row.
    pub const WITHDRAWN: Self = Self(1);
    /// The first id that a prefix may have.
    pub const FIRST: Self = Self(2);
}

#[cfg(feature = "user")]
// SAFETY: `Pod` is derived above.
unsafe impl aya::Pod for RouteId {}
