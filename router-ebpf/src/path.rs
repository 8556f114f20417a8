//! From the route to the next hop: route → path list → bucket → next hop, each arrow one aligned word.

use router_common::next_hop::NextHop;
use router_common::route::RouteId;

use crate::tables::Tables;

/// The next hop of a flow. `hash` is only asked for where there is a choice.
#[inline(always)]
pub fn next_hop<T: Tables>(
    tables: &T,
    route: RouteId,
    hash: impl FnOnce(u32) -> u32,
) -> Option<&NextHop> {
    let list = tables.path_list(tables.path_list_of(route)?)?;
    let bucket = if list.mask == 0 {
        list.offset
    } else {
        list.bucket(hash(tables.hash_seed()))
    };
    tables.next_hop(tables.next_hop_in(bucket)?)
}
