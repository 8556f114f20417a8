//! A peer of ours as it sees itself: reads messages and keeps what it was told. Written without our decoder, so
//! that both are not wrong in the same way.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::bgp::attributes::AttributesView;
use crate::bgp::types::{Family, NextHop, Nlri, PathAttributes, PathId};
use crate::bgp::wire::attribute::AttributeCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    EndOfRib(Family),
    BeginOfRefresh(Family),
    EndOfRefresh(Family),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Receiver {
    pub(super) table: BTreeMap<Nlri, PathAttributes>,
    pub(super) marks: Vec<Mark>,
    pub(super) messages: u32,
    /// Announcements that repeat what is known, and withdrawals of what is not.
    pub(super) needless: usize,
    /// Prefixes that were announced or withdrawn.
    pub(super) changed: usize,
    pub(super) withdrawn: usize,
    /// With path identifiers in both families.
    add_path: bool,
}

impl Receiver {
    pub(super) fn new(add_path: bool) -> Self {
        Self {
            add_path,
            ..Self::default()
        }
    }

    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while let Some((header, _)) = bytes.split_at_checked(19) {
            let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
            let (message, rest) = bytes.split_at(length);
            assert!(length <= 4096);
            self.messages += 1;
            match header[18] {
                2 => self.update(&message[19..]),
                5 => self.refresh(&message[19..]),
                other => panic!("message type {other}"),
            }
            bytes = rest;
        }
        assert!(bytes.is_empty());
    }

    fn refresh(&mut self, body: &[u8]) {
        let family = Family::from_codes(u16::from_be_bytes([body[0], body[1]]), body[3]).unwrap();
        self.marks.push(match body[2] {
            1 => Mark::BeginOfRefresh(family),
            2 => Mark::EndOfRefresh(family),
            other => panic!("refresh of kind {other}"),
        });
    }

    fn update(&mut self, body: &[u8]) {
        if body == [0; 4] {
            self.marks.push(Mark::EndOfRib(Family::Ipv4Unicast));
            return;
        }
        let (withdrawn, rest) = field(body);
        let (attributes, announced) = field(rest);
        for prefix in self.prefixes(Family::Ipv4Unicast, withdrawn) {
            self.withdraw(prefix);
        }
        let mut raw = Vec::new();
        let mut next_hop = None;
        let mut reached = Vec::new();
        for (code, flags, value) in AttributesView::new(attributes).iter() {
            match code {
                AttributeCode::NEXT_HOP => {
                    next_hop = Some(NextHop::V4(Ipv4Addr::from(
                        <[u8; 4]>::try_from(value).unwrap(),
                    )));
                }
                AttributeCode::MP_REACH_NLRI => {
                    let (address, rest) = value[4..].split_at(usize::from(value[3]));
                    next_hop = Some(NextHop::V6 {
                        global: Ipv6Addr::from(<[u8; 16]>::try_from(address).unwrap()),
                        link_local: None,
                    });
                    reached = self.prefixes(family(value), &rest[1..]);
                }
                AttributeCode::MP_UNREACH_NLRI => {
                    if value.len() == 3 {
                        self.marks.push(Mark::EndOfRib(family(value)));
                    }
                    for prefix in self.prefixes(family(value), &value[3..]) {
                        self.withdraw(prefix);
                    }
                }
                _ => {
                    assert!(value.len() < 256);
                    raw.extend([flags.0, code.0, u8::try_from(value.len()).unwrap()]);
                    raw.extend_from_slice(value);
                }
            }
        }
        reached.extend(self.prefixes(Family::Ipv4Unicast, announced));
        for prefix in reached {
            let told = PathAttributes {
                next_hop: next_hop.unwrap(),
                raw: raw.as_slice().into(),
            };
            self.changed += 1;
            let known = self.table.insert(prefix, told.clone());
            self.needless += usize::from(known == Some(told));
        }
    }

    fn withdraw(&mut self, prefix: Nlri) {
        self.changed += 1;
        self.withdrawn += 1;
        let known = self.table.remove(&prefix);
        self.needless += usize::from(known.is_none());
    }

    fn prefixes(&self, family: Family, mut bytes: &[u8]) -> Vec<Nlri> {
        let mut prefixes = Vec::new();
        while !bytes.is_empty() {
            let mut path_id = PathId(0);
            if self.add_path {
                let (id, rest) = bytes.split_at(4);
                path_id = PathId(u32::from_be_bytes(id.try_into().unwrap()));
                bytes = rest;
            }
            let (&length, rest) = bytes.split_first().unwrap();
            let (octets, rest) = rest.split_at(usize::from(length).div_ceil(8));
            let mut address = [0; 16];
            address[..octets.len()].copy_from_slice(octets);
            let prefix = match family {
                Family::Ipv4Unicast => {
                    let [a, b, c, d, ..] = address;
                    Ipv4Net::new([a, b, c, d].into(), length).unwrap().into()
                }
                Family::Ipv6Unicast => Ipv6Net::new(address.into(), length).unwrap().into(),
            };
            prefixes.push(Nlri { prefix, path_id });
            bytes = rest;
        }
        prefixes
    }
}

fn family(value: &[u8]) -> Family {
    Family::from_codes(u16::from_be_bytes([value[0], value[1]]), value[2]).unwrap()
}

/// A field with a length of two octets in front, and the rest.
fn field(bytes: &[u8]) -> (&[u8], &[u8]) {
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    bytes[2..].split_at(length)
}
