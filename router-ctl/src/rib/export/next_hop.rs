//! The next hop that a neighbour is given (RFC 4271 §5.1.3, RFC 2545 §3, RFC 8950).

use std::net::IpAddr;

use crate::bgp::types::{Family, NextHop};
use crate::policy::NextHopEdit;
use crate::rib::export::key::{GroupKey, GroupKind, Heard, NextHopSelf, OwnNextHopV6};

/// A path's next hop as we know it, and for whom it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Learnt {
    pub(super) next_hop: NextHop,
    pub(super) heard: Heard,
    /// It is the very neighbour that is told.
    pub(super) is_receiver: bool,
}

impl GroupKey {
    /// `None` when there is none that the group understands.
    pub(super) fn next_hop(
        &self,
        family: Family,
        learnt: Learnt,
        edit: NextHopEdit,
    ) -> Option<NextHop> {
        let next_hop = match edit {
            NextHopEdit::Set(next_hop) => next_hop,
            NextHopEdit::Unchanged if learnt.heard != Heard::Local => learnt.next_hop,
            NextHopEdit::Unchanged | NextHopEdit::Kept => self
                .kept_next_hop(family, learnt)
                .or_else(|| self.own_next_hop(family))?,
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

    /// The learnt next hop, where it may stay.
    fn kept_next_hop(&self, family: Family, learnt: Learnt) -> Option<NextHop> {
        let settings = self.family(family);
        if learnt.next_hop.address().is_unspecified() {
            return None;
        }
        let unchanged = settings.unchanged.next_hop || settings.route_server_client;
        let stays = match (self.kind, learnt.heard) {
            (_, Heard::Local) => false,
            (GroupKind::Ebgp, _) => {
                let third_party = settings.nexthop_self == NextHopSelf::No
                    && !learnt.is_receiver
                    && self.is_shared(learnt.next_hop);
                unchanged || third_party
            }
            (GroupKind::Ibgp, heard) => match settings.nexthop_self {
                NextHopSelf::No => true,
                NextHopSelf::Learnt => heard != Heard::Ebgp,
                NextHopSelf::Forced => false,
            },
        };
        if !stays {
            return None;
        }
        match learnt.next_hop {
            NextHop::V4(_) => Some(learnt.next_hop),
            NextHop::V6 { .. } if settings.nexthop_local_unchanged => Some(learnt.next_hop),
            // Off its link a link-local address means nothing.
            NextHop::V6 { global, .. } if global.is_unspecified() => None,
            NextHop::V6 { .. } if self.is_shared(learnt.next_hop) => Some(learnt.next_hop),
            NextHop::V6 { global, .. } => {
                let link_local = None;
                Some(NextHop::V6 { global, link_local })
            }
        }
    }

    /// On a subnet that the neighbours of this group are on too.
    fn is_shared(&self, next_hop: NextHop) -> bool {
        let address = match next_hop {
            NextHop::V4(address) => IpAddr::V4(address),
            NextHop::V6 { global, .. } => IpAddr::V6(global),
        };
        let mut subnets = self.shared_subnets.iter();
        subnets.any(|subnet| subnet.contains(&address))
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
}
