//! Prefixes on the wire: a length in bits and as many octets as it needs (RFC 4271 §4.3), with a path
//! identifier in front where ADD-PATH is in use (RFC 7911 §3).

use ipnet::IpNet;

use crate::bgp::types::Nlri;

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
