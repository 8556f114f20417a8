//! What a group of peers is told about a path: whether at all, and with which attributes.
//!
//! | | eBGP | iBGP |
//! |---|---|---|
//! | AS_PATH | our AS prepended, confederation segments removed | unchanged |
//! | NEXT_HOP | ourselves; kept when it is on the subnet that we share | unchanged; ourselves for our own routes and with `nexthop-self` |
//! | MED | of our own routes (RFC 4271 §5.1.4), or set by policy | unchanged |
//! | LOCAL_PREF | removed (§5.1.5) | always there |
//! | ORIGINATOR_ID, CLUSTER_LIST | removed | of reflected routes (RFC 4456 §8) |
//! | AIGP, non-transitive extended communities | removed | unchanged |
//!
//! A path is judged in two steps. The first says whether it goes out: the rules of the protocol on the path as it
//! came, then the policy. The second writes what goes out: what the policy made of it, then what the protocol
//! adds. The result depends on nothing else, so that what was told once can be told again, and compared.

mod as_path;
mod key;
mod next_hop;
mod verdict;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

pub(super) use self::key::Heard;
pub use self::key::{
    AddPathSend, DefaultOriginate, FamilyKey, GroupKey, GroupKind, NextHopSelf, OwnNextHopV6,
    PolicyPeer, Reflector, RemovePrivateAs, Unchanged, WithoutCommunities,
};
use self::next_hop::Learnt;
pub use self::verdict::{ExportVerdict, Withheld};
use super::attributes::StoredAttributes;
use super::key::DecisionKey;
use crate::bgp::attributes::{AttributesEditor, AttributesView, Community};
use crate::bgp::types::{Family, Nlri, PathAttributes, PathId, RouterId};
use crate::bgp::wire::attribute::AttributeCode;
use crate::bgp::wire::update::encode_announce;
use crate::policy::{Chain, Direction, Edits, NextHopEdit, Outcome, Scratch, Source, Subject};

/// Weight of our own routes.
const LOCAL_WEIGHT: u32 = 32768;

/// A path on its way out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) prefix: IpNet,
    pub(super) attributes: StoredAttributes<'a>,
    pub(super) key: &'a DecisionKey,
    pub(super) heard: Heard,
    pub(super) way: Way,
    /// Router id of the neighbour that sent it.
    pub(super) sender: RouterId,
    /// The next hop is an address of the neighbour that is told.
    pub(super) leads_to_receiver: bool,
}

/// What takes a path out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Way {
    Policy,
    /// An aggregate suppresses it: out by the unsuppress-map or not at all.
    Suppressed,
    /// `default-originate`, which asks no policy.
    Originated,
}

impl Outgoing<'_> {
    fn family(&self) -> Family {
        Family::of(self.prefix)
    }
}

impl GroupKey {
    /// Whether the outcome for a path depends on the prefix.
    pub(super) fn depends_on_prefix(&self, family: Family, way: Way) -> bool {
        let settings = self.family(family);
        let depends = |chain: &Option<Chain>| chain.as_ref().is_some_and(Chain::depends_on_prefix);
        match way {
            Way::Policy => depends(&settings.export),
            Way::Suppressed => depends(&settings.export) || depends(&settings.unsuppress),
            Way::Originated => false,
        }
    }

    /// What the group is told about a path.
    pub(super) fn judge(
        &self,
        path: &Outgoing<'_>,
        scratch: &mut Scratch,
    ) -> Result<PathAttributes, Withheld> {
        let edits = self.permit(path, scratch)?;
        self.write(path, &edits)
    }

