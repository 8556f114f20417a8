//! The key of a group, and keys that it had before.
//!
//! A group whose key changes while its members' sessions stay has told each prefix in the form of one key or
//! another. Its table is looked at once more from end to end; until a prefix has had its turn, what was told about
//! it is in the form of the former key. So the difference to tell is always known, also when the key changes again
//! on the way.

use crate::prefix::PrefixId;
use crate::rib::export::GroupKey;
use crate::rib::prefix_set::PrefixSet;

/// Given out once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FormNumber(pub(super) u32);

/// A key during the time in which a group tells by it.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) number: FormNumber,
    pub(super) key: GroupKey,
}

#[derive(Clone, Debug)]
pub(super) struct Forms {
    current: Form,
    /// Those in which a member may still know something.
    earlier: Vec<Form>,
    /// Changes that have not reached every prefix, the oldest first.
    changes: Vec<Change>,
}

/// From one form to the next.
#[derive(Clone, Debug)]
struct Change {
    from: FormNumber,
    renewed: PrefixSet,
}

impl Forms {
    pub(super) fn new(form: Form) -> Self {
        Self {
            current: form,
            earlier: Vec::new(),
            changes: Vec::new(),
        }
    }

    pub(super) fn current(&self) -> &Form {
        &self.current
    }

    pub(super) fn key(&self) -> &GroupKey {
        &self.current.key
    }

    /// A form that a table or a member still refers to.
    pub(super) fn get(&self, number: FormNumber) -> &Form {
        let mut earlier = self.earlier.iter();
        earlier
            .find(|form| form.number == number)
            .unwrap_or(&self.current)
    }

    /// The form in which the group was told about a prefix.
    pub(super) fn of(&self, id: PrefixId) -> FormNumber {
        let mut changes = self.changes.iter();
        changes
            .find(|change| !change.renewed.contains(id))
            .map_or(self.current.number, |change| change.from)
    }

    /// Whatever was told is to be told in another form.
    pub(super) fn change(&mut self, form: Form) {
        let before = std::mem::replace(&mut self.current, form);
        self.changes.push(Change {
            from: before.number,
            renewed: PrefixSet::default(),
        });
        self.earlier.push(before);
    }

    /// What was told about a prefix is in the current form.
    pub(super) fn renew(&mut self, id: PrefixId) {
        for change in &mut self.changes {
            change.renewed.insert(id);
        }
    }

    pub(super) fn is_changing(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Every prefix has had its turn.
    pub(super) fn finish_change(&mut self) {
        self.changes.clear();
    }

    pub(super) fn has_earlier(&self) -> bool {
        !self.earlier.is_empty()
    }

    /// No table and no member refers to an earlier form.
    pub(super) fn forget_earlier(&mut self) {
        if self.changes.is_empty() {
            self.earlier = Vec::new();
        }
    }

    /// Those of a group whose members join this one with what they know.
    pub(super) fn absorb(&mut self, other: Self) {
        self.earlier.extend(other.earlier);
        self.earlier.push(other.current);
    }
}
