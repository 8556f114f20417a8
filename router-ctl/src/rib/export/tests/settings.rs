//! Each setting of a neighbour that changes what it is told.

use super::*;

const RECEIVER: u32 = 65009;

fn ebgp(change: impl FnOnce(&mut GroupKey)) -> GroupKey {
    let mut key = key(GroupKind::Ebgp);
    change(&mut key);
    key
}

fn sent_path(key: &GroupKey, from: Heard, ases: &[u32]) -> String {
    let told = told(key, from, &path(ases, 9)).unwrap();
    told.view().as_path().to_string()
}

#[test]
fn as_path() {
    let local_as = ebgp(|key| {
        key.local_as = Asn(64999);
        key.behind_local_as = Some(LOCAL_AS);
    });
    let replace_as = ebgp(|key| key.local_as = Asn(64999));
    let as_override = ebgp(|key| key.ipv4_unicast.as_override = Some(Asn(RECEIVER)));
    let if_alone = ebgp(|key| key.ipv4_unicast.remove_private_as = Some(RemovePrivateAs::IfAlone));
    let all = ebgp(|key| {
        let peer_as = Asn(64600);
        key.ipv4_unicast.remove_private_as = Some(RemovePrivateAs::All { peer_as });
    });
    let server = ebgp(|key| key.ipv4_unicast.route_server_client = true);
    let unchanged = ebgp(|key| key.ipv4_unicast.unchanged.as_path = true);
    let rows: [(&str, &GroupKey, &[u32], &str); 16] = [
        ("plain", &ebgp(|_| {}), &[3, 4], "65000 3 4"),
        ("local-as", &local_as, &[3], "64999 65000 3"),
        ("local-as replace-as", &replace_as, &[3], "64999 3"),
        (
            "as-override",
            &as_override,
            &[3, RECEIVER, RECEIVER],
            "65000 3 65000 65000",
        ),
        ("as-override", &as_override, &[3], "65000 3"),
        ("remove-private-as", &if_alone, &[64512, 65534], "65000"),
        (
            "remove-private-as",
            &if_alone,
            &[4_200_000_000, 4_294_967_294],
            "65000",
        ),
        ("remove-private-as", &if_alone, &[64512, 3], "65000 64512 3"),
        ("remove-private-as", &if_alone, &[65535], "65000 65535"),
        ("remove-private-as all", &all, &[64512, 3, 65534], "65000 3"),
        (
            "remove-private-as all",
            &all,
            &[64600, 64601, 3],
            "65000 64600 3",
        ),
        ("remove-private-as all", &all, &[64601], "65000"),
        ("route-server-client", &server, &[3, 4], "3 4"),
        ("route-server-client", &server, &[], "65000"),
        ("attribute-unchanged", &unchanged, &[3], "3"),
        ("attribute-unchanged", &unchanged, &[], "65000"),
    ];
    for (setting, key, ases, expected) in rows {
        assert_eq!(
            sent_path(key, Heard::Ebgp, ases),
            expected,
            "{setting} {ases:?}"
        );
    }
    for change in [&as_override, &if_alone, &all] {
        let inside = GroupKey {
            kind: GroupKind::Ibgp,
            ..change.clone()
        };
        assert_eq!(
            sent_path(&inside, Heard::Ebgp, &[RECEIVER, 64512]),
            "65009 64512"
        );
    }
}

#[test]
fn next_hop() {
    use Heard::{Ebgp, Ibgp, IbgpClient, Local};
    let learnt = "192.0.2.9";
    let ours = "198.51.100.1";
    let shared = ebgp(|key| key.shared_subnets.push("192.0.2.0/24".parse().unwrap()));
    let shared_self = GroupKey {
        ipv4_unicast: FamilyKey {
            nexthop_self: NextHopSelf::Learnt,
            ..FamilyKey::default()
        },
        ..shared.clone()
    };
    let unchanged = ebgp(|key| key.ipv4_unicast.unchanged.next_hop = true);
    let server = ebgp(|key| key.ipv4_unicast.route_server_client = true);
    let ibgp = |nexthop_self| {
        let mut key = key(GroupKind::Ibgp);
        key.ipv4_unicast.reflector_client = true;
        key.ipv4_unicast.nexthop_self = nexthop_self;
        key
    };
    let [plain, learnt_self, forced] =
        [NextHopSelf::No, NextHopSelf::Learnt, NextHopSelf::Forced].map(ibgp);
    for (what, key, from, expected) in [
        ("eBGP", &ebgp(|_| {}), Ebgp, ours),
        ("eBGP", &ebgp(|_| {}), Ibgp, ours),
        ("third party", &shared, Ebgp, learnt),
        ("third party", &shared, Ibgp, learnt),
        ("nexthop-self", &shared_self, Ebgp, ours),
        ("unchanged", &unchanged, Ebgp, learnt),
        ("route server", &server, Ebgp, learnt),
        ("iBGP", &plain, Ebgp, learnt),
        ("iBGP", &plain, IbgpClient, learnt),
        ("nexthop-self", &learnt_self, Ebgp, ours),
        ("nexthop-self", &learnt_self, IbgpClient, learnt),
        ("force", &forced, Ebgp, ours),
        ("force", &forced, IbgpClient, ours),
    ] {
        let told = told(key, from, &path(&[3], 9)).unwrap();
        assert_eq!(
            told.next_hop.address().to_string(),
            expected,
            "{what} from {from:?}"
        );
    }
    for key in [&shared, &unchanged, &server, &plain] {
        let told = told(key, Local, &own()).unwrap();
        assert_eq!(
            told.next_hop.address().to_string(),
            ours,
            "of a route of our own"
        );
    }
    let to_itself = judge_as(&shared, Ebgp, &path(&[3], 9), |path| {
        path.leads_to_receiver = true
    });
    assert_eq!(to_itself.unwrap().next_hop.address().to_string(), ours);
}

