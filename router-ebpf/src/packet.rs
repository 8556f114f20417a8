//! Bounds-checked views of a frame: Ethernet, IPv4, IPv6. Syntax only: what a header says is judged elsewhere.
//!
//! A [`Frame`] is read by copying whole headers out of it, so one bounds check serves all fields of a header.
//! There are three kinds of frame: the linear memory of an XDP buffer, the helper that reads across the
//! fragments of one (packet-cases 2), and plain bytes on the host. The code above them is the same.

use bytemuck::{Pod, Zeroable};
use router_common::ipv4::{HEADER_LENGTH, INTACT, fold, sum};
use router_common::verdict::Verdict;

use crate::verifier::forget;

/// A received frame, from the destination MAC on, without FCS.
pub trait Frame {
    /// Length of the whole frame, in bytes.
    fn length(&self) -> u32;

    /// Copies a `T` out of the frame; `None` where the frame ends before it.
    fn read<T: Pod>(&self, offset: usize) -> Option<T>;
}

/// Where the IP header of an untagged frame begins.
pub const L3: usize = size_of::<EthernetHeader>();

#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EtherType(pub u16);

impl EtherType {
    pub const IPV4: Self = Self(0x0800);
    pub const ARP: Self = Self(0x0806);
    pub const DOT1Q: Self = Self(0x8100);
    pub const IPV6: Self = Self(0x86dd);
    pub const DOT1AD: Self = Self(0x88a8);
    /// QinQ before 802.1ad.
    pub const QINQ: Self = Self(0x9100);

    /// Below this the field is the length of an IEEE 802.3 frame, as IS-IS and STP have it.
    pub const LOWEST: Self = Self(0x0600);
    pub const SLOW_PROTOCOLS: Self = Self(0x8809);
    pub const EAPOL: Self = Self(0x888e);
    pub const LLDP: Self = Self(0x88cc);
}

/// An IPv4 protocol, or an IPv6 next header: they are numbered alike.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
pub struct Protocol(pub u8);

