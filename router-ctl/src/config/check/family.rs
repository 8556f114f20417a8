//! The address families of a neighbour or a group.

use super::neighbor::Kind;
use super::place::Place;
use crate::bgp::types::Family;
use crate::config::model::{Bgp, NeighborFamily, NeighborSettings};
use crate::config::problem::{Code, Problem};

pub(super) fn check(
    problems: &mut Vec<Problem>,
    bgp: &Bgp,
    place: &Place,
    settings: &NeighborSettings,
) {
    let kind = Kind::of(bgp, settings);
    let requires_policy = bgp.parameters.ebgp_requires_policy;
    for (family, family_settings) in &settings.address_family {
        let place = place.of("address-family").of(family);
        if kind == Some(Kind::External) {
            reflection(problems, &place, family_settings);
            if requires_policy {
                policy(problems, &place, family_settings);
            }
        }
    }
    if kind == Some(Kind::External) {
        no_limit(problems, place, settings, requires_policy);
    }
    let ipv6 = settings.address_family.contains_key(&Family::Ipv6Unicast);
    if ipv6 && settings.disable_capability_negotiation && !settings.override_capability {
        let message = "not exchanged: without capabilities a session carries IPv4 only";
        problems.push(
            Problem::warning(
                &place.path("address-family ipv6-unicast"),
                Code::NotApplicable,
                message,
            )
            .hint(place.set("override-capability")),
        );
    }
}

fn reflection(problems: &mut Vec<Problem>, place: &Place, settings: &NeighborFamily) {
    if settings.route_reflector_client {
        let message = "routes are reflected between iBGP neighbors only";
        let path = place.path("route-reflector-client");
        problems.push(Problem::error(&path, Code::NotApplicable, message).hint("remove it"));
    }
}

/// RFC 8212: which direction has no policy, and the lines that give it one.
fn policy(problems: &mut Vec<Problem>, place: &Place, settings: &NeighborFamily) {
    let import = || place.set("route-map import NAME");
    let export = || place.set("route-map export NAME");
    let (what, needed, hint) = match (imports(settings), exports(settings)) {
        (true, true) => return,
        (false, true) => ("accepted", "an import policy", import()),
        (true, false) => ("announced", "an export policy", export()),
        (false, false) => (
            "exchanged",
            "an import and an export policy",
            format!("{} and {}", import(), export()),
        ),
    };
    let message = format!("no route will be {what}: an eBGP neighbor needs {needed} (RFC 8212)");
    problems.push(Problem::warning(&place.path(""), Code::Required, message).hint(hint));
}

fn imports(settings: &NeighborFamily) -> bool {
    settings.route_map.import.is_some()
        || settings.prefix_list.import.is_some()
        || settings.filter_list.import.is_some()
        || settings.distribute_list.import.is_some()
}

pub(super) fn exports(settings: &NeighborFamily) -> bool {
    settings.route_map.export.is_some()
        || settings.prefix_list.export.is_some()
        || settings.filter_list.export.is_some()
        || settings.distribute_list.export.is_some()
}

/// One warning for all families from which routes are taken without limit.
fn no_limit(
    problems: &mut Vec<Problem>,
    place: &Place,
    settings: &NeighborSettings,
    requires_policy: bool,
) {
    let unlimited: Vec<_> = settings
        .address_family
        .iter()
        .filter(|(_, family)| imports(family) || !requires_policy)
        .filter(|(_, family)| family.maximum_prefix.limit.is_none())
        .map(|(family, _)| family.to_string())
        .collect();
    if let [first, ..] = unlimited.as_slice() {
        let message = format!(
            "no maximum-prefix in {}: whatever the neighbor leaks is taken",
            unlimited.join(" and ")
        );
        problems.push(
            Problem::warning(&place.path(""), Code::Required, message)
                .hint(place.set(&format!("address-family {first} maximum-prefix 1000"))),
        );
    }
}

/// Leaves that speak of a limit that neither the neighbour nor its group has.
pub(super) fn limit_leaves(problems: &mut Vec<Problem>, place: &Place, settings: &NeighborFamily) {
    let maximum = &settings.maximum_prefix;
    if maximum.limit.is_some() {
        return;
    }
    for (leaf, set) in [
        ("maximum-prefix-threshold", maximum.threshold.is_some()),
        ("maximum-prefix-action", maximum.action.is_some()),
        ("maximum-prefix-restart", maximum.restart.is_some()),
    ] {
        if set {
            problems.push(
                Problem::warning(
                    &place.path(leaf),
                    Code::NotApplicable,
                    "has no effect without maximum-prefix",
                )
                .hint(place.set("maximum-prefix 1000")),
            );
        }
    }
}
