//! Creates the maps or adopts those that are pinned, and loads the program with them. The object that was
//! built with this binary says what the maps must be; a pinned map that is anything else is refused.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use aya::programs::{ProgramError, Xdp};
use aya::{Ebpf, EbpfLoader};
use aya_obj::Object;
use aya_obj::generated::BPF_F_RDONLY_PROG;
use bytemuck::Pod;
use router_common::map;
use router_common::next_hop::{NextHop, NextHopId};
use router_common::path_list::{PathList, PathListId};
use router_common::route::RouteId;
use router_common::settings::Settings;
use router_common::verdict::Verdict;

use super::DataplaneError;
use super::array::Array;
use super::bpf::{self, MapShape, Table};
use super::environment::setup_error;
use super::pins::{self, Pins, at};

/// The program's name in the object and of its pin.
pub(super) const PROGRAM: &str = "router_ingress";
const NEW_PROGRAM: &str = "router_ingress_new";

static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/router.bpf.o"));

/// The maps by name.
pub(super) struct Maps(BTreeMap<&'static str, OwnedFd>);

impl Maps {
    fn open(directory: &Path) -> Result<Self, DataplaneError> {
        map::ALL
            .into_iter()
            .map(|name| {
                let path = directory.join(name);
                let map = bpf::open_pin(&path).map_err(|error| at(&path, &error))?;
                Ok((name, map))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// A descriptor of its own for the map.
    pub(super) fn map(&self, name: &'static str) -> Result<OwnedFd, DataplaneError> {
        let map = self
            .0
            .get(name)
            .ok_or_else(|| setup_error(format!("{name}: no such map")))?;
        map.try_clone().map_err(|source| open_error(name, source))
    }

    pub(super) fn array<T: Pod>(&self, name: &'static str) -> Result<Array<T>, DataplaneError> {
        Array::new(self.map(name)?).map_err(|source| open_error(name, source))
    }

    pub(super) fn table<K: Pod, V: Pod>(
        &self,
        name: &'static str,
    ) -> Result<Table<K, V>, DataplaneError> {
        Table::new(self.map(name)?).map_err(|source| open_error(name, source))
    }
}

fn open_error(map: &'static str, source: io::Error) -> DataplaneError {
    DataplaneError::Map {
        map,
        action: "open",
        source,
    }
}

/// Everything that is in the kernel once the program is loaded.
pub(super) struct Loaded {
    pub(super) maps: Maps,
    pub(super) program: OwnedFd,
    /// The object, which holds the log buffer of a trace build.
    pub(super) object: Ebpf,
    pub(super) adopted: bool,
}

/// Loads the program with the pinned maps, or with new ones that are pinned when all of them are ready.
pub(super) fn load(pins: &Pins) -> Result<Loaded, DataplaneError> {
    let shapes = shapes()?;
    let current = pins.current();
    if current.exists() {
        compare(&current, &shapes)?;
        return load_in(&current, &shapes, true);
    }
    let stage = pins.stage()?;
    let filled = load_in(&stage, &shapes, false).and_then(|loaded| {
        write_reserved(&loaded.maps)?;
        pins.publish(&stage)?;
        Ok(loaded)
    });
    if filled.is_err() {
        // The reason why it is not filled is what matters; a leftover is removed by the next start.
        let _ = pins::remove_tree(&stage, &mut Vec::new());
    }
    filled
}

/// What each map must be, by the object. The counters have rows for every CPU that there may be.
fn shapes() -> Result<BTreeMap<&'static str, MapShape>, DataplaneError> {
    let object = Object::parse(OBJECT)
        .map_err(|error| setup_error(format!("the embedded XDP program is damaged: {error}")))?;
    let cpus =
        aya::util::nr_cpus().map_err(|(path, error)| setup_error(format!("{path}: {error}")))?;
    let cpus = u32::try_from(cpus).map_err(|error| setup_error(error.to_string()))?;
    map::ALL
        .into_iter()
        .map(|name| {
            let definition = object.maps.get(name).ok_or_else(|| {
                setup_error(format!("the embedded XDP program has no map {name}"))
            })?;
            let rows_per_cpu = [map::RECEIVED, map::VERDICTS, map::ROUTE_COUNTERS].contains(&name);
            let factor = if rows_per_cpu { cpus } else { 1 };
            let max_entries = definition
                .max_entries()
                .checked_mul(factor)
                .ok_or_else(|| setup_error(format!("{name}: too many rows for {cpus} CPUs")))?;
            let shape = MapShape {
                map_type: definition.map_type(),
                key_size: definition.key_size(),
                value_size: definition.value_size(),
                max_entries,
                flags: definition.map_flags(),
            };
            Ok((name, shape))
        })
        .collect()
}

/// Compares pinned maps with those that this build wants.
fn compare(
    directory: &Path,
    shapes: &BTreeMap<&'static str, MapShape>,
) -> Result<(), DataplaneError> {
    let Maps(maps) = Maps::open(directory).map_err(|error| {
        setup_error(format!(
            "{error}; the pinned maps are incomplete: `router-ctl unload` takes them away, and forwarding with them"
        ))
    })?;
    for (name, map) in &maps {
        let mut found = bpf::map_shape(map.as_fd()).map_err(|source| open_error(name, source))?;
        // The kernel adds this one to device maps.
        found.flags &= !BPF_F_RDONLY_PROG;
        if Some(&found) != shapes.get(name) {
            let wanted = shapes.get(name);
            tracing::debug!(name, ?found, ?wanted, "pinned map differs");
            return Err(setup_error(format!(
                "{}: the pinned map is not what this version needs (type, sizes, entries or flags differ): \
                 `router-ctl unload` takes it away, and forwarding with it",
                directory.join(name).display()
            )));
        }
    }
    Ok(())
}

/// Loads the program with the maps in `directory`, creating and pinning those that are not there.
fn load_in(
    directory: &Path,
    shapes: &BTreeMap<&'static str, MapShape>,
    adopted: bool,
) -> Result<Loaded, DataplaneError> {
    let mut loader = EbpfLoader::new();
    for (&name, shape) in shapes {
        loader.map_pin_path(name, directory.join(name));
        loader.map_max_entries(name, shape.max_entries);
    }
    let refused = |error: &dyn std::error::Error| setup_error(sentence(error));
    let mut object = loader.load(OBJECT).map_err(|error| refused(&error))?;
    let program: &mut Xdp = object
        .program_mut(PROGRAM)
        .ok_or_else(|| setup_error(format!("the embedded object has no program {PROGRAM}")))?
        .try_into()
        .map_err(|error: ProgramError| refused(&error))?;
    program.load().map_err(|error| refused(&error))?;
    let program = program
        .fd()
        .map_err(|error| refused(&error))?
        .as_fd()
        .try_clone_to_owned()
        .map_err(|error| refused(&error))?;
    pin_program(program.as_fd(), directory)?;
    Ok(Loaded {
        maps: Maps::open(directory)?,
        program,
        object,
        adopted,
    })
}

/// What the kernel or aya says of a program that does not load, in one line; the verifier's log goes to the
/// debug log.
fn sentence(error: &dyn std::error::Error) -> String {
    let causes: Vec<String> = std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    let text = causes.join(": ");
    tracing::debug!("{text}");
    let line = text.lines().next().unwrap_or_default();
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    match last.filter(|&last| last != line) {
        Some(last) => format!("the kernel does not take the XDP program: {line} … {last}"),
        None => format!("the kernel does not take the XDP program: {line}"),
    }
}

/// Pins the program under its name, in the place of an older one.
fn pin_program(program: BorrowedFd<'_>, directory: &Path) -> Result<(), DataplaneError> {
    let (new, path) = (directory.join(NEW_PROGRAM), directory.join(PROGRAM));
    if new.exists() {
        fs::remove_file(&new).map_err(|error| at(&new, &error))?;
    }
    bpf::pin(program, &new)
        .and_then(|()| fs::rename(&new, &path))
        .map_err(|error| at(&path, &error))
}

/// What new maps start with: the hash seed, and a destination without a route, from the route down.
fn write_reserved(maps: &Maps) -> Result<(), DataplaneError> {
    let settings = Settings {
        hash_seed: random()?,
        engine: Settings::ENGINE_LPM_TRIE,
    };
    let list = PathList { offset: 0, mask: 0 };
    first_element(maps, map::SETTINGS, &settings)?;
    first_element(
        maps,
        map::NEXT_HOPS,
        &NextHop::terminal(Verdict::PassNoRoute),
    )?;
    first_element(maps, map::BUCKETS, &NextHopId::NO_ROUTE)?;
    first_element(maps, map::PATH_LISTS, &list)?;
    for route in [RouteId::NO_ROUTE, RouteId::WITHDRAWN] {
        store(maps, map::ROUTES, route.0, &PathListId::NO_ROUTE)?;
    }
    Ok(())
}

fn first_element<T: Pod>(maps: &Maps, name: &'static str, value: &T) -> Result<(), DataplaneError> {
    store(maps, name, 0, value)
}

fn store<T: Pod>(
    maps: &Maps,
    name: &'static str,
    index: u32,
    value: &T,
) -> Result<(), DataplaneError> {
    maps.array::<T>(name)?
        .store(index, value)
        .map_err(|source| DataplaneError::Map {
            map: name,
            action: "write",
            source,
        })
}

fn random() -> Result<u32, DataplaneError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 4];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| at(path, &error))?;
    Ok(u32::from_ne_bytes(bytes))
}
