//! One TCP connection of a session, from its OPEN to its end.

use std::sync::Arc;
use std::time::Instant;

use super::config::SessionConfig;
use super::report::{ConnectionId, Direction};
use crate::bgp::fsm::State;
use crate::bgp::negotiate::{self, Negotiated};
use crate::bgp::wire::capability::Capability;
use crate::bgp::wire::header::{EXTENDED_LIMIT, Inbox, STANDARD_LIMIT};
use crate::bgp::wire::open::Open;
use crate::bgp::wire::update::DecodeOptions;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) direction: Direction,
    pub(super) state: State,
    pub(super) inbox: Inbox,
    /// Our OPEN, parsed and as bytes.
    pub(super) sent: Open,
    pub(super) open_sent: Arc<[u8]>,
    pub(super) open_received: Arc<[u8]>,
    pub(super) agreed: Option<Agreed>,
    pub(super) established_at: Option<Instant>,
    pub(super) hold_at: Option<Instant>,
    pub(super) keepalive_at: Option<Instant>,
    pub(super) send_hold_at: Option<Instant>,
}

/// The outcome of both OPENs.
#[derive(Debug)]
pub(super) struct Agreed {
    pub(super) negotiated: Box<Negotiated>,
    pub(super) options: DecodeOptions,
}

impl Connection {
    /// TCP is up; the machine has not heard of it yet.
    pub(super) fn new(
        id: ConnectionId,
        direction: Direction,
        config: &SessionConfig,
        with_capabilities: bool,
    ) -> Self {
        let sent = negotiate::our_open(config, with_capabilities);
        let mut bytes = Vec::new();
        sent.encode(&mut bytes);
        Self {
            id,
            direction,
            state: match direction {
                Direction::Inbound => State::Active,
                Direction::Outbound => State::Connect,
            },
            inbox: Inbox::default(),
            sent,
            open_sent: bytes.into(),
            open_received: Arc::default(),
            agreed: None,
            established_at: None,
            hold_at: None,
            keepalive_at: None,
            send_hold_at: None,
        }
    }

    pub(super) fn negotiated(&self) -> Option<&Negotiated> {
        self.agreed.as_ref().map(|agreed| &*agreed.negotiated)
    }

    /// The longest message to accept now: who offered long ones gets them once the session is up (RFC 8654 §4).
    pub(super) fn limit(&self) -> usize {
        let offered = self
            .sent
            .capabilities
            .contains(&Capability::ExtendedMessage);
        if offered && self.state == State::Established {
            EXTENDED_LIMIT
        } else {
            STANDARD_LIMIT
        }
    }

    /// Both sides set the N bit (RFC 8538 §2).
    pub(super) fn notifications_are_graceful(&self) -> bool {
        self.negotiated()
            .and_then(|negotiated| negotiated.graceful_restart.as_ref())
            .is_some_and(|restart| restart.notification)
    }

    pub(super) fn deadlines(&self) -> impl Iterator<Item = Instant> {
        [self.hold_at, self.keepalive_at, self.send_hold_at]
            .into_iter()
            .flatten()
    }
}
