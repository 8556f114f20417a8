use ipnet::IpNet;
use proptest::prelude::*;

use super::*;
use crate::bgp::attributes::AttributesEditor;
use crate::bgp::types::{NextHop, Nlri, Origin, PathAttributes, PathId};
use crate::bgp::wire::as_path::AsPathBuilder;
use crate::bgp::wire::attribute::AttributeFlags;
use crate::bgp::wire::attribute::tests::{ebgp, ibgp};
use crate::bgp::wire::error::Fault;
use crate::bgp::wire::header::{HEADER, Header, Inbox, MessageType};

const ORIGIN: &[u8] = &[0x40, 1, 1, 0];
const AS_PATH: &[u8] = &[0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9];
const NEXT_HOP: &[u8] = &[0x40, 3, 4, 192, 0, 2, 1];
const PREFIX: &[u8] = &[24, 203, 0, 113];
/// 2001:db8::1
const V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// 2001:db8:1::/48
const PREFIX6: &[u8] = &[48, 0x20, 1, 0xd, 0xb8, 0, 1];

fn body(withdrawn: &[u8], attributes: &[&[u8]], nlri: &[u8]) -> Vec<u8> {
    let attributes = attributes.concat();
    let length = |octets: &[u8]| u16::try_from(octets.len()).unwrap().to_be_bytes();
    [
        &length(withdrawn)[..],
        withdrawn,
        &length(&attributes)[..],
        &attributes,
        nlri,
    ]
    .concat()
}

fn reach(afi: u16, next_hop: &[u8], nlri: &[u8]) -> Vec<u8> {
    let mut value = afi.to_be_bytes().to_vec();
    value.extend_from_slice(&[1, u8::try_from(next_hop.len()).unwrap()]);
    value.extend_from_slice(next_hop);
    value.push(0);
    value.extend_from_slice(nlri);
    [&[0x80, 14, u8::try_from(value.len()).unwrap()], &value[..]].concat()
}

fn unreach(afi: u16, nlri: &[u8]) -> Vec<u8> {
    let [high, low] = afi.to_be_bytes();
    let length = u8::try_from(3 + nlri.len()).unwrap();
    [&[0x80, 15, length, high, low, 1], nlri].concat()
}

#[track_caller]
fn resets(body: &[u8], code: u8, subcode: u8) {
    let error = decode(body, &ebgp()).unwrap_err();
    let notification = error.notification;
    assert_eq!((notification.code, notification.subcode), (code, subcode));
}

#[track_caller]
fn withdraws(body: &[u8], options: &DecodeOptions, fault: Fault) {
    let update = decode(body, options).unwrap();
    let worst = update
        .findings
        .iter()
        .max_by_key(|finding| finding.disposition);
    let worst = worst.unwrap();
    assert_eq!(
        (worst.disposition, worst.fault),
        (Disposition::TreatAsWithdraw, fault)
    );
    assert!(
        update
            .routes
            .iter()
            .all(|update| update.announced.is_empty())
    );
    assert!(
        update
            .routes
            .iter()
            .any(|update| !update.withdrawn.is_empty())
    );
}

fn accepts(body: &[u8], options: &DecodeOptions) -> Update {
    let update = decode(body, options).unwrap();
    assert_eq!(update.findings, []);
    update
}

fn nlri(text: &str) -> Nlri {
    Nlri {
        prefix: text.parse().unwrap(),
        path_id: PathId(0),
    }
}

#[test]
fn a_plain_update_announces_and_withdraws() {
    let body = body(&[8, 10], &[ORIGIN, AS_PATH, NEXT_HOP], PREFIX);
    let update = accepts(&body, &ebgp());
    let [routes] = &update.routes[..] else {
        panic!("{update:?}");
    };
    assert_eq!(routes.withdrawn, [nlri("10.0.0.0/8")]);
    assert_eq!(routes.announced, [nlri("203.0.113.0/24")]);
    let attributes = routes.attributes.as_ref().unwrap();
    assert_eq!(attributes.next_hop, NextHop::V4([192, 0, 2, 1].into()));
    assert_eq!(*attributes.raw, *[ORIGIN, AS_PATH].concat());
}

