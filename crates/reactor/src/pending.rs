//! An answer that another thread will give.

use millrace_park::sync::lock;
use millrace_park::{Sleeper, ThreadSleeper};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    waker: Option<Waker>,
    /// Nobody is there any more who could answer.
    closed: bool,
}

/// What the reactor will answer: wait for it, await it, or look now and then.
///
/// Should the reactor end before it has answered, the answer is `None`.
#[derive(Debug)]
pub struct Pending<T> {
    state: Arc<Mutex<State<T>>>,
}

/// The other end: gives the answer once. Dropped without one, it answers with `None`.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    state: Arc<Mutex<State<T>>>,
}

/// A question and who answers it.
pub(crate) fn pending<T>() -> (Answer<T>, Pending<T>) {
    let state = Arc::new(Mutex::new(State { value: None, waker: None, closed: false }));
    (Answer { state: state.clone() }, Pending { state })
}

impl<T> Answer<T> {
    pub(crate) fn give(self, value: T) {
        lock(&self.state).value = Some(value);
    }
}

impl<T> Drop for Answer<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = lock(&self.state);
            state.closed = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Pending<T> {
    /// Blocks the calling thread until the answer is there; `None` when the reactor has ended.
    #[must_use = "an answer is given once"]
    pub fn wait(mut self) -> Option<T> {
        let sleeper = ThreadSleeper::current();
        let waker = sleeper.waker();
        loop {
            if let Poll::Ready(answer) = self.look(&waker) {
                return answer;
            }
            sleeper.sleep(None);
        }
    }

    /// The answer if it is there; otherwise `waker` is called when it is. The waker must only make something
    /// runnable: it is called on the reactor's thread.
    pub fn look(&mut self, waker: &Waker) -> Poll<Option<T>> {
        let mut state = lock(&self.state);
        if let Some(value) = state.value.take() {
            return Poll::Ready(Some(value));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.waker = Some(waker.clone());
        Poll::Pending
    }
}

impl<T> Future for Pending<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        self.look(context.waker())
    }
}
