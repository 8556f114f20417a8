//! ROUTE-REFRESH (RFC 2918) with its demarcation (RFC 7313).

use super::error::WireError;
use super::header::MessageType;
use super::reader::Reader;
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
    fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Request),
            1 => Some(Self::Begin),
            2 => Some(Self::End),
            _ => None,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Begin => 1,
            Self::End => 2,
        }
    }
}

/// `message` is the whole message. `Ok(None)`: a family or subtype that we do not know, ignored. Filters that
/// follow a request (RFC 5291) are ignored as well.
pub fn decode(message: &[u8]) -> Result<Option<(Family, RefreshKind)>, WireError> {
    let body = message.get(super::header::HEADER..).unwrap_or_default();
    let mut reader = Reader::new(body);
    let fields = reader.u16().zip(reader.u8()).zip(reader.u8());
    let Some(((afi, subtype), safi)) = fields else {
        return Ok(None);
    };
    let kind = RefreshKind::from_code(subtype);
    if matches!(kind, Some(RefreshKind::Begin | RefreshKind::End)) && body.len() != 4 {
        let what = "demarcation of a wrong length";
        return Err(WireError::new(7, 1, message, what));
    }
    Ok(Family::from_codes(afi, safi).zip(kind))
}

pub fn encode(out: &mut Vec<u8>, family: Family, kind: RefreshKind) {
    let (afi, safi) = family.codes();
    writer::message(out, MessageType::RouteRefresh, |out| {
        out.extend_from_slice(&afi.to_be_bytes());
        out.extend_from_slice(&[kind.code(), safi]);
    });
}
