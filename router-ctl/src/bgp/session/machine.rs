//! Runs the machines of a session: carries out what a step says, and decides what follows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::report::{Action, CloseReason, ConnectionId, Direction, Down, Reset};
use super::{Detail, Session, StopReason};
use crate::bgp::fsm::{self, Do, Event, Notice, State};
use crate::bgp::timers;
use crate::bgp::wire;
use crate::bgp::wire::header::MessageType;
use crate::bgp::wire::notification::Notification;

/// How a connection came to Idle.
struct Ending {
    state: State,
    event: Event,
    reason: CloseReason,
}

impl Session {
    /// The dialing machine at its beginning.
    pub(super) fn begin(&mut self, now: Instant) {
        let event = if self.config.passive {
            Event::StartPassive
        } else {
            Event::Start
        };
        self.dial(event, self.connect_retry(), now);
    }

    /// The retry timer fired.
    pub(super) fn retry(&mut self, now: Instant) {
        let negotiating = |connection: &Connection| connection.state >= State::OpenConfirm;
        if self.dialing == State::Idle {
            self.begin(now);
        } else if self.connections.iter().any(negotiating) {
            self.dial(Event::StartLater, self.connect_retry(), now);
        } else {
            self.dial(Event::ConnectRetryExpired, self.connect_retry(), now);
        }
    }

    /// A step of the dialing machine; `wait` is for the retry timer if the step arms it.
    pub(super) fn dial(&mut self, event: Event, wait: Duration, now: Instant) {
        let (next, actions) = fsm::step(self.dialing, event);
        self.dialing = next;
        for action in actions {
            match action {
                Do::Dial => self.actions.push_back(Action::Dial),
                Do::ArmConnectRetry => self.retry_at = Some(now + self.jitter.apply(wait)),
                Do::CancelConnectRetry => self.retry_at = None,
                Do::SendOpen
                | Do::ArmOpenHold
                | Do::SendKeepalive
                | Do::ArmHold
                | Do::ArmKeepalive
                | Do::SendNotification(_)
                | Do::Close
                | Do::Up
                | Do::Deliver
                | Do::Down => {}
            }
        }
        self.show_state();
    }

    /// Why a connection of the peer is not accepted now: a subcode of Cease.
    pub(super) fn refusal(&self) -> Option<u8> {
        let damped = self.dialing == State::Idle && self.retry_at.is_some();
        if !self.running || self.config.admin_down || damped {
            return Some(5);
        }
        // A restarted peer may not have been missed yet: its OPEN decides (RFC 4724 §5).
        let established = self.established()?;
        let may_restart = established
            .negotiated()
            .is_some_and(|negotiated| negotiated.graceful_restart.is_some());
        (!may_restart).then_some(7)
    }

    /// Of two connections that the peer opened the newer one is meant.
    pub(super) fn drop_inbound(&mut self, now: Instant) {
        let older = self.connections.iter().find(|connection| {
            connection.direction == Direction::Inbound && connection.state != State::Established
        });
        if let Some(id) = older.map(|connection| connection.id) {
            self.advance(id, Event::CollisionLost, Detail::None, now);
        }
    }

    /// A step of a connection's machine.
    pub(super) fn advance(&mut self, id: ConnectionId, event: Event, detail: Detail, now: Instant) {
        let Some(connection) = self.connection_mut(id) else {
            return;
        };
        let before = connection.state;
        let (next, actions) = fsm::step(before, event);
        connection.state = next;
        let mut reason = CloseReason::ConnectionLost;
        let mut given = None;
        let mut delivery = None;
        match detail {
            Detail::None if event == Event::Replaced => reason = CloseReason::Replaced,
            Detail::None => {}
            Detail::Send(notification) => given = Some(notification),
            Detail::Received(notification) => {
                reason = CloseReason::NotificationReceived(notification);
            }
            Detail::Stopped(why) => reason = CloseReason::Stopped(why),
            Detail::Update(_) | Detail::Refresh(..) => delivery = Some(detail),
        }
        for action in actions {
            match action {
                Do::SendNotification(notice) => {
                    if let Some(notification) = notification(*notice, event, given.take()) {
                        self.send_notification(id, &notification);
                        reason = CloseReason::NotificationSent(notification);
                    }
                }
                Do::Close => self.actions.push_back(Action::Close { id }),
                Do::Up => self.up(id, now),
                Do::Down => self.down(id, &reason),
                Do::Deliver => self.deliver(delivery.take()),
                Do::SendOpen => self.send_open(id),
                Do::SendKeepalive => {
                    self.send(id, MessageType::Keepalive, wire::encode_keepalive);
                }
                Do::ArmOpenHold | Do::ArmHold | Do::ArmKeepalive => self.arm(id, *action, now),
                // The dialing machine has its own timer.
                Do::Dial | Do::ArmConnectRetry | Do::CancelConnectRetry => {}
            }
        }
        if next == State::Idle {
            let ending = Ending {
                state: before,
                event,
                reason,
            };
            self.end(id, ending, now);
        }
        self.show_state();
    }

