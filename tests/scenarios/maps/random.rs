//! Random nested prefixes of both families, the same in every run.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A small generator (xorshift): the same prefixes in every run.
pub(super) struct Random(pub(super) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// Nested prefixes below 20.0.0.0/6 and 2a00::/12, both defaults among them.
pub(super) fn random_prefixes(count: usize, random: &mut Random) -> BTreeSet<IpNet> {
    let mut all: BTreeSet<IpNet> = ["0.0.0.0/0", "::/0"]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    let mut parents: Vec<IpNet> = vec!["20.0.0.0/6".parse().unwrap(), "2a00::/12".parse().unwrap()];
    all.extend(&parents);
    while all.len() < count {
        // A child of something that is there, most often just a few bits longer.
        let parent = parents[usize::try_from(random.below(parents.len() as u64)).unwrap()];
        let longest = parent.max_prefix_len();
        let room = u64::from(longest - parent.prefix_len());
        if room == 0 {
            continue;
        }
        let grow = 1 + u8::try_from(random.below(room.min(9))).unwrap();
        let length = parent.prefix_len() + grow;
        let child = child(parent, length, random);
        if all.insert(child) {
            parents.push(child);
        }
    }
    // Host routes, and neighbours of each other that differ in the last bit.
    for text in [
        "20.1.2.3/32",
        "20.1.2.2/32",
        "20.1.2.2/31",
        "2a00::1/128",
        "2a00::/128",
        "2a00::/127",
    ] {
        all.insert(text.parse().unwrap());
    }
    all
}

fn child(parent: IpNet, length: u8, random: &mut Random) -> IpNet {
    let net = match parent.addr() {
        IpAddr::V4(address) => {
            let mask = u32::MAX
                .checked_shr(parent.prefix_len().into())
                .unwrap_or(0);
            let bits = address.to_bits() | (u32::try_from(random.next() >> 32).unwrap() & mask);
            IpNet::V4(Ipv4Net::new(Ipv4Addr::from_bits(bits), length).unwrap())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX
                .checked_shr(parent.prefix_len().into())
                .unwrap_or(0);
            let noise = u128::from(random.next()) << 64 | u128::from(random.next());
            let bits = address.to_bits() | (noise & mask);
            IpNet::V6(Ipv6Net::new(Ipv6Addr::from_bits(bits), length).unwrap())
        }
    };
    net.trunc()
}
