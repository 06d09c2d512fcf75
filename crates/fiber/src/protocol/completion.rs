//! The end of a coroutine, and the one who waits for it.

use millrace_park::sync::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Acquire, Release},
};

const PENDING: u32 = 0;
const AWAITED: u32 = 1;
const DONE: u32 = 2;

/// Hands the result over to the joiner, and the joiner's waker to the coroutine, at most once each.
///
/// # Memory ordering
/// The result is written before [`finish`](Self::finish) (release) and read after [`is_done`](Self::is_done)
/// (acquire). The waker is written before [`wait`](Self::wait) (release) and read after `finish` (acquire) said that
/// somebody waits. Both change one word by read-modify-write: either `finish` sees the waiter, or `wait` fails
/// (acquire, so that the result may be read then too).
#[derive(Debug)]
pub struct Completion(AtomicU32);

impl Default for Completion {
    fn default() -> Self {
        Self::new()
    }
}

impl Completion {
    /// Not done, and nobody waits.
    #[must_use]
    pub fn new() -> Self {
        Self(AtomicU32::new(PENDING))
    }

    /// True once the result may be read.
    pub fn is_done(&self) -> bool {
        self.0.load(Acquire) == DONE
    }

    /// Joiner, once: true when `finish` will use the waker; false when it is done already.
    #[must_use]
    pub fn wait(&self) -> bool {
        self.0.compare_exchange(PENDING, AWAITED, Release, Acquire).is_ok()
    }

    /// Coroutine, once: the result is there. True when there is a waker to use.
    #[must_use]
    pub fn finish(&self) -> bool {
        self.0.swap(DONE, AcqRel) == AWAITED
    }
}
