//! Checks of attribute values, one function per row of the table.
//!
//! PMSI_TUNNEL, TUNNEL_ENCAPSULATION, PREFIX_SID and ATTR_SET are opaque to this router: they are checked so far
//! that passing them on does no harm.

use std::net::Ipv4Addr;

use super::Value::{self, Bad, Good, Useless};
use crate::bgp::types::Asn;
use crate::bgp::wire::as_path::{self, Width};
use crate::bgp::wire::error::Fault;
use crate::bgp::wire::reader::Reader;
use crate::bgp::wire::update::DecodeOptions;

fn good_if(good: bool, fault: Fault) -> Value {
    if good { Good } else { Bad(fault) }
}

pub(super) fn origin(octets: &[u8], _: &DecodeOptions) -> Value {
    match octets {
        [0..=2] => Good,
        [_] => Bad(Fault::Value),
        _ => Bad(Fault::Length),
    }
}

pub(super) fn as_path(octets: &[u8], options: &DecodeOptions) -> Value {
    let Some(contents) = as_path::inspect(octets, options.width()) else {
        return Bad(Fault::Value);
    };
    let first_as = options.enforce_first_as && !options.internal;
    if contents.as_zero {
        Bad(Fault::AsZero)
    } else if contents.confed {
        Bad(Fault::ConfedSegment)
    } else if contents.set && options.reject_as_sets {
        Bad(Fault::AsSet)
    } else if first_as && contents.first != Some(options.peer_as_on_wire()) {
        Bad(Fault::FirstAs)
    } else {
        Good
    }
}

pub(super) fn next_hop(octets: &[u8], options: &DecodeOptions) -> Value {
    match <[u8; 4]>::try_from(octets) {
        Ok(octets) => {
            let martian = is_martian(Ipv4Addr::from(octets));
            good_if(options.allow_martian_next_hop || !martian, Fault::NextHop)
        }
        Err(_) => Bad(Fault::Length),
    }
}

/// 0/8, 127/8, 224/4, 240/4: no router has such an address.
pub(in crate::bgp::wire) fn is_martian(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    matches!(first, 0 | 127 | 224..)
}

pub(super) fn empty(octets: &[u8], _: &DecodeOptions) -> Value {
    good_if(octets.is_empty(), Fault::Length)
}

pub(super) fn four_octets(octets: &[u8], _: &DecodeOptions) -> Value {
    good_if(octets.len() == 4, Fault::Length)
}

/// A list of at least one member of `N` octets.
pub(super) fn members_of<const N: usize>(octets: &[u8], _: &DecodeOptions) -> Value {
    let (members, rest) = octets.as_chunks::<N>();
    good_if(!members.is_empty() && rest.is_empty(), Fault::Length)
}

pub(super) fn aggregator(octets: &[u8], options: &DecodeOptions) -> Value {
    let (asn, wanted) = match options.width() {
        Width::Two => (octets.get(..2), 6),
        Width::Four => (octets.get(..4), 8),
    };
    match asn {
        Some(asn) if octets.len() == wanted => {
            good_if(asn.iter().any(|&octet| octet != 0), Fault::AsZero)
        }
        _ => Bad(Fault::Length),
    }
}

/// RFC 6793 §4.2.3 and §6: from an old speaker a damaged one is dropped. On a four-octet session it has no
/// business: dropped when well formed, and a reason to distrust the path when not.
pub(super) fn as4_path(octets: &[u8], options: &DecodeOptions) -> Value {
    let contents = (octets.len() >= 6)
        .then(|| as_path::inspect(octets, Width::Four))
        .flatten();
    match (options.width(), contents) {
        (Width::Four, Some(_)) => Useless(Fault::NotFromThisPeer),
        (Width::Four, None) => Bad(Fault::Value),
        (Width::Two, Some(contents)) if contents.as_zero => Useless(Fault::AsZero),
        (Width::Two, Some(contents)) if contents.set && options.reject_as_sets => {
            Useless(Fault::AsSet)
        }
        (Width::Two, Some(_)) => Good,
        (Width::Two, None) => Useless(Fault::Value),
    }
}

pub(super) fn as4_aggregator(octets: &[u8], options: &DecodeOptions) -> Value {
    match (options.width(), octets.first_chunk()) {
        (Width::Four, _) => Useless(Fault::NotFromThisPeer),
        (Width::Two, Some(asn)) if octets.len() == 8 => {
            good_if(Asn(u32::from_be_bytes(*asn)) != Asn(0), Fault::AsZero)
        }
        (Width::Two, _) => Bad(Fault::Length),
    }
}

/// RFC 6514 §5: flags, tunnel type, label, endpoint. Types 0 to 7 are defined; 6 is ingress replication.
pub(super) fn pmsi_tunnel(octets: &[u8], _: &DecodeOptions) -> Value {
    let Some((&[_, kind, _, _, _], endpoint)) = octets.split_first_chunk() else {
        return Bad(Fault::Length);
    };
    match kind {
        6 => good_if(matches!(endpoint.len(), 4 | 16), Fault::Length),
        0..=7 => Good,
        _ => Bad(Fault::Value),
    }
}

/// RFC 9012 §2: tunnels as TLVs of sub-TLVs; a sub-TLV type from 128 on has a length of two octets.
pub(super) fn tunnel_encap(octets: &[u8], _: &DecodeOptions) -> Value {
    let tunnels = || {
        let mut reader = Reader::new(octets);
        while !reader.is_empty() {
            let _kind = reader.u16()?;
            let length = reader.u16()?;
            let mut tunnel = Reader::new(reader.take(length.into())?);
            while !tunnel.is_empty() {
                let length = match tunnel.u8()? {
                    0..128 => usize::from(tunnel.u8()?),
                    128.. => usize::from(tunnel.u16()?),
                };
                tunnel.take(length)?;
            }
        }
        Some(())
    };
    if octets.is_empty() {
        return Bad(Fault::Length);
    }
    good_if(tunnels().is_some(), Fault::Value)
}

/// RFC 9234 §5.
pub(super) fn otc(octets: &[u8], _: &DecodeOptions) -> Value {
    match octets {
        [0, 0, 0, 0] => Bad(Fault::AsZero),
        [_, _, _, _] => Good,
        _ => Bad(Fault::Length),
    }
}

/// RFC 8669 §3: TLVs of type, two octets of length and value; the label index (1) has seven octets.
pub(super) fn prefix_sid(octets: &[u8], _: &DecodeOptions) -> Value {
    let tlvs = || {
        let mut reader = Reader::new(octets);
        while !reader.is_empty() {
            let kind = reader.u8()?;
            let length = reader.u16()?;
            if kind == 1 && length != 7 {
                return None;
            }
            reader.take(length.into())?;
        }
        Some(())
    };
    if octets.is_empty() {
        return Bad(Fault::Length);
    }
    good_if(tlvs().is_some(), Fault::Value)
}

/// RFC 6368 §5: an AS number and attributes.
pub(super) fn attr_set(octets: &[u8], _: &DecodeOptions) -> Value {
    good_if(octets.len() >= 4, Fault::Length)
}

/// Never meant for this router.
pub(super) fn refused(_: &[u8], _: &DecodeOptions) -> Value {
    Useless(Fault::NotFromThisPeer)
}
