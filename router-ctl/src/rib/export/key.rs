//! Everything that decides what a neighbour is told. Neighbours with equal keys form one group.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use smallvec::SmallVec;

use crate::bgp::types::{Asn, Family, FamilySet, RouterId};
use crate::bgp::wire::update::Encoding;
use crate::policy::Chain;
use crate::rib::route::PeerId;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupKey {
    pub kind: GroupKind,
    /// What we are on the session, `local-as` included.
    pub local_as: Asn,
    /// `local-as` without `replace-as`: our real AS, which stands behind it.
    pub behind_local_as: Option<Asn>,
    /// Negotiated with the peer.
    pub families: FamilySet,
    /// As negotiated.
    pub encoding: Encoding,
    /// Our addresses on the session, as next hops of what we announce.
    pub next_hop_v4: Option<Ipv4Addr>,
    pub next_hop_v6: Option<OwnNextHopV6>,
    /// IPv4 prefixes may have an IPv6 next hop (RFC 8950).
    pub extended_next_hop: bool,
    /// Subnets of the link that an external peer one hop away shares with us: a next hop there is its own
    /// (RFC 4271 §5.1.3).
    pub shared_subnets: SmallVec<[IpNet; 2]>,
    /// LOCAL_PREF of paths that came without one.
    pub default_local_pref: u32,
    pub reflector: Reflector,
    /// RFC 8326.
    pub graceful_shutdown: bool,
    /// For policies whose outcome depends on it ([`Chain::depends_on_peer`]); else it would part what can be
    /// told together.
    pub policy_peer: Option<PolicyPeer>,
    /// The peer shares no group.
    pub solo: Option<PeerId>,
    pub ipv4_unicast: FamilyKey,
    pub ipv6_unicast: FamilyKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupKind {
    Ebgp,
    Ibgp,
}

/// RFC 2545 §3: `link_local` when the peer is on the same link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnNextHopV6 {
    pub global: Ipv6Addr,
    pub link_local: Option<Ipv6Addr>,
}

/// How routes are passed on inside the AS (RFC 4456).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reflector {
    pub cluster_id: RouterId,
    pub between_clients: bool,
    /// Policy may change next hop, AS_PATH, MED and LOCAL_PREF of a reflected route.
    pub allow_outbound_policy: bool,
}

/// The neighbour as policies see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PolicyPeer {
    pub address: IpAddr,
    pub asn: Asn,
    /// Our address of the session.
    pub local: IpAddr,
}

/// One family of a [`GroupKey`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FamilyKey {
    pub export: Option<Chain>,
    /// Decides, after `export`, about what an aggregate suppresses.
    pub unsuppress: Option<Chain>,
    /// RFC 8212: nothing is sent but End-of-RIB.
    pub denied: bool,
    pub nexthop_self: NextHopSelf,
    /// Link-local next hops stay where the next hop stays.
    pub nexthop_local_unchanged: bool,
    pub unchanged: Unchanged,
    /// RFC 7947.
    pub route_server_client: bool,
    /// RFC 4456.
    pub reflector_client: bool,
    /// The peer's AS, where ours takes its place.
    pub as_override: Option<Asn>,
    pub remove_private_as: Option<RemovePrivateAs>,
    pub without: WithoutCommunities,
    pub default_originate: Option<DefaultOriginate>,
    /// Most prefixes that are announced.
    pub maximum_prefix_out: Option<u32>,
    /// Where ADD-PATH was negotiated; `None` is the best path alone.
    pub add_path: Option<AddPathSend>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NextHopSelf {
    #[default]
    No,
    /// For what other ASes told us.
    Learnt,
    /// For reflected routes too.
    Forced,
}

/// What goes out as it came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Unchanged {
    pub as_path: bool,
    pub med: bool,
    pub next_hop: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RemovePrivateAs {
    /// When the path has no others.
    IfAlone,
    /// Wherever they are, but for the peer's own: it must see its loops.
    All { peer_as: Asn },
}

/// Kinds of communities that are not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct WithoutCommunities {
    pub standard: bool,
    pub extended: bool,
    pub large: bool,
}

/// The default route is announced whether or not there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DefaultOriginate {
    /// Only while it permits a route of the table.
    pub condition: Option<Chain>,
}

/// Which paths of a prefix an ADD-PATH peer is told (RFC 7911).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddPathSend {
    All,
    /// The best of each neighbour AS.
    BestPerAs,
    Best(u8),
}

impl GroupKey {
    /// A session without any setting.
    pub fn new(kind: GroupKind, local_as: Asn, encoding: Encoding) -> Self {
        Self {
            kind,
            local_as,
            behind_local_as: None,
            families: FamilySet::NONE,
            encoding,
            next_hop_v4: None,
            next_hop_v6: None,
            extended_next_hop: false,
            shared_subnets: SmallVec::new(),
            default_local_pref: 100,
            reflector: Reflector {
                cluster_id: RouterId(Ipv4Addr::UNSPECIFIED),
                between_clients: true,
                allow_outbound_policy: false,
            },
            graceful_shutdown: false,
            policy_peer: None,
            solo: None,
            ipv4_unicast: FamilyKey::default(),
            ipv6_unicast: FamilyKey::default(),
        }
    }

    pub fn family(&self, family: Family) -> &FamilyKey {
        match family {
            Family::Ipv4Unicast => &self.ipv4_unicast,
            Family::Ipv6Unicast => &self.ipv6_unicast,
        }
    }

    pub fn family_mut(&mut self, family: Family) -> &mut FamilyKey {
        match family {
            Family::Ipv4Unicast => &mut self.ipv4_unicast,
            Family::Ipv6Unicast => &mut self.ipv6_unicast,
        }
    }

    /// Which paths are sent with path identifiers, `None` where a prefix has one path.
    pub(in crate::rib) fn add_path(&self, family: Family) -> Option<AddPathSend> {
        let negotiated = self.families.contains(family) && self.encoding.add_path(family);
        negotiated.then(|| self.family(family).add_path.unwrap_or(AddPathSend::Best(1)))
    }
}

/// Where a path comes from, as far as export cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::rib) enum Heard {
    Local,
    Ebgp,
    Ibgp,
    /// A client of our route reflector.
    IbgpClient,
}

impl Heard {
    pub(in crate::rib) fn is_internal(self) -> bool {
        matches!(self, Self::Ibgp | Self::IbgpClient)
    }
}

const _: () = assert!(size_of::<Option<Heard>>() == 1);
