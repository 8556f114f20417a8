//! Where a walk over all prefixes of one family stands. A cause for a new look at every prefix can come at any
//! moment; the walk then goes on from where it is, round to the same place, so that each cause costs one round
//! at most and several share one.

use std::ops::Range;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    ahead: Range<usize>,
    /// The beginning of the table, still to be done after `ahead`.
    behind: Range<usize>,
}

impl Scan {
    /// Every one of the `length` entries must be visited after now. Entries added later need no visit.
    pub(super) fn restart(&mut self, length: usize) {
        let position = if self.is_active() {
            self.ahead.start.min(length)
        } else {
            0
        };
        self.ahead = position..length;
        self.behind = 0..position;
    }

    pub(super) fn is_active(&self) -> bool {
        !self.ahead.is_empty() || !self.behind.is_empty()
    }

    /// The next entries to visit, at most `most`.
    pub(super) fn next(&mut self, most: usize) -> Range<usize> {
        if self.ahead.is_empty() {
            self.ahead = std::mem::take(&mut self.behind);
        }
        let end = self.ahead.end.min(self.ahead.start.saturating_add(most));
        let visit = self.ahead.start..end;
        self.ahead.start = end;
        visit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit_all(scan: &mut Scan) -> Vec<usize> {
        let mut visited = Vec::new();
        while scan.is_active() {
            visited.extend(scan.next(3));
        }
        visited
    }

    #[test]
    fn one_round_visits_each_entry_once() {
        let mut scan = Scan::default();
        assert!(!scan.is_active());
        scan.restart(7);
        assert_eq!(visit_all(&mut scan), [0, 1, 2, 3, 4, 5, 6]);
        scan.restart(2);
        assert_eq!(visit_all(&mut scan), [0, 1]);
    }

    #[test]
    fn a_cause_during_a_round_extends_it_to_a_whole_one() {
        let mut scan = Scan::default();
        scan.restart(7);
        scan.next(3);
        scan.restart(8);
        assert_eq!(visit_all(&mut scan), [3, 4, 5, 6, 7, 0, 1, 2]);
    }

    #[test]
    fn a_cause_in_the_second_half_is_met_too() {
        let mut scan = Scan::default();
        scan.restart(6);
        scan.next(4);
        scan.restart(6);
        scan.next(2);
        assert_eq!(scan.next(2), 0..2);
        scan.restart(6);
        assert_eq!(visit_all(&mut scan), [2, 3, 4, 5, 0, 1]);
    }
}
