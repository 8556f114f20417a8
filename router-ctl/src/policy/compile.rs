//! From configuration to objects that judge routes.

mod access_list;
mod as_path;
mod community;
mod findings;
mod hit;
mod matches;
mod objects;
mod pattern;
mod prefix_list;
mod route_map;
mod sets;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(in crate::policy) use self::access_list::AccessList;
pub(in crate::policy) use self::as_path::AsPathList;
pub(in crate::policy) use self::community::{CommunityList, Extent, Kind as CommunityKind};
use self::findings::Findings;
pub(in crate::policy) use self::hit::{Hit, Named, permits};
pub(in crate::policy) use self::objects::Objects;
pub(in crate::policy) use self::prefix_list::PrefixList;
use crate::bgp::types::Family;
use crate::policy::chain::{Chain, ChainNames};
use crate::policy::model::PolicyConfig;
use crate::policy::problem::PolicyProblem;

/// Everything below `policy`, compiled.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    objects: Arc<Objects>,
    /// Those that were asked for, and a chain of each route-map alone.
    chains: BTreeMap<(Option<Family>, ChainNames), Chain>,
}

impl Policies {
    /// All problems, or objects of which those that say the same as in `previous` are those of `previous`.
    /// Descriptions say nothing.
    pub fn compile(
        config: &PolicyConfig,
        previous: Option<&Self>,
    ) -> Result<Self, Vec<PolicyProblem>> {
        let nothing = Self::default();
        let previous = previous.unwrap_or(&nothing);
        let mut findings = Findings::default();
        let objects = Objects::compile(&mut findings, config, &previous.objects);
        let problems = findings.into_problems();
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut chains = BTreeMap::new();
        let alone = objects.route_map.keys().map(|name| {
            let route_map = Some(name.clone());
            let names = ChainNames {
                route_map,
                ..ChainNames::default()
            };
            (None, names)
        });
        // A chain that only `previous` has is not used.
        let used = previous
            .chains
            .iter()
            .filter(|(_, chain)| chain.is_shared());
        let keys = used.map(|(key, _)| key.clone()).chain(alone);
        for key in keys {
            let (family, names) = &key;
            let compiled = Chain::new(&objects, *family, names);
            let kept = match previous.chains.get(&key) {
                Some(before) if before.says_the_same(&compiled) => before.clone(),
                _ => compiled,
            };
            chains.insert(key, kept);
        }
        let objects = Arc::new(objects);
        Ok(Self { objects, chains })
    }

    /// The chain of these names; `None` without any. The same names give the same chain until a content changes.
    /// A name that nothing has denies everything: the check of the configuration does not let it come here.
    pub fn chain(&mut self, family: Family, names: &ChainNames) -> Option<Chain> {
        if names.is_empty() {
            return None;
        }
        // A route-map alone is the same in both families.
        let family = (!names.is_route_map_alone()).then_some(family);
        let key = (family, names.clone());
        let chain = self
            .chains
            .entry(key)
            .or_insert_with(|| Chain::new(&self.objects, family, names));
        Some(chain.clone())
    }

    /// A route-map alone, `None` if there is none of this name.
    pub fn route_map(&self, name: &str) -> Option<Chain> {
        let names = ChainNames {
            route_map: Some(name.to_owned()),
            ..ChainNames::default()
        };
        self.objects.route_map.get(name)?;
        self.chains.get(&(None, names)).cloned()
    }
}

#[cfg(test)]
mod tests;
