//! `protocols bgp neighbor` and `protocols bgp peer-group`: they share all leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::bgp::types::{Asn, Family};

/// What a neighbour is called by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NeighborName {
    Address(IpAddr),
    /// `fe80::1%eth0`
    LinkLocal(Ipv6Addr, String),
    /// The only neighbour on a link, found by its router advertisements.
    Interface(String),
}

impl fmt::Display for NeighborName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::LinkLocal(address, interface) => write!(f, "{address}%{interface}"),
            Self::Interface(interface) => interface.fmt(f),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbor {
    pub peer_group: Option<String>,
    /// `interface v6only`: an unnumbered neighbour; always so when it is called by an interface.
    pub v6only: bool,
    /// `interface source-interface`: where a link-local neighbour is.
    pub source_interface: Option<String>,
    pub settings: NeighborSettings,
}

/// Leaves of a neighbour or a peer group. Absent means inherited, then the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeighborSettings {
    pub remote_as: Option<RemoteAs>,
    pub description: Option<String>,
    pub passive: bool,
    pub shutdown: bool,
    /// Told to the neighbour with `shutdown` (RFC 9003).
    pub shutdown_message: Option<String>,
    /// Absent is 179.
    pub port: Option<u16>,
    pub update_source: Option<UpdateSource>,
    /// The TTL of our packets.
    pub ebgp_multihop: Option<u8>,
    pub disable_connected_check: bool,
    /// `ttl-security hops` (RFC 5082)
    pub ttl_security_hops: Option<u8>,
    /// TCP MD5 (RFC 2385)
    pub password: Option<String>,
    pub tcp_mss: Option<u16>,
    pub local_as: Option<LocalAs>,
    pub timers: NeighborTimers,
    /// Absent is on.
    pub enforce_first_as: Option<bool>,
    pub bfd: Option<NeighborBfd>,
    /// Absent is `enable`.
    pub graceful_restart: Option<GracefulRestartMode>,
    /// RFC 8326, towards this neighbour only.
    pub graceful_shutdown: bool,
    pub capability: Capabilities,
    pub disable_capability_negotiation: bool,
    pub override_capability: bool,
    pub strict_capability_match: bool,
    pub path_attribute: PathAttribute,
    /// Seconds between announcements of one route; absent is 0.
    pub advertisement_interval: Option<u16>,
    /// Shares no update group.
    pub solo: bool,
    /// `blackhole-community accept` (RFC 7999)
    pub accept_blackhole: bool,
    pub address_family: BTreeMap<Family, NeighborFamily>,
}

impl NeighborSettings {
    /// These settings where they say something, else those of `group`. A flag that the group has is on.
    pub fn over(&self, group: &Self) -> Self {
        let own = self.clone();
        let base = group.clone();
        let mut address_family = base.address_family;
        for (family, settings) in own.address_family {
            let merged = match address_family.get(&family) {
                Some(base) => settings.over(base),
                None => settings,
            };
            address_family.insert(family, merged);
        }
        Self {
            remote_as: own.remote_as.or(base.remote_as),
            description: own.description.or(base.description),
            passive: own.passive || base.passive,
            shutdown: own.shutdown || base.shutdown,
            shutdown_message: own.shutdown_message.or(base.shutdown_message),
            port: own.port.or(base.port),
            update_source: own.update_source.or(base.update_source),
            ebgp_multihop: own.ebgp_multihop.or(base.ebgp_multihop),
            disable_connected_check: own.disable_connected_check || base.disable_connected_check,
            ttl_security_hops: own.ttl_security_hops.or(base.ttl_security_hops),
            password: own.password.or(base.password),
            tcp_mss: own.tcp_mss.or(base.tcp_mss),
            local_as: own.local_as.or(base.local_as),
            timers: own.timers.over(base.timers),
            enforce_first_as: own.enforce_first_as.or(base.enforce_first_as),
            bfd: own.bfd.or(base.bfd),
            graceful_restart: own.graceful_restart.or(base.graceful_restart),
            graceful_shutdown: own.graceful_shutdown || base.graceful_shutdown,
            capability: Capabilities {
                extended_nexthop: own.capability.extended_nexthop
                    || base.capability.extended_nexthop,
                extended_message: own
                    .capability
                    .extended_message
                    .or(base.capability.extended_message),
            },
            disable_capability_negotiation: own.disable_capability_negotiation
                || base.disable_capability_negotiation,
            override_capability: own.override_capability || base.override_capability,
            strict_capability_match: own.strict_capability_match || base.strict_capability_match,
            path_attribute: own.path_attribute.over(base.path_attribute),
            advertisement_interval: own.advertisement_interval.or(base.advertisement_interval),
            solo: own.solo || base.solo,
            accept_blackhole: own.accept_blackhole || base.accept_blackhole,
            address_family,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteAs {
    Number(Asn),
    Internal,
    External,
}

/// Where sessions are opened from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateSource {
    Address(IpAddr),
    Interface(String),
}

/// `local-as <asn> [no-prepend [replace-as]]`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LocalAs {
    pub asn: Asn,
    /// Not prepended to what the neighbour sends.
    pub no_prepend: bool,
    /// Ours does not stand behind it in what we send.
    pub replace_as: bool,
}

/// Seconds; absent is inherited from `protocols bgp timers`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeighborTimers {
    pub holdtime: Option<u16>,
    pub keepalive: Option<u16>,
    pub connect: Option<u16>,
    /// First wait after an error; doubles to 300. Absent is 5.
    pub error_wait: Option<u16>,
    /// Absent: the larger of 480 and twice the hold time (RFC 9687).
    pub send_hold: Option<u16>,
}

