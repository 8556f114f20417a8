//! The frame in the kernel: linear memory where the headers are there, helper calls where they are not.

use aya_ebpf::bindings::xdp_md;
use aya_ebpf::helpers::generated::{bpf_xdp_load_bytes, bpf_xdp_store_bytes};
use aya_ebpf::programs::XdpContext;
use bytemuck::Pod;
use router_ebpf::packet::Frame;
use router_ebpf::rewrite::WriteFrame;
use router_ebpf::verifier::{as_it_stands, forget};

use crate::maps::{HEADERS, HEADERS_LENGTH};

/// The linear part of an XDP buffer. `length` is of the whole frame.
pub(crate) struct Linear {
    start: usize,
    end: usize,
    length: u32,
}

impl Linear {
    /// `None` where headers may lie in the fragments.
    #[inline(always)]
    pub(crate) fn new(ctx: &XdpContext, length: u32) -> Option<Self> {
        let (start, end) = (ctx.data(), ctx.data_end());
        let linear = end.wrapping_sub(start);
        if linear < HEADERS_LENGTH && linear < length as usize {
            return None;
        }
        Some(Self { start, end, length })
    }

    #[inline(always)]
    fn at<T>(&self, offset: usize) -> Option<*mut T> {
        let start = self.start + offset;
        if as_it_stands(start + size_of::<T>()) > self.end {
            return None;
        }
        Some(start as *mut T)
    }
}

impl Frame for Linear {
    #[inline(always)]
    fn length(&self) -> u32 {
        self.length
    }

    #[inline(always)]
    fn read<T: Pod>(&self, offset: usize) -> Option<T> {
        let pointer = self.at::<T>(offset)?;
        // SAFETY: `at` has compared the end of the `T` with the end of the frame.
        Some(unsafe { pointer.read_unaligned() })
    }
}

impl WriteFrame for Linear {
    #[inline(always)]
    fn write<T: Pod>(&mut self, offset: usize, value: T) {
        if let Some(pointer) = self.at::<T>(offset) {
            // SAFETY: as for reading; and the program owns the frame.
            unsafe { pointer.write_unaligned(value) };
        }
    }
}

/// A frame whose headers may lie in its fragments: they are copied together first, and read there.
pub(crate) struct Gathered {
    ctx: *mut xdp_md,
    headers: *const [u8; HEADERS_LENGTH],
    available: usize,
    length: u32,
}

impl Gathered {
    /// `None` where the bytes cannot be had.
    #[inline(always)]
    pub(crate) fn new(ctx: *mut xdp_md, length: u32) -> Option<Self> {
        let headers = HEADERS.get_ptr_mut(0)?;
        let available = forget((length as usize).min(HEADERS_LENGTH), 0x3ff);
        if available == 0 || available > HEADERS_LENGTH {
            return None;
        }
        // SAFETY: the helper writes `available` bytes, which `headers` has room for.
        let status = unsafe { bpf_xdp_load_bytes(ctx, 0, headers.cast(), available as u32) };
        (status == 0).then_some(Self {
            ctx,
            headers,
            available,
            length,
        })
    }
}

impl Frame for Gathered {
    #[inline(always)]
    fn length(&self) -> u32 {
        self.length
    }

    #[inline(always)]
    fn read<T: Pod>(&self, offset: usize) -> Option<T> {
        if offset > HEADERS_LENGTH - size_of::<T>() || offset + size_of::<T>() > self.available {
            return None;
        }
        // SAFETY: the end of the `T` has been compared with the end of what was copied.
        Some(unsafe { self.headers.byte_add(offset).cast::<T>().read_unaligned() })
    }
}

impl WriteFrame for Gathered {
    #[inline(always)]
    fn write<T: Pod>(&mut self, offset: usize, value: T) {
        #[repr(align(8))]
        struct Aligned<T>(T);

        let mut value = Aligned(value);
        // SAFETY: the helper reads the whole of `value`. It cannot fail where the same bytes could be read.
        unsafe {
            bpf_xdp_store_bytes(
                self.ctx,
                offset as u32,
                (&raw mut value).cast(),
                size_of::<T>() as u32,
            );
        }
    }
}
