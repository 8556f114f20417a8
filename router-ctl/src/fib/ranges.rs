//! Room for bucket tables: power-of-two runs, each aligned to its own size, split in two when smaller ones
//! are needed and joined again when both halves are free.

use std::collections::BTreeSet;

/// A run of `1 << order` buckets; `offset` is a multiple of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    pub(super) offset: u32,
    pub(super) order: u8,
}

impl Range {
    pub(super) fn size(self) -> u32 {
        1 << self.order
    }

    pub(super) fn mask(self) -> u32 {
        self.size() - 1
    }

    /// The smallest order that holds `count` buckets.
    pub(super) fn order_for(count: usize) -> u8 {
        u8::try_from(count.next_power_of_two().trailing_zeros()).expect("at most 64")
    }

    fn buddy(self) -> Self {
        Self {
            offset: self.offset ^ self.size(),
            order: self.order,
        }
    }

    fn parent(self) -> Self {
        Self {
            offset: self.offset & !self.size(),
            order: self.order + 1,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Ranges {
    /// Offsets of free runs, by order.
    free: Vec<BTreeSet<u32>>,
    used: usize,
}

impl Ranges {
    /// Room for `capacity` buckets, a power of two.
    pub(super) fn new(capacity: u32) -> Self {
        let top = Range::order_for(capacity as usize);
        let mut free = vec![BTreeSet::new(); usize::from(top) + 1];
        free[usize::from(top)].insert(0);
        Self { free, used: 0 }
    }

    pub(super) fn take(&mut self, order: u8) -> Option<Range> {
        let (from, offset) = (order..)
            .zip(self.free.get(usize::from(order)..)?)
            .find_map(|(from, offsets)| Some((from, *offsets.first()?)))?;
        self.carve(
            Range {
                offset,
                order: from,
            },
            Range { offset, order },
        );
        Some(Range { offset, order })
    }

    /// Takes this very run; false when some of it is taken, out of bounds or not aligned.
    pub(super) fn reserve(&mut self, range: Range) -> bool {
        let mut around = range;
        while usize::from(around.order) < self.free.len()
            && around.offset.is_multiple_of(around.size())
        {
            if self.free[usize::from(around.order)].contains(&around.offset) {
                self.carve(around, range);
                return true;
            }
            around = around.parent();
        }
        false
    }

    pub(super) fn give_back(&mut self, range: Range) {
        self.used -= range.size() as usize;
        let mut range = range;
        while usize::from(range.order) + 1 < self.free.len()
            && self.free[usize::from(range.order)].remove(&range.buddy().offset)
        {
            range = range.parent();
        }
        self.free[usize::from(range.order)].insert(range.offset);
    }

    /// Buckets taken.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Takes `range` out of the free run `around`, the rest of which stays free.
    fn carve(&mut self, around: Range, range: Range) {
        self.free[usize::from(around.order)].remove(&around.offset);
        let mut range = range;
        self.used += range.size() as usize;
        while range.order < around.order {
            let buddy = range.buddy();
            self.free[usize::from(buddy.order)].insert(buddy.offset);
            range = range.parent();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_run_that_is_taken_cannot_be_reserved() {
        let mut ranges = Ranges::new(16);
        assert!(ranges.reserve(Range {
            offset: 4,
            order: 2
        }));
        for (offset, order) in [(4, 2), (5, 0), (0, 3), (0, 4), (16, 0), (2, 2), (0, 40)] {
            assert!(!ranges.reserve(Range { offset, order }), "{offset}/{order}");
        }
        assert!(ranges.reserve(Range {
            offset: 3,
            order: 0
        }));
        assert_eq!(ranges.used(), 5);
    }

    proptest! {
        #[test]
        fn runs_never_overlap_and_all_room_comes_back(steps in prop::collection::vec((0u8..5, any::<bool>()), 1..200)) {
            let mut ranges = Ranges::new(64);
            let mut taken: Vec<Range> = Vec::new();
            for (order, give) in steps {
                if give && !taken.is_empty() {
                    ranges.give_back(taken.swap_remove(usize::from(order) % taken.len()));
                } else if let Some(range) = ranges.take(order) {
                    prop_assert_eq!(range.offset % range.size(), 0);
                    prop_assert!(range.offset + range.size() <= 64);
                    for other in &taken {
                        prop_assert!(range.offset + range.size() <= other.offset || other.offset + other.size() <= range.offset);
                    }
                    taken.push(range);
                }
                prop_assert_eq!(ranges.used(), taken.iter().map(|range| range.size() as usize).sum::<usize>());
            }
            for range in taken {
                ranges.give_back(range);
            }
            prop_assert_eq!(ranges.take(6), Some(Range { offset: 0, order: 6 }));
        }
    }
}
