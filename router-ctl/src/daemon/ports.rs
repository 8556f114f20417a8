//! The start of forwarding: the data plane as it is found, and every configured port attached to it before
//! anything else happens. A port that cannot be had ends the start, and what a first start made is taken back.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use tracing::{info, warn};

use crate::config::model::{Config, Xdp};
use crate::dataplane::memory::Memory;
use crate::dataplane::{self, Dataplane, OpenOptions, Port};
use crate::host::{HostEvent, Link};
use crate::router::effect::Effect;
use crate::router::event::Event;
use crate::router::{Found, Router};

/// An open data plane.
pub(super) struct Opened {
    pub(super) dataplane: Box<dyn Dataplane>,
    /// Pins that this start has made, to be removed when it fails.
    fresh: Option<PathBuf>,
}

impl Opened {
    /// A start that failed leaves nothing behind that was not there before.
    pub(super) fn take_back(self) {
        let Self { dataplane, fresh } = self;
        drop(dataplane);
        if let Some(bpffs) = fresh
            && let Err(error) = dataplane::unload(&bpffs)
        {
            warn!("what this start pinned is still there: {error}");
        }
    }
}

/// Every interface that the configuration gives an XDP mode must be there.
///
/// # Errors
/// Names the interface, and those that there are.
pub(super) fn check_interfaces(config: &Config, host: &[HostEvent]) -> anyhow::Result<()> {
    let links: Vec<&Link> = host
        .iter()
        .filter_map(|event| {
            if let HostEvent::Link(link) = event {
                Some(link)
            } else {
                None
            }
        })
        .collect();
    for (name, _) in config
        .interfaces
        .ethernet
        .iter()
        .filter(|(_, ethernet)| ethernet.xdp != Xdp::Off)
    {
        let Some(link) = links.iter().find(|link| link.name == *name) else {
            let names: Vec<_> = links.iter().map(|link| link.name.as_str()).collect();
            anyhow::bail!(
                "interfaces ethernet {name}: no such interface; this host has {}",
                names.join(", ")
            );
        };
        anyhow::ensure!(
            link.mac.is_some(),
            "interfaces ethernet {name}: has no Ethernet header, so XDP cannot forward there; set xdp = \"off\""
        );
    }
    Ok(())
}

/// Starts with maps and programs when an interface asks for them, else with a data plane in memory.
///
/// # Errors
/// What is missing for XDP and what to do about it.
pub(super) fn open_dataplane(config: &Config, bpffs: &Path) -> anyhow::Result<Opened> {
    if config
        .interfaces
        .ethernet
        .values()
        .all(|ethernet| ethernet.xdp == Xdp::Off)
    {
        info!("no interface has xdp on: this router speaks BGP and forwards nothing itself");
        return Ok(Opened {
            dataplane: Box::new(Memory::new()),
            fresh: None,
        });
    }
    let (dataplane, report) = dataplane::open(&OpenOptions {
        bpffs: bpffs.to_path_buf(),
    })?;
    for other in &report.other_versions {
        warn!(
            "{}: pins of another version; `router-ctl unload` removes them",
            other.display()
        );
    }
    for gone in &report.gone {
        warn!(
            "the interface with index {} is gone; what was left of its port is removed",
            gone.0
        );
    }
    let fresh = (!report.adopted).then(|| bpffs.to_path_buf());
    Ok(Opened { dataplane, fresh })
}

/// The router with everything that is installed, and all ports attached. The effects that are left are for
/// the router's thread.
///
/// # Errors
/// When a port cannot be attached in the mode that was asked for.
pub(super) fn start_router(
    config: &Config,
    host: Vec<HostEvent>,
    opened: &mut Opened,
    started: Instant,
) -> anyhow::Result<(Router, Vec<Effect>)> {
    let dataplane = opened.dataplane.as_mut();
    let data_plane_opened = started.elapsed();
    let installed = dataplane.dump().context("reading the installed routes")?;
    let dumped = started.elapsed();
    let adopted = installed.bindings.len();
    let engine = dataplane.engine();
    let found = Found {
        engine,
        hash_seed: dataplane.hash_seed(),
        installed,
        ports: dataplane.ports(),
    };
    let mut router = Router::new(config.clone(), found, Instant::now());
    router.note_startup("data plane opened", data_plane_opened);
    router.note_startup("installed routes read", dumped - data_plane_opened);
    router.handle(Event::Host(host), Instant::now());
    let mut left = Vec::new();
    while let Some(effect) = router.poll_effect() {
        if let Effect::PutPort(port) = effect {
            router.handle(put_port(dataplane, &port)?, Instant::now());
            continue;
        }
        left.push(effect);
    }
    check_router_id(config, &router)?;
    router.note_startup("ports attached", started.elapsed() - dumped);
    info!("data plane {engine}: {adopted} routes adopted");
    Ok((router, left))
}

/// Sessions need a BGP identifier.
///
/// # Errors
/// When there is none to start with.
fn check_router_id(config: &Config, router: &Router) -> anyhow::Result<()> {
    let Some(bgp) = &config.protocols.bgp else {
        return Ok(());
    };
    anyhow::ensure!(
        !router.router_id().0.is_unspecified(),
        "protocols bgp parameters router-id: this host has no IPv4 address to take the BGP identifier from; set router-id"
    );
    info!("AS {}, router-id {}", bgp.system_as, router.router_id());
    Ok(())
}

fn put_port(dataplane: &mut dyn Dataplane, port: &Port) -> anyhow::Result<Event> {
    dataplane.put_port(port)?;
    let status = dataplane
        .ports()
        .into_iter()
        .find(|status| status.index == port.index);
    let status = status.with_context(|| {
        format!(
            "interface {}: attached, and not listed as a port",
            port.name
        )
    })?;
    Ok(Event::Port {
        index: port.index,
        outcome: Ok(status),
    })
}
