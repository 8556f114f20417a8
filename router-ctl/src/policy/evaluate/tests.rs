use crate::bgp::attributes::{Community, ExtendedCommunity, LargeCommunity};
use crate::bgp::types::{NextHop, Origin};
use crate::policy::fixture::{
    Deny, Permit, compile, net, prefix_list, raw, regex_list, route_map, rule, subject, verdict,
};
use crate::policy::model::{
    AccessAddress, AccessList, AccessList6, AccessRule, AccessRule6, AccessSource6, Match,
    NumberChange, OnMatch, Peer, PolicyConfig, Protocol, RouteMapRule,
};
use crate::policy::{Chain, Source, Subject};

/// A list of each kind, called `L`.
fn lists() -> PolicyConfig {
    let name = || "L".to_owned();
    let mut config = PolicyConfig::default();
    let list = prefix_list(&[(Permit, "10.0.0.0/8", None, Some(24))]);
    config.prefix_list.insert(name(), list);
    let nexthops = prefix_list(&[(Permit, "192.0.2.0/24", None, Some(32))]);
    config.prefix_list.insert("NH".to_owned(), nexthops);
    let list6 = prefix_list(&[(Permit, "2001:db8::/32", None, Some(128))]);
    config.prefix_list6.insert(name(), list6);
    let access = AccessRule {
        action: Some(Permit),
        source: AccessAddress {
            network: Some([10, 0, 0, 0].into()),
            inverse_mask: Some([0, 255, 255, 255].into()),
            ..AccessAddress::default()
        },
        ..AccessRule::default()
    };
    let access = AccessList {
        description: None,
        rule: [(1, access)].into(),
    };
    config.access_list.insert(name(), access);
    let access6 = AccessRule6 {
        action: Some(Permit),
        description: None,
        source: AccessSource6 {
            network: Some("2001:db8::/32".parse().unwrap()),
            ..AccessSource6::default()
        },
    };
    let access6 = AccessList6 {
        description: None,
        rule: [(1, access6)].into(),
    };
    config.access_list6.insert(name(), access6);
    let path = regex_list(&[(Permit, "_65002$")]);
    config.as_path_list.insert(name(), path);
    let ends = regex_list(&[(Permit, "_65009$")]);
    config.as_path_list.insert("OTHER".to_owned(), ends);
    let standard = regex_list(&[(Permit, "65000:1")]);
    config.community_list.insert(name(), standard);
    let large = regex_list(&[(Permit, "65000:1:2")]);
    config.large_community_list.insert(name(), large);
    let extended = regex_list(&[(Permit, "rt 65000:1")]);
    config.extcommunity_list.insert(name(), extended);
    config
}

fn chain(rules: impl IntoIterator<Item = RouteMapRule>) -> Chain {
    let mut config = lists();
    config.route_map.insert("M".to_owned(), route_map(rules));
    compile(&config).route_map("M").unwrap()
}

