//! `show bgp summary`.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::api::Status;
use crate::api::frr::{escaped, is_false, milliseconds, uptime};
use crate::api::ordered::Ordered;
use crate::bgp::types::Family;
use crate::router::query::{self, NeighborName, NeighborState};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv4_unicast: Option<FamilySummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipv6_unicast: Option<FamilySummary>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FamilySummary {
    pub router_id: String,
    #[serde(rename = "as")]
    pub local_as: u32,
    pub vrf_id: i32,
    pub vrf_name: String,
    pub table_version: u64,
    pub rib_count: usize,
    /// Paths of all peers; not FRR's.
    pub path_count: usize,
    pub rib_memory: usize,
    pub peer_count: usize,
    pub peer_memory: usize,
    pub peer_group_count: usize,
    pub peer_group_memory: usize,
    pub failed_peers: usize,
    pub displayed_peers: usize,
    pub total_peers: usize,
    pub dynamic_peers: usize,
    pub best_path: BestPath,
    pub peers: Ordered<Peer>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BestPath {
    /// `true` or `false`, as text.
    pub multi_path_relax: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// What the neighbor calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// Came from a `listen range`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub dynamic_peer: bool,
    /// 0 while the neighbor may be of any AS.
    pub remote_as: u32,
    pub local_as: u32,
    pub version: u8,
    pub msg_rcvd: u64,
    pub msg_sent: u64,
    pub table_version: u64,
    /// Octets.
    pub outq: usize,
    pub inq: usize,
    pub peer_uptime: String,
    /// 0 before the first session.
    pub peer_uptime_msec: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_uptime_established_epoch: Option<u64>,
    pub pfx_rcd: usize,
    pub pfx_snt: usize,
    pub state: String,
    pub peer_state: String,
    /// The session carries this family; not FRR's.
    pub negotiated: bool,
    pub connections_established: u64,
    pub connections_dropped: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desc: Option<String>,
    pub id_type: String,
    /// The link of a link-local neighbor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope_if_name: Option<String>,
}

impl Summary {
    pub fn new(summary: &query::BgpSummary, status: Status) -> Self {
        let mut views = Self::default();
        for family in &summary.families {
            let view = Some(FamilySummary::new(summary, family, status));
            match family.family {
                Family::Ipv4Unicast => views.ipv4_unicast = view,
                Family::Ipv6Unicast => views.ipv6_unicast = view,
            }
        }
        views
    }

    pub fn family(self, family: Family) -> Option<FamilySummary> {
        match family {
            Family::Ipv4Unicast => self.ipv4_unicast,
            Family::Ipv6Unicast => self.ipv6_unicast,
        }
    }
}

impl FamilySummary {
    fn new(summary: &query::BgpSummary, family: &query::FamilySummary, status: Status) -> Self {
        let mut peers: Vec<_> = family.peers.iter().collect();
        peers.sort_by(|a, b| a.name.cmp(&b.name));
        let established = |peer: &&query::Neighbor| peer.state == NeighborState::Established;
        Self {
            router_id: summary.router_id.to_string(),
            local_as: summary.local_as.0,
            vrf_id: 0,
            vrf_name: "default".to_owned(),
            table_version: family.table_version,
            rib_count: family.prefixes,
            path_count: family.paths,
            rib_memory: family.memory_bytes,
            peer_count: peers.len(),
            peer_memory: family.peer_memory_bytes,
            peer_group_count: family.peer_groups,
            peer_group_memory: family.peer_group_memory_bytes,
            failed_peers: peers.len() - peers.iter().copied().filter(established).count(),
            displayed_peers: peers.len(),
            total_peers: peers.len(),
            dynamic_peers: peers.iter().filter(|peer| peer.range.is_some()).count(),
            best_path: BestPath {
                multi_path_relax: family.multipath_relax.to_string(),
            },
            peers: peers
                .into_iter()
                .map(|peer| (peer.name.to_string(), Peer::new(peer, family, status)))
                .collect(),
        }
    }
}

impl Peer {
    fn new(peer: &query::Neighbor, summary: &query::FamilySummary, status: Status) -> Self {
        let family = peer
            .families
            .iter()
            .find(|family| family.family == summary.family);
        let said = peer.session.as_ref().map(|session| &session.introduction);
        Self {
            hostname: said.and_then(|said| said.host.as_deref().map(escaped)),
            software_version: said.and_then(|said| said.software.as_deref().map(escaped)),
            dynamic_peer: peer.range.is_some(),
            remote_as: peer.remote_as.map_or(0, |asn| asn.0),
            local_as: peer.local_as.0,
            version: 4,
            msg_rcvd: peer.messages_received,
            msg_sent: peer.messages_sent,
            table_version: summary.table_version,
            outq: peer.output_queue,
            inq: 0,
            peer_uptime: peer.since.map_or_else(|| "never".to_owned(), uptime),
            peer_uptime_msec: peer.since.map_or(0, milliseconds),
            peer_uptime_established_epoch: peer.since.map(|since| status.epoch_before(since)),
            pfx_rcd: family.map_or(0, |family| family.accepted),
            pfx_snt: family.map_or(0, |family| family.advertised),
            state: state_text(peer),
            peer_state: peer_state(peer).to_owned(),
            negotiated: family.is_some_and(|family| family.negotiated),
            connections_established: peer.connections_established,
            connections_dropped: peer.connections_dropped,
            desc: peer.description.clone(),
            id_type: match &peer.name {
                NeighborName::Address(IpAddr::V4(_)) => "ipv4",
                NeighborName::Address(IpAddr::V6(_)) | NeighborName::LinkLocal(..) => "ipv6",
                NeighborName::Interface(_) => "interface",
            }
            .to_owned(),
            scope_id: peer.scope.as_ref().map(|(link, _)| link.0),
            scope_if_name: peer.scope.as_ref().map(|(_, name)| name.clone()),
        }
    }
}

fn state_text(peer: &query::Neighbor) -> String {
    if peer.admin_down {
        return "Idle (Admin)".to_owned();
    }
    if peer.over_limit {
        return "Idle (PfxCt)".to_owned();
    }
    state_name(peer.state).to_owned()
}

pub(super) fn state_name(state: NeighborState) -> &'static str {
    match state {
        NeighborState::Idle => "Idle",
        NeighborState::Connect => "Connect",
        NeighborState::Active => "Active",
        NeighborState::OpenSent => "OpenSent",
        NeighborState::OpenConfirm => "OpenConfirm",
        NeighborState::Established => "Established",
    }
}

fn peer_state(peer: &query::Neighbor) -> &'static str {
    if peer.admin_down {
        "Admin"
    } else if peer.over_limit {
        "PfxCt"
    } else if peer.policy_missing {
        "Policy"
    } else if peer.passive {
        "Passive"
    } else {
        "OK"
    }
}
