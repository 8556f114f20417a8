//! `set`: leaves that are there become changes.

use super::community::{CommunityList, Kind};
use super::findings::Findings;
use super::matches::Leaf;
use super::objects::{Objects, Table};
use crate::bgp::attributes::{Aggregator, Community, ExtendedCommunity};
use crate::policy::change::{
    AttributeChange, CommunityChange, Fate, NextHopChange, RangeChange, RangeKeep, SideChange,
};
use crate::policy::model::{self, CommunityRange, ExtendedValue, SetNextHop};
use crate::policy::problem::{ListKind, ProblemKind};

pub(super) fn attribute_changes(
    findings: &mut Findings,
    objects: &Objects,
    set: &model::Set,
) -> Vec<AttributeChange> {
    let aggregator = findings.within(&["aggregator"], |findings| {
        let model::AggregatorSet { as_, ip } = set.aggregator;
        if as_.is_none() && ip.is_none() {
            return None;
        }
        let asn = findings.required("as", as_, "an aggregator is an AS and an address");
        let address = findings.required("ip", ip, "an aggregator is an AS and an address");
        let (asn, address) = (asn?, address?);
        Some(AttributeChange::Aggregator(Aggregator { asn, address }))
    });
    let path = &set.as_path;
    if path.prepend.iter().any(|asn| asn.0 == 0) {
        let message = "AS 0 may not be in a path (RFC 7607)";
        findings.report(ProblemKind::BadValue, &["as-path", "prepend"], message, "");
    }
    let standard = Leaf(&["community", "delete"], ListKind::CommunityList);
    let standard = Sought(standard, &objects.community_list);
    let large = Leaf(&["large-community", "delete"], ListKind::LargeCommunityList);
    let large = Sought(large, &objects.large_community_list);
    [
        aggregator,
        (*path != model::AsPathSet::default()).then(|| AttributeChange::AsPath(path.clone())),
        set.atomic_aggregate
            .then_some(AttributeChange::AtomicAggregate),
        standard_change(findings, set, &standard),
        community_change(findings, "large-community", &set.large_community, &large)
            .map(AttributeChange::LargeCommunity),
        extended_change(&set.extcommunity).map(AttributeChange::ExtendedCommunity),
        set.local_preference.map(AttributeChange::LocalPreference),
        set.metric.map(AttributeChange::Metric),
        set.origin.map(AttributeChange::Origin),
        set.originator_id.map(AttributeChange::OriginatorId),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn side_changes(findings: &mut Findings, set: &model::Set) -> Vec<SideChange> {
    let v4 = set.ip_next_hop.map(|next_hop| match next_hop {
        SetNextHop::Address(address) => NextHopChange::V4(address),
        SetNextHop::PeerAddress => NextHopChange::V4Peer,
        SetNextHop::Unchanged => NextHopChange::Unchanged,
    });
    let model::Ipv6NextHopSet {
        global,
        local,
        peer_address,
    } = set.ipv6_next_hop;
    let address = global.is_some() || local.is_some();
    if peer_address && address {
        let message = "peer-address together with an address";
        findings.report(
            ProblemKind::Conflict,
            &["ipv6-next-hop"],
            message,
            "keep one",
        );
    }
    let v6 = address.then_some(NextHopChange::V6 { global, local });
    let v6 = v6.or(peer_address.then_some(NextHopChange::V6Peer));
    [
        set.distance.map(SideChange::Distance),
        v4.map(SideChange::NextHop),
        v6.map(SideChange::NextHop),
        set.tag.map(SideChange::Tag),
        set.weight.map(SideChange::Weight),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Where the list of a `delete` is found.
struct Sought<'a, C>(Leaf<'a>, &'a Table<CommunityList<C>>);

fn community_change<C: Kind>(
    findings: &mut Findings,
    word: &str,
    set: &model::CommunitySet<C>,
    sought: &Sought<'_, C>,
) -> Option<CommunityChange<C>> {
    let model::CommunitySet {
        none,
        replace,
        delete,
        add,
    } = set;
    let Sought(leaf, table) = sought;
    let list = delete
        .as_ref()
        .map(|name| leaf.find_one(findings, table, name));
    let ways = [*none, !replace.is_empty(), delete.is_some()];
    if ways.into_iter().filter(|&way| way).count() > 1 {
        let message = "more than one of none, replace and delete";
        findings.report(ProblemKind::Conflict, &[word], message, "keep one");
    }
    let fate = match list {
        Some(list) => Fate::Delete(list?),
        None if *none || !replace.is_empty() => Fate::Go,
        None if add.is_empty() => return None,
        None => Fate::Stay,
    };
    let add = replace.iter().chain(add).copied().collect();
    Some(CommunityChange { fate, add })
}

/// Both leaves about standard communities make one change.
fn standard_change(
    findings: &mut Findings,
    set: &model::Set,
    sought: &Sought<'_, Community>,
) -> Option<AttributeChange> {
    let change = community_change(findings, "community", &set.community, sought);
    let ranges: Vec<RangeChange> = set
        .community_range
        .iter()
        .filter_map(|(&range, set)| range_change(findings, range, set))
        .collect();
    if change.is_none() && ranges.is_empty() {
        return None;
    }
    let change = change.unwrap_or(CommunityChange {
        fate: Fate::Stay,
        add: Vec::new(),
    });
    Some(AttributeChange::Community(change, ranges))
}

fn range_change(
    findings: &mut Findings,
    range: CommunityRange,
    set: &model::CommunityRangeSet,
) -> Option<RangeChange> {
    let words = range.to_string();
    let place = ["community-range", &words];
    let keep = match (set.max, set.min, set.delete) {
        (Some(value), None, false) => RangeKeep::Max(value),
        (None, Some(value), false) => RangeKeep::Min(value),
        (None, None, true) => RangeKeep::Nothing,
        _ => {
            let message = "not exactly one of max, min and delete";
            findings.report(ProblemKind::Conflict, &place, message, "keep one");
            return None;
        }
    };
    let (RangeKeep::Max(value) | RangeKeep::Min(value)) = keep else {
        return Some(RangeChange { range, keep });
    };
    if !range.contains(value) {
        let message = format!("{value} is not in the range");
        findings.report(ProblemKind::OutOfRange, &place, message, "");
    }
    Some(RangeChange { range, keep })
}

fn extended_change(set: &model::RouteTargets) -> Option<CommunityChange<ExtendedCommunity>> {
    let targets = set.rt.iter().map(|each| ExtendedValue::route_target(*each));
    let origins = set.soo.iter().map(|each| each.site_of_origin());
    let add: Vec<_> = targets.chain(origins).collect();
    let fate = if set.none { Fate::Go } else { Fate::Stay };
    (set.none || !add.is_empty()).then_some(CommunityChange { fate, add })
}
