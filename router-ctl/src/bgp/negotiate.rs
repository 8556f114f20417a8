//! Two OPENs make one agreement. A capability takes effect when its rule says both sides.

use std::sync::Arc;
use std::time::Duration;

use crate::bgp::session::SessionConfig;
use crate::bgp::types::{Asn, Family, FamilySet, RouterId};
use crate::bgp::wire::capability::{AddPath, Capability, ExtendedNextHop, GracefulFamily};
use crate::bgp::wire::error::WireError;
use crate::bgp::wire::header::{EXTENDED_LIMIT, STANDARD_LIMIT};
use crate::bgp::wire::open::Open;
use crate::bgp::wire::update::{DecodeOptions, Encoding};

/// What both sides agreed on. It does not change while the session is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    pub local_as: Asn,
    pub peer_as: Asn,
    pub peer_id: RouterId,
    /// Same AS on both sides: iBGP.
    pub internal: bool,
    /// `None`: no timers (RFC 4271 §4.2, hold time 0).
    pub hold_time: Option<Duration>,
    pub keepalive: Option<Duration>,
    pub four_octet_as: bool,
    pub families: Vec<Family>,
    pub route_refresh: bool,
    pub enhanced_refresh: bool,
    pub extended_message: bool,
    /// IPv4 prefixes may have IPv6 next hops (RFC 8950).
    pub extended_next_hop: bool,
    pub add_path_receive: FamilySet,
    pub add_path_send: FamilySet,
    /// What either side said about ADD-PATH, for display.
    pub add_path_offered: AddPathOffer,
    pub add_path_asked: AddPathOffer,
    /// Present when both sides sent the capability.
    pub graceful_restart: Option<PeerGracefulRestart>,
    /// Every capability that either side sent, ascending by code.
    pub capabilities: Vec<CapabilityUse>,
    pub introduction: Introduction,
}

/// What the peer says about itself, only shown. Its words may contain anything: escape them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introduction {
    pub host: Option<Arc<str>>,
    pub domain: Option<String>,
    pub software: Option<String>,
    /// RFC 9234, by its number.
    pub role: Option<u8>,
}

impl Negotiated {
    /// How UPDATEs for this peer are written.
    pub fn encoding(&self) -> Encoding {
        Encoding {
            four_octet_as: self.four_octet_as,
            max_message: if self.extended_message {
                EXTENDED_LIMIT
            } else {
                STANDARD_LIMIT
            },
            add_path_v4: self.add_path_send.contains(Family::Ipv4Unicast),
            add_path_v6: self.add_path_send.contains(Family::Ipv6Unicast),
        }
    }

    /// How UPDATEs from this peer are read and judged.
    pub fn decode_options(&self, config: &SessionConfig) -> DecodeOptions {
        DecodeOptions {
            four_octet_as: self.four_octet_as,
            internal: self.internal,
            peer_as: self.peer_as,
            families: self.families.iter().copied().collect(),
            add_path: self.add_path_receive,
            extended_next_hop: self.extended_next_hop,
            enforce_first_as: config.enforce_first_as,
            reject_as_sets: config.reject_as_sets,
            allow_martian_next_hop: config.allow_martian_next_hop,
            link_local_next_hop: config.link_local_next_hop,
            overrides: config.attribute_overrides.clone(),
        }
    }
}

/// The families in which one side can receive, or wants to send, several paths of a prefix (RFC 7911).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddPathOffer {
    pub receive: FamilySet,
    pub send: FamilySet,
}

/// The peer's side of graceful restart (RFC 4724, RFC 8538).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerGracefulRestart {
    /// R: the peer has just restarted.
    pub restarting: bool,
    /// Both sides set N: paths survive NOTIFICATIONs other than Hard Reset.
    pub notification: bool,
    pub restart_time: Duration,
    pub families: Vec<PeerGracefulFamily>,
}

/// One family of the peer's capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerGracefulFamily {
    pub family: Family,
    /// F: the peer kept forwarding while it restarted.
    pub forwarding_kept: bool,
}

/// A capability and who sent it, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityUse {
    pub code: u8,
    /// With its family where it has one: `multiprotocol ipv6-unicast`.
    pub name: String,
    pub sent: bool,
    pub received: bool,
}

/// Our OPEN; without capabilities for a peer that does not take them.
pub fn our_open(config: &SessionConfig, with_capabilities: bool) -> Open {
    let trans = u16::try_from(Asn::TRANS.0).unwrap_or(u16::MAX);
    Open {
        my_as: u16::try_from(config.local_as.0).unwrap_or(trans),
        hold_time: config.hold_time,
        router_id: config.router_id,
        capabilities: if with_capabilities && !config.disable_capability_negotiation {
            our_capabilities(config)
        } else {
            Vec::new()
        },
    }
}

