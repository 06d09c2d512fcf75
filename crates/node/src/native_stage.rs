//! Native work on a stage of a ring: a coroutine that answers when it has ended, and ends when it is told to.

use crate::completion::Completion;
use crate::environment::Environment;
use millrace_fiber::{Cancelled, JoinHandle, Scheduler};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Weak};

/// A coroutine that has a stage open. Dropping it lets the coroutine run on.
pub(crate) struct NativeStage {
    coroutine: JoinHandle<()>,
    detached: Arc<AtomicBool>,
}

impl NativeStage {
    /// Runs `work`, which holds the stage. `call` is answered when the work has ended, or with `CLOSED` when the
    /// scheduler ended first.
    pub(crate) fn run(
        scheduler: &Scheduler,
        environment: &Arc<Environment>,
        call: u32,
        work: impl FnOnce() + Send + 'static,
    ) -> Self {
        let detached = Arc::new(AtomicBool::new(false));
        let environment = Arc::downgrade(environment);
        let answer = Answer { environment, call, code: Some("CLOSED"), detached: detached.clone() };
        Self { coroutine: scheduler.spawn(move || answer.after(work)), detached }
    }

    /// Ends work whose environment lets go of the ring, and waits until its stages are given back: for a turn of each
    /// coroutine that is ready on the same worker, at most.
    pub(crate) fn end_all(stages: impl IntoIterator<Item = Self>) {
        let cancel = |stage: Self| {
            stage.detached.store(true, SeqCst);
            stage.coroutine.cancel();
            stage.coroutine
        };
        // All are told before the first is waited for, so that they end in the same round.
        for coroutine in stages.into_iter().map(cancel).collect::<Vec<_>>() {
            // How it ended, it has answered.
            let _ = coroutine.join();
        }
    }
}

/// Answers a call when it is dropped, so that a coroutine answers however it ends: also one that was cancelled, or never
/// began because its scheduler was shut down.
struct Answer {
    environment: Weak<Environment>,
    call: u32,
    code: Option<&'static str>,
    /// Cancelled by a detach, which is an end as good as the ring's.
    detached: Arc<AtomicBool>,
}

impl Answer {
    /// Does the work, and answers once all that it held is given back.
    fn after(mut self, work: impl FnOnce()) {
        self.code = match catch_unwind(AssertUnwindSafe(work)) {
            Ok(()) => None,
            Err(cause) if cause.is::<Cancelled>() => Some("CLOSED"),
            Err(_panic) => Some("INTERNAL"),
        };
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let Some(environment) = self.environment.upgrade() else { return };
        let code = self.code.filter(|code| *code != "CLOSED" || !self.detached.load(SeqCst)).map(str::to_owned);
        environment.completions.answer(Completion { call: self.call, code, ..Completion::default() });
    }
}
