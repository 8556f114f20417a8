//! What a neighbour is told depends on this: its group.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use smallvec::SmallVec;

use crate::bgp::types::{Family, RouterId};
use crate::config::model;
use crate::policy::{Chain, DefaultPolicy};
use crate::rib::export::{
    AddPathSend, DefaultOriginate, FamilyKey, GroupKey, GroupKind, NextHopSelf, OwnNextHopV6,
    PolicyPeer, Reflector, RemovePrivateAs, Unchanged, WithoutCommunities,
};
use crate::rib::route::PeerKind;
use crate::router::Router;
use crate::router::import::export_names;
use crate::router::peers::{Established, ExportPolicies, Peer};

impl Router {
    /// What decides the routes that a neighbour is told; `None` without a session.
    pub(super) fn group_key(&self, peer: &Peer) -> Option<GroupKey> {
        let session = peer.session.as_ref()?;
        let bgp = self.config.protocols.bgp.as_ref()?;
        let parameters = &bgp.parameters;
        let negotiated = &session.negotiated;
        let kind = if negotiated.internal {
            GroupKind::Ibgp
        } else {
            GroupKind::Ebgp
        };
        let local_as = peer.config.local_as.filter(|_| kind == GroupKind::Ebgp);
        let (next_hop_v4, next_hop_v6) = self.own_next_hops(session);
        let ipv4_unicast = self.family_key(peer, session, Family::Ipv4Unicast);
        let ipv6_unicast = self.family_key(peer, session, Family::Ipv6Unicast);
        let policy_peer = PolicyPeer {
            address: session.remote.ip().to_canonical(),
            asn: negotiated.peer_as,
            local: session.local.ip().to_canonical(),
        };
        let asks_for_peer = [&ipv4_unicast, &ipv6_unicast]
            .into_iter()
            .any(depends_on_peer);
        Some(GroupKey {
            behind_local_as: local_as
                .filter(|local_as| !local_as.replace_as)
                .map(|_| bgp.system_as),
            families: negotiated.families.iter().copied().collect(),
            // Over an IPv6 session the neighbour is asked to reach us there, for IPv4 too (RFC 8950 §4).
            next_hop_v4: next_hop_v4.filter(|_| {
                !negotiated.extended_next_hop || session.local.ip().to_canonical().is_ipv4()
            }),
            next_hop_v6,
            extended_next_hop: negotiated.extended_next_hop,
            shared_subnets: self.shared_subnets(peer, session),
            default_local_pref: parameters.default_local_pref,
            reflector: Reflector {
                cluster_id: parameters.cluster_id.map_or(self.router_id, RouterId),
                between_clients: !parameters.no_client_to_client_reflection,
                allow_outbound_policy: parameters.route_reflector_allow_outbound_policy,
            },
            graceful_shutdown: parameters.graceful_shutdown || peer.config.graceful_shutdown,
            policy_peer: asks_for_peer.then_some(policy_peer),
            solo: peer.config.solo.then_some(peer.id),
            ipv4_unicast,
            ipv6_unicast,
            ..GroupKey::new(kind, negotiated.local_as, negotiated.encoding())
        })
    }

