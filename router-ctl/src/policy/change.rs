//! One leaf of `set`: what a route becomes.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::bgp::attributes::{
    Aggregator, AttributesEditor, AttributesView, Community, ExtendedCommunity, LargeCommunity,
};
use crate::bgp::types::{Asn, NextHop, Origin, RouterId};
use crate::bgp::wire::as_path::{AsPathBuilder, SegmentKind};
use crate::policy::compile::{CommunityKind, CommunityList, Named};
use crate::policy::condition::joined;
use crate::policy::evaluate::State;
use crate::policy::model::{AsPathSet, CommunityRange, NumberChange};
use crate::policy::outcome::NextHopEdit;
use crate::policy::subject::{Direction, Subject};

/// A change of the attributes.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) enum AttributeChange {
    Aggregator(Aggregator),
    AsPath(AsPathSet),
    AtomicAggregate,
    /// Ranges come last.
    Community(CommunityChange<Community>, Vec<RangeChange>),
    LargeCommunity(CommunityChange<LargeCommunity>),
    ExtendedCommunity(CommunityChange<ExtendedCommunity>),
    LocalPreference(NumberChange),
    Metric(NumberChange),
    Origin(Origin),
    OriginatorId(RouterId),
}

/// What becomes of the members there are, and which come in addition.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) struct CommunityChange<C> {
    pub(in crate::policy) fate: Fate<C>,
    pub(in crate::policy) add: Vec<C>,
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) enum Fate<C> {
    Stay,
    /// `none`, and `replace` together with `add`.
    Go,
    /// Those that the list permits go.
    Delete(Arc<CommunityList<C>>),
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) struct RangeChange {
    pub(in crate::policy) range: CommunityRange,
    pub(in crate::policy) keep: RangeKeep,
}

/// Which one of a range stays: of the values there are and this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::policy) enum RangeKeep {
    Max(u16),
    Min(u16),
    Nothing,
}

/// A change of what travels beside the attributes.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) enum SideChange {
    Distance(u8),
    NextHop(NextHopChange),
    Tag(u32),
    Weight(u32),
}

#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) enum NextHopChange {
    V4(Ipv4Addr),
    V4Peer,
    Unchanged,
    V6 {
        global: Option<Ipv6Addr>,
        local: Option<Ipv6Addr>,
    },
    V6Peer,
}

/// The attributes with all of `changes`.
pub(in crate::policy) fn edit(
    raw: &[u8],
    subject: &Subject<'_>,
    changes: &[AttributeChange],
    text: &mut String,
) -> Box<[u8]> {
    let view = AttributesView::new(raw);
    let mut editor = AttributesEditor::new(raw);
    for change in changes {
        match change {
            AttributeChange::Aggregator(aggregator) => editor.set_aggregator(*aggregator),
            AttributeChange::AsPath(set) => {
                let path = changed_path(view, subject, set);
                if fits(path.octets().len()) {
                    editor.set_as_path(path.as_path());
                }
            }
            AttributeChange::AtomicAggregate => editor.set_atomic_aggregate(),
            AttributeChange::Community(change, ranges) => {
                change.apply(view, text, |mut members| {
                    ranges.iter().for_each(|range| range.apply(&mut members));
                    editor.set_communities(members);
                });
            }
            AttributeChange::LargeCommunity(change) => {
                change.apply(view, text, |members| editor.set_large_communities(members));
            }
            AttributeChange::ExtendedCommunity(change) => {
                change.apply(view, text, |members| {
                    editor.set_extended_communities(members);
                });
            }
            AttributeChange::LocalPreference(change) => {
                let old = view.local_pref().unwrap_or(subject.default_local_pref);
                editor.set_local_pref(change.apply(old));
            }
            AttributeChange::Metric(change) => {
                editor.set_med(change.apply(view.med().unwrap_or_default()));
            }
            AttributeChange::Origin(origin) => editor.set_origin(*origin),
            AttributeChange::OriginatorId(id) => editor.set_originator_id(*id),
        }
    }
    editor.finish()
}

/// The length of an attribute has 16 bits. What would not fit is left as it was.
fn fits(octets: usize) -> bool {
    u16::try_from(octets).is_ok()
}

