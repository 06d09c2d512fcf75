//! Ending a ring and waiting until it is empty.

use super::core::{Access, Core};
use crate::join::exact_wraps;
use crate::layout::{CLOSING, Cell, FAILED};
use crate::sequence::{distance, slowest_sink};
use crate::stamps::{given_up_between, published_behind};
use millrace_park::sync::Arc;
use millrace_park::sync::atomic::Ordering::Acquire;
use millrace_park::{CLOSERS, Crowd, Sleeper};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Waker;
use std::time::{Duration, Instant};

/// What has become of a closed ring's events, see [`Ring::close_within`](super::Ring::close_within).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed {
    /// Events that every stage has consumed.
    pub consumed: u64,
    /// Events that were published, and some stage has not consumed: also those behind a claim that is still open, but not
    /// those of the claim.
    pub abandoned: u64,
}

/// One who waits for the end, until this is dropped: a coroutine may be cancelled where it sleeps.
struct Waiting<'a> {
    closers: &'a Crowd,
    key: u64,
}

impl<'a> Waiting<'a> {
    /// Known by a number of its own: two may be woken by the same waker.
    fn begin(closers: &'a Crowd, waker: Waker) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let key = NEXT.fetch_add(1, Relaxed);
        closers.add(key, waker);
        Self { closers, key }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.closers.remove(|key| key == self.key);
    }
}

/// Closes a ring, and waits until nothing is left in it, `timeout` at most.
pub(super) fn close<E>(core: &Arc<Core<E>>, sleeper: &impl Sleeper, timeout: Option<Duration>) -> Closed {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    core.end(CLOSING);
    let access = Access::new(core.clone());
    let waiting = Waiting::begin(core.memory.closers(), sleeper.waker());
    // All stages are upstream of the last ones. What holds up the end beside them wakes everybody when it is over.
    let last = || {
        access.help();
        slowest_sink(&access.view)
    };
    let arm = |cell: &Cell| cell.consumers.arm(CLOSERS);
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
        let ready = u64::from(left(access, slowest, cursor));
        // Those behind the cursor wait for a claim that is still open.
        let behind = given_up_between(view, cursor, view.claim.ledger.sequence()).into();
        let abandoned = ready + u64::from(published_behind(view, cursor));
        let published = (u64::from(exact_wraps(view, cursor)) << 32) + u64::from(cursor) - u64::from(core.start);
        let now = look();
        if now == found {
            let consumed = published.saturating_sub(given_up.saturating_sub(behind) + ready);
            return Closed { consumed, abandoned };
        }
        found = now;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Waiting;
    use millrace_park::{CLOSERS, Crowd, WakerTable};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::task::{Wake, Waker};

    #[derive(Default)]
    struct Wakes(AtomicU32);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn two_who_are_woken_by_one_waker_wait_each_for_itself() {
        let table = WakerTable::new();
        let crowd = Crowd::behind(&table, CLOSERS);
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let (first, _second) = (Waiting::begin(&crowd, waker.clone()), Waiting::begin(&crowd, waker));
        drop(first);
        table.wake(1 << CLOSERS);
        assert_eq!(wakes.0.load(Relaxed), 1);
    }
}