    /// Whether the path may be told, and what the policy makes of it.
    pub(super) fn permit(
        &self,
        path: &Outgoing<'_>,
        scratch: &mut Scratch,
    ) -> Result<Edits, Withheld> {
        let family = path.family();
        let settings = self.family(family);
        if !self.families.contains(family) {
            return Err(Withheld::FamilyNotNegotiated);
        }
        if path.way == Way::Originated {
            return Ok(Edits::default());
        }
        if settings.denied {
            return Err(Withheld::NoPolicy);
        }
        self.follow_rules(path)?;
        let unsuppress = match path.way {
            Way::Suppressed => Some(settings.unsuppress.as_ref().ok_or(Withheld::Suppressed)?),
            Way::Policy | Way::Originated => None,
        };
        let mut edits = Edits::default();
        if settings.export.is_none() && unsuppress.is_none() {
            return Ok(edits);
        }
        let foreign = as_path::foreign_ases(self, settings, path.attributes.raw);
        let raw = foreign.as_deref().unwrap_or(path.attributes.raw);
        let attributes = StoredAttributes {
            raw,
            ..path.attributes
        };
        let seen = Outgoing {
            attributes,
            ..*path
        };
        for chain in settings.export.iter().chain(unsuppress) {
            edits = self.apply(chain, &seen, edits, scratch)?;
        }
        if self.is_reflected(path.heard) && !self.reflector.allow_outbound_policy {
            edits.next_hop = NextHopEdit::Kept;
            edits.raw = edits.raw.map(|edited| restore(&edited, raw));
        }
        Ok(edits)
    }

    /// What `chain` alone makes of a path, if it permits it.
    pub(super) fn permits_by(
        &self,
        chain: &Chain,
        path: &Outgoing<'_>,
        scratch: &mut Scratch,
    ) -> Option<Edits> {
        self.apply(chain, path, Edits::default(), scratch).ok()
    }

    /// What no policy can allow: communities (RFC 1997), iBGP to iBGP (RFC 4271 §9.2, RFC 4456 §6).
    fn follow_rules(&self, path: &Outgoing<'_>) -> Result<(), Withheld> {
        if path.key.no_advertise() {
            return Err(Withheld::NoAdvertise);
        }
        if self.kind == GroupKind::Ebgp {
            return if path.key.no_export() {
                Err(Withheld::NoExport)
            } else {
                Ok(())
            };
        }
        let to_client = self.family(path.family()).reflector_client;
        match path.heard {
            Heard::Local | Heard::Ebgp => Ok(()),
            Heard::Ibgp if to_client => Ok(()),
            Heard::Ibgp => Err(Withheld::Internal),
            Heard::IbgpClient if to_client && !self.reflector.between_clients => {
                Err(Withheld::BetweenClients)
            }
            Heard::IbgpClient => Ok(()),
        }
    }

    fn is_reflected(&self, heard: Heard) -> bool {
        self.kind == GroupKind::Ibgp && heard.is_internal()
    }

    /// The path, or what an earlier chain made of it, goes through `chain`.
    fn apply(
        &self,
        chain: &Chain,
        path: &Outgoing<'_>,
        mut edits: Edits,
        scratch: &mut Scratch,
    ) -> Result<Edits, Withheld> {
        let peer = self.policy_peer;
        let subject = Subject {
            prefix: path.prefix,
            next_hop: match edits.next_hop {
                NextHopEdit::Set(next_hop) => next_hop,
                NextHopEdit::Kept | NextHopEdit::Unchanged => path.attributes.next_hop,
            },
            raw: edits.raw.as_deref().unwrap_or(path.attributes.raw),
            weight: match path.heard {
                Heard::Local => LOCAL_WEIGHT,
                Heard::Ebgp | Heard::Ibgp | Heard::IbgpClient => 0,
            },
            direction: Direction::Export,
            peer: peer.map(|peer| peer.address),
            peer_as: peer.map(|peer| peer.asn),
            local_address: peer.map(|peer| peer.local),
            interface: None,
            source: Source::Bgp,
            tag: 0,
            default_local_pref: self.default_local_pref,
        };
        match chain.evaluate(&subject, scratch) {
            Outcome::Deny(denial) => Err(Withheld::Policy(denial)),
            Outcome::Permit(more) => {
                if more.next_hop.is_explicit() {
                    edits.next_hop = more.next_hop;
                }
                edits.med_set |= more.med_set;
                if more.raw.is_some() {
                    edits.raw = more.raw;
                }
                Ok(edits)
            }
        }
    }

