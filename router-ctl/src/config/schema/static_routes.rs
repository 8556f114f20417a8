//! `protocols static`

use super::{Node, leaf, named, presence};
use crate::config::value::Type;

pub(super) const STATIC: &[Node] = &[
    named("route", Type::PrefixV4, ROUTE, "An IPv4 route"),
    named("route6", Type::PrefixV6, ROUTE6, "An IPv6 route"),
];

const ROUTE: &[Node] = &[next_hop(Type::Address), BLACKHOLE, REJECT];

const ROUTE6: &[Node] = &[next_hop(Type::AddressV6), BLACKHOLE, REJECT];

const fn next_hop(address: Type) -> Node {
    named(
        "next-hop",
        address,
        NEXT_HOP,
        "A gateway; several share the traffic",
    )
    .dotted()
}

const BLACKHOLE: Node = presence("blackhole", TARGET, "Discard silently").dotted();

const REJECT: Node = presence("reject", TARGET, "Discard and tell the sender").dotted();

const NEXT_HOP: &[Node] = &[
    leaf(
        "interface",
        Type::Interface,
        "Interface the gateway is on; needed for link-local gateways",
    ),
    DISTANCE,
];

const TARGET: &[Node] = &[DISTANCE];

const DISTANCE: Node = leaf(
    "distance",
    Type::Integer(1, 255),
    "Lower wins among routes to one prefix",
)
.default("1");
