//! `protocols bgp`, apart from its neighbours.

use super::{Kind, Node, flag, flag_on, group, joined, leaf, named, neighbor, presence};
use crate::config::value::Type;

pub(super) const BGP: &[Node] = &[
    leaf("system-as", Type::Asn, "AS of this router")
        .required()
        .session_reset(),
    group("timers", TIMERS, "Timers of every neighbor").dotted(),
    group("listen", LISTEN, "Where sessions are accepted").dotted(),
    group("parameters", PARAMETERS, "The speaker as a whole"),
    group("address-family", ADDRESS_FAMILIES, "What is carried"),
    named(
        "peer-group",
        Type::Name,
        neighbor::PEER_GROUP,
        "Settings that neighbors share: every key of a neighbor but peer-group and interface",
    )
    .like("protocols bgp neighbor <neighbor>"),
    named(
        "neighbor",
        Type::Neighbor,
        neighbor::NEIGHBOR,
        "A BGP neighbor, by its address, address%interface, or the interface it is found on",
    ),
];

const TIMERS: &[Node] = &[
    holdtime().default("90"),
    keepalive().default("a third of the hold time"),
    connect().default("30"),
];

pub(super) const fn holdtime() -> Node {
    leaf(
        "holdtime",
        Type::HoldTime,
        "Silence after which a session is given up; the lower of both sides holds",
    )
    .unit("seconds")
    .next_session()
}

pub(super) const fn keepalive() -> Node {
    leaf(
        "keepalive",
        Type::Integer(1, 65535),
        "Interval of keepalives",
    )
    .unit("seconds")
    .next_session()
}

pub(super) const fn connect() -> Node {
    leaf(
        "connect",
        Type::Integer(1, 65535),
        "Wait before dialling again",
    )
    .unit("seconds")
}

const LISTEN: &[Node] = &[
    leaf(
        "port",
        Type::Integer(1, 65535),
        "TCP port that is listened on",
    )
    .default("179"),
    named(
        "range",
        Type::Prefix,
        RANGE,
        "Who may connect without being configured one by one; the most specific range wins",
    )
    .dotted(),
    leaf(
        "limit",
        Type::Integer(1, 5000),
        "Most neighbors that ranges bring",
    )
    .default("100"),
];

const RANGE: &[Node] = &[leaf(
    "peer-group",
    Type::Name,
    "Group whose settings such a neighbor has",
)
.required()];

const PARAMETERS: &[Node] = &[
    leaf("router-id", Type::RouterId, "BGP Identifier")
        .default("the highest IPv4 address of the host")
        .session_reset(),
    leaf(
        "cluster-id",
        Type::RouterId,
        "Name of the cluster whose routes are reflected (RFC 4456)",
    )
    .default("the router id")
    .re_evaluate(),
    flag(
        "no-client-to-client-reflection",
        "Clients tell each other themselves",
    )
    .re_evaluate(),
    flag(
        "route-reflector-allow-outbound-policy",
        "Policy may change next hop, AS path, MED and LOCAL_PREF of a reflected route",
    )
    .re_evaluate(),
    flag_on(
        "ebgp-requires-policy",
        "Exchange nothing with an eBGP neighbor that has no policy (RFC 8212)",
    )
    .re_evaluate(),
    group("bestpath", BESTPATH, "How the best path is chosen").dotted(),
    flag(
        "always-compare-med",
        "Compare MED between different neighbor ASes too",
    )
    .re_evaluate(),
    Node::new(
        "deterministic-med",
        Kind::AlwaysOn,
        "The choice does not depend on the order of arrival",
    )
    .default("true"),
    flag_on(
        "network-import-check",
        "Originate a network only while another source has the prefix",
    )
    .re_evaluate(),
    group("default", DEFAULT, "Values of paths that bring none").dotted(),
    leaf(
        "minimum-holdtime",
        Type::Integer(3, 65535),
        "Lowest hold time that a neighbor may offer",
    )
    .default("3")
    .unit("seconds")
    .next_session(),
    flag(
        "graceful-shutdown",
        "Tell everyone that our routes are about to go away (RFC 8326)",
    )
    .re_evaluate(),
    flag(
        "ignore-graceful-shutdown",
        "The GRACEFUL_SHUTDOWN community of others changes nothing",
    )
    .re_evaluate(),
    flag(
        "no-fast-external-failover",
        "An interface that goes down does not end the sessions over it",
    ),
    flag_on(
        "suppress-fib-pending",
        "Announce a route when the data plane has it",
    )
    .re_evaluate(),
    flag_on(
        "reject-as-sets",
        "Withdraw routes whose AS path holds a set (RFC 9774)",
    )
    .re_evaluate(),
    flag(
        "allow-martian-nexthop",
        "Accept next hops that no packet may be sent to",
    )
    .re_evaluate(),
    flag(
        "no-hard-administrative-reset",
        "Neighbors keep our routes over an administrative reset (RFC 8538)",
    ),
    flag_on(
        "log-neighbor-changes",
        "Log each session that comes or goes",
    ),
    group(
        "graceful-restart",
        GRACEFUL_RESTART,
        "Restart without loss (RFC 4724)",
    )
    .dotted(),
    leaf(
        "enhanced-refresh-stale-time",
        Type::Integer(1, 3600),
        "How long paths wait to be refreshed (RFC 7313)",
    )
    .default("360")
    .unit("seconds"),
    leaf(
        "update-delay",
        Type::Integer(0, 3600),
        "How long a cold start waits for the neighbors' whole tables before it decides",
    )
    .default("0")
    .unit("seconds"),
    group("distance", DISTANCE, "Administrative distance").dotted(),
];

