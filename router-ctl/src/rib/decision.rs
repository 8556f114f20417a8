//! The decision process (RFC 4271 §9.1.2) as a list of steps. Each step keeps the paths that are best in it; the
//! step at which a path falls out is the reason it lost. The result does not depend on the order in which the
//! paths arrived: nothing here knows it.

use std::cmp::{Ordering, Reverse};

use smallvec::SmallVec;

use super::key::DecisionKey;
use super::next_hops::NextHopRef;
use super::route::{OwnPath, PeerId, PeerInfo, PeerKind};
use crate::bgp::attributes::AttributesView;
use crate::bgp::types::{Asn, Family, PathId};

/// What the configuration says about the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionConfig {
    pub local_as: Asn,
    /// For paths without LOCAL_PREF.
    pub default_local_pref: u32,
    /// The length of AS_PATHs decides nothing.
    pub ignore_as_path: bool,
    pub med: MedRules,
    pub relax: MultipathRelax,
    pub maximum_paths_v4: MaximumPaths,
    pub maximum_paths_v6: MaximumPaths,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MedRules {
    /// Between neighbour ASes too.
    pub always_compare: bool,
    /// A path without MED counts as 4294967295 instead of 0.
    pub missing_as_worst: bool,
}

/// Steps in which members of a multipath set may differ from the best path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MultipathRelax {
    /// Paths of equal length, whatever ASes they name.
    pub as_path: bool,
    pub origin: bool,
    pub peer_type: bool,
}

/// Size of a multipath set; which limit holds depends on the best path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaximumPaths {
    pub ebgp: u16,
    pub ibgp: u16,
}

impl MaximumPaths {
    pub const DEFAULT: Self = Self {
        ebgp: 256,
        ibgp: 256,
    };
}

impl DecisionConfig {
    pub fn new(local_as: Asn) -> Self {
        Self {
            local_as,
            default_local_pref: 100,
            ignore_as_path: false,
            med: MedRules::default(),
            relax: MultipathRelax::default(),
            maximum_paths_v4: MaximumPaths::DEFAULT,
            maximum_paths_v6: MaximumPaths::DEFAULT,
        }
    }

    fn maximum_paths(&self, family: Family, best: PeerKind) -> usize {
        let limits = match family {
            Family::Ipv4Unicast => self.maximum_paths_v4,
            Family::Ipv6Unicast => self.maximum_paths_v6,
        };
        usize::from(match best {
            PeerKind::Local => 1,
            PeerKind::Ebgp => limits.ebgp.max(1),
            PeerKind::Ibgp => limits.ibgp.max(1),
        })
    }
}

/// The steps, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Weight,
    LocalPref,
    LocalRoute,
    AsPath,
    Origin,
    Med,
    PeerType,
    IgpMetric,
    RouterId,
    ClusterLength,
    NeighborAddress,
    PathId,
}

impl Step {
    /// Paths equal in all of these can share traffic.
    const PREFERENCE: [Self; 8] = [
        Self::Weight,
        Self::LocalPref,
        Self::LocalRoute,
        Self::AsPath,
        Self::Origin,
        Self::Med,
        Self::PeerType,
        Self::IgpMetric,
    ];

    /// These only make the choice definite. An older path is not preferred: a table built anew equals one that
    /// has grown.
    const TIE_BREAK: [Self; 4] = [
        Self::RouterId,
        Self::ClusterLength,
        Self::NeighborAddress,
        Self::PathId,
    ];

