//! IPv4 header arithmetic: the Internet checksum (RFC 1071) and its update for one hop (RFC 1624).
//!
//! A one's complement sum does not depend on byte order: words may be added as the machine loads them, and
//! the folded result is in that same order.

/// A header without options, in bytes.
pub const HEADER_LENGTH: usize = 20;

/// What the words of a header, checksum included, fold to when none of them is damaged.
pub const INTACT: u16 = 0xffff;

/// Folds a sum of 16- or 32-bit words into 16 bits with end-around carry.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the carries are folded in")]
pub const fn fold(sum: u64) -> u16 {
    let sum = (sum & 0xffff_ffff) + (sum >> 32);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

/// The sum of a header without options, as five 32-bit words in machine order.
#[inline(always)]
pub const fn sum(words: [u32; HEADER_LENGTH / 4]) -> u64 {
    words[0] as u64 + words[1] as u64 + words[2] as u64 + words[3] as u64 + words[4] as u64
}

/// The checksum of a header whose TTL has just gone down by one; `checksum` is the one before.
///
/// RFC 1624 equation 3, HC' = ~(~HC + ~m + m'), where m is the word that holds the TTL in its upper byte:
/// m' = m − 0x0100, so ~m + m' is 0xfeff whatever the TTL. Unlike RFC 1141's form it never yields 0xffff.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the carry is folded in")]
pub const fn decrement_ttl(checksum: u16) -> u16 {
    let sum = !checksum as u32 + 0xfeff;
    !(((sum & 0xffff) + (sum >> 16)) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "the carries are folded in")]
    /// The checksum by the book: the complement of the folded sum of big-endian words, itself taken as zero.
    fn recompute(sum_of_the_rest: u32, ttl: u8, identification: u16) -> u16 {
        let mut sum = sum_of_the_rest + (u32::from(ttl) << 8) + u32::from(identification);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    const HEADER: [u8; 20] = [
        0x45, 0, 0, 84, 0, 0, 0x40, 0, 0, 6, 0, 0, 192, 0, 2, 1, 198, 51, 100, 7,
    ];

    fn sum_of_the_rest() -> u32 {
        let words = HEADER.chunks(2).map(|pair| [pair[0], pair[1]]);
        words.map(|word| u32::from(u16::from_be_bytes(word))).sum()
    }

    #[test]
    fn every_ttl_and_checksum_pair_agrees_with_a_full_recomputation() {
        let rest = sum_of_the_rest();
        for ttl in 1..=u8::MAX {
            // The identification runs over all values, and with it the checksum: every canonical one is met.
            let mut met = vec![false; 1 << 16];
            for identification in 0..=u16::MAX {
                let before = recompute(rest, ttl, identification);
                let after = recompute(rest, ttl - 1, identification);
                met[before as usize] = true;
                assert_eq!(decrement_ttl(before), after, "{ttl} {before:#06x}");
                if before == 0 {
                    // 0xffff is the other name of zero; it verifies too, and must come out canonical.
                    assert_eq!(decrement_ttl(0xffff), after, "{ttl} 0xffff");
                }
            }
            assert!(met[..0xffff].iter().all(|&met| met), "{ttl}");
        }
    }

    #[test]
    fn an_intact_header_folds_to_all_ones_in_machine_order_and_a_damaged_one_does_not() {
        for identification in 0..=u16::MAX {
            let mut header = HEADER;
            let checksum = recompute(sum_of_the_rest(), 0, identification);
            header[4..6].copy_from_slice(&identification.to_be_bytes());
            header[10..12].copy_from_slice(&checksum.to_be_bytes());
            assert_eq!(fold(sum(bytemuck::cast(header))), INTACT);
            header[19] ^= 1;
            assert_ne!(fold(sum(bytemuck::cast(header))), INTACT);
        }
    }

    #[test]
    fn folding_keeps_every_carry() {
        assert_eq!(fold(u64::MAX), 0xffff);
        assert_eq!(fold(0x0001_0000), 1);
        assert_eq!(fold(0xffff_ffff_0000_0001), 1);
    }
}
