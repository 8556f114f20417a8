//! ROUTE-REFRESH (RFC 2918) with its demarcation (RFC 7313).

use super::header::MessageType;
use super::writer;
use crate::bgp::types::Family;

/// What a ROUTE-REFRESH says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshKind {
    /// Send your routes again.
    Request,
    /// The routes follow (BoRR).
    Begin,
    /// That was all (EoRR).
    End,
}

impl RefreshKind {
    fn code(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Begin => 1,
            Self::End => 2,
        }
    }
}

pub fn encode(out: &mut Vec<u8>, family: Family, kind: RefreshKind) {
    let (afi, safi) = family.codes();
    writer::message(out, MessageType::RouteRefresh, |out| {
        out.extend_from_slice(&afi.to_be_bytes());
        out.extend_from_slice(&[kind.code(), safi]);
    });
}
