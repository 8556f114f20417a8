//! What the session of a neighbour wants done, and what the router hears of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tracing::{debug, info, warn};

use super::{PeerTask, STATUS_EVERY};
use crate::bgp::fsm::State;
use crate::bgp::negotiate::Negotiated;
use crate::bgp::session::{Action, ConnectionId, Down};
use crate::bgp::types::RouteUpdate;
use crate::bgp::wire::route_refresh::RefreshKind;
use crate::router::event::{Event, PeerStatus, Retain};

impl PeerTask {
    /// Carries out what the session wants; consecutive routes travel as one event.
    pub(super) fn drain_actions(&mut self) {
        let mut routes: Vec<RouteUpdate> = Vec::new();
        while let Some(action) = self.session.poll_action() {
            if let Action::Routes(update) = action {
                routes.push(update);
            } else if let Some(event) = self.carry_out(action) {
                self.deliver_routes(&mut routes);
                self.backlog.push_back(event);
            }
        }
        self.deliver_routes(&mut routes);
        self.hand_over();
    }

    /// Returns what the router is to hear.
    fn carry_out(&mut self, action: Action) -> Option<Event> {
        let peer = self.identity.peer;
        match action {
            Action::Routes(update) => Some(Event::Routes {
                peer,
                updates: vec![update],
            }),
            Action::Dial => {
                self.dial();
                None
            }
            Action::Transmit { id, bytes } => {
                self.queue(id, bytes);
                None
            }
            Action::Close { id } => {
                self.close(id);
                None
            }
            Action::StateChanged(state) => {
                debug!("neighbor {}: {state}", self.identity.name);
                self.publish_at = Instant::now();
                None
            }
            Action::Malformed(malformed) => {
                warn!(
                    "neighbor {}: UPDATE with errors: {malformed}",
                    self.identity.name
                );
                None
            }
            Action::Up(negotiated) => Some(self.up(negotiated)),
            Action::Down(down) => Some(self.down(&down)),
            Action::EndOfRib(family) => Some(Event::EndOfRib { peer, family }),
            Action::RouteRefresh(family, kind) => Some(match kind {
                RefreshKind::Request => Event::RouteRefresh { peer, family },
                RefreshKind::Begin => Event::RefreshBegin { peer, family },
                RefreshKind::End => Event::RefreshEnd { peer, family },
            }),
        }
    }

    /// The time that the peer has to take something begins when there is something, not with every message that
    /// is added to it (RFC 9687 §3.2).
    pub(super) fn queue(&mut self, id: ConnectionId, bytes: Arc<[u8]>) {
        let connection = self.connections.iter_mut().find(|each| each.id == id);
        let Some(connection) = connection else { return };
        let was_idle = !connection.has_output();
        connection.queue(bytes);
        if was_idle {
            self.session.handle_write_progress(id, true, Instant::now());
        }
    }

    fn deliver_routes(&mut self, routes: &mut Vec<RouteUpdate>) {
        if !routes.is_empty() {
            self.backlog.push_back(Event::Routes {
                peer: self.identity.peer,
                updates: std::mem::take(routes),
            });
        }
    }

    /// Gives the router what it takes without waiting.
    fn hand_over(&mut self) {
        while let Ok(permit) = self.ends.reports.try_reserve() {
            let Some(event) = self.backlog.pop_front() else {
                return;
            };
            permit.send(self.identity.report(event));
        }
    }

    fn up(&mut self, negotiated: Box<Negotiated>) -> Event {
        let unknown = SocketAddr::new(self.transport.remote, self.transport.port);
        let (local, remote) = self
            .connections
            .iter()
            .find(|connection| Some(connection.id) == self.reading)
            .map_or((unknown, unknown), |connection| {
                (connection.local, connection.remote)
            });
        // A connection that we asked for and that opens now would look like a restart to the peer (RFC 4724 §4.2).
        self.give_up_dialling();
        info!("%ADJCHANGE: neighbor {} Up", self.identity.name);
        self.sessions += 1;
        Event::PeerUp {
            peer: self.identity.peer,
            negotiated,
            local,
            remote,
        }
    }

    fn down(&mut self, down: &Down) -> Event {
        self.ended = true;
        self.restart_is_over();
        info!(
            "%ADJCHANGE: neighbor {} Down {}",
            self.identity.name, down.reason
        );
        let retain = if down.graceful {
            Retain::Stale
        } else {
            Retain::No
        };
        Event::PeerDown {
            peer: self.identity.peer,
            retain,
        }
    }

    /// Publishes the session's figures when they changed, at most once a second unless its state did.
    pub(super) fn publish(&mut self) {
        let now = Instant::now();
        if now < self.publish_at || !self.backlog.is_empty() {
            return;
        }
        self.publish_at = now + STATUS_EVERY;
        let mut status = PeerStatus::of(&self.session);
        if status.state != State::Established {
            status.connect_error = self.trouble.clone().or_else(|| self.dial_error.clone());
        }
        if status != self.published {
            let event = Event::PeerStatus {
                peer: self.identity.peer,
                status: status.clone(),
            };
            if self
                .ends
                .reports
                .try_send(self.identity.report(event))
                .is_ok()
            {
                self.published = status;
            }
        }
    }
}
