//! Path attributes: their names, and the headers they have on the wire.

use std::fmt;

/// Type code of a path attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeCode(pub u8);

impl AttributeCode {
    pub const ORIGIN: Self = Self(1);
    pub const AS_PATH: Self = Self(2);
    pub const NEXT_HOP: Self = Self(3);
    pub const MED: Self = Self(4);
    pub const LOCAL_PREF: Self = Self(5);
    pub const ATOMIC_AGGREGATE: Self = Self(6);
    pub const AGGREGATOR: Self = Self(7);
    pub const COMMUNITIES: Self = Self(8);
    pub const ORIGINATOR_ID: Self = Self(9);
    pub const CLUSTER_LIST: Self = Self(10);
    pub const MP_REACH_NLRI: Self = Self(14);
    pub const MP_UNREACH_NLRI: Self = Self(15);
    pub const EXTENDED_COMMUNITIES: Self = Self(16);
    pub const AS4_PATH: Self = Self(17);
    pub const AS4_AGGREGATOR: Self = Self(18);
    pub const PMSI_TUNNEL: Self = Self(22);
    pub const TUNNEL_ENCAP: Self = Self(23);
    pub const IPV6_EXTENDED_COMMUNITIES: Self = Self(25);
    pub const AIGP: Self = Self(26);
    pub const LINK_STATE: Self = Self(29);
    pub const LARGE_COMMUNITIES: Self = Self(32);
    pub const BGPSEC_PATH: Self = Self(33);
    pub const OTC: Self = Self(35);
    pub const PREFIX_SID: Self = Self(40);
    pub const ATTR_SET: Self = Self(128);
}

impl fmt::Display for AttributeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Flag octet of a path attribute (RFC 4271 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttributeFlags(pub u8);

impl AttributeFlags {
    pub const OPTIONAL: u8 = 0x80;
    pub const TRANSITIVE: u8 = 0x40;
    pub const PARTIAL: u8 = 0x20;
    pub const EXTENDED_LENGTH: u8 = 0x10;

    pub const WELL_KNOWN: Self = Self(Self::TRANSITIVE);
    pub const OPTIONAL_TRANSITIVE: Self = Self(Self::OPTIONAL | Self::TRANSITIVE);
    pub const OPTIONAL_NON_TRANSITIVE: Self = Self(Self::OPTIONAL);

    pub fn is_optional(self) -> bool {
        self.0 & Self::OPTIONAL != 0
    }

    pub fn is_transitive(self) -> bool {
        self.0 & Self::TRANSITIVE != 0
    }

    pub fn is_partial(self) -> bool {
        self.0 & Self::PARTIAL != 0
    }
}

/// One attribute with the shortest header that holds it.
pub(in crate::bgp) fn write_attribute(
    out: &mut impl Extend<u8>,
    code: AttributeCode,
    flags: AttributeFlags,
    value: &[u8],
) {
    let kept =
        flags.0 & (AttributeFlags::OPTIONAL | AttributeFlags::TRANSITIVE | AttributeFlags::PARTIAL);
    match u8::try_from(value.len()) {
        Ok(length) => out.extend([kept, code.0, length]),
        Err(_) => {
            let [high, low] = u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes();
            out.extend([kept | AttributeFlags::EXTENDED_LENGTH, code.0, high, low]);
        }
    }
    out.extend(value.iter().copied());
}
