//! When to advertise on which link (RFC 4861 §6.2.4, §6.2.6): at once, then about every ten seconds, and soon
//! after a solicitation. Pure: the time is an argument.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::bgp::timers::Jitter;
use crate::host::IfIndex;

/// Until the next advertisement; jitter takes up to a quarter of it away.
const EVERY: Duration = Duration::from_secs(10);
/// MAX_RA_DELAY_TIME: how long an answer to a solicitation waits at most, so that several have one answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// MIN_DELAY_BETWEEN_RAS
const APART: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Schedule {
    links: BTreeMap<IfIndex, Times>,
    jitter: Jitter,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    last: Option<Instant>,
    next: Instant,
}

/// The first advertisement on a link goes with a solicitation: whoever is there need not be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    First,
    Later,
}

impl Schedule {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            links: BTreeMap::new(),
            jitter: Jitter::new(seed),
        }
    }

    /// These are all; those that are new are due at once.
    pub(super) fn set_links(&mut self, links: &[IfIndex], now: Instant) {
        self.links.retain(|link, _| links.contains(link));
        for link in links {
            let due = Times {
                last: None,
                next: now,
            };
            self.links.entry(*link).or_insert(due);
        }
    }

    pub(super) fn has(&self, link: IfIndex) -> bool {
        self.links.contains_key(&link)
    }

    pub(super) fn solicited(&mut self, link: IfIndex, now: Instant) {
        let delay = self.jitter.apply(ANSWER_WITHIN);
        if let Some(times) = self.links.get_mut(&link) {
            let allowed = times.last.map_or(now, |last| last + APART);
            times.next = times.next.min((now + delay).max(allowed));
        }
    }

    /// The links whose time has come, and whether it is their first; each has its next one.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(IfIndex, Turn)> {
        let mut due = Vec::new();
        for (link, times) in &mut self.links {
            if times.next <= now {
                let turn = if times.last.is_none() {
                    Turn::First
                } else {
                    Turn::Later
                };
                due.push((*link, turn));
                times.last = Some(now);
                times.next = now + self.jitter.apply(EVERY);
            }
        }
        due
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.links.values().map(|times| times.next).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: IfIndex = IfIndex(3);
    const OTHER: IfIndex = IfIndex(4);

    #[test]
    fn a_new_link_is_due_at_once_and_then_about_every_ten_seconds() {
        let mut now = Instant::now();
        let mut schedule = Schedule::new(1);
        assert_eq!(schedule.poll_timeout(), None);
        schedule.set_links(&[LINK], now);
        for round in 0..100 {
            let turn = if round == 0 { Turn::First } else { Turn::Later };
            assert_eq!(schedule.poll_timeout().map(|next| next <= now), Some(true));
            assert_eq!(schedule.due(now), [(LINK, turn)]);
            assert_eq!(schedule.due(now), []);
            let next = schedule.poll_timeout().unwrap();
            let wait = next - now;
            assert!(
                (Duration::from_millis(7500)..=EVERY).contains(&wait),
                "{wait:?}"
            );
            now = next;
        }
    }

    #[test]
    fn a_link_that_stays_keeps_its_time() {
        let now = Instant::now();
        let mut schedule = Schedule::new(1);
        schedule.set_links(&[LINK], now);
        schedule.due(now);
        schedule.set_links(&[LINK, OTHER], now);
        assert_eq!(schedule.due(now), [(OTHER, Turn::First)]);
        schedule.set_links(&[OTHER], now);
        assert!(schedule.has(OTHER) && !schedule.has(LINK));
    }

    #[test]
    fn solicitations_are_answered_soon_but_not_each() {
        let start = Instant::now();
        let mut schedule = Schedule::new(1);
        schedule.set_links(&[LINK], start);
        schedule.due(start);
        schedule.solicited(LINK, start + Duration::from_secs(1));
        assert_eq!(schedule.poll_timeout(), Some(start + APART));
        schedule.due(start + APART);
        let asked = start + APART * 2;
        for _ in 0..10 {
            schedule.solicited(LINK, asked);
        }
        let answer = schedule.poll_timeout().unwrap();
        assert!(answer > asked && answer <= asked + ANSWER_WITHIN);
        assert_eq!(schedule.due(answer), [(LINK, Turn::Later)]);
        schedule.solicited(OTHER, asked);
        assert!(!schedule.has(OTHER), "not one of ours");
    }
}
