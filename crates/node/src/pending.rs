//! Turns an answer of the reactor's into a call, on the thread that gives it.

use crate::environment::lock;
use millrace_park::{Sleeper, ThreadSleeper};
use millrace_reactor::Pending;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::time::{Duration, Instant};

struct When<T, F>(Mutex<Option<(Pending<T>, F)>>);

impl<T: Send + 'static, F: FnOnce(Option<T>) + Send + 'static> Wake for When<T, F> {
    fn wake(self: Arc<Self>) {
        let mut state = lock(&self.0);
        let Some((mut pending, done)) = state.take() else { return };
        match pending.look(&Waker::from(self.clone())) {
            Poll::Ready(answer) => {
                drop(state);
                done(answer);
            }
            Poll::Pending => *state = Some((pending, done)),
        }
    }
}

/// Calls `done` with the answer, or with `None` when the reactor ends without one.
pub(crate) fn when<T: Send + 'static>(pending: Pending<T>, done: impl FnOnce(Option<T>) + Send + 'static) {
    Arc::new(When(Mutex::new(Some((pending, done))))).wake();
}

/// Blocks the calling thread until the answer is there, `most` at most.
pub(crate) fn wait_at_most<T>(mut pending: Pending<T>, most: Duration) {
    let sleeper = ThreadSleeper::current();
    let waker = sleeper.waker();
    let until = Instant::now() + most;
    while pending.look(&waker).is_pending() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        sleeper.sleep(Some(left));
    }
}
