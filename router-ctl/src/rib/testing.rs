//! What the tests of this folder share: attribute sets in a few words, and a RIB whose next hops resolve.

pub(super) mod policy;

use std::net::{IpAddr, Ipv4Addr};

use crate::bgp::attributes::{AttributesEditor, Community};
use crate::bgp::types::{
    Asn, Family, FamilySet, NextHop, Nlri, Origin, PathAttributes, PathId, RouteUpdate, RouterId,
};
use crate::bgp::wire::as_path::AsPathBuilder;
use crate::prefix::{PrefixId, PrefixIndex};
use crate::rib::{
    Change, DecisionConfig, PeerId, PeerInfo, PeerKind, Reachability, Reason, Rejection, Rib,
};

pub(super) const LOCAL_AS: Asn = Asn(65000);

/// A path with ORIGIN IGP, the AS_PATH `ases` and the next hop 192.0.2.`next_hop`.
pub(super) fn path(ases: &[u32], next_hop: u8) -> PathAttributes {
    let mut editor = AttributesEditor::empty();
    let mut as_path = AsPathBuilder::new();
    ases.iter().for_each(|&asn| as_path.push(Asn(asn)));
    editor.set_origin(Origin::Igp);
    editor.set_as_path(as_path.as_path());
    PathAttributes {
        next_hop: NextHop::V4(Ipv4Addr::new(192, 0, 2, next_hop)),
        raw: editor.finish(),
    }
}

/// `base` with some attributes changed.
pub(super) fn with(
    base: &PathAttributes,
    change: impl FnOnce(&mut AttributesEditor<'_>),
) -> PathAttributes {
    let mut editor = base.edit();
    change(&mut editor);
    PathAttributes {
        next_hop: base.next_hop,
        raw: editor.finish(),
    }
}

pub(super) fn with_med(base: &PathAttributes, med: u32) -> PathAttributes {
    with(base, |editor| editor.set_med(med))
}

pub(super) fn with_community(base: &PathAttributes, community: u32) -> PathAttributes {
    with(base, |editor| {
        editor.set_communities([Community(community)])
    })
}

/// A route of our own.
pub(super) fn own() -> PathAttributes {
    PathAttributes {
        next_hop: NextHop::V4(Ipv4Addr::UNSPECIFIED),
        ..path(&[], 0)
    }
}

/// Peer `id` has the address 192.0.2.`id` and the router id 10.0.0.`id`.
pub(super) fn peer(id: u8, kind: PeerKind) -> PeerInfo {
    PeerInfo {
        kind,
        address: (kind != PeerKind::Local).then_some(IpAddr::from([192, 0, 2, id])),
        router_id: RouterId(Ipv4Addr::new(10, 0, 0, id)),
        asn: match kind {
            PeerKind::Ebgp => Asn(65000 + u32::from(id)),
            PeerKind::Local | PeerKind::Ibgp => LOCAL_AS,
        },
        clients: FamilySet::NONE,
    }
}

pub(super) fn nlri(prefix: &str) -> Nlri {
    Nlri {
        prefix: prefix.parse().unwrap(),
        path_id: PathId::default(),
    }
}

/// A RIB with the peers it needs: 0 is ourselves, 1 to 9 are eBGP, 10 to 19 iBGP.
pub(super) struct World {
    pub(super) rib: Rib,
    pub(super) index: PrefixIndex,
}

impl World {
    pub(super) fn new(config: DecisionConfig) -> Self {
        let mut rib = Rib::new(config);
        for id in 0..20 {
            let kind = match id {
                0 => PeerKind::Local,
                1..10 => PeerKind::Ebgp,
                _ => PeerKind::Ibgp,
            };
            rib.set_peer(PeerId(id.into()), peer(id, kind));
        }
        let index = PrefixIndex::new();
        Self { rib, index }
    }

    pub(super) fn announce(&mut self, peer: u16, prefix: &str, attributes: &PathAttributes) {
        self.announce_rejected(peer, prefix, attributes, None);
    }

    pub(super) fn announce_rejected(
        &mut self,
        peer: u16,
        prefix: &str,
        attributes: &PathAttributes,
        rejected: Option<Rejection>,
    ) {
        self.announce_nlri(peer, nlri(prefix), attributes, rejected);
    }

    pub(super) fn announce_nlri(
        &mut self,
        peer: u16,
        nlri: Nlri,
        attributes: &PathAttributes,
        rejected: Option<Rejection>,
    ) {
        let update = RouteUpdate {
            family: Family::of(nlri.prefix),
            attributes: Some(attributes.clone()),
            announced: vec![nlri],
            withdrawn: Vec::new(),
        };
        self.rib
            .announce(&mut self.index, PeerId(peer), &update, rejected);
    }

    pub(super) fn withdraw(&mut self, peer: u16, prefix: &str) {
        self.withdraw_nlri(peer, nlri(prefix));
    }

    pub(super) fn withdraw_nlri(&mut self, peer: u16, nlri: Nlri) {
        let family = Family::of(nlri.prefix);
        self.rib
            .withdraw(&self.index, PeerId(peer), family, &[nlri]);
    }

    /// New next hops resolve with metric 0; then everything is decided.
    pub(super) fn settle(&mut self) -> Vec<Change> {
        for (next_hop, _, _) in self.rib.drain_new_next_hops() {
            self.rib
                .set_next_hop(next_hop, Reachability::Resolved { metric: 0 });
        }
        let mut changes = Vec::new();
        while self.rib.has_work() {
            changes.extend(self.rib.settle(3));
        }
        self.rib.drain_freed_next_hops();
        changes
    }

    pub(super) fn id(&self, prefix: &str) -> PrefixId {
        self.index.get(prefix.parse().unwrap()).unwrap()
    }

    pub(super) fn best(&self, prefix: &str) -> Option<u16> {
        let id = self.index.get(prefix.parse().unwrap())?;
        Some(self.rib.selection(id)?.best.peer.0)
    }

    /// Last octets of the chosen next hops.
    pub(super) fn next_hops(&self, prefix: &str) -> Vec<u8> {
        let selection = self.rib.selection(self.id(prefix)).unwrap();
        let last = |address: IpAddr| match address {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(address) => address.octets()[15],
        };
        let next_hops = selection.next_hops.iter();
        next_hops
            .map(|&next_hop| last(self.rib.next_hop(next_hop).address()))
            .collect()
    }

    pub(super) fn reason(&self, prefix: &str, peer: u16) -> Reason {
        let views = self.rib.explain(self.id(prefix));
        let view = views.iter().find(|view| view.peer == PeerId(peer));
        view.unwrap().reason
    }
}
