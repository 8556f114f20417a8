//! The state machine of RFC 4271 §8, as a total function: every event in every state has its row.
//!
//! There is one machine for dialing, which knows Idle, Connect and Active, and one for each connection, which
//! begins at `Connected` and ends in Idle (RFC 4271 §8.2.1). `Session` runs them, carries out what they say and
//! shows the furthest of their states. There is no delay of the OPEN. After a connection ended the dialing
//! machine waits in Active, or in Idle when an error is to be damped.

use std::fmt;

/// The six states, in the order in which a session passes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    Idle,
    Connect,
    Active,
    OpenSent,
    OpenConfirm,
    Established,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Idle => "Idle",
            Self::Connect => "Connect",
            Self::Active => "Active",
            Self::OpenSent => "OpenSent",
            Self::OpenConfirm => "OpenConfirm",
            Self::Established => "Established",
        })
    }
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Dial now.
    Start,
    /// Dial when the retry timer says so.
    StartLater,
    /// Never dial.
    StartPassive,
    Stop,
    ConnectRetryExpired,
    HoldExpired,
    KeepaliveExpired,
    SendHoldExpired,
    /// TCP is up.
    Connected,
    DialFailed,
    /// TCP ended.
    ConnectionLost,
    /// An OPEN that both sides can live with.
    OpenReceived,
    KeepaliveReceived,
    /// An UPDATE that does not end the session.
    UpdateReceived,
    RouteRefreshReceived,
    NotificationReceived,
    /// A message that earns a NOTIFICATION.
    BadMessage,
    /// Another connection with this peer was preferred (RFC 4271 §6.8).
    CollisionLost,
    /// The peer restarted and has a new connection (RFC 4724 §5).
    Replaced,
}

/// What is to be done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Do {
    Dial,
    /// For an attempt under way, or until the next one.
    ArmConnectRetry,
    CancelConnectRetry,
    SendOpen,
    /// Four minutes for the peer's OPEN.
    ArmOpenHold,
    SendKeepalive,
    ArmHold,
    ArmKeepalive,
    SendNotification(Notice),
    Close,
    Up,
    /// The message has a meaning for the RIB.
    Deliver,
    Down,
}

/// Which NOTIFICATION.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// The one that came with the event, if any.
    Given,
    HoldTimer,
    SendHoldTimer,
    Collision,
    /// RFC 6608, with this subcode.
    UnexpectedMessage(u8),
}

