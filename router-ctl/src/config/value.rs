//! Values of leaves and keys of named nodes: their types, how a text or a number becomes one, and how it is
//! written. What has become a [`Value`] is valid by itself and canonical.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

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

/// What a leaf takes, or what a named node is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Words on one line, at most so many octets.
    Text(usize),
    /// A host name of one or more labels (RFC 1123 §2.1).
    HostName,
    /// A Linux interface name.
    Interface,
    Integer(u32, u32),
    /// 0, or 3 and more (RFC 4271 §4.2).
    HoldTime,
    Asn,
    /// An AS number, `internal` or `external`.
    RemoteAs,
    /// A BGP Identifier.
    RouterId,
    /// A unicast address of either family.
    Address,
    AddressV6,
    PrefixV4,
    PrefixV6,
    Choice(&'static [Choice]),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    pub name: &'static str,
    pub help: &'static str,
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

impl fmt::Display for Type {
    /// The type in words, after "expected".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("text"),
            Self::HostName => f.write_str("host name"),
            Self::Interface => f.write_str("interface name"),
            Self::Integer(min, max) => write!(f, "{min}–{max}"),
            Self::HoldTime => f.write_str("0, or 3–65535"),
            Self::Asn => f.write_str("AS number"),
            Self::RemoteAs => f.write_str("AS number, internal or external"),
            Self::RouterId => f.write_str("router id, like 192.0.2.1"),
            Self::Address => f.write_str("IPv4 or IPv6 address"),
            Self::AddressV6 => f.write_str("IPv6 address"),
            Self::PrefixV4 => f.write_str("IPv4 prefix"),
            Self::PrefixV6 => f.write_str("IPv6 prefix"),
            Self::Choice(choices) => f.write_str(&names(choices)),
        }
    }
}

/// `a, b or c`.
fn names(choices: &[Choice]) -> String {
    let names: Vec<_> = choices.iter().map(|choice| choice.name).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

impl Type {
    /// Whether numbers are written without quotes.
    pub fn takes_numbers(self) -> bool {
        match self {
            Self::Integer(..) | Self::HoldTime | Self::Asn | Self::RemoteAs => true,
            Self::Text(_)
            | Self::HostName
            | Self::Interface
            | Self::RouterId
            | Self::Address
            | Self::AddressV6
            | Self::PrefixV4
            | Self::PrefixV6
            | Self::Choice(_) => false,
        }
    }

    /// Whether words and addresses are legal.
    pub fn takes_text(self) -> bool {
        !self.takes_numbers() || self == Self::RemoteAs
    }

    /// # Errors
    /// When the number lies outside of what the type allows.
    pub fn number(self, number: i128) -> Result<Value, Refused> {
        let outside = |min: u32, max: u32| {
            Refused::out_of_range(format!("{number} is outside of {min}–{max}"))
        };
        let (min, max) = match self {
            Self::Integer(min, max) => (min, max),
            Self::HoldTime => (0, 65535),
            Self::Asn | Self::RemoteAs => (1, 4_294_967_294),
            Self::Text(_)
            | Self::HostName
            | Self::Interface
            | Self::RouterId
            | Self::Address
            | Self::AddressV6
            | Self::PrefixV4
            | Self::PrefixV6
            | Self::Choice(_) => {
                return Err(Refused::bad(format!("expected {self}, found a number"))
                    .hint("put quotes around it"));
            }
        };
        let value = u32::try_from(number)
            .ok()
            .filter(|value| (min..=max).contains(value))
            .ok_or_else(|| outside(min, max))?;
        match (self, value) {
            (Self::HoldTime, 1 | 2) => Err(Refused::out_of_range(format!(
                "a hold time of {value} is not allowed (RFC 4271 §4.2)"
            ))
            .hint("0 turns keepalives off; else 3 or more")),
            (Self::Asn | Self::RemoteAs, 23456 | 65535) => Err(Refused::out_of_range(format!(
                "AS {value} is reserved and belongs to nobody"
            ))
            .hint("private numbers are 64512–65534 and 4200000000–4294967294")),
            _ => Ok(Value::Number(value)),
        }
    }

    /// # Errors
    /// When the text is not written as the type asks.
    pub fn text(self, text: &str) -> Result<Value, Refused> {
        match self {
            Self::Text(max) => line_of_text(text, max),
            Self::HostName => host_name(text),
            Self::Interface => interface(text),
            Self::Integer(..) | Self::HoldTime | Self::Asn => Err(number_as_text(self, text)),
            Self::RemoteAs => match text {
                "internal" | "external" => Ok(Value::Word(text.to_owned())),
                _ => Err(number_as_text(self, text)),
            },
            Self::RouterId => router_id(text),
            Self::Address => address(text, self),
            Self::AddressV6 if text.parse::<Ipv4Addr>().is_ok() => Err(Refused::bad(format!(
                "{text} is an IPv4 address, expected an IPv6 address"
            ))),
            Self::AddressV6 => address(text, self),
            Self::PrefixV4 | Self::PrefixV6 => prefix(text, self),
            Self::Choice(choices) => match choices.iter().find(|choice| choice.name == text) {
                Some(choice) => Ok(Value::Word(choice.name.to_owned())),
                None => Err(Refused::bad(format!(
                    "expected {}, found {text:?}",
                    names(choices)
                ))),
            },
        }
    }
}

fn number_as_text(expected: Type, text: &str) -> Refused {
    let refused = Refused::bad(format!("expected {expected}, found {text:?}"));
    match text.parse::<u32>() {
        Ok(number) => refused.hint(format!("write {number} without quotes")),
        Err(_) => refused,
    }
}

fn line_of_text(text: &str, max: usize) -> Result<Value, Refused> {
    if text.is_empty() {
        return Err(Refused::bad("is empty").hint("leave it out instead"));
    }
    if text.len() > max {
        return Err(Refused::out_of_range(format!(
            "{} octets, at most {max} are allowed",
            text.len()
        )));
    }
    if text.chars().any(char::is_control) {
        return Err(Refused::bad("holds a control character"));
    }
    Ok(Value::Word(text.to_owned()))
}

fn host_name(text: &str) -> Result<Value, Refused> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    if text.len() <= 253 && text.split('.').all(label) {
        Ok(Value::Word(text.to_owned()))
    } else {
        Err(Refused::bad(format!("{text:?} is not a host name"))
            .hint("letters, digits and hyphens, at most 63 in a label"))
    }
}

