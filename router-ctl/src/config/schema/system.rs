//! `system`

use super::{Node, flag, group, leaf};
use crate::config::value::Type;

pub(super) const SYSTEM: &[Node] = &[
    leaf(
        "host-name",
        Type::HostName,
        "Name of this router in its own output",
    ),
    group("ip", IP, "IPv4").dotted(),
    group("ipv6", IP, "IPv6").dotted(),
];

const IP: &[Node] = &[group("nht", NHT, "How next hops are resolved").dotted()];

const NHT: &[Node] = &[flag(
    "no-resolve-via-default",
    "A default route resolves no next hop",
)
.re_evaluate()];
