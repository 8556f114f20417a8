//! What a leaf takes, or what a named node is called by.

use std::fmt;
use std::net::Ipv4Addr;

use super::{Refused, Value, read};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Words on one line, at most so many octets.
    Text(usize),
    /// What an object is called by: letters, digits, hyphens, underscores and dots.
    Name,
    /// A host name of one or more labels (RFC 1123 §2.1).
    HostName,
    /// A Linux interface name.
    Interface,
    /// A key of TCP MD5 (RFC 2385): at most 80 octets without blanks.
    Password,
    Integer(u32, u32),
    /// 0, or 3 and more (RFC 4271 §4.2).
    HoldTime,
    Asn,
    /// An AS number, `internal` or `external`.
    RemoteAs,
    /// AS numbers between blanks.
    AsPath,
    /// A number, or `+N` or `-N` for a difference.
    NumberChange,
    /// A BGP Identifier.
    RouterId,
    /// A unicast address of either family.
    Address,
    AddressV4,
    AddressV6,
    /// Any four octets: a network without its length, or a mask.
    Octets,
    /// An address of ours, or the interface whose address it is.
    Source,
    /// What a neighbour is called by: its address, `fe80::1%eth0`, or an interface.
    Neighbor,
    /// An address, or `local`.
    Peer,
    /// An IPv4 address, `peer-address` or `unchanged`.
    NextHop,
    /// A prefix of either family.
    Prefix,
    PrefixV4,
    PrefixV6,
    Community,
    /// Communities of one AS whose second half is a scale.
    CommunityRange,
    LargeCommunity,
    /// The value of a route target or a site of origin.
    RouteTarget,
    Choice(&'static [Choice]),
}

