//! Frames and tables in ordinary memory, for tests and fuzzing on the host.

use core::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bytemuck::Pod;
use router_common::counter::Counter;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::prefix::{PrefixV4, PrefixV6};
use router_common::route::RouteId;

use crate::packet::Frame;
use crate::rewrite::WriteFrame;
use crate::tables::Tables;

/// A frame as bytes.
pub struct Bytes<'a>(pub &'a mut [u8]);

impl Frame for Bytes<'_> {
    fn length(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    fn read<T: Pod>(&self, offset: usize) -> Option<T> {
        let bytes = self.0.get(offset..)?.get(..size_of::<T>())?;
        Some(bytemuck::pod_read_unaligned(bytes))
    }
}

impl WriteFrame for Bytes<'_> {
    fn write<T: Pod>(&mut self, offset: usize, value: T) {
        let target = self.0.get_mut(offset..offset + size_of::<T>());
        if let Some(target) = target {
            target.copy_from_slice(bytemuck::bytes_of(&value));
        }
    }
}

/// The maps as collections; fill them as the writer fills the maps. The longest-prefix match is a loop.
#[derive(Default)]
pub struct Memory {
    pub v4: Vec<(PrefixV4, RouteId)>,
    pub v6: Vec<(PrefixV6, RouteId)>,
    pub routes: Vec<PathListId>,
    pub path_lists: Vec<PathList>,
    pub buckets: Vec<NextHopId>,
    pub next_hops: Vec<NextHop>,
    pub seed: u32,
    pub tx_ports: Vec<u32>,
    pub counted: RefCell<BTreeMap<RouteId, Counter>>,
    pub redirect: Cell<Option<u32>>,
}

impl Tables for Memory {
    fn route_v4(&self, destination: [u8; 4]) -> RouteId {
        let destination = u32::from_be_bytes(destination);
        let matches = self.v4.iter().filter(|(prefix, _)| {
            let difference = destination ^ u32::from_be_bytes(prefix.address);
            difference.leading_zeros() >= prefix.length
        });
        matches
            .max_by_key(|(prefix, _)| prefix.length)
            .map_or(RouteId::NO_ROUTE, |&(_, route)| route)
    }

    fn route_v6(&self, destination: [u8; 16]) -> RouteId {
        let destination = u128::from_be_bytes(destination);
        let matches = self.v6.iter().filter(|(prefix, _)| {
            let difference = destination ^ u128::from_be_bytes(prefix.address);
            difference.leading_zeros() >= prefix.length
        });
        matches
            .max_by_key(|(prefix, _)| prefix.length)
            .map_or(RouteId::NO_ROUTE, |&(_, route)| route)
    }

    fn path_list_of(&self, route: RouteId) -> Option<PathListId> {
        self.routes.get(route.0 as usize).copied()
    }

    fn path_list(&self, id: PathListId) -> Option<PathList> {
        self.path_lists.get(id.0 as usize).copied()
    }

    fn next_hop_in(&self, bucket: u32) -> Option<NextHopId> {
        self.buckets.get(bucket as usize).copied()
    }

    fn next_hop(&self, id: NextHopId) -> Option<&NextHop> {
        self.next_hops.get(id.0 as usize)
    }

    fn hash_seed(&self) -> u32 {
        self.seed
    }

    fn count(&self, route: RouteId, length: u32) {
        let mut counted = self.counted.borrow_mut();
        let counter = counted.entry(route).or_default();
        counter.packets += 1;
        counter.bytes += u64::from(length);
    }

    fn request_redirect(&self, egress: u32) -> bool {
        let transmits = self.tx_ports.contains(&egress);
        self.redirect.set(transmits.then_some(egress));
        transmits
    }
}
