mod add_path;
mod defaults;
mod explain;
mod limit;
mod moves;
mod property;
mod receiver;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use self::receiver::{Mark, Receiver};
use super::*;
use crate::bgp::types::PathAttributes;
use crate::bgp::wire::update::Encoding;
use crate::rib::testing::{LOCAL_AS, World, nlri, own, path, with_med};
use crate::rib::{DecisionConfig, ExportVerdict, GroupKind, OwnNextHopV6, Withheld};

const V4: Family = Family::Ipv4Unicast;
const V6: Family = Family::Ipv6Unicast;

fn key(kind: GroupKind) -> GroupKey {
    let encoding = Encoding {
        four_octet_as: true,
        max_message: 4096,
        add_path_v4: false,
        add_path_v6: false,
    };
    GroupKey {
        families: Family::ALL.into_iter().collect(),
        next_hop_v4: Some(Ipv4Addr::new(198, 51, 100, 1)),
        next_hop_v6: Some(OwnNextHopV6 {
            global: "2001:db8::1".parse().unwrap(),
            link_local: None,
        }),
        ..GroupKey::new(kind, LOCAL_AS, encoding)
    }
}

fn ebgp() -> GroupKey {
    key(GroupKind::Ebgp)
}

/// The RIB, the groups and the peers behind the sockets.
struct Net {
    world: World,
    groups: UpdateGroups,
    receivers: BTreeMap<u16, Receiver>,
    keys: BTreeMap<u16, GroupKey>,
    /// Every batch of messages that was made.
    sent: Vec<Transmit>,
}

impl Net {
    fn new() -> Self {
        Self {
            world: World::new(DecisionConfig::new(LOCAL_AS)),
            groups: UpdateGroups::new(),
            receivers: BTreeMap::new(),
            keys: BTreeMap::new(),
            sent: Vec::new(),
        }
    }

    fn join(&mut self, peer: u16, key: GroupKey) {
        let add_path = key.encoding.add_path_v4;
        self.keys.insert(peer, key.clone());
        self.groups.join(&self.world.rib, PeerId(peer), key);
        self.receivers.insert(peer, Receiver::new(add_path));
    }

    fn rejoin(&mut self, peer: u16, key: GroupKey) {
        if self.receivers.contains_key(&peer) {
            self.keys.insert(peer, key.clone());
            self.groups.rejoin(PeerId(peer), key);
        }
    }

    fn leave(&mut self, peer: u16) {
        self.groups.leave(PeerId(peer));
        self.receivers.remove(&peer);
    }

    fn settle(&mut self) {
        for change in self.world.settle() {
            if change.best_changed || change.candidates {
                self.groups.note_change(change.prefix);
            }
        }
    }

    fn poll(&mut self, budget: usize) {
        let out = self
            .groups
            .poll(&mut self.world.rib, &mut self.world.index, budget);
        for transmit in &out {
            for peer in &transmit.peers {
                let receiver = self.receivers.get_mut(&peer.0).unwrap();
                let before = receiver.messages;
                receiver.read(&transmit.bytes);
                assert_eq!(receiver.messages - before, transmit.messages);
            }
        }
        self.sent.extend(out);
        self.collect();
    }

    /// The router's part: a prefix that nobody uses loses its number.
    fn collect(&mut self) {
        let mut free = self.world.rib.drain_unused();
        free.extend(self.groups.drain_unused());
        for id in free {
            if !self.world.rib.uses(id) && !self.groups.uses(id) {
                self.world.index.remove(id);
            }
        }
    }

    fn run(&mut self) {
        self.settle();
        let mut polls = 0;
        while self.groups.has_work() {
            self.poll(3);
            polls += 1;
            assert!(polls < 10_000, "never done");
        }
    }

    fn announce(&mut self, peer: u16, prefix: &str, attributes: &PathAttributes) {
        self.world.announce(peer, prefix, attributes);
    }

    fn knows(&self, peer: u16) -> Vec<String> {
        let known = self.receivers[&peer].table.keys();
        known.map(|nlri| nlri.prefix.to_string()).collect()
    }

    fn marks(&self, peer: u16) -> &[Mark] {
        &self.receivers[&peer].marks
    }
}

