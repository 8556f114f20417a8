//! What is wrong with a message, and what that costs: a NOTIFICATION for the session, the prefixes of the
//! UPDATE, or one attribute (RFC 4271 §6, RFC 7606 §2).

use std::fmt;

use super::attribute::AttributeCode;
use super::notification::Notification;

/// A message that ends the session, with the NOTIFICATION it earns.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct WireError {
    pub what: &'static str,
    pub notification: Notification,
}

impl WireError {
    pub(in crate::bgp) fn new(code: u8, subcode: u8, data: &[u8], what: &'static str) -> Self {
        let notification = Notification {
            code,
            subcode,
            data: data.to_vec(),
        };
        Self { what, notification }
    }
}

/// The price of a bad attribute, from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// Nothing; it is only counted.
    CountOnly,
    AttributeDiscard,
    TreatAsWithdraw,
    SessionReset,
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CountOnly => "accepted",
            Self::AttributeDiscard => "attribute discarded",
            Self::TreatAsWithdraw => "routes withdrawn",
            Self::SessionReset => "session reset",
        })
    }
}

/// One thing that was wrong with an UPDATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Finding {
    pub attribute: AttributeCode,
    pub fault: Fault,
    pub disposition: Disposition,
}

/// `ORIGIN: bad value, routes withdrawn`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}, {}",
            self.attribute, self.fault, self.disposition
        )
    }
}

/// What can be wrong with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The list of attributes ends inside a header or a value.
    Truncated,
    Flags,
    Length,
    Value,
    Duplicate,
    Missing,
    UnknownWellKnown,
    /// Not meant to cross this kind of session.
    NotFromThisPeer,
    /// The path-attribute setting of this neighbour names it.
    Configured,
    AsZero,
    AsSet,
    ConfedSegment,
    FirstAs,
    NextHop,
    FamilyNotNegotiated,
    NextHopNotNegotiated,
    /// A missing LOCAL_PREF from iBGP: the default is used.
    DefaultUsed,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "truncated",
            Self::Flags => "wrong flags",
            Self::Length => "wrong length",
            Self::Value => "bad value",
            Self::Duplicate => "more than once",
            Self::Missing => "missing",
            Self::UnknownWellKnown => "unknown well-known attribute",
            Self::NotFromThisPeer => "not accepted from this kind of peer",
            Self::Configured => "set to be refused",
            Self::AsZero => "AS 0",
            Self::AsSet => "AS_SET",
            Self::ConfedSegment => "confederation segment from outside",
            Self::FirstAs => "first AS is not the peer's",
            Self::NextHop => "unusable next hop",
            Self::FamilyNotNegotiated => "family not negotiated",
            Self::NextHopNotNegotiated => "IPv6 next hop not negotiated",
            Self::DefaultUsed => "missing, default used",
        })
    }
}
