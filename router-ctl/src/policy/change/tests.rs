use std::net::IpAddr;

use crate::bgp::attributes::{AttributesView, Community, LargeCommunity};
use crate::bgp::types::{Asn, NextHop, Origin, RouterId};
use crate::bgp::wire::as_path::{AsPathBuilder, SegmentKind};
use crate::policy::fixture::{
    Deny, Permit, compile, evaluate, net, raw, regex_list, route_map, rule, subject,
};
use crate::policy::model::{CommunityRangeSet, PolicyConfig, Set, SetNextHop, parse_community};
use crate::policy::{Direction, Edits, NextHopEdit, Outcome, Subject};

/// What a rule with these leaves makes of the route.
fn edits(set: impl FnOnce(&mut Set), subject: &Subject<'_>) -> Edits {
    let mut config = PolicyConfig::default();
    let list = regex_list(&[(Deny, "65000:3"), (Permit, "65000:.*")]);
    config.community_list.insert("L".to_owned(), list);
    let large = regex_list(&[(Permit, "^65000:1:")]);
    config.large_community_list.insert("L".to_owned(), large);
    let map = route_map([rule(Permit, |rule| set(&mut rule.set))]);
    config.route_map.insert("M".to_owned(), map);
    let chain = compile(&config).route_map("M").unwrap();
    match evaluate(&chain, subject) {
        Outcome::Permit(edits) => edits,
        Outcome::Deny(denial) => panic!("{denial}"),
    }
}

/// The attributes that come of `old`, as text.
fn after(old: &[u8], set: impl FnOnce(&mut Set)) -> String {
    let edits = edits(set, &subject(old));
    shown(edits.raw.as_deref().unwrap_or(old))
}

fn shown(raw: &[u8]) -> String {
    let view = AttributesView::new(raw);
    let mut words = vec![format!("[{}]", view.as_path())];
    words.extend(view.origin().map(|origin| origin.to_string()));
    words.extend(view.med().map(|med| format!("med {med}")));
    words.extend(
        view.local_pref()
            .map(|preference| format!("pref {preference}")),
    );
    words.extend(view.atomic_aggregate().then(|| "atomic".to_owned()));
    words.extend(
        view.aggregator()
            .map(|each| format!("by {} {}", each.asn, each.address)),
    );
    words.extend(view.communities().map(|each| each.to_string()));
    words.extend(view.originator_id().map(|id| format!("from {id}")));
    words.extend(view.extended_communities().map(|each| each.to_string()));
    words.extend(view.large_communities().map(|each| each.to_string()));
    words.join(" ")
}

fn community(text: &str) -> Community {
    parse_community(text).unwrap()
}

#[test]
fn numbers_are_set_raised_and_lowered_within_their_range() {
    let plain = raw(&[1], |_| {});
    let set = raw(&[1], |editor| {
        editor.set_med(50);
        editor.set_local_pref(200);
    });
    for (change, of_plain, of_set) in [
        ("7", "[1] IGP med 7 pref 7", "[1] IGP med 7 pref 7"),
        ("+7", "[1] IGP med 7 pref 107", "[1] IGP med 57 pref 207"),
        ("-60", "[1] IGP med 0 pref 40", "[1] IGP med 0 pref 140"),
        (
            "+4294967295",
            "[1] IGP med 4294967295 pref 4294967295",
            "[1] IGP med 4294967295 pref 4294967295",
        ),
    ] {
        for (old, expected) in [(&plain, of_plain), (&set, of_set)] {
            let new = after(old, |set| {
                set.metric = Some(change.parse().unwrap());
                set.local_preference = Some(change.parse().unwrap());
            });
            assert_eq!(new, expected);
        }
    }
}

#[test]
fn simple_attributes_are_set() {
    let old = raw(&[1], |_| {});
    let new = after(&old, |set| {
        set.origin = Some(Origin::Incomplete);
        set.atomic_aggregate = true;
        set.aggregator.as_ = Some(Asn(65000));
        set.aggregator.ip = Some([192, 0, 2, 9].into());
        set.originator_id = Some(RouterId([192, 0, 2, 8].into()));
    });
    let expected = "[1] incomplete atomic by 65000 192.0.2.9 from 192.0.2.8";
    assert_eq!(new, expected);
}

