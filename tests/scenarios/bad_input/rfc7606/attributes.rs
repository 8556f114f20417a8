//! The table of attributes: flags, what is wrong with a value, and what that costs from a peer of a kind. Rows are
//! made of it: each wrong flag, each wrong value, each good one, the same twice.

use serde_json::{Value, json};

use super::Expected::{Accepted, NotTold, Shown, Told, Unusable, Withdrawn};
use super::{Attributes, Expected, Kind, Peer, Row};

/// Flags of an attribute in order.
const T: u8 = 0x40;
const O: u8 = 0x80;
const OT: u8 = 0xc0;
const PARTIAL: u8 = 0x20;
const EXTENDED: u8 = 0x10;

/// What a fault costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cost {
    Routes,
    Attribute,
}
use Cost::{Attribute as AD, Routes as TAW};

/// What becomes of a good value.
#[derive(Clone, Debug)]
enum Fate {
    Told,
    /// Told to nobody.
    Dropped,
    /// Seen in what the router shows of the path.
    Shown(&'static str, Value),
    /// Nothing that a neighbour could see.
    Used,
    /// The route is kept and cannot be used.
    Unusable,
}

struct Attribute {
    code: u8,
    name: &'static str,
    flags: u8,
    wrong_flags: Cost,
    wrong: Vec<(&'static str, Vec<u8>)>,
    cost: Cost,
    good: Vec<(&'static str, Vec<u8>, Fate)>,
}

pub(super) fn rows() -> Vec<Row> {
    let mut all = Vec::new();
    for kind in [Kind::External, Kind::Internal] {
        for attribute in table(kind) {
            all.extend(rows_of(kind, &attribute));
        }
        all.extend(unknown(kind));
        all.extend(loops(kind));
    }
    for attribute in two_octets() {
        all.extend(rows_of(Kind::TwoOctets, &attribute));
    }
    all.extend(merges());
    all
}

fn rows_of(kind: Kind, attribute: &Attribute) -> Vec<Row> {
    let (code, name, flags) = (attribute.code, attribute.name, attribute.flags);
    let one = |what: String, expected, flags: u8, value: &[u8]| {
        let value = value.to_vec();
        Row::new(what, kind, expected, move |peer, prefix| {
            Attributes::good(peer)
                .with(flags, code, &value)
                .announce(prefix)
        })
    };
    let paid = |cost, value: &[u8]| match cost {
        Cost::Routes => Withdrawn,
        Cost::Attribute => NotTold(code, value.to_vec()),
    };
    let mut all = Vec::new();
    let mut wrong_flags = vec![("Optional", flags ^ O), ("Transitive", flags ^ T)];
    if flags != OT {
        wrong_flags.push(("Partial", flags | PARTIAL));
    }
    let first = attribute.good.first();
    let sample = first.map_or_else(Vec::new, |(_, value, _)| value.clone());
    for (flag, flags) in wrong_flags {
        let what = format!("{name}: flag {flag}");
        all.push(one(
            what,
            paid(attribute.wrong_flags, &sample),
            flags,
            &sample,
        ));
    }
    for (what, value) in &attribute.wrong {
        let what = format!("{name}: {what}");
        all.push(one(what, paid(attribute.cost, value), flags, value));
    }
    for (what, value, fate) in &attribute.good {
        let expected = expected(code, flags, value, fate);
        all.push(one(
            format!("{name}: {what}"),
            expected.clone(),
            flags,
            value,
        ));
        let free = flags | EXTENDED | 0x0f;
        let what = format!("{name}: {what}, extended length and low bits");
        all.push(one(what, expected.clone(), free, value));
        if let Some((_, second)) = attribute.wrong.first() {
            let (value, second) = (value.clone(), second.clone());
            let what = format!("{name}: twice, the second one wrong");
            all.push(Row::new(what, kind, expected, move |peer, prefix| {
                let all = Attributes::good(peer).with(flags, code, &value);
                all.and(flags, code, &second).announce(prefix)
            }));
        }
    }
    all
}

fn expected(code: u8, flags: u8, value: &[u8], fate: &Fate) -> Expected {
    match fate {
        Fate::Told => Told(flags, code, value.to_vec()),
        Fate::Dropped => NotTold(code, value.to_vec()),
        Fate::Shown(key, wanted) => Shown(key, wanted.clone()),
        Fate::Used => Accepted,
        Fate::Unusable => Unusable,
    }
}

/// The peer's own facts that values are made of. The numbering of the star is part of the test.
fn peer(kind: Kind) -> Peer {
    let number = u8::try_from(kind.spoke()).unwrap();
    Peer {
        kind,
        asn: match kind {
            Kind::Internal => 65000,
            Kind::External | Kind::TwoOctets => 65001 + u32::from(number),
        },
        address: [10, 0, number, 2].into(),
        address_v6: [0xfd00, 0, 0, number.into(), 0, 0, 0, 2].into(),
        router: [10, 0, number, 1].into(),
    }
}

/// AS_PATH: what no peer may send.
fn wrong_paths(peer: &Peer) -> Vec<(&'static str, Vec<u8>)> {
    let good = peer.path();
    let and = |more: &[u8]| [good.as_slice(), more].concat();
    let mut all = vec![
        ("segment of type 0", and(&peer.segment(0, &[65010]))),
        ("segment of type 5", and(&peer.segment(5, &[65010]))),
        ("segment of no AS", and(&[2, 0])),
        ("segment that overruns", and(&[2, 2, 0, 0, 0])),
        ("one octet left over", and(&[2])),
        ("AS 0", and(&peer.segment(2, &[0]))),
        ("confederation sequence", and(&peer.segment(3, &[65010]))),
        ("confederation set", and(&peer.segment(4, &[65010]))),
        ("AS_SET", and(&peer.segment(1, &[65010]))),
    ];
    if peer.kind != Kind::Internal {
        all.push(("another AS first", peer.segment(2, &[65010])));
        all.push(("empty", Vec::new()));
    }
    all
}

fn next_hops(peer: &Peer) -> Vec<(&'static str, Vec<u8>, Fate)> {
    let mut all = vec![
        ("in order", peer.address.octets().to_vec(), Fate::Used),
        (
            "the router's own address",
            peer.router.octets().to_vec(),
            Fate::Unusable,
        ),
    ];
    if peer.kind != Kind::Internal {
        all.push(("on another link", vec![192, 0, 2, 77], Fate::Unusable));
    }
    all
}

/// Lengths that are no positive multiple.
fn lengths(wrong: &[usize]) -> Vec<(&'static str, Vec<u8>)> {
    let name = |length| match length {
        0 => "empty",
        1..=3 => "too short",
        _ => "of a wrong length",
    };
    let value = |&length: &usize| (name(length), vec![1; length]);
    wrong.iter().map(value).collect()
}

/// Attributes that only iBGP may bring: cost of a fault and fate of a good value.
fn internal_only(kind: Kind, shown: (&'static str, Value)) -> (Cost, Fate) {
    match kind {
        Kind::Internal => (TAW, Fate::Shown(shown.0, shown.1)),
        Kind::External | Kind::TwoOctets => (AD, Fate::Dropped),
    }
}

#[rustfmt::skip]
fn table(kind: Kind) -> Vec<Attribute> {
    let peer = peer(kind);
    let local_pref = internal_only(kind, ("/locPrf", json!(777)));
    let originator = internal_only(kind, ("/originatorId", json!("10.9.9.9")));
    let cluster = internal_only(kind, ("/clusterList/list", json!(["10.9.9.8"])));
    let sid = if kind == Kind::Internal { Fate::Told } else { Fate::Dropped };
    let told = |value: &[u8]| vec![("in order", value.to_vec(), Fate::Told)];
    let dropped = |value: &[u8]| vec![("whatever it says", value.to_vec(), Fate::Dropped)];
    let as_path = match kind {
        Kind::Internal => vec![
            ("of others", peer.segment(2, &[65077, 65078]), Fate::Used),
            ("empty", Vec::new(), Fate::Used),
        ],
        Kind::External | Kind::TwoOctets => vec![
            ("with an AS of four octets", peer.segment(2, &[peer.asn, 4_200_000_000]), Fate::Used),
        ],
    };
    let row = |code, name, (flags, wrong_flags), wrong, cost, good| {
        Attribute { code, name, flags, wrong_flags, wrong, cost, good }
    };
    vec![
        row(0, "reserved", (T, AD), vec![], AD, dropped(&[1, 2])),
        row(1, "ORIGIN", (T, TAW), vec![("empty", vec![]), ("of two octets", vec![0, 0]), ("3", vec![3]), ("255", vec![255])], TAW,
            vec![("incomplete", vec![2], Fate::Shown("/origin", json!("incomplete")))]),
        row(2, "AS_PATH", (T, TAW), wrong_paths(&peer), TAW, as_path),
        row(3, "NEXT_HOP", (T, TAW), [lengths(&[0, 3, 5, 16]), vec![
            ("0.1.2.3", vec![0, 1, 2, 3]), ("127.0.0.1", vec![127, 0, 0, 1]), ("224.0.0.5", vec![224, 0, 0, 5]),
            ("240.0.0.1", vec![240, 0, 0, 1]), ("255.255.255.255", vec![255; 4]),
        ]].concat(), TAW, next_hops(&peer)),
        row(4, "MULTI_EXIT_DISC", (O, TAW), lengths(&[0, 3, 5]), TAW, vec![("9", vec![0, 0, 0, 9], Fate::Shown("/metric", json!(9)))]),
        row(5, "LOCAL_PREF", (T, TAW), lengths(&[0, 3, 5]), local_pref.0, vec![("777", vec![0, 0, 3, 9], local_pref.1)]),
        row(6, "ATOMIC_AGGREGATE", (T, AD), lengths(&[1]), AD, told(&[])),
        row(7, "AGGREGATOR", (OT, AD), [lengths(&[0, 6, 7, 9]), vec![("AS 0", vec![0, 0, 0, 0, 10, 0, 0, 1])]].concat(), AD,
            told(&[0, 0, 0xfd, 0xf2, 10, 0, 0, 1])),
        row(8, "COMMUNITIES", (OT, TAW), lengths(&[0, 3, 5, 6]), TAW, told(&[0xfd, 0xf2, 0, 1])),
        row(9, "ORIGINATOR_ID", (O, TAW), lengths(&[0, 3, 5]), originator.0, vec![("in order", vec![10, 9, 9, 9], originator.1)]),
        row(10, "CLUSTER_LIST", (O, TAW), lengths(&[0, 3, 5]), cluster.0, vec![("in order", vec![10, 9, 9, 8], cluster.1)]),
        row(16, "EXTENDED COMMUNITIES", (OT, TAW), lengths(&[0, 7, 9]), TAW, told(&[0, 2, 0xfd, 0xf2, 0, 0, 0, 1])),
        row(17, "AS4_PATH", (OT, TAW), vec![
            ("empty", vec![]), ("segment of type 9", vec![9, 1, 0, 0, 0xfd, 0xf2]), ("segment of no AS", vec![2, 0]),
            ("segment that overruns", vec![2, 2, 0, 0, 0xfd, 0xf2]), ("one octet left over", vec![2, 1, 0, 0, 0xfd, 0xf2, 2]),
        ], TAW, vec![
            ("on a session of four octets", vec![2, 1, 0, 0, 0xfd, 0xf2], Fate::Dropped),
            ("AS 0 on a session of four octets", vec![2, 1, 0, 0, 0, 0], Fate::Dropped),
        ]),
        row(18, "AS4_AGGREGATOR", (OT, AD), lengths(&[0, 7, 9]), AD, dropped(&[0, 0, 0xfd, 0xf2, 10, 0, 0, 1])),
        row(22, "PMSI_TUNNEL", (OT, TAW), vec![
            ("too short", vec![0, 6, 0, 0]), ("tunnel type 8", vec![0, 8, 0, 0, 0]),
            ("endpoint of 5 octets", vec![0, 6, 0, 0, 0, 10, 0, 0, 1, 1]),
        ], TAW, told(&[0, 6, 0, 0, 0, 10, 0, 0, 1])),
        row(23, "TUNNEL_ENCAPSULATION", (OT, TAW), vec![
            ("empty", vec![]), ("TLV cut", vec![0, 1, 0]), ("TLV that overruns", vec![0, 1, 0, 9, 1]),
            ("sub-TLV that overruns", vec![0, 1, 0, 3, 1, 9, 0]),
        ], TAW, told(&[0, 1, 0, 3, 1, 1, 7])),
        row(25, "IPV6 EXTENDED COMMUNITIES", (OT, TAW), lengths(&[0, 19, 21]), TAW, told(&[0, 2, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 7])),
        row(26, "AIGP", (O, AD), lengths(&[0, 3]), AD, dropped(&[1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 5])),
        row(29, "LINK_STATE", (O, AD), lengths(&[0]), AD, dropped(&[4, 1, 0, 1, 0])),
        row(32, "LARGE COMMUNITIES", (OT, TAW), lengths(&[0, 11, 13]), TAW, told(&[0, 0, 0xfd, 0xf2, 0, 0, 0, 1, 0, 0, 0, 2])),
        row(33, "BGPSEC_PATH", (O, AD), lengths(&[0]), AD, dropped(&[0, 8, 1, 0, 0, 0, 0xfd, 0xf2])),
        row(35, "ONLY_TO_CUSTOMER", (OT, TAW), [lengths(&[0, 3, 5]), vec![("AS 0", vec![0; 4])]].concat(), TAW, told(&[0, 0, 0xfd, 0xf2])),
        row(40, "PREFIX_SID", (OT, AD), vec![
            ("empty", vec![]), ("TLV cut", vec![1, 0]), ("TLV that overruns", vec![4, 0, 9, 0]), ("label index of 6 octets", vec![1, 0, 6, 0, 0, 0, 0, 0, 1]),
        ], AD, vec![("in order", vec![1, 0, 7, 0, 0, 0, 0, 0, 0, 1], sid)]),
        row(128, "ATTR_SET", (OT, TAW), lengths(&[0, 3]), TAW, told(&[0, 0, 0xfd, 0xf2, 0x40, 1, 1, 0])),
    ]
}

fn unknown(kind: Kind) -> Vec<Row> {
    let row = |name, expected, flags| {
        Row::new(name, kind, expected, move |peer, prefix| {
            Attributes::good(peer)
                .and(flags, 99, b"?!")
                .announce(prefix)
        })
    };
    let carried = || Told(OT | PARTIAL, 99, b"?!".to_vec());
    let silent = || NotTold(99, b"?!".to_vec());
    vec![
        row("unknown, well-known", Withdrawn, T),
        row("unknown, neither optional nor transitive", Withdrawn, 0),
        row("unknown, optional", silent(), O),
        row("unknown, optional and partial", silent(), O | PARTIAL),
        row("unknown, optional and transitive", carried(), OT),
        row(
            "unknown, carried by somebody else already",
            carried(),
            OT | PARTIAL,
        ),
    ]
}

/// Nothing is wrong with these; they have been here before (RFC 4271 §9.1.2, RFC 4456 §8).
fn loops(kind: Kind) -> Vec<Row> {
    const OWN_ID: [u8; 4] = [10, 255, 0, 1];
    let row = |name, flags, code, value: Vec<u8>| {
        Row::new(name, kind, Unusable, move |peer, prefix| {
            let all = Attributes::good(peer).with(flags, code, &value);
            all.announce(prefix)
        })
    };
    let peer = peer(kind);
    let path = match kind {
        Kind::Internal => peer.segment(2, &[65077, 65000]),
        Kind::External | Kind::TwoOctets => peer.segment(2, &[peer.asn, 65000]),
    };
    let mut all = vec![row("the router's own AS in AS_PATH", T, 2, path)];
    if kind == Kind::Internal {
        all.push(row("the router's own ORIGINATOR_ID", O, 9, OWN_ID.to_vec()));
        let list = [[10, 9, 9, 8], OWN_ID].concat();
        all.push(row("the router's own CLUSTER_ID", O, 10, list));
    }
    all
}

/// What an old speaker writes in another way (RFC 6793).
#[rustfmt::skip]
fn two_octets() -> Vec<Attribute> {
    let peer = peer(Kind::TwoOctets);
    let dropped = |name, value: &[u8]| (name, value.to_vec(), Fate::Used);
    vec![
        Attribute { code: 2, name: "AS_PATH", flags: T, wrong_flags: TAW, wrong: wrong_paths(&peer), cost: TAW,
            good: vec![("of two", peer.segment(2, &[peer.asn, 65010]), Fate::Shown("/aspath/string", json!("65004 65010")))] },
        Attribute { code: 7, name: "AGGREGATOR", flags: OT, wrong_flags: AD,
            wrong: [lengths(&[0, 5, 8]), vec![("AS 0", vec![0, 0, 10, 0, 0, 1])]].concat(), cost: AD,
            good: vec![("in order", vec![0xfd, 0xf2, 10, 0, 0, 1], Fate::Shown("/aggregatorAs", json!(65010)))] },
        // A damaged one costs itself alone, and is told to nobody in any case.
        Attribute { code: 17, name: "AS4_PATH", flags: OT, wrong_flags: TAW, wrong: vec![], cost: AD, good: vec![
            dropped("odd length", &[2, 1, 0, 0, 0xfd, 0xf2, 2]), dropped("too short", &[2, 1, 0, 0]),
            dropped("segment of type 9", &[9, 1, 0, 0, 0xfd, 0xf2]), dropped("segment of no AS", &[2, 0]),
            dropped("segment that overruns", &[2, 2, 0, 0, 0xfd, 0xf2]), dropped("AS 0", &[2, 1, 0, 0, 0, 0]),
        ] },
        Attribute { code: 18, name: "AS4_AGGREGATOR", flags: OT, wrong_flags: AD,
            wrong: [lengths(&[0, 7, 9]), vec![("AS 0", vec![0, 0, 0, 0, 10, 0, 0, 1])]].concat(), cost: AD, good: vec![] },
    ]
}

/// AS_PATH and AGGREGATOR with what stands in the AS4 attributes (RFC 6793 §4.2.3).
fn merges() -> Vec<Row> {
    let kind = Kind::TwoOctets;
    const NEW: [u8; 6] = [2, 1, 0xfa, 0x56, 0xea, 0x00];
    let row = |name, key, wanted: Value, words: fn(Attributes, &Peer) -> Attributes| {
        Row::new(name, kind, Shown(key, wanted), move |peer, prefix| {
            let path = peer.segment(2, &[peer.asn, 23456]);
            let all = Attributes::good(peer).with(T, 2, &path);
            words(all, peer).announce(prefix)
        })
    };
    let path = "/aspath/string";
    vec![
        row(
            "AS4_PATH tells who AS_TRANS is",
            path,
            json!("65004 4200000000"),
            |all, _| all.and(OT, 17, &NEW),
        ),
        row(
            "confederation segments leave AS4_PATH",
            path,
            json!("65004 4200000000"),
            |all, _| {
                let confed = [[3, 1, 0, 0, 0xfd, 0xf2], NEW].concat();
                all.and(OT, 17, &confed)
            },
        ),
        row(
            "AS_PATH shorter than AS4_PATH",
            path,
            json!("65004 23456"),
            |all, _| {
                let long = [3, 2, 1].map(|asn| [0, 0, 0xfc, asn]).concat();
                all.and(OT, 17, &[[2, 3].as_slice(), &long].concat())
            },
        ),
        row(
            "AGGREGATOR that is no AS_TRANS voids AS4_PATH",
            path,
            json!("65004 23456"),
            |all, _| {
                let all = all.and(OT, 7, &[0xfd, 0xf2, 10, 0, 0, 1]);
                let all = all.and(OT, 18, &[0xfa, 0x56, 0xea, 0x00, 10, 0, 0, 1]);
                all.and(OT, 17, &NEW)
            },
        ),
        row(
            "AS4_AGGREGATOR tells who AS_TRANS is",
            "/aggregatorAs",
            json!(4_200_000_000_u32),
            |all, _| {
                let all = all.and(OT, 7, &[0x5b, 0xa0, 10, 0, 0, 1]);
                all.and(OT, 18, &[0xfa, 0x56, 0xea, 0x00, 10, 0, 0, 1])
            },
        ),
    ]
}
