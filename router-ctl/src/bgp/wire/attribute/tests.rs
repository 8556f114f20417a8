//! One test for each row of the attribute table: what an attribute alone does to an UPDATE that is otherwise
//! good.

use super::*;
use crate::bgp::attributes::AttributesView;
use crate::bgp::types::{Asn, Family, FamilySet};
use crate::bgp::wire::error::Disposition;
use crate::bgp::wire::update::{self, DecodeOptions};

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Carried,
    /// Accepted without the attribute, and nobody is told.
    Silent,
    Discarded(Fault),
    Withdrawn(Fault),
    Reset(u8, u8),
}

use Outcome::{Carried, Discarded, Reset, Silent, Withdrawn};

pub(in crate::bgp::wire) fn ebgp() -> DecodeOptions {
    DecodeOptions {
        four_octet_as: true,
        internal: false,
        peer_as: Asn(65001),
        families: FamilySet::from_iter(Family::ALL),
        add_path: FamilySet::NONE,
        extended_next_hop: false,
        enforce_first_as: true,
        reject_as_sets: true,
        allow_martian_next_hop: false,
        link_local_next_hop: true,
        overrides: Vec::new(),
    }
}

pub(in crate::bgp::wire) fn ibgp() -> DecodeOptions {
    DecodeOptions {
        internal: true,
        ..ebgp()
    }
}

fn two_octet(options: DecodeOptions) -> DecodeOptions {
    DecodeOptions {
        four_octet_as: false,
        ..options
    }
}

/// The attributes that every path has, for one prefix.
fn mandatory(options: &DecodeOptions) -> Vec<Vec<u8>> {
    let as_path = if options.four_octet_as {
        vec![0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9]
    } else {
        vec![0x40, 2, 4, 2, 1, 0xfd, 0xe9]
    };
    let mut attributes = vec![vec![0x40, 1, 1, 0], as_path, vec![0x40, 3, 4, 192, 0, 2, 1]];
    if options.internal {
        attributes.push(vec![0x40, 5, 4, 0, 0, 0, 100]);
    }
    attributes
}

/// The body of an UPDATE for 203.0.113.0/24 with `attribute` in the place of the one of its code.
fn body_with(attribute: &[u8], options: &DecodeOptions) -> Vec<u8> {
    let mut attributes = mandatory(options);
    attributes.retain(|each| each[1] != attribute[1]);
    attributes.push(attribute.to_vec());
    let attributes = attributes.concat();
    let mut body = vec![0, 0];
    body.extend_from_slice(&u16::try_from(attributes.len()).unwrap().to_be_bytes());
    body.extend_from_slice(&attributes);
    body.extend_from_slice(&[24, 203, 0, 113]);
    body
}

fn outcome(attribute: &[u8], options: &DecodeOptions) -> Outcome {
    let update = match update::decode(&body_with(attribute, options), options) {
        Ok(update) => update,
        Err(error) => return Reset(error.notification.code, error.notification.subcode),
    };
    let code = AttributeCode(attribute[1]);
    let finding = update
        .findings
        .iter()
        .find(|finding| finding.attribute == code && finding.disposition > Disposition::CountOnly);
    let routes = &update.routes[0];
    match finding {
        Some(finding) if finding.disposition == Disposition::TreatAsWithdraw => {
            assert!(routes.announced.is_empty() && routes.withdrawn.len() == 1);
            Withdrawn(finding.fault)
        }
        _ => {
            assert!(routes.announced.len() == 1 && routes.withdrawn.is_empty());
            let view = AttributesView::new(&routes.attributes.as_ref().unwrap().raw);
            match (finding, view.get(code)) {
                (Some(finding), None) => Discarded(finding.fault),
                (None, Some(_)) => Carried,
                (None, None) => Silent,
                (Some(finding), Some(_)) => panic!("{finding:?}, and still carried"),
            }
        }
    }
}

#[track_caller]
fn external(attribute: &[u8], expected: Outcome) {
    assert_eq!(outcome(attribute, &ebgp()), expected, "eBGP");
}

#[track_caller]
fn internal(attribute: &[u8], expected: Outcome) {
    assert_eq!(outcome(attribute, &ibgp()), expected, "iBGP");
}

