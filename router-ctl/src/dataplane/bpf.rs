//! The bpf(2) and mmap calls that aya has no words for, and the only raw ones: batch operations on maps,
//! mapped arrays, an RCU grace period, links that are updated in place.
//!
//! A [`Table`] is a map whose key and value sizes were compared with the kernel's when it was made, so that
//! the kernel never reads or writes beyond a value of ours.

use std::ffi::CString;
use std::io;
use std::marker::PhantomData;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

use aya_obj::generated::{
    bpf_attach_type, bpf_attr, bpf_cmd, bpf_link_info, bpf_link_type, bpf_map_info, bpf_map_type,
    bpf_prog_info,
};
use bytemuck::Pod;

fn bpf(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<i32> {
    // SAFETY: `attr` lives through the call and is as long as we say. The pointers inside it were made by the
    // callers below from slices and values that outlive the call and are as long as the kernel takes them for.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command as libc::c_long,
            std::ptr::from_mut(attr),
            size_of::<bpf_attr>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    i32::try_from(result).map_err(io::Error::other)
}

fn bpf_fd(command: bpf_cmd, attr: &mut bpf_attr) -> io::Result<OwnedFd> {
    let fd = bpf(command, attr)?;
    // SAFETY: the command returned a descriptor that nobody else has.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Its fields are written one by one: a variant that is written whole brings its padding, and the kernel
/// refuses bytes behind a command's last field that are not zero.
fn empty_attr() -> bpf_attr {
    // SAFETY: all variants are integers and arrays of them; zero is a value of each.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

fn raw(fd: BorrowedFd<'_>) -> u32 {
    u32::try_from(fd.as_raw_fd()).expect("an open descriptor is not negative")
}

fn address<T>(value: *const T) -> u64 {
    value as u64
}

/// What the kernel says of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MapShape {
    pub(super) map_type: u32,
    pub(super) key_size: u32,
    pub(super) value_size: u32,
    pub(super) max_entries: u32,
    pub(super) flags: u32,
}

/// What the kernel says of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkInfo {
    pub(super) id: u32,
    pub(super) program: u32,
    /// The interface of an XDP link, 0 when it is gone; `None` for links of another kind.
    pub(super) xdp_ifindex: Option<u32>,
}

fn info<T: Copy>(fd: BorrowedFd<'_>) -> io::Result<T> {
    // SAFETY: used below with the kernel's info structs alone, which are integers and unions of them.
    let mut info: T = unsafe { MaybeUninit::zeroed().assume_init() };
    let mut attr = empty_attr();
    attr.info.bpf_fd = raw(fd);
    attr.info.info_len = u32::try_from(size_of::<T>()).map_err(io::Error::other)?;
    attr.info.info = address(&raw mut info);
    bpf(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut attr)?;
    Ok(info)
}

pub(super) fn map_shape(map: BorrowedFd<'_>) -> io::Result<MapShape> {
    let info: bpf_map_info = info(map)?;
    Ok(MapShape {
        map_type: info.type_,
        key_size: info.key_size,
        value_size: info.value_size,
        max_entries: info.max_entries,
        flags: info.map_flags,
    })
}

pub(super) fn link_info(link: BorrowedFd<'_>) -> io::Result<LinkInfo> {
    let info: bpf_link_info = info(link)?;
    // SAFETY: the kernel fills this variant for an XDP link; any bits are an integer.
    let ifindex = unsafe { info.__bindgen_anon_1.xdp.ifindex };
    let is_xdp = info.type_ == bpf_link_type::BPF_LINK_TYPE_XDP as u32;
    Ok(LinkInfo {
        id: info.id,
        program: info.prog_id,
        xdp_ifindex: is_xdp.then_some(ifindex),
    })
}

/// The name of a loaded program (the kernel keeps 15 characters of it).
pub(super) fn program_name(id: u32) -> io::Result<String> {
    let program = fd_by_id(bpf_cmd::BPF_PROG_GET_FD_BY_ID, id)?;
    let info: bpf_prog_info = info(program.as_fd())?;
    let name = info.name.map(|byte| byte.cast_unsigned());
    let end = name
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(name.len());
    Ok(String::from_utf8_lossy(&name[..end]).into_owned())
}

fn fd_by_id(command: bpf_cmd, id: u32) -> io::Result<OwnedFd> {
    let mut attr = empty_attr();
    attr.__bindgen_anon_6.__bindgen_anon_1.start_id = id;
    bpf_fd(command, &mut attr)
}

/// Every link on the host that can be looked at.
pub(super) fn links() -> impl Iterator<Item = LinkInfo> {
    let mut last = 0;
    std::iter::from_fn(move || {
        let mut attr = empty_attr();
        attr.__bindgen_anon_6.__bindgen_anon_1.start_id = last;
        bpf(bpf_cmd::BPF_LINK_GET_NEXT_ID, &mut attr).ok()?;
        // SAFETY: the command writes this field, an integer.
        last = unsafe { attr.__bindgen_anon_6.next_id };
        Some(last)
    })
    .filter_map(|id| {
        let link = fd_by_id(bpf_cmd::BPF_LINK_GET_FD_BY_ID, id).ok()?;
        link_info(link.as_fd()).ok()
    })
}

fn path_attr(path: &Path) -> io::Result<(CString, bpf_attr)> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut attr = empty_attr();
    attr.__bindgen_anon_4.pathname = address(path.as_ptr());
    Ok((path, attr))
}

