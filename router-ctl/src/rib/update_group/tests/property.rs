//! Whatever happens in whatever order: once everything is settled, each member knows exactly what the Loc-RIB
//! exports to it by the key that it has now, and has never been told its own path.

use proptest::prelude::*;

use super::*;
use crate::bgp::types::{FamilySet, Nlri, RouterId};
use crate::policy::Scratch;
use crate::policy::model::NumberChange;
use crate::rib::export::{Outgoing, Way};
use crate::rib::key::DecisionKey;
use crate::rib::testing::policy::{only_inside, prepend};
use crate::rib::testing::{peer as info, with, with_community};
use crate::rib::update_group::change::heard_from;
use crate::rib::{
    AddPathSend, DefaultOriginate, NextHopSelf, PathRank, PeerKind, StoredAttributes,
};

/// What fulfils conditions.
const INSIDE: &str = "192.0.0.0/8";

const PREFIXES: [&str; 8] = [
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/16",
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001:db8::/32",
    "2001:db8:1::/48",
];

/// eBGP peers 1 to 4, of which 3 takes IPv4 alone; iBGP peers 10 to 12. Peers 4 and 12 are sent path identifiers,
/// peer 2 sends some.
const PEERS: [u16; 7] = [1, 2, 3, 4, 10, 11, 12];

const VARIANTS: u8 = 13;

