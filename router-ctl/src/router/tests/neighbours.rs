//! Neighbours that come and go while the router runs.

use std::net::Ipv6Addr;

use super::*;
use crate::router::effect::{Back, Ticket};
use crate::router::event::ResetKind;

fn configure(rig: &mut Rig, text: &str) {
    let config = toml::parse(text)
        .unwrap_or_else(|problems| panic!("{problems:?}"))
        .0;
    rig.event(Event::Configure(Box::new(config)));
}

/// What neighbours' tasks were told since the last call, in short.
fn orders(rig: &mut Rig) -> Vec<String> {
    rig.orders
        .drain(..)
        .filter_map(|order| match &order {
            Effect::StartPeer(start) => Some(match start.accept {
                Some(Ticket(ticket)) => format!("start {} for {ticket}", start.name),
                None => format!("start {}", start.name),
            }),
            Effect::ConfigurePeer(start) => Some(format!("configure {}", start.name)),
            Effect::ResetPeer { peer, reason, back } => {
                let back = match back {
                    Back::Now => "",
                    Back::After(_) => " for a while",
                    Back::Never => " for good",
                };
                Some(format!("reset {}{back}: {reason}", peer.0))
            }
            Effect::RemovePeer { peer, .. } => Some(format!("remove {}", peer.0)),
            Effect::RequestRefresh { peer, .. } => Some(format!("refresh {}", peer.0)),
            Effect::RefuseStranger(Ticket(ticket)) => Some(format!("refuse {ticket}")),
            Effect::RangeKeys(_) | Effect::AdvertiseOn(_) | Effect::Bfd(_) => None,
            Effect::Transmit { .. }
            | Effect::ApplyFib { .. }
            | Effect::KeepNeighbour(_)
            | Effect::ForgetNeighbour(_)
            | Effect::PutPort(_)
            | Effect::RemovePort(_)
            | Effect::Note(_) => panic!("not for a neighbour: {order:?}"),
        })
        .collect()
}

#[test]
fn configured_neighbours_start_with_the_first_complete_picture_of_the_host() {
    let mut rig = Rig::new(CONFIG);
    assert_eq!(
        orders(&mut rig),
        ["start 10.0.1.2", "start 10.0.2.2", "start 10.0.3.2"]
    );
}

#[test]
fn a_neighbour_that_is_added_or_removed_disturbs_no_other() {
    let mut rig = Rig::new(CONFIG);
    rig.up(FIRST);
    rig.announce(FIRST, "203.0.113.0/24", &[65001]);
    orders(&mut rig);
    let added = format!(
        "{CONFIG}\n[protocols.bgp.neighbor.\"10.0.3.9\"]\nremote-as = 65009\naddress-family.ipv4-unicast = {{}}\n"
    );
    configure(&mut rig, &added);
    assert_eq!(orders(&mut rig), ["start 10.0.3.9"]);
    configure(&mut rig, CONFIG);
    assert_eq!(orders(&mut rig), ["remove 4"]);
    let without_first = CONFIG.replace(
        "[protocols.bgp.neighbor.\"10.0.1.2\"]\nremote-as = 65001\n[protocols.bgp.neighbor.\"10.0.1.2\".address-family.ipv4-unicast]\n",
        "",
    );
    configure(&mut rig, &without_first);
    assert_eq!(orders(&mut rig), ["remove 1"]);
    assert_eq!(rig.interfaces_of("203.0.113.1"), Vec::<u32>::new());
    assert!(rig.router.peers().iter().all(|(id, _)| id != FIRST));
}

#[test]
fn only_what_a_session_cannot_follow_resets_it() {
    let change = |leaf: &str| {
        let mut rig = Rig::new(CONFIG);
        rig.up(FIRST);
        orders(&mut rig);
        let text = CONFIG.replace(
            "remote-as = 65001\n",
            &format!("remote-as = 65001\n{leaf}\n"),
        );
        configure(&mut rig, &text);
        orders(&mut rig)
    };
    for (leaf, expected) in [
        ("description = \"transit\"", vec![]),
        ("timers.holdtime = 30", vec!["configure 10.0.1.2"]),
        ("password = \"secret\"", vec!["configure 10.0.1.2"]),
        (
            "ebgp-multihop = 3",
            vec!["configure 10.0.1.2", "reset 1: configuration change"],
        ),
        (
            "shutdown = true",
            vec![
                "configure 10.0.1.2",
                "reset 1 for good: administrative shutdown",
            ],
        ),
    ] {
        assert_eq!(change(leaf), expected, "{leaf}");
    }
}