fn our_capabilities(config: &SessionConfig) -> Vec<Capability> {
    let families: FamilySet = config.families.iter().copied().collect();
    let mut capabilities: Vec<_> = families.iter().map(Capability::multi_protocol).collect();
    capabilities.push(Capability::RouteRefresh);
    if config.extended_next_hop && families.contains(Family::Ipv4Unicast) {
        capabilities.push(Capability::ExtendedNextHop(vec![V4_OVER_V6]));
    }
    if config.extended_message {
        capabilities.push(Capability::ExtendedMessage);
    }
    if let Some(restart) = config.graceful_restart {
        let named = families.iter().filter(|_| !restart.helper_only);
        let entry = |family: Family| {
            let (afi, safi) = family.codes();
            GracefulFamily {
                afi,
                safi,
                forwarding_kept: restart.forwarding_kept,
            }
        };
        capabilities.push(Capability::GracefulRestart {
            restarting: restart.restarting,
            notification: true,
            restart_time: restart.restart_time.min(0x0fff),
            families: named.map(entry).collect(),
        });
    }
    capabilities.push(Capability::FourOctetAs(config.local_as));
    let add_path: Vec<_> = families
        .iter()
        .filter_map(|family| {
            let (afi, safi) = family.codes();
            let receive = config.add_path_receive.contains(&family);
            let send = config.add_path_send.contains(&family);
            (receive || send).then_some(AddPath {
                afi,
                safi,
                receive,
                send,
            })
        })
        .collect();
    if !add_path.is_empty() {
        capabilities.push(Capability::AddPath(add_path));
    }
    capabilities.push(Capability::EnhancedRefresh);
    capabilities
}

/// IPv4 unicast with an IPv6 next hop.
const V4_OVER_V6: ExtendedNextHop = ExtendedNextHop {
    afi: 1,
    safi: 1,
    next_hop_afi: 2,
};

/// What follows from `sent` and `received`, or the NOTIFICATION for an OPEN that cannot be accepted
/// (RFC 4271 §6.2).
pub fn negotiate(
    config: &SessionConfig,
    sent: &Open,
    received: &Open,
) -> Result<Negotiated, WireError> {
    let peer_as = received.asn();
    if !config.remote_as.accepts(peer_as, config.local_as) {
        return Err(WireError::new(2, 2, &[], "AS is not the configured one"));
    }
    let internal = peer_as == config.local_as;
    if internal && received.router_id == sent.router_id {
        let what = "BGP identifier equal to ours inside the AS";
        return Err(WireError::new(2, 3, &[], what));
    }
    if received.hold_time != 0 && received.hold_time < config.minimum_hold_time {
        return Err(WireError::new(2, 6, &[], "hold time below the minimum"));
    }
    let families = common_families(config, sent, received)?;
    let hold_time = match sent.hold_time.min(received.hold_time) {
        0 => None,
        seconds => Some(Duration::from_secs(seconds.into())),
    };
    let keepalive = hold_time.map(|hold| {
        let third = hold / 3;
        let configured = config
            .keepalive
            .map(|seconds| Duration::from_secs(seconds.into()));
        configured.map_or(third, |keepalive| keepalive.min(third))
    });
    let both = |capability: &Capability| {
        [sent, received]
            .iter()
            .all(|open| open.capabilities.contains(capability))
    };
    let (offered, asked) = (add_path(sent), add_path(received));
    Ok(Negotiated {
        local_as: config.local_as,
        peer_as,
        peer_id: received.router_id,
        internal,
        hold_time,
        keepalive,
        four_octet_as: sent.four_octet_as().is_some() && received.four_octet_as().is_some(),
        families: families.iter().collect(),
        route_refresh: both(&Capability::RouteRefresh),
        enhanced_refresh: both(&Capability::EnhancedRefresh),
        extended_message: both(&Capability::ExtendedMessage),
        extended_next_hop: takes_v4_over_v6(sent) && takes_v4_over_v6(received),
        add_path_receive: offered
            .receive
            .intersection(asked.send)
            .intersection(families),
        add_path_send: offered
            .send
            .intersection(asked.receive)
            .intersection(families),
        add_path_offered: offered,
        add_path_asked: asked,
        graceful_restart: graceful_restart(sent, received),
        capabilities: uses(sent, received),
        introduction: introduction(received),
    })
}