#[test]
fn a_path_is_excluded_from_and_prepended_to() {
    let mut path = AsPathBuilder::new();
    for asn in [65001, 65002, 65001] {
        path.push(Asn(asn));
    }
    path.push_segment(SegmentKind::Set, [Asn(65001), Asn(65003)]);
    let old = raw(&[], |editor| editor.set_as_path(path.as_path()));
    let check = |set: fn(&mut Set), expected: &str| {
        assert_eq!(after(&old, set), format!("[{expected}] IGP"));
    };
    check(
        |set| set.as_path.prepend = vec![Asn(7), Asn(8)],
        "7 8 65001 65002 65001 {65001,65003}",
    );
    check(
        |set| set.as_path.exclude = vec![Asn(65001)],
        "65002 {65003}",
    );
    check(
        |set| set.as_path.exclude = vec![Asn(65001), Asn(65003)],
        "65002",
    );
    check(
        |set| set.as_path.prepend_last_as = Some(2),
        "65001 65001 65001 65002 65001 {65001,65003}",
    );
    check(
        |set| {
            set.as_path.exclude = vec![Asn(65001)];
            set.as_path.prepend_last_as = Some(1);
            set.as_path.prepend = vec![Asn(7)];
        },
        "7 65002 65002 {65003}",
    );
}

#[test]
fn an_empty_path_gets_the_neighbour_on_import_and_nothing_on_export() {
    let old = raw(&[], |_| {});
    let new = |direction| {
        let subject = Subject {
            direction,
            ..subject(&old)
        };
        let edits = edits(|set| set.as_path.prepend_last_as = Some(2), &subject);
        edits.raw.map(|raw| shown(&raw))
    };
    assert_eq!(new(Direction::Import).as_deref(), Some("[65001 65001] IGP"));
    assert_eq!(new(Direction::Export), None);
}

#[test]
fn a_path_that_would_not_fit_stays_as_it_was() {
    let long: Vec<u32> = (1..=16_200).collect();
    let old = raw(&long, |_| {});
    let edits = edits(
        |set| set.as_path.prepend = vec![Asn(1); 255],
        &subject(&old),
    );
    assert!(edits.raw.is_none());
}

#[test]
fn communities_are_added_replaced_and_deleted() {
    let old = raw(&[1], |editor| {
        let texts = ["65000:1", "65000:3", "65001:1"];
        editor.set_communities(texts.map(community));
        editor.set_large_communities([LargeCommunity([65000, 1, 1]), LargeCommunity([2, 2, 2])]);
    });
    let check = |set: fn(&mut Set), expected: &str| {
        assert_eq!(after(&old, set), format!("[1] IGP {expected}"));
    };
    let large = "2:2:2 65000:1:1";
    check(
        |set| set.community.add = vec![community("no-export"), community("65000:1")],
        &format!("65000:1 65000:3 65001:1 no-export {large}"),
    );
    check(
        |set| set.community.replace = vec![community("9:9")],
        &format!("9:9 {large}"),
    );
    check(|set| set.community.none = true, large);
    check(
        |set| set.community.delete = Some("L".to_owned()),
        &format!("65000:3 65001:1 {large}"),
    );
    check(
        |set| {
            set.community.delete = Some("L".to_owned());
            set.community.add = vec![community("65000:7")];
        },
        &format!("65000:3 65000:7 65001:1 {large}"),
    );
    let standard = "65000:1 65000:3 65001:1";
    check(
        |set| set.large_community.add = vec![LargeCommunity([1, 2, 3])],
        &format!("{standard} 1:2:3 {large}"),
    );
    check(
        |set| set.large_community.replace = vec![LargeCommunity([1, 2, 3])],
        &format!("{standard} 1:2:3"),
    );
    check(|set| set.large_community.none = true, standard);
    check(
        |set| set.large_community.delete = Some("L".to_owned()),
        &format!("{standard} 2:2:2"),
    );
}

