//! Capabilities (RFC 5492). One that is unknown or of a wrong length is kept as bytes and has no effect.

use std::fmt;

use super::reader::Reader;
use super::writer;
use crate::bgp::types::{Asn, Family};

/// One capability of an OPEN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Capability {
    /// RFC 4760.
    MultiProtocol {
        afi: u16,
        safi: u8,
    },
    /// RFC 2918.
    RouteRefresh,
    /// RFC 8950.
    ExtendedNextHop(Vec<ExtendedNextHop>),
    /// RFC 8654.
    ExtendedMessage,
    /// RFC 4724, RFC 8538.
    GracefulRestart {
        restarting: bool,
        notification: bool,
        /// Seconds, twelve bits.
        restart_time: u16,
        families: Vec<GracefulFamily>,
    },
    /// RFC 6793.
    FourOctetAs(Asn),
    /// RFC 7911.
    AddPath(Vec<AddPath>),
    /// RFC 7313.
    EnhancedRefresh,
    /// Name and domain of the host, only shown.
    Fqdn {
        host: String,
        domain: String,
    },
    /// Only shown.
    SoftwareVersion(String),
    Other {
        code: u8,
        value: Vec<u8>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedNextHop {
    pub afi: u16,
    pub safi: u16,
    pub next_hop_afi: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GracefulFamily {
    pub afi: u16,
    pub safi: u8,
    pub forwarding_kept: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddPath {
    pub afi: u16,
    pub safi: u8,
    pub receive: bool,
    pub send: bool,
}

impl Capability {
    pub fn multi_protocol(family: Family) -> Self {
        let (afi, safi) = family.codes();
        Self::MultiProtocol { afi, safi }
    }

    pub fn code(&self) -> u8 {
        match self {
            Self::MultiProtocol { .. } => 1,
            Self::RouteRefresh => 2,
            Self::ExtendedNextHop(_) => 5,
            Self::ExtendedMessage => 6,
            Self::GracefulRestart { .. } => 64,
            Self::FourOctetAs(_) => 65,
            Self::AddPath(_) => 69,
            Self::EnhancedRefresh => 70,
            Self::Fqdn { .. } => 73,
            Self::SoftwareVersion(_) => 75,
            Self::Other { code, .. } => *code,
        }
    }

    pub(super) fn decode(code: u8, value: &[u8]) -> Self {
        Self::known(code, value).unwrap_or_else(|| Self::Other {
            code,
            value: value.to_vec(),
        })
    }

    /// `None` for a code that we do not know and for a length that does not suit it.
    fn known(code: u8, value: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(value);
        let capability = match code {
            1 => {
                let (afi, _reserved, safi) = (reader.u16()?, reader.u8()?, reader.u8()?);
                Self::MultiProtocol { afi, safi }
            }
            2 => Self::RouteRefresh,
            5 => Self::ExtendedNextHop(list(&mut reader, |reader| {
                Some(ExtendedNextHop {
                    afi: reader.u16()?,
                    safi: reader.u16()?,
                    next_hop_afi: reader.u16()?,
                })
            })?),
            6 => Self::ExtendedMessage,
            64 => {
                let word = reader.u16()?;
                Self::GracefulRestart {
                    restarting: word & 0x8000 != 0,
                    notification: word & 0x4000 != 0,
                    restart_time: word & 0x0fff,
                    families: list(&mut reader, |reader| {
                        Some(GracefulFamily {
                            afi: reader.u16()?,
                            safi: reader.u8()?,
                            forwarding_kept: reader.u8()? & 0x80 != 0,
                        })
                    })?,
                }
            }
            65 => Self::FourOctetAs(Asn(reader.u32()?)),
            69 => Self::AddPath(list(&mut reader, |reader| {
                let (afi, safi, mode) = (reader.u16()?, reader.u8()?, reader.u8()?);
                Some(AddPath {
                    afi,
                    safi,
                    receive: matches!(mode, 1 | 3),
                    send: matches!(mode, 2 | 3),
                })
            })?),
            70 => Self::EnhancedRefresh,
            73 => Self::Fqdn {
                host: text(&mut reader)?,
                domain: text(&mut reader)?,
            },
            75 => Self::SoftwareVersion(text(&mut reader)?),
            _ => return None,
        };
        reader.is_empty().then_some(capability)
    }

    pub(in crate::bgp) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.code());
        writer::length8(out, |out| self.encode_value(out));
    }

    fn encode_value(&self, out: &mut Vec<u8>) {
        match self {
            Self::MultiProtocol { afi, safi } => {
                out.extend_from_slice(&afi.to_be_bytes());
                out.extend_from_slice(&[0, *safi]);
            }
            Self::RouteRefresh | Self::ExtendedMessage | Self::EnhancedRefresh => {}
            Self::ExtendedNextHop(entries) => {
                for entry in entries {
                    let words = [entry.afi, entry.safi, entry.next_hop_afi].map(u16::to_be_bytes);
                    out.extend_from_slice(words.as_flattened());
                }
            }
            Self::GracefulRestart {
                restarting,
                notification,
                restart_time,
                families,
            } => {
                let flags = u16::from(*restarting) << 15 | u16::from(*notification) << 14;
                out.extend_from_slice(&(flags | restart_time & 0x0fff).to_be_bytes());
                for entry in families {
                    out.extend_from_slice(&entry.afi.to_be_bytes());
                    out.extend_from_slice(&[entry.safi, u8::from(entry.forwarding_kept) << 7]);
                }
            }
            Self::FourOctetAs(asn) => out.extend_from_slice(&asn.0.to_be_bytes()),
            Self::AddPath(entries) => {
                for entry in entries {
                    let mode = u8::from(entry.receive) | u8::from(entry.send) << 1;
                    out.extend_from_slice(&entry.afi.to_be_bytes());
                    out.extend_from_slice(&[entry.safi, mode]);
                }
            }
            Self::Fqdn { host, domain } => {
                writer::length8(out, |out| out.extend_from_slice(host.as_bytes()));
                writer::length8(out, |out| out.extend_from_slice(domain.as_bytes()));
            }
            Self::SoftwareVersion(version) => {
                writer::length8(out, |out| out.extend_from_slice(version.as_bytes()));
            }
            Self::Other { value, .. } => out.extend_from_slice(value),
        }
    }
}

/// For operators: `multiprotocol ipv6-unicast`. Text of the peer is escaped.
impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MultiProtocol { afi, safi } => match Family::from_codes(*afi, *safi) {
                Some(family) => write!(f, "multiprotocol {family}"),
                None => write!(f, "multiprotocol {afi}/{safi}"),
            },
            Self::RouteRefresh => f.write_str("route-refresh"),
            Self::ExtendedNextHop(_) => f.write_str("extended-nexthop"),
            Self::ExtendedMessage => f.write_str("extended-message"),
            Self::GracefulRestart { .. } => f.write_str("graceful-restart"),
            Self::FourOctetAs(_) => f.write_str("four-octet-as"),
            Self::AddPath(_) => f.write_str("add-path"),
            Self::EnhancedRefresh => f.write_str("enhanced-route-refresh"),
            Self::Fqdn { host, domain } if domain.is_empty() => {
                write!(f, "fqdn {}", host.escape_debug())
            }
            Self::Fqdn { host, domain } => {
                write!(f, "fqdn {}.{}", host.escape_debug(), domain.escape_debug())
            }
            Self::SoftwareVersion(version) => {
                write!(f, "software-version {}", version.escape_debug())
            }
            Self::Other { code, .. } => match code {
                9 => f.write_str("role"),
                67 => f.write_str("dynamic-capability"),
                71 => f.write_str("long-lived-graceful-restart"),
                76 => f.write_str("paths-limit"),
                128 => f.write_str("old-route-refresh"),
                1 | 2 | 5 | 6 | 64 | 65 | 69 | 70 | 73 | 75 => {
                    write!(f, "capability {code} of a wrong length")
                }
                code => write!(f, "capability {code}"),
            },
        }
    }
}

fn list<'a, T>(
    reader: &mut Reader<'a>,
    mut entry: impl FnMut(&mut Reader<'a>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut entries = Vec::new();
    while !reader.is_empty() {
        entries.push(entry(reader)?);
    }
    Some(entries)
}

fn text(reader: &mut Reader<'_>) -> Option<String> {
    let length = reader.u8()?;
    let octets = reader.take(length.into())?;
    Some(String::from_utf8_lossy(octets).into_owned())
}
