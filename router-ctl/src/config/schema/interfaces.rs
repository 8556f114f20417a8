//! `interfaces`

use super::{Node, description, flag, group, leaf, named};
use crate::config::value::{Choice, Type};

pub(super) const INTERFACES: &[Node] = &[named(
    "ethernet",
    Type::Interface,
    ETHERNET,
    "An Ethernet interface, by its Linux name",
)];

const ETHERNET: &[Node] = &[
    description(),
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