#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    pub name: &'static str,
    pub help: &'static str,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "text",
            Self::Name => "name",
            Self::HostName => "host name",
            Self::Interface => "interface name",
            Self::Password => "password",
            Self::Integer(min, max) => return write!(f, "{min}–{max}"),
            Self::HoldTime => "0, or 3–65535",
            Self::Asn => "AS number",
            Self::RemoteAs => "AS number, internal or external",
            Self::AsPath => "AS numbers, like \"65001 65001\"",
            Self::NumberChange => "number, +N or -N",
            Self::RouterId => "router id, like 192.0.2.1",
            Self::Address => "IPv4 or IPv6 address",
            Self::AddressV4 => "IPv4 address",
            Self::AddressV6 => "IPv6 address",
            Self::Octets => "four octets, like 192.0.2.0",
            Self::Source => "IPv4 or IPv6 address, or interface name",
            Self::Neighbor => "IPv4 or IPv6 address, address%interface or interface name",
            Self::Peer => "IPv4 or IPv6 address, or local",
            Self::NextHop => "IPv4 address, peer-address or unchanged",
            Self::Prefix => "IPv4 or IPv6 prefix",
            Self::PrefixV4 => "IPv4 prefix",
            Self::PrefixV6 => "IPv6 prefix",
            Self::Community => "community, like 65001:100 or no-export",
            Self::CommunityRange => "range of communities, like 64511:1-9",
            Self::LargeCommunity => "large community, like 65001:1:2",
            Self::RouteTarget => "ASN:NN or IPv4:NN",
            Self::Choice(choices) => return f.write_str(&names(choices)),
        })
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
    /// The numbers that are legal, if numbers are.
    fn range(self) -> Option<(u32, u32)> {
        match self {
            Self::Integer(min, max) => Some((min, max)),
            Self::HoldTime => Some((0, 65535)),
            Self::Asn | Self::RemoteAs | Self::AsPath => Some((1, 4_294_967_294)),
            Self::NumberChange => Some((0, u32::MAX)),
            Self::Text(_)
            | Self::Name
            | Self::HostName
            | Self::Interface
            | Self::Password
            | Self::RouterId
            | Self::Address
            | Self::AddressV4
            | Self::AddressV6
            | Self::Octets
            | Self::Source
            | Self::Neighbor
            | Self::Peer
            | Self::NextHop
            | Self::Prefix
            | Self::PrefixV4
            | Self::PrefixV6
            | Self::Community
            | Self::CommunityRange
            | Self::LargeCommunity
            | Self::RouteTarget
            | Self::Choice(_) => None,
        }
    }

    /// Whether numbers are written without quotes.
    pub fn takes_numbers(self) -> bool {
        self.range().is_some()
    }

    /// # Errors
    /// When the number lies outside of what the type allows.
    pub fn number(self, number: i128) -> Result<Value, Refused> {
        let Some((min, max)) = self.range() else {
            return Err(Refused::bad(format!("expected {self}, found a number"))
                .hint("put quotes around it"));
        };
        let value = u32::try_from(number)
            .ok()
            .filter(|value| (min..=max).contains(value))
            .ok_or_else(|| Refused::out_of_range(format!("{number} is outside of {min}–{max}")))?;
        match (self, value) {
            (Self::HoldTime, 1 | 2) => Err(Refused::out_of_range(format!(
                "a hold time of {value} is not allowed (RFC 4271 §4.2)"
            ))
            .hint("0 turns keepalives off; else 3 or more")),
            (Self::Asn | Self::RemoteAs, 23456 | 65535) => Err(Refused::out_of_range(format!(
                "AS {value} is reserved and belongs to nobody"
            ))
            .hint("private numbers are 64512–65534 and 4200000000–4294967294")),
            (Self::AsPath, _) => Ok(Value::Word(value.to_string())),
            _ => Ok(Value::Number(value)),
        }
    }

    /// # Errors
    /// When the text is not written as the type asks.
    pub fn text(self, text: &str) -> Result<Value, Refused> {
        match self {
            Self::Text(max) => read::line_of_text(text, max),
            Self::Name => read::name(text),
            Self::HostName => read::host_name(text),
            Self::Interface => read::interface(text),
            Self::Password => read::password(text),
            Self::Integer(..) | Self::HoldTime | Self::Asn => Err(read::number_as_text(self, text)),
            Self::RemoteAs => match text {
                "internal" | "external" => Ok(Value::Word(text.to_owned())),
                _ => Err(read::number_as_text(self, text)),
            },
            Self::AsPath => read::as_path(text),
            Self::NumberChange => read::number_change(text),
            Self::RouterId => read::router_id(text),
            Self::AddressV4 if read::is_v6(text) => Err(Refused::bad(format!(
                "{text} is an IPv6 address, expected an IPv4 address"
            ))),
            Self::AddressV6 if text.parse::<Ipv4Addr>().is_ok() => Err(Refused::bad(format!(
                "{text} is an IPv4 address, expected an IPv6 address"
            ))),
            Self::Address | Self::AddressV4 | Self::AddressV6 => read::address(text, self),
            Self::Octets => match text.parse::<Ipv4Addr>() {
                Ok(octets) => Ok(Value::Address(octets.into())),
                Err(_) => Err(read::unexpected(self, text)),
            },
            Self::Source => read::source(text),
            Self::Neighbor => read::neighbor(text),
            Self::Peer if text == "local" => Ok(Value::Word(text.to_owned())),
            Self::NextHop if matches!(text, "peer-address" | "unchanged") => {
                Ok(Value::Word(text.to_owned()))
            }
            Self::Peer | Self::NextHop => read::address(text, self),
            Self::Prefix | Self::PrefixV4 | Self::PrefixV6 => read::prefix(text, self),
            Self::Community => read::community(text),
            Self::CommunityRange => read::community_range(text),
            Self::LargeCommunity => read::large_community(text),
            Self::RouteTarget => read::route_target(text),
            Self::Choice(choices) => match choices.iter().find(|choice| choice.name == text) {
                Some(choice) => Ok(Value::Word(choice.name.to_owned())),
                None => Err(read::unexpected(self, text)),
            },
        }
    }

    /// A key, which is written like text even if it is a number.
    ///
    /// # Errors
    /// When the key is not written as the type asks.
    pub fn key(self, text: &str) -> Result<Value, Refused> {
        if !self.takes_numbers() {
            return self.text(text);
        }
        match text.parse::<u128>() {
            Ok(number) => self.number(i128::try_from(number).unwrap_or(i128::MAX)),
            Err(_) => Err(read::unexpected(self, text)),
        }
    }
}
