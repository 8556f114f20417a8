//! Path attributes: their codes, the header they have on the wire, and one table that says what each must look
//! like and what it costs if it does not (RFC 7606).

mod value;

use std::fmt;

pub(super) use self::value::is_martian;
use super::error::{Disposition, Fault};
use super::update::DecodeOptions;

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

/// The name in the RFCs, or `attribute 99`.
impl fmt::Display for AttributeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MP_REACH_NLRI => f.write_str("MP_REACH_NLRI"),
            Self::MP_UNREACH_NLRI => f.write_str("MP_UNREACH_NLRI"),
            code => match known(code) {
                Some(row) => f.write_str(row.name),
                None => write!(f, "attribute {}", self.0),
            },
        }
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

    pub fn is_extended(self) -> bool {
        self.0 & Self::EXTENDED_LENGTH != 0
    }

    /// May an attribute of this kind come with `flags`? Extended Length is free, the low four bits mean
    /// nothing, and only an optional transitive attribute can be partial (RFC 4271 §4.3).
    pub(super) fn admit(self, flags: Self) -> bool {
        let kind = Self::OPTIONAL | Self::TRANSITIVE;
        let may_be_partial = self.0 & kind == kind;
        (self.0 ^ flags.0) & kind == 0 && (may_be_partial || !flags.is_partial())
    }
}

/// One attribute with the shortest header that holds it.
pub(in crate::bgp) fn write_attribute(
    out: &mut Vec<u8>,
    code: AttributeCode,
    flags: AttributeFlags,
    value: &[u8],
) {
    let flags = flags.0 & !AttributeFlags::EXTENDED_LENGTH & 0xf0;
    match u8::try_from(value.len()) {
        Ok(length) => out.extend_from_slice(&[flags, code.0, length]),
        Err(_) => {
            let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
            out.extend_from_slice(&[flags | AttributeFlags::EXTENDED_LENGTH, code.0]);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    out.extend_from_slice(value);
}

/// Octets that `write_attribute` writes.
pub(in crate::bgp) fn written_length(value: &[u8]) -> usize {
    let header = if value.len() > usize::from(u8::MAX) {
        4
    } else {
        3
    };
    value.len().saturating_add(header)
}

/// What becomes of one attribute of an UPDATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    /// Kept with Partial set: we do not know it (RFC 4271 §5).
    KeepPartial,
    /// Dropped without a word.
    Drop,
    Fault(Fault, Disposition),
}

/// What a check of a value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Good,
    /// Costs what the row says.
    Bad(Fault),
    /// Costs the attribute, whatever the row says.
    Useless(Fault),
}

/// Is a good value carried?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Carry,
    Discard,
}

/// One attribute that we know: a row of the table.
struct Row {
    code: AttributeCode,
    name: &'static str,
    flags: AttributeFlags,
    on_wrong_flags: Disposition,
    check: fn(&[u8], &DecodeOptions) -> Value,
    external: (Disposition, Use),
    internal: (Disposition, Use),
}

