//! The configuration file: read at the start, and again on SIGHUP.
//!
//! A file with an error changes nothing: all its problems are logged with their places. So does one that asks for
//! what only a restart can give.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};

use crate::config::model::{Config, Xdp};
use crate::config::problem::{Invalid, Severity};
use crate::config::toml;
use crate::daemon::door::Order;
use crate::daemon::listener;
use crate::router::event::Event;

const BGP_PORT: u16 = 179;

/// Where BGP listens, if it is configured.
pub(super) fn bgp_port(config: &Config) -> Option<u16> {
    let bgp = config.protocols.bgp.as_ref()?;
    Some(bgp.listen.port.unwrap_or(BGP_PORT))
}

/// Whether an interface has XDP on.
pub(super) fn forwards(config: &Config) -> bool {
    let mut ethernet = config.interfaces.ethernet.values();
    ethernet.any(|ethernet| ethernet.xdp != Xdp::Off)
}

/// The configuration in a file; warnings are logged.
///
/// # Errors
/// When it cannot be read. What is wrong in it is an [`Invalid`].
pub(super) fn read(path: &Path) -> anyhow::Result<Config> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration {file}"))?;
    let (config, problems) = toml::parse(&text).map_err(|problems| Invalid {
        file: file.clone(),
        problems,
    })?;
    for problem in &problems {
        if problem.severity == Severity::Warning {
            warn!("{}", problem.in_file(&file));
        }
    }
    Ok(config)
}

/// Reads the file again.
pub(super) struct Reloader {
    pub(super) path: PathBuf,
    /// The configuration in force, for those who look at it.
    pub(super) running: watch::Sender<Arc<Config>>,
    pub(super) router: mpsc::UnboundedSender<Event>,
    pub(super) door: mpsc::UnboundedSender<Order>,
    /// Once open, a port stays open.
    pub(super) listening: Option<u16>,
    /// The data plane is in the kernel, and not in memory.
    pub(super) forwards: bool,
}

impl Reloader {
    /// Takes over what the file says now, or says in the log why not.
    pub(super) fn reload(&mut self) {
        let path = self.path.display().to_string();
        match self.try_reload() {
            Ok(Reloaded::Same) => info!("{path}: read again; nothing has changed"),
            Ok(Reloaded::Changed) => info!("{path}: read again, and in force"),
            Err(refusal) => {
                match refusal.downcast_ref::<Invalid>() {
                    Some(invalid) => invalid
                        .problems
                        .iter()
                        .for_each(|problem| error!("{}", problem.in_file(&path))),
                    None => error!("{refusal:#}"),
                }
                error!("{path}: not taken over; the configuration stays as it was");
            }
        }
    }

    fn try_reload(&mut self) -> anyhow::Result<Reloaded> {
        let config = read(&self.path)?;
        if config == **self.running.borrow() {
            return Ok(Reloaded::Same);
        }
        if let Some(reason) = self.needs_restart(&config) {
            anyhow::bail!("{reason}");
        }
        if let (None, Some(port)) = (self.listening, bgp_port(&config)) {
            self.door
                .send(Order::Listen(listener::open(port)?))
                .context("nobody is there to accept BGP connections")?;
            self.listening = Some(port);
        }
        self.router
            .send(Event::Configure(Box::new(config.clone())))
            .context("the router is gone")?;
        self.running.send_replace(Arc::new(config));
        Ok(Reloaded::Changed)
    }

    fn needs_restart(&self, config: &Config) -> Option<String> {
        if let (Some(now), Some(wanted)) = (self.listening, bgp_port(config))
            && now != wanted
        {
            return Some(format!(
                "protocols bgp listen port: {wanted} instead of {now} needs a restart of the router"
            ));
        }
        (!self.forwards && forwards(config)).then(|| {
            "interfaces ethernet: no interface had xdp on when the router started; the first one needs a restart"
                .to_owned()
        })
    }
}

enum Reloaded {
    Same,
    Changed,
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "[protocols.bgp]\nsystem-as = 65000\nparameters.router-id = \"10.0.0.1\"\n";

    struct World {
        reloader: Reloader,
        router: mpsc::UnboundedReceiver<Event>,
        seen: watch::Receiver<Arc<Config>>,
        _door: mpsc::UnboundedReceiver<Order>,
        _directory: tempfile::TempDir,
    }

    fn world() -> World {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("router.toml");
        std::fs::write(&path, START).unwrap();
        let config = read(&path).unwrap();
        let (running, seen) = watch::channel(Arc::new(config.clone()));
        let (router, router_inbox) = mpsc::unbounded_channel();
        let (door, orders) = mpsc::unbounded_channel();
        World {
            reloader: Reloader {
                path,
                running,
                router,
                door,
                listening: bgp_port(&config),
                forwards: false,
            },
            router: router_inbox,
            seen,
            _door: orders,
            _directory: directory,
        }
    }

    impl World {
        fn reload(&mut self, text: &str) {
            std::fs::write(&self.reloader.path, text).unwrap();
            self.reloader.reload();
        }

        fn configured(&mut self) -> Option<Config> {
            let event = self.router.try_recv().ok()?;
            let Event::Configure(config) = event else {
                panic!("{event:?}");
            };
            Some(*config)
        }
    }

    #[test]
    fn a_changed_file_reaches_the_router_and_those_who_look() {
        let mut world = world();
        let changed = START.replace("10.0.0.1", "10.0.0.2");
        world.reload(&changed);
        let config = world.configured().expect("an event");
        let bgp = config.protocols.bgp.as_ref().unwrap();
        assert_eq!(bgp.parameters.router_id, Some([10, 0, 0, 2].into()));
        assert_eq!(**world.seen.borrow(), config);
        world.reload(&changed);
        assert_eq!(world.configured(), None, "nothing has changed");
    }

    #[test]
    fn what_cannot_be_taken_over_changes_nothing() {
        let mut world = world();
        let before = world.seen.borrow().clone();
        for text in [
            "[protocols.bgp]\nsystem-as = 0\n".to_owned(),
            "[protocols.bgp\n".to_owned(),
            format!("{START}listen.port = 1179\n"),
            format!("{START}[interfaces.ethernet.eth0]\nxdp = \"native\"\n"),
        ] {
            world.reload(&text);
            assert_eq!(world.configured(), None, "{text}");
            assert_eq!(*world.seen.borrow(), before, "{text}");
        }
        std::fs::remove_file(&world.reloader.path).unwrap();
        world.reloader.reload();
        assert_eq!(world.configured(), None, "without a file");
    }
}
