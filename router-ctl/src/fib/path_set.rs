//! Path sets: what protocols ask for, interned, and what it comes down to.
//!
//! A set names gateways; its members are the next hops to which these resolve at the moment. A change of a
//! gateway changes the members of the sets that name it, and with them the path lists, but no prefix.

use std::collections::BTreeSet;

use router_common::path_list::PathListId;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::fib::buckets::Share;
use crate::fib::gateway::Gateways;
use crate::fib::next_hop::{HopId, Hops, Target, Terminal};
use crate::fib::types::{GatewayId, PathSet};

/// Next hops of one set at most (bounded by the largest bucket table).
pub(super) const MAX_MEMBERS: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SetId(u32);

/// A set in its one form: gateways ascending, each once, weights without a common divisor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum SetKey {
    Gateways(SmallVec<[(GatewayId, u32); 2]>),
    Terminal(Terminal),
}

impl From<&PathSet> for SetKey {
    fn from(set: &PathSet) -> Self {
        match set {
            PathSet::Gateways(gateways) => Self::gateways(gateways),
            PathSet::Local => Self::Terminal(Terminal::Local),
            PathSet::Blackhole => Self::Terminal(Terminal::Blackhole),
            PathSet::Unreachable | PathSet::Prohibit => Self::Terminal(Terminal::Unreachable),
        }
    }
}

impl SetKey {
    fn gateways(gateways: &[(GatewayId, u32)]) -> Self {
        if let &[(only, weight)] = gateways {
            return match weight {
                0 => Self::Terminal(Terminal::Unreachable),
                _ => Self::Gateways(SmallVec::from_buf_and_len([(only, 1); 2], 1)),
            };
        }
        let shares = gateways
            .iter()
            .filter(|(_, weight)| *weight > 0)
            .map(|&(member, weight)| (member, u128::from(weight)));
        let shares = merge(shares.collect());
        if shares.is_empty() {
            return Self::Terminal(Terminal::Unreachable);
        }
        let pairs = shares.iter().map(|share| (share.member, share.weight));
        Self::Gateways(pairs.collect())
    }
}

/// Adds up weights of equal members, ascending, and takes out the common divisor.
fn merge<T: Copy + Ord>(mut shares: Vec<(T, u128)>) -> SmallVec<[Share<T>; 2]> {
    shares.sort_unstable_by_key(|&(member, _)| member);
    shares.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            first.1 += later.1;
        }
        same
    });
    shares.truncate(MAX_MEMBERS);
    let divisor = shares
        .iter()
        .fold(0, |divisor, &(_, weight)| gcd(divisor, weight))
        .max(1);
    let largest = shares.iter().map(|&(_, weight)| weight / divisor).max();
    let shift = u128::BITS - largest.unwrap_or(1).leading_zeros();
    let shift = shift.saturating_sub(u32::BITS);
    shares
        .into_iter()
        .map(|(member, weight)| Share {
            member,
            weight: u32::try_from((weight / divisor) >> shift)
                .unwrap_or(u32::MAX)
                .max(1),
        })
        .collect()
}

fn gcd(a: u128, b: u128) -> u128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A weight, and the shares that it is spread over.
pub(super) type Part<'a, T> = (u32, &'a [Share<T>]);