/// The next state and how to get there.
pub type Step = (State, &'static [Do]);

pub fn step(state: State, event: Event) -> Step {
    match state {
        State::Idle => idle(event),
        State::Connect => connect(event),
        State::Active => active(event),
        State::OpenSent => open_sent(event),
        State::OpenConfirm => open_confirm(event),
        State::Established => established(event),
    }
}

const CONNECTED: Step = (
    State::OpenSent,
    &[Do::CancelConnectRetry, Do::SendOpen, Do::ArmOpenHold],
);
const DIAL: Step = (State::Connect, &[Do::Dial, Do::ArmConnectRetry]);
const WAIT: Step = (State::Active, &[Do::ArmConnectRetry]);
const LISTEN: Step = (State::Active, &[Do::CancelConnectRetry]);
const REST: Step = (State::Idle, &[Do::CancelConnectRetry]);

fn idle(event: Event) -> Step {
    match event {
        Event::Start => DIAL,
        Event::StartLater => WAIT,
        Event::StartPassive => LISTEN,
        Event::Stop => REST,
        Event::Connected => (State::Idle, &[Do::Close]),
        Event::ConnectRetryExpired
        | Event::HoldExpired
        | Event::KeepaliveExpired
        | Event::SendHoldExpired
        | Event::DialFailed
        | Event::ConnectionLost
        | Event::OpenReceived
        | Event::KeepaliveReceived
        | Event::UpdateReceived
        | Event::RouteRefreshReceived
        | Event::NotificationReceived
        | Event::BadMessage
        | Event::CollisionLost
        | Event::Replaced => (State::Idle, &[]),
    }
}

fn connect(event: Event) -> Step {
    match event {
        Event::Start | Event::StartLater => (State::Connect, &[]),
        Event::StartPassive => LISTEN,
        Event::ConnectRetryExpired => DIAL,
        Event::Connected => CONNECTED,
        Event::DialFailed => WAIT,
        Event::Stop
        | Event::HoldExpired
        | Event::KeepaliveExpired
        | Event::SendHoldExpired
        | Event::ConnectionLost
        | Event::OpenReceived
        | Event::KeepaliveReceived
        | Event::UpdateReceived
        | Event::RouteRefreshReceived
        | Event::NotificationReceived
        | Event::BadMessage
        | Event::CollisionLost
        | Event::Replaced => REST,
    }
}

fn active(event: Event) -> Step {
    match event {
        Event::Start | Event::ConnectRetryExpired => DIAL,
        Event::StartLater | Event::DialFailed => WAIT,
        Event::StartPassive => LISTEN,
        Event::Connected => CONNECTED,
        Event::Stop
        | Event::HoldExpired
        | Event::KeepaliveExpired
        | Event::SendHoldExpired
        | Event::ConnectionLost
        | Event::OpenReceived
        | Event::KeepaliveReceived
        | Event::UpdateReceived
        | Event::RouteRefreshReceived
        | Event::NotificationReceived
        | Event::BadMessage
        | Event::CollisionLost
        | Event::Replaced => REST,
    }
}

/// The end of a connection that was not up.
const fn end(actions: &'static [Do]) -> Step {
    (State::Idle, actions)
}

fn open_sent(event: Event) -> Step {
    match event {
        Event::OpenReceived => (
            State::OpenConfirm,
            &[Do::SendKeepalive, Do::ArmHold, Do::ArmKeepalive],
        ),
        Event::Stop | Event::BadMessage => end(&[Do::SendNotification(Notice::Given), Do::Close]),
        Event::HoldExpired => end(&[Do::SendNotification(Notice::HoldTimer), Do::Close]),
        Event::SendHoldExpired => end(&[Do::SendNotification(Notice::SendHoldTimer), Do::Close]),
        Event::CollisionLost => end(&[Do::SendNotification(Notice::Collision), Do::Close]),
        Event::KeepaliveReceived | Event::UpdateReceived | Event::RouteRefreshReceived => end(&[
            Do::SendNotification(Notice::UnexpectedMessage(1)),
            Do::Close,
        ]),
        Event::NotificationReceived | Event::Replaced => end(&[Do::Close]),
        Event::ConnectionLost => end(&[]),
        Event::Start
        | Event::StartLater
        | Event::StartPassive
        | Event::ConnectRetryExpired
        | Event::KeepaliveExpired
        | Event::Connected
        | Event::DialFailed => (State::OpenSent, &[]),
    }
}

fn open_confirm(event: Event) -> Step {
    match event {
        Event::KeepaliveReceived => (State::Established, &[Do::ArmHold, Do::Up]),
        Event::KeepaliveExpired => (State::OpenConfirm, &[Do::SendKeepalive, Do::ArmKeepalive]),
        Event::Stop | Event::BadMessage => end(&[Do::SendNotification(Notice::Given), Do::Close]),
        Event::HoldExpired => end(&[Do::SendNotification(Notice::HoldTimer), Do::Close]),
        Event::SendHoldExpired => end(&[Do::SendNotification(Notice::SendHoldTimer), Do::Close]),
        Event::CollisionLost => end(&[Do::SendNotification(Notice::Collision), Do::Close]),
        Event::OpenReceived | Event::UpdateReceived | Event::RouteRefreshReceived => end(&[
            Do::SendNotification(Notice::UnexpectedMessage(2)),
            Do::Close,
        ]),
        Event::NotificationReceived | Event::Replaced => end(&[Do::Close]),
        Event::ConnectionLost => end(&[]),
        Event::Start
        | Event::StartLater
        | Event::StartPassive
        | Event::ConnectRetryExpired
        | Event::Connected
        | Event::DialFailed => (State::OpenConfirm, &[]),
    }
}

fn established(event: Event) -> Step {
    match event {
        Event::UpdateReceived | Event::RouteRefreshReceived => {
            (State::Established, &[Do::ArmHold, Do::Deliver])
        }
        Event::KeepaliveReceived => (State::Established, &[Do::ArmHold]),
        Event::KeepaliveExpired => (State::Established, &[Do::SendKeepalive, Do::ArmKeepalive]),
        Event::Stop | Event::BadMessage => {
            end(&[Do::SendNotification(Notice::Given), Do::Close, Do::Down])
        }
        Event::HoldExpired => end(&[Do::SendNotification(Notice::HoldTimer), Do::Close, Do::Down]),
        Event::SendHoldExpired => end(&[
            Do::SendNotification(Notice::SendHoldTimer),
            Do::Close,
            Do::Down,
        ]),
        Event::CollisionLost => {
            end(&[Do::SendNotification(Notice::Collision), Do::Close, Do::Down])
        }
        Event::OpenReceived => end(&[
            Do::SendNotification(Notice::UnexpectedMessage(3)),
            Do::Close,
            Do::Down,
        ]),
        Event::NotificationReceived | Event::Replaced => end(&[Do::Close, Do::Down]),
        Event::ConnectionLost => end(&[Do::Down]),
        Event::Start
        | Event::StartLater
        | Event::StartPassive
        | Event::ConnectRetryExpired
        | Event::Connected
        | Event::DialFailed => (State::Established, &[]),
    }
}

#[cfg(test)]
mod tests;
