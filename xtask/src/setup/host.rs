//! What running the router needs of the machine: root, a kernel that is new enough, bpffs, and `ip`.

use anyhow::{Result, bail};

use super::{State, Step, apt};
use crate::machine;
use crate::run::{command, finds, run};

const BPFFS: &str = "/sys/fs/bpf";
const OLDEST_KERNEL: (u32, u32) = (6, 1);

pub(super) fn steps() -> Vec<Step> {
    vec![
        Step {
            name: "root",
            look: || {
                if machine::is_root() {
                    State::Present("yes".into())
                } else {
                    State::Missing(
                        "the right to create network namespaces and load programs".into(),
                    )
                }
            },
            make: || bail!("this process cannot make itself root"),
            takes: "no time",
            remedy: "run the same command as root",
        },
        Step {
            name: "kernel",
            look: look_at_kernel,
            make: || bail!("a running kernel cannot be replaced from here"),
            takes: "no time",
            remedy: "boot Linux 6.1 or newer",
        },
        Step {
            name: "bpffs",
            look: || {
                if machine::mounted("bpf", BPFFS) {
                    State::Present(format!("mounted at {BPFFS}"))
                } else {
                    State::Missing(format!("a mount at {BPFFS}"))
                }
            },
            make: || run(command("mount").args(["-t", "bpf", "bpf", BPFFS])),
            takes: "no time",
            remedy: "mount it on the host and, in a container, pass it in; it needs CAP_SYS_ADMIN",
        },
        Step {
            name: "ip",
            look: || {
                if finds("ip") {
                    State::Present("installed".into())
                } else {
                    State::Missing("the ip command".into())
                }
            },
            make: install_iproute,
            takes: "some seconds",
            remedy: "install iproute2",
        },
    ]
}

fn look_at_kernel() -> State {
    match machine::kernel() {
        Some(version @ (major, minor)) if version >= OLDEST_KERNEL => {
            State::Present(format!("{major}.{minor}"))
        }
        Some((major, minor)) => State::Missing(format!("6.1 or newer, found {major}.{minor}")),
        None => State::Missing("a Linux kernel release in /proc".into()),
    }
}

fn install_iproute() -> Result<()> {
    if !machine::has_debian_recipe() {
        bail!("packages are installed on Debian only");
    }
    apt::install(&["iproute2"], &[])
}
