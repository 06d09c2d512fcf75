//! The word beside a sequence, and the wakers behind its bits.

use crate::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering::Relaxed},
    lock, seqcst,
};
use std::task::Waker;

/// Waiters a table holds: the bits of a word.
pub const WAITERS: u32 = 32;

/// The waiters that sleep on one sequence, a bit each. Lies in shared memory, so JavaScript reads and writes it too.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Sleepers(AtomicU32);

impl Sleepers {
    /// Nobody sleeps.
    #[must_use]
    pub fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// W1: waiter `bit` is about to sleep, and must look at the sequence (SeqCst) after this.
    pub fn arm(&self, bit: u32) {
        seqcst::or(&self.0, 1 << bit);
    }

    /// The waiter found what it waits for and does not sleep.
    pub fn disarm(&self, bit: u32) {
        self.0.fetch_and(!(1 << bit), Relaxed);
    }

    /// A2 behind a fence of its own: whether anybody is armed.
    #[inline(always)]
    pub fn any(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    /// A2 and A3: the waiters to wake, after the sequence was advanced (SeqCst). They are no longer armed.
    #[inline(always)]
    pub fn take(&self) -> u32 {
        if seqcst::load(&self.0) == 0 { 0 } else { seqcst::swap(&self.0, 0) }
    }
}

/// Who stands behind each bit. Lies in native memory: a waker is no plain data.
#[derive(Debug)]
pub struct WakerTable {
    wakers: [Mutex<Option<Waker>>; WAITERS as usize],
}

impl Default for WakerTable {
    fn default() -> Self {
        Self::new()
    }
}

impl WakerTable {
    /// A table with nobody in it.
    #[must_use]
    pub fn new() -> Self {
        Self { wakers: std::array::from_fn(|_| Mutex::new(None)) }
    }

    /// Puts the waker of waiter `bit` in place, for the one that stood there.
    pub fn set(&self, bit: u32, waker: Waker) {
        *lock(&self.wakers[bit as usize]) = Some(waker);
    }

    /// Takes the waker of waiter `bit` out: nobody will be woken for it any more once this returns.
    pub fn clear(&self, bit: u32) {
        *lock(&self.wakers[bit as usize]) = None;
    }

    /// Wakes the waiters of `mask`; bits nobody stands behind are passed over.
    ///
    /// The waker is called under its slot's lock, so that [`clear`](Self::clear) is a promise. A waker only makes
    /// something runnable and never calls back into the table.
    pub fn wake(&self, mut mask: u32) {
        while mask != 0 {
            let bit = mask.trailing_zeros();
            mask &= mask - 1;
            if let Some(waker) = &*lock(&self.wakers[bit as usize]) {
                waker.wake_by_ref();
            }
        }
    }
}
