//! UDP, TCP and ICMP headers. Each is built together with its payload, which its checksum covers.

use super::checksum::{checksum, low_u16};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Udp {
    pub source_port: u16,
    pub destination_port: u16,
    pub length: Option<u16>,
    pub checksum: Option<u16>,
}

impl Udp {
    pub fn new(source_port: u16, destination_port: u16) -> Self {
        Self {
            source_port,
            destination_port,
            length: None,
            checksum: None,
        }
    }

    pub(super) fn build(&self, payload: &[u8], pseudo: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
        let length = 8 + payload.len();
        let mut bytes = Vec::with_capacity(length);
        bytes.extend(self.source_port.to_be_bytes());
        bytes.extend(self.destination_port.to_be_bytes());
        bytes.extend(self.length.unwrap_or(low_u16(length)).to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(payload);
        let sum = self.checksum.unwrap_or_else(|| {
            // A computed zero is sent as all ones: zero says that there is no checksum (RFC 768).
            match checksum(&[&pseudo(length), &bytes]) {
                0 => 0xffff,
                sum => sum,
            }
        });
        bytes[6..8].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tcp {
    pub source_port: u16,
    pub destination_port: u16,
    pub sequence: u32,
    pub acknowledgement: u32,
    /// Header length in words of four bytes.
    pub header_words: Option<u8>,
    /// FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128.
    pub flags: u8,
    pub window: u16,
    pub checksum: Option<u16>,
    pub urgent: u16,
    /// Padded with zeroes to whole words.
    pub options: Vec<u8>,
}

impl Tcp {
    pub const SYN: u8 = 2;
    pub const RST: u8 = 4;
    pub const ACK: u8 = 16;

    pub fn new(source_port: u16, destination_port: u16) -> Self {
        Self {
            source_port,
            destination_port,
            sequence: 1,
            acknowledgement: 0,
            header_words: None,
            flags: Self::ACK,
            window: 65_535,
            checksum: None,
            urgent: 0,
            options: Vec::new(),
        }
    }

    pub(super) fn build(&self, payload: &[u8], pseudo: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
        let header = 20 + self.options.len().next_multiple_of(4);
        let words = u8::try_from((header / 4) & 0xf).unwrap_or(0xf);
        let mut bytes = Vec::with_capacity(header + payload.len());
        bytes.extend(self.source_port.to_be_bytes());
        bytes.extend(self.destination_port.to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.acknowledgement.to_be_bytes());
        bytes.push(self.header_words.unwrap_or(words) << 4);
        bytes.push(self.flags);
        bytes.extend(self.window.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(self.urgent.to_be_bytes());
        bytes.extend(&self.options);
        bytes.resize(header, 0);
        bytes.extend(payload);
        let sum = self
            .checksum
            .unwrap_or_else(|| checksum(&[&pseudo(bytes.len()), &bytes]));
        bytes[16..18].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icmp {
    pub kind: u8,
    pub code: u8,
    pub checksum: Option<u16>,
    /// The second word: identifier and sequence number, MTU, pointer.
    pub rest: [u8; 4],
}

impl Icmp {
    pub fn new(kind: u8, code: u8) -> Self {
        Self {
            kind,
            code,
            checksum: None,
            rest: [0; 4],
        }
    }

    pub fn echo_request(identifier: u16, sequence: u16) -> Self {
        Self::echo(8, identifier, sequence)
    }

    pub fn echo_request_v6(identifier: u16, sequence: u16) -> Self {
        Self::echo(128, identifier, sequence)
    }

    fn echo(kind: u8, identifier: u16, sequence: u16) -> Self {
        let [a, b] = identifier.to_be_bytes();
        let [c, d] = sequence.to_be_bytes();
        Self {
            rest: [a, b, c, d],
            ..Self::new(kind, 0)
        }
    }

    pub(super) fn build(&self, payload: &[u8], pseudo: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
        let mut bytes = vec![self.kind, self.code, 0, 0];
        bytes.extend(self.rest);
        bytes.extend(payload);
        let sum = self
            .checksum
            .unwrap_or_else(|| checksum(&[&pseudo(bytes.len()), &bytes]));
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}
