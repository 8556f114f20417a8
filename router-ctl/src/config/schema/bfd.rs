//! `protocols bfd`

use super::{Node, flag, group, leaf, named};
use crate::config::value::Type;

pub(super) const BFD: &[Node] = &[named(
    "profile",
    Type::Name,
    PROFILE,
    "How sessions are timed (RFC 5880)",
)];

const PROFILE: &[Node] = &[
    group("interval", INTERVAL, "Times of the control packets").dotted(),
    flag("passive", "Wait for the other side to begin"),
    leaf(
        "minimum-ttl",
        Type::Integer(1, 254),
        "Lowest TTL accepted from a neighbor that is several hops away",
    )
    .default("254"),
];

const INTERVAL: &[Node] = &[
    leaf(
        "transmit",
        Type::Integer(10, 60000),
        "Least time between our packets",
    )
    .default("300")
    .unit("milliseconds"),
    leaf(
        "receive",
        Type::Integer(10, 60000),
        "Least time between packets that we take",
    )
    .default("300")
    .unit("milliseconds"),
    leaf(
        "multiplier",
        Type::Integer(2, 255),
        "Packets in a row that must be missing",
    )
    .default("3"),
];
