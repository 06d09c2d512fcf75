//! The suspension points: where a coroutine gives its worker to others, and where a cancel reaches it.

use crate::cancel;
use crate::context;
use crate::coroutine::Coroutine;
use crate::protocol::Resumed;
use std::thread;
use std::time::{Duration, Instant};

/// The running coroutine, or `None` when the caller is not one.
///
/// ```
/// use millrace_fiber::{Config, Scheduler, current};
/// let scheduler = Scheduler::new(Config { workers: 1, ..Config::default() })?;
/// assert_eq!(scheduler.spawn(|| current().unwrap().id()).join().unwrap(), 0);
/// assert!(current().is_none());
/// # std::io::Result::Ok(())
/// ```
#[must_use]
pub fn current() -> Option<Coroutine> {
    context::current(|frame| Coroutine { core: frame.core.clone() })
}

/// Lets the other ready coroutines of this worker run first. On a plain thread, [`std::thread::yield_now`].
///
/// A cancelled coroutine unwinds from here.
#[inline]
pub fn yield_now() {
    let inside = context::current(|frame| cancel::point(&frame.core, || frame.yield_now()));
    if inside.is_none() {
        thread::yield_now();
    }
}

/// Suspends the running coroutine until it is [unparked](Coroutine::unpark); returns at once when that has happened
/// since its last park. On a plain thread, [`std::thread::park`].
///
/// Everything here that waits (`join`, a [`Sleeper`](millrace_park::Sleeper)) is built on the same token, and may
/// leave one behind or use one up: call it in a loop around the condition waited for. A cancelled coroutine unwinds
/// from here.
///
/// ```
/// use millrace_fiber::{Config, Scheduler, park};
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering::{Acquire, Release}};
/// let scheduler = Scheduler::new(Config { workers: 1, ..Config::default() })?;
/// let ready = Arc::new(AtomicBool::new(false));
/// let seen = ready.clone();
/// let waiting = scheduler.spawn(move || while !seen.load(Acquire) { park() });
/// ready.store(true, Release);
/// waiting.coroutine().unpark();
/// waiting.join().unwrap();
/// # std::io::Result::Ok(())
/// ```
pub fn park() {
    if park_until(None).is_none() {
        thread::park();
    }
}

/// [`park`], for `timeout` at most. A timeout too large for the clock is none.
pub fn park_timeout(timeout: Duration) {
    if park_until(Instant::now().checked_add(timeout)).is_none() {
        thread::park_timeout(timeout);
    }
}

/// Suspends the running coroutine for at least `duration`; an unpark meanwhile does not end it, and is kept.
/// On a plain thread, [`std::thread::sleep`].
///
/// A cancelled coroutine unwinds from here.
pub fn sleep(duration: Duration) {
    let deadline = Instant::now().checked_add(duration);
    let mut kept = false;
    let mut over = false;
    while !over {
        match park_until(deadline) {
            None => return thread::sleep(duration),
            Some(Resumed::Notified) => kept = true,
            Some(Resumed::TimedOut) => {}
        }
        over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
    }
    if kept {
        context::current(|frame| frame.core.unpark());
    }
}

/// `None` on a plain thread.
fn park_until(deadline: Option<Instant>) -> Option<Resumed> {
    context::current(|frame| cancel::point(&frame.core, || frame.park(deadline)))
}