    pub fn words(self) -> &'static str {
        match self {
            Self::Weight => "Weight",
            Self::LocalPref => "Local Pref",
            Self::LocalRoute => "Local Route",
            Self::AsPath => "AS Path",
            Self::Origin => "Origin",
            Self::Med => "MED",
            Self::PeerType => "Peer Type",
            Self::IgpMetric => "IGP Metric",
            Self::RouterId => "Router ID",
            Self::ClusterLength => "Cluster length",
            Self::NeighborAddress => "Neighbor IP",
            Self::PathId => "Path ID",
        }
    }

    /// `Less` means that `a` is better.
    fn compare(self, a: &Candidate<'_>, b: &Candidate<'_>, config: &DecisionConfig) -> Ordering {
        let local_pref =
            |path: &Candidate<'_>| path.key.local_pref().unwrap_or(config.default_local_pref);
        match self {
            // 1. Higher weight.
            Self::Weight => Reverse(a.weight).cmp(&Reverse(b.weight)),
            // 2. Higher LOCAL_PREF (RFC 4271 §9.1.1).
            Self::LocalPref => Reverse(local_pref(a)).cmp(&Reverse(local_pref(b))),
            // 3. Originated here; what is there in itself before what sums up others.
            Self::LocalRoute => a.distance_from_here().cmp(&b.distance_from_here()),
            // 5. Shorter AS_PATH (§9.1.2.2 a).
            Self::AsPath if config.ignore_as_path => Ordering::Equal,
            Self::AsPath => a.key.as_path_length.cmp(&b.key.as_path_length),
            // 6. Lower ORIGIN (§9.1.2.2 b).
            Self::Origin => a.key.origin.cmp(&b.key.origin),
            // 7. Lower MED (§9.1.2.2 c); the caller sees to it that the neighbour AS is the same.
            Self::Med => a.med(config).cmp(&b.med(config)),
            // 8. eBGP before iBGP (§9.1.2.2 d).
            Self::PeerType => a.is_internal().cmp(&b.is_internal()),
            // 9. Lower metric to the next hop (§9.1.2.2 e).
            Self::IgpMetric => a.metric.cmp(&b.metric),
            // 11. Lower ORIGINATOR_ID or BGP Identifier (§9.1.2.2 f, RFC 4456 §9).
            Self::RouterId => a.router_id().cmp(&b.router_id()),
            // 12. Shorter CLUSTER_LIST (RFC 4456 §9).
            Self::ClusterLength => a.key.cluster_length.cmp(&b.key.cluster_length),
            // 13. Lower address of the peer, IPv4 first (§9.1.2.2 g).
            Self::NeighborAddress => (a.sender.address, a.peer).cmp(&(b.sender.address, b.peer)),
            // 14. Lower path identifier.
            Self::PathId => a.path_id.cmp(&b.path_id),
        }
    }
}

/// A usable path of one prefix: accepted, alive, its next hop resolved with `metric`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) key: &'a DecisionKey,
    /// The whole attribute set, for what the key does not hold.
    pub(super) raw: &'a [u8],
    pub(super) sender: &'a PeerInfo,
    pub(super) peer: PeerId,
    pub(super) path_id: PathId,
    pub(super) next_hop: NextHopRef,
    pub(super) metric: u32,
    pub(super) weight: u32,
}

impl Candidate<'_> {
    fn is_learnt(&self) -> bool {
        self.sender.kind != PeerKind::Local
    }

    fn distance_from_here(&self) -> u8 {
        match (self.sender.kind, self.path_id) {
            (PeerKind::Local, OwnPath::AGGREGATE) => 1,
            (PeerKind::Local, _) => 0,
            (PeerKind::Ebgp | PeerKind::Ibgp, _) => 2,
        }
    }

    fn is_internal(&self) -> bool {
        self.sender.kind == PeerKind::Ibgp
    }

    fn med(&self, config: &DecisionConfig) -> u32 {
        let missing = if config.med.missing_as_worst {
            u32::MAX
        } else {
            0
        };
        self.key.med().unwrap_or(missing)
    }

    fn neighbour_as(&self, config: &DecisionConfig) -> Asn {
        self.key.neighbour_as().unwrap_or(config.local_as)
    }

    fn router_id(&self) -> u32 {
        let sender = u32::from(self.sender.router_id.0);
        self.key.originator().unwrap_or(sender)
    }

    fn as_path(&self) -> &[u8] {
        AttributesView::new(self.raw).as_path().octets()
    }
}

/// What became of the candidates; numbers are positions among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) best: usize,
    /// The step at which each path lost; `None` for the best.
    pub(super) lost_at: SmallVec<[Option<Step>; 8]>,
    /// The best path first, then by the steps that make the choice definite; next hops are distinct.
    pub(super) multipath: SmallVec<[usize; 8]>,
    /// More paths were equal than may be used.
    pub(super) truncated: bool,
}

impl Outcome {
    /// The step that decided against the last rival.
    pub(super) fn decided_at(&self) -> Option<Step> {
        self.lost_at.iter().copied().flatten().max()
    }
}

/// Chooses among `candidates`; `None` when there is none.
pub(super) fn decide(
    candidates: &[Candidate<'_>],
    config: &DecisionConfig,
    family: Family,
) -> Option<Outcome> {
    let mut field = Field {
        candidates,
        config,
        alive: (0..candidates.len()).collect(),
        lost_at: candidates.iter().map(|_| None).collect(),
    };
    field.run(&Step::PREFERENCE);
    let equal = field.alive.clone();
    field.run(&Step::TIE_BREAK);
    let &best = field.alive.first()?;
    let limit = config.maximum_paths(family, candidates[best].sender.kind);
    let (multipath, truncated) = field.multipath(best, &equal, limit);
    Some(Outcome {
        best,
        lost_at: field.lost_at,
        multipath,
        truncated,
    })
}

/// The candidates that are still in.
struct Field<'a> {
    candidates: &'a [Candidate<'a>],
    config: &'a DecisionConfig,
    alive: SmallVec<[usize; 8]>,
    lost_at: SmallVec<[Option<Step>; 8]>,
}

