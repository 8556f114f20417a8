//! `protocols bgp`, apart from its neighbours.

use std::collections::BTreeMap;

use super::neighbor;
use super::section::Section;
use crate::bgp::types::{Asn, Family};
use crate::config::model::{
    AddressFamily, Aggregate, Bgp, Distance, FamilyDistance, Listen, ListenRange, Network,
    Parameters, Redistribute, Timers,
};

/// Stands for a `system-as` that is missing; the walk has reported it, and no AS equals it.
const NO_AS: Asn = Asn(0);

/// What is filled in.
pub(super) fn empty() -> Bgp {
    Bgp {
        system_as: NO_AS,
        timers: Timers::default(),
        parameters: Parameters::default(),
        address_family: BTreeMap::new(),
        neighbor: BTreeMap::new(),
        peer_group: BTreeMap::new(),
        listen: Listen::default(),
    }
}

pub(super) fn bind(at: &mut Section<'_>, bgp: &mut Bgp) {
    at.value_or("system-as", &mut bgp.system_as, NO_AS);
    at.group("timers", |at| timers(at, &mut bgp.timers));
    at.group("listen", |at| listen(at, &mut bgp.listen));
    at.group("parameters", |at| parameters(at, &mut bgp.parameters));
    families(at, &mut bgp.address_family, address_family);
    at.named("peer-group", &mut bgp.peer_group, neighbor::peer_group);
    neighbor::bind(at, &mut bgp.neighbor);
}

