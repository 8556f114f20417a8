//! Messages from the peer: what each means as an event.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::Agreed;
use super::report::{Action, ConnectionId, Direction, Malformed};
use super::{Detail, Session, SessionConfig};
use crate::bgp::fsm::{Event, State};
use crate::bgp::negotiate::{Negotiated, negotiate};
use crate::bgp::types::Family;
use crate::bgp::wire::error::{Disposition, Finding, WireError};
use crate::bgp::wire::header::{Header, MessageType};
use crate::bgp::wire::open::Open;
use crate::bgp::wire::route_refresh::RefreshKind;
use crate::bgp::wire::{self, Message, update};

/// UPDATEs with errors that are kept for display.
const MALFORMED: usize = 8;
/// Between two reports of such UPDATEs.
const MALFORMED_REPORT: Duration = Duration::from_secs(1);

impl Session {
    pub(super) fn handle_message(
        &mut self,
        id: ConnectionId,
        header: Header,
        message: &[u8],
        now: Instant,
    ) {
        self.stats.received.count(header.kind, 1);
        self.stats.last_received = Some(now);
        if header.kind == MessageType::Update {
            self.stats.last_update = Some(now);
        }
        match wire::decode(header, message) {
            Ok(Message::Open(open)) => self.rx_open(id, &open, message, now),
            Ok(Message::Update(body)) => self.rx_update(id, body, message, now),
            Ok(Message::Notification(notification)) => {
                let detail = Detail::Received(notification);
                self.advance(id, Event::NotificationReceived, detail, now);
            }
            Ok(Message::Keepalive) => {
                self.advance(id, Event::KeepaliveReceived, Detail::None, now);
            }
            Ok(Message::RouteRefresh(content)) => self.rx_route_refresh(id, content, now),
            Err(error) => self.fail(id, error, now),
        }
    }

    /// A message that ends the connection.
    pub(super) fn fail(&mut self, id: ConnectionId, error: WireError, now: Instant) {
        let detail = Detail::Send(error.notification);
        self.advance(id, Event::BadMessage, detail, now);
    }

    fn rx_open(&mut self, id: ConnectionId, open: &Open, message: &[u8], now: Instant) {
        let Some(connection) = self.connections.iter_mut().find(|each| each.id == id) else {
            return;
        };
        if connection.state != State::OpenSent {
            self.advance(id, Event::OpenReceived, Detail::None, now);
            return;
        }
        connection.open_received = message.into();
        let direction = connection.direction;
        let negotiated = match negotiate(&self.config, &connection.sent, open) {
            Ok(negotiated) => negotiated,
            Err(error) => return self.fail(id, error, now),
        };
        let preferred = preferred(&self.config, &negotiated);
        connection.agreed = Some(Agreed {
            options: negotiated.decode_options(&self.config),
            negotiated: Box::new(negotiated),
        });
        let other = self.connections.iter().find(|other| other.id != id);
        match other.map(|other| (other.id, other.state)) {
            None => {}
            Some((other, State::Established)) => {
                self.advance(other, Event::Replaced, Detail::None, now);
            }
            Some((other, _)) if direction == preferred => {
                self.advance(other, Event::CollisionLost, Detail::None, now);
            }
            Some(_) => return self.advance(id, Event::CollisionLost, Detail::None, now),
        }
        self.advance(id, Event::OpenReceived, Detail::None, now);
    }

    fn rx_update(&mut self, id: ConnectionId, body: &[u8], message: &[u8], now: Instant) {
        let connection = self.connections.iter().find(|each| each.id == id);
        let options = connection
            .filter(|connection| connection.state == State::Established)
            .and_then(|connection| connection.agreed.as_ref())
            .map(|agreed| &agreed.options);
        let Some(options) = options else {
            self.advance(id, Event::UpdateReceived, Detail::None, now);
            return;
        };
        match update::decode(body, options) {
            Ok(mut update) => {
                if !update.findings.is_empty() {
                    self.note_findings(std::mem::take(&mut update.findings), message, now);
                }
                self.advance(id, Event::UpdateReceived, Detail::Update(update), now);
            }
            Err(error) => {
                self.keep_malformed(Vec::new(), message, now);
                self.fail(id, error, now);
            }
        }
    }

    fn rx_route_refresh(
        &mut self,
        id: ConnectionId,
        content: Option<(Family, RefreshKind)>,
        now: Instant,
    ) {
        let meant = |(family, kind): &(Family, RefreshKind)| {
            self.negotiated().is_some_and(|negotiated| {
                negotiated.families.contains(family)
                    && (*kind == RefreshKind::Request || negotiated.enhanced_refresh)
            })
        };
        let detail = match content.filter(meant) {
            Some((family, kind)) => Detail::Refresh(family, kind),
            None => Detail::None,
        };
        self.advance(id, Event::RouteRefreshReceived, detail, now);
    }

    fn note_findings(&mut self, findings: Vec<Finding>, message: &[u8], now: Instant) {
        for finding in &findings {
            *self.stats.findings.entry(*finding).or_default() += 1;
        }
        if findings
            .iter()
            .any(|finding| finding.disposition > Disposition::CountOnly)
        {
            let malformed = self.keep_malformed(findings, message, now);
            let last = self.reported_malformed;
            if last.is_none_or(|last| now.saturating_duration_since(last) >= MALFORMED_REPORT) {
                self.reported_malformed = Some(now);
                self.actions.push_back(Action::Malformed(malformed));
            }
        }
    }

    fn keep_malformed(
        &mut self,
        findings: Vec<Finding>,
        message: &[u8],
        now: Instant,
    ) -> Arc<Malformed> {
        let malformed = Arc::new(Malformed {
            at: now,
            findings,
            message: message.to_vec(),
        });
        if self.stats.malformed.len() == MALFORMED {
            self.stats.malformed.pop_front();
        }
        self.stats.malformed.push_back(Arc::clone(&malformed));
        malformed
    }
}

/// Which connection stays when there are two: the one that the higher BGP Identifier opened, the higher AS when
/// they are equal (RFC 4271 §6.8, RFC 6286 §2.3).
fn preferred(config: &SessionConfig, negotiated: &Negotiated) -> Direction {
    let ours = (config.router_id, negotiated.local_as);
    if ours > (negotiated.peer_id, negotiated.peer_as) {
        Direction::Outbound
    } else {
        Direction::Inbound
    }
}
