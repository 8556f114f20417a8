//! Next hops of all paths as small numbers, and what the forwarding side said about each. A next hop lives as
//! long as an attribute set or a choice names it; the router hears of new ones and of freed ones.

use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::bgp::types::NextHop;

/// A next hop that some path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextHopRef(u32);

impl NextHopRef {
    /// Ourselves: the unspecified next hop of a route that we originate. Always resolved, never reported.
    pub const SELF: Self = Self(0);
    /// Nowhere: a route whose packets are dropped. Always resolved, never reported.
    pub const DISCARD: Self = Self(1);

    fn is_ours(self) -> bool {
        self <= Self::DISCARD
    }

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// The link on which a link-local next hop is; 0 for any other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkScope(pub u32);

impl LinkScope {
    /// Only a link-local address means another one on each link.
    fn of(self, next_hop: NextHop) -> Self {
        match next_hop.address() {
            IpAddr::V6(address) if address.is_unicast_link_local() => self,
            IpAddr::V4(_) | IpAddr::V6(_) => Self::default(),
        }
    }
}

/// Whether traffic for a next hop can be sent (RFC 4271 §9.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reachability {
    Unresolved,
    /// `metric` of the route that resolves it; 0 on a connected subnet.
    Resolved {
        metric: u32,
    },
}

#[derive(Debug)]
struct Entry {
    next_hop: NextHop,
    scope: LinkScope,
    references: u32,
    reachability: Reachability,
    /// A decision has used `reachability` since it last changed.
    used: bool,
    /// Prefixes that depend on it wait for a new decision.
    changed: bool,
    /// The router has heard of it and not yet that it is gone.
    reported: bool,
}

#[derive(Debug)]
pub(super) struct NextHops {
    entries: Vec<Entry>,
    table: HashTable<NextHopRef>,
    hasher: DefaultHashBuilder,
    /// Places without a next hop.
    free: Vec<NextHopRef>,
    /// Not yet reported to the router.
    new: Vec<NextHopRef>,
    /// Had no reference at some moment; those that still have none are reported as freed.
    unreferenced: Vec<NextHopRef>,
    changed: Vec<NextHopRef>,
}

impl Default for NextHops {
    fn default() -> Self {
        let ours = || Entry {
            next_hop: NextHop::V4(Ipv4Addr::UNSPECIFIED),
            scope: LinkScope::default(),
            references: 1,
            reachability: Reachability::Resolved { metric: 0 },
            used: true,
            changed: false,
            reported: true,
        };
        Self {
            entries: vec![ours(), ours()],
            table: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            free: Vec::new(),
            new: Vec::new(),
            unreferenced: Vec::new(),
            changed: Vec::new(),
        }
    }
}

impl NextHops {
    /// The number of `next_hop`, with one more reference.
    pub(super) fn intern(&mut self, next_hop: NextHop, link: LinkScope) -> NextHopRef {
        if next_hop.address().is_unspecified() {
            return NextHopRef::SELF;
        }
        let scope = link.of(next_hop);
        let hash = self.hasher.hash_one((next_hop, scope));
        let found = self.table.find(hash, |each| {
            let entry = &self.entries[each.index()];
            (entry.next_hop, entry.scope) == (next_hop, scope)
        });
        if let Some(&known) = found {
            self.acquire(known);
            return known;
        }
        let entry = Entry {
            next_hop,
            scope,
            references: 1,
            reachability: Reachability::Unresolved,
            used: false,
            changed: false,
            reported: false,
        };
        let id = if let Some(id) = self.free.pop() {
            self.entries[id.index()] = entry;
            id
        } else {
            let number = u32::try_from(self.entries.len()).expect("fewer than 2^32 next hops");
            self.entries.push(entry);
            NextHopRef(number)
        };
        self.table.insert_unique(hash, id, |each| {
            let entry = &self.entries[each.index()];
            self.hasher.hash_one((entry.next_hop, entry.scope))
        });
        self.new.push(id);
        id
    }

    pub(super) fn acquire(&mut self, id: NextHopRef) {
        if !id.is_ours() {
            self.entries[id.index()].references += 1;
        }
    }

    pub(super) fn release(&mut self, id: NextHopRef) {
        if id.is_ours() {
            return;
        }
        let entry = &mut self.entries[id.index()];
        entry.references -= 1;
        if entry.references == 0 {
            self.unreferenced.push(id);
        }
    }

    pub(super) fn next_hop(&self, id: NextHopRef) -> NextHop {
        self.entries[id.index()].next_hop
    }

    /// Next hops that appeared since the last call and are still named by a path.
    pub(super) fn drain_new(&mut self) -> Vec<(NextHopRef, NextHop, LinkScope)> {
        let mut new = std::mem::take(&mut self.new);
        new.retain(|id| {
            let entry = &mut self.entries[id.index()];
            entry.reported = entry.references > 0;
            entry.reported
        });
        let entry = |id: NextHopRef| &self.entries[id.index()];
        new.into_iter()
            .map(|id| (id, entry(id).next_hop, entry(id).scope))
            .collect()
    }

    /// Next hops that no path names any more, each reported before by [`drain_new`](Self::drain_new). Their
    /// numbers may be given to others from then on.
    pub(super) fn drain_freed(&mut self) -> Vec<NextHopRef> {
        let mut freed = std::mem::take(&mut self.unreferenced);
        freed.sort_unstable();
        freed.dedup();
        freed.retain(|&id| self.entries[id.index()].references == 0 && self.forget(id));
        freed
    }

