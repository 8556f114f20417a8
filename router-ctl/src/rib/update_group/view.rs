//! What one member sees of a path that the group is told: the same as the others, but for three kinds of members.
//! The sender is not told its own path; inside the AS the originator is not told what it originated (RFC 4456 §8);
//! and a member that is itself the next hop gets ours instead (RFC 4271 §5.1.3).

use smallvec::SmallVec;

use super::exports::Seen;
use super::group::Group;
use super::told::{Told, originator};
use crate::rib::export::{GroupKind, Heard};
use crate::rib::route::PeerId;
use crate::rib::table::Rib;

pub(super) type PeerList = SmallVec<[PeerId; 4]>;

impl Group {
    /// What `peer` sees of `told`.
    pub(super) fn view(&self, peer: PeerId, told: Option<Told>, rib: &Rib) -> Option<Seen> {
        let told = told.filter(|told| told.source != peer)?;
        let member = self.members.get(&peer)?;
        if self.hides_originator(told) && originator(rib, told) == Some(member.router_id) {
            return None;
        }
        let leads_to_receiver =
            self.next_hops_matter(told) && member.address == Some(next_hop(rib, told));
        Some(Seen {
            told,
            leads_to_receiver,
        })
    }

    /// Adds the members that do not see of `told` what the others see.
    pub(super) fn exceptions(&self, told: Told, rib: &Rib, peers: &mut PeerList) {
        if self.members.contains_key(&told.source) {
            peers.push(told.source);
        }
        if self.hides_originator(told)
            && let Some(originator) = originator(rib, told)
        {
            peers.extend(
                self.by_router_id
                    .get(&originator)
                    .into_iter()
                    .flatten()
                    .copied(),
            );
        }
        if self.next_hops_matter(told) {
            peers.extend(
                self.by_address
                    .get(&next_hop(rib, told))
                    .into_iter()
                    .flatten()
                    .copied(),
            );
        }
    }

    fn hides_originator(&self, told: Told) -> bool {
        self.kind == GroupKind::Ibgp && told.heard.is_internal()
    }

    fn next_hops_matter(&self, told: Told) -> bool {
        self.keeps_third_party && told.heard != Heard::Local
    }
}

fn next_hop(rib: &Rib, told: Told) -> std::net::IpAddr {
    rib.attributes(told.attributes).next_hop.address()
}