#[track_caller]
fn both(attribute: &[u8], expected: impl Fn() -> Outcome) {
    external(attribute, expected());
    internal(attribute, expected());
}

/// An attribute with a short header.
fn attribute(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap();
    [&[flags, code, length], value].concat()
}

#[test]
fn row_0_reserved_is_discarded() {
    both(&attribute(0x40, 0, &[]), || {
        Discarded(Fault::NotFromThisPeer)
    });
    both(&attribute(0xc0, 0, &[]), || Discarded(Fault::Flags));
}

#[test]
fn row_1_origin() {
    both(&attribute(0x40, 1, &[2]), || Carried);
    both(&attribute(0x40, 1, &[3]), || Withdrawn(Fault::Value));
    both(&attribute(0x40, 1, &[]), || Withdrawn(Fault::Length));
    both(&attribute(0x40, 1, &[0, 0]), || Withdrawn(Fault::Length));
    both(&attribute(0xc0, 1, &[0]), || Withdrawn(Fault::Flags));
    both(&attribute(0x60, 1, &[0]), || Withdrawn(Fault::Flags));
}

#[test]
fn row_2_as_path_that_is_malformed() {
    let path = |value: &[u8]| attribute(0x40, 2, value);
    both(&path(&[5, 1, 0, 0, 0xfd, 0xe9]), || Withdrawn(Fault::Value));
    both(&path(&[0, 1, 0, 0, 0xfd, 0xe9]), || Withdrawn(Fault::Value));
    both(&path(&[2, 0]), || Withdrawn(Fault::Value));
    both(&path(&[2, 2, 0, 0, 0xfd, 0xe9]), || Withdrawn(Fault::Value));
    both(&path(&[2, 1, 0, 0, 0xfd, 0xe9, 2]), || {
        Withdrawn(Fault::Value)
    });
    both(&path(&[2, 2, 0, 0, 0xfd, 0xe9, 0, 0, 0, 0]), || {
        Withdrawn(Fault::AsZero)
    });
    both(&attribute(0xc0, 2, &[2, 1, 0, 0, 0xfd, 0xe9]), || {
        Withdrawn(Fault::Flags)
    });
}

#[test]
fn row_2_as_path_with_a_confederation_segment() {
    for kind in [3, 4] {
        both(&attribute(0x40, 2, &[kind, 1, 0, 0, 0xfd, 0xe9]), || {
            Withdrawn(Fault::ConfedSegment)
        });
    }
}

#[test]
fn row_2_as_path_with_a_set() {
    let path = attribute(0x40, 2, &[2, 1, 0, 0, 0xfd, 0xe9, 1, 1, 0, 0, 0, 7]);
    both(&path, || Withdrawn(Fault::AsSet));
    let lenient = DecodeOptions {
        reject_as_sets: false,
        ..ebgp()
    };
    assert_eq!(outcome(&path, &lenient), Carried);
}

#[test]
fn row_2_as_path_whose_first_as_is_not_the_peers() {
    let other = attribute(0x40, 2, &[2, 1, 0, 0, 0xfd, 0xea]);
    let empty = attribute(0x40, 2, &[]);
    external(&other, Withdrawn(Fault::FirstAs));
    external(&empty, Withdrawn(Fault::FirstAs));
    internal(&other, Carried);
    internal(&empty, Carried);
    let lenient = DecodeOptions {
        enforce_first_as: false,
        ..ebgp()
    };
    assert_eq!(outcome(&other, &lenient), Carried);
    assert_eq!(outcome(&empty, &lenient), Carried);
}

#[test]
fn row_3_next_hop() {
    both(&attribute(0x40, 3, &[192, 0, 2]), || {
        Withdrawn(Fault::Length)
    });
    both(&attribute(0x40, 3, &[]), || Withdrawn(Fault::Length));
    both(&attribute(0xc0, 3, &[192, 0, 2, 1]), || {
        Withdrawn(Fault::Flags)
    });
    for martian in [0, 127, 224, 239, 240, 255] {
        let next_hop = attribute(0x40, 3, &[martian, 0, 0, 1]);
        both(&next_hop, || Withdrawn(Fault::NextHop));
        let lenient = DecodeOptions {
            allow_martian_next_hop: true,
            ..ebgp()
        };
        assert_eq!(outcome(&next_hop, &lenient), Silent);
    }
}

