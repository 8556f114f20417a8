//! Decodes an UPDATE. Everything is first found and judged where it lies in the message; vectors are built only
//! for what is left: one for the canonical attributes, one for each list of prefixes.
//!
//! A message that ends the session is an `Err`. Weaker errors are collected; when one of them costs the routes,
//! the announced prefixes join the withdrawn ones (RFC 7606 §2).

use smallvec::SmallVec;

use super::canonical::canonical;
use super::scan::Scan;
use super::{DecodeOptions, Update};
use crate::bgp::types::{Family, NextHop, PathAttributes, RouteUpdate};
use crate::bgp::wire::error::WireError;
use crate::bgp::wire::nlri::{BadNlri, NlriList};
use crate::bgp::wire::reader::Reader;

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
                let raw = canonical(&self.scan.kept, self.scan.options.width());
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
