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

#[expect(
    clippy::print_stdout,
    reason = "what a run took is for whoever reads its output"
)]
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
    assert!(
        router_bindings(&router) == wanted,
        "the tries hold what was bound"
    );

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

/// A million different prefixes without a table of them: the number is scattered over the address by an odd
/// factor, which makes no two alike.
fn scattered(number: u32) -> IpNet {
    let high = u64::from(number.wrapping_mul(0x9e37_79b1)) << 16 | 0x2000 << 48;
    let address = u128::from(high) << 64;
    Ipv6Net::new(address.into(), 64).expect("a length").into()
}

fn scattered_ops(step: impl Fn(IpNet, RouteId) -> FibOp) -> Vec<FibOp> {
    (0..MAX_PREFIXES_V6)
        .map(|number| step(scattered(number), RouteId(RouteId::FIRST.0 + number)))
        .collect()
}

/// Fills a table to its last entry, which takes a million; the rates are printed.
#[test]
fn a_full_table_refuses_the_new_and_replaces_the_old() {
    let place = Place::new();
    let mut router = place.open();
    let ops = scattered_ops(|prefix, route| FibOp::Bind { prefix, route });
    let since = Instant::now();
    assert_eq!(sentences(&router.apply(&ops)), []);
    rate("bind", ops.len(), since);

    let since = Instant::now();
    let bindings = router.dump().expect("a dump").bindings;
    rate("dump", bindings.len(), since);
    assert_eq!(bindings.len(), ops.len());
    let mut seen = vec![false; ops.len()];
    for (prefix, route) in bindings {
        let number = route.0 - RouteId::FIRST.0;
        assert_eq!(prefix, scattered(number));
        assert!(
            !std::mem::replace(&mut seen[number as usize], true),
            "{prefix} twice"
        );
    }

    let one_more = FibOp::Bind {
        prefix: "2001:db8:ffff:ffff::/64".parse().expect("a prefix"),
        route: RouteId(MAX_ROUTES - 1),
    };
    let old = scattered(0);
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
    let bindings = router.dump().expect("a dump").bindings;
    assert_eq!(bindings.len(), ops.len());
    assert!(bindings.contains(&(old, RouteId(MAX_ROUTES - 2))));

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

    let unbinds = scattered_ops(|prefix, _| FibOp::Unbind { prefix });
    let since = Instant::now();
    assert_eq!(sentences(&router.apply(&unbinds)), []);
    rate("unbind", unbinds.len(), since);
}
