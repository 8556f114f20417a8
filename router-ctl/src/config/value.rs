//! Values of leaves and keys of named nodes: their [`Type`]s, how a text or a number becomes one, and how it is
//! written. What has become a [`Value`] is valid by itself and canonical.

mod kind;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

pub use self::kind::{Choice, Type};
pub(in crate::config) use self::read::neighbor_name;
use crate::config::problem::Code;

/// Canonical: addresses compressed and lower case, host bits of prefixes zero. The order is the order in
/// which keys are shown: numbers and addresses by value, words as people count them (`eth2` before `eth10`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Number(u32),
    Word(String),
    Address(IpAddr),
    Prefix(IpNet),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Word(word) => word.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Prefix(prefix) => prefix.fmt(f),
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Word(a), Self::Word(b)) => natural(a).cmp(&natural(b)).then_with(|| a.cmp(b)),
            (Self::Address(a), Self::Address(b)) => a.cmp(b),
            (Self::Prefix(a), Self::Prefix(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Value {
    /// The values that are written as `text`; of which type is not known.
    pub(in crate::config) fn spelled(text: &str) -> Vec<Self> {
        let mut values = vec![Self::Word(text.to_owned())];
        values.extend(text.parse().map(Self::Number));
        values.extend(text.parse().map(Self::Address));
        values.extend(text.parse().map(Self::Prefix));
        values
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Word(_) => 1,
            Self::Address(_) => 2,
            Self::Prefix(_) => 3,
        }
    }
}

/// A word cut into text and the number that follows it, again and again.
fn natural(word: &str) -> Vec<(&str, u64)> {
    let mut parts = Vec::new();
    let mut rest = word;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (text, tail) = rest.split_at(digits);
        let end = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (number, tail) = tail.split_at(end);
        parts.push((text, number.parse().unwrap_or(u64::MAX)));
        rest = tail;
    }
    parts
}

/// Why a text is no value of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub code: Code,
    pub message: String,
    pub hint: Option<String>,
}

impl Refused {
    fn bad(message: impl Into<String>) -> Self {
        Self {
            code: Code::BadValue,
            message: message.into(),
            hint: None,
        }
    }

    fn out_of_range(message: impl Into<String>) -> Self {
        Self {
            code: Code::OutOfRange,
            ..Self::bad(message)
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
