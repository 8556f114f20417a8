use proptest::prelude::*;

use super::*;

fn shares(weights: &[(u8, u32)]) -> Vec<Share<u8>> {
    weights
        .iter()
        .map(|&(member, weight)| Share { member, weight })
        .collect()
}

fn moved(before: &Buckets<u8>, after: &Buckets<u8>) -> Vec<usize> {
    (0..after.size())
        .filter(|&hash| before.slots()[hash & (before.size() - 1)] != after.slots()[hash])
        .collect()
}

#[test]
fn shares_are_weights_by_largest_remainder() {
    for (weights, size, expected) in [
        (&[(0, 1), (1, 1)][..], 128, &[64, 64][..]),
        (&[(0, 2), (1, 1)], 128, &[85, 43]),
        (&[(0, 11), (1, 45)], 128, &[25, 103]),
        (&[(0, 1), (1, 1), (2, 1)], 128, &[43, 43, 42]),
        (&[(0, 7)], 1, &[1]),
        (&[(0, 1), (1, 5)], 1, &[0, 1]),
    ] {
        let buckets = Buckets::fill(&shares(weights), size);
        let held: Vec<_> = weights.iter().map(|&(m, _)| buckets.held(m)).collect();
        assert_eq!(held, expected, "{weights:?}");
    }
}

#[test]
fn a_table_has_room_for_every_member_and_the_smallest_weight() {
    for (weights, expected) in [
        (vec![1], 1),
        (vec![1, 1], 128),
        (vec![1; 8], 128),
        (vec![1; 9], 256),
        (vec![1; 256], 4096),
        (vec![1, 500], 512),
        (vec![1, 1_000_000], 4096),
    ] {
        let members: Vec<_> = (0..)
            .zip(&weights)
            .map(|(m, &w)| Share {
                member: m,
                weight: w,
            })
            .collect::<Vec<Share<i32>>>();
        assert_eq!(table_size(&members), expected, "{weights:?}");
    }
}

#[test]
fn losing_one_of_four_moves_its_quarter_and_its_return_a_quarter_back() {
    let four = shares(&[(0, 1), (1, 1), (2, 1), (3, 1)]);
    let mut buckets = Buckets::fill(&four, 128);
    let before = buckets.clone();
    buckets.rebalance(&four[..3]);
    assert_eq!(moved(&before, &buckets).len(), 32);
    assert!(
        moved(&before, &buckets)
            .iter()
            .all(|&slot| before.slots()[slot] == 3)
    );
    let without = buckets.clone();
    buckets.rebalance(&four);
    assert_eq!(moved(&without, &buckets).len(), 32);
    assert_eq!(buckets.held(3), 32);
}

#[test]
fn a_single_bucket_grows_into_a_table_and_only_the_new_member_gains() {
    let mut buckets = Buckets::fill(&shares(&[(5, 1)]), 1);
    let before = buckets.clone();
    buckets.grow(128);
    assert!(moved(&before, &buckets).is_empty());
    buckets.rebalance(&shares(&[(5, 1), (6, 1)]));
    assert_eq!(moved(&before, &buckets).len(), 64);
    assert!(before.agrees_with(&buckets));
    assert!(buckets.agrees_with(&before));
}

#[test]
fn tables_with_other_layouts_do_not_agree() {
    let halves = Buckets::fill(&shares(&[(0, 1), (1, 1)]), 128);
    let mut other = Buckets::fill(&shares(&[(0, 1), (1, 1)]), 128);
    other.rename(0, 9);
    other.rename(1, 0);
    other.rename(9, 1);
    assert!(!halves.agrees_with(&other));
    assert!(halves.agrees_with(&halves.clone()));
}

#[test]
fn a_table_is_accepted_for_the_shares_it_may_have_been_made_for() {
    let slots = |a: usize| [vec![0; a], vec![1; 128 - a]].concat();
    let even = shares(&[(0, 1), (1, 1)]);
    assert!(Buckets::found(slots(64)).accept(&even));
    assert!(!Buckets::found(slots(70)).accept(&even));
    assert!(!Buckets::found(slots(64)).accept(&shares(&[(0, 1), (1, 2)])));
    assert!(!Buckets::found(slots(64)).accept(&shares(&[(0, 1)])));
    assert!(!Buckets::found(slots(64)).accept(&shares(&[(0, 1), (1, 1), (2, 1)])));
}

