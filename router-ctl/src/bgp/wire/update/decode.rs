//! Decodes an UPDATE. Everything is first found and judged where it lies in the message; vectors are built only
//! for what is left: one for the canonical attributes, one for each list of prefixes.
//!
//! A message that ends the session is an `Err`. Weaker errors are collected; when one of them costs the routes,
//! the announced prefixes join the withdrawn ones (RFC 7606 §2).

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

use smallvec::SmallVec;

use super::{DecodeOptions, Update};
use crate::bgp::types::{Asn, Family, NextHop, PathAttributes, RouteUpdate};
use crate::bgp::wire::as_path::{self, Width};
use crate::bgp::wire::attribute::{
    AttributeCode, AttributeFlags, Fate, is_martian, judge, write_attribute, written_length,
};
use crate::bgp::wire::community::canonical_set;
use crate::bgp::wire::error::{Disposition, Fault, Finding, WireError};
use crate::bgp::wire::nlri::{BadNlri, NlriList};
use crate::bgp::wire::reader::Reader;

/// More findings than this are not written down; their dispositions still count.
const FINDINGS: usize = 32;

/// `body` is the message without its header.
pub fn decode(body: &[u8], options: &DecodeOptions) -> Result<Update, WireError> {
    let parts = Parts::split(body)?;
    let mut scan = Scan::new(options);
    scan.attributes(parts.attributes)?;

    let withdrawn = classic(parts.withdrawn, options)?;
    let announced = classic(parts.nlri, options)?;
    if !withdrawn.is_empty() || !announced.is_empty() {
        scan.check_classic();
    }
    scan.check_mandatory(&announced);
    scan.check_reachable(&announced)?;

    if withdrawn.is_empty()
        && announced.is_empty()
        && let Some(family) = scan.end_of_rib(parts.attributes)
    {
        return Ok(Update {
            end_of_rib: Some(family).filter(|&family| options.families.contains(family)),
            findings: scan.findings,
            ..Update::default()
        });
    }
    let mut routes = Routes {
        list: SmallVec::new(),
        scan: &scan,
    };
    let classic_negotiated = options.families.contains(Family::Ipv4Unicast);
    if classic_negotiated {
        routes.withdraw(withdrawn);
    }
    if let Some(unreach) = scan.unreach {
        routes.withdraw(unreach);
    }
    if classic_negotiated {
        routes.announce(announced, scan.next_hop.map(NextHop::V4));
    }
    if let Some(reach) = scan.reach {
        routes.announce(reach.nlri, reach.next_hop.ok());
    }
    Ok(Update {
        routes: routes.list,
        end_of_rib: None,
        findings: scan.findings,
    })
}

/// The three fields of an UPDATE.
struct Parts<'a> {
    withdrawn: &'a [u8],
    attributes: &'a [u8],
    nlri: &'a [u8],
}

impl<'a> Parts<'a> {
    fn split(body: &'a [u8]) -> Result<Self, WireError> {
        let split = || {
            let mut reader = Reader::new(body);
            let length = reader.u16()?;
            let withdrawn = reader.take(length.into())?;
            let length = reader.u16()?;
            let attributes = reader.take(length.into())?;
            Some(Self {
                withdrawn,
                attributes,
                nlri: reader.rest(),
            })
        };
        split().ok_or_else(|| WireError::new(3, 1, &[], "lengths exceed the UPDATE"))
    }
}

fn classic<'a>(octets: &'a [u8], options: &DecodeOptions) -> Result<NlriList<'a>, WireError> {
    let family = Family::Ipv4Unicast;
    NlriList::new(octets, family, options.add_path.contains(family))
        .map_err(|BadNlri| WireError::new(3, 10, &[], "malformed prefix"))
}

/// An attribute that is kept, its value where it lies in the message.
#[derive(Clone, Copy, Debug)]
struct Kept<'a> {
    code: AttributeCode,
    flags: AttributeFlags,
    value: &'a [u8],
}