#[derive(Clone, Debug)]
enum Op {
    Announce {
        peer: u16,
        prefix: usize,
        variant: u32,
    },
    Withdraw {
        peer: u16,
        prefix: usize,
    },
    Join(u16),
    Leave(u16),
    SessionLost(u16),
    Congested(u16, bool),
    Refresh(u16, bool, bool),
    Gate(usize, u8),
    Rejoin(u16, u8),
    Suppress(usize, bool),
    Client(u16, bool),
    /// The session ends, and the peer comes back as another router.
    Rename(u16, u8),
    Settle,
    Poll(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let peer = || prop::sample::select(&PEERS[..]);
    let prefix = || 0..PREFIXES.len();
    let source = || prop_oneof![4 => peer(), 1 => Just(0u16)];
    prop_oneof![
        8 => (source(), prefix(), 0u32..10)
            .prop_map(|(peer, prefix, variant)| Op::Announce { peer, prefix, variant }),
        4 => (source(), prefix()).prop_map(|(peer, prefix)| Op::Withdraw { peer, prefix }),
        3 => peer().prop_map(Op::Join),
        1 => peer().prop_map(Op::Leave),
        1 => peer().prop_map(Op::SessionLost),
        2 => (peer(), any::<bool>()).prop_map(|(peer, full)| Op::Congested(peer, full)),
        2 => (peer(), any::<bool>(), any::<bool>()).prop_map(|(peer, v6, enhanced)| Op::Refresh(peer, v6, enhanced)),
        1 => (prefix(), 0u8..2).prop_map(|(prefix, gate)| Op::Gate(prefix, gate)),
        5 => (peer(), 0..VARIANTS).prop_map(|(peer, variant)| Op::Rejoin(peer, variant)),
        1 => (prefix(), any::<bool>()).prop_map(|(prefix, on)| Op::Suppress(prefix, on)),
        1 => (10u16..12, any::<bool>()).prop_map(|(peer, on)| Op::Client(peer, on)),
        1 => (10u16..12, 0u8..3).prop_map(|(peer, id)| Op::Rename(peer, id)),
        5 => Just(Op::Settle),
        6 => (1usize..5).prop_map(Op::Poll),
    ]
}

/// Some sets differ only in what some groups do not see, some are not for everybody.
fn attributes(peer: u16, variant: u32) -> PathAttributes {
    let base = match peer {
        0 => own(),
        _ => path(&[65000 + u32::from(peer % 10), 7], 1),
    };
    match variant {
        0..4 => with_med(&base, variant),
        4..6 => with_med(&path(&[65001, 7, variant], 1), 4),
        6 => with_community(&base, 0xffff_ff01),
        7 => with_community(&base, 0xffff_ff02),
        // Originated by iBGP peer 10 or 11, when it comes by iBGP.
        8 if peer >= 10 => with(&base, |editor| {
            editor.set_originator_id(RouterId(Ipv4Addr::new(
                10,
                0,
                0,
                21 - u8::try_from(peer).unwrap(),
            )));
        }),
        _ => with_community(&base, variant),
    }
}

/// The key of a peer; all variants hold for the same session.
fn key_of(peer: u16, variant: u8) -> GroupKey {
    let mut key = key(if peer < 10 {
        GroupKind::Ebgp
    } else {
        GroupKind::Ibgp
    });
    if peer == 3 {
        key.families = [V4].into_iter().collect();
    }
    if peer == 4 || peer == 12 {
        key.encoding.add_path_v4 = true;
        key.encoding.add_path_v6 = true;
        let sends = [
            AddPathSend::All,
            AddPathSend::BestPerAs,
            AddPathSend::Best(2),
        ];
        key.ipv4_unicast.add_path = Some(sends[usize::from(variant) % 3]);
    }
    match variant {
        1 => key.ipv4_unicast.denied = true,
        2 => {
            key.behind_local_as = Some(crate::bgp::types::Asn(65099));
            key.ipv4_unicast.nexthop_self = NextHopSelf::Forced;
        }
        3 => key.ipv4_unicast.without.standard = true,
        4 => key.ipv4_unicast.default_originate = Some(DefaultOriginate::default()),
        5 => key.graceful_shutdown = true,
        6 => {
            key.shared_subnets.push("192.0.2.0/24".parse().unwrap());
            key.ipv6_unicast.denied = true;
        }
        7 => key.ipv4_unicast.reflector_client = true,
        8 => key.solo = Some(PeerId(peer)),
        9 => key.ipv4_unicast.export = Some(only_inside(Some("10.0.0.0/8"), |_| {})),
        10 => {
            key.ipv4_unicast.export = Some(prepend(64777));
            key.ipv4_unicast.unsuppress = Some(only_inside(Some(INSIDE), |_| {}));
        }
        11 => {
            let condition = only_inside(Some(INSIDE), |rule| {
                rule.set.metric = Some(NumberChange::To(50));
            });
            key.ipv4_unicast.default_originate = Some(DefaultOriginate {
                condition: Some(condition),
            });
        }
        12 => {
            key.ipv4_unicast.export = Some(only_inside(Some("10.0.0.0/8"), |rule| {
                rule.set.metric = Some(NumberChange::To(50));
            }))
        }
        _ => {}
    }
    key
}

/// What peer 2 announces has path identifiers, far apart.
fn nlri_of(peer: u16, prefix: usize, variant: u32) -> Nlri {
    Nlri {
        path_id: match peer {
            2 => PathId(variant % 2 * 0x1_0000),
            _ => PathId(0),
        },
        ..nlri(PREFIXES[prefix])
    }
}

fn apply(net: &mut Net, op: &Op) {
    match *op {
        Op::Announce {
            peer,
            prefix,
            variant,
        } => {
            let nlri = nlri_of(peer, prefix, variant);
            net.world
                .announce_nlri(peer, nlri, &attributes(peer, variant), None);
        }
        Op::Withdraw { peer, prefix } => {
            for variant in 0..2 {
                net.world
                    .withdraw_nlri(peer, nlri_of(peer, prefix, variant));
            }
        }
        Op::Join(peer) => net.join(peer, key_of(peer, 0)),
        Op::Leave(peer) => net.leave(peer),
        Op::SessionLost(peer) => {
            net.leave(peer);
            for family in Family::ALL {
                net.world.rib.remove_peer(PeerId(peer), family);
            }
        }
        Op::Congested(peer, full) => {
            let congestion = if full {
                Congestion::Full
            } else {
                Congestion::Clear
            };
            net.groups.set_congested(PeerId(peer), congestion);
        }
        Op::Refresh(peer, v6, enhanced) => {
            let style = if enhanced {
                RefreshStyle::Enhanced
            } else {
                RefreshStyle::Plain
            };
            net.groups
                .refresh(PeerId(peer), if v6 { V6 } else { V4 }, style);
        }
        Op::Gate(prefix, gate) => {
            if let Some(id) = net.world.index.get(PREFIXES[prefix].parse().unwrap()) {
                match gate {
                    0 => net.groups.note_pending(id),
                    _ => net.groups.note_refused(id),
                }
            }
        }
        Op::Rejoin(peer, variant) => net.rejoin(peer, key_of(peer, variant)),
        Op::Suppress(prefix, on) => {
            if let Some(id) = net.world.index.get(PREFIXES[prefix].parse().unwrap()) {
                net.groups.set_suppressed(id, on);
            }
        }
        Op::Client(peer, on) => {
            let mut info = *net.world.rib.peer(PeerId(peer)).unwrap();
            info.clients = if on {
                [V4].into_iter().collect()
            } else {
                FamilySet::NONE
            };
            net.world.rib.set_peer(PeerId(peer), info);
        }
        Op::Rename(peer, id) => {
            apply(net, &Op::SessionLost(peer));
            let mut info = info(u8::try_from(peer).unwrap(), PeerKind::Ibgp);
            info.router_id = RouterId(Ipv4Addr::new(10, 0, id, u8::try_from(peer).unwrap()));
            net.world.rib.set_peer(PeerId(peer), info);
        }
        Op::Settle => net.settle(),
        Op::Poll(budget) => net.poll(budget),
    }
}

/// What the Loc-RIB exports to `peer`, computed prefix by prefix without groups: prefixes and attributes, in
/// words.
fn exported(net: &Net, peer: u16) -> Vec<String> {
    let key = &net.keys[&peer];
    let rib = &net.world.rib;
    let mut told = Vec::new();
    let mut default = key.ipv4_unicast.default_originate.is_some().then(own);
    if key
        .ipv4_unicast
        .default_originate
        .as_ref()
        .is_some_and(|originate| originate.condition.is_some())
    {
        let inside = net.world.best("192.0.2.0/24").is_some();
        default = inside.then(|| with_med(&own(), 50));
    }
    if let Some(route) = &default {
        let told_as = |path: &mut Outgoing<'_>| path.way = Way::Originated;
        let default = judge(
            net,
            peer,
            (PREFIXES[0], PeerId::LOCAL),
            route.into(),
            told_as,
        );
        told.extend(default);
    }
    for prefix in PREFIXES {
        let Some(id) = net.world.index.get(prefix.parse().unwrap()) else {
            continue;
        };
        if prefix == PREFIXES[0] && default.is_some() {
            continue;
        }
        let family = if id.is_ipv6() { V6 } else { V4 };
        let neighbour_as = |path: &PathRank| rib.attributes.key(path.attributes).neighbour_as();
        let ranked = rib.ranked(id);
        let mut paths = ranked.to_vec();
        match key.add_path(family) {
            Some(AddPathSend::All) => {}
            Some(AddPathSend::Best(most)) => paths.truncate(usize::from(most)),
            Some(AddPathSend::BestPerAs) => paths.retain(|path| {
                let best = ranked
                    .iter()
                    .find(|each| neighbour_as(each) == neighbour_as(path));
                best == Some(path)
            }),
            None => {
                paths.truncate(1);
                let best = rib.selection(id).map(|selection| selection.best.peer);
                assert_eq!(paths.first().map(|path| path.peer), best);
            }
        }
        for path in paths {
            let way = if net.groups.shared.suppressed.contains(id) {
                Way::Suppressed
            } else {
                Way::Policy
            };
            let attributes = rib.attributes(path.attributes);
            let told_as = |path: &mut Outgoing<'_>| path.way = way;
            told.extend(judge(net, peer, (prefix, path.peer), attributes, told_as));
        }
    }
    told.sort();
    told
}

fn judge(
    net: &Net,
    peer: u16,
    (prefix, source): (&str, PeerId),
    attributes: StoredAttributes<'_>,
    change: impl FnOnce(&mut Outgoing<'_>),
) -> Option<String> {
    let key = &net.keys[&peer];
    let rib = &net.world.rib;
    let receiver = rib.peer(PeerId(peer)).unwrap();
    let nlri = nlri(prefix);
    let mut path = Outgoing {
        prefix: nlri.prefix,
        attributes,
        key: &DecisionKey::of(attributes.raw),
        heard: heard_from(rib, source, Family::of(nlri.prefix)),
        way: Way::Policy,
        sender: rib.peer(source).unwrap().router_id,
        leads_to_receiver: receiver.address == Some(attributes.next_hop.address()),
    };
    change(&mut path);
    let originator = attributes.view().originator_id();
    let hidden = source == PeerId(peer)
        || (key.kind == GroupKind::Ibgp && originator == Some(receiver.router_id));
    let told = key.judge(&path, &mut Scratch::default()).ok();
    told.filter(|_| !hidden).map(|told| in_words(nlri, &told))
}

fn in_words(nlri: Nlri, told: &PathAttributes) -> String {
    format!("{} {told:?}", nlri.prefix)
}

fn heard(receiver: &Receiver) -> Vec<String> {
    let mut told: Vec<_> = receiver
        .table
        .iter()
        .map(|(&nlri, told)| in_words(nlri, told))
        .collect();
    told.sort();
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn each_member_knows_what_the_rib_exports_to_it(ops in prop::collection::vec(op(), 1..150)) {
        let mut net = Net::new();
        for op in &ops {
            apply(&mut net, op);
        }
        let mut changed = Vec::new();
        for prefix in PREFIXES {
            changed.extend(net.world.index.get(prefix.parse().unwrap()));
        }
        net.settle();
        for id in changed {
            net.groups.note_change(id);
        }
        for peer in PEERS {
            net.groups.set_congested(PeerId(peer), Congestion::Clear);
        }
        net.run();
        for (&peer, receiver) in &net.receivers {
            prop_assert_eq!(heard(receiver), exported(&net, peer), "peer {}", peer);
            prop_assert!(net.groups.is_in_step(PeerId(peer)));
            let families = net.keys[&peer].families;
            for family in families.iter() {
                let ends = receiver.marks.iter().filter(|&&mark| mark == Mark::EndOfRib(family));
                prop_assert_eq!(ends.count(), 1);
                let of_family = receiver.table.keys().filter(|nlri| Family::of(nlri.prefix) == family);
                prop_assert_eq!(of_family.count(), net.groups.advertised(PeerId(peer), family));
            }
        }
        // A peer that comes back as another router may have what it reflected sent once more.
        let repeated = ops.iter().any(|op| matches!(op, Op::Refresh(..) | Op::Rename(..)));
        if !repeated {
            prop_assert!(net.receivers.values().all(|receiver| receiver.needless == 0));
        }

        for prefix in 0..PREFIXES.len() {
            apply(&mut net, &Op::Suppress(prefix, false));
        }
        for peer in PEERS.into_iter().chain([0]) {
            apply(&mut net, &Op::SessionLost(peer));
        }
        net.run();
        net.collect();
        prop_assert_eq!(net.world.rib.attribute_sets(), 0);
        prop_assert_eq!(net.world.index.len(), 0);
    }
}
