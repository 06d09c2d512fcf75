//! How a producer waits for room.

use super::core::Access;
use super::yielding::Yielding;
use crate::claim::ClaimError;
use crate::layout::OPEN;
use crate::sequence::{distance, slowest_sink};
use millrace_park::Sleeper;
use std::time::{Duration, Instant};

/// Waits until `n` slots behind `position` are free, the ring takes no more events, or the time is up.
pub(super) fn wait<E>(
    access: &Access<E>,
    seat: u32,
    sleeper: &impl Sleeper,
    yielding: &mut Yielding,
    n: u32,
    timeout: Option<Duration>,
    position: impl Fn() -> u32,
) -> Result<(), ClaimError> {
    let capacity = access.mask + 1;
    if n > capacity {
        return Err(ClaimError::TooLarge);
    }
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let open = || access.state() == OPEN;
    let held = |gate: u32| distance(gate, position()) > (capacity - n).cast_signed();
    yielding.begins();
    loop {
        if !open() {
            return Err(access.refusal());
        }
        if access.free(position()) >= n {
            yielding.ends();
            return Ok(());
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(ClaimError::Full);
        }
        if yielding.goes_on() {
            sleeper.yield_now();
            continue;
        }
        access.core.memory.producers().set(seat, sleeper.waker());
        let arm = |cell: &crate::layout::Cell| cell.producers.arm(seat);
        let disarm = |cell: &crate::layout::Cell| cell.producers.disarm(seat);
        if !access.arm(|| slowest_sink(&access.view), arm, disarm, held, || !open()) {
            sleeper.sleep(left);
        }
    }
}

/// Tries until there is something or an error, with what is left of the time: who waited for room may find it gone.
pub(super) fn keep_trying<T>(
    timeout: Option<Duration>,
    mut attempt: impl FnMut(Option<Duration>) -> Result<Option<T>, ClaimError>,
) -> Result<T, ClaimError> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if let Some(done) = attempt(left)? {
            return Ok(done);
        }
    }
}
