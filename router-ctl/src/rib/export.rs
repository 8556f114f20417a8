//! What a group of peers is told about a path: whether at all, and with which attributes.
//!
//! | | eBGP | iBGP |
//! |---|---|---|
//! | AS_PATH | our AS prepended, confederation segments removed | unchanged |
//! | NEXT_HOP | ourselves | unchanged; ourselves for our own routes and with `nexthop-self` |
//! | MED | only of our own routes (RFC 4271 §5.1.4) | unchanged |
//! | LOCAL_PREF | removed (§5.1.5) | always there |
//! | ORIGINATOR_ID, CLUSTER_LIST, AIGP, non-transitive extended communities | removed | unchanged |

use std::net::{Ipv4Addr, Ipv6Addr};

use super::attributes::StoredAttributes;
use super::key::DecisionKey;
use super::route::PeerKind;
use crate::bgp::attributes::{AttributesEditor, AttributesView};
use crate::bgp::types::{Asn, Family, FamilySet, NextHop, PathAttributes};
use crate::bgp::wire::attribute::AttributeCode;
use crate::bgp::wire::update::{Encoding, encode_announce};

/// Everything that decides what a peer is told. Peers with equal keys form one group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupKey {
    pub kind: GroupKind,
    pub local_as: Asn,
    /// Negotiated with the peer.
    pub families: FamilySet,
    pub encoding: Encoding,
    /// Our addresses on the session, as next hops of what we announce.
    pub next_hop_v4: Option<Ipv4Addr>,
    pub next_hop_v6: Option<OwnNextHopV6>,
    /// IPv4 prefixes may have an IPv6 next hop (RFC 8950).
    pub extended_next_hop: bool,
    /// Families in which learnt routes get ourselves as next hop towards iBGP.
    pub nexthop_self: FamilySet,
    /// LOCAL_PREF of paths that came without one.
    pub default_local_pref: u32,
    /// RFC 8212: nothing is sent but End-of-RIB.
    pub export_denied: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupKind {
    Ebgp,
    Ibgp,
}

/// RFC 2545 §3: `link_local` when the peer is on the same link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnNextHopV6 {
    pub global: Ipv6Addr,
    pub link_local: Option<Ipv6Addr>,
}

impl GroupKey {
    /// The next hop that the group is given for a path, `None` when it has none that the group understands.
    fn next_hop(&self, family: Family, learnt: NextHop, from: PeerKind) -> Option<NextHop> {
        let keeps = self.kind == GroupKind::Ibgp
            && from != PeerKind::Local
            && !self.nexthop_self.contains(family);
        let next_hop = if keeps {
            learnt
        } else {
            self.own_next_hop(family)?
        };
        let understood = match (family, next_hop) {
            (Family::Ipv4Unicast, NextHop::V4(_)) | (Family::Ipv6Unicast, NextHop::V6 { .. }) => {
                true
            }
            (Family::Ipv4Unicast, NextHop::V6 { .. }) => self.extended_next_hop,
            (Family::Ipv6Unicast, NextHop::V4(_)) => false,
        };
        understood.then_some(next_hop)
    }

    fn own_next_hop(&self, family: Family) -> Option<NextHop> {
        let v6 = self
            .next_hop_v6
            .map(|OwnNextHopV6 { global, link_local }| NextHop::V6 { global, link_local });
        match family {
            Family::Ipv4Unicast => self.next_hop_v4.map(NextHop::V4).or(v6),
            Family::Ipv6Unicast => v6,
        }
    }

    /// Whether a path may be told to this group: communities (RFC 1997), no iBGP to iBGP (RFC 4271 §9.2), a next
    /// hop, room in a message.
    pub(super) fn admits(
        &self,
        family: Family,
        from: PeerKind,
        key: &DecisionKey,
        attributes: StoredAttributes<'_>,
    ) -> bool {
        let forbidden = match self.kind {
            GroupKind::Ebgp => key.no_export(),
            GroupKind::Ibgp => from == PeerKind::Ibgp,
        };
        !self.export_denied
            && self.families.contains(family)
            && !forbidden
            && !key.no_advertise()
            && self.next_hop(family, attributes.next_hop, from).is_some()
            && self.has_room(family, from, attributes)
    }

    /// A path that fits no message of this group is not announced to it (RFC 8654 §4).
    fn has_room(&self, family: Family, from: PeerKind, attributes: StoredAttributes<'_>) -> bool {
        // AS numbers may be written twice for a peer of two octets; the rest is next hop and headers.
        if attributes.raw.len() * 2 + 256 <= self.encoding.max_message {
            return true;
        }
        let Some(exported) = self.export(family, from, attributes) else {
            return false;
        };
        let longest = longest_nlri(family);
        encode_announce(
            &mut Vec::new(),
            family,
            &exported,
            &[longest],
            &self.encoding,
        )
        .is_ok()
    }

    /// The attributes that the group is given for a path that it [admits](Self::admits).
    pub(super) fn export(
        &self,
        family: Family,
        from: PeerKind,
        attributes: StoredAttributes<'_>,
    ) -> Option<PathAttributes> {
        let next_hop = self.next_hop(family, attributes.next_hop, from)?;
        let mut editor = AttributesEditor::new(attributes.raw);
        match self.kind {
            GroupKind::Ebgp => self.leave_our_as(&mut editor, attributes.view(), from),
            GroupKind::Ibgp => {
                if attributes.view().local_pref().is_none() {
                    editor.set_local_pref(self.default_local_pref);
                }
            }
        }
        Some(PathAttributes {
            next_hop,
            raw: editor.finish(),
        })
    }

    fn leave_our_as(
        &self,
        editor: &mut AttributesEditor<'_>,
        view: AttributesView<'_>,
        from: PeerKind,
    ) {
        let path = view.as_path();
        if path.segments().any(|segment| segment.kind.is_confed()) {
            editor.set_as_path(path.without_confed().as_path());
        }
        editor.prepend_as(self.local_as);
        editor.retain(|code, _| match code {
            AttributeCode::MED => from == PeerKind::Local,
            AttributeCode::LOCAL_PREF
            | AttributeCode::ORIGINATOR_ID
            | AttributeCode::CLUSTER_LIST
            | AttributeCode::AIGP => false,
            _ => true,
        });
        // RFC 4360 §6: bit 6 of the type says that a community stays inside the AS.
        if view
            .extended_communities()
            .any(|each| each.0[0] & 0x40 != 0)
        {
            let stays = |octets: &[u8; 8]| octets[0] & 0x40 == 0;
            let communities = view.extended_communities();
            editor.set_extended_communities(communities.filter(|each| stays(&each.0)));
        }
    }
}

fn longest_nlri(family: Family) -> crate::bgp::types::Nlri {
    use std::net::IpAddr;

    use ipnet::IpNet;
    let address = match family {
        Family::Ipv4Unicast => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::Ipv6Unicast => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    crate::bgp::types::Nlri {
        prefix: IpNet::from(address),
        path_id: crate::bgp::types::PathId::default(),
    }
}

#[cfg(test)]
mod tests;
