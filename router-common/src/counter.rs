//! Counter rows. Every CPU has rows of its own and adds to them without atomics; a reader adds up the CPUs.
//! The maps are plain mmapable arrays, so reading a million rows costs no system call.

use bytemuck::{Pod, Zeroable};

use crate::map::{MAX_PORTS, MAX_ROUTES};
use crate::route::RouteId;
use crate::verdict::Verdict;

/// Monotonic since the map was created. `bytes` counts frames as received, with tags, without FCS.
#[repr(C, align(8))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Counter {
    pub packets: u64,
    pub bytes: u64,
}

const _: () = assert!(size_of::<Counter>() == 16);

/// Row of [`map::RECEIVED`](crate::map::RECEIVED) for `port` (its dense row, not its ifindex) on `cpu`.
#[inline(always)]
pub const fn received_row(cpu: u32, port: u32) -> u32 {
    cpu * MAX_PORTS + port
}

/// Row of [`map::VERDICTS`](crate::map::VERDICTS).
#[inline(always)]
pub const fn verdict_row(cpu: u32, port: u32, verdict: Verdict) -> u32 {
    (cpu * MAX_PORTS + port) * Verdict::COUNT + verdict.row()
}

/// Row of [`map::ROUTE_COUNTERS`](crate::map::ROUTE_COUNTERS).
#[inline(always)]
pub const fn route_row(cpu: u32, route: RouteId) -> u32 {
    cpu * MAX_ROUTES + route.0
}

#[cfg(feature = "user")]
// SAFETY: `Pod` is derived above.
unsafe impl aya::Pod for Counter {}
