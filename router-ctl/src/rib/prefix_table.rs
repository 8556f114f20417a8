//! A value for each prefix, found by its number. Like `PrefixVec`, but it lies in chunks: a table of a million
//! prefixes grows without copying and without a second table's worth of memory.

use crate::prefix::PrefixId;

const CHUNK: usize = 4096;

#[derive(Clone, Debug)]
pub(super) struct PrefixTable<T> {
    v4: Vec<Box<[T]>>,
    v6: Vec<Box<[T]>>,
    /// One more than the highest number of each family that was asked for.
    bounds: [usize; 2],
}

impl<T> Default for PrefixTable<T> {
    fn default() -> Self {
        Self {
            v4: Vec::new(),
            v6: Vec::new(),
            bounds: [0; 2],
        }
    }
}

impl<T: Clone + Default> PrefixTable<T> {
    pub(super) fn get(&self, id: PrefixId) -> Option<&T> {
        let chunks = if id.is_ipv6() { &self.v6 } else { &self.v4 };
        let chunk = chunks.get(id.index() / CHUNK)?;
        Some(&chunk[id.index() % CHUNK])
    }

    /// The value of `id`, created with the default when it is not there yet.
    pub(super) fn entry(&mut self, id: PrefixId) -> &mut T {
        let bound = &mut self.bounds[usize::from(id.is_ipv6())];
        *bound = (*bound).max(id.index() + 1);
        let chunks = if id.is_ipv6() {
            &mut self.v6
        } else {
            &mut self.v4
        };
        let chunk = id.index() / CHUNK;
        while chunks.len() <= chunk {
            chunks.push(vec![T::default(); CHUNK].into_boxed_slice());
        }
        &mut chunks[chunk][id.index() % CHUNK]
    }

    /// Every value, those that nobody asked for included.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.v4
            .iter()
            .chain(&self.v6)
            .flat_map(|chunk| chunk.iter())
    }

    /// Upper bound of the numbers in use.
    pub(super) fn bound(&self, ipv6: bool) -> usize {
        self.bounds[usize::from(ipv6)]
    }

    pub(super) fn memory_bytes(&self) -> usize {
        (self.v4.len() + self.v6.len()) * CHUNK * size_of::<T>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_apart_and_chunks_are_made_on_demand() {
        let mut table = PrefixTable::default();
        let v4 = PrefixId::from_index(CHUNK + 1, false);
        let v6 = PrefixId::from_index(CHUNK + 1, true);
        *table.entry(v4) = 5;
        assert_eq!((table.get(v4), table.get(v6)), (Some(&5), None));
        assert_eq!(table.get(PrefixId::from_index(0, false)), Some(&0));
        assert_eq!((table.bound(false), table.bound(true)), (CHUNK + 2, 0));
        *table.entry(v6) += 1;
        assert_eq!((table.get(v4), table.get(v6)), (Some(&5), Some(&1)));
    }
}