    fn arm(&mut self, id: ConnectionId, timer: Do, now: Instant) {
        let mut jitter = self.jitter;
        let Some(connection) = self.connection_mut(id) else {
            return;
        };
        let agreed = connection.negotiated();
        let hold = agreed.and_then(|agreed| agreed.hold_time);
        let keepalive = agreed.and_then(|agreed| agreed.keepalive);
        if timer == Do::ArmKeepalive {
            connection.keepalive_at = keepalive.map(|every| now + jitter.apply(every));
            self.jitter = jitter;
        } else if timer == Do::ArmHold {
            connection.hold_at = hold.map(|hold| now + hold);
        } else {
            connection.hold_at = Some(now + timers::OPEN_HOLD);
        }
    }

    fn up(&mut self, id: ConnectionId, now: Instant) {
        let Some(connection) = self.connection_mut(id) else {
            return;
        };
        connection.established_at = Some(now);
        let negotiated = connection.negotiated().cloned();
        (self.refused, self.ended) = (0, 0);
        self.stats.connections_established += 1;
        self.stats.last_change = Some(now);
        if let Some(negotiated) = negotiated {
            self.actions.push_back(Action::Up(Box::new(negotiated)));
        }
        self.dial(Event::Stop, Duration::ZERO, now);
        let others = self.connections.iter().filter(|other| other.id != id);
        let others: Vec<_> = others.map(|other| other.id).collect();
        for other in others {
            self.advance(other, Event::CollisionLost, Detail::None, now);
        }
    }

    fn down(&mut self, id: ConnectionId, reason: &CloseReason) {
        let graceful = self
            .connection_mut(id)
            .is_some_and(|connection| is_graceful(connection, reason));
        self.actions.push_back(Action::Down(Down {
            reason: reason.clone(),
            graceful,
        }));
    }

    fn deliver(&mut self, delivery: Option<Detail>) {
        match delivery {
            Some(Detail::Update(update)) => {
                let routes = update.routes.into_iter().map(Action::Routes);
                self.actions.extend(routes);
                let end = update.end_of_rib.map(Action::EndOfRib);
                self.actions.extend(end);
            }
            Some(Detail::Refresh(family, kind)) => {
                self.actions.push_back(Action::RouteRefresh(family, kind));
            }
            Some(Detail::None | Detail::Send(_) | Detail::Received(_) | Detail::Stopped(_))
            | None => {}
        }
    }

    /// The connection is gone: a new attempt at once, or later, or when its error may have been mended.
    fn end(&mut self, id: ConnectionId, ending: Ending, now: Instant) {
        let Some(at) = self.connections.iter().position(|each| each.id == id) else {
            return;
        };
        let connection = self.connections.remove(at);
        if let Some(since) = connection.established_at {
            self.stats.connections_dropped += 1;
            self.stats.last_change = Some(now);
            if now.saturating_duration_since(since) >= timers::STABLE {
                self.errors = 0;
            }
        }
        let capabilities_refused = self.note_capabilities(&connection, &ending.reason);
        let error = ending.reason.is_error() && !capabilities_refused;
        if ending.event != Event::CollisionLost {
            self.stats.last_reset = Some(Reset {
                at: now,
                reason: ending.reason,
                state: ending.state,
                open_sent: connection.open_sent,
                open_received: connection.open_received,
            });
        }
        if error {
            self.errors = self.errors.saturating_add(1);
        }
        if !self.running || !self.connections.is_empty() {
            return;
        }
        if error {
            self.dial(Event::Stop, Duration::ZERO, now);
            let first = Duration::from_secs(self.config.error_wait.max(1).into());
            self.retry_at = Some(now + timers::error_wait(first, self.errors));
        } else if self.dialing == State::Idle {
            let wait = timers::reconnect(self.connect_retry(), self.ended);
            self.ended = self.ended.saturating_add(1);
            let event = if self.config.passive {
                Event::StartPassive
            } else {
                Event::StartLater
            };
            self.dial(event, wait, now);
        }
    }

