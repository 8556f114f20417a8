//! Goes through the attributes of an UPDATE: what is kept, what is found wrong, and what that costs
//! (RFC 7606 §3 to §5).

use std::net::{Ipv4Addr, Ipv6Addr};

use smallvec::SmallVec;

use super::DecodeOptions;
use super::canonical::Kept;
use crate::bgp::types::{Family, NextHop};
use crate::bgp::wire::attribute::{AttributeCode, AttributeFlags, Fate, is_martian, judge};
use crate::bgp::wire::error::{Disposition, Fault, Finding, WireError};
use crate::bgp::wire::nlri::{BadNlri, NlriList};
use crate::bgp::wire::reader::Reader;

/// More findings than this are not written down; their dispositions still count.
const FINDINGS: usize = 32;

/// MP_REACH_NLRI of a negotiated family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<'a> {
    pub(super) nlri: NlriList<'a>,
    pub(super) next_hop: Result<NextHop, Fault>,
}

/// What the attributes of one UPDATE say.
pub(super) struct Scan<'a, 'o> {
    pub(super) options: &'o DecodeOptions,
    seen: [u64; 4],
    pub(super) kept: SmallVec<[Kept<'a>; 16]>,
    pub(super) next_hop: Option<Ipv4Addr>,
    pub(super) reach: Option<Reach<'a>>,
    pub(super) unreach: Option<NlriList<'a>>,
    /// MP_REACH_NLRI named prefixes, of whatever family.
    reaches: bool,
    pub(super) findings: Vec<Finding>,
    worst: Option<Disposition>,
}

impl<'a, 'o> Scan<'a, 'o> {
    pub(super) fn new(options: &'o DecodeOptions) -> Self {
        Self {
            options,
            seen: [0; 4],
            kept: SmallVec::new(),
            next_hop: None,
            reach: None,
            unreach: None,
            reaches: false,
            findings: Vec::new(),
            worst: None,
        }
    }

    /// Every attribute in turn; one that runs past the field ends the list, and the prefixes are still where the
    /// total length says (RFC 7606 §3 j and §4).
    pub(super) fn attributes(&mut self, octets: &'a [u8]) -> Result<(), WireError> {
        let mut reader = Reader::new(octets);
        while !reader.is_empty() {
            let whole = reader.rest();
            let Some((flags, code)) = reader.u8().zip(reader.u8()) else {
                self.truncated(AttributeCode(0));
                break;
            };
            let (flags, code) = (AttributeFlags(flags), AttributeCode(code));
            let length = if flags.is_extended() {
                reader.u16().map(usize::from)
            } else {
                reader.u8().map(usize::from)
            };
            let Some(value) = length.and_then(|length| reader.take(length)) else {
                self.truncated(code);
                break;
            };
            let consumed = whole.len().saturating_sub(reader.rest().len());
            let whole = whole.get(..consumed).unwrap_or_default();
            self.attribute(code, flags, value, whole)?;
        }
        Ok(())
    }

    /// `whole` is the attribute with its header: the data of a NOTIFICATION.
    fn attribute(
        &mut self,
        code: AttributeCode,
        flags: AttributeFlags,
        value: &'a [u8],
        whole: &[u8],
    ) -> Result<(), WireError> {
        let again = self.mark_seen(code);
        match code {
            AttributeCode::MP_REACH_NLRI | AttributeCode::MP_UNREACH_NLRI => {
                if again {
                    return Err(WireError::new(3, 1, &[], "MP attribute more than once"));
                }
                if !AttributeFlags::OPTIONAL_NON_TRANSITIVE.admit(flags) {
                    return Err(WireError::new(3, 4, whole, "MP attribute with wrong flags"));
                }
                if code == AttributeCode::MP_REACH_NLRI {
                    self.mp_reach(value)
                } else {
                    self.mp_unreach(value)
                }
            }
            _ if again => {
                self.find(code, Fault::Duplicate, Disposition::AttributeDiscard);
                Ok(())
            }
            _ => {
                self.judged(Kept { code, flags, value });
                Ok(())
            }
        }
    }

    fn judged(&mut self, mut attribute: Kept<'a>) {
        match judge(
            attribute.code,
            attribute.flags,
            attribute.value,
            self.options,
        ) {
            Fate::Keep => {}
            Fate::KeepPartial => attribute.flags.0 |= AttributeFlags::PARTIAL,
            Fate::Drop => return,
            Fate::Fault(fault, disposition) => {
                self.find(attribute.code, fault, disposition);
                return;
            }
        }
        if attribute.code == AttributeCode::NEXT_HOP {
            self.next_hop = attribute.value.first_chunk().copied().map(Ipv4Addr::from);
        } else {
            self.kept.push(attribute);
        }
    }