#[test]
fn structure_lengths_that_exceed_the_message() {
    resets(&[0, 5, 0, 0], 3, 1);
    resets(&[0, 0, 0, 5, 1], 3, 1);
    resets(&[0, 0, 0], 3, 1);
}

#[test]
fn structure_an_attribute_header_without_room_costs_the_routes() {
    let options = ebgp();
    for rest in [&[0x40][..], &[0x40, 1], &[0x50, 1, 0]] {
        let body = body(&[], &[ORIGIN, AS_PATH, NEXT_HOP, rest], PREFIX);
        withdraws(&body, &options, Fault::Truncated);
    }
}

#[test]
fn structure_an_attribute_that_overruns_costs_the_routes_and_the_prefixes_are_found() {
    let body = body(
        &[],
        &[ORIGIN, AS_PATH, NEXT_HOP, &[0xc0, 8, 200, 1]],
        PREFIX,
    );
    let update = decode(&body, &ebgp()).unwrap();
    assert_eq!(update.routes[0].withdrawn, [nlri("203.0.113.0/24")]);
    withdraws(&body, &ebgp(), Fault::Truncated);
}

#[test]
fn structure_bad_classic_prefixes_end_the_session() {
    let good = [ORIGIN, AS_PATH, NEXT_HOP];
    resets(&body(&[], &good, &[33, 1, 2, 3, 4, 5]), 3, 10);
    resets(&body(&[], &good, &[24, 203, 0]), 3, 10);
    resets(&body(&[33, 1, 2, 3, 4, 5], &[], &[]), 3, 10);
    resets(&body(&[24, 1], &[], &[]), 3, 10);
}

#[test]
fn structure_mp_attributes_without_their_fields_end_the_session() {
    let with = |attribute: &[u8]| body(&[], &[ORIGIN, AS_PATH, NEXT_HOP, attribute], PREFIX);
    resets(&with(&[0x80, 14, 4, 0, 2, 1, 0]), 3, 1);
    resets(&with(&[0x80, 14, 0]), 3, 1);
    resets(&with(&[0x80, 15, 2, 0, 2]), 3, 1);
    // The next hop overruns, then only the reserved octet is missing.
    resets(&with(&[0x80, 14, 6, 0, 2, 1, 16, 0, 0]), 3, 1);
    let reserved = [&[0x80, 14, 20, 0, 2, 1, 16][..], &V6].concat();
    resets(&with(&reserved), 3, 1);
    for length in [0, 1, 4, 15, 17, 24, 48] {
        resets(&with(&reach(2, &vec![1; length], PREFIX6)), 3, 1);
    }
    resets(&with(&reach(1, &[1; 5], PREFIX)), 3, 1);
}

#[test]
fn structure_bad_mp_prefixes_end_the_session() {
    let with = |attribute: &[u8]| body(&[], &[ORIGIN, AS_PATH, NEXT_HOP, attribute], PREFIX);
    resets(&with(&reach(2, &V6, &[129])), 3, 9);
    resets(&with(&reach(2, &V6, &[48, 0x20])), 3, 9);
    resets(
        &with(&reach(1, &[192, 0, 2, 1], &[33, 1, 2, 3, 4, 5])),
        3,
        9,
    );
    resets(&with(&unreach(2, &[129])), 3, 9);
    resets(&with(&unreach(2, &[48, 0x20])), 3, 9);
}

#[test]
fn structure_mp_attributes_twice_end_the_session() {
    let reach = reach(2, &V6, PREFIX6);
    let unreach = unreach(2, PREFIX6);
    resets(&body(&[], &[ORIGIN, AS_PATH, &reach, &reach], &[]), 3, 1);
    resets(&body(&[], &[&unreach, &unreach], &[]), 3, 1);
}

#[test]
fn structure_of_any_other_attribute_twice_the_first_counts() {
    let other = [0x40, 1, 1, 2];
    let body = body(&[], &[ORIGIN, AS_PATH, NEXT_HOP, &other], PREFIX);
    let update = decode(&body, &ebgp()).unwrap();
    let attributes = update.routes[0].attributes.as_ref().unwrap();
    assert_eq!(attributes.view().origin(), Some(Origin::Igp));
    let [finding] = update.findings[..] else {
        panic!("{:?}", update.findings);
    };
    assert_eq!(finding.fault, Fault::Duplicate);
    assert_eq!(finding.disposition, Disposition::AttributeDiscard);
}

