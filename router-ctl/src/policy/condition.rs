//! One leaf of `match`: does it hold for a route as it is by now?

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;

use ipnet::IpNet;

use crate::bgp::attributes::{Community, ExtendedCommunity, LargeCommunity};
use crate::bgp::types::{Family, NextHop, Origin};
use crate::policy::compile::{
    AccessList, AsPathList, CommunityList, Extent, Named, PrefixList, permits,
};
use crate::policy::evaluate::State;
use crate::policy::model::{CommunityRange, Peer, Protocol};
use crate::policy::subject::Source;

/// Several values are alternatives.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) enum Condition {
    AsPath(Vec<Arc<AsPathList>>),
    Community(Vec<Arc<CommunityList<Community>>>, Extent),
    /// The range, and the values in it that are wanted.
    CommunityRange(CommunityRange, RangeInclusive<u16>),
    LargeCommunity(Vec<Arc<CommunityList<LargeCommunity>>>),
    ExtendedCommunity(Vec<Arc<CommunityList<ExtendedCommunity>>>),
    Interface(Vec<String>),
    AccessList(Family, Of, Vec<Arc<AccessList>>),
    PrefixList(Family, Of, Vec<Arc<PrefixList>>),
    PrefixLength(Family, Of, Vec<u8>),
    NextHop(Family, Vec<IpAddr>),
    LocalPreference(Vec<u32>),
    Metric(Vec<u32>),
    Origin(Vec<Origin>),
    Peer(Vec<Peer>),
    Protocol(Vec<Protocol>),
    Tag(Vec<u32>),
}

/// Which address of a route is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum Of {
    Prefix,
    /// As a host prefix.
    NextHop,
}

impl Condition {
    pub(in crate::policy) fn holds(&self, state: &mut State<'_, '_>) -> bool {
        let subject = state.subject;
        match self {
            Self::AsPath(lists) => {
                let path = state.as_path_text();
                lists.iter().any(|list| permits(list.find(path)))
            }
            Self::Community(lists, extent) => {
                let (view, text) = state.communities();
                any(lists, |list| permits(list.find(view, *extent, text)))
            }
            Self::CommunityRange(range, wanted) => state
                .view()
                .communities()
                .filter_map(|each| range.value(each))
                .any(|value| wanted.contains(&value)),
            Self::LargeCommunity(lists) => {
                let (view, text) = state.communities();
                any(lists, |list| {
                    permits(list.find(view, Extent::AtLeast, text))
                })
            }
            Self::ExtendedCommunity(lists) => {
                let (view, text) = state.communities();
                any(lists, |list| {
                    permits(list.find(view, Extent::AtLeast, text))
                })
            }
            Self::Interface(names) => {
                let interface = subject.interface;
                names.iter().any(|name| interface == Some(name.as_str()))
            }
            Self::AccessList(family, of, lists) => of
                .prefix(state, *family)
                .is_some_and(|prefix| lists.iter().any(|list| permits(list.find(prefix)))),
            Self::PrefixList(family, of, lists) => of
                .prefix(state, *family)
                .is_some_and(|prefix| lists.iter().any(|list| permits(list.find(prefix)))),
            Self::PrefixLength(family, of, lengths) => of
                .prefix(state, *family)
                .is_some_and(|prefix| lengths.contains(&prefix.prefix_len())),
            Self::NextHop(_, addresses) => {
                let (address, other) = match state.next_hop() {
                    NextHop::V4(address) => (address.into(), None),
                    NextHop::V6 { global, link_local } => (global.into(), link_local),
                };
                addresses.contains(&address)
                    || other.is_some_and(|other| addresses.contains(&other.into()))
            }
            Self::LocalPreference(values) => {
                let preference = state.view().local_pref();
                values.contains(&preference.unwrap_or(subject.default_local_pref))
            }
            Self::Metric(values) => values.contains(&state.view().med().unwrap_or_default()),
            Self::Origin(values) => state
                .view()
                .origin()
                .is_some_and(|origin| values.contains(&origin)),
            Self::Peer(peers) => peers.iter().any(|peer| match *peer {
                Peer::Address(address) => subject.peer == Some(address),
                Peer::Local => subject.source != Source::Bgp,
            }),
            Self::Protocol(protocols) => protocols.contains(&match subject.source {
                Source::Bgp | Source::Aggregate => Protocol::Bgp,
                Source::Connected => Protocol::Connected,
                Source::Static => Protocol::Static,
                Source::Kernel => Protocol::Kernel,
            }),
            Self::Tag(values) => values.contains(&state.tag()),
        }
    }

    pub(in crate::policy) fn depends_on_prefix(&self) -> bool {
        matches!(
            self,
            Self::AccessList(_, Of::Prefix, _)
                | Self::PrefixList(_, Of::Prefix, _)
                | Self::PrefixLength(_, Of::Prefix, _)
        )
    }

