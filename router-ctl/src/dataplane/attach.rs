//! Puts the program on an interface in the mode that was asked for and in no other, by a BPF link that is
//! pinned: it outlives the daemon, and a new program takes the old one's place in it without a gap.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use aya_obj::generated::{XDP_FLAGS_DRV_MODE, XDP_FLAGS_SKB_MODE};
use nix::net::if_::if_indextoname;

use super::environment::setup_error;
use super::loader::PROGRAM;
use super::pins::{self, mode_name};
use super::{DataplaneError, Port, PortStatus, XdpMode, bpf};
use crate::host::IfIndex;

/// What became of a pinned link.
#[derive(Debug)]
pub(super) enum Adopted {
    Here(Attachment),
    /// The interface lives, in another network namespace.
    MovedAway,
    /// The interface is gone.
    Dead,
}

/// The program on one interface.
#[derive(Debug)]
pub(super) struct Attachment {
    link: OwnedFd,
    pin: PathBuf,
    index: IfIndex,
    name: String,
    mode: XdpMode,
    adopted: bool,
}

impl Attachment {
    /// Attaches the program in the port's mode and pins the link at `pin`.
    pub(super) fn create(
        program: BorrowedFd<'_>,
        port: &Port,
        pin: PathBuf,
    ) -> Result<Self, DataplaneError> {
        if interface_name(port.index).is_none() {
            return Err(setup_error(format!(
                "{}: no such interface; `ip link` shows those there are",
                port.name
            )));
        }
        let flags = match port.mode {
            XdpMode::Native => XDP_FLAGS_DRV_MODE,
            XdpMode::Generic => XDP_FLAGS_SKB_MODE,
        };
        let link = bpf::create_xdp_link(program, port.index.0, flags)
            .map_err(|error| setup_error(refusal(port, &error)))?;
        bpf::pin(link.as_fd(), &pin).map_err(|error| pins::at(&pin, &error))?;
        Ok(Self {
            link,
            pin,
            index: port.index,
            name: port.name.clone(),
            mode: port.mode,
            adopted: false,
        })
    }

    /// Takes over the link pinned at `pin`.
    pub(super) fn adopt(pin: &Path, mode: XdpMode) -> Result<Adopted, DataplaneError> {
        let (link, index) = open_link(pin)?;
        if index == 0 {
            return Ok(Adopted::Dead);
        }
        let name = interface_name(IfIndex(index));
        Ok(name.map_or(Adopted::MovedAway, |name| {
            Adopted::Here(Self {
                link,
                pin: pin.to_path_buf(),
                index: IfIndex(index),
                name,
                mode,
                adopted: true,
            })
        }))
    }

    /// Puts `program` in the place of the one that runs, without a gap.
    pub(super) fn replace_program(&self, program: BorrowedFd<'_>) -> Result<(), DataplaneError> {
        bpf::update_link(self.link.as_fd(), program).map_err(|error| {
            setup_error(format!(
                "{}: the program cannot be replaced by this version's: {error}",
                self.name
            ))
        })
    }

    /// Takes the program off the interface. It is no error when the interface is gone.
    pub(super) fn detach(self) -> Result<(), DataplaneError> {
        detach(self.link.as_fd(), &self.pin)
    }

    /// False once the interface is gone, or somebody detached the link.
    pub(super) fn is_alive(&self) -> bool {
        bpf::link_info(self.link.as_fd()).is_ok_and(|info| info.xdp_ifindex == Some(self.index.0))
    }

    pub(super) fn index(&self) -> IfIndex {
        self.index
    }

    pub(super) fn mode(&self) -> XdpMode {
        self.mode
    }

    pub(super) fn status(&self) -> PortStatus {
        PortStatus {
            index: self.index,
            name: self.name.clone(),
            mode: self.mode,
            adopted: self.adopted,
        }
    }
}

/// Detaches a pinned link whoever else holds it, removes the pin, and tells which interface it was on.
pub(super) fn detach_pin(pin: &Path) -> Result<Option<IfIndex>, DataplaneError> {
    let (link, index) = open_link(pin)?;
    detach(link.as_fd(), pin)?;
    Ok((index != 0).then_some(IfIndex(index)))
}

fn detach(link: BorrowedFd<'_>, pin: &Path) -> Result<(), DataplaneError> {
    bpf::detach_link(link)
        .and_then(|()| fs::remove_file(pin))
        .map_err(|error| pins::at(pin, &error))
}

/// A pinned link and its interface, 0 when that is gone.
fn open_link(pin: &Path) -> Result<(OwnedFd, u32), DataplaneError> {
    let open = || {
        let link = bpf::open_pin(pin)?;
        let info = bpf::link_info(link.as_fd())?;
        Ok((link, info))
    };
    let (link, info) = open().map_err(|error: io::Error| pins::at(pin, &error))?;
    let index = info
        .xdp_ifindex
        .ok_or_else(|| setup_error(format!("{}: not a link of an XDP program", pin.display())))?;
    Ok((link, index))
}

/// The name of an interface of this namespace.
pub(super) fn interface_name(index: IfIndex) -> Option<String> {
    let name = if_indextoname(index.0).ok()?.into_string().ok()?;
    // nix 0.31 answers with an empty name where there is no interface.
    (!name.is_empty()).then_some(name)
}

/// Why the kernel does not attach the program, and what to do about it.
fn refusal(port: &Port, error: &io::Error) -> String {
    let (name, mode) = (&port.name, mode_name(port.mode));
    match (error.raw_os_error(), port.mode) {
        (Some(libc::EBUSY | libc::EEXIST), _) => busy(port),
        (Some(libc::EPERM | libc::EACCES), _) => format!(
            "{name}: no right to attach an XDP program: run as root, or give the service CAP_BPF and CAP_NET_ADMIN"
        ),
        (Some(libc::EOPNOTSUPP), XdpMode::Native) => format!(
            "{name}: its driver has no native XDP; set xdp = \"generic\" (slower), or \"off\" to leave it to the kernel"
        ),
        (_, XdpMode::Native) => format!(
            "{name}: its driver refuses native XDP ({error}): the MTU, LRO or the number of queues may be in the way, \
             `dmesg` may say which; or set xdp = \"generic\" (slower)"
        ),
        (_, XdpMode::Generic) => format!(
            "{name}: the kernel refuses {mode} XDP ({error}); set xdp = \"off\" to leave it to the kernel"
        ),
    }
}

/// Who holds the interface. A link knows its interface by number, and numbers are per network namespace: on a
/// host with several, a link of another one may be named too.
fn busy(port: &Port) -> String {
    let name = &port.name;
    let holders: Vec<(u32, String)> = bpf::links()
        .filter(|link| link.xdp_ifindex == Some(port.index.0))
        .filter_map(|link| Some((link.program, bpf::program_name(link.program).ok()?)))
        .collect();
    let named = |(id, program): &(u32, String)| format!("{program}, id {id}");
    match holders.iter().map(named).collect::<Vec<_>>().as_slice() {
        [] => format!(
            "{name}: another XDP program is attached without a BPF link; `bpftool net` shows it, \
             `ip link set dev {name} xdp off` takes it away"
        ),
        known if holders.iter().any(|(_, program)| program == PROGRAM) => format!(
            "{name}: the program of another router is attached ({}); `router-ctl unload` with its --bpffs takes it away",
            known.join("; ")
        ),
        known => format!(
            "{name}: another XDP program is attached ({}); take it away, or set xdp = \"off\"",
            known.join("; ")
        ),
    }
}