#[test]
fn structure_a_family_that_is_not_negotiated_is_ignored_and_counted() {
    let v4_only = DecodeOptions {
        families: FamilySet::from_iter([Family::Ipv4Unicast]),
        ..ebgp()
    };
    // VPNv4 has a next hop of 12 octets: it is not looked at.
    let vpn = [&[0x80, 14, 17, 0, 1, 128, 12][..], &[0; 13]].concat();
    for foreign in [reach(2, &V6, PREFIX6), unreach(2, PREFIX6), vpn] {
        let body = body(&[], &[ORIGIN, AS_PATH, NEXT_HOP, &foreign], PREFIX);
        let update = decode(&body, &v4_only).unwrap();
        assert_eq!(update.routes.len(), 1);
        assert_eq!(update.routes[0].announced, [nlri("203.0.113.0/24")]);
        assert_eq!(update.findings[0].fault, Fault::FamilyNotNegotiated);
    }
    let v6_only = DecodeOptions {
        families: FamilySet::from_iter([Family::Ipv6Unicast]),
        ..ebgp()
    };
    let body = body(&[8, 10], &[ORIGIN, AS_PATH, NEXT_HOP], PREFIX);
    let update = decode(&body, &v6_only).unwrap();
    assert!(update.routes.is_empty());
    assert_eq!(update.findings[0].fault, Fault::FamilyNotNegotiated);
}

#[test]
fn structure_ipv4_prefixes_over_ipv6_need_the_capability() {
    let body = body(&[], &[ORIGIN, AS_PATH, &reach(1, &V6, PREFIX)], &[]);
    withdraws(&body, &ebgp(), Fault::NextHopNotNegotiated);
    let negotiated = DecodeOptions {
        extended_next_hop: true,
        ..ebgp()
    };
    let update = accepts(&body, &negotiated);
    assert_eq!(update.routes[0].announced, [nlri("203.0.113.0/24")]);
    assert!(matches!(
        update.routes[0].attributes.as_ref().unwrap().next_hop,
        NextHop::V6 { .. }
    ));
}

#[test]
fn structure_a_missing_mandatory_attribute_costs_the_routes() {
    let options = ebgp();
    withdraws(
        &body(&[], &[AS_PATH, NEXT_HOP], PREFIX),
        &options,
        Fault::Missing,
    );
    withdraws(
        &body(&[], &[ORIGIN, NEXT_HOP], PREFIX),
        &options,
        Fault::Missing,
    );
    withdraws(
        &body(&[], &[ORIGIN, AS_PATH], PREFIX),
        &options,
        Fault::Missing,
    );
    let reach = reach(2, &V6, PREFIX6);
    withdraws(&body(&[], &[ORIGIN, &reach], &[]), &options, Fault::Missing);
    let mixed = body(&[], &[ORIGIN, AS_PATH, &reach], PREFIX);
    withdraws(&mixed, &options, Fault::Missing);
}

#[test]
fn structure_a_missing_local_pref_from_ibgp_is_counted() {
    let update = decode(&body(&[], &[ORIGIN, AS_PATH, NEXT_HOP], PREFIX), &ibgp()).unwrap();
    assert_eq!(update.routes[0].announced.len(), 1);
    assert_eq!(update.findings[0].fault, Fault::DefaultUsed);
    assert_eq!(update.findings[0].disposition, Disposition::CountOnly);
}

#[test]
fn structure_an_error_without_reachable_prefixes_ends_the_session() {
    let bad_origin = [0x40, 1, 1, 9];
    resets(&body(&[], &[&bad_origin], &[]), 3, 1);
    resets(&body(&[8, 10], &[&bad_origin], &[]), 3, 1);
    resets(&body(&[], &[&unreach(2, PREFIX6), &bad_origin], &[]), 3, 1);
    resets(&body(&[], &[&[0x40, 1, 200]], &[]), 3, 1);
    // Weaker errors do not.
    let aggregate = [0x40, 6, 1, 0];
    let update = decode(&body(&[8, 10], &[&aggregate], &[]), &ebgp()).unwrap();
    assert_eq!(update.routes[0].withdrawn, [nlri("10.0.0.0/8")]);
}

