//! Dense numbers below a limit. A number that is given back is handed out again before a new one.

#[derive(Clone, Debug)]
pub(super) struct IdPool {
    next: u32,
    limit: u32,
    free: Vec<u32>,
}

impl IdPool {
    /// A pool from which `used` are taken already, in any order, each any number of times.
    pub(super) fn with_used(first: u32, limit: u32, used: impl Iterator<Item = u32>) -> Self {
        let mut taken = Vec::new();
        for id in used.filter(|&id| id >= first) {
            let position = (id - first) as usize;
            if taken.len() <= position {
                taken.resize(position + 1, false);
            }
            taken[position] = true;
        }
        let free = (first..)
            .zip(&taken)
            .filter(|&(_, &taken)| !taken)
            .map(|(id, _)| id)
            .collect();
        let count = u32::try_from(taken.len()).expect("ids are 32 bits wide");
        Self {
            next: first + count,
            limit,
            free,
        }
    }

    pub(super) fn take(&mut self) -> Option<u32> {
        if let Some(id) = self.free.pop() {
            return Some(id);
        }
        (self.next < self.limit).then(|| {
            self.next += 1;
            self.next - 1
        })
    }

    pub(super) fn give_back(&mut self, id: u32) {
        self.free.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_dense_bounded_and_reused() {
        let mut pool = IdPool::with_used(2, 4, std::iter::empty());
        assert_eq!(
            (pool.take(), pool.take(), pool.take()),
            (Some(2), Some(3), None)
        );
        pool.give_back(2);
        assert_eq!((pool.take(), pool.take()), (Some(2), None));
    }

    #[test]
    fn a_pool_with_used_numbers_fills_the_holes() {
        let mut pool = IdPool::with_used(1, 6, [4, 2, 2, 0].into_iter());
        let mut rest: Vec<_> = std::iter::from_fn(|| pool.take()).collect();
        rest.sort_unstable();
        assert_eq!(rest, [1, 3, 5]);
    }
}
