//! What one neighbour applies in one family and direction.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::bgp::types::Family;
use crate::policy::compile::{AccessList, AsPathList, Named, Objects, PrefixList, permits};
use crate::policy::evaluate::{RouteMap, State, Trace};
use crate::policy::explain::Explanation;
use crate::policy::outcome::{Denial, Outcome};
use crate::policy::problem::{ListKind, Reference};
use crate::policy::subject::{Scratch, Subject};

/// Names below `address-family … distribute-list|prefix-list|filter-list|route-map import|export`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainNames {
    /// An access-list, or access-list6 for IPv6 prefixes.
    pub distribute_list: Option<String>,
    /// A prefix-list, or prefix-list6 for IPv6 prefixes.
    pub prefix_list: Option<String>,
    /// An as-path-list.
    pub filter_list: Option<String>,
    pub route_map: Option<String>,
}

impl ChainNames {
    /// Does nothing apply?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(in crate::policy) fn is_route_map_alone(&self) -> bool {
        self.distribute_list.is_none() && self.prefix_list.is_none() && self.filter_list.is_none()
    }

    /// The objects that these names mean for prefixes of `family`, in the order in which they apply.
    pub fn references(&self, family: Family) -> Vec<Reference> {
        let (access_list, prefix_list) = match family {
            Family::Ipv4Unicast => (ListKind::AccessList, ListKind::PrefixList),
            Family::Ipv6Unicast => (ListKind::AccessList6, ListKind::PrefixList6),
        };
        let named = [
            (access_list, &self.distribute_list),
            (prefix_list, &self.prefix_list),
            (ListKind::AsPathList, &self.filter_list),
            (ListKind::RouteMap, &self.route_map),
        ];
        named
            .into_iter()
            .filter_map(|(kind, name)| {
                let name = name.clone()?;
                Some(Reference { kind, name })
            })
            .collect()
    }
}

/// Compiled policies in their order. Equal means the same object: the same names since their contents changed.
#[derive(Clone)]
pub struct Chain(Arc<Links>);

struct Links {
    names: ChainNames,
    links: Vec<Link>,
    depends_on_prefix: bool,
    depends_on_peer: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Link {
    AccessList(Arc<AccessList>),
    PrefixList(ListKind, Arc<PrefixList>),
    AsPathList(Arc<AsPathList>),
    RouteMap(Arc<RouteMap>),
    /// Denies everything: what a neighbour is to be kept from is not known.
    Missing(ListKind, Arc<str>),
}

impl Chain {
    /// `family` may be missing if there is only a route-map.
    pub(in crate::policy) fn new(
        objects: &Objects,
        family: Option<Family>,
        names: &ChainNames,
    ) -> Self {
        let references = names.references(family.unwrap_or(Family::Ipv4Unicast));
        let links: Vec<Link> = references
            .into_iter()
            .map(|Reference { kind, name }| {
                Link::find(objects, kind, &name)
                    .unwrap_or_else(|| Link::Missing(kind, name.as_str().into()))
            })
            .collect();
        Self(Arc::new(Links {
            names: names.clone(),
            depends_on_prefix: links.iter().any(Link::depends_on_prefix),
            depends_on_peer: links.iter().any(Link::depends_on_peer),
            links,
        }))
    }

    pub fn names(&self) -> &ChainNames {
        &self.0.names
    }

    /// Does anyone but one owner hold it?
    pub(in crate::policy) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    pub(in crate::policy) fn says_the_same(&self, other: &Self) -> bool {
        self.0.links == other.0.links
    }

    /// Allocates nothing for a route that is denied or stays as it is.
    pub fn evaluate(&self, subject: &Subject<'_>, scratch: &mut Scratch) -> Outcome {
        let mut state = State::new(subject, scratch);
        match self.run(&mut state, &mut ()) {
            Ok(()) => Outcome::Permit(state.edits),
            Err(denial) => Outcome::Deny(denial),
        }
    }

