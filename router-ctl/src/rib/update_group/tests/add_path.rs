//! ADD-PATH (RFC 7911) towards a peer.

use super::*;
use crate::rib::AddPathSend;

const PREFIX: &str = "10.0.0.0/8";

fn sending(send: AddPathSend) -> GroupKey {
    let mut key = ebgp();
    key.encoding.add_path_v4 = true;
    key.encoding.add_path_v6 = true;
    key.ipv4_unicast.add_path = Some(send);
    key
}

/// Our path identifiers with the sender's AS, in the order of the identifiers.
fn known(net: &Net, peer: u16) -> Vec<(u32, String)> {
    let told = net.receivers[&peer].table.iter();
    told.map(|(nlri, told)| (nlri.path_id.0, told.view().as_path().to_string()))
        .collect()
}

fn paths(net: &Net, peer: u16) -> Vec<String> {
    let known = known(net, peer);
    let mut paths: Vec<_> = known.into_iter().map(|(_, path)| path).collect();
    paths.sort();
    paths
}

#[test]
fn which_paths_are_sent() {
    use AddPathSend::{All, Best, BestPerAs};
    for (send, expected) in [
        (
            All,
            &["65000 65001", "65000 65001 7 8", "65000 65003 9"][..],
        ),
        (BestPerAs, &["65000 65001", "65000 65003 9"]),
        (Best(2), &["65000 65001", "65000 65003 9"]),
        (Best(1), &["65000 65001"]),
    ] {
        let mut net = Net::new();
        net.join(2, sending(send));
        net.join(5, ebgp());
        net.announce(1, PREFIX, &path(&[65001], 1));
        net.announce(3, PREFIX, &path(&[65003, 9], 3));
        net.announce(4, PREFIX, &path(&[65001, 7, 8], 4));
        net.run();
        assert_eq!(paths(&net, 2), expected, "{send:?}");
        assert_eq!(paths(&net, 5), ["65000 65001"]);
        assert_eq!(net.groups.advertised(PeerId(2), V4), expected.len());
        assert_eq!(
            net.groups
                .told(
                    &net.world.rib,
                    &net.world.index,
                    PeerId(2),
                    net.world.id(PREFIX)
                )
                .len(),
            expected.len()
        );
    }
}

#[test]
fn a_path_keeps_its_identifier_whatever_becomes_of_the_others() {
    let mut net = Net::new();
    net.join(2, sending(AddPathSend::All));
    net.announce(1, PREFIX, &path(&[65001], 1));
    net.announce(3, PREFIX, &path(&[65003, 9], 3));
    net.run();
    let before = known(&net, 2);
    net.announce(4, PREFIX, &path(&[65004], 4));
    net.announce(3, PREFIX, &path(&[65003], 3));
    net.world.withdraw(1, PREFIX);
    net.run();
    let after = known(&net, 2);
    let id_of = |known: &[(u32, String)], asn: &str| {
        known
            .iter()
            .find(|(_, path)| path.contains(asn))
            .map(|known| known.0)
    };
    assert_eq!(id_of(&before, "65003"), id_of(&after, "65003"));
    assert_eq!(id_of(&after, "65001"), None);
    assert_eq!(after.len(), 2);
    assert_eq!(net.receivers[&2].needless, 0);
}

#[test]
fn a_change_behind_the_best_path_is_told_to_those_who_see_it() {
    let mut net = Net::new();
    net.join(2, sending(AddPathSend::All));
    net.join(5, ebgp());
    net.announce(1, PREFIX, &path(&[65001], 1));
    net.run();
    let messages = net.receivers[&5].messages;
    net.announce(3, PREFIX, &path(&[65003, 9], 3));
    net.run();
    assert_eq!(paths(&net, 2).len(), 2);
    net.world.withdraw(3, PREFIX);
    net.run();
    assert_eq!(paths(&net, 2).len(), 1);
    assert_eq!(net.receivers[&5].messages, messages);
}

#[test]
fn a_peer_is_not_told_its_own_path_among_the_others() {
    let mut net = Net::new();
    for peer in [1, 3] {
        net.join(peer, sending(AddPathSend::All));
    }
    net.announce(1, PREFIX, &path(&[65001], 1));
    net.announce(3, PREFIX, &path(&[65003], 3));
    net.run();
    assert_eq!(paths(&net, 1), ["65000 65003"]);
    assert_eq!(paths(&net, 3), ["65000 65001"]);
}
