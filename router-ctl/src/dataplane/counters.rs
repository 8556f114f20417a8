//! Reads the counter rows beside the writer and the program, and folds the rows of what is freed into rows
//! that stay, so that totals never fall.
//!
//! Every CPU has rows of its own. The program adds to them without atomics, so user space only ever writes
//! rows that no program run can hold: those of freed routes and ports, after a grace period, and the rows
//! that they are folded into, which no packet has.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use router_common::counter::{Counter, received_row, route_row, verdict_row};
use router_common::map::{self, MAX_PORTS};
use router_common::port::{PortConfig, PortKey};
use router_common::route::RouteId;
use router_common::verdict::Verdict;

use super::array::Array;
use super::bpf::Table;
use super::loader::Maps;
use super::{Counters, DataplaneError, VerdictCount};
use crate::host::IfIndex;

/// Ports that are gone; shown together with frames of interfaces without an entry.
const RETIRED_PORTS: u32 = 1;
/// The first row that a port may have.
pub(super) const FIRST_PORT: u32 = 2;

/// Entries of `PORTS` read at once; more than there can be.
const PORTS_BATCH: usize = 2 * MAX_PORTS as usize;

/// Routes that are folded before their rows are unmapped: a table that goes does not map all of its rows.
const FOLDS_AT_ONCE: u32 = 4096;

fn no_counters() -> [Counter; Verdict::COUNT as usize] {
    [Counter::default(); Verdict::COUNT as usize]
}

fn add(total: &mut Counter, counter: Counter) {
    total.packets = total.packets.wrapping_add(counter.packets);
    total.bytes = total.bytes.wrapping_add(counter.bytes);
}

/// The maps of the counters, opened for one reader or writer.
struct Rows {
    received: Array<Counter>,
    verdicts: Array<Counter>,
    routes: Array<Counter>,
    cpus: u32,
}

impl Rows {
    fn open(maps: &Maps) -> Result<Self, DataplaneError> {
        let received: Array<Counter> = maps.array(map::RECEIVED)?;
        Ok(Self {
            cpus: received.elements() / MAX_PORTS,
            received,
            verdicts: maps.array(map::VERDICTS)?,
            routes: maps.array(map::ROUTE_COUNTERS)?,
        })
    }
}

/// The reading side, shared with whoever asks.
pub(super) struct Reader {
    rows: Rows,
    ports: Table<PortKey, PortConfig>,
    /// Route ids below this one may have been used.
    routes_end: Arc<AtomicU32>,
}

impl Reader {
    pub(super) fn open(maps: &Maps, routes_end: Arc<AtomicU32>) -> Result<Self, DataplaneError> {
        Ok(Self {
            rows: Rows::open(maps)?,
            ports: maps.table(map::PORTS)?,
            routes_end,
        })
    }

    /// Rows in use with what they are shown as.
    fn port_rows(&self) -> io::Result<Vec<(u32, Option<IfIndex>)>> {
        let ports = port_entries(&self.ports)?;
        let rows = ports
            .into_iter()
            .map(|(key, config)| (config.row, Some(IfIndex(key.ifindex))));
        Ok([(PortConfig::UNKNOWN_ROW, None), (RETIRED_PORTS, None)]
            .into_iter()
            .chain(rows)
            .collect())
    }

    fn read_routes(&self) -> io::Result<Vec<Counter>> {
        let end = self.routes_end.load(Ordering::Acquire);
        let mut totals = vec![Counter::default(); end as usize];
        for cpu in 0..self.rows.cpus {
            let first = route_row(cpu, RouteId(0));
            self.rows.routes.read(first..first + end, |row, counter| {
                if let Some(total) = totals.get_mut((row - first) as usize) {
                    add(total, counter);
                }
            })?;
        }
        Ok(totals)
    }

    fn read_route(&self, route: RouteId) -> io::Result<Counter> {
        let mut total = Counter::default();
        for cpu in 0..self.rows.cpus {
            let row = route_row(cpu, route);
            self.rows
                .routes
                .read(row..row + 1, |_, counter| add(&mut total, counter))?;
        }
        Ok(total)
    }

    /// One counter a verdict, for each of `rows`.
    fn read_verdicts(&self) -> io::Result<Vec<VerdictCount>> {
        let mut counts: Vec<VerdictCount> = Vec::new();
        for (port_row, port) in self.port_rows()? {
            let mut totals = no_counters();
            for cpu in 0..self.rows.cpus {
                let first = verdict_row(cpu, port_row, Verdict::Unset);
                let rows = first..first + Verdict::COUNT;
                self.rows.verdicts.read(rows, |row, counter| {
                    if let Some(total) = totals.get_mut((row - first) as usize) {
                        add(total, counter);
                    }
                })?;
            }
            for (&verdict, counter) in Verdict::ALL.iter().zip(totals) {
                let known = counts
                    .iter_mut()
                    .find(|count| count.port == port && count.verdict == verdict);
                match known {
                    Some(count) => add(&mut count.counter, counter),
                    None if counter == Counter::default() => {}
                    None => counts.push(VerdictCount {
                        port,
                        verdict,
                        counter,
                    }),
                }
            }
        }
        Ok(counts)
    }

