//! All candidate routes and the choice between them.
//!
//! What peers announce goes into the [`table`]: a path is 16 bytes, its attributes are stored once for all paths
//! that share them ([`attributes`]), and a prefix knows its paths and its choice. [`Rib::settle`] carries out
//! decisions ([`decision`]) in bounded slices and says what has changed. [`UpdateGroups`] keeps, for each group of
//! peers that are told the same, what they have been told, and encodes the difference once for all of them.
//!
//! The owner drives it: UPDATE → [`Rib::announce`] and [`Rib::withdraw`]; [`Rib::drain_new_next_hops`] →
//! resolve → [`Rib::set_next_hop`]; [`Rib::settle`] → forwarding table → [`UpdateGroups::note_change`] →
//! [`UpdateGroups::poll`] → sockets. Nothing here waits, reads a clock or locks.

mod arena;
pub mod attributes;
mod choice;
pub mod decision;
pub mod export;
pub mod judgement;
mod key;
pub mod next_hops;
mod path;
mod peers;
mod prefix_set;
mod prefix_table;
pub mod route;
mod scan;
mod settle;
pub mod table;
#[cfg(test)]
mod testing;
pub mod update_group;

pub use attributes::{AttributesId, StoredAttributes};
pub use decision::{DecisionConfig, MaximumPaths, MedRules, MultipathRelax, Step};
pub use export::{
    AddPathSend, DefaultOriginate, ExportVerdict, FamilyKey, GroupKey, GroupKind, NextHopSelf,
    OwnNextHopV6, PolicyPeer, Reflector, RemovePrivateAs, Unchanged, Withheld, WithoutCommunities,
};
pub use judgement::{Changed, Judgement};
pub use next_hops::{LinkScope, NextHopRef, Reachability};
pub use route::{
    Change, OwnPath, PathCounts, PathRank, PathRef, PathView, PathViews, PeerId, PeerInfo,
    PeerKind, Reason, ReceivedPath, Rejection, Selection, Totals,
};
pub use table::Rib;
pub use update_group::{Congestion, GroupId, RefreshStyle, Transmit, UpdateGroups};
