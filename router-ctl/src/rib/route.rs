//! The words that the RIB and its callers share: who a path came from, why it is or is not used, what changed.

use std::net::IpAddr;

use smallvec::SmallVec;

use super::attributes::AttributesId;
use super::decision::Step;
use super::next_hops::NextHopRef;
use crate::bgp::types::{Asn, FamilySet, PathId, RouterId};
use crate::prefix::PrefixId;

/// A neighbour, as a small dense number that the router gives out and reuses once the peer's paths are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u16);

impl PeerId {
    /// The routes that we originate ourselves.
    pub const LOCAL: Self = Self(0);

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Path ids of the routes that we originate ourselves: one source of a prefix does not displace another.
#[derive(Debug)]
pub struct OwnPath;

impl OwnPath {
    pub const NETWORK: PathId = PathId(0);
    pub const CONNECTED: PathId = PathId(1);
    pub const STATIC: PathId = PathId(2);
    pub const KERNEL: PathId = PathId(3);
    pub const AGGREGATE: PathId = PathId(4);
}

/// What the decision process needs to know about the sender of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    pub kind: PeerKind,
    /// `None` for our own routes.
    pub address: Option<IpAddr>,
    pub router_id: RouterId,
    pub asn: Asn,
    /// Families in which it is a client of our route reflector (RFC 4456).
    pub clients: FamilySet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerKind {
    Local,
    Ebgp,
    Ibgp,
}

/// Why a received path is kept but is no candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Rejection {
    /// The import policy, or its absence on eBGP (RFC 8212).
    Policy = 1,
    /// Our AS is in the AS_PATH (RFC 4271 §9.1.2).
    AsLoop,
    /// ORIGINATOR_ID is our own (RFC 4456 §8).
    OriginatorLoop,
    /// Our cluster is in the CLUSTER_LIST (RFC 4456 §8).
    ClusterLoop,
    /// The next hop is an address of ours (RFC 4271 §5.1.3).
    OwnNextHop,
    /// Above `maximum-prefix` with the action `block`.
    MaximumPrefix,
}

impl Rejection {
    const ALL: [Self; 6] = [
        Self::Policy,
        Self::AsLoop,
        Self::OriginatorLoop,
        Self::ClusterLoop,
        Self::OwnNextHop,
        Self::MaximumPrefix,
    ];

    pub fn words(self) -> &'static str {
        match self {
            Self::Policy => "Policy",
            Self::AsLoop => "Own AS in AS Path",
            Self::OriginatorLoop => "Own Originator ID",
            Self::ClusterLoop => "Own Cluster ID",
            Self::OwnNextHop => "Own Next Hop",
            Self::MaximumPrefix => "Maximum Prefix",
        }
    }

    /// Position in [`ALL`](Self::ALL): codes begin with 1.
    fn index(self) -> usize {
        self as usize - 1
    }

    /// The rejection whose number is `code`; 0 is none.
    pub(super) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&each| each as u8 == code)
    }
}

/// What became of one path of a prefix, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Best; the step that decided against the last rival, `None` without a rival.
    Best(Option<Step>),
    /// The step at which another path was better.
    Lost(Step),
    Rejected(Rejection),
    NextHopUnresolved,
}

impl Reason {
    pub fn words(self) -> &'static str {
        match self {
            Self::Best(None) => "First path received",
            Self::Best(Some(step)) | Self::Lost(step) => step.words(),
            Self::Rejected(rejection) => rejection.words(),
            Self::NextHopUnresolved => "Next Hop Unresolved",
        }
    }
}

/// A path by its sender and its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PathRef {
    pub peer: PeerId,
    pub attributes: AttributesId,
}

/// The choice of [`settle`](super::Rib::settle) for one prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection<'a> {
    pub best: PathRef,
    pub kind: PeerKind,
    /// Of the multipath set, the best path's first, without repetition. Empty for a route of our own.
    pub next_hops: &'a [NextHopRef],
}

/// One prefix whose choice differs from what it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub prefix: PrefixId,
    /// Another best path, other attributes of it, or none: peers must hear of it.
    pub best_changed: bool,
    /// Another set of next hops or another kind of peer: the forwarding table must hear of it.
    pub paths_changed: bool,
    /// Perhaps other candidates: ADD-PATH peers must hear of it. Only said while there are some
    /// ([`Rib::watch_candidates`](super::Rib::watch_candidates)).
    pub candidates: bool,
}

/// A usable path of a prefix, in the order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathRank {
    pub peer: PeerId,
    pub path_id: PathId,
    pub attributes: AttributesId,
}

/// One path of a prefix for readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathView {
    pub peer: PeerId,
    pub attributes: AttributesId,
    pub path_id: PathId,
    pub weight: u32,
    /// Of the way to its next hop; `None` while that is unresolved.
    pub metric: Option<u32>,
    /// A candidate: accepted, and its next hop is resolved.
    pub valid: bool,
    pub best: bool,
    pub multipath: bool,
    /// Of a session that has ended and may come back (RFC 4724), or not refreshed yet (RFC 7313).
    pub stale: bool,
    pub reason: Reason,
}

/// A learnt path as it came, and why it is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedPath {
    pub peer: PeerId,
    pub path_id: PathId,
    pub attributes: AttributesId,
    pub rejection: Option<Rejection>,
}

/// Paths of a prefix with what became of each, in no particular order.
pub type PathViews = SmallVec<[PathView; 4]>;

/// Paths of one peer in one family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathCounts {
    pub received: usize,
    /// Of these, not rejected.
    pub accepted: usize,
    /// The others, by what rejected them.
    pub rejected: Rejections,
}

/// Paths by what rejected them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejections([usize; Rejection::ALL.len()]);

impl Rejections {
    pub fn of(&self, reason: Rejection) -> usize {
        self.0[reason.index()]
    }

    pub(super) fn of_mut(&mut self, reason: Rejection) -> &mut usize {
        &mut self.0[reason.index()]
    }

    pub(super) fn plus(mut self, others: &Self) -> Self {
        for (count, more) in self.0.iter_mut().zip(others.0) {
            *count += more;
        }
        self
    }
}

/// One family of the RIB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Prefixes with at least one path, rejected ones included.
    pub prefixes: usize,
    pub paths: usize,
    /// Counts every change of a best path.
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_survives_its_number() {
        for rejection in Rejection::ALL {
            assert_eq!(Rejection::from_code(rejection as u8), Some(rejection));
        }
        assert_eq!(Rejection::from_code(0), None);
    }
}