/// Live members with their weights: any of twelve.
fn any_shares() -> impl Strategy<Value = Vec<Share<u8>>> {
    prop::collection::btree_map(0u8..12, 1u32..60, 1..12).prop_map(|map| {
        map.into_iter()
            .map(|(member, weight)| Share { member, weight })
            .collect()
    })
}

fn check_shares(buckets: &Buckets<u8>, shares: &[Share<u8>]) -> Result<(), TestCaseError> {
    let total = total_weight(shares);
    let size = buckets.size() as u64;
    for share in shares {
        let exact = size * u64::from(share.weight);
        let held = buckets.held(share.member) as u64 * total;
        prop_assert!(held < exact + total, "{} holds too much", share.member);
    }
    prop_assert!(
        buckets
            .slots()
            .iter()
            .all(|&slot| shares.iter().any(|share| share.member == slot))
    );
    prop_assert!(buckets.clone().accept(shares));
    Ok(())
}

proptest! {
    // Long runs: a quarter of the usual number.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn a_new_table_is_exact(shares in any_shares()) {
        let buckets = Buckets::fill(&shares, table_size(&shares));
        let total = total_weight(&shares);
        for share in &shares {
            let exact = buckets.size() as u64 * u64::from(share.weight);
            let held = buckets.held(share.member) as u64;
            prop_assert!(held >= 1);
            prop_assert!((held == exact / total) || (held == exact.div_ceil(total)));
        }
    }

    #[test]
    fn every_change_moves_what_it_must_and_no_more(start in any_shares(), steps in prop::collection::vec((0u8..12, 0u32..60), 1..40)) {
        let mut shares = start;
        let mut buckets = Buckets::fill(&shares, 1024);
        for (member, weight) in steps {
            let before = buckets.clone();
            let known = shares.iter().position(|share| share.member == member);
            match (known, weight) {
                // Loss: exactly what it held.
                (Some(position), w) if w < 20 && shares.len() > 1 => {
                    shares.remove(position);
                    buckets.rebalance(&shares);
                    let expected: Vec<_> = (0..1024).filter(|&slot| before.slots()[slot] == member).collect();
                    prop_assert_eq!(moved(&before, &buckets), expected);
                }
                // Arrival: all moves lead to it, and they are its share.
                (None, w) if w > 0 => {
                    shares.push(Share { member, weight: w });
                    buckets.rebalance(&shares);
                    let gone = moved(&before, &buckets);
                    let bound = 1024 * u64::from(w) / total_weight(&shares) + 1;
                    let to_others = gone.iter().filter(|&&slot| buckets.slots()[slot] != member).count();
                    prop_assert!((buckets.held(member) as u64) <= bound);
                    // Only what an earlier loss left uneven may be evened out beside it.
                    prop_assert!(to_others <= shares.len());
                }
                // Another weight: nobody gives away and gains at once.
                (Some(position), w) if w > 0 => {
                    shares[position].weight = w;
                    buckets.rebalance(&shares);
                    for share in &shares {
                        let lost = moved(&before, &buckets).iter().any(|&slot| before.slots()[slot] == share.member);
                        let gained = moved(&before, &buckets).iter().any(|&slot| buckets.slots()[slot] == share.member);
                        prop_assert!(!(lost && gained));
                    }
                }
                _ => continue,
            }
            check_shares(&buckets, &shares)?;
        }
    }

    #[test]
    fn a_table_derived_by_loss_and_arrival_agrees_with_its_origin(shares in any_shares(), lost in any::<prop::sample::Index>(), weight in 1u32..60) {
        let before = Buckets::fill(&shares, table_size(&shares).max(128));
        let mut fewer = shares.clone();
        fewer.remove(lost.index(shares.len()));
        if !fewer.is_empty() {
            let mut after = before.clone();
            after.rebalance(&fewer);
            prop_assert!(before.agrees_with(&after));
        }
        let mut more = shares;
        more.push(Share { member: 99, weight });
        let mut after = before.clone();
        after.grow(table_size(&more));
        after.rebalance(&more);
        // Remainders may be dealt anew when the table grows; in one that keeps its size all moves lead to the new one.
        if after.size() == before.size() {
            prop_assert!(before.agrees_with(&after));
        }
    }
}
