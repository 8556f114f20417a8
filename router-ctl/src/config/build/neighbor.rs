//! `protocols bgp neighbor` and `protocols bgp peer-group`.

use std::collections::BTreeMap;

use super::bgp::families;
use super::section::Section;
use crate::bgp::types::Asn;
use crate::config::model::{
    AddPathSend, AttributeUnchanged, Capabilities, Directions, DisableSendCommunity, LocalAs,
    MaximumPrefix, Neighbor, NeighborBfd, NeighborFamily, NeighborName, NeighborSettings,
    NeighborTimers, NexthopSelf, Originate, PathAttribute, RemovePrivateAs,
};

/// What is in `allowas-in` when nothing is in it.
const ALLOWAS_IN: u8 = 3;

pub(super) fn bind(at: &mut Section<'_>, neighbors: &mut BTreeMap<NeighborName, Neighbor>) {
    unnumber(neighbors);
    at.named("neighbor", neighbors, neighbor);
    unnumber(neighbors);
}

/// A neighbour that is called by its interface has no other address than one that is found there.
fn unnumber(neighbors: &mut BTreeMap<NeighborName, Neighbor>) {
    for (name, neighbor) in neighbors {
        neighbor.v6only |= matches!(name, NeighborName::Interface(_));
    }
}

fn neighbor(at: &mut Section<'_>, neighbor: &mut Neighbor) {
    // Written in one of two places, and looked for in both: before reading, `v6only` is off.
    if !neighbor.v6only {
        at.value("remote-as", &mut neighbor.settings.remote_as);
        at.value("peer-group", &mut neighbor.peer_group);
    }
    at.group("interface", |at| {
        let mut v6only = neighbor.v6only.then_some(());
        at.presence("v6only", &mut v6only, |at, ()| {
            at.value("remote-as", &mut neighbor.settings.remote_as);
            at.value("peer-group", &mut neighbor.peer_group);
        });
        neighbor.v6only = v6only.is_some();
        at.value("source-interface", &mut neighbor.source_interface);
    });
    settings(at, &mut neighbor.settings);
}

pub(super) fn peer_group(at: &mut Section<'_>, group: &mut NeighborSettings) {
    at.value("remote-as", &mut group.remote_as);
    settings(at, group);
}

/// All that neighbours and groups share but `remote-as`.
fn settings(at: &mut Section<'_>, s: &mut NeighborSettings) {
    at.value("description", &mut s.description);
    at.flag("passive", &mut s.passive);
    at.flag("shutdown", &mut s.shutdown);
    at.value("shutdown-message", &mut s.shutdown_message);
    at.value("port", &mut s.port);
    at.value("update-source", &mut s.update_source);
    at.value("ebgp-multihop", &mut s.ebgp_multihop);
    at.flag("disable-connected-check", &mut s.disable_connected_check);
    at.group("ttl-security", |at| {
        at.value("hops", &mut s.ttl_security_hops);
    });
    at.value("password", &mut s.password);
    at.value("tcp-mss", &mut s.tcp_mss);
    local_as(at, &mut s.local_as);
    at.group("timers", |at| timers(at, &mut s.timers));
    at.switch("enforce-first-as", &mut s.enforce_first_as);
    at.presence("bfd", &mut s.bfd, bfd);
    at.value("graceful-restart", &mut s.graceful_restart);
    at.flag("graceful-shutdown", &mut s.graceful_shutdown);
    at.group("capability", |at| capability(at, &mut s.capability));
    at.flag(
        "disable-capability-negotiation",
        &mut s.disable_capability_negotiation,
    );
    at.flag("override-capability", &mut s.override_capability);
    at.flag("strict-capability-match", &mut s.strict_capability_match);
    at.group("path-attribute", |at| {
        path_attribute(at, &mut s.path_attribute);
    });
    at.value("advertisement-interval", &mut s.advertisement_interval);
    at.flag("solo", &mut s.solo);
    at.group("blackhole-community", |at| {
        at.flag("accept", &mut s.accept_blackhole);
    });
    families(at, &mut s.address_family, family);
}

/// `local-as <asn> [no-prepend [replace-as]]`: a table of at most one key.
fn local_as(at: &mut Section<'_>, field: &mut Option<LocalAs>) {
    let mut entries: BTreeMap<Asn, (bool, bool)> = field
        .map(|local| (local.asn, (local.no_prepend, local.replace_as)))
        .into_iter()
        .collect();
    at.named("local-as", &mut entries, |at, (no_prepend, replace_as)| {
        let mut present = no_prepend.then_some(());
        at.presence("no-prepend", &mut present, |at, ()| {
            at.flag("replace-as", replace_as);
        });
        *no_prepend = present.is_some();
    });
    *field = entries
        .into_iter()
        .next()
        .map(|(asn, (no_prepend, replace_as))| LocalAs {
            asn,
            no_prepend,
            replace_as,
        });
}

