use proptest::prelude::*;

use super::*;
use crate::bgp::types::{NextHop, Origin, PathAttributes, RouterId};
use crate::rib::next_hops::LinkScope;
use crate::rib::testing::{LOCAL_AS, path, peer, with, with_med};

/// A candidate with everything it borrows.
#[derive(Clone, Debug)]
struct Rival {
    attributes: PathAttributes,
    key: DecisionKey,
    sender: PeerInfo,
    peer: PeerId,
    path_id: PathId,
    next_hop: NextHopRef,
    metric: u32,
    weight: u32,
}

impl Rival {
    fn new(id: u8, kind: PeerKind, attributes: PathAttributes) -> Self {
        let mut hops = crate::rib::next_hops::NextHops::default();
        let NextHop::V4(address) = attributes.next_hop else {
            panic!("tests use IPv4 next hops")
        };
        // Numbers are given in order: the last octet becomes the number.
        for last in 1..=address.octets()[3] {
            hops.intern(NextHop::V4([192, 0, 2, last].into()), LinkScope::default());
        }
        Self {
            key: DecisionKey::of(&attributes.raw),
            sender: peer(id, kind),
            peer: PeerId(id.into()),
            path_id: PathId(0),
            next_hop: hops.intern(attributes.next_hop, LinkScope::default()),
            metric: 0,
            weight: 0,
            attributes,
        }
    }

    fn candidate(&self) -> Candidate<'_> {
        Candidate {
            key: &self.key,
            raw: &self.attributes.raw,
            sender: &self.sender,
            peer: self.peer,
            path_id: self.path_id,
            next_hop: self.next_hop,
            metric: self.metric,
            weight: self.weight,
        }
    }
}

fn outcome(rivals: &[Rival], config: &DecisionConfig) -> Outcome {
    let candidates: Vec<_> = rivals.iter().map(Rival::candidate).collect();
    decide(&candidates, config, Family::Ipv4Unicast).unwrap()
}

fn ebgp(id: u8, attributes: PathAttributes) -> Rival {
    Rival::new(id, PeerKind::Ebgp, attributes)
}

fn config() -> DecisionConfig {
    DecisionConfig::new(LOCAL_AS)
}

/// The first of two is better, and this step says so, in both orders.
fn check(step: Step, better: Rival, worse: Rival) {
    let rivals = [better, worse];
    let forward = outcome(&rivals, &config());
    assert_eq!(forward.best, 0, "{step:?}");
    assert_eq!(forward.lost_at[1], Some(step));
    assert_eq!(forward.decided_at(), Some(step));
    let [better, worse] = rivals;
    assert_eq!(outcome(&[worse, better], &config()).best, 1, "{step:?}");
}

#[test]
fn each_step_decides_when_those_before_it_are_equal() {
    let plain = || path(&[65001, 7], 1);
    let better = || ebgp(9, plain());
    let worse = || ebgp(1, plain());
    let of = |attributes| Rival {
        peer: PeerId(9),
        ..ebgp(1, attributes)
    };

    check(
        Step::Weight,
        Rival {
            weight: 5,
            ..better()
        },
        worse(),
    );
    let preferred = with(&plain(), |editor| editor.set_local_pref(101));
    check(Step::LocalPref, ebgp(9, preferred), worse());
    check(
        Step::LocalRoute,
        Rival::new(9, PeerKind::Local, path(&[65001, 7], 0)),
        worse(),
    );
    check(Step::AsPath, ebgp(9, path(&[65001], 1)), worse());
    let incomplete = with(&plain(), |editor| editor.set_origin(Origin::Incomplete));
    check(Step::Origin, better(), ebgp(1, incomplete));
    check(Step::Med, better(), ebgp(1, with_med(&plain(), 1)));
    check(
        Step::PeerType,
        better(),
        Rival::new(1, PeerKind::Ibgp, plain()),
    );
    check(
        Step::IgpMetric,
        better(),
        Rival {
            metric: 1,
            ..worse()
        },
    );
    check(Step::RouterId, ebgp(2, plain()), ebgp(3, plain()));
    let same_id = |id: u8, attributes| {
        let mut rival = ebgp(id, attributes);
        rival.sender.router_id = RouterId([10, 0, 0, 1].into());
        rival
    };
    let reflected = with(&plain(), |editor| {
        editor.prepend_cluster(RouterId([1; 4].into()));
        editor.set_originator_id(RouterId([10, 0, 0, 1].into()));
    });
    check(
        Step::ClusterLength,
        same_id(9, plain()),
        same_id(1, reflected),
    );
    check(
        Step::NeighborAddress,
        same_id(2, plain()),
        same_id(3, plain()),
    );
    let second = Rival {
        path_id: PathId(2),
        ..of(plain())
    };
    check(
        Step::PathId,
        Rival {
            path_id: PathId(1),
            ..of(plain())
        },
        second,
    );
}

