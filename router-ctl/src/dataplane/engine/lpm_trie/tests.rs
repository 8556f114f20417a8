use std::cell::{Cell, RefCell};

use super::*;

/// Runs `length` elements of which `bad` fail in a batch and `worse` alone too; returns what was written and
/// what was reported.
fn run(length: usize, bad: &[usize], worse: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let written = RefCell::new(Vec::new());
    let mut failed = Vec::new();
    in_batches(
        length,
        |from, to| {
            let stop = (from..to).find(|at| bad.contains(at));
            written.borrow_mut().extend(from..stop.unwrap_or(to));
            match stop {
                Some(at) => Err(Stopped { done: at - from }),
                None => Ok(()),
            }
        },
        |at| {
            if worse.contains(&at) {
                return Err(io::Error::from_raw_os_error(libc::ENOSPC));
            }
            written.borrow_mut().push(at);
            Ok(())
        },
        |at, error| {
            assert!(is(&error, libc::ENOSPC));
            failed.push(at);
        },
    );
    (written.into_inner(), failed)
}

#[test]
fn every_element_is_written_once_in_order() {
    let all: Vec<usize> = (0..3 * BATCH + 7).collect();
    assert_eq!(run(all.len(), &[], &[]), (all, Vec::new()));
}

#[test]
fn an_element_that_stops_a_batch_is_tried_alone_and_the_rest_goes_on() {
    let (written, failed) = run(BATCH + 10, &[0, 5, BATCH - 1, BATCH + 9], &[5]);
    let expected: Vec<usize> = (0..BATCH + 10).filter(|&at| at != 5).collect();
    assert_eq!((written, failed), (expected, vec![5]));
}

#[test]
fn want_of_a_moment_is_waited_out_and_want_of_room_is_not() {
    let attempt_until = |code: i32, succeed_at: u32| {
        let attempts = Cell::new(0);
        let result = patiently(|| {
            attempts.set(attempts.get() + 1);
            if attempts.get() == succeed_at {
                Ok(())
            } else {
                Err(io::Error::from_raw_os_error(code))
            }
        });
        (result.is_ok(), attempts.get())
    };
    assert_eq!(attempt_until(libc::ENOMEM, 4), (true, 4));
    assert_eq!(attempt_until(libc::EBUSY, u32::MAX), (false, ATTEMPTS));
    assert_eq!(attempt_until(libc::ENOSPC, 4), (false, 1));
}

#[test]
fn keys_turn_back_into_prefixes() {
    for text in ["0.0.0.0/0", "192.0.2.1/32", "198.51.100.0/24"] {
        let net: Ipv4Net = text.parse().expect("a prefix");
        assert_eq!(PrefixV4::from(net).net(), Some(IpNet::V4(net)));
    }
    let net: Ipv6Net = "2001:db8::/32".parse().expect("a prefix");
    assert_eq!(PrefixV6::from(net).net(), Some(IpNet::V6(net)));
    let damaged = PrefixV4 {
        length: 33,
        address: [0; 4],
    };
    assert_eq!(damaged.net(), None);
}
