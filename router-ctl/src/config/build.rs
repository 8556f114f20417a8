//! [`Tree`] ↔ [`Config`], section by section. Absent leaves take the model's defaults; leaves that equal the
//! default are not written back.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::bgp::types::{Asn, Family};
use crate::config::model::{
    AddressFamily, Bgp, Config, Ethernet, Interfaces, Listen, Neighbor, NeighborFamily,
    NeighborName, NeighborSettings, NeighborTimers, Network, NexthopSelf, Parameters, Protocols,
    RemoteAs, StaticNextHop, StaticRoute, StaticRoutes, StaticTarget, System, Timers, UpdateSource,
    Xdp,
};
use crate::config::tree::Tree;
use crate::config::value::Value;

/// Stands for a `system-as` that is missing; the walk has reported it, and no AS equals it.
const NO_AS: Asn = Asn(0);

const FAMILIES: [(Family, &str); 2] = [
    (Family::Ipv4Unicast, "ipv4-unicast"),
    (Family::Ipv6Unicast, "ipv6-unicast"),
];

/// The model of a tree. What a tree lacks although it is required is stood in for; the walk that made the
/// tree has reported it as an error, and such a model is only checked, never run.
pub fn config(root: &Tree) -> Config {
    let empty = Tree::table();
    let group = |tree: Option<&Tree>| tree.cloned().unwrap_or_else(Tree::table);
    let protocols = root.get("protocols").unwrap_or(&empty);
    Config {
        system: System {
            host_name: group(root.get("system"))
                .word("host-name")
                .map(str::to_owned),
            ..System::default()
        },
        interfaces: Interfaces {
            ethernet: root
                .get("interfaces")
                .unwrap_or(&empty)
                .words("ethernet")
                .map(|(name, tree)| (name.to_owned(), ethernet(tree)))
                .collect(),
        },
        protocols: Protocols {
            bgp: protocols.get("bgp").map(bgp),
            static_routes: protocols
                .get("static")
                .map(static_routes)
                .unwrap_or_default(),
            ..Protocols::default()
        },
        ..Config::default()
    }
}

/// The tree of a model: what differs from the defaults.
pub fn tree(config: &Config) -> Tree {
    let mut system = Tree::table();
    system.put_word("host-name", config.system.host_name.as_deref());

    let mut interfaces = Tree::table();
    let ethernet = config.interfaces.ethernet.iter();
    interfaces.put_named(
        "ethernet",
        ethernet.map(|(name, port)| (Value::Word(name.clone()), ethernet_tree(port))),
    );

    let mut protocols = Tree::table();
    if let Some(bgp) = &config.protocols.bgp {
        protocols.put("bgp", bgp_tree(bgp));
    }
    protocols.put_group("static", static_tree(&config.protocols.static_routes));

    let mut root = Tree::table();
    root.put_group("system", system);
    root.put_group("interfaces", interfaces);
    root.put_group("protocols", protocols);
    root
}

fn ethernet(tree: &Tree) -> Ethernet {
    Ethernet {
        description: tree.word("description").map(str::to_owned),
        xdp: match tree.word("xdp") {
            Some("native") => Xdp::Native,
            Some("generic") => Xdp::Generic,
            _ => Xdp::Off,
        },
        disable_forwarding: tree
            .get("ip")
            .and_then(|ip| ip.flag("disable-forwarding"))
            .unwrap_or(false),
    }
}

fn ethernet_tree(port: &Ethernet) -> Tree {
    let mut ip = Tree::table();
    ip.put_flag("disable-forwarding", port.disable_forwarding, false);
    let mut tree = Tree::table();
    tree.put_word("description", port.description.as_deref());
    tree.put_word(
        "xdp",
        match port.xdp {
            Xdp::Native => Some("native"),
            Xdp::Generic => Some("generic"),
            Xdp::Off => None,
        },
    );
    tree.put_group("ip", ip);
    tree
}

fn static_routes(tree: &Tree) -> StaticRoutes {
    let mut routes = StaticRoutes::default();
    for name in ["route", "route6"] {
        for (prefix, tree) in tree.prefixes(name) {
            match prefix {
                IpNet::V4(prefix) => routes.route.insert(prefix, static_route(tree)),
                IpNet::V6(prefix) => routes.route6.insert(prefix, static_route(tree)),
            };
        }
    }
    routes
}

