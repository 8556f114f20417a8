//! The only place that names netlink: what the Linux host has (links, addresses, neighbours, routes), told to the
//! router as [`HostEvent`]s, and the neighbours that the router asks the kernel to keep resolved.
//!
//! [`HostWatch`] subscribes first and dumps afterwards, on one socket, so no change can fall between the two.
//! A change that is notified while the dump runs is at least as new as the dump's own word for the same object,
//! so it wins (`table.rs`). When the kernel had to drop messages (`ENOBUFS`), everything is dumped again behind a
//! [`HostEvent::Resync`].
//!
//! XDP forwards without the kernel seeing the traffic, so the kernel would let the neighbours that XDP uses go
//! stale and collect them. [`Neighbours`] makes the kernel keep them.
//!
//! A netlink socket belongs to the network namespace of the thread that opened it, for good.

mod address;
mod link;
mod neighbour;
mod route;
mod socket;
mod table;
mod ways;

use std::io;

use netlink_packet_core::{NLM_F_DUMP_INTR, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;
use netlink_packet_route::neighbour::NeighbourMessage;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

pub use self::neighbour::Neighbours;

use self::socket::{Received, RouteSocket};
use self::table::{Observation, Origin, Table};
use crate::host::HostEvent;

/// What went wrong between us and the kernel, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    #[error(
        "cannot open a netlink socket to {purpose}: {source}; the router needs root or CAP_NET_ADMIN in its network namespace"
    )]
    Open {
        purpose: &'static str,
        source: io::Error,
    },
    #[error(
        "cannot send to the kernel over netlink to {what}: {source}; restart the router if this repeats"
    )]
    Send { what: String, source: io::Error },
    #[error(
        "cannot read netlink messages from the kernel: {source}; restart the router if this repeats"
    )]
    Receive { source: io::Error },
    #[error("the kernel refused to {what}: {source}{}", hint(source, detail))]
    Refused {
        what: String,
        source: io::Error,
        /// The kernel's own words, when it gave any.
        detail: Option<String>,
    },
}

/// What to do about a refusal: the kernel's own words first, else what the error number means here.
fn hint(source: &io::Error, detail: &Option<String>) -> String {
    if let Some(words) = detail {
        return format!(" ({words})");
    }
    let advice = match source.raw_os_error() {
        Some(libc::EPERM) => "the router needs root or CAP_NET_ADMIN in its network namespace",
        Some(libc::ENODEV) => {
            "the interface is gone; remove it from the configuration or bring it back"
        }
        Some(libc::ENETDOWN) => "bring the interface up",
        Some(libc::ENOBUFS) => {
            "the neighbour table is full; raise net.ipv4.neigh.default.gc_thresh3 (or ipv6)"
        }
        _ => return String::new(),
    };
    format!("; {advice}")
}

/// A dump the kernel itself calls inconsistent is asked for again, but not for ever.
const DUMP_ATTEMPTS: u32 = 8;

/// rtnetlink multicast groups (linux/rtnetlink.h, `enum rtnetlink_groups`).
const GROUPS: [u32; 6] = [
    libc::RTNLGRP_LINK,
    libc::RTNLGRP_NEIGH,
    libc::RTNLGRP_IPV4_IFADDR,
    libc::RTNLGRP_IPV6_IFADDR,
    libc::RTNLGRP_IPV4_ROUTE,
    libc::RTNLGRP_IPV6_ROUTE,
];

/// Follows the links, addresses, neighbours and foreign routes of this network namespace.
#[derive(Debug)]
pub struct HostWatch {
    socket: RouteSocket,
    table: Table,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// What we know is not to be trusted: drain the socket and dump.
    Stale,
    Dumping {
        stage: Stage,
        sequence: u32,
        attempt: u32,
        interrupted: bool,
    },
    Following,
}

/// Dumps run one after the other: a netlink socket carries one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Links,
    Addresses,
    Neighbours,
    /// Before the routes are listed again. The kernel tells of a link's end before it has dropped the routes, and
    /// lists routes without waiting for that. A list of links does wait; what it says is known already.
    Settle,
    Routes4,
    Routes6,
}

