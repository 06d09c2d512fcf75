//! Ending a ring and waiting until it is empty.

use super::core::{Access, Core};
use crate::join::exact_wraps;
use crate::layout::{CLOSING, Cell, FAILED};
use crate::sequence::{distance, slowest_sink};
use crate::stamps::given_up_between;
use millrace_park::Sleeper;
use millrace_park::sync::atomic::Ordering::Acquire;
use millrace_park::sync::{Arc, Mutex, lock};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

/// What has become of a closed ring's events, see [`Ring::close_within`](super::Ring::close_within).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// Events that every stage has consumed.
    pub consumed: u64,
    /// Events that were accepted, and some stage has not consumed.
    pub abandoned: u64,
}

/// The bit of a sleepers word that no consumer has: it stands for all who wait for the end.
const CLOSER: u32 = 31;

/// Who waits for a ring's end. The bit they share is woken for all of them, and none takes it back: another may be
/// armed by it.
#[derive(Debug, Default)]
pub(crate) struct Closers(Mutex<Vec<Waker>>);

impl Wake for Closers {
    fn wake(self: std::sync::Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        lock(&self.0).iter().for_each(Waker::wake_by_ref);
    }
}

/// One of them, until this is dropped: a coroutine may be cancelled where it sleeps.
struct Waiting<'a> {
    closers: &'a Closers,
    waker: Waker,
}

impl<'a> Waiting<'a> {
    fn begin(closers: &'a Closers, waker: Waker) -> Self {
        lock(&closers.0).push(waker.clone());
        Self { closers, waker }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.closers.0).retain(|other| !other.will_wake(&self.waker));
    }
}

/// Closes a ring, and waits until nothing is left in it, `timeout` at most.
pub(super) fn close<E>(core: &Arc<Core<E>>, sleeper: &impl Sleeper, timeout: Option<Duration>) -> Closed {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    core.end(CLOSING);
    let access = Access::new(core.clone());
    core.memory.consumers().set(CLOSER, core.closers.clone().into());
    let waiting = Waiting::begin(&core.closers, sleeper.waker());
    // All stages are upstream of the last ones. What holds up the end beside them wakes everybody when it is over.
    let last = || {
        access.help();
        slowest_sink(&access.view)
    };
    let arm = |cell: &Cell| cell.consumers.arm(CLOSER);
    while !access.arm(last, arm, |_| (), |_| !is_over(&access), || false) {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            break;
        }
        sleeper.sleep(left);
    }
    drop(waiting);
    take_stock(&access)
}

/// Whether a closed ring will not change any more: all that was accepted is consumed, or nobody consumes the rest.
fn is_over<E>(access: &Access<E>) -> bool {
    let cursor = access.view.cursor.value.load(Acquire);
    access.ended(cursor) && (access.state() == FAILED || left(access, slowest_sink(&access.view).1, cursor) == 0)
}

/// Events between two sequences: what producers gave up there is nobody's.
fn left<E>(access: &Access<E>, slowest: u32, cursor: u32) -> u32 {
    let between = distance(slowest, cursor).max(0).cast_unsigned();
    between.saturating_sub(given_up_between(&access.view, slowest, cursor))
}

/// Counts again while a stage moves on, which it does no oftener than there are events left.
fn take_stock<E>(access: &Access<E>) -> Closed {
    let Access { view, core, .. } = access;
    access.help();
    let look = || (slowest_sink(view).1, view.cursor.value.load(Acquire), core.given_up.load(Acquire));
    let mut found = look();
    loop {
        let (slowest, cursor, given_up) = found;
        let abandoned = left(access, slowest, cursor).into();
        // Those behind the cursor wait for a claim that is still open.
        let behind = given_up_between(view, cursor, view.claim.ledger.sequence()).into();
        let published = (u64::from(exact_wraps(view, cursor)) << 32) + u64::from(cursor) - u64::from(core.start);
        let now = look();
        if now == found {
            let consumed = published.saturating_sub(given_up.saturating_sub(behind) + abandoned);
            return Closed { consumed, abandoned };
        }
        found = now;
    }
}
