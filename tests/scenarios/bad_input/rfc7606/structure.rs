//! Faults of an UPDATE as a whole, of its prefixes, and of the attributes that carry prefixes.

use super::Expected::{Accepted, Reset, Stays, Withdrawn};
use super::{Attributes, Kind, Peer, Prefix, Row, encoded, update};
use crate::wire::{UPDATE, message};

const LENGTHS: super::Expected = Reset(3, 1);
const MP_PREFIX: super::Expected = Reset(3, 9);
const PREFIX: super::Expected = Reset(3, 10);
const MP_FLAGS: super::Expected = Reset(3, 4);

/// MP_REACH_NLRI of IPv6 unicast.
pub(super) fn reach_v6(next_hop: &[u8], nlri: &[u8]) -> Vec<u8> {
    reach(2, next_hop, nlri)
}

fn reach(afi: u8, next_hop: &[u8], nlri: &[u8]) -> Vec<u8> {
    let mut value = vec![0, afi, 1, u8::try_from(next_hop.len()).unwrap()];
    value.extend(next_hop);
    value.push(0);
    value.extend(nlri);
    value
}

/// Good attributes with one MP attribute and no classic prefix.
fn mp(peer: &Peer, flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let all = Attributes::good(peer).without(3).and(flags, code, value);
    update(&[], &all.octets(), &[])
}

fn good_reach(peer: &Peer, prefix: Prefix) -> Vec<u8> {
    reach_v6(&peer.address_v6.octets(), &prefix.v6())
}

pub(super) fn rows() -> Vec<Row> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        all.extend(lengths(kind));
        all.extend(mandatory(kind));
        all.extend(harmless(kind));
    }
    for kind in [Kind::External, Kind::Internal] {
        all.extend(mp_reach(kind));
        all.extend(mp_next_hop(kind));
        all.extend(mp_unreach(kind));
    }
    all.extend(not_negotiated());
    all
}

fn lengths(kind: Kind) -> Vec<Row> {
    let row =
        |name, expected, words: fn(&Peer, Prefix) -> Vec<u8>| Row::new(name, kind, expected, words);
    // The attributes end in the middle of one: the prefixes are where the total length says.
    let cut = |name, tail: &'static [u8]| {
        Row::new(name, kind, Withdrawn, move |peer, prefix| {
            let attributes = [Attributes::good(peer).octets(), tail.to_vec()].concat();
            update(&[], &attributes, &prefix.v4())
        })
    };
    let mut all = vec![
        cut("one octet left for an attribute", &[0x40]),
        cut("two octets left for an attribute", &[0x80, 4]),
        cut(
            "three octets left for one of extended length",
            &[0x90, 4, 0],
        ),
        cut(
            "an attribute that runs past the total length",
            &[0x80, 4, 4, 0, 0],
        ),
        cut(
            "an extended one that runs past the total length",
            &[0x90, 4, 1, 0, 0],
        ),
    ];
    // The kinds do not differ here: one of them is enough.
    if kind == Kind::External {
        all.extend([
            row(
                "withdrawn routes longer than the message",
                LENGTHS,
                |_, _| message(UPDATE, &[0, 9, 0, 0]),
            ),
            row("attributes longer than the message", LENGTHS, |_, _| {
                message(UPDATE, &[0, 0, 0, 9])
            }),
            row("an announced prefix of 33 bits", PREFIX, |peer, _| {
                let good = Attributes::good(peer);
                update(&[], &good.octets(), &[33, 10, 0, 0, 0, 0])
            }),
            row("an announced prefix that overruns", PREFIX, |peer, _| {
                update(&[], &Attributes::good(peer).octets(), &[24, 10, 0])
            }),
            row("a withdrawn prefix of 33 bits", PREFIX, |_, _| {
                update(&[33, 10, 0, 0, 0, 0], &[], &[])
            }),
            row("a withdrawn prefix that overruns", PREFIX, |_, _| {
                update(&[24, 10, 0], &[], &[])
            }),
        ]);
    }
    all
}