#[test]
fn med_counts_inside_one_neighbour_as_only() {
    let low = ebgp(2, with_med(&path(&[65001], 1), 10));
    let high = ebgp(1, with_med(&path(&[65002], 2), 20));
    assert_eq!(outcome(&[low.clone(), high.clone()], &config()).best, 1);
    let always = DecisionConfig {
        med: MedRules {
            always_compare: true,
            missing_as_worst: false,
        },
        ..config()
    };
    assert_eq!(outcome(&[low, high], &always).best, 0);
}

#[test]
fn a_missing_med_is_best_or_worst() {
    let missing = ebgp(2, path(&[65001], 1));
    let some = ebgp(1, with_med(&path(&[65001], 1), 10));
    assert_eq!(outcome(&[missing.clone(), some.clone()], &config()).best, 0);
    let worst = DecisionConfig {
        med: MedRules {
            always_compare: false,
            missing_as_worst: true,
        },
        ..config()
    };
    assert_eq!(outcome(&[missing, some], &worst).best, 1);
}

/// The example that makes path-by-path comparison depend on the order: each of the three beats one of the others.
#[test]
fn med_is_compared_in_groups() {
    let a = ebgp(3, with_med(&path(&[65001], 1), 10));
    let b = ebgp(2, with_med(&path(&[65001], 1), 20));
    let c = ebgp(1, path(&[65002], 2));
    let a = Rival { metric: 9, ..a };
    let c = Rival { metric: 5, ..c };
    for order in [
        [&a, &b, &c],
        [&a, &c, &b],
        [&b, &a, &c],
        [&b, &c, &a],
        [&c, &a, &b],
        [&c, &b, &a],
    ] {
        let rivals = order.map(Clone::clone);
        let outcome = outcome(&rivals, &config());
        assert_eq!(rivals[outcome.best].peer, PeerId(1));
        let b_at = rivals
            .iter()
            .position(|each| each.peer == PeerId(2))
            .unwrap();
        assert_eq!(outcome.lost_at[b_at], Some(Step::Med));
    }
}

/// Peers of the multipath set, in its order.
fn multipath(rivals: &[Rival], config: &DecisionConfig) -> Vec<u16> {
    let outcome = outcome(rivals, config);
    outcome
        .multipath
        .iter()
        .map(|&path| rivals[path].peer.0)
        .collect()
}

#[test]
fn a_multipath_set_has_equal_paths_with_distinct_next_hops() {
    let relaxed = DecisionConfig {
        relax: MultipathRelax {
            as_path: true,
            ..MultipathRelax::default()
        },
        ..config()
    };
    let rivals = [
        ebgp(4, path(&[65001, 7], 4)),
        ebgp(3, path(&[65001, 7], 3)),
        ebgp(5, path(&[65001, 7], 3)),
        ebgp(1, path(&[65009, 7], 1)),
        ebgp(2, path(&[65001, 7, 7], 2)),
        Rival {
            metric: 1,
            ..ebgp(6, path(&[65001, 7], 6))
        },
    ];
    assert_eq!(multipath(&rivals[..3], &config()), [3, 4]);
    assert_eq!(
        multipath(&rivals, &config()),
        [1],
        "the other AS_PATH is best"
    );
    assert_eq!(multipath(&rivals, &relaxed), [1, 3, 4]);
}