impl Protocol {
    pub const HOP_BY_HOP: Self = Self(0);
    pub const ICMP: Self = Self(1);
    pub const TCP: Self = Self(6);
    pub const UDP: Self = Self(17);
    pub const DCCP: Self = Self(33);
    pub const ROUTING: Self = Self(43);
    pub const FRAGMENT: Self = Self(44);
    pub const AUTHENTICATION: Self = Self(51);
    pub const ICMPV6: Self = Self(58);
    pub const DESTINATION_OPTIONS: Self = Self(60);
    pub const SCTP: Self = Self(132);
    pub const MOBILITY: Self = Self(135);
    pub const UDP_LITE: Self = Self(136);
    pub const HIP: Self = Self(139);
    pub const SHIM6: Self = Self(140);
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct EthernetHeader {
    pub destination: [u8; 6],
    pub source: [u8; 6],
    ether_type: [u8; 2],
}

impl EthernetHeader {
    #[inline(always)]
    pub fn ether_type(&self) -> EtherType {
        EtherType(u16::from_be_bytes(self.ether_type))
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Ipv4Header {
    version_ihl: u8,
    _dscp_ecn: u8,
    total_length: [u8; 2],
    _identification: [u8; 2],
    fragment: [u8; 2],
    pub ttl: u8,
    pub protocol: Protocol,
    pub checksum: [u8; 2],
    pub source: [u8; 4],
    pub destination: [u8; 4],
}

const _: () = assert!(size_of::<Ipv4Header>() == HEADER_LENGTH);

impl Ipv4Header {
    #[inline(always)]
    pub fn version(&self) -> u8 {
        self.version_ihl >> 4
    }

    /// The header with its options, in bytes, as its IHL says.
    #[inline(always)]
    pub fn header_length(&self) -> usize {
        usize::from(self.version_ihl & 0xf) * 4
    }

    /// More fragments follow, or this is not the first.
    #[inline(always)]
    pub fn is_fragment(&self) -> bool {
        u16::from_be_bytes(self.fragment) & 0x3fff != 0
    }

    #[inline(always)]
    pub fn dont_fragment(&self) -> bool {
        self.fragment[0] & 0x40 != 0
    }
}

#[repr(C)]
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
pub struct Ipv6Header {
    version_class_label: [u8; 4],
    payload_length: [u8; 2],
    pub next_header: Protocol,
    pub hop_limit: u8,
    pub source: [u8; 16],
    pub destination: [u8; 16],
}

const _: () = assert!(size_of::<Ipv6Header>() == 40);

impl Ipv6Header {
    pub const LENGTH: usize = size_of::<Self>();

    #[inline(always)]
    pub fn version(&self) -> u8 {
        self.version_class_label[0] >> 4
    }

    #[inline(always)]
    pub fn flow_label(&self) -> u32 {
        u32::from_be_bytes(self.version_class_label) & 0xf_ffff
    }

    #[inline(always)]
    pub fn payload_length(&self) -> u16 {
        u16::from_be_bytes(self.payload_length)
    }
}

/// An IPv4 packet whose header is sound.
#[derive(Clone, Copy, Debug)]
pub struct Ipv4 {
    pub header: Ipv4Header,
    /// Header and options, 20 to 60 bytes, all within the frame.
    pub header_length: usize,
    /// Total length; the frame may be longer by padding.
    pub length: usize,
}

/// An IPv6 packet whose fixed header is sound.
#[derive(Clone, Copy, Debug)]
pub struct Ipv6 {
    pub header: Ipv6Header,
    /// Fixed header and payload; the frame may be longer by padding.
    pub length: usize,
}

/// # Errors
/// Frames too short to be one (packet-cases 1).
#[inline(always)]
pub fn ethernet<F: Frame>(frame: &F) -> Result<EthernetHeader, Verdict> {
    frame.read(0).ok_or(Verdict::DropMalformedRunt)
}

/// RFC 1812 §5.2.2, in its order; packet-cases 17 to 23.
///
/// # Errors
/// The first thing that is wrong with the header.
#[inline(always)]
pub fn ipv4<F: Frame>(frame: &F) -> Result<Ipv4, Verdict> {
    let header: Ipv4Header = frame.read(L3).ok_or(Verdict::DropMalformedShort)?;
    if header.version() != 4 {
        return Err(Verdict::DropMalformedVersion);
    }
    let available = (frame.length() as usize).saturating_sub(L3);
    let header_length = header.header_length();
    if header_length < HEADER_LENGTH || header_length > available {
        return Err(Verdict::DropMalformedIhl);
    }
    let length = usize::from(u16::from_be_bytes(header.total_length));
    if length < header_length || length > available {
        return Err(Verdict::DropMalformedLength);
    }
    if !is_intact(frame, header_length) {
        return Err(Verdict::DropMalformedChecksum);
    }
    Ok(Ipv4 {
        header,
        header_length,
        length,
    })
}

/// Over all of the header: the update for one hop would hide a fault.
#[inline(always)]
fn is_intact<F: Frame>(frame: &F, header_length: usize) -> bool {
    let Some(words) = frame.read(L3) else {
        return false;
    };
    let mut total = sum(words);
    let header_length = forget(header_length, 0x3c);
    let mut offset = HEADER_LENGTH;
    while offset < header_length {
        let Some(word) = frame.read::<u32>(L3 + offset) else {
            return false;
        };
        total += u64::from(word);
        offset += 4;
    }
    fold(total) == INTACT
}

/// RFC 8200 §3; packet-cases 62 to 66.
///
/// # Errors
/// The first thing that is wrong with the header.
#[inline(always)]
pub fn ipv6<F: Frame>(frame: &F) -> Result<Ipv6, Verdict> {
    let header: Ipv6Header = frame.read(L3).ok_or(Verdict::DropMalformedShort)?;
    if header.version() != 6 {
        return Err(Verdict::DropMalformedVersion);
    }
    let length = Ipv6Header::LENGTH + usize::from(header.payload_length());
    if length > (frame.length() as usize).saturating_sub(L3) {
        return Err(Verdict::DropMalformedLength);
    }
    Ok(Ipv6 { header, length })
}
