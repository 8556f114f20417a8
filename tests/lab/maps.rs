//! The pinned maps as the kernel holds them: what the XDP program would find, read without the router's help.
//! It follows the same chain, prefix → route → path list → bucket → next hop.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use aya::maps::{Array, LpmTrie, Map, MapData, MapError};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use router_common::map;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;

use crate::topology::Spoke;
use crate::{Daemon, MacAddress, wait};

const DEADLINE: Duration = Duration::from_secs(40);

/// Where a path leads: an interface of the router and the neighbour's MAC behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exit {
    pub interface: u32,
    pub neighbour: MacAddress,
}

impl Exit {
    /// Out of the router towards the peer of a spoke.
    pub fn to(spoke: &Spoke) -> Self {
        Self {
            interface: spoke.router_port.index().0,
            neighbour: spoke.peer_port.mac(),
        }
    }

    /// `None` for a next hop that ends the packet's way, or whose neighbour is not resolved.
    pub fn of(next_hop: &NextHop) -> Option<Self> {
        let [a, b, c, d, e, f, ..] = next_hop.neighbour;
        let neighbour = MacAddress([a, b, c, d, e, f]);
        (next_hop.fate().is_none() && neighbour != MacAddress([0; 6])).then_some(Self {
            interface: next_hop.egress,
            neighbour,
        })
    }
}

pub struct Maps {
    v4: LpmTrie<MapData, [u8; 4], RouteId>,
    v6: LpmTrie<MapData, [u8; 16], RouteId>,
    routes: Array<MapData, PathListId>,
    path_lists: Array<MapData, PathList>,
    buckets: Array<MapData, NextHopId>,
    next_hops: Array<MapData, NextHop>,
}

impl Maps {
    pub fn of(daemon: &Daemon) -> Result<Self> {
        let directory = pins(daemon);
        let open = |name: &str| -> Result<Map> {
            let path = directory.join(name);
            let data = MapData::from_pin(&path)
                .with_context(|| format!("opening the pinned map {}", path.display()))?;
            Ok(Map::from_map_data(data)?)
        };
        Ok(Self {
            v4: open(map::LPM_V4)?.try_into()?,
            v6: open(map::LPM_V6)?.try_into()?,
            routes: open(map::ROUTES)?.try_into()?,
            path_lists: open(map::PATH_LISTS)?.try_into()?,
            buckets: open(map::BUCKETS)?.try_into()?,
            next_hops: open(map::NEXT_HOPS)?.try_into()?,
        })
    }

    /// Every prefix of both families with its route id, in order.
    pub fn prefixes(&self) -> Result<Vec<(IpNet, RouteId)>> {
        let mut all = Vec::new();
        for entry in self.v4.iter() {
            let (key, route) = entry?;
            let net = Ipv4Net::new(key.data().into(), length(key.prefix_len())?)?;
            all.push((IpNet::V4(net), route));
        }
        for entry in self.v6.iter() {
            let (key, route) = entry?;
            let net = Ipv6Net::new(key.data().into(), length(key.prefix_len())?)?;
            all.push((IpNet::V6(net), route));
        }
        all.sort();
        Ok(all)
    }

    /// The route that the kernel's own longest-prefix match gives.
    pub fn lookup(&self, address: IpAddr) -> Result<Option<RouteId>> {
        use aya::maps::lpm_trie::Key;
        let found = match address {
            IpAddr::V4(address) => self.v4.get(&Key::new(32, address.octets()), 0),
            IpAddr::V6(address) => self.v6.get(&Key::new(128, address.octets()), 0),
        };
        match found {
            Ok(route) => Ok(Some(route)),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(error) => Err(error).with_context(|| format!("looking {address} up")),
        }
    }

    /// The next hop of each bucket of a route's path list, in order.
    pub fn buckets(&self, route: RouteId) -> Result<Vec<NextHop>> {
        let path_list = self.routes.get(&route.0, 0)?;
        let list = self.path_lists.get(&path_list.0, 0)?;
        (list.offset..=list.offset + list.mask)
            .map(|bucket| {
                let next_hop = self.buckets.get(&bucket, 0)?;
                Ok(self.next_hops.get(&next_hop.0, 0)?)
            })
            .collect()
    }

    /// The buckets of exactly this prefix; `None` when it has no entry.
    pub fn buckets_of(&self, prefix: &str) -> Result<Option<Vec<NextHop>>> {
        let prefix: IpNet = prefix.parse()?;
        let all = self.prefixes()?;
        let found = all.iter().find(|(other, _)| *other == prefix);
        found.map(|(_, route)| self.buckets(*route)).transpose()
    }
}

/// Whether the kernel's maps lead exactly this prefix to the peers of these spokes and to no other; no spokes: whether
/// there is no such prefix.
pub fn leads_to(daemon: &Daemon, prefix: &str, spokes: &[&Spoke]) -> Result<bool> {
    let buckets = Maps::of(daemon)?.buckets_of(prefix)?;
    Ok(exits(buckets.as_deref()) == wanted(spokes))
}

/// Waits until [`leads_to`].
#[track_caller]
pub fn wait_leads_to(daemon: &Daemon, prefix: &str, spokes: &[&Spoke]) {
    let wanted = wanted(spokes);
    let what = format!("the maps to lead {prefix} to {wanted:?}");
    let mut last = None;
    let found = wait::try_until(&what, DEADLINE, || {
        let buckets = Maps::of(daemon).ok()?.buckets_of(prefix).ok()?;
        let done = exits(buckets.as_deref()) == wanted;
        last = buckets;
        done.then_some(())
    });
    if let Err(error) = found {
        panic!("{error}; the buckets are {last:?}");
    }
}

fn wanted(spokes: &[&Spoke]) -> BTreeSet<Option<Exit>> {
    spokes.iter().map(|spoke| Some(Exit::to(spoke))).collect()
}

fn exits(buckets: Option<&[NextHop]>) -> BTreeSet<Option<Exit>> {
    buckets.into_iter().flatten().map(Exit::of).collect()
}

/// The directory of the pins that this build makes.
pub fn pins(daemon: &Daemon) -> PathBuf {
    let version = format!("v{}", router_common::ABI_VERSION);
    daemon.bpffs().join(version)
}

fn length(bits: u32) -> Result<u8> {
    u8::try_from(bits).with_context(|| format!("a prefix of {bits} bits"))
}
