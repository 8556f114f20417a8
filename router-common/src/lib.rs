//! What the XDP program and user space must agree on.
//!
//! Every type here that lives in a map is `repr(C)`, has no padding, no enum, bool or `Option`, derives
//! `Pod` (which refuses padding) and asserts its size. Integers are host order, addresses are network
//! order byte arrays. Header arithmetic and the flow hash live here so that both sides give one answer.

#![cfg_attr(not(any(test, feature = "user")), no_std)]

pub mod counter;
pub mod flow_hash;
pub mod ipv4;
pub mod map;
pub mod next_hop;
pub mod path_list;
pub mod port;
pub mod prefix;
pub mod route;
pub mod settings;
pub mod verdict;

/// Version of the map layout. Part of the pin path; raised whenever a map's key, value or meaning changes.
pub const ABI_VERSION: u32 = 1;
