//! The tasks of the neighbours, from the core's side: effects that start, change and end them.
//!
//! A number of a neighbour may be given to another at once. So each task is an incarnation of its own: what the
//! old one has reported and nobody has read yet is not taken for a report of the new one. In the same way what
//! the router encoded for one session does not go out on the next.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::bgp::session::{Session, StopReason};
use crate::daemon::door::{Guest, Order};
use crate::daemon::peer::{self, Command, PeerTask};
use crate::rib::route::PeerId;
use crate::router::effect::{Effect, StartPeer};
use crate::router::event::Event;

/// Connections of one neighbour that may wait for its task.
const CONNECTIONS: usize = 4;

/// One life of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Incarnation(u64);

#[cfg(test)]
impl Incarnation {
    pub(super) fn of_test(number: u64) -> Self {
        Self(number)
    }
}

/// What a neighbour's task tells the core.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) peer: PeerId,
    pub(super) incarnation: Incarnation,
    pub(super) event: Event,
}

/// Held by each task: when all are gone, the other end hears of it.
pub(super) type Alive = mpsc::Sender<Infallible>;

pub(super) struct Neighbours {
    running: HashMap<PeerId, Running>,
    next: u64,
    ends: Ends,
}

/// What new tasks are given.
pub(super) struct Ends {
    pub(super) runtime: tokio::runtime::Handle,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) door: mpsc::UnboundedSender<Order>,
    pub(super) alive: Alive,
}

struct Running {
    incarnation: Incarnation,
    commands: mpsc::UnboundedSender<Command>,
    connections: mpsc::Sender<tokio::net::TcpStream>,
    /// Sessions that the router has heard of.
    sessions: u64,
}

impl Neighbours {
    pub(super) fn new(ends: Ends) -> Self {
        Self {
            running: HashMap::new(),
            next: 0,
            ends,
        }
    }

    /// The event of a report, unless its neighbour is gone.
    pub(super) fn accept(&mut self, report: Report) -> Option<Event> {
        let running = self.running.get_mut(&report.peer)?;
        if running.incarnation != report.incarnation {
            return None;
        }
        if matches!(report.event, Event::PeerUp { .. }) {
            running.sessions += 1;
        }
        Some(report.event)
    }

    /// Carries out an effect that concerns the neighbours; gives back any other.
    pub(super) fn carry_out(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Transmit {
                peers,
                bytes,
                messages,
            } => self.transmit(&peers, &bytes, messages),
            Effect::StartPeer(start) => self.start(*start),
            Effect::ConfigurePeer(change) => self.configure(change),
            Effect::ResetPeer { peer, reason, back } => {
                self.tell(peer, Command::Reset { reason, back });
            }
            Effect::RemovePeer { peer, reason } => self.remove(peer, reason),
            Effect::RequestRefresh { peer, family } => {
                self.tell(peer, Command::Refresh(family));
            }
            Effect::RefuseStranger(ticket) => self.order(Order::Refuse(ticket)),
            Effect::RangeKeys(keys) => self.order(Order::RangeKeys(keys)),
            Effect::ApplyFib { .. }
            | Effect::KeepNeighbour(_)
            | Effect::ForgetNeighbour(_)
            | Effect::PutPort(_)
            | Effect::RemovePort(_)
            | Effect::AdvertiseOn(_)
            | Effect::Bfd(_)
            | Effect::Note(_) => return Some(effect),
        }
        None
    }

    /// Ends every session in a way that lets a neighbour with graceful restart keep our routes.
    pub(super) fn stop(&mut self) {
        for (_, running) in self.running.drain() {
            running.tell(Command::Stop(StopReason::Restart));
        }
    }

    fn start(&mut self, start: StartPeer) {
        let StartPeer {
            peer,
            name,
            session,
            transport,
            accept,
        } = start;
        if self.running.contains_key(&peer) {
            warn!("neighbor {name}: was started twice; its first session ends");
            self.remove(peer, StopReason::ConfigChange);
        }
        self.next += 1;
        let incarnation = Incarnation(self.next);
        let (commands, command_inbox) = mpsc::unbounded_channel();
        let (connections, accepted) = mpsc::channel(CONNECTIONS);
        let running = Running {
            incarnation,
            commands,
            connections,
            sessions: 0,
        };
        let guest = running.guest(&transport);
        let task = PeerTask::new(
            peer::Identity {
                peer,
                incarnation,
                name,
            },
            Session::new(session),
            transport,
            peer::Ends {
                commands: command_inbox,
                accepted,
                reports: self.ends.reports.clone(),
                _alive: self.ends.alive.clone(),
            },
        );
        self.ends.runtime.spawn(task.run());
        self.running.insert(peer, running);
        self.order(Order::Expect { guest, accept });
    }

    fn configure(&mut self, change: Box<StartPeer>) {
        let Some(running) = self.running.get(&change.peer) else {
            warn!(
                "neighbor {}: does not run, so nothing is changed",
                change.name
            );
            return;
        };
        let guest = running.guest(&change.transport);
        running.tell(Command::Configure(change));
        self.order(Order::Expect {
            guest,
            accept: None,
        });
    }

    fn remove(&mut self, peer: PeerId, reason: StopReason) {
        if let Some(running) = self.running.remove(&peer) {
            self.order(Order::Forget(running.incarnation));
            running.tell(Command::Stop(reason));
        }
    }

    fn transmit(&self, peers: &[PeerId], bytes: &Arc<[u8]>, messages: u32) {
        for running in peers.iter().filter_map(|peer| self.running.get(peer)) {
            running.tell(Command::Transmit {
                session: running.sessions,
                bytes: bytes.clone(),
                messages,
            });
        }
    }

    fn tell(&self, peer: PeerId, command: Command) {
        if let Some(running) = self.running.get(&peer) {
            running.tell(command);
        }
    }

    fn order(&self, order: Order) {
        if self.ends.door.send(order).is_err() {
            info!("the BGP port is closed: no connections are accepted");
        }
    }
}

impl Running {
    fn guest(&self, transport: &crate::router::transport::Transport) -> Guest {
        Guest {
            incarnation: self.incarnation,
            transport: transport.clone(),
            connections: self.connections.clone(),
            commands: self.commands.clone(),
        }
    }

    fn tell(&self, command: Command) {
        // A task that ended reports its session down; what was meant for it goes with it.
        let _ended = self.commands.send(command).is_err();
    }
}

#[cfg(test)]
mod tests;
