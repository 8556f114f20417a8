//! Access lists, as routes are judged by them: the source is compared with the network address of a prefix and
//! the destination with its mask, whatever the length. In access-list6 a network stands for all inside it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv6Net};

use super::findings::Findings;
use super::hit::{Hit, Named};
use crate::policy::model;
use crate::policy::problem::{ListKind, ProblemKind};

#[derive(Debug, PartialEq, Eq)]
pub(in crate::policy) struct AccessList {
    name: Arc<str>,
    pub(in crate::policy) kind: ListKind,
    rules: Vec<(Hit, Selector)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Selector {
    V4 { source: Masked, destination: Masked },
    V6All,
    V6Inside(Ipv6Net),
    V6Exactly(Ipv6Net),
}

/// Bits of an address that are compared. A bit of the inverse mask is one that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Masked {
    bits: u32,
    mask: u32,
}

impl AccessList {
    pub(super) fn compile(findings: &mut Findings, name: &str, list: &model::AccessList) -> Self {
        let rules = findings.rules(&list.rule, |findings, rule, configured| {
            let action = findings.required("action", configured.action, "permit or deny");
            let source = Masked::compile(findings, "source", &configured.source);
            let destination = if configured.destination == model::AccessAddress::default() {
                Some(Masked::ALL)
            } else {
                Masked::compile(findings, "destination", &configured.destination)
            };
            let selector = Selector::V4 {
                source: source?,
                destination: destination?,
            };
            let action = action?;
            Some((Hit { rule, action }, selector))
        });
        Self {
            name: name.into(),
            kind: ListKind::AccessList,
            rules,
        }
    }

    pub(super) fn compile6(findings: &mut Findings, name: &str, list: &model::AccessList6) -> Self {
        let rules = findings.rules(&list.rule, |findings, rule, configured| {
            let action = findings.required("action", configured.action, "permit or deny");
            let source = &configured.source;
            let selector = match (source.any, source.network) {
                (true, None) => Some(Selector::V6All),
                (false, Some(network)) if source.exact_match => {
                    Some(Selector::V6Exactly(network.trunc()))
                }
                (false, Some(network)) => Some(Selector::V6Inside(network.trunc())),
                (false, None) => findings.required("source", None, "any or network"),
                (true, Some(_)) => {
                    let message = "any and network together";
                    findings.report(ProblemKind::Conflict, &["source"], message, "keep one");
                    None
                }
            };
            let (selector, action) = (selector?, action?);
            Some((Hit { rule, action }, selector))
        });
        Self {
            name: name.into(),
            kind: ListKind::AccessList6,
            rules,
        }
    }

    /// The first rule that matches.
    pub(in crate::policy) fn find(&self, prefix: IpNet) -> Option<Hit> {
        let (hit, _) = self
            .rules
            .iter()
            .find(|(_, selector)| selector.matches(prefix))?;
        Some(*hit)
    }
}

impl Named for AccessList {
    fn name(&self) -> &Arc<str> {
        &self.name
    }
}

impl Selector {
    fn matches(self, prefix: IpNet) -> bool {
        match (self, prefix) {
            (
                Self::V4 {
                    source,
                    destination,
                },
                IpNet::V4(net),
            ) => source.matches(net.network()) && destination.matches(net.netmask()),
            (Self::V6All, IpNet::V6(_)) => true,
            (Self::V6Inside(network), IpNet::V6(net)) => network.contains(&net),
            (Self::V6Exactly(network), IpNet::V6(net)) => network == net.trunc(),
            (Self::V4 { .. }, IpNet::V6(_))
            | (Self::V6All | Self::V6Inside(_) | Self::V6Exactly(_), IpNet::V4(_)) => false,
        }
    }
}

impl Masked {
    const ALL: Self = Self { bits: 0, mask: 0 };

    fn new(address: Ipv4Addr, mask: u32) -> Self {
        Self {
            bits: address.to_bits() & mask,
            mask,
        }
    }

    fn matches(self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask == self.bits
    }

    fn compile(
        findings: &mut Findings,
        leaf: &str,
        configured: &model::AccessAddress,
    ) -> Option<Self> {
        let model::AccessAddress {
            any,
            host,
            network,
            inverse_mask,
        } = *configured;
        match (any, host, network, inverse_mask) {
            (true, None, None, None) => Some(Self::ALL),
            (false, Some(host), None, None) => Some(Self::new(host, u32::MAX)),
            (false, None, Some(network), Some(inverse)) => {
                Some(Self::new(network, !inverse.to_bits()))
            }
            (false, None, None, None) => {
                let hint = "any, host, or network with inverse-mask";
                findings.required(leaf, None, hint)
            }
            (false, None, Some(_), None) => findings.within(&[leaf], |findings| {
                findings.required("inverse-mask", None, "0.0.0.255 for a /24")
            }),
            (false, None, None, Some(_)) => {
                findings.within(&[leaf], |findings| findings.required("network", None, ""))
            }
            (true, ..) | (false, Some(_), ..) => {
                let message = "more than one of any, host and network";
                findings.report(ProblemKind::Conflict, &[leaf], message, "keep one");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
