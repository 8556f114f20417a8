//! NOTIFICATION (RFC 4271 §4.5): why a session ends. Names of codes, Hard Reset (RFC 8538), shutdown
//! communication (RFC 9003).

use std::fmt;

use super::header::MessageType;
use super::reader::Reader;
use super::writer;

/// Longest shutdown communication in octets (RFC 9003 §2).
const COMMUNICATION: usize = 255;
/// Data of a NOTIFICATION that fits the smallest limit.
const DATA: usize = 4096 - 21;

/// A NOTIFICATION, sent or received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub code: u8,
    pub subcode: u8,
    pub data: Vec<u8>,
}

impl Notification {
    pub const CEASE: u8 = 6;
    const HARD_RESET: u8 = 9;

    pub fn new(code: u8, subcode: u8) -> Self {
        Self::with_data(code, subcode, &[])
    }

    pub fn with_data(code: u8, subcode: u8, data: &[u8]) -> Self {
        Self {
            code,
            subcode,
            data: data.to_vec(),
        }
    }

    /// A Cease with a text for the operator, cut at a character (RFC 9003).
    pub fn cease_with_text(subcode: u8, text: Option<&str>) -> Self {
        let mut data = Vec::new();
        if let Some(text) = text {
            let end = (0..=text.len().min(COMMUNICATION))
                .rev()
                .find(|&end| text.is_char_boundary(end))
                .unwrap_or(0);
            let text = text.get(..end).unwrap_or_default();
            writer::length8(&mut data, |data| data.extend_from_slice(text.as_bytes()));
        }
        Self {
            code: Self::CEASE,
            subcode,
            data,
        }
    }

    /// Wrapped so that the peer keeps no paths (RFC 8538 §3.1).
    pub fn into_hard_reset(self) -> Self {
        let mut data = vec![self.code, self.subcode];
        data.extend_from_slice(&self.data);
        Self {
            code: Self::CEASE,
            subcode: Self::HARD_RESET,
            data,
        }
    }

    pub fn is_hard_reset(&self) -> bool {
        (self.code, self.subcode) == (Self::CEASE, Self::HARD_RESET)
    }

    /// What a Hard Reset wraps.
    pub fn unwrapped(&self) -> Option<Self> {
        if !self.is_hard_reset() {
            return None;
        }
        let (&[code, subcode], data) = self.data.split_first_chunk()?;
        Some(Self::with_data(code, subcode, data))
    }

    /// The peer's text that came with a shutdown or reset. It may contain anything: escape it when shown.
    pub fn text(&self) -> Option<String> {
        if self.code != Self::CEASE || !matches!(self.subcode, 2 | 4) {
            return None;
        }
        let (&length, text) = self.data.split_first()?;
        let text = text.get(..usize::from(length))?;
        (!text.is_empty()).then(|| String::from_utf8_lossy(text).into_owned())
    }

    /// Is it about a message that was wrong? Those come back as long as the fault is there.
    pub(in crate::bgp) fn is_error(&self) -> bool {
        matches!(self.code, 1 | 2 | 3 | 5 | 7)
    }

    /// `body` is the message without its header; too short to be one gives code 0.
    pub fn decode(body: &[u8]) -> Self {
        let mut reader = Reader::new(body);
        let (code, subcode) = reader.u8().zip(reader.u8()).unwrap_or_default();
        Self::with_data(code, subcode, reader.rest())
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        writer::message(out, MessageType::Notification, |out| {
            out.extend_from_slice(&[self.code, self.subcode]);
            out.extend(self.data.iter().take(DATA));
        });
    }

    /// The names of code and subcode.
    pub fn names(&self) -> (&'static str, Option<&'static str>) {
        let (code, subcodes): (_, &[&str]) = match self.code {
            1 => ("Message Header Error", &MESSAGE_HEADER),
            2 => ("OPEN Message Error", &OPEN),
            3 => ("UPDATE Message Error", &UPDATE),
            4 => ("Hold Timer Expired", &[]),
            5 => ("Finite State Machine Error", &STATE_MACHINE),
            6 => ("Cease", &CEASE),
            7 => ("ROUTE-REFRESH Message Error", &ROUTE_REFRESH),
            8 => ("Send Hold Timer Expired", &[]),
            _ => ("unknown code", &[]),
        };
        let at = usize::from(self.subcode).checked_sub(1);
        let subcode = at.and_then(|at| subcodes.get(at)).copied();
        (code, subcode.filter(|name| !name.is_empty()))
    }
}

const MESSAGE_HEADER: [&str; 3] = [
    "Connection Not Synchronized",
    "Bad Message Length",
    "Bad Message Type",
];
const OPEN: [&str; 11] = [
    "Unsupported Version Number",
    "Bad Peer AS",
    "Bad BGP Identifier",
    "Unsupported Optional Parameter",
    "Authentication Failure",
    "Unacceptable Hold Time",
    "Unsupported Capability",
    "",
    "",
    "",
    "Role Mismatch",
];
const UPDATE: [&str; 11] = [
    "Malformed Attribute List",
    "Unrecognized Well-known Attribute",
    "Missing Well-known Attribute",
    "Attribute Flags Error",
    "Attribute Length Error",
    "Invalid ORIGIN Attribute",
    "AS Routing Loop",
    "Invalid NEXT_HOP Attribute",
    "Optional Attribute Error",
    "Invalid Network Field",
    "Malformed AS_PATH",
];
const STATE_MACHINE: [&str; 3] = [
    "Unexpected Message in OpenSent State",
    "Unexpected Message in OpenConfirm State",
    "Unexpected Message in Established State",
];
const CEASE: [&str; 10] = [
    "Maximum Number of Prefixes Reached",
    "Administrative Shutdown",
    "Peer De-configured",
    "Administrative Reset",
    "Connection Rejected",
    "Other Configuration Change",
    "Connection Collision Resolution",
    "Out of Resources",
    "Hard Reset",
    "BFD Down",
];
const ROUTE_REFRESH: [&str; 1] = ["Invalid Message Length"];

/// `Cease/Administrative Shutdown (6/2): "text"`. A Hard Reset names what it wraps.
impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, subcode) = self.names();
        f.write_str(code)?;
        if let Some(subcode) = subcode {
            write!(f, "/{subcode}")?;
        }
        write!(f, " ({}/{})", self.code, self.subcode)?;
        if let Some(text) = self.text() {
            write!(f, ": \"{}\"", text.escape_debug())?;
        }
        match self.unwrapped() {
            // One level: what a Hard Reset wraps may claim to be one again.
            Some(inner) if !inner.is_hard_reset() => write!(f, ": {inner}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
