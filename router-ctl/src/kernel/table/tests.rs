use super::*;
use crate::host::{LinkState, MacAddress};
use crate::kernel::ways::{Slot, Through, Way};

const LINK: IfIndex = IfIndex(2);
const OTHER: IfIndex = IfIndex(3);

fn link(index: IfIndex, mtu: u32) -> Link {
    Link {
        index,
        name: format!("eth{}", index.0),
        mac: None,
        mtu,
        state: LinkState::Up,
        loopback: false,
    }
}

fn address(link: IfIndex) -> Address {
    Address {
        link,
        net: "192.0.2.1/24".parse().unwrap(),
    }
}

fn key(link: IfIndex) -> NeighbourKey {
    NeighbourKey {
        link,
        address: "192.0.2.2".parse().unwrap(),
    }
}

fn reachable(last: u8) -> NeighbourState {
    NeighbourState::Reachable(MacAddress([2, 0, 0, 0, 0, last]))
}

/// A table that is following changes.
fn following() -> Table {
    let mut table = Table::default();
    table.begin_resync();
    table.finish();
    table
}

/// Feeds notifications one by one and returns all that came out.
fn notified(table: &mut Table, observations: Vec<Observation>) -> Vec<HostEvent> {
    observations
        .into_iter()
        .flat_map(|observation| table.apply(observation, Origin::Notification))
        .collect()
}

#[test]
fn what_is_said_twice_is_told_once() {
    let mut table = following();
    let said = vec![
        Observation::Link(link(LINK, 1500)),
        Observation::Address(address(LINK)),
        Observation::Neighbour(key(LINK), reachable(1)),
    ];
    let told = vec![
        HostEvent::Link(link(LINK, 1500)),
        HostEvent::AddressAdded(address(LINK)),
        HostEvent::Neighbour(key(LINK), reachable(1)),
    ];
    assert_eq!(notified(&mut table, said.clone()), told);
    assert_eq!(notified(&mut table, said), []);
}

#[test]
fn a_change_of_any_detail_is_told() {
    let mut table = following();
    notified(
        &mut table,
        vec![
            Observation::Link(link(LINK, 1500)),
            Observation::Neighbour(key(LINK), reachable(1)),
        ],
    );
    let changes = vec![
        Observation::Link(link(LINK, 1400)),
        Observation::Neighbour(key(LINK), reachable(2)),
        Observation::Neighbour(key(LINK), NeighbourState::Failed),
    ];
    let told = vec![
        HostEvent::Link(link(LINK, 1400)),
        HostEvent::Neighbour(key(LINK), reachable(2)),
        HostEvent::Neighbour(key(LINK), NeighbourState::Failed),
    ];
    assert_eq!(notified(&mut table, changes), told);
}

#[test]
fn a_deleted_neighbour_has_failed_once() {
    let mut table = following();
    let said = vec![
        Observation::Neighbour(key(LINK), NeighbourState::Failed),
        Observation::NeighbourGone(key(LINK)),
        Observation::NeighbourGone(key(LINK)),
        Observation::AddressGone(address(LINK)),
        Observation::LinkGone(LINK),
    ];
    let told = vec![HostEvent::Neighbour(key(LINK), NeighbourState::Failed)];
    assert_eq!(notified(&mut table, said), told);
}

#[test]
fn a_vanished_link_takes_its_own_along_and_nothing_else() {
    let mut table = following();
    for index in [LINK, OTHER] {
        notified(
            &mut table,
            vec![
                Observation::Link(link(index, 1500)),
                Observation::Address(address(index)),
                Observation::Neighbour(key(index), reachable(1)),
            ],
        );
    }
    let told = vec![
        HostEvent::Neighbour(key(LINK), NeighbourState::Failed),
        HostEvent::AddressRemoved(address(LINK)),
        HostEvent::LinkGone(LINK),
    ];
    assert_eq!(
        notified(&mut table, vec![Observation::LinkGone(LINK)]),
        told
    );
    assert_eq!((table.links.len(), table.addresses.len()), (1, 1));
}

#[test]
fn a_resync_tells_everything_in_order_and_forgets_what_was_before() {
    let mut table = following();
    notified(&mut table, vec![Observation::Link(link(OTHER, 1500))]);
    table.begin_resync();
    for observation in [
        Observation::Neighbour(key(LINK), reachable(1)),
        Observation::Address(address(LINK)),
        Observation::Link(link(LINK, 1500)),
    ] {
        assert_eq!(table.apply(observation, Origin::Dump), []);
    }
    let told = vec![
        HostEvent::Resync,
        HostEvent::Link(link(LINK, 1500)),
        HostEvent::AddressAdded(address(LINK)),
        HostEvent::Neighbour(key(LINK), reachable(1)),
        HostEvent::ResyncDone,
    ];
    assert_eq!(table.finish(), told);
}

#[test]
fn a_notification_wins_over_a_dump_that_comes_after_it() {
    let mut table = Table::default();
    table.begin_resync();
    table.apply(
        Observation::Neighbour(key(LINK), reachable(2)),
        Origin::Notification,
    );
    table.apply(Observation::NeighbourGone(key(OTHER)), Origin::Notification);
    table.apply(
        Observation::Neighbour(key(LINK), reachable(1)),
        Origin::Dump,
    );
    table.apply(
        Observation::Neighbour(key(OTHER), reachable(1)),
        Origin::Dump,
    );
    let told = vec![
        HostEvent::Resync,
        HostEvent::Neighbour(key(LINK), reachable(2)),
        HostEvent::ResyncDone,
    ];
    assert_eq!(table.finish(), told);
}

fn foreign(prefix: &str) -> Observation {
    let slot = Slot {
        prefix: prefix.parse().unwrap(),
        tos: 0,
        metric: 0,
    };
    let through = Through::Object(1);
    Observation::Route(RouteObservation::Added(vec![Way { slot, through }]))
}

#[test]
fn routes_are_in_doubt_when_the_kernel_may_have_dropped_some() {
    let silent = |said: Observation| {
        let mut table = following();
        let route = foreign("203.0.113.0/24");
        notified(&mut table, vec![route]);
        assert!(!table.begin_routes());
        notified(&mut table, vec![said]);
        table.begin_routes().then(|| table.finish())
    };
    let gone = vec![HostEvent::ForeignRouteGone(
        "203.0.113.0/24".parse().unwrap(),
    )];
    let down = Link {
        state: LinkState::AdminDown,
        ..link(LINK, 1500)
    };
    for said in [
        Observation::Link(down),
        Observation::LinkGone(LINK),
        Observation::AddressGone(address(LINK)),
    ] {
        assert_eq!(silent(said.clone()), Some(gone.clone()), "{said:?}");
    }
    for said in [
        Observation::Link(link(LINK, 1500)),
        Observation::NeighbourGone(key(LINK)),
    ] {
        assert_eq!(silent(said.clone()), None, "{said:?}");
    }
}

#[test]
fn a_resync_names_every_route_last() {
    let mut table = following();
    notified(&mut table, vec![foreign("198.51.100.0/24")]);
    table.begin_resync();
    table.apply(foreign("203.0.113.0/24"), Origin::Dump);
    table.apply(Observation::Link(link(LINK, 1500)), Origin::Dump);
    let told = [
        HostEvent::Resync,
        HostEvent::Link(link(LINK, 1500)),
        HostEvent::ForeignRoute("203.0.113.0/24".parse().unwrap()),
        HostEvent::ResyncDone,
    ];
    assert_eq!(table.finish(), told);
}
