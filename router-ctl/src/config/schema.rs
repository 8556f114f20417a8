//! Every node of the configuration, described once. The TOML walk, the writer and the reference document
//! are driven by this tree; a node that is not here does not exist.
//!
//! Each node knows its name (the word of the `set` path), what it holds, a line of help, what its absence
//! means, its unit, and what a change of it does to the running router.

use crate::config::value::{Choice, Type};

#[derive(Debug, PartialEq, Eq)]
pub struct Node {
    pub name: &'static str,
    pub help: &'static str,
    pub kind: Kind,
    /// What absence means; empty when it means nothing in particular.
    pub default: &'static str,
    pub unit: &'static str,
    /// Must be there whenever its parent is.
    pub required: bool,
    pub change: Change,
    /// Written as dotted keys inside the parent's table instead of a table of its own.
    pub dotted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One value.
    Leaf(Type),
    /// A boolean; its `set` line has no value when it is off by default.
    Flag { default: bool },
    /// A table that only groups.
    Group(&'static [Node]),
    /// A table whose presence alone says something.
    Presence(&'static [Node]),
    /// A table of tables, each called by a key.
    Named(Type, &'static [Node]),
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

impl Node {
    pub fn children(&self) -> &'static [Node] {
        match self.kind {
            Kind::Leaf(_) | Kind::Flag { .. } => &[],
            Kind::Group(children) | Kind::Presence(children) | Kind::Named(_, children) => children,
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
            change: Change::Live,
            dotted: false,
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

    const fn change(mut self, change: Change) -> Self {
        self.change = change;
        self
    }

    const fn dotted(mut self) -> Self {
        self.dotted = true;
        self
    }
}

const fn leaf(name: &'static str, value: Type, help: &'static str) -> Node {
    Node::new(name, Kind::Leaf(value), help)
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

/// The whole configuration.
pub const ROOT: &[Node] = &[
    group("system", SYSTEM, "The host"),
    group("interfaces", INTERFACES, "Ports of the router"),
    group("protocols", PROTOCOLS, "Where routes come from"),
];

const SYSTEM: &[Node] = &[leaf(
    "host-name",
    Type::HostName,
    "Name of this router in its own output",
)];

const INTERFACES: &[Node] = &[named(
    "ethernet",
    Type::Interface,
    ETHERNET,
    "An Ethernet interface, by its Linux name",
)];

const ETHERNET: &[Node] = &[
    leaf("description", Type::Text(255), "Free text"),
    leaf(
        "xdp",
        Type::Choice(XDP_MODES),
        "How the fast path is attached; never another mode than the one asked for",
    )
    .default("off"),
    group("ip", ETHERNET_IP, "IP on this interface").dotted(),
];

const XDP_MODES: &[Choice] = &[
    Choice {
        name: "native",
        help: "in the driver; refused when the driver cannot",
    },
    Choice {
        name: "generic",
        help: "in the network stack; slow, for tests and odd drivers",
    },
    Choice {
        name: "off",
        help: "the kernel forwards",
    },
];

const ETHERNET_IP: &[Node] = &[flag(
    "disable-forwarding",
    "Frames that arrive here pass to the kernel",
)];

const PROTOCOLS: &[Node] = &[
    presence("bgp", BGP, "The BGP speaker"),
    group("static", STATIC, "Routes set by hand"),
];

const STATIC: &[Node] = &[
    named("route", Type::PrefixV4, ROUTE, "An IPv4 route"),
    named("route6", Type::PrefixV6, ROUTE6, "An IPv6 route"),
];

const ROUTE: &[Node] = &[
    named(
        "next-hop",
        Type::Address,
        NEXT_HOP,
        "A gateway; several share the traffic",
    )
    .dotted(),
    presence("blackhole", TARGET, "Discard silently").dotted(),
    presence("reject", TARGET, "Discard and tell the sender").dotted(),
];

const ROUTE6: &[Node] = &[
    named(
        "next-hop",
        Type::AddressV6,
        NEXT_HOP,
        "A gateway; several share the traffic",
    )
    .dotted(),
    presence("blackhole", TARGET, "Discard silently").dotted(),
    presence("reject", TARGET, "Discard and tell the sender").dotted(),
];

const NEXT_HOP: &[Node] = &[
    leaf(
        "interface",
        Type::Interface,
        "Interface the gateway is on; needed for link-local gateways",
    ),
    leaf(
        "distance",
        Type::Integer(1, 255),
        "Lower wins among routes to one prefix",
    )
    .default("1"),
];

const TARGET: &[Node] = &[leaf(
    "distance",
    Type::Integer(1, 255),
    "Lower wins among routes to one prefix",
)
.default("1")];

const BGP: &[Node] = &[
    leaf("system-as", Type::Asn, "AS of this router")
        .required()
        .change(Change::SessionReset),
    group("timers", TIMERS, "Timers of every neighbor").dotted(),
    group("listen", LISTEN, "Where sessions are accepted").dotted(),
    group("parameters", PARAMETERS, "The speaker as a whole"),
    group("address-family", ADDRESS_FAMILIES, "What is carried"),
    named(
        "neighbor",
        Type::Address,
        NEIGHBOR,
        "A BGP neighbor, by its address",
    ),
];

const TIMERS: &[Node] = &[
    holdtime().default("90"),
    keepalive().default("a third of the hold time"),
    connect().default("30"),
];

const NEIGHBOR_TIMERS: &[Node] = &[
    holdtime().default("that of protocols bgp timers"),
    keepalive().default("that of protocols bgp timers, else a third of the hold time"),
    connect().default("that of protocols bgp timers"),
];

const fn holdtime() -> Node {
    leaf(
        "holdtime",
        Type::HoldTime,
        "Silence after which a session is given up; the lower of both sides holds",
    )
    .unit("seconds")
    .change(Change::NextSession)
}

const fn keepalive() -> Node {
    leaf(
        "keepalive",
        Type::Integer(1, 65535),
        "Interval of keepalives",
    )
    .unit("seconds")
    .change(Change::NextSession)
}

const fn connect() -> Node {
    leaf(
        "connect",
        Type::Integer(1, 65535),
        "Wait before dialling again",
    )
    .unit("seconds")
}

const LISTEN: &[Node] = &[leaf(
    "port",
    Type::Integer(1, 65535),
    "TCP port that is listened on",
)
.default("179")];

const PARAMETERS: &[Node] = &[
    leaf("router-id", Type::RouterId, "BGP Identifier")
        .default("the highest IPv4 address of the host")
        .change(Change::SessionReset),
    flag_on(
        "ebgp-requires-policy",
        "Exchange nothing with an eBGP neighbor that has no policy (RFC 8212)",
    )
    .change(Change::ReEvaluate),
    group("bestpath", BESTPATH, "How the best path is chosen").dotted(),
    flag(
        "always-compare-med",
        "Compare MED between different neighbor ASes too",
    )
    .change(Change::ReEvaluate),
    flag_on(
        "network-import-check",
        "Originate a network only while another source has the prefix",
    )
    .change(Change::ReEvaluate),
    group("default", DEFAULT, "Values of paths that bring none").dotted(),
    group(
        "graceful-restart",
        GRACEFUL_RESTART,
        "Restart without loss (RFC 4724)",
    )
    .dotted(),
];

const BESTPATH: &[Node] = &[
    group("as-path", BESTPATH_AS_PATH, "AS path").dotted(),
    group("med", BESTPATH_MED, "MED").dotted(),
];

const BESTPATH_AS_PATH: &[Node] = &[flag(
    "multipath-relax",
    "Share traffic over different AS paths of one length",
)
.change(Change::ReEvaluate)];

const BESTPATH_MED: &[Node] = &[flag(
    "missing-as-worst",
    "A path without MED loses instead of counting as 0",
)
.change(Change::ReEvaluate)];

const DEFAULT: &[Node] = &[leaf(
    "local-pref",
    Type::Integer(0, u32::MAX),
    "LOCAL_PREF of paths that bring none",
)
.default("100")
.change(Change::ReEvaluate)];

const GRACEFUL_RESTART: &[Node] = &[leaf(
    "restart-time",
    Type::Integer(1, 4095),
    "How long neighbors keep our routes while we restart",
)
.default("120")
.unit("seconds")
.change(Change::NextSession)];

const ADDRESS_FAMILIES: &[Node] = &[
    presence("ipv4-unicast", FAMILY_V4, "IPv4 routes"),
    presence("ipv6-unicast", FAMILY_V6, "IPv6 routes"),
];

const FAMILY_V4: &[Node] = &[
    group(
        "maximum-paths",
        MAXIMUM_PATHS,
        "Equal paths that share traffic",
    )
    .dotted(),
    named("network", Type::PrefixV4, &[], "A prefix that we originate").dotted(),
];

const FAMILY_V6: &[Node] = &[
    group(
        "maximum-paths",
        MAXIMUM_PATHS,
        "Equal paths that share traffic",
    )
    .dotted(),
    named("network", Type::PrefixV6, &[], "A prefix that we originate").dotted(),
];

const MAXIMUM_PATHS: &[Node] = &[
    leaf("ebgp", Type::Integer(1, 256), "Over eBGP neighbors").default("256"),
    leaf("ibgp", Type::Integer(1, 256), "Over iBGP neighbors").default("256"),
];

const NEIGHBOR: &[Node] = &[
    leaf("remote-as", Type::RemoteAs, "AS of the neighbor")
        .required()
        .change(Change::SessionReset),
    leaf("description", Type::Text(255), "Free text"),
    flag("passive", "Wait for the neighbor to dial"),
    flag("shutdown", "Keep the session down"),
    leaf("port", Type::Integer(1, 65535), "TCP port that is dialled")
        .default("179")
        .change(Change::SessionReset),
    leaf("update-source", Type::Address, "Our address in the session")
        .default("chosen by the kernel")
        .change(Change::SessionReset),
    leaf(
        "ebgp-multihop",
        Type::Integer(1, 255),
        "TTL of our packets to an eBGP neighbor",
    )
    .default("1")
    .change(Change::SessionReset),
    group("timers", NEIGHBOR_TIMERS, "Timers of this neighbor").dotted(),
    group("address-family", NEIGHBOR_FAMILIES, "What is exchanged"),
];

const NEIGHBOR_FAMILIES: &[Node] = &[
    presence("ipv4-unicast", NEIGHBOR_FAMILY, "Exchange IPv4 routes").change(Change::SessionReset),
    presence("ipv6-unicast", NEIGHBOR_FAMILY, "Exchange IPv6 routes").change(Change::SessionReset),
];

const NEIGHBOR_FAMILY: &[Node] = &[presence(
    "nexthop-self",
    &[],
    "Announce our own address as next hop to an iBGP neighbor",
)
.change(Change::ReEvaluate)
.dotted()];
