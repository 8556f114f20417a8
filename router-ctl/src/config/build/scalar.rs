//! Types of the model that stand in the tree as one value.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::bgp::attributes::{Community, LargeCommunity};
use crate::bgp::types::{Asn, Origin, RouterId};
use crate::config::model::{
    GracefulRestartMode, MaximumPrefixAction, NeighborName, RemoteAs, UpdateSource, Xdp,
};
use crate::config::value::{Value, neighbor_name};
use crate::policy::model::{
    Action, CommunityRange, ExtendedValue, NumberChange, Peer, Protocol, SetNextHop,
    parse_community, parse_large_community,
};

/// A value of the schema's type becomes one of ours, and comes back as it was.
pub(super) trait Scalar: Sized {
    /// `None` for what the schema does not let through.
    fn from_value(value: &Value) -> Option<Self>;
    fn to_value(&self) -> Value;
}

fn number(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => Some(*number),
        Value::Word(_) | Value::Address(_) | Value::Prefix(_) => None,
    }
}

fn word(value: &Value) -> Option<&str> {
    match value {
        Value::Word(word) => Some(word),
        Value::Number(_) | Value::Address(_) | Value::Prefix(_) => None,
    }
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl Scalar for $kind {
            fn from_value(value: &Value) -> Option<Self> {
                number(value)?.try_into().ok()
            }

            fn to_value(&self) -> Value {
                Value::Number((*self).into())
            }
        }
    )*};
}

numbers!(u8, u16, u32);

impl Scalar for Asn {
    fn from_value(value: &Value) -> Option<Self> {
        number(value).map(Self)
    }

    fn to_value(&self) -> Value {
        Value::Number(self.0)
    }
}

impl Scalar for String {
    fn from_value(value: &Value) -> Option<Self> {
        word(value).map(str::to_owned)
    }

    fn to_value(&self) -> Value {
        Value::Word(self.clone())
    }
}

impl Scalar for IpAddr {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Address(address) => Some(*address),
            Value::Number(_) | Value::Word(_) | Value::Prefix(_) => None,
        }
    }

    fn to_value(&self) -> Value {
        Value::Address(*self)
    }
}

impl Scalar for Ipv4Addr {
    fn from_value(value: &Value) -> Option<Self> {
        match IpAddr::from_value(value)? {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    fn to_value(&self) -> Value {
        Value::Address((*self).into())
    }
}

impl Scalar for Ipv6Addr {
    fn from_value(value: &Value) -> Option<Self> {
        match IpAddr::from_value(value)? {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        }
    }

    fn to_value(&self) -> Value {
        Value::Address((*self).into())
    }
}

impl Scalar for RouterId {
    fn from_value(value: &Value) -> Option<Self> {
        Ipv4Addr::from_value(value).map(Self)
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

impl Scalar for IpNet {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Prefix(prefix) => Some(*prefix),
            Value::Number(_) | Value::Word(_) | Value::Address(_) => None,
        }
    }

    fn to_value(&self) -> Value {
        Value::Prefix(*self)
    }
}

impl Scalar for Ipv4Net {
    fn from_value(value: &Value) -> Option<Self> {
        match IpNet::from_value(value)? {
            IpNet::V4(prefix) => Some(prefix),
            IpNet::V6(_) => None,
        }
    }

    fn to_value(&self) -> Value {
        Value::Prefix((*self).into())
    }
}

impl Scalar for Ipv6Net {
    fn from_value(value: &Value) -> Option<Self> {
        match IpNet::from_value(value)? {
            IpNet::V6(prefix) => Some(prefix),
            IpNet::V4(_) => None,
        }
    }

    fn to_value(&self) -> Value {
        Value::Prefix((*self).into())
    }
}

impl Scalar for NeighborName {
    fn from_value(value: &Value) -> Option<Self> {
        neighbor_name(value)
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Address(address) => Value::Address(*address),
            Self::LinkLocal(..) | Self::Interface(_) => Value::Word(self.to_string()),
        }
    }
}

impl Scalar for RemoteAs {
    fn from_value(value: &Value) -> Option<Self> {
        match (number(value), word(value)) {
            (Some(asn), _) => Some(Self::Number(Asn(asn))),
            (None, Some("internal")) => Some(Self::Internal),
            (None, Some("external")) => Some(Self::External),
            (None, _) => None,
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Number(asn) => asn.to_value(),
            Self::Internal => Value::Word("internal".to_owned()),
            Self::External => Value::Word("external".to_owned()),
        }
    }
}

impl Scalar for UpdateSource {
    fn from_value(value: &Value) -> Option<Self> {
        let interface = || word(value).map(|name| Self::Interface(name.to_owned()));
        IpAddr::from_value(value)
            .map(Self::Address)
            .or_else(interface)
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Address(address) => address.to_value(),
            Self::Interface(name) => name.to_value(),
        }
    }
}

