//! Encodes UPDATEs.
//!
//! IPv4 prefixes with an IPv4 next hop go out in the classic fields, everything else in MP_REACH_NLRI and
//! MP_UNREACH_NLRI, which stand first so that a receiver that stumbles later still knows the prefixes
//! (RFC 7606 §5.1).

use std::net::Ipv4Addr;

use crate::bgp::attributes::AttributesView;
use crate::bgp::types::{Asn, Family, NextHop, Nlri, PathAttributes};
use crate::bgp::wire::as_path::{AsPath, SegmentKind};
use crate::bgp::wire::attribute::{AttributeCode, AttributeFlags, write_attribute};
use crate::bgp::wire::header::MessageType;
use crate::bgp::wire::{nlri, writer};

/// How a peer wants its UPDATEs. Peers with equal values can share the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoding {
    pub four_octet_as: bool,
    /// 4096, or 65535 with extended messages (RFC 8654).
    pub max_message: usize,
    pub add_path_v4: bool,
    pub add_path_v6: bool,
}

impl Encoding {
    pub fn add_path(&self, family: Family) -> bool {
        match family {
            Family::Ipv4Unicast => self.add_path_v4,
            Family::Ipv6Unicast => self.add_path_v6,
        }
    }
}

/// The attributes leave no room for a prefix in the largest message this peer takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{octets} octets of attributes and a prefix do not fit a message of {limit}")]
pub struct TooLong {
    pub octets: usize,
    pub limit: usize,
}

/// Header, withdrawn length, attribute length.
const FIXED: usize = 19 + 2 + 2;
/// Attribute header with extended length, AFI, SAFI.
const MP_UNREACH_FIXED: usize = 4 + 3;

/// Appends UPDATEs that announce `nlri` with `attributes`; returns how many. Nothing is written on an error.
pub fn encode_announce(
    out: &mut Vec<u8>,
    family: Family,
    attributes: &PathAttributes,
    nlri: &[Nlri],
    encoding: &Encoding,
) -> Result<u32, TooLong> {
    let add_path = encoding.add_path(family);
    let classic = match (family, attributes.next_hop) {
        (Family::Ipv4Unicast, NextHop::V4(address)) => Some(address),
        _ => None,
    };
    let mut common = Vec::with_capacity(attributes.raw.len().saturating_add(16));
    write_attributes(&mut common, attributes.view(), classic, encoding);
    let next_hop = match classic {
        Some(_) => Vec::new(),
        None => mp_next_hop(attributes.next_hop),
    };
    let overhead = match classic {
        Some(_) => common.len().saturating_add(FIXED),
        // The next hop's length octet and the reserved one.
        None => common
            .len()
            .saturating_add(FIXED + MP_UNREACH_FIXED + 2)
            .saturating_add(next_hop.len()),
    };
    let longest = nlri
        .iter()
        .map(|each| nlri::encoded_length(each, add_path))
        .max()
        .unwrap_or(0);
    let octets = overhead.saturating_add(longest);
    if octets > encoding.max_message {
        return Err(TooLong {
            octets,
            limit: encoding.max_message,
        });
    }
    let room = encoding.max_message.saturating_sub(overhead);
    Ok(pack(nlri, room, add_path, |group| {
        writer::message(out, MessageType::Update, |out| {
            out.extend_from_slice(&[0, 0]);
            if classic.is_some() {
                writer::length16(out, |out| out.extend_from_slice(&common));
                group
                    .iter()
                    .for_each(|each| nlri::encode(out, each, add_path));
            } else {
                writer::length16(out, |out| {
                    mp_attribute(out, AttributeCode::MP_REACH_NLRI, family, |out| {
                        writer::length8(out, |out| out.extend_from_slice(&next_hop));
                        out.push(0);
                        group
                            .iter()
                            .for_each(|each| nlri::encode(out, each, add_path));
                    });
                    out.extend_from_slice(&common);
                });
            }
        });
    }))
}

/// Appends UPDATEs that withdraw `nlri`; returns how many.
pub fn encode_withdraw(
    out: &mut Vec<u8>,
    family: Family,
    nlri: &[Nlri],
    encoding: &Encoding,
) -> u32 {
    let add_path = encoding.add_path(family);
    let room = encoding
        .max_message
        .saturating_sub(FIXED + MP_UNREACH_FIXED);
    pack(nlri, room, add_path, |group| {
        writer::message(out, MessageType::Update, |out| match family {
            Family::Ipv4Unicast => {
                writer::length16(out, |out| {
                    group
                        .iter()
                        .for_each(|each| nlri::encode(out, each, add_path));
                });
                out.extend_from_slice(&[0, 0]);
            }
            Family::Ipv6Unicast => {
                out.extend_from_slice(&[0, 0]);
                writer::length16(out, |out| {
                    mp_attribute(out, AttributeCode::MP_UNREACH_NLRI, family, |out| {
                        group
                            .iter()
                            .for_each(|each| nlri::encode(out, each, add_path));
                    });
                });
            }
        });
    })
}

/// Appends the End-of-RIB of `family` (RFC 4724 §2); returns the number of messages, which is one.
pub fn encode_end_of_rib(out: &mut Vec<u8>, family: Family) -> u32 {
    writer::message(out, MessageType::Update, |out| {
        out.extend_from_slice(&[0, 0]);
        writer::length16(out, |out| match family {
            Family::Ipv4Unicast => {}
            Family::Ipv6Unicast => {
                let (afi, safi) = family.codes();
                let [high, low] = afi.to_be_bytes();
                let flags = AttributeFlags::OPTIONAL_NON_TRANSITIVE;
                write_attribute(
                    out,
                    AttributeCode::MP_UNREACH_NLRI,
                    flags,
                    &[high, low, safi],
                );
            }
        });
    });
    1
}

