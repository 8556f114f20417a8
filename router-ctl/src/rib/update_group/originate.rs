//! `default-originate`: the default route is told to a group whether or not the RIB has one, and takes the place of
//! the one that it has.
//!
//! With a route-map the group hears of it while the map permits a best path of the table. One such prefix is
//! remembered; when it changes so that the map denies it, another is searched for, in slices. What the map sets
//! on the default route is what it sets on a route of that prefix without communities and with an empty AS_PATH.

use super::group::{Group, Shared, Work};
use super::told::{Told, ToldPaths};
use crate::bgp::attributes::AttributesEditor;
use crate::bgp::types::{Family, NextHop, Origin, PathAttributes, RouterId};
use crate::bgp::wire::as_path::AsPath;
use crate::policy::{Chain, Scratch};
use crate::prefix::PrefixId;
use crate::rib::attributes::AttributesId;
use crate::rib::export::{Heard, Outgoing, Way};
use crate::rib::next_hops::LinkScope;
use crate::rib::peers::slot;
use crate::rib::route::{PeerId, PeerKind};
use crate::rib::scan::Scan;
use crate::rib::table::family_of;

/// One family of a group.
#[derive(Debug, Default)]
pub(super) struct Originated {
    /// The default route while it is to be told; a reference is held.
    attributes: Option<AttributesId>,
    /// The prefix that fulfils the condition.
    witness: Option<PrefixId>,
    search: Scan,
    /// The key is new.
    unprepared: bool,
}

impl Originated {
    pub(super) fn prepare_again(&mut self) {
        self.unprepared = true;
    }

    /// Whether it is open if the default route is told.
    pub(super) fn is_searching(&self) -> bool {
        self.unprepared || self.search.is_active()
    }

    pub(super) fn release(&mut self) -> Option<AttributesId> {
        self.attributes.take()
    }
}

impl Group {
    /// Whether the default route of this number is ours to decide.
    pub(super) fn originates(&self, id: PrefixId, shared: &Shared) -> bool {
        let family = family_of(id);
        let originated = &self.originated[slot(family)];
        shared.defaults[slot(family)] == Some(id)
            && self.key().families.contains(family)
            && self.key().family(family).default_originate.is_some()
            && (originated.attributes.is_some() || originated.is_searching())
    }

    /// What [`originates`](Self::originates) comes to: as before, while it is open.
    pub(super) fn originated_path(&self, id: PrefixId, before: &ToldPaths) -> Option<Told> {
        let originated = &self.originated[slot(family_of(id))];
        if originated.is_searching() {
            let mut before = before.iter().map(|each| each.told);
            return before.find(|told| told.way == Way::Originated);
        }
        originated.attributes.map(|attributes| Told {
            attributes,
            source: PeerId::LOCAL,
            heard: Heard::Local,
            way: Way::Originated,
        })
    }

    fn condition(&self, family: Family) -> Option<&Chain> {
        let settings = self.key().family(family);
        settings.default_originate.as_ref()?.condition.as_ref()
    }

    /// Goes on with the search for what fulfils a condition; whether there was anything to do.
    pub(super) fn search_conditions(&mut self, work: &mut Work<'_>) -> bool {
        for family in Family::ALL {
            let originated = &mut self.originated[slot(family)];
            if originated.unprepared {
                originated.unprepared = false;
                self.prepare(family, work);
                return true;
            }
            if let Some(index) = originated.search.next(1).next() {
                work.budget -= 1;
                let id = PrefixId::from_index(index, family == Family::Ipv6Unicast);
                if self.fulfils(id, work) {
                    self.find(id, work);
                } else if !self.originated[slot(family)].search.is_active() {
                    self.decide_default(family, None, work);
                }
                return true;
            }
        }
        false
    }

