//! Many prefixes: written in batches, read back whole, refused when the table is full.

use std::collections::BTreeMap;
use std::time::Instant;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use router_common::map::{MAX_PREFIXES_V6, MAX_ROUTES};
use router_common::path_list::PathListId;
use router_common::route::RouteId;
use router_ctl::dataplane::{Dataplane, DataplaneError};
use router_ctl::fib::op::FibOp;

use crate::fixture::{Place, sentences};

/// A small generator of numbers that look random (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn v4(&mut self) -> IpNet {
        let address = u32::try_from(self.next() >> 32).expect("32 bits");
        let length = u8::try_from(self.below(33)).expect("a length");
        let length = if length < 8 { 24 } else { length };
        Ipv4Net::new(address.into(), length)
            .expect("a length")
            .trunc()
            .into()
    }

    fn v6(&mut self) -> IpNet {
        let address = u128::from(self.next()) << 64 | u128::from(self.next());
        let length = u8::try_from(self.below(129)).expect("a length");
        let length = if length < 16 { 48 } else { length };
        Ipv6Net::new(address.into(), length)
            .expect("a length")
            .trunc()
            .into()
    }
}

fn binding((&prefix, &route): (&IpNet, &RouteId)) -> FibOp {
    FibOp::Bind { prefix, route }
}

fn rate(what: &str, count: usize, since: Instant) {
    let seconds = since.elapsed().as_secs_f64();
    println!(
        "{what}: {count} in {seconds:.3} s, {:.2} M/s",
        count as f64 / seconds / 1e6
    );
}

#[test]
fn a_hundred_thousand_random_prefixes_come_back_and_half_of_them_go() {
    let place = Place::new();
    let mut router = place.open();
    let mut numbers = Numbers(7);
    let mut wanted: BTreeMap<IpNet, RouteId> = BTreeMap::new();
    let mut ops = Vec::new();
    for number in 0..100_000 {
        let prefix = if number % 4 == 0 {
            numbers.v6()
        } else {
            numbers.v4()
        };
        let route = RouteId(RouteId::FIRST.0 + number);
        wanted.insert(prefix, route);
        ops.push(FibOp::Bind { prefix, route });
    }
    assert_eq!(sentences(&router.apply(&ops)), []);
    let dumped = || router_bindings(&router);
    assert!(dumped() == wanted, "the tries hold what was bound");

    let mut unbinds = Vec::new();
    let mut even = false;
    wanted.retain(|&prefix, _| {
        even = !even;
        if even {
            unbinds.push(FibOp::Unbind { prefix });
        }
        !even
    });
    assert_eq!(sentences(&router.apply(&unbinds)), []);
    assert!(router_bindings(&router) == wanted, "the rest is left");
}

fn router_bindings(router: &impl Dataplane) -> BTreeMap<IpNet, RouteId> {
    let bindings = router.dump().expect("a dump").bindings;
    let count = bindings.len();
    let map: BTreeMap<_, _> = bindings.into_iter().collect();
    assert_eq!(map.len(), count, "no prefix comes twice");
    map
}

/// Fills a table to its last entry, which takes a million; the rates are printed.
#[test]
fn a_full_table_refuses_the_new_and_replaces_the_old() {
    let place = Place::new();
    let mut router = place.open();
    let mut numbers = Numbers(11);
    let capacity = MAX_PREFIXES_V6 as usize;
    let mut table: BTreeMap<IpNet, RouteId> = BTreeMap::new();
    while table.len() < capacity {
        let route = RouteId(RouteId::FIRST.0 + u32::try_from(table.len()).expect("a route id"));
        table.entry(numbers.v6()).or_insert(route);
    }
    let ops: Vec<FibOp> = table.iter().map(binding).collect();
    let since = Instant::now();
    assert_eq!(sentences(&router.apply(&ops)), []);
    rate("bind, sorted", ops.len(), since);

    let since = Instant::now();
    assert!(router_bindings(&router) == table, "all is there");
    rate("dump", ops.len(), since);

    let one_more = FibOp::Bind {
        prefix: "2001:db8:ffff:ffff::/64".parse().expect("a prefix"),
        route: RouteId(MAX_ROUTES - 1),
    };
    let (&old, _) = table.first_key_value().expect("a prefix");
    let replacement = FibOp::Bind {
        prefix: old,
        route: RouteId(MAX_ROUTES - 2),
    };
    let failures = router.apply(&[one_more, replacement]);
    let [failure] = failures.as_slice() else {
        panic!("one operation fails: {failures:?}");
    };
    assert_eq!(failure.position, 0);
    assert!(
        matches!(
            failure.error,
            DataplaneError::Full {
                map: "LPM_V6",
                capacity: MAX_PREFIXES_V6,
                ..
            }
        ),
        "{}",
        failure.error
    );
    table.insert(old, RouteId(MAX_ROUTES - 2));
    assert!(router_bindings(&router) == table, "the old are kept");

    let routes: Vec<FibOp> = (RouteId::FIRST.0..1_000_000)
        .map(|id| FibOp::PutRoute {
            id: RouteId(id),
            path_list: PathListId(id % 7),
        })
        .collect();
    let since = Instant::now();
    assert_eq!(sentences(&router.apply(&routes)), []);
    rate("put routes", routes.len(), since);

    let counters = router.counters();
    let since = Instant::now();
    assert_eq!(counters.routes().len(), 1_000_000);
    rate("read counters", 1_000_000, since);

    let unbinds: Vec<FibOp> = table
        .keys()
        .map(|&prefix| FibOp::Unbind { prefix })
        .collect();
    let since = Instant::now();
    assert_eq!(sentences(&router.apply(&unbinds)), []);
    rate("unbind, sorted", unbinds.len(), since);
}