fn mandatory(kind: Kind) -> Vec<Row> {
    let missing = |name, code: u8| {
        Row::new(name, kind, Withdrawn, move |peer, prefix| {
            Attributes::good(peer).without(code).announce(prefix)
        })
    };
    let mut all = vec![
        missing("no ORIGIN", 1),
        missing("no AS_PATH", 2),
        missing("no NEXT_HOP", 3),
    ];
    if kind == Kind::Internal {
        // The router's default stands in for it.
        all.push(Row::new("no LOCAL_PREF", kind, Accepted, |peer, prefix| {
            Attributes::good(peer).without(5).announce(prefix)
        }));
    }
    if kind != Kind::TwoOctets {
        let name = "no NEXT_HOP for classic prefixes beside MP_REACH_NLRI";
        all.push(Row::new(name, kind, Withdrawn, |peer, prefix| {
            let attributes = Attributes::good(peer).without(3);
            let attributes = attributes.and(0x80, 14, &good_reach(peer, prefix));
            update(&[], &attributes.octets(), &prefix.v4())
        }));
        for (name, code) in [("no ORIGIN for IPv6", 1), ("no AS_PATH for IPv6", 2)] {
            let row = Row::new(name, kind, Withdrawn, move |peer, prefix| {
                let attributes = Attributes::good(peer).without(3).without(code);
                let attributes = attributes.and(0x80, 14, &good_reach(peer, prefix));
                update(&[], &attributes.octets(), &[])
            });
            all.push(row.v6());
        }
    }
    all
}

fn harmless(kind: Kind) -> Vec<Row> {
    let mut all = vec![
        Row::new("bits after the prefix length", kind, Accepted, |peer, _| {
            let nlri = [20, 100, 200 + peer.kind as u8, 0xff];
            update(&[], &Attributes::good(peer).octets(), &nlri)
        })
        .told_as(format!("100.{}.240.0/20", 200 + kind as u8)),
        Row::new("an empty UPDATE, End-of-RIB", kind, Stays, |_, _| {
            update(&[], &[], &[])
        }),
        Row::new(
            "a withdrawal without attributes",
            kind,
            Withdrawn,
            |_, prefix| update(&prefix.v4(), &[], &[]),
        ),
        Row::new(
            "a withdrawal of what was never there",
            kind,
            Stays,
            |_, _| update(&[24, 192, 0, 2], &[], &[]),
        ),
    ];
    if kind != Kind::TwoOctets {
        let name = "MP_UNREACH_NLRI without prefixes, End-of-RIB";
        let row = Row::new(name, kind, Stays, |_, _| {
            update(&[], &encoded(0x80, 15, &[0, 2, 1]), &[])
        });
        all.push(row.v6());
        let name = "MP_UNREACH_NLRI of IPv4";
        all.push(Row::new(name, kind, Withdrawn, |_, prefix| {
            let value = [&[0, 1, 1], prefix.v4().as_slice()].concat();
            update(&[], &encoded(0x80, 15, &value), &[])
        }));
        let name = "bits after an IPv6 prefix's length";
        let row = Row::new(name, kind, Accepted, |peer, _| {
            let nlri = [33, 0x20, 0x01, 0x0d, 0xb9, 0x80 + peer.kind as u8];
            mp(peer, 0x80, 14, &reach_v6(&peer.address_v6.octets(), &nlri))
        });
        all.push(row.told_as("2001:db9:8000::/33".to_owned()).v6());
    }
    all
}