impl Stage {
    fn next(self) -> Option<Self> {
        match self {
            Self::Links => Some(Self::Addresses),
            Self::Addresses => Some(Self::Neighbours),
            Self::Neighbours | Self::Settle => Some(Self::Routes4),
            Self::Routes4 => Some(Self::Routes6),
            Self::Routes6 => None,
        }
    }

    fn request(self) -> RouteNetlinkMessage {
        match self {
            Self::Links | Self::Settle => RouteNetlinkMessage::GetLink(LinkMessage::default()),
            Self::Addresses => RouteNetlinkMessage::GetAddress(AddressMessage::default()),
            Self::Neighbours => RouteNetlinkMessage::GetNeighbour(NeighbourMessage::default()),
            Self::Routes4 => route::dump(AddressFamily::Inet),
            Self::Routes6 => route::dump(AddressFamily::Inet6),
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Links | Self::Settle => "list the interfaces",
            Self::Addresses => "list the addresses",
            Self::Neighbours => "list the neighbours",
            Self::Routes4 => "list the IPv4 routes",
            Self::Routes6 => "list the IPv6 routes",
        }
    }
}

impl HostWatch {
    /// Opens the socket in the calling thread's network namespace and subscribes. Needs a tokio runtime.
    pub fn open() -> Result<Self, KernelError> {
        Ok(Self {
            socket: RouteSocket::open("watch the host", &GROUPS)?,
            table: Table::default(),
            phase: Phase::Stale,
        })
    }

    /// The next changes: at first `Resync`, a complete dump and `ResyncDone` in one batch, then whatever changes.
    /// The same three again, in one batch, when the kernel had to drop messages. Safe to cancel.
    pub async fn next(&mut self) -> Result<Vec<HostEvent>, KernelError> {
        loop {
            if let Phase::Stale = self.phase {
                self.socket.drain()?;
                self.table.begin_resync();
                self.start_dump(Stage::Links, 1)?;
            }
            if matches!(self.phase, Phase::Following) && self.table.begin_routes() {
                self.start_dump(Stage::Settle, 1)?;
            }
            match self.socket.receive().await? {
                Received::Overrun => {
                    tracing::warn!("the kernel dropped netlink messages; reading everything again");
                    self.phase = Phase::Stale;
                }
                Received::Messages(messages) => {
                    let mut events = Vec::new();
                    for message in messages {
                        self.handle(message, &mut events)?;
                    }
                    if !events.is_empty() {
                        return Ok(events);
                    }
                }
            }
        }
    }

