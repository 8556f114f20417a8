//! `protocols bgp` as a whole: timers, what is originated, and who may connect.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::family::exports;
use super::neighbor::{self, Kind};
use super::place::Place;
use crate::bgp::types::Family;
use crate::config::model::{AddressFamily, Bgp, Config, NeighborTimers};
use crate::config::problem::{Code, Problem};

const DEFAULT_HOLD: u16 = 90;

pub(super) fn check(problems: &mut Vec<Problem>, config: &Config, bgp: &Bgp) {
    let place = Place::new("protocols bgp");
    let own = NeighborTimers {
        holdtime: bgp.timers.holdtime,
        keepalive: bgp.timers.keepalive,
        ..NeighborTimers::default()
    };
    problems.extend(timers(&place, &own, bgp));
    for (&family, settings) in &bgp.address_family {
        let place = place.of("address-family").of(family);
        networks(problems, config, &place, (family, settings));
        aggregates(problems, &place, settings);
    }
    ranges(problems, &place, bgp);
    neighbor::check(problems, config, bgp);
}

/// `own` is what is set at `place`; where it is silent, what is set for all holds.
pub(super) fn timers(place: &Place, own: &NeighborTimers, bgp: &Bgp) -> Option<Problem> {
    if own.holdtime.is_none() && own.keepalive.is_none() {
        return None;
    }
    let inherited = &bgp.timers;
    let hold = own.holdtime.or(inherited.holdtime).unwrap_or(DEFAULT_HOLD);
    let keepalive = own.keepalive.or(inherited.keepalive)?;
    let leaf = match own.keepalive {
        Some(_) => "timers keepalive",
        None => "timers holdtime",
    };
    (hold > 0 && keepalive >= hold).then(|| {
        let message = format!(
            "keepalives every {keepalive} s cannot hold a session whose hold time is {hold} s"
        );
        Problem::error(&place.path(leaf), Code::Conflict, message).hint(format!(
            "a third of the hold time is usual: {}",
            (hold / 3).max(1)
        ))
    })
}

/// `network` routes that nothing in the file would ever activate.
fn networks(
    problems: &mut Vec<Problem>,
    config: &Config,
    place: &Place,
    (family, settings): (Family, &AddressFamily),
) {
    let bgp = config.protocols.bgp.as_ref();
    if !bgp.is_some_and(|bgp| bgp.parameters.network_import_check) {
        return;
    }
    let routes = &config.protocols.static_routes;
    let known: BTreeSet<IpNet> = routes
        .route
        .keys()
        .map(|&prefix| IpNet::V4(prefix))
        .chain(routes.route6.keys().map(|&prefix| IpNet::V6(prefix)))
        .collect();
    let route = match family {
        Family::Ipv4Unicast => "route",
        Family::Ipv6Unicast => "route6",
    };
    for prefix in settings
        .network
        .keys()
        .filter(|prefix| !known.contains(prefix))
    {
        problems.push(
            Problem::warning(
                &place.of("network").of(prefix).path(""),
                Code::MissingReference,
                "originated only while the host is connected to it or another protocol has it",
            )
            .hint(format!(
                "to originate it always, set protocols static {route} {prefix} blackhole, or protocols bgp parameters network-import-check false"
            )),
        );
    }
}

fn aggregates(problems: &mut Vec<Problem>, place: &Place, settings: &AddressFamily) {
    for (prefix, aggregate) in &settings.aggregate_address {
        if aggregate.as_set {
            problems.push(
                Problem::warning(
                    &place.of("aggregate-address").of(prefix).path("as-set"),
                    Code::NotApplicable,
                    "other routers withdraw routes whose AS path holds a set (RFC 9774)",
                )
                .hint("remove as-set"),
            );
        }
    }
}

fn ranges(problems: &mut Vec<Problem>, place: &Place, bgp: &Bgp) {
    // A name that is missing is empty, and has been reported.
    let ranges = bgp.listen.range.iter();
    for (prefix, range) in ranges.filter(|(_, range)| !range.peer_group.is_empty()) {
        let name = &range.peer_group;
        let path = place.of("listen").of("range").of(prefix).path("peer-group");
        let group_place = place.of("peer-group").of(name);
        let Some(group) = bgp.peer_group.get(name) else {
            problems.push(no_group(&path, name));
            continue;
        };
        if group.remote_as.is_none() {
            let message = format!("peer-group {name} has no remote-as");
            problems.push(
                Problem::error(&path, Code::Required, message)
                    .hint(group_place.set("remote-as external")),
            );
        }
        if group.address_family.is_empty() {
            let message =
                format!("no route will be exchanged: peer-group {name} has no address family");
            problems.push(
                Problem::warning(&path, Code::Required, message)
                    .hint(group_place.set("address-family ipv4-unicast")),
            );
        }
        let told = match Kind::of(bgp, group) {
            Some(Kind::Internal) => true,
            Some(Kind::External) => !bgp.parameters.ebgp_requires_policy,
            None => false,
        };
        for (family, settings) in group.address_family.iter().filter(|_| told) {
            if !exports(settings) && settings.maximum_prefix_out.is_none() {
                let message = format!("whoever connects is told the whole {family} table");
                let place = group_place.of("address-family").of(family);
                problems.push(
                    Problem::warning(&path, Code::Required, message)
                        .hint(place.set("route-map export NAME")),
                );
            }
        }
    }
}

/// A group that is named at `path` and is not there.
pub(super) fn no_group(path: &[String], name: &str) -> Problem {
    let message = format!("there is no peer-group {name}");
    Problem::error(path, Code::MissingReference, message).hint(format!(
        "set protocols bgp peer-group {name} remote-as external"
    ))
}
