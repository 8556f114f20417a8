//! A mapped BPF array. The writer stores words into it without a system call, and a word is what a packet
//! sees whole: an element of 4 bytes is one word, longer ones are words of 8 bytes.
//!
//! The kernel rounds an element up to 8 bytes, so elements of 4 lie 8 apart. Mapped pages count as memory of
//! the process; therefore only stretches that were written stay mapped, and [`Array::read`] maps for as long
//! as it reads.

use std::io;
use std::marker::PhantomData;
use std::mem::size_of;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;

use bytemuck::Pod;

use super::bpf::{self, Mapping};

/// Bytes mapped at once; a multiple of every page size in use.
const STRETCH: usize = 256 * 1024;
const WORD: usize = 8;

#[derive(Debug)]
pub(super) struct Array<T> {
    map: OwnedFd,
    elements: u32,
    stretches: Vec<Option<Mapping>>,
    element: PhantomData<fn() -> T>,
}

impl<T: Pod> Array<T> {
    const STRIDE: usize = size_of::<T>().next_multiple_of(WORD);

    /// # Errors
    /// When elements of the map are not of the size of `T`.
    pub(super) fn new(map: OwnedFd) -> io::Result<Self> {
        const { assert!(size_of::<T>() == 4 || size_of::<T>().is_multiple_of(WORD)) }
        let shape = bpf::map_shape(map.as_fd())?;
        if shape.value_size as usize != size_of::<T>() {
            return Err(io::Error::other(format!(
                "elements of {} bytes where {} are meant",
                shape.value_size,
                size_of::<T>()
            )));
        }
        let bytes = shape.max_entries as usize * Self::STRIDE;
        Ok(Self {
            map,
            elements: shape.max_entries,
            stretches: (0..bytes.div_ceil(STRETCH)).map(|_| None).collect(),
            element: PhantomData,
        })
    }

    pub(super) fn elements(&self) -> u32 {
        self.elements
    }

    /// Writes the words of an element that differ from `value`, each in one store with release order.
    ///
    /// # Errors
    /// When there is no such element.
    pub(super) fn store(&mut self, index: u32, value: &T) -> io::Result<()> {
        let offset = self.offset(index)?;
        let bytes = bytemuck::bytes_of(value);
        if let Ok(word) = <[u8; 4]>::try_from(bytes) {
            let stretch = self.stretch(offset)?;
            let (word, at) = (u32::from_ne_bytes(word), stretch.word32(offset % STRETCH));
            at.store(word, Ordering::Release);
            return Ok(());
        }
        for (number, &word) in bytes.as_chunks::<WORD>().0.iter().enumerate() {
            let offset = offset + number * WORD;
            let (word, at) = (
                u64::from_ne_bytes(word),
                self.stretch(offset)?.word64(offset % STRETCH),
            );
            if at.load(Ordering::Relaxed) != word {
                at.store(word, Ordering::Release);
            }
        }
        Ok(())
    }

    /// # Errors
    /// When there is no such element.
    pub(super) fn load(&mut self, index: u32) -> io::Result<T> {
        let offset = self.offset(index)?;
        let (mapping, offset) = (self.stretch(offset)?, offset % STRETCH);
        if offset + Self::STRIDE <= STRETCH {
            return Ok(Self::element_at(mapping, offset));
        }
        let mut value = T::zeroed();
        self.read(index..index + 1, |_, found| value = found)?;
        Ok(value)
    }

    /// Reads a range of elements in order.
    ///
    /// # Errors
    /// When the range is not inside the array.
    pub(super) fn read(&self, range: Range<u32>, mut each: impl FnMut(u32, T)) -> io::Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        self.offset(range.end - 1)?;
        let step = u32::try_from(STRETCH / Self::STRIDE).map_err(io::Error::other)?;
        let page = bpf::page_size();
        for start in range.clone().step_by(step as usize) {
            let end = range.end.min(start.saturating_add(step));
            let first = start as usize * Self::STRIDE;
            let base = first - first % page;
            let length = (end as usize * Self::STRIDE - base).next_multiple_of(page);
            let mapping = Mapping::new(self.map.as_fd(), base as u64, length)?;
            for index in start..end {
                each(
                    index,
                    Self::element_at(&mapping, index as usize * Self::STRIDE - base),
                );
            }
        }
        Ok(())
    }

    /// Unmaps what earlier writes left mapped.
    pub(super) fn unmap(&mut self) {
        self.stretches.fill_with(|| None);
    }

    fn element_at(mapping: &Mapping, offset: usize) -> T {
        let mut value = T::zeroed();
        let bytes = bytemuck::bytes_of_mut(&mut value);
        if size_of::<T>() == 4 {
            let word = mapping.word32(offset).load(Ordering::Acquire);
            bytes.copy_from_slice(&word.to_ne_bytes());
        } else {
            for (number, chunk) in bytes.as_chunks_mut::<WORD>().0.iter_mut().enumerate() {
                let word = mapping
                    .word64(offset + number * WORD)
                    .load(Ordering::Acquire);
                *chunk = word.to_ne_bytes();
            }
        }
        value
    }

    fn offset(&self, index: u32) -> io::Result<usize> {
        if index < self.elements {
            Ok(index as usize * Self::STRIDE)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{index} is beyond its {} elements", self.elements),
            ))
        }
    }

    /// The mapping that holds the byte at `offset`.
    fn stretch(&mut self, offset: usize) -> io::Result<&Mapping> {
        let number = offset / STRETCH;
        if self.stretches[number].is_none() {
            let base = number * STRETCH;
            let left = self.elements as usize * Self::STRIDE - base;
            let length = left.min(STRETCH).next_multiple_of(bpf::page_size());
            self.stretches[number] = Some(Mapping::new(self.map.as_fd(), base as u64, length)?);
        }
        self.stretches[number]
            .as_ref()
            .ok_or_else(|| io::Error::other("not mapped"))
    }
}
