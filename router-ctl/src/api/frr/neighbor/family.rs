//! `addressFamilyInfo`, `prefixStats`: what a neighbor exchanges.

use serde::{Deserialize, Serialize};

use crate::api::frr::is_false;
use crate::config::model::NeighborFamily as Settings;
use crate::router::query::{self, Rejection};

/// Percent of `maximum-prefix` at which a warning is given when the configuration names none.
const WARNING_THRESHOLD: u8 = 75;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FamilyInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_group_member: Option<String>,
    /// Neighbors with the same number are told the same. Without session there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_group_id: Option<u32>,
    /// Groups are not parted further: the same number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_group_id: Option<u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub route_reflector_client: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub route_server_client: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub inbound_soft_config_permit: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub router_always_next_hop: bool,
    /// `extendedAndStandard`, `standard` or `extended`; absent when neither is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comm_attri_sent_to_nbr: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inbound_ebgp_requires_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound_ebgp_requires_policy: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub inbound_path_policy_config: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub outbound_path_policy_config: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_map_for_incoming_advertisements: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_map_for_outgoing_advertisements: Option<String>,
    pub accepted_prefix_counter: usize,
    pub sent_prefix_counter: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_allowed_max: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix_allowed_warning_thresh: Option<u8>,
    /// Accepted and filtered ones together; not FRR's.
    pub received_prefix_counter: usize,
    /// The session carries this family; not FRR's.
    pub negotiated: bool,
}

impl FamilyInfo {
    pub(super) fn new(neighbor: &query::Neighbor, family: &query::NeighborFamily) -> Self {
        let missing = |direction: &str| {
            neighbor
                .policy_missing
                .then(|| format!("{direction} updates discarded due to missing policy"))
        };
        let settings = neighbor.settings.address_family.get(&family.family);
        let settings = settings.cloned().unwrap_or_default();
        let group = neighbor.session.as_ref().filter(|_| family.negotiated);
        let group = group.and_then(|session| session.update_group);
        let limit = settings.maximum_prefix.limit;
        Self {
            peer_group_member: neighbor.peer_group.clone(),
            update_group_id: group,
            sub_group_id: group,
            route_reflector_client: settings.route_reflector_client,
            route_server_client: settings.route_server_client,
            inbound_soft_config_permit: settings.soft_reconfiguration_inbound,
            router_always_next_hop: settings.nexthop_self.is_some(),
            comm_attri_sent_to_nbr: communities_sent(&settings).map(str::to_owned),
            inbound_ebgp_requires_policy: missing("Inbound"),
            outbound_ebgp_requires_policy: missing("Outbound"),
            inbound_path_policy_config: filters(&settings, |names| names.import.is_some()),
            outbound_path_policy_config: settings.unsuppress_map.is_some()
                || filters(&settings, |names| names.export.is_some()),
            accepted_prefix_counter: family.accepted,
            sent_prefix_counter: family.advertised,
            prefix_allowed_max: limit,
            prefix_allowed_warning_thresh: limit.map(|_| {
                let threshold = settings.maximum_prefix.threshold;
                threshold.unwrap_or(WARNING_THRESHOLD)
            }),
            route_map_for_incoming_advertisements: settings.route_map.import,
            route_map_for_outgoing_advertisements: settings.route_map.export,
            received_prefix_counter: family.received,
            negotiated: family.negotiated,
        }
    }
}

fn filters(settings: &Settings, names: fn(&crate::config::model::Directions) -> bool) -> bool {
    let lists = [
        &settings.route_map,
        &settings.prefix_list,
        &settings.filter_list,
        &settings.distribute_list,
    ];
    lists.into_iter().any(names)
}

fn communities_sent(settings: &Settings) -> Option<&'static str> {
    let off = settings.disable_send_community;
    match (off.standard, off.extended) {
        (false, false) => Some("extendedAndStandard"),
        (false, true) => Some("standard"),
        (true, false) => Some("extended"),
        (true, true) => None,
    }
}

/// Paths that are here and not used, by the reason; and what errors in UPDATEs cost since the start (RFC 7606).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrefixStats {
    pub inbound_filtered: usize,
    pub aspath_loop: usize,
    pub originator_loop: usize,
    pub cluster_loop: usize,
    pub invalid_next_hop: usize,
    /// Above `maximum-prefix`; not FRR's.
    pub above_maximum: usize,
    pub withdrawn: u64,
    pub attributes_discarded: u64,
}

impl PrefixStats {
    pub(super) fn new(neighbor: &query::Neighbor) -> Self {
        let count = |reason| {
            let families = neighbor.families.iter();
            families.map(|family| family.rejected.of(reason)).sum()
        };
        Self {
            inbound_filtered: count(Rejection::Policy),
            aspath_loop: count(Rejection::AsLoop),
            originator_loop: count(Rejection::OriginatorLoop),
            cluster_loop: count(Rejection::ClusterLoop),
            invalid_next_hop: count(Rejection::OwnNextHop),
            above_maximum: count(Rejection::MaximumPrefix),
            withdrawn: neighbor.status.treated_as_withdraw,
            attributes_discarded: neighbor.status.attributes_discarded,
        }
    }
}
