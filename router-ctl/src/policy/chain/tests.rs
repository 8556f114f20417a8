use super::*;
use crate::policy::fixture::{
    Deny, Permit, compile, net, prefix_list, raw, regex_list, route_map, rule, subject, verdict,
};
use crate::policy::model::{
    AccessAddress, AccessList as AccessListModel, AccessRule, Peer, PolicyConfig, SetNextHop,
};
use crate::policy::{Policies, Step};

/// Each object judges by one octet of the prefix or one AS: `x.y.0.0/16`.
fn config() -> PolicyConfig {
    let mut config = PolicyConfig::default();
    let name = || "X".to_owned();
    let access = |action, network: [u8; 4], inverse_mask: [u8; 4]| AccessRule {
        action: Some(action),
        source: AccessAddress {
            network: Some(network.into()),
            inverse_mask: Some(inverse_mask.into()),
            ..AccessAddress::default()
        },
        ..AccessRule::default()
    };
    let access = AccessListModel {
        description: None,
        rule: [
            (5, access(Deny, [10, 1, 0, 0], [0, 0, 255, 255])),
            (6, access(Permit, [10, 0, 0, 0], [0, 255, 255, 255])),
        ]
        .into(),
    };
    config.access_list.insert(name(), access);
    let prefixes = prefix_list(&[
        (Deny, "10.2.0.0/16", None, None),
        (Permit, "10.0.0.0/8", None, Some(16)),
    ]);
    config.prefix_list.insert(name(), prefixes);
    let prefixes = prefix_list(&[(Permit, "2001:db8::/32", None, None)]);
    config.prefix_list6.insert(name(), prefixes);
    let paths = regex_list(&[(Deny, "_65003_"), (Permit, ".*")]);
    config.as_path_list.insert(name(), paths);
    let map = route_map([
        rule(Deny, |rule| rule.match_.tag = vec![4]),
        rule(Permit, |rule| rule.set.metric = "+5".parse().ok()),
    ]);
    config.route_map.insert(name(), map);
    config
}

fn all() -> ChainNames {
    let name = || Some("X".to_owned());
    ChainNames {
        distribute_list: name(),
        prefix_list: name(),
        filter_list: name(),
        route_map: name(),
    }
}

fn chain(policies: &mut Policies, names: &ChainNames) -> Chain {
    policies.chain(Family::Ipv4Unicast, names).unwrap()
}

#[test]
fn the_first_object_in_the_order_of_the_chain_that_denies_is_named() {
    let chain = chain(&mut compile(&config()), &all());
    let mut subjects = Vec::new();
    // One fault more each time, from the last object to the first.
    for (prefix, path, tag, expected) in [
        ("10.9.0.0/16", 65009, 0, "permit"),
        ("10.9.0.0/16", 65009, 4, "route-map X rule 10"),
        ("10.9.0.0/16", 65003, 4, "as-path-list X rule 10"),
        ("10.2.0.0/16", 65003, 4, "prefix-list X rule 10"),
        ("10.9.9.0/24", 65003, 4, "prefix-list X: no rule matches"),
        ("10.1.9.0/24", 65003, 4, "access-list X rule 5"),
        ("11.0.0.0/16", 65003, 4, "access-list X: no rule matches"),
    ] {
        let attributes = raw(&[path], |_| {});
        let subject = Subject {
            prefix: net(prefix),
            tag,
            ..subject(&attributes)
        };
        assert_eq!(verdict(&chain, &subject), expected);
        let explained = chain.explain(&subject);
        let mut scratch = Scratch::default();
        assert_eq!(explained.outcome, chain.evaluate(&subject, &mut scratch));
        subjects.push(explained.steps.len());
    }
    // What comes after a denial is not looked at.
    assert_eq!(subjects, [5, 4, 3, 2, 2, 1, 1]);
}

#[test]
fn an_ipv6_family_means_the_lists_for_ipv6() {
    let mut policies = compile(&config());
    let names = ChainNames {
        prefix_list: Some("X".to_owned()),
        ..ChainNames::default()
    };
    let chain = policies.chain(Family::Ipv6Unicast, &names).unwrap();
    let attributes = raw(&[1], |_| {});
    let v6 = Subject {
        prefix: net("2001:db8::/32"),
        ..subject(&attributes)
    };
    assert_eq!(verdict(&chain, &v6), "permit");
    let other = Subject {
        prefix: net("2001:db9::/32"),
        ..v6
    };
    assert_eq!(verdict(&chain, &other), "prefix-list6 X: no rule matches");
    // There is no access-list6 X: nothing passes.
    let missing = policies.chain(Family::Ipv6Unicast, &all()).unwrap();
    assert_eq!(verdict(&missing, &v6), "access-list6 X: no rule matches");
}

#[test]
fn no_names_are_no_chain_and_the_same_names_the_same_one() {
    let mut policies = compile(&config());
    let none = ChainNames::default();
    assert_eq!(policies.chain(Family::Ipv4Unicast, &none), None);
    let first = chain(&mut policies, &all());
    assert_eq!(first, chain(&mut policies, &all()));
    assert_eq!(*first.names(), all());
    assert_ne!(Some(first), policies.chain(Family::Ipv6Unicast, &all()));
    let map = ChainNames {
        route_map: Some("X".to_owned()),
        ..ChainNames::default()
    };
    let alone = policies.route_map("X");
    assert_eq!(alone, Some(chain(&mut policies, &map)));
    assert_eq!(alone, policies.chain(Family::Ipv6Unicast, &map));
    assert_eq!(policies.route_map("Y"), None);
}