impl Field<'_> {
    fn run(&mut self, steps: &[Step]) {
        for &step in steps {
            if self.alive.len() < 2 {
                return;
            }
            if step == Step::Med && !self.config.med.always_compare {
                self.keep_lowest_med_of_each_neighbour_as();
            } else {
                self.keep_best(step);
            }
        }
    }

    fn keep_best(&mut self, step: Step) {
        let compare = |&a: &usize, &b: &usize| {
            step.compare(&self.candidates[a], &self.candidates[b], self.config)
        };
        let Some(best) = self.alive.iter().copied().min_by(compare) else {
            return;
        };
        self.keep(step, |field, path| {
            step.compare(
                &field.candidates[path],
                &field.candidates[best],
                field.config,
            )
            .is_eq()
        });
    }

    /// Grouping by neighbour AS first makes the comparison independent of order, which comparing path by path
    /// is not.
    fn keep_lowest_med_of_each_neighbour_as(&mut self) {
        let mut lowest = SmallVec::<[(Asn, u32); 8]>::new();
        for &path in &self.alive {
            let (asn, med) = self.neighbour_and_med(path);
            match lowest.iter_mut().find(|(each, _)| *each == asn) {
                Some((_, known)) => *known = med.min(*known),
                None => lowest.push((asn, med)),
            }
        }
        self.keep(Step::Med, |field, path| {
            lowest.contains(&field.neighbour_and_med(path))
        });
    }

    fn neighbour_and_med(&self, path: usize) -> (Asn, u32) {
        let path = &self.candidates[path];
        (path.neighbour_as(self.config), path.med(self.config))
    }

    fn keep(&mut self, step: Step, stays: impl Fn(&Self, usize) -> bool) {
        let mut alive = std::mem::take(&mut self.alive);
        alive.retain(|path| {
            let stays = stays(self, *path);
            if !stays {
                self.lost_at[*path] = Some(step);
            }
            stays
        });
        self.alive = alive;
    }

    /// The paths that share traffic with `best`, and whether the limit cut some off. `equal` are those that no
    /// preference separates.
    fn multipath(
        &self,
        best: usize,
        equal: &[usize],
        limit: usize,
    ) -> (SmallVec<[usize; 8]>, bool) {
        let relax = self.config.relax;
        let mut others: SmallVec<[usize; 8]> = equal.iter().copied().collect();
        if relax.origin || relax.peer_type {
            others.extend((0..self.candidates.len()).filter(|&path| self.is_let_in(path, best)));
        }
        others.retain(|path| *path != best && self.may_join(*path, best));
        others.sort_by(|&a, &b| {
            let steps = Step::TIE_BREAK.iter();
            steps
                .map(|step| step.compare(&self.candidates[a], &self.candidates[b], self.config))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        let mut chosen = SmallVec::from_slice(&[best]);
        let mut next_hops = SmallVec::<[NextHopRef; 8]>::new();
        next_hops.push(self.candidates[best].next_hop);
        for path in others {
            let next_hop = self.candidates[path].next_hop;
            if next_hops.contains(&next_hop) {
                continue;
            }
            if chosen.len() == limit {
                return (chosen, true);
            }
            next_hops.push(next_hop);
            chosen.push(path);
        }
        (chosen, false)
    }

    /// Whether `path` lost only in steps that the configuration relaxes.
    fn is_let_in(&self, path: usize, best: usize) -> bool {
        let config = self.config;
        let relaxed = |step| {
            (step == Step::Origin && config.relax.origin)
                || (step == Step::PeerType && config.relax.peer_type)
        };
        let lost_at = self.lost_at[path];
        let (path, best) = (&self.candidates[path], &self.candidates[best]);
        let med_counts =
            config.med.always_compare || path.neighbour_as(config) == best.neighbour_as(config);
        lost_at.is_some_and(relaxed)
            && Step::PREFERENCE
                .into_iter()
                .filter(|&step| !relaxed(step) && (step != Step::Med || med_counts))
                .all(|step| step.compare(path, best, config).is_eq())
    }

    fn may_join(&self, path: usize, best: usize) -> bool {
        let (path, best) = (&self.candidates[path], &self.candidates[best]);
        path.is_learnt()
            && best.is_learnt()
            && (self.config.relax.as_path || path.as_path() == best.as_path())
    }
}

#[cfg(test)]
mod tests;
