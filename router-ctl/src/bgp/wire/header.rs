//! The header of every message: marker, length, type (RFC 4271 §4.1, §6.1).

use super::error::WireError;
use super::writer::MARKER;

/// Octets of a header.
pub const HEADER: usize = 19;
/// The longest message without RFC 8654, and the longest OPEN and KEEPALIVE ever.
pub const STANDARD_LIMIT: usize = 4096;
/// The longest message with RFC 8654.
pub const EXTENDED_LIMIT: usize = 65535;

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
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Open),
            2 => Some(Self::Update),
            3 => Some(Self::Notification),
            4 => Some(Self::Keepalive),
            5 => Some(Self::RouteRefresh),
            _ => None,
        }
    }

    pub fn code(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Update => 2,
            Self::Notification => 3,
            Self::Keepalive => 4,
            Self::RouteRefresh => 5,
        }
    }

    fn accepts(self, length: usize) -> bool {
        match self {
            Self::Open => (29..=STANDARD_LIMIT).contains(&length),
            Self::Update | Self::RouteRefresh => length >= 23,
            Self::Notification => length >= 21,
            Self::Keepalive => length == HEADER,
        }
    }
}

/// A header that may be acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub kind: MessageType,
    /// Of the whole message.
    pub length: usize,
}

impl Header {
    /// `limit` is the longest message that this session may carry now.
    pub fn decode(octets: &[u8; HEADER], limit: usize) -> Result<Self, WireError> {
        let [marker @ .., high, low, code] = octets;
        if *marker != MARKER {
            return Err(WireError::new(1, 1, &[], "marker is not all ones"));
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let bad_length = |what| WireError::new(1, 2, &[*high, *low], what);
        if length < HEADER {
            return Err(bad_length("message shorter than its header"));
        }
        if length > limit {
            return Err(bad_length("message longer than the session allows"));
        }
        let Some(kind) = MessageType::from_code(*code) else {
            return Err(WireError::new(1, 3, &[*code], "unknown type of message"));
        };
        if !kind.accepts(length) {
            return Err(bad_length("length does not suit the type of message"));
        }
        Ok(Self { kind, length })
    }
}

/// Collects bytes into messages. Holds at most one message that is not complete.
#[derive(Debug, Default)]
pub struct Inbox {
    partial: Vec<u8>,
    /// `partial` was handed out and is to be cleared.
    taken: bool,
}

impl Inbox {
    /// The next whole message, from what was kept and the front of `bytes`. `None`: all of `bytes` is kept and
    /// more is needed.
    pub fn next<'a, 'b: 'a>(
        &'a mut self,
        bytes: &mut &'b [u8],
        limit: usize,
    ) -> Result<Option<(Header, &'a [u8])>, WireError> {
        if self.taken {
            self.partial.clear();
            self.taken = false;
        }
        if self.partial.is_empty() {
            if let Some(octets) = bytes.first_chunk() {
                let header = Header::decode(octets, limit)?;
                if let Some((message, rest)) = bytes.split_at_checked(header.length) {
                    *bytes = rest;
                    return Ok(Some((header, message)));
                }
            }
        } else {
            self.fill(bytes, HEADER);
            if let Some(octets) = self.partial.first_chunk() {
                let header = Header::decode(octets, limit)?;
                self.fill(bytes, header.length);
                if self.partial.len() == header.length {
                    self.taken = true;
                    return Ok(Some((header, &self.partial)));
                }
            }
        }
        self.partial.extend_from_slice(bytes);
        *bytes = &[];
        Ok(None)
    }

    /// Octets kept.
    pub fn len(&self) -> usize {
        if self.taken { 0 } else { self.partial.len() }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn fill(&mut self, bytes: &mut &[u8], length: usize) {
        let wanted = length.saturating_sub(self.partial.len());
        let (head, rest) = bytes.split_at(wanted.min(bytes.len()));
        self.partial.extend_from_slice(head);
        *bytes = rest;
    }
}

#[cfg(test)]
mod tests;