fn static_route(tree: &Tree) -> StaticRoute {
    let target = |tree: &Tree| StaticTarget {
        distance: tree.number("distance"),
    };
    StaticRoute {
        next_hop: tree
            .addresses("next-hop")
            .map(|(address, tree)| {
                let next_hop = StaticNextHop {
                    interface: tree.word("interface").map(str::to_owned),
                    distance: tree.number("distance"),
                };
                (address, next_hop)
            })
            .collect(),
        blackhole: tree.get("blackhole").map(target),
        reject: tree.get("reject").map(target),
    }
}

fn static_tree(routes: &StaticRoutes) -> Tree {
    let mut tree = Tree::table();
    let v4 = routes.route.iter();
    tree.put_named(
        "route",
        v4.map(|(&prefix, route)| (Value::Prefix(prefix.into()), route_tree(route))),
    );
    let v6 = routes.route6.iter();
    tree.put_named(
        "route6",
        v6.map(|(&prefix, route)| (Value::Prefix(prefix.into()), route_tree(route))),
    );
    tree
}

fn route_tree(route: &StaticRoute) -> Tree {
    let target = |target: &StaticTarget| {
        let mut tree = Tree::table();
        tree.put_number("distance", target.distance);
        tree
    };
    let mut tree = Tree::table();
    let next_hops = route.next_hop.iter().map(|(&address, next_hop)| {
        let mut tree = Tree::table();
        tree.put_word("interface", next_hop.interface.as_deref());
        tree.put_number("distance", next_hop.distance);
        (Value::Address(address), tree)
    });
    tree.put_named("next-hop", next_hops);
    if let Some(blackhole) = &route.blackhole {
        tree.put("blackhole", target(blackhole));
    }
    if let Some(reject) = &route.reject {
        tree.put("reject", target(reject));
    }
    tree
}

fn bgp(tree: &Tree) -> Bgp {
    Bgp {
        system_as: tree.number("system-as").map_or(NO_AS, Asn),
        timers: timers(tree.get("timers")),
        parameters: tree.get("parameters").map(parameters).unwrap_or_default(),
        address_family: families(tree, address_family),
        neighbor: tree
            .addresses("neighbor")
            .map(|(address, tree)| (NeighborName::Address(address), neighbor(tree)))
            .collect(),
        peer_group: BTreeMap::new(),
        listen: Listen {
            port: tree.get("listen").and_then(|listen| listen.number("port")),
            ..Listen::default()
        },
    }
}

fn bgp_tree(bgp: &Bgp) -> Tree {
    let mut listen = Tree::table();
    listen.put_number("port", bgp.listen.port);
    let mut tree = Tree::table();
    tree.put_number("system-as", Some(bgp.system_as.0));
    tree.put_group("timers", timers_tree(&bgp.timers));
    tree.put_group("listen", listen);
    tree.put_group("parameters", parameters_tree(&bgp.parameters));
    tree.put_group(
        "address-family",
        families_tree(&bgp.address_family, address_family_tree),
    );
    let neighbors = bgp
        .neighbor
        .iter()
        .filter_map(|(name, neighbor)| match name {
            NeighborName::Address(address) => {
                Some((Value::Address(*address), neighbor_tree(neighbor)))
            }
            NeighborName::LinkLocal(..) | NeighborName::Interface(_) => None,
        });
    tree.put_named("neighbor", neighbors);
    tree
}

fn families<T>(tree: &Tree, read: fn(&Tree) -> T) -> BTreeMap<Family, T> {
    let Some(tree) = tree.get("address-family") else {
        return BTreeMap::new();
    };
    FAMILIES
        .into_iter()
        .filter_map(|(family, name)| Some((family, read(tree.get(name)?))))
        .collect()
}

fn families_tree<T>(families: &BTreeMap<Family, T>, write: fn(&T) -> Tree) -> Tree {
    let mut tree = Tree::table();
    for (family, name) in FAMILIES {
        if let Some(value) = families.get(&family) {
            tree.put(name, write(value));
        }
    }
    tree
}

fn timers(tree: Option<&Tree>) -> Timers {
    tree.map(|tree| Timers {
        holdtime: tree.number("holdtime"),
        keepalive: tree.number("keepalive"),
        connect: tree.number("connect"),
    })
    .unwrap_or_default()
}

