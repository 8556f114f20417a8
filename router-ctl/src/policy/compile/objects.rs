//! The compiled objects by kind and name, and how they outlive a change of the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::access_list::AccessList;
use super::as_path::AsPathList;
use super::community::CommunityList;
use super::findings::Findings;
use super::prefix_list::PrefixList;
use super::route_map::Compiler;
use crate::bgp::attributes::{Community, ExtendedCommunity, LargeCommunity};
use crate::bgp::types::Family;
use crate::policy::evaluate::RouteMap;
use crate::policy::model::PolicyConfig;

pub(in crate::policy) type Table<T> = BTreeMap<String, Arc<T>>;

#[derive(Debug, Default)]
pub(in crate::policy) struct Objects {
    pub(in crate::policy) access_list: Table<AccessList>,
    pub(in crate::policy) access_list6: Table<AccessList>,
    pub(in crate::policy) prefix_list: Table<PrefixList>,
    pub(in crate::policy) prefix_list6: Table<PrefixList>,
    pub(in crate::policy) as_path_list: Table<AsPathList>,
    pub(in crate::policy) community_list: Table<CommunityList<Community>>,
    pub(in crate::policy) large_community_list: Table<CommunityList<LargeCommunity>>,
    pub(in crate::policy) extcommunity_list: Table<CommunityList<ExtendedCommunity>>,
    pub(in crate::policy) route_map: Table<RouteMap>,
}

impl Objects {
    pub(super) fn compile(findings: &mut Findings, config: &PolicyConfig, previous: &Self) -> Self {
        let mut objects = Self {
            access_list: table(
                findings,
                "access-list",
                &config.access_list,
                &previous.access_list,
                AccessList::compile,
            ),
            access_list6: table(
                findings,
                "access-list6",
                &config.access_list6,
                &previous.access_list6,
                AccessList::compile6,
            ),
            prefix_list: table(
                findings,
                "prefix-list",
                &config.prefix_list,
                &previous.prefix_list,
                |findings, name, list| {
                    PrefixList::compile(findings, Family::Ipv4Unicast, name, list)
                },
            ),
            prefix_list6: table(
                findings,
                "prefix-list6",
                &config.prefix_list6,
                &previous.prefix_list6,
                |findings, name, list| {
                    PrefixList::compile(findings, Family::Ipv6Unicast, name, list)
                },
            ),
            as_path_list: table(
                findings,
                "as-path-list",
                &config.as_path_list,
                &previous.as_path_list,
                AsPathList::compile,
            ),
            community_list: table(
                findings,
                "community-list",
                &config.community_list,
                &previous.community_list,
                CommunityList::compile,
            ),
            large_community_list: table(
                findings,
                "large-community-list",
                &config.large_community_list,
                &previous.large_community_list,
                CommunityList::compile,
            ),
            extcommunity_list: table(
                findings,
                "extcommunity-list",
                &config.extcommunity_list,
                &previous.extcommunity_list,
                CommunityList::compile,
            ),
            route_map: Table::new(),
        };
        objects.route_map =
            Compiler::compile(findings, &config.route_map, &objects, &previous.route_map);
        objects
    }
}

fn table<M, T: PartialEq>(
    findings: &mut Findings,
    word: &str,
    configured: &BTreeMap<String, M>,
    previous: &Table<T>,
    compile: impl Fn(&mut Findings, &str, &M) -> T,
) -> Table<T> {
    let compiled = configured.iter().map(|(name, object)| {
        let compiled = findings.within(&[word, name], |findings| compile(findings, name, object));
        (name.clone(), keep(compiled, previous.get(name)))
    });
    compiled.collect()
}

/// The old object if the new one says the same. What an object refers to was kept in the same way, so that
/// objects with the same contents refer to the same objects.
pub(super) fn keep<T: PartialEq>(compiled: T, previous: Option<&Arc<T>>) -> Arc<T> {
    match previous {
        Some(previous) if **previous == compiled => previous.clone(),
        _ => Arc::new(compiled),
    }
}
