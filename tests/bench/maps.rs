//! What the pinned tries hold, compared entry by entry with what was sent.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use aya::maps::lpm_trie::LpmTrie;
use aya::maps::{Map, MapData};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use router_common::{ABI_VERSION, map};

/// Every prefix of `sent` must be in the tries; the router's own addresses and subnets may be there too.
///
/// # Errors
/// When a prefix is missing, or a map cannot be read.
pub(crate) fn check(bpffs: &Path, sent: &[IpNet]) -> anyhow::Result<()> {
    let pins = bpffs.join(format!("v{ABI_VERSION}"));
    let mut found: BTreeSet<IpNet> = BTreeSet::new();
    let data = MapData::from_pin(pins.join(map::LPM_V4)).context("opening the IPv4 trie")?;
    let v4: LpmTrie<_, [u8; 4], u32> = LpmTrie::try_from(Map::LpmTrie(data))?;
    for key in v4.keys() {
        let key = key?;
        found.insert(Ipv4Net::new(key.data().into(), u8::try_from(key.prefix_len())?)?.into());
    }
    let data = MapData::from_pin(pins.join(map::LPM_V6)).context("opening the IPv6 trie")?;
    let v6: LpmTrie<_, [u8; 16], u32> = LpmTrie::try_from(Map::LpmTrie(data))?;
    for key in v6.keys() {
        let key = key?;
        found.insert(Ipv6Net::new(key.data().into(), u8::try_from(key.prefix_len())?)?.into());
    }
    let missing: Vec<_> = sent
        .iter()
        .filter(|prefix| !found.contains(prefix))
        .take(5)
        .collect();
    anyhow::ensure!(missing.is_empty(), "not in the maps: {missing:?}");
    Ok(())
}