fn timers_tree(timers: &Timers) -> Tree {
    let mut tree = Tree::table();
    tree.put_number("holdtime", timers.holdtime);
    tree.put_number("keepalive", timers.keepalive);
    tree.put_number("connect", timers.connect);
    tree
}

fn parameters(tree: &Tree) -> Parameters {
    let default = Parameters::default();
    let below = |path: &[&str]| {
        path.iter()
            .try_fold(tree, |tree, name| tree.get(name))
            .cloned()
            .unwrap_or_default()
    };
    let flag = |name: &str, default: bool| tree.flag(name).unwrap_or(default);
    Parameters {
        router_id: tree.address_v4("router-id"),
        ebgp_requires_policy: flag("ebgp-requires-policy", default.ebgp_requires_policy),
        as_path_multipath_relax: below(&["bestpath", "as-path"])
            .flag("multipath-relax")
            .unwrap_or(default.as_path_multipath_relax),
        always_compare_med: flag("always-compare-med", default.always_compare_med),
        med_missing_as_worst: below(&["bestpath", "med"])
            .flag("missing-as-worst")
            .unwrap_or(default.med_missing_as_worst),
        network_import_check: flag("network-import-check", default.network_import_check),
        default_local_pref: below(&["default"])
            .number("local-pref")
            .unwrap_or(default.default_local_pref),
        restart_time: below(&["graceful-restart"])
            .number("restart-time")
            .unwrap_or(default.restart_time),
        ..default
    }
}

fn parameters_tree(parameters: &Parameters) -> Tree {
    let default = Parameters::default();
    let differs = |value: u32, default: u32| (value != default).then_some(value);
    let mut tree = Tree::table();
    tree.put_address("router-id", parameters.router_id);
    tree.put_flag(
        "ebgp-requires-policy",
        parameters.ebgp_requires_policy,
        default.ebgp_requires_policy,
    );
    tree.put_flag(
        "always-compare-med",
        parameters.always_compare_med,
        default.always_compare_med,
    );
    tree.put_flag(
        "network-import-check",
        parameters.network_import_check,
        default.network_import_check,
    );

    let mut as_path = Tree::table();
    as_path.put_flag(
        "multipath-relax",
        parameters.as_path_multipath_relax,
        default.as_path_multipath_relax,
    );
    let mut med = Tree::table();
    med.put_flag(
        "missing-as-worst",
        parameters.med_missing_as_worst,
        default.med_missing_as_worst,
    );
    let mut bestpath = Tree::table();
    bestpath.put_group("as-path", as_path);
    bestpath.put_group("med", med);
    tree.put_group("bestpath", bestpath);

    let mut defaults = Tree::table();
    defaults.put_number(
        "local-pref",
        differs(parameters.default_local_pref, default.default_local_pref),
    );
    tree.put_group("default", defaults);
    let mut restart = Tree::table();
    restart.put_number(
        "restart-time",
        differs(parameters.restart_time.into(), default.restart_time.into()),
    );
    tree.put_group("graceful-restart", restart);
    tree
}

fn address_family(tree: &Tree) -> AddressFamily {
    let default = AddressFamily::default();
    let paths = tree.get("maximum-paths").cloned().unwrap_or_default();
    AddressFamily {
        maximum_paths_ebgp: paths.number("ebgp").unwrap_or(default.maximum_paths_ebgp),
        maximum_paths_ibgp: paths.number("ibgp").unwrap_or(default.maximum_paths_ibgp),
        network: tree
            .prefixes("network")
            .map(|(prefix, _)| (prefix, Network::default()))
            .collect(),
        ..default
    }
}

fn address_family_tree(family: &AddressFamily) -> Tree {
    let default = AddressFamily::default();
    let differs = |value: u16, default: u16| (value != default).then_some(value);
    let mut paths = Tree::table();
    paths.put_number(
        "ebgp",
        differs(family.maximum_paths_ebgp, default.maximum_paths_ebgp),
    );
    paths.put_number(
        "ibgp",
        differs(family.maximum_paths_ibgp, default.maximum_paths_ibgp),
    );
    let mut tree = Tree::table();
    tree.put_group("maximum-paths", paths);
    let networks = family.network.keys();
    tree.put_named(
        "network",
        networks.map(|&prefix| (Value::Prefix(prefix), Tree::table())),
    );
    tree
}