#[test]
fn structure_bits_after_the_prefix_are_masked() {
    let body = body(&[], &[ORIGIN, AS_PATH, NEXT_HOP], &[20, 203, 0, 0x7f, 0, 9]);
    let error = decode(&body, &ebgp());
    // 20 bits take three octets; what follows is a prefix of length 0 and one that overruns.
    assert!(error.is_err());
    let body = self::body(&[], &[ORIGIN, AS_PATH, NEXT_HOP], &[20, 203, 0, 0x7f]);
    let update = accepts(&body, &ebgp());
    assert_eq!(update.routes[0].announced, [nlri("203.0.112.0/20")]);
}

#[test]
fn structure_end_of_rib() {
    let end_of_rib = |body: &[u8]| decode(body, &ebgp()).unwrap().end_of_rib;
    assert_eq!(end_of_rib(&[0, 0, 0, 0]), Some(Family::Ipv4Unicast));
    assert_eq!(
        end_of_rib(&body(&[], &[&unreach(1, &[])], &[])),
        Some(Family::Ipv4Unicast)
    );
    assert_eq!(
        end_of_rib(&body(&[], &[&unreach(2, &[])], &[])),
        Some(Family::Ipv6Unicast)
    );
    assert_eq!(end_of_rib(&body(&[8, 10], &[], &[])), None);
    assert_eq!(end_of_rib(&body(&[], &[&unreach(2, PREFIX6)], &[])), None);
    assert_eq!(
        end_of_rib(&body(&[], &[ORIGIN, &unreach(2, &[])], &[])),
        None
    );
    // VPNv4, and a family that is known but not in use.
    assert_eq!(
        end_of_rib(&body(&[], &[&[0x80, 15, 3, 0, 1, 128]], &[])),
        None
    );
    let v6_only = DecodeOptions {
        families: FamilySet::from_iter([Family::Ipv6Unicast]),
        ..ebgp()
    };
    assert_eq!(decode(&[0, 0, 0, 0], &v6_only).unwrap(), Update::default());
}

#[test]
fn mp_next_hops_that_cannot_be_used_cost_the_routes() {
    let v6 = |text: &str| text.parse::<std::net::Ipv6Addr>().unwrap().octets();
    let unusable = ["::", "::1", "ff02::1", "::ffff:192.0.2.1"];
    for next_hop in unusable.map(v6) {
        let body = body(&[], &[ORIGIN, AS_PATH, &reach(2, &next_hop, PREFIX6)], &[]);
        withdraws(&body, &ebgp(), Fault::NextHop);
    }
    for martian in [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [255; 4]] {
        let body = body(&[], &[ORIGIN, AS_PATH, &reach(1, &martian, PREFIX)], &[]);
        withdraws(&body, &ebgp(), Fault::NextHop);
    }
}

#[test]
fn a_link_local_next_hop_needs_an_interface() {
    let link_local = "fe80::1".parse::<std::net::Ipv6Addr>().unwrap();
    let no_link = DecodeOptions {
        link_local_next_hop: false,
        ..ebgp()
    };
    let zero = [0; 16];
    let forms: [&[u8]; 3] = [
        &link_local.octets(),
        &[link_local.octets(), link_local.octets()].concat(),
        &[zero, link_local.octets()].concat(),
    ];
    for form in forms {
        let body = body(&[], &[ORIGIN, AS_PATH, &reach(2, form, PREFIX6)], &[]);
        let update = accepts(&body, &ebgp());
        let next_hop = update.routes[0].attributes.as_ref().unwrap().next_hop;
        assert_eq!(next_hop.address(), link_local);
        withdraws(&body, &no_link, Fault::NextHop);
    }
    let pair = [V6, link_local.octets()].concat();
    let body = body(&[], &[ORIGIN, AS_PATH, &reach(2, &pair, PREFIX6)], &[]);
    let next_hop = |options: &DecodeOptions| {
        let update = accepts(&body, options);
        update.routes[0].attributes.as_ref().unwrap().next_hop
    };
    let global = V6.into();
    let both = NextHop::V6 {
        global,
        link_local: Some(link_local),
    };
    let only_global = NextHop::V6 {
        global,
        link_local: None,
    };
    let with_link = ebgp();
    assert_eq!(next_hop(&with_link), both);
    assert_eq!(next_hop(&no_link), only_global);
}