impl Scalar for Peer {
    fn from_value(value: &Value) -> Option<Self> {
        match word(value) {
            Some("local") => Some(Self::Local),
            _ => IpAddr::from_value(value).map(Self::Address),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Address(address) => address.to_value(),
            Self::Local => Value::Word("local".to_owned()),
        }
    }
}

impl Scalar for SetNextHop {
    fn from_value(value: &Value) -> Option<Self> {
        match word(value) {
            Some("peer-address") => Some(Self::PeerAddress),
            Some("unchanged") => Some(Self::Unchanged),
            _ => Ipv4Addr::from_value(value).map(Self::Address),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Address(address) => address.to_value(),
            Self::PeerAddress => Value::Word("peer-address".to_owned()),
            Self::Unchanged => Value::Word("unchanged".to_owned()),
        }
    }
}

impl Scalar for NumberChange {
    fn from_value(value: &Value) -> Option<Self> {
        match number(value) {
            Some(number) => Some(Self::To(number)),
            None => word(value)?.parse().ok(),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::To(number) => Value::Number(*number),
            Self::Plus(_) | Self::Minus(_) => Value::Word(self.to_string()),
        }
    }
}

/// AS numbers between blanks: one leaf.
impl Scalar for Vec<Asn> {
    fn from_value(value: &Value) -> Option<Self> {
        let asn = |word: &str| word.parse().map(Asn).ok();
        word(value)?.split(' ').map(asn).collect()
    }

    fn to_value(&self) -> Value {
        let words: Vec<_> = self.iter().map(Asn::to_string).collect();
        Value::Word(words.join(" "))
    }
}

macro_rules! texts {
    ($($kind:ty, $parse:expr;)*) => {$(
        impl Scalar for $kind {
            fn from_value(value: &Value) -> Option<Self> {
                $parse(word(value)?)
            }

            fn to_value(&self) -> Value {
                Value::Word(self.to_string())
            }
        }
    )*};
}

texts! {
    Community, parse_community;
    CommunityRange, |text: &str| text.parse().ok();
    LargeCommunity, parse_large_community;
    ExtendedValue, |text: &str| text.parse().ok();
}

macro_rules! words {
    ($($kind:ident { $($variant:ident = $word:literal),* })*) => {$(
        impl Scalar for $kind {
            fn from_value(value: &Value) -> Option<Self> {
                match word(value)? {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }

            fn to_value(&self) -> Value {
                Value::Word(match self { $(Self::$variant => $word,)* }.to_owned())
            }
        }
    )*};
}

words! {
    Xdp { Native = "native", Generic = "generic", Off = "off" }
    GracefulRestartMode { Enable = "enable", RestartHelper = "restart-helper", Disable = "disable" }
    MaximumPrefixAction { Shutdown = "shutdown", Restart = "restart", Warn = "warn", Block = "block" }
    Action { Permit = "permit", Deny = "deny" }
    Origin { Igp = "igp", Egp = "egp", Incomplete = "incomplete" }
    Protocol { Bgp = "bgp", Connected = "connected", Kernel = "kernel", Static = "static" }
}
