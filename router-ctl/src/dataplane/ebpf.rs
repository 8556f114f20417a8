//! [`Dataplane`] over the maps of the XDP program.
//!
//! Routes, path lists, buckets and next hops are written by stores through mmap, one word each, the bindings
//! by the engine in batches. Every level is written before the level above points at it because the
//! operations come in that order and are run in that order.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytemuck::Pod;
use ipnet::IpNet;
use router_common::map;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;
use router_common::settings::Settings;
use router_common::verdict::Verdict;

use super::array::Array;
use super::bpf::GracePeriod;
use super::counters::{Folder, Reader, SharedReader};
use super::engine::lpm_trie::LpmTrie;
use super::engine::{Engine, Step};
use super::loader::{self, Loaded};
use super::log::{self, LogTask};
use super::pins::{self, Pins};
use super::ports::Ports;
use super::{
    Counters, Dataplane, DataplaneError, OpFailure, OpenOptions, OpenReport, Port, PortStatus,
    UnloadReport, attach, environment,
};
use crate::fib::op::{FibOp, Installed};
use crate::host::IfIndex;

/// Bindings that the engine is given at once. It sorts them, which pays more the longer the run is, and holds
/// some 40 bytes for each meanwhile.
const LONGEST_RUN: usize = 1 << 17;

pub struct Ebpf {
    pins: Pins,
    program: OwnedFd,
    engine: Box<dyn Engine>,
    routes: Array<PathListId>,
    path_lists: Array<PathList>,
    buckets: Array<NextHopId>,
    next_hops: Array<NextHop>,
    ports: Ports,
    grace: GracePeriod,
    folder: Folder,
    reader: Arc<Reader>,
    /// Route ids below this one may have been used since the maps were created.
    routes_end: Arc<AtomicU32>,
    report: OpenReport,
    hash_seed: u32,
    _log: Option<LogTask>,
}

impl Ebpf {
    /// Loads the program, or adopts what an earlier start left pinned below the options' directory.
    ///
    /// # Errors
    /// What is missing, or what is pinned there that this version cannot use.
    pub fn open(options: &OpenOptions) -> Result<Self, DataplaneError> {
        environment::check(&options.bpffs)?;
        let pins = Pins::lock(&options.bpffs)?;
        let Loaded {
            maps,
            program,
            mut object,
            adopted,
        } = loader::load(&pins)?;
        let mut report = OpenReport {
            adopted,
            other_versions: pins.other_versions()?,
            ..OpenReport::default()
        };
        let ports = Ports::open(&maps, &pins, program.as_fd(), &mut report)?;
        let settings = maps
            .array::<Settings>(map::SETTINGS)?
            .load(0)
            .map_err(map_error(map::SETTINGS, "read"))?;
        let routes: Array<PathListId> = maps.array(map::ROUTES)?;
        let routes_end = Arc::new(AtomicU32::new(used_routes(&routes)?));
        let engine = LpmTrie::new(maps.map(map::LPM_V4)?, maps.map(map::LPM_V6)?)
            .map_err(map_error(map::LPM_V4, "open"))?;
        let mut ebpf = Self {
            engine: Box::new(engine),
            routes,
            path_lists: maps.array(map::PATH_LISTS)?,
            buckets: maps.array(map::BUCKETS)?,
            next_hops: maps.array(map::NEXT_HOPS)?,
            ports,
            grace: GracePeriod::new().map_err(map_error(map::SETTINGS, "wait for the program"))?,
            folder: Folder::open(&maps)?,
            reader: Arc::new(Reader::open(&maps, Arc::clone(&routes_end))?),
            routes_end,
            report,
            hash_seed: settings.hash_seed,
            _log: log::start(&mut object),
            pins,
            program,
        };
        for index in ebpf.report.gone.clone() {
            ebpf.remove_port(index)?;
        }
        Ok(ebpf)
    }

    /// What [`open`](Self::open) found and did.
    pub fn report(&self) -> &OpenReport {
        &self.report
    }

    /// The directory that holds the pins.
    pub fn pin_directory(&self) -> std::path::PathBuf {
        self.pins.current()
    }

