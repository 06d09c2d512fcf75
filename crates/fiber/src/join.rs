//! Waiting for the end of a coroutine.

use crate::coroutine::{Core, Coroutine};
use crate::job::Outcome;
use crate::sleeper::current_sleeper;
use millrace_park::Sleeper;
use std::fmt;
use std::sync::Arc;
use std::thread;

/// The right to wait for a coroutine and to take its result. Dropping it lets the coroutine run on by itself.
///
/// ```
/// use millrace_fiber::{Config, Scheduler};
/// let scheduler = Scheduler::new(Config { workers: 1, ..Config::default() })?;
/// let sum = scheduler.spawn(|| (1..=10).sum::<u32>());
/// assert_eq!(sum.join().unwrap(), 55);
/// # std::io::Result::Ok(())
/// ```
pub struct JoinHandle<T> {
    pub(crate) outcome: Arc<dyn Outcome<T>>,
    pub(crate) core: Arc<Core>,
}

impl<T> JoinHandle<T> {
    /// Waits for the coroutine to end, and gives what its closure returned.
    ///
    /// Callable from coroutines of any scheduler, which give their worker to others meanwhile, and from plain threads,
    /// which block.
    ///
    /// # Errors
    /// What the closure panicked with. [`Cancelled`](crate::Cancelled) when the coroutine was cancelled, or its scheduler shut
    /// down, before it ended; a [`StackError`](crate::StackError) when there was no memory for its stack.
    ///
    /// # Panics
    /// A waiting coroutine that is cancelled itself unwinds from here.
    pub fn join(self) -> thread::Result<T> {
        if !self.outcome.is_done() {
            let sleeper = current_sleeper();
            // SAFETY: `join` consumes the handle, which is the only one: we are the only joiner, and come here once.
            if unsafe { self.outcome.wait(sleeper.waker()) } {
                while !self.outcome.is_done() {
                    sleeper.sleep(None);
                }
            }
        }
        // SAFETY: as above; and it is done, as `is_done` or a `wait` that failed have said.
        unsafe { self.outcome.take() }
    }

    /// True once [`join`](Self::join) returns without waiting.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.outcome.is_done()
    }

    /// Ends the coroutine: where it waits, or at its next suspension ([`park`](crate::park), [`sleep`](crate::sleep),
    /// [`yield_now`](crate::yield_now), a join, a [`Sleeper`]) it unwinds, its destructors run, and nothing is printed.
    /// One that has not started never will. One that neither suspends nor ends runs on.
    ///
    /// While its thread unwinds, a suspension does not: destructors that run by a panic or a cancel can wait. A
    /// destructor that runs in ordinary course and waits can be unwound from.
    pub fn cancel(&self) {
        self.core.cancel();
    }

    /// The coroutine, to unpark it by.
    #[must_use]
    pub fn coroutine(&self) -> Coroutine {
        Coroutine { core: self.core.clone() }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("JoinHandle")
            .field("coroutine", &self.coroutine())
            .field("done", &self.is_done())
            .finish_non_exhaustive()
    }
}