#[test]
fn a_range_of_communities_keeps_one_value_or_none() {
    let of = |texts: &[&str]| {
        let members = texts.iter().map(|text| community(text));
        raw(&[1], |editor| editor.set_communities(members))
    };
    let check = |old: &[&str], set: fn(&mut CommunityRangeSet), expected: &str| {
        let new = after(&of(old), |leaves| {
            let range = "64511:1-9".parse().unwrap();
            set(leaves.community_range.entry(range).or_default());
        });
        assert_eq!(new, format!("[1] IGP{expected}"), "{old:?}");
    };
    let mixed = ["64511:2", "64511:5", "64511:21", "1:5"];
    check(&mixed, |set| set.max = Some(4), " 1:5 64511:5 64511:21");
    check(&mixed, |set| set.max = Some(7), " 1:5 64511:7 64511:21");
    check(&mixed, |set| set.min = Some(4), " 1:5 64511:2 64511:21");
    check(&mixed, |set| set.min = Some(1), " 1:5 64511:1 64511:21");
    check(&mixed, |set| set.delete = true, " 1:5 64511:21");
    check(&[], |set| set.max = Some(4), " 64511:4");
    check(&[], |set| set.delete = true, "");
    // What `set community` makes is there when the range is looked at.
    let new = after(&of(&mixed), |leaves| {
        leaves.community.replace = vec![community("64511:3")];
        let range = "64511:1-9".parse().unwrap();
        leaves.community_range.entry(range).or_default().min = Some(6);
    });
    assert_eq!(new, "[1] IGP 64511:3");
}

#[test]
fn extended_communities_are_added_and_removed() {
    let old = raw(&[1], |editor| {
        let target: crate::policy::model::ExtendedValue = "1:1".parse().unwrap();
        editor.set_extended_communities([target.route_target()]);
    });
    let add = |set: &mut Set| {
        set.extcommunity.rt = vec!["65000:100".parse().unwrap()];
        set.extcommunity.soo = vec!["192.0.2.1:5".parse().unwrap()];
    };
    assert_eq!(
        after(&old, add),
        "[1] IGP rt:1:1 rt:65000:100 soo:192.0.2.1:5"
    );
    let replace = |set: &mut Set| {
        add(set);
        set.extcommunity.none = true;
    };
    assert_eq!(after(&old, replace), "[1] IGP rt:65000:100 soo:192.0.2.1:5");
    assert_eq!(after(&old, |set| set.extcommunity.none = true), "[1] IGP");
}

#[test]
fn what_travels_beside_the_attributes_is_set_without_touching_them() {
    let old = raw(&[1], |_| {});
    let edits = edits(
        |set| {
            set.tag = Some(5);
            set.weight = Some(300);
            set.distance = Some(90);
        },
        &subject(&old),
    );
    let expected = Edits {
        tag: Some(5),
        weight: Some(300),
        distance: Some(90),
        ..Edits::default()
    };
    assert_eq!(edits, expected);
    assert!(!edits.is_unchanged());
}

#[test]
fn a_change_to_what_was_is_no_change_but_a_med_counts_as_set() {
    let old = raw(&[1], |editor| {
        editor.set_local_pref(200);
        editor.set_med(5);
    });
    let preference = edits(
        |set| set.local_preference = Some("200".parse().unwrap()),
        &subject(&old),
    );
    assert!(preference.is_unchanged());
    assert!(edits(|_| {}, &subject(&old)).is_unchanged());
    let med = edits(
        |set| set.metric = Some("5".parse().unwrap()),
        &subject(&old),
    );
    assert_eq!((med.raw, med.med_set), (None, true));
}

const V4: NextHop = NextHop::V4(std::net::Ipv4Addr::new(203, 0, 113, 1));

