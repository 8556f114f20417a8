//! The control packet (RFC 5880 §4.1), and the checks of §6.8.6 that need no session.

use std::fmt;

use crate::bfd::fsm::State;

/// Octets of a packet without authentication.
pub const LENGTH: usize = 24;
const VERSION: u8 = 1;
/// With the A bit an authentication section of at least two octets follows.
const LENGTH_WITH_AUTHENTICATION: usize = 26;

/// A session's number at one end; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Discriminator(u32);

impl Discriminator {
    pub fn new(number: u32) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }

    pub fn get(self) -> u32 {
        self.0
    }
}

/// Why a session last changed its state (RFC 5880 §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Diagnostic(u8);

impl Diagnostic {
    pub const NONE: Self = Self(0);
    pub const EXPIRED: Self = Self(1);
    pub const NEIGHBOR_SAID_DOWN: Self = Self(3);
    pub const ADMIN_DOWN: Self = Self(7);

    /// The low five bits.
    pub fn from_code(code: u8) -> Self {
        Self(code & 0x1f)
    }

    pub fn code(self) -> u8 {
        self.0
    }
}

/// The words of the RFC, as FRR prints them.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "ok",
            1 => "control detection time expired",
            2 => "echo function failed",
            3 => "neighbor signaled session down",
            4 => "forwarding plane reset",
            5 => "path down",
            6 => "concatenated path down",
            7 => "administratively down",
            8 => "reverse concatenated path down",
            _ => "unknown",
        })
    }
}

/// The bits after the state; there is no authentication and no multipoint in a packet that may be acted on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    pub poll: bool,
    pub is_final: bool,
    pub control_plane_independent: bool,
    pub demand: bool,
}

/// A packet that may be acted on. Intervals in microseconds, as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    pub diagnostic: Diagnostic,
    pub state: State,
    pub flags: Flags,
    pub multiplier: u8,
    pub mine: Discriminator,
    /// `None` only with the states Down and AdminDown.
    pub yours: Option<Discriminator>,
    pub desired_min_tx: u32,
    pub required_min_rx: u32,
    pub required_min_echo_rx: u32,
}

/// Why a datagram was not acted on. Each is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Discard {
    /// From farther away than the session allows (RFC 5881 §5).
    Ttl,
    Short,
    Version,
    /// The length field is below the least, or beyond the datagram.
    Length,
    Multiplier,
    Multipoint,
    MyDiscriminator,
    /// Your Discriminator is zero in a state in which the sender must know it.
    YourDiscriminator,
    Authentication,
    /// No session has this discriminator.
    UnknownSession,
    /// Your Discriminator is zero and there is no session with the sender.
    UnknownNeighbor,
    /// The session exists, but not with this sender or on this interface.
    WrongSender,
    /// Our session is administratively down.
    AdminDown,
}

impl Discard {
    pub const ALL: [Self; 13] = [
        Self::Ttl,
        Self::Short,
        Self::Version,
        Self::Length,
        Self::Multiplier,
        Self::Multipoint,
        Self::MyDiscriminator,
        Self::YourDiscriminator,
        Self::Authentication,
        Self::UnknownSession,
        Self::UnknownNeighbor,
        Self::WrongSender,
        Self::AdminDown,
    ];
}

impl fmt::Display for Discard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ttl => "TTL too low",
            Self::Short => "shorter than a packet",
            Self::Version => "not version 1",
            Self::Length => "length field wrong",
            Self::Multiplier => "detect multiplier zero",
            Self::Multipoint => "multipoint bit set",
            Self::MyDiscriminator => "my discriminator zero",
            Self::YourDiscriminator => "your discriminator zero in this state",
            Self::Authentication => "authentication not in use here",
            Self::UnknownSession => "no session has this discriminator",
            Self::UnknownNeighbor => "no session with this sender",
            Self::WrongSender => "session with another sender",
            Self::AdminDown => "session administratively down",
        })
    }
}

impl Packet {
    /// The checks in the order of RFC 5880 §6.8.6. What follows the length field is not looked at.
    pub fn decode(datagram: &[u8]) -> Result<Self, Discard> {
        let packet: &[u8; LENGTH] = datagram.first_chunk().ok_or(Discard::Short)?;
        let [first, second, multiplier, length, numbers @ ..] = packet;
        let bit = |bit: u8| second & bit != 0;
        if first >> 5 != VERSION {
            return Err(Discard::Version);
        }
        let authenticated = bit(0x04);
        let least = if authenticated {
            LENGTH_WITH_AUTHENTICATION
        } else {
            LENGTH
        };
        if !(least..=datagram.len()).contains(&usize::from(*length)) {
            return Err(Discard::Length);
        }
        if *multiplier == 0 {
            return Err(Discard::Multiplier);
        }
        if bit(0x01) {
            return Err(Discard::Multipoint);
        }
        let [
            mine,
            yours,
            desired_min_tx,
            required_min_rx,
            required_min_echo_rx,
        ] = words(numbers);
        let mine = Discriminator::new(mine).ok_or(Discard::MyDiscriminator)?;
        let yours = Discriminator::new(yours);
        let state = State::from_code(second >> 6);
        if yours.is_none() && !matches!(state, State::Down | State::AdminDown) {
            return Err(Discard::YourDiscriminator);
        }
        if authenticated {
            return Err(Discard::Authentication);
        }
        Ok(Self {
            diagnostic: Diagnostic::from_code(*first),
            state,
            flags: Flags {
                poll: bit(0x20),
                is_final: bit(0x10),
                control_plane_independent: bit(0x08),
                demand: bit(0x02),
            },
            multiplier: *multiplier,
            mine,
            yours,
            desired_min_tx,
            required_min_rx,
            required_min_echo_rx,
        })
    }

    pub fn encode(&self) -> [u8; LENGTH] {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let second = self.state.code() << 6
            | flag(self.flags.poll, 0x20)
            | flag(self.flags.is_final, 0x10)
            | flag(self.flags.control_plane_independent, 0x08)
            | flag(self.flags.demand, 0x02);
        let first = VERSION << 5 | self.diagnostic.code();
        let [a, b, c, d] = self.mine.get().to_be_bytes();
        let [e, f, g, h] = self.yours.map_or(0, Discriminator::get).to_be_bytes();
        let [i, j, k, l] = self.desired_min_tx.to_be_bytes();
        let [m, n, o, p] = self.required_min_rx.to_be_bytes();
        let [q, r, s, t] = self.required_min_echo_rx.to_be_bytes();
        [
            first,
            second,
            self.multiplier,
            24,
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            j,
            k,
            l,
            m,
            n,
            o,
            p,
            q,
            r,
            s,
            t,
        ]
    }
}

fn words(octets: &[u8; 20]) -> [u32; 5] {
    let (words, _) = octets.as_chunks::<4>();
    let mut words = words.iter().copied().map(u32::from_be_bytes);
    std::array::from_fn(|_| words.next().unwrap_or_default())
}

#[cfg(test)]
mod tests;
