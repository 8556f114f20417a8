//! What forwarding asks of the tables. The program answers from its maps, a test from memory.

use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;

/// Every answer is a copy of one word or a reference into a map: nothing is held, nothing is locked. `None`
/// from the four tables behind the lookup means an id out of range, which the writer never stores.
pub trait Tables {
    /// Longest-prefix match; without one [`RouteId::NO_ROUTE`].
    fn route_v4(&self, destination: [u8; 4]) -> RouteId;
    fn route_v6(&self, destination: [u8; 16]) -> RouteId;
    fn path_list_of(&self, route: RouteId) -> Option<PathListId>;
    fn path_list(&self, id: PathListId) -> Option<PathList>;
    fn next_hop_in(&self, bucket: u32) -> Option<NextHopId>;
    fn next_hop(&self, id: NextHopId) -> Option<&NextHop>;
    fn hash_seed(&self) -> u32;

    /// Counts a packet of `length` bytes for the prefix that matched it.
    fn count(&self, route: RouteId, length: u32);

    /// Asks for the frame to leave by `egress` when the program ends with a redirect. False if that port does
    /// not transmit redirected frames; then, and if the program ends otherwise, nothing has happened.
    fn request_redirect(&self, egress: u32) -> bool;
}