fn changed_path(view: AttributesView<'_>, subject: &Subject<'_>, set: &AsPathSet) -> AsPathBuilder {
    let stays = |asn: &Asn| !set.exclude.contains(asn);
    let mut path = AsPathBuilder::new();
    set.prepend.iter().for_each(|&asn| path.push(asn));
    if let Some(times) = set.prepend_last_as {
        let leftmost = view
            .as_path()
            .segments()
            .filter(|segment| segment.kind == SegmentKind::Sequence)
            .find_map(|segment| segment.ases().find(stays));
        // A route with an empty path that a neighbour gave us is its own. On export the neighbour is the
        // one that gets the route, and would refuse it with its AS in the path.
        let neighbour = match subject.direction {
            Direction::Import => subject.peer_as,
            Direction::Export => None,
        };
        if let Some(asn) = leftmost.or(neighbour) {
            (0..times).for_each(|_| path.push(asn));
        }
    }
    for segment in view.as_path().segments() {
        let ases = segment.ases().filter(stays);
        if segment.kind == SegmentKind::Sequence {
            ases.for_each(|asn| path.push(asn));
        } else {
            path.push_segment(segment.kind, ases);
        }
    }
    path
}

impl<C: CommunityKind> CommunityChange<C> {
    fn apply(
        &self,
        view: AttributesView<'_>,
        text: &mut String,
        set: impl FnOnce(SmallVec<[C; 16]>),
    ) {
        let mut members: SmallVec<[C; 16]> = match &self.fate {
            Fate::Stay => C::of(view).collect(),
            Fate::Go => SmallVec::new(),
            Fate::Delete(list) => C::of(view)
                .filter(|&each| !list.permits_alone(each, text))
                .collect(),
        };
        members.extend(self.add.iter().copied());
        if fits(members.len() * size_of::<C>()) {
            set(members);
        }
    }
}

impl RangeChange {
    fn apply(&self, members: &mut SmallVec<[Community; 16]>) {
        let values = members.iter().filter_map(|&each| self.range.value(each));
        let kept = match self.keep {
            RangeKeep::Max(value) => Some(values.fold(value, u16::max)),
            RangeKeep::Min(value) => Some(values.fold(value, u16::min)),
            RangeKeep::Nothing => None,
        };
        members.retain(|each| self.range.value(*each).is_none());
        members.extend(kept.map(|value| self.range.community(value)));
    }
}

impl SideChange {
    pub(in crate::policy) fn apply(&self, state: &mut State<'_, '_>) {
        match self {
            Self::Distance(distance) => state.edits.distance = Some(*distance),
            Self::NextHop(change) => {
                if let Some(edit) = change.edit(state) {
                    state.edits.next_hop = edit;
                }
            }
            Self::Tag(tag) => state.edits.tag = Some(*tag),
            Self::Weight(weight) => state.edits.weight = Some(*weight),
        }
    }

    pub(in crate::policy) fn depends_on_peer(&self) -> bool {
        matches!(
            self,
            Self::NextHop(NextHopChange::V4Peer | NextHopChange::V6Peer)
        )
    }
}

impl NextHopChange {
    /// `None` where the change is about routes of the other family.
    fn edit(&self, state: &State<'_, '_>) -> Option<NextHopEdit> {
        let is_v4 = state.subject.prefix.addr().is_ipv4();
        let v6 = match state.next_hop() {
            NextHop::V6 { global, link_local } => Some((global, link_local)),
            NextHop::V4(_) => None,
        };
        match *self {
            Self::V4(address) => is_v4.then_some(NextHopEdit::Set(NextHop::V4(address))),
            Self::V4Peer => match (is_v4, session_address(state.subject)?) {
                (true, IpAddr::V4(address)) => Some(NextHopEdit::Set(NextHop::V4(address))),
                (true, IpAddr::V6(_)) | (false, _) => None,
            },
            Self::Unchanged => Some(NextHopEdit::Unchanged),
            Self::V6 { global, local } => {
                let old = v6.or((!is_v4).then_some((Ipv6Addr::UNSPECIFIED, None)))?;
                let next_hop = match (global, local) {
                    // The old link-local address belongs to another router.
                    (Some(global), link_local) => NextHop::V6 { global, link_local },
                    (None, local) => NextHop::V6 {
                        global: old.0,
                        link_local: local.or(old.1),
                    },
                };
                Some(NextHopEdit::Set(next_hop))
            }
            Self::V6Peer => {
                let IpAddr::V6(address) = session_address(state.subject)? else {
                    return None;
                };
                if is_v4 && v6.is_none() {
                    return None;
                }
                let (global, link_local) = if address.is_unicast_link_local() {
                    (Ipv6Addr::UNSPECIFIED, Some(address))
                } else {
                    (address, None)
                };
                Some(NextHopEdit::Set(NextHop::V6 { global, link_local }))
            }
        }
    }
}

