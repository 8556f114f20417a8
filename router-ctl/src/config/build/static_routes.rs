//! `protocols static`

use super::section::Section;
use crate::config::model::{StaticNextHop, StaticRoute, StaticRoutes, StaticTarget};

pub(super) fn bind(at: &mut Section<'_>, routes: &mut StaticRoutes) {
    at.named("route", &mut routes.route, route);
    at.named("route6", &mut routes.route6, route);
}

fn route(at: &mut Section<'_>, route: &mut StaticRoute) {
    at.named("next-hop", &mut route.next_hop, next_hop);
    at.presence("blackhole", &mut route.blackhole, target);
    at.presence("reject", &mut route.reject, target);
}

fn next_hop(at: &mut Section<'_>, next_hop: &mut StaticNextHop) {
    at.value("interface", &mut next_hop.interface);
    at.value("distance", &mut next_hop.distance);
}

fn target(at: &mut Section<'_>, target: &mut StaticTarget) {
    at.value("distance", &mut target.distance);
}
