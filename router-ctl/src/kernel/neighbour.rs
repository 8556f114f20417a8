//! Neighbours: ARP and ND entries read, and the ones the router needs kept resolved.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourExtFlags, NeighbourFlags, NeighbourMessage,
    NeighbourState as Nud,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::KernelError;
use super::socket::RouteSocket;
use super::table::Observation;
use crate::host::{IfIndex, MacAddress, NeighbourKey, NeighbourState};

pub(super) fn observe_new(message: &NeighbourMessage) -> Option<Observation> {
    let key = key(message)?;
    let state = if has_usable_mac(message.header.state) {
        NeighbourState::Reachable(unicast_mac(message)?)
    } else if message.header.state == Nud::Failed {
        NeighbourState::Failed
    } else {
        NeighbourState::Incomplete
    };
    Some(Observation::Neighbour(key, state))
}

/// A stale entry forwards too, until probing it has failed (RFC 4861 §7.3).
fn has_usable_mac(state: Nud) -> bool {
    matches!(
        state,
        Nud::Reachable | Nud::Stale | Nud::Delay | Nud::Probe | Nud::Permanent | Nud::Noarp
    )
}

pub(super) fn observe_deleted(message: &NeighbourMessage) -> Option<Observation> {
    key(message).map(Observation::NeighbourGone)
}

/// `None` for bridge forwarding entries, proxy entries, and the entries the kernel keeps for multicast.
fn key(message: &NeighbourMessage) -> Option<NeighbourKey> {
    let proxy = message.header.flags.contains(NeighbourFlags::Proxy);
    let address = message.attributes.iter().find_map(destination)?;
    let unicast = !address.is_multicast() && !address.is_unspecified();
    (unicast && !proxy).then_some(NeighbourKey {
        link: IfIndex(message.header.ifindex),
        address,
    })
}

fn destination(attribute: &NeighbourAttribute) -> Option<IpAddr> {
    let NeighbourAttribute::Destination(address) = attribute else {
        return None;
    };
    if let NeighbourAddress::Inet(ip) = address {
        Some(IpAddr::V4(*ip))
    } else if let NeighbourAddress::Inet6(ip) = address {
        Some(IpAddr::V6(*ip))
    } else {
        None
    }
}

/// Broadcast entries carry a group MAC, entries on devices without an Ethernet header none or zero.
fn unicast_mac(message: &NeighbourMessage) -> Option<MacAddress> {
    let mac = message.attributes.iter().find_map(link_layer_address)?;
    let group = mac[0] & 1 == 1;
    (!group && mac != [0; 6]).then_some(MacAddress(mac))
}

fn link_layer_address(attribute: &NeighbourAttribute) -> Option<[u8; 6]> {
    let NeighbourAttribute::LinkLayerAddress(bytes) = attribute else {
        return None;
    };
    bytes.as_slice().try_into().ok()
}

/// Makes the kernel resolve neighbours and keep them resolved while only XDP uses them.
///
/// Each kept entry is written with two flags at once: `NTF_EXT_MANAGED` (Linux 5.16), which makes the kernel probe it
/// for good, and `NTF_USE`, which probes it once and is what an older kernel understands.
/// [`refresh`](Self::refresh) writes them again: an older kernel needs it to keep them fresh, every kernel
/// needs it to get back what it dropped when a link went down.
#[derive(Debug)]
pub struct Neighbours {
    socket: tokio::sync::Mutex<RouteSocket>,
    kept: Mutex<BTreeSet<NeighbourKey>>,
}

impl Neighbours {
    /// Opens the socket in the calling thread's network namespace. Needs a tokio runtime.
    pub fn open() -> Result<Self, KernelError> {
        Ok(Self {
            socket: tokio::sync::Mutex::new(RouteSocket::open("keep neighbours", &[])?),
            kept: Mutex::default(),
        })
    }

