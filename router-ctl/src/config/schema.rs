//! Every node of the configuration, described once. The TOML walk, the writer and the reference document
//! are driven by this tree; a node that is not here does not exist.
//!
//! Each node knows its name (the word of the `set` path), what it holds, a line of help, what its absence
//! means, its unit, and what a change of it does to the running router.

mod bfd;
mod bgp;
mod interfaces;
mod neighbor;
mod neighbor_family;
mod policy;
mod route_map;
mod static_routes;
mod system;
#[cfg(test)]
mod tests;

use crate::config::value::Type;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: &'static str,
    pub help: &'static str,
    pub kind: Kind,
    /// What absence means; empty when it means nothing in particular.
    pub default: &'static str,
    pub unit: &'static str,
    /// Must be there whenever its parent is.
    pub required: bool,
    /// Nodes below the same parent that cannot be there with this one, as paths from the parent.
    pub excludes: &'static [&'static str],
    pub change: Change,
    /// Written as dotted keys inside the parent's table instead of a table of its own.
    pub dotted: bool,
    /// The path of the node that is documented for both; empty for most.
    pub like: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One value.
    Leaf(Type),
    /// Any number of values; an array.
    Multi(Type),
    /// A boolean; its `set` line has no value when it is off by default.
    Flag { default: bool },
    /// A flag of others that is always on here: it may be written, and cannot be switched off.
    AlwaysOn,
    /// A table that only groups.
    Group(&'static [Node]),
    /// A table whose presence alone says something.
    Presence(&'static [Node]),
    /// A table of tables, each called by a key.
    Named(Type, &'static [Node]),
    /// The same with one key at most.
    Single(Type, &'static [Node]),
}

/// What the router does when the key changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Takes effect at once; no session or route notices.
    Live,
    /// Stored paths are judged again; no session is reset.
    ReEvaluate,
    /// In force from the next session on.
    NextSession,
    /// The sessions concerned are reset.
    SessionReset,
}

impl Change {
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::ReEvaluate => "re-evaluate",
            Self::NextSession => "next session",
            Self::SessionReset => "session reset",
        }
    }
}

/// The whole configuration.
pub const ROOT: &[Node] = &[
    group("system", system::SYSTEM, "The host"),
    group("interfaces", interfaces::INTERFACES, "Ports of the router"),
    group("protocols", PROTOCOLS, "Where routes come from"),
    group(
        "policy",
        policy::POLICY,
        "What neighbors may tell and are told",
    ),
];

const PROTOCOLS: &[Node] = &[
    presence("bgp", bgp::BGP, "The BGP speaker"),
    group("bfd", bfd::BFD, "Detection of failures within milliseconds"),
    group("static", static_routes::STATIC, "Routes set by hand"),
];

impl Node {
    pub fn children(&self) -> &'static [Node] {
        match self.kind {
            Kind::Leaf(_) | Kind::Multi(_) | Kind::Flag { .. } | Kind::AlwaysOn => &[],
            Kind::Group(children)
            | Kind::Presence(children)
            | Kind::Named(_, children)
            | Kind::Single(_, children) => children,
        }
    }

    const fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            name,
            help,
            kind,
            default: "",
            unit: "",
            required: false,
            excludes: &[],
            change: Change::Live,
            dotted: false,
            like: "",
        }
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn excludes(mut self, others: &'static [&'static str]) -> Self {
        self.excludes = others;
        self
    }

    const fn re_evaluate(mut self) -> Self {
        self.change = Change::ReEvaluate;
        self
    }

    const fn next_session(mut self) -> Self {
        self.change = Change::NextSession;
        self
    }

    const fn session_reset(mut self) -> Self {
        self.change = Change::SessionReset;
        self
    }

    const fn dotted(mut self) -> Self {
        self.dotted = true;
        self
    }

    const fn like(mut self, path: &'static str) -> Self {
        self.like = path;
        self
    }
}

const fn leaf(name: &'static str, value: Type, help: &'static str) -> Node {
    Node::new(name, Kind::Leaf(value), help)
}

const fn multi(name: &'static str, value: Type, help: &'static str) -> Node {
    Node::new(name, Kind::Multi(value), help)
}

const fn flag(name: &'static str, help: &'static str) -> Node {
    Node::new(name, Kind::Flag { default: false }, help).default("false")
}

const fn flag_on(name: &'static str, help: &'static str) -> Node {
    Node::new(name, Kind::Flag { default: true }, help).default("true")
}

const fn group(name: &'static str, children: &'static [Node], help: &'static str) -> Node {
    Node::new(name, Kind::Group(children), help)
}

const fn presence(name: &'static str, children: &'static [Node], help: &'static str) -> Node {
    Node::new(name, Kind::Presence(children), help)
}

const fn named(
    name: &'static str,
    key: Type,
    children: &'static [Node],
    help: &'static str,
) -> Node {
    Node::new(name, Kind::Named(key, children), help)
}

const fn description() -> Node {
    leaf("description", Type::Text(255), "Free text")
}

/// Two lists of nodes, one after the other; `N` is the sum of their lengths.
const fn joined<const N: usize>(first: &[Node], second: &[Node]) -> [Node; N] {
    let mut nodes = [first[0]; N];
    let mut at = 0;
    while at < N {
        nodes[at] = if at < first.len() {
            first[at]
        } else {
            second[at - first.len()]
        };
        at += 1;
    }
    nodes
}
