//! The kernel's LPM tries, one a family: the reference engine. A write is a system call's share of a batch;
//! a deletion leaves the covering prefix in charge at once.
//!
//! The kernel allocates a trie's nodes from lists that are refilled in the background, so a burst of writes
//! may fail with ENOMEM while memory is free; such a write is tried again. Before Linux 6.13 a full trie also
//! refuses to replace a value (ENOSPC), though that needs no room.

use std::io;
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use bytemuck::Pod;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use router_common::map;
use router_common::prefix::{PrefixV4, PrefixV6};
use router_common::route::RouteId;

use super::super::bpf::{Stopped, Table};
use super::super::{DataplaneError, OpFailure};
use super::{Engine, Steps};

/// Elements of one system call.
const BATCH: usize = 4096;
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(1);

pub(in super::super) struct LpmTrie {
    v4: Trie<PrefixV4>,
    v6: Trie<PrefixV6>,
}

impl LpmTrie {
    /// # Errors
    /// When the maps are not what the names say.
    pub(in super::super) fn new(v4: OwnedFd, v6: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            v4: Trie::new(map::LPM_V4, map::MAX_PREFIXES_V4, v4)?,
            v6: Trie::new(map::LPM_V6, map::MAX_PREFIXES_V6, v6)?,
        })
    }
}

impl Engine for LpmTrie {
    fn name(&self) -> &'static str {
        "lpm-trie"
    }

    fn bind(&mut self, steps: Steps<'_, RouteId>, failures: &mut Vec<OpFailure>) {
        let (v4, v6) = by_family(steps);
        self.v4.bind(v4, failures);
        self.v6.bind(v6, failures);
    }

    fn unbind(&mut self, steps: Steps<'_, ()>, failures: &mut Vec<OpFailure>) {
        let (v4, v6) = by_family(steps);
        self.v4.unbind(v4, failures);
        self.v6.unbind(v6, failures);
    }

    fn dump(&self) -> Result<Vec<(IpNet, RouteId)>, DataplaneError> {
        let mut bindings = self.v4.dump()?;
        bindings.extend(self.v6.dump()?);
        Ok(bindings)
    }
}

type Keyed<K, T> = Vec<(K, usize, T)>;

fn by_family<T>(steps: Steps<'_, T>) -> (Keyed<PrefixV4, T>, Keyed<PrefixV6, T>) {
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for step in steps {
        match step.prefix {
            IpNet::V4(net) => v4.push((net.into(), step.position, step.change)),
            IpNet::V6(net) => v6.push((net.into(), step.position, step.change)),
        }
    }
    (v4, v6)
}

/// A trie key that neighbours in the table are near to when sorted.
trait Key: Pod + Eq {
    type Order: Ord;
    fn order(&self) -> Self::Order;
    fn net(&self) -> Option<IpNet>;
}

impl Key for PrefixV4 {
    type Order = (u32, u32);

    fn order(&self) -> Self::Order {
        (u32::from_be_bytes(self.address), self.length)
    }

    fn net(&self) -> Option<IpNet> {
        let length = u8::try_from(self.length).ok()?;
        Some(Ipv4Net::new(self.address.into(), length).ok()?.into())
    }
}

impl Key for PrefixV6 {
    type Order = (u128, u32);

    fn order(&self) -> Self::Order {
        (u128::from_be_bytes(self.address), self.length)
    }

    fn net(&self) -> Option<IpNet> {
        let length = u8::try_from(self.length).ok()?;
        Some(Ipv6Net::new(self.address.into(), length).ok()?.into())
    }
}

struct Trie<K> {
    name: &'static str,
    capacity: u32,
    table: Table<K, RouteId>,
}

