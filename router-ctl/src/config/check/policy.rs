//! `policy`: what does not compile, what is missing and what nobody uses.

use std::collections::BTreeSet;

use super::place::Place;
use crate::bgp::types::Family;
use crate::config::model::{Bgp, Config, Directions, NeighborFamily, NeighborSettings};
use crate::config::problem::{Code, Problem};
use crate::policy::{ListKind, Policies, ProblemKind, Reference};

pub(super) fn check(problems: &mut Vec<Problem>, config: &Config) {
    let place = Place::new("policy");
    if let Err(found) = Policies::compile(&config.policy, None) {
        problems.extend(found.into_iter().map(|found| {
            let mut path = place.path("");
            path.extend(found.path);
            let mut problem = Problem::error(&path, code(found.kind), found.message);
            problem.hint = found.hint;
            problem
        }));
    }
    let mut used = config.policy.references();
    if let Some(bgp) = &config.protocols.bgp {
        for (path, reference) in references(bgp) {
            problems.extend(missing(config, &path, &reference));
            used.insert(reference);
        }
    }
    unused(problems, config, &used);
}

fn code(kind: ProblemKind) -> Code {
    match kind {
        ProblemKind::MissingReference => Code::MissingReference,
        ProblemKind::Required => Code::Required,
        ProblemKind::BadValue => Code::BadValue,
        ProblemKind::OutOfRange => Code::OutOfRange,
        ProblemKind::Conflict => Code::Conflict,
        ProblemKind::Capacity => Code::Capacity,
    }
}

fn missing(config: &Config, path: &[String], reference: &Reference) -> Option<Problem> {
    let Reference { kind, name } = reference;
    if config.policy.defines(*kind, name) {
        return None;
    }
    let line = format!("set policy {kind} {name} rule 10 action permit");
    let hint = match sister(*kind).filter(|sister| config.policy.defines(*sister, name)) {
        Some(sister) => format!("{sister} {name} is for the other address family; {line}"),
        None => line,
    };
    let message = format!("there is no {kind} {name}");
    Some(Problem::error(path, Code::MissingReference, message).hint(hint))
}

/// The kind that does the same in the other address family.
fn sister(kind: ListKind) -> Option<ListKind> {
    match kind {
        ListKind::AccessList => Some(ListKind::AccessList6),
        ListKind::AccessList6 => Some(ListKind::AccessList),
        ListKind::PrefixList => Some(ListKind::PrefixList6),
        ListKind::PrefixList6 => Some(ListKind::PrefixList),
        ListKind::AsPathList
        | ListKind::CommunityList
        | ListKind::LargeCommunityList
        | ListKind::ExtcommunityList
        | ListKind::RouteMap => None,
    }
}

fn unused(problems: &mut Vec<Problem>, config: &Config, used: &BTreeSet<Reference>) {
    for Reference { kind, name } in config.policy.objects().difference(used) {
        let path = Place::new("policy").of(kind).of(name).path("");
        problems.push(
            Problem::warning(&path, Code::NotApplicable, "nothing uses it")
                .hint("remove it, or name it where it is meant to be used"),
        );
    }
}

/// Every name of a policy that BGP mentions, and where it does.
fn references(bgp: &Bgp) -> Vec<(Vec<String>, Reference)> {
    let mut names = Names(Vec::new());
    let place = Place::new("protocols bgp");
    for (family, settings) in &bgp.address_family {
        let place = place.of("address-family").of(family);
        for (source, redistribute) in [
            ("connected", &settings.redistribute_connected),
            ("static", &settings.redistribute_static),
            ("kernel", &settings.redistribute_kernel),
        ] {
            let map = redistribute.as_ref().and_then(|r| r.route_map.as_ref());
            names.route_map(&place, &format!("redistribute {source} route-map"), map);
        }
        for (prefix, network) in &settings.network {
            let place = place.of("network").of(prefix);
            names.route_map(&place, "route-map", network.route_map.as_ref());
        }
        for (prefix, aggregate) in &settings.aggregate_address {
            let place = place.of("aggregate-address").of(prefix);
            names.route_map(&place, "route-map", aggregate.route_map.as_ref());
        }
    }
    for (name, group) in &bgp.peer_group {
        names.settings(&place.of("peer-group").of(name), group);
    }
    for (name, neighbor) in &bgp.neighbor {
        names.settings(&place.of("neighbor").of(name), &neighbor.settings);
    }
    names.0
}

struct Names(Vec<(Vec<String>, Reference)>);

impl Names {
    fn name(&mut self, place: &Place, leaf: &str, kind: ListKind, name: Option<&String>) {
        let name = name.cloned();
        self.0
            .extend(name.map(|name| (place.path(leaf), Reference { kind, name })));
    }

    fn route_map(&mut self, place: &Place, leaf: &str, name: Option<&String>) {
        self.name(place, leaf, ListKind::RouteMap, name);
    }

    fn directions(&mut self, place: &Place, leaf: &str, kind: ListKind, names: &Directions) {
        self.name(
            place,
            &format!("{leaf} import"),
            kind,
            names.import.as_ref(),
        );
        self.name(
            place,
            &format!("{leaf} export"),
            kind,
            names.export.as_ref(),
        );
    }

    fn settings(&mut self, place: &Place, settings: &NeighborSettings) {
        for (&family, settings) in &settings.address_family {
            let place = place.of("address-family").of(family);
            self.family(&place, family, settings);
        }
    }

    fn family(&mut self, place: &Place, family: Family, settings: &NeighborFamily) {
        let (access_list, prefix_list) = match family {
            Family::Ipv4Unicast => (ListKind::AccessList, ListKind::PrefixList),
            Family::Ipv6Unicast => (ListKind::AccessList6, ListKind::PrefixList6),
        };
        for (leaf, kind, names) in [
            ("route-map", ListKind::RouteMap, &settings.route_map),
            ("prefix-list", prefix_list, &settings.prefix_list),
            ("filter-list", ListKind::AsPathList, &settings.filter_list),
            ("distribute-list", access_list, &settings.distribute_list),
        ] {
            self.directions(place, leaf, kind, names);
        }
        self.route_map(place, "unsuppress-map", settings.unsuppress_map.as_ref());
        let originate = settings.default_originate.as_ref();
        let map = originate.and_then(|originate| originate.route_map.as_ref());
        self.route_map(place, "default-originate route-map", map);
    }
}
