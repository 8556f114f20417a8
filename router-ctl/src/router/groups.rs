//! What a neighbour is told depends on this: its group.

use std::net::{IpAddr, Ipv4Addr};

use crate::policy::DefaultPolicy;
use crate::rib::export::{GroupKey, GroupKind, OwnNextHopV6};
use crate::rib::route::PeerKind;
use crate::router::Router;
use crate::router::peers::{Established, Peer};

impl Router {
    /// What decides the routes that a neighbour is told; `None` without a session.
    pub(super) fn group_key(&self, peer: &Peer) -> Option<GroupKey> {
        let session = peer.session.as_ref()?;
        let bgp = self.config.protocols.bgp.as_ref()?;
        let negotiated = &session.negotiated;
        let kind = if negotiated.internal {
            PeerKind::Ibgp
        } else {
            PeerKind::Ebgp
        };
        let (next_hop_v4, next_hop_v6) = self.own_next_hops(session);
        Some(GroupKey {
            kind: if negotiated.internal {
                GroupKind::Ibgp
            } else {
                GroupKind::Ebgp
            },
            local_as: negotiated.local_as,
            families: negotiated.families.iter().copied().collect(),
            encoding: negotiated.encoding(),
            next_hop_v4,
            next_hop_v6,
            extended_next_hop: negotiated.extended_next_hop,
            nexthop_self: peer
                .config
                .address_family
                .iter()
                .filter_map(|(&family, settings)| settings.nexthop_self.map(|_| family))
                .collect(),
            default_local_pref: bgp.parameters.default_local_pref,
            export_denied: self.policy(kind) == DefaultPolicy::Deny,
        })
    }

    /// Our own addresses on the link of a session, for next hops; link-local when the neighbour is on that link
    /// too (RFC 2545 §3).
    pub(super) fn own_next_hops(
        &self,
        session: &Established,
    ) -> (Option<Ipv4Addr>, Option<OwnNextHopV6>) {
        let local = session.local.ip().to_canonical();
        let Some(link) = self.host.link_with(local) else {
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
        (v4, global.map(|global| OwnNextHopV6 { global, link_local }))
    }
}