#[test]
fn row_4_med() {
    both(&attribute(0x80, 4, &[0, 0, 0, 1]), || Carried);
    both(&attribute(0x80, 4, &[0, 0, 1]), || Withdrawn(Fault::Length));
    both(&attribute(0x80, 4, &[]), || Withdrawn(Fault::Length));
    both(&attribute(0x40, 4, &[0, 0, 0, 1]), || {
        Withdrawn(Fault::Flags)
    });
    both(&attribute(0xa0, 4, &[0, 0, 0, 1]), || {
        Withdrawn(Fault::Flags)
    });
}

#[test]
fn row_5_local_pref() {
    external(
        &attribute(0x40, 5, &[0, 0, 0, 1]),
        Discarded(Fault::NotFromThisPeer),
    );
    external(&attribute(0x40, 5, &[0, 0, 1]), Discarded(Fault::Length));
    internal(&attribute(0x40, 5, &[0, 0, 0, 0]), Carried);
    internal(&attribute(0x40, 5, &[0, 0, 1]), Withdrawn(Fault::Length));
    both(&attribute(0xc0, 5, &[0, 0, 0, 1]), || {
        Withdrawn(Fault::Flags)
    });
}

#[test]
fn row_6_atomic_aggregate() {
    both(&attribute(0x40, 6, &[]), || Carried);
    both(&attribute(0x40, 6, &[1]), || Discarded(Fault::Length));
    both(&attribute(0xc0, 6, &[]), || Discarded(Fault::Flags));
}

#[test]
fn row_7_aggregator() {
    both(&attribute(0xc0, 7, &[0, 0, 0, 7, 10, 0, 0, 1]), || Carried);
    both(&attribute(0xe0, 7, &[0, 0, 0, 7, 10, 0, 0, 1]), || Carried);
    both(&attribute(0xc0, 7, &[0, 0, 0, 0, 10, 0, 0, 1]), || {
        Discarded(Fault::AsZero)
    });
    both(&attribute(0xc0, 7, &[0, 7, 10, 0, 0, 1]), || {
        Discarded(Fault::Length)
    });
    both(&attribute(0xc0, 7, &[]), || Discarded(Fault::Length));
    both(&attribute(0x80, 7, &[0, 0, 0, 7, 10, 0, 0, 1]), || {
        Discarded(Fault::Flags)
    });
    for options in [two_octet(ebgp()), two_octet(ibgp())] {
        let good = attribute(0xc0, 7, &[0, 7, 10, 0, 0, 1]);
        let long = attribute(0xc0, 7, &[0, 0, 0, 7, 10, 0, 0, 1]);
        assert_eq!(outcome(&good, &options), Carried);
        assert_eq!(outcome(&long, &options), Discarded(Fault::Length));
    }
}

#[test]
fn row_8_communities() {
    both(&attribute(0xc0, 8, &[0, 1, 0, 2]), || Carried);
    both(&attribute(0xc0, 8, &[0, 1, 0, 2, 0]), || {
        Withdrawn(Fault::Length)
    });
    both(&attribute(0xc0, 8, &[]), || Withdrawn(Fault::Length));
    both(&attribute(0x40, 8, &[0, 1, 0, 2]), || {
        Withdrawn(Fault::Flags)
    });
}

#[test]
fn row_9_originator_id() {
    let good = attribute(0x80, 9, &[10, 0, 0, 1]);
    external(&good, Discarded(Fault::NotFromThisPeer));
    internal(&good, Carried);
    external(&attribute(0x80, 9, &[10]), Discarded(Fault::Length));
    internal(&attribute(0x80, 9, &[10]), Withdrawn(Fault::Length));
    both(&attribute(0xc0, 9, &[10, 0, 0, 1]), || {
        Withdrawn(Fault::Flags)
    });
}

