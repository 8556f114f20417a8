//! Prefixes interned as dense numbers. RIB and FIB keep plain vectors indexed by [`PrefixId`]; the prefix
//! itself is stored here once: 8 bytes for IPv4, 20 for IPv6, plus about 5 for the hash table.
//!
//! The router owns the one index and lends it. A prefix that neither RIB nor FIB uses is removed, and its
//! id is reused.

use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;

use hashbrown::HashTable;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rustc_hash::FxBuildHasher;

/// A dense number for a prefix, unique inside its family: the top bit is the family (1 for IPv6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrefixId(u32);

impl PrefixId {
    const V6: u32 = 1 << 31;

    pub fn is_ipv6(self) -> bool {
        self.0 & Self::V6 != 0
    }

    /// Position in vectors of this family.
    pub fn index(self) -> usize {
        (self.0 & !Self::V6) as usize
    }

    /// The id at `index` of the vectors of one family.
    pub fn from_index(index: usize, ipv6: bool) -> Self {
        let index = u32::try_from(index).expect("ids come from an index of at most 2^31 entries");
        Self(if ipv6 { index | Self::V6 } else { index })
    }
}

/// Two vectors, one a family, indexed by [`PrefixId`] and grown on demand with the default value.
#[derive(Clone, Debug, Default)]
pub struct PrefixVec<T> {
    v4: Vec<T>,
    v6: Vec<T>,
}

impl<T: Clone + Default> PrefixVec<T> {
    pub fn get(&self, id: PrefixId) -> Option<&T> {
        if id.is_ipv6() {
            self.v6.get(id.index())
        } else {
            self.v4.get(id.index())
        }
    }

    /// The entry of `id`, created with the default value when it is not there yet.
    pub fn entry(&mut self, id: PrefixId) -> &mut T {
        let vector = if id.is_ipv6() {
            &mut self.v6
        } else {
            &mut self.v4
        };
        if vector.len() <= id.index() {
            vector.resize(id.index() + 1, T::default());
        }
        &mut vector[id.index()]
    }

    /// Entries of one family in the order of their ids.
    pub fn family(&self, ipv6: bool) -> &[T] {
        if ipv6 { &self.v6 } else { &self.v4 }
    }
}

#[derive(Debug, Default)]
pub struct PrefixIndex {
    v4: FamilyIndex<Ipv4Net>,
    v6: FamilyIndex<Ipv6Net>,
}

impl PrefixIndex {
    pub fn new() -> Self {
        Self::default()
    }

    /// The id of `prefix`, new or known. Host bits are cleared first.
    pub fn intern(&mut self, prefix: IpNet) -> PrefixId {
        match prefix {
            IpNet::V4(net) => PrefixId::from_index(self.v4.intern(net.trunc()), false),
            IpNet::V6(net) => PrefixId::from_index(self.v6.intern(net.trunc()), true),
        }
    }

    pub fn get(&self, prefix: IpNet) -> Option<PrefixId> {
        match prefix {
            IpNet::V4(net) => self
                .v4
                .get(net.trunc())
                .map(|index| PrefixId::from_index(index, false)),
            IpNet::V6(net) => self
                .v6
                .get(net.trunc())
                .map(|index| PrefixId::from_index(index, true)),
        }
    }

    /// The prefix behind an id that [`intern`](Self::intern) gave and [`remove`](Self::remove) has not taken back.
    pub fn prefix(&self, id: PrefixId) -> IpNet {
        if id.is_ipv6() {
            self.v6.keys[id.index()].into()
        } else {
            self.v4.keys[id.index()].into()
        }
    }

    /// Forgets a prefix; its id may be given to another from then on.
    pub fn remove(&mut self, id: PrefixId) {
        if id.is_ipv6() {
            self.v6.remove(id.index())
        } else {
            self.v4.remove(id.index())
        }
    }