#[test]
fn a_link_local_next_hop_stays_on_its_link() {
    let path = |global: &str| PathAttributes {
        next_hop: NextHop::V6 {
            global: global.parse().unwrap(),
            link_local: Some("fe80::9".parse().unwrap()),
        },
        ..path(&[3], 9)
    };
    let told = |key: &GroupKey, global: &str| {
        let prefix = |path: &mut Outgoing<'_>| path.prefix = "2001:db8:5::/48".parse().unwrap();
        let told = judge_as(key, Heard::Ebgp, &path(global), prefix).unwrap();
        match told.next_hop {
            NextHop::V6 { global, link_local } => (global.to_string(), link_local.is_some()),
            NextHop::V4(_) => panic!("an IPv4 next hop"),
        }
    };
    let inside = key(GroupKind::Ibgp);
    let mut unchanged = inside.clone();
    unchanged.ipv6_unicast.nexthop_local_unchanged = true;
    let shared = ebgp(|key| key.shared_subnets.push("2001:db8:9::/64".parse().unwrap()));
    assert_eq!(
        told(&inside, "2001:db8:9::9"),
        ("2001:db8:9::9".into(), false)
    );
    assert_eq!(
        told(&unchanged, "2001:db8:9::9"),
        ("2001:db8:9::9".into(), true)
    );
    assert_eq!(
        told(&shared, "2001:db8:9::9"),
        ("2001:db8:9::9".into(), true)
    );
    assert_eq!(
        told(&inside, "::"),
        ("2001:db8::1".into(), false),
        "ours instead"
    );
    assert_eq!(told(&unchanged, "::"), ("::".into(), true));
}

#[test]
fn med() {
    let unchanged = ebgp(|key| key.ipv4_unicast.unchanged.med = true);
    let server = ebgp(|key| key.ipv4_unicast.route_server_client = true);
    for (what, key, from, sent) in [
        ("learnt", &ebgp(|_| {}), Heard::Ebgp, false),
        ("internal", &ebgp(|_| {}), Heard::Ibgp, false),
        ("our own", &ebgp(|_| {}), Heard::Local, true),
        ("attribute-unchanged", &unchanged, Heard::Ebgp, true),
        ("route-server-client", &server, Heard::Ebgp, true),
        ("iBGP", &key(GroupKind::Ibgp), Heard::Ebgp, true),
    ] {
        let told = told(key, from, &with_med(&path(&[3], 9), 5)).unwrap();
        assert_eq!(told.view().med(), sent.then_some(5), "{what}");
    }
}

#[test]
fn communities_are_sent_unless_told_otherwise() {
    let path = with(&path(&[3], 9), |editor| {
        editor.set_communities([Community(7)]);
        editor.set_extended_communities([ExtendedCommunity([0, 2, 0, 1, 0, 0, 0, 1])]);
        editor.set_large_communities([crate::bgp::attributes::LargeCommunity([1, 2, 3])]);
    });
    for kind in [GroupKind::Ebgp, GroupKind::Ibgp] {
        for without in 0..4 {
            let mut key = key(kind);
            key.ipv4_unicast.without = WithoutCommunities {
                standard: without == 1,
                extended: without == 2,
                large: without == 3,
            };
            let told = told(&key, Heard::Ebgp, &path).unwrap();
            let view = told.view();
            let sent = [
                view.communities().len(),
                view.extended_communities().len(),
                view.large_communities().len(),
            ];
            let expected: [usize; 3] = std::array::from_fn(|kind| usize::from(kind + 1 != without));
            assert_eq!(sent, expected);
        }
    }
}

#[test]
fn graceful_shutdown() {
    let mut outside = key(GroupKind::Ebgp);
    let mut inside = key(GroupKind::Ibgp);
    outside.graceful_shutdown = true;
    inside.graceful_shutdown = true;
    let path = with_community(
        &with(&path(&[3], 9), |editor| editor.set_local_pref(200)),
        7,
    );
    let outward = told(&outside, Heard::Ibgp, &path).unwrap();
    let sent: Vec<_> = outward.view().communities().collect();
    assert_eq!(sent, [Community(7), Community::GRACEFUL_SHUTDOWN]);
    let inward = told(&inside, Heard::Ebgp, &path).unwrap();
    assert_eq!(inward.view().local_pref(), Some(0));
    assert_eq!(inward.view().communities().len(), 1);
}

#[test]
fn no_export_subconfed_keeps_a_path_inside_and_no_advertise_with_us() {
    for (community, outside, inside) in [
        (Community::NO_EXPORT, Err(Withheld::NoExport), true),
        (
            Community::NO_EXPORT_SUBCONFED,
            Err(Withheld::NoExport),
            true,
        ),
        (Community::NO_ADVERTISE, Err(Withheld::NoAdvertise), false),
    ] {
        let path = with_community(&path(&[3], 9), community.0);
        let outward = judge(&key(GroupKind::Ebgp), Heard::Ebgp, &path);
        assert_eq!(outward, outside);
        let inward = judge(&key(GroupKind::Ibgp), Heard::Ebgp, &path);
        assert_eq!(inward.is_ok(), inside);
    }
}