const RANGE: &str = r#"
[protocols.bgp.peer-group.NODES]
remote-as = "external"
address-family.ipv4-unicast = {}
[protocols.bgp.listen]
limit = 1
range."10.0.2.0/24".peer-group = "NODES"
"#;

fn stranger(rig: &mut Rig, ticket: u64, address: [u8; 4]) {
    rig.event(Event::Stranger {
        ticket: Ticket(ticket),
        local: SocketAddr::from(([10, 0, 2, 1], 179)),
        remote: SocketAddr::from((address, 40_000)),
    });
}

#[test]
fn a_range_takes_strangers_in_up_to_its_limit_and_forgets_them_with_their_session() {
    let mut rig = Rig::new(&format!("{CONFIG}\n{RANGE}"));
    orders(&mut rig);
    stranger(&mut rig, 1, [10, 0, 3, 77]);
    assert_eq!(orders(&mut rig), ["refuse 1"], "in no range");
    stranger(&mut rig, 2, [10, 0, 2, 77]);
    assert_eq!(orders(&mut rig), ["start 10.0.2.77 for 2"]);
    stranger(&mut rig, 3, [10, 0, 2, 78]);
    assert_eq!(orders(&mut rig), ["refuse 3"], "the limit is one");
    let dynamic = PeerId(4);
    rig.up(dynamic);
    rig.announce(dynamic, "203.0.113.0/24", &[65004]);
    rig.down(dynamic, Retain::No);
    assert_eq!(orders(&mut rig).last().unwrap(), "remove 4");
    stranger(&mut rig, 4, [10, 0, 2, 78]);
    assert_eq!(orders(&mut rig), ["start 10.0.2.78 for 4"]);
}

#[test]
fn an_unnumbered_neighbour_begins_when_its_router_is_heard() {
    let text = format!(
        "{CONFIG}\n[protocols.bgp.neighbor.eth2]\ninterface.v6only.remote-as = \"external\"\naddress-family.ipv4-unicast = {{}}\n"
    );
    let mut rig = Rig::new(&text);
    assert!(!orders(&mut rig).iter().any(|order| order.contains("eth2")));
    rig.event(Event::RouterAdvertisement {
        link: IfIndex(2),
        source: "fe80::2".parse::<Ipv6Addr>().unwrap(),
    });
    assert_eq!(orders(&mut rig), ["start eth2"]);
}

#[test]
fn a_link_that_goes_down_ends_the_sessions_over_it_at_once() {
    let mut rig = Rig::new(CONFIG);
    rig.up(FIRST);
    rig.up(SECOND);
    orders(&mut rig);
    rig.event(Event::Host(vec![link(1, LinkState::NoCarrier)]));
    assert_eq!(orders(&mut rig), ["reset 1: interface down"]);
    let text = CONFIG.replace(
        "ebgp-requires-policy = false\n",
        "ebgp-requires-policy = false\nno-fast-external-failover = true\n",
    );
    configure(&mut rig, &text);
    orders(&mut rig);
    rig.event(Event::Host(vec![link(2, LinkState::NoCarrier)]));
    assert_eq!(orders(&mut rig), Vec::<String>::new());
}

#[test]
fn the_operator_resets_softly_or_not() {
    let mut rig = Rig::new(CONFIG);
    rig.up(FIRST);
    rig.up(SECOND);
    rig.announce(SECOND, "203.0.113.0/24", &[65002]);
    rig.heard(FIRST);
    orders(&mut rig);
    let reset = |rig: &mut Rig, how| {
        rig.event(Event::Reset { peer: FIRST, how });
        orders(rig)
    };
    assert_eq!(
        reset(&mut rig, ResetKind::Hard(None)),
        ["reset 1: administrative reset"]
    );
    assert_eq!(reset(&mut rig, ResetKind::SoftIn), ["refresh 1"]);
    assert_eq!(reset(&mut rig, ResetKind::SoftOut), Vec::<String>::new());
    assert!(rig.heard(FIRST).contains(&"+203.0.113.0/24".to_owned()));
}