fn v6(global: &str, link_local: Option<&str>) -> NextHop {
    NextHop::V6 {
        global: global.parse().unwrap(),
        link_local: link_local.map(|text| text.parse().unwrap()),
    }
}

#[test]
fn next_hops_are_set_for_the_routes_they_fit() {
    let old = raw(&[1], |_| {});
    let v4 = subject(&old);
    let with_v6 = Subject {
        next_hop: v6("2001:db8::1", Some("fe80::1")),
        ..v4
    };
    let of_v6 = Subject {
        prefix: net("2001:db8::/32"),
        ..with_v6
    };
    let check = |set: fn(&mut Set), expected: [Option<NextHop>; 3]| {
        for (subject, expected) in [v4, with_v6, of_v6].iter().zip(expected) {
            let edit = edits(set, subject).next_hop;
            let expected = expected.map_or(NextHopEdit::Kept, NextHopEdit::Set);
            assert_eq!(edit, expected, "{}", subject.prefix);
            assert_eq!(edit.is_explicit(), edit != NextHopEdit::Kept);
        }
    };
    check(
        |set| set.ip_next_hop = Some(SetNextHop::Address([203, 0, 113, 1].into())),
        [Some(V4), Some(V4), None],
    );
    let global = v6("2001:db8::9", None);
    check(
        |set| set.ipv6_next_hop.global = Some("2001:db8::9".parse().unwrap()),
        [None, Some(global), Some(global)],
    );
    let local = v6("2001:db8::1", Some("fe80::9"));
    check(
        |set| set.ipv6_next_hop.local = Some("fe80::9".parse().unwrap()),
        [None, Some(local), Some(local)],
    );
    let both = v6("2001:db8::9", Some("fe80::9"));
    check(
        |set| {
            set.ipv6_next_hop.global = Some("2001:db8::9".parse().unwrap());
            set.ipv6_next_hop.local = Some("fe80::9".parse().unwrap());
        },
        [None, Some(both), Some(both)],
    );
    for subject in [v4, with_v6, of_v6] {
        let edits = edits(
            |set| set.ip_next_hop = Some(SetNextHop::Unchanged),
            &subject,
        );
        assert_eq!(edits.next_hop, NextHopEdit::Unchanged);
        assert!(edits.next_hop.is_explicit());
    }
}

#[test]
fn peer_address_is_the_neighbour_on_import_and_ourselves_on_export() {
    let old = raw(&[1], |_| {});
    let address = |text: &str| Some(text.parse::<IpAddr>().unwrap());
    let v4 = Subject {
        peer: address("203.0.113.1"),
        local_address: address("203.0.113.2"),
        ..subject(&old)
    };
    let v6_session = Subject {
        prefix: net("2001:db8::/32"),
        next_hop: v6("2001:db8::1", None),
        peer: address("fe80::1"),
        local_address: address("2001:db8::2"),
        ..v4
    };
    let out = |subject| Subject {
        direction: Direction::Export,
        ..subject
    };
    let ip = |set: &mut Set| set.ip_next_hop = Some(SetNextHop::PeerAddress);
    let ipv6 = |set: &mut Set| set.ipv6_next_hop.peer_address = true;
    let set = |next_hop| NextHopEdit::Set(next_hop);
    assert_eq!(edits(ip, &v4).next_hop, set(V4));
    let ourselves = NextHop::V4([203, 0, 113, 2].into());
    assert_eq!(edits(ip, &out(v4)).next_hop, set(ourselves));
    assert_eq!(edits(ipv6, &v4).next_hop, NextHopEdit::Kept);
    assert_eq!(edits(ip, &v6_session).next_hop, NextHopEdit::Kept);
    let neighbour = v6("::", Some("fe80::1"));
    assert_eq!(edits(ipv6, &v6_session).next_hop, set(neighbour));
    let ourselves = v6("2001:db8::2", None);
    assert_eq!(edits(ipv6, &out(v6_session)).next_hop, set(ourselves));
    let own = Subject { peer: None, ..v4 };
    assert_eq!(edits(ip, &own).next_hop, NextHopEdit::Kept);
}
