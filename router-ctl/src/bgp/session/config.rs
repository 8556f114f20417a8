//! What a session is told: how to talk to the neighbour, and why to stop.

use std::fmt;

use crate::bgp::types::{Asn, Family, PeerAs, RouterId};
use crate::bgp::wire::attribute::AttributeCode;
use crate::bgp::wire::error::Disposition;
use crate::bgp::wire::notification::Notification;

/// How to talk to one neighbour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    pub local_as: Asn,
    pub router_id: RouterId,
    pub remote_as: PeerAs,
    /// Never dial.
    pub passive: bool,
    /// `start` does nothing and connections are refused.
    pub admin_down: bool,
    /// Seconds; 0 or at least 3.
    pub hold_time: u16,
    /// Seconds; a peer that offers less, but not 0, is refused.
    pub minimum_hold_time: u16,
    /// Seconds; a third of the negotiated hold time when absent or longer than that.
    pub keepalive: Option<u16>,
    /// Seconds between dials; doubles to 120 while they fail.
    pub connect_retry: u16,
    /// Seconds that the first error is waited out; doubles to 300 while errors follow each other.
    pub error_wait: u16,
    /// Seconds that the peer may leave our bytes unread; absent: the larger of 480 and twice the hold time
    /// (RFC 9687 §3).
    pub send_hold: Option<u16>,
    pub families: Vec<Family>,
    pub add_path_receive: Vec<Family>,
    pub add_path_send: Vec<Family>,
    pub extended_message: bool,
    /// Offer IPv6 next hops for IPv4 prefixes (RFC 8950).
    pub extended_next_hop: bool,
    pub graceful_restart: Option<GracefulRestart>,
    pub disable_capability_negotiation: bool,
    /// A peer that names no family has all of ours.
    pub override_capability: bool,
    /// A peer that lacks one of our families is refused.
    pub strict_capability_match: bool,
    pub enforce_first_as: bool,
    pub reject_as_sets: bool,
    pub allow_martian_next_hop: bool,
    /// The session runs over one link, so link-local next hops mean something.
    pub link_local_next_hop: bool,
    /// Attributes that the neighbour may not send: discarded, or the routes withdrawn.
    pub attribute_overrides: Vec<(AttributeCode, Disposition)>,
    /// Jitter is a pure function of it.
    pub jitter_seed: u64,
}

impl SessionConfig {
    /// Every other setting at its default.
    pub fn new(local_as: Asn, router_id: RouterId, remote_as: PeerAs) -> Self {
        Self {
            local_as,
            router_id,
            remote_as,
            passive: false,
            admin_down: false,
            hold_time: 90,
            minimum_hold_time: 3,
            keepalive: None,
            connect_retry: 30,
            error_wait: 5,
            send_hold: None,
            families: vec![Family::Ipv4Unicast],
            add_path_receive: Vec::new(),
            add_path_send: Vec::new(),
            extended_message: true,
            extended_next_hop: false,
            graceful_restart: None,
            disable_capability_negotiation: false,
            override_capability: false,
            strict_capability_match: false,
            enforce_first_as: true,
            reject_as_sets: true,
            allow_martian_next_hop: false,
            link_local_next_hop: true,
            attribute_overrides: Vec::new(),
            jitter_seed: 0,
        }
    }
}

/// What we say about our own restarts (RFC 4724 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracefulRestart {
    /// Seconds, at most 4095.
    pub restart_time: u16,
    /// R: we have just restarted.
    pub restarting: bool,
    /// F, of every family: the data plane forwarded all the while.
    pub forwarding_kept: bool,
    /// Help others, but name no families of our own.
    pub helper_only: bool,
}

/// Why the driver ends a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Text for the peer's operator (RFC 9003).
    AdminShutdown(Option<String>),
    AdminReset(Option<String>),
    PeerRemoved,
    /// A commit changed what only a new session can use.
    ConfigChange,
    MaximumPrefix {
        family: Family,
        limit: u32,
    },
    OutOfResources,
    BfdDown,
    /// The interface went down: nothing can be sent.
    LinkDown,
    /// We stop to be back soon: closed without a NOTIFICATION, so that helpers keep our paths.
    Restart,
}

impl StopReason {
    /// The Cease that the peer gets (RFC 4486). With the N bit on both sides those that mean an end, and not a
    /// pause, go as Hard Reset (RFC 8538 §3.1).
    pub(super) fn cease(&self, notifications_are_graceful: bool) -> Option<Notification> {
        let (cease, ends) = match self {
            Self::MaximumPrefix { family, limit } => {
                let (afi, safi) = family.codes();
                let mut data = afi.to_be_bytes().to_vec();
                data.push(safi);
                data.extend_from_slice(&limit.to_be_bytes());
                let cease = Notification::with_data(Notification::CEASE, 1, &data);
                (cease, true)
            }
            Self::AdminShutdown(text) => (Notification::cease_with_text(2, text.as_deref()), true),
            Self::PeerRemoved => (Notification::new(Notification::CEASE, 3), true),
            Self::AdminReset(text) => (Notification::cease_with_text(4, text.as_deref()), true),
            Self::ConfigChange => (Notification::new(Notification::CEASE, 6), false),
            Self::OutOfResources => (Notification::new(Notification::CEASE, 8), false),
            Self::BfdDown => (Notification::new(Notification::CEASE, 10), true),
            Self::LinkDown | Self::Restart => return None,
        };
        Some(if ends && notifications_are_graceful {
            cease.into_hard_reset()
        } else {
            cease
        })
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AdminShutdown(_) => "administrative shutdown",
            Self::AdminReset(_) => "administrative reset",
            Self::PeerRemoved => "neighbour removed",
            Self::ConfigChange => "configuration change",
            Self::MaximumPrefix { .. } => "maximum number of prefixes reached",
            Self::OutOfResources => "out of resources",
            Self::BfdDown => "BFD down",
            Self::LinkDown => "interface down",
            Self::Restart => "this router restarts",
        })
    }
}
