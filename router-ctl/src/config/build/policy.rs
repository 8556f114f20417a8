//! `policy`, apart from route-maps.

use super::route_map;
use super::section::Section;
use crate::policy::model::{
    AccessAddress, AccessList, AccessList6, AccessRule, AccessRule6, AccessSource6, PolicyConfig,
    PrefixList, PrefixRule, RegexList, RegexRule,
};

pub(super) fn bind(at: &mut Section<'_>, policy: &mut PolicyConfig) {
    at.named("access-list", &mut policy.access_list, access_list);
    at.named("access-list6", &mut policy.access_list6, access_list6);
    at.named("prefix-list", &mut policy.prefix_list, prefix_list);
    at.named("prefix-list6", &mut policy.prefix_list6, prefix_list);
    for (name, lists) in [
        ("as-path-list", &mut policy.as_path_list),
        ("community-list", &mut policy.community_list),
        ("large-community-list", &mut policy.large_community_list),
        ("extcommunity-list", &mut policy.extcommunity_list),
    ] {
        at.named(name, lists, regex_list);
    }
    at.named("route-map", &mut policy.route_map, route_map::bind);
}

fn access_list(at: &mut Section<'_>, list: &mut AccessList) {
    at.value("description", &mut list.description);
    at.named("rule", &mut list.rule, access_rule);
}

fn access_rule(at: &mut Section<'_>, rule: &mut AccessRule) {
    at.value("action", &mut rule.action);
    at.value("description", &mut rule.description);
    at.group("source", |at| access_address(at, &mut rule.source));
    at.group("destination", |at| {
        access_address(at, &mut rule.destination)
    });
}

fn access_address(at: &mut Section<'_>, address: &mut AccessAddress) {
    at.flag("any", &mut address.any);
    at.value("host", &mut address.host);
    at.value("network", &mut address.network);
    at.value("inverse-mask", &mut address.inverse_mask);
}

fn access_list6(at: &mut Section<'_>, list: &mut AccessList6) {
    at.value("description", &mut list.description);
    at.named("rule", &mut list.rule, access_rule6);
}

fn access_rule6(at: &mut Section<'_>, rule: &mut AccessRule6) {
    at.value("action", &mut rule.action);
    at.value("description", &mut rule.description);
    at.group("source", |at| access_source6(at, &mut rule.source));
}

fn access_source6(at: &mut Section<'_>, source: &mut AccessSource6) {
    at.flag("any", &mut source.any);
    at.value("network", &mut source.network);
    at.flag("exact-match", &mut source.exact_match);
}

fn prefix_list(at: &mut Section<'_>, list: &mut PrefixList) {
    at.value("description", &mut list.description);
    at.named("rule", &mut list.rule, prefix_rule);
}

fn prefix_rule(at: &mut Section<'_>, rule: &mut PrefixRule) {
    at.value("action", &mut rule.action);
    at.value("description", &mut rule.description);
    at.value("prefix", &mut rule.prefix);
    at.value("ge", &mut rule.ge);
    at.value("le", &mut rule.le);
}

fn regex_list(at: &mut Section<'_>, list: &mut RegexList) {
    at.value("description", &mut list.description);
    at.named("rule", &mut list.rule, regex_rule);
}

fn regex_rule(at: &mut Section<'_>, rule: &mut RegexRule) {
    at.value("action", &mut rule.action);
    at.value("description", &mut rule.description);
    at.value("regex", &mut rule.regex);
}
