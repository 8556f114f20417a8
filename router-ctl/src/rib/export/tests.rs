mod policy;
mod reflection;
mod settings;

use super::*;
use crate::bgp::attributes::ExtendedCommunity;
use crate::bgp::types::{Asn, NextHop, RouterId};
use crate::bgp::wire::as_path::{AsPathBuilder, SegmentKind};
use crate::bgp::wire::update::Encoding;
use crate::rib::testing::{LOCAL_AS, own, path, with, with_community, with_med};

const NO_EXPORT: u32 = 0xffff_ff01;
const NO_ADVERTISE: u32 = 0xffff_ff02;

fn key(kind: GroupKind) -> GroupKey {
    let encoding = Encoding {
        four_octet_as: true,
        max_message: 4096,
        add_path_v4: false,
        add_path_v6: false,
    };
    GroupKey {
        families: Family::ALL.into_iter().collect(),
        next_hop_v4: Some(Ipv4Addr::new(198, 51, 100, 1)),
        next_hop_v6: Some(OwnNextHopV6 {
            global: "2001:db8::1".parse().unwrap(),
            link_local: None,
        }),
        ..GroupKey::new(kind, LOCAL_AS, encoding)
    }
}

fn judge(key: &GroupKey, from: Heard, path: &PathAttributes) -> Result<PathAttributes, Withheld> {
    judge_as(key, from, path, |_| {})
}

