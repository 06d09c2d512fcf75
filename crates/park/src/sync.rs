//! Every atomic, lock and thread of the runtime is imported from here, so that loom can take their place.

#[cfg(loom)]
pub use loom::{sync::Arc, sync::Mutex, sync::MutexGuard, sync::atomic, thread};
#[cfg(not(loom))]
pub use std::{sync::Arc, sync::Mutex, sync::MutexGuard, sync::atomic, thread};

/// Locks a mutex whether or not a panic happened under it: our critical sections leave no half-made state.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The sequentially consistent accesses of the sleep protocol.
///
/// loom treats a SeqCst access as acquire and release, and reports a lost wake-up for a correct protocol. It does
/// model SeqCst fences, so under loom an access is written as the access and a fence on the side that matters: a
/// store is fenced behind, a load before, a read-modify-write on both sides.
pub mod seqcst {
    #[cfg(loom)]
    use super::atomic::fence;
    use super::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

    #[inline(always)]
    fn fence_under_loom() {
        #[cfg(loom)]
        fence(SeqCst);
    }

    /// Loads the value.
    #[inline(always)]
    pub fn load(word: &AtomicU32) -> u32 {
        fence_under_loom();
        word.load(SeqCst)
    }

    /// Stores the value.
    #[inline(always)]
    pub fn store(word: &AtomicU32, value: u32) {
        word.store(value, SeqCst);
        fence_under_loom();
    }

    /// Sets bits and gives the value before.
    #[inline(always)]
    pub fn or(word: &AtomicU32, bits: u32) -> u32 {
        fence_under_loom();
        let before = word.fetch_or(bits, SeqCst);
        fence_under_loom();
        before
    }

    /// Keeps only these bits and gives the value before.
    #[inline(always)]
    pub fn and(word: &AtomicU32, bits: u32) -> u32 {
        fence_under_loom();
        let before = word.fetch_and(bits, SeqCst);
        fence_under_loom();
        before
    }

    /// Stores the value and gives the one before.
    #[inline(always)]
    pub fn swap(word: &AtomicU32, value: u32) -> u32 {
        fence_under_loom();
        let before = word.swap(value, SeqCst);
        fence_under_loom();
        before
    }

    /// Replaces `current` by `next`; the value found otherwise.
    #[inline(always)]
    pub fn compare_exchange(word: &AtomicU32, current: u32, next: u32) -> Result<u32, u32> {
        fence_under_loom();
        let outcome = word.compare_exchange(current, next, SeqCst, SeqCst);
        fence_under_loom();
        outcome
    }

    /// [`load`] of 64 bits.
    #[inline(always)]
    pub fn load64(word: &AtomicU64) -> u64 {
        fence_under_loom();
        word.load(SeqCst)
    }

    /// [`store`] of 64 bits.
    #[inline(always)]
    pub fn store64(word: &AtomicU64, value: u64) {
        word.store(value, SeqCst);
        fence_under_loom();
    }

    /// [`compare_exchange`] of 64 bits.
    #[inline(always)]
    pub fn compare_exchange64(word: &AtomicU64, current: u64, next: u64) -> Result<u64, u64> {
        fence_under_loom();
        let outcome = word.compare_exchange(current, next, SeqCst, SeqCst);
        fence_under_loom();
        outcome
    }
}