#[test]
fn both_families_of_one_update_are_told() {
    let reach = reach(2, &V6, PREFIX6);
    let unreach = unreach(2, &[32, 0x20, 1, 0xd, 0xb9]);
    let attributes = [&reach[..], &unreach, ORIGIN, AS_PATH, NEXT_HOP];
    let update = accepts(&body(&[8, 10], &attributes, PREFIX), &ebgp());
    let summary: Vec<_> = update
        .routes
        .iter()
        .map(|update| {
            (
                update.family,
                update.announced.len(),
                update.withdrawn.len(),
            )
        })
        .collect();
    assert_eq!(
        summary,
        [(Family::Ipv4Unicast, 1, 1), (Family::Ipv6Unicast, 1, 1)]
    );
}

#[test]
fn classic_and_mp_prefixes_of_one_family_keep_their_next_hops() {
    let other = reach(1, &[192, 0, 2, 9], &[8, 11]);
    let body = body(&[8, 10], &[ORIGIN, AS_PATH, NEXT_HOP, &other], PREFIX);
    let update = accepts(&body, &ebgp());
    let next_hops: Vec<_> = update
        .routes
        .iter()
        .map(|update| update.attributes.as_ref().unwrap().next_hop)
        .collect();
    let expected = [[192, 0, 2, 1], [192, 0, 2, 9]].map(|octets| NextHop::V4(octets.into()));
    assert_eq!(next_hops, expected);
    assert_eq!(update.routes[0].withdrawn, [nlri("10.0.0.0/8")]);
}

#[test]
fn canonical_attributes_are_ordered_sets_with_short_headers() {
    let communities = [0xd0, 8, 0, 12, 0, 2, 0, 2, 0, 1, 0, 1, 0, 2, 0, 2];
    let attributes = [
        &communities[..],
        NEXT_HOP,
        &[0x50, 2, 0, 6, 2, 1, 0, 0, 0xfd, 0xe9],
        ORIGIN,
    ];
    let update = accepts(&body(&[], &attributes, PREFIX), &ebgp());
    let expected = [ORIGIN, AS_PATH, &[0xc0, 8, 8, 0, 1, 0, 1, 0, 2, 0, 2]];
    let raw = &update.routes[0].attributes.as_ref().unwrap().raw;
    assert_eq!(**raw, *expected.concat());
}

#[test]
fn a_flood_of_findings_is_bounded() {
    let many = vec![&[0x40u8, 1, 1, 0][..]; 5000];
    let mut attributes = vec![ORIGIN, AS_PATH, NEXT_HOP];
    attributes.extend(many);
    let update = decode(&body(&[], &attributes, PREFIX), &ebgp()).unwrap();
    assert!(update.findings.len() <= 32);
    assert_eq!(update.routes[0].announced.len(), 1);
}

mod two_octet_peers {
    use super::*;

    fn old() -> DecodeOptions {
        DecodeOptions {
            four_octet_as: false,
            ..ebgp()
        }
    }

    /// The canonical path of an UPDATE with these values of AS_PATH and AS4_PATH.
    #[track_caller]
    fn path(as_path: &[u16], as4_path: Option<&[u8]>, more: &[u8], expected: &str) {
        let ases = as_path.iter().flat_map(|asn| asn.to_be_bytes());
        let mut value = vec![2, u8::try_from(as_path.len()).unwrap()];
        value.extend(ases);
        let mut narrow = vec![0x40, 2, u8::try_from(value.len()).unwrap()];
        narrow.extend(value);
        let wide = as4_path.map_or(Vec::new(), |value| {
            [&[0xc0, 17, u8::try_from(value.len()).unwrap()], value].concat()
        });
        let body = body(&[], &[ORIGIN, &narrow, NEXT_HOP, more, &wide], PREFIX);
        let update = decode(&body, &old()).unwrap();
        let attributes = update.routes[0].attributes.as_ref().unwrap();
        assert_eq!(attributes.view().as_path().to_string(), expected);
    }

    #[test]
    fn a_path_alone_is_widened() {
        path(&[65001, 7], None, &[], "65001 7");
    }

