//! Next hops of a path.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::api::frr::{escaped, is_false};
use crate::bgp::types::NextHop as PathNextHop;
use crate::router::query::BgpPath;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NextHop {
    pub ip: String,
    /// What the sender of the path calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    pub afi: String,
    /// `global` or `link-local`, of IPv6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub accessible: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub used: bool,
}

/// How much of a next hop is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    InTable,
    InFull,
}

impl NextHop {
    /// The address that is used and, of IPv6, the link-local one that came with it.
    pub(super) fn all(prefix: IpNet, path: &BgpPath, shown: Shown) -> Vec<Self> {
        let used = match (path.next_hop.address(), prefix) {
            // Ourselves: the RIB has one such next hop for both families.
            (address, IpNet::V6(_)) if address.is_unspecified() => Ipv6Addr::UNSPECIFIED.into(),
            (address, _) => address,
        };
        let full = shown == Shown::InFull;
        let view = |address: IpAddr| Self {
            ip: address.to_string(),
            hostname: path
                .host
                .as_deref()
                .filter(|_| address == used)
                .map(escaped),
            afi: match address {
                IpAddr::V4(_) => "ipv4",
                IpAddr::V6(_) => "ipv6",
            }
            .to_owned(),
            scope: match address {
                IpAddr::V4(_) => None,
                IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("link-local".to_owned()),
                IpAddr::V6(_) => Some("global".to_owned()),
            },
            metric: path.next_hop_metric.filter(|_| full && address == used),
            accessible: full && path.next_hop_metric.is_some(),
            used: address == used,
        };
        let link_local = match path.next_hop {
            PathNextHop::V6 { link_local, .. } => link_local.map(IpAddr::V6),
            PathNextHop::V4(_) => None,
        };
        let mut all = vec![view(used)];
        all.extend(link_local.filter(|address| *address != used).map(view));
        all
    }
}
