use crate::policy::Policies;
use crate::policy::PolicyProblem;
use crate::policy::fixture::{Permit, compile, prefix_list, problems, regex_list, route_map, rule};
use crate::policy::model::{OnMatch, PolicyConfig, RouteMapRule};

fn check(edit: impl FnOnce(&mut RouteMapRule), expected: &[&str]) {
    let mut config = PolicyConfig::default();
    let rules = [
        rule(Permit, |_| {}),
        rule(Permit, edit),
        rule(Permit, |_| {}),
    ];
    config.route_map.insert("M".to_owned(), route_map(rules));
    let expected: Vec<String> = expected
        .iter()
        .map(|problem| format!("policy route-map M rule 20 {problem}"))
        .collect();
    assert_eq!(problems(&config), expected);
}

#[test]
fn every_name_that_nothing_has_is_a_problem() {
    let name = || vec!["NO".to_owned()];
    check(
        |rule| {
            let leaves = &mut rule.match_;
            leaves.as_path = name();
            leaves.community.community_list = name();
            leaves.large_community.large_community_list = name();
            leaves.extcommunity = name();
            for address in [&mut leaves.ip.address, &mut leaves.ipv6.address] {
                address.prefix_list = name();
                address.access_list = name();
            }
            leaves.ip.nexthop.prefix_list = name();
            leaves.ip.nexthop.access_list = name();
            leaves.ipv6.nexthop.prefix_list = name();
            leaves.ipv6.nexthop.access_list = name();
            rule.set.community.delete = Some("NO".to_owned());
            rule.set.large_community.delete = Some("NO".to_owned());
            rule.call = Some("NO".to_owned());
        },
        &[
            "call: there is no route-map NO",
            "match ip address access-list: there is no access-list NO",
            "match ip address prefix-list: there is no prefix-list NO",
            "match ip nexthop access-list: there is no access-list NO",
            "match ip nexthop prefix-list: there is no prefix-list NO",
            "match ipv6 address access-list: there is no access-list6 NO",
            "match ipv6 address prefix-list: there is no prefix-list6 NO",
            "match ipv6 nexthop access-list: there is no access-list6 NO",
            "match ipv6 nexthop prefix-list: there is no prefix-list6 NO",
            "match community community-list: there is no community-list NO",
            "match large-community large-community-list: there is no large-community-list NO",
            "match extcommunity: there is no extcommunity-list NO",
            "match as-path: there is no as-path-list NO",
            "set community delete: there is no community-list NO",
            "set large-community delete: there is no large-community-list NO",
        ],
    );
}

#[test]
fn a_problem_has_a_path_and_a_hint() {
    let mut config = PolicyConfig::default();
    let broken = rule(Permit, |rule| rule.match_.as_path = vec!["NO".to_owned()]);
    config.route_map.insert("M".to_owned(), route_map([broken]));
    let problems = Policies::compile(&config, None).expect_err("a list is missing");
    let [PolicyProblem { path, hint, .. }] = problems.as_slice() else {
        panic!("{problems:?}");
    };
    assert_eq!(path.join("/"), "route-map/M/rule/10/match/as-path");
    assert_eq!(
        hint.as_deref(),
        Some("define it: set policy as-path-list NO rule 10 …")
    );
}

#[test]
fn a_map_is_left_forwards_to_rules_that_exist() {
    check(
        |rule| rule.continue_ = Some(10),
        &["continue: rule 10 does not come after rule 20"],
    );
    check(
        |rule| rule.continue_ = Some(20),
        &["continue: rule 20 does not come after rule 20"],
    );
    check(
        |rule| rule.on_match = Some(OnMatch::Goto(25)),
        &["on-match goto: there is no rule 25"],
    );
    check(
        |rule| {
            rule.on_match = Some(OnMatch::Next);
            rule.continue_ = Some(30);
        },
        &["on-match: continue and on-match say both where to go on"],
    );
}

