//! `address-family` of a neighbour or a peer group.

use super::{Node, flag, group, leaf, presence};
use crate::config::value::{Choice, Type};

pub(super) const FAMILIES: &[Node] = &[
    presence("ipv4-unicast", FAMILY, "Exchange IPv4 routes").session_reset(),
    presence("ipv6-unicast", FAMILY, "Exchange IPv6 routes")
        .session_reset()
        .like("protocols bgp neighbor <neighbor> address-family ipv4-unicast"),
];

const FAMILY: &[Node] = &[
    directions("route-map", "A route map"),
    directions("prefix-list", "A prefix list"),
    directions("filter-list", "An AS path list"),
    directions("distribute-list", "An access list"),
    leaf(
        "unsuppress-map",
        Type::Name,
        "A route map that lets through what an aggregate suppresses",
    )
    .re_evaluate(),
    presence(
        "nexthop-self",
        NEXTHOP_SELF,
        "Announce our own address as next hop to an iBGP neighbor",
    )
    .re_evaluate()
    .dotted(),
    group("nexthop-local", NEXTHOP_LOCAL, "The link-local next hop").dotted(),
    presence(
        "attribute-unchanged",
        ATTRIBUTE_UNCHANGED,
        "Announce as it was learnt: all three, or those that are named",
    )
    .re_evaluate()
    .dotted(),
    presence(
        "allowas-in",
        ALLOWAS_IN,
        "Accept AS paths that hold our own AS",
    )
    .re_evaluate()
    .dotted(),
    flag(
        "as-override",
        "Our AS in place of the neighbor's in AS paths",
    )
    .re_evaluate(),
    presence(
        "remove-private-as",
        REMOVE_PRIVATE_AS,
        "Private AS numbers are removed from AS paths that hold no others",
    )
    .re_evaluate()
    .dotted(),
    leaf(
        "maximum-prefix",
        Type::Integer(1, u32::MAX),
        "Most prefixes that the neighbor may send, rejected ones included",
    ),
    leaf(
        "maximum-prefix-threshold",
        Type::Integer(1, 100),
        "Part of the limit at which a warning is given",
    )
    .default("75")
    .unit("percent"),
    leaf(
        "maximum-prefix-action",
        Type::Choice(MAXIMUM_PREFIX_ACTION),
        "What happens above the limit",
    )
    .default("shutdown"),
    leaf(
        "maximum-prefix-restart",
        Type::Integer(1, 65535),
        "When a session that was ended by the action restart comes back",
    )
    .default("30")
    .unit("minutes"),
    leaf(
        "maximum-prefix-out",
        Type::Integer(1, u32::MAX),
        "Most prefixes that the neighbor is told",
    ),
    leaf(
        "weight",
        Type::Integer(0, 65535),
        "Preference of its paths in this router, before anything else",
    )
    .default("0")
    .re_evaluate(),
    presence(
        "default-originate",
        DEFAULT_ORIGINATE,
        "Tell the neighbor a default route",
    )
    .re_evaluate()
    .dotted(),
    flag(
        "route-reflector-client",
        "Reflect routes of other iBGP neighbors to it (RFC 4456)",
    )
    .re_evaluate(),
    flag(
        "route-server-client",
        "Tell it routes as they were learnt (RFC 7947)",
    )
    .re_evaluate(),
    flag("addpath-tx-all", "Tell it all paths (RFC 7911)")
        .excludes(&["addpath-tx-per-as", "addpath-tx-best"])
        .session_reset(),
    flag(
        "addpath-tx-per-as",
        "Tell it the best path of each neighbor AS (RFC 7911)",
    )
    .excludes(&["addpath-tx-best"])
    .session_reset(),
    leaf(
        "addpath-tx-best",
        Type::Integer(2, 16),
        "Tell it so many of the best paths (RFC 7911)",
    )
    .session_reset(),
    flag("disable-addpath-rx", "Do not ask for more than one path").session_reset(),
    group(
        "disable-send-community",
        DISABLE_SEND_COMMUNITY,
        "Communities that are removed",
    )
    .dotted(),
    group(
        "soft-reconfiguration",
        SOFT_RECONFIGURATION,
        "What was received",
    )
    .dotted(),
    flag(
        "discard-rejected",
        "Forget paths that policy rejects; a policy that changes asks for them again",
    )
    .re_evaluate(),
];

const fn directions(name: &'static str, help: &'static str) -> Node {
    group(name, DIRECTIONS, help).dotted()
}

const DIRECTIONS: &[Node] = &[
    leaf("import", Type::Name, "Applied to what the neighbor sends").re_evaluate(),
    leaf("export", Type::Name, "Applied to what it is told").re_evaluate(),
];

const NEXTHOP_SELF: &[Node] = &[flag("force", "For reflected routes too").re_evaluate()];

const NEXTHOP_LOCAL: &[Node] = &[flag(
    "unchanged",
    "Announce the link-local next hop that was learnt",
)
.re_evaluate()];

const ATTRIBUTE_UNCHANGED: &[Node] = &[
    flag("as-path", "The AS path").re_evaluate(),
    flag("med", "MED").re_evaluate(),
    flag("next-hop", "The next hop").re_evaluate(),
];

const ALLOWAS_IN: &[Node] = &[leaf("number", Type::Integer(1, 10), "So often at most")
    .default("3")
    .re_evaluate()];

const REMOVE_PRIVATE_AS: &[Node] = &[flag("all", "From other AS paths too").re_evaluate()];

const MAXIMUM_PREFIX_ACTION: &[Choice] = &[
    Choice {
        name: "shutdown",
        help: "the session ends until it is reset by hand",
    },
    Choice {
        name: "restart",
        help: "the session ends and comes back after a while",
    },
    Choice {
        name: "warn",
        help: "nothing else",
    },
    Choice {
        name: "block",
        help: "what is above the limit is kept and not used",
    },
];

const DEFAULT_ORIGINATE: &[Node] =
    &[leaf("route-map", Type::Name, "Changes the route").re_evaluate()];

const DISABLE_SEND_COMMUNITY: &[Node] = &[
    flag("standard", "Standard communities").re_evaluate(),
    flag("extended", "Extended communities").re_evaluate(),
    flag("large", "Large communities").re_evaluate(),
];

const SOFT_RECONFIGURATION: &[Node] = &[flag(
    "inbound",
    "Accepted and without effect: what was received is always kept",
)];