    /// RFC 4760 §3. Damage that leaves the prefixes unknown ends the session (RFC 7606 §5.3, §7.11).
    fn mp_reach(&mut self, value: &'a [u8]) -> Result<(), WireError> {
        let parts = || {
            let mut reader = Reader::new(value);
            let (afi, safi) = (reader.u16()?, reader.u8()?);
            let length = reader.u8()?;
            let next_hop = reader.take(length.into())?;
            let _reserved = reader.u8()?;
            Some((Family::from_codes(afi, safi), next_hop, reader.rest()))
        };
        let Some((family, next_hop, octets)) = parts() else {
            return Err(WireError::new(3, 1, &[], "malformed MP_REACH_NLRI"));
        };
        self.reaches = !octets.is_empty();
        let Some(family) = self.negotiated(family) else {
            self.ignored_family(AttributeCode::MP_REACH_NLRI);
            return Ok(());
        };
        let next_hop = self.mp_next_hop(family, next_hop)?;
        if let Err(fault) = next_hop {
            let code = AttributeCode::MP_REACH_NLRI;
            self.find(code, fault, Disposition::TreatAsWithdraw);
        }
        let nlri = self.mp_nlri(octets, family)?;
        self.reach = Some(Reach { nlri, next_hop });
        Ok(())
    }

    /// RFC 4760 §4.
    fn mp_unreach(&mut self, value: &'a [u8]) -> Result<(), WireError> {
        let mut reader = Reader::new(value);
        let Some((afi, safi)) = reader.u16().zip(reader.u8()) else {
            return Err(WireError::new(3, 1, &[], "malformed MP_UNREACH_NLRI"));
        };
        match self.negotiated(Family::from_codes(afi, safi)) {
            Some(family) => self.unreach = Some(self.mp_nlri(reader.rest(), family)?),
            None => self.ignored_family(AttributeCode::MP_UNREACH_NLRI),
        }
        Ok(())
    }

