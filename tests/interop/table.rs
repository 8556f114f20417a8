//! The table: features against peers. Each `yes` is a test, `<peer>::<feature>`; where a peer has no such feature the
//! reason stands in its place. `docs/interop.md` is this table, and a test compares.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use lab::Lab;

use crate::peer::Peer;

/// One line of the table: a title, and for each peer `None` for yes or the reason why not.
struct Row {
    title: &'static str,
    cells: [Option<&'static str>; 4],
}

macro_rules! matrix {
    ($($feature:ident, $title:literal: $bird:tt, $frr:tt, $gobgp:tt, $openbgpd:tt;)*) => {
        const ROWS: &[Row] = &[$(Row {
            title: $title,
            cells: [said!($bird), said!($frr), said!($gobgp), said!($openbgpd)],
        }),*];

        mod bird {
            $(cell!($bird, $feature, crate::bird::BirdPeer);)*
        }

        mod frr {
            $(cell!($frr, $feature, crate::frr::FrrPeer);)*
        }

        mod gobgp {
            $(cell!($gobgp, $feature, crate::gobgp::GoBgpPeer);)*
        }

        mod openbgpd {
            $(cell!($openbgpd, $feature, crate::openbgpd::OpenBgpdPeer);)*
        }
    };
}

macro_rules! said {
    (yes) => {
        None
    };
    ($why:literal) => {
        Some($why)
    };
}

macro_rules! cell {
    (yes, $feature:ident, $peer:ty) => {
        #[test]
        fn $feature() -> anyhow::Result<()> {
            crate::feature::$feature::<$peer>()
        }
    };
    ($why:literal, $feature:ident, $peer:ty) => {};
}

#[rustfmt::skip]
matrix! {
    //                          what                                                                BIRD FRR  GoBGP OpenBGPD
    peer_dials,                 "session up, the peer dials, over IPv4 and IPv6":                   yes, yes, yes,  yes;
    router_dials,               "session up, the router dials, over IPv4 and IPv6":                 yes, yes, yes,  yes;
    ipv4_over_ipv4,             "IPv4 routes both ways over IPv4, and withdrawn":                   yes, yes, yes,  yes;
    ipv6_over_ipv6,             "IPv6 routes both ways over IPv6, and withdrawn":                   yes, yes, yes,  yes;
    both_over_one_session,      "both families over one session":                                   yes, yes, yes,  yes;
    both_over_a_session_each,   "both families over a session each":                                yes, yes, yes,  yes;
    communities,                "communities and large communities, in and out":                    yes, yes, yes,  yes;
    third_peers_view,           "a third router gets what our table says":                          yes, yes, yes,  yes;
    two_octet_as,               "peer of 2-octet AS numbers, ours of 4 (RFC 6793)":                 yes, yes, "always sends the capability", yes;
    extended_messages,          "messages above 4096 octets (RFC 8654)":                            yes, yes, "no such feature", "no such feature";
    route_refresh,              "route refresh (RFC 2918)":                                         yes, yes, "never asks: keeps what it was told", yes;
    ecmp,                       "four peers share the flows, one is lost and comes back":           yes, yes, yes,  yes;
    peer_killed,                "`kill -9` of the peer, and its return":                            yes, yes, yes,  yes;
    router_restart,             "the router is stopped, then killed, and returns":                  yes, yes, yes,  yes;
    peer_restarts_gracefully,   "graceful restart of the peer: its routes stay in use (RFC 4724)":  yes, yes, yes,  "sends End-of-RIB only";
    router_restarts_gracefully, "graceful restart of the router: the peer keeps our routes":         yes, yes, yes,  "sends End-of-RIB only";
    policy_changes_without_a_reset, "a route map is edited and read again: routes change, the session stays": yes, yes, yes, yes;
    tcp_md5,                    "TCP MD5 (RFC 2385), right key and wrong":                          yes, yes, yes,  yes;
    gtsm,                       "TTL security (RFC 5082), near peer and far":                       yes, yes, yes,  yes;
    bfd,                        "BFD: a frozen peer is noticed long before the hold time (RFC 5882)": yes, yes, "no such feature", "no such feature";
    dynamic_neighbour,          "a neighbour from a range of addresses":                            yes, yes, yes,  yes;
    route_reflection,           "route reflection between two clients (RFC 4456)":                  yes, yes, yes,  yes;
    add_path_received,          "ADD-PATH: several paths from the peer (RFC 7911)":                 yes, yes, yes,  yes;
    add_path_sent,              "ADD-PATH: several paths to the peer (RFC 7911)":                   yes, yes, yes,  yes;
    maximum_prefix,             "too many prefixes: the session ends, or there is a warning":       yes, yes, yes,  yes;
    local_as,                   "another AS towards a peer (RFC 7705)":                             yes, yes, yes,  yes;
    as_paths_rewritten,         "the peer's AS replaced, private ASes removed":                     yes, yes, yes,  yes;
    own_as_accepted,            "paths with our own AS, refused and accepted":                      yes, yes, "tells no AS what went through it", yes;
    ipv4_over_ipv6,             "IPv4 routes with IPv6 next hops (RFC 8950)":                       yes, yes, yes,  "no such feature";
    unnumbered,                 "a neighbour known by its interface alone":                         yes, yes, "leaves router advertisements to others", "no IPv4 routes with IPv6 next hops";
    graceful_shutdown,          "graceful shutdown, ours and the peer's (RFC 8326)":                yes, yes, yes,  yes;
    blackhole,                  "blackhole community (RFC 7999)":                                  yes, yes, yes,  yes;
    default_route,              "a default route for the peer":                                     yes, yes, yes,  yes;
    aggregate,                  "an aggregate in place of its parts":                               yes, yes, yes,  yes;
    redistribution,             "connected and static routes and networks through route maps":      yes, yes, yes,  yes;
}

const PEERS: [&str; 4] = [
    crate::bird::BirdPeer::NAME,
    crate::frr::FrrPeer::NAME,
    crate::gobgp::GoBgpPeer::NAME,
    crate::openbgpd::OpenBgpdPeer::NAME,
];

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/interop.md");
const WRITE: &str = "WRITE_INTEROP";
const HOW: &str = "WRITE_INTEROP=1 cargo xtask test interop -- document";
/// The line that differs from machine to machine.
const VERSIONS: &str = "Versions: ";

const HEAD: &str = "\
# Interoperation

<!-- Written from tests/interop/table.rs; a test compares. To write it again:
     WRITE_INTEROP=1 cargo xtask test interop -- document
-->

Each *yes* is a test that starts the router and the real daemon in network namespaces, `cargo xtask test interop`;
a dash has its reason below. What a test compares: the peer's own table and ours, prefix by prefix, with AS path, next
hop and communities; and the maps that the packets go by.
";

fn rendered(versions: &str) -> String {
    let mut text = format!(
        "{HEAD}\n| | {} |\n|---|---|---|---|---|\n",
        PEERS.join(" | ")
    );
    let mut reasons: Vec<String> = Vec::new();
    for row in ROWS {
        text += &format!("| {} |", row.title);
        for (peer, cell) in PEERS.iter().zip(row.cells) {
            let Some(why) = cell else {
                text += " yes |";
                continue;
            };
            reasons.push(format!("{}. {peer}: {why}", reasons.len() + 1));
            text += &format!(" – ({}) |", reasons.len());
        }
        text.push('\n');
    }
    text += &format!("\n{}\n", reasons.join("\n"));
    text + &format!("\n{VERSIONS}{versions}\n")
}

fn without_versions(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with(VERSIONS));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_document_is_the_table() -> Result<()> {
    let mut lab = Lab::new("versions")?;
    let node = lab.node("n1")?;
    let versions = [
        crate::bird::BirdPeer::version(&node)?,
        crate::frr::FrrPeer::version(&node)?,
        crate::gobgp::GoBgpPeer::version(&node)?,
        crate::openbgpd::OpenBgpdPeer::version(&node)?,
    ];
    let versions = versions.map(|one| one.replace(" version", "")).join(", ") + ".";
    let text = rendered(&versions);
    println!("{text}");
    let path = Path::new(DOCUMENT);
    if env::var_os(WRITE).is_some() {
        fs::write(path, &text).with_context(|| format!("writing {}", path.display()))?;
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(
        without_versions(&written) == without_versions(&text),
        "docs/interop.md is not what the suite says; write it again: {HOW}"
    );
    Ok(())
}
