//! Names and capacities of every map. `cargo xtask tidy` compares the names with the object.

/// Ports the router routes on: [`PortKey`](crate::port::PortKey) → [`PortConfig`](crate::port::PortConfig). `HASH`.
pub const PORTS: &str = "PORTS";
/// Ports that can transmit redirected frames, by ifindex. `DEVMAP_HASH`.
pub const TX_PORTS: &str = "TX_PORTS";
/// IPv4 longest-prefix match: [`PrefixV4`](crate::prefix::PrefixV4) → [`RouteId`](crate::route::RouteId). `LPM_TRIE`.
pub const LPM_V4: &str = "LPM_V4";
/// IPv6 longest-prefix match: [`PrefixV6`](crate::prefix::PrefixV6) → [`RouteId`](crate::route::RouteId). `LPM_TRIE`.
pub const LPM_V6: &str = "LPM_V6";
/// Route id → [`PathListId`](crate::path_list::PathListId). Mmapable `ARRAY`.
pub const ROUTES: &str = "ROUTES";
/// Path list id → [`PathList`](crate::path_list::PathList). Mmapable `ARRAY`.
pub const PATH_LISTS: &str = "PATH_LISTS";
/// Bucket → [`NextHopId`](crate::next_hop::NextHopId). Mmapable `ARRAY`.
pub const BUCKETS: &str = "BUCKETS";
/// Next hop id → [`NextHop`](crate::next_hop::NextHop). Mmapable `ARRAY`.
pub const NEXT_HOPS: &str = "NEXT_HOPS";
/// One [`Settings`](crate::settings::Settings). Mmapable `ARRAY` of one element.
pub const SETTINGS: &str = "SETTINGS";
/// Packets and bytes that entered, row [`counter::received_row`](crate::counter::received_row). Mmapable `ARRAY`.
pub const RECEIVED: &str = "RECEIVED";
/// Packets and bytes by fate, row [`counter::verdict_row`](crate::counter::verdict_row). Mmapable `ARRAY`.
pub const VERDICTS: &str = "VERDICTS";
/// Packets and bytes by route, row [`counter::route_row`](crate::counter::route_row). Mmapable `ARRAY`.
pub const ROUTE_COUNTERS: &str = "ROUTE_COUNTERS";
/// The program's own: headers of a frame that lie in its fragments, copied together. `PERCPU_ARRAY`.
pub const HEADERS: &str = "HEADERS";

/// All of the above, in the order in which they are created.
pub const ALL: [&str; 13] = [
    PORTS,
    TX_PORTS,
    LPM_V4,
    LPM_V6,
    ROUTES,
    PATH_LISTS,
    BUCKETS,
    NEXT_HOPS,
    SETTINGS,
    RECEIVED,
    VERDICTS,
    ROUTE_COUNTERS,
    HEADERS,
];

pub const MAX_PORTS: u32 = 256;
pub const MAX_PREFIXES_V4: u32 = 1 << 21;
pub const MAX_PREFIXES_V6: u32 = 1 << 20;
/// Route ids of both families together; also the number of prefixes that can be counted one by one.
pub const MAX_ROUTES: u32 = 1 << 21;
pub const MAX_PATH_LISTS: u32 = 1 << 16;
pub const MAX_BUCKETS: u32 = 1 << 20;
pub const MAX_NEXT_HOPS: u32 = 1 << 14;
