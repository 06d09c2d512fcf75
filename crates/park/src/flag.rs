//! One sleeper, many wakers, and a wake call only when it is needed.

use crate::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{AcqRel, Relaxed},
};

const AWAKE: u32 = 0;
const PARKED: u32 = 1;

/// Says whether one loop (a reactor's, a coroutine worker's) sleeps, so that wakers spare the system call when it
/// does not. Netty's event loop does the same.
///
/// The sleeper calls [`prepare`](Self::prepare), looks at its queues once more, blocks, and calls
/// [`awake`](Self::awake). A waker fills a queue and then calls [`wake`](Self::wake).
///
/// # Memory ordering
/// `prepare` and `wake` are both a read-modify-write of one word, acquire and release. If the waker's comes first,
/// `prepare` reads what it wrote and so sees the queue filled; if it comes second, it finds `PARKED` and notifies.
#[derive(Debug)]
pub struct SleepFlag {
    state: AtomicU32,
    made: AtomicU64,
    elided: AtomicU64,
}

impl Default for SleepFlag {
    fn default() -> Self {
        Self::new()
    }
}

impl SleepFlag {
    /// A flag whose owner is awake.
    #[must_use]
    pub fn new() -> Self {
        Self { state: AtomicU32::new(AWAKE), made: AtomicU64::new(0), elided: AtomicU64::new(0) }
    }

    /// The owner is about to block: it must look at everything it could be woken for after this call.
    pub fn prepare(&self) {
        self.state.swap(PARKED, AcqRel);
    }

    /// The owner is up, for whatever reason.
    pub fn awake(&self) {
        self.state.swap(AWAKE, AcqRel);
    }

    /// Calls `notify` if the owner is blocked or about to block; counts which of the two it was.
    pub fn wake(&self, notify: impl FnOnce()) {
        if self.state.swap(AWAKE, AcqRel) == PARKED {
            self.made.fetch_add(1, Relaxed);
            notify();
        } else {
            self.elided.fetch_add(1, Relaxed);
        }
    }

    /// Wakes that called `notify`.
    pub fn made(&self) -> u64 {
        self.made.load(Relaxed)
    }

    /// Wakes that found the owner awake.
    pub fn elided(&self) -> u64 {
        self.elided.load(Relaxed)
    }
}