    /// Runs the operations that `ops` begins with, and says how many they are: equal steps that the engine
    /// takes in one go, or one.
    fn run(&mut self, ops: &[FibOp], position: usize, failures: &mut Vec<OpFailure>) -> usize {
        let binds = leading(ops, bind);
        if binds > 0 {
            let mut steps = steps(&ops[..binds], position, bind);
            self.engine.bind(&mut steps, failures);
            return binds;
        }
        let unbinds = leading(ops, unbind);
        if unbinds > 0 {
            let mut steps = steps(&ops[..unbinds], position, unbind);
            self.engine.unbind(&mut steps, failures);
            return unbinds;
        }
        if let Some(op) = ops.first()
            && let Err(error) = self.run_one(op)
        {
            failures.push(OpFailure { position, error });
        }
        1
    }

    fn run_one(&mut self, op: &FibOp) -> Result<(), DataplaneError> {
        match op {
            FibOp::PutNextHop { id, next_hop } => {
                put(&mut self.next_hops, map::NEXT_HOPS, id.0, next_hop)
            }
            FibOp::PutBuckets { offset, next_hops } => self.put_buckets(*offset, next_hops),
            FibOp::PutPathList { id, list } => {
                put(&mut self.path_lists, map::PATH_LISTS, id.0, list)
            }
            FibOp::PutRoute { id, path_list } => {
                put(&mut self.routes, map::ROUTES, id.0, path_list)?;
                self.routes_end.fetch_max(id.0 + 1, Ordering::AcqRel);
                Ok(())
            }
            FibOp::Grace => self
                .grace
                .wait()
                .map_err(map_error(map::ROUTES, "wait for the program")),
            FibOp::FreeRoute { id } => {
                put(&mut self.routes, map::ROUTES, id.0, &PathListId::NO_ROUTE)?;
                self.folder
                    .retire_route(*id)
                    .map_err(map_error(map::ROUTE_COUNTERS, "fold a route's counters"))
            }
            FibOp::FreePathList { id } => {
                let no_route = PathList { offset: 0, mask: 0 };
                put(&mut self.path_lists, map::PATH_LISTS, id.0, &no_route)
            }
            FibOp::FreeBuckets { offset, count } => {
                let no_route = vec![NextHopId::NO_ROUTE; *count as usize];
                self.put_buckets(*offset, &no_route)
            }
            FibOp::FreeNextHop { id } => {
                let no_route = NextHop::terminal(Verdict::PassNoRoute);
                put(&mut self.next_hops, map::NEXT_HOPS, id.0, &no_route)
            }
            FibOp::Bind { .. } | FibOp::Unbind { .. } => Ok(()),
        }
    }

    fn put_buckets(&mut self, offset: u32, next_hops: &[NextHopId]) -> Result<(), DataplaneError> {
        let room = self.buckets.elements().saturating_sub(offset) as usize;
        if next_hops.len() > room {
            return Err(map_error(map::BUCKETS, "write")(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{} buckets from {offset} on do not fit", next_hops.len()),
            )));
        }
        for (bucket, next_hop) in (offset..).zip(next_hops) {
            put(&mut self.buckets, map::BUCKETS, bucket, next_hop)?;
        }
        Ok(())
    }
}

impl Dataplane for Ebpf {
    fn apply(&mut self, ops: &[FibOp]) -> Vec<OpFailure> {
        let mut failures = Vec::new();
        let mut position = 0;
        while position < ops.len() {
            position += self.run(&ops[position..], position, &mut failures);
        }
        self.folder.rest();
        failures
    }

    fn dump(&self) -> Result<Installed, DataplaneError> {
        let bindings = self.engine.dump()?;
        let routes = read_to(
            &self.routes,
            map::ROUTES,
            bindings.iter().map(|&(_, route)| Some(route.0)),
        )?;
        let bound = bindings
            .iter()
            .filter_map(|&(_, route)| routes.get(route.0 as usize));
        let path_lists = read_to(
            &self.path_lists,
            map::PATH_LISTS,
            bound.clone().map(|list| Some(list.0)),
        )?;
        let mut lists: BTreeMap<PathListId, PathList> = BTreeMap::new();
        for id in bound {
            if let Some(&list) = path_lists.get(id.0 as usize) {
                lists.insert(*id, list);
            }
        }
        let ends = lists
            .values()
            .map(|list| list.offset.checked_add(list.mask));
        let buckets = read_to(&self.buckets, map::BUCKETS, ends)?;
        let named = lists.values().flat_map(|list| {
            let first = list.offset as usize;
            buckets[first..=first + list.mask as usize].iter()
        });
        let next_hops = read_to(&self.next_hops, map::NEXT_HOPS, named.map(|id| Some(id.0)))?;
        Ok(Installed {
            bindings,
            routes,
            path_lists,
            buckets,
            next_hops,
        })
    }

