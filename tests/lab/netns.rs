//! A network namespace with a name under `/run/netns`, made and removed as `ip netns` does it, so that
//! `ip netns list` and `nsenter --net=/run/netns/NAME` know it.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, setns, unshare};

pub(crate) const NETNS_DIR: &str = "/run/netns";

pub(crate) struct Netns {
    path: PathBuf,
    file: File,
}

impl Netns {
    /// Makes the namespace on a thread of its own: `unshare` moves the thread that calls it.
    pub(crate) fn create(name: &str) -> Result<Self> {
        prepare_directory().context("preparing /run/netns")?;
        let path = Path::new(NETNS_DIR).join(name);
        File::create_new(&path).with_context(|| format!("creating {}", path.display()))?;
        let made = {
            let path = path.clone();
            on_own_thread(move || -> Result<()> {
                unshare(CloneFlags::CLONE_NEWNET).context("making a network namespace")?;
                mount(
                    Some("/proc/thread-self/ns/net"),
                    &path,
                    None::<&str>,
                    MsFlags::MS_BIND,
                    None::<&str>,
                )
                .with_context(|| format!("naming the network namespace {}", path.display()))
            })
        };
        let opened = made.and_then(|()| File::open(&path).context("opening the network namespace"));
        match opened {
            Ok(file) => Ok(Self { path, file }),
            Err(error) => {
                remove(&path).ok();
                Err(error.context("the lab needs root"))
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Runs `f` on a thread inside the namespace; a panic in `f` goes on in the caller.
    pub(crate) fn run<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        on_own_thread(|| {
            if let Err(error) = setns(&self.file, CloneFlags::CLONE_NEWNET) {
                panic!(
                    "entering {}: {error}; the lab needs root",
                    self.path.display()
                );
            }
            f()
        })
    }
}

fn on_own_thread<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| match scope.spawn(f).join() {
        Ok(value) => value,
        Err(panic) => resume_unwind(panic),
    })
}

/// Takes the name away. The namespace itself ends with its last process and socket.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match umount2(path, MntFlags::MNT_DETACH) {
        // EINVAL: a bare file, its mount is gone already.
        Ok(()) | Err(nix::Error::EINVAL | nix::Error::ENOENT) => {}
        Err(error) => return Err(anyhow!(error).context(format!("unmounting {}", path.display()))),
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(anyhow!(error).context(format!("removing {}", path.display())))
        }
        _ => Ok(()),
    }
}

/// `/run/netns` is a shared mount, so that taking a name away is seen in every mount namespace that copied it.
fn prepare_directory() -> Result<()> {
    fs::create_dir_all(NETNS_DIR)?;
    let shared = MsFlags::MS_SHARED | MsFlags::MS_REC;
    let none = None::<&str>;
    match mount(none, NETNS_DIR, none, shared, none) {
        Err(nix::Error::EINVAL) => {}
        other => return Ok(other?),
    }
    let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(NETNS_DIR), NETNS_DIR, none, bind, none)?;
    Ok(mount(none, NETNS_DIR, none, shared, none)?)
}
