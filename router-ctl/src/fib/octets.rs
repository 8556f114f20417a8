//! Which first octets some addresses begin with. A full table touches nearly all of them, gateways and
//! neighbours a few: one look tells for most prefixes that they contain none of these.

use std::net::IpAddr;

use ipnet::IpNet;

/// Counts addresses by first octet, in one row a family.
#[derive(Debug)]
pub(super) struct Octets {
    v4: [u32; 256],
    v6: [u32; 256],
}

impl Default for Octets {
    fn default() -> Self {
        Self {
            v4: [0; 256],
            v6: [0; 256],
        }
    }
}

impl Octets {
    pub(super) fn add(&mut self, address: IpAddr) {
        *self.count(address) += 1;
    }

    pub(super) fn remove(&mut self, address: IpAddr) {
        *self.count(address) -= 1;
    }

    /// False when the prefix contains none of the addresses.
    pub(super) fn may_be_in(&self, prefix: IpNet) -> bool {
        if prefix.prefix_len() < 8 {
            return true;
        }
        match prefix {
            IpNet::V4(net) => self.v4[usize::from(net.addr().octets()[0])] > 0,
            IpNet::V6(net) => self.v6[usize::from(net.addr().octets()[0])] > 0,
        }
    }

    fn count(&mut self, address: IpAddr) -> &mut u32 {
        match address {
            IpAddr::V4(address) => &mut self.v4[usize::from(address.octets()[0])],
            IpAddr::V6(address) => &mut self.v6[usize::from(address.octets()[0])],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_that_contains_an_address_is_never_ruled_out() {
        let mut octets = Octets::default();
        octets.add("10.1.2.3".parse().unwrap());
        octets.add("2001:db8::1".parse().unwrap());
        let may = |octets: &Octets, prefix: &str| octets.may_be_in(prefix.parse().unwrap());
        for prefix in [
            "0.0.0.0/0",
            "10.0.0.0/8",
            "10.1.2.3/32",
            "::/0",
            "2001:db8::/32",
        ] {
            assert!(may(&octets, prefix), "{prefix}");
        }
        assert!(!may(&octets, "11.0.0.0/8"));
        assert!(!may(&octets, "2a00::/12"));
        octets.remove("10.1.2.3".parse().unwrap());
        assert!(!may(&octets, "10.0.0.0/8"));
    }
}
