//! Map memory, as the daemon reads it: without a system call.

use std::io;
use std::marker::PhantomData;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use aya::Ebpf;
use aya::maps::{Map, MapData};
use bytemuck::Pod;

/// An mmapable array of `T`, read only. Elements are as far apart as the kernel puts them: sizes are rounded up
/// to eight bytes.
pub(crate) struct Mapped<T> {
    memory: *mut libc::c_void,
    length: usize,
    elements: usize,
    _element: PhantomData<T>,
}

impl<T: Pod> Mapped<T> {
    const STRIDE: usize = size_of::<T>().next_multiple_of(8);

    pub(crate) fn new(ebpf: &Ebpf, name: &str) -> Self {
        let Some(Map::Array(data)) = ebpf.map(name) else {
            panic!("{name} is no array");
        };
        let data: &MapData = data;
        let elements = data.info().unwrap().max_entries() as usize;
        let length = (elements * Self::STRIDE).next_multiple_of(4096);
        let fd = data.fd().as_fd().as_raw_fd();
        // SAFETY: a fresh mapping, read only, of a map's file descriptor.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_SHARED,
                fd,
                0,
            )
        };
        let error = io::Error::last_os_error();
        assert_ne!(memory, libc::MAP_FAILED, "{name}: mmap: {error}");
        Self {
            memory,
            length,
            elements,
            _element: PhantomData,
        }
    }

    pub(crate) fn get(&self, index: usize) -> T {
        assert!(index < self.elements);
        // SAFETY: within the mapping, aligned to eight, and any bytes are a `T`. Volatile: the program writes it.
        unsafe {
            let element = self.memory.byte_add(index * Self::STRIDE);
            element.cast::<T>().read_volatile()
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = T> + '_ {
        (0..self.elements).map(|index| self.get(index))
    }
}

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        // SAFETY: mapped in `new`, not used after.
        unsafe { libc::munmap(self.memory, self.length) };
    }
}
