//! `policy …` as plain data. Field names are the words of the `set` path; lists and maps are kept by name,
//! rules by number. What a value must be given for is an `Option`, so that the compiler can name the leaf that
//! is missing.

mod route_map;
mod value;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv6Net};

pub use self::route_map::{
    AddressMatch, AggregatorSet, AsPathSet, CommunityMatch, CommunityRangeMatch, CommunityRangeSet,
    CommunitySet, Ipv6NextHopSet, LargeCommunityMatch, Match, MatchV4, MatchV6, NextHopMatch,
    OnMatch, Peer, Protocol, RouteMap, RouteMapRule, RouteTargets, Set, SetNextHop,
};
pub(in crate::policy) use self::value::INTERNET;
pub use self::value::{
    CommunityRange, ExtendedValue, NotAValue, NumberChange, parse_community,
    parse_extended_community, parse_large_community,
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyConfig {
    pub access_list: BTreeMap<String, AccessList>,
    pub access_list6: BTreeMap<String, AccessList6>,
    pub prefix_list: BTreeMap<String, PrefixList>,
    pub prefix_list6: BTreeMap<String, PrefixList>,
    pub as_path_list: BTreeMap<String, RegexList>,
    pub community_list: BTreeMap<String, RegexList>,
    pub large_community_list: BTreeMap<String, RegexList>,
    pub extcommunity_list: BTreeMap<String, RegexList>,
    pub route_map: BTreeMap<String, RouteMap>,
}

/// What a rule says about what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Permit,
    Deny,
}

impl Action {
    pub const ALL: [Self; 2] = [Self::Permit, Self::Deny];

    /// The word in the configuration.
    pub fn word(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
        }
    }
}

/// `prefix-list` and `prefix-list6`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixList {
    pub description: Option<String>,
    pub rule: BTreeMap<u32, PrefixRule>,
}

/// Matches prefixes inside `prefix`: of its very length, or of the lengths that `ge` and `le` span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixRule {
    pub action: Option<Action>,
    pub description: Option<String>,
    pub prefix: Option<IpNet>,
    pub ge: Option<u8>,
    pub le: Option<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessList {
    pub description: Option<String>,
    pub rule: BTreeMap<u32, AccessRule>,
}

/// `source` is compared with the network address of a prefix, `destination` with its mask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRule {
    pub action: Option<Action>,
    pub description: Option<String>,
    pub source: AccessAddress,
    pub destination: AccessAddress,
}

/// One of `any`, `host`, and `network` with `inverse-mask`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessAddress {
    pub any: bool,
    pub host: Option<Ipv4Addr>,
    pub network: Option<Ipv4Addr>,
    pub inverse_mask: Option<Ipv4Addr>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessList6 {
    pub description: Option<String>,
    pub rule: BTreeMap<u32, AccessRule6>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessRule6 {
    pub action: Option<Action>,
    pub description: Option<String>,
    pub source: AccessSource6,
}

/// `any`, or everything inside `network`; only `network` itself with `exact-match`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessSource6 {
    pub any: bool,
    pub network: Option<Ipv6Net>,
    pub exact_match: bool,
}

/// `as-path-list`, `community-list`, `large-community-list` and `extcommunity-list`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegexList {
    pub description: Option<String>,
    pub rule: BTreeMap<u32, RegexRule>,
}

/// In community lists `regex` may also be literal communities separated by spaces: all must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegexRule {
    pub action: Option<Action>,
    pub description: Option<String>,
    pub regex: Option<String>,
}
