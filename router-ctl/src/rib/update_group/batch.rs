//! Messages of one slice of work for one set of peers, sorted by who may see them. Peers that see the same share
//! the bytes.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::Transmit;
use super::exports::{ExportId, Exports};
use super::told::Item;
use crate::bgp::types::{Family, Nlri};
use crate::bgp::wire::update::{Encoding, encode_announce, encode_withdraw};
use crate::prefix::PrefixIndex;
use crate::rib::route::PeerId;
use crate::rib::table::family_of;

/// Who of the batch's peers a piece of news is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Audience {
    /// All of them but those who hear something else, or nothing: senders of the paths, for the most part.
    AllBut(SmallVec<[PeerId; 4]>),
    Only(PeerId),
}

/// What changes for an audience at one prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Announce(ExportId),
    Withdraw,
}

#[derive(Debug, Default)]
struct Part {
    withdrawn: Vec<Item>,
    announced: Vec<(ExportId, Item)>,
}

#[derive(Debug)]
pub(super) struct Batch<'a> {
    peers: &'a [PeerId],
    parts: Vec<(Audience, Part)>,
    positions: FxHashMap<Audience, usize>,
    last: usize,
}

impl<'a> Batch<'a> {
    pub(super) fn new(peers: &'a [PeerId]) -> Self {
        Self {
            peers,
            parts: Vec::new(),
            positions: FxHashMap::default(),
            last: 0,
        }
    }

    /// Ascending.
    pub(super) fn peers(&self) -> &'a [PeerId] {
        self.peers
    }

    pub(super) fn add(&mut self, audience: Audience, item: Item, news: News) {
        let part = self.part(audience);
        match news {
            News::Announce(export) => part.announced.push((export, item)),
            News::Withdraw => part.withdrawn.push(item),
        }
    }

    fn part(&mut self, audience: Audience) -> &mut Part {
        if self
            .parts
            .get(self.last)
            .is_none_or(|(each, _)| *each != audience)
        {
            let next = self.parts.len();
            self.last = *self.positions.entry(audience.clone()).or_insert(next);
            if self.last == next {
                self.parts.push((audience, Part::default()));
            }
        }
        &mut self.parts[self.last].1
    }

    /// Encodes everything, withdrawals first.
    pub(super) fn flush(
        self,
        index: &PrefixIndex,
        exports: &Exports,
        encoding: &Encoding,
        out: &mut Vec<Transmit>,
    ) {
        let mut nlri = Vec::new();
        for (audience, mut part) in self.parts {
            let peers = listeners(self.peers, &audience);
            if peers.is_empty() {
                continue;
            }
            let mut bytes = Vec::new();
            let mut messages = 0;
            for family in Family::ALL {
                let withdrawn = part.withdrawn.iter().copied();
                fill(
                    &mut nlri,
                    index,
                    withdrawn.filter(|item| family_of(item.prefix) == family),
                );
                messages += encode_withdraw(&mut bytes, family, &nlri, encoding);
            }
            part.announced
                .sort_by_key(|&(export, item)| (export, item.prefix.is_ipv6()));
            let alike = |a: &(ExportId, Item), b: &(ExportId, Item)| {
                (a.0, a.1.prefix.is_ipv6()) == (b.0, b.1.prefix.is_ipv6())
            };
            for group in part.announced.chunk_by(alike) {
                let (export, first) = group[0];
                fill(&mut nlri, index, group.iter().map(|&(_, item)| item));
                let attributes = exports.get(export);
                let encoded = encode_announce(
                    &mut bytes,
                    family_of(first.prefix),
                    attributes,
                    &nlri,
                    encoding,
                );
                // A set that does not fit a message is never admitted to the group.
                debug_assert!(encoded.is_ok());
                messages += encoded.unwrap_or(0);
            }
            if messages > 0 {
                out.push(Transmit {
                    peers,
                    bytes: Arc::from(bytes),
                    messages,
                    end_of_rib: None,
                });
            }
        }
    }
}

fn listeners(peers: &[PeerId], audience: &Audience) -> SmallVec<[PeerId; 4]> {
    match audience {
        Audience::AllBut(except) => peers
            .iter()
            .copied()
            .filter(|&peer| !except.contains(&peer))
            .collect(),
        Audience::Only(peer) => SmallVec::from_slice(&[*peer]),
    }
}

fn fill(nlri: &mut Vec<Nlri>, index: &PrefixIndex, items: impl Iterator<Item = Item>) {
    nlri.clear();
    nlri.extend(items.map(|item| Nlri {
        prefix: index.prefix(item.prefix),
        path_id: item.path,
    }));
}
