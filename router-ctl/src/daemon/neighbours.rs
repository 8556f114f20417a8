//! The tasks of the neighbours, from the daemon's side.

use std::collections::HashMap;
use std::net::IpAddr;

use anyhow::Context;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::bgp::session::{Session, StopReason};
use crate::config::model::{Config, UpdateSource};
use crate::daemon::{peer, tcp_options};
use crate::rib::route::PeerId;
use crate::router::Router;
use crate::router::event::Event;

/// Connections of one neighbour that may wait for its task.
const ACCEPTED: usize = 4;

pub(super) struct NeighbourTasks {
    pub(super) commands: HashMap<PeerId, mpsc::UnboundedSender<peer::Command>>,
    pub(super) accepting: HashMap<IpAddr, mpsc::Sender<TcpStream>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// Starts a task for every configured neighbour.
///
/// # Errors
/// When there is no BGP identifier to start with.
pub(super) fn start(
    config: &Config,
    router: &Router,
    events: &mpsc::Sender<Event>,
) -> anyhow::Result<NeighbourTasks> {
    let mut started = NeighbourTasks {
        commands: HashMap::new(),
        accepting: HashMap::new(),
        tasks: Vec::new(),
    };
    let Some(bgp) = &config.protocols.bgp else {
        return Ok(started);
    };
    if router.router_id().0.is_unspecified() {
        anyhow::bail!(
            "protocols bgp parameters router-id: this host has no IPv4 address to take the BGP identifier from; set router-id"
        );
    }
    for (id, address, neighbor) in router.peers().addresses() {
        let session = Session::new(
            router
                .session_config(id)
                .context("a neighbour without BGP")?,
        );
        let transport = tcp_options::Transport {
            remote: address,
            port: neighbor.port.unwrap_or(179),
            source: match neighbor.update_source {
                Some(UpdateSource::Address(address)) => Some(address),
                Some(UpdateSource::Interface(_)) | None => None,
            },
            ttl: router.session_ttl(id),
        };
        let (commands, command_inbox) = mpsc::unbounded_channel();
        let (accepting, accepted) = mpsc::channel(ACCEPTED);
        let ends = peer::Ends {
            commands: command_inbox,
            accepted,
            events: events.clone(),
        };
        started.tasks.push(tokio::spawn(
            peer::PeerTask::new(id, session, transport, ends).run(),
        ));
        started.commands.insert(id, commands);
        started.accepting.insert(address, accepting);
    }
    info!(
        "AS {}, router-id {}: {} neighbours",
        bgp.system_as,
        router.router_id(),
        started.tasks.len()
    );
    Ok(started)
}

impl NeighbourTasks {
    /// Ends every session in a way that lets a neighbour with graceful restart keep our routes.
    pub(super) async fn stop(&mut self) {
        for commands in self.commands.values() {
            // A task that ended has nothing left to stop.
            let _ended = commands
                .send(peer::Command::Stop(StopReason::Restart))
                .is_err();
        }
        for task in self.tasks.drain(..) {
            if tokio::time::timeout(peer::CLOSE_WITHIN * 2, task)
                .await
                .is_err()
            {
                warn!("a neighbour's task did not end in time");
            }
        }
    }
}