    fn prepare(&mut self, family: Family, work: &mut Work<'_>) {
        // A search for what the former condition asked for has nothing to say any more.
        let originated = &mut self.originated[slot(family)];
        originated.witness = None;
        originated.search = Scan::default();
        let settings = self.key().family(family);
        let bound = work.rib.prefix_bound(family);
        if settings.default_originate.is_none() || !self.key().families.contains(family) {
            self.decide_default(family, None, work);
        } else if self.condition(family).is_none() {
            self.decide_default(family, Some(default_route()), work);
        } else if bound == 0 {
            self.decide_default(family, None, work);
        } else {
            self.originated[slot(family)].search.restart(bound);
        }
    }

    /// The choice for a prefix is another: the condition may hold by it, or not any more.
    pub(super) fn check_condition(&mut self, id: PrefixId, work: &mut Work<'_>) {
        let family = family_of(id);
        if self.condition(family).is_none() {
            return;
        }
        let bound = work.rib.prefix_bound(family);
        let originated = &self.originated[slot(family)];
        match originated.witness {
            None if !originated.unprepared && self.fulfils(id, work) => self.find(id, work),
            Some(witness) if witness == id && !self.fulfils(id, work) => {
                let originated = &mut self.originated[slot(family)];
                originated.witness = None;
                originated.search.restart(bound);
            }
            None | Some(_) => {}
        }
    }

    fn fulfils(&self, id: PrefixId, work: &mut Work<'_>) -> bool {
        let Some(chain) = self.condition(family_of(id)) else {
            return false;
        };
        let Some(selection) = work.rib.selection(id) else {
            return false;
        };
        let attributes = selection.best.attributes;
        let path = Outgoing {
            prefix: work.index.prefix(id),
            attributes: work.rib.attributes(attributes),
            key: work.rib.attributes.key(attributes),
            heard: match selection.kind {
                PeerKind::Local => Heard::Local,
                PeerKind::Ebgp => Heard::Ebgp,
                PeerKind::Ibgp => Heard::Ibgp,
            },
            way: Way::Originated,
            sender: RouterId(std::net::Ipv4Addr::UNSPECIFIED),
            leads_to_receiver: false,
        };
        let scratch = &mut Scratch::default();
        self.key().permits_by(chain, &path, scratch).is_some()
    }

    /// `id` fulfils the condition of its family.
    fn find(&mut self, id: PrefixId, work: &mut Work<'_>) {
        let family = family_of(id);
        let originated = &mut self.originated[slot(family)];
        originated.witness = Some(id);
        originated.search = Scan::default();
        let mut route = default_route();
        if let Some(chain) = self.condition(family) {
            let path = Outgoing {
                prefix: work.index.prefix(id),
                attributes: (&route).into(),
                key: &crate::rib::key::DecisionKey::of(&route.raw),
                heard: Heard::Local,
                way: Way::Originated,
                sender: RouterId(std::net::Ipv4Addr::UNSPECIFIED),
                leads_to_receiver: false,
            };
            let edits = self.key().permits_by(chain, &path, &mut Scratch::default());
            if let Some(raw) = edits.and_then(|edits| edits.raw) {
                route.raw = raw;
            }
        }
        self.decide_default(family, Some(route), work);
    }

    /// The default route is told as `route`, or not originated.
    fn decide_default(
        &mut self,
        family: Family,
        route: Option<PathAttributes>,
        work: &mut Work<'_>,
    ) {
        let attributes =
            route.map(|route| work.rib.attributes.intern(&route, LinkScope::default(), 1));
        let originated = &mut self.originated[slot(family)];
        if let Some(before) = std::mem::replace(&mut originated.attributes, attributes) {
            work.rib.attributes.release(before);
        }
        if let Some(id) = work.shared.defaults[slot(family)] {
            self.queue.push(id);
        }
    }
}

fn default_route() -> PathAttributes {
    let mut editor = AttributesEditor::empty();
    editor.set_origin(Origin::Igp);
    editor.set_as_path(AsPath::default());
    PathAttributes {
        next_hop: NextHop::V4(std::net::Ipv4Addr::UNSPECIFIED),
        raw: editor.finish(),
    }
}