    /// Frees the number, says whether the router knows it.
    fn forget(&mut self, id: NextHopRef) -> bool {
        let entry = &mut self.entries[id.index()];
        let reported = std::mem::take(&mut entry.reported);
        let hash = self.hasher.hash_one((entry.next_hop, entry.scope));
        if let Ok(found) = self.table.find_entry(hash, |&each| each == id) {
            found.remove();
        }
        self.new.retain(|&each| each != id);
        self.changed.retain(|&each| each != id);
        self.free.push(id);
        reported
    }

    /// Notes what the forwarding side says; whether decisions were made on something else before.
    pub(super) fn set(&mut self, id: NextHopRef, reachability: Reachability) -> bool {
        let entry = &mut self.entries[id.index()];
        if id.is_ours() || entry.reachability == reachability {
            return false;
        }
        entry.reachability = reachability;
        if !std::mem::take(&mut entry.used) {
            return false;
        }
        if !std::mem::replace(&mut entry.changed, true) {
            self.changed.push(id);
        }
        true
    }

    /// The metric for a decision, `None` when unresolved.
    pub(super) fn metric(&mut self, id: NextHopRef) -> Option<u32> {
        let entry = &mut self.entries[id.index()];
        entry.used = true;
        metric(entry.reachability)
    }

    /// The metric for a reader.
    pub(super) fn peek_metric(&self, id: NextHopRef) -> Option<u32> {
        metric(self.entries[id.index()].reachability)
    }

    pub(super) fn any_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    pub(super) fn has_changed(&self, id: NextHopRef) -> bool {
        self.entries[id.index()].changed
    }

    /// Every prefix that depends on a changed next hop has been found.
    pub(super) fn clear_changed(&mut self) {
        for id in self.changed.drain(..) {
            self.entries[id.index()].changed = false;
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.table.capacity() * (size_of::<NextHopRef>() + 1)
    }
}

fn metric(reachability: Reachability) -> Option<u32> {
    match reachability {
        Reachability::Unresolved => None,
        Reachability::Resolved { metric } => Some(metric),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(last: u8) -> NextHop {
        NextHop::V4([192, 0, 2, last].into())
    }

    #[test]
    fn the_router_hears_of_each_next_hop_once_and_of_its_end() {
        let mut hops = NextHops::default();
        let first = hops.intern(hop(1), LinkScope(0));
        assert_eq!(hops.intern(hop(1), LinkScope(0)), first);
        assert_eq!(hops.drain_new(), [(first, hop(1), LinkScope(0))]);
        assert_eq!(hops.drain_new(), []);
        hops.release(first);
        assert_eq!(hops.drain_freed(), []);
        hops.release(first);
        assert_eq!(hops.drain_freed(), [first]);
        assert_eq!(
            hops.intern(hop(2), LinkScope(0)),
            first,
            "the number is used again"
        );
    }

    #[test]
    fn a_next_hop_that_comes_back_before_the_router_looks_is_not_freed() {
        let mut hops = NextHops::default();
        let id = hops.intern(hop(1), LinkScope(0));
        hops.drain_new();
        hops.release(id);
        assert_eq!(hops.intern(hop(1), LinkScope(0)), id);
        assert_eq!(hops.drain_freed(), []);
        assert_eq!(hops.drain_new(), []);
    }

    #[test]
    fn a_next_hop_that_the_router_never_saw_is_not_reported_as_freed() {
        let mut hops = NextHops::default();
        let id = hops.intern(hop(1), LinkScope(0));
        hops.release(id);
        assert_eq!(hops.drain_freed(), []);
        assert_eq!(hops.intern(hop(3), LinkScope(0)), id);
        assert_eq!(hops.drain_new(), [(id, hop(3), LinkScope(0))]);
    }

    #[test]
    fn the_first_answer_about_a_next_hop_asks_for_no_new_decision() {
        let mut hops = NextHops::default();
        let id = hops.intern(hop(1), LinkScope(0));
        assert!(!hops.set(id, Reachability::Resolved { metric: 5 }));
        assert_eq!(hops.metric(id), Some(5));
        assert!(!hops.set(id, Reachability::Resolved { metric: 5 }));
        assert!(hops.set(id, Reachability::Unresolved));
        assert!(hops.has_changed(id));
        assert_eq!(hops.metric(id), None);
    }

    #[test]
    fn the_unspecified_next_hop_is_ourselves() {
        let mut hops = NextHops::default();
        let id = hops.intern(NextHop::V4([0; 4].into()), LinkScope(0));
        assert_eq!(id, NextHopRef::SELF);
        hops.release(id);
        assert_eq!(hops.metric(id), Some(0));
        assert_eq!((hops.drain_new(), hops.drain_freed()), (vec![], vec![]));
    }

    #[test]
    fn a_link_local_next_hop_is_another_one_on_each_link() {
        let mut hops = NextHops::default();
        let link_local = NextHop::V6 {
            global: "fe80::1".parse().unwrap(),
            link_local: None,
        };
        let first = hops.intern(link_local, LinkScope(3));
        assert_ne!(hops.intern(link_local, LinkScope(4)), first);
        assert_eq!(
            hops.intern(hop(1), LinkScope(3)),
            hops.intern(hop(1), LinkScope(4))
        );
    }
}