    #[test]
    fn the_excess_of_as_path_stands_before_as4_path() {
        let wide = [2, 2, 0, 1, 0, 0, 0, 0, 0, 7];
        path(&[65001, 23456, 7], Some(&wide), &[], "65001 65536 7");
        path(&[65001, 7], Some(&[2, 1, 0, 1, 0, 0]), &[], "65001 65536");
    }

    #[test]
    fn a_longer_as4_path_is_not_believed() {
        let wide = [2, 3, 0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 2];
        path(&[65001, 23456], Some(&wide), &[], "65001 23456");
    }

    #[test]
    fn confederation_segments_of_as4_path_are_removed() {
        let wide = [3, 1, 0, 0, 0, 9, 2, 1, 0, 1, 0, 0];
        path(&[65001, 23456], Some(&wide), &[], "65001 65536");
    }

    #[test]
    fn an_aggregator_of_another_as_voids_both_as4_attributes() {
        let aggregator = [0xc0, 7, 6, 0, 7, 10, 0, 0, 1];
        let as4_aggregator = [0xc0, 18, 8, 0, 1, 0, 0, 10, 0, 0, 2];
        let wide = [2, 1, 0, 1, 0, 0];
        let pair = [&aggregator[..], &as4_aggregator].concat();
        path(&[65001, 23456], Some(&wide), &pair, "65001 23456");
        path(&[65001, 23456], Some(&wide), &aggregator, "65001 65536");
    }

    #[test]
    fn an_aggregator_of_as_trans_is_replaced() {
        let narrow = [0xc0, 7, 6, 0x5b, 0xa0, 10, 0, 0, 1];
        let wide = [0xc0, 18, 8, 0, 1, 0, 0, 10, 0, 0, 2];
        let as_path = [0x40, 2, 4, 2, 1, 0xfd, 0xe9];
        let aggregator = |attributes: &[&[u8]]| {
            let update = decode(&body(&[], attributes, PREFIX), &old()).unwrap();
            let attributes = update.routes[0].attributes.clone().unwrap();
            attributes.view().aggregator().unwrap()
        };
        let merged = aggregator(&[ORIGIN, &as_path, NEXT_HOP, &narrow, &wide]);
        assert_eq!(
            (merged.asn, merged.address),
            (Asn(65536), [10, 0, 0, 2].into())
        );
        let alone = aggregator(&[ORIGIN, &as_path, NEXT_HOP, &narrow]);
        assert_eq!(
            (alone.asn, alone.address),
            (Asn::TRANS, [10, 0, 0, 1].into())
        );
    }

    #[test]
    fn the_first_as_of_a_peer_above_65535_is_as_trans() {
        let options = DecodeOptions {
            peer_as: Asn(65536),
            ..old()
        };
        let as_path = [0x40, 2, 4, 2, 1, 0x5b, 0xa0];
        let body = body(&[], &[ORIGIN, &as_path, NEXT_HOP], PREFIX);
        accepts(&body, &options);
    }
}

fn families() -> impl Strategy<Value = Family> {
    prop_oneof![Just(Family::Ipv4Unicast), Just(Family::Ipv6Unicast)]
}

fn prefix(family: Family) -> impl Strategy<Value = IpNet> {
    match family {
        Family::Ipv4Unicast => (any::<[u8; 4]>(), 0..=32u8)
            .prop_map(|(octets, bits)| IpNet::new(octets.into(), bits).unwrap().trunc())
            .boxed(),
        Family::Ipv6Unicast => (any::<[u8; 16]>(), 0..=128u8)
            .prop_map(|(octets, bits)| IpNet::new(octets.into(), bits).unwrap().trunc())
            .boxed(),
    }
}

fn next_hop(family: Family) -> impl Strategy<Value = NextHop> {
    let v6 = any::<(u16, bool)>().prop_map(|(low, pair)| NextHop::V6 {
        global: std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 1, low),
        link_local: pair.then(|| std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, low)),
    });
    match family {
        Family::Ipv4Unicast => prop_oneof![
            any::<u8>().prop_map(|low| NextHop::V4([192, 0, 2, low].into())),
            v6
        ]
        .boxed(),
        Family::Ipv6Unicast => v6.boxed(),
    }
}

