//! Each reason for which a neighbour is not told of a route.

use super::*;
use crate::bgp::types::RouterId;
use crate::rib::testing::policy::only_inside;
use crate::rib::testing::{with, with_community};

const PREFIX: &str = "10.0.0.0/8";

/// What peer 2, or for iBGP peer 10, is told of a route of `sender`.
fn explain(
    key: GroupKey,
    sender: u16,
    attributes: &PathAttributes,
    change: impl FnOnce(&mut Net, PrefixId),
) -> ExportVerdict {
    let peer = match key.kind {
        GroupKind::Ebgp => 2,
        GroupKind::Ibgp => 10,
    };
    let mut net = Net::new();
    net.join(peer, key);
    net.announce(sender, PREFIX, attributes);
    net.settle();
    let id = net.world.id(PREFIX);
    change(&mut net, id);
    net.run();
    let verdict = net
        .groups
        .explain(&net.world.rib, &net.world.index, PeerId(peer), id);
    let heard = net.receivers[&peer].table.get(&nlri(PREFIX));
    match &verdict {
        ExportVerdict::Told(told) => assert_eq!(told[..], [(PathId(0), heard.unwrap().clone())]),
        ExportVerdict::Withheld(_) => assert_eq!(heard, None),
    }
    verdict
}

#[test]
fn every_reason() {
    let plain = path(&[65001], 1);
    let nothing = |_: &mut Net, _: PrefixId| {};
    let why = |key, sender, attributes: &PathAttributes| match explain(
        key, sender, attributes, nothing,
    ) {
        ExportVerdict::Withheld(withheld) => withheld,
        ExportVerdict::Told(_) => panic!("told"),
    };
    let with_key = |change: fn(&mut GroupKey)| {
        let mut key = ebgp();
        change(&mut key);
        key
    };
    let ibgp = || key(GroupKind::Ibgp);
    let told = explain(ebgp(), 1, &plain, nothing);
    assert!(matches!(told, ExportVerdict::Told(_)));
    assert_eq!(why(ebgp(), 2, &plain), Withheld::OwnPath);
    assert_eq!(why(ibgp(), 11, &plain), Withheld::Internal);
    assert_eq!(
        why(ebgp(), 1, &with_community(&plain, 0xffff_ff01)),
        Withheld::NoExport
    );
    assert_eq!(
        why(ebgp(), 1, &with_community(&plain, 0xffff_ff02)),
        Withheld::NoAdvertise
    );
    let denied = with_key(|key| key.ipv4_unicast.denied = true);
    assert_eq!(why(denied, 1, &plain), Withheld::NoPolicy);
    let unspoken = with_key(|key| key.families = [V6].into_iter().collect());
    assert_eq!(why(unspoken, 1, &plain), Withheld::FamilyNotNegotiated);
    let homeless = with_key(|key| {
        key.next_hop_v4 = None;
        key.next_hop_v6 = None;
    });
    assert_eq!(why(homeless, 1, &plain), Withheld::NoNextHop);
    assert_eq!(why(ebgp(), 1, &path(&[65001; 1100], 1)), Withheld::TooLong);
    let full = with_key(|key| key.ipv4_unicast.maximum_prefix_out = Some(0));
    assert_eq!(why(full, 1, &plain), Withheld::MaximumPrefixOut);
    let mut judged = ebgp();
    judged.ipv4_unicast.export = Some(only_inside(Some("192.0.2.0/24"), |_| {}));
    assert!(matches!(why(judged, 1, &plain), Withheld::Policy(_)));
    let mut client = ibgp();
    client.ipv4_unicast.reflector_client = true;
    let own = with(&plain, |editor| {
        editor.set_originator_id(RouterId(Ipv4Addr::new(10, 0, 0, 10)));
    });
    assert_eq!(why(client, 11, &own), Withheld::OwnOriginator);
}

#[test]
fn reasons_outside_of_the_path() {
    let plain = path(&[65001], 1);
    let pending = explain(ebgp(), 1, &plain, |net, id| net.groups.note_pending(id));
    assert_eq!(pending, ExportVerdict::Withheld(Withheld::Pending));
    let refused = explain(ebgp(), 1, &plain, |net, id| net.groups.note_refused(id));
    assert_eq!(refused, ExportVerdict::Withheld(Withheld::Refused));
    let suppressed = explain(ebgp(), 1, &plain, |net, id| {
        net.groups.set_suppressed(id, true)
    });
    assert_eq!(suppressed, ExportVerdict::Withheld(Withheld::Suppressed));
    let gone = explain(ebgp(), 1, &plain, |net, _| {
        net.world.withdraw(1, PREFIX);
        net.settle();
    });
    assert_eq!(gone, ExportVerdict::Withheld(Withheld::NoRoute));
    let away = explain(ebgp(), 1, &plain, |_, _| {});
    assert!(matches!(away, ExportVerdict::Told(_)));
}

#[test]
fn without_a_session_nothing_is_told() {
    let mut net = Net::new();
    net.announce(1, PREFIX, &path(&[65001], 1));
    net.run();
    let (rib, index) = (&net.world.rib, &net.world.index);
    let verdict = net
        .groups
        .explain(rib, index, PeerId(2), net.world.id(PREFIX));
    assert_eq!(verdict, ExportVerdict::Withheld(Withheld::NoSession));
}
