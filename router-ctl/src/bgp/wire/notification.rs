//! NOTIFICATION (RFC 4271 §4.5): why a session ends. Names of codes, Hard Reset (RFC 8538), shutdown
//! communication (RFC 9003).

use std::fmt;

/// A NOTIFICATION, sent or received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub code: u8,
    pub subcode: u8,
    pub data: Vec<u8>,
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.code, self.subcode)
    }
}
