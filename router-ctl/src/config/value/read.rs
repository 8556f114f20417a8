//! Text → [`Value`], one function a type.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{Refused, Type, Value};
use crate::config::model::NeighborName;
use crate::policy::model::{
    CommunityRange, ExtendedValue, NumberChange, parse_community, parse_large_community,
};

pub(super) fn unexpected(expected: Type, text: &str) -> Refused {
    Refused::bad(format!("expected {expected}, found {text:?}"))
}

pub(super) fn number_as_text(expected: Type, text: &str) -> Refused {
    let refused = unexpected(expected, text);
    match text.parse::<u32>() {
        Ok(number) => refused.hint(format!("write {number} without quotes")),
        Err(_) => refused,
    }
}

pub(super) fn line_of_text(text: &str, max: usize) -> Result<Value, Refused> {
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

pub(super) fn name(text: &str) -> Result<Value, Refused> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=64).contains(&text.len()) && text.chars().all(legal) {
        Ok(Value::Word(text.to_owned()))
    } else {
        Err(Refused::bad(format!("{text:?} is not a name"))
            .hint("1–64 letters, digits, hyphens, underscores and dots"))
    }
}

/// The text is not repeated: it is a secret.
pub(super) fn password(text: &str) -> Result<Value, Refused> {
    if text.chars().any(char::is_whitespace) {
        return Err(Refused::bad("a password holds no blanks"));
    }
    line_of_text(text, 80)
}

pub(super) fn host_name(text: &str) -> Result<Value, Refused> {
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
fn is_interface(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '%');
    (1..=15).contains(&text.len()) && text.chars().all(legal) && text != "." && text != ".."
}

pub(super) fn interface(text: &str) -> Result<Value, Refused> {
    if is_interface(text) {
        Ok(Value::Word(text.to_owned()))
    } else {
        Err(Refused::bad(format!("{text:?} is not an interface name"))
            .hint("1–15 characters, without blanks, / : and %"))
    }
}