/// `peer-address`: of whom the next router is to think as the next hop.
fn session_address(subject: &Subject<'_>) -> Option<IpAddr> {
    match subject.direction {
        Direction::Import => subject.peer,
        Direction::Export => subject.local_address,
    }
}

/// As below `set` in the configuration; several words of one leaf behind commas.
impl fmt::Display for AttributeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aggregator(Aggregator { asn, address }) => {
                write!(f, "aggregator as {asn}, aggregator ip {address}")
            }
            Self::AsPath(set) => {
                let mut words = Vec::new();
                if !set.exclude.is_empty() {
                    words.push(format!("as-path exclude {}", joined(&set.exclude)));
                }
                if let Some(times) = set.prepend_last_as {
                    words.push(format!("as-path prepend-last-as {times}"));
                }
                if !set.prepend.is_empty() {
                    words.push(format!("as-path prepend {}", joined(&set.prepend)));
                }
                f.write_str(&words.join(", "))
            }
            Self::AtomicAggregate => f.write_str("atomic-aggregate"),
            Self::Community(change, ranges) => {
                let change = change.words("community");
                let ranges = ranges.iter().map(ToString::to_string);
                let words: Vec<String> = change.into_iter().chain(ranges).collect();
                f.write_str(&words.join(", "))
            }
            Self::LargeCommunity(change) => {
                f.write_str(&change.words("large-community").join(", "))
            }
            Self::ExtendedCommunity(change) => {
                f.write_str(&change.words("extcommunity").join(", "))
            }
            Self::LocalPreference(change) => write!(f, "local-preference {change}"),
            Self::Metric(change) => write!(f, "metric {change}"),
            Self::Origin(origin) => {
                write!(f, "origin {}", origin.to_string().to_ascii_lowercase())
            }
            Self::OriginatorId(id) => write!(f, "originator-id {id}"),
        }
    }
}

impl<C: CommunityKind> CommunityChange<C> {
    fn words(&self, leaf: &str) -> Vec<String> {
        let mut words = Vec::new();
        let verb = match &self.fate {
            Fate::Stay => "add",
            Fate::Go if self.add.is_empty() => {
                words.push(format!("{leaf} none"));
                "add"
            }
            Fate::Go => "replace",
            Fate::Delete(list) => {
                words.push(format!("{leaf} delete {}", list.name()));
                "add"
            }
        };
        if !self.add.is_empty() {
            words.push(format!("{leaf} {verb} {}", joined(&self.add)));
        }
        words
    }
}

impl fmt::Display for RangeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "community-range {} ", self.range)?;
        match self.keep {
            RangeKeep::Max(value) => write!(f, "max {value}"),
            RangeKeep::Min(value) => write!(f, "min {value}"),
            RangeKeep::Nothing => f.write_str("delete"),
        }
    }
}

impl fmt::Display for SideChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Distance(distance) => write!(f, "distance {distance}"),
            Self::Tag(tag) => write!(f, "tag {tag}"),
            Self::Weight(weight) => write!(f, "weight {weight}"),
            Self::NextHop(change) => match change {
                NextHopChange::V4(address) => write!(f, "ip-next-hop {address}"),
                NextHopChange::V4Peer => f.write_str("ip-next-hop peer-address"),
                NextHopChange::Unchanged => f.write_str("ip-next-hop unchanged"),
                NextHopChange::V6Peer => f.write_str("ipv6-next-hop peer-address"),
                NextHopChange::V6 { global, local } => {
                    let global = global.map(|address| format!("ipv6-next-hop global {address}"));
                    let local = local.map(|address| format!("ipv6-next-hop local {address}"));
                    let words: Vec<String> = global.into_iter().chain(local).collect();
                    f.write_str(&words.join(", "))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests;
