//! Communities: standard (RFC 1997), extended (RFC 4360), large (RFC 8092). On the wire they are lists, in
//! meaning they are sets: our canonical form is sorted and without duplicates.

use std::borrow::Cow;
use std::fmt;

/// A standard community: `65001:100`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u32);

impl Community {
    pub const GRACEFUL_SHUTDOWN: Self = Self(0xffff_0000);
    pub const ACCEPT_OWN: Self = Self(0xffff_0001);
    pub const LLGR_STALE: Self = Self(0xffff_0006);
    pub const NO_LLGR: Self = Self(0xffff_0007);
    pub const BLACKHOLE: Self = Self(0xffff_029a);
    pub const NO_EXPORT: Self = Self(0xffff_ff01);
    pub const NO_ADVERTISE: Self = Self(0xffff_ff02);
    pub const NO_EXPORT_SUBCONFED: Self = Self(0xffff_ff03);
    pub const NO_PEER: Self = Self(0xffff_ff04);

    const NAMES: [(Self, &'static str); 9] = [
        (Self::GRACEFUL_SHUTDOWN, "graceful-shutdown"),
        (Self::ACCEPT_OWN, "accept-own"),
        (Self::LLGR_STALE, "llgr-stale"),
        (Self::NO_LLGR, "no-llgr"),
        (Self::BLACKHOLE, "blackhole"),
        (Self::NO_EXPORT, "no-export"),
        (Self::NO_ADVERTISE, "no-advertise"),
        (Self::NO_EXPORT_SUBCONFED, "local-as"),
        (Self::NO_PEER, "no-peer"),
    ];

    /// The name of a well-known community.
    pub fn name(self) -> Option<&'static str> {
        Self::NAMES
            .iter()
            .find_map(|&(community, name)| (community == self).then_some(name))
    }
}

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{}:{}", self.0 >> 16, self.0 & 0xffff),
        }
    }
}

/// A large community: `global:local1:local2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity(pub [u32; 3]);

impl LargeCommunity {
    pub fn from_octets(octets: [u8; 12]) -> Self {
        let (words, _) = octets.as_chunks::<4>();
        let mut values = words.iter().map(|word| u32::from_be_bytes(*word));
        Self(std::array::from_fn(|_| values.next().unwrap_or_default()))
    }

    pub fn octets(self) -> [u8; 12] {
        let mut octets = [0; 12];
        octets.copy_from_slice(self.0.map(u32::to_be_bytes).as_flattened());
        octets
    }
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([global, first, second]) = self;
        write!(f, "{global}:{first}:{second}")
    }
}

/// An extended community as its eight octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtendedCommunity(pub [u8; 8]);

impl ExtendedCommunity {
    /// Bit 6 of the type: not passed on to another AS (RFC 4360 §2).
    pub fn is_transitive(self) -> bool {
        let [kind, ..] = self.0;
        kind & 0x40 == 0
    }
}

/// Route targets and origins by name, everything else as its octets.
impl fmt::Display for ExtendedCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [kind, subtype, a, b, c, d, e, g] = self.0;
        let name = match subtype {
            2 => "rt",
            3 => "soo",
            _ => return write!(f, "0x{:016x}", u64::from_be_bytes(self.0)),
        };
        match kind & 0x3f {
            0 => {
                let (global, local) = (u16::from_be_bytes([a, b]), [c, d, e, g]);
                write!(f, "{name}:{global}:{}", u32::from_be_bytes(local))
            }
            1 => write!(f, "{name}:{a}.{b}.{c}.{d}:{}", u16::from_be_bytes([e, g])),
            2 => {
                let (global, local) = (u32::from_be_bytes([a, b, c, d]), [e, g]);
                write!(f, "{name}:{global}:{}", u16::from_be_bytes(local))
            }
            _ => write!(f, "0x{:016x}", u64::from_be_bytes(self.0)),
        }
    }
}

/// The members of `octets`, `N` octets each, sorted and once.
pub(super) fn canonical_set<const N: usize>(octets: &[u8]) -> Cow<'_, [u8]> {
    let (members, _) = octets.as_chunks::<N>();
    if members.is_sorted_by(|a, b| a < b) {
        return Cow::Borrowed(members.as_flattened());
    }
    let mut sorted = members.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    Cow::Owned(sorted.as_flattened().to_vec())
}
