//! The numbers that the decision process compares, read from an attribute set once when it is interned.

use crate::bgp::attributes::AttributesView;
use crate::bgp::types::Asn;
use crate::bgp::wire::as_path::AsPath;
use crate::bgp::wire::attribute::AttributeCode;

/// 24 bytes for each distinct attribute set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DecisionKey {
    local_pref: u32,
    med: u32,
    /// 0 when the path has no AS_SEQUENCE; no AS has this number (RFC 7607).
    neighbour_as: u32,
    originator: u32,
    pub(super) as_path_length: u16,
    pub(super) cluster_length: u16,
    /// As on the wire: IGP 0, EGP 1, incomplete 2.
    pub(super) origin: u8,
    flags: u8,
}

const HAS_LOCAL_PREF: u8 = 1;
const HAS_MED: u8 = 1 << 1;
const HAS_ORIGINATOR: u8 = 1 << 2;
const NO_EXPORT: u8 = 1 << 3;
const NO_ADVERTISE: u8 = 1 << 4;

impl DecisionKey {
    pub(super) fn of(raw: &[u8]) -> Self {
        let mut key = Self::default();
        for (code, _, value) in AttributesView::new(raw).iter() {
            match code {
                AttributeCode::ORIGIN => key.origin = value.first().copied().unwrap_or_default(),
                AttributeCode::AS_PATH => {
                    let path = AsPath::new(value);
                    key.as_path_length = u16::try_from(path.length()).unwrap_or(u16::MAX);
                    key.neighbour_as = path.neighbour_as().map_or(0, |Asn(number)| number);
                }
                AttributeCode::MED => key.med = key.number(value, HAS_MED),
                AttributeCode::LOCAL_PREF => key.local_pref = key.number(value, HAS_LOCAL_PREF),
                AttributeCode::ORIGINATOR_ID => key.originator = key.number(value, HAS_ORIGINATOR),
                AttributeCode::CLUSTER_LIST => {
                    key.cluster_length = u16::try_from(value.len() / 4).unwrap_or(u16::MAX);
                }
                AttributeCode::COMMUNITIES => key.note_communities(value),
                _ => {}
            }
        }
        key
    }

    fn number(&mut self, value: &[u8], present: u8) -> u32 {
        let Some(octets) = value.first_chunk() else {
            return 0;
        };
        self.flags |= present;
        u32::from_be_bytes(*octets)
    }

    /// The communities that forbid an export by themselves (RFC 1997). Without confederations
    /// NO_EXPORT_SUBCONFED forbids what NO_EXPORT does.
    fn note_communities(&mut self, value: &[u8]) {
        let (communities, _) = value.as_chunks();
        for community in communities {
            match u32::from_be_bytes(*community) {
                0xffff_ff01 | 0xffff_ff03 => self.flags |= NO_EXPORT,
                0xffff_ff02 => self.flags |= NO_ADVERTISE,
                _ => {}
            }
        }
    }

    pub(super) fn local_pref(&self) -> Option<u32> {
        self.optional(self.local_pref, HAS_LOCAL_PREF)
    }

    pub(super) fn med(&self) -> Option<u32> {
        self.optional(self.med, HAS_MED)
    }

    pub(super) fn originator(&self) -> Option<u32> {
        self.optional(self.originator, HAS_ORIGINATOR)
    }

    /// Leftmost AS of the first AS_SEQUENCE.
    pub(super) fn neighbour_as(&self) -> Option<Asn> {
        (self.neighbour_as != 0).then_some(Asn(self.neighbour_as))
    }

    pub(super) fn no_export(&self) -> bool {
        self.flags & NO_EXPORT != 0
    }

    pub(super) fn no_advertise(&self) -> bool {
        self.flags & NO_ADVERTISE != 0
    }

    fn optional(&self, value: u32, present: u8) -> Option<u32> {
        (self.flags & present != 0).then_some(value)
    }
}