    /// The same outcome, with the way to it.
    pub fn explain(&self, subject: &Subject<'_>) -> Explanation {
        let mut scratch = Scratch::default();
        let mut state = State::new(subject, &mut scratch);
        let mut steps = Vec::new();
        let verdict = self.run(&mut state, &mut steps);
        Explanation {
            steps,
            raw: state.raw().into(),
            next_hop: state.next_hop(),
            weight: state.edits.weight.unwrap_or(subject.weight),
            tag: state.tag(),
            outcome: match verdict {
                Ok(()) => Outcome::Permit(state.edits),
                Err(denial) => Outcome::Deny(denial),
            },
        }
    }

    /// If not, all prefixes of one family in an UPDATE have the same outcome.
    pub fn depends_on_prefix(&self) -> bool {
        self.0.depends_on_prefix
    }

    /// If not, all neighbours with the same chain have the same outcome for a path that is exported.
    pub fn depends_on_peer(&self) -> bool {
        self.0.depends_on_peer
    }

    fn run(&self, state: &mut State<'_, '_>, trace: &mut impl Trace) -> Result<(), Denial> {
        self.0
            .links
            .iter()
            .try_for_each(|link| link.run(state, trace))
    }
}

impl Link {
    fn find(objects: &Objects, kind: ListKind, name: &str) -> Option<Self> {
        let prefix_list = |list: &Arc<PrefixList>| Self::PrefixList(kind, list.clone());
        let access_list = |list: &Arc<AccessList>| Self::AccessList(list.clone());
        match kind {
            ListKind::AccessList => objects.access_list.get(name).map(access_list),
            ListKind::AccessList6 => objects.access_list6.get(name).map(access_list),
            ListKind::PrefixList => objects.prefix_list.get(name).map(prefix_list),
            ListKind::PrefixList6 => objects.prefix_list6.get(name).map(prefix_list),
            ListKind::AsPathList => {
                let list = objects.as_path_list.get(name)?;
                Some(Self::AsPathList(list.clone()))
            }
            ListKind::RouteMap => {
                let map = objects.route_map.get(name)?;
                Some(Self::RouteMap(map.clone()))
            }
            ListKind::CommunityList | ListKind::LargeCommunityList | ListKind::ExtcommunityList => {
                None
            }
        }
    }

    fn run(&self, state: &mut State<'_, '_>, trace: &mut impl Trace) -> Result<(), Denial> {
        let prefix = state.subject.prefix;
        let (list, name, hit) = match self {
            Self::AccessList(list) => (list.kind, list.name(), list.find(prefix)),
            Self::PrefixList(kind, list) => (*kind, list.name(), list.find(prefix)),
            Self::AsPathList(list) => {
                let hit = list.find(state.as_path_text());
                (ListKind::AsPathList, list.name(), hit)
            }
            Self::RouteMap(map) => return map.run(state, trace),
            Self::Missing(kind, name) => (*kind, name, None),
        };
        trace.list(list, name, hit);
        if permits(hit) {
            return Ok(());
        }
        Err(Denial {
            list,
            name: name.clone(),
            rule: hit.map(|hit| hit.rule),
        })
    }

    fn depends_on_prefix(&self) -> bool {
        match self {
            Self::AccessList(_) | Self::PrefixList(..) => true,
            Self::RouteMap(map) => map.depends_on_prefix,
            Self::AsPathList(_) | Self::Missing(..) => false,
        }
    }

    fn depends_on_peer(&self) -> bool {
        match self {
            Self::RouteMap(map) => map.depends_on_peer,
            Self::AccessList(_)
            | Self::PrefixList(..)
            | Self::AsPathList(_)
            | Self::Missing(..) => false,
        }
    }
}

impl PartialEq for Chain {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Chain {}

impl Hash for Chain {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.names.fmt(f)
    }
}

#[cfg(test)]
mod tests;
