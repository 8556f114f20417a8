//! `protocols bgp neighbor` and `protocols bgp peer-group`.

use super::bgp::{connect, holdtime, keepalive};
use super::neighbor_family::FAMILIES;
use super::{Kind, Node, description, flag, flag_on, group, joined, leaf, multi, presence};
use crate::config::value::{Choice, Type};

pub(super) const NEIGHBOR: &[Node] = &joined::<{ MEMBER.len() + SETTINGS.len() }>(MEMBER, SETTINGS);

pub(super) const PEER_GROUP: &[Node] = &joined::<{ 1 + SETTINGS.len() }>(&[remote_as()], SETTINGS);

const MEMBER: &[Node] = &[
    remote_as()
        .default("that of the peer group; one of both is needed")
        .excludes(&["interface v6only remote-as"]),
    peer_group().excludes(&["interface v6only peer-group"]),
    group("interface", INTERFACE, "The link of the neighbor").dotted(),
];

const fn remote_as() -> Node {
    leaf("remote-as", Type::RemoteAs, "AS of the neighbor").session_reset()
}

const fn peer_group() -> Node {
    leaf(
        "peer-group",
        Type::Name,
        "Group whose settings hold where the neighbor has none; what differs then changes as its key says",
    )
}

const INTERFACE: &[Node] = &[
    presence(
        "v6only",
        V6ONLY,
        "The only neighbor on the link, found by its router advertisements",
    )
    .session_reset()
    .dotted(),
    leaf(
        "source-interface",
        Type::Interface,
        "Where a link-local neighbor is",
    )
    .session_reset(),
];

const V6ONLY: &[Node] = &[remote_as(), peer_group()];

/// All that neighbours and groups share but `remote-as`.
const SETTINGS: &[Node] = &[
    description(),
    flag("passive", "Wait for the neighbor to dial"),
    flag("shutdown", "Keep the session down"),
    leaf(
        "shutdown-message",
        Type::Text(255),
        "Told to the neighbor with shutdown (RFC 9003)",
    ),
    leaf("port", Type::Integer(1, 65535), "TCP port that is dialled")
        .default("179")
        .session_reset(),
    leaf(
        "update-source",
        Type::Source,
        "Our address in the session, or the interface that has it",
    )
    .default("chosen by the kernel")
    .session_reset(),
    leaf(
        "ebgp-multihop",
        Type::Integer(1, 255),
        "TTL of our packets to an eBGP neighbor",
    )
    .default("1")
    .session_reset(),
    flag(
        "disable-connected-check",
        "An eBGP neighbor on a loopback address, one hop away",
    )
    .session_reset(),
    group(
        "ttl-security",
        TTL_SECURITY,
        "Packets from further away are dropped by the kernel (RFC 5082)",
    )
    .dotted(),
    leaf(
        "password",
        Type::Password,
        "Key of TCP MD5 (RFC 2385); change it on both sides within the hold time",
    ),
    leaf(
        "tcp-mss",
        Type::Integer(536, 65535),
        "Largest TCP segment that we send",
    )
    .default("chosen by the kernel")
    .unit("octets")
    .next_session(),
    Node::new(
        "local-as",
        Kind::Single(Type::Asn, LOCAL_AS),
        "Another AS that we are in this eBGP session",
    )
    .session_reset()
    .dotted(),
    group("timers", TIMERS, "Timers of this neighbor").dotted(),
    flag_on(
        "enforce-first-as",
        "The AS path of an eBGP neighbor begins with its AS",
    )
    .re_evaluate(),
    presence(
        "bfd",
        BFD,
        "Close the session as soon as BFD misses the neighbor",
    )
    .dotted(),
    leaf(
        "graceful-restart",
        Type::Choice(GRACEFUL_RESTART),
        "Forwarding over a restart (RFC 4724)",
    )
    .default("enable")
    .next_session(),
    flag(
        "graceful-shutdown",
        "Tell this neighbor that our routes are about to go away (RFC 8326)",
    )
    .re_evaluate(),
    group("capability", CAPABILITY, "What is offered in the OPEN").dotted(),
    flag("disable-capability-negotiation", "Offer no capability").session_reset(),
    flag(
        "override-capability",
        "Use what is configured, whatever the neighbor offers",
    )
    .session_reset(),
    flag(
        "strict-capability-match",
        "No session with a neighbor that does not offer what we do",
    )
    .session_reset(),
    group(
        "path-attribute",
        PATH_ATTRIBUTE,
        "Attributes, by their codes, that the neighbor may not send",
    )
    .dotted(),
    leaf(
        "advertisement-interval",
        Type::Integer(0, 600),
        "Time between announcements; 0 alone is accepted, as they leave once the data plane forwards",
    )
    .default("0")
    .unit("seconds"),
    flag("solo", "Share no update group"),
    group(
        "blackhole-community",
        BLACKHOLE_COMMUNITY,
        "The BLACKHOLE community (RFC 7999)",
    )
    .dotted(),
    group("address-family", FAMILIES, "What is exchanged"),
];

const TTL_SECURITY: &[Node] = &[leaf(
    "hops",
    Type::Integer(1, 254),
    "How far away the neighbor may be",
)
.session_reset()];

const LOCAL_AS: &[Node] = &[presence(
    "no-prepend",
    NO_PREPEND,
    "Not prepended to what the neighbor sends",
)
.session_reset()
.dotted()];

const NO_PREPEND: &[Node] = &[flag(
    "replace-as",
    "Our own AS does not stand behind it in what we send",
)
.session_reset()];

const TIMERS: &[Node] = &[
    holdtime().default("that of protocols bgp timers"),
    keepalive().default("that of protocols bgp timers, else a third of the hold time"),
    connect().default("that of protocols bgp timers"),
    leaf(
        "error-wait",
        Type::Integer(5, 300),
        "Wait after a session that ended with an error; doubles up to 300",
    )
    .default("5")
    .unit("seconds"),
    leaf(
        "send-hold",
        Type::Integer(1, 65535),
        "How long the neighbor may take nothing from us (RFC 9687)",
    )
    .default("the larger of 480 and twice the hold time")
    .unit("seconds")
    .next_session(),
];

const BFD: &[Node] = &[
    leaf("profile", Type::Name, "How the BFD session is timed").default("300 ms, three times"),
    flag(
        "check-control-plane-failure",
        "Refused: the loss of a BFD session always ends the BGP session",
    ),
];

const GRACEFUL_RESTART: &[Choice] = &[
    Choice {
        name: "enable",
        help: "for both sides",
    },
    Choice {
        name: "restart-helper",
        help: "for the neighbor only",
    },
    Choice {
        name: "disable",
        help: "for none",
    },
];

const CAPABILITY: &[Node] = &[
    flag(
        "extended-nexthop",
        "IPv4 routes with IPv6 next hops (RFC 8950); implied on link-local sessions",
    )
    .session_reset(),
    flag_on(
        "extended-message",
        "Messages of up to 65535 octets (RFC 8654)",
    )
    .session_reset(),
];

const PATH_ATTRIBUTE: &[Node] = &[
    multi("discard", Type::Integer(1, 255), "Removed from the routes").re_evaluate(),
    multi(
        "treat-as-withdraw",
        Type::Integer(1, 255),
        "Routes with one of them are withdrawn",
    )
    .re_evaluate(),
];

const BLACKHOLE_COMMUNITY: &[Node] = &[flag(
    "accept",
    "Discard traffic to the routes that carry it and pass the import policy",
)
.re_evaluate()];
