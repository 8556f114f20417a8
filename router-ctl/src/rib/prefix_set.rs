//! A set of prefixes, one bit each, and a queue that holds each prefix at most once.

use std::collections::VecDeque;

use crate::prefix::PrefixId;

#[derive(Clone, Debug, Default)]
pub(super) struct PrefixSet {
    v4: Vec<u64>,
    v6: Vec<u64>,
}

impl PrefixSet {
    /// Whether `id` was not there before.
    pub(super) fn insert(&mut self, id: PrefixId) -> bool {
        let (word, bit) = place(id);
        let words = self.words_mut(id);
        if words.len() <= word {
            words.resize(word + 1, 0);
        }
        let new = words[word] & bit == 0;
        words[word] |= bit;
        new
    }

    pub(super) fn remove(&mut self, id: PrefixId) {
        let (word, bit) = place(id);
        if let Some(word) = self.words_mut(id).get_mut(word) {
            *word &= !bit;
        }
    }

    pub(super) fn contains(&self, id: PrefixId) -> bool {
        let (word, bit) = place(id);
        let words = if id.is_ipv6() { &self.v6 } else { &self.v4 };
        words.get(word).is_some_and(|word| word & bit != 0)
    }

    /// The lowest of its family.
    pub(super) fn first(&self, ipv6: bool) -> Option<PrefixId> {
        let words = if ipv6 { &self.v6 } else { &self.v4 };
        let (index, word) = words.iter().enumerate().find(|(_, word)| **word != 0)?;
        let bit = word.trailing_zeros() as usize;
        Some(PrefixId::from_index(index * 64 + bit, ipv6))
    }

    fn words_mut(&mut self, id: PrefixId) -> &mut Vec<u64> {
        if id.is_ipv6() {
            &mut self.v6
        } else {
            &mut self.v4
        }
    }
}

fn place(id: PrefixId) -> (usize, u64) {
    (id.index() / 64, 1 << (id.index() % 64))
}

/// First in, first out; a prefix that waits is not queued again.
#[derive(Clone, Debug, Default)]
pub(super) struct PrefixQueue {
    waiting: PrefixSet,
    order: VecDeque<PrefixId>,
}

impl PrefixQueue {
    pub(super) fn push(&mut self, id: PrefixId) {
        if self.waiting.insert(id) {
            self.order.push_back(id);
        }
    }

    pub(super) fn pop(&mut self) -> Option<PrefixId> {
        let id = self.order.pop_front()?;
        self.waiting.remove(id);
        if self.order.is_empty() {
            // A burst's memory is not kept for the rest of the day.
            self.order.shrink_to(4096);
        }
        Some(id)
    }

    pub(super) fn contains(&self, id: PrefixId) -> bool {
        self.waiting.contains(id)
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiting_prefix_is_queued_once_and_can_come_again() {
        let mut queue = PrefixQueue::default();
        let v4 = PrefixId::from_index(70, false);
        let v6 = PrefixId::from_index(70, true);
        for id in [v4, v6, v4] {
            queue.push(id);
        }
        assert_eq!(queue.waiting.first(false), Some(v4));
        assert_eq!((queue.len(), queue.pop()), (2, Some(v4)));
        assert!(queue.contains(v6) && !queue.contains(v4));
        queue.push(v4);
        assert_eq!(
            (queue.pop(), queue.pop(), queue.pop()),
            (Some(v6), Some(v4), None)
        );
    }
}
