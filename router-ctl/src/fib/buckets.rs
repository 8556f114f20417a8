//! Resilient bucket tables: which member of a path list owns which bucket.
//!
//! A flow's hash picks a bucket, so a flow moves exactly when its bucket changes hands. Shares are weights
//! rounded by largest remainder. A table that loses a member hands out that member's buckets and touches
//! no other; a new member takes its share from those that hold more than theirs. What rounding leaves
//! over stays where it is, so that no bucket moves for the sake of a fraction.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The smallest and the largest table of a list with several members, and buckets for each member.
const SMALLEST: usize = 128;
const LARGEST: usize = 4096;
const PER_MEMBER: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Share<T> {
    pub(super) member: T,
    pub(super) weight: u32,
}

/// Buckets that a list of these members needs: one for a single member, else a power of two with room for
/// every member and for the smallest weight.
pub(super) fn table_size<T>(members: &[Share<T>]) -> usize {
    if members.len() < 2 {
        return 1;
    }
    let total = total_weight(members);
    let smallest = members
        .iter()
        .map(|share| u64::from(share.weight))
        .min()
        .unwrap_or(1);
    let for_weights = usize::try_from(total.div_ceil(smallest.max(1))).unwrap_or(LARGEST);
    (members.len() * PER_MEMBER)
        .max(for_weights)
        .clamp(SMALLEST, LARGEST)
        .next_power_of_two()
}

fn total_weight<T>(shares: &[Share<T>]) -> u64 {
    shares.iter().map(|share| u64::from(share.weight)).sum()
}

/// A table and the shares it was last balanced for, sorted by member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Buckets<T> {
    slots: Vec<T>,
    shares: Vec<Share<T>>,
}

impl<T: Copy + Ord> Buckets<T> {
    /// A new table, each member's buckets side by side. There is at least one share.
    pub(super) fn fill(shares: &[Share<T>], size: usize) -> Self {
        let shares = sorted(shares);
        let mut buckets = Self {
            slots: Vec::new(),
            shares: Vec::new(),
        };
        let targets = buckets.targets(&shares, &vec![0; shares.len()], size);
        for (share, target) in shares.iter().zip(targets) {
            buckets
                .slots
                .extend(std::iter::repeat_n(share.member, target));
        }
        buckets.shares = shares;
        buckets
    }

    /// A table as it was found. It counts as balanced for whatever shares it seems to have.
    pub(super) fn found(slots: Vec<T>) -> Self {
        let mut buckets = Self {
            slots,
            shares: Vec::new(),
        };
        let mut members = buckets.slots.clone();
        members.sort_unstable();
        members.dedup();
        buckets.shares = members
            .into_iter()
            .map(|member| Share {
                member,
                weight: u32::try_from(buckets.held(member)).unwrap_or(u32::MAX),
            })
            .collect();
        buckets
    }

    pub(super) fn slots(&self) -> &[T] {
        &self.slots
    }

    pub(super) fn size(&self) -> usize {
        self.slots.len()
    }