/// The kernel's rule (`dev_valid_name`), less what it calls names with a percent sign or a colon for.
fn interface(text: &str) -> Result<Value, Refused> {
    let legal = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '%');
    if (1..=15).contains(&text.len()) && text.chars().all(legal) && text != "." && text != ".." {
        Ok(Value::Word(text.to_owned()))
    } else {
        Err(Refused::bad(format!("{text:?} is not an interface name"))
            .hint("1–15 characters, without blanks, / : and %"))
    }
}

fn router_id(text: &str) -> Result<Value, Refused> {
    match text.parse::<Ipv4Addr>() {
        Ok(Ipv4Addr::UNSPECIFIED) => {
            Err(Refused::bad("0.0.0.0 is not a router id (RFC 6286 §2.1)"))
        }
        Ok(id) => Ok(Value::Address(id.into())),
        Err(_) => Err(Refused::bad(format!(
            "expected {}, found {text:?}",
            Type::RouterId
        ))),
    }
}

fn address(text: &str, expected: Type) -> Result<Value, Refused> {
    if let Some((head, zone)) = text.split_once('%') {
        return Err(match head.parse::<Ipv6Addr>() {
            Ok(address) => {
                Refused::bad(format!("{address} with the zone {zone:?} is not supported"))
                    .hint("use a global address")
            }
            Err(_) => Refused::bad(format!("expected {expected}, found {text:?}")),
        });
    }
    match text.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() || address.is_multicast() => {
            Err(Refused::bad(format!("{address} is not a unicast address")))
        }
        Ok(IpAddr::V4(Ipv4Addr::BROADCAST)) => {
            Err(Refused::bad(format!("{text} is not a unicast address")))
        }
        Ok(address) => Ok(Value::Address(address)),
        Err(_) => {
            let refused = Refused::bad(format!("expected {expected}, found {text:?}"));
            Err(match text.parse::<IpNet>() {
                Ok(net) => refused.hint(format!("without the length: {}", net.addr())),
                Err(_) => refused,
            })
        }
    }
}

