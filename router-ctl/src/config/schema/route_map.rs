//! `policy route-map`

use super::policy::{RULE_NUMBER, action};
use super::{Node, description, flag, group, leaf, multi, named};
use crate::config::value::{Choice, Type};

pub(super) const ROUTE_MAP: &[Node] = &[
    description(),
    named(
        "rule",
        RULE_NUMBER,
        RULE,
        "A rule; rules are tried by their numbers, and the end denies",
    )
    .re_evaluate(),
];

const RULE: &[Node] = &[
    action(),
    description(),
    group(
        "match",
        MATCH,
        "All must hold; of several values of one key, one",
    )
    .dotted(),
    group("set", SET, "What a permitted route becomes").dotted(),
    leaf(
        "call",
        Type::Name,
        "Another route map, asked after set; if it denies, the route is denied",
    )
    .re_evaluate(),
    leaf(
        "continue",
        RULE_NUMBER,
        "Rule at which a permitted route goes on",
    )
    .re_evaluate(),
    group(
        "on-match",
        ON_MATCH,
        "Where a permitted route goes on instead of leaving",
    )
    .dotted(),
];

const ON_MATCH: &[Node] = &[
    flag("next", "At the next rule")
        .excludes(&["goto"])
        .re_evaluate(),
    leaf("goto", RULE_NUMBER, "At this rule").re_evaluate(),
];

const fn any_of(name: &'static str, value: Type, help: &'static str) -> Node {
    multi(name, value, help).re_evaluate()
}

const ANY: Type = Type::Integer(0, u32::MAX);

const MATCH: &[Node] = &[
    any_of("as-path", Type::Name, "AS path lists"),
    group("community", MATCH_COMMUNITY, "Standard communities").dotted(),
    named(
        "community-range",
        Type::CommunityRange,
        MATCH_COMMUNITY_RANGE,
        "Communities whose second half is a scale: one with such a value is there",
    )
    .re_evaluate()
    .dotted(),
    group(
        "large-community",
        MATCH_LARGE_COMMUNITY,
        "Large communities",
    )
    .dotted(),
    any_of("extcommunity", Type::Name, "Extended community lists"),
    any_of(
        "interface",
        Type::Interface,
        "Interface of the neighbor or the next hop",
    ),
    group("ip", MATCH_V4, "IPv4 routes").dotted(),
    group("ipv6", MATCH_V6, "IPv6 routes").dotted(),
    any_of("local-preference", ANY, "LOCAL_PREF"),
    any_of("metric", ANY, "MED"),
    any_of("origin", Type::Choice(ORIGINS), "ORIGIN"),
    any_of("peer", Type::Peer, "The neighbor, or our own routes"),
    any_of(
        "protocol",
        Type::Choice(PROTOCOLS),
        "Where the route is from",
    ),
    any_of("tag", ANY, "Tag of the route"),
];

const MATCH_COMMUNITY: &[Node] = &[
    any_of("community-list", Type::Name, "Community lists"),
    flag("exact-match", "These communities and no others").re_evaluate(),
];

const HALF: Type = Type::Integer(0, 65535);

const MATCH_COMMUNITY_RANGE: &[Node] = &[
    leaf("ge", HALF, "Least value").re_evaluate(),
    leaf("le", HALF, "Greatest value").re_evaluate(),
];

const MATCH_LARGE_COMMUNITY: &[Node] = &[any_of(
    "large-community-list",
    Type::Name,
    "Large community lists",
)];

const MATCH_V4: &[Node] = &[
    group("address", ADDRESS_V4, "The prefix").dotted(),
    group("nexthop", NEXTHOP_V4, "The next hop").dotted(),
];

const MATCH_V6: &[Node] = &[
    group("address", ADDRESS_V6, "The prefix").dotted(),
    group("nexthop", NEXTHOP_V6, "The next hop").dotted(),
];

const ADDRESS_V4: &[Node] = &[ACCESS_LIST, PREFIX_LIST, prefix_len(Type::Integer(0, 32))];

const ADDRESS_V6: &[Node] = &[
    ACCESS_LIST6,
    PREFIX_LIST6,
    prefix_len(Type::Integer(0, 128)),
];

const NEXTHOP_V4: &[Node] = &[
    any_of("address", Type::AddressV4, "Next hops"),
    ACCESS_LIST,
    PREFIX_LIST,
    prefix_len(Type::Integer(0, 32)),
];

const NEXTHOP_V6: &[Node] = &[
    any_of("address", Type::AddressV6, "Next hops"),
    ACCESS_LIST6,
    PREFIX_LIST6,
    prefix_len(Type::Integer(0, 128)),
];

