//! `show bgp ipv4|ipv6` and `show bgp ipv4|ipv6 PREFIX`.

mod next_hop;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use self::next_hop::NextHop;
use self::next_hop::Shown;
use crate::api::frr::{escaped, is_false};
use crate::api::ordered::Ordered;
use crate::bgp::types::RouterId;
use crate::router::query::{AsPathSegment, BgpPath, BgpPrefix, NeighborName, Origin, SegmentKind};

/// Everything in the list but the routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TableHead {
    pub vrf_id: i32,
    pub vrf_name: String,
    pub table_version: u64,
    pub router_id: String,
    pub default_loc_prf: u32,
    #[serde(rename = "localAS")]
    pub local_as: u32,
}

/// The list as a whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Table {
    #[serde(flatten)]
    pub head: TableHead,
    pub routes: Ordered<Vec<PathRow>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PathRow {
    pub valid: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub bestpath: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection_reason: Option<String>,
    /// Why it lost or is no candidate; not FRR's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub multipath: bool,
    pub stale: bool,
    pub path_from: String,
    pub prefix: String,
    pub prefix_len: u8,
    pub network: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loc_prf: Option<u32>,
    pub weight: u32,
    pub peer_id: String,
    pub path: String,
    pub origin: String,
    pub nexthops: Vec<NextHop>,
}

/// One prefix in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    pub prefix: String,
    /// By neighbor.
    pub advertised_to: Ordered<Told>,
    pub paths: Vec<Path>,
}

