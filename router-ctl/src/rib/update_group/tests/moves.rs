//! Members whose key changes while their sessions stay.

use super::*;
use crate::bgp::types::Asn;
use crate::rib::testing::policy::{only_inside, prepend};
use crate::rib::testing::with_community;

/// Peers 2 and 3, told of 30 prefixes of peer 1.
fn settled() -> Net {
    let mut net = Net::new();
    for peer in [2, 3] {
        net.join(peer, ebgp());
    }
    for third in 0..30 {
        let attributes = with_community(&path(&[65001, third / 10], 1), 7);
        net.announce(1, &format!("10.{}.{third}.0/24", third % 2), &attributes);
    }
    net.run();
    net.sent.clear();
    net
}

fn prefixes_sent(net: &Net) -> usize {
    let changed = |receiver: &Receiver| receiver.changed;
    net.receivers.values().map(changed).sum()
}

#[test]
fn a_policy_that_denies_some_prefixes_withdraws_them_and_says_nothing_else() {
    let mut net = settled();
    let before = prefixes_sent(&net);
    let mut key = ebgp();
    key.ipv4_unicast.export = Some(only_inside(Some("10.1.0.0/16"), |_| {}));
    for peer in [2, 3] {
        net.rejoin(peer, key.clone());
    }
    net.run();
    for peer in [2, 3] {
        assert_eq!(net.knows(peer).len(), 15);
        assert_eq!(net.receivers[&peer].needless, 0);
    }
    assert_eq!(prefixes_sent(&net) - before, 30, "15 withdrawn from each");
    assert!(
        net.sent.iter().all(|sent| sent.peers.len() == 2),
        "told once for both"
    );
    assert_eq!(net.groups.groups.len(), 1);
}

#[test]
fn a_key_that_changes_nothing_that_is_seen_sends_nothing() {
    let mut net = settled();
    let mut key = ebgp();
    key.default_local_pref = 200;
    for peer in [2, 3] {
        net.rejoin(peer, key.clone());
    }
    net.run();
    assert_eq!(net.sent, []);
}

#[test]
fn a_member_that_parts_takes_what_it_knows_along_and_comes_back() {
    let mut net = settled();
    let mut key = ebgp();
    key.ipv4_unicast.without.standard = true;
    net.rejoin(3, key);
    net.run();
    assert_eq!(net.groups.groups.len(), 2);
    assert!(net.sent.iter().all(|sent| sent.peers[..] == [PeerId(3)]));
    let told = &net.receivers[&3].table[&nlri("10.0.0.0/24")];
    assert_eq!(told.view().communities().len(), 0);
    net.rejoin(3, ebgp());
    net.run();
    assert_eq!(net.receivers[&2].table, net.receivers[&3].table);
    assert_eq!(net.receivers[&3].needless, 0);
    // Alike and at rest, the two become one.
    net.poll(1);
    assert_eq!(net.groups.groups.len(), 1);
    net.sent.clear();
    net.announce(1, "10.9.0.0/24", &path(&[65001], 1));
    net.run();
    assert_eq!(net.sent.len(), 1);
    net.leave(2);
    net.leave(3);
    net.world.rib.remove_peer(PeerId(1), V4);
    net.run();
    assert_eq!(net.world.rib.attribute_sets(), 0);
    assert_eq!(net.world.index.len(), 0);
}

#[test]
fn a_second_change_on_the_way_leads_to_the_difference_from_what_was_told() {
    let mut net = settled();
    let mut first = ebgp();
    first.ipv4_unicast.export = Some(prepend(64777));
    let mut second = ebgp();
    second.local_as = Asn(64999);
    for peer in [2, 3] {
        net.rejoin(peer, first.clone());
    }
    for _ in 0..4 {
        net.poll(3);
    }
    for peer in [2, 3] {
        net.rejoin(peer, second.clone());
    }
    for _ in 0..2 {
        net.poll(3);
    }
    for peer in [2, 3] {
        net.rejoin(peer, ebgp());
    }
    net.run();
    let fresh = settled();
    for peer in [2, 3] {
        assert_eq!(net.receivers[&peer].table, fresh.receivers[&peer].table);
        assert_eq!(net.receivers[&peer].needless, 0);
        assert!(
            net.receivers[&peer].withdrawn == 0,
            "never withdrawn to be announced"
        );
    }
}

#[test]
fn a_congested_member_hears_of_a_change_of_key_afterwards() {
    let mut net = settled();
    net.groups.set_congested(PeerId(2), Congestion::Full);
    let mut key = ebgp();
    key.ipv4_unicast.export = Some(prepend(64777));
    for peer in [2, 3] {
        net.rejoin(peer, key.clone());
    }
    net.run();
    let told = |net: &Net, peer: u16| {
        let told = &net.receivers[&peer].table[&nlri("10.0.0.0/24")];
        told.view().as_path().to_string()
    };
    assert_eq!(
        [told(&net, 2), told(&net, 3)],
        ["65000 65001 0", "65000 64777 65001 0"]
    );
    net.groups.set_congested(PeerId(2), Congestion::Clear);
    net.run();
    assert_eq!(net.receivers[&2].table, net.receivers[&3].table);
    assert_eq!(net.receivers[&2].needless, 0);
}

#[test]
fn who_joins_during_a_change_is_not_told_by_the_former_key() {
    let mut net = settled();
    let mut denied = ebgp();
    denied.ipv4_unicast.denied = true;
    for peer in [2, 3] {
        net.rejoin(peer, denied.clone());
    }
    net.poll(3);
    net.join(4, denied);
    net.run();
    for peer in [2, 3, 4] {
        assert_eq!(net.knows(peer).len(), 0);
    }
    assert_eq!(net.receivers[&4].changed, 0);
}

#[test]
fn a_neighbour_that_becomes_a_client_has_its_routes_reflected() {
    let mut net = Net::new();
    net.join(10, key(GroupKind::Ibgp));
    net.announce(11, "10.0.0.0/8", &path(&[65001], 1));
    net.run();
    assert_eq!(net.knows(10).len(), 0);
    for (clients, known) in [([V4].into_iter().collect(), 1), (Default::default(), 0)] {
        let mut info = *net.world.rib.peer(PeerId(11)).unwrap();
        info.clients = clients;
        net.world.rib.set_peer(PeerId(11), info);
        net.settle();
        net.poll(3);
        net.run();
        assert_eq!(net.knows(10).len(), known);
    }
}
