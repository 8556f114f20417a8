//! The table of a group that is gone; its references are given back in slices.

use super::told::ToldTable;
use crate::bgp::types::Family;
use crate::prefix::PrefixId;
use crate::rib::peers::slot;
use crate::rib::scan::Scan;
use crate::rib::table::Rib;

#[derive(Debug)]
pub(super) struct FormerTable {
    table: ToldTable,
    scans: [Scan; 2],
}

impl FormerTable {
    pub(super) fn new(table: ToldTable) -> Self {
        let scans = Family::ALL.map(|family| {
            let mut scan = Scan::default();
            scan.restart(table.bound(family));
            scan
        });
        Self { table, scans }
    }

    pub(super) fn is_clear(&self) -> bool {
        !self.scans.iter().any(Scan::is_active)
    }

    /// Clears at most `most` places; returns how many more it may be.
    pub(super) fn clear(
        &mut self,
        rib: &mut Rib,
        most: usize,
        unused: &mut Vec<PrefixId>,
    ) -> usize {
        let mut left = most;
        for family in Family::ALL {
            let places = self.scans[slot(family)].next(left);
            left -= places.len();
            for place in places {
                let id = PrefixId::from_index(place, family == Family::Ipv6Unicast);
                for each in self.table.paths(id) {
                    rib.attributes.release(each.told.attributes);
                    if !rib.uses(id) {
                        unused.push(id);
                    }
                }
            }
        }
        left
    }
}
