//! What only the whole configuration can tell: contradictions are errors, traps are warnings.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::bgp::types::Family;
use crate::config::model::{
    Bgp, Config, NeighborName, NeighborSettings, RemoteAs, StaticRoute, Timers, UpdateSource,
};
use crate::config::problem::{Code, Problem};

/// All findings, in the order of the configuration. They have no positions.
pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(bgp) = &config.protocols.bgp {
        check_timers(
            &mut problems,
            &["protocols", "bgp", "timers"],
            &bgp.timers,
            &bgp.timers,
        );
        check_networks(&mut problems, config, bgp);
        for (name, neighbor) in &bgp.neighbor {
            if let NeighborName::Address(address) = *name {
                check_neighbor(&mut problems, bgp, address, &bgp.settings(neighbor));
            }
        }
    }
    let routes = &config.protocols.static_routes;
    for (prefix, route) in &routes.route {
        check_route(
            &mut problems,
            config,
            &["route", &prefix.to_string()],
            route,
        );
    }
    for (prefix, route) in &routes.route6 {
        check_route(
            &mut problems,
            config,
            &["route6", &prefix.to_string()],
            route,
        );
    }
    problems
}

fn path(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// `own` is what is set at `place`, `inherited` what holds where `own` is silent.
fn check_timers(problems: &mut Vec<Problem>, place: &[&str], own: &Timers, inherited: &Timers) {
    const DEFAULT_HOLD: u16 = 90;
    if own.holdtime.is_none() && own.keepalive.is_none() {
        return;
    }
    let hold = own.holdtime.or(inherited.holdtime).unwrap_or(DEFAULT_HOLD);
    let Some(keepalive) = own.keepalive.or(inherited.keepalive) else {
        return;
    };
    if hold > 0 && keepalive >= hold {
        let leaf = if own.keepalive.is_some() {
            "keepalive"
        } else {
            "holdtime"
        };
        let mut place = path(place);
        place.push(leaf.to_owned());
        problems.push(
            Problem::error(
                &place,
                Code::Conflict,
                format!("keepalives every {keepalive} s cannot hold a session whose hold time is {hold} s"),
            )
            .hint(format!("a third of the hold time is usual: {}", (hold / 3).max(1))),
        );
    }
}

/// `network` routes that nothing in the file would ever activate.
fn check_networks(problems: &mut Vec<Problem>, config: &Config, bgp: &Bgp) {
    if !bgp.parameters.network_import_check {
        return;
    }
    let routes = &config.protocols.static_routes;
    let known: BTreeSet<IpNet> = routes
        .route
        .keys()
        .map(|&prefix| IpNet::V4(prefix))
        .chain(routes.route6.keys().map(|&prefix| IpNet::V6(prefix)))
        .collect();
    for (&family, settings) in &bgp.address_family {
        for prefix in settings
            .network
            .keys()
            .filter(|prefix| !known.contains(prefix))
        {
            let place = path(&[
                "protocols",
                "bgp",
                "address-family",
                family_name(family),
                "network",
                &prefix.to_string(),
            ]);
            let route = match family {
                Family::Ipv4Unicast => "route",
                Family::Ipv6Unicast => "route6",
            };
            problems.push(
                Problem::warning(
                    &place,
                    Code::MissingReference,
                    "originated only while the host is connected to it or another protocol has it",
                )
                .hint(format!(
                    "to originate it always, set protocols static {route} {prefix} blackhole, or protocols bgp parameters network-import-check false"
                )),
            );
        }
    }
}

/// Kind of the session; `None` for a number while `system-as` is unknown.
fn is_internal(bgp: &Bgp, neighbor: &NeighborSettings) -> bool {
    match neighbor.remote_as {
        Some(RemoteAs::Internal) => true,
        Some(RemoteAs::External) | None => false,
        Some(RemoteAs::Number(asn)) => asn == bgp.system_as,
    }
}

fn check_neighbor(
    problems: &mut Vec<Problem>,
    bgp: &Bgp,
    address: IpAddr,
    neighbor: &NeighborSettings,
) {
    let name = address.to_string();
    let at = |leaf: &[&str]| {
        let mut words = vec!["protocols", "bgp", "neighbor", name.as_str()];
        words.extend(leaf);
        path(&words)
    };
    check_timers(
        problems,
        &["protocols", "bgp", "neighbor", &name, "timers"],
        &Timers {
            holdtime: neighbor.timers.holdtime,
            keepalive: neighbor.timers.keepalive,
            connect: neighbor.timers.connect,
        },
        &bgp.timers,
    );
    if let Some(UpdateSource::Address(source)) = neighbor.update_source {
        if source == address {
            let message = "the neighbor's own address cannot be ours";
            problems.push(Problem::error(
                &at(&["update-source"]),
                Code::Conflict,
                message,
            ));
        } else if source.is_ipv4() != address.is_ipv4() {
            let message = format!("{source} cannot reach {address}: another address family");
            problems.push(Problem::error(
                &at(&["update-source"]),
                Code::Conflict,
                message,
            ));
        }
    }
    if let IpAddr::V6(v6) = address
        && v6.is_unicast_link_local()
    {
        let message =
            "a link-local neighbor cannot be told apart from others without its interface";
        problems.push(
            Problem::error(&at(&[]), Code::NotApplicable, message).hint("use its global address"),
        );
    }
    let internal = is_internal(bgp, neighbor);
    if internal && neighbor.ebgp_multihop.is_some() {
        let message = "an iBGP neighbor may be any number of hops away";
        problems.push(
            Problem::error(&at(&["ebgp-multihop"]), Code::NotApplicable, message).hint("remove it"),
        );
    }
    if bgp.parameters.router_id.map(IpAddr::V4) == Some(address) {
        let message = format!("{address} is our own router id");
        problems.push(
            Problem::warning(&at(&[]), Code::Conflict, message).hint("is it our own address?"),
        );
    }
    if neighbor.address_family.is_empty() {
        problems.push(
            Problem::warning(
                &at(&[]),
                Code::Required,
                "no route will be exchanged: no address family",
            )
            .hint(format!(
                "set protocols bgp neighbor {name} address-family ipv4-unicast"
            )),
        );
    } else if !internal && bgp.parameters.ebgp_requires_policy {
        problems.push(
            Problem::warning(
                &at(&[]),
                Code::Required,
                "no route will be exchanged: an eBGP neighbor needs an import and an export policy (RFC 8212)",
            )
            .hint("set protocols bgp parameters ebgp-requires-policy false"),
        );
    }
}

fn check_route(problems: &mut Vec<Problem>, config: &Config, place: &[&str], route: &StaticRoute) {
    let at = |leaf: &[&str]| {
        let mut words = vec!["protocols", "static"];
        words.extend(place);
        words.extend(leaf);
        path(&words)
    };
    if route.next_hop.is_empty() && route.blackhole.is_none() && route.reject.is_none() {
        problems.push(
            Problem::error(&at(&[]), Code::Required, "leads nowhere")
                .hint("add next-hop.\"192.0.2.1\" = {}, blackhole = {} or reject = {}"),
        );
    }
    if let (Some(blackhole), Some(reject)) = (&route.blackhole, &route.reject)
        && blackhole.distance.unwrap_or(1) == reject.distance.unwrap_or(1)
    {
        let message = "blackhole and reject have the same distance";
        problems.push(
            Problem::error(&at(&["reject"]), Code::Conflict, message).hint("keep one of them"),
        );
    }
    for (address, next_hop) in &route.next_hop {
        let address_text = address.to_string();
        let next_hop_at = |leaf: &[&str]| {
            let mut words = vec!["next-hop", address_text.as_str()];
            words.extend(leaf);
            at(&words)
        };
        for (name, target) in [("blackhole", &route.blackhole), ("reject", &route.reject)] {
            if let Some(target) = target
                && target.distance.unwrap_or(1) == next_hop.distance.unwrap_or(1)
            {
                let message = format!("has the same distance as {name}");
                problems.push(
                    Problem::error(&next_hop_at(&[]), Code::Conflict, message).hint(format!(
                        "give {name} a higher distance to make it the fallback"
                    )),
                );
            }
        }
        match (&next_hop.interface, address) {
            (None, IpAddr::V6(v6)) if v6.is_unicast_link_local() => problems.push(
                Problem::error(&next_hop_at(&["interface"]), Code::Required, "required")
                    .hint("a link-local gateway is found on one interface only"),
            ),
            (Some(name), _) if !config.interfaces.ethernet.contains_key(name) => problems.push(
                Problem::warning(
                    &next_hop_at(&["interface"]),
                    Code::MissingReference,
                    format!(
                        "{name} is not under interfaces ethernet: packets leave through the kernel"
                    ),
                )
                .hint(format!("set interfaces ethernet {name} xdp native")),
            ),
            (None | Some(_), _) => {}
        }
    }
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::Ipv4Unicast => "ipv4-unicast",
        Family::Ipv6Unicast => "ipv6-unicast",
    }
}