/// MP_REACH_NLRI of a negotiated family.
#[derive(Clone, Copy, Debug)]
struct Reach<'a> {
    nlri: NlriList<'a>,
    next_hop: Result<NextHop, Fault>,
}

/// What the attributes of one UPDATE say.
struct Scan<'a, 'o> {
    options: &'o DecodeOptions,
    seen: [u64; 4],
    kept: SmallVec<[Kept<'a>; 16]>,
    next_hop: Option<Ipv4Addr>,
    reach: Option<Reach<'a>>,
    unreach: Option<NlriList<'a>>,
    /// MP_REACH_NLRI named prefixes, of whatever family.
    reaches: bool,
    findings: Vec<Finding>,
    worst: Option<Disposition>,
}

impl<'a, 'o> Scan<'a, 'o> {
    fn new(options: &'o DecodeOptions) -> Self {
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
    fn attributes(&mut self, octets: &'a [u8]) -> Result<(), WireError> {
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
    fn check_classic(&mut self) {
        if !self.options.families.contains(Family::Ipv4Unicast) {
            self.ignored_family(AttributeCode::NEXT_HOP);
        }
    }

    /// RFC 7606 §3 d; LOCAL_PREF by RFC 4271 §5.1.5.
    fn check_mandatory(&mut self, announced: &NlriList<'_>) {
        if announced.is_empty() && !self.reaches {
            return;
        }
        let mut required: SmallVec<[AttributeCode; 3]> =
            SmallVec::from_slice(&[AttributeCode::ORIGIN, AttributeCode::AS_PATH]);
        if !announced.is_empty() {
            required.push(AttributeCode::NEXT_HOP);
        }
        for code in required {
            if !self.is_seen(code) {
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
    fn check_reachable(&self, announced: &NlriList<'_>) -> Result<(), WireError> {
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
    fn end_of_rib(&self, attributes: &[u8]) -> Option<Family> {
        if attributes.is_empty() {
            return Some(Family::Ipv4Unicast);
        }
        let mut alone = [0; 4];
        set_bit(&mut alone, AttributeCode::MP_UNREACH_NLRI);
        let unreach = self.unreach.filter(|list| list.is_empty())?;
        (self.seen == alone && self.findings.is_empty()).then(|| unreach.family())
    }

    fn withdraws(&self) -> bool {
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

    fn mark_seen(&mut self, code: AttributeCode) -> bool {
        let again = self.is_seen(code);
        set_bit(&mut self.seen, code);
        again
    }

    fn is_seen(&self, code: AttributeCode) -> bool {
        let word = self.seen.get(usize::from(code.0 >> 6)).copied();
        word.unwrap_or_default() >> (code.0 & 63) & 1 != 0
    }

    /// The bytes of `PathAttributes::raw`.
    fn canonical(&self) -> Box<[u8]> {
        if self.kept.is_sorted_by_key(|attribute| attribute.code) {
            canonical(&self.kept, self.options.width())
        } else {
            let mut sorted = self.kept.clone();
            sorted.sort_unstable_by_key(|attribute| attribute.code);
            canonical(&sorted, self.options.width())
        }
    }
}

/// `kept` ascends by code.
fn canonical(kept: &[Kept<'_>], width: Width) -> Box<[u8]> {
    let mut raw = Vec::with_capacity(kept.iter().map(|each| written_length(each.value)).sum());
    match width {
        Width::Four => {
            for attribute in kept {
                let value = normal(attribute);
                write_attribute(&mut raw, attribute.code, attribute.flags, &value);
            }
        }
        Width::Two => widen(kept, &mut raw),
    }
    raw.into_boxed_slice()
}

fn set_bit(words: &mut [u64; 4], code: AttributeCode) {
    if let Some(word) = words.get_mut(usize::from(code.0 >> 6)) {
        *word |= 1 << (code.0 & 63);
    }
}

/// Sets are sorted, everything else is as it was.
fn normal<'a>(attribute: &Kept<'a>) -> Cow<'a, [u8]> {
    match attribute.code {
        AttributeCode::COMMUNITIES => canonical_set::<4>(attribute.value),
        AttributeCode::EXTENDED_COMMUNITIES => canonical_set::<8>(attribute.value),
        AttributeCode::IPV6_EXTENDED_COMMUNITIES => canonical_set::<20>(attribute.value),
        AttributeCode::LARGE_COMMUNITIES => canonical_set::<12>(attribute.value),
        _ => Cow::Borrowed(attribute.value),
    }
}

/// What an old speaker sent, as a new one would have (RFC 6793 §4.2.3).
fn widen(kept: &[Kept<'_>], raw: &mut Vec<u8>) {
    let value_of = |code| {
        kept.iter()
            .find_map(|each| (each.code == code).then_some(each.value))
    };
    let aggregator = value_of(AttributeCode::AGGREGATOR)
        .and_then(|value| value.split_first_chunk())
        .map(|(asn, address)| (Asn(u16::from_be_bytes(*asn).into()), address));
    // An old speaker that aggregated after both were set knows better than either.
    let aggregated_later = value_of(AttributeCode::AS4_AGGREGATOR).is_some()
        && aggregator.is_some_and(|(asn, _)| asn != Asn::TRANS);
    let as4 = |code| value_of(code).filter(|_| !aggregated_later);
    for attribute in kept {
        let value = match attribute.code {
            AttributeCode::AS4_PATH | AttributeCode::AS4_AGGREGATOR => continue,
            AttributeCode::AS_PATH => {
                let merged = as_path::merge(attribute.value, as4(AttributeCode::AS4_PATH));
                Cow::Owned(merged.octets().to_vec())
            }
            AttributeCode::AGGREGATOR => match (as4(AttributeCode::AS4_AGGREGATOR), aggregator) {
                (Some(value), _) => Cow::Borrowed(value),
                (None, Some((asn, address))) => {
                    Cow::Owned([&asn.0.to_be_bytes(), address].concat())
                }
                (None, None) => continue,
            },
            _ => normal(attribute),
        };
        write_attribute(raw, attribute.code, attribute.flags, &value);
    }
}

/// Collects what is told to the RIB.
struct Routes<'s, 'a, 'o> {
    list: SmallVec<[RouteUpdate; 1]>,
    scan: &'s Scan<'a, 'o>,
}

impl Routes<'_, '_, '_> {
    fn withdraw(&mut self, nlri: NlriList<'_>) {
        if !nlri.is_empty() {
            self.with_open(nlri.family(), |update| {
                nlri.append_to(&mut update.withdrawn)
            });
        }
    }

    /// Without a usable next hop there was an error that costs the routes.
    fn announce(&mut self, nlri: NlriList<'_>, next_hop: Option<NextHop>) {
        if nlri.is_empty() {
            return;
        }
        match next_hop {
            Some(next_hop) if !self.scan.withdraws() => {
                let raw = self.scan.canonical();
                self.with_open(nlri.family(), |update| {
                    update.attributes = Some(PathAttributes { next_hop, raw });
                    nlri.append_to(&mut update.announced);
                });
            }
            _ => self.withdraw(nlri),
        }
    }

    /// Fills the update of `family` that announces nothing yet, or a new one.
    fn with_open(&mut self, family: Family, fill: impl FnOnce(&mut RouteUpdate)) {
        let mut updates = self.list.iter_mut();
        match updates.find(|update| update.family == family && update.attributes.is_none()) {
            Some(update) => fill(update),
            None => {
                let mut update = RouteUpdate {
                    family,
                    attributes: None,
                    announced: Vec::new(),
                    withdrawn: Vec::new(),
                };
                fill(&mut update);
                self.list.push(update);
            }
        }
    }
}
