//! Lets whatever waits through the park crate wait in a coroutine.

use crate::context;
use crate::coroutine::Coroutine;
use crate::suspend;
use millrace_park::{Sleeper, ThreadSleeper};
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// The running coroutine as a [`Sleeper`]: it gives its worker to others while it waits.
///
/// `sleep` is a suspension point: a cancelled coroutine unwinds from it, so who waits has to leave its shared state in
/// order by destructors.
#[derive(Debug)]
pub struct CoroutineSleeper {
    coroutine: Coroutine,
    /// `sleep` suspends the coroutine that calls it, and a coroutine stays on its thread.
    _not_send: PhantomData<*const ()>,
}

impl CoroutineSleeper {
    /// The sleeper of the running coroutine, or `None` when the caller is not one.
    #[must_use]
    pub fn current() -> Option<Self> {
        suspend::current().map(|coroutine| Self { coroutine, _not_send: PhantomData })
    }
}

impl Sleeper for CoroutineSleeper {
    fn waker(&self) -> Waker {
        self.coroutine.waker()
    }

    /// # Panics
    /// When called by another coroutine than the one it was made in: the wake would go astray.
    fn sleep(&self, timeout: Option<Duration>) {
        let ours = context::current(|frame| Arc::ptr_eq(&frame.core, &self.coroutine.core));
        assert_eq!(ours, Some(true), "a CoroutineSleeper sleeps in the coroutine it was made in");
        match timeout {
            Some(timeout) => suspend::park_timeout(timeout),
            None => suspend::park(),
        }
    }

    fn yield_now(&self) {
        suspend::yield_now();
    }
}

/// What [`current_sleeper`] found.
#[derive(Debug)]
pub enum CurrentSleeper {
    /// The caller is a coroutine.
    Coroutine(CoroutineSleeper),
    /// The caller is a plain thread.
    Thread(ThreadSleeper),
}

impl Sleeper for CurrentSleeper {
    fn waker(&self) -> Waker {
        match self {
            Self::Coroutine(sleeper) => sleeper.waker(),
            Self::Thread(sleeper) => sleeper.waker(),
        }
    }

    fn sleep(&self, timeout: Option<Duration>) {
        match self {
            Self::Coroutine(sleeper) => sleeper.sleep(timeout),
            Self::Thread(sleeper) => sleeper.sleep(timeout),
        }
    }

    fn yield_now(&self) {
        match self {
            Self::Coroutine(sleeper) => sleeper.yield_now(),
            Self::Thread(sleeper) => sleeper.yield_now(),
        }
    }
}

/// The sleeper of the caller: its coroutine's inside of one, its thread's otherwise.
///
/// ```
/// use millrace_fiber::current_sleeper;
/// use millrace_park::Sleeper;
/// let sleeper = current_sleeper();
/// sleeper.waker().wake();
/// sleeper.sleep(None);                                                        // the wake came first: returns at once
/// ```
#[must_use]
pub fn current_sleeper() -> CurrentSleeper {
    CoroutineSleeper::current()
        .map_or_else(|| CurrentSleeper::Thread(ThreadSleeper::current()), CurrentSleeper::Coroutine)
}
