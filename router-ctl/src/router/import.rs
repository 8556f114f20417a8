//! What becomes of a path that a neighbour sends: whether it may be used, and with which attributes. The path is
//! kept as it came, whatever this says, so that other rules can judge it again without the neighbour.

use std::borrow::Cow;

use ipnet::IpNet;

use crate::bgp::attributes::{AttributesEditor, Community};
use crate::bgp::types::{Asn, Family, Nlri, PathAttributes};
use crate::config::model::NeighborFamily;
use crate::policy::{
    Chain, ChainNames, DefaultPolicy, Edits, NextHopEdit, Outcome, Scratch, Source, Subject,
};
use crate::policy::{Direction, Explanation};
use crate::rib::judgement::{Changed, Judgement};
use crate::rib::route::{PeerId, PeerKind, Rejection};
use crate::router::Router;
use crate::router::peers::{Established, Peer, PeerFamily, configured_kind};

/// What one neighbour and family does with what comes in. Equal rules judge equally.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportRules {
    pub chain: Option<Chain>,
    /// No import policy where one is required (RFC 8212).
    pub denied: bool,
    pub weight: u32,
    /// Occurrences of our AS that are accepted.
    pub allowas_in: usize,
    /// `local-as`, put in front of what the neighbour sends.
    pub prepend: Option<Asn>,
    /// Another AS of ours, which is a loop too.
    pub local_as: Option<Asn>,
    /// GRACEFUL_SHUTDOWN makes a path the last choice (RFC 8326 §4.1).
    pub obey_graceful_shutdown: bool,
    /// BLACKHOLE means that packets are dropped here (RFC 7999).
    pub accept_blackhole: bool,
    pub default_local_pref: u32,
    /// What policy rejects is not kept, where the neighbour can be asked for it again.
    pub discard_rejected: bool,
}

impl ImportRules {
    /// Nothing can change a path or depend on its prefix.
    fn is_plain(&self) -> bool {
        self.chain.is_none() && self.prepend.is_none() && !self.accept_blackhole && self.weight == 0
    }
}

/// What became of the prefixes of one UPDATE.
pub(super) enum Judged {
    Alike(Judgement),
    /// Those that were judged alike together.
    Apart(Vec<(Judgement, Vec<Nlri>)>),
}

/// A path as its sender sent it.
#[derive(Clone, Copy)]
pub(super) struct Arrival<'a> {
    pub(super) peer: &'a Peer,
    pub(super) session: Option<&'a Established>,
    pub(super) rules: &'a ImportRules,
    pub(super) attributes: &'a PathAttributes,
}

impl Arrival<'_> {
    /// `discard-rejected`. Without route refresh a path could not be had again, so it is kept.
    pub(super) fn is_forgotten(&self, judgement: &Judgement) -> bool {
        let can_ask = |session: &Established| session.negotiated.route_refresh;
        self.rules.discard_rejected
            && *judgement == Judgement::Rejected(Rejection::Policy)
            && self.session.is_some_and(can_ask)
    }
}

impl Router {
    /// What the configuration makes of one family of a neighbour.
    pub(super) fn import_rules(&mut self, id: PeerId, family: Family) -> ImportRules {
        let (Some(bgp), Some(peer)) = (&self.config.protocols.bgp, self.peers.get(id)) else {
            return ImportRules::default();
        };
        let Some(settings) = peer.config.address_family.get(&family) else {
            return ImportRules::default();
        };
        let kind = configured_kind(&peer.config, bgp.system_as);
        let names = import_names(settings);
        let local_as = peer.config.local_as.filter(|_| kind == PeerKind::Ebgp);
        ImportRules {
            denied: names.is_empty() && self.policy(kind) == DefaultPolicy::Deny,
            weight: settings.weight.unwrap_or(0).into(),
            allowas_in: settings.allowas_in.unwrap_or(0).into(),
            prepend: local_as
                .filter(|local| !local.no_prepend)
                .map(|local| local.asn),
            local_as: local_as.map(|local| local.asn),
            obey_graceful_shutdown: kind == PeerKind::Ebgp
                && !bgp.parameters.ignore_graceful_shutdown,
            accept_blackhole: peer.config.accept_blackhole,
            default_local_pref: bgp.parameters.default_local_pref,
            discard_rejected: settings.discard_rejected,
            chain: self.policies.chain(family, &names),
        }
    }