    fn read_received(&self) -> io::Result<Vec<(Option<IfIndex>, Counter)>> {
        let mut counts: Vec<(Option<IfIndex>, Counter)> = Vec::new();
        for (port_row, port) in self.port_rows()? {
            let mut total = Counter::default();
            for cpu in 0..self.rows.cpus {
                let row = received_row(cpu, port_row);
                self.rows
                    .received
                    .read(row..row + 1, |_, counter| add(&mut total, counter))?;
            }
            match counts.iter_mut().find(|(known, _)| *known == port) {
                Some((_, counter)) => add(counter, total),
                None => counts.push((port, total)),
            }
        }
        counts.retain(|&(_, counter)| counter != Counter::default());
        Ok(counts)
    }
}

/// The maps are in the kernel and a reader's descriptors are its own: a read fails only for want of memory
/// for a mapping. It is then reported and shown as nothing.
fn or_nothing<T: Default>(read: io::Result<T>) -> T {
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, "the counters cannot be read");
        T::default()
    })
}

impl Counters for Reader {
    fn routes(&self) -> Vec<Counter> {
        or_nothing(self.read_routes())
    }

    fn route(&self, route: RouteId) -> Counter {
        if route.0 >= map::MAX_ROUTES {
            return Counter::default();
        }
        or_nothing(self.read_route(route))
    }

    fn verdicts(&self) -> Vec<VerdictCount> {
        or_nothing(self.read_verdicts())
    }

    fn received(&self) -> Vec<(Option<IfIndex>, Counter)> {
        or_nothing(self.read_received())
    }
}

/// A reader that is handed out many times.
pub(super) struct SharedReader(pub(super) Arc<Reader>);

impl Counters for SharedReader {
    fn routes(&self) -> Vec<Counter> {
        self.0.routes()
    }

    fn route(&self, route: RouteId) -> Counter {
        self.0.route(route)
    }

    fn verdicts(&self) -> Vec<VerdictCount> {
        self.0.verdicts()
    }

    fn received(&self) -> Vec<(Option<IfIndex>, Counter)> {
        self.0.received()
    }
}

/// Folds rows of what is freed. The rows belong to nobody: a grace period has passed since the unlink.
pub(super) struct Folder {
    rows: Rows,
    /// Routes folded since their rows were last unmapped.
    folded: u32,
}

impl Folder {
    pub(super) fn open(maps: &Maps) -> Result<Self, DataplaneError> {
        Ok(Self {
            rows: Rows::open(maps)?,
            folded: 0,
        })
    }

    /// Adds the route's counters to [`RouteId::WITHDRAWN`] and zeroes them.
    pub(super) fn retire_route(&mut self, route: RouteId) -> io::Result<()> {
        for cpu in 0..self.rows.cpus {
            let (from, to) = (route_row(cpu, route), route_row(cpu, RouteId::WITHDRAWN));
            fold(&mut self.rows.routes, from, to)?;
        }
        self.folded += 1;
        if self.folded == FOLDS_AT_ONCE {
            self.rest();
        }
        Ok(())
    }

    /// Adds a port's counters to those of ports that are gone, and zeroes them.
    pub(super) fn retire_port(&mut self, row: u32) -> io::Result<()> {
        for cpu in 0..self.rows.cpus {
            let (from, to) = (received_row(cpu, row), received_row(cpu, RETIRED_PORTS));
            fold(&mut self.rows.received, from, to)?;
            for &verdict in Verdict::ALL {
                let from = verdict_row(cpu, row, verdict);
                fold(
                    &mut self.rows.verdicts,
                    from,
                    verdict_row(cpu, RETIRED_PORTS, verdict),
                )?;
            }
        }
        self.rows.received.unmap();
        self.rows.verdicts.unmap();
        Ok(())
    }

    /// Gives the memory of a run of folds back.
    pub(super) fn rest(&mut self) {
        self.rows.routes.unmap();
        self.folded = 0;
    }
}

/// The sum is written before the zero: a reader in between counts twice rather than backwards.
fn fold(rows: &mut Array<Counter>, from: u32, to: u32) -> io::Result<()> {
    let counter = rows.load(from)?;
    if counter == Counter::default() {
        return Ok(());
    }
    let mut total = rows.load(to)?;
    add(&mut total, counter);
    rows.store(to, &total)?;
    rows.store(from, &Counter::default())
}

/// Every entry of `PORTS`.
pub(super) fn port_entries(
    ports: &Table<PortKey, PortConfig>,
) -> io::Result<Vec<(PortKey, PortConfig)>> {
    let mut found = Vec::new();
    let mut keys = [PortKey::untagged(0); PORTS_BATCH];
    let mut configs = [PortConfig {
        row: 0,
        mac: [0; 6],
        flags: 0,
    }; PORTS_BATCH];
    let mut cursor = None;
    loop {
        let (count, next) = ports.read_batch(cursor, &mut keys, &mut configs)?;
        found.extend(keys.into_iter().zip(configs).take(count));
        match next {
            Some(_) if count > 0 => cursor = next,
            _ => return Ok(found),
        }
    }
}