#[test]
fn contradictions_and_halves_are_problems() {
    check(|rule| rule.action = None, &["action: required"]);
    check(
        |rule| rule.match_.community.exact_match = true,
        &["match community community-list: required"],
    );
    check(
        |rule| rule.match_.ip.address.prefix_len = vec![33],
        &["match ip address prefix-len: a prefix has at most 32 bits"],
    );
    check(
        |rule| rule.set.aggregator.ip = Some([1; 4].into()),
        &["set aggregator as: required"],
    );
    check(
        |rule| rule.set.as_path.prepend = vec![crate::bgp::types::Asn(0)],
        &["set as-path prepend: AS 0 may not be in a path (RFC 7607)"],
    );
    check(
        |rule| {
            rule.set.community.none = true;
            rule.set.community.replace = vec![crate::bgp::attributes::Community(1)];
        },
        &["set community: more than one of none, replace and delete"],
    );
    check(
        |rule| {
            let range = "64511:1-9".parse().unwrap();
            let leaf = rule.match_.community_range.entry(range).or_default();
            (leaf.ge, leaf.le) = (Some(5), Some(4));
            let leaf = rule.set.community_range.entry(range).or_default();
            leaf.max = Some(10);
            let range = "64511:21-25".parse().unwrap();
            rule.set.community_range.entry(range).or_default();
        },
        &[
            "match community-range 64511:1-9: no value is so large and so small",
            "set community-range 64511:1-9: 10 is not in the range",
            "set community-range 64511:21-25: not exactly one of max, min and delete",
        ],
    );
    check(
        |rule| {
            rule.set.ipv6_next_hop.peer_address = true;
            rule.set.ipv6_next_hop.local = Some(std::net::Ipv6Addr::LOCALHOST);
        },
        &["set ipv6-next-hop: peer-address together with an address"],
    );
}

/// Each name calls those behind it.
fn calls(maps: &[(String, Vec<String>)]) -> PolicyConfig {
    let mut config = PolicyConfig::default();
    for (name, called) in maps {
        let rules = called
            .iter()
            .map(|called| rule(Permit, |rule| rule.call = Some(called.clone())));
        config.route_map.insert(name.clone(), route_map(rules));
    }
    config
}

#[test]
fn a_map_that_leads_back_to_itself_is_a_problem() {
    let name = |name: &str| name.to_owned();
    let config = calls(&[
        (name("A"), vec![name("B")]),
        (name("B"), vec![name("C"), name("D")]),
        (name("C"), vec![]),
        (name("D"), vec![name("A")]),
        (name("E"), vec![name("E")]),
    ]);
    assert_eq!(
        problems(&config),
        [
            "policy route-map D rule 10 call: A → B → D → A calls itself",
            "policy route-map E rule 10 call: E → E calls itself",
        ]
    );
}

#[test]
fn calls_are_bounded_in_depth_and_number() {
    let name = |level: usize| format!("M{level:02}");
    let chain = |levels: usize| {
        let maps = (1..=levels).map(|level| {
            let called = (level < levels).then(|| name(level + 1));
            (name(level), called.into_iter().collect())
        });
        maps.collect::<Vec<_>>()
    };
    compile(&calls(&chain(16)));
    assert_eq!(
        problems(&calls(&chain(17))),
        ["policy route-map M16 rule 10 call: more than 16 route-maps call one another"]
    );
    // The other way round: the innermost map is compiled first.
    let mut maps = chain(17);
    for (name, called) in &mut maps {
        *name = name.replace('M', "Z").replace("Z01", "A");
        called
            .iter_mut()
            .for_each(|name| *name = name.replace('M', "Z"));
    }
    maps.push(("0".to_owned(), vec!["Z03".to_owned()]));
    let problems_found = problems(&calls(&maps));
    assert_eq!(
        problems_found,
        ["policy route-map A rule 10 call: more than 16 route-maps call one another"]
    );
    // Ten calls of ten calls of ….
    let maps = (1..=7).map(|level| {
        let called = if level < 7 { 10 } else { 0 };
        (name(level), vec![name(level + 1); called])
    });
    assert_eq!(
        problems(&calls(&maps.collect::<Vec<_>>())),
        ["policy route-map M01: a route may meet more than 1048576 rules, calls included"]
    );
}

#[test]
fn references_are_what_route_maps_use() {
    let mut config = calls(&[
        ("A".to_owned(), vec!["B".to_owned()]),
        ("B".to_owned(), vec![]),
    ]);
    config.prefix_list.insert("P".to_owned(), prefix_list(&[]));
    config.prefix_list6.insert("P".to_owned(), prefix_list(&[]));
    config
        .community_list
        .insert("C".to_owned(), regex_list(&[]));
    let user = rule(Permit, |rule| {
        rule.match_.ip.address.prefix_list = vec!["P".to_owned()];
        rule.set.community.delete = Some("C".to_owned());
    });
    config.route_map.insert("B".to_owned(), route_map([user]));
    let shown = |references: std::collections::BTreeSet<crate::policy::Reference>| {
        let words = references
            .iter()
            .map(|each| format!("{} {}", each.kind, each.name));
        words.collect::<Vec<_>>()
    };
    assert_eq!(
        shown(config.references()),
        ["prefix-list P", "community-list C", "route-map B"]
    );
    let unused = &config.objects() - &config.references();
    assert_eq!(shown(unused.clone()), ["prefix-list6 P", "route-map A"]);
    assert!(
        unused
            .iter()
            .all(|each| config.defines(each.kind, &each.name))
    );
    assert!(!config.defines(crate::policy::ListKind::PrefixList, "Q"));
}
