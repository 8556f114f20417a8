use proptest::prelude::*;

use super::*;
use crate::policy::compile::permits;
use crate::policy::fixture::{Deny, Permit, net, prefix_list, problems};
use crate::policy::model::{Action, PolicyConfig, PrefixRule};

fn compiled(family: Family, list: &model::PrefixList) -> PrefixList {
    let mut findings = Findings::default();
    let compiled = PrefixList::compile(&mut findings, family, "L", list);
    assert_eq!(findings.into_problems(), []);
    compiled
}

#[test]
fn ge_and_le_span_lengths_and_the_first_rule_by_number_decides() {
    let list = prefix_list(&[
        (Deny, "10.1.0.0/16", None, None),
        (Permit, "10.0.0.0/8", None, Some(24)),
        (Permit, "172.16.0.0/12", Some(20), None),
        (Deny, "192.168.0.0/16", Some(17), Some(18)),
        (Permit, "192.168.0.0/16", None, Some(32)),
        (Permit, "0.0.0.0/0", None, None),
    ]);
    let list = compiled(Family::Ipv4Unicast, &list);
    for (prefix, rule) in [
        ("10.1.0.0/16", Some(10)),
        ("10.1.0.0/17", Some(20)),
        ("10.0.0.0/8", Some(20)),
        ("10.255.255.0/24", Some(20)),
        ("10.255.255.0/25", None),
        ("0.0.0.0/0", Some(60)),
        ("8.0.0.0/7", None),
        ("172.16.0.0/12", None),
        ("172.16.0.0/19", None),
        ("172.16.0.0/20", Some(30)),
        ("172.31.255.255/32", Some(30)),
        ("172.32.0.0/20", None),
        ("192.168.0.0/16", Some(50)),
        ("192.168.0.0/17", Some(40)),
        ("192.168.64.0/18", Some(40)),
        ("192.168.64.0/19", Some(50)),
        ("::/0", None),
    ] {
        let found = list.find(net(prefix)).map(|hit| hit.rule);
        assert_eq!(found, rule, "{prefix}");
    }
}

#[test]
fn ipv6_lists_are_about_ipv6_prefixes() {
    let list = prefix_list(&[
        (Permit, "2001:db8::/32", None, Some(48)),
        (Deny, "::/0", None, Some(128)),
    ]);
    let list = compiled(Family::Ipv6Unicast, &list);
    for (prefix, permitted) in [
        ("2001:db8::/32", true),
        ("2001:db8:1::/48", true),
        ("2001:db8:1::/49", false),
        ("::/0", false),
        ("0.0.0.0/0", false),
    ] {
        assert_eq!(permits(list.find(net(prefix))), permitted, "{prefix}");
    }
}

#[test]
fn what_is_missing_or_cannot_be_is_named_with_its_place() {
    let mut config = PolicyConfig::default();
    let list = config.prefix_list.entry("L".to_owned()).or_default();
    *list = prefix_list(&[
        (Permit, "10.0.0.0/8", Some(7), None),
        (Permit, "10.0.0.0/8", None, Some(33)),
        (Permit, "10.0.0.0/8", Some(25), Some(24)),
        (Permit, "2001:db8::/32", None, None),
    ]);
    list.rule.insert(70000, PrefixRule::default());
    let list = config.prefix_list6.entry("M".to_owned()).or_default();
    *list = prefix_list(&[(Permit, "10.0.0.0/8", None, None)]);
    assert_eq!(
        problems(&config),
        [
            "policy prefix-list L rule 10 ge: 10.0.0.0/8 has no lengths from 7 to 32",
            "policy prefix-list L rule 20 le: 10.0.0.0/8 has no lengths from 8 to 33",
            "policy prefix-list L rule 30 le: 10.0.0.0/8 has no lengths from 25 to 24",
            "policy prefix-list L rule 40 prefix: 2001:db8::/32 is not an IPv4 prefix",
            "policy prefix-list L rule 70000: rule numbers are 1 to 65535",
            "policy prefix-list L rule 70000 action: required",
            "policy prefix-list L rule 70000 prefix: required",
            "policy prefix-list6 M rule 10 prefix: 10.0.0.0/8 is not an IPv6 prefix",
        ]
    );
}

/// Rule by rule, as the words of the configuration mean.
fn naive(list: &model::PrefixList, prefix: IpNet) -> Option<(u32, Action)> {
    list.rule.iter().find_map(|(&number, rule)| {
        let covering = rule.prefix?;
        let length = prefix.prefix_len();
        let lengths = match (rule.ge, rule.le) {
            (None, None) => length == covering.prefix_len(),
            (ge, le) => ge.is_none_or(|ge| length >= ge) && le.is_none_or(|le| length <= le),
        };
        (covering.contains(&prefix) && lengths).then_some((number, rule.action?))
    })
}

/// Few different bits, so that prefixes lie inside one another.
fn any_prefix() -> impl Strategy<Value = IpNet> {
    (0u32..64, 0u8..=32).prop_map(|(bits, length)| {
        let address = (bits << 26 | bits << 8 | bits & 3).into();
        ipnet::Ipv4Net::new(address, length).unwrap().trunc().into()
    })
}

fn any_rule() -> impl Strategy<Value = PrefixRule> {
    let spans = prop::option::of(0u8..=32);
    let action = prop::bool::ANY;
    (any_prefix(), spans.clone(), spans, action).prop_map(|(prefix, ge, le, permit)| {
        let ge = ge.map(|ge| ge.max(prefix.prefix_len()));
        let le = le.map(|le| le.max(prefix.prefix_len()).max(ge.unwrap_or(0)));
        PrefixRule {
            action: Some(if permit { Permit } else { Deny }),
            description: None,
            prefix: Some(prefix),
            ge,
            le,
        }
    })
}

proptest! {
    #[test]
    fn a_compiled_list_finds_the_rule_that_a_walk_through_the_rules_finds(
        rules in prop::collection::btree_map(1u32..=65535, any_rule(), 0..60),
        prefixes in prop::collection::vec(any_prefix(), 1..60),
    ) {
        let list = model::PrefixList { description: None, rule: rules };
        let compiled = compiled(Family::Ipv4Unicast, &list);
        let own = list.rule.values().filter_map(|rule| rule.prefix);
        for prefix in own.chain(prefixes.iter().copied()) {
            let found = compiled.find(prefix).map(|hit| (hit.rule, hit.action));
            prop_assert_eq!(found, naive(&list, prefix), "{}", prefix);
        }
    }
}

#[test]
fn a_list_of_fifty_thousand_prefixes_finds_each_of_them() {
    let rule = (1u32..=50_000).map(|number| {
        let address = std::net::Ipv4Addr::from(number << 8);
        let prefix = ipnet::Ipv4Net::new(address, 24).unwrap();
        let rule = PrefixRule {
            action: Some(Permit),
            prefix: Some(prefix.into()),
            ..PrefixRule::default()
        };
        (number, rule)
    });
    let list = model::PrefixList {
        description: None,
        rule: rule.collect(),
    };
    let compiled = compiled(Family::Ipv4Unicast, &list);
    for (&number, rule) in &list.rule {
        let hit = compiled.find(rule.prefix.unwrap());
        assert_eq!(hit.map(|hit| hit.rule), Some(number));
    }
    assert_eq!(compiled.find(net("10.0.0.0/25")), None);
}
