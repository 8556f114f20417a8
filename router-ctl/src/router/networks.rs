//! Routes of our own: every `network` whose prefix another source has (`network-import-check`), announced to
//! the RIB as learnt from nobody.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::bgp::attributes::AttributesEditor;
use crate::bgp::types::{Family, NextHop, Nlri, Origin, PathAttributes, PathId, RouteUpdate};
use crate::bgp::wire::as_path::AsPath;
use crate::rib::route::PeerId;
use crate::router::{Router, host};

#[derive(Debug, Default)]
pub(super) struct Networks {
    originated: BTreeSet<IpNet>,
}

impl Router {
    /// Originates what should be and is not, and withdraws what is and should not be.
    pub(super) fn reconcile_networks(&mut self) {
        let desired = self.desired_networks();
        let withdrawn: Vec<_> = self
            .networks
            .originated
            .difference(&desired)
            .copied()
            .collect();
        let announced: Vec<_> = desired
            .difference(&self.networks.originated)
            .copied()
            .collect();
        for prefix in withdrawn {
            self.rib.withdraw(
                &self.index,
                PeerId::LOCAL,
                Family::of(prefix),
                &[nlri(prefix)],
            );
        }
        for prefix in announced {
            let update = own_route(prefix);
            self.rib
                .announce(&mut self.index, PeerId::LOCAL, &update, None);
        }
        self.networks.originated = desired;
    }

    fn desired_networks(&self) -> BTreeSet<IpNet> {
        let Some(bgp) = &self.config.protocols.bgp else {
            return BTreeSet::new();
        };
        let configured = bgp
            .address_family
            .values()
            .flat_map(|family| family.network.keys())
            .copied();
        if !bgp.parameters.network_import_check {
            return configured.collect();
        }
        let connected: BTreeSet<_> = host::connected(&self.host.addresses).collect();
        configured
            .filter(|prefix| connected.contains(prefix) || self.has_static(*prefix))
            .collect()
    }
}

fn nlri(prefix: IpNet) -> Nlri {
    Nlri {
        prefix,
        path_id: PathId(0),
    }
}

/// ORIGIN IGP and an empty AS_PATH; the unspecified next hop stands for ourselves.
fn own_route(prefix: IpNet) -> RouteUpdate {
    let next_hop = match prefix {
        IpNet::V4(_) => NextHop::V4(Ipv4Addr::UNSPECIFIED),
        IpNet::V6(_) => NextHop::V6 {
            global: Ipv6Addr::UNSPECIFIED,
            link_local: None,
        },
    };
    let mut attributes = AttributesEditor::empty();
    attributes.set_origin(Origin::Igp);
    attributes.set_as_path(AsPath::new(&[]));
    RouteUpdate {
        family: Family::of(prefix),
        attributes: Some(PathAttributes {
            next_hop,
            raw: attributes.finish(),
        }),
        announced: vec![nlri(prefix)],
        withdrawn: Vec::new(),
    }
}