/// Opens what is pinned at `path`.
pub(super) fn open_pin(path: &Path) -> io::Result<OwnedFd> {
    let (_path, mut attr) = path_attr(path)?;
    bpf_fd(bpf_cmd::BPF_OBJ_GET, &mut attr)
}

/// Pins a map, a program or a link at `path`.
pub(super) fn pin(object: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let (_path, mut attr) = path_attr(path)?;
    attr.__bindgen_anon_4.bpf_fd = raw(object);
    bpf(bpf_cmd::BPF_OBJ_PIN, &mut attr).map(drop)
}

/// Attaches an XDP program to an interface of the current network namespace.
pub(super) fn create_xdp_link(
    program: BorrowedFd<'_>,
    ifindex: u32,
    flags: u32,
) -> io::Result<OwnedFd> {
    let mut attr = empty_attr();
    attr.link_create.__bindgen_anon_1.prog_fd = raw(program);
    attr.link_create.__bindgen_anon_2.target_ifindex = ifindex;
    attr.link_create.attach_type = bpf_attach_type::BPF_XDP as u32;
    attr.link_create.flags = flags;
    bpf_fd(bpf_cmd::BPF_LINK_CREATE, &mut attr)
}

/// Puts another program behind a link, without a moment in between.
pub(super) fn update_link(link: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let mut attr = empty_attr();
    attr.link_update.link_fd = raw(link);
    attr.link_update.__bindgen_anon_1.new_prog_fd = raw(program);
    bpf(bpf_cmd::BPF_LINK_UPDATE, &mut attr).map(drop)
}

/// Detaches a link whoever else holds it.
pub(super) fn detach_link(link: BorrowedFd<'_>) -> io::Result<()> {
    let mut attr = empty_attr();
    attr.link_detach.link_fd = raw(link);
    bpf(bpf_cmd::BPF_LINK_DETACH, &mut attr).map(drop)
}

fn create_array(map_type: bpf_map_type, inner: Option<BorrowedFd<'_>>) -> io::Result<OwnedFd> {
    let mut attr = empty_attr();
    attr.__bindgen_anon_1.map_type = map_type as u32;
    attr.__bindgen_anon_1.key_size = 4;
    attr.__bindgen_anon_1.value_size = 4;
    attr.__bindgen_anon_1.max_entries = 1;
    attr.__bindgen_anon_1.inner_map_fd = inner.map_or(0, raw);
    bpf_fd(bpf_cmd::BPF_MAP_CREATE, &mut attr)
}

