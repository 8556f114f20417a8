//! What one neighbour applies in one family and direction.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::bgp::types::Family;
use crate::policy::explain::Explanation;
use crate::policy::outcome::{Edits, Outcome};
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

#[derive(Debug)]
pub(in crate::policy) struct Links {
    pub(in crate::policy) names: ChainNames,
}

impl Chain {
    pub fn names(&self) -> &ChainNames {
        &self.0.names
    }

    pub fn evaluate(&self, _subject: &Subject<'_>, _scratch: &mut Scratch) -> Outcome {
        Outcome::Permit(Edits::default())
    }

    pub fn explain(&self, _subject: &Subject<'_>) -> Explanation {
        Explanation {
            steps: Vec::new(),
            outcome: Outcome::Permit(Edits::default()),
        }
    }

    /// If not, all prefixes of an UPDATE have the same outcome.
    pub fn depends_on_prefix(&self) -> bool {
        true
    }

    /// If not, all neighbours with the same chain have the same outcome for a path.
    pub fn depends_on_peer(&self) -> bool {
        true
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
