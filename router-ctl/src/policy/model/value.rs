//! Values of policies as they are written.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::bgp::attributes::{Community, ExtendedCommunity, LargeCommunity};

/// A new number, or a difference that stops at the ends of the range: `200`, `+10`, `-10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberChange {
    To(u32),
    Plus(u32),
    Minus(u32),
}

impl NumberChange {
    pub fn apply(self, old: u32) -> u32 {
        match self {
            Self::To(new) => new,
            Self::Plus(more) => old.saturating_add(more),
            Self::Minus(less) => old.saturating_sub(less),
        }
    }
}

impl fmt::Display for NumberChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::To(number) => write!(f, "{number}"),
            Self::Plus(number) => write!(f, "+{number}"),
            Self::Minus(number) => write!(f, "-{number}"),
        }
    }
}

impl FromStr for NumberChange {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let (make, digits): (fn(u32) -> Self, _) = match text.split_at_checked(1) {
            Some(("+", digits)) => (Self::Plus, digits),
            Some(("-", digits)) => (Self::Minus, digits),
            _ => (Self::To, text),
        };
        let number = parse_number(digits).ok_or(NotAValue("a number, +N or -N"))?;
        Ok(make(number))
    }
}

/// The value of a route target or site of origin (RFC 4360 §4, RFC 5668): `65001:100`, `192.0.2.1:100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExtendedValue {
    As2(u16, u32),
    Address(Ipv4Addr, u16),
    As4(u32, u16),
}

impl ExtendedValue {
    pub fn route_target(self) -> ExtendedCommunity {
        self.community(2)
    }

    pub fn site_of_origin(self) -> ExtendedCommunity {
        self.community(3)
    }

    fn community(self, subtype: u8) -> ExtendedCommunity {
        let (kind, [a, b, c, d, e, g]) = match self {
            Self::As2(asn, local) => {
                let ([a, b], [c, d, e, g]) = (asn.to_be_bytes(), local.to_be_bytes());
                (0, [a, b, c, d, e, g])
            }
            Self::Address(address, local) => {
                let ([a, b, c, d], [e, g]) = (address.octets(), local.to_be_bytes());
                (1, [a, b, c, d, e, g])
            }
            Self::As4(asn, local) => {
                let ([a, b, c, d], [e, g]) = (asn.to_be_bytes(), local.to_be_bytes());
                (2, [a, b, c, d, e, g])
            }
        };
        ExtendedCommunity([kind, subtype, a, b, c, d, e, g])
    }
}

impl fmt::Display for ExtendedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::As2(asn, local) => write!(f, "{asn}:{local}"),
            Self::Address(address, local) => write!(f, "{address}:{local}"),
            Self::As4(asn, local) => write!(f, "{asn}:{local}"),
        }
    }
}

impl FromStr for ExtendedValue {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let parse = || {
            let (global, local) = text.split_once(':')?;
            if let Ok(address) = global.parse() {
                return Some(Self::Address(address, parse_number(local)?));
            }
            let asn: u32 = parse_number(global)?;
            match u16::try_from(asn) {
                Ok(asn) => Some(Self::As2(asn, parse_number(local)?)),
                Err(_) => Some(Self::As4(asn, parse_number(local)?)),
            }
        };
        parse().ok_or(NotAValue("ASN:NN or IPv4:NN"))
    }
}

/// Communities of one AS whose second half is a scale: `64511:1-9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommunityRange {
    asn: u16,
    low: u16,
    high: u16,
}

impl CommunityRange {
    pub fn new(asn: u16, low: u16, high: u16) -> Option<Self> {
        (low <= high).then_some(Self { asn, low, high })
    }

    /// The value of a community that lies in the range.
    pub fn value(self, Community(number): Community) -> Option<u16> {
        let [a, b, c, d] = number.to_be_bytes();
        let value = u16::from_be_bytes([c, d]);
        (u16::from_be_bytes([a, b]) == self.asn && self.contains(value)).then_some(value)
    }

    pub fn contains(self, value: u16) -> bool {
        (self.low..=self.high).contains(&value)
    }

    pub fn community(self, value: u16) -> Community {
        Community(u32::from(self.asn) << 16 | u32::from(value))
    }
}

impl fmt::Display for CommunityRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}-{}", self.asn, self.low, self.high)
    }
}

impl FromStr for CommunityRange {
    type Err = NotAValue;

    fn from_str(text: &str) -> Result<Self, NotAValue> {
        let parse = || {
            let (asn, values) = text.split_once(':')?;
            let (low, high) = values.split_once('-')?;
            Self::new(parse_number(asn)?, parse_number(low)?, parse_number(high)?)
        };
        parse().ok_or(NotAValue("ASN:LOW-HIGH"))
    }
}

/// What a text was expected to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAValue(pub &'static str);

impl fmt::Display for NotAValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.0)
    }
}

impl std::error::Error for NotAValue {}

/// `65001:100`, a well-known name, or `internet`, which is 0:0.
pub fn parse_community(text: &str) -> Option<Community> {
    const NAMES: [Community; 9] = [
        Community::GRACEFUL_SHUTDOWN,
        Community::ACCEPT_OWN,
        Community::LLGR_STALE,
        Community::NO_LLGR,
        Community::BLACKHOLE,
        Community::NO_EXPORT,
        Community::NO_ADVERTISE,
        Community::NO_EXPORT_SUBCONFED,
        Community::NO_PEER,
    ];
    if text == "internet" {
        return Some(INTERNET);
    }
    if let Some(community) = NAMES.iter().find(|each| each.name() == Some(text)) {
        return Some(*community);
    }
    let (global, local) = text.split_once(':')?;
    let (global, local): (u16, u16) = (parse_number(global)?, parse_number(local)?);
    Some(Community(u32::from(global) << 16 | u32::from(local)))
}

/// In a community list it stands for every route.
pub(in crate::policy) const INTERNET: Community = Community(0);

/// `65001:1:2`.
pub fn parse_large_community(text: &str) -> Option<LargeCommunity> {
    let mut parts = text.split(':');
    let mut part = || parse_number(parts.next()?);
    let community = LargeCommunity([part()?, part()?, part()?]);
    parts.next().is_none().then_some(community)
}

/// `rt:65001:100` or `soo:192.0.2.1:100`, in any case.
pub fn parse_extended_community(text: &str) -> Option<ExtendedCommunity> {
    let (kind, value) = text.split_once(':')?;
    let value: ExtendedValue = value.parse().ok()?;
    if kind.eq_ignore_ascii_case("rt") {
        Some(value.route_target())
    } else if kind.eq_ignore_ascii_case("soo") {
        Some(value.site_of_origin())
    } else {
        None
    }
}

/// Digits only: `parse` alone would also take a sign.
fn parse_number<T: FromStr>(text: &str) -> Option<T> {
    text.bytes()
        .all(|octet| octet.is_ascii_digit())
        .then_some(text)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests;
