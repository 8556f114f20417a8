//! UPDATE (RFC 4271 §4.3, RFC 4760): [`decode`] with the error handling of RFC 7606, and the encoders.

mod canonical;
mod decode;
mod encode;
mod scan;

use smallvec::SmallVec;

pub use self::decode::decode;
pub use self::encode::{Encoding, TooLong, encode_announce, encode_end_of_rib, encode_withdraw};
use super::as_path::Width;
use super::attribute::AttributeCode;
use super::error::{Disposition, Finding};
use crate::bgp::types::{Asn, Family, FamilySet, RouteUpdate};

/// What the meaning and the judgement of an UPDATE depend on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeOptions {
    pub four_octet_as: bool,
    pub internal: bool,
    pub peer_as: Asn,
    pub families: FamilySet,
    pub add_path: FamilySet,
    /// IPv4 prefixes may have IPv6 next hops (RFC 8950).
    pub extended_next_hop: bool,
    /// eBGP: the leftmost AS must be the peer's (RFC 4271 §6.3).
    pub enforce_first_as: bool,
    /// RFC 9774.
    pub reject_as_sets: bool,
    pub allow_martian_next_hop: bool,
    /// The session runs over one link, so a link-local next hop can be used.
    pub link_local_next_hop: bool,
    /// Attributes that this neighbour may not send, whatever they contain.
    pub overrides: Vec<(AttributeCode, Disposition)>,
}

impl DecodeOptions {
    pub(super) fn width(&self) -> Width {
        if self.four_octet_as {
            Width::Four
        } else {
            Width::Two
        }
    }

    /// The peer's AS as it writes it in AS_PATH.
    pub(super) fn peer_as_on_wire(&self) -> Asn {
        match self.width() {
            Width::Two if self.peer_as.0 > 0xffff => Asn::TRANS,
            Width::Two | Width::Four => self.peer_as,
        }
    }

    pub(super) fn override_of(&self, code: AttributeCode) -> Option<Disposition> {
        self.overrides
            .iter()
            .find_map(|&(each, disposition)| (each == code).then_some(disposition))
    }
}

/// A decoded UPDATE. Withdrawals come before announcements.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    pub routes: SmallVec<[RouteUpdate; 1]>,
    pub end_of_rib: Option<Family>,
    /// What was wrong without ending the session.
    pub findings: Vec<Finding>,
}

#[cfg(test)]
mod tests;
