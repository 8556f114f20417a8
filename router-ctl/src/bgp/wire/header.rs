//! The header of every message: marker, length, type (RFC 4271 §4.1).

/// Types of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    Open,
    Update,
    Notification,
    Keepalive,
    RouteRefresh,
}

impl MessageType {
    pub fn code(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Update => 2,
            Self::Notification => 3,
            Self::Keepalive => 4,
            Self::RouteRefresh => 5,
        }
    }
}
