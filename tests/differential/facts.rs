//! What an UPDATE says, in plain numbers, as each decoder tells it.

use std::net::{IpAddr, Ipv6Addr};

use bgpkit_parser::models::AsnLength;
use bgpkit_parser::models::{
    AsPathSegment, AttributeValue, BgpMessage, Community, NetworkPrefix, NextHopAddress,
};
use bgpkit_parser::parser::bgp::parse_bgp_message;
use ipnet::IpNet;
use router_ctl::bgp::types::{Asn, Family, NextHop, Nlri};
use router_ctl::bgp::wire::update::{DecodeOptions, decode};
use rustbgpd_wire as wire;

const HEADER: usize = 19;
const IPV4: u16 = 1;
const IPV6: u16 = 2;
const UNICAST: u8 = 1;

/// How both ends agreed to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) four_octet_as: bool,
    /// Of both families.
    pub(crate) add_path: bool,
}

/// A prefix and its path id, 0 without ADD-PATH.
pub(crate) type Route = (IpNet, u32);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) announced: Vec<Route>,
    pub(crate) withdrawn: Vec<Route>,
    pub(crate) origin: Option<u8>,
    /// Type of each segment and its AS numbers.
    pub(crate) as_path: Option<Vec<(u8, Vec<u32>)>>,
    pub(crate) next_hop: Option<IpAddr>,
    pub(crate) link_local: Option<Ipv6Addr>,
    pub(crate) med: Option<u32>,
    pub(crate) local_pref: Option<u32>,
    pub(crate) atomic: bool,
    pub(crate) aggregator: Option<(u32, [u8; 4])>,
    pub(crate) communities: Vec<u32>,
    pub(crate) large_communities: Vec<[u32; 3]>,
    pub(crate) originator: Option<[u8; 4]>,
    pub(crate) clusters: Vec<u32>,
}

pub(crate) fn ours(message: &[u8], session: Session) -> Result<Facts, String> {
    let all: Vec<Family> = Family::ALL.to_vec();
    let options = DecodeOptions {
        four_octet_as: session.four_octet_as,
        // iBGP: every attribute is taken.
        internal: true,
        peer_as: Asn(65001),
        families: all.iter().copied().collect(),
        add_path: all.into_iter().filter(|_| session.add_path).collect(),
        extended_next_hop: true,
        enforce_first_as: false,
        reject_as_sets: false,
        allow_martian_next_hop: true,
        link_local_next_hop: true,
        overrides: Vec::new(),
    };
    let update = decode(&message[HEADER..], &options).map_err(|error| format!("{error:?}"))?;
    let routes = |all: &[Nlri]| -> Vec<Route> {
        all.iter()
            .map(|nlri| (nlri.prefix, nlri.path_id.0))
            .collect()
    };
    let mut facts = Facts::default();
    for told in &update.routes {
        facts.withdrawn.extend(routes(&told.withdrawn));
        facts.announced.extend(routes(&told.announced));
        let Some(attributes) = &told.attributes else {
            continue;
        };
        (facts.next_hop, facts.link_local) = match attributes.next_hop {
            NextHop::V4(address) => (Some(address.into()), None),
            NextHop::V6 { global, link_local } => (Some(global.into()), link_local),
        };
        let view = attributes.view();
        facts.origin = view.origin().map(|origin| origin as u8);
        let segments = view.as_path().segments();
        let segments = segments.map(|one| (one.kind.code(), one.ases().map(|asn| asn.0).collect()));
        facts.as_path = Some(segments.collect());
        facts.med = view.med();
        facts.local_pref = view.local_pref();
        facts.atomic = view.atomic_aggregate();
        facts.aggregator = view
            .aggregator()
            .map(|one| (one.asn.0, one.address.octets()));
        facts.communities = view.communities().map(|one| one.0).collect();
        facts.large_communities = view.large_communities().map(|one| one.0).collect();
        facts.originator = view.originator_id().map(|id| id.0.octets());
        facts.clusters = view.cluster_list().map(|id| u32::from(id.0)).collect();
    }
    Ok(facts)
}

