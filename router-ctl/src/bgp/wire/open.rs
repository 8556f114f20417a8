//! OPEN (RFC 4271 §4.2, §6.2). Long optional parameters (RFC 9072) are read and never written; capabilities are
//! written in one parameter, without padding.

use std::net::Ipv4Addr;

use super::capability::Capability;
use super::error::WireError;
use super::header::MessageType;
use super::reader::Reader;
use super::writer;
use crate::bgp::types::{Asn, RouterId};

const VERSION: u8 = 4;
/// The only type of optional parameter in use (RFC 5492 §4).
const CAPABILITIES: u8 = 2;
/// Says that lengths have two octets (RFC 9072 §2).
const EXTENDED: u8 = 255;

/// An OPEN whose fields are sane by themselves: no AS 0, no identifier 0, no hold time of 1 or 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The two-octet field.
    pub my_as: u16,
    /// Seconds; 0 or at least 3.
    pub hold_time: u16,
    pub router_id: RouterId,
    pub capabilities: Vec<Capability>,
}

impl Open {
    /// The AS of the capability, or of the two-octet field (RFC 6793 §4.1).
    pub fn asn(&self) -> Asn {
        self.four_octet_as().unwrap_or(Asn(self.my_as.into()))
    }

    pub fn four_octet_as(&self) -> Option<Asn> {
        self.capabilities.iter().find_map(|capability| {
            if let Capability::FourOctetAs(asn) = capability {
                Some(*asn)
            } else {
                None
            }
        })
    }

    /// `body` is the message without its header.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        let overrun = || WireError::new(2, 0, &[], "optional parameters overrun the OPEN");
        let version = reader.u8().ok_or_else(overrun)?;
        if version != VERSION {
            let wanted = u16::from(VERSION).to_be_bytes();
            return Err(WireError::new(2, 1, &wanted, "version is not 4"));
        }
        let my_as = reader.u16().ok_or_else(overrun)?;
        let hold_time = reader.u16().ok_or_else(overrun)?;
        let router_id = Ipv4Addr::from(reader.array::<4>().ok_or_else(overrun)?);
        let capabilities = decode_parameters(&mut reader)?;
        let open = Self {
            my_as,
            hold_time,
            router_id: RouterId(router_id),
            capabilities,
        };
        if my_as == 0 || open.asn() == Asn(0) {
            return Err(WireError::new(2, 2, &[], "AS 0"));
        }
        if matches!(hold_time, 1 | 2) {
            return Err(WireError::new(2, 6, &[], "hold time of one or two seconds"));
        }
        if router_id.is_unspecified() {
            return Err(WireError::new(2, 3, &[], "BGP identifier 0"));
        }
        Ok(open)
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        writer::message(out, MessageType::Open, |out| {
            out.push(VERSION);
            out.extend_from_slice(&self.my_as.to_be_bytes());
            out.extend_from_slice(&self.hold_time.to_be_bytes());
            out.extend_from_slice(&self.router_id.0.octets());
            writer::length8(out, |out| {
                if !self.capabilities.is_empty() {
                    out.push(CAPABILITIES);
                    writer::length8(out, |out| {
                        self.capabilities.iter().for_each(|each| each.encode(out));
                    });
                }
            });
        });
    }
}

fn decode_parameters(reader: &mut Reader<'_>) -> Result<Vec<Capability>, WireError> {
    let overrun = || WireError::new(2, 0, &[], "optional parameters overrun the OPEN");
    let length = usize::from(reader.u8().ok_or_else(overrun)?);
    let extended = length != 0 && reader.rest().first() == Some(&EXTENDED);
    let length = if extended {
        reader.u8().ok_or_else(overrun)?;
        usize::from(reader.u16().ok_or_else(overrun)?)
    } else {
        length
    };
    if length != reader.rest().len() {
        return Err(overrun());
    }
    let mut capabilities = Vec::new();
    while !reader.is_empty() {
        let kind = reader.u8().ok_or_else(overrun)?;
        let length = if extended {
            reader.u16().map(usize::from)
        } else {
            reader.u8().map(usize::from)
        };
        let value = length
            .and_then(|length| reader.take(length))
            .ok_or_else(overrun)?;
        if kind != CAPABILITIES {
            return Err(WireError::new(2, 4, &[], "unknown optional parameter"));
        }
        let mut value = Reader::new(value);
        while !value.is_empty() {
            let code = value.u8().ok_or_else(overrun)?;
            let octets = value.u8().and_then(|length| value.take(length.into()));
            capabilities.push(Capability::decode(code, octets.ok_or_else(overrun)?));
        }
    }
    Ok(capabilities)
}

#[cfg(test)]
mod tests;