    /// Resolves `key` and keeps it fresh until [`forget`](Self::forget). An error does not undo the wish:
    /// [`refresh`](Self::refresh) tries again. Repeating the call is harmless.
    pub async fn keep(&self, key: NeighbourKey) -> Result<(), KernelError> {
        self.kept().insert(key);
        self.probe(key).await
    }

    /// Leaves `key` to the kernel again, which lets it age.
    pub async fn forget(&self, key: NeighbourKey) -> Result<(), KernelError> {
        self.kept().remove(&key);
        let what = format!("stop keeping neighbour {}", words(key));
        if self.is_static(key).await? {
            return Ok(());
        }
        let release = write(key, NeighbourExtFlags::empty());
        match self.request(release, NLM_F_REPLACE, &what).await {
            Err(KernelError::Refused { source, .. }) if is_gone(&source) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Writes all kept entries again; call it every ten seconds and when a link has come up. Goes through all
    /// of them and returns what failed.
    pub async fn refresh(&self) -> Vec<(NeighbourKey, KernelError)> {
        let kept: Vec<NeighbourKey> = self.kept().iter().copied().collect();
        let mut failed = Vec::new();
        for key in kept {
            if let Err(error) = self.probe(key).await {
                failed.push((key, error));
            }
        }
        failed
    }

    async fn probe(&self, key: NeighbourKey) -> Result<(), KernelError> {
        if self.is_static(key).await? {
            return Ok(());
        }
        let what = format!("keep neighbour {}", words(key));
        let keep = write(key, NeighbourExtFlags::Managed);
        self.request(keep, NLM_F_CREATE | NLM_F_REPLACE, &what)
            .await
            .map(|_| ())
    }

    /// An entry that someone set by hand needs no keeping, and our write would make it a learnt one.
    async fn is_static(&self, key: NeighbourKey) -> Result<bool, KernelError> {
        let mut get = entry(key);
        get.header.flags = NeighbourFlags::empty();
        let what = format!("look up neighbour {}", words(key));
        let asked = RouteNetlinkMessage::GetNeighbour(get);
        let answers = match self.request(asked, 0, &what).await {
            Err(KernelError::Refused { source, .. }) if is_gone(&source) => return Ok(false),
            other => other?,
        };
        Ok(answers.iter().any(is_static_entry))
    }

    async fn request(
        &self,
        message: RouteNetlinkMessage,
        flags: u16,
        what: &str,
    ) -> Result<Vec<RouteNetlinkMessage>, KernelError> {
        self.socket.lock().await.request(message, flags, what).await
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, BTreeSet<NeighbourKey>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_static_entry(answer: &RouteNetlinkMessage) -> bool {
    let RouteNetlinkMessage::NewNeighbour(message) = answer else {
        return false;
    };
    matches!(message.header.state, Nud::Permanent | Nud::Noarp)
}

fn is_gone(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV))
}

/// State `NONE` with `NTF_USE` leaves the entry's state alone and sends it to resolution if it needs any.
fn write(key: NeighbourKey, extended: NeighbourExtFlags) -> RouteNetlinkMessage {
    let mut message = entry(key);
    message.header.flags = NeighbourFlags::Use;
    if !extended.is_empty() {
        message
            .attributes
            .push(NeighbourAttribute::ExtFlags(extended));
    }
    RouteNetlinkMessage::NewNeighbour(message)
}

fn entry(key: NeighbourKey) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.ifindex = key.link.0;
    message.header.state = Nud::None;
    let (family, address) = match key.address {
        IpAddr::V4(ip) => (AddressFamily::Inet, NeighbourAddress::Inet(ip)),
        IpAddr::V6(ip) => (AddressFamily::Inet6, NeighbourAddress::Inet6(ip)),
    };
    message.header.family = family;
    message
        .attributes
        .push(NeighbourAttribute::Destination(address));
    message
}

fn words(key: NeighbourKey) -> String {
    format!("{} on interface number {}", key.address, key.link.0)
}

#[cfg(test)]
mod tests;