/// Does a rule with these leaves match?
fn matches(leaves: impl FnOnce(&mut Match), subject: &Subject<'_>) -> bool {
    let chain = chain([rule(Permit, |rule| leaves(&mut rule.match_))]);
    match verdict(&chain, subject).as_str() {
        "permit" => true,
        "route-map M: no rule matches" => false,
        other => panic!("{other}"),
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[track_caller]
fn check(leaves: fn(&mut Match), hit: &Subject<'_>, miss: &Subject<'_>) {
    assert!(matches(leaves, hit), "does not match");
    assert!(!matches(leaves, miss), "matches");
}

#[test]
fn leaves_about_attributes_look_at_attributes() {
    let attributes = raw(&[65001, 65002], |editor| {
        editor.set_communities([Community(65000 << 16 | 1)]);
        editor.set_large_communities([LargeCommunity([65000, 1, 2])]);
        editor.set_extended_communities([ExtendedCommunity([0, 2, 0xfd, 0xe8, 0, 0, 0, 1])]);
        editor.set_med(7);
        editor.set_local_pref(200);
        editor.set_origin(Origin::Egp);
    });
    let plain = raw(&[65002, 65001], |editor| {
        editor.set_communities([Community(65000 << 16 | 2)]);
    });
    let more = raw(&[1], |editor| {
        editor.set_communities([Community(65000 << 16 | 1), Community(65000 << 16 | 2)]);
    });
    let (hit, miss) = (&subject(&attributes), &subject(&plain));
    check(|leaves| leaves.as_path = words(&["L"]), hit, miss);
    check(|leaves| leaves.as_path = words(&["OTHER", "L"]), hit, miss);
    check(
        |leaves| leaves.community.community_list = words(&["L"]),
        hit,
        miss,
    );
    let exact = |leaves: &mut Match| {
        leaves.community.community_list = words(&["L"]);
        leaves.community.exact_match = true;
    };
    check(exact, hit, &subject(&more));
    check(
        |leaves| leaves.large_community.large_community_list = words(&["L"]),
        hit,
        miss,
    );
    check(|leaves| leaves.extcommunity = words(&["L"]), hit, miss);
    check(|leaves| leaves.metric = vec![5, 7], hit, miss);
    check(|leaves| leaves.metric = vec![0], miss, hit);
    check(|leaves| leaves.local_preference = vec![200], hit, miss);
    check(|leaves| leaves.local_preference = vec![100], miss, hit);
    check(|leaves| leaves.origin = vec![Origin::Egp], hit, miss);
    check(
        |leaves| leaves.origin = vec![Origin::Incomplete, Origin::Igp],
        miss,
        hit,
    );
}

/// An IPv4 route of `10.0.0.0/8`, another, and an IPv6 route.
fn three_routes(attributes: &[u8]) -> [Subject<'_>; 3] {
    let v4 = subject(attributes);
    let other = Subject {
        prefix: net("11.0.0.0/17"),
        next_hop: NextHop::V4([198, 51, 100, 1].into()),
        ..v4
    };
    let v6 = Subject {
        prefix: net("2001:db8:1::/48"),
        next_hop: NextHop::V6 {
            global: "2001:db8::1".parse().unwrap(),
            link_local: Some("fe80::1".parse().unwrap()),
        },
        ..v4
    };
    [v4, other, v6]
}

#[test]
fn leaves_about_prefixes_look_at_those_of_their_family() {
    let attributes = raw(&[1], |_| {});
    let [v4, other, v6] = three_routes(&attributes);
    check(
        |leaves| leaves.ip.address.prefix_list = words(&["L"]),
        &v4,
        &other,
    );
    check(
        |leaves| leaves.ip.address.prefix_list = words(&["L"]),
        &v4,
        &v6,
    );
    check(
        |leaves| leaves.ip.address.access_list = words(&["L"]),
        &v4,
        &other,
    );
    check(
        |leaves| leaves.ip.address.prefix_len = vec![15, 16],
        &v4,
        &other,
    );
    check(
        |leaves| leaves.ip.address.prefix_len = vec![17],
        &other,
        &v6,
    );
    check(
        |leaves| leaves.ipv6.address.prefix_list = words(&["L"]),
        &v6,
        &v4,
    );
    check(
        |leaves| leaves.ipv6.address.access_list = words(&["L"]),
        &v6,
        &v4,
    );
    check(|leaves| leaves.ipv6.address.prefix_len = vec![48], &v6, &v4);
}

#[test]
fn leaves_about_next_hops_look_at_those_of_their_family() {
    let attributes = raw(&[1], |_| {});
    let [v4, other, v6] = three_routes(&attributes);
    check(
        |leaves| leaves.ip.nexthop.prefix_list = words(&["NH"]),
        &v4,
        &other,
    );
    check(
        |leaves| leaves.ip.nexthop.address = vec![[192, 0, 2, 1].into()],
        &v4,
        &other,
    );
    check(|leaves| leaves.ip.nexthop.prefix_len = vec![32], &v4, &v6);
    check(
        |leaves| leaves.ipv6.nexthop.prefix_list = words(&["L"]),
        &v6,
        &v4,
    );
    check(
        |leaves| leaves.ipv6.nexthop.access_list = words(&["L"]),
        &v6,
        &v4,
    );
    check(
        |leaves| leaves.ipv6.nexthop.prefix_len = vec![128],
        &v6,
        &v4,
    );
    let global = |leaves: &mut Match| {
        leaves.ipv6.nexthop.address = vec!["2001:db8::1".parse().unwrap()];
    };
    check(global, &v6, &v4);
    let link_local = |leaves: &mut Match| {
        leaves.ipv6.nexthop.address = vec!["fe80::1".parse().unwrap()];
    };
    check(link_local, &v6, &v4);
    let near = Subject {
        next_hop: NextHop::V4([10, 0, 0, 1].into()),
        ..v4
    };
    check(
        |leaves| leaves.ip.nexthop.access_list = words(&["L"]),
        &near,
        &v4,
    );
}

#[test]
fn leaves_about_where_a_route_is_from_look_beside_the_attributes() {
    let attributes = raw(&[], |_| {});
    let learnt = subject(&attributes);
    let own = Subject {
        peer: None,
        interface: None,
        source: Source::Connected,
        tag: 7,
        ..learnt
    };
    let of = |source| Subject { source, ..own };
    check(
        |leaves| leaves.peer = vec![Peer::Address([192, 0, 2, 1].into())],
        &learnt,
        &own,
    );
    check(|leaves| leaves.peer = vec![Peer::Local], &own, &learnt);
    check(
        |leaves| leaves.interface = words(&["eth9", "eth0"]),
        &learnt,
        &own,
    );
    check(|leaves| leaves.tag = vec![7], &own, &learnt);
    let bgp = |leaves: &mut Match| leaves.protocol = vec![Protocol::Bgp];
    check(bgp, &learnt, &own);
    check(bgp, &of(Source::Aggregate), &own);
    check(
        |leaves| leaves.protocol = vec![Protocol::Connected],
        &own,
        &learnt,
    );
    check(
        |leaves| leaves.protocol = vec![Protocol::Static],
        &of(Source::Static),
        &own,
    );
    check(
        |leaves| leaves.protocol = vec![Protocol::Kernel, Protocol::Static],
        &of(Source::Kernel),
        &own,
    );
}

#[test]
fn a_range_of_communities_is_matched_by_value() {
    let route = |value: Option<u32>| {
        raw(&[1], |editor| {
            editor.set_communities(value.map(|value| Community(64511 << 16 | value)));
        })
    };
    for (ge, le, values) in [
        (None, None, 1..=9),
        (Some(4), None, 4..=9),
        (None, Some(4), 1..=4),
        (Some(4), Some(6), 4..=6),
    ] {
        for value in 0..=10 {
            let attributes = route(Some(value));
            let found = matches(
                |leaves| {
                    let range = "64511:1-9".parse().unwrap();
                    let leaf = leaves.community_range.entry(range).or_default();
                    (leaf.ge, leaf.le) = (ge, le);
                },
                &subject(&attributes),
            );
            assert_eq!(found, values.contains(&value), "{value} {ge:?} {le:?}");
        }
    }
    let range = |leaves: &mut Match| {
        let range = "64511:1-9".parse().unwrap();
        leaves.community_range.entry(range).or_default();
    };
    assert!(!matches(range, &subject(&route(None))));
}

#[test]
fn all_leaves_of_a_rule_must_hold() {
    let attributes = raw(&[65002], |editor| editor.set_med(7));
    let leaves = |metric| {
        move |leaves: &mut Match| {
            leaves.as_path = words(&["L"]);
            leaves.metric = vec![metric];
        }
    };
    assert!(matches(leaves(7), &subject(&attributes)));
    assert!(!matches(leaves(8), &subject(&attributes)));
    assert!(matches(|_| {}, &subject(&attributes)));
}

fn metric(rule: &mut RouteMapRule, metric: &str) {
    rule.set.metric = Some(metric.parse::<NumberChange>().unwrap());
}

/// MED at the end, or the verdict.
fn med_after(config: &PolicyConfig) -> String {
    let chain = compile(config).route_map("M").unwrap();
    let attributes = raw(&[1], |_| {});
    let explained = chain.explain(&subject(&attributes));
    match verdict(&chain, &subject(&attributes)).as_str() {
        "permit" => crate::bgp::attributes::AttributesView::new(&explained.raw)
            .med()
            .unwrap_or_default()
            .to_string(),
        denied => denied.to_owned(),
    }
}

#[test]
fn a_permitted_route_goes_on_only_where_the_rule_says_so() {
    let to = |text: &'static str| move |rule: &mut RouteMapRule| metric(rule, text);
    type GoOn = fn(&mut RouteMapRule);
    let cases: [(&str, GoOn); 4] = [
        ("1", |_| {}),
        ("111", |rule| rule.on_match = Some(OnMatch::Next)),
        ("101", |rule| rule.on_match = Some(OnMatch::Goto(30))),
        ("101", |rule| rule.continue_ = Some(30)),
    ];
    for (expected, go_on) in cases {
        let mut config = PolicyConfig::default();
        let rules = [
            rule(Permit, |rule| {
                metric(rule, "1");
                go_on(rule);
            }),
            rule(Permit, |rule| {
                metric(rule, "+10");
                rule.on_match = Some(OnMatch::Next);
            }),
            rule(Permit, to("+100")),
            rule(Permit, to("+1000")),
        ];
        config.route_map.insert("M".to_owned(), route_map(rules));
        assert_eq!(med_after(&config), expected);
    }
}

#[test]
fn later_rules_see_what_earlier_ones_set() {
    let mut config = lists();
    let rules = [
        rule(Permit, |rule| {
            rule.set.as_path.prepend = vec![crate::bgp::types::Asn(65009)];
            rule.set.community.add = vec![Community(65000 << 16 | 1)];
            rule.set.tag = Some(5);
            rule.set.ip_next_hop = Some(crate::policy::model::SetNextHop::Address([9; 4].into()));
            // The text of the path is known before it changes.
            rule.match_.as_path = words(&["L"]);
            rule.on_match = Some(OnMatch::Next);
        }),
        rule(Permit, |rule| {
            rule.match_.as_path = words(&["PREPENDED"]);
            rule.match_.community.community_list = words(&["L"]);
            rule.match_.tag = vec![5];
            rule.match_.ip.nexthop.address = vec![[9; 4].into()];
            metric(rule, "42");
        }),
    ];
    let prepended = regex_list(&[(Permit, "^65009_")]);
    config
        .as_path_list
        .insert("PREPENDED".to_owned(), prepended);
    config.route_map.insert("M".to_owned(), route_map(rules));
    let chain = compile(&config).route_map("M").unwrap();
    let attributes = raw(&[65002], |_| {});
    let explained = chain.explain(&subject(&attributes));
    let view = crate::bgp::attributes::AttributesView::new(&explained.raw);
    assert_eq!(view.med(), Some(42), "{explained:#?}");
}

/// As FRR does.
#[test]
fn the_end_of_a_map_denies_also_what_was_sent_on() {
    let go_on = || {
        rule(Permit, |rule| {
            metric(rule, "5");
            rule.on_match = Some(OnMatch::Next);
        })
    };
    let no_match = || rule(Permit, |rule| rule.match_.tag = vec![9]);
    let denied = "route-map M: no rule matches";
    for (rules, expected) in [
        (vec![], denied),
        (vec![no_match()], denied),
        (vec![go_on(), no_match()], denied),
        (vec![go_on(), no_match(), rule(Permit, |_| {})], "5"),
        (vec![go_on()], "5"),
        (vec![no_match(), go_on()], "5"),
    ] {
        let mut config = PolicyConfig::default();
        config.route_map.insert("M".to_owned(), route_map(rules));
        assert_eq!(med_after(&config), expected);
    }
}

#[test]
fn a_called_map_denies_for_its_caller_and_what_it_sets_stays() {
    let call = |rule: &mut RouteMapRule| {
        metric(rule, "1");
        rule.call = Some("CALLED".to_owned());
    };
    let called: [(&str, RouteMapRule); 4] = [
        ("11", rule(Permit, |rule| metric(rule, "+10"))),
        ("route-map CALLED rule 10", rule(Deny, |_| {})),
        (
            "route-map CALLED: no rule matches",
            rule(Permit, |rule| rule.match_.metric = vec![9]),
        ),
        // It sees what the caller has set.
        ("1", rule(Permit, |rule| rule.match_.metric = vec![1])),
    ];
    for (expected, called) in called {
        let mut config = PolicyConfig::default();
        config
            .route_map
            .insert("M".to_owned(), route_map([rule(Permit, call)]));
        config
            .route_map
            .insert("CALLED".to_owned(), route_map([called]));
        assert_eq!(med_after(&config), expected);
    }
    // The caller goes on after the call.
    let mut config = PolicyConfig::default();
    let go_on = rule(Permit, |rule| {
        call(rule);
        rule.on_match = Some(OnMatch::Next);
    });
    let last = rule(Permit, |rule| metric(rule, "+100"));
    config
        .route_map
        .insert("M".to_owned(), route_map([go_on, last]));
    let called = route_map([rule(Permit, |rule| metric(rule, "+10"))]);
    config.route_map.insert("CALLED".to_owned(), called);
    assert_eq!(med_after(&config), "111");
}

#[test]
fn a_rule_that_denies_changes_nothing_and_ends() {
    let chain = chain([
        rule(Deny, |rule| {
            rule.match_.ip.address.prefix_list = words(&["L"]);
            rule.on_match = Some(OnMatch::Next);
            metric(rule, "5");
        }),
        rule(Permit, |_| {}),
    ]);
    let attributes = raw(&[1], |_| {});
    let denied = subject(&attributes);
    assert_eq!(verdict(&chain, &denied), "route-map M rule 10");
    let explained = chain.explain(&denied);
    assert_eq!(explained.raw, attributes);
    let other = Subject {
        prefix: net("11.0.0.0/8"),
        ..denied
    };
    assert_eq!(verdict(&chain, &other), "permit");
}
