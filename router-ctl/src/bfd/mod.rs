//! BFD as a value (RFC 5880, 5881, 5883): asynchronous mode, without echo and without authentication. Packets
//! and the time go in, packets and reports come out. No socket, clock or runtime in here.
//!
//! [`sessions::Sessions`] is all of it for one router: it takes [`Request`]s and datagrams, finds the session
//! that a datagram belongs to, and says what to send, what changed and when to call again. Inside, [`packet`]
//! turns bytes into a control packet and back, [`fsm`] is the state machine as a table, [`session`] has the
//! timers and the Poll sequences of one session.
//!
//! Besides itself this folder knows only `crate::host`: it compiles with that alone, which is how it is fuzzed.

pub mod fsm;
pub mod packet;
pub mod session;
pub mod sessions;

mod random;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::bfd::fsm::State;
use crate::bfd::packet::{Diagnostic, Discriminator};
use crate::host::IfIndex;

/// Which session: what RFC 5881 §3 and RFC 5883 §4 tell sessions apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub remote: IpAddr,
    /// The address to send from; the kernel's choice when there is none.
    pub local: Option<IpAddr>,
    /// Needed for a link-local address; else it pins the session to that interface.
    pub interface: Option<IfIndex>,
    pub multihop: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Desired Min TX Interval, once Up.
    pub transmit: Duration,
    /// Required Min RX Interval.
    pub receive: Duration,
    /// Packets in a row that may be lost.
    pub multiplier: u8,
    /// Sends nothing before the other side did.
    pub passive: bool,
    /// Of a multihop session; a single hop always asks for 255 (RFC 5881 §5).
    pub minimum_ttl: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            transmit: Duration::from_millis(300),
            receive: Duration::from_millis(300),
            multiplier: 3,
            passive: false,
            minimum_ttl: 254,
        }
    }
}

/// From the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A session with these settings; one that exists changes to them without going down.
    Put(Key, Settings),
    /// The session ends and says so.
    Remove(Key),
}

/// To the router: on each change of state and of what the other side said, and now and then for the counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub key: Key,
    pub status: Status,
}

/// A session as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// In use now.
    pub settings: Settings,
    pub state: State,
    /// When `state` was entered.
    pub since: Instant,
    /// Why `state` was entered.
    pub diagnostic: Diagnostic,
    pub discriminator: Discriminator,
    /// `None` while the other side is silent.
    pub remote: Option<Remote>,
    /// Time between two packets of ours before jitter; `None` while none are due.
    pub transmit_interval: Option<Duration>,
    /// Silence of the other side that ends the session.
    pub detection_time: Option<Duration>,
    pub counts: Counts,
}

impl Status {
    /// The other side was taken down on purpose: no reason to act (RFC 5882 §3.2).
    pub fn remote_admin_down(&self) -> bool {
        self.remote
            .as_ref()
            .is_some_and(|remote| remote.state == State::AdminDown)
    }
}

/// What the other side said last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    pub state: State,
    pub diagnostic: Diagnostic,
    pub discriminator: Discriminator,
    /// Its Desired Min TX Interval.
    pub transmit: Duration,
    /// Its Required Min RX Interval.
    pub receive: Duration,
    /// Its Required Min Echo RX Interval.
    pub echo_receive: Duration,
    pub multiplier: u8,
    /// Its BFD lives on when its control plane does not (the C bit).
    pub control_plane_independent: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub packets_in: u64,
    pub packets_out: u64,
    /// Packets that belonged to the session and were refused.
    pub refused: u64,
    /// How often the session came Up, and how often it was lost.
    pub up: u64,
    pub down: u64,
}
