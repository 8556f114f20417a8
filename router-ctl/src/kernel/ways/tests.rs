use super::*;

const NET: &str = "203.0.113.0/24";

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn way(prefix: &str, metric: u32, link: u32) -> Way {
    Way {
        slot: Slot {
            prefix: net(prefix),
            tos: 0,
            metric,
        },
        through: Through::Hops(vec![(None, link)]),
    }
}

fn added(way: &Way) -> RouteObservation {
    RouteObservation::Added(vec![way.clone()])
}

fn removed(way: &Way) -> RouteObservation {
    RouteObservation::Removed(vec![way.clone()])
}

fn here(prefix: &str) -> Vec<HostEvent> {
    vec![HostEvent::ForeignRoute(net(prefix))]
}

fn gone(prefix: &str) -> Vec<HostEvent> {
    vec![HostEvent::ForeignRouteGone(net(prefix))]
}

fn notify(ways: &mut Ways, observation: RouteObservation) -> Vec<HostEvent> {
    ways.apply(observation, Origin::Notification)
}

#[test]
fn a_prefix_is_gone_with_its_last_route() {
    let mut ways = Ways::default();
    let (one, other) = (way(NET, 0, 1), way(NET, 100, 2));
    assert_eq!(notify(&mut ways, added(&one)), here(NET));
    assert_eq!(notify(&mut ways, added(&one)), []);
    assert_eq!(notify(&mut ways, added(&other)), []);
    assert_eq!(notify(&mut ways, removed(&one)), []);
    assert_eq!(notify(&mut ways, removed(&one)), []);
    assert_eq!(notify(&mut ways, removed(&other)), gone(NET));
}

#[test]
fn a_replaced_route_leaves_no_trace() {
    let mut ways = Ways::default();
    let (one, other) = (way(NET, 0, 1), way(NET, 0, 2));
    notify(&mut ways, added(&one));
    let replace = RouteObservation::Replaced(one.slot, vec![other.clone()]);
    assert_eq!(notify(&mut ways, replace.clone()), []);
    assert_eq!(notify(&mut ways, replace), []);
    assert_eq!(notify(&mut ways, removed(&other)), gone(NET));
    assert!(!ways.is_doubtful());
}

#[test]
fn a_foreign_route_that_another_kind_replaced_is_gone() {
    let mut ways = Ways::default();
    let one = way(NET, 0, 1);
    notify(&mut ways, added(&one));
    let replace = RouteObservation::Replaced(one.slot, Vec::new());
    assert_eq!(notify(&mut ways, replace), gone(NET));
}

#[test]
fn which_of_several_alike_was_replaced_has_to_be_asked() {
    let mut ways = Ways::default();
    let (one, other) = (way(NET, 0, 1), way(NET, 0, 2));
    notify(&mut ways, added(&one));
    notify(&mut ways, added(&other));
    let replace = RouteObservation::Replaced(one.slot, vec![way(NET, 0, 3)]);
    assert_eq!(notify(&mut ways, replace), []);
    assert!(ways.is_doubtful());
    ways.begin();
    assert!(!ways.is_doubtful());
}

#[test]
fn doubt_needs_something_to_lose() {
    let mut ways = Ways::default();
    ways.doubt();
    assert!(!ways.is_doubtful());
    notify(&mut ways, added(&way(NET, 0, 1)));
    ways.doubt();
    assert!(ways.is_doubtful());
}

#[test]
fn a_list_tells_what_changed_and_nothing_else() {
    let mut ways = Ways::default();
    let (stays, goes) = (way(NET, 0, 1), way("198.51.100.0/24", 0, 1));
    notify(&mut ways, added(&stays));
    notify(&mut ways, added(&goes));
    ways.begin();
    let new = way("2001:db8::/32", 0, 1);
    assert_eq!(ways.apply(added(&stays), Origin::Dump), []);
    assert_eq!(ways.apply(added(&new), Origin::Dump), []);
    let told = [gone("198.51.100.0/24"), here("2001:db8::/32")].concat();
    assert_eq!(ways.finish(), told);
}

#[test]
fn a_notification_wins_over_the_list() {
    let mut ways = Ways::default();
    let (deleted, replaced) = (way(NET, 0, 1), way("198.51.100.0/24", 0, 1));
    notify(&mut ways, added(&deleted));
    notify(&mut ways, added(&replaced));
    ways.begin();
    notify(&mut ways, removed(&deleted));
    let replace = RouteObservation::Replaced(replaced.slot, Vec::new());
    notify(&mut ways, replace);
    ways.apply(added(&deleted), Origin::Dump);
    ways.apply(added(&replaced), Origin::Dump);
    assert_eq!(ways.finish(), [gone("198.51.100.0/24"), gone(NET)].concat());
}
