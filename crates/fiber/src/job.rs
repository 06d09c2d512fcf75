//! A coroutine's closure, and the place of its result.

use crate::cancel::Cancelled;
use crate::coroutine::Core;
use crate::protocol::Completion;
use std::any::Any;
use std::cell::UnsafeCell;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Waker;
use std::thread;

/// The side of a job that runs it. Each method is called at most once, by whoever holds the [`Unstarted`].
pub(crate) trait Job: Send + Sync {
    /// Runs the closure and keeps what comes of it; a panic stops here.
    ///
    /// # Safety
    /// The caller alone runs or refuses this job, once.
    unsafe fn run(&self);

    /// Drops the closure without running it, and keeps `error`.
    ///
    /// # Safety
    /// As for `run`.
    unsafe fn refuse(&self, error: Box<dyn Any + Send>);

    /// Hands the result over and wakes the joiner.
    ///
    /// # Safety
    /// After `run` or `refuse`, once, by the same caller.
    unsafe fn publish(&self);
}

/// The joiner's side of a job.
pub(crate) trait Outcome<T>: Send + Sync {
    fn is_done(&self) -> bool;

    /// Leaves the waker that `publish` uses; false when it is done already.
    ///
    /// # Safety
    /// At most once, by the only joiner.
    unsafe fn wait(&self, waker: Waker) -> bool;

    /// The result.
    ///
    /// # Safety
    /// Once, by the only joiner, after `is_done` has said true.
    unsafe fn take(&self) -> thread::Result<T>;
}

enum Stage<F, T> {
    Closure(F),
    Result(thread::Result<T>),
    Taken,
}

/// Both sides in one allocation.
pub(crate) struct Task<F, T> {
    /// The runner's until `publish`, the joiner's after.
    stage: UnsafeCell<Stage<F, T>>,
    /// The joiner's until `wait` has said true, the runner's after.
    waker: UnsafeCell<Option<Waker>>,
    completion: Completion,
}

// SAFETY: `F` and `T` are moved between threads, never shared: `completion` says whose `stage` and `waker` are.
unsafe impl<F: Send, T: Send> Sync for Task<F, T> {}

impl<F, T> Task<F, T> {
    pub(crate) fn new(closure: F) -> Self {
        Self {
            stage: UnsafeCell::new(Stage::Closure(closure)),
            waker: UnsafeCell::new(None),
            completion: Completion::new(),
        }
    }
}

impl<F, T> Job for Task<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    unsafe fn run(&self) {
        // SAFETY: by contract we are the only runner, and the joiner does not look before `publish`. The reference ends
        // before the closure is called.
        let stage = mem::replace(unsafe { &mut *self.stage.get() }, Stage::Taken);
        let Stage::Closure(closure) = stage else { unreachable!("a job runs once") };
        // Nothing of the closure is looked at after a panic, so that it cannot be seen half-changed.
        let result = catch_unwind(AssertUnwindSafe(closure));
        // SAFETY: as above.
        unsafe { *self.stage.get() = Stage::Result(result) };
    }

    unsafe fn refuse(&self, error: Box<dyn Any + Send>) {
        // SAFETY: as in `run`.
        let stage = mem::replace(unsafe { &mut *self.stage.get() }, Stage::Result(Err(error)));
        contain(|| drop(stage));
    }

    unsafe fn publish(&self) {
        if self.completion.finish() {
            // SAFETY: `finish` said that the joiner has left its waker to us.
            let waker = unsafe { &mut *self.waker.get() }.take();
            if let Some(waker) = waker {
                contain(|| waker.wake());
            }
        }
    }
}

impl<F, T> Outcome<T> for Task<F, T>
where
    F: Send,
    T: Send,
{
    fn is_done(&self) -> bool {
        self.completion.is_done()
    }

    unsafe fn wait(&self, waker: Waker) -> bool {
        // SAFETY: by contract the only joiner, for the first time: the runner does not look before `wait` succeeds.
        unsafe { *self.waker.get() = Some(waker) };
        self.completion.wait()
    }

    unsafe fn take(&self) -> thread::Result<T> {
        // SAFETY: by contract the only joiner, and done: the runner has let go of it.
        match mem::replace(unsafe { &mut *self.stage.get() }, Stage::Taken) {
            Stage::Result(result) => result,
            _ => unreachable!("a result is taken once"),
        }
    }
}

/// A coroutine that has not had a turn: what queues hold and workers steal. Has no stack yet.
pub(crate) struct Unstarted {
    pub(crate) core: Arc<Core>,
    pub(crate) job: Arc<dyn Job>,
}

impl Unstarted {
    /// Ends it without a turn.
    pub(crate) fn refuse(self, error: Box<dyn Any + Send>) {
        self.core.state.finish();
        // SAFETY: `self` is the right to run this job, and is consumed.
        unsafe {
            self.job.refuse(error);
            self.job.publish();
        }
        contain(|| drop(self.job));
    }

    pub(crate) fn cancel(self) {
        self.refuse(Box::new(Cancelled));
    }
}

/// Calls code of the user's that must not end us: a panic in it is dropped, and a payload that panics is leaked.
pub(crate) fn contain(call: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(call))
        && let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(payload)))
    {
        mem::forget(payload);
    }
}