    pub(in crate::policy) fn depends_on_peer(&self) -> bool {
        match self {
            Self::Peer(peers) => peers.iter().any(|peer| matches!(peer, Peer::Address(_))),
            Self::AsPath(_)
            | Self::Community(..)
            | Self::CommunityRange(..)
            | Self::LargeCommunity(_)
            | Self::ExtendedCommunity(_)
            | Self::Interface(_)
            | Self::AccessList(..)
            | Self::PrefixList(..)
            | Self::PrefixLength(..)
            | Self::NextHop(..)
            | Self::LocalPreference(_)
            | Self::Metric(_)
            | Self::Origin(_)
            | Self::Protocol(_)
            | Self::Tag(_) => false,
        }
    }
}

impl Of {
    /// The prefix that lists look at, if it is of this family.
    fn prefix(self, state: &State<'_, '_>, family: Family) -> Option<IpNet> {
        let prefix = match self {
            Self::Prefix => state.subject.prefix,
            Self::NextHop => state.next_hop().address().into(),
        };
        (Family::of(prefix) == family).then_some(prefix)
    }
}

fn any<T>(lists: &[Arc<T>], mut permits: impl FnMut(&T) -> bool) -> bool {
    lists.iter().any(|list| permits(list))
}

/// As below `match` in the configuration.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsPath(lists) => write!(f, "as-path {}", names(lists)),
            Self::Community(lists, extent) => {
                write!(f, "community community-list {}", names(lists))?;
                match extent {
                    Extent::AtLeast => Ok(()),
                    Extent::Exactly => f.write_str(" exact-match"),
                }
            }
            Self::CommunityRange(range, wanted) => {
                write!(f, "community-range {range}")?;
                if *wanted.start() > 0 {
                    write!(f, " ge {}", wanted.start())?;
                }
                if *wanted.end() < u16::MAX {
                    write!(f, " le {}", wanted.end())?;
                }
                Ok(())
            }
            Self::LargeCommunity(lists) => {
                write!(f, "large-community large-community-list {}", names(lists))
            }
            Self::ExtendedCommunity(lists) => write!(f, "extcommunity {}", names(lists)),
            Self::Interface(values) => write!(f, "interface {}", values.join(" ")),
            Self::AccessList(family, of, lists) => {
                write!(f, "{} access-list {}", of.words(*family), names(lists))
            }
            Self::PrefixList(family, of, lists) => {
                write!(f, "{} prefix-list {}", of.words(*family), names(lists))
            }
            Self::PrefixLength(family, of, values) => {
                write!(f, "{} prefix-len {}", of.words(*family), joined(values))
            }
            Self::NextHop(family, values) => {
                let words = Of::NextHop.words(*family);
                write!(f, "{words} address {}", joined(values))
            }
            Self::LocalPreference(values) => write!(f, "local-preference {}", joined(values)),
            Self::Metric(values) => write!(f, "metric {}", joined(values)),
            Self::Origin(values) => {
                write!(f, "origin {}", joined(values).to_ascii_lowercase())
            }
            Self::Peer(values) => {
                let words = values.iter().map(|peer| match peer {
                    Peer::Address(address) => address.to_string(),
                    Peer::Local => "local".to_owned(),
                });
                write!(f, "peer {}", words.collect::<Vec<_>>().join(" "))
            }
            Self::Protocol(values) => {
                let words: Vec<_> = values.iter().map(|each| each.word()).collect();
                write!(f, "protocol {}", words.join(" "))
            }
            Self::Tag(values) => write!(f, "tag {}", joined(values)),
        }
    }
}

impl Of {
    /// The word in the configuration.
    pub(in crate::policy) fn word(self) -> &'static str {
        match self {
            Self::Prefix => "address",
            Self::NextHop => "nexthop",
        }
    }

    fn words(self, family: Family) -> &'static str {
        match (family, self) {
            (Family::Ipv4Unicast, Self::Prefix) => "ip address",
            (Family::Ipv4Unicast, Self::NextHop) => "ip nexthop",
            (Family::Ipv6Unicast, Self::Prefix) => "ipv6 address",
            (Family::Ipv6Unicast, Self::NextHop) => "ipv6 nexthop",
        }
    }
}

fn names<T: Named>(lists: &[Arc<T>]) -> String {
    let names: Vec<&str> = lists.iter().map(|list| &**list.name()).collect();
    names.join(" ")
}

pub(in crate::policy) fn joined(values: &[impl fmt::Display]) -> String {
    let words: Vec<String> = values.iter().map(ToString::to_string).collect();
    words.join(" ")
}
