//! Policies in a few words.

use crate::bgp::types::{Asn, Family};
use crate::policy::model::{Action, PolicyConfig, PrefixList, PrefixRule, RouteMap, RouteMapRule};
use crate::policy::{Chain, ChainNames, Policies};

/// A route-map of one rule that permits.
pub(in crate::rib) fn map(change: impl FnOnce(&mut RouteMapRule)) -> Chain {
    only_inside(None, change)
}

/// A route-map of one rule that permits prefixes inside `prefix`, if there is one.
pub(in crate::rib) fn only_inside(
    prefix: Option<&str>,
    change: impl FnOnce(&mut RouteMapRule),
) -> Chain {
    let mut config = PolicyConfig::default();
    let mut rule = RouteMapRule {
        action: Some(Action::Permit),
        ..RouteMapRule::default()
    };
    if let Some(prefix) = prefix {
        let inside = PrefixRule {
            action: Some(Action::Permit),
            prefix: Some(prefix.parse().unwrap()),
            le: Some(32),
            ..PrefixRule::default()
        };
        let list = PrefixList {
            rule: [(10, inside)].into(),
            ..PrefixList::default()
        };
        config.prefix_list.insert("INSIDE".into(), list);
        rule.match_.ip.address.prefix_list = vec!["INSIDE".into()];
    }
    change(&mut rule);
    let map = RouteMap {
        rule: [(10, rule)].into(),
        ..RouteMap::default()
    };
    config.route_map.insert("MAP".into(), map);
    let mut policies = Policies::compile(&config, None).unwrap();
    let names = ChainNames {
        route_map: Some("MAP".into()),
        ..ChainNames::default()
    };
    policies.chain(Family::Ipv4Unicast, &names).unwrap()
}

/// `set as-path prepend` of one AS.
pub(in crate::rib) fn prepend(asn: u32) -> Chain {
    map(|rule| rule.set.as_path.prepend = vec![Asn(asn)])
}
