//! `aggregate-address`: a route of our own that stands for more specific ones, as long as there is any
//! (RFC 4271 §9.2.2.2). Each change of the table is held against the configured aggregates, of which there are few.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ipnet::IpNet;

use crate::bgp::attributes::{Aggregator, AttributesEditor};
use crate::bgp::types::{Asn, Family, Origin};
use crate::bgp::wire::as_path::{AsPathBuilder, SegmentKind};
use crate::config::model::{Aggregate, Config};
use crate::prefix::PrefixId;
use crate::router::Router;
use crate::router::originate::{OwnRoute, own_route};

/// Prefixes looked at for one unit of the budget when aggregates are new.
const LOOKED_AT_PER_UNIT: usize = 4;
/// ASes in a set; more would not fit a message that others take.
const SET_LIMIT: usize = 255;

#[derive(Debug, Default)]
pub(super) struct Aggregates {
    each: BTreeMap<IpNet, Contributors>,
    /// Where the look at the whole table stands; `None` when there is nothing to look for.
    scan: Option<[usize; 2]>,
    /// Something that an aggregate is made of has changed.
    pub(super) changed: bool,
}

#[derive(Debug, Default)]
struct Contributors {
    settings: Aggregate,
    prefixes: HashSet<PrefixId>,
}

impl Aggregates {
    pub(super) fn is_scanning(&self) -> bool {
        self.scan.is_some()
    }

    /// Whether a prefix must keep its number.
    pub(super) fn uses(&self, id: PrefixId) -> bool {
        self.each.values().any(|each| each.prefixes.contains(&id))
    }
}

impl Router {
    /// Takes over what the configuration says; the table is looked at again when it says something else.
    pub(super) fn configure_aggregates(&mut self) {
        let configured = configured(&self.config);
        let known = self.aggregates.each.iter();
        if known
            .map(|(prefix, each)| (*prefix, each.settings.clone()))
            .eq(configured.clone())
        {
            return;
        }
        for each in std::mem::take(&mut self.aggregates.each).into_values() {
            for prefix in each.prefixes {
                self.groups.set_suppressed(prefix, false);
            }
        }
        let empty = |settings| Contributors {
            settings,
            prefixes: HashSet::new(),
        };
        self.aggregates.each = configured
            .into_iter()
            .map(|(prefix, settings)| (prefix, empty(settings)))
            .collect();
        self.aggregates.scan = (!self.aggregates.each.is_empty()).then_some([0; 2]);
        self.aggregates.changed = true;
    }

    /// One slice of the look at the whole table.
    pub(super) fn scan_for_aggregates(&mut self, budget: usize) {
        let Some(mut scan) = self.aggregates.scan else {
            return;
        };
        let mut left = budget.saturating_mul(LOOKED_AT_PER_UNIT);
        let mut done = true;
        for (place, family) in Family::ALL.into_iter().enumerate() {
            let bound = self.rib.prefix_bound(family);
            let end = bound.min(scan[place] + left);
            for index in scan[place]..end {
                let id = PrefixId::from_index(index, family == Family::Ipv6Unicast);
                if self.rib.selection(id).is_some() {
                    self.note_contributor(id);
                }
            }
            left -= end - scan[place];
            scan[place] = end;
            done &= end == bound;
        }
        self.aggregates.scan = (!done).then_some(scan);
    }

    /// The choice for a prefix is another, or there is none any more.
    pub(super) fn note_contributor(&mut self, id: PrefixId) {
        if self.aggregates.each.is_empty() {
            return;
        }
        let prefix = self.index.prefix(id);
        let there = self.rib.selection(id).is_some();
        let mut suppressed = false;
        for (aggregate, each) in &mut self.aggregates.each {
            if !is_more_specific(prefix, *aggregate) {
                continue;
            }
            let changed = if there {
                each.prefixes.insert(id)
            } else {
                each.prefixes.remove(&id)
            };
            suppressed |= there && each.settings.summary_only;
            // With a set of ASes every change of a contributor counts.
            self.aggregates.changed |=
                each.settings.as_set || (changed && each.prefixes.len() <= 1);
        }
        self.groups.set_suppressed(id, suppressed);
    }

    /// The route of an aggregate, while it has something to stand for.
    pub(super) fn aggregate_route(&self, prefix: IpNet, settings: &Aggregate) -> Option<OwnRoute> {
        let contributors = &self.aggregates.each.get(&prefix)?.prefixes;
        if contributors.is_empty() {
            return None;
        }
        let mut route = own_route(prefix, Origin::Igp, None);
        route.discard = true;
        let mut editor = AttributesEditor::new(&route.attributes.raw);
        if settings.as_set {
            let (origin, ases) = self.sum_up(contributors);
            let mut path = AsPathBuilder::new();
            if !ases.is_empty() {
                path.push_segment(SegmentKind::Set, ases.into_iter().take(SET_LIMIT));
            }
            editor.set_origin(origin);
            editor.set_as_path(path.as_path());
        } else {
            editor.set_atomic_aggregate();
        }
        editor.set_aggregator(Aggregator {
            asn: self.local_as(),
            address: self.router_id.0,
        });
        let raw = editor.finish();
        route.attributes.raw = raw;
        Some(route)
    }

    /// The worst ORIGIN of the contributors, and every AS that they name.
    fn sum_up(&self, contributors: &HashSet<PrefixId>) -> (Origin, BTreeSet<Asn>) {
        let mut origin = Origin::Igp;
        let mut ases = BTreeSet::new();
        for &id in contributors {
            let Some(selection) = self.rib.selection(id) else {
                continue;
            };
            let view = self.rib.attributes(selection.best.attributes).view();
            origin = origin.max(view.origin().unwrap_or(Origin::Incomplete));
            ases.extend(view.as_path().ases());
        }
        (origin, ases)
    }
}

fn configured(config: &Config) -> BTreeMap<IpNet, Aggregate> {
    let mut all = BTreeMap::new();
    for family in config
        .protocols
        .bgp
        .iter()
        .flat_map(|bgp| bgp.address_family.values())
    {
        for (&prefix, aggregate) in &family.aggregate_address {
            all.insert(prefix, aggregate.clone());
        }
    }
    all
}

fn is_more_specific(prefix: IpNet, aggregate: IpNet) -> bool {
    prefix.prefix_len() > aggregate.prefix_len() && aggregate.contains(&prefix)
}
