use super::*;
use crate::policy::fixture::{Deny, Permit, prefix_list, regex_list, route_map, rule};

/// Map A uses list P and calls B, which uses list R; C uses nothing.
fn config() -> PolicyConfig {
    let mut config = PolicyConfig::default();
    let list = prefix_list(&[(Permit, "10.0.0.0/8", None, Some(24))]);
    config.prefix_list.insert("P".to_owned(), list);
    let list = regex_list(&[(Permit, "_65001_")]);
    config.as_path_list.insert("R".to_owned(), list);
    let a = rule(Permit, |rule| {
        rule.match_.ip.address.prefix_list = vec!["P".to_owned()];
        rule.call = Some("B".to_owned());
    });
    let b = rule(Permit, |rule| rule.match_.as_path = vec!["R".to_owned()]);
    let c = rule(Permit, |_| {});
    for (name, rule) in [("A", a), ("B", b), ("C", c)] {
        config.route_map.insert(name.to_owned(), route_map([rule]));
    }
    config
}

fn names() -> ChainNames {
    ChainNames {
        prefix_list: Some("P".to_owned()),
        route_map: Some("C".to_owned()),
        ..ChainNames::default()
    }
}

/// Which of the maps A, B, C and the chain are other ones after `change`.
fn changed(change: impl FnOnce(&mut PolicyConfig)) -> Vec<&'static str> {
    let mut config = config();
    let mut before = Policies::compile(&config, None).unwrap();
    let held = before.chain(Family::Ipv4Unicast, &names());
    change(&mut config);
    let mut after = Policies::compile(&config, Some(&before)).unwrap();
    let mut changed: Vec<_> = ["A", "B", "C"]
        .into_iter()
        .filter(|name| before.route_map(name) != after.route_map(name))
        .collect();
    if held != after.chain(Family::Ipv4Unicast, &names()) {
        changed.push("chain");
    }
    changed
}

#[test]
fn what_says_the_same_stays_the_same_object() {
    assert_eq!(changed(|_| {}), [""; 0]);
    assert_eq!(
        changed(|config| {
            let list = regex_list(&[(Deny, "1:1")]);
            config.community_list.insert("NEW".to_owned(), list);
            let map = config.route_map.get_mut("A").unwrap();
            map.description = Some("says nothing".to_owned());
        }),
        [""; 0]
    );
}

#[test]
fn what_uses_a_changed_object_is_changed() {
    let path = |config: &mut PolicyConfig| {
        let list = regex_list(&[(Permit, "_65002_")]);
        config.as_path_list.insert("R".to_owned(), list);
    };
    assert_eq!(changed(path), ["A", "B"]);
    let prefix = |config: &mut PolicyConfig| {
        let list = prefix_list(&[(Permit, "10.0.0.0/8", None, Some(25))]);
        config.prefix_list.insert("P".to_owned(), list);
    };
    assert_eq!(changed(prefix), ["A", "chain"]);
    let map = |config: &mut PolicyConfig| {
        let map = route_map([rule(Deny, |_| {})]);
        config.route_map.insert("C".to_owned(), map);
    };
    assert_eq!(changed(map), ["C", "chain"]);
}

#[test]
fn chains_that_nobody_holds_are_forgotten() {
    let config = config();
    let mut first = Policies::compile(&config, None).unwrap();
    let alone = first.chains.len();
    first.chain(Family::Ipv4Unicast, &names());
    let second = Policies::compile(&config, Some(&first)).unwrap();
    assert_eq!(second.chains.len(), alone);
    let held = first.chain(Family::Ipv6Unicast, &names());
    let mut third = Policies::compile(&config, Some(&first)).unwrap();
    drop(first);
    assert_eq!(third.chain(Family::Ipv6Unicast, &names()), held);
}

#[test]
fn all_problems_are_found_at_once() {
    let mut config = config();
    config.prefix_list.clear();
    config.as_path_list.clear();
    let problems = Policies::compile(&config, None).expect_err("two lists are missing");
    assert_eq!(problems.len(), 2);
}
