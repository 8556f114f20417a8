//! One packet through everything: entered by the operations, forwarded by the program, counted in the maps.

use std::net::UdpSocket;
use std::time::Duration;

use router_common::counter::Counter;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;
use router_common::verdict::Verdict;
use router_ctl::dataplane::{Counters, Dataplane, XdpMode};
use router_ctl::fib::op::FibOp;
use router_ctl::host::{IfIndex, MacAddress};

use crate::fixture::{Place, bind, next_hop, port, run, sentences, veth};

/// What a UDP datagram of one byte is on the wire.
const FRAME: Counter = Counter {
    packets: 1,
    bytes: 14 + 20 + 8 + 1,
};

fn verdict(counters: &dyn Counters, port: IfIndex, verdict: Verdict) -> Counter {
    counters
        .verdicts()
        .into_iter()
        .find(|row| row.port == Some(port) && row.verdict == verdict)
        .map_or(Counter::default(), |row| row.counter)
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    lab::wait::until(
        &format!("{what} to be counted"),
        Duration::from_secs(10),
        || condition().then_some(()),
    );
}

#[test]
fn a_packet_takes_the_way_that_was_bound() {
    let place = Place::new();
    let mut router = place.open();
    let (ingress, egress) = (veth("up0"), veth("up1"));
    // A veth takes redirected frames only when a program is attached at its other end.
    let mut sink = port("up1-peer", XdpMode::Native);
    sink.mac = MacAddress([2, 0, 0, 0, 0, 2]);
    for port in [&ingress, &egress, &sink] {
        run(
            "ip",
            &["link", "set", &port.name, "address", &port.mac.to_string()],
        );
        router.put_port(port).expect("attached");
    }
    // A neighbour that is not the sink: there the frame is counted as another host's, and goes no further.
    let way = next_hop(egress.index.0, 9);
    let put = |next_hop| FibOp::PutNextHop {
        id: NextHopId(1),
        next_hop,
    };
    let ops = [
        put(way),
        FibOp::PutBuckets {
            offset: 1,
            next_hops: vec![NextHopId(1)],
        },
        FibOp::PutPathList {
            id: PathListId(1),
            list: PathList { offset: 1, mask: 0 },
        },
        FibOp::PutRoute {
            id: RouteId(2),
            path_list: PathListId(1),
        },
        bind("10.9.0.0/16", 2),
    ];
    assert_eq!(sentences(&router.apply(&ops)), []);

    run("ip", &["address", "add", "192.0.2.1/24", "dev", "up0-peer"]);
    let mac = ingress.mac.to_string();
    run(
        "ip",
        &[
            "neigh",
            "add",
            "192.0.2.2",
            "lladdr",
            &mac,
            "dev",
            "up0-peer",
        ],
    );
    run("ip", &["route", "add", "10.0.0.0/8", "via", "192.0.2.2"]);
    let sender = UdpSocket::bind("192.0.2.1:0").expect("a socket");
    let counters = router.counters();
    let seen = |port, of| verdict(counters.as_ref(), port, of);

    sender.send_to(b"x", "10.9.1.1:9").expect("sent");
    wait_for("the frame at the other end", || {
        seen(sink.index, Verdict::DropOtherHost) == FRAME
    });
    assert_eq!(seen(ingress.index, Verdict::Forwarded), FRAME);
    assert_eq!(counters.route(RouteId(2)), FRAME);

    sender.send_to(b"x", "10.8.1.1:9").expect("sent");
    wait_for("a frame without a route", || {
        seen(ingress.index, Verdict::PassNoRoute) == FRAME
    });

    let unresolved = NextHop {
        neighbour: [0; 8],
        ..way
    };
    assert_eq!(sentences(&router.apply(&[put(unresolved)])), []);
    sender.send_to(b"x", "10.9.1.1:9").expect("sent");
    wait_for("a frame without a neighbour", || {
        seen(ingress.index, Verdict::PassNoNeighbour) == FRAME
    });
}