const ACCESS_LIST: Node = any_of("access-list", Type::Name, "Lists below policy access-list");

const ACCESS_LIST6: Node = any_of("access-list", Type::Name, "Lists below policy access-list6");

const PREFIX_LIST: Node = any_of("prefix-list", Type::Name, "Lists below policy prefix-list");

const PREFIX_LIST6: Node = any_of("prefix-list", Type::Name, "Lists below policy prefix-list6");

const fn prefix_len(length: Type) -> Node {
    any_of("prefix-len", length, "Lengths of prefixes")
}

const ORIGINS: &[Choice] = &[
    Choice {
        name: "igp",
        help: "from the network's own routing",
    },
    Choice {
        name: "egp",
        help: "from EGP",
    },
    Choice {
        name: "incomplete",
        help: "from somewhere else",
    },
];

const PROTOCOLS: &[Choice] = &[
    Choice {
        name: "bgp",
        help: "a neighbor",
    },
    Choice {
        name: "connected",
        help: "an interface",
    },
    Choice {
        name: "kernel",
        help: "somebody else in the kernel's table",
    },
    Choice {
        name: "static",
        help: "a static route",
    },
];

const fn set(name: &'static str, value: Type, help: &'static str) -> Node {
    leaf(name, value, help).re_evaluate()
}

const SET: &[Node] = &[
    group("aggregator", AGGREGATOR, "AGGREGATOR; both or none").dotted(),
    group("as-path", AS_PATH, "The AS path").dotted(),
    flag("atomic-aggregate", "Add ATOMIC_AGGREGATE").re_evaluate(),
    group("community", COMMUNITY, "Standard communities").dotted(),
    named(
        "community-range",
        Type::CommunityRange,
        COMMUNITY_RANGE,
        "Communities whose second half is a scale; one of the keys",
    )
    .re_evaluate()
    .dotted(),
    group("large-community", LARGE_COMMUNITY, "Large communities").dotted(),
    group("extcommunity", EXTCOMMUNITY, "Extended communities").dotted(),
    set("distance", Type::Integer(1, 255), "Administrative distance"),
    set("ip-next-hop", Type::NextHop, "Next hop of IPv4 routes"),
    group("ipv6-next-hop", IPV6_NEXT_HOP, "IPv6 next hop").dotted(),
    set("local-preference", Type::NumberChange, "LOCAL_PREF"),
    set("metric", Type::NumberChange, "MED"),
    set("origin", Type::Choice(ORIGINS), "ORIGIN"),
    set("originator-id", Type::RouterId, "ORIGINATOR_ID"),
    set("tag", ANY, "Tag of the route"),
    set("weight", ANY, "Preference in this router"),
];

const AGGREGATOR: &[Node] = &[
    set("as", Type::Asn, "The AS"),
    set("ip", Type::RouterId, "The router"),
];

const AS_PATH: &[Node] = &[
    set("exclude", Type::AsPath, "AS numbers that are removed"),
    set(
        "prepend-last-as",
        Type::Integer(1, 10),
        "How often the leftmost AS is prepended",
    ),
    set("prepend", Type::AsPath, "AS numbers put in front"),
];

const NONE_HELP: &str = "Remove all";

const COMMUNITY: &[Node] = &[
    flag("none", NONE_HELP).re_evaluate(),
    any_of("replace", Type::Community, "These in place of all"),
    set("delete", Type::Name, "Remove what this list permits"),
    any_of("add", Type::Community, "Add these"),
];

const COMMUNITY_RANGE: &[Node] = &[
    set(
        "max",
        HALF,
        "Leave one: the largest of what is there and this",
    ),
    set(
        "min",
        HALF,
        "Leave one: the smallest of what is there and this",
    ),
    flag("delete", "Remove all of the range").re_evaluate(),
];

const LARGE_COMMUNITY: &[Node] = &[
    flag("none", NONE_HELP).re_evaluate(),
    any_of("replace", Type::LargeCommunity, "These in place of all"),
    set("delete", Type::Name, "Remove what this list permits"),
    any_of("add", Type::LargeCommunity, "Add these"),
];

const EXTCOMMUNITY: &[Node] = &[
    flag("none", NONE_HELP).re_evaluate(),
    any_of("rt", Type::RouteTarget, "Route targets"),
    any_of("soo", Type::RouteTarget, "Sites of origin"),
];

const IPV6_NEXT_HOP: &[Node] = &[
    set("global", Type::AddressV6, "The global address"),
    set("local", Type::AddressV6, "The link-local address"),
    flag(
        "peer-address",
        "The neighbor's address on import, ours of the session on export",
    )
    .re_evaluate(),
];
