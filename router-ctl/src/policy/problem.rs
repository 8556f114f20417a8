//! What is wrong with a configured policy, and which objects refer to which.

use std::collections::BTreeSet;
use std::fmt;

use crate::policy::model::{CommunitySet, Match, PolicyConfig, RouteMapRule};

/// A kind of object below `policy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListKind {
    AccessList,
    AccessList6,
    PrefixList,
    PrefixList6,
    AsPathList,
    CommunityList,
    LargeCommunityList,
    ExtcommunityList,
    RouteMap,
}

impl ListKind {
    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::AccessList => "access-list",
            Self::AccessList6 => "access-list6",
            Self::PrefixList => "prefix-list",
            Self::PrefixList6 => "prefix-list6",
            Self::AsPathList => "as-path-list",
            Self::CommunityList => "community-list",
            Self::LargeCommunityList => "large-community-list",
            Self::ExtcommunityList => "extcommunity-list",
            Self::RouteMap => "route-map",
        }
    }
}

impl fmt::Display for ListKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a policy cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProblem {
    pub kind: ProblemKind,
    /// Words of the `set` path that follow `policy`.
    pub path: Vec<String>,
    pub message: String,
    pub hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemKind {
    MissingReference,
    Required,
    BadValue,
    OutOfRange,
    Conflict,
    /// Larger than what may be compiled.
    Capacity,
}

impl fmt::Display for PolicyProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "policy {}: {}", self.path.join(" "), self.message)
    }
}

impl std::error::Error for PolicyProblem {}

/// An object that is used by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    pub kind: ListKind,
    pub name: String,
}

impl PolicyConfig {
    /// Every object there is.
    pub fn objects(&self) -> BTreeSet<Reference> {
        let mut objects = BTreeSet::new();
        let mut add = |kind, names: &mut dyn Iterator<Item = &String>| {
            for name in names {
                let name = name.clone();
                objects.insert(Reference { kind, name });
            }
        };
        add(ListKind::AccessList, &mut self.access_list.keys());
        add(ListKind::AccessList6, &mut self.access_list6.keys());
        add(ListKind::PrefixList, &mut self.prefix_list.keys());
        add(ListKind::PrefixList6, &mut self.prefix_list6.keys());
        add(ListKind::AsPathList, &mut self.as_path_list.keys());
        add(ListKind::CommunityList, &mut self.community_list.keys());
        let large = &self.large_community_list;
        add(ListKind::LargeCommunityList, &mut large.keys());
        let extended = &self.extcommunity_list;
        add(ListKind::ExtcommunityList, &mut extended.keys());
        add(ListKind::RouteMap, &mut self.route_map.keys());
        objects
    }

    /// Is there an object of this kind and name?
    pub fn defines(&self, kind: ListKind, name: &str) -> bool {
        match kind {
            ListKind::AccessList => self.access_list.contains_key(name),
            ListKind::AccessList6 => self.access_list6.contains_key(name),
            ListKind::PrefixList => self.prefix_list.contains_key(name),
            ListKind::PrefixList6 => self.prefix_list6.contains_key(name),
            ListKind::AsPathList => self.as_path_list.contains_key(name),
            ListKind::CommunityList => self.community_list.contains_key(name),
            ListKind::LargeCommunityList => self.large_community_list.contains_key(name),
            ListKind::ExtcommunityList => self.extcommunity_list.contains_key(name),
            ListKind::RouteMap => self.route_map.contains_key(name),
        }
    }

    /// Objects that route-maps use. With what neighbours use, the rest of [`objects`](Self::objects) is unused.
    pub fn references(&self) -> BTreeSet<Reference> {
        let mut used = BTreeSet::new();
        for rule in self.route_map.values().flat_map(|map| map.rule.values()) {
            rule.each_reference(|kind, name| {
                let name = name.to_owned();
                used.insert(Reference { kind, name });
            });
        }
        used
    }
}

impl RouteMapRule {
    fn each_reference(&self, mut each: impl FnMut(ListKind, &str)) {
        let Match { ip, ipv6, .. } = &self.match_;
        for (kind, names) in [
            (ListKind::AsPathList, &self.match_.as_path),
            (
                ListKind::CommunityList,
                &self.match_.community.community_list,
            ),
            (
                ListKind::LargeCommunityList,
                &self.match_.large_community.large_community_list,
            ),
            (ListKind::ExtcommunityList, &self.match_.extcommunity),
            (ListKind::AccessList, &ip.address.access_list),
            (ListKind::PrefixList, &ip.address.prefix_list),
            (ListKind::AccessList, &ip.nexthop.access_list),
            (ListKind::PrefixList, &ip.nexthop.prefix_list),
            (ListKind::AccessList6, &ipv6.address.access_list),
            (ListKind::PrefixList6, &ipv6.address.prefix_list),
            (ListKind::AccessList6, &ipv6.nexthop.access_list),
            (ListKind::PrefixList6, &ipv6.nexthop.prefix_list),
        ] {
            names.iter().for_each(|name| each(kind, name));
        }
        fn delete<C>(set: &CommunitySet<C>) -> Option<&str> {
            set.delete.as_deref()
        }
        for (kind, name) in [
            (ListKind::CommunityList, delete(&self.set.community)),
            (
                ListKind::LargeCommunityList,
                delete(&self.set.large_community),
            ),
            (ListKind::RouteMap, self.call.as_deref()),
        ] {
            if let Some(name) = name {
                each(kind, name);
            }
        }
    }
}
