//! The canonical form of the attributes of a path: ordered, sets sorted, AS numbers of four octets.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::bgp::types::Asn;
use crate::bgp::wire::as_path::{self, Width};
use crate::bgp::wire::attribute::{AttributeCode, AttributeFlags, write_attribute, written_length};
use crate::bgp::wire::community::canonical_set;

/// An attribute that is kept, its value where it lies in the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept<'a> {
    pub(super) code: AttributeCode,
    pub(super) flags: AttributeFlags,
    pub(super) value: &'a [u8],
}

/// The bytes of `PathAttributes::raw`.
pub(super) fn canonical(kept: &[Kept<'_>], width: Width) -> Box<[u8]> {
    if !kept.is_sorted_by_key(|attribute| attribute.code) {
        let mut sorted: SmallVec<[Kept<'_>; 16]> = kept.into();
        sorted.sort_unstable_by_key(|attribute| attribute.code);
        return canonical(&sorted, width);
    }
    let mut raw = Vec::with_capacity(kept.iter().map(|each| written_length(each.value)).sum());
    match width {
        Width::Four => {
            for attribute in kept {
                let value = normal(attribute);
                write_attribute(&mut raw, attribute.code, attribute.flags, &value);
            }
        }
        Width::Two => widen(kept, &mut raw),
    }
    raw.into_boxed_slice()
}

/// Sets are sorted, everything else is as it was.
fn normal<'a>(attribute: &Kept<'a>) -> Cow<'a, [u8]> {
    match attribute.code {
        AttributeCode::COMMUNITIES => canonical_set::<4>(attribute.value),
        AttributeCode::EXTENDED_COMMUNITIES => canonical_set::<8>(attribute.value),
        AttributeCode::IPV6_EXTENDED_COMMUNITIES => canonical_set::<20>(attribute.value),
        AttributeCode::LARGE_COMMUNITIES => canonical_set::<12>(attribute.value),
        _ => Cow::Borrowed(attribute.value),
    }
}

/// What an old speaker sent, as a new one would have (RFC 6793 §4.2.3).
fn widen(kept: &[Kept<'_>], raw: &mut Vec<u8>) {
    let value_of = |code| {
        kept.iter()
            .find_map(|each| (each.code == code).then_some(each.value))
    };
    let aggregator = value_of(AttributeCode::AGGREGATOR)
        .and_then(|value| value.split_first_chunk())
        .map(|(asn, address)| (Asn(u16::from_be_bytes(*asn).into()), address));
    // An old speaker that aggregated after both were set knows better than either.
    let aggregated_later = value_of(AttributeCode::AS4_AGGREGATOR).is_some()
        && aggregator.is_some_and(|(asn, _)| asn != Asn::TRANS);
    let as4 = |code| value_of(code).filter(|_| !aggregated_later);
    for attribute in kept {
        let value = match attribute.code {
            AttributeCode::AS4_PATH | AttributeCode::AS4_AGGREGATOR => continue,
            AttributeCode::AS_PATH => {
                let merged = as_path::merge(attribute.value, as4(AttributeCode::AS4_PATH));
                Cow::Owned(merged.octets().to_vec())
            }
            AttributeCode::AGGREGATOR => match (as4(AttributeCode::AS4_AGGREGATOR), aggregator) {
                (Some(value), _) => Cow::Borrowed(value),
                (None, Some((asn, address))) => {
                    Cow::Owned([&asn.0.to_be_bytes(), address].concat())
                }
                (None, None) => continue,
            },
            _ => normal(attribute),
        };
        write_attribute(raw, attribute.code, attribute.flags, &value);
    }
}
