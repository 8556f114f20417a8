//! Whatever happens in whatever order: once everything is settled, each member knows exactly what the Loc-RIB
//! exports to it, and has never been told its own path.

use proptest::prelude::*;

use super::*;
use crate::prefix::PrefixId;
use crate::rib::PeerKind;
use crate::rib::testing::with_community;

const PREFIXES: [&str; 7] = [
    "10.0.0.0/8",
    "10.1.0.0/16",
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "2001:db8::/32",
    "2001:db8:1::/48",
];

/// eBGP peers 1 to 3, of which 3 takes IPv4 alone; iBGP peers 10 and 11.
const PEERS: [u16; 5] = [1, 2, 3, 10, 11];

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
        _ => with_community(&base, variant),
    }
}

fn key_of(peer: u16) -> GroupKey {
    match peer {
        3 => GroupKey {
            families: [V4].into_iter().collect(),
            ..ebgp()
        },
        0..10 => ebgp(),
        _ => key(GroupKind::Ibgp),
    }
}

fn apply(net: &mut Net, op: &Op) {
    match *op {
        Op::Announce {
            peer,
            prefix,
            variant,
        } => {
            net.announce(peer, PREFIXES[prefix], &attributes(peer, variant));
        }
        Op::Withdraw { peer, prefix } => net.world.withdraw(peer, PREFIXES[prefix]),
        Op::Join(peer) => net.join(peer, key_of(peer)),
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
        Op::Settle => net.settle(),
        Op::Poll(budget) => net.poll(budget),
    }
}

/// What the Loc-RIB exports to `peer`, computed prefix by prefix without groups.
fn exported(net: &Net, peer: u16) -> BTreeMap<ipnet::IpNet, PathAttributes> {
    let key = key_of(peer);
    let rib = &net.world.rib;
    let ids = [false, true].into_iter().flat_map(|ipv6| {
        let family = if ipv6 { V6 } else { V4 };
        (0..rib.prefix_bound(family)).map(move |index| (family, PrefixId::from_index(index, ipv6)))
    });
    ids.filter_map(|(family, id)| {
        let selection = rib.selection(id)?;
        let best = selection.best;
        let raw = rib.attributes(best.attributes);
        let communities: Vec<_> = raw.view().communities().map(|each| each.0).collect();
        let told = best.peer != PeerId(peer)
            && key.families.contains(family)
            && !communities.contains(&0xffff_ff02)
            && match key.kind {
                GroupKind::Ebgp => !communities.contains(&0xffff_ff01),
                GroupKind::Ibgp => selection.kind != PeerKind::Ibgp,
            };
        // IPv6 prefixes with an IPv4 next hop cannot be passed on unchanged.
        let told = told
            && (family == V4 || key.kind == GroupKind::Ebgp || selection.kind == PeerKind::Local);
        let exported = || key.export(family, selection.kind, raw).unwrap();
        told.then(|| (net.world.index.prefix(id), exported()))
    })
    .collect()
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
            prop_assert_eq!(&receiver.table, &exported(&net, peer), "peer {}", peer);
            prop_assert!(net.groups.is_in_step(PeerId(peer)));
            let families = key_of(peer).families;
            for family in families.iter() {
                let ends = receiver.marks.iter().filter(|&&mark| mark == Mark::EndOfRib(family));
                prop_assert_eq!(ends.count(), 1);
                let of_family = receiver.table.keys().filter(|&&prefix| Family::of(prefix) == family);
                prop_assert_eq!(of_family.count(), net.groups.advertised(PeerId(peer), family));
            }
        }
        let refreshed = ops.iter().any(|op| matches!(op, Op::Refresh(..)));
        if !refreshed {
            prop_assert!(net.receivers.values().all(|receiver| receiver.needless == 0));
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