const BESTPATH: &[Node] = &[
    group("as-path", BESTPATH_AS_PATH, "AS path").dotted(),
    group("peer-type", BESTPATH_PEER_TYPE, "eBGP and iBGP").dotted(),
    group("origin", BESTPATH_ORIGIN, "ORIGIN").dotted(),
    Node::new(
        "compare-routerid",
        Kind::AlwaysOn,
        "The lower router id wins between equal eBGP paths, and not the older path",
    )
    .default("true"),
    group("med", BESTPATH_MED, "MED").dotted(),
];

const BESTPATH_AS_PATH: &[Node] = &[
    flag("ignore", "The length of the AS path does not count").re_evaluate(),
    flag(
        "multipath-relax",
        "Share traffic over different AS paths of one length",
    )
    .re_evaluate(),
];

const BESTPATH_PEER_TYPE: &[Node] =
    &[flag("multipath-relax", "Share traffic over eBGP and iBGP paths").re_evaluate()];

const BESTPATH_ORIGIN: &[Node] = &[flag(
    "multipath-relax",
    "Share traffic over paths of different ORIGIN",
)
.re_evaluate()];

const BESTPATH_MED: &[Node] = &[flag(
    "missing-as-worst",
    "A path without MED loses instead of counting as 0",
)
.re_evaluate()];

const DEFAULT: &[Node] = &[leaf(
    "local-pref",
    Type::Integer(0, u32::MAX),
    "LOCAL_PREF of paths that bring none",
)
.default("100")
.re_evaluate()];

const GRACEFUL_RESTART: &[Node] = &[
    leaf(
        "restart-time",
        Type::Integer(1, 4095),
        "How long neighbors keep our routes while we restart",
    )
    .default("120")
    .unit("seconds")
    .next_session(),
    leaf(
        "stalepath-time",
        Type::Integer(1, 4095),
        "How long the paths of a neighbor that is back wait for its whole table",
    )
    .default("360")
    .unit("seconds")
    .next_session(),
    leaf(
        "select-defer-time",
        Type::Integer(0, 3600),
        "How long decisions wait for the neighbors after our restart",
    )
    .default("120")
    .unit("seconds")
    .next_session(),
];

const DISTANCE: &[Node] = &[group("global", GLOBAL_DISTANCE, "Of both families").dotted()];

const GLOBAL_DISTANCE: &[Node] = &[
    distance("external", "Of routes from eBGP neighbors").default("20"),
    distance("internal", "Of routes from iBGP neighbors").default("200"),
    distance("local", "Of aggregates").default("200"),
];

const fn distance(name: &'static str, help: &'static str) -> Node {
    leaf(name, Type::Integer(1, 255), help)
}

const ADDRESS_FAMILIES: &[Node] = &[
    presence("ipv4-unicast", FAMILY_V4, "IPv4 routes"),
    presence("ipv6-unicast", FAMILY_V6, "IPv6 routes")
        .like("protocols bgp address-family ipv4-unicast"),
];

const FAMILY_V4: &[Node] = &joined::<{ FAMILY.len() + 2 }>(
    FAMILY,
    &[network(Type::PrefixV4), aggregate(Type::PrefixV4)],
);

const FAMILY_V6: &[Node] = &joined::<{ FAMILY.len() + 2 }>(
    FAMILY,
    &[network(Type::PrefixV6), aggregate(Type::PrefixV6)],
);

const FAMILY: &[Node] = &[
    group(
        "maximum-paths",
        MAXIMUM_PATHS,
        "Equal paths that share traffic",
    )
    .dotted(),
    group("distance", FAMILY_DISTANCE, "Administrative distance").dotted(),
    group("redistribute", REDISTRIBUTE, "Routes of other protocols").dotted(),
];

const MAXIMUM_PATHS: &[Node] = &[
    leaf("ebgp", Type::Integer(1, 256), "Over eBGP neighbors").default("256"),
    leaf("ibgp", Type::Integer(1, 256), "Over iBGP neighbors").default("256"),
];

const FAMILY_DISTANCE: &[Node] = &[
    distance("external", "Of routes from eBGP neighbors").default(GLOBAL),
    distance("internal", "Of routes from iBGP neighbors").default(GLOBAL),
    distance("local", "Of aggregates").default(GLOBAL),
];

const GLOBAL: &str = "that of parameters distance global";

const REDISTRIBUTE: &[Node] = &[
    presence("connected", REDISTRIBUTED, "Prefixes of our interfaces").dotted(),
    presence("static", REDISTRIBUTED, "Static routes").dotted(),
    presence(
        "kernel",
        REDISTRIBUTED,
        "Routes of others in the kernel's main table",
    )
    .dotted(),
];

const REDISTRIBUTED: &[Node] = &[
    leaf("metric", Type::Integer(0, u32::MAX), "MED of the routes"),
    route_map("Chooses and changes the routes"),
];

const fn route_map(help: &'static str) -> Node {
    leaf("route-map", Type::Name, help).re_evaluate()
}

const fn network(prefix: Type) -> Node {
    named("network", prefix, NETWORK, "A prefix that we originate").dotted()
}

const NETWORK: &[Node] = &[
    route_map("Changes the route"),
    flag(
        "backdoor",
        "An IGP's route is preferred to that of an eBGP neighbor",
    )
    .re_evaluate(),
];

const fn aggregate(prefix: Type) -> Node {
    named(
        "aggregate-address",
        prefix,
        AGGREGATE,
        "A prefix that we originate while a more specific route is there",
    )
    .dotted()
}

const AGGREGATE: &[Node] = &[
    flag("summary-only", "The more specific routes are not announced").re_evaluate(),
    flag(
        "as-set",
        "The AS path ends with the set of the contributors' ASes; others reject such routes (RFC 9774)",
    )
    .re_evaluate(),
    route_map("Changes the route"),
];
