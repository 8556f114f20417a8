//! The messages around a table: End-of-RIB after the first one (RFC 4724 §2), BoRR and EoRR around one that was
//! asked for again (RFC 7313 §4).

use smallvec::SmallVec;

use super::Transmit;
use super::group::Group;
use super::member::{Closing, RefreshStyle};
use crate::bgp::types::Family;
use crate::bgp::wire::route_refresh::{self, RefreshKind};
use crate::bgp::wire::update::encode_end_of_rib;
use crate::rib::peers::slot;
use crate::rib::route::PeerId;

impl Group {
    /// A refresh begins when the table before it is closed.
    pub(super) fn begin_refreshes(&mut self, out: &mut Vec<Transmit>) {
        for (&peer, member) in &mut self.members {
            if !member.can_walk() {
                continue;
            }
            for family in Family::ALL {
                let walk = member.walk_mut(family);
                if !walk.is_done() || walk.closing.is_some() {
                    continue;
                }
                let Some(style) = walk.wanted.take() else {
                    continue;
                };
                walk.refresh(self.told.bound(family), style);
                if style == RefreshStyle::Enhanced {
                    let mut bytes = Vec::new();
                    route_refresh::encode(&mut bytes, family, RefreshKind::Begin);
                    out.push(Transmit::one(&[peer], bytes));
                }
            }
        }
    }

    /// End-of-RIB, or EoRR, for those who have heard everything.
    pub(super) fn close_tables(&mut self, out: &mut Vec<Transmit>) {
        for family in Family::ALL {
            if self.scans[slot(family)].is_active() {
                continue;
            }
            for closing in [Closing::EndOfRib, Closing::EndOfRefresh] {
                let mut peers = SmallVec::<[PeerId; 8]>::new();
                for (&peer, member) in &mut self.members {
                    let ready = member.can_walk();
                    let walk = member.walk_mut(family);
                    if ready && walk.is_done() && walk.closing == Some(closing) {
                        walk.closing = None;
                        peers.push(peer);
                    }
                }
                if peers.is_empty() {
                    continue;
                }
                let mut bytes = Vec::new();
                match closing {
                    Closing::EndOfRib => {
                        encode_end_of_rib(&mut bytes, family);
                    }
                    Closing::EndOfRefresh => {
                        route_refresh::encode(&mut bytes, family, RefreshKind::End);
                    }
                }
                out.push(Transmit {
                    end_of_rib: (closing == Closing::EndOfRib).then_some(family),
                    ..Transmit::one(&peers, bytes)
                });
            }
        }
    }
}