prop_compose! {
    /// Attributes that eBGP carries, of a peer with AS 65001.
    fn raw()(
        path in prop::collection::vec(1..100_000u32, 0..300),
        med in any::<Option<u32>>(),
        atomic in any::<bool>(),
        aggregator in any::<Option<(u16, u32)>>(),
        communities in prop::collection::vec(any::<u32>(), 0..80),
        large in prop::collection::vec(any::<[u32; 3]>(), 0..20),
        unknown in any::<Option<Vec<u8>>>(),
    ) -> Box<[u8]> {
        let mut editor = AttributesEditor::empty();
        editor.set_origin(Origin::Egp);
        let mut as_path = AsPathBuilder::new();
        as_path.push(Asn(65001));
        path.into_iter().for_each(|asn| as_path.push(Asn(asn)));
        editor.set_as_path(as_path.as_path());
        med.into_iter().for_each(|med| editor.set_med(med));
        if atomic {
            editor.set_atomic_aggregate();
        }
        if let Some((low, address)) = aggregator {
            let asn = Asn(u32::from(low) + 60_000);
            editor.set_aggregator(crate::bgp::attributes::Aggregator { asn, address: address.into() });
        }
        editor.set_communities(communities.into_iter().map(crate::bgp::attributes::Community));
        editor.set_large_communities(large.into_iter().map(crate::bgp::attributes::LargeCommunity));
        if let Some(value) = unknown {
            let flags = AttributeFlags(AttributeFlags::OPTIONAL_TRANSITIVE.0 | AttributeFlags::PARTIAL);
            editor.set(AttributeCode(200), flags, &value);
        }
        editor.finish()
    }
}

prop_compose! {
    fn paths()(family in families())(
        family in Just(family),
        next_hop in next_hop(family),
        raw in raw(),
        prefixes in prop::collection::vec((prefix(family), any::<u32>()), 1..700),
    ) -> (Family, PathAttributes, Vec<Nlri>) {
        let nlri = prefixes.into_iter();
        let nlri = nlri.map(|(prefix, id)| Nlri { prefix, path_id: PathId(id) }).collect();
        (family, PathAttributes { next_hop, raw }, nlri)
    }
}

prop_compose! {
    fn encodings()(
        four_octet_as in any::<bool>(),
        extended in any::<bool>(),
        add_path_v4 in any::<bool>(),
        add_path_v6 in any::<bool>(),
    ) -> Encoding {
        let max_message = if extended { 65535 } else { 4096 };
        Encoding { four_octet_as, max_message, add_path_v4, add_path_v6 }
    }
}

/// How the receiver of `encoding` reads.
fn reader_of(encoding: &Encoding) -> DecodeOptions {
    DecodeOptions {
        four_octet_as: encoding.four_octet_as,
        add_path: Family::ALL
            .into_iter()
            .filter(|&family| encoding.add_path(family))
            .collect(),
        extended_next_hop: true,
        ..ebgp()
    }
}

/// Decodes every message of `bytes`.
fn read_all(bytes: &[u8], encoding: &Encoding) -> Vec<Update> {
    let mut inbox = Inbox::default();
    let mut rest = bytes;
    let mut updates = Vec::new();
    while let Some((header, message)) = inbox.next(&mut rest, encoding.max_message).unwrap() {
        assert_eq!(header.kind, MessageType::Update);
        updates.push(decode(&message[HEADER..], &reader_of(encoding)).unwrap());
    }
    assert!(inbox.is_empty());
    updates
}