    /// The attributes that go out: what the policy made of the path, and what the protocol does.
    pub(super) fn write(
        &self,
        path: &Outgoing<'_>,
        edits: &Edits,
    ) -> Result<PathAttributes, Withheld> {
        let family = path.family();
        let settings = self.family(family);
        let learnt = Learnt {
            next_hop: path.attributes.next_hop,
            heard: path.heard,
            is_receiver: path.leads_to_receiver,
        };
        let next_hop = self
            .next_hop(family, learnt, edits.next_hop)
            .ok_or(Withheld::NoNextHop)?;
        let raw = match &edits.raw {
            Some(edited) => Cow::Borrowed(&**edited),
            None => match as_path::foreign_ases(self, settings, path.attributes.raw) {
                Some(edited) => Cow::Owned(edited.into_vec()),
                None => Cow::Borrowed(path.attributes.raw),
            },
        };
        let view = AttributesView::new(&raw);
        let mut editor = AttributesEditor::new(&raw);
        match self.kind {
            GroupKind::Ebgp => {
                as_path::leave_our_as(self, settings, view.as_path(), &mut editor);
                let med = edits.med_set
                    || path.heard == Heard::Local
                    || settings.unchanged.med
                    || settings.route_server_client;
                self.leave_our_attributes(view, med, &mut editor);
            }
            GroupKind::Ibgp => self.stay_inside(path, view, &mut editor),
        }
        editor.retain(|code, _| match code {
            AttributeCode::COMMUNITIES => !settings.without.standard,
            AttributeCode::EXTENDED_COMMUNITIES => !settings.without.extended,
            AttributeCode::LARGE_COMMUNITIES => !settings.without.large,
            _ => true,
        });
        let told = PathAttributes {
            next_hop,
            raw: editor.finish(),
        };
        if self.has_room(family, &told) {
            Ok(told)
        } else {
            Err(Withheld::TooLong)
        }
    }

    fn leave_our_attributes(
        &self,
        view: AttributesView<'_>,
        med: bool,
        editor: &mut AttributesEditor<'_>,
    ) {
        editor.retain(|code, _| match code {
            AttributeCode::MED => med,
            AttributeCode::LOCAL_PREF
            | AttributeCode::ORIGINATOR_ID
            | AttributeCode::CLUSTER_LIST
            | AttributeCode::AIGP => false,
            _ => true,
        });
        // RFC 4360 §6.
        if !view.extended_communities().all(|each| each.is_transitive()) {
            let communities = view.extended_communities();
            editor.set_extended_communities(communities.filter(|each| each.is_transitive()));
        }
        if self.graceful_shutdown {
            let shutdown = std::iter::once(Community::GRACEFUL_SHUTDOWN);
            editor.set_communities(view.communities().chain(shutdown));
        }
    }

    fn stay_inside(
        &self,
        path: &Outgoing<'_>,
        view: AttributesView<'_>,
        editor: &mut AttributesEditor<'_>,
    ) {
        if self.graceful_shutdown {
            editor.set_local_pref(0);
        } else if view.local_pref().is_none() {
            editor.set_local_pref(self.default_local_pref);
        }
        if self.is_reflected(path.heard) {
            if view.originator_id().is_none() {
                editor.set_originator_id(path.sender);
            }
            editor.prepend_cluster(self.reflector.cluster_id);
        }
    }

    /// A path that fits no message of this group is not announced to it (RFC 8654 §4).
    fn has_room(&self, family: Family, told: &PathAttributes) -> bool {
        // AS numbers may be written twice for a peer of two octets; the rest is next hop and headers.
        if told.raw.len() * 2 + 256 <= self.encoding.max_message {
            return true;
        }
        let longest = longest_nlri(family);
        encode_announce(&mut Vec::new(), family, told, &[longest], &self.encoding).is_ok()
    }
}

/// `edited` with AS_PATH, MED and LOCAL_PREF as they are in `original` (RFC 4456 §10).
fn restore(edited: &[u8], original: &[u8]) -> Box<[u8]> {
    let fixed = |code| {
        matches!(
            code,
            AttributeCode::AS_PATH | AttributeCode::MED | AttributeCode::LOCAL_PREF
        )
    };
    let mut editor = AttributesEditor::new(edited);
    editor.retain(|code, _| !fixed(code));
    for (code, flags, value) in AttributesView::new(original).iter() {
        if fixed(code) {
            editor.set(code, flags, value);
        }
    }
    editor.finish()
}

fn longest_nlri(family: Family) -> Nlri {
    let address = match family {
        Family::Ipv4Unicast => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::Ipv6Unicast => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    Nlri {
        prefix: IpNet::from(address),
        path_id: PathId::default(),
    }
}

#[cfg(test)]
mod tests;
