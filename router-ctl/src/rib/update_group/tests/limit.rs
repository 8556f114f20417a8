//! `maximum-prefix-out`.

use super::*;

fn at_most(most: u32) -> GroupKey {
    let mut key = ebgp();
    key.ipv4_unicast.maximum_prefix_out = Some(most);
    key
}

#[test]
fn no_more_than_the_limit_is_told_and_room_is_used() {
    let mut net = Net::new();
    net.join(2, at_most(5));
    for third in 0..9 {
        net.announce(1, &format!("10.0.{third}.0/24"), &path(&[65001], 1));
    }
    net.run();
    let known = net.knows(2);
    assert_eq!(known.len(), 5);
    let untold = (0..9).map(|third| format!("10.0.{third}.0/24"));
    let untold: Vec<_> = untold.filter(|prefix| !known.contains(prefix)).collect();
    let (rib, index) = (&net.world.rib, &net.world.index);
    let why = net
        .groups
        .explain(rib, index, PeerId(2), net.world.id(&untold[0]));
    assert_eq!(why, ExportVerdict::Withheld(Withheld::MaximumPrefixOut));
    for prefix in &known[..3] {
        net.world.withdraw(1, prefix);
    }
    net.run();
    assert_eq!(net.knows(2).len(), 5);
    for prefix in &untold {
        net.world.withdraw(1, prefix);
    }
    net.run();
    assert_eq!(net.knows(2), known[3..]);
    assert_eq!(net.receivers[&2].needless, 0);
}

#[test]
fn another_limit_withdraws_or_announces_the_difference() {
    let mut net = Net::new();
    net.join(2, at_most(5));
    for third in 0..9 {
        net.announce(1, &format!("10.0.{third}.0/24"), &path(&[65001], 1));
    }
    net.run();
    for most in [3, 7, 0, 9, 20, 1] {
        net.rejoin(2, at_most(most));
        net.run();
        assert_eq!(net.knows(2).len(), most.min(9) as usize);
        assert_eq!(net.receivers[&2].needless, 0);
    }
    net.rejoin(2, ebgp());
    net.run();
    assert_eq!(net.knows(2).len(), 9);
}

proptest::proptest! {
    #[test]
    fn the_limit_is_reached_and_never_exceeded(
        ops in proptest::collection::vec((0u8..12, proptest::bool::ANY, 1usize..4), 1..80),
        most in 0u32..6,
    ) {
        let mut net = Net::new();
        net.join(2, at_most(most));
        for (third, announced, budget) in ops {
            let prefix = format!("10.0.{third}.0/24");
            if announced {
                net.announce(1, &prefix, &path(&[65001, u32::from(third % 3)], 1));
            } else {
                net.world.withdraw(1, &prefix);
            }
            net.settle();
            net.poll(budget);
            proptest::prop_assert!(net.receivers[&2].table.len() <= most as usize);
        }
        net.run();
        let routes = net.world.rib.totals(V4).prefixes;
        proptest::prop_assert_eq!(net.receivers[&2].table.len(), routes.min(most as usize));
        proptest::prop_assert_eq!(net.receivers[&2].needless, 0);
    }
}
