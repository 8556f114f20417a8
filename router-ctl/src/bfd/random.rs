//! Numbers drawn from a seed (SplitMix64), for discriminators and jitter: the same seed gives the same sequence.

use std::time::Duration;

#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// 75 to 100 % of `full`; 75 to 90 % when one lost packet ends the session (RFC 5880 §6.8.7).
    pub(super) fn jitter(&mut self, full: Duration, multiplier: u8) -> Duration {
        let spread = if multiplier <= 1 { 15 } else { 25 };
        let share = u32::try_from(self.draw() % 1024).unwrap_or(0);
        let above = (full / 100).saturating_mul(spread).saturating_mul(share) / 1023;
        full * 3 / 4 + above
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(multiplier: u8) -> (Duration, Duration) {
        let mut random = Random::new(7);
        let full = Duration::from_millis(100);
        let draws: Vec<_> = (0..10_000)
            .map(|_| random.jitter(full, multiplier))
            .collect();
        (
            draws.iter().min().copied().unwrap_or_default(),
            draws.iter().max().copied().unwrap_or_default(),
        )
    }

    #[test]
    fn jitter_takes_away_up_to_a_quarter_and_with_multiplier_one_at_least_a_tenth() {
        let millis = Duration::from_millis;
        assert_eq!(bounds(3), (millis(75), millis(100)));
        assert_eq!(bounds(1), (millis(75), millis(90)));
    }

    #[test]
    fn the_longest_interval_there_is_does_not_overflow() {
        let longest = Duration::from_micros(u64::from(u32::MAX));
        assert!(Random::new(1).jitter(longest, 255) <= longest);
    }
}