/// Cuts `nlri` into the longest groups that fit `room` octets each.
fn pack(nlri: &[Nlri], room: usize, add_path: bool, mut message: impl FnMut(&[Nlri])) -> u32 {
    let mut messages = 0u32;
    let mut rest = nlri;
    while !rest.is_empty() {
        let mut used = 0usize;
        let fitting = rest
            .iter()
            .take_while(|each| {
                used = used.saturating_add(nlri::encoded_length(each, add_path));
                used <= room
            })
            .count()
            .max(1);
        let (group, tail) = rest.split_at(fitting);
        message(group);
        messages = messages.saturating_add(1);
        rest = tail;
    }
    messages
}

/// MP_REACH_NLRI or MP_UNREACH_NLRI up to its family, then what `body` writes.
fn mp_attribute(
    out: &mut Vec<u8>,
    code: AttributeCode,
    family: Family,
    body: impl FnOnce(&mut Vec<u8>),
) {
    out.extend_from_slice(&[
        AttributeFlags::OPTIONAL | AttributeFlags::EXTENDED_LENGTH,
        code.0,
    ]);
    writer::length16(out, |out| {
        let (afi, safi) = family.codes();
        out.extend_from_slice(&afi.to_be_bytes());
        out.push(safi);
        body(out);
    });
}

/// RFC 2545 §3, RFC 8950 §3. A next hop with only a link-local address is sent as that address.
fn mp_next_hop(next_hop: NextHop) -> Vec<u8> {
    match next_hop {
        NextHop::V4(address) => address.to_ipv6_mapped().octets().to_vec(),
        NextHop::V6 {
            global,
            link_local: Some(link_local),
        } if global.is_unspecified() => link_local.octets().to_vec(),
        NextHop::V6 {
            global,
            link_local: Some(link_local),
        } => [global.octets(), link_local.octets()]
            .as_flattened()
            .to_vec(),
        NextHop::V6 {
            global,
            link_local: None,
        } => global.octets().to_vec(),
    }
}

/// The canonical attributes as this peer reads them, with NEXT_HOP in its place if the classic form is used.
fn write_attributes(
    out: &mut Vec<u8>,
    view: AttributesView<'_>,
    next_hop: Option<Ipv4Addr>,
    encoding: &Encoding,
) {
    let mut next_hop = next_hop;
    for (code, flags, value) in view.iter() {
        if code > AttributeCode::NEXT_HOP
            && let Some(address) = next_hop.take()
        {
            write_next_hop(out, address);
        }
        if encoding.four_octet_as {
            write_attribute(out, code, flags, value);
        } else {
            write_two_octet(out, code, flags, value);
        }
    }
    if let Some(address) = next_hop {
        write_next_hop(out, address);
    }
}

fn write_next_hop(out: &mut Vec<u8>, address: Ipv4Addr) {
    let flags = AttributeFlags::WELL_KNOWN;
    write_attribute(out, AttributeCode::NEXT_HOP, flags, &address.octets());
}

/// RFC 6793 §4.2.2: what an old speaker cannot read goes along in AS4_PATH and AS4_AGGREGATOR. They follow
/// the attribute they belong to; the order of attributes carries no meaning (RFC 4271 §5).
fn write_two_octet(out: &mut Vec<u8>, code: AttributeCode, flags: AttributeFlags, value: &[u8]) {
    match code {
        AttributeCode::AS_PATH => {
            let path = AsPath::new(value);
            let mut narrow = Vec::with_capacity(value.len());
            for segment in path.segments() {
                write_narrow_segment(&mut narrow, segment.kind, segment.ases());
            }
            write_attribute(out, code, flags, &narrow);
            if path.ases().any(|asn| asn.0 > 0xffff) {
                let wide = path.without_confed();
                let flags = AttributeFlags::OPTIONAL_TRANSITIVE;
                write_attribute(out, AttributeCode::AS4_PATH, flags, wide.octets());
            }
        }
        AttributeCode::AGGREGATOR => {
            let Some((asn, address)) = value.split_first_chunk() else {
                return;
            };
            let asn = Asn(u32::from_be_bytes(*asn));
            let mut narrow = two_octets(asn).to_vec();
            narrow.extend_from_slice(address);
            write_attribute(out, code, flags, &narrow);
            if asn.0 > 0xffff {
                let flags = AttributeFlags::OPTIONAL_TRANSITIVE;
                write_attribute(out, AttributeCode::AS4_AGGREGATOR, flags, value);
            }
        }
        _ => write_attribute(out, code, flags, value),
    }
}

fn write_narrow_segment(
    out: &mut Vec<u8>,
    kind: SegmentKind,
    ases: impl ExactSizeIterator<Item = Asn>,
) {
    out.push(kind.code());
    out.push(u8::try_from(ases.len()).unwrap_or(u8::MAX));
    ases.for_each(|asn| out.extend_from_slice(&two_octets(asn)));
}

fn two_octets(asn: Asn) -> [u8; 2] {
    let narrow = u16::try_from(asn.0).or_else(|_| u16::try_from(Asn::TRANS.0));
    narrow.unwrap_or(u16::MAX).to_be_bytes()
}
