//! Longest-prefix match as anyone can check it: a list in order, searched from its end. Engines and the FIB
//! are tested against it.

use std::net::IpAddr;

use ipnet::IpNet;

/// Prefixes by ascending length, each with a value.
#[derive(Clone, Debug)]
pub struct Naive<T>(Vec<(IpNet, T)>);

impl<T> Default for Naive<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Naive<T> {
    pub fn insert(&mut self, prefix: IpNet, value: T) {
        self.remove(prefix);
        let longer = |(other, _): &(IpNet, T)| other.prefix_len() <= prefix.prefix_len();
        let position = self.0.partition_point(longer);
        self.0.insert(position, (prefix.trunc(), value));
    }

    pub fn remove(&mut self, prefix: IpNet) {
        self.0.retain(|(other, _)| *other != prefix.trunc());
    }

    pub fn lookup(&self, address: IpAddr) -> Option<&T> {
        self.matches(address).next().map(|(_, value)| value)
    }

    /// All prefixes that contain the address, longest first.
    pub fn matches(&self, address: IpAddr) -> impl Iterator<Item = &(IpNet, T)> {
        let contains = move |(prefix, _): &&(IpNet, T)| prefix.contains(&address);
        self.0.iter().rev().filter(contains)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins_in_any_order_of_insertion() {
        let mut naive = Naive::default();
        for text in [
            "10.1.0.0/16",
            "0.0.0.0/0",
            "10.1.2.3/32",
            "::/0",
            "10.0.0.0/8",
        ] {
            naive.insert(text.parse().unwrap(), text);
        }
        let find = |naive: &Naive<&'static str>, address: &str| {
            naive.lookup(address.parse().unwrap()).copied()
        };
        assert_eq!(find(&naive, "10.1.2.3"), Some("10.1.2.3/32"));
        assert_eq!(find(&naive, "10.1.2.4"), Some("10.1.0.0/16"));
        assert_eq!(find(&naive, "11.0.0.0"), Some("0.0.0.0/0"));
        assert_eq!(find(&naive, "2001:db8::1"), Some("::/0"));
        naive.remove("::/0".parse().unwrap());
        assert_eq!(find(&naive, "2001:db8::1"), None);
    }
}
