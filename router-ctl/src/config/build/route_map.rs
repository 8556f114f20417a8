//! `policy route-map`

use super::scalar::Scalar;
use super::section::Section;
use crate::policy::model::{
    AddressMatch, CommunityRangeMatch, CommunityRangeSet, CommunitySet, Match, NextHopMatch,
    OnMatch, RouteMap, RouteMapRule, Set,
};

pub(super) fn bind(at: &mut Section<'_>, map: &mut RouteMap) {
    at.value("description", &mut map.description);
    at.named("rule", &mut map.rule, rule);
}

fn rule(at: &mut Section<'_>, rule: &mut RouteMapRule) {
    at.value("action", &mut rule.action);
    at.value("description", &mut rule.description);
    at.group("match", |at| match_(at, &mut rule.match_));
    at.group("set", |at| set(at, &mut rule.set));
    at.value("call", &mut rule.call);
    at.value("continue", &mut rule.continue_);
    at.group("on-match", |at| on_match(at, &mut rule.on_match));
}

/// Two leaves of which the schema lets one be there.
fn on_match(at: &mut Section<'_>, field: &mut Option<OnMatch>) {
    let mut next = *field == Some(OnMatch::Next);
    let mut goto = match field {
        Some(OnMatch::Goto(rule)) => Some(*rule),
        Some(OnMatch::Next) | None => None,
    };
    at.flag("next", &mut next);
    at.value("goto", &mut goto);
    *field = if next {
        Some(OnMatch::Next)
    } else {
        goto.map(OnMatch::Goto)
    };
}

fn match_(at: &mut Section<'_>, m: &mut Match) {
    at.values("as-path", &mut m.as_path);
    at.group("community", |at| {
        at.values("community-list", &mut m.community.community_list);
        at.flag("exact-match", &mut m.community.exact_match);
    });
    at.named(
        "community-range",
        &mut m.community_range,
        |at, range: &mut CommunityRangeMatch| {
            at.value("ge", &mut range.ge);
            at.value("le", &mut range.le);
        },
    );
    at.group("large-community", |at| {
        let lists = &mut m.large_community.large_community_list;
        at.values("large-community-list", lists);
    });
    at.values("extcommunity", &mut m.extcommunity);
    at.values("interface", &mut m.interface);
    at.group("ip", |at| {
        at.group("address", |at| address(at, &mut m.ip.address));
        at.group("nexthop", |at| nexthop(at, &mut m.ip.nexthop));
    });
    at.group("ipv6", |at| {
        at.group("address", |at| address(at, &mut m.ipv6.address));
        at.group("nexthop", |at| nexthop(at, &mut m.ipv6.nexthop));
    });
    at.values("local-preference", &mut m.local_preference);
    at.values("metric", &mut m.metric);
    at.values("origin", &mut m.origin);
    at.values("peer", &mut m.peer);
    at.values("protocol", &mut m.protocol);
    at.values("tag", &mut m.tag);
}

fn address(at: &mut Section<'_>, address: &mut AddressMatch) {
    at.values("access-list", &mut address.access_list);
    at.values("prefix-list", &mut address.prefix_list);
    at.values("prefix-len", &mut address.prefix_len);
}

fn nexthop<A: Scalar>(at: &mut Section<'_>, nexthop: &mut NextHopMatch<A>) {
    at.values("address", &mut nexthop.address);
    at.values("access-list", &mut nexthop.access_list);
    at.values("prefix-list", &mut nexthop.prefix_list);
    at.values("prefix-len", &mut nexthop.prefix_len);
}

fn set(at: &mut Section<'_>, s: &mut Set) {
    at.group("aggregator", |at| {
        at.value("as", &mut s.aggregator.as_);
        at.value("ip", &mut s.aggregator.ip);
    });
    at.group("as-path", |at| {
        at.value_or("exclude", &mut s.as_path.exclude, Vec::new());
        at.value("prepend-last-as", &mut s.as_path.prepend_last_as);
        at.value_or("prepend", &mut s.as_path.prepend, Vec::new());
    });
    at.flag("atomic-aggregate", &mut s.atomic_aggregate);
    at.group("community", |at| community(at, &mut s.community));
    at.named(
        "community-range",
        &mut s.community_range,
        |at, range: &mut CommunityRangeSet| {
            at.value("max", &mut range.max);
            at.value("min", &mut range.min);
            at.flag("delete", &mut range.delete);
        },
    );
    at.group("large-community", |at| {
        community(at, &mut s.large_community)
    });
    at.group("extcommunity", |at| {
        at.flag("none", &mut s.extcommunity.none);
        at.values("rt", &mut s.extcommunity.rt);
        at.values("soo", &mut s.extcommunity.soo);
    });
    at.value("distance", &mut s.distance);
    at.value("ip-next-hop", &mut s.ip_next_hop);
    at.group("ipv6-next-hop", |at| {
        at.value("global", &mut s.ipv6_next_hop.global);
        at.value("local", &mut s.ipv6_next_hop.local);
        at.flag("peer-address", &mut s.ipv6_next_hop.peer_address);
    });
    at.value("local-preference", &mut s.local_preference);
    at.value("metric", &mut s.metric);
    at.value("origin", &mut s.origin);
    at.value("originator-id", &mut s.originator_id);
    at.value("tag", &mut s.tag);
    at.value("weight", &mut s.weight);
}

fn community<C: Scalar>(at: &mut Section<'_>, set: &mut CommunitySet<C>) {
    at.flag("none", &mut set.none);
    at.values("replace", &mut set.replace);
    at.value("delete", &mut set.delete);
    at.values("add", &mut set.add);
}
