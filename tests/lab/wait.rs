//! Waiting for a condition, with a deadline and with words for what is awaited. Tests never sleep otherwise.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);

/// Asks until there is an answer; panics at the deadline. `what` completes "waited 5s in vain for …".
#[track_caller]
pub fn until<T>(what: &str, deadline: Duration, ask: impl FnMut() -> Option<T>) -> T {
    match try_until(what, deadline, ask) {
        Ok(answer) => answer,
        Err(error) => panic!("{error}"),
    }
}

/// [`until`] with an error instead of a panic.
pub fn try_until<T>(
    what: &str,
    deadline: Duration,
    mut ask: impl FnMut() -> Option<T>,
) -> Result<T> {
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        // Asked once more after the deadline, so that a slow `ask` is not held against the condition.
        let late = start.elapsed() >= deadline;
        if let Some(answer) = ask() {
            return Ok(answer);
        }
        if late {
            bail!("waited {deadline:?} in vain for {what}");
        }
        thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_returned_as_soon_as_there_is_one() {
        let mut asked = 0;
        let answer = until("the third question", Duration::from_secs(5), || {
            asked += 1;
            (asked == 3).then_some(asked)
        });
        assert_eq!(answer, 3);
    }

    #[test]
    #[should_panic(expected = "waited 10ms in vain for a blue moon")]
    fn a_missed_deadline_says_what_was_awaited() {
        until("a blue moon", Duration::from_millis(10), || None::<()>);
    }
}
