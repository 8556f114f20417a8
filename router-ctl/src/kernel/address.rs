//! Addresses: IPv4 and IPv6 interface addresses that can be used now.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage};

use super::table::Observation;
use crate::host::{Address, IfIndex};

/// An IPv6 address that is still being checked for duplicates, or that failed the check, is not ours to use
/// (RFC 4862 §5.4). The kernel reports it again, without the flag, once it is. A deprecated one still is ours.
pub(super) fn observe_new(message: &AddressMessage) -> Option<Observation> {
    let address = address(message)?;
    let unusable = AddressFlags::Tentative | AddressFlags::Dadfailed;
    if flags(message).intersects(unusable) && !flags(message).contains(AddressFlags::Optimistic) {
        Some(Observation::AddressGone(address))
    } else {
        Some(Observation::Address(address))
    }
}

pub(super) fn observe_deleted(message: &AddressMessage) -> Option<Observation> {
    address(message).map(Observation::AddressGone)
}

/// `IFA_LOCAL` is our address and `IFA_ADDRESS` the subnet's, or the far end's on a point-to-point link; where
/// they differ the prefix length belongs to the far end and ours is a host address.
fn address(message: &AddressMessage) -> Option<Address> {
    let mut local = None;
    let mut subnet = None;
    for attribute in &message.attributes {
        if let AddressAttribute::Local(ip) = attribute {
            local = Some(*ip);
        } else if let AddressAttribute::Address(ip) = attribute {
            subnet = Some(*ip);
        }
    }
    let ours = local.or(subnet)?;
    let length = match subnet {
        Some(far) if far != ours => host_length(ours),
        _ => message.header.prefix_len,
    };
    Some(Address {
        link: IfIndex(message.header.index),
        net: IpNet::new(ours, length).ok()?,
    })
}

fn host_length(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// The attribute carries all 32 flags, the header the first eight.
fn flags(message: &AddressMessage) -> AddressFlags {
    let header = AddressFlags::from_bits_retain(u32::from(message.header.flags.bits()));
    for attribute in &message.attributes {
        if let AddressAttribute::Flags(flags) = attribute {
            return *flags;
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u8, attributes: Vec<AddressAttribute>) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.index = 3;
        message.header.prefix_len = length;
        message.attributes = attributes;
        message
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn seen(net: &str) -> Address {
        Address {
            link: IfIndex(3),
            net: net.parse().unwrap(),
        }
    }

    #[test]
    fn the_host_bits_and_the_length_are_kept() {
        let v4 = message(
            24,
            vec![
                AddressAttribute::Address(ip("192.0.2.1")),
                AddressAttribute::Local(ip("192.0.2.1")),
            ],
        );
        assert_eq!(
            observe_new(&v4),
            Some(Observation::Address(seen("192.0.2.1/24")))
        );
        let v6 = message(64, vec![AddressAttribute::Address(ip("2001:db8::1"))]);
        assert_eq!(
            observe_new(&v6),
            Some(Observation::Address(seen("2001:db8::1/64")))
        );
        assert_eq!(
            observe_deleted(&v6),
            Some(Observation::AddressGone(seen("2001:db8::1/64")))
        );
    }

    #[test]
    fn a_point_to_point_address_is_ours_alone() {
        let message = message(
            24,
            vec![
                AddressAttribute::Address(ip("198.51.100.0")),
                AddressAttribute::Local(ip("192.0.2.1")),
            ],
        );
        assert_eq!(
            observe_new(&message),
            Some(Observation::Address(seen("192.0.2.1/32")))
        );
    }

    #[test]
    fn a_tentative_or_duplicate_address_is_not_ours_yet() {
        let with = |flags| {
            let attributes = vec![
                AddressAttribute::Address(ip("2001:db8::1")),
                AddressAttribute::Flags(flags),
            ];
            observe_new(&message(64, attributes))
        };
        let ours = Some(Observation::Address(seen("2001:db8::1/64")));
        let not_ours = Some(Observation::AddressGone(seen("2001:db8::1/64")));
        assert_eq!(with(AddressFlags::Tentative), not_ours);
        assert_eq!(
            with(AddressFlags::Tentative | AddressFlags::Dadfailed),
            not_ours
        );
        assert_eq!(with(AddressFlags::Permanent), ours);
        assert_eq!(with(AddressFlags::Deprecated), ours);
        assert_eq!(
            with(AddressFlags::Tentative | AddressFlags::Optimistic),
            ours
        );
    }

    #[test]
    fn a_length_beyond_the_address_is_ignored() {
        let message = message(33, vec![AddressAttribute::Local(ip("192.0.2.1"))]);
        assert_eq!(observe_new(&message), None);
    }
}
