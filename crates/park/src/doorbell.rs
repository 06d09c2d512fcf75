//! One doorbell an event loop, however many sources it listens to.

use crate::sync::{
    Mutex,
    atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    lock, seqcst,
};
use std::ptr::NonNull;

/// Sources a doorbell tells apart: 32 words of 32 bits.
pub const SOURCES: u32 = 1024;

/// What the ringing side leaves for the event loop: memory that JavaScript reads and clears by itself.
///
/// ```text
///   word 0       rung: the loop has been called and has not begun to look
///   word 1       summary: bit w is set when word 2 + w is not zero
///   words 2..34  ready: bit s % 32 of word 2 + s / 32 is source s
/// ```
/// Ringing goes from the last line to the first, looking from the first to the last (each word is taken by a SeqCst
/// exchange with zero): a bit set behind the loop's back leaves `rung` set or makes a new call.
#[derive(Debug)]
#[repr(C)]
pub struct Bell {
    rung: AtomicU32,
    summary: AtomicU32,
    ready: [AtomicU32; (SOURCES / 32) as usize],
}

impl Default for Bell {
    fn default() -> Self {
        Self::new()
    }
}

impl Bell {
    /// Nothing is ready.
    #[must_use]
    pub fn new() -> Self {
        let zero = || AtomicU32::new(0);
        Self { rung: zero(), summary: zero(), ready: std::array::from_fn(|_| zero()) }
    }

    /// Marks a source ready; true when the loop has to be called.
    fn ring(&self, source: u32) -> bool {
        let word = source / 32;
        seqcst::or(&self.ready[word as usize], 1 << (source % 32));
        seqcst::or(&self.summary, 1 << word);
        seqcst::swap(&self.rung, 1) == 0
    }

    /// What the event loop does when it is called, for loops that are written in Rust: every ready source once.
    pub fn answer(&self, mut each: impl FnMut(u32)) {
        seqcst::swap(&self.rung, 0);
        let mut words = seqcst::swap(&self.summary, 0);
        while words != 0 {
            let word = words.trailing_zeros();
            words &= words - 1;
            let mut bits = seqcst::swap(&self.ready[word as usize], 0);
            while bits != 0 {
                each(word * 32 + bits.trailing_zeros());
                bits &= bits - 1;
            }
        }
    }
}

/// What a doorbell needs of an attached environment.
struct Attached {
    /// The environment's bell; good until [`Doorbell::detach`], by the contract of [`Doorbell::attach`].
    bell: NonNull<Bell>,
    /// Calls the loop; false when it takes no calls any more.
    call: Box<dyn FnMut() -> bool + Send>,
}

// SAFETY: `bell` points to atomics that any thread may use.
unsafe impl Send for Attached {}

/// Rings one event loop from any thread, until it is detached.
///
/// Calls are made only under the attachment lock, and never again after one was refused: Node aborts the process
/// at the second call on a closing function.
pub struct Doorbell {
    attached: Mutex<Option<Attached>>,
    made: AtomicU64,
    elided: AtomicU64,
}

impl std::fmt::Debug for Doorbell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doorbell").field("made", &self.made()).field("elided", &self.elided()).finish()
    }
}

impl Doorbell {
    /// A doorbell on a loop that `call` calls (false: it takes no calls any more).
    ///
    /// # Safety
    /// `bell` stays valid until [`detach`](Self::detach) has returned or the doorbell is dropped.
    pub unsafe fn attach(bell: NonNull<Bell>, call: Box<dyn FnMut() -> bool + Send>) -> Self {
        let attached = Mutex::new(Some(Attached { bell, call }));
        Self { attached, made: AtomicU64::new(0), elided: AtomicU64::new(0) }
    }

    /// Marks `source` ready and calls the loop, unless it is called already or gone.
    pub fn ring(&self, source: u32) {
        let mut attached = lock(&self.attached);
        let Some(Attached { bell, call }) = &mut *attached else { return };
        // SAFETY: attached, so the bell is valid, and it stays so while the lock is held.
        if !unsafe { bell.as_ref() }.ring(source) {
            self.elided.fetch_add(1, Relaxed);
            return;
        }
        self.made.fetch_add(1, Relaxed);
        if !call() {
            *attached = None;
        }
    }

    /// Lets go of the loop and its bell. Waits for a ring under way, no longer.
    pub fn detach(&self) {
        *lock(&self.attached) = None;
    }

    /// Calls made to the loop.
    pub fn made(&self) -> u64 {
        self.made.load(Relaxed)
    }

    /// Rings that found the loop called already.
    pub fn elided(&self) -> u64 {
        self.elided.load(Relaxed)
    }

    /// A waker that rings this doorbell for `source`.
    pub fn waker(self: &std::sync::Arc<Self>, source: u32) -> std::task::Waker {
        std::sync::Arc::new(Ring { doorbell: self.clone(), source }).into()
    }
}

struct Ring {
    doorbell: std::sync::Arc<Doorbell>,
    source: u32,
}

impl std::task::Wake for Ring {
    fn wake(self: std::sync::Arc<Self>) {
        self.doorbell.ring(self.source);
    }
    fn wake_by_ref(self: &std::sync::Arc<Self>) {
        self.doorbell.ring(self.source);
    }
}
