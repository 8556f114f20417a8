//! A detection time of 150 ms does not go with waiting for a processor behind the decoding of a full table.

use tracing::debug;

/// The least of the real-time priorities: above all that is not real-time.
const FIFO_PRIORITY: i32 = 1;
const NICE: i32 = -10;

/// Makes the calling thread real-time, or at least nice −10; where neither is allowed it runs as it is.
pub(super) fn raise() {
    // SAFETY: `sched_param` is a struct of integers, for which zero is a value.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = FIFO_PRIORITY;
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: 0 names the calling thread, and `parameters` lives through the call, which only reads it.
    if unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) } == 0 {
        return;
    }
    let refused = std::io::Error::last_os_error();
    // SAFETY: takes numbers only; 0 names the calling thread (setpriority(2), "C library/kernel differences").
    if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) } == 0 {
        debug!("BFD is not scheduled in real time ({refused}); it runs with nice {NICE}");
    } else {
        debug!("BFD runs with the priority of everything else: {refused}");
    }
}
