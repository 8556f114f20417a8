//! `policy`

use super::route_map::ROUTE_MAP;
use super::{Node, description, flag, group, leaf, named};
use crate::config::value::{Choice, Type};

pub(super) const POLICY: &[Node] = &[
    named(
        "access-list",
        Type::Name,
        ACCESS_LIST,
        "An IPv4 access list",
    )
    .re_evaluate(),
    named(
        "access-list6",
        Type::Name,
        ACCESS_LIST6,
        "An IPv6 access list",
    )
    .re_evaluate(),
    named("prefix-list", Type::Name, PREFIX_LIST, "IPv4 prefixes").re_evaluate(),
    named("prefix-list6", Type::Name, PREFIX_LIST6, "IPv6 prefixes").re_evaluate(),
    named(
        "as-path-list",
        Type::Name,
        AS_PATH_LIST,
        "Regular expressions for AS paths",
    )
    .re_evaluate(),
    named("community-list", Type::Name, COMMUNITY_LIST, "Communities").re_evaluate(),
    named(
        "large-community-list",
        Type::Name,
        LARGE_COMMUNITY_LIST,
        "Large communities",
    )
    .re_evaluate(),
    named(
        "extcommunity-list",
        Type::Name,
        EXTCOMMUNITY_LIST,
        "Extended communities",
    )
    .re_evaluate(),
    named(
        "route-map",
        Type::Name,
        ROUTE_MAP,
        "What is matched and what is changed",
    )
    .re_evaluate(),
];

/// Rules of lists are tried by their numbers. The first that matches decides; the end denies.
const RULE_HELP: &str = "A rule; the first that matches decides, and the end denies";

const fn rules(children: &'static [Node]) -> Node {
    named("rule", RULE_NUMBER, children, RULE_HELP)
        .re_evaluate()
        .dotted()
}

pub(super) const RULE_NUMBER: Type = Type::Integer(1, 65535);

pub(super) const fn action() -> Node {
    leaf("action", Type::Choice(ACTIONS), "What is done with a match")
        .default("required")
        .re_evaluate()
}

const ACTIONS: &[Choice] = &[
    Choice {
        name: "permit",
        help: "let it through",
    },
    Choice {
        name: "deny",
        help: "stop it",
    },
];

const ACCESS_LIST: &[Node] = &[description(), rules(ACCESS_RULE)];

const ACCESS_RULE: &[Node] = &[
    action(),
    description(),
    group(
        "source",
        ACCESS_ADDRESS,
        "Compared with the network of a prefix",
    )
    .dotted(),
    group(
        "destination",
        ACCESS_ADDRESS,
        "Compared with the mask of a prefix",
    )
    .dotted(),
];

const ACCESS_ADDRESS: &[Node] = &[
    flag("any", "Everything").re_evaluate(),
    leaf("host", Type::Octets, "Exactly this").re_evaluate(),
    leaf("network", Type::Octets, "What is compared").re_evaluate(),
    leaf(
        "inverse-mask",
        Type::Octets,
        "Bits of it that do not count, like 0.0.0.255",
    )
    .re_evaluate(),
];

const ACCESS_LIST6: &[Node] = &[description(), rules(ACCESS_RULE6)];

const ACCESS_RULE6: &[Node] = &[
    action(),
    description(),
    group("source", ACCESS_SOURCE6, "Compared with a prefix").dotted(),
];

const ACCESS_SOURCE6: &[Node] = &[
    flag("any", "Everything").re_evaluate(),
    leaf("network", Type::PrefixV6, "It and all inside of it").re_evaluate(),
    flag("exact-match", "Only the network itself").re_evaluate(),
];

const PREFIX_LIST: &[Node] = &[description(), rules(PREFIX_RULE)];

const PREFIX_LIST6: &[Node] = &[description(), rules(PREFIX_RULE6)];

const PREFIX_RULE: &[Node] = &[
    action(),
    description(),
    prefix(Type::PrefixV4),
    ge(Type::Integer(0, 32)),
    le(Type::Integer(0, 32)),
];

const PREFIX_RULE6: &[Node] = &[
    action(),
    description(),
    prefix(Type::PrefixV6),
    ge(Type::Integer(0, 128)),
    le(Type::Integer(0, 128)),
];

const fn prefix(value: Type) -> Node {
    leaf(
        "prefix",
        value,
        "It alone, or what is inside of it with a length from ge to le",
    )
    .default("required")
    .re_evaluate()
}

const fn ge(length: Type) -> Node {
    leaf("ge", length, "Least length").re_evaluate()
}

const fn le(length: Type) -> Node {
    leaf("le", length, "Greatest length").re_evaluate()
}

const AS_PATH_LIST: &[Node] = &[
    description(),
    rules(&[
        action(),
        description(),
        regex("Regular expression over the AS path; _ is a border between AS numbers"),
    ]),
];

const COMMUNITY_LIST: &[Node] = &[
    description(),
    rules(&[
        action(),
        description(),
        regex("Communities between blanks, all of which must be there, or a regular expression"),
    ]),
];

const LARGE_COMMUNITY_LIST: &[Node] = &[
    description(),
    rules(&[
        action(),
        description(),
        regex(
            "Large communities between blanks, all of which must be there, or a regular expression",
        ),
    ]),
];

const EXTCOMMUNITY_LIST: &[Node] = &[
    description(),
    rules(&[
        action(),
        description(),
        regex("Like rt 65001:100 or soo 65001:100, or a regular expression"),
    ]),
];

const fn regex(help: &'static str) -> Node {
    leaf("regex", Type::Text(4096), help)
        .default("required")
        .re_evaluate()
}
