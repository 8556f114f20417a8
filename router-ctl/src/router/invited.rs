//! Neighbours that nobody configured one by one: those of a `listen range`, and those that are called by a link and
//! found by their router advertisements.

use std::net::IpAddr;

use crate::config::model::NeighborName;
use crate::host::IfIndex;
use crate::router::Router;
use crate::router::effect::{Effect, Ticket};
use crate::router::peers::NewPeer;
use crate::router::transport::RangeKey;

/// Neighbours that ranges may bring when nothing else is said.
const LISTEN_LIMIT: u16 = 100;

impl Router {
    /// Keys of ranges, and links on which unnumbered neighbours are looked for.
    pub(super) fn reconcile_ranges(&mut self) {
        let Some(bgp) = &self.config.protocols.bgp else {
            return;
        };
        let group_key = |group: &String| bgp.peer_group.get(group)?.password.clone();
        let keys: Vec<_> = bgp
            .listen
            .range
            .iter()
            .filter_map(|(&range, settings)| {
                let password = group_key(&settings.peer_group)?;
                Some(RangeKey { range, password })
            })
            .collect();
        let links: Vec<_> = bgp
            .neighbor
            .keys()
            .filter_map(|name| match name {
                NeighborName::Interface(interface) => self.host.index_of(interface),
                NeighborName::Address(_) | NeighborName::LinkLocal(..) => None,
            })
            .collect();
        if keys != self.range_keys {
            self.range_keys.clone_from(&keys);
            self.effects.push_back(Effect::RangeKeys(keys));
        }
        if links != self.advertised_links {
            self.advertised_links.clone_from(&links);
            self.effects.push_back(Effect::AdvertiseOn(links));
        }
    }

    /// A connection from an address that no neighbour has: it makes one when a range has room for it.
    pub(super) fn stranger(&mut self, ticket: Ticket, remote: IpAddr) {
        match self.invite(remote) {
            Some(new) => {
                if let Some(id) = self.add_peer(new) {
                    self.reconcile_peer(id, Some(ticket));
                    self.reconcile_bfd_of_peers();
                    return;
                }
                self.effects.push_back(Effect::RefuseStranger(ticket));
            }
            None => self.effects.push_back(Effect::RefuseStranger(ticket)),
        }
    }

    /// The neighbour that an address becomes by the most specific range that has it.
    fn invite(&self, remote: IpAddr) -> Option<NewPeer> {
        let bgp = self.config.protocols.bgp.as_ref()?;
        let remote = remote.to_canonical();
        let (range, settings) = bgp
            .listen
            .range
            .iter()
            .filter(|(range, _)| range.contains(&remote))
            .max_by_key(|(range, _)| range.prefix_len())?;
        let dynamic = self.peers.iter().filter(|(_, peer)| peer.range.is_some());
        if dynamic.count() >= usize::from(bgp.listen.limit.unwrap_or(LISTEN_LIMIT)) {
            return None;
        }
        Some(NewPeer {
            name: NeighborName::Address(remote),
            address: remote,
            scope: None,
            config: bgp.peer_group.get(&settings.peer_group)?.clone(),
            peer_group: Some(settings.peer_group.clone()),
            range: Some(*range),
        })
    }

    /// Another router speaks on a link: the neighbour that is called by that link.
    pub(super) fn heard(&mut self, link: IfIndex, source: IpAddr) {
        let found = self.peers.iter().find(|(_, peer)| {
            matches!(peer.name, NeighborName::Interface(_)) && peer.scope == Some(link)
        });
        let Some((id, peer)) = found else { return };
        // Two routers on one link would fight for the session: the one that has it keeps it.
        if peer.address == source || peer.session.is_some() {
            return;
        }
        if let Some(peer) = self.peers.get_mut(id) {
            peer.address = source;
        }
        self.reconcile_peer(id, None);
        self.reconcile_bfd_of_peers();
    }
}
