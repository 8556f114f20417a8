//! `protocols static`

use std::net::IpAddr;

use super::place::Place;
use crate::config::model::{Config, StaticNextHop, StaticRoute};
use crate::config::problem::{Code, Problem};

pub(super) fn check(problems: &mut Vec<Problem>, config: &Config) {
    let place = Place::new("protocols static");
    let routes = &config.protocols.static_routes;
    for (prefix, route) in &routes.route {
        check_route(problems, config, &place.of("route").of(prefix), route);
    }
    for (prefix, route) in &routes.route6 {
        check_route(problems, config, &place.of("route6").of(prefix), route);
    }
}

fn check_route(problems: &mut Vec<Problem>, config: &Config, place: &Place, route: &StaticRoute) {
    if route.next_hop.is_empty() && route.blackhole.is_none() && route.reject.is_none() {
        problems.push(
            Problem::error(&place.path(""), Code::Required, "leads nowhere")
                .hint("add next-hop.\"192.0.2.1\" = {}, blackhole = {} or reject = {}"),
        );
    }
    if let (Some(blackhole), Some(reject)) = (&route.blackhole, &route.reject)
        && blackhole.distance.unwrap_or(1) == reject.distance.unwrap_or(1)
    {
        let message = "blackhole and reject have the same distance";
        problems.push(
            Problem::error(&place.path("reject"), Code::Conflict, message).hint("keep one of them"),
        );
    }
    for (address, next_hop) in &route.next_hop {
        let place = place.of("next-hop").of(address);
        for (name, target) in [("blackhole", &route.blackhole), ("reject", &route.reject)] {
            if let Some(target) = target
                && target.distance.unwrap_or(1) == next_hop.distance.unwrap_or(1)
            {
                let message = format!("has the same distance as {name}");
                problems.push(
                    Problem::error(&place.path(""), Code::Conflict, message).hint(format!(
                        "give {name} a higher distance to make it the fallback"
                    )),
                );
            }
        }
        check_interface(problems, config, &place, *address, next_hop);
    }
}

fn check_interface(
    problems: &mut Vec<Problem>,
    config: &Config,
    place: &Place,
    address: IpAddr,
    next_hop: &StaticNextHop,
) {
    match (&next_hop.interface, address) {
        (None, IpAddr::V6(v6)) if v6.is_unicast_link_local() => problems.push(
            Problem::error(&place.path("interface"), Code::Required, "required")
                .hint("a link-local gateway is found on one interface only"),
        ),
        (Some(name), _) if !config.interfaces.ethernet.contains_key(name) => problems.push(
            Problem::warning(
                &place.path("interface"),
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
