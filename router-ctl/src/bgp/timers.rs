//! How long to wait (bgp-scope: timers). Pure: jitter is drawn from a seed, the time is an argument.

use std::time::Duration;

/// For the peer's OPEN (RFC 4271 §8.2.2 calls it a large value).
pub const OPEN_HOLD: Duration = Duration::from_secs(240);
/// Ceiling of the connect-retry back-off.
const CONNECT_RETRY_CEILING: Duration = Duration::from_secs(120);
/// First wait after a connection ended that was no error.
const RECONNECT: Duration = Duration::from_secs(1);
/// What the wait after an error doubles to.
const ERROR_WAIT_CEILING: Duration = Duration::from_secs(300);
/// A session that was up this long has proven itself.
pub const STABLE: Duration = Duration::from_secs(300);
/// RFC 9687 §3.
const SEND_HOLD: Duration = Duration::from_secs(480);

/// Numbers drawn from a seed: the same seed gives the same sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter {
    state: u64,
}

impl Jitter {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// 75 to 100 % of `full` (RFC 4271 §10).
    pub fn apply(&mut self, full: Duration) -> Duration {
        let share = u32::try_from(self.draw() % 256).unwrap_or(0);
        let quarter = full / 4;
        full.saturating_sub(quarter.saturating_mul(share) / 255)
    }

    /// SplitMix64.
    fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }
}

/// Until the next dial after `failures` refused ones in a row; `base` is the configured time.
pub fn connect_retry(base: Duration, failures: u32) -> Duration {
    doubled(base, CONNECT_RETRY_CEILING.max(base), failures)
}

/// Until the next dial after a connection came up and ended, `failures` times in a row.
pub fn reconnect(base: Duration, failures: u32) -> Duration {
    doubled(RECONNECT, CONNECT_RETRY_CEILING.max(base), failures)
}

/// After `errors` closes in a row that an error caused, the last one included; `first` is the configured time.
pub fn error_wait(first: Duration, errors: u32) -> Duration {
    doubled(
        first,
        ERROR_WAIT_CEILING.max(first),
        errors.saturating_sub(1),
    )
}

/// How long a peer may leave our bytes unread, unless it is configured.
pub fn send_hold(hold_time: Option<Duration>) -> Duration {
    SEND_HOLD.max(hold_time.unwrap_or_default().saturating_mul(2))
}

fn doubled(first: Duration, ceiling: Duration, times: u32) -> Duration {
    let factor = 1u32.checked_shl(times).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn jitter_stays_between_three_quarters_and_all() {
        let mut jitter = Jitter::new(7);
        let draws: Vec<_> = (0..10_000).map(|_| jitter.apply(seconds(30))).collect();
        assert!(
            draws
                .iter()
                .all(|draw| (seconds(22)..=seconds(30)).contains(draw))
        );
        assert!(draws.iter().any(|&draw| draw < seconds(23)));
        assert!(draws.iter().any(|&draw| draw > seconds(29)));
    }

    #[test]
    fn jitter_is_a_function_of_its_seed() {
        let sequence = |seed| {
            let mut jitter = Jitter::new(seed);
            [0; 8].map(|_| jitter.apply(seconds(30)))
        };
        assert_eq!(sequence(1), sequence(1));
        assert_ne!(sequence(1), sequence(2));
    }

    #[test]
    fn refused_dials_back_off_to_two_minutes() {
        let waits = [0, 1, 2, 3, 40].map(|failures| connect_retry(seconds(30), failures));
        assert_eq!(waits, [30, 60, 120, 120, 120].map(seconds));
        assert_eq!(connect_retry(seconds(300), 5), seconds(300));
    }

    #[test]
    fn errors_wait_longer_each_time_up_to_five_minutes() {
        let waits = |first| [1, 2, 3, 6, 7, 99].map(|errors| error_wait(seconds(first), errors));
        assert_eq!(waits(5), [5, 10, 20, 160, 300, 300].map(seconds));
        assert_eq!(waits(40), [40, 80, 160, 300, 300, 300].map(seconds));
        assert_eq!(waits(300), [300; 6].map(seconds));
    }

    #[test]
    fn send_hold_is_eight_minutes_or_twice_the_hold_time() {
        assert_eq!(send_hold(Some(seconds(90))), seconds(480));
        assert_eq!(send_hold(Some(seconds(600))), seconds(1200));
        assert_eq!(send_hold(None), seconds(480));
    }
}
