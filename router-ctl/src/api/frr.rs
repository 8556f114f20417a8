//! Bodies in the shapes of FRR's JSON: key names, nesting and value types are FRR's, so that what reads FRR
//! reads us. Keys that FRR does not have are additions; no key is renamed.

pub mod bfd;
pub mod neighbor;
pub mod path;
pub mod policy;
pub mod route;
pub mod summary;

use std::time::Duration;

use crate::bgp::types::Family;

/// FRR's key of a family.
pub fn family_key(family: Family) -> &'static str {
    match family {
        Family::Ipv4Unicast => "ipv4Unicast",
        Family::Ipv6Unicast => "ipv6Unicast",
    }
}

/// Times as FRR writes them: `00:00:12` below a day, then `3d04h05m`, then `02w3d04h`.
pub fn uptime(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    if days == 0 {
        format!("{hours:02}:{:02}:{:02}", minutes % 60, seconds % 60)
    } else if days < 7 {
        format!("{days}d{:02}h{:02}m", hours % 24, minutes % 60)
    } else {
        format!("{:02}w{}d{:02}h", days / 7, days % 7, hours % 24)
    }
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Words of a peer, which may contain anything, for people to read.
pub(crate) fn escaped(text: &str) -> String {
    text.escape_debug().to_string()
}

/// For keys that appear only when true.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's skip_serializing_if passes a reference"
)]
pub(crate) fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_in_frr() {
        for (seconds, text) in [
            (0, "00:00:00"),
            (3_725, "01:02:05"),
            (86_399, "23:59:59"),
            (90_000, "1d01h00m"),
            (604_800, "01w0d00h"),
            (2_000_000, "03w2d03h"),
        ] {
            assert_eq!(uptime(Duration::from_secs(seconds)), text);
        }
    }
}