fn introduction(open: &Open) -> Introduction {
    let said = |text: &String| (!text.is_empty()).then(|| text.clone());
    let mut all = Introduction::default();
    for capability in &open.capabilities {
        match capability {
            Capability::Fqdn { host, domain } => {
                (all.host, all.domain) = (said(host).map(Into::into), said(domain));
            }
            Capability::SoftwareVersion(version) => all.software = said(version),
            Capability::Other { code: 9, value } => all.role = value.first().copied(),
            Capability::MultiProtocol { .. }
            | Capability::RouteRefresh
            | Capability::ExtendedNextHop(_)
            | Capability::ExtendedMessage
            | Capability::GracefulRestart { .. }
            | Capability::FourOctetAs(_)
            | Capability::AddPath(_)
            | Capability::EnhancedRefresh
            | Capability::Other { .. } => {}
        }
    }
    all
}

/// Without any MP capability a peer means IPv4 unicast (RFC 4760 §8 read the other way).
fn common_families(
    config: &SessionConfig,
    sent: &Open,
    received: &Open,
) -> Result<FamilySet, WireError> {
    let ours = if sent.capabilities.is_empty() && !config.override_capability {
        FamilySet::from_iter([Family::Ipv4Unicast])
    } else {
        config.families.iter().copied().collect()
    };
    let wanted: FamilySet = config.families.iter().copied().collect();
    let theirs = match named_families(received) {
        Some(families) => families,
        None if config.override_capability => wanted,
        None => FamilySet::from_iter([Family::Ipv4Unicast]),
    };
    let common = ours.intersection(theirs).intersection(wanted);
    let missing: Vec<_> = wanted
        .iter()
        .filter(|&family| !theirs.contains(family))
        .collect();
    if common.is_empty() || (config.strict_capability_match && !missing.is_empty()) {
        let mut data = Vec::new();
        for family in missing {
            Capability::multi_protocol(family).encode(&mut data);
        }
        let what = if common.is_empty() {
            "no address family in common"
        } else {
            "an address family is missing"
        };
        return Err(WireError::new(2, 7, &data, what));
    }
    Ok(common)
}

/// The families of the MP capabilities; `None` without any.
fn named_families(open: &Open) -> Option<FamilySet> {
    let mut named = None;
    for capability in &open.capabilities {
        if let Capability::MultiProtocol { afi, safi } = capability {
            let families = named.get_or_insert(FamilySet::NONE);
            if let Some(family) = Family::from_codes(*afi, *safi) {
                families.insert(family);
            }
        }
    }
    named
}

fn takes_v4_over_v6(open: &Open) -> bool {
    open.capabilities.iter().any(|capability| {
        matches!(capability, Capability::ExtendedNextHop(entries) if entries.contains(&V4_OVER_V6))
    })
}

fn add_path(open: &Open) -> AddPathOffer {
    let mut offer = AddPathOffer::default();
    for capability in &open.capabilities {
        if let Capability::AddPath(entries) = capability {
            for entry in entries {
                let Some(family) = Family::from_codes(entry.afi, entry.safi) else {
                    continue;
                };
                if entry.receive {
                    offer.receive.insert(family);
                }
                if entry.send {
                    offer.send.insert(family);
                }
            }
        }
    }
    offer
}

fn graceful_restart(sent: &Open, received: &Open) -> Option<PeerGracefulRestart> {
    let find = |open: &Open| {
        open.capabilities.iter().find_map(|capability| {
            if let Capability::GracefulRestart {
                restarting,
                notification,
                restart_time,
                families,
            } = capability
            {
                Some((*restarting, *notification, *restart_time, families.clone()))
            } else {
                None
            }
        })
    };
    let (_, our_notification, _, _) = find(sent)?;
    let (restarting, notification, restart_time, families) = find(received)?;
    let family = |entry: &GracefulFamily| {
        Some(PeerGracefulFamily {
            family: Family::from_codes(entry.afi, entry.safi)?,
            forwarding_kept: entry.forwarding_kept,
        })
    };
    Some(PeerGracefulRestart {
        restarting,
        notification: notification && our_notification,
        restart_time: Duration::from_secs(restart_time.into()),
        families: families.iter().filter_map(family).collect(),
    })
}

fn uses(sent: &Open, received: &Open) -> Vec<CapabilityUse> {
    let mut uses: Vec<CapabilityUse> = Vec::new();
    let sides = [(sent, true), (received, false)];
    for (capability, ours) in sides
        .iter()
        .flat_map(|(open, ours)| open.capabilities.iter().map(|each| (each, *ours)))
    {
        let name = capability.to_string();
        let known = uses.iter_mut().find(|each| each.name == name);
        match known {
            Some(known) => known.received |= !ours,
            None => uses.push(CapabilityUse {
                code: capability.code(),
                name,
                sent: ours,
                received: !ours,
            }),
        }
    }
    uses.sort_by_key(|each| each.code);
    uses
}

#[cfg(test)]
mod tests;