#[test]
fn members_share_the_bytes_and_the_sender_hears_nothing() {
    let mut net = Net::new();
    for peer in [1, 2, 3] {
        net.join(peer, ebgp());
    }
    net.run();
    net.sent.clear();
    net.announce(1, "10.0.0.0/8", &path(&[65001], 1));
    net.run();
    assert_eq!(net.sent.len(), 1);
    assert_eq!(net.sent[0].peers[..], [PeerId(2), PeerId(3)]);
    assert_eq!((net.knows(1).len(), net.knows(2).len()), (0, 1));
    let advertised = [1, 2].map(|peer| net.groups.advertised(PeerId(peer), V4));
    assert_eq!(advertised, [0, 1]);
}

#[test]
fn the_new_sender_is_told_to_forget_and_the_old_one_is_told() {
    let mut net = Net::new();
    for peer in [1, 2, 3] {
        net.join(peer, ebgp());
    }
    net.announce(2, "10.0.0.0/8", &path(&[65002, 7], 2));
    net.run();
    assert_eq!((net.knows(1).len(), net.knows(2).len()), (1, 0));
    net.announce(1, "10.0.0.0/8", &path(&[65001], 1));
    net.run();
    assert_eq!((net.knows(1).len(), net.knows(2).len()), (0, 1));
    let told = &net.receivers[&3].table[&nlri("10.0.0.0/8")];
    assert_eq!(told.view().as_path().to_string(), "65000 65001");
    assert_eq!(net.receivers[&3].needless, 0);
}

#[test]
fn end_of_rib_comes_once_for_each_family_after_the_table() {
    let mut net = Net::new();
    for third in 0..20 {
        net.announce(1, &format!("10.0.{third}.0/24"), &path(&[65001], 1));
    }
    net.settle();
    net.join(2, ebgp());
    net.run();
    // The other family is empty, and its table complete at once.
    let ends = [Mark::EndOfRib(V6), Mark::EndOfRib(V4)];
    assert_eq!(net.sent.last().unwrap().end_of_rib, Some(V4));
    assert_eq!(net.marks(2), ends);
    net.join(3, ebgp());
    net.run();
    assert_eq!(net.knows(3).len(), 20);
    assert_eq!(net.sent.last().unwrap().end_of_rib, Some(V4));
    assert_eq!(net.marks(3), ends);
    assert_eq!(net.marks(2).len(), 2);
}

#[test]
fn without_a_policy_a_peer_gets_end_of_rib_alone() {
    let mut net = Net::new();
    net.announce(1, "10.0.0.0/8", &path(&[65001], 1));
    let mut denied = ebgp();
    denied.ipv4_unicast.denied = true;
    net.join(2, denied);
    net.run();
    assert_eq!(net.knows(2).len(), 0);
    assert_eq!(net.marks(2).len(), 2);
}

#[test]
fn prefixes_of_equal_exported_attributes_share_a_message() {
    let mut net = Net::new();
    net.join(2, ebgp());
    net.run();
    let before = net.receivers[&2].messages;
    for third in 0..100 {
        // Towards eBGP the MED is removed, and with it the difference.
        let attributes = with_med(&path(&[65001], 1), third % 7);
        net.announce(1, &format!("10.0.{third}.0/24"), &attributes);
    }
    net.settle();
    net.poll(1000);
    assert_eq!(net.receivers[&2].messages - before, 1);
    assert_eq!(net.knows(2).len(), 100);
}

#[test]
fn what_looks_the_same_to_the_peer_is_not_sent() {
    let mut net = Net::new();
    net.join(2, ebgp());
    net.announce(1, "10.0.0.0/8", &with_med(&path(&[65001], 1), 1));
    net.run();
    net.sent.clear();
    net.announce(1, "10.0.0.0/8", &with_med(&path(&[65001], 1), 2));
    net.run();
    assert_eq!(net.sent, []);
}

#[test]
fn withdrawals_come_first() {
    let mut net = Net::new();
    net.join(2, ebgp());
    net.announce(1, "10.0.0.0/8", &path(&[65001], 1));
    net.run();
    net.sent.clear();
    net.announce(1, "192.0.2.0/24", &path(&[65001], 1));
    net.world.withdraw(1, "10.0.0.0/8");
    net.settle();
    net.poll(100);
    let bytes = &net.sent[0].bytes;
    assert_eq!(bytes[19..25], [0, 2, 8, 10, 0, 0], "one /8 is withdrawn");
}

