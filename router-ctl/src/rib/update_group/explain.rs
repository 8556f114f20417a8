//! Why a neighbour is told what it is told, for readers.

use super::UpdateGroups;
use super::change::heard_from;
use super::exports::{Exports, Seen, Tables};
use super::told::Told;
use crate::prefix::{PrefixId, PrefixIndex};
use crate::rib::export::{ExportVerdict, Way, Withheld};
use crate::rib::route::{PathRef, PeerId};
use crate::rib::table::{Rib, family_of};

impl UpdateGroups {
    /// What `peer` has been told about a prefix, once it is in step, or why it is not told.
    pub fn explain(
        &self,
        rib: &Rib,
        index: &PrefixIndex,
        peer: PeerId,
        id: PrefixId,
    ) -> ExportVerdict {
        let told = self.told(rib, index, peer, id);
        if told.is_empty() {
            ExportVerdict::Withheld(self.withheld(rib, index, peer, id))
        } else {
            ExportVerdict::Told(told)
        }
    }

    fn withheld(&self, rib: &Rib, index: &PrefixIndex, peer: PeerId, id: PrefixId) -> Withheld {
        let family = family_of(id);
        let group = self.members.get(&peer).and_then(|id| self.groups.get(id));
        let Some(group) = group else {
            return Withheld::NoSession;
        };
        if !group.key().families.contains(family) {
            return Withheld::FamilyNotNegotiated;
        }
        let Some(selection) = rib.selection(id) else {
            return Withheld::NoRoute;
        };
        // Of several paths that could be told the best one speaks for all.
        let PathRef {
            peer: source,
            attributes,
        } = selection.best;
        let told = Told {
            attributes,
            source,
            heard: heard_from(rib, source, family),
            way: if self.shared.suppressed.contains(id) {
                Way::Suppressed
            } else {
                Way::Policy
            },
        };
        if source == peer {
            return Withheld::OwnPath;
        }
        let form = group.forms.current();
        let Some(seen) = group.view(peer, Some(told), rib) else {
            return Withheld::OwnOriginator;
        };
        let tables = Tables { rib, index };
        let common = Exports::judge(form, tables, id, Seen::from(told));
        let own = Exports::judge(form, tables, id, seen);
        match common.and(own) {
            Err(withheld) => withheld,
            Ok(_) if self.gate.is_refused(id) => Withheld::Refused,
            Ok(_) if group.excess.contains(id) => Withheld::MaximumPrefixOut,
            Ok(_) => Withheld::Pending,
        }
    }
}
