//! Made-up UPDATEs: for our encoder, and as octets of another writer.

use ipnet::IpNet;
use proptest::prelude::*;
use router_ctl::bgp::attributes::{Aggregator, AttributesEditor, Community, LargeCommunity};
use router_ctl::bgp::types::{
    Asn, Family, NextHop, Nlri, Origin, PathAttributes, PathId, RouterId,
};
use router_ctl::bgp::wire::as_path::AsPathBuilder;

use super::facts::Session;

#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) session: Session,
    pub(crate) family: Family,
    pub(crate) attributes: PathAttributes,
    pub(crate) announced: Vec<Nlri>,
    pub(crate) withdrawn: Vec<Nlri>,
}

pub(crate) fn prefix(family: Family) -> BoxedStrategy<IpNet> {
    let net = |address: std::net::IpAddr, bits: u8| IpNet::new_assert(address, bits).trunc();
    match family {
        Family::Ipv4Unicast => (any::<[u8; 4]>(), 0..=32_u8)
            .prop_map(move |(octets, bits)| net(octets.into(), bits))
            .boxed(),
        Family::Ipv6Unicast => (any::<[u8; 16]>(), 0..=128_u8)
            .prop_map(move |(octets, bits)| net(octets.into(), bits))
            .boxed(),
    }
}

fn session() -> impl Strategy<Value = Session> {
    any::<(bool, bool)>().prop_map(|(four_octet_as, add_path)| Session {
        four_octet_as,
        add_path,
    })
}

/// An AS number that a session of this kind writes as it is.
fn asn(four_octets: bool) -> std::ops::Range<u32> {
    if four_octets { 1..u32::MAX } else { 1..23456 }
}

prop_compose! {
    /// As the router stores them.
    pub(crate) fn attributes(four_octet_as: bool)(
        origin in 0..3_u8,
        path in prop::collection::vec(asn(four_octet_as), 0..300),
        set in prop::option::weighted(0.2, prop::collection::vec(asn(four_octet_as), 1..5)),
        (med, local_pref) in any::<(Option<u32>, Option<u32>)>(),
        atomic in any::<bool>(),
        aggregator in prop::option::of((asn(four_octet_as), any::<u32>())),
        communities in prop::collection::vec(any::<u32>(), 0..60),
        large in prop::collection::vec(any::<[u32; 3]>(), 0..15),
        (originator, clusters) in any::<(Option<u32>, Option<[u32; 3]>)>(),
    ) -> Box<[u8]> {
        let mut editor = AttributesEditor::empty();
        editor.set_origin([Origin::Igp, Origin::Egp, Origin::Incomplete][usize::from(origin)]);
        let mut as_path = AsPathBuilder::new();
        path.into_iter().for_each(|asn| as_path.push(Asn(asn)));
        if let Some(ases) = set {
            let kind = router_ctl::bgp::wire::as_path::SegmentKind::from_code(1).unwrap();
            as_path.push_segment(kind, ases.into_iter().map(Asn));
        }
        editor.set_as_path(as_path.as_path());
        med.into_iter().for_each(|med| editor.set_med(med));
        local_pref.into_iter().for_each(|value| editor.set_local_pref(value));
        if atomic {
            editor.set_atomic_aggregate();
        }
        if let Some((asn, address)) = aggregator {
            editor.set_aggregator(Aggregator { asn: Asn(asn), address: address.into() });
        }
        editor.set_communities(communities.into_iter().map(Community));
        editor.set_large_communities(large.into_iter().map(LargeCommunity));
        originator.into_iter().for_each(|id| editor.set_originator_id(RouterId(id.into())));
        for id in clusters.into_iter().flatten() {
            editor.prepend_cluster(RouterId(id.into()));
        }
        editor.finish()
    }
}

fn next_hop(family: Family) -> BoxedStrategy<NextHop> {
    let v6 = any::<(u16, bool)>().prop_map(|(low, pair)| NextHop::V6 {
        global: [0x2001, 0xdb8, 0, 0, 0, 0, 1, low].into(),
        link_local: pair.then(|| [0xfe80, 0, 0, 0, 0, 0, 0, low].into()),
    });
    match family {
        Family::Ipv4Unicast => {
            let v4 = any::<u8>().prop_map(|low| NextHop::V4([192, 0, 2, low].into()));
            // RFC 8950 too.
            prop_oneof![v4, v6].boxed()
        }
        Family::Ipv6Unicast => v6.boxed(),
    }
}

fn nlri(family: Family, add_path: bool) -> impl Strategy<Value = Vec<Nlri>> {
    let one = (prefix(family), any::<u32>()).prop_map(move |(prefix, id)| Nlri {
        prefix,
        path_id: PathId(if add_path { id } else { 0 }),
    });
    prop::collection::vec(one, 1..200)
}

pub(crate) fn updates() -> impl Strategy<Value = Update> {
    let family = prop::sample::select(Family::ALL.to_vec());
    (session(), family).prop_flat_map(|(session, family)| {
        let raw = attributes(session.four_octet_as);
        let routes = || nlri(family, session.add_path);
        (raw, next_hop(family), routes(), routes()).prop_map(
            move |(raw, next_hop, announced, withdrawn)| Update {
                session,
                family,
                attributes: PathAttributes { next_hop, raw },
                announced,
                withdrawn,
            },
        )
    })
}

