//! Routes of our own: every `network` whose prefix another source has (`network-import-check`), what is
//! redistributed, and aggregates. They are announced to the RIB as learnt from nobody, each source under a path
//! id of its own.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::bgp::attributes::AttributesEditor;
use crate::bgp::types::{Family, NextHop, Nlri, Origin, PathAttributes, PathId};
use crate::bgp::wire::as_path::AsPath;
use crate::config::model::Redistribute;
use crate::policy::{Direction, Outcome, Scratch, Source, Subject};
use crate::rib::judgement::{Changed, Judgement};
use crate::rib::route::{OwnPath, PeerId};
use crate::router::{Router, host};

/// Weight of our own routes where policy sets none.
const WEIGHT: u32 = 32768;

/// What is originated, by prefix and source.
pub(super) type Own = BTreeMap<(IpNet, PathId), OwnRoute>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnRoute {
    pub(super) attributes: PathAttributes,
    pub(super) weight: u32,
    pub(super) discard: bool,
}

impl Router {
    /// Originates what should be and is not, replaces what differs, and withdraws what should not be.
    pub(super) fn reconcile_own(&mut self) {
        let desired = self.desired_own();
        let gone: Vec<_> = self
            .own
            .keys()
            .filter(|key| !desired.contains_key(key))
            .copied()
            .collect();
        for (prefix, path_id) in gone {
            let nlri = Nlri { prefix, path_id };
            self.rib
                .withdraw(&self.index, PeerId::LOCAL, Family::of(prefix), &[nlri]);
        }
        for (&(prefix, path_id), route) in &desired {
            if self.own.get(&(prefix, path_id)) != Some(route) {
                let judgement = Judgement::Changed(Box::new(Changed {
                    attributes: route.attributes.clone(),
                    weight: route.weight,
                    discard: route.discard,
                }));
                let received = (&route.attributes, &judgement);
                let nlri = Nlri { prefix, path_id };
                self.rib
                    .take_in(&mut self.index, PeerId::LOCAL, received, &[nlri]);
            }
        }
        self.own = desired;
    }

    fn desired_own(&self) -> Own {
        let mut own = Own::new();
        let Some(bgp) = &self.config.protocols.bgp else {
            return own;
        };
        let connected: Vec<_> = host::connected(self.host.live_addresses()).collect();
        let statics: Vec<_> = self.active_statics().collect();
        for (&family, settings) in &bgp.address_family {
            let originated = settings.network.iter().filter(|(_, it)| !it.backdoor);
            for (&prefix, network) in originated {
                let known = connected.contains(&prefix)
                    || self.has_static(prefix)
                    || self.host.has_foreign_route(prefix);
                if known || !bgp.parameters.network_import_check {
                    let route = own_route(prefix, Origin::Igp, None);
                    let key = (prefix, OwnPath::NETWORK);
                    self.put_own(&mut own, key, route, (Source::Bgp, &network.route_map));
                }
            }
            let mut subnets = host::subnets(self.host.live_addresses());
            let mut foreign = self.host.foreign_routes();
            let sources: [(_, _, _, &mut dyn Iterator<Item = IpNet>); 3] = [
                (
                    &settings.redistribute_connected,
                    OwnPath::CONNECTED,
                    Source::Connected,
                    &mut subnets,
                ),
                (
                    &settings.redistribute_static,
                    OwnPath::STATIC,
                    Source::Static,
                    &mut statics.iter().copied(),
                ),
                (
                    &settings.redistribute_kernel,
                    OwnPath::KERNEL,
                    Source::Kernel,
                    &mut foreign,
                ),
            ];
            for (redistribute, path_id, source, prefixes) in sources {
                let Some(Redistribute { metric, route_map }) = redistribute else {
                    continue;
                };
                for prefix in prefixes {
                    if Family::of(prefix) == family {
                        let route = own_route(prefix, Origin::Incomplete, *metric);
                        let key = (prefix, path_id);
                        self.put_own(&mut own, key, route, (source, route_map));
                    }
                }
            }
            for (&prefix, aggregate) in &settings.aggregate_address {
                if let Some(route) = self.aggregate_route(prefix, aggregate) {
                    let key = (prefix, OwnPath::AGGREGATE);
                    let source = (Source::Aggregate, &aggregate.route_map);
                    self.put_own(&mut own, key, route, source);
                }
            }
        }
        own
    }

    /// Takes a route in when its route map lets it.
    fn put_own(
        &self,
        own: &mut Own,
        key: (IpNet, PathId),
        mut route: OwnRoute,
        (source, route_map): (Source, &Option<String>),
    ) {
        let chain = route_map
            .as_deref()
            .and_then(|name| self.policies.route_map(name));
        if let Some(chain) = chain {
            let subject = Subject {
                prefix: key.0,
                next_hop: route.attributes.next_hop,
                raw: &route.attributes.raw,
                weight: route.weight,
                direction: Direction::Import,
                peer: None,
                peer_as: None,
                local_address: None,
                interface: None,
                source,
                tag: 0,
                default_local_pref: self.default_local_pref(),
            };
            let Outcome::Permit(edits) = chain.evaluate(&subject, &mut Scratch::default()) else {
                return;
            };
            route.weight = edits.weight.unwrap_or(route.weight);
            if let Some(raw) = edits.raw {
                route.attributes.raw = raw;
            }
        }
        own.insert(key, route);
    }

    fn active_statics(&self) -> impl Iterator<Item = IpNet> + '_ {
        let statics = &self.config.protocols.static_routes;
        let v4 = statics.route.keys().map(|&net| IpNet::V4(net));
        let v6 = statics.route6.keys().map(|&net| IpNet::V6(net));
        v4.chain(v6).filter(|&prefix| self.is_static_active(prefix))
    }
}

/// An empty AS_PATH; the unspecified next hop stands for ourselves.
pub(super) fn own_route(prefix: IpNet, origin: Origin, med: Option<u32>) -> OwnRoute {
    let mut attributes = AttributesEditor::empty();
    attributes.set_origin(origin);
    attributes.set_as_path(AsPath::new(&[]));
    if let Some(med) = med {
        attributes.set_med(med);
    }
    OwnRoute {
        attributes: PathAttributes {
            next_hop: ourselves(prefix),
            raw: attributes.finish(),
        },
        weight: WEIGHT,
        discard: false,
    }
}

fn ourselves(prefix: IpNet) -> NextHop {
    match prefix {
        IpNet::V4(_) => NextHop::V4(Ipv4Addr::UNSPECIFIED),
        IpNet::V6(_) => NextHop::V6 {
            global: Ipv6Addr::UNSPECIFIED,
            link_local: None,
        },
    }
}