/// `address-family`, of the speaker or of a neighbour.
pub(super) fn families<T: Default>(
    at: &mut Section<'_>,
    families: &mut BTreeMap<Family, T>,
    bind: impl Fn(&mut Section<'_>, &mut T),
) {
    at.group("address-family", |at| {
        for (family, name) in [
            (Family::Ipv4Unicast, "ipv4-unicast"),
            (Family::Ipv6Unicast, "ipv6-unicast"),
        ] {
            let mut settings = families.remove(&family);
            at.presence(name, &mut settings, &bind);
            families.extend(settings.map(|settings| (family, settings)));
        }
    });
}

fn timers(at: &mut Section<'_>, timers: &mut Timers) {
    at.value("holdtime", &mut timers.holdtime);
    at.value("keepalive", &mut timers.keepalive);
    at.value("connect", &mut timers.connect);
}

fn listen(at: &mut Section<'_>, listen: &mut Listen) {
    at.value("port", &mut listen.port);
    at.named("range", &mut listen.range, |at, range: &mut ListenRange| {
        // Required by the schema; empty is no name.
        at.value_or("peer-group", &mut range.peer_group, String::new());
    });
    at.value("limit", &mut listen.limit);
}

fn parameters(at: &mut Section<'_>, p: &mut Parameters) {
    let default = Parameters::default();
    at.value("router-id", &mut p.router_id);
    at.value("cluster-id", &mut p.cluster_id);
    at.flag(
        "no-client-to-client-reflection",
        &mut p.no_client_to_client_reflection,
    );
    at.flag(
        "route-reflector-allow-outbound-policy",
        &mut p.route_reflector_allow_outbound_policy,
    );
    at.flag_on("ebgp-requires-policy", &mut p.ebgp_requires_policy);
    at.group("bestpath", |at| bestpath(at, p));
    at.flag("always-compare-med", &mut p.always_compare_med);
    at.flag_on("network-import-check", &mut p.network_import_check);
    at.group("default", |at| {
        let local_pref = default.default_local_pref;
        at.value_or("local-pref", &mut p.default_local_pref, local_pref);
    });
    let minimum = default.minimum_holdtime;
    at.value_or("minimum-holdtime", &mut p.minimum_holdtime, minimum);
    at.flag("graceful-shutdown", &mut p.graceful_shutdown);
    at.flag("ignore-graceful-shutdown", &mut p.ignore_graceful_shutdown);
    at.flag(
        "no-fast-external-failover",
        &mut p.no_fast_external_failover,
    );
    at.flag_on("suppress-fib-pending", &mut p.suppress_fib_pending);
    at.flag_on("reject-as-sets", &mut p.reject_as_sets);
    at.flag("allow-martian-nexthop", &mut p.allow_martian_nexthop);
    at.flag(
        "no-hard-administrative-reset",
        &mut p.no_hard_administrative_reset,
    );
    let mut log = !p.no_log_neighbor_changes;
    at.flag_on("log-neighbor-changes", &mut log);
    p.no_log_neighbor_changes = !log;
    at.group("graceful-restart", |at| {
        at.value_or("restart-time", &mut p.restart_time, default.restart_time);
        let stalepath = default.stalepath_time;
        at.value_or("stalepath-time", &mut p.stalepath_time, stalepath);
        let defer = default.select_defer_time;
        at.value_or("select-defer-time", &mut p.select_defer_time, defer);
    });
    at.value_or(
        "enhanced-refresh-stale-time",
        &mut p.enhanced_refresh_stale_time,
        default.enhanced_refresh_stale_time,
    );
    at.value_or("update-delay", &mut p.update_delay, default.update_delay);
    at.group("distance", |at| {
        at.group("global", |at| distance(at, &mut p.distance));
    });
}

fn bestpath(at: &mut Section<'_>, p: &mut Parameters) {
    at.group("as-path", |at| {
        at.flag("ignore", &mut p.as_path_ignore);
        at.flag("multipath-relax", &mut p.as_path_multipath_relax);
    });
    at.group("peer-type", |at| {
        at.flag("multipath-relax", &mut p.peer_type_multipath_relax);
    });
    at.group("origin", |at| {
        at.flag("multipath-relax", &mut p.origin_multipath_relax);
    });
    at.group("med", |at| {
        at.flag("missing-as-worst", &mut p.med_missing_as_worst);
    });
}

fn distance(at: &mut Section<'_>, distance: &mut Distance) {
    let default = Distance::default();
    at.value_or("external", &mut distance.external, default.external);
    at.value_or("internal", &mut distance.internal, default.internal);
    at.value_or("local", &mut distance.local, default.local);
}

fn address_family(at: &mut Section<'_>, family: &mut AddressFamily) {
    let default = AddressFamily::default();
    at.group("maximum-paths", |at| {
        let ebgp = default.maximum_paths_ebgp;
        at.value_or("ebgp", &mut family.maximum_paths_ebgp, ebgp);
        let ibgp = default.maximum_paths_ibgp;
        at.value_or("ibgp", &mut family.maximum_paths_ibgp, ibgp);
    });
    at.group("distance", |at| family_distance(at, &mut family.distance));
    at.group("redistribute", |at| {
        at.presence(
            "connected",
            &mut family.redistribute_connected,
            redistribute,
        );
        at.presence("static", &mut family.redistribute_static, redistribute);
        at.presence("kernel", &mut family.redistribute_kernel, redistribute);
    });
    at.named("network", &mut family.network, network);
    at.named(
        "aggregate-address",
        &mut family.aggregate_address,
        aggregate,
    );
}

fn family_distance(at: &mut Section<'_>, distance: &mut FamilyDistance) {
    at.value("external", &mut distance.external);
    at.value("internal", &mut distance.internal);
    at.value("local", &mut distance.local);
}

fn redistribute(at: &mut Section<'_>, redistribute: &mut Redistribute) {
    at.value("metric", &mut redistribute.metric);
    at.value("route-map", &mut redistribute.route_map);
}

fn network(at: &mut Section<'_>, network: &mut Network) {
    at.value("route-map", &mut network.route_map);
    at.flag("backdoor", &mut network.backdoor);
}

fn aggregate(at: &mut Section<'_>, aggregate: &mut Aggregate) {
    at.flag("summary-only", &mut aggregate.summary_only);
    at.flag("as-set", &mut aggregate.as_set);
    at.value("route-map", &mut aggregate.route_map);
}