#[test]
fn a_congested_member_holds_nobody_up_and_hears_the_sum_of_changes() {
    let mut net = Net::new();
    net.join(2, ebgp());
    net.join(3, ebgp());
    for prefix in ["10.0.0.0/8", "10.1.0.0/16"] {
        net.announce(1, prefix, &path(&[65001], 1));
    }
    net.run();
    let heard = net.receivers[&2].messages;
    net.groups.set_congested(PeerId(2), Congestion::Full);
    net.world.withdraw(1, "10.0.0.0/8");
    net.announce(1, "10.1.0.0/16", &path(&[65001, 9], 1));
    net.announce(1, "10.2.0.0/16", &path(&[65001], 1));
    net.run();
    net.announce(1, "10.0.0.0/8", &path(&[65001], 1));
    net.run();
    assert_eq!(net.knows(3), ["10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16"]);
    assert_eq!(net.receivers[&2].messages, heard);
    assert!(!net.groups.has_work() && !net.groups.is_in_step(PeerId(2)));
    net.groups.set_congested(PeerId(2), Congestion::Clear);
    net.run();
    assert_eq!(net.knows(2), net.knows(3));
    assert_eq!(net.receivers[&2].table, net.receivers[&3].table);
    assert_eq!(net.receivers[&2].needless, 0, "10/8 came back as it was");
    assert!(net.groups.is_in_step(PeerId(2)));
}

#[test]
fn a_refresh_sends_one_family_again_to_one_member() {
    let mut net = Net::new();
    net.join(2, ebgp());
    net.join(3, ebgp());
    for third in 0..9 {
        net.announce(1, &format!("10.0.{third}.0/24"), &path(&[65001], 1));
    }
    net.run();
    net.sent.clear();
    net.groups.refresh(PeerId(2), V4, RefreshStyle::Enhanced);
    net.run();
    assert_eq!(net.receivers[&2].needless, 9);
    assert!(net.sent.iter().all(|sent| sent.peers[..] == [PeerId(2)]));
    assert_eq!(
        net.marks(2)[2..],
        [Mark::BeginOfRefresh(V4), Mark::EndOfRefresh(V4)]
    );
    net.groups.refresh(PeerId(2), V6, RefreshStyle::Plain);
    net.run();
    assert_eq!(net.marks(2).len(), 4);
}

#[test]
fn nothing_is_told_before_the_data_plane_has_it() {
    let mut net = Net::new();
    net.join(2, ebgp());
    net.announce(1, "10.0.0.0/8", &path(&[65001], 1));
    let [change] = net.world.settle()[..] else {
        panic!("one change")
    };
    net.groups.note_pending(change.prefix);
    net.run();
    assert_eq!(net.knows(2).len(), 0);
    net.groups.note_change(change.prefix);
    net.run();
    assert_eq!(net.knows(2).len(), 1);
    net.groups.note_refused(change.prefix);
    net.run();
    assert_eq!(net.knows(2).len(), 0);
}

#[test]
fn groups_differ_in_what_they_are_told() {
    let mut net = Net::new();
    net.join(2, ebgp());
    net.join(10, key(GroupKind::Ibgp));
    net.announce(1, "10.0.0.0/8", &path(&[65001], 1));
    net.announce(11, "10.1.0.0/16", &path(&[65001], 1));
    net.announce(0, "203.0.113.0/24", &own());
    net.run();
    assert_eq!(
        net.knows(2),
        ["10.0.0.0/8", "10.1.0.0/16", "203.0.113.0/24"]
    );
    assert_eq!(net.knows(10), ["10.0.0.0/8", "203.0.113.0/24"]);
    assert_ne!(
        net.groups.group_of(PeerId(2)),
        net.groups.group_of(PeerId(10))
    );
    let id = net.world.id("10.0.0.0/8");
    let told = net
        .groups
        .told(&net.world.rib, &net.world.index, PeerId(10), id);
    let heard = &net.receivers[&10].table[&nlri("10.0.0.0/8")];
    assert_eq!(told, [(PathId(0), heard.clone())]);
}

#[test]
fn the_last_member_leaves_nothing_behind() {
    let mut net = Net::new();
    net.join(2, ebgp());
    for third in 0..50 {
        net.announce(1, &format!("10.0.{third}.0/24"), &path(&[65001, third], 1));
    }
    net.run();
    net.groups.set_congested(PeerId(2), Congestion::Full);
    net.world.rib.remove_peer(PeerId(1), V4);
    net.run();
    assert!(
        net.world.rib.attribute_sets() > 0,
        "what was told is remembered"
    );
    net.leave(2);
    net.run();
    assert_eq!(net.world.rib.attribute_sets(), 0);
    assert_eq!(net.world.index.len(), 0);
    assert_eq!(net.groups.memory_bytes(), 0);
}