    fn start_dump(&mut self, stage: Stage, attempt: u32) -> Result<(), KernelError> {
        let sequence = self.socket.send_dump(stage.request(), stage.what())?;
        self.phase = Phase::Dumping {
            stage,
            sequence,
            attempt,
            interrupted: false,
        };
        Ok(())
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "netlink's own enums grow with the kernel"
    )]
    fn handle(
        &mut self,
        message: NetlinkMessage<RouteNetlinkMessage>,
        events: &mut Vec<HostEvent>,
    ) -> Result<(), KernelError> {
        let origin = self.origin(&message);
        match message.payload {
            NetlinkPayload::InnerMessage(_) if origin == Origin::Dump && self.is_settling() => {}
            NetlinkPayload::InnerMessage(inner) => {
                if let Some(observation) = observe(&inner, message.header.flags) {
                    events.extend(self.table.apply(observation, origin));
                }
            }
            NetlinkPayload::Done(done) if origin == Origin::Dump => {
                self.dump_done(done.code, events)?;
            }
            NetlinkPayload::Error(error) if origin == Origin::Dump => {
                return Err(self.dump_refused(error.to_io()));
            }
            _ => {}
        }
        Ok(())
    }

    /// A reply to the running dump carries its sequence number and our port; all else is a notification.
    fn origin(&mut self, message: &NetlinkMessage<RouteNetlinkMessage>) -> Origin {
        let header = &message.header;
        match &mut self.phase {
            Phase::Dumping {
                sequence,
                interrupted,
                ..
            } if header.sequence_number == *sequence
                && header.port_number == self.socket.port() =>
            {
                *interrupted |= header.flags & NLM_F_DUMP_INTR != 0;
                Origin::Dump
            }
            Phase::Stale | Phase::Dumping { .. } | Phase::Following => Origin::Notification,
        }
    }

    fn is_settling(&self) -> bool {
        let settle = |stage| stage == Stage::Settle;
        matches!(self.phase, Phase::Dumping { stage, .. } if settle(stage))
    }

    fn dump_refused(&mut self, source: io::Error) -> KernelError {
        let what = match self.phase {
            Phase::Dumping { stage, .. } => stage.what(),
            Phase::Stale | Phase::Following => "list its state",
        };
        self.phase = Phase::Stale;
        KernelError::Refused {
            what: what.to_owned(),
            source,
            detail: None,
        }
    }

    fn dump_done(&mut self, code: i32, events: &mut Vec<HostEvent>) -> Result<(), KernelError> {
        if code < 0 {
            return Err(self.dump_refused(io::Error::from_raw_os_error(-code)));
        }
        let Phase::Dumping {
            stage,
            attempt,
            interrupted,
            ..
        } = self.phase
        else {
            return Ok(());
        };
        if interrupted && attempt < DUMP_ATTEMPTS {
            return self.start_dump(stage, attempt + 1);
        }
        if interrupted {
            tracing::warn!(
                "could not {} without a change in between, {attempt} times; going on with the last list",
                stage.what()
            );
        }
        match stage.next() {
            Some(next) => self.start_dump(next, 1)?,
            None => {
                self.phase = Phase::Following;
                events.extend(self.table.finish());
            }
        }
        Ok(())
    }
}

/// One message from the kernel as what it says about the host; `None` for what the router has no use for.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "netlink's own enums grow with the kernel"
)]
fn observe(message: &RouteNetlinkMessage, flags: u16) -> Option<Observation> {
    match message {
        RouteNetlinkMessage::NewLink(link) => link::observe_new(link),
        RouteNetlinkMessage::DelLink(link) => link::observe_deleted(link),
        RouteNetlinkMessage::NewAddress(address) => address::observe_new(address),
        RouteNetlinkMessage::DelAddress(address) => address::observe_deleted(address),
        RouteNetlinkMessage::NewNeighbour(neighbour) => neighbour::observe_new(neighbour),
        RouteNetlinkMessage::DelNeighbour(neighbour) => neighbour::observe_deleted(neighbour),
        RouteNetlinkMessage::NewRoute(route) => {
            route::observe_new(route, flags).map(Observation::Route)
        }
        RouteNetlinkMessage::DelRoute(route) => {
            route::observe_deleted(route).map(Observation::Route)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The daemon moves the watch and the keeper into tasks of their own.
    #[test]
    fn both_may_move_between_threads() {
        fn movable<T: Send>(_: &T) {}
        let _ = |mut watch: HostWatch, neighbours: Neighbours, key| {
            movable(&watch);
            movable(&watch.next());
            movable(&neighbours);
            movable(&neighbours.keep(key));
            movable(&neighbours.refresh());
        };
    }

    #[test]
    fn a_refusal_tells_what_why_and_what_to_do() {
        let refused = |code, detail: Option<&str>| {
            KernelError::Refused {
                what: "keep neighbour 192.0.2.1 on interface number 3".to_owned(),
                source: io::Error::from_raw_os_error(code),
                detail: detail.map(str::to_owned),
            }
            .to_string()
        };
        let gone = refused(libc::ENODEV, None);
        assert!(
            gone.starts_with("the kernel refused to keep neighbour 192.0.2.1"),
            "{gone}"
        );
        assert!(
            gone.ends_with("remove it from the configuration or bring it back"),
            "{gone}"
        );
        let words = refused(libc::EINVAL, Some("Invalid device"));
        assert!(words.ends_with("(Invalid device)"), "{words}");
    }
}