    fn put_port(&mut self, port: &Port) -> Result<(), DataplaneError> {
        self.ports.put(port, self.program.as_fd(), &self.pins)
    }

    fn remove_port(&mut self, index: IfIndex) -> Result<(), DataplaneError> {
        self.ports.remove(index, &self.grace, &mut self.folder)
    }

    fn ports(&self) -> Vec<PortStatus> {
        self.ports.status()
    }

    fn engine(&self) -> &'static str {
        self.engine.name()
    }

    fn hash_seed(&self) -> u32 {
        self.hash_seed
    }

    fn counters(&self) -> Box<dyn Counters> {
        Box::new(SharedReader(Arc::clone(&self.reader)))
    }
}

/// Detaches the program from every interface and unpins what routers of any ABI version pinned in `bpffs`.
///
/// # Errors
/// When a router still runs on it, or a pin cannot be removed.
pub fn unload(bpffs: &Path) -> Result<UnloadReport, DataplaneError> {
    environment::check_rights()?;
    let mut report = UnloadReport::default();
    environment::check_bpffs(bpffs)?;
    if !bpffs.exists() {
        return Ok(report);
    }
    let pins = Pins::lock(bpffs)?;
    for directory in pins.versions()? {
        for (pin, _) in pins::links_in(&directory)? {
            report.detached.extend(attach::detach_pin(&pin)?);
            report.unpinned.push(pin);
        }
        pins::remove_tree(&directory, &mut report.unpinned)
            .map_err(|error| pins::at(&directory, &error))?;
    }
    pins.remove_root();
    Ok(report)
}

fn map_error(map: &'static str, action: &'static str) -> impl Fn(io::Error) -> DataplaneError {
    move |source| DataplaneError::Map {
        map,
        action,
        source,
    }
}

fn put<T: Pod>(
    array: &mut Array<T>,
    name: &'static str,
    index: u32,
    value: &T,
) -> Result<(), DataplaneError> {
    array.store(index, value).map_err(map_error(name, "write"))
}

fn bind(op: &FibOp) -> Option<(IpNet, RouteId)> {
    if let FibOp::Bind { prefix, route } = op {
        Some((*prefix, *route))
    } else {
        None
    }
}

fn unbind(op: &FibOp) -> Option<(IpNet, ())> {
    if let FibOp::Unbind { prefix } = op {
        Some((*prefix, ()))
    } else {
        None
    }
}

/// How many operations of one kind `ops` begins with, as far as they are taken in one go.
fn leading<T>(ops: &[FibOp], kind: fn(&FibOp) -> Option<T>) -> usize {
    ops.iter()
        .take(LONGEST_RUN)
        .take_while(|op| kind(op).is_some())
        .count()
}

fn steps<T>(
    ops: &[FibOp],
    position: usize,
    kind: fn(&FibOp) -> Option<(IpNet, T)>,
) -> impl Iterator<Item = Step<T>> {
    ops.iter()
        .filter_map(kind)
        .zip(position..)
        .map(|((prefix, change), position)| Step {
            position,
            prefix,
            change,
        })
}

/// Elements from 0 up to the highest of `indices`; `None` among them is an index that overflowed.
fn read_to<T: Pod>(
    array: &Array<T>,
    name: &'static str,
    indices: impl Iterator<Item = Option<u32>>,
) -> Result<Vec<T>, DataplaneError> {
    let damaged = || map_error(name, "read")(io::Error::from(io::ErrorKind::InvalidData));
    let mut end = 0;
    for index in indices {
        let index = index.ok_or_else(damaged)?;
        end = end.max(index.checked_add(1).ok_or_else(damaged)?);
    }
    let mut elements = Vec::with_capacity(end as usize);
    array
        .read(0..end, |_, element| elements.push(element))
        .map_err(map_error(name, "read"))?;
    Ok(elements)
}

/// One more than the highest route id that names a path list.
fn used_routes(routes: &Array<PathListId>) -> Result<u32, DataplaneError> {
    let mut end = RouteId::FIRST.0;
    routes
        .read(0..routes.elements(), |id, list| {
            if list != PathListId::NO_ROUTE {
                end = id + 1;
            }
        })
        .map_err(map_error(map::ROUTES, "read"))?;
    Ok(end.max(RouteId::FIRST.0))
}
