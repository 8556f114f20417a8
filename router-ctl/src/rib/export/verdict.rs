//! What a neighbour is told about a prefix, or why it is not, for readers.

use std::borrow::Cow;

use crate::bgp::types::{PathAttributes, PathId};
use crate::policy::Denial;

/// One prefix and one neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExportVerdict {
    /// With an ADD-PATH neighbour several paths, else one with the identifier 0.
    Told(Vec<(PathId, PathAttributes)>),
    Withheld(Withheld),
}

/// Why a path is not announced to a neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// No session, or none that exchanges routes yet.
    NoSession,
    FamilyNotNegotiated,
    NoRoute,
    /// The path is from the neighbour itself.
    OwnPath,
    /// ORIGINATOR_ID is the neighbour's (RFC 4456 §8).
    OwnOriginator,
    /// RFC 8212.
    NoPolicy,
    NoAdvertise,
    NoExport,
    /// From iBGP to iBGP without reflection (RFC 4271 §9.2).
    Internal,
    /// From client to client where they tell each other.
    BetweenClients,
    Policy(Denial),
    /// A more specific route of an aggregate.
    Suppressed,
    NoNextHop,
    /// The attributes leave no room for a prefix in a message (RFC 8654 §4).
    TooLong,
    MaximumPrefixOut,
    /// The data plane has not acknowledged the route yet.
    Pending,
    /// The data plane refused the route.
    Refused,
}

impl Withheld {
    pub fn words(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::NoSession => "no session",
            Self::FamilyNotNegotiated => "address family not negotiated",
            Self::NoRoute => "no route",
            Self::OwnPath => "learnt from this neighbor",
            Self::OwnOriginator => "originated by this neighbor",
            Self::NoPolicy => "no export policy (RFC 8212)",
            Self::NoAdvertise => "community no-advertise",
            Self::NoExport => "community no-export",
            Self::Internal => "from iBGP to iBGP",
            Self::BetweenClients => "no client-to-client reflection",
            Self::Policy(denial) => return Cow::Owned(denial.words()),
            Self::Suppressed => "suppressed by an aggregate",
            Self::NoNextHop => "no next hop that the neighbor understands",
            Self::TooLong => "does not fit a message",
            Self::MaximumPrefixOut => "above maximum-prefix-out",
            Self::Pending => "not in the data plane yet",
            Self::Refused => "refused by the data plane",
        })
    }
}
