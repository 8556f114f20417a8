//! The BGP daemons that the router is tested against, and tools to look at tests with. They run in network
//! namespaces, started by the lab; none becomes a service of this machine.

use std::path::Path;

use anyhow::{Result, bail};

use super::{State, Step, apt};
use crate::machine;
use crate::run::{command, finds, run};

const PACKAGES: &[&str] = &[
    "bird2", "frr", "gobgpd", "openbgpd", "exabgp", "tcpdump", "bpftool", "iproute2", "xz-utils",
];
/// Packages that bring a service, and its unit.
const SERVICES: &[(&str, &str)] = &[
    ("bird2", "bird.service"),
    ("frr", "frr.service"),
    ("gobgpd", "gobgpd.service"),
    ("openbgpd", "openbgpd.service"),
    ("exabgp", "exabgp.service"),
];
const FRR_BGPD: [&str; 2] = ["/usr/lib/frr/bgpd", "/usr/libexec/frr/bgpd"];
const FRR_RUN: &str = "/run/frr";
/// OpenBGPD's daemon has the name of FRR's: by its place alone they are told apart.
const OPENBGPD: &str = "/usr/sbin/bgpctl";
const OPENBGPD_RUN: &str = "/run/openbgpd";

pub(super) fn steps() -> Vec<Step> {
    vec![
        Step {
            name: "BIRD 2, FRR, GoBGP, OpenBGPD, ExaBGP and tools",
            look: look_for_peers,
            make: install_peers,
            takes: "about a minute",
            remedy: "install BIRD 2, FRR, GoBGP, OpenBGPD, ExaBGP, tcpdump, bpftool, iproute2 and xz",
        },
        Step {
            name: "root in group frrvty",
            look: || match machine::in_group("root", "frrvty") {
                Some(true) => State::Present("yes".into()),
                Some(false) => State::Missing(
                    "the membership, without which FRR refuses to run as root".into(),
                ),
                None => State::Missing("the group, which comes with FRR".into()),
            },
            make: || run(command("gpasswd").args(["--add", "root", "frrvty"])),
            takes: "no time",
            remedy: "run `gpasswd --add root frrvty` as root",
        },
        Step {
            name: FRR_RUN,
            look: || {
                if Path::new(FRR_RUN).is_dir() {
                    State::Present("there".into())
                } else {
                    State::Missing("the directory of FRR's sockets".into())
                }
            },
            make: || {
                let owner = ["-d", "-o", "frr", "-g", "frr", "-m", "755"];
                run(command("install").args(owner).arg(FRR_RUN))
            },
            takes: "no time",
            remedy: "create it as root, owned by frr",
        },
        Step {
            name: OPENBGPD_RUN,
            look: || {
                if Path::new(OPENBGPD_RUN).is_dir() {
                    State::Present("there".into())
                } else {
                    State::Missing("the directory that OpenBGPD's processes change into".into())
                }
            },
            make: || {
                run(command("install")
                    .args(["-d", "-m", "755"])
                    .arg(OPENBGPD_RUN))
            },
            takes: "no time",
            remedy: "create it as root",
        },
    ]
}

fn look_for_peers() -> State {
    if machine::has_debian_recipe() {
        return State::lacking(&apt::missing(PACKAGES), "installed");
    }
    let programs = [
        "bird", "gobgpd", "gobgp", "exabgp", "tcpdump", "bpftool", "ip", "xz",
    ];
    let mut missing: Vec<_> = programs.into_iter().filter(|name| !finds(name)).collect();
    if !FRR_BGPD.iter().any(|path| Path::new(path).is_file()) {
        missing.push("frr");
    }
    if !Path::new(OPENBGPD).is_file() {
        missing.push("openbgpd");
    }
    State::lacking(&missing, "installed")
}

fn install_peers() -> Result<()> {
    if !machine::has_debian_recipe() {
        bail!("packages are installed on Debian only");
    }
    // Only what comes in by this installation is kept from running: what was there is the user's.
    let services: Vec<_> = SERVICES
        .iter()
        .filter(|(package, _)| !apt::missing(&[package]).is_empty())
        .map(|&(_, service)| service)
        .collect();
    apt::install(PACKAGES, &services)
}
