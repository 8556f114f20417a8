//! Full tables: a real one from prefix lists, or one of the same shape from the generator. Prefix lists carry
//! no attributes, so both get synthetic ones at the density of a real table: 7.25 prefixes share a set of 3.3
//! attributes with AS paths of four to five (figures of one RouteViews peer, 2026).

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use router_ctl::bgp::attributes::{AttributesEditor, Community};
use router_ctl::bgp::types::{Asn, Family, NextHop, Nlri, Origin, PathAttributes, PathId};
use router_ctl::bgp::wire::as_path::AsPathBuilder;
use router_ctl::bgp::wire::update::{Encoding, encode_announce, encode_end_of_rib};

/// Whose table it is, and what it is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feed {
    pub(crate) asn: Asn,
    pub(crate) next_hop_v4: Ipv4Addr,
    pub(crate) next_hop_v6: Ipv6Addr,
    /// Feeds with the same one have the same AS paths behind the first AS.
    pub(crate) seed: u64,
    /// How often `asn` stands before its paths once more.
    pub(crate) prepend: usize,
}

/// Prefixes in the order in which a peer sends them.
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) prefixes: Vec<IpNet>,
}

impl Table {
    /// Reads lists of one prefix a line, as they are or packed by xz.
    pub(crate) fn read(paths: &[impl AsRef<Path>]) -> anyhow::Result<Self> {
        let mut prefixes = Vec::new();
        for path in paths {
            read_list(path.as_ref(), &mut prefixes)?;
        }
        Ok(Self {
            name: "RIS".into(),
            prefixes,
        })
    }

    /// `v4` and `v6` distinct prefixes with the lengths of a real table, the same for the same numbers.
    pub(crate) fn generate(v4: usize, v6: usize) -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut prefixes = std::collections::BTreeSet::new();
        while prefixes.len() < v4 {
            let length = [24, 24, 24, 24, 24, 24, 23, 22, 22, 21, 20, 19, 16][random.below(13)];
            let first = 1 + random.number(222);
            let address = first << 24 | random.number(1 << 24);
            if first != 127 {
                prefixes.insert(IpNet::V4(
                    Ipv4Net::new_assert(Ipv4Addr::from(address), length).trunc(),
                ));
            }
        }
        while prefixes.len() < v4 + v6 {
            let length = [48, 48, 48, 48, 48, 44, 40, 36, 32, 32, 29][random.below(11)];
            let address = 0x2a00_u128 << 112 | (u128::from(random.next()) << 52);
            prefixes.insert(IpNet::V6(
                Ipv6Net::new_assert(Ipv6Addr::from(address), length).trunc(),
            ));
        }
        Self {
            name: "generated".into(),
            prefixes: prefixes.into_iter().collect(),
        }
    }

    pub(crate) fn count(&self, family: Family) -> usize {
        self.prefixes
            .iter()
            .filter(|&&prefix| Family::of(prefix) == family)
            .count()
    }

    /// So many prefixes, from everywhere in the table.
    pub(crate) fn sample(&self, count: usize) -> Self {
        let step = (self.prefixes.len() / count).max(1);
        Self {
            name: self.name.clone(),
            prefixes: (self.prefixes.iter().copied())
                .step_by(step)
                .take(count)
                .collect(),
        }
    }

    /// The whole table as a peer of AS `asn` with these addresses sends it, End-of-RIB of both families
    /// included.
    pub(crate) fn encode(
        &self,
        asn: Asn,
        next_hop_v4: Ipv4Addr,
        next_hop_v6: Ipv6Addr,
    ) -> anyhow::Result<Vec<u8>> {
        self.encode_feed(Feed {
            asn,
            next_hop_v4,
            next_hop_v6,
            seed: u64::from(asn.0) << 20 | 1,
            prepend: 0,
        })
    }

    /// The same, of any kind.
    pub(crate) fn encode_feed(&self, feed: Feed) -> anyhow::Result<Vec<u8>> {
        let encoding = Encoding {
            four_octet_as: true,
            max_message: 4096,
            add_path_v4: false,
            add_path_v6: false,
        };
        let mut random = Random(feed.seed);
        let mut out = Vec::with_capacity(self.prefixes.len() * 24);
        let mut rest = self.prefixes.as_slice();
        while let Some(&first) = rest.first() {
            let family = Family::of(first);
            let same = rest
                .iter()
                .take(1 + random.below(13))
                .take_while(|&&prefix| Family::of(prefix) == family)
                .count();
            let (group, tail) = rest.split_at(same);
            rest = tail;
            let next_hop = match family {
                Family::Ipv4Unicast => NextHop::V4(feed.next_hop_v4),
                Family::Ipv6Unicast => NextHop::V6 {
                    global: feed.next_hop_v6,
                    link_local: None,
                },
            };
            let attributes = PathAttributes {
                next_hop,
                raw: attributes(&feed, &mut random),
            };
            let nlri: Vec<_> = group
                .iter()
                .map(|&prefix| Nlri {
                    prefix,
                    path_id: PathId(0),
                })
                .collect();
            encode_announce(&mut out, family, &attributes, &nlri, &encoding)
                .map_err(|error| anyhow::anyhow!("encoding {first}: {error:?}"))?;
        }
        for family in Family::ALL {
            encode_end_of_rib(&mut out, family);
        }
        Ok(out)
    }
}

fn attributes(feed: &Feed, random: &mut Random) -> Box<[u8]> {
    let mut path = AsPathBuilder::new();
    for _ in 0..=feed.prepend {
        path.push(feed.asn);
    }
    for _ in 0..3 + random.below(2) {
        // Above all ASes of the lab: a path that holds the router's own would be a loop.
        path.push(Asn(100_000 + random.number(300_000)));
    }
    let mut editor = AttributesEditor::empty();
    editor.set_origin(Origin::Igp);
    editor.set_as_path(path.as_path());
    if random.below(10) < 3 {
        editor.set_communities([Community(feed.asn.0 << 16 | random.number(1 << 16))]);
    }
    editor.finish()
}

fn read_list(path: &Path, prefixes: &mut Vec<IpNet>) -> anyhow::Result<()> {
    let mut unpack = Command::new("xz")
        .args(["--decompress", "--stdout"])
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting xz for {}", path.display()))?;
    let lines = BufReader::new(unpack.stdout.take().context("xz has no output")?).lines();
    for line in lines {
        let line = line?;
        prefixes.push(
            line.trim()
                .parse()
                .with_context(|| format!("{}: `{line}`", path.display()))?,
        );
    }
    anyhow::ensure!(
        unpack.wait()?.success(),
        "xz could not read {}",
        path.display()
    );
    Ok(())
}

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn number(&mut self, limit: u32) -> u32 {
        u32::try_from(self.next() % u64::from(limit)).unwrap_or(0)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or(0)
    }
}