    fn mp_nlri(&self, octets: &'a [u8], family: Family) -> Result<NlriList<'a>, WireError> {
        NlriList::new(octets, family, self.options.add_path.contains(family))
            .map_err(|BadNlri| WireError::new(3, 9, &[], "malformed prefix in an MP attribute"))
    }

    /// 4 octets for IPv4 prefixes, 16 or 32 for both families; the inner error costs the routes.
    fn mp_next_hop(
        &self,
        family: Family,
        octets: &[u8],
    ) -> Result<Result<NextHop, Fault>, WireError> {
        let (global, link_local) = match (family, octets.split_first_chunk(), octets.len()) {
            (Family::Ipv4Unicast, _, 4) => {
                let octets = octets.first_chunk().copied().unwrap_or([0; 4]);
                let address = Ipv4Addr::from(octets);
                let usable = self.options.allow_martian_next_hop || !is_martian(address);
                return Ok(usable.then_some(NextHop::V4(address)).ok_or(Fault::NextHop));
            }
            (_, Some((global, rest)), 16 | 32) => (
                Ipv6Addr::from(*global),
                rest.first_chunk().copied().map(Ipv6Addr::from),
            ),
            _ => return Err(WireError::new(3, 1, &[], "next hop of a wrong length")),
        };
        if family == Family::Ipv4Unicast && !self.options.extended_next_hop {
            return Ok(Err(Fault::NextHopNotNegotiated));
        }
        Ok(self.ipv6_next_hop(global, link_local))
    }

    /// RFC 2545 §3. Speakers on a link-local session send `::` or a second link-local in the place of the
    /// global address.
    fn ipv6_next_hop(
        &self,
        global: Ipv6Addr,
        link_local: Option<Ipv6Addr>,
    ) -> Result<NextHop, Fault> {
        let link_local = link_local.filter(Ipv6Addr::is_unicast_link_local);
        if global.is_unicast_link_local() || (global.is_unspecified() && link_local.is_some()) {
            if !self.options.link_local_next_hop {
                return Err(Fault::NextHop);
            }
            return Ok(NextHop::V6 {
                global: Ipv6Addr::UNSPECIFIED,
                link_local: Some(link_local.unwrap_or(global)),
            });
        }
        let unusable = global.is_unspecified()
            || global.is_loopback()
            || global.is_multicast()
            || global.to_ipv4_mapped().is_some();
        if unusable {
            return Err(Fault::NextHop);
        }
        Ok(NextHop::V6 {
            global,
            link_local: link_local.filter(|_| self.options.link_local_next_hop),
        })
    }

    fn negotiated(&self, family: Option<Family>) -> Option<Family> {
        family.filter(|&family| self.options.families.contains(family))
    }

    fn ignored_family(&mut self, code: AttributeCode) {
        let fault = Fault::FamilyNotNegotiated;
        self.find(code, fault, Disposition::AttributeDiscard);
    }

    /// The classic fields belong to IPv4.
    pub(super) fn check_classic(&mut self) {
        if !self.options.families.contains(Family::Ipv4Unicast) {
            self.ignored_family(AttributeCode::NEXT_HOP);
        }
    }

    /// RFC 7606 §3 d; LOCAL_PREF by RFC 4271 §5.1.5.
    pub(super) fn check_mandatory(&mut self, announced: &NlriList<'_>) {
        if announced.is_empty() && !self.reaches {
            return;
        }
        let mut required: SmallVec<[AttributeCode; 3]> =
            SmallVec::from_slice(&[AttributeCode::ORIGIN, AttributeCode::AS_PATH]);
        if !announced.is_empty() {
            required.push(AttributeCode::NEXT_HOP);
        }
        for code in required {
            let refused = !self.withdraws() && !self.is_kept(code);
            if !self.is_seen(code) || refused {
                self.find(code, Fault::Missing, Disposition::TreatAsWithdraw);
            }
        }
        if self.options.internal && !self.is_seen(AttributeCode::LOCAL_PREF) {
            let code = AttributeCode::LOCAL_PREF;
            self.find(code, Fault::DefaultUsed, Disposition::CountOnly);
        }
    }

    /// Without a reachable prefix, an error that would cost the routes leaves unknown what to withdraw
    /// (RFC 7606 §5.2).
    pub(super) fn check_reachable(&self, announced: &NlriList<'_>) -> Result<(), WireError> {
        if self.withdraws() && announced.is_empty() && !self.reaches {
            return Err(WireError::new(
                3,
                1,
                &[],
                "malformed UPDATE without prefixes",
            ));
        }
        Ok(())
    }

    /// No attribute at all, or an empty MP_UNREACH_NLRI alone (RFC 4724 §2).
    pub(super) fn end_of_rib(&self, attributes: &[u8]) -> Option<Family> {
        if attributes.is_empty() {
            return Some(Family::Ipv4Unicast);
        }
        let mut alone = [0; 4];
        set_bit(&mut alone, AttributeCode::MP_UNREACH_NLRI);
        let unreach = self.unreach.filter(|list| list.is_empty())?;
        (self.seen == alone && self.findings.is_empty()).then(|| unreach.family())
    }

    pub(super) fn withdraws(&self) -> bool {
        self.worst >= Some(Disposition::TreatAsWithdraw)
    }

    fn truncated(&mut self, code: AttributeCode) {
        self.find(code, Fault::Truncated, Disposition::TreatAsWithdraw);
    }

    fn find(&mut self, attribute: AttributeCode, fault: Fault, disposition: Disposition) {
        self.worst = self.worst.max(Some(disposition));
        if self.findings.len() < FINDINGS {
            self.findings.push(Finding {
                attribute,
                fault,
                disposition,
            });
        }
    }

    /// Present and good, and not refused by the neighbour's own setting.
    fn is_kept(&self, code: AttributeCode) -> bool {
        match code {
            AttributeCode::NEXT_HOP => self.next_hop.is_some(),
            code => self.kept.iter().any(|attribute| attribute.code == code),
        }
    }

    fn mark_seen(&mut self, code: AttributeCode) -> bool {
        let again = self.is_seen(code);
        set_bit(&mut self.seen, code);
        again
    }

    fn is_seen(&self, code: AttributeCode) -> bool {
        let word = self.seen.get(usize::from(code.0 >> 6)).copied();
        word.unwrap_or_default() >> (code.0 & 63) & 1 != 0
    }
}

fn set_bit(words: &mut [u64; 4], code: AttributeCode) {
    if let Some(word) = words.get_mut(usize::from(code.0 >> 6)) {
        *word |= 1 << (code.0 & 63);
    }
}