    /// An old speaker refuses an OPEN with capabilities as 2/4: it gets one without (RFC 5492 §3).
    fn note_capabilities(&mut self, connection: &Connection, reason: &CloseReason) -> bool {
        let had_some = !connection.sent.capabilities.is_empty();
        let refused = had_some
            && !self.config.strict_capability_match
            && matches!(
                reason,
                CloseReason::NotificationReceived(Notification {
                    code: 2,
                    subcode: 4,
                    ..
                })
            );
        if refused || !had_some {
            self.without_capabilities = refused;
        }
        refused
    }

    fn send_open(&mut self, id: ConnectionId) {
        let Some(bytes) = self
            .connection_mut(id)
            .map(|connection| Arc::clone(&connection.open_sent))
        else {
            return;
        };
        self.stats.sent.count(MessageType::Open, 1);
        self.actions.push_back(Action::Transmit { id, bytes });
    }

    pub(super) fn send_notification(&mut self, id: ConnectionId, notification: &Notification) {
        self.send(id, MessageType::Notification, |out| {
            notification.encode(out)
        });
    }

    pub(super) fn send(
        &mut self,
        id: ConnectionId,
        kind: MessageType,
        encode: impl FnOnce(&mut Vec<u8>),
    ) {
        let mut bytes = Vec::new();
        encode(&mut bytes);
        self.stats.sent.count(kind, 1);
        let bytes = bytes.into();
        self.actions.push_back(Action::Transmit { id, bytes });
    }

    fn show_state(&mut self) {
        let connections = self.connections.iter().map(|connection| connection.state);
        let state = connections.fold(self.dialing, State::max);
        if state != self.state {
            self.state = state;
            self.actions.push_back(Action::StateChanged(state));
        }
    }
}

/// The NOTIFICATION that a step asks for. Data of an unexpected message is its type (RFC 6608 §3).
fn notification(notice: Notice, event: Event, given: Option<Notification>) -> Option<Notification> {
    match notice {
        Notice::Given => given,
        Notice::HoldTimer => Some(Notification::new(4, 0)),
        Notice::SendHoldTimer => Some(Notification::new(8, 0)),
        Notice::Collision => Some(Notification::new(Notification::CEASE, 7)),
        Notice::UnexpectedMessage(subcode) => {
            let kind = match event {
                Event::OpenReceived => MessageType::Open,
                Event::UpdateReceived => MessageType::Update,
                Event::RouteRefreshReceived => MessageType::RouteRefresh,
                Event::KeepaliveReceived
                | Event::Start
                | Event::StartLater
                | Event::StartPassive
                | Event::Stop
                | Event::ConnectRetryExpired
                | Event::HoldExpired
                | Event::KeepaliveExpired
                | Event::SendHoldExpired
                | Event::Connected
                | Event::DialFailed
                | Event::ConnectionLost
                | Event::NotificationReceived
                | Event::BadMessage
                | Event::CollisionLost
                | Event::Replaced => MessageType::Keepalive,
            };
            Some(Notification::with_data(5, subcode, &[kind.code()]))
        }
    }
}

/// May the peer's paths be kept as stale? After a loss without a word when both sides offered graceful restart
/// (RFC 4724 §4.2), after a NOTIFICATION when both set N and it is no Hard Reset (RFC 8538 §4).
fn is_graceful(connection: &Connection, reason: &CloseReason) -> bool {
    let restart = connection
        .negotiated()
        .and_then(|negotiated| negotiated.graceful_restart.as_ref());
    let Some(restart) = restart.filter(|restart| !restart.families.is_empty()) else {
        return false;
    };
    match reason {
        CloseReason::ConnectionLost | CloseReason::Replaced => true,
        CloseReason::Stopped(StopReason::LinkDown | StopReason::Restart) => true,
        CloseReason::Stopped(
            StopReason::AdminShutdown(_)
            | StopReason::AdminReset(_)
            | StopReason::PeerRemoved
            | StopReason::ConfigChange
            | StopReason::MaximumPrefix { .. }
            | StopReason::OutOfResources
            | StopReason::BfdDown,
        ) => false,
        CloseReason::NotificationSent(notification)
        | CloseReason::NotificationReceived(notification) => {
            restart.notification && !notification.is_hard_reset()
        }
    }
}