    /// Members that own a share, ascending.
    pub(super) fn members(&self) -> impl Iterator<Item = T> + '_ {
        self.shares.iter().map(|share| share.member)
    }

    pub(super) fn contains(&self, member: T) -> bool {
        self.shares
            .binary_search_by_key(&member, |share| share.member)
            .is_ok()
    }

    pub(super) fn is_balanced_for(&self, shares: &[Share<T>]) -> bool {
        self.shares == sorted(shares)
    }

    /// Buckets that a member owns.
    pub(super) fn held(&self, member: T) -> usize {
        self.slots.iter().filter(|&&slot| slot == member).count()
    }

    /// Repeats the table until it has `size` buckets, a larger power of two: every flow stays.
    pub(super) fn grow(&mut self, size: usize) {
        while self.slots.len() < size {
            self.slots.extend_from_within(..);
        }
    }

    /// Puts one member in another's place; no share changes.
    pub(super) fn rename(&mut self, old: T, new: T) {
        for slot in &mut self.slots {
            if *slot == old {
                *slot = new;
            }
        }
        for share in &mut self.shares {
            if share.member == old {
                share.member = new;
            }
        }
        self.shares = sorted(&self.shares);
    }

    /// Accepts the table as balanced for `shares` if it may have been: every bucket belongs to one of them and
    /// none holds more than its share rounded up, which is what [`rebalance`](Self::rebalance) guarantees.
    pub(super) fn accept(&mut self, shares: &[Share<T>]) -> bool {
        let shares = sorted(shares);
        let total = total_weight(&shares);
        let size = self.slots.len() as u64;
        let fair = self.members().all(|member| {
            shares
                .binary_search_by_key(&member, |share| share.member)
                .is_ok()
        }) && shares.iter().all(|share| {
            let rounded_up = (size * u64::from(share.weight)).div_ceil(total.max(1));
            self.held(share.member) as u64 <= rounded_up
        });
        if fair {
            self.shares = shares;
        }
        fair
    }

    /// Moves the fewest buckets that make the table right for `shares`, of which there is at least one.
    pub(super) fn rebalance(&mut self, shares: &[Share<T>]) {
        let shares = sorted(shares);
        let owner = |slot: &T| shares.binary_search_by_key(slot, |share| share.member);
        let mut held = vec![0; shares.len()];
        for position in self.slots.iter().filter_map(|slot| owner(slot).ok()) {
            held[position] += 1;
        }
        let targets = if self.only_lost(&shares) {
            self.targets_after_loss(&shares, &held)
        } else {
            self.targets(&shares, &held, self.slots.len())
        };
        let mut missing: Vec<T> = Vec::new();
        for (position, share) in shares.iter().enumerate() {
            let lacks = targets[position].saturating_sub(held[position]);
            missing.extend(std::iter::repeat_n(share.member, lacks));
        }
        let mut missing = missing.into_iter();
        for slot in &mut self.slots {
            match owner(slot) {
                Ok(position) if held[position] <= targets[position] => continue,
                Ok(position) => held[position] -= 1,
                Err(_) => {}
            }
            match missing.next() {
                Some(member) => *slot = member,
                None => break,
            }
        }
        self.shares = shares;
    }

    /// Whether flows of this table that go over to `next` move only where they must: off a member that `next`
    /// has not, or to one that this table has not.
    pub(super) fn agrees_with(&self, next: &Self) -> bool {
        let mask = self.slots.len() - 1;
        let next_mask = next.slots.len() - 1;
        (0..self.slots.len().max(next.slots.len())).all(|hash| {
            let (from, to) = (self.slots[hash & mask], next.slots[hash & next_mask]);
            from == to || !next.contains(from) || !self.contains(to)
        })
    }

    /// Whether `shares` are some of the present ones with their weights' ratios unchanged.
    fn only_lost(&self, shares: &[Share<T>]) -> bool {
        let mut ratio = None;
        shares.iter().all(|share| {
            let Ok(position) = self
                .shares
                .binary_search_by_key(&share.member, |share| share.member)
            else {
                return false;
            };
            let (new, old) = (
                u64::from(share.weight),
                u64::from(self.shares[position].weight),
            );
            let (first_new, first_old) = *ratio.get_or_insert((new, old));
            new * first_old == first_new * old
        })
    }

    /// Shares by largest remainder. What rounding leaves over first stays with those that hold it, goes next
    /// to those whose buckets move anyway, and last to those that would gain for nothing but rounding.
    fn targets(&self, shares: &[Share<T>], held: &[usize], size: usize) -> Vec<usize> {
        let total = total_weight(shares).max(1);
        let exact = |position: usize| size as u64 * u64::from(shares[position].weight);
        let down = |position: usize| usize::try_from(exact(position) / total).unwrap_or(size);
        let mut targets: Vec<usize> = (0..shares.len()).map(down).collect();
        let left = size - targets.iter().sum::<usize>();
        let mut order: Vec<usize> = (0..shares.len()).collect();
        order.sort_by_key(|&position| {
            let remainder = exact(position) % total;
            let (held, target) = (held[position], targets[position]);
            let rank = match remainder {
                0 => 3,
                _ if held == target + 1 => 0,
                _ if held == target && !self.slots.is_empty() => 2,
                _ => 1,
            };
            (rank, Reverse(remainder))
        });
        for &position in order.iter().take(left) {
            targets[position] += 1;
        }
        targets
    }

    /// What the lost members held goes, one bucket at a time, to who lacks most.
    fn targets_after_loss(&self, shares: &[Share<T>], held: &[usize]) -> Vec<usize> {
        let total = total_weight(shares).max(1);
        let size = self.slots.len();
        let mut targets = held.to_vec();
        let mut lacks: BinaryHeap<(i64, Reverse<usize>)> = (0..shares.len())
            .map(|position| {
                let exact = size as u64 * u64::from(shares[position].weight);
                let present = held[position] as u64 * total;
                (
                    exact.cast_signed() - present.cast_signed(),
                    Reverse(position),
                )
            })
            .collect();
        for _ in held.iter().sum::<usize>()..size {
            let Some((lack, position)) = lacks.pop() else {
                break;
            };
            targets[position.0] += 1;
            lacks.push((lack - total.cast_signed(), position));
        }
        targets
    }
}

fn sorted<T: Copy + Ord>(shares: &[Share<T>]) -> Vec<Share<T>> {
    let mut shares = shares.to_vec();
    shares.sort_unstable_by_key(|share| share.member);
    shares
}

#[cfg(test)]
mod tests;