    /// Judges the announced prefixes of one UPDATE.
    pub(super) fn judge(
        &self,
        arrival: Arrival<'_>,
        announced: &[Nlri],
        scratch: &mut Scratch,
    ) -> Judged {
        if let Some(rejection) = self.refusal(arrival) {
            return Judged::Alike(Judgement::Rejected(rejection));
        }
        let chain = arrival.rules.chain.as_ref();
        let (Some(first), false) = (
            announced.first(),
            chain.is_some_and(Chain::depends_on_prefix),
        ) else {
            return Judged::Apart(self.judge_apart(arrival, announced, scratch));
        };
        Judged::Alike(self.judge_one(arrival, first.prefix, scratch))
    }

    fn judge_apart(
        &self,
        arrival: Arrival<'_>,
        announced: &[Nlri],
        scratch: &mut Scratch,
    ) -> Vec<(Judgement, Vec<Nlri>)> {
        let mut judged = Vec::<(Judgement, Vec<Nlri>)>::new();
        for nlri in announced {
            let judgement = self.judge_one(arrival, nlri.prefix, scratch);
            match judged.iter_mut().find(|(known, _)| *known == judgement) {
                Some((_, prefixes)) => prefixes.push(*nlri),
                None => judged.push((judgement, vec![*nlri])),
            }
        }
        judged
    }

    /// Judges a path of one prefix, all reasons considered.
    pub(super) fn judge_prefix(
        &self,
        arrival: Arrival<'_>,
        prefix: IpNet,
        scratch: &mut Scratch,
    ) -> Judgement {
        match self.refusal(arrival) {
            Some(rejection) => Judgement::Rejected(rejection),
            None => self.judge_one(arrival, prefix, scratch),
        }
    }

    /// Why a path cannot be used whatever policy says (RFC 4271 §9.1.2, RFC 4456 §8), or may not be without one.
    fn refusal(&self, arrival: Arrival<'_>) -> Option<Rejection> {
        let view = arrival.attributes.view();
        let rules = arrival.rules;
        let is_loop = |asn| view.as_path().occurrences(asn) > rules.allowas_in;
        if is_loop(self.local_as()) || rules.local_as.is_some_and(is_loop) {
            return Some(Rejection::AsLoop);
        }
        if configured_kind(&arrival.peer.config, self.local_as()) == PeerKind::Ibgp {
            if view.originator_id() == Some(self.router_id) {
                return Some(Rejection::OriginatorLoop);
            }
            let cluster = self.cluster_id();
            if view.cluster_list().any(|each| each == cluster) {
                return Some(Rejection::ClusterLoop);
            }
        }
        if self.host.owns(arrival.attributes.next_hop.address()) {
            return Some(Rejection::OwnNextHop);
        }
        rules.denied.then_some(Rejection::Policy)
    }

    fn judge_one(&self, arrival: Arrival<'_>, prefix: IpNet, scratch: &mut Scratch) -> Judgement {
        let rules = arrival.rules;
        let steps_down = rules.obey_graceful_shutdown
            && has_community(arrival.attributes, Community::GRACEFUL_SHUTDOWN);
        if rules.is_plain() && !steps_down {
            return Judgement::AsReceived;
        }
        let entered = entered(arrival.attributes, rules, steps_down);
        let edits = match &rules.chain {
            None => Edits::default(),
            Some(chain) => {
                match chain.evaluate(&self.subject(arrival, &entered, prefix), scratch) {
                    Outcome::Permit(edits) => edits,
                    Outcome::Deny(_) => return Judgement::Rejected(Rejection::Policy),
                }
            }
        };
        settle(arrival, entered, edits)
    }

