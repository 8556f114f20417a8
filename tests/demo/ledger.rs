//! What one round of traffic showed: for every flow how often it was sent and where it arrived.

use anyhow::{Result, bail};

use crate::flows::Kind;
use crate::network::{TARGETS, Target};

/// The count of one flow by target.
pub(crate) type Arrivals = [u32; TARGETS];

pub(crate) struct Ledger {
    /// By flow.
    pub(crate) sent: Vec<u64>,
    /// By flow.
    pub(crate) arrived: Vec<Arrivals>,
}

/// Where each flow belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Homes(Vec<Target>);

/// What happened to the network during a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Nothing,
    Leaves(Target),
    Returns(Target),
}

/// A round held against where the flows belonged before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Flows that changed their target for the reason of the change.
    pub(crate) moved: u64,
    /// Flows that were seen at a target where they had no reason to be.
    pub(crate) moved_needlessly: u64,
    /// Frames lost, those of flows of a leaving target aside.
    pub(crate) lost: u64,
    /// Frames lost of flows whose target was leaving.
    pub(crate) lost_of_leaving: u64,
    /// Frames that arrived more often than they were sent.
    pub(crate) doubled: u64,
}

impl Ledger {
    pub(crate) fn sent(&self) -> u64 {
        self.sent.iter().sum()
    }

    pub(crate) fn arrived(&self) -> u64 {
        self.arrived.iter().map(sum).sum()
    }

    /// Where each flow belongs, from a round in which nothing changed: every flow at exactly one target.
    pub(crate) fn homes(&self) -> Result<Homes> {
        let homes = self.arrived.iter().enumerate();
        let homes = homes.map(|(flow, arrivals)| {
            let mut targets = Target::all().filter(|target| arrivals[target.0] > 0);
            match (targets.next(), targets.next()) {
                (Some(home), None) => Ok(home),
                (None, _) => bail!("nothing of flow {flow} arrived anywhere"),
                (Some(one), Some(other)) => bail!(
                    "flow {flow} arrived at {} and at {} while nothing changed",
                    one.name(),
                    other.name()
                ),
            }
        });
        homes.collect::<Result<_>>().map(Homes)
    }

    pub(crate) fn against(&self, homes: &Homes, change: Change) -> Outcome {
        let mut outcome = Outcome::default();
        let flows = self.sent.iter().zip(&self.arrived).zip(&homes.0);
        for ((&sent, arrivals), &home) in flows {
            let elsewhere = |target: &Target| *target != home && arrivals[target.0] > 0;
            let allowed = |target: Target| match change {
                Change::Nothing => false,
                Change::Leaves(gone) => home == gone,
                Change::Returns(back) => target == back,
            };
            if Target::all()
                .filter(elsewhere)
                .any(|target| !allowed(target))
            {
                outcome.moved_needlessly += 1;
            } else if Target::all().any(|target| elsewhere(&target)) {
                outcome.moved += 1;
            }
            let arrived = sum(arrivals);
            let lost = sent.saturating_sub(arrived);
            if change == Change::Leaves(home) {
                outcome.lost_of_leaving += lost;
            } else {
                outcome.lost += lost;
            }
            outcome.doubled += arrived.saturating_sub(sent);
        }
        outcome
    }
}

impl Homes {
    /// Service flows at each target.
    pub(crate) fn service_flows(&self) -> [u64; TARGETS] {
        let mut counts = [0; TARGETS];
        let flows = self.0.iter().enumerate();
        for (_, home) in flows.filter(|(flow, _)| Kind::of(*flow).is_service()) {
            counts[home.0] += 1;
        }
        counts
    }

    /// Flows that belong elsewhere now: to `target`, and to any other.
    pub(crate) fn moved_to(&self, target: Target, before: &Self) -> (u64, u64) {
        let mut counts = (0, 0);
        let moved = self
            .0
            .iter()
            .zip(&before.0)
            .filter(|(now, then)| now != then);
        for (now, _) in moved {
            if *now == target {
                counts.0 += 1;
            } else {
                counts.1 += 1;
            }
        }
        counts
    }
}

fn sum(arrivals: &Arrivals) -> u64 {
    arrivals.iter().map(|&count| u64::from(count)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Target = Target(2);
    const B: Target = Target(3);
    const C: Target = Target(4);

    fn ledger(flows: &[(u64, &[(Target, u32)])]) -> Ledger {
        let arrivals = |seen: &[(Target, u32)]| {
            let mut arrivals = [0; TARGETS];
            for (target, count) in seen {
                arrivals[target.0] = *count;
            }
            arrivals
        };
        Ledger {
            sent: flows.iter().map(|(sent, _)| *sent).collect(),
            arrived: flows.iter().map(|(_, seen)| arrivals(seen)).collect(),
        }
    }

    fn homes() -> Homes {
        Homes(vec![A, B, C])
    }

    #[test]
    fn homes_are_where_all_of_a_flow_arrives() {
        let steady = ledger(&[(3, &[(A, 3)]), (3, &[(B, 2)]), (3, &[(C, 3)])]);
        assert_eq!(steady.homes().unwrap(), homes());
        assert!(ledger(&[(3, &[])]).homes().is_err());
        assert!(ledger(&[(3, &[(A, 1), (B, 2)])]).homes().is_err());
    }

    #[test]
    fn a_leaving_target_may_move_and_lose_its_own_flows_only() {
        let round = ledger(&[(9, &[(A, 3), (B, 4)]), (9, &[(B, 9)]), (9, &[(C, 8)])]);
        let outcome = round.against(&homes(), Change::Leaves(A));
        let expected = Outcome {
            moved: 1,
            lost: 1,
            lost_of_leaving: 2,
            ..Outcome::default()
        };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn a_flow_that_leaves_a_target_that_stays_has_moved_needlessly() {
        let round = ledger(&[(9, &[(B, 9)]), (9, &[(B, 1), (C, 8)]), (9, &[(C, 9)])]);
        let outcome = round.against(&homes(), Change::Leaves(A));
        assert_eq!((outcome.moved, outcome.moved_needlessly), (1, 1));
    }

    #[test]
    fn a_returning_target_may_take_flows_and_no_other_may() {
        let round = ledger(&[
            (9, &[(A, 5), (C, 4)]),
            (9, &[(B, 5), (A, 4)]),
            (9, &[(C, 10)]),
        ]);
        let outcome = round.against(&homes(), Change::Returns(C));
        let expected = Outcome {
            moved: 1,
            moved_needlessly: 1,
            doubled: 1,
            ..Outcome::default()
        };
        assert_eq!(outcome, expected);
    }

    #[test]
    fn when_nothing_changes_every_move_is_needless() {
        let round = ledger(&[(9, &[(B, 9)]), (9, &[(B, 9)]), (9, &[(C, 9)])]);
        let outcome = round.against(&homes(), Change::Nothing);
        assert_eq!((outcome.moved, outcome.moved_needlessly), (0, 1));
    }
}