fn timers(at: &mut Section<'_>, timers: &mut NeighborTimers) {
    at.value("holdtime", &mut timers.holdtime);
    at.value("keepalive", &mut timers.keepalive);
    at.value("connect", &mut timers.connect);
    at.value("error-wait", &mut timers.error_wait);
    at.value("send-hold", &mut timers.send_hold);
}

fn bfd(at: &mut Section<'_>, bfd: &mut NeighborBfd) {
    at.value("profile", &mut bfd.profile);
    at.flag(
        "check-control-plane-failure",
        &mut bfd.check_control_plane_failure,
    );
}

fn capability(at: &mut Section<'_>, capability: &mut Capabilities) {
    at.flag("extended-nexthop", &mut capability.extended_nexthop);
    at.switch("extended-message", &mut capability.extended_message);
}

fn path_attribute(at: &mut Section<'_>, attribute: &mut PathAttribute) {
    at.values("discard", &mut attribute.discard);
    at.values("treat-as-withdraw", &mut attribute.treat_as_withdraw);
}

fn family(at: &mut Section<'_>, f: &mut NeighborFamily) {
    for (name, names) in [
        ("route-map", &mut f.route_map),
        ("prefix-list", &mut f.prefix_list),
        ("filter-list", &mut f.filter_list),
        ("distribute-list", &mut f.distribute_list),
    ] {
        at.group(name, |at| directions(at, names));
    }
    at.value("unsuppress-map", &mut f.unsuppress_map);
    at.presence(
        "nexthop-self",
        &mut f.nexthop_self,
        |at, own: &mut NexthopSelf| {
            at.flag("force", &mut own.force);
        },
    );
    at.group("nexthop-local", |at| {
        at.flag("unchanged", &mut f.nexthop_local_unchanged);
    });
    at.presence(
        "attribute-unchanged",
        &mut f.attribute_unchanged,
        attribute_unchanged,
    );
    at.presence_of("allowas-in", &mut f.allowas_in, ALLOWAS_IN, |at, number| {
        at.value_or("number", number, ALLOWAS_IN);
    });
    at.flag("as-override", &mut f.as_override);
    at.presence(
        "remove-private-as",
        &mut f.remove_private_as,
        |at, remove: &mut RemovePrivateAs| at.flag("all", &mut remove.all),
    );
    maximum_prefix(at, &mut f.maximum_prefix);
    at.value("maximum-prefix-out", &mut f.maximum_prefix_out);
    at.value("weight", &mut f.weight);
    at.presence(
        "default-originate",
        &mut f.default_originate,
        |at, originate: &mut Originate| at.value("route-map", &mut originate.route_map),
    );
    at.flag("route-reflector-client", &mut f.route_reflector_client);
    at.flag("route-server-client", &mut f.route_server_client);
    addpath(at, &mut f.addpath_tx);
    at.flag("disable-addpath-rx", &mut f.disable_addpath_rx);
    at.group("disable-send-community", |at| {
        disable_send_community(at, &mut f.disable_send_community);
    });
    at.group("soft-reconfiguration", |at| {
        at.flag("inbound", &mut f.soft_reconfiguration_inbound);
    });
    at.flag("discard-rejected", &mut f.discard_rejected);
}

fn directions(at: &mut Section<'_>, names: &mut Directions) {
    at.value("import", &mut names.import);
    at.value("export", &mut names.export);
}

fn attribute_unchanged(at: &mut Section<'_>, unchanged: &mut AttributeUnchanged) {
    at.flag("as-path", &mut unchanged.as_path);
    at.flag("med", &mut unchanged.med);
    at.flag("next-hop", &mut unchanged.next_hop);
}

fn maximum_prefix(at: &mut Section<'_>, maximum: &mut MaximumPrefix) {
    at.value("maximum-prefix", &mut maximum.limit);
    at.value("maximum-prefix-threshold", &mut maximum.threshold);
    at.value("maximum-prefix-action", &mut maximum.action);
    at.value("maximum-prefix-restart", &mut maximum.restart);
}

/// Three leaves of which the schema lets one be there.
fn addpath(at: &mut Section<'_>, field: &mut Option<AddPathSend>) {
    let mut all = *field == Some(AddPathSend::All);
    let mut per_as = *field == Some(AddPathSend::BestPerAs);
    let mut best = match field {
        Some(AddPathSend::Best(best)) => Some(*best),
        Some(AddPathSend::All | AddPathSend::BestPerAs) | None => None,
    };
    at.flag("addpath-tx-all", &mut all);
    at.flag("addpath-tx-per-as", &mut per_as);
    at.value("addpath-tx-best", &mut best);
    *field = match (all, per_as, best) {
        (true, _, _) => Some(AddPathSend::All),
        (false, true, _) => Some(AddPathSend::BestPerAs),
        (false, false, best) => best.map(AddPathSend::Best),
    };
}

fn disable_send_community(at: &mut Section<'_>, disable: &mut DisableSendCommunity) {
    at.flag("standard", &mut disable.standard);
    at.flag("extended", &mut disable.extended);
    at.flag("large", &mut disable.large);
}
