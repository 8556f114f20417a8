//! Counters: summed over the CPUs, kept over restarts, folded when what they count is gone.

use router_common::counter::{Counter, received_row, route_row, verdict_row};
use router_common::route::RouteId;
use router_common::verdict::Verdict;
use router_ctl::dataplane::{Dataplane, VerdictCount};
use router_ctl::fib::op::FibOp;

use crate::fixture::{Place, sentences, two_paths, veth};

/// The rows of the first port, of frames from elsewhere.
const FIRST_PORT: u32 = 2;
const UNKNOWN: u32 = 0;

fn counter(packets: u64) -> Counter {
    Counter {
        packets,
        bytes: packets * 100,
    }
}

fn cpus() -> u32 {
    u32::try_from(aya::util::nr_cpus().expect("CPUs")).expect("a few")
}

/// Writes a row of the first and of the last CPU as the program would.
fn count(place: &Place, map: &str, row: impl Fn(u32) -> u32, packets: u64) {
    let mut rows = place.array::<Counter>(map);
    for cpu in [0, cpus() - 1] {
        let row = row(cpu);
        let counted = rows.get(&row, 0).expect("a row");
        rows.set(row, counter(counted.packets + packets), 0)
            .expect("a row");
    }
}

/// What `count` makes the sum.
fn counted(packets: u64) -> Counter {
    counter(packets * 2)
}

#[test]
fn routes_are_summed_survive_a_restart_and_join_the_withdrawn() {
    let place = Place::new();
    let mut router = place.open();
    assert_eq!(router.counters().routes(), [Counter::default(); 2]);
    assert_eq!(sentences(&router.apply(&two_paths())), []);
    for (route, packets) in [(2, 10), (3, 7)] {
        count(
            &place,
            "ROUTE_COUNTERS",
            |cpu| route_row(cpu, RouteId(route)),
            packets,
        );
    }
    let totals = [0, 0, 10, 7].map(counted);
    assert_eq!(router.counters().routes(), totals);
    drop(router);

    let mut router = place.open();
    let counters = router.counters();
    assert_eq!(counters.routes(), totals);
    assert_eq!(counters.route(RouteId(3)), counted(7));
    assert_eq!(counters.route(RouteId(u32::MAX)), Counter::default());

    let free = |id| FibOp::FreeRoute { id: RouteId(id) };
    assert_eq!(
        sentences(&router.apply(&[FibOp::Grace, free(2), free(3)])),
        []
    );
    assert_eq!(counters.routes(), [0, 17, 0, 0].map(counted));
}

#[test]
fn verdicts_and_received_are_shown_by_port_and_never_fall() {
    let place = Place::new();
    let port = veth("up0");
    let mut router = place.open();
    router.put_port(&port).expect("attached");
    // The kernel's own packets of a fresh interface may be counted by now: only what is added is compared.
    let counters = router.counters();
    let shown = |verdict, of| {
        let rows: Vec<VerdictCount> = counters.verdicts();
        rows.iter()
            .find(|row| row.verdict == verdict && row.port == of)
            .map_or(Counter::default(), |row| row.counter)
    };
    assert_eq!(
        shown(Verdict::DropBlackhole, Some(port.index)),
        Counter::default()
    );
    count(
        &place,
        "VERDICTS",
        |cpu| verdict_row(cpu, FIRST_PORT, Verdict::DropBlackhole),
        5,
    );
    count(
        &place,
        "VERDICTS",
        |cpu| verdict_row(cpu, UNKNOWN, Verdict::DropBlackhole),
        3,
    );
    count(
        &place,
        "RECEIVED",
        |cpu| received_row(cpu, FIRST_PORT),
        1000,
    );
    assert_eq!(shown(Verdict::DropBlackhole, Some(port.index)), counted(5));
    assert_eq!(shown(Verdict::DropBlackhole, None), counted(3));
    let received = |of| {
        let rows = counters.received();
        rows.iter()
            .find(|(port, _)| *port == of)
            .map_or(Counter::default(), |&(_, counter)| counter)
    };
    assert!(received(Some(port.index)).packets >= 2000);

    router.remove_port(port.index).expect("removed");
    assert_eq!(
        shown(Verdict::DropBlackhole, Some(port.index)),
        Counter::default()
    );
    assert_eq!(shown(Verdict::DropBlackhole, None), counted(8));
    assert!(received(None).packets >= 2000);
    assert_eq!(received(Some(port.index)), Counter::default());
}