fn judge_as(
    key: &GroupKey,
    from: Heard,
    path: &PathAttributes,
    change: impl FnOnce(&mut Outgoing<'_>),
) -> Result<PathAttributes, Withheld> {
    let mut outgoing = Outgoing {
        prefix: "203.0.113.0/24".parse().unwrap(),
        attributes: path.into(),
        key: &DecisionKey::of(&path.raw),
        heard: from,
        way: Way::Policy,
        sender: RouterId([10, 0, 0, 7].into()),
        leads_to_receiver: false,
    };
    change(&mut outgoing);
    key.judge(&outgoing, &mut Scratch::default())
}

fn told(key: &GroupKey, from: Heard, path: &PathAttributes) -> Option<PathAttributes> {
    judge(key, from, path).ok()
}

/// A path learnt inside our AS, with everything that must not leave it.
fn internal() -> PathAttributes {
    with(&with_med(&path(&[65001, 7], 9), 5), |editor| {
        editor.set_local_pref(300);
        editor.set_originator_id(RouterId([1; 4].into()));
        editor.prepend_cluster(RouterId([2; 4].into()));
        let communities = [[0x40, 4, 0, 0, 0, 0, 0, 1], [0, 2, 0, 1, 0, 0, 0, 1]];
        editor.set_extended_communities(communities.map(ExtendedCommunity));
    })
}

#[test]
fn towards_ebgp_our_as_is_prepended_and_what_is_ours_is_removed() {
    let told = told(&key(GroupKind::Ebgp), Heard::Ibgp, &internal()).unwrap();
    let view = told.view();
    assert_eq!(view.as_path().to_string(), "65000 65001 7");
    assert_eq!(told.next_hop, NextHop::V4([198, 51, 100, 1].into()));
    assert_eq!(
        (view.med(), view.local_pref(), view.originator_id()),
        (None, None, None)
    );
    assert_eq!(view.cluster_list().len(), 0);
    let kept: Vec<_> = view.extended_communities().collect();
    assert_eq!(kept, [ExtendedCommunity([0, 2, 0, 1, 0, 0, 0, 1])]);
}

#[test]
fn towards_ibgp_a_path_is_passed_on_with_a_local_pref() {
    let learnt = with_med(&path(&[65001, 7], 9), 5);
    let told = told(&key(GroupKind::Ibgp), Heard::Ebgp, &learnt).unwrap();
    assert_eq!(told.next_hop, learnt.next_hop);
    let view = told.view();
    assert_eq!((view.med(), view.local_pref()), (Some(5), Some(100)));
    assert_eq!(view.as_path(), learnt.view().as_path());
}

#[test]
fn the_next_hop_towards_ibgp_is_ours_on_demand_and_for_our_routes() {
    let ourselves = NextHop::V4([198, 51, 100, 1].into());
    let mut group = key(GroupKind::Ibgp);
    group.ipv4_unicast.nexthop_self = NextHopSelf::Learnt;
    let learnt = told(&group, Heard::Ebgp, &path(&[65001], 9)).unwrap();
    assert_eq!(learnt.next_hop, ourselves);
    let local = told(&key(GroupKind::Ibgp), Heard::Local, &own()).unwrap();
    assert_eq!(local.next_hop, ourselves);
}

#[test]
fn the_med_of_our_own_route_is_sent() {
    let told = told(&key(GroupKind::Ebgp), Heard::Local, &with_med(&own(), 7)).unwrap();
    assert_eq!(told.view().med(), Some(7));
    assert_eq!(told.view().as_path().to_string(), "65000");
}

#[test]
fn who_is_told() {
    use GroupKind::{Ebgp, Ibgp};
    let plain = path(&[65001], 9);
    let no_export = with_community(&plain, NO_EXPORT);
    let no_advertise = with_community(&plain, NO_ADVERTISE);
    for (kind, from, path, admitted) in [
        (Ebgp, Heard::Ebgp, &plain, true),
        (Ebgp, Heard::Ibgp, &plain, true),
        (Ibgp, Heard::Ebgp, &plain, true),
        (Ibgp, Heard::Ibgp, &plain, false),
        (Ebgp, Heard::Ebgp, &no_export, false),
        (Ibgp, Heard::Ebgp, &no_export, true),
        (Ebgp, Heard::Ebgp, &no_advertise, false),
        (Ibgp, Heard::Ebgp, &no_advertise, false),
    ] {
        let told = told(&key(kind), from, path);
        assert_eq!(told.is_some(), admitted, "{from:?} to {kind:?}");
    }
}

#[test]
fn without_a_policy_or_the_family_nothing_is_told() {
    let plain = path(&[65001], 9);
    let mut denied = key(GroupKind::Ebgp);
    denied.ipv4_unicast.denied = true;
    assert_eq!(told(&denied, Heard::Ebgp, &plain), None);
    let other = GroupKey {
        families: [Family::Ipv6Unicast].into_iter().collect(),
        ..key(GroupKind::Ebgp)
    };
    assert_eq!(told(&other, Heard::Ebgp, &plain), None);
}

#[test]
fn an_ipv6_next_hop_for_ipv4_needs_the_capability() {
    let v6_only = |extended_next_hop| GroupKey {
        next_hop_v4: None,
        extended_next_hop,
        ..key(GroupKind::Ebgp)
    };
    let plain = path(&[65001], 9);
    assert_eq!(told(&v6_only(false), Heard::Ebgp, &plain), None);
    let told = told(&v6_only(true), Heard::Ebgp, &plain).unwrap();
    let address = told.next_hop.address();
    assert_eq!(address, "2001:db8::1".parse::<std::net::IpAddr>().unwrap());
}

#[test]
fn a_path_that_fits_no_message_is_not_told() {
    let long = |count| path(&vec![65001; count], 9);
    let extended = GroupKey {
        encoding: Encoding {
            max_message: 65535,
            ..key(GroupKind::Ebgp).encoding
        },
        ..key(GroupKind::Ebgp)
    };
    for (count, classic) in [(900, true), (1100, false)] {
        let path = long(count);
        let told_classic = told(&key(GroupKind::Ebgp), Heard::Ebgp, &path);
        assert_eq!(told_classic.is_some(), classic, "{count}");
        assert!(told(&extended, Heard::Ebgp, &path).is_some());
    }
}

#[test]
fn confederation_segments_stay_inside() {
    let path = with(&path(&[], 9), |editor| {
        let mut builder = AsPathBuilder::new();
        builder.push_segment(SegmentKind::ConfedSequence, [Asn(65100)]);
        builder.push_segment(SegmentKind::Sequence, [Asn(65001)]);
        editor.set_as_path(builder.as_path());
    });
    let told = told(&key(GroupKind::Ebgp), Heard::Ibgp, &path).unwrap();
    assert_eq!(told.view().as_path().to_string(), "65000 65001");
}
