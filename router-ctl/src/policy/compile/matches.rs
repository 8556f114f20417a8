//! `match`: leaves that are there become conditions, cheap ones first.

use std::net::IpAddr;
use std::sync::Arc;

use super::community::Extent;
use super::findings::Findings;
use super::objects::{Objects, Table};
use crate::bgp::types::Family;
use crate::policy::condition::{Condition, Of};
use crate::policy::model;
use crate::policy::problem::{ListKind, ProblemKind};

pub(super) fn conditions(
    findings: &mut Findings,
    objects: &Objects,
    leaves: &model::Match,
) -> Vec<Condition> {
    let mut conditions = values(leaves);
    let model::Match { ip, ipv6, .. } = leaves;
    for (family, of, given) in [
        (Family::Ipv4Unicast, Of::Prefix, Given::address(&ip.address)),
        (
            Family::Ipv4Unicast,
            Of::NextHop,
            Given::nexthop(&ip.nexthop),
        ),
        (
            Family::Ipv6Unicast,
            Of::Prefix,
            Given::address(&ipv6.address),
        ),
        (
            Family::Ipv6Unicast,
            Of::NextHop,
            Given::nexthop(&ipv6.nexthop),
        ),
    ] {
        let (word, leaf) = (ip_word(family), of.word());
        findings.within(&[word, leaf], |findings| {
            conditions.extend(given.conditions(findings, objects, family, of));
        });
    }
    for (&range, leaf) in &leaves.community_range {
        let wanted = leaf.ge.unwrap_or(0)..=leaf.le.unwrap_or(u16::MAX);
        if wanted.is_empty() {
            let words = ["community-range", &range.to_string()];
            let message = "no value is so large and so small";
            findings.report(ProblemKind::Conflict, &words, message, "ge <= le");
        }
        conditions.push(Condition::CommunityRange(range, wanted));
    }
    conditions.extend(lists(findings, objects, leaves));
    conditions
}

/// Leaves with plain values.
fn values(leaves: &model::Match) -> Vec<Condition> {
    fn given<T: Clone>(
        values: &[T],
        condition: impl FnOnce(Vec<T>) -> Condition,
    ) -> Option<Condition> {
        (!values.is_empty()).then(|| condition(values.to_vec()))
    }
    [
        given(&leaves.protocol, Condition::Protocol),
        given(&leaves.peer, Condition::Peer),
        given(&leaves.interface, Condition::Interface),
        given(&leaves.tag, Condition::Tag),
        given(&leaves.origin, Condition::Origin),
        given(&leaves.metric, Condition::Metric),
        given(&leaves.local_preference, Condition::LocalPreference),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Lists of what a path carries.
fn lists(findings: &mut Findings, objects: &Objects, leaves: &model::Match) -> Vec<Condition> {
    let community = &leaves.community;
    let extent = if community.exact_match {
        Extent::Exactly
    } else {
        Extent::AtLeast
    };
    if community.exact_match && community.community_list.is_empty() {
        let hint = "exact-match is about a list";
        findings.within(&["community"], |findings| {
            findings.required::<()>("community-list", None, hint)
        });
    }
    let standard = Leaf(&["community", "community-list"], ListKind::CommunityList);
    let large = Leaf(
        &["large-community", "large-community-list"],
        ListKind::LargeCommunityList,
    );
    let extended = Leaf(&["extcommunity"], ListKind::ExtcommunityList);
    let as_path = Leaf(&["as-path"], ListKind::AsPathList);
    [
        standard
            .find(findings, &objects.community_list, &community.community_list)
            .map(|found| Condition::Community(found, extent)),
        large
            .find(
                findings,
                &objects.large_community_list,
                &leaves.large_community.large_community_list,
            )
            .map(Condition::LargeCommunity),
        extended
            .find(findings, &objects.extcommunity_list, &leaves.extcommunity)
            .map(Condition::ExtendedCommunity),
        as_path
            .find(findings, &objects.as_path_list, &leaves.as_path)
            .map(Condition::AsPath),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What is asked of one address.
struct Given<'a> {
    address: Vec<IpAddr>,
    access_list: &'a [String],
    prefix_list: &'a [String],
    prefix_len: &'a [u8],
}

impl<'a> Given<'a> {
    fn address(leaves: &'a model::AddressMatch) -> Self {
        Self {
            address: Vec::new(),
            access_list: &leaves.access_list,
            prefix_list: &leaves.prefix_list,
            prefix_len: &leaves.prefix_len,
        }
    }

    fn nexthop<A: Copy + Into<IpAddr>>(leaves: &'a model::NextHopMatch<A>) -> Self {
        Self {
            address: leaves.address.iter().map(|&each| each.into()).collect(),
            access_list: &leaves.access_list,
            prefix_list: &leaves.prefix_list,
            prefix_len: &leaves.prefix_len,
        }
    }

    fn conditions(
        self,
        findings: &mut Findings,
        objects: &Objects,
        family: Family,
        of: Of,
    ) -> impl Iterator<Item = Condition> + use<> {
        let (access_kind, access, prefix_kind, prefix) = match family {
            Family::Ipv4Unicast => (
                ListKind::AccessList,
                &objects.access_list,
                ListKind::PrefixList,
                &objects.prefix_list,
            ),
            Family::Ipv6Unicast => (
                ListKind::AccessList6,
                &objects.access_list6,
                ListKind::PrefixList6,
                &objects.prefix_list6,
            ),
        };
        let bits = family.bits();
        if self.prefix_len.iter().any(|&length| length > bits) {
            let message = format!("a prefix has at most {bits} bits");
            findings.report(ProblemKind::OutOfRange, &["prefix-len"], message, "");
        }
        let length = (!self.prefix_len.is_empty())
            .then(|| Condition::PrefixLength(family, of, self.prefix_len.to_vec()));
        let address = (!self.address.is_empty()).then(|| Condition::NextHop(family, self.address));
        let access = Leaf(&["access-list"], access_kind)
            .find(findings, access, self.access_list)
            .map(|found| Condition::AccessList(family, of, found));
        let prefix = Leaf(&["prefix-list"], prefix_kind)
            .find(findings, prefix, self.prefix_list)
            .map(|found| Condition::PrefixList(family, of, found));
        [length, address, access, prefix].into_iter().flatten()
    }
}

fn ip_word(family: Family) -> &'static str {
    match family {
        Family::Ipv4Unicast => "ip",
        Family::Ipv6Unicast => "ipv6",
    }
}

/// A leaf that names objects.
pub(super) struct Leaf<'a>(pub(super) &'a [&'a str], pub(super) ListKind);

impl Leaf<'_> {
    /// The objects of these names; `None` if nothing is named.
    fn find<T>(
        &self,
        findings: &mut Findings,
        table: &Table<T>,
        names: &[String],
    ) -> Option<Vec<Arc<T>>> {
        let found = names
            .iter()
            .filter_map(|name| self.find_one(findings, table, name));
        let found: Vec<Arc<T>> = found.collect();
        (!names.is_empty()).then_some(found)
    }

    pub(super) fn find_one<T>(
        &self,
        findings: &mut Findings,
        table: &Table<T>,
        name: &str,
    ) -> Option<Arc<T>> {
        let &Self(leaf, kind) = self;
        let found = table.get(name).cloned();
        if found.is_none() {
            let message = format!("there is no {kind} {name}");
            let hint = format!("define it: set policy {kind} {name} rule 10 …");
            findings.report(ProblemKind::MissingReference, leaf, message, &hint);
        }
        found
    }
}