/// What a neighbor was told is in its own table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// What it calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Path {
    pub aspath: AsPath,
    pub origin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loc_prf: Option<u32>,
    pub weight: u32,
    pub valid: bool,
    pub stale: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub multipath: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bestpath: Option<BestPath>,
    /// Why it lost or is no candidate; not FRR's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub sourced: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub local: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub community: Option<Communities>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub large_community: Option<Communities>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_community: Option<ExtendedCommunities>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_list: Option<ClusterList>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregator_as: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregator_id: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub atomic_aggregate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addpath_rx_id: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graceful_restart_seconds_remaining: Option<u64>,
    pub nexthops: Vec<NextHop>,
    pub peer: Peer,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AsPath {
    pub string: String,
    pub segments: Vec<Segment>,
    pub length: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Segment {
    #[serde(rename = "type")]
    pub kind: String,
    pub list: Vec<u32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BestPath {
    pub overall: bool,
    pub selection_reason: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Communities {
    pub string: String,
    pub list: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExtendedCommunities {
    pub string: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClusterList {
    pub list: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    pub peer_id: String,
    pub router_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// That of a neighbor known by its link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// Absent on our own routes.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl PathRow {
    pub fn rows(prefix: &BgpPrefix) -> Vec<Self> {
        let paths = prefix.paths.iter();
        paths.map(|path| Self::new(prefix.prefix, path)).collect()
    }

    pub(super) fn new(prefix: IpNet, path: &BgpPath) -> Self {
        let reason = Some(path.reason.clone().into_owned()).filter(|reason| !reason.is_empty());
        Self {
            valid: path.valid,
            bestpath: path.best,
            selection_reason: reason.clone().filter(|_| path.best),
            reason: reason.filter(|_| !path.best),
            multipath: path.multipath,
            stale: path.stale,
            // Our own routes count as external.
            path_from: match &path.peer {
                Some(peer) if peer.internal => "internal",
                Some(_) | None => "external",
            }
            .to_owned(),
            prefix: prefix.addr().to_string(),
            prefix_len: prefix.prefix_len(),
            network: prefix.to_string(),
            metric: path.med,
            loc_prf: path.local_pref,
            weight: path.weight,
            peer_id: path
                .peer
                .as_ref()
                .map_or_else(|| "(unspec)".to_owned(), |peer| peer.address.to_string()),
            path: as_path_text(&path.as_path),
            origin: origin_name(path.origin).to_owned(),
            nexthops: NextHop::all(prefix, path, Shown::InTable),
        }
    }
}

impl Detail {
    pub fn new(prefix: &BgpPrefix, local: RouterId) -> Self {
        let paths = prefix.paths.iter();
        Self {
            prefix: prefix.prefix.to_string(),
            advertised_to: prefix
                .advertised_to
                .iter()
                .map(|told| {
                    let hostname = told.host.as_deref().map(escaped);
                    (told.name.to_string(), Told { hostname })
                })
                .collect(),
            paths: paths
                .map(|path| Path::new(prefix.prefix, path, local))
                .collect(),
        }
    }
}

impl Path {
    fn new(prefix: IpNet, path: &BgpPath, local: RouterId) -> Self {
        let reason = Some(path.reason.clone().into_owned()).filter(|reason| !reason.is_empty());
        Self {
            aspath: AsPath::new(&path.as_path),
            origin: origin_name(path.origin).to_owned(),
            metric: path.med,
            loc_prf: path.local_pref,
            weight: path.weight,
            valid: path.valid,
            stale: path.stale,
            multipath: path.multipath,
            bestpath: path.best.then(|| BestPath {
                overall: true,
                selection_reason: path.reason.clone().into_owned(),
            }),
            reason: reason.filter(|_| !path.best),
            sourced: path.peer.is_none(),
            local: path.peer.is_none(),
            community: Communities::new(&path.communities, community_text, community_key),
            large_community: Communities::new(&path.large_communities, large_text, large_text),
            extended_community: (!path.extended_communities.is_empty()).then(|| {
                ExtendedCommunities {
                    string: path
                        .extended_communities
                        .iter()
                        .map(|text| extended_text(text))
                        .collect::<Vec<_>>()
                        .join(" "),
                }
            }),
            originator_id: path.originator_id.map(|id| id.to_string()),
            cluster_list: (!path.cluster_list.is_empty()).then(|| ClusterList {
                list: path.cluster_list.iter().map(RouterId::to_string).collect(),
            }),
            aggregator_as: path.aggregator.map(|(asn, _)| asn.0),
            aggregator_id: path.aggregator.map(|(_, id)| id.to_string()),
            atomic_aggregate: path.atomic_aggregate,
            graceful_restart_seconds_remaining: path.stale_for.map(|left| left.as_secs()),
            addpath_rx_id: (path.path_id != 0).then_some(path.path_id),
            nexthops: NextHop::all(prefix, path, Shown::InFull),
            peer: match &path.peer {
                Some(peer) => Peer {
                    peer_id: peer.address.to_string(),
                    router_id: peer.router_id.to_string(),
                    hostname: path.host.as_deref().map(escaped),
                    interface: match &peer.name {
                        NeighborName::Address(_) => None,
                        NeighborName::LinkLocal(_, link) | NeighborName::Interface(link) => {
                            Some(link.clone())
                        }
                    },
                    kind: Some(
                        if peer.internal {
                            "internal"
                        } else {
                            "external"
                        }
                        .to_owned(),
                    ),
                },
                None => Peer {
                    peer_id: "0.0.0.0".to_owned(),
                    router_id: local.to_string(),
                    hostname: None,
                    interface: None,
                    kind: None,
                },
            },
        }
    }
}

impl AsPath {
    fn new(segments: &[AsPathSegment]) -> Self {
        Self {
            string: if segments.is_empty() {
                "Local".to_owned()
            } else {
                as_path_text(segments)
            },
            segments: segments
                .iter()
                .map(|segment| Segment {
                    kind: segment_name(segment.kind).to_owned(),
                    list: segment.asns.iter().map(|asn| asn.0).collect(),
                })
                .collect(),
            length: segments.iter().map(segment_length).sum(),
        }
    }
}

/// What a segment adds to the length of the path (RFC 4271 §9.1.2.2 a, RFC 5065 §5.3).
fn segment_length(segment: &AsPathSegment) -> usize {
    match segment.kind {
        SegmentKind::Sequence => segment.asns.len(),
        SegmentKind::Set => 1,
        SegmentKind::ConfedSequence | SegmentKind::ConfedSet => 0,
    }
}

fn segment_name(kind: SegmentKind) -> &'static str {
    match kind {
        SegmentKind::Sequence => "as-sequence",
        SegmentKind::Set => "as-set",
        SegmentKind::ConfedSequence => "as-confed-sequence",
        SegmentKind::ConfedSet => "as-confed-set",
    }
}

/// `65001 65002 {65003,65004}`, with confederation segments in `( )` and `[ ]`.
pub(super) fn as_path_text(segments: &[AsPathSegment]) -> String {
    let segments = segments.iter().map(|segment| {
        let join = |with: &str| {
            let asns: Vec<_> = segment.asns.iter().map(ToString::to_string).collect();
            asns.join(with)
        };
        match segment.kind {
            SegmentKind::Sequence => join(" "),
            SegmentKind::Set => format!("{{{}}}", join(",")),
            SegmentKind::ConfedSequence => format!("({})", join(" ")),
            SegmentKind::ConfedSet => format!("[{}]", join(",")),
        }
    });
    segments.collect::<Vec<_>>().join(" ")
}

fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Igp => "IGP",
        Origin::Egp => "EGP",
        Origin::Incomplete => "incomplete",
    }
}

impl Communities {
    fn new<T: Copy>(all: &[T], text: fn(T) -> String, key: fn(T) -> String) -> Option<Self> {
        let words: Vec<_> = all.iter().map(|&community| text(community)).collect();
        (!all.is_empty()).then(|| Self {
            string: words.join(" "),
            list: all.iter().map(|&community| key(community)).collect(),
        })
    }
}

/// Well-known communities: value, name in text, key in a list.
const WELL_KNOWN: [(u32, &str, &str); 8] = [
    (0xffff_0000, "graceful-shutdown", "gracefulShutdown"),
    (0xffff_0001, "accept-own", "acceptOwn"),
    (0xffff_0006, "llgr-stale", "llgrStale"),
    (0xffff_0007, "no-llgr", "noLlgr"),
    (0xffff_029a, "blackhole", "blackhole"),
    (0xffff_ff01, "no-export", "noExport"),
    (0xffff_ff02, "no-advertise", "noAdvertise"),
    (0xffff_ff03, "local-AS", "localAs"),
];

pub(super) fn community_text(community: u32) -> String {
    match WELL_KNOWN.iter().find(|known| known.0 == community) {
        Some((_, text, _)) => (*text).to_owned(),
        None => format!("{}:{}", community >> 16, community & 0xffff),
    }
}

fn community_key(community: u32) -> String {
    match WELL_KNOWN.iter().find(|known| known.0 == community) {
        Some((_, _, key)) => (*key).to_owned(),
        None => community_text(community),
    }
}

fn large_text([global, first, second]: [u32; 3]) -> String {
    format!("{global}:{first}:{second}")
}

/// `rt:65000:1` → `RT:65000:1`.
fn extended_text(text: &str) -> String {
    match text.split_once(':') {
        Some(("rt", value)) => format!("RT:{value}"),
        Some(("soo", value)) => format!("SoO:{value}"),
        _ => text.to_owned(),
    }
}
