//! Length fields that are known only after what they measure: the body is written first, then the length.

use super::header::MessageType;

/// The marker of every message (RFC 4271 §4.1).
pub(super) const MARKER: [u8; 16] = [0xff; 16];

/// One message: header, then what `body` writes.
pub(super) fn message(out: &mut Vec<u8>, kind: MessageType, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&MARKER);
    out.extend_from_slice(&[0, 0, kind.code()]);
    body(out);
    let length = out.len().saturating_sub(start);
    patch(out, start.saturating_add(MARKER.len()), length);
}

/// A two-octet length, then what `body` writes.
pub(super) fn length16(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.extend_from_slice(&[0, 0]);
    body(out);
    let length = out.len().saturating_sub(at).saturating_sub(2);
    patch(out, at, length);
}

/// A one-octet length, then what `body` writes. Bodies are built to fit.
pub(super) fn length8(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.push(0);
    body(out);
    let length = out.len().saturating_sub(at).saturating_sub(1);
    if let Some(slot) = out.get_mut(at) {
        *slot = u8::try_from(length).unwrap_or(u8::MAX);
    }
}

fn patch(out: &mut [u8], at: usize, length: usize) {
    let octets = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(slot) = out.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *slot = octets;
    }
}