    fn family_key(&self, peer: &Peer, session: &Established, family: Family) -> FamilyKey {
        let Some(settings) = peer.config.address_family.get(&family) else {
            return FamilyKey::default();
        };
        let negotiated = &session.negotiated;
        let kind = if negotiated.internal {
            PeerKind::Ibgp
        } else {
            PeerKind::Ebgp
        };
        let policies = peer.families.iter().find(|each| each.family == family);
        let ExportPolicies {
            chain: export,
            unsuppress,
            default_originate,
        } = policies.map_or_else(ExportPolicies::default, |each| each.export.clone());
        let named = !export_names(settings).is_empty();
        let required = named || self.policy(kind) == DefaultPolicy::Deny;
        FamilyKey {
            denied: export.is_none() && required,
            export,
            unsuppress,
            nexthop_self: match settings.nexthop_self {
                None => NextHopSelf::No,
                Some(model::NexthopSelf { force: false }) => NextHopSelf::Learnt,
                Some(model::NexthopSelf { force: true }) => NextHopSelf::Forced,
            },
            nexthop_local_unchanged: settings.nexthop_local_unchanged,
            unchanged: settings
                .attribute_unchanged
                .map_or_else(Unchanged::default, unchanged),
            route_server_client: settings.route_server_client,
            reflector_client: settings.route_reflector_client,
            as_override: settings.as_override.then_some(negotiated.peer_as),
            remove_private_as: settings.remove_private_as.map(|remove| match remove {
                model::RemovePrivateAs { all: false } => RemovePrivateAs::IfAlone,
                model::RemovePrivateAs { all: true } => RemovePrivateAs::All {
                    peer_as: negotiated.peer_as,
                },
            }),
            without: WithoutCommunities {
                standard: settings.disable_send_community.standard,
                extended: settings.disable_send_community.extended,
                large: settings.disable_send_community.large,
            },
            // Without its condition the default route is not told.
            default_originate: settings
                .default_originate
                .as_ref()
                .filter(|originate| originate.route_map.is_none() || default_originate.is_some())
                .map(|_| DefaultOriginate {
                    condition: default_originate,
                }),
            maximum_prefix_out: settings.maximum_prefix_out,
            add_path: settings.addpath_tx.map(|send| match send {
                model::AddPathSend::All => AddPathSend::All,
                model::AddPathSend::BestPerAs => AddPathSend::BestPerAs,
                model::AddPathSend::Best(most) => AddPathSend::Best(most),
            }),
        }
    }

    /// Subnets that we share with an external neighbour one hop away.
    fn shared_subnets(&self, peer: &Peer, session: &Established) -> SmallVec<[IpNet; 2]> {
        let remote = session.remote.ip().to_canonical();
        let link = session.link;
        let distant = session.negotiated.internal || peer.config.ebgp_multihop.is_some();
        let Some(link) = link.filter(|&link| !distant && self.host.on_link(link, remote)) else {
            return SmallVec::new();
        };
        let link_local =
            |net: &IpNet| matches!(net.addr(), IpAddr::V6(v6) if v6.is_unicast_link_local());
        let subnets = self.host.addresses_of(link);
        let mut subnets: SmallVec<[IpNet; 2]> = subnets
            .filter(|net| !link_local(net))
            .map(|net| net.trunc())
            .collect();
        subnets.sort_unstable();
        subnets.dedup();
        subnets
    }

    /// Our own addresses on the link of a session, for next hops; link-local when the neighbour is on that link
    /// too (RFC 2545 §3).
    pub(super) fn own_next_hops(
        &self,
        session: &Established,
    ) -> (Option<Ipv4Addr>, Option<OwnNextHopV6>) {
        let local = session.local.ip().to_canonical();
        let Some(link) = session.link else {
            return match local {
                IpAddr::V4(address) => (Some(address), None),
                IpAddr::V6(global) => (
                    None,
                    Some(OwnNextHopV6 {
                        global,
                        link_local: None,
                    }),
                ),
            };
        };
        let shared = self.host.on_link(link, session.remote.ip().to_canonical());
        let (first, link_local) = self.host.first_v6(link);
        let (v4, global) = match local {
            IpAddr::V4(address) => (Some(address), first),
            IpAddr::V6(address) if address.is_unicast_link_local() => {
                (self.host.first_v4(link), first)
            }
            IpAddr::V6(address) => (self.host.first_v4(link), Some(address)),
        };
        let link_local = link_local.filter(|_| shared);
        // Where there is no other address a link-local one has to do.
        let global = global.or(link_local.map(|_| Ipv6Addr::UNSPECIFIED));
        (v4, global.map(|global| OwnNextHopV6 { global, link_local }))
    }
}

fn depends_on_peer(family: &FamilyKey) -> bool {
    let condition = family.default_originate.iter();
    let condition = condition.filter_map(|originate| originate.condition.as_ref());
    let chains = family.export.iter().chain(&family.unsuppress);
    chains.chain(condition).any(Chain::depends_on_peer)
}

/// None of the three means all of them.
fn unchanged(settings: model::AttributeUnchanged) -> Unchanged {
    let model::AttributeUnchanged {
        as_path,
        med,
        next_hop,
    } = settings;
    let all = !as_path && !med && !next_hop;
    Unchanged {
        as_path: as_path || all,
        med: med || all,
        next_hop: next_hop || all,
    }
}
