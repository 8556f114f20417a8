use router_common::verdict::Verdict;

use super::*;

const HOP: NextHop = NextHop {
    egress: 3,
    mtu: 1500,
    vlan: 0,
    neighbour: [2, 0, 0, 0, 0, 1, 0, 0],
    source_mac: [2, 0, 0, 0, 0, 9],
    verdict: 0,
};

fn prefix(number: u8) -> IpNet {
    format!("10.{number}.0.0/16").parse().unwrap()
}

/// Prefixes by number, each with its route id; all share list 1 with two buckets and next hop 1.
fn state(bindings: &[(u8, u32)]) -> Installed {
    let no_list = PathList { offset: 0, mask: 0 };
    let list = PathList { offset: 2, mask: 1 };
    let routes = bindings
        .iter()
        .map(|&(_, route)| route + 1)
        .max()
        .unwrap_or(1);
    let mut state = Installed {
        bindings: bindings
            .iter()
            .map(|&(number, route)| (prefix(number), RouteId(route)))
            .collect(),
        routes: vec![PathListId::NO_ROUTE; routes as usize],
        path_lists: vec![no_list, list],
        buckets: vec![NextHopId(0), NextHopId(0), NextHopId(1), NextHopId(1)],
        next_hops: vec![NextHop::terminal(Verdict::PassNoRoute), HOP],
    };
    for &(_, route) in bindings {
        state.routes[route as usize] = PathListId(1);
    }
    state
}

fn check(desired: &[(u8, u32)], installed: &[(u8, u32)], expected: &[FibOp]) {
    assert_eq!(plan(&state(desired), &state(installed)), expected);
}

fn put_route(id: u32) -> FibOp {
    FibOp::PutRoute {
        id: RouteId(id),
        path_list: PathListId(1),
    }
}

fn bind(number: u8, route: u32) -> FibOp {
    FibOp::Bind {
        prefix: prefix(number),
        route: RouteId(route),
    }
}

fn free_route(id: u32) -> FibOp {
    FibOp::FreeRoute { id: RouteId(id) }
}

#[test]
fn equal_states_need_nothing() {
    check(&[], &[], &[]);
    check(&[(1, 2), (2, 3)], &[(2, 3), (1, 2)], &[]);
}

#[test]
fn a_missing_prefix_is_built_before_it_is_bound() {
    check(&[(1, 2), (2, 3)], &[(1, 2)], &[put_route(3), bind(2, 3)]);
}

#[test]
fn a_leftover_prefix_is_unbound_and_its_route_freed_after_the_grace_period() {
    let unbind = FibOp::Unbind { prefix: prefix(2) };
    check(
        &[(1, 2)],
        &[(1, 2), (2, 3)],
        &[unbind, FibOp::Grace, free_route(3)],
    );
}

#[test]
fn a_prefix_bound_to_another_route_is_bound_anew() {
    check(
        &[(1, 4)],
        &[(1, 2)],
        &[put_route(4), bind(1, 4), FibOp::Grace, free_route(2)],
    );
}

#[test]
fn the_whole_chain_is_built_from_its_end_and_taken_down_from_its_start() {
    let (empty, full) = (state(&[]), state(&[(1, 2)]));
    let up = plan(&full, &empty);
    assert!(
        matches!(
            up[..],
            [
                FibOp::PutNextHop { .. },
                FibOp::PutBuckets { .. },
                FibOp::PutPathList { .. },
                FibOp::PutRoute { .. },
                FibOp::Bind { .. }
            ]
        ),
        "{up:?}"
    );
    let down = plan(&empty, &full);
    assert!(
        matches!(
            down[..],
            [
                FibOp::Unbind { .. },
                FibOp::Grace,
                FibOp::FreeRoute { .. },
                FibOp::FreePathList { .. },
                FibOp::FreeBuckets {
                    offset: 2,
                    count: 2
                },
                FibOp::FreeNextHop { .. }
            ]
        ),
        "{down:?}"
    );
}

#[test]
fn what_is_reserved_is_written_when_it_is_missing_and_never_freed() {
    let ops = plan(&state(&[]), &Installed::default());
    assert!(
        matches!(
            ops[..],
            [
                FibOp::PutNextHop { .. },
                FibOp::PutBuckets { offset: 0, .. },
                FibOp::PutPathList { .. },
                FibOp::PutRoute { .. }
            ]
        ),
        "{ops:?}"
    );
    assert_eq!(plan(&Installed::default(), &state(&[])), []);
}

#[test]
fn what_differs_inside_is_healed_in_place() {
    let desired = state(&[(1, 2)]);
    let mut installed = desired.clone();
    installed.next_hops[1].neighbour[5] = 9;
    assert_eq!(
        plan(&desired, &installed),
        [FibOp::PutNextHop {
            id: NextHopId(1),
            next_hop: HOP
        }]
    );
    let mut installed = desired.clone();
    installed.buckets[3] = NextHopId(0);
    assert_eq!(
        plan(&desired, &installed),
        [FibOp::PutBuckets {
            offset: 3,
            next_hops: vec![NextHopId(1)]
        }]
    );
    let mut installed = desired.clone();
    installed.routes[2] = PathListId::NO_ROUTE;
    assert_eq!(
        plan(&desired, &installed)[..2],
        [
            FibOp::PutNextHop {
                id: NextHopId(1),
                next_hop: HOP
            },
            FibOp::PutBuckets {
                offset: 2,
                next_hops: vec![NextHopId(1); 2]
            },
        ]
    );
}

#[test]
fn runs_of_changed_buckets_are_written_together() {
    let ids =
        |numbers: &[u32]| -> Vec<NextHopId> { numbers.iter().map(|&id| NextHopId(id)).collect() };
    let mut batch = Batch::default();
    batch.put_changed_buckets(10, &ids(&[1, 2, 3, 4, 5]), &ids(&[1, 9, 9, 4, 9]));
    assert_eq!(batch.buckets, [(11, ids(&[2, 3])), (14, ids(&[5]))]);
}