const fn row(
    (code, name): (AttributeCode, &'static str),
    (flags, on_wrong_flags): (AttributeFlags, Disposition),
    check: fn(&[u8], &DecodeOptions) -> Value,
    external: (Disposition, Use),
    internal: (Disposition, Use),
) -> Row {
    Row {
        code,
        name,
        flags,
        on_wrong_flags,
        check,
        external,
        internal,
    }
}

use AttributeCode as A;
use Disposition::{AttributeDiscard as AD, TreatAsWithdraw as TAW};
use Use::{Carry, Discard};

const T: AttributeFlags = AttributeFlags::WELL_KNOWN;
const O: AttributeFlags = AttributeFlags::OPTIONAL_NON_TRANSITIVE;
const OT: AttributeFlags = AttributeFlags::OPTIONAL_TRANSITIVE;

/// RFC 7606 §7 and its successors: flags and the price of wrong ones, the check of the value, then what a bad
/// value costs and whether a good one is carried, from eBGP and from iBGP. MP_REACH_NLRI and MP_UNREACH_NLRI
/// are read by `update`.
#[rustfmt::skip]
static TABLE: [Row; 24] = [
    row((A::ORIGIN, "ORIGIN"),                            (T, TAW),  value::origin,           (TAW, Carry),   (TAW, Carry)),
    row((A::AS_PATH, "AS_PATH"),                          (T, TAW),  value::as_path,          (TAW, Carry),   (TAW, Carry)),
    row((A::NEXT_HOP, "NEXT_HOP"),                        (T, TAW),  value::next_hop,         (TAW, Carry),   (TAW, Carry)),
    row((A::MED, "MULTI_EXIT_DISC"),                      (O, TAW),  value::four_octets,      (TAW, Carry),   (TAW, Carry)),
    row((A::LOCAL_PREF, "LOCAL_PREF"),                    (T, TAW),  value::four_octets,      (AD,  Discard), (TAW, Carry)),
    row((A::ATOMIC_AGGREGATE, "ATOMIC_AGGREGATE"),        (T, AD),   value::empty,            (AD,  Carry),   (AD,  Carry)),
    row((A::AGGREGATOR, "AGGREGATOR"),                    (OT, AD),  value::aggregator,       (AD,  Carry),   (AD,  Carry)),
    row((A::COMMUNITIES, "COMMUNITIES"),                  (OT, TAW), value::members_of::<4>,  (TAW, Carry),   (TAW, Carry)),
    row((A::ORIGINATOR_ID, "ORIGINATOR_ID"),              (O, TAW),  value::four_octets,      (AD,  Discard), (TAW, Carry)),
    row((A::CLUSTER_LIST, "CLUSTER_LIST"),                (O, TAW),  value::members_of::<4>,  (AD,  Discard), (TAW, Carry)),
    row((A::EXTENDED_COMMUNITIES, "EXTENDED COMMUNITIES"), (OT, TAW), value::members_of::<8>, (TAW, Carry),   (TAW, Carry)),
    row((A::AS4_PATH, "AS4_PATH"),                        (OT, TAW), value::as4_path,         (TAW, Carry),   (TAW, Carry)),
    row((A::AS4_AGGREGATOR, "AS4_AGGREGATOR"),            (OT, AD),  value::as4_aggregator,   (AD,  Carry),   (AD,  Carry)),
    row((A::PMSI_TUNNEL, "PMSI_TUNNEL"),                  (OT, TAW), value::pmsi_tunnel,      (TAW, Carry),   (TAW, Carry)),
    row((A::TUNNEL_ENCAP, "TUNNEL_ENCAPSULATION"),        (OT, TAW), value::tunnel_encap,     (TAW, Carry),   (TAW, Carry)),
    row((A::IPV6_EXTENDED_COMMUNITIES, "IPV6 EXTENDED COMMUNITIES"), (OT, TAW), value::members_of::<20>, (TAW, Carry), (TAW, Carry)),
    row((A::AIGP, "AIGP"),                                (O, AD),   value::refused,          (AD,  Discard), (AD,  Discard)),
    row((A::LINK_STATE, "LINK_STATE"),                    (O, AD),   value::refused,          (AD,  Discard), (AD,  Discard)),
    row((A::LARGE_COMMUNITIES, "LARGE COMMUNITIES"),      (OT, TAW), value::members_of::<12>, (TAW, Carry),   (TAW, Carry)),
    row((A::BGPSEC_PATH, "BGPSEC_PATH"),                  (O, AD),   value::refused,          (AD,  Discard), (AD,  Discard)),
    row((A::OTC, "ONLY_TO_CUSTOMER"),                     (OT, TAW), value::otc,              (TAW, Carry),   (TAW, Carry)),
    row((A::PREFIX_SID, "PREFIX_SID"),                    (OT, AD),  value::prefix_sid,       (AD,  Discard), (AD,  Carry)),
    row((A::ATTR_SET, "ATTR_SET"),                        (OT, TAW), value::attr_set,         (TAW, Carry),   (TAW, Carry)),
    row((A(0), "reserved"),                               (T, AD),   value::refused,          (AD,  Discard), (AD,  Discard)),
];

/// Row of each code. Filled by the compiler, so that no index is out of bounds at run time.
static ROW_OF: [Option<&Row>; 256] = {
    let mut rows = [None; 256];
    let mut at = 0;
    while at < TABLE.len() {
        rows[TABLE[at].code.0 as usize] = Some(&TABLE[at]);
        at += 1;
    }
    rows
};

fn known(code: AttributeCode) -> Option<&'static Row> {
    ROW_OF.get(usize::from(code.0)).copied().flatten()
}

/// Judges one attribute by its row.
pub(super) fn judge(
    code: AttributeCode,
    flags: AttributeFlags,
    octets: &[u8],
    options: &DecodeOptions,
) -> Fate {
    if let Some(configured) = options.override_of(code) {
        return Fate::Fault(Fault::Configured, configured);
    }
    let Some(row) = known(code) else {
        return match (flags.is_optional(), flags.is_transitive()) {
            (false, _) => Fate::Fault(Fault::UnknownWellKnown, TAW),
            (true, false) => Fate::Drop,
            (true, true) => Fate::KeepPartial,
        };
    };
    if !row.flags.admit(flags) {
        return Fate::Fault(Fault::Flags, row.on_wrong_flags);
    }
    let (on_bad_value, on_good_value) = if options.internal {
        row.internal
    } else {
        row.external
    };
    match ((row.check)(octets, options), on_good_value) {
        (Value::Bad(fault), _) => Fate::Fault(fault, on_bad_value),
        (Value::Useless(fault), _) => Fate::Fault(fault, AD),
        (Value::Good, Carry) => Fate::Keep,
        (Value::Good, Discard) => Fate::Fault(Fault::NotFromThisPeer, AD),
    }
}

#[cfg(test)]
pub(super) mod tests;
