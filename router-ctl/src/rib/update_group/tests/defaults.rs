//! `default-originate`.

use super::*;
use crate::policy::Chain;
use crate::policy::model::NumberChange;
use crate::rib::DefaultOriginate;
use crate::rib::testing::policy::only_inside;

const DEFAULT: &str = "0.0.0.0/0";

fn originating(condition: Option<Chain>) -> GroupKey {
    let mut key = ebgp();
    key.ipv4_unicast.default_originate = Some(DefaultOriginate { condition });
    key
}

fn default_of(net: &Net, peer: u16) -> Option<String> {
    let told = net.receivers[&peer].table.get(&nlri(DEFAULT))?;
    Some(told.view().as_path().to_string())
}

#[test]
fn the_default_route_is_told_with_and_without_one_in_the_table() {
    let mut net = Net::new();
    net.join(2, originating(None));
    net.join(3, ebgp());
    net.run();
    assert_eq!(default_of(&net, 2).as_deref(), Some("65000"));
    assert_eq!(default_of(&net, 3), None);
    net.announce(1, DEFAULT, &path(&[65001], 1));
    net.run();
    assert_eq!(default_of(&net, 2).as_deref(), Some("65000"));
    assert_eq!(default_of(&net, 3).as_deref(), Some("65000 65001"));
    net.rejoin(2, ebgp());
    net.run();
    assert_eq!(default_of(&net, 2).as_deref(), Some("65000 65001"));
    net.rejoin(2, originating(None));
    net.world.withdraw(1, DEFAULT);
    net.run();
    assert_eq!(default_of(&net, 2).as_deref(), Some("65000"));
    assert_eq!(default_of(&net, 3), None);
    net.leave(2);
    net.leave(3);
    net.run();
    net.poll(1);
    assert_eq!(
        (net.world.index.len(), net.world.rib.attribute_sets()),
        (0, 0)
    );
}

#[test]
fn it_is_told_although_the_policy_denies_everything() {
    let mut net = Net::new();
    let mut key = originating(None);
    key.ipv4_unicast.denied = true;
    net.join(2, key);
    net.announce(1, "10.0.0.0/8", &path(&[65001], 1));
    net.run();
    assert_eq!(net.knows(2), [DEFAULT]);
}

#[test]
fn with_a_condition_it_is_told_while_a_route_fulfils_it() {
    let condition = only_inside(Some("192.0.2.0/24"), |rule| {
        rule.set.metric = Some(NumberChange::To(50));
    });
    let mut net = Net::new();
    net.announce(1, "10.0.0.0/8", &path(&[65001], 1));
    net.join(2, originating(Some(condition)));
    net.run();
    assert_eq!(default_of(&net, 2), None);
    let halves = ["192.0.2.0/25", "192.0.2.128/25"];
    net.announce(1, halves[0], &path(&[65001], 1));
    net.run();
    assert_eq!(default_of(&net, 2).as_deref(), Some("65000"));
    let told = &net.receivers[&2].table[&nlri(DEFAULT)];
    assert_eq!(told.view().med(), Some(50));
    let changed = net.receivers[&2].changed;
    net.announce(1, halves[1], &path(&[65001], 1));
    net.run();
    net.world.withdraw(1, halves[0]);
    net.run();
    assert_eq!(
        default_of(&net, 2).as_deref(),
        Some("65000"),
        "the other one is left"
    );
    assert_eq!(
        net.receivers[&2].changed,
        changed + 2,
        "the halves, and no default"
    );
    net.world.withdraw(1, halves[1]);
    net.run();
    assert_eq!(default_of(&net, 2), None);
}