impl<K: Key> Trie<K> {
    fn new(name: &'static str, capacity: u32, map: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            name,
            capacity,
            table: Table::new(map)?,
        })
    }

    /// Sorted writes walk the same nodes again while they are in the cache. The sort is stable: the last of
    /// equal prefixes stays last.
    fn bind(&self, mut steps: Keyed<K, RouteId>, failures: &mut Vec<OpFailure>) {
        steps.sort_by_key(|(key, ..)| key.order());
        let keys: Vec<K> = steps.iter().map(|&(key, ..)| key).collect();
        let routes: Vec<RouteId> = steps.iter().map(|&(.., route)| route).collect();
        let write =
            |from: usize, to: usize| self.table.update_batch(&keys[from..to], &routes[from..to]);
        let write_one = |at: usize| self.write_one(&keys[at], routes[at]);
        in_batches(keys.len(), write, write_one, |at, error| {
            let (key, position, _) = &steps[at];
            failures.push(OpFailure {
                position: *position,
                error: self.bind_error(key, error),
            });
        });
    }

    fn unbind(&self, mut steps: Keyed<K, ()>, failures: &mut Vec<OpFailure>) {
        steps.sort_by_key(|(key, ..)| key.order());
        let keys: Vec<K> = steps.iter().map(|&(key, ..)| key).collect();
        let delete = |from: usize, to: usize| self.table.delete_batch(&keys[from..to]);
        let delete_one = |at: usize| patiently(|| self.table.delete(&keys[at]));
        in_batches(keys.len(), delete, delete_one, |at, error| {
            failures.push(OpFailure {
                position: steps[at].1,
                error: self.error("take a prefix out", error),
            });
        });
    }

    fn dump(&self) -> Result<Vec<(IpNet, RouteId)>, DataplaneError> {
        let mut bindings = Vec::new();
        let mut keys = vec![K::zeroed(); BATCH];
        let mut routes = vec![RouteId::NO_ROUTE; BATCH];
        let mut cursor = None;
        loop {
            let (count, next) = self
                .table
                .read_batch(cursor, &mut keys, &mut routes)
                .map_err(|error| self.error("read", error))?;
            let read = keys.iter().zip(&routes).take(count);
            bindings.extend(read.filter_map(|(key, &route)| Some((key.net()?, route))));
            match next {
                Some(_) if count > 0 => cursor = next,
                _ => return Ok(bindings),
            }
        }
    }

    fn write_one(&self, key: &K, route: RouteId) -> io::Result<()> {
        match patiently(|| self.table.update(key, &route)) {
            Err(error) if is(&error, libc::ENOSPC) && self.contains(key)? => {
                self.replace(key, route)
            }
            result => result,
        }
    }

    /// Replaces a value in a full trie of an older kernel. The covering prefix serves for the moment between.
    fn replace(&self, key: &K, route: RouteId) -> io::Result<()> {
        patiently(|| self.table.delete(key))?;
        patiently(|| self.table.update(key, &route))
    }

    /// Whether the trie has exactly this prefix. What follows an absent key is the trie's first one, and the
    /// first one follows no key.
    fn contains(&self, key: &K) -> io::Result<bool> {
        Ok(self.table.next_key(Some(key))? != self.table.next_key(None)?)
    }

    fn bind_error(&self, key: &K, error: io::Error) -> DataplaneError {
        match key.net() {
            Some(prefix) if is(&error, libc::ENOSPC) => DataplaneError::Full {
                map: self.name,
                capacity: self.capacity,
                prefix,
            },
            _ => self.error("bind a prefix", error),
        }
    }

    fn error(&self, action: &'static str, source: io::Error) -> DataplaneError {
        DataplaneError::Map {
            map: self.name,
            action,
            source,
        }
    }
}

/// Runs `0..length` through `batch`; the element that stops a batch is tried alone, and the rest goes on
/// behind it.
fn in_batches(
    length: usize,
    batch: impl Fn(usize, usize) -> Result<(), Stopped>,
    alone: impl Fn(usize) -> io::Result<()>,
    mut failed: impl FnMut(usize, io::Error),
) {
    let mut from = 0;
    while from < length {
        let to = length.min(from + BATCH);
        from = match batch(from, to) {
            Ok(()) => to,
            Err(stopped) => {
                let at = from + stopped.done;
                if let Err(error) = alone(at) {
                    failed(at, error);
                }
                at + 1
            }
        };
    }
}

/// Tries again what fails for want of a moment: an allocation from a list that is being refilled, a lock.
fn patiently(mut attempt: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    for _ in 1..ATTEMPTS {
        match attempt() {
            Err(error) if is_passing(&error) => thread::sleep(PAUSE),
            result => return result,
        }
    }
    attempt()
}

fn is_passing(error: &io::Error) -> bool {
    [
        libc::ENOMEM,
        libc::EAGAIN,
        libc::EBUSY,
        libc::EDEADLK,
        libc::ETIMEDOUT,
    ]
    .into_iter()
    .any(|code| is(error, code))
}

fn is(error: &io::Error, code: i32) -> bool {
    error.raw_os_error() == Some(code)
}

#[cfg(test)]
mod tests;