/// An attribute of the other writer, with a long header when `long`.
fn attribute(flags: u8, code: u8, value: &[u8], long: bool) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    let mut octets = match u8::try_from(length) {
        Ok(length) if !long => vec![flags, code, length],
        _ => {
            let [high, low] = length.to_be_bytes();
            vec![flags | 0x10, code, high, low]
        }
    };
    octets.extend(value);
    octets
}

fn written(all: &[(IpNet, u32)], add_path: bool) -> Vec<u8> {
    let mut octets = Vec::new();
    for (prefix, id) in all {
        if add_path {
            octets.extend(id.to_be_bytes());
        }
        octets.push(prefix.prefix_len());
        let address = match prefix.addr() {
            std::net::IpAddr::V4(address) => address.octets().to_vec(),
            std::net::IpAddr::V6(address) => address.octets().to_vec(),
        };
        octets.extend(&address[..usize::from(prefix.prefix_len()).div_ceil(8)]);
    }
    octets
}

fn words(all: &[u32]) -> Vec<u8> {
    all.iter().flat_map(|word| word.to_be_bytes()).collect()
}

prop_compose! {
    /// Several segments, attributes in any order, long headers, withdrawals of both families beside announcements of
    /// one: a message of a writer that is not ours.
    fn foreign_of(session: Session)(
        v6 in any::<bool>(),
        segments in prop::collection::vec(
            (prop_oneof![9 => Just(2_u8), 1 => Just(1_u8)], prop::collection::vec(asn(session.four_octet_as), 1..20)), 0..6),
        (origin, med, local_pref) in (0..3_u8, any::<Option<u32>>(), any::<u32>()),
        communities in prop::collection::vec(any::<u32>(), 0..30),
        large in prop::collection::vec(any::<[u32; 3]>(), 0..8),
        clusters in prop::collection::vec(any::<u32>(), 0..4),
        gone_v4 in prop::collection::vec((prefix(Family::Ipv4Unicast), any::<u32>()), 0..20),
        gone_v6 in prop::collection::vec((prefix(Family::Ipv6Unicast), any::<u32>()), 0..20),
        told_v4 in prop::collection::vec((prefix(Family::Ipv4Unicast), any::<u32>()), 1..40),
        told_v6 in prop::collection::vec((prefix(Family::Ipv6Unicast), any::<u32>()), 1..40),
        long in any::<u16>(),
        order in Just((0..10_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) -> Vec<u8> {
        let add_path = session.add_path;
        let path: Vec<u8> = segments.iter().flat_map(|(kind, ases)| {
            let mut octets = vec![*kind, u8::try_from(ases.len()).unwrap()];
            for asn in ases {
                let word = asn.to_be_bytes();
                octets.extend(if session.four_octet_as { &word[..] } else { &word[2..] });
            }
            octets
        }).collect();
        let mut reach = vec![0, 2, 1, 16];
        reach.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        reach.extend(written(&told_v6, add_path));
        let unreach = [&[0, 2, 1], written(&gone_v6, add_path).as_slice()].concat();
        let large: Vec<u32> = large.into_iter().flatten().collect();
        let all: [Option<(u8, u8, Vec<u8>)>; 10] = [
            Some((0x40, 1, vec![origin])),
            Some((0x40, 2, path)),
            (!v6).then(|| (0x40, 3, vec![192, 0, 2, 9])),
            med.map(|med| (0x80, 4, med.to_be_bytes().to_vec())),
            Some((0x40, 5, local_pref.to_be_bytes().to_vec())),
            (!communities.is_empty()).then(|| (0xc0, 8, words(&communities))),
            (!large.is_empty()).then(|| (0xe0, 32, words(&large))),
            (!clusters.is_empty()).then(|| (0x80, 10, words(&clusters))),
            v6.then_some((0x80, 14, reach)),
            (!gone_v6.is_empty()).then_some((0x80, 15, unreach)),
        ];
        let mut attributes = Vec::new();
        for (at, index) in order.into_iter().enumerate() {
            if let Some((flags, code, value)) = &all[index] {
                attributes.extend(attribute(*flags, *code, value, long >> at & 1 == 1));
            }
        }
        let nlri = if v6 { Vec::new() } else { written(&told_v4, add_path) };
        let withdrawn = written(&gone_v4, add_path);
        let length = |octets: &[u8]| u16::try_from(octets.len()).unwrap().to_be_bytes();
        let body = [&length(&withdrawn)[..], &withdrawn, &length(&attributes), &attributes, &nlri].concat();
        let mut message = vec![0xff; 16];
        message.extend(u16::try_from(19 + body.len()).unwrap().to_be_bytes());
        message.push(2);
        message.extend(body);
        message
    }
}

pub(crate) fn foreign() -> impl Strategy<Value = (Vec<u8>, Session)> {
    session().prop_flat_map(|session| (foreign_of(session), Just(session)))
}