fn mp_reach(kind: Kind) -> Vec<Row> {
    let row = |name, expected, words: fn(&Peer, Prefix) -> Vec<u8>| {
        Row::new(name, kind, expected, words).v6()
    };
    vec![
        row("MP_REACH_NLRI of 4 octets", LENGTHS, |peer, _| {
            mp(peer, 0x80, 14, &[0, 2, 1, 0])
        }),
        row(
            "a next hop that overruns MP_REACH_NLRI",
            LENGTHS,
            |peer, _| mp(peer, 0x80, 14, &[0, 2, 1, 16, 0xfd, 0, 0, 0, 0]),
        ),
        row("no reserved octet in MP_REACH_NLRI", LENGTHS, |peer, _| {
            let next_hop = peer.address_v6.octets();
            let value = [&[0, 2, 1, 16], next_hop.as_slice()].concat();
            mp(peer, 0x80, 14, &value)
        }),
        row("an IPv6 next hop of 4 octets", LENGTHS, |peer, prefix| {
            mp(peer, 0x80, 14, &reach_v6(&[10, 0, 0, 2], &prefix.v6()))
        }),
        row("an IPv6 next hop of 15 octets", LENGTHS, |peer, prefix| {
            mp(peer, 0x80, 14, &reach_v6(&[0xfd; 15], &prefix.v6()))
        }),
        row("an IPv6 prefix of 129 bits", MP_PREFIX, |peer, _| {
            let nlri = [[129].as_slice(), &[0x20; 17]].concat();
            mp(peer, 0x80, 14, &reach_v6(&peer.address_v6.octets(), &nlri))
        }),
        row(
            "an IPv4 prefix of 33 bits in MP_REACH_NLRI",
            MP_PREFIX,
            |peer, _| {
                let nlri = [33, 100, 1, 1, 1, 1];
                mp(peer, 0x80, 14, &reach(1, &peer.address.octets(), &nlri))
            },
        ),
        row("an IPv6 prefix that overruns", MP_PREFIX, |peer, _| {
            let nlri = [48, 0x20, 0x01, 0x0d];
            mp(peer, 0x80, 14, &reach_v6(&peer.address_v6.octets(), &nlri))
        }),
        row(
            "MP_REACH_NLRI that is not optional",
            MP_FLAGS,
            |peer, prefix| mp(peer, 0x00, 14, &good_reach(peer, prefix)),
        ),
        row(
            "MP_REACH_NLRI that is transitive",
            MP_FLAGS,
            |peer, prefix| mp(peer, 0xc0, 14, &good_reach(peer, prefix)),
        ),
        row("MP_REACH_NLRI twice", LENGTHS, |peer, prefix| {
            let reach = good_reach(peer, prefix);
            let all = Attributes::good(peer).and(0x80, 14, &reach);
            update(&[], &all.and(0x80, 14, &reach).octets(), &[])
        }),
        row(
            "MP_REACH_NLRI in order, of extended length",
            Accepted,
            |peer, prefix| mp(peer, 0x9f, 14, &good_reach(peer, prefix)),
        ),
    ]
}

/// A next hop of the right length that nobody can have costs the routes.
fn mp_next_hop(kind: Kind) -> Vec<Row> {
    let v6 = |name, octets: [u8; 16]| {
        let row = Row::new(name, kind, Withdrawn, move |peer, prefix| {
            mp(peer, 0x80, 14, &reach_v6(&octets, &prefix.v6()))
        });
        row.v6()
    };
    let last = |octet| {
        let mut octets = [0; 16];
        octets[15] = octet;
        octets
    };
    let mut mapped = last(2);
    mapped[10..14].copy_from_slice(&[0xff, 0xff, 10, 0]);
    let mut group = last(2);
    group[..2].copy_from_slice(&[0xff, 0x02]);
    let v4 = |name, next_hop: &'static [u8]| {
        Row::new(name, kind, Withdrawn, move |peer, prefix| {
            mp(peer, 0x80, 14, &reach(1, next_hop, &prefix.v4()))
        })
    };
    vec![
        v6("next hop ::", last(0)),
        v6("next hop ::1", last(1)),
        v6("next hop of a group", group),
        v6("next hop ::ffff:10.0.0.2", mapped),
        v4("next hop 127.0.0.1 in MP_REACH_NLRI", &[127, 0, 0, 1]),
        v4("next hop 224.0.0.5 in MP_REACH_NLRI", &[224, 0, 0, 5]),
        Row::new(
            "an IPv6 next hop of IPv4 without RFC 8950",
            kind,
            Withdrawn,
            |peer, prefix| {
                mp(
                    peer,
                    0x80,
                    14,
                    &reach(1, &peer.address_v6.octets(), &prefix.v4()),
                )
            },
        ),
    ]
}