#[test]
fn row_10_cluster_list() {
    let good = attribute(0x80, 10, &[10, 0, 0, 1, 10, 0, 0, 2]);
    external(&good, Discarded(Fault::NotFromThisPeer));
    internal(&good, Carried);
    external(&attribute(0x80, 10, &[10]), Discarded(Fault::Length));
    internal(&attribute(0x80, 10, &[10]), Withdrawn(Fault::Length));
    internal(&attribute(0x80, 10, &[]), Withdrawn(Fault::Length));
    both(&attribute(0xc0, 10, &[10, 0, 0, 1]), || {
        Withdrawn(Fault::Flags)
    });
}

#[test]
fn row_14_and_15_flags_end_the_session() {
    let reach = |flags| {
        let value = [
            0, 2, 1, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
        ];
        attribute(flags, 14, &value)
    };
    let unreach = |flags| attribute(flags, 15, &[0, 2, 1]);
    both(&reach(0x80), || Silent);
    both(&unreach(0x80), || Silent);
    for flags in [0xc0, 0x40, 0x00] {
        both(&reach(flags), || Reset(3, 4));
        both(&unreach(flags), || Reset(3, 4));
    }
}

#[test]
fn row_16_extended_communities() {
    both(&attribute(0xc0, 16, &[0, 2, 0, 1, 0, 0, 0, 2]), || Carried);
    both(&attribute(0xc0, 16, &[0; 9]), || Withdrawn(Fault::Length));
    both(&attribute(0xc0, 16, &[]), || Withdrawn(Fault::Length));
    both(&attribute(0x80, 16, &[0; 8]), || Withdrawn(Fault::Flags));
}

#[test]
fn row_17_as4_path_on_a_four_octet_session() {
    let path = |value: &[u8]| attribute(0xc0, 17, value);
    both(&path(&[2, 1, 0, 1, 0, 0]), || {
        Discarded(Fault::NotFromThisPeer)
    });
    both(&path(&[2, 1, 0, 0, 0, 0]), || {
        Discarded(Fault::NotFromThisPeer)
    });
    both(&path(&[7, 1, 0, 1, 0, 0]), || Withdrawn(Fault::Value));
    both(&path(&[2, 0, 2, 1, 0, 1, 0, 0]), || Withdrawn(Fault::Value));
    both(&path(&[2, 2, 0, 1, 0, 0]), || Withdrawn(Fault::Value));
    both(&path(&[]), || Withdrawn(Fault::Value));
    both(&attribute(0x40, 17, &[2, 1, 0, 1, 0, 0]), || {
        Withdrawn(Fault::Flags)
    });
}

#[test]
fn row_17_as4_path_on_a_two_octet_session() {
    for options in [two_octet(ebgp()), two_octet(ibgp())] {
        let check = |value: &[u8], expected| {
            assert_eq!(outcome(&attribute(0xc0, 17, value), &options), expected);
        };
        check(&[2, 1, 0, 1, 0, 0], Silent);
        check(&[2, 1, 0, 1, 0, 0, 0], Discarded(Fault::Value));
        check(&[2, 1, 0, 1], Discarded(Fault::Value));
        check(&[], Discarded(Fault::Value));
        check(&[9, 1, 0, 1, 0, 0], Discarded(Fault::Value));
        check(&[2, 0, 2, 1, 0, 1, 0, 0], Discarded(Fault::Value));
        check(&[2, 9, 0, 1, 0, 0], Discarded(Fault::Value));
        check(&[2, 1, 0, 0, 0, 0], Discarded(Fault::AsZero));
        check(&[3, 1, 0, 1, 0, 0], Silent);
        check(&[1, 1, 0, 1, 0, 0], Discarded(Fault::AsSet));
    }
}

#[test]
fn row_18_as4_aggregator() {
    let good = attribute(0xc0, 18, &[0, 1, 0, 0, 10, 0, 0, 1]);
    both(&good, || Discarded(Fault::NotFromThisPeer));
    both(&attribute(0x40, 18, &[0; 8]), || Discarded(Fault::Flags));
    let old = two_octet(ebgp());
    assert_eq!(outcome(&good, &old), Silent);
    let zero = attribute(0xc0, 18, &[0, 0, 0, 0, 10, 0, 0, 1]);
    assert_eq!(outcome(&zero, &old), Discarded(Fault::AsZero));
    let short = attribute(0xc0, 18, &[0, 1, 0, 0]);
    assert_eq!(outcome(&short, &old), Discarded(Fault::Length));
}

