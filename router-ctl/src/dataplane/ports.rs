//! The ports: what the program knows of them, whether frames may be redirected to them, the program on them.
//!
//! A port is entered before the program is attached, and may be redirected to only after: some drivers, veth
//! among them, lose redirected frames without a word while no program is attached.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::BorrowedFd;

use bytemuck::{Pod, Zeroable};
use router_common::map::{self, MAX_PORTS};
use router_common::port::{PortConfig, PortKey};

use super::attach::{Adopted, Attachment};
use super::bpf::{GracePeriod, Table};
use super::counters::{FIRST_PORT, Folder, port_entries};
use super::environment::setup_error;
use super::loader::Maps;
use super::pins::{self, Pins};
use super::{DataplaneError, Forwarding, OpenReport, Port, PortStatus};
use crate::host::IfIndex;

/// `struct bpf_devmap_val` (Linux 5.8): a port to transmit on, and no program to run on the way.
#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
struct TxPort {
    ifindex: u32,
    program: u32,
}

pub(super) struct Ports {
    entries: Table<PortKey, PortConfig>,
    tx: Table<u32, TxPort>,
    /// Rows by port: the truth is in `entries`, of which this is a copy.
    rows: BTreeMap<IfIndex, u32>,
    attachments: BTreeMap<IfIndex, Attachment>,
}

fn error(map: &'static str, action: &'static str) -> impl FnOnce(io::Error) -> DataplaneError {
    move |source| DataplaneError::Map {
        map,
        action,
        source,
    }
}

impl Ports {
    /// Takes over what is pinned: links of interfaces that exist run `program` from here on, what is left of
    /// other ports is removed. `report` hears of both.
    pub(super) fn open(
        maps: &Maps,
        pins: &Pins,
        program: BorrowedFd<'_>,
        report: &mut OpenReport,
    ) -> Result<Self, DataplaneError> {
        let mut ports = Self {
            entries: maps.table(map::PORTS)?,
            tx: maps.table(map::TX_PORTS)?,
            rows: BTreeMap::new(),
            attachments: BTreeMap::new(),
        };
        for attachment in adopt_links(pins)? {
            attachment.replace_program(program)?;
            report.ports.push(attachment.status());
            ports.attachments.insert(attachment.index(), attachment);
        }
        for (key, config) in port_entries(&ports.entries).map_err(error(map::PORTS, "read"))? {
            ports.rows.insert(IfIndex(key.ifindex), config.row);
        }
        report.gone = ports
            .rows
            .keys()
            .copied()
            .filter(|index| !ports.attachments.contains_key(index))
            .collect();
        Ok(ports)
    }

    pub(super) fn put(
        &mut self,
        port: &Port,
        program: BorrowedFd<'_>,
        pins: &Pins,
    ) -> Result<(), DataplaneError> {
        let known = self.rows.get(&port.index).copied();
        let row = match known {
            Some(row) => row,
            None => self.free_row()?,
        };
        let config = PortConfig {
            row,
            mac: port.mac.0,
            flags: match port.forwarding {
                Forwarding::On => PortConfig::FORWARDING,
                Forwarding::Off => 0,
            },
        };
        self.entries
            .update(&PortKey::untagged(port.index.0), &config)
            .map_err(error(map::PORTS, "enter a port"))?;
        self.rows.insert(port.index, row);
        if let Err(refused) = self.attach(port, program, pins) {
            if known.is_none() {
                self.rows.remove(&port.index);
                self.entries
                    .delete(&PortKey::untagged(port.index.0))
                    .map_err(error(map::PORTS, "take a port out"))?;
            }
            return Err(refused);
        }
        let tx = TxPort {
            ifindex: port.index.0,
            program: 0,
        };
        self.tx
            .update(&port.index.0, &tx)
            .map_err(error(map::TX_PORTS, "enter a port"))
    }

    /// Attaches in the asked mode, unless it is so already. Where the port is in the other mode it is detached
    /// first: the two exclude each other.
    fn attach(
        &mut self,
        port: &Port,
        program: BorrowedFd<'_>,
        pins: &Pins,
    ) -> Result<(), DataplaneError> {
        if let Some(attachment) = self.attachments.get(&port.index) {
            if attachment.mode() == port.mode && attachment.is_alive() {
                return Ok(());
            }
            self.detach(port.index)?;
        }
        let attachment = Attachment::create(program, port, pins.link(port.index, port.mode))?;
        self.attachments.insert(port.index, attachment);
        Ok(())
    }

    /// Nothing is redirected to the interface any more, and the program is off it.
    fn detach(&mut self, index: IfIndex) -> Result<(), DataplaneError> {
        absent_is_fine(self.tx.delete(&index.0))
            .map_err(error(map::TX_PORTS, "take a port out"))?;
        match self.attachments.remove(&index) {
            Some(attachment) => attachment.detach(),
            None => Ok(()),
        }
    }

    /// Takes a port out; its counters join those of ports that are gone.
    pub(super) fn remove(
        &mut self,
        index: IfIndex,
        grace: &GracePeriod,
        folder: &mut Folder,
    ) -> Result<(), DataplaneError> {
        self.detach(index)?;
        absent_is_fine(self.entries.delete(&PortKey::untagged(index.0)))
            .map_err(error(map::PORTS, "take a port out"))?;
        if let Some(row) = self.rows.remove(&index) {
            grace
                .wait()
                .map_err(error(map::PORTS, "wait for the program"))?;
            folder
                .retire_port(row)
                .map_err(error(map::VERDICTS, "fold a port's counters"))?;
        }
        Ok(())
    }

    pub(super) fn status(&self) -> Vec<PortStatus> {
        self.attachments.values().map(Attachment::status).collect()
    }

    fn free_row(&self) -> Result<u32, DataplaneError> {
        (FIRST_PORT..MAX_PORTS)
            .find(|row| !self.rows.values().any(|used| used == row))
            .ok_or_else(|| {
                setup_error(format!(
                    "{}: no room for more than {} ports",
                    map::PORTS,
                    MAX_PORTS - FIRST_PORT
                ))
            })
    }
}

/// Links of interfaces that are here. Pins of others are removed, unless all of the directory belongs to a
/// router of another network namespace.
fn adopt_links(pins: &Pins) -> Result<Vec<Attachment>, DataplaneError> {
    let mut here = Vec::new();
    let foreign = pins.foreign_namespace()?;
    for (pin, mode) in pins.links()? {
        match (Attachment::adopt(&pin, mode)?, &foreign) {
            (Adopted::Here(attachment), None) => here.push(attachment),
            (Adopted::Dead, _) | (Adopted::MovedAway, None) => {
                fs::remove_file(&pin).map_err(|error| pins::at(&pin, &error))?;
            }
            (Adopted::Here(_) | Adopted::MovedAway, Some(_)) => {
                return Err(setup_error(format!(
                    "{} holds the ports of another network namespace: start this router there, \
                     or give it a --bpffs of its own",
                    pins.root().display()
                )));
            }
        }
    }
    if let Some(foreign) = foreign {
        pins.move_namespace(&foreign)?;
    }
    Ok(here)
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        result => result,
    }
}
