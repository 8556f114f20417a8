//! Prefixes on the wire: a length in bits and as many octets as it needs (RFC 4271 §4.3), with a path
//! identifier in front where ADD-PATH is in use (RFC 7911 §3).

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::reader::Reader;
use crate::bgp::types::{Family, Nlri, PathId};

/// A list of prefixes whose form is checked and whose bytes are where they were.
#[derive(Clone, Copy, Debug)]
pub(super) struct NlriList<'a> {
    octets: &'a [u8],
    family: Family,
    add_path: bool,
    count: usize,
}

/// A prefix is longer than its family allows, or overruns the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadNlri;

impl<'a> NlriList<'a> {
    pub(super) fn new(octets: &'a [u8], family: Family, add_path: bool) -> Result<Self, BadNlri> {
        let mut reader = Reader::new(octets);
        let mut count = 0usize;
        while !reader.is_empty() {
            next(&mut reader, family, add_path).ok_or(BadNlri)?;
            count = count.saturating_add(1);
        }
        Ok(Self {
            octets,
            family,
            add_path,
            count,
        })
    }

    pub(super) fn family(self) -> Family {
        self.family
    }

    pub(super) fn is_empty(self) -> bool {
        self.count == 0
    }

    /// Host bits are cleared, not an error.
    pub(super) fn append_to(self, list: &mut Vec<Nlri>) {
        list.reserve_exact(self.count);
        let mut reader = Reader::new(self.octets);
        while let Some(raw) = next(&mut reader, self.family, self.add_path) {
            list.extend(raw.nlri(self.family));
        }
    }
}

/// One prefix as it is on the wire.
struct RawNlri<'a> {
    path_id: u32,
    bits: u8,
    octets: &'a [u8],
}

fn next<'a>(reader: &mut Reader<'a>, family: Family, add_path: bool) -> Option<RawNlri<'a>> {
    let path_id = if add_path { reader.u32()? } else { 0 };
    let bits = reader.u8()?;
    if bits > family.bits() {
        return None;
    }
    let octets = reader.take(usize::from(bits.div_ceil(8)))?;
    Some(RawNlri {
        path_id,
        bits,
        octets,
    })
}

impl RawNlri<'_> {
    fn nlri(&self, family: Family) -> Option<Nlri> {
        let host_bits = u32::from(family.bits()).checked_sub(self.bits.into())?;
        let prefix = match family {
            Family::Ipv4Unicast => {
                let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
                let address = u32::from_be_bytes(padded(self.octets)) & mask;
                IpNet::V4(Ipv4Net::new(Ipv4Addr::from_bits(address), self.bits).ok()?)
            }
            Family::Ipv6Unicast => {
                let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
                let address = u128::from_be_bytes(padded(self.octets)) & mask;
                IpNet::V6(Ipv6Net::new(Ipv6Addr::from_bits(address), self.bits).ok()?)
            }
        };
        Some(Nlri {
            prefix,
            path_id: PathId(self.path_id),
        })
    }
}

fn padded<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut whole = [0; N];
    for (slot, octet) in whole.iter_mut().zip(octets) {
        *slot = *octet;
    }
    whole
}

/// Octets that `encode` writes.
pub(super) fn encoded_length(nlri: &Nlri, add_path: bool) -> usize {
    let octets = usize::from(nlri.prefix.prefix_len().div_ceil(8)).saturating_add(1);
    if add_path {
        octets.saturating_add(4)
    } else {
        octets
    }
}

pub(super) fn encode(out: &mut Vec<u8>, nlri: &Nlri, add_path: bool) {
    if add_path {
        out.extend_from_slice(&nlri.path_id.0.to_be_bytes());
    }
    let bits = nlri.prefix.prefix_len();
    out.push(bits);
    let octets = usize::from(bits.div_ceil(8));
    match nlri.prefix {
        IpNet::V4(prefix) => out.extend(prefix.network().octets().iter().take(octets)),
        IpNet::V6(prefix) => out.extend(prefix.network().octets().iter().take(octets)),
    }
}
