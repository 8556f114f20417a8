//! Where things are pinned, and who may touch them.
//!
//! Below the directory of an instance, `v<ABI version>` holds one file a map, the program, and one a link,
//! named `link_<ifindex>_<mode>`. The directory is filled under another name and then renamed, so what bears
//! the name is complete. It is locked for as long as a router uses it. `netns_<inode>` inside it tells which
//! network namespace the ports are in: interface numbers mean nothing without it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use router_common::ABI_VERSION;

use super::environment::{network_namespace, setup_error};
use super::{DataplaneError, XdpMode};
use crate::host::IfIndex;

const NAMESPACE: &str = "netns_";
const LINK: &str = "link_";
const STAGE: &str = "_new";

/// The locked directory of one instance.
#[derive(Debug)]
pub(super) struct Pins {
    root: PathBuf,
    _lock: File,
}

impl Pins {
    /// Makes the directory when it is not there, and locks it.
    pub(super) fn lock(root: &Path) -> Result<Self, DataplaneError> {
        fs::create_dir_all(root).map_err(|error| {
            if error.kind() == io::ErrorKind::PermissionDenied && dotted(root) {
                setup_error(format!(
                    "{}: a BPF file system has no names with dots; choose another --bpffs",
                    root.display()
                ))
            } else {
                at(root, &error)
            }
        })?;
        let lock = File::open(root).map_err(|error| at(root, &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                root: root.to_path_buf(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(setup_error(format!(
                "another router-ctl runs on {}: stop it first, or give this one a --bpffs of its own",
                root.display()
            ))),
            Err(TryLockError::Error(error)) => Err(at(root, &error)),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of this ABI version.
    pub(super) fn current(&self) -> PathBuf {
        self.root.join(format!("v{ABI_VERSION}"))
    }

    /// An empty directory to fill, which [`publish`](Self::publish) gives its name.
    pub(super) fn stage(&self) -> Result<PathBuf, DataplaneError> {
        let stage = self.root.join(format!("v{ABI_VERSION}{STAGE}"));
        if stage.exists() {
            remove_tree(&stage, &mut Vec::new()).map_err(|error| at(&stage, &error))?;
        }
        let namespace = stage.join(format!("{NAMESPACE}{}", network_namespace()?));
        fs::create_dir_all(&namespace).map_err(|error| at(&namespace, &error))?;
        Ok(stage)
    }

    pub(super) fn publish(&self, stage: &Path) -> Result<(), DataplaneError> {
        fs::rename(stage, self.current()).map_err(|error| at(stage, &error))
    }

    /// Directories that are ours, of every ABI version, half-filled ones too.
    pub(super) fn versions(&self) -> Result<Vec<PathBuf>, DataplaneError> {
        let mut versions = entries(&self.root)?;
        versions.retain(|path| {
            let name = file_name(path);
            name.strip_suffix(STAGE)
                .unwrap_or(name)
                .strip_prefix('v')
                .is_some_and(|number| number.parse::<u32>().is_ok())
        });
        Ok(versions)
    }

    /// Complete directories of other ABI versions.
    pub(super) fn other_versions(&self) -> Result<Vec<PathBuf>, DataplaneError> {
        let mut versions = self.versions()?;
        versions.retain(|path| *path != self.current() && !file_name(path).ends_with(STAGE));
        Ok(versions)
    }

    /// Removes the instance's directory unless something that is not ours is in it.
    pub(super) fn remove_root(self) {
        // A directory with others' pins in it, or the root of the file system, stays: nothing of ours is in it.
        let _ = fs::remove_dir(&self.root);
    }

    /// The namespace that the ports were attached in, when it is not this thread's.
    pub(super) fn foreign_namespace(&self) -> Result<Option<PathBuf>, DataplaneError> {
        let ours = format!("{NAMESPACE}{}", network_namespace()?);
        Ok(entries(&self.current())?.into_iter().find(|path| {
            let name = file_name(path);
            name.starts_with(NAMESPACE) && name != ours
        }))
    }

    /// Declares the ports to be in this thread's namespace instead of `foreign`.
    pub(super) fn move_namespace(&self, foreign: &Path) -> Result<(), DataplaneError> {
        let ours = self
            .current()
            .join(format!("{NAMESPACE}{}", network_namespace()?));
        fs::rename(foreign, &ours).map_err(|error| at(foreign, &error))
    }

    pub(super) fn link(&self, index: IfIndex, mode: XdpMode) -> PathBuf {
        let mode = mode_name(mode);
        self.current().join(format!("{LINK}{}_{mode}", index.0))
    }

    /// Every pinned link of this ABI version.
    pub(super) fn links(&self) -> Result<Vec<(PathBuf, XdpMode)>, DataplaneError> {
        links_in(&self.current())
    }
}

/// Every pinned link in a directory, with the mode in its name.
pub(super) fn links_in(directory: &Path) -> Result<Vec<(PathBuf, XdpMode)>, DataplaneError> {
    Ok(entries(directory)?
        .into_iter()
        .filter_map(|path| {
            let (_, mode) = file_name(&path).strip_prefix(LINK)?.split_once('_')?;
            let mode = [XdpMode::Native, XdpMode::Generic]
                .into_iter()
                .find(|&known| mode_name(known) == mode)?;
            Some((path, mode))
        })
        .collect())
}

/// The word of the configuration for a mode.
pub(super) fn mode_name(mode: XdpMode) -> &'static str {
    match mode {
        XdpMode::Native => "native",
        XdpMode::Generic => "generic",
    }
}

/// Removes `path` and all below it; what were pins is added to `removed`.
pub(super) fn remove_tree(path: &Path, removed: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path(), removed)?;
        } else {
            fs::remove_file(entry.path())?;
            removed.push(entry.path());
        }
    }
    fs::remove_dir(path)
}

/// What a directory holds, in the order of names; nothing when it does not exist.
pub(super) fn entries(directory: &Path) -> Result<Vec<PathBuf>, DataplaneError> {
    let read = match fs::read_dir(directory) {
        Ok(read) => read,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(at(directory, &error)),
    };
    let mut found = read
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(|error| at(directory, &error))?;
    found.sort();
    Ok(found)
}

/// An error about a path.
pub(super) fn at(path: &Path, error: &io::Error) -> DataplaneError {
    setup_error(format!("{}: {error}", path.display()))
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("")
}

fn dotted(path: &Path) -> bool {
    path.iter()
        .any(|component| component.as_encoded_bytes().contains(&b'.'))
}
