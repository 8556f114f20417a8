//! What import made of a received path: used as it is, used in another form, or kept and not used.

use crate::bgp::types::PathAttributes;

use super::route::Rejection;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    AsReceived,
    Changed(Box<Changed>),
    Rejected(Rejection),
}

/// The form in which a path is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub attributes: PathAttributes,
    pub weight: u32,
    /// Its packets are dropped, whatever its next hop (RFC 7999).
    pub discard: bool,
}

impl Judgement {
    pub(super) fn rejection(&self) -> Option<Rejection> {
        match self {
            Self::Rejected(rejection) => Some(*rejection),
            Self::AsReceived | Self::Changed(_) => None,
        }
    }
}

impl From<Option<Rejection>> for Judgement {
    fn from(rejection: Option<Rejection>) -> Self {
        rejection.map_or(Self::AsReceived, Self::Rejected)
    }
}
