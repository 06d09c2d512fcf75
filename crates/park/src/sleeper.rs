//! What blocks: a thread here, a coroutine in the fiber crate.

use crate::sync::thread;
use std::task::Waker;
use std::time::Duration;

/// Something that can block where it stands and be woken from anywhere.
///
/// A wake that comes before the sleep makes that sleep return at once. Sleeps may return early: callers loop.
pub trait Sleeper {
    /// What wakes this sleeper, from any thread.
    fn waker(&self) -> Waker;
    /// Blocks until woken or until `timeout` has passed.
    fn sleep(&self, timeout: Option<Duration>);
    /// Lets others run: on this processor, or on this coroutine's worker, where a cancel reaches it.
    fn yield_now(&self) {
        thread::yield_now();
    }
}

/// The calling thread, blocked by the operating system. Costs nothing to make; its waker takes an allocation.
///
/// ```
/// use millrace_park::{Sleeper, ThreadSleeper};
/// let sleeper = ThreadSleeper::current();
/// let waker = sleeper.waker();
/// std::thread::spawn(move || waker.wake());
/// sleeper.sleep(None);
/// ```
#[derive(Debug)]
pub struct ThreadSleeper {
    /// `sleep` parks the calling thread, so it has to be the one the waker unparks.
    _not_send: std::marker::PhantomData<*const ()>,
}

struct Unpark(thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: std::sync::Arc<Self>) {
        self.0.unpark();
    }
    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        self.0.unpark();
    }
}

impl ThreadSleeper {
    /// The sleeper of the calling thread.
    #[must_use]
    pub fn current() -> Self {
        Self { _not_send: std::marker::PhantomData }
    }
}

impl Sleeper for ThreadSleeper {
    fn waker(&self) -> Waker {
        std::sync::Arc::new(Unpark(thread::current())).into()
    }

    fn sleep(&self, timeout: Option<Duration>) {
        match timeout {
            #[cfg(not(loom))]
            Some(timeout) => thread::park_timeout(timeout),
            _ => thread::park(),
        }
    }
}
