//! The state machine of RFC 5880 §6.2 and §6.8.6, as a total function: every event in every state has its row.

use std::fmt;

use crate::bfd::packet::Diagnostic;

/// The order is that of the codes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    AdminDown,
    Down,
    Init,
    Up,
}

impl State {
    pub const ALL: [Self; 4] = [Self::AdminDown, Self::Down, Self::Init, Self::Up];

    /// The low two bits.
    pub fn from_code(code: u8) -> Self {
        match code & 3 {
            0 => Self::AdminDown,
            1 => Self::Down,
            2 => Self::Init,
            _ => Self::Up,
        }
    }

    pub fn code(self) -> u8 {
        match self {
            Self::AdminDown => 0,
            Self::Down => 1,
            Self::Init => 2,
            Self::Up => 3,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AdminDown => "AdminDown",
            Self::Down => "Down",
            Self::Init => "Init",
            Self::Up => "Up",
        })
    }
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A packet of the session, from a side in this state.
    Received(State),
    /// The detection time passed without a packet.
    Expired,
    /// The session is to end.
    Stop,
}

/// The next state, and why when it is another one.
pub type Step = (State, Diagnostic);

/// A session that stays where it is keeps its diagnostic: the one returned then means nothing.
pub fn step(state: State, event: Event) -> Step {
    match state {
        State::AdminDown => (State::AdminDown, Diagnostic::ADMIN_DOWN),
        State::Down => down(event),
        State::Init => init(event),
        State::Up => up(event),
    }
}

const STOPPED: Step = (State::AdminDown, Diagnostic::ADMIN_DOWN);
const EXPIRED: Step = (State::Down, Diagnostic::EXPIRED);
const SIGNALED: Step = (State::Down, Diagnostic::NEIGHBOR_SAID_DOWN);

fn down(event: Event) -> Step {
    match event {
        Event::Received(State::Down) => (State::Init, Diagnostic::NONE),
        Event::Received(State::Init) => (State::Up, Diagnostic::NONE),
        // Up: the other side has not noticed yet that the session was lost.
        Event::Received(State::AdminDown | State::Up) | Event::Expired => {
            (State::Down, Diagnostic::NONE)
        }
        Event::Stop => STOPPED,
    }
}

fn init(event: Event) -> Step {
    match event {
        Event::Received(State::Init | State::Up) => (State::Up, Diagnostic::NONE),
        Event::Received(State::Down) => (State::Init, Diagnostic::NONE),
        Event::Received(State::AdminDown) => SIGNALED,
        Event::Expired => EXPIRED,
        Event::Stop => STOPPED,
    }
}

fn up(event: Event) -> Step {
    match event {
        Event::Received(State::Init | State::Up) => (State::Up, Diagnostic::NONE),
        Event::Received(State::Down | State::AdminDown) => SIGNALED,
        Event::Expired => EXPIRED,
        Event::Stop => STOPPED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows: events down, states (AdminDown, Down, Init, Up) across.
    #[test]
    fn every_event_in_every_state_has_its_row() {
        use State::{AdminDown, Down, Init, Up};
        let none = Diagnostic::NONE;
        let (expired, signaled) = (Diagnostic::EXPIRED, Diagnostic::NEIGHBOR_SAID_DOWN);
        let rows = [
            (
                Event::Received(AdminDown),
                [(Down, none), (Down, signaled), (Down, signaled)],
            ),
            (
                Event::Received(Down),
                [(Init, none), (Init, none), (Down, signaled)],
            ),
            (Event::Received(Init), [(Up, none), (Up, none), (Up, none)]),
            (Event::Received(Up), [(Down, none), (Up, none), (Up, none)]),
            (
                Event::Expired,
                [(Down, none), (Down, expired), (Down, expired)],
            ),
            (Event::Stop, [(AdminDown, Diagnostic::ADMIN_DOWN); 3]),
        ];
        for (event, expected) in rows {
            let steps = [Down, Init, Up].map(|state| step(state, event));
            assert_eq!(steps, expected, "{event:?}");
            assert_eq!(step(AdminDown, event).0, AdminDown, "{event:?}");
        }
    }

    #[test]
    fn codes_are_those_of_the_wire() {
        for (code, state) in (0..4).zip(State::ALL) {
            assert_eq!((State::from_code(code), state.code()), (state, code));
        }
    }
}
