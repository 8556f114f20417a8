//! Operations run in order, are read back as they were written, and fail alone.

use router_common::map::{MAX_BUCKETS, MAX_NEXT_HOPS};
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;
use router_common::verdict::Verdict;
use router_ctl::dataplane::Dataplane;
use router_ctl::fib::op::{FibOp, Installed};

use crate::fixture::{Place, bind, net, next_hop, sentences, two_paths, unbind};

const NO_ROUTE: PathList = PathList { offset: 0, mask: 0 };

/// What `two_paths` installs under routes 2 and 3.
fn installed() -> Installed {
    let mut buckets = vec![NextHopId::NO_ROUTE; 16];
    buckets.extend([1, 2, 1, 2].map(NextHopId));
    let mut path_lists = vec![NO_ROUTE; 5];
    path_lists.push(PathList {
        offset: 16,
        mask: 3,
    });
    Installed {
        bindings: vec![
            (net("10.0.0.0/8"), RouteId(2)),
            (net("2001:db8::/32"), RouteId(3)),
        ],
        routes: [0, 0, 5, 5].map(PathListId).to_vec(),
        path_lists,
        buckets,
        next_hops: vec![
            NextHop::terminal(Verdict::PassNoRoute),
            next_hop(7, 1),
            next_hop(8, 2),
        ],
    }
}

#[test]
fn a_new_data_plane_holds_nothing_but_no_route() {
    let place = Place::new();
    let router = place.open();
    assert!(!router.report().adopted);
    assert_eq!(router.engine(), "lpm-trie");
    assert_eq!(router.dump().expect("a dump"), Installed::default());
    let next_hops = place.array::<NextHop>("NEXT_HOPS");
    assert_eq!(
        next_hops.get(&0, 0).expect("next hop 0"),
        NextHop::terminal(Verdict::PassNoRoute)
    );
}

#[test]
fn what_is_applied_is_read_back() {
    let place = Place::new();
    let mut router = place.open();
    let mut ops = two_paths();
    ops.extend([
        bind("10.0.0.0/8", 2),
        bind("2001:db8::/32", 3),
        FibOp::Grace,
    ]);
    assert_eq!(sentences(&router.apply(&ops)), []);
    assert_eq!(router.dump().expect("a dump"), installed());
}

#[test]
fn a_neighbour_changes_in_place_and_a_list_in_one_word() {
    let place = Place::new();
    let mut router = place.open();
    let mut ops = two_paths();
    ops.push(bind("10.0.0.0/8", 2));
    ops.push(bind("2001:db8::/32", 3));
    let moved = next_hop(7, 99);
    ops.push(FibOp::PutNextHop {
        id: NextHopId(1),
        next_hop: moved,
    });
    let list = PathList {
        offset: 16,
        mask: 0,
    };
    ops.push(FibOp::PutPathList {
        id: PathListId(5),
        list,
    });
    assert_eq!(sentences(&router.apply(&ops)), []);
    let dump = router.dump().expect("a dump");
    assert_eq!(dump.path_lists[5], list);
    assert_eq!(
        dump.next_hops,
        [NextHop::terminal(Verdict::PassNoRoute), moved]
    );
}

#[test]
fn operations_on_one_prefix_keep_their_order() {
    let place = Place::new();
    let mut router = place.open();
    let ops = [
        bind("192.0.2.0/24", 2),
        bind("192.0.2.0/24", 3),
        bind("198.51.100.0/24", 3),
        unbind("198.51.100.0/24"),
        unbind("192.0.2.0/24"),
        bind("192.0.2.0/24", 4),
        bind("0.0.0.0/0", 5),
        bind("192.0.2.1/32", 6),
    ];
    assert_eq!(sentences(&router.apply(&ops)), []);
    let mut bindings = router.dump().expect("a dump").bindings;
    bindings.sort();
    let expected = [("0.0.0.0/0", 5), ("192.0.2.0/24", 4), ("192.0.2.1/32", 6)];
    assert_eq!(
        bindings,
        expected.map(|(text, id)| (net(text), RouteId(id)))
    );
}

#[test]
fn a_failed_operation_is_named_and_stops_nothing() {
    let place = Place::new();
    let mut router = place.open();
    let beyond = FibOp::PutNextHop {
        id: NextHopId(MAX_NEXT_HOPS),
        next_hop: next_hop(1, 1),
    };
    let half_beyond = FibOp::PutBuckets {
        offset: MAX_BUCKETS - 1,
        next_hops: vec![NextHopId(9); 2],
    };
    let ops = [
        bind("10.0.0.0/8", 2),
        unbind("10.1.0.0/16"),
        unbind("10.0.0.0/8"),
        unbind("10.2.0.0/16"),
        beyond,
        half_beyond,
        bind("10.3.0.0/16", 3),
    ];
    let failures = sentences(&router.apply(&ops));
    let positions: Vec<usize> = failures.iter().map(|&(position, _)| position).collect();
    assert_eq!(positions, [1, 3, 4, 5], "{failures:?}");
    assert!(
        failures[0].1.starts_with("LPM_V4: take a prefix out"),
        "{failures:?}"
    );
    assert_eq!(
        failures[2].1,
        "NEXT_HOPS: write: 16384 is beyond its 16384 elements"
    );
    let bindings = router.dump().expect("a dump").bindings;
    assert_eq!(bindings, [(net("10.3.0.0/16"), RouteId(3))]);
    let buckets = place.array::<NextHopId>("BUCKETS");
    assert_eq!(
        buckets.get(&(MAX_BUCKETS - 1), 0).expect("a bucket"),
        NextHopId::NO_ROUTE
    );
}

#[test]
fn what_is_freed_says_no_route() {
    let place = Place::new();
    let mut router = place.open();
    let mut ops = two_paths();
    ops.extend([
        FibOp::Grace,
        FibOp::FreeRoute { id: RouteId(2) },
        FibOp::FreePathList { id: PathListId(5) },
        FibOp::FreeBuckets {
            offset: 16,
            count: 4,
        },
        FibOp::FreeNextHop { id: NextHopId(1) },
    ]);
    assert_eq!(sentences(&router.apply(&ops)), []);
    let element = |name| place.array::<PathListId>(name);
    assert_eq!(
        element("ROUTES").get(&2, 0).expect("a route"),
        PathListId::NO_ROUTE
    );
    assert_eq!(
        element("ROUTES").get(&3, 0).expect("a route"),
        PathListId(5)
    );
    let lists = place.array::<PathList>("PATH_LISTS");
    assert_eq!(lists.get(&5, 0).expect("a list"), NO_ROUTE);
    let buckets = place.array::<NextHopId>("BUCKETS");
    assert_eq!(buckets.get(&19, 0).expect("a bucket"), NextHopId::NO_ROUTE);
    let next_hops = place.array::<NextHop>("NEXT_HOPS");
    let freed = next_hops.get(&1, 0).expect("a next hop");
    assert_eq!(freed, NextHop::terminal(Verdict::PassNoRoute));
}