    fn subject<'a>(
        &'a self,
        arrival: Arrival<'a>,
        attributes: &'a PathAttributes,
        prefix: IpNet,
    ) -> Subject<'a> {
        let session = arrival.session;
        Subject {
            prefix,
            next_hop: attributes.next_hop,
            raw: &attributes.raw,
            weight: arrival.rules.weight,
            direction: Direction::Import,
            peer: Some(arrival.peer.address),
            peer_as: session
                .map(|session| session.negotiated.peer_as)
                .or(arrival.peer.configured_as(self.local_as())),
            local_address: session.map(|session| session.local.ip().to_canonical()),
            interface: session
                .and_then(|session| session.link)
                .and_then(|link| self.host.name(link)),
            source: Source::Bgp,
            tag: 0,
            default_local_pref: arrival.rules.default_local_pref,
        }
    }

    /// What `chain` would make of a received path, for those who ask.
    pub(super) fn explain_import(
        &self,
        chain: &Chain,
        (peer, family): (&Peer, &PeerFamily),
        (prefix, attributes): (IpNet, &PathAttributes),
    ) -> Explanation {
        let arrival = Arrival {
            peer,
            session: peer.session.as_ref(),
            rules: &family.import,
            attributes,
        };
        let entered = entered(attributes, arrival.rules, false);
        chain.explain(&self.subject(arrival, &entered, prefix))
    }
}

/// The policies that a neighbour applies to what comes in.
pub(super) fn import_names(settings: &NeighborFamily) -> ChainNames {
    ChainNames {
        distribute_list: settings.distribute_list.import.clone(),
        prefix_list: settings.prefix_list.import.clone(),
        filter_list: settings.filter_list.import.clone(),
        route_map: settings.route_map.import.clone(),
    }
}

/// The policies that it applies to what goes out.
pub(super) fn export_names(settings: &NeighborFamily) -> ChainNames {
    ChainNames {
        distribute_list: settings.distribute_list.export.clone(),
        prefix_list: settings.prefix_list.export.clone(),
        filter_list: settings.filter_list.export.clone(),
        route_map: settings.route_map.export.clone(),
    }
}

fn has_community(attributes: &PathAttributes, wanted: Community) -> bool {
    attributes.view().communities().any(|each| each == wanted)
}

/// A path as policy sees it.
fn entered<'a>(
    received: &'a PathAttributes,
    rules: &ImportRules,
    steps_down: bool,
) -> Cow<'a, PathAttributes> {
    if rules.prepend.is_none() && !steps_down {
        return Cow::Borrowed(received);
    }
    let mut editor = AttributesEditor::new(&received.raw);
    if let Some(asn) = rules.prepend {
        editor.prepend_as(asn);
    }
    if steps_down {
        editor.set_local_pref(0);
    }
    Cow::Owned(PathAttributes {
        next_hop: received.next_hop,
        raw: editor.finish(),
    })
}

/// The form in which a permitted path is used.
fn settle(arrival: Arrival<'_>, entered: Cow<'_, PathAttributes>, edits: Edits) -> Judgement {
    let rules = arrival.rules;
    let as_it_came = matches!(entered, Cow::Borrowed(_)) && edits.is_unchanged();
    if as_it_came && rules.weight == 0 && !rules.accept_blackhole {
        return Judgement::AsReceived;
    }
    let entered = entered.into_owned();
    let mut attributes = PathAttributes {
        next_hop: match edits.next_hop {
            NextHopEdit::Set(next_hop) => next_hop,
            NextHopEdit::Kept | NextHopEdit::Unchanged => entered.next_hop,
        },
        raw: edits.raw.unwrap_or(entered.raw),
    };
    let discard = rules.accept_blackhole && has_community(&attributes, Community::BLACKHOLE);
    if discard {
        let mut editor = AttributesEditor::new(&attributes.raw);
        let kept = attributes.view().communities();
        editor.set_communities(kept.chain([Community::NO_ADVERTISE]));
        attributes.raw = editor.finish();
    }
    let weight = edits.weight.unwrap_or(rules.weight);
    if weight == 0 && !discard && attributes == *arrival.attributes {
        return Judgement::AsReceived;
    }
    Judgement::Changed(Box::new(Changed {
        attributes,
        weight,
        discard,
    }))
}
