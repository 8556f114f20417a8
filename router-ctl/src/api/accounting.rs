//! What became of every packet: received = forwarded + passed + dropped, for every port.
//!
//! Counters move while they are read. What was received is read before and after the verdicts: a packet
//! counted before has its verdict by the time verdicts are read, and one with a verdict has been received by
//! the time of the second reading. So the verdicts must lie between the two, at any traffic.

use std::collections::{BTreeMap, BTreeSet};

use router_common::verdict::Action;

use crate::api::view::{Accounting, Balance, Count, PortAccount, VerdictRow};
use crate::dataplane::{Counters, VerdictCount};
use crate::host::IfIndex;

type Received = BTreeMap<Option<IfIndex>, Count>;

/// Readings that are taken anew before an imbalance is believed: a packet may sit between its two counters on
/// another CPU for as long as that CPU is held up.
const ATTEMPTS: usize = 3;

pub(super) fn account(counters: &dyn Counters, names: &BTreeMap<u32, String>) -> Accounting {
    let mut accounting = read(counters, names);
    for _ in 1..ATTEMPTS {
        if accounting.balanced {
            break;
        }
        accounting = read(counters, names);
    }
    accounting
}

fn read(counters: &dyn Counters, names: &BTreeMap<u32, String>) -> Accounting {
    let before = received(counters);
    let verdicts = counters.verdicts();
    let after = received(counters);
    let indexes: BTreeSet<_> = before
        .keys()
        .chain(after.keys())
        .copied()
        .chain(verdicts.iter().map(|row| row.port))
        .collect();
    let mut total = Balance::default();
    let mut ports = Vec::new();
    for index in indexes {
        let reading = |received: &Received| received.get(&index).copied().unwrap_or_default();
        let rows: Vec<_> = verdicts.iter().filter(|row| row.port == index).collect();
        let balance = balance(reading(&before), &rows, reading(&after));
        total.received += balance.received;
        total.forwarded += balance.forwarded;
        total.passed += balance.passed;
        total.dropped += balance.dropped;
        total.unaccounted += balance.unaccounted;
        ports.push(PortAccount {
            interface: index.and_then(|index| names.get(&index.0).cloned()),
            ifindex: index.map(|index| index.0),
            balance,
            verdicts: rows.into_iter().map(verdict_row).collect(),
        });
    }
    Accounting {
        balanced: ports.iter().all(|port| port.balance.unaccounted == 0),
        total,
        ports,
    }
}

fn received(counters: &dyn Counters) -> Received {
    let rows = counters.received().into_iter();
    rows.map(|(port, counter)| (port, counter.into())).collect()
}

fn balance(before: Count, verdicts: &[&VerdictCount], after: Count) -> Balance {
    let mut balance = Balance::default();
    let mut judged = Count::default();
    for row in verdicts {
        let count = Count::from(row.counter);
        judged += count;
        match row.verdict.action() {
            Action::Redirect => balance.forwarded += count,
            Action::Pass => balance.passed += count,
            Action::Drop => balance.dropped += count,
        }
    }
    // Inside of the two readings, what was received is what was judged.
    balance.received = Count {
        packets: judged
            .packets
            .clamp(before.packets, after.packets.max(before.packets)),
        bytes: judged
            .bytes
            .clamp(before.bytes, after.bytes.max(before.bytes)),
    };
    balance.unaccounted = difference(balance.received.packets, judged.packets);
    balance
}

fn difference(a: u64, b: u64) -> i64 {
    i64::try_from(i128::from(a) - i128::from(b)).unwrap_or(i64::MAX)
}

fn verdict_row(row: &VerdictCount) -> VerdictRow {
    VerdictRow {
        verdict: row.verdict.name().to_owned(),
        cause: Some(row.verdict.cause().to_owned()).filter(|cause| !cause.is_empty()),
        action: match row.verdict.action() {
            Action::Redirect => "forward",
            Action::Pass => "pass",
            Action::Drop => "drop",
        }
        .to_owned(),
        count: row.counter.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use router_common::counter::Counter;
    use router_common::verdict::Verdict;

    fn count(packets: u64) -> Count {
        Count {
            packets,
            bytes: packets * 100,
        }
    }

    /// Unaccounted packets when `forwarded` lie between two readings.
    fn check(before: u64, forwarded: u64, after: u64, unaccounted: i64) {
        let row = VerdictCount {
            port: None,
            verdict: Verdict::Forwarded,
            counter: Counter {
                packets: forwarded,
                bytes: forwarded * 100,
            },
        };
        let balance = balance(count(before), &[&row], count(after));
        assert_eq!(balance.unaccounted, unaccounted);
        assert_eq!(balance.forwarded, count(forwarded));
    }

    #[test]
    fn packets_that_arrive_while_reading_do_not_unbalance() {
        check(10, 10, 10, 0);
        check(10, 12, 15, 0);
        check(10, 8, 15, 2);
        check(10, 16, 15, -1);
    }
}