/// Whether a text that is no address was meant for one: no interface is called like this.
fn looks_like_address(text: &str) -> bool {
    text.contains([':', '/', '%'])
        || text.contains('.') && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

pub(super) fn source(text: &str) -> Result<Value, Refused> {
    if text.parse::<IpAddr>().is_ok() || looks_like_address(text) {
        address(text, Type::Source)
    } else {
        interface(text)
    }
}

/// A neighbour's name in its parts. Nothing that [`neighbor`] refuses.
pub(in crate::config) fn neighbor_name(value: &Value) -> Option<NeighborName> {
    match value {
        Value::Address(address) => Some(NeighborName::Address(*address)),
        Value::Word(word) => Some(match word.split_once('%') {
            Some((address, interface)) => {
                NeighborName::LinkLocal(address.parse().ok()?, interface.to_owned())
            }
            None => NeighborName::Interface(word.clone()),
        }),
        Value::Number(_) | Value::Prefix(_) => None,
    }
}

pub(super) fn neighbor(text: &str) -> Result<Value, Refused> {
    let Some((head, zone)) = text.split_once('%') else {
        return if text.parse::<IpAddr>().is_ok() || looks_like_address(text) {
            address(text, Type::Neighbor)
        } else {
            interface(text)
        };
    };
    match head.parse::<Ipv6Addr>() {
        Ok(address) if address.is_unicast_link_local() => {
            interface(zone)?;
            Ok(Value::Word(format!("{address}%{zone}")))
        }
        Ok(address) => Err(
            Refused::bad(format!("{address} is not a link-local address"))
                .hint(format!("without the interface: {address}")),
        ),
        Err(_) => Err(unexpected(Type::Neighbor, text)),
    }
}

pub(super) fn as_path(text: &str) -> Result<Value, Refused> {
    let mut path = Vec::new();
    for word in text.split_whitespace() {
        let Ok(number) = word.parse::<i128>() else {
            return Err(unexpected(Type::AsPath, text));
        };
        path.push(Type::Asn.number(number)?.to_string());
    }
    if path.is_empty() {
        return Err(unexpected(Type::AsPath, text));
    }
    Ok(Value::Word(path.join(" ")))
}

pub(super) fn number_change(text: &str) -> Result<Value, Refused> {
    match text.parse::<NumberChange>() {
        Ok(NumberChange::To(number)) => Ok(Value::Number(number)),
        Ok(change) => Ok(Value::Word(change.to_string())),
        Err(_) => Err(unexpected(Type::NumberChange, text)),
    }
}

pub(super) fn router_id(text: &str) -> Result<Value, Refused> {
    match text.parse::<Ipv4Addr>() {
        Ok(Ipv4Addr::UNSPECIFIED) => {
            Err(Refused::bad("0.0.0.0 is not a router id (RFC 6286 §2.1)"))
        }
        Ok(id) => Ok(Value::Address(id.into())),
        Err(_) => Err(unexpected(Type::RouterId, text)),
    }
}

pub(super) fn is_v6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

pub(super) fn address(text: &str, expected: Type) -> Result<Value, Refused> {
    if let Some((head, zone)) = text.split_once('%') {
        return Err(match head.parse::<Ipv6Addr>() {
            Ok(address) => {
                Refused::bad(format!("{address} with the zone {zone:?} is not supported"))
                    .hint("use a global address")
            }
            Err(_) => unexpected(expected, text),
        });
    }
    match text.parse::<IpAddr>() {
        Ok(address) if address.is_unspecified() || address.is_multicast() => {
            Err(Refused::bad(format!("{address} is not a unicast address")))
        }
        Ok(IpAddr::V4(Ipv4Addr::BROADCAST)) => {
            Err(Refused::bad(format!("{text} is not a unicast address")))
        }
        Ok(IpAddr::V6(_)) if expected == Type::NextHop => Err(unexpected(expected, text)),
        Ok(address) => Ok(Value::Address(address)),
        Err(_) => {
            let refused = unexpected(expected, text);
            Err(match text.parse::<IpNet>() {
                Ok(net) => refused.hint(format!("without the length: {}", net.addr())),
                Err(_) => refused,
            })
        }
    }
}

pub(super) fn prefix(text: &str, expected: Type) -> Result<Value, Refused> {
    match (text.parse::<IpNet>(), expected) {
        (Ok(net), Type::Prefix)
        | (Ok(net @ IpNet::V4(_)), Type::PrefixV4)
        | (Ok(net @ IpNet::V6(_)), Type::PrefixV6) => Ok(Value::Prefix(net.trunc())),
        (Ok(net), _) => Err(Refused::bad(format!("{net} is not an {expected}"))
            .hint("the other address family has a node of its own beside this one")),
        (Err(_), _) => {
            let refused = unexpected(expected, text);
            Err(match text.parse::<IpAddr>() {
                Ok(address) => refused.hint(format!("with a length: {}", IpNet::from(address))),
                Err(_) => refused,
            })
        }
    }
}

pub(super) fn community(text: &str) -> Result<Value, Refused> {
    match parse_community(text) {
        Some(community) => Ok(Value::Word(community.to_string())),
        None => Err(unexpected(Type::Community, text)),
    }
}

pub(super) fn community_range(text: &str) -> Result<Value, Refused> {
    match text.parse::<CommunityRange>() {
        Ok(range) => Ok(Value::Word(range.to_string())),
        Err(_) => Err(unexpected(Type::CommunityRange, text)),
    }
}

pub(super) fn large_community(text: &str) -> Result<Value, Refused> {
    match parse_large_community(text) {
        Some(community) => Ok(Value::Word(community.to_string())),
        None => Err(unexpected(Type::LargeCommunity, text)),
    }
}

pub(super) fn route_target(text: &str) -> Result<Value, Refused> {
    match text.parse::<ExtendedValue>() {
        Ok(target) => Ok(Value::Word(target.to_string())),
        Err(_) => Err(unexpected(Type::RouteTarget, text)),
    }
}
