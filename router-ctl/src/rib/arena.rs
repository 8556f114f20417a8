//! Values addressed by a number of four bytes. They lie in chunks, so that growth neither copies them nor
//! doubles the memory of a full table, and freed places are used again.

use std::num::NonZeroU32;

/// A place in an [`Arena`]. Never zero, so that an optional handle takes four bytes too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Handle(NonZeroU32);

impl Handle {
    fn at(index: usize) -> Self {
        let number = u32::try_from(index + 1).expect("fewer than 2^32 values fit into memory");
        Self(NonZeroU32::new(number).expect("one was added"))
    }

    pub(super) fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

const CHUNK: usize = 4096;

#[derive(Debug)]
pub(super) struct Arena<T> {
    chunks: Vec<Vec<T>>,
    free: Vec<Handle>,
    places: usize,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            places: 0,
        }
    }
}

impl<T> Arena<T> {
    pub(super) fn insert(&mut self, value: T) -> Handle {
        if let Some(handle) = self.free.pop() {
            *self.get_mut(handle) = value;
            return handle;
        }
        let handle = Handle::at(self.places);
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(value),
            _ => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(value);
                self.chunks.push(chunk);
            }
        }
        self.places += 1;
        handle
    }

    /// Gives the place back. Its value stays until the place is used again.
    pub(super) fn free(&mut self, handle: Handle) {
        self.free.push(handle);
    }

    pub(super) fn get(&self, handle: Handle) -> &T {
        let index = handle.index();
        &self.chunks[index / CHUNK][index % CHUNK]
    }

    pub(super) fn get_mut(&mut self, handle: Handle) -> &mut T {
        let index = handle.index();
        &mut self.chunks[index / CHUNK][index % CHUNK]
    }

    /// Values in use.
    pub(super) fn len(&self) -> usize {
        self.places - self.free.len()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<T>() + self.free.capacity() * size_of::<Handle>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freed_places_are_used_again_and_chunks_are_crossed() {
        let mut arena = Arena::default();
        let handles: Vec<_> = (0..CHUNK + 2).map(|value| arena.insert(value)).collect();
        assert_eq!(*arena.get(handles[CHUNK + 1]), CHUNK + 1);
        arena.free(handles[7]);
        assert_eq!(arena.len(), CHUNK + 1);
        assert_eq!(arena.insert(99), handles[7]);
        assert_eq!(*arena.get(handles[7]), 99);
        assert_eq!(size_of::<Option<Handle>>(), 4);
    }
}