pub(crate) fn bgpkit(message: &[u8], session: Session) -> Result<Facts, String> {
    let mut bytes = bytes::Bytes::copy_from_slice(message);
    let width = if session.four_octet_as {
        AsnLength::Bits32
    } else {
        AsnLength::Bits16
    };
    let parsed = parse_bgp_message(&mut bytes, session.add_path, &width);
    let BgpMessage::Update(update) = parsed.map_err(|error| error.to_string())? else {
        return Err("not an UPDATE".to_owned());
    };
    let routes = |all: &[NetworkPrefix]| -> Vec<Route> {
        let each = |one: &NetworkPrefix| (one.prefix.trunc(), one.path_id.unwrap_or(0));
        all.iter().map(each).collect()
    };
    let mut facts = Facts {
        announced: routes(&update.announced_prefixes),
        withdrawn: routes(&update.withdrawn_prefixes),
        ..Facts::default()
    };
    for attribute in update.attributes.iter() {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "dozens that are not compared"
        )]
        match attribute {
            AttributeValue::Origin(origin) => facts.origin = Some(*origin as u8),
            AttributeValue::AsPath(path) => {
                facts.as_path = Some(path.segments.iter().map(bgpkit_segment).collect());
            }
            AttributeValue::NextHop(address) => facts.next_hop = Some(*address),
            AttributeValue::MultiExitDiscriminator(med) => facts.med = Some(*med),
            AttributeValue::LocalPreference(value) => facts.local_pref = Some(*value),
            AttributeValue::AtomicAggregate => facts.atomic = true,
            AttributeValue::Aggregator { asn, id } => {
                facts.aggregator = Some((asn.to_u32(), id.octets()));
            }
            AttributeValue::Communities(all) => {
                facts.communities = all.iter().map(bgpkit_community).collect();
            }
            AttributeValue::LargeCommunities(all) => {
                let number = |one: &bgpkit_parser::models::LargeCommunity| {
                    [one.global_admin, one.local_data[0], one.local_data[1]]
                };
                facts.large_communities = all.iter().map(number).collect();
            }
            AttributeValue::OriginatorId(id) => facts.originator = Some(id.octets()),
            AttributeValue::Clusters(all) => facts.clusters.clone_from(all),
            AttributeValue::MpReachNlri(nlri) => {
                facts.announced.extend(routes(&nlri.prefixes));
                (facts.next_hop, facts.link_local) = match nlri.next_hop {
                    Some(NextHopAddress::Ipv4(address)) => (Some(address.into()), None),
                    Some(NextHopAddress::Ipv6(address)) => (Some(address.into()), None),
                    Some(NextHopAddress::Ipv6LinkLocal(global, link_local)) => {
                        (Some(global.into()), Some(link_local))
                    }
                    _ => return Err(format!("next hop {:?}", nlri.next_hop)),
                };
            }
            AttributeValue::MpUnreachNlri(nlri) => facts.withdrawn.extend(routes(&nlri.prefixes)),
            _ => {}
        }
    }
    Ok(facts)
}

fn bgpkit_segment(segment: &AsPathSegment) -> (u8, Vec<u32>) {
    let (kind, ases) = match segment {
        AsPathSegment::AsSet(ases) => (1, ases),
        AsPathSegment::AsSequence(ases) => (2, ases),
        AsPathSegment::ConfedSequence(ases) => (3, ases),
        AsPathSegment::ConfedSet(ases) => (4, ases),
    };
    (kind, ases.iter().map(|asn| asn.to_u32()).collect())
}

fn bgpkit_community(community: &Community) -> u32 {
    match community {
        Community::NoExport => 0xffff_ff01,
        Community::NoAdvertise => 0xffff_ff02,
        Community::NoExportSubConfed => 0xffff_ff03,
        Community::Custom(asn, value) => asn.to_u32() << 16 | u32::from(*value),
    }
}

