//! Bytes ↔ messages. Nothing in here panics on any input, and nothing in here keeps state; [`header::Inbox`]
//! alone holds the beginning of a message until its end arrives.

pub mod as_path;
pub mod attribute;
pub mod capability;
pub mod community;
pub mod error;
pub mod header;
pub mod nlri;
pub mod notification;
pub mod open;
mod reader;
pub mod route_refresh;
pub mod update;
mod writer;

use self::error::WireError;
use self::header::{HEADER, Header, MessageType};
use self::notification::Notification;
use self::open::Open;
use self::route_refresh::RefreshKind;
use crate::bgp::types::Family;

/// One message. An UPDATE stays as it is: what it means depends on the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    Open(Open),
    /// The body, for [`update::decode`].
    Update(&'a [u8]),
    Notification(Notification),
    Keepalive,
    /// `None`: of a family or kind that we do not know.
    RouteRefresh(Option<(Family, RefreshKind)>),
}

/// `message` is whole, with the header that was read from it.
pub fn decode(header: Header, message: &[u8]) -> Result<Message<'_>, WireError> {
    let body = message.get(HEADER..).unwrap_or_default();
    Ok(match header.kind {
        MessageType::Open => Message::Open(Open::decode(body)?),
        MessageType::Update => Message::Update(body),
        MessageType::Notification => Message::Notification(Notification::decode(body)),
        MessageType::Keepalive => Message::Keepalive,
        MessageType::RouteRefresh => Message::RouteRefresh(route_refresh::decode(message)?),
    })
}

/// A KEEPALIVE.
pub fn encode_keepalive(out: &mut Vec<u8>) {
    writer::message(out, MessageType::Keepalive, |_| {});
}

#[cfg(test)]
mod tests;