impl NeighborTimers {
    fn over(self, base: Self) -> Self {
        Self {
            holdtime: self.holdtime.or(base.holdtime),
            keepalive: self.keepalive.or(base.keepalive),
            connect: self.connect.or(base.connect),
            error_wait: self.error_wait.or(base.error_wait),
            send_hold: self.send_hold.or(base.send_hold),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeighborBfd {
    /// `bfd profile <p>`; absent: 300 ms, three times.
    pub profile: Option<String>,
    /// A neighbour whose BFD shares the fate of its control plane (C bit clear) may be restarting.
    pub check_control_plane_failure: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GracefulRestartMode {
    Enable,
    RestartHelper,
    Disable,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// RFC 8950; implied by a link-local session.
    pub extended_nexthop: bool,
    /// RFC 8654; absent is on.
    pub extended_message: Option<bool>,
}

/// Attributes, by their codes, that the neighbour may not send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathAttribute {
    pub discard: BTreeSet<u8>,
    pub treat_as_withdraw: BTreeSet<u8>,
}

impl PathAttribute {
    fn over(mut self, base: Self) -> Self {
        self.discard.extend(base.discard);
        self.treat_as_withdraw.extend(base.treat_as_withdraw);
        self
    }
}

/// One family of a neighbour or a peer group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeighborFamily {
    pub route_map: Directions,
    pub prefix_list: Directions,
    /// AS path lists.
    pub filter_list: Directions,
    /// Access lists.
    pub distribute_list: Directions,
    /// A route map that lets through what an aggregate suppresses.
    pub unsuppress_map: Option<String>,
    pub nexthop_self: Option<NexthopSelf>,
    /// `nexthop-local unchanged`
    pub nexthop_local_unchanged: bool,
    pub attribute_unchanged: Option<AttributeUnchanged>,
    /// Occurrences of our AS that are accepted; absent is none.
    pub allowas_in: Option<u8>,
    pub as_override: bool,
    pub remove_private_as: Option<RemovePrivateAs>,
    pub maximum_prefix: MaximumPrefix,
    /// Most prefixes that are announced.
    pub maximum_prefix_out: Option<u32>,
    pub weight: Option<u16>,
    pub default_originate: Option<Originate>,
    pub route_reflector_client: bool,
    pub route_server_client: bool,
    pub addpath_tx: Option<AddPathSend>,
    /// ADD-PATH is not offered for receiving.
    pub disable_addpath_rx: bool,
    pub disable_send_community: DisableSendCommunity,
    /// Accepted for the sake of those who are used to it: what was received is always kept.
    pub soft_reconfiguration_inbound: bool,
    /// Paths that policy rejects are forgotten; a policy that changes asks the neighbour for them again.
    pub discard_rejected: bool,
}

impl NeighborFamily {
    fn over(self, base: &Self) -> Self {
        let base = base.clone();
        Self {
            route_map: self.route_map.over(base.route_map),
            prefix_list: self.prefix_list.over(base.prefix_list),
            filter_list: self.filter_list.over(base.filter_list),
            distribute_list: self.distribute_list.over(base.distribute_list),
            unsuppress_map: self.unsuppress_map.or(base.unsuppress_map),
            nexthop_self: self.nexthop_self.or(base.nexthop_self),
            nexthop_local_unchanged: self.nexthop_local_unchanged || base.nexthop_local_unchanged,
            attribute_unchanged: self.attribute_unchanged.or(base.attribute_unchanged),
            allowas_in: self.allowas_in.or(base.allowas_in),
            as_override: self.as_override || base.as_override,
            remove_private_as: self.remove_private_as.or(base.remove_private_as),
            maximum_prefix: self.maximum_prefix.over(base.maximum_prefix),
            maximum_prefix_out: self.maximum_prefix_out.or(base.maximum_prefix_out),
            weight: self.weight.or(base.weight),
            default_originate: self.default_originate.or(base.default_originate),
            route_reflector_client: self.route_reflector_client || base.route_reflector_client,
            route_server_client: self.route_server_client || base.route_server_client,
            addpath_tx: self.addpath_tx.or(base.addpath_tx),
            disable_addpath_rx: self.disable_addpath_rx || base.disable_addpath_rx,
            disable_send_community: DisableSendCommunity {
                standard: self.disable_send_community.standard
                    || base.disable_send_community.standard,
                extended: self.disable_send_community.extended
                    || base.disable_send_community.extended,
                large: self.disable_send_community.large || base.disable_send_community.large,
            },
            soft_reconfiguration_inbound: self.soft_reconfiguration_inbound
                || base.soft_reconfiguration_inbound,
            discard_rejected: self.discard_rejected || base.discard_rejected,
        }
    }
}

/// Names of policy objects for what comes in and what goes out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directions {
    pub import: Option<String>,
    pub export: Option<String>,
}

impl Directions {
    fn over(self, base: Self) -> Self {
        Self {
            import: self.import.or(base.import),
            export: self.export.or(base.export),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NexthopSelf {
    /// For reflected routes too.
    pub force: bool,
}

/// What is left as it was learnt on the way to the neighbour. None of them set means all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct AttributeUnchanged {
    pub as_path: bool,
    pub med: bool,
    pub next_hop: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RemovePrivateAs {
    /// Wherever they are, and not only when the path has no others.
    pub all: bool,
}

/// `maximum-prefix` and the leaves that go with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaximumPrefix {
    pub limit: Option<u32>,
    /// Percent of the limit at which a warning is given; absent is 75.
    pub threshold: Option<u8>,
    /// Absent is `shutdown`.
    pub action: Option<MaximumPrefixAction>,
    /// Minutes until a session that was reset is back; absent is 30.
    pub restart: Option<u16>,
}

impl MaximumPrefix {
    fn over(self, base: Self) -> Self {
        Self {
            limit: self.limit.or(base.limit),
            threshold: self.threshold.or(base.threshold),
            action: self.action.or(base.action),
            restart: self.restart.or(base.restart),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaximumPrefixAction {
    /// The session ends until it is reset by hand.
    #[default]
    Shutdown,
    /// The session ends and comes back after a while.
    Restart,
    Warn,
    /// What is above the limit is kept and not used.
    Block,
}

/// `default-originate [route-map]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Originate {
    pub route_map: Option<String>,
}

/// Which paths of a prefix an ADD-PATH neighbour is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddPathSend {
    All,
    /// The best of each neighbour AS.
    BestPerAs,
    Best(u8),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DisableSendCommunity {
    pub standard: bool,
    pub extended: bool,
    pub large: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_wins_over_its_group_and_a_flag_of_the_group_stays() {
        let group = NeighborSettings {
            description: Some("group".into()),
            passive: true,
            port: Some(1179),
            address_family: [(
                Family::Ipv4Unicast,
                NeighborFamily {
                    weight: Some(5),
                    as_override: true,
                    ..NeighborFamily::default()
                },
            )]
            .into(),
            ..NeighborSettings::default()
        };
        let member = NeighborSettings {
            description: Some("member".into()),
            address_family: [
                (
                    Family::Ipv4Unicast,
                    NeighborFamily {
                        weight: Some(7),
                        ..NeighborFamily::default()
                    },
                ),
                (Family::Ipv6Unicast, NeighborFamily::default()),
            ]
            .into(),
            ..NeighborSettings::default()
        };
        let merged = member.over(&group);
        assert_eq!(merged.description.as_deref(), Some("member"));
        assert_eq!((merged.passive, merged.port), (true, Some(1179)));
        let ipv4 = &merged.address_family[&Family::Ipv4Unicast];
        assert_eq!((ipv4.weight, ipv4.as_override), (Some(7), true));
        assert!(merged.address_family.contains_key(&Family::Ipv6Unicast));
    }
}