/// Spreads each part's weight over its shares, and merges the parts.
pub(super) fn combine<T: Copy + Ord>(parts: &[Part<'_, T>]) -> SmallVec<[Share<T>; 2]> {
    if let &[(_, shares)] = parts {
        return shares.iter().copied().collect();
    }
    // Beyond this, fractions are rounded: no table has as many buckets.
    const FINEST: u128 = 1 << 20;
    let total = |shares: &[Share<T>]| -> u128 {
        shares
            .iter()
            .map(|share| u128::from(share.weight))
            .sum::<u128>()
            .max(1)
    };
    let scale = parts.iter().fold(1, |scale, (_, shares)| {
        let total = total(shares);
        (scale / gcd(scale, total) * total).min(FINEST)
    });
    let spread = parts.iter().flat_map(|&(weight, shares)| {
        let total = total(shares);
        shares.iter().map(move |share| {
            let weight = u128::from(weight) * scale * u128::from(share.weight) / total;
            (share.member, weight.max(1))
        })
    });
    merge(spread.collect())
}

#[derive(Debug)]
pub(super) struct Set {
    pub(super) key: SetKey,
    /// Layers of prefixes that name it beside the lists.
    users: u32,
    /// Path lists that spread over it; several when flows came from tables with other layouts.
    pub(super) lists: SmallVec<[PathListId; 1]>,
    /// There is always one: a set that leads nowhere is unreachable.
    pub(super) members: SmallVec<[Share<HopId>; 2]>,
}

#[derive(Debug, Default)]
pub(super) struct Sets {
    slots: Vec<Option<Set>>,
    free: Vec<u32>,
    by_key: FxHashMap<SetKey, SetId>,
    /// The set asked for last: tables arrive in runs.
    last: Option<(PathSet, SetId)>,
    /// Sets to look at: members or their usability changed.
    pub(super) changed: BTreeSet<SetId>,
    idle: Vec<SetId>,
}

impl Sets {
    pub(super) fn get(&self, id: SetId) -> &Set {
        self.slots[id.0 as usize]
            .as_ref()
            .expect("a set is there for as long as it is named")
    }

    pub(super) fn get_mut(&mut self, id: SetId) -> &mut Set {
        self.slots[id.0 as usize]
            .as_mut()
            .expect("a set is there for as long as it is named")
    }

    /// The set that a protocol asks for. It lives until the next drain, and on while something names it.
    pub(super) fn intern(
        &mut self,
        set: &PathSet,
        gateways: &mut Gateways,
        hops: &mut Hops,
    ) -> SetId {
        if let Some((last, id)) = &self.last
            && last == set
        {
            return *id;
        }
        let id = self.intern_key(SetKey::from(set), gateways, hops);
        self.last = Some((set.clone(), id));
        id
    }

    pub(super) fn intern_key(
        &mut self,
        key: SetKey,
        gateways: &mut Gateways,
        hops: &mut Hops,
    ) -> SetId {
        if let Some(&id) = self.by_key.get(&key) {
            return id;
        }
        let set = Set {
            key: key.clone(),
            users: 0,
            lists: SmallVec::new(),
            members: SmallVec::new(),
        };
        let id = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = Some(set);
                SetId(slot)
            }
            None => {
                self.slots.push(Some(set));
                SetId(u32::try_from(self.slots.len() - 1).expect("sets are few"))
            }
        };
        if let SetKey::Gateways(named) = &key {
            for &(gateway, _) in named {
                gateways.join_set(gateway, id);
            }
        }
        self.by_key.insert(key, id);
        self.idle.push(id);
        self.update_members(id, gateways, hops);
        id
    }

    /// Works out the members anew. True when they are others, or weigh otherwise.
    pub(super) fn update_members(
        &mut self,
        id: SetId,
        gateways: &Gateways,
        hops: &mut Hops,
    ) -> bool {
        let set = self.get_mut(id);
        let terminal = |terminal: Terminal, hops: &mut Hops| {
            let target = Target::Terminal(terminal);
            let member = hops.acquire(target, || terminal.next_hop());
            SmallVec::from_slice(&[Share { member, weight: 1 }])
        };
        let members: SmallVec<[Share<HopId>; 2]> = match &set.key {
            SetKey::Terminal(fate) => terminal(*fate, hops),
            SetKey::Gateways(named) => {
                let parts: SmallVec<[Part<'_, HopId>; 2]> = named
                    .iter()
                    .map(|&(gateway, weight)| (weight, gateways.members(gateway)))
                    .filter(|(_, members)| !members.is_empty())
                    .collect();
                let members = combine(&parts);
                if members.is_empty() {
                    terminal(Terminal::Unreachable, hops)
                } else {
                    for share in &members {
                        hops.retain(share.member);
                    }
                    members
                }
            }
        };
        let old = std::mem::replace(&mut set.members, members.clone());
        for share in &old {
            hops.get_mut(share.member).sets.remove(&id);
            hops.release(share.member);
        }
        for share in &members {
            hops.get_mut(share.member).sets.insert(id);
        }
        old != members
    }

    pub(super) fn retain(&mut self, id: SetId) {
        self.get_mut(id).users += 1;
    }

    pub(super) fn release(&mut self, id: SetId) {
        self.get_mut(id).users -= 1;
        self.idle.push(id);
    }

    pub(super) fn remove_list(&mut self, id: SetId, list: PathListId) {
        self.get_mut(id).lists.retain(|&mut other| other != list);
        self.idle.push(id);
    }

    /// Forgets sets that nothing names.
    pub(super) fn collect(&mut self, gateways: &mut Gateways, hops: &mut Hops) {
        for id in std::mem::take(&mut self.idle) {
            let Some(set) = &self.slots[id.0 as usize] else {
                continue;
            };
            if set.users > 0 || !set.lists.is_empty() {
                continue;
            }
            for share in &set.members {
                hops.get_mut(share.member).sets.remove(&id);
                hops.release(share.member);
            }
            if let SetKey::Gateways(named) = &set.key {
                for &(gateway, _) in named {
                    gateways.leave_set(gateway, id);
                }
            }
            self.by_key.remove(&set.key);
            self.changed.remove(&id);
            self.last = None;
            self.slots[id.0 as usize] = None;
            self.free.push(id.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(pairs: &[(u8, u32)]) -> Vec<Share<u8>> {
        pairs
            .iter()
            .map(|&(member, weight)| Share { member, weight })
            .collect()
    }

    #[test]
    fn a_set_has_one_form() {
        let set = |pairs: &[(u32, u32)]| {
            let gateways = pairs.iter().map(|&(id, weight)| (GatewayId(id), weight));
            SetKey::from(&PathSet::Gateways(gateways.collect()))
        };
        assert_eq!(set(&[(2, 4), (1, 6)]), set(&[(1, 3), (2, 1), (2, 1)]));
        assert_eq!(set(&[(7, 9)]), set(&[(7, 1)]));
        assert_eq!(set(&[(7, 1), (8, 0)]), set(&[(7, 1)]));
        assert_eq!(set(&[]), SetKey::Terminal(Terminal::Unreachable));
        assert_eq!(set(&[(7, 0)]), SetKey::Terminal(Terminal::Unreachable));
        assert_ne!(set(&[(1, 1), (2, 1)]), set(&[(1, 1), (2, 2)]));
    }

    #[test]
    fn a_recursive_gateway_spreads_its_weight() {
        let (direct, spread) = (shares(&[(1, 1)]), shares(&[(2, 1), (3, 2)]));
        let combined = combine(&[(1, &direct[..]), (1, &spread[..])]);
        assert_eq!(combined.to_vec(), shares(&[(1, 3), (2, 1), (3, 2)]));
        let twice = combine(&[(1, &direct[..]), (2, &direct[..])]);
        assert_eq!(twice.to_vec(), shares(&[(1, 1)]));
    }

    #[test]
    fn extreme_weights_do_not_overflow() {
        let big = shares(&[(1, u32::MAX), (2, u32::MAX - 1)]);
        let combined = combine(&[(u32::MAX, &big[..]), (u32::MAX - 2, &big[..])]);
        assert_eq!(combined.len(), 2);
        assert!(combined.iter().all(|share| share.weight > 0));
    }
}