#[test]
fn row_22_pmsi_tunnel() {
    both(&attribute(0xc0, 22, &[0, 0, 0, 0, 0]), || Carried);
    both(&attribute(0xc0, 22, &[0, 6, 0, 0, 0, 10, 0, 0, 1]), || {
        Carried
    });
    both(&attribute(0xc0, 22, &[0, 6, 0, 0, 0, 10]), || {
        Withdrawn(Fault::Length)
    });
    both(&attribute(0xc0, 22, &[0, 8, 0, 0, 0]), || {
        Withdrawn(Fault::Value)
    });
    both(&attribute(0xc0, 22, &[0, 0, 0, 0]), || {
        Withdrawn(Fault::Length)
    });
    both(&attribute(0x80, 22, &[0, 0, 0, 0, 0]), || {
        Withdrawn(Fault::Flags)
    });
}

#[test]
fn row_23_tunnel_encapsulation() {
    let good = attribute(0xc0, 23, &[0, 8, 0, 8, 4, 1, 9, 0x80, 0, 2, 7, 7]);
    both(&good, || Carried);
    both(&attribute(0xc0, 23, &[0, 8, 0, 9, 4, 1, 9]), || {
        Withdrawn(Fault::Value)
    });
    both(&attribute(0xc0, 23, &[0, 8, 0]), || Withdrawn(Fault::Value));
    both(&attribute(0xc0, 23, &[0, 8, 0, 3, 4, 2, 9]), || {
        Withdrawn(Fault::Value)
    });
    both(&attribute(0xc0, 23, &[0, 8, 0, 2, 0x80, 0]), || {
        Withdrawn(Fault::Value)
    });
    both(&attribute(0xc0, 23, &[]), || Withdrawn(Fault::Length));
    both(&attribute(0x80, 23, &[]), || Withdrawn(Fault::Flags));
}

#[test]
fn row_25_ipv6_extended_communities() {
    both(&attribute(0xc0, 25, &[1; 20]), || Carried);
    both(&attribute(0xc0, 25, &[1; 21]), || Withdrawn(Fault::Length));
    both(&attribute(0xc0, 25, &[]), || Withdrawn(Fault::Length));
    both(&attribute(0x40, 25, &[1; 20]), || Withdrawn(Fault::Flags));
}

#[test]
fn row_26_aigp_is_not_enabled() {
    let good = [1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9];
    both(&attribute(0x80, 26, &good), || {
        Discarded(Fault::NotFromThisPeer)
    });
    both(&attribute(0x80, 26, &[]), || {
        Discarded(Fault::NotFromThisPeer)
    });
    both(&attribute(0xc0, 26, &good), || Discarded(Fault::Flags));
}

#[test]
fn row_29_link_state() {
    both(&attribute(0x80, 29, &[1]), || {
        Discarded(Fault::NotFromThisPeer)
    });
    both(&attribute(0xc0, 29, &[1]), || Discarded(Fault::Flags));
}

#[test]
fn row_32_large_communities() {
    both(&attribute(0xc0, 32, &[1; 12]), || Carried);
    both(&attribute(0xc0, 32, &[1; 13]), || Withdrawn(Fault::Length));
    both(&attribute(0xc0, 32, &[]), || Withdrawn(Fault::Length));
    both(&attribute(0x80, 32, &[1; 12]), || Withdrawn(Fault::Flags));
}

#[test]
fn row_33_bgpsec_path() {
    both(&attribute(0x80, 33, &[1]), || {
        Discarded(Fault::NotFromThisPeer)
    });
    both(&attribute(0x40, 33, &[1]), || Discarded(Fault::Flags));
}

#[test]
fn row_35_only_to_customer() {
    both(&attribute(0xc0, 35, &[0, 0, 0, 7]), || Carried);
    both(&attribute(0xc0, 35, &[0, 0, 0, 0]), || {
        Withdrawn(Fault::AsZero)
    });
    both(&attribute(0xc0, 35, &[0, 7]), || Withdrawn(Fault::Length));
    both(&attribute(0x80, 35, &[0, 0, 0, 7]), || {
        Withdrawn(Fault::Flags)
    });
}

