//! Native work on a stage of a ring: a coroutine that answers when it has ended, and ends when it is told to.

use crate::completion::Completion;
use crate::environment::Environment;
use crate::failure::failure;
use millrace_fiber::{Cancelled, JoinHandle, Scheduler};
use millrace_park::Failure;
use millrace_ring::Ring;
use millrace_ring::typed::OnError;
use napi_derive::napi;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How native work ended, or what one event of it came to; what it failed by, in words.
pub(crate) type Outcome = Result<(), String>;

/// What is done when the work fails on an event.
#[napi(object)]
pub struct StagePolicy {
    /// The stage's name.
    pub stage: String,
    /// `stop`, `skip` or `retry`.
    pub on_error: String,
    pub attempts: f64,
    /// Milliseconds.
    pub backoff: f64,
    /// Whether each event that is passed over is told.
    pub tells: bool,
}

impl StagePolicy {
    pub(crate) fn on_error(&self) -> napi::Result<OnError> {
        match self.on_error.as_str() {
            "stop" => Ok(OnError::Stop),
            "skip" => Ok(OnError::Skip),
            "retry" => Ok(OnError::Retry {
                // Saturates.
                attempts: self.attempts as u32,
                backoff: Duration::try_from_secs_f64(self.backoff / 1000.0).unwrap_or(Duration::MAX),
            }),
            other => Err(failure("INVALID_ARGUMENT", format_args!("no policy is called {other}"))),
        }
    }
}

/// A coroutine that has a stage open. Dropping it lets the coroutine run on.
pub(crate) struct NativeStage {
    coroutine: JoinHandle<()>,
    detached: Arc<AtomicBool>,
}

/// What native work is done for.
pub(crate) struct Caller {
    environment: Weak<Environment>,
    call: u32,
}

impl Caller {
    pub(crate) fn new(environment: &Arc<Environment>, call: u32) -> Self {
        Self { environment: Arc::downgrade(environment), call }
    }

    /// Tells that an event was passed over.
    pub(crate) fn tell_skipped(&self, message: String, number: u64) {
        let numbers = vec![number as f64];
        self.tell(Completion { interim: true, message: Some(message), numbers, ..Completion::default() });
    }

    fn tell(&self, completion: Completion) {
        let Some(environment) = self.environment.upgrade() else { return };
        environment.completions.answer(Completion { call: self.call, ..completion });
    }
}

impl NativeStage {
    /// Runs `work` on what has the stage open. The caller is answered when the work has ended, or with `CLOSED` when the
    /// scheduler ended first; work that fails, or panics, fails the ring.
    pub(crate) fn run<C: Send + 'static>(
        scheduler: &Scheduler,
        caller: Arc<Caller>,
        ring: Ring,
        stage: String,
        consumer: C,
        work: impl FnOnce(&mut C) -> Outcome + Send + 'static,
    ) -> Self {
        let detached = Arc::new(AtomicBool::new(false));
        let answer = Answer { caller, code: Some("CLOSED"), message: None, detached: detached.clone() };
        let fail = move |message| {
            ring.fail_by(Failure { part: stage, message, details: Vec::new() });
        };
        Self { coroutine: scheduler.spawn(move || answer.after(consumer, work, fail)), detached }
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
    caller: Arc<Caller>,
    code: Option<&'static str>,
    message: Option<String>,
    /// Cancelled by a detach, which is an end as good as the ring's.
    detached: Arc<AtomicBool>,
}

impl Answer {
    /// Does the work, and answers once all that it held is given back.
    fn after<C>(mut self, mut consumer: C, work: impl FnOnce(&mut C) -> Outcome, fail: impl FnOnce(String)) {
        let outcome = match catch_unwind(AssertUnwindSafe(|| work(&mut consumer))) {
            Err(cause) if cause.is::<Cancelled>() => return,
            Err(panic) => Err(panic_message(&*panic)),
            Ok(outcome) => outcome,
        };
        self.code = None;
        if let Err(message) = outcome {
            self.code = Some("INTERNAL");
            self.message = Some(message.clone());
            fail(message);
        }
        // Behind the failure, so that nobody opens the stage and fails by the same event.
        drop(consumer);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let code = self.code.filter(|code| *code != "CLOSED" || !self.detached.load(SeqCst)).map(str::to_owned);
        self.caller.tell(Completion { code, message: self.message.take(), ..Completion::default() });
    }
}

/// Does work on one event, whose panic is a failure of that event.
pub(crate) fn caught(work: impl FnOnce() -> Outcome) -> Outcome {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panic_message(&*panic)))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked").to_owned()
}