    /// Prefixes known, both families.
    pub fn len(&self) -> usize {
        self.v4.table.len() + self.v6.table.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One more than the highest position of a family; those in between may be free.
    pub fn bound(&self, ipv6: bool) -> usize {
        if ipv6 {
            self.v6.keys.len()
        } else {
            self.v4.keys.len()
        }
    }

    /// All known prefixes that contain `address`, longest first.
    pub fn covering(&self, address: IpAddr) -> impl Iterator<Item = PrefixId> + '_ {
        let host = IpNet::from(address);
        (0..=host.prefix_len()).rev().filter_map(move |length| {
            if !self.has_length(host, length) {
                return None;
            }
            self.get(IpNet::new(address, length).ok()?)
        })
    }

    fn has_length(&self, family: IpNet, length: u8) -> bool {
        match family {
            IpNet::V4(_) => self.v4.lengths[usize::from(length)] > 0,
            IpNet::V6(_) => self.v6.lengths[usize::from(length)] > 0,
        }
    }
}

/// One family: the keys by id, a hash table of ids, the ids to reuse, and how many prefixes have each length.
#[derive(Debug)]
struct FamilyIndex<N> {
    keys: Vec<N>,
    table: HashTable<u32>,
    free: Vec<u32>,
    lengths: [u32; 129],
}

impl<N> Default for FamilyIndex<N> {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            table: HashTable::new(),
            free: Vec::new(),
            lengths: [0; 129],
        }
    }
}

trait Net: Copy + Eq + Hash {
    fn length(self) -> usize;
}

impl Net for Ipv4Net {
    fn length(self) -> usize {
        usize::from(self.prefix_len())
    }
}

impl Net for Ipv6Net {
    fn length(self) -> usize {
        usize::from(self.prefix_len())
    }
}

impl<N: Net> FamilyIndex<N> {
    fn intern(&mut self, net: N) -> usize {
        let hash = FxBuildHasher.hash_one(net);
        if let Some(&index) = self
            .table
            .find(hash, |&index| self.keys[index as usize] == net)
        {
            return index as usize;
        }
        let index = match self.free.pop() {
            Some(index) => {
                self.keys[index as usize] = net;
                index
            }
            None => {
                self.keys.push(net);
                u32::try_from(self.keys.len() - 1)
                    .expect("fewer than 2^31 prefixes fit into memory")
            }
        };
        let keys = &self.keys;
        self.table.insert_unique(hash, index, |&index| {
            FxBuildHasher.hash_one(keys[index as usize])
        });
        self.lengths[net.length()] += 1;
        index as usize
    }

    fn get(&self, net: N) -> Option<usize> {
        let hash = FxBuildHasher.hash_one(net);
        self.table
            .find(hash, |&index| self.keys[index as usize] == net)
            .map(|&index| index as usize)
    }

    fn remove(&mut self, index: usize) {
        let net = self.keys[index];
        let hash = FxBuildHasher.hash_one(net);
        if let Ok(entry) = self
            .table
            .find_entry(hash, |&candidate| candidate as usize == index)
        {
            let (index, _) = entry.remove();
            self.free.push(index);
            self.lengths[net.length()] -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn a_prefix_keeps_its_id_and_a_removed_id_is_reused() {
        let mut index = PrefixIndex::new();
        let first = index.intern(net("10.0.0.0/8"));
        let second = index.intern(net("2001:db8::/32"));
        assert_eq!(index.intern(net("10.1.2.3/8")), first);
        assert_eq!(index.prefix(first), net("10.0.0.0/8"));
        assert_eq!(index.prefix(second), net("2001:db8::/32"));
        index.remove(first);
        assert_eq!(index.get(net("10.0.0.0/8")), None);
        assert_eq!(index.intern(net("192.0.2.0/24")), first);
        assert_eq!(index.len(), 2);
    }

    #[test]
    fn covering_prefixes_come_longest_first() {
        let mut index = PrefixIndex::new();
        for text in [
            "0.0.0.0/0",
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.3/32",
            "10.2.0.0/16",
            "::/0",
        ] {
            index.intern(net(text));
        }
        let found: Vec<_> = index
            .covering("10.1.2.3".parse().unwrap())
            .map(|id| index.prefix(id).to_string())
            .collect();
        assert_eq!(
            found,
            ["10.1.2.3/32", "10.1.0.0/16", "10.0.0.0/8", "0.0.0.0/0"]
        );
        assert_eq!(index.covering("2001:db8::1".parse().unwrap()).count(), 1);
    }
}