#[test]
fn origin_and_peer_type_can_be_relaxed() {
    let plain = path(&[65001, 7], 1);
    let incomplete = with(&path(&[65001, 7], 2), |editor| {
        editor.set_origin(Origin::Incomplete)
    });
    let rivals = [
        ebgp(3, plain),
        ebgp(2, incomplete.clone()),
        Rival::new(1, PeerKind::Ibgp, path(&[65001, 7], 3)),
        ebgp(4, with_med(&with(&incomplete, |_| ()), 9)),
    ];
    let relaxed = |origin, peer_type| DecisionConfig {
        relax: MultipathRelax {
            as_path: false,
            origin,
            peer_type,
        },
        ..config()
    };
    assert_eq!(multipath(&rivals, &config()), [3]);
    assert_eq!(multipath(&rivals, &relaxed(true, false)), [3, 2]);
    assert_eq!(multipath(&rivals, &relaxed(false, true)), [3, 1]);
    assert_eq!(multipath(&rivals, &relaxed(true, true)), [3, 1, 2]);
}

#[test]
fn the_limit_of_the_best_paths_kind_cuts_the_set() {
    let limits = DecisionConfig {
        maximum_paths_v4: MaximumPaths { ebgp: 2, ibgp: 1 },
        ..config()
    };
    let set = |kind| [1, 2, 3].map(|id| Rival::new(id, kind, path(&[65001], id)));
    let external = outcome(&set(PeerKind::Ebgp), &limits);
    assert_eq!((external.multipath.len(), external.truncated), (2, true));
    let internal = outcome(&set(PeerKind::Ibgp), &limits);
    assert_eq!((internal.multipath.len(), internal.truncated), (1, true));
    let two = outcome(&set(PeerKind::Ebgp)[..2], &limits);
    assert_eq!((two.multipath.len(), two.truncated), (2, false));
}

prop_compose! {
    /// Few values for each attribute, so that ties are common.
    fn rival(id: u8)(
        first in 1u32..3, length in 1usize..3, next_hop in 1u8..4, med in 0u32..3,
        origin in 0u8..2, ibgp in any::<bool>(), metric in 0u32..2,
    ) -> Rival {
        let attributes = with_med(&path(&vec![first; length], next_hop), med);
        let origin = if origin == 0 { Origin::Igp } else { Origin::Egp };
        let attributes = with(&attributes, |editor| editor.set_origin(origin));
        let kind = if ibgp { PeerKind::Ibgp } else { PeerKind::Ebgp };
        Rival { metric, ..Rival::new(id, kind, attributes) }
    }
}

fn rivals() -> impl Strategy<Value = Vec<Rival>> {
    (1u8..8).prop_flat_map(|count| (1..=count).map(rival).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn the_result_does_not_depend_on_the_order(
        (sorted, shuffled) in rivals().prop_flat_map(|rivals| (Just(rivals.clone()), Just(rivals).prop_shuffle())),
        relax in any::<(bool, bool, bool)>(),
    ) {
        let (as_path, origin, peer_type) = relax;
        let config = DecisionConfig { relax: MultipathRelax { as_path, origin, peer_type }, ..config() };
        let (one, other) = (outcome(&sorted, &config), outcome(&shuffled, &config));
        prop_assert_eq!(sorted[one.best].peer, shuffled[other.best].peer);
        prop_assert_eq!(multipath(&sorted, &config), multipath(&shuffled, &config));
        for (rival, lost_at) in sorted.iter().zip(&one.lost_at) {
            let at = shuffled.iter().position(|each| each.peer == rival.peer).unwrap();
            prop_assert_eq!(*lost_at, other.lost_at[at]);
        }
    }

    #[test]
    fn exactly_the_best_path_has_not_lost(rivals in rivals()) {
        let outcome = outcome(&rivals, &config());
        let winners: Vec<_> = (0..rivals.len()).filter(|&path| outcome.lost_at[path].is_none()).collect();
        prop_assert_eq!(winners, [outcome.best]);
        prop_assert_eq!(outcome.multipath[0], outcome.best);
    }
}
