//! Administrative distances: who wins a prefix that a static route and BGP both have, and what is redistributed.

use super::policies::rig;
use super::*;
use crate::router::query::Protocol;

const NET: &str = "203.0.113.0/24";
const ADDRESS: &str = "203.0.113.1";

/// A static route by way of the third interface, not far and not near.
const FIXED: &str = "
[protocols.static.route.\"203.0.113.0/24\"]
next-hop.\"10.0.3.2\".distance = 50
";

fn fixed_and(more: &str) -> String {
    format!("{FIXED}{more}")
}

/// The winner of the prefix, told by the first neighbour.
fn contested(more: &str) -> Rig {
    let mut rig = rig(&fixed_and(more));
    rig.announce(FIRST, NET, &[65001]);
    rig
}

#[test]
fn the_distance_of_a_family_decides_before_that_of_all_and_live() {
    let mut rig = contested("");
    assert_eq!(rig.interfaces_of(ADDRESS), [1], "20 before 50");
    let global = "[protocols.bgp.parameters.distance.global]\nexternal = 100\n";
    rig.configure(&fixed_and(global));
    assert_eq!(rig.interfaces_of(ADDRESS), [3], "50 before 100");
    let family = "[protocols.bgp.address-family.ipv4-unicast.distance]\nexternal = 30\n";
    rig.configure(&fixed_and(&format!("{global}{family}")));
    assert_eq!(rig.interfaces_of(ADDRESS), [1], "30 before 50");
    let other = "[protocols.bgp.address-family.ipv6-unicast.distance]\nexternal = 30\n";
    rig.configure(&fixed_and(&format!("{global}{other}")));
    assert_eq!(rig.interfaces_of(ADDRESS), [3], "the other family's");
    rig.configure(FIXED);
    assert_eq!(rig.interfaces_of(ADDRESS), [1]);
}

#[test]
fn a_backdoor_is_the_last_resort_and_is_not_originated() {
    let backdoor = |more: &str| {
        format!(
            "[protocols.bgp.address-family.ipv4-unicast.network.\"203.0.113.0/24\"]\n{more}{FIXED}"
        )
    };
    let mut rig = rig(&backdoor("backdoor = true"));
    assert!(
        !rig.heard(SECOND).contains(&format!("+{NET}")),
        "the static route would let it be originated"
    );
    rig.announce(FIRST, NET, &[65001]);
    assert_eq!(rig.interfaces_of(ADDRESS), [3], "50 before 200");
    // With nothing else it is used.
    rig.configure(&backdoor("backdoor = true").replace(FIXED, ""));
    assert_eq!(rig.interfaces_of(ADDRESS), [1]);
    let id = rig.router.index.get(NET.parse().unwrap()).unwrap();
    let winner = rig.router.winner(id).unwrap();
    assert_eq!((winner.protocol, winner.distance), (Protocol::Ebgp, 200));
}

#[test]
fn a_route_of_the_kernel_is_redistributed_while_it_is_there() {
    let redistribute =
        "[protocols.bgp.address-family.ipv4-unicast.redistribute]\nkernel.metric = 7\n";
    let mut rig = rig(redistribute);
    let net = NET.parse().unwrap();
    rig.event(Event::Host(vec![HostEvent::ForeignRoute(net)]));
    assert!(rig.heard(SECOND).contains(&format!("+{NET}")));
    rig.event(Event::Host(vec![HostEvent::ForeignRouteGone(net)]));
    assert!(rig.heard(SECOND).contains(&format!("-{NET}")));
    // A dump that does not name it any more says the same.
    rig.event(Event::Host(vec![HostEvent::ForeignRoute(net)]));
    assert!(rig.heard(SECOND).contains(&format!("+{NET}")));
    rig.event(Event::Host(host()));
    assert!(rig.heard(SECOND).contains(&format!("-{NET}")));
}

#[test]
fn a_network_is_originated_while_the_kernel_has_its_route() {
    let mut rig = rig("[protocols.bgp.address-family.ipv4-unicast.network.\"203.0.113.0/24\"]\n");
    let net = NET.parse().unwrap();
    assert!(!rig.heard(SECOND).contains(&format!("+{NET}")));
    rig.event(Event::Host(vec![HostEvent::ForeignRoute(net)]));
    assert!(rig.heard(SECOND).contains(&format!("+{NET}")));
}

#[test]
fn a_default_route_resolves_next_hops_unless_it_is_told_not_to() {
    let fixed = "[protocols.static.route.\"0.0.0.0/0\"]\nnext-hop.\"10.0.3.2\" = {}
[protocols.static.route.\"203.0.113.0/24\"]\nnext-hop.\"172.16.9.9\" = {}\n";
    let mut rig = rig(fixed);
    let id = rig.router.index.get(NET.parse().unwrap()).unwrap();
    assert_eq!(rig.interfaces_of(ADDRESS), [3]);
    assert!(rig.router.winner(id).is_some());
    let forbid = format!("{fixed}[system.ip.nht]\nno-resolve-via-default = true\n");
    rig.configure(&forbid);
    assert!(
        rig.router.winner(id).is_none(),
        "the longer one leads nowhere"
    );
    rig.configure(fixed);
    assert!(rig.router.winner(id).is_some());
    // And from the start.
    let rig = super::policies::rig(&forbid);
    let id = rig.router.index.get(NET.parse().unwrap()).unwrap();
    assert!(rig.router.winner(id).is_none());
}
