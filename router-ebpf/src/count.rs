//! Counting: packets and bytes in rows that belong to one CPU, by plain adds. The program is not preempted by
//! itself on a CPU, so nobody else writes the row; user space only reads.

use aya_ebpf::maps::Array;
use router_common::counter::{Counter, received_row, route_row, verdict_row};
use router_common::route::RouteId;
use router_common::verdict::Verdict;

use crate::maps::{RECEIVED, ROUTE_COUNTERS, VERDICTS};

#[inline(always)]
pub(crate) fn received(cpu: u32, port: u32, length: u32) {
    add(&RECEIVED, received_row(cpu, port), length);
}

#[inline(always)]
pub(crate) fn verdict(cpu: u32, port: u32, verdict: Verdict, length: u32) {
    add(&VERDICTS, verdict_row(cpu, port, verdict), length);
}

#[inline(always)]
pub(crate) fn route(cpu: u32, route: RouteId, length: u32) {
    add(&ROUTE_COUNTERS, route_row(cpu, route), length);
}

#[inline(always)]
fn add(counters: &Array<Counter>, row: u32, length: u32) {
    if let Some(counter) = counters.get_ptr_mut(row) {
        // SAFETY: the pointer is to a live element, and only this CPU writes the row.
        unsafe {
            (*counter).packets += 1;
            (*counter).bytes += u64::from(length);
        }
    }
}
