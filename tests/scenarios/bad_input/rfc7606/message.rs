//! What rows are made of: who sends them, and UPDATEs put together octet by octet.

use std::net::{Ipv4Addr, Ipv6Addr};

use lab::topology::Spoke;

use crate::wire::{UPDATE, message, modern, open_with};
use crate::world::{ROUTER_AS, asn};

/// Who sends a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// eBGP, both families, AS numbers of four octets.
    External,
    /// iBGP, the same otherwise.
    Internal,
    /// eBGP, IPv4 alone, AS numbers of two octets.
    TwoOctets,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::External, Self::Internal, Self::TwoOctets];

    /// Which spoke of the star; the bystander is on the first, the internal listener on the last.
    pub(super) fn spoke(self) -> usize {
        1 + self as usize
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) kind: Kind,
    pub(super) asn: u32,
    pub(super) address: Ipv4Addr,
    pub(super) address_v6: Ipv6Addr,
    /// The router's own on the same link.
    pub(super) router: Ipv4Addr,
}

impl Peer {
    pub(super) fn new(kind: Kind, spoke: &Spoke) -> Self {
        let asn = match kind {
            Kind::Internal => ROUTER_AS,
            Kind::External | Kind::TwoOctets => asn(spoke),
        };
        Self {
            kind,
            asn,
            address: spoke.peer_v4(),
            address_v6: spoke.peer_v6(),
            router: spoke.router_v4(),
        }
    }

    /// An AS number as it writes them.
    pub(super) fn asn_octets(&self, asn: u32) -> Vec<u8> {
        match self.kind {
            Kind::TwoOctets => u16::try_from(asn).unwrap().to_be_bytes().to_vec(),
            Kind::External | Kind::Internal => asn.to_be_bytes().to_vec(),
        }
    }

    /// AS_PATH: one segment of a type.
    pub(super) fn segment(&self, kind: u8, ases: &[u32]) -> Vec<u8> {
        let mut octets = vec![kind, u8::try_from(ases.len()).unwrap()];
        octets.extend(ases.iter().flat_map(|&asn| self.asn_octets(asn)));
        octets
    }

    /// The AS_PATH of its good routes.
    pub(super) fn path(&self) -> Vec<u8> {
        match self.kind {
            Kind::Internal => self.segment(2, &[65077]),
            Kind::External | Kind::TwoOctets => self.segment(2, &[self.asn]),
        }
    }

    pub(super) fn open(&self) -> Vec<u8> {
        let capabilities = match self.kind {
            Kind::TwoOctets => vec![1, 4, 0, 1, 0, 1],
            Kind::External | Kind::Internal => modern(self.asn),
        };
        let asn = u16::try_from(self.asn).unwrap();
        // Hold time 0: nobody has to say that he lives.
        open_with(4, asn, 0, self.address.octets(), &capabilities)
    }
}

/// The prefix of a row, one in each family.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefix(pub(super) u16);

impl Prefix {
    pub(super) fn v4(self) -> [u8; 4] {
        let [high, low] = self.0.to_be_bytes();
        [24, 100, 64 + high, low]
    }

    pub(super) fn v6(self) -> [u8; 7] {
        let [high, low] = self.0.to_be_bytes();
        [48, 0x20, 0x01, 0x0d, 0xb8, high, low]
    }

    pub(super) fn text(self, family: Family) -> String {
        match family {
            Family::V4 => {
                let [_, a, b, c] = self.v4();
                format!("{a}.{b}.{c}.0/24")
            }
            Family::V6 => format!(
                "{}/48",
                Ipv6Addr::from([0x2001, 0xdb8, self.0, 0, 0, 0, 0, 0])
            ),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// Path attributes in order, each with its header.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes(Vec<(u8, Vec<u8>)>);

impl Attributes {
    /// ORIGIN, AS_PATH and NEXT_HOP, from iBGP LOCAL_PREF too.
    pub(super) fn good(peer: &Peer) -> Self {
        let own = Self::default()
            .and(0x40, 1, &[0])
            .and(0x40, 2, &peer.path())
            .and(0x40, 3, &peer.address.octets());
        match peer.kind {
            Kind::Internal => own.and(0x40, 5, &[0, 0, 0, 100]),
            Kind::External | Kind::TwoOctets => own,
        }
    }

    /// Adds one, even if it is there.
    pub(super) fn and(self, flags: u8, code: u8, value: &[u8]) -> Self {
        self.and_raw(code, encoded(flags, code, value))
    }

    pub(super) fn and_raw(mut self, code: u8, octets: Vec<u8>) -> Self {
        self.0.push((code, octets));
        self
    }

    /// Replaces one where it stands, or adds it.
    pub(super) fn with(mut self, flags: u8, code: u8, value: &[u8]) -> Self {
        match self.0.iter_mut().find(|(each, _)| *each == code) {
            Some((_, octets)) => {
                *octets = encoded(flags, code, value);
                self
            }
            None => self.and(flags, code, value),
        }
    }

    pub(super) fn without(mut self, code: u8) -> Self {
        self.0.retain(|(each, _)| *each != code);
        self
    }

    pub(super) fn octets(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|(_, octets)| octets.clone())
            .collect()
    }

    /// With the prefix in the classic field.
    pub(super) fn announce(&self, prefix: Prefix) -> Vec<u8> {
        update(&[], &self.octets(), &prefix.v4())
    }
}

/// One attribute; Extended Length in the flags decides how its length is written.
pub(super) fn encoded(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let mut octets = vec![flags, code];
    if flags & 0x10 == 0 {
        octets.push(u8::try_from(value.len()).unwrap());
    } else {
        octets.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    }
    octets.extend(value);
    octets
}

/// An UPDATE of these three fields.
pub(super) fn update(withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let length = |octets: &[u8]| u16::try_from(octets.len()).unwrap().to_be_bytes();
    let mut body = length(withdrawn).to_vec();
    body.extend(withdrawn);
    body.extend(length(attributes));
    body.extend(attributes);
    body.extend(nlri);
    message(UPDATE, &body)
}