fn prefix(text: &str, expected: Type) -> Result<Value, Refused> {
    match (text.parse::<IpNet>(), expected) {
        (Ok(net @ IpNet::V4(_)), Type::PrefixV4) | (Ok(net @ IpNet::V6(_)), Type::PrefixV6) => {
            Ok(Value::Prefix(net.trunc()))
        }
        (Ok(net), _) => Err(Refused::bad(format!("{net} is not an {expected}"))
            .hint("the other address family has a node of its own beside this one")),
        (Err(_), _) => {
            let refused = Refused::bad(format!("expected {expected}, found {text:?}"));
            Err(match text.parse::<IpAddr>() {
                Ok(address) => refused.hint(format!("with a length: {}", IpNet::from(address))),
                Err(_) => refused,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(kind: Type, text: &str) -> String {
        let refused = kind.text(text).unwrap_err();
        format!("{} | {}", refused.message, refused.hint.unwrap_or_default())
    }

    #[test]
    fn words_are_ordered_as_people_count() {
        let mut words = ["eth10", "eth2", "eth2.100", "eth2.20", "bond0"]
            .map(|word| Value::Word(word.to_owned()));
        words.sort();
        assert_eq!(
            words.map(|word| word.to_string()),
            ["bond0", "eth2", "eth2.20", "eth2.100", "eth10"]
        );
    }

    #[test]
    fn values_are_canonical() {
        let text = |kind: Type, text: &str| kind.text(text).unwrap().to_string();
        assert_eq!(text(Type::Address, "2001:DB8:0::0001"), "2001:db8::1");
        assert_eq!(text(Type::PrefixV4, "203.0.113.7/24"), "203.0.113.0/24");
        assert_eq!(text(Type::PrefixV6, "2001:DB8::1/32"), "2001:db8::/32");
    }

    #[test]
    fn a_refusal_says_what_to_write_instead() {
        let rows = [
            (
                Type::Asn,
                "65001",
                "expected AS number, found \"65001\" | write 65001 without quotes",
            ),
            (
                Type::RemoteAs,
                "intern",
                "expected AS number, internal or external, found \"intern\" | ",
            ),
            (
                Type::Address,
                "10.0.0.1/24",
                "expected IPv4 or IPv6 address, found \"10.0.0.1/24\" | without the length: 10.0.0.1",
            ),
            (
                Type::Address,
                "224.0.0.1",
                "224.0.0.1 is not a unicast address | ",
            ),
            (
                Type::Address,
                "fe80::1%eth0",
                "fe80::1 with the zone \"eth0\" is not supported | use a global address",
            ),
            (
                Type::AddressV6,
                "10.0.0.1",
                "10.0.0.1 is an IPv4 address, expected an IPv6 address | ",
            ),
            (
                Type::PrefixV4,
                "10.0.0.1",
                "expected IPv4 prefix, found \"10.0.0.1\" | with a length: 10.0.0.1/32",
            ),
            (
                Type::PrefixV4,
                "::/0",
                "::/0 is not an IPv4 prefix | the other address family has a node of its own beside this one",
            ),
            (
                Type::RouterId,
                "0.0.0.0",
                "0.0.0.0 is not a router id (RFC 6286 §2.1) | ",
            ),
            (
                Type::HostName,
                "a_b",
                "\"a_b\" is not a host name | letters, digits and hyphens, at most 63 in a label",
            ),
            (
                Type::Interface,
                "an-interface-name",
                "\"an-interface-name\" is not an interface name | 1–15 characters, without blanks, / : and %",
            ),
            (Type::Text(3), "four", "4 octets, at most 3 are allowed | "),
            (Type::Text(3), "", "is empty | leave it out instead"),
        ];
        for (kind, text, expected) in rows {
            assert_eq!(refusal(kind, text), expected);
        }
    }

    #[test]
    fn reserved_numbers_are_refused() {
        for (kind, number) in [
            (Type::Asn, 0),
            (Type::Asn, 23456),
            (Type::Asn, 65535),
            (Type::RemoteAs, 4_294_967_295),
            (Type::HoldTime, 2),
            (Type::Integer(1, 9), 10),
            (Type::Integer(1, 9), -1),
        ] {
            assert_eq!(
                kind.number(number).unwrap_err().code,
                Code::OutOfRange,
                "{number}"
            );
        }
        assert_eq!(Type::HoldTime.number(0), Ok(Value::Number(0)));
    }
}