fn mp_unreach(kind: Kind) -> Vec<Row> {
    let row = |name, expected, words: fn(&Peer, Prefix) -> Vec<u8>| {
        Row::new(name, kind, expected, words).v6()
    };
    vec![
        row("MP_UNREACH_NLRI of 2 octets", LENGTHS, |_, _| {
            update(&[], &encoded(0x80, 15, &[0, 2]), &[])
        }),
        row("a withdrawn IPv6 prefix of 129 bits", MP_PREFIX, |_, _| {
            let value = [[0, 2, 1, 129].as_slice(), &[0x20; 17]].concat();
            update(&[], &encoded(0x80, 15, &value), &[])
        }),
        row(
            "a withdrawn IPv6 prefix that overruns",
            MP_PREFIX,
            |_, _| update(&[], &encoded(0x80, 15, &[0, 2, 1, 48, 0x20]), &[]),
        ),
        row("MP_UNREACH_NLRI that is not optional", MP_FLAGS, |_, _| {
            update(&[], &encoded(0x00, 15, &[0, 2, 1]), &[])
        }),
        row("MP_UNREACH_NLRI that is transitive", MP_FLAGS, |_, _| {
            update(&[], &encoded(0xc0, 15, &[0, 2, 1]), &[])
        }),
        row("MP_UNREACH_NLRI twice", LENGTHS, |_, _| {
            let one = encoded(0x80, 15, &[0, 2, 1]);
            update(&[], &[one.clone(), one].concat(), &[])
        }),
        row(
            "a broken ORIGIN and nothing that can be reached",
            LENGTHS,
            |_, prefix| {
                let gone = [&[0, 2, 1], prefix.v6().as_slice()].concat();
                let all = [encoded(0x80, 15, &gone), encoded(0x40, 1, &[9])].concat();
                update(&[], &all, &[])
            },
        ),
        row("a withdrawal of IPv6 in order", Withdrawn, |_, prefix| {
            let gone = [&[0, 2, 1], prefix.v6().as_slice()].concat();
            update(&[], &encoded(0x80, 15, &gone), &[])
        }),
        row(
            "a discarded attribute beside MP_UNREACH_NLRI",
            Withdrawn,
            |_, prefix| {
                let gone = [&[0, 2, 1], prefix.v6().as_slice()].concat();
                let all = [encoded(0x80, 15, &gone), encoded(0xc0, 7, &[1])].concat();
                update(&[], &all, &[])
            },
        ),
    ]
}

/// The neighbour of two octets has IPv4 alone.
fn not_negotiated() -> Vec<Row> {
    let kind = Kind::TwoOctets;
    vec![
        Row::new(
            "IPv6 in MP_REACH_NLRI, not negotiated",
            kind,
            Accepted,
            |peer, prefix| {
                let all = Attributes::good(peer).and(0x80, 14, &good_reach(peer, prefix));
                update(&[], &all.octets(), &prefix.v4())
            },
        ),
        Row::new(
            "IPv6 in MP_UNREACH_NLRI, not negotiated",
            kind,
            Stays,
            |_, prefix| {
                let gone = [&[0, 2, 1], prefix.v6().as_slice()].concat();
                update(&[], &encoded(0x80, 15, &gone), &[])
            },
        ),
        Row::new(
            "a family that nobody knows",
            Kind::External,
            Stays,
            |_, _| update(&[], &encoded(0x80, 15, &[0x40, 4, 71, 1, 2, 3]), &[]),
        ),
    ]
}
