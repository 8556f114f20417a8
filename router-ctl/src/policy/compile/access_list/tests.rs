use std::net::Ipv4Addr;

use super::*;
use crate::policy::compile::permits;
use crate::policy::fixture::{Deny, Permit, net, problems};
use crate::policy::model::{
    AccessAddress, AccessList6, AccessRule, AccessRule6, AccessSource6, PolicyConfig,
};

const ANY: AccessAddress = AccessAddress {
    any: true,
    host: None,
    network: None,
    inverse_mask: None,
};

fn network(network: [u8; 4], inverse_mask: [u8; 4]) -> AccessAddress {
    AccessAddress {
        network: Some(network.into()),
        inverse_mask: Some(inverse_mask.into()),
        ..AccessAddress::default()
    }
}

fn host(host: [u8; 4]) -> AccessAddress {
    AccessAddress {
        host: Some(host.into()),
        ..AccessAddress::default()
    }
}

fn rule(action: model::Action, source: AccessAddress) -> AccessRule {
    AccessRule {
        action: Some(action),
        source,
        ..AccessRule::default()
    }
}

fn compiled(rules: impl IntoIterator<Item = AccessRule>) -> AccessList {
    let list = model::AccessList {
        description: None,
        rule: (10..).step_by(10).zip(rules).collect(),
    };
    let mut findings = Findings::default();
    let compiled = AccessList::compile(&mut findings, "1", &list);
    assert_eq!(findings.into_problems(), []);
    compiled
}

#[test]
fn a_source_is_compared_with_the_network_address_whatever_the_length() {
    let list = compiled([
        rule(Deny, host([10, 9, 0, 0])),
        rule(Permit, network([10, 0, 0, 0], [0, 255, 255, 255])),
        // Every second /24.
        rule(Permit, network([172, 16, 0, 0], [0, 0, 254, 255])),
    ]);
    for (prefix, rule) in [
        ("10.9.0.0/16", Some(10)),
        ("10.9.0.0/24", Some(10)),
        ("10.9.1.0/24", Some(20)),
        ("10.0.0.0/7", Some(20)),
        ("11.0.0.0/8", None),
        ("172.16.4.0/24", Some(30)),
        ("172.16.5.0/24", None),
        ("2001:db8::/32", None),
    ] {
        let found = list.find(net(prefix)).map(|hit| hit.rule);
        assert_eq!(found, rule, "{prefix}");
    }
    assert!(permits(
        compiled([rule(Permit, ANY)]).find(net("0.0.0.0/0"))
    ));
}

#[test]
fn a_destination_is_compared_with_the_mask() {
    let slash16 = AccessRule {
        destination: host([255, 255, 0, 0]),
        ..rule(Permit, network([10, 0, 0, 0], [0, 255, 255, 255]))
    };
    let list = compiled([slash16]);
    assert!(permits(list.find(net("10.1.0.0/16"))));
    assert!(!permits(list.find(net("10.1.0.0/17"))));
}

#[test]
fn an_access_list6_takes_what_lies_inside_or_exactly_the_network() {
    let source = |network: Option<&str>, exact_match| AccessRule6 {
        action: Some(Permit),
        description: None,
        source: AccessSource6 {
            any: network.is_none(),
            network: network.map(|text| text.parse().unwrap()),
            exact_match,
        },
    };
    let check = |rule: AccessRule6, rows: &[(&str, bool)]| {
        let list = AccessList6 {
            description: None,
            rule: [(1, rule)].into(),
        };
        let mut findings = Findings::default();
        let list = AccessList::compile6(&mut findings, "X", &list);
        assert_eq!(findings.into_problems(), []);
        for &(prefix, permitted) in rows {
            assert_eq!(permits(list.find(net(prefix))), permitted, "{prefix}");
        }
    };
    check(
        source(Some("2001:db8::/32"), false),
        &[
            ("2001:db8::/32", true),
            ("2001:db8:1::/48", true),
            ("2001::/16", false),
            ("10.0.0.0/8", false),
        ],
    );
    check(
        source(Some("2001:db8::/32"), true),
        &[("2001:db8::/32", true), ("2001:db8::/48", false)],
    );
    check(source(None, false), &[("::/0", true), ("0.0.0.0/0", false)]);
}

#[test]
fn half_an_address_and_two_addresses_are_problems() {
    let mut config = PolicyConfig::default();
    let network = Some(Ipv4Addr::new(10, 0, 0, 0));
    let both = AccessAddress { network, ..ANY };
    let half = AccessAddress { any: false, ..both };
    let other_half = AccessAddress {
        inverse_mask: network,
        ..AccessAddress::default()
    };
    let nothing = AccessAddress::default();
    let rules = [both, half, other_half, nothing].map(|source| rule(Permit, source));
    let list = config.access_list.entry("1".to_owned()).or_default();
    list.rule = (1..).zip(rules).collect();
    let list = config.access_list6.entry("X".to_owned()).or_default();
    list.rule.insert(1, AccessRule6::default());
    assert_eq!(
        problems(&config),
        [
            "policy access-list 1 rule 1 source: more than one of any, host and network",
            "policy access-list 1 rule 2 source inverse-mask: required",
            "policy access-list 1 rule 3 source network: required",
            "policy access-list 1 rule 4 source: required",
            "policy access-list6 X rule 1 action: required",
            "policy access-list6 X rule 1 source: required",
        ]
    );
}