fn neighbor(tree: &Tree) -> Neighbor {
    let remote_as = match (tree.number("remote-as"), tree.word("remote-as")) {
        (Some(number), _) => Some(RemoteAs::Number(Asn(number))),
        (None, Some("internal")) => Some(RemoteAs::Internal),
        (None, Some(_)) => Some(RemoteAs::External),
        (None, None) => None,
    };
    let session = timers(tree.get("timers"));
    Neighbor {
        settings: NeighborSettings {
            remote_as,
            description: tree.word("description").map(str::to_owned),
            passive: tree.flag("passive").unwrap_or(false),
            shutdown: tree.flag("shutdown").unwrap_or(false),
            port: tree.number("port"),
            update_source: tree.address("update-source").map(UpdateSource::Address),
            ebgp_multihop: tree.number("ebgp-multihop"),
            timers: NeighborTimers {
                holdtime: session.holdtime,
                keepalive: session.keepalive,
                connect: session.connect,
                ..NeighborTimers::default()
            },
            address_family: families(tree, |tree| NeighborFamily {
                nexthop_self: tree.get("nexthop-self").map(|_| NexthopSelf::default()),
                ..NeighborFamily::default()
            }),
            ..NeighborSettings::default()
        },
        ..Neighbor::default()
    }
}

fn neighbor_tree(neighbor: &Neighbor) -> Tree {
    let settings = &neighbor.settings;
    let mut tree = Tree::table();
    match settings.remote_as {
        Some(RemoteAs::Number(asn)) => tree.put_number("remote-as", Some(asn.0)),
        Some(RemoteAs::Internal) => tree.put_word("remote-as", Some("internal")),
        Some(RemoteAs::External) => tree.put_word("remote-as", Some("external")),
        None => {}
    }
    tree.put_word("description", settings.description.as_deref());
    tree.put_flag("passive", settings.passive, false);
    tree.put_flag("shutdown", settings.shutdown, false);
    tree.put_number("port", settings.port);
    if let Some(UpdateSource::Address(address)) = settings.update_source {
        tree.put_address("update-source", Some(address));
    }
    tree.put_number("ebgp-multihop", settings.ebgp_multihop);
    let session = Timers {
        holdtime: settings.timers.holdtime,
        keepalive: settings.timers.keepalive,
        connect: settings.timers.connect,
    };
    tree.put_group("timers", timers_tree(&session));
    let families = families_tree(&settings.address_family, |family| {
        let mut tree = Tree::table();
        if family.nexthop_self.is_some() {
            tree.put("nexthop-self", Tree::table());
        }
        tree
    });
    tree.put_group("address-family", families);
    tree
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::{Kind, Node, ROOT};
    use crate::config::tree::Content;
    use crate::config::value::Type;

    /// A tree in which every node of the schema is set, to something other than its default.
    fn full(nodes: &'static [Node]) -> Tree {
        let mut tree = Tree::table();
        for node in nodes {
            let content = match node.kind {
                Kind::Leaf(kind) => Content::Leaf(sample(kind)),
                Kind::Flag { default } => Content::Flag(!default),
                Kind::Group(children) | Kind::Presence(children) => full(children).content,
                Kind::Named(key, children) => {
                    Content::Named(BTreeMap::from([(sample(key), full(children))]))
                }
            };
            tree.put(node.name, Tree::new(content));
        }
        tree
    }

    fn sample(kind: Type) -> Value {
        let value = match kind {
            Type::Text(_) | Type::HostName | Type::Interface => kind.text("name0"),
            Type::Integer(..) | Type::HoldTime | Type::Asn | Type::RemoteAs => kind.number(7),
            Type::RouterId | Type::Address => kind.text("192.0.2.1"),
            Type::AddressV6 => kind.text("2001:db8::1"),
            Type::PrefixV4 => kind.text("192.0.2.0/24"),
            Type::PrefixV6 => kind.text("2001:db8::/32"),
            Type::Choice(choices) => kind.text(choices[0].name),
        };
        value.unwrap()
    }

    #[test]
    fn every_node_of_the_schema_reaches_the_model_and_comes_back() {
        let full = full(ROOT);
        assert_eq!(tree(&config(&full)), full);
    }
}
