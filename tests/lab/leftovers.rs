//! What killed tests left behind: namespaces, directories, pinned maps, processes.
//!
//! Everything a lab makes carries `router-lab-<pid>-<number>-…` as its name. When that process is gone and the
//! lab was not kept on purpose, the thing is a leftover.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use anyhow::Result;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::netns::{self, NETNS_DIR};

pub(crate) const PREFIX: &str = "router-lab-";
pub(crate) const RUN_DIR: &str = "/run/router-lab";
pub(crate) const BPFFS: &str = "/sys/fs/bpf";
/// Present in the directory of a lab that [`Lab::keep`](crate::Lab::keep) left up.
pub(crate) const KEPT: &str = "kept";

static ONCE: Once = Once::new();

/// Removes, once per process, what others left behind. A process that had our number before us is gone too; what
/// it left would be in our way.
pub(crate) fn purge_once() {
    ONCE.call_once(|| {
        let own = std::process::id().to_string();
        remove_labs(|pid| pid == own || is_gone(pid));
    });
}

/// Removes what processes that are gone have left behind, kept labs aside.
pub fn purge() {
    remove_labs(is_gone);
}

fn remove_labs(of_owner: impl Fn(&str) -> bool) {
    let kept = kept();
    for id in labs() {
        let leftover = owner(&id).is_some_and(&of_owner) && !kept.contains(&id);
        if leftover && let Err(error) = remove(&id) {
            eprintln!("removing what lab {id} left behind: {error:#}");
        }
    }
}

/// The labs that were left up with [`Lab::keep`](crate::Lab::keep).
pub fn kept() -> Vec<String> {
    let is_kept = |id: &String| {
        of_lab(RUN_DIR, id)
            .iter()
            .any(|dir| dir.join(KEPT).exists())
    };
    labs().into_iter().filter(is_kept).collect()
}

/// Takes away everything that carries this lab's name, `router-lab-<pid>-<number>`: processes first, then names,
/// pins and files.
pub fn remove(id: &str) -> Result<()> {
    let namespaces = of_lab(NETNS_DIR, id);
    for namespace in &namespaces {
        kill_inside(namespace);
    }
    let mut result = Ok(());
    for namespace in &namespaces {
        result = result.and(netns::remove(namespace));
    }
    for directory in of_lab(BPFFS, id).into_iter().chain(of_lab(RUN_DIR, id)) {
        fs::remove_dir_all(&directory).ok();
    }
    result
}

/// The names of all labs that something on this machine belongs to.
fn labs() -> Vec<String> {
    let mut ids: Vec<String> = [NETNS_DIR, BPFFS, RUN_DIR]
        .iter()
        .flat_map(|directory| entries(directory))
        .filter_map(|path| Some(lab_id(path.file_name()?.to_str()?)?.to_owned()))
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

/// `router-lab-<pid>-<number>`: the part of a name that tells one lab from all others.
fn lab_id(name: &str) -> Option<&str> {
    let rest = name.strip_prefix(PREFIX)?;
    let mut parts = rest.splitn(3, '-');
    let (pid, number) = (parts.next()?, parts.next()?);
    pid.parse::<u32>().ok()?;
    number.parse::<u32>().ok()?;
    name.get(..PREFIX.len() + pid.len() + 1 + number.len())
}

fn owner(id: &str) -> Option<&str> {
    id.strip_prefix(PREFIX)?.split('-').next()
}

/// A zombie holds nothing any more; it only waits for its parent.
fn is_gone(pid: &str) -> bool {
    match fs::read_to_string(Path::new("/proc").join(pid).join("status")) {
        Ok(status) => status.contains("\nState:\tZ"),
        Err(_) => true,
    }
}

fn of_lab(directory: &str, id: &str) -> Vec<PathBuf> {
    entries(directory)
        .into_iter()
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.and_then(lab_id) == Some(id)
        })
        .collect()
}

fn entries(directory: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    entries.flatten().map(|entry| entry.path()).collect()
}

/// Kills, one by one, the processes that live in this namespace. Only the lab's own are in there.
fn kill_inside(namespace: &Path) {
    let Ok(wanted) = fs::metadata(namespace) else {
        return;
    };
    for process in entries("/proc") {
        let name = process.file_name().and_then(|name| name.to_str());
        let Some(pid) = name.and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let inside = fs::metadata(process.join("ns/net"))
            .is_ok_and(|found| (found.dev(), found.ino()) == (wanted.dev(), wanted.ino()));
        if inside {
            kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_have_an_id() {
        assert_eq!(lab_id("router-lab-12-3-ecmp-r1"), Some("router-lab-12-3"));
        assert_eq!(lab_id("router-lab-12-3"), Some("router-lab-12-3"));
        assert_eq!(lab_id("router-lab-x-3-ecmp"), None);
        assert_eq!(lab_id("router-lab-12"), None);
        assert_eq!(lab_id("somebody-else"), None);
    }

    #[test]
    fn a_living_owner_keeps_its_things() {
        let own = format!("{PREFIX}{}-0", std::process::id());
        assert!(!is_gone(owner(&own).unwrap()));
        let above_pid_max = format!("{PREFIX}4194304000-0");
        assert!(is_gone(owner(&above_pid_max).unwrap()));
    }
}