#[test]
fn row_40_prefix_sid() {
    let good = attribute(0xc0, 40, &[1, 0, 7, 0, 0, 0, 0, 0, 0, 5]);
    external(&good, Discarded(Fault::NotFromThisPeer));
    internal(&good, Carried);
    both(&attribute(0xc0, 40, &[1, 0, 6, 0, 0, 0, 0, 0, 0]), || {
        Discarded(Fault::Value)
    });
    both(&attribute(0xc0, 40, &[3, 0, 9, 0]), || {
        Discarded(Fault::Value)
    });
    both(&attribute(0xc0, 40, &[]), || Discarded(Fault::Length));
    both(&attribute(0x80, 40, &[3, 0, 0]), || Discarded(Fault::Flags));
}

#[test]
fn row_128_attr_set() {
    both(&attribute(0xc0, 128, &[0, 0, 0, 7]), || Carried);
    both(&attribute(0xc0, 128, &[0, 0, 7]), || {
        Withdrawn(Fault::Length)
    });
    both(&attribute(0x80, 128, &[0, 0, 0, 7]), || {
        Withdrawn(Fault::Flags)
    });
}

#[test]
fn row_unknown_well_known() {
    both(&attribute(0x40, 99, &[1]), || {
        Withdrawn(Fault::UnknownWellKnown)
    });
    both(&attribute(0x00, 99, &[1]), || {
        Withdrawn(Fault::UnknownWellKnown)
    });
}

#[test]
fn row_unknown_optional_non_transitive_is_dropped_in_silence() {
    both(&attribute(0x80, 99, &[1]), || Silent);
}

#[test]
fn row_unknown_optional_transitive_is_carried_as_partial() {
    for flags in [0xc0, 0xe0] {
        let options = ebgp();
        let body = body_with(&attribute(flags, 99, &[1]), &options);
        let update = update::decode(&body, &options).unwrap();
        let raw = &update.routes[0].attributes.as_ref().unwrap().raw;
        let (_, flags, value) = AttributesView::new(raw).iter().last().unwrap();
        assert_eq!((flags.0, value), (0xe0, &[1][..]));
    }
}

#[test]
fn extended_length_and_the_low_flag_bits_are_free() {
    both(&[0x5f, 1, 0, 1, 0], || Carried);
    both(&[0x4f, 1, 1, 0], || Carried);
}

#[test]
fn the_neighbours_own_setting_comes_before_the_table() {
    let options = DecodeOptions {
        overrides: vec![
            (AttributeCode(99), Disposition::TreatAsWithdraw),
            (AttributeCode::COMMUNITIES, Disposition::AttributeDiscard),
        ],
        ..ebgp()
    };
    let unknown = attribute(0xc0, 99, &[1]);
    let communities = attribute(0xc0, 8, &[1]);
    assert_eq!(outcome(&unknown, &options), Withdrawn(Fault::Configured));
    assert_eq!(
        outcome(&communities, &options),
        Discarded(Fault::Configured)
    );
}

#[test]
fn a_mandatory_attribute_that_is_set_to_be_discarded_is_missing() {
    let options = DecodeOptions {
        overrides: vec![(AttributeCode::ORIGIN, Disposition::AttributeDiscard)],
        ..ebgp()
    };
    let origin = attribute(0x40, 1, &[0]);
    let update = update::decode(&body_with(&origin, &options), &options).unwrap();
    assert!(update.routes[0].announced.is_empty());
    let faults: Vec<_> = update.findings.iter().map(|each| each.fault).collect();
    assert_eq!(faults, [Fault::Configured, Fault::Missing]);
}

#[test]
fn every_code_has_a_name() {
    assert_eq!(AttributeCode::AS_PATH.to_string(), "AS_PATH");
    assert_eq!(AttributeCode::MP_REACH_NLRI.to_string(), "MP_REACH_NLRI");
    assert_eq!(AttributeCode(99).to_string(), "attribute 99");
    for row in &TABLE {
        assert!(std::ptr::eq(known(row.code).unwrap(), row));
    }
}