/// Waits until every program run that was going on has ended. A write to a map of maps returns after
/// `synchronize_rcu`, and it is the only call that promises so; this one puts back what was there.
#[derive(Debug)]
pub(super) struct GracePeriod {
    outer: OwnedFd,
    inner: OwnedFd,
}

impl GracePeriod {
    pub(super) fn new() -> io::Result<Self> {
        let inner = create_array(bpf_map_type::BPF_MAP_TYPE_ARRAY, None)?;
        let outer = create_array(
            bpf_map_type::BPF_MAP_TYPE_ARRAY_OF_MAPS,
            Some(inner.as_fd()),
        )?;
        Ok(Self { outer, inner })
    }

    pub(super) fn wait(&self) -> io::Result<()> {
        update_element(self.outer.as_fd(), &0u32, &raw(self.inner.as_fd()))
    }
}

fn element_attr<K>(map: BorrowedFd<'_>, key: Option<&K>, value: u64) -> bpf_attr {
    let mut attr = empty_attr();
    attr.__bindgen_anon_2.map_fd = raw(map);
    attr.__bindgen_anon_2.key = key.map_or(0, |key| address(key));
    attr.__bindgen_anon_2.__bindgen_anon_1.value = value;
    attr
}

fn update_element<K: Pod, V: Pod>(map: BorrowedFd<'_>, key: &K, value: &V) -> io::Result<()> {
    let mut attr = element_attr(map, Some(key), address(value));
    bpf(bpf_cmd::BPF_MAP_UPDATE_ELEM, &mut attr).map(drop)
}

/// A batch that stopped: `done` elements were taken, the one behind them was not. Why is learnt by trying that
/// one alone.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) done: usize,
}

/// A map with keys and values of known types.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    map: OwnedFd,
    types: PhantomData<fn(K) -> V>,
}

impl<K: Pod, V: Pod> Table<K, V> {
    /// # Errors
    /// When the sizes are not those of the map.
    pub(super) fn new(map: OwnedFd) -> io::Result<Self> {
        let shape = map_shape(map.as_fd())?;
        if shape.key_size as usize != size_of::<K>() || shape.value_size as usize != size_of::<V>()
        {
            return Err(io::Error::other(format!(
                "keys of {} and values of {} bytes where {} and {} are meant",
                shape.key_size,
                shape.value_size,
                size_of::<K>(),
                size_of::<V>()
            )));
        }
        Ok(Self {
            map,
            types: PhantomData,
        })
    }

    pub(super) fn update(&self, key: &K, value: &V) -> io::Result<()> {
        update_element(self.map.as_fd(), key, value)
    }

    pub(super) fn delete(&self, key: &K) -> io::Result<()> {
        let mut attr = element_attr(self.map.as_fd(), Some(key), 0);
        bpf(bpf_cmd::BPF_MAP_DELETE_ELEM, &mut attr).map(drop)
    }

