//! Policies on the way out: they see the path as the RIB has it, and the protocol has the last word.

use super::*;
use crate::policy::model::{NumberChange, SetNextHop};
use crate::rib::testing::policy::{map, only_inside, prepend};

fn by(kind: GroupKind, export: Chain) -> GroupKey {
    let mut key = key(kind);
    key.ipv4_unicast.export = Some(export);
    key
}

#[test]
fn what_a_policy_prepends_stands_behind_our_as() {
    let told = told(
        &by(GroupKind::Ebgp, prepend(64777)),
        Heard::Ebgp,
        &path(&[3], 9),
    )
    .unwrap();
    assert_eq!(told.view().as_path().to_string(), "65000 64777 3");
}

#[test]
fn what_a_policy_prepends_is_not_removed_as_private() {
    let mut key = by(GroupKind::Ebgp, prepend(64777));
    let peer_as = Asn(65009);
    key.ipv4_unicast.remove_private_as = Some(RemovePrivateAs::All { peer_as });
    let told = told(&key, Heard::Ebgp, &path(&[64512, 3], 9)).unwrap();
    assert_eq!(told.view().as_path().to_string(), "65000 64777 3");
}

#[test]
fn a_med_that_a_policy_sets_is_sent() {
    let set = map(|rule| rule.set.metric = Some(NumberChange::To(50)));
    let learnt = with_med(&path(&[3], 9), 5);
    let told = told(&by(GroupKind::Ebgp, set), Heard::Ebgp, &learnt).unwrap();
    assert_eq!(told.view().med(), Some(50));
}

#[test]
fn a_next_hop_that_a_policy_sets_is_sent() {
    let address = [203, 0, 113, 5].into();
    let set = map(|rule| rule.set.ip_next_hop = Some(SetNextHop::Address(address)));
    let unchanged = map(|rule| rule.set.ip_next_hop = Some(SetNextHop::Unchanged));
    let told = |policy| {
        let mut key = by(GroupKind::Ebgp, policy);
        key.ipv4_unicast.nexthop_self = NextHopSelf::Forced;
        let told = told(&key, Heard::Ebgp, &path(&[3], 9)).unwrap();
        told.next_hop.address().to_string()
    };
    assert_eq!(told(set), "203.0.113.5");
    assert_eq!(told(unchanged), "192.0.2.9");
}

#[test]
fn a_denied_path_is_not_told_and_the_rule_has_a_name() {
    let elsewhere = only_inside(Some("10.0.0.0/8"), |_| {});
    let denied = judge(&by(GroupKind::Ebgp, elsewhere), Heard::Ebgp, &path(&[3], 9));
    let words = denied.unwrap_err().words().into_owned();
    assert!(words.contains("MAP"), "{words}");
}

#[test]
fn a_policy_changes_of_a_reflected_route_what_does_not_lead_traffic_astray() {
    let set = || {
        map(|rule| {
            rule.set.as_path.prepend = vec![Asn(64777)];
            rule.set.metric = Some(NumberChange::To(50));
            rule.set.local_preference = Some(NumberChange::To(50));
            rule.set.ip_next_hop = Some(SetNextHop::Address([203, 0, 113, 5].into()));
            rule.set.community.add = vec![Community(7)];
        })
    };
    let learnt = with(&with_med(&path(&[3], 9), 5), |editor| {
        editor.set_local_pref(300)
    });
    let mut key = by(GroupKind::Ibgp, set());
    for (allowed, as_path, number, next_hop) in [
        (false, "3", [Some(5), Some(300)], "192.0.2.9"),
        (true, "64777 3", [Some(50), Some(50)], "203.0.113.5"),
    ] {
        key.reflector.allow_outbound_policy = allowed;
        let told = told(&key, Heard::IbgpClient, &learnt).unwrap();
        let view = told.view();
        assert_eq!(view.as_path().to_string(), as_path);
        assert_eq!([view.med(), view.local_pref()], number);
        assert_eq!(told.next_hop.address().to_string(), next_hop);
        assert_eq!(view.communities().len(), 1);
    }
}

#[test]
fn an_unsuppress_map_lets_through_what_an_aggregate_suppresses() {
    let plain = path(&[3], 9);
    let suppressed =
        |key: &GroupKey| judge_as(key, Heard::Ebgp, &plain, |path| path.way = Way::Suppressed);
    let mut key = key(GroupKind::Ebgp);
    assert_eq!(suppressed(&key), Err(Withheld::Suppressed));
    key.ipv4_unicast.unsuppress = Some(prepend(64777));
    let through = suppressed(&key).unwrap();
    assert_eq!(through.view().as_path().to_string(), "65000 64777 3");
    key.ipv4_unicast.export = Some(prepend(64778));
    let through = suppressed(&key).unwrap();
    assert_eq!(through.view().as_path().to_string(), "65000 64777 64778 3");
    key.ipv4_unicast.export = Some(only_inside(Some("10.0.0.0/8"), |_| {}));
    assert!(suppressed(&key).is_err(), "the export policy denies it");
    let unsuppressed = told(&key, Heard::Ebgp, &plain);
    assert_eq!(unsuppressed, None);
}