/// What the wire says of `nlri`.
fn on_wire(nlri: &[Nlri], add_path: bool) -> Vec<Nlri> {
    let path_id = |id| if add_path { id } else { PathId(0) };
    let plain = nlri.iter().map(|each| Nlri {
        path_id: path_id(each.path_id),
        ..*each
    });
    plain.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn announcements_survive_the_wire((family, attributes, nlri) in paths(), encoding in encodings()) {
        let mut bytes = Vec::new();
        let messages = encode_announce(&mut bytes, family, &attributes, &nlri, &encoding).unwrap();
        let updates = read_all(&bytes, &encoding);
        prop_assert_eq!(updates.len(), usize::try_from(messages).unwrap());
        let mut announced = Vec::new();
        for update in updates {
            prop_assert_eq!(&update.findings, &[]);
            let [routes] = &update.routes[..] else { panic!("one family") };
            prop_assert_eq!(routes.attributes.as_ref(), Some(&attributes));
            prop_assert_eq!(routes.family, family);
            announced.extend_from_slice(&routes.announced);
        }
        prop_assert_eq!(announced, on_wire(&nlri, encoding.add_path(family)));
    }

    #[test]
    fn withdrawals_survive_the_wire((family, _, nlri) in paths(), encoding in encodings()) {
        let mut bytes = Vec::new();
        let messages = encode_withdraw(&mut bytes, family, &nlri, &encoding);
        let updates = read_all(&bytes, &encoding);
        prop_assert_eq!(updates.len(), usize::try_from(messages).unwrap());
        let withdrawn: Vec<_> = updates
            .iter()
            .flat_map(|update| update.routes.iter().flat_map(|routes| routes.withdrawn.clone()))
            .collect();
        prop_assert_eq!(withdrawn, on_wire(&nlri, encoding.add_path(family)));
        prop_assert!(updates.iter().all(|update| update.end_of_rib.is_none()));
    }

    #[test]
    fn any_body_is_decoded_without_panic(
        body in prop::collection::vec(any::<u8>(), 4..600),
        encoding in encodings(),
        internal in any::<bool>(),
    ) {
        let options = DecodeOptions { internal, ..reader_of(&encoding) };
        let _ = decode(&body, &options);
    }

    #[test]
    fn a_damaged_update_is_decoded_without_panic(
        (family, attributes, nlri) in paths(),
        encoding in encodings(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = Vec::new();
        encode_announce(&mut bytes, family, &attributes, &nlri, &encoding).unwrap();
        let first = Header::decode(bytes.first_chunk().unwrap(), encoding.max_message).unwrap();
        let mut body = bytes[HEADER..first.length].to_vec();
        for (at, octet) in damage {
            let at = at.index(body.len());
            body[at] = octet;
        }
        if let Ok(update) = decode(&body, &reader_of(&encoding)) {
            for routes in &update.routes {
                prop_assert_eq!(routes.announced.is_empty(), routes.attributes.is_none());
            }
        }
    }
}

#[test]
fn end_of_rib_survives_the_wire() {
    for family in Family::ALL {
        let mut bytes = Vec::new();
        assert_eq!(encode_end_of_rib(&mut bytes, family), 1);
        assert_eq!(
            decode(&bytes[HEADER..], &ebgp()).unwrap().end_of_rib,
            Some(family)
        );
    }
}

#[test]
fn attributes_that_fill_the_message_are_refused() {
    let mut editor = AttributesEditor::empty();
    editor.set_communities((0..1100).map(crate::bgp::attributes::Community));
    let attributes = PathAttributes {
        next_hop: NextHop::V4([192, 0, 2, 1].into()),
        raw: editor.finish(),
    };
    let mut encoding = Encoding {
        four_octet_as: true,
        max_message: 4096,
        add_path_v4: false,
        add_path_v6: false,
    };
    let nlri = [nlri("203.0.113.0/24")];
    let mut out = Vec::new();
    let refused = encode_announce(&mut out, Family::Ipv4Unicast, &attributes, &nlri, &encoding);
    assert_eq!(refused.unwrap_err().limit, 4096);
    assert!(out.is_empty());
    encoding.max_message = 65535;
    let sent = encode_announce(&mut out, Family::Ipv4Unicast, &attributes, &nlri, &encoding);
    assert_eq!(sent, Ok(1));
}

#[test]
fn messages_are_packed_to_the_last_octet() {
    let nlri: Vec<_> = (0..4096u32)
        .map(|low| Nlri {
            prefix: IpNet::new(std::net::Ipv4Addr::from(low << 8).into(), 24).unwrap(),
            path_id: PathId(0),
        })
        .collect();
    let encoding = Encoding {
        four_octet_as: true,
        max_message: 4096,
        add_path_v4: false,
        add_path_v6: false,
    };
    let mut bytes = Vec::new();
    let messages = encode_withdraw(&mut bytes, Family::Ipv4Unicast, &nlri, &encoding);
    let room = 4096 - 23;
    assert_eq!(
        usize::try_from(messages).unwrap(),
        (4 * nlri.len()).div_ceil(room - room % 4)
    );
}