    /// The key that follows `key` in the map's own order, or its first one.
    pub(super) fn next_key(&self, key: Option<&K>) -> io::Result<Option<K>> {
        let mut next = K::zeroed();
        let mut attr = element_attr(self.map.as_fd(), key, address(&raw mut next));
        match bpf(bpf_cmd::BPF_MAP_GET_NEXT_KEY, &mut attr) {
            Ok(_) => Ok(Some(next)),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes `keys` with their `values`, up to the first that fails.
    pub(super) fn update_batch(&self, keys: &[K], values: &[V]) -> Result<(), Stopped> {
        assert_eq!(keys.len(), values.len(), "one value for each key");
        self.batch(
            bpf_cmd::BPF_MAP_UPDATE_BATCH,
            keys,
            address(values.as_ptr()),
        )
    }

    /// Deletes `keys`, up to the first that fails.
    pub(super) fn delete_batch(&self, keys: &[K]) -> Result<(), Stopped> {
        self.batch(bpf_cmd::BPF_MAP_DELETE_BATCH, keys, 0)
    }

    fn batch(&self, command: bpf_cmd, keys: &[K], values: u64) -> Result<(), Stopped> {
        let Ok(count) = u32::try_from(keys.len()) else {
            return Err(Stopped { done: 0 });
        };
        let mut attr = empty_attr();
        attr.batch.keys = address(keys.as_ptr());
        attr.batch.values = values;
        attr.batch.count = count;
        attr.batch.map_fd = raw(self.map.as_fd());
        if bpf(command, &mut attr).is_ok() {
            return Ok(());
        }
        // SAFETY: an integer that the kernel overwrote. It does so even on failure, but for failures that it
        // finds before it begins; those leave the count that was given.
        let done = unsafe { attr.batch.count };
        Err(Stopped {
            done: if done < count { done as usize } else { 0 },
        })
    }

    /// Reads what follows `cursor` into `keys` and `values`: how many, and the cursor to go on from, which is
    /// `None` at the end.
    pub(super) fn read_batch(
        &self,
        cursor: Option<K>,
        keys: &mut [K],
        values: &mut [V],
    ) -> io::Result<(usize, Option<K>)> {
        let capacity = u32::try_from(keys.len().min(values.len())).map_err(io::Error::other)?;
        let mut next = K::zeroed();
        let mut attr = empty_attr();
        attr.batch.in_batch = cursor.as_ref().map_or(0, |cursor| address(cursor));
        attr.batch.out_batch = address(&raw mut next);
        attr.batch.keys = address(keys.as_mut_ptr());
        attr.batch.values = address(values.as_mut_ptr());
        attr.batch.count = capacity;
        attr.batch.map_fd = raw(self.map.as_fd());
        let result = bpf(bpf_cmd::BPF_MAP_LOOKUP_BATCH, &mut attr);
        // SAFETY: an integer, ours or the kernel's.
        let count = unsafe { attr.batch.count } as usize;
        match result {
            Ok(_) => Ok((count, Some(next))),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok((count, None)),
            Err(error) => Err(error),
        }
    }
}

/// A stretch of a mapped array. Its words are shared with the kernel and other processes, so they are
/// atomics; each access is checked against the length.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the memory belongs to the kernel, stays mapped until drop, and is only reached through atomics.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `length` bytes from `offset` on; both are multiples of the page size.
    pub(super) fn new(map: BorrowedFd<'_>, offset: u64, length: usize) -> io::Result<Self> {
        let offset = libc::off_t::try_from(offset).map_err(io::Error::other)?;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory that is in use.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                map.as_raw_fd(),
                offset,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let start = NonNull::new(start.cast()).ok_or_else(|| io::Error::other("mapped at zero"))?;
        Ok(Self { start, length })
    }

    fn word<T>(&self, offset: usize) -> &T {
        assert!(
            offset.is_multiple_of(size_of::<T>()) && offset + size_of::<T>() <= self.length,
            "word at byte {offset} of a mapping of {}",
            self.length
        );
        // SAFETY: in bounds and aligned (a mapping starts on a page) by the line above; used below with
        // atomic integers alone, for which any bits are a value and sharing is what they are for.
        unsafe { self.start.add(offset).cast().as_ref() }
    }

    pub(super) fn word32(&self, offset: usize) -> &AtomicU32 {
        self.word(offset)
    }

    pub(super) fn word64(&self, offset: usize) -> &AtomicU64 {
        self.word(offset)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: ours since `new`, and no reference into it outlives `self`. It cannot fail for a mapping that exists.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

pub(super) fn page_size() -> usize {
    // SAFETY: asks for a constant of the system.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).expect("every system has a page size")
}
