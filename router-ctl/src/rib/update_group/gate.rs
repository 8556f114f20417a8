//! Prefixes whose choice may not be told yet, or not at all, because the data plane has the last word.

use crate::prefix::PrefixId;
use crate::rib::prefix_set::PrefixSet;

#[derive(Debug, Default)]
pub(super) struct Gate {
    waiting: PrefixSet,
    refused: PrefixSet,
}

impl Gate {
    pub(super) fn wait(&mut self, id: PrefixId) {
        self.waiting.insert(id);
    }

    pub(super) fn refuse(&mut self, id: PrefixId) {
        self.waiting.remove(id);
        self.refused.insert(id);
    }

    pub(super) fn open(&mut self, id: PrefixId) {
        self.waiting.remove(id);
        self.refused.remove(id);
    }

    pub(super) fn is_waiting(&self, id: PrefixId) -> bool {
        self.waiting.contains(id)
    }

    pub(super) fn is_refused(&self, id: PrefixId) -> bool {
        self.refused.contains(id)
    }
}
