//! Prefix lists, compiled so that a list of many thousands costs one binary search and a walk up at most as
//! many levels as a prefix has bits.
//!
//! The prefixes of a list lie sorted by address and length, each with the index of the closest one around it.
//! What lies around a prefix lies around its predecessor in that order too, or is the predecessor; so the walk
//! from there meets every rule that covers the prefix.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;

use super::findings::Findings;
use super::hit::{Hit, Named};
use crate::bgp::types::Family;
use crate::policy::model;
use crate::policy::problem::ProblemKind;

#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) struct PrefixList {
    name: Arc<str>,
    family: Family,
    nodes: Vec<Node>,
    /// Those of a node lie together, by number.
    rules: Vec<Rule>,
}

/// One prefix of the list.
#[derive(Debug, PartialEq, Eq)]
struct Node {
    key: Key,
    /// Index of the closest node around it.
    parent: Option<u32>,
    rules: std::ops::Range<u32>,
}

/// Address and length, the address at the upper end of the 128 bits.
type Key = (u128, u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    hit: Hit,
    shortest: u8,
    longest: u8,
}

impl PrefixList {
    pub(super) fn compile(
        findings: &mut Findings,
        family: Family,
        name: &str,
        list: &model::PrefixList,
    ) -> Self {
        let mut by_prefix: BTreeMap<Key, Vec<Rule>> = BTreeMap::new();
        for (prefix, rule) in findings.rules(&list.rule, |findings, number, rule| {
            compile_rule(findings, family, number, rule)
        }) {
            by_prefix.entry(key(prefix)).or_default().push(rule);
        }
        let mut compiled = Self {
            name: name.into(),
            family,
            nodes: Vec::with_capacity(by_prefix.len()),
            rules: Vec::new(),
        };
        let mut around: Vec<u32> = Vec::new();
        for (key, rules) in by_prefix {
            while let Some(&last) = around.last()
                && !compiled.nodes[last as usize].covers(key)
            {
                around.pop();
            }
            let first = index(compiled.rules.len());
            compiled.rules.extend(rules);
            let parent = around.last().copied();
            around.push(index(compiled.nodes.len()));
            compiled.nodes.push(Node {
                key,
                parent,
                rules: first..index(compiled.rules.len()),
            });
        }
        compiled
    }

    /// The first rule by number that matches.
    pub(in crate::policy) fn find(&self, prefix: IpNet) -> Option<Hit> {
        if Family::of(prefix) != self.family {
            return None;
        }
        let key = key(prefix);
        let (_, length) = key;
        let after = self.nodes.partition_point(|node| node.key <= key);
        let mut at = after.checked_sub(1);
        let mut best: Option<Hit> = None;
        while let Some(node) = at.and_then(|at| self.nodes.get(at)) {
            if node.covers(key) {
                let found = self.rules[node.rules.start as usize..node.rules.end as usize]
                    .iter()
                    .find(|rule| (rule.shortest..=rule.longest).contains(&length));
                if let Some(found) = found
                    && best.is_none_or(|best| found.hit.rule < best.rule)
                {
                    best = Some(found.hit);
                }
            }
            at = node.parent.map(|parent| parent as usize);
        }
        best
    }
}

impl Named for PrefixList {
    fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl Node {
    fn covers(&self, (bits, length): Key) -> bool {
        let (own, own_length) = self.key;
        let mask = u128::MAX
            .checked_shl(128 - u32::from(own_length))
            .unwrap_or(0);
        own_length <= length && bits & mask == own
    }
}

fn key(prefix: IpNet) -> Key {
    let bits = match prefix {
        IpNet::V4(net) => u128::from(net.network().to_bits()) << 96,
        IpNet::V6(net) => net.network().to_bits(),
    };
    (bits, prefix.prefix_len())
}

/// A list has a rule for each number, of which there are 65,535.
fn index(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn compile_rule(
    findings: &mut Findings,
    family: Family,
    number: u32,
    rule: &model::PrefixRule,
) -> Option<(IpNet, Rule)> {
    let action = findings.required("action", rule.action, "permit or deny");
    let prefix = findings.required("prefix", rule.prefix, "")?;
    if Family::of(prefix) != family {
        let (message, hint) = match family {
            Family::Ipv4Unicast => (
                format!("{prefix} is not an IPv4 prefix"),
                "IPv6 prefixes belong into a prefix-list6",
            ),
            Family::Ipv6Unicast => (
                format!("{prefix} is not an IPv6 prefix"),
                "IPv4 prefixes belong into a prefix-list",
            ),
        };
        findings.report(ProblemKind::BadValue, &["prefix"], message, hint);
        return None;
    }
    let length = prefix.prefix_len();
    let (shortest, longest) = match (rule.ge, rule.le) {
        (None, None) => (length, length),
        (Some(ge), None) => (ge, family.bits()),
        (None, Some(le)) => (length, le),
        (Some(ge), Some(le)) => (ge, le),
    };
    if !(length <= shortest && shortest <= longest && longest <= family.bits()) {
        let leaf = if rule.ge.is_some_and(|ge| ge < length || ge > family.bits()) {
            "ge"
        } else {
            "le"
        };
        let bits = family.bits();
        let message = format!("{prefix} has no lengths from {shortest} to {longest}");
        let hint = format!("{length} <= ge <= le <= {bits}");
        findings.report(ProblemKind::OutOfRange, &[leaf], message, &hint);
        return None;
    }
    let hit = Hit {
        rule: number,
        action: action?,
    };
    let rule = Rule {
        hit,
        shortest,
        longest,
    };
    Some((prefix, rule))
}

#[cfg(test)]
mod tests;