#[test]
fn a_chain_knows_what_it_depends_on() {
    let name = || Some("X".to_owned());
    let mut config = config();
    let called = route_map([rule(Permit, |rule| rule.call = Some("ADDRESS".to_owned()))]);
    config.route_map.insert("CALLS".to_owned(), called);
    let address = route_map([rule(Permit, |rule| {
        rule.match_.ip.address.prefix_list = vec!["X".to_owned()];
        rule.match_.peer = vec![Peer::Local, Peer::Address([192, 0, 2, 1].into())];
    })]);
    config.route_map.insert("ADDRESS".to_owned(), address);
    let next_hop = route_map([rule(Permit, |rule| {
        rule.match_.ip.nexthop.prefix_list = vec!["X".to_owned()];
        rule.set.ip_next_hop = Some(SetNextHop::PeerAddress);
    })]);
    config.route_map.insert("NEXTHOP".to_owned(), next_hop);
    let own = route_map([rule(Permit, |rule| rule.match_.peer = vec![Peer::Local])]);
    config.route_map.insert("OWN".to_owned(), own);
    let mut policies = compile(&config);
    let map = |name: &str| ChainNames {
        route_map: Some(name.to_owned()),
        ..ChainNames::default()
    };
    let nothing = ChainNames::default;
    for (names, on_prefix, on_peer) in [
        (
            ChainNames {
                distribute_list: name(),
                ..nothing()
            },
            true,
            false,
        ),
        (
            ChainNames {
                prefix_list: name(),
                ..nothing()
            },
            true,
            false,
        ),
        (
            ChainNames {
                filter_list: name(),
                ..nothing()
            },
            false,
            false,
        ),
        (map("X"), false, false),
        (map("ADDRESS"), true, true),
        (map("CALLS"), true, true),
        (map("NEXTHOP"), false, true),
        (map("OWN"), false, false),
    ] {
        let chain = chain(&mut policies, &names);
        let found = (chain.depends_on_prefix(), chain.depends_on_peer());
        assert_eq!(found, (on_prefix, on_peer), "{names:?}");
    }
}

/// `object rule: what happened`.
fn line(step: &Step) -> String {
    let rule = step.rule.map_or(String::new(), |rule| format!(" {rule}"));
    let action = step.action.map_or("no match", |action| action.word());
    let failed = step.failed.as_ref().map(|failed| format!(" ({failed})"));
    let set = step.set.iter().map(|set| format!(", {set}"));
    let words: String = failed.into_iter().chain(set).collect();
    format!("{} {}{rule}: {action}{words}", step.list, step.name)
}

#[test]
fn an_explanation_tells_each_step_in_the_words_of_the_configuration() {
    let mut config = config();
    let map = route_map([
        rule(Permit, |rule| {
            rule.match_.ip.address.prefix_len = vec![24, 25]
        }),
        rule(Permit, |rule| {
            rule.match_.as_path = vec!["X".to_owned()];
            rule.set.metric = "+5".parse().ok();
            rule.set.weight = Some(7);
            rule.set.community.none = true;
            rule.set.ip_next_hop = Some(SetNextHop::Unchanged);
            rule.call = Some("CALLED".to_owned());
            rule.continue_ = Some(40);
        }),
        rule(Deny, |_| {}),
        rule(Deny, |rule| rule.match_.peer = vec![Peer::Local]),
        rule(Permit, |_| {}),
    ]);
    config.route_map.insert("X".to_owned(), map);
    let called = route_map([rule(Permit, |rule| {
        rule.set.as_path.prepend = vec![crate::bgp::types::Asn(7); 2];
    })]);
    config.route_map.insert("CALLED".to_owned(), called);
    let names = ChainNames {
        distribute_list: None,
        ..all()
    };
    let chain = chain(&mut compile(&config), &names);
    let attributes = raw(&[65001], |_| {});
    let explained = chain.explain(&subject(&attributes));
    let lines: Vec<String> = explained.steps.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "prefix-list X 20: permit",
            "as-path-list X 20: permit",
            "route-map X 10: no match (ip address prefix-len 24 25)",
            "route-map X 20: permit, community none, metric +5, ip-next-hop unchanged, weight 7",
            "route-map CALLED 10: permit, as-path prepend 7 7",
            "route-map X 40: no match (peer local)",
            "route-map X 50: permit",
        ]
    );
    let Outcome::Permit(edits) = explained.outcome else {
        panic!("denied");
    };
    assert_eq!(edits.raw, Some(explained.raw));
    assert_eq!(explained.next_hop, subject(&attributes).next_hop);
    let map = route_map([rule(Deny, |rule| rule.match_.tag = vec![4])]);
    config.route_map.insert("X".to_owned(), map);
    let chain = compile(&config).route_map("X").unwrap();
    let explained = chain.explain(&subject(&attributes));
    let lines: Vec<String> = explained.steps.iter().map(line).collect();
    assert_eq!(
        lines,
        ["route-map X 10: no match (tag 4)", "route-map X: no match"]
    );
}