pub(crate) fn rustbgpd(message: &[u8], session: Session) -> Result<Facts, String> {
    let mut bytes = bytes::Bytes::copy_from_slice(message);
    let limit = wire::MAX_MESSAGE_LEN;
    let decoded = wire::decode_message(&mut bytes, limit).map_err(|error| error.to_string())?;
    let wire::Message::Update(update) = decoded else {
        return Err("not an UPDATE".to_owned());
    };
    let families = [
        (wire::Afi::Ipv4, wire::Safi::Unicast),
        (wire::Afi::Ipv6, wire::Safi::Unicast),
    ];
    let with_ids: &[_] = if session.add_path { &families } else { &[] };
    let parsed = update.parse_revised(session.four_octet_as, true, session.add_path, with_ids);
    let parsed = parsed.map_err(|error| error.to_string())?;
    if !parsed.malformed.is_empty() {
        return Err(format!("malformed: {:?}", parsed.malformed));
    }
    let update = parsed.update;
    let mut facts = Facts {
        announced: classic(&update.announced),
        withdrawn: classic(&update.withdrawn),
        ..Facts::default()
    };
    for attribute in &update.attributes {
        use wire::PathAttribute as A;
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "those that are not compared"
        )]
        match attribute {
            A::Origin(origin) => facts.origin = Some(*origin as u8),
            A::AsPath(path) => {
                let segment = |one: &wire::AsPathSegment| match one {
                    wire::AsPathSegment::AsSet(ases) => (1, ases.clone()),
                    wire::AsPathSegment::AsSequence(ases) => (2, ases.clone()),
                };
                facts.as_path = Some(path.segments.iter().map(segment).collect());
            }
            A::NextHop(address) => facts.next_hop = Some((*address).into()),
            A::Med(med) => facts.med = Some(*med),
            A::LocalPref(value) => facts.local_pref = Some(*value),
            A::AtomicAggregate => facts.atomic = true,
            A::Aggregator(one) => facts.aggregator = Some((one.asn, one.router_id.octets())),
            A::Communities(all) | A::CommunitiesPartial(all) => facts.communities.clone_from(all),
            A::LargeCommunities(all) | A::LargeCommunitiesPartial(all) => {
                let number = |one: &wire::LargeCommunity| {
                    [one.global_admin, one.local_data1, one.local_data2]
                };
                facts.large_communities = all.iter().map(number).collect();
            }
            A::OriginatorId(id) => facts.originator = Some(id.octets()),
            A::ClusterList(all) => facts.clusters = all.iter().map(|&id| id.into()).collect(),
            A::MpReachNlri(reach) => {
                check_family(reach.afi as u16, reach.safi as u8)?;
                facts.announced.extend(routes(&reach.announced));
                facts.next_hop = Some(reach.next_hop);
                facts.link_local = reach.link_local_next_hop;
            }
            A::MpUnreachNlri(unreach) => {
                check_family(unreach.afi as u16, unreach.safi as u8)?;
                facts.withdrawn.extend(routes(&unreach.withdrawn));
            }
            _ => {}
        }
    }
    Ok(facts)
}

fn classic(all: &[wire::Ipv4NlriEntry]) -> Vec<Route> {
    let each = |one: &wire::Ipv4NlriEntry| {
        let prefix = IpNet::new_assert(one.prefix.addr.into(), one.prefix.len);
        (prefix, one.path_id)
    };
    all.iter().map(each).collect()
}

fn routes(all: &[wire::NlriEntry]) -> Vec<Route> {
    let each = |one: &wire::NlriEntry| {
        let prefix = match one.prefix {
            wire::Prefix::V4(prefix) => IpNet::new_assert(prefix.addr.into(), prefix.len),
            wire::Prefix::V6(prefix) => IpNet::new_assert(prefix.addr.into(), prefix.len),
        };
        (prefix, one.path_id)
    };
    all.iter().map(each).collect()
}

fn check_family(afi: u16, safi: u8) -> Result<(), String> {
    match (afi, safi) {
        (IPV4 | IPV6, UNICAST) => Ok(()),
        other => Err(format!("family {other:?}")),
    }
}
