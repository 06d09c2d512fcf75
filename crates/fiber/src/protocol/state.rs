//! Where a coroutine stands, and the one token that an unpark leaves.

use millrace_park::sync::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

/// In a queue without a token: not started yet, or its time to wake has come.
const READY: u32 = 0;
/// Runs, or waits for its next turn after a yield.
const RUNNING: u32 = 1;
/// Suspended; in no queue.
const PARKED: u32 = 2;
/// Holds a token. Runs or stands in a queue, never neither.
const NOTIFIED: u32 = 3;
/// Has returned or unwound.
const DONE: u32 = 4;

/// What ended a park.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumed {
    /// A token, which is taken.
    Notified,
    /// Its deadline.
    TimedOut,
}

/// The state of one coroutine. The owner is the coroutine itself and the worker it stays on, which are one thread.
///
/// ```text
///            start            park             unpark
///   Ready ──────────▶ Running ─────▶ Parked ───────────▶ Notified ──resume──▶ Running
///     ▲  │               │  ▲          │                    ▲
///     │  └─unpark────────┼──┼──────────┼────────────────────┤
///     │                  └──┼──unpark──┼────────────────────┘
///     └─────────────────────┼──expire──┘
///                           └─ Ready, by resume           finish: any ──▶ Done
/// ```
///
/// # Memory ordering
/// [`unpark`](Self::unpark) releases, and whatever takes the token ([`park`](Self::park) or
/// [`resume`](Self::resume)) acquires: what was written before the unpark is seen after the park. An unpark that finds
/// a token there writes it again, for its release. In the other direction `park` releases and `unpark` acquires: who
/// takes the coroutine out of `Parked` sees what its owner wrote before, its worker and its slot.
#[derive(Debug)]
pub struct ParkState(AtomicU32);

impl Default for ParkState {
    fn default() -> Self {
        Self::new()
    }
}

impl ParkState {
    /// Ready and not started.
    #[must_use]
    pub fn new() -> Self {
        Self(AtomicU32::new(READY))
    }

    /// Owner: the first turn begins. A token left before stays.
    pub fn start(&self) {
        let _ = self.0.compare_exchange(READY, RUNNING, Relaxed, Relaxed);
    }

    /// Owner: true when it is now parked and has to be suspended; false when there was a token, which is taken.
    #[must_use]
    pub fn park(&self) -> bool {
        if self.0.compare_exchange(RUNNING, PARKED, Release, Relaxed).is_ok() {
            return true;
        }
        self.0.swap(RUNNING, Acquire);
        false
    }

    /// Owner: a turn begins after a park.
    pub fn resume(&self) -> Resumed {
        match self.0.swap(RUNNING, Acquire) {
            NOTIFIED => Resumed::Notified,
            _ => Resumed::TimedOut,
        }
    }

    /// Owner: its deadline has passed. True when it was parked, and has to be put into its worker's queue.
    #[must_use]
    pub fn expire(&self) -> bool {
        self.0.compare_exchange(PARKED, READY, Relaxed, Relaxed).is_ok()
    }

    /// Owner: there will be no further turn.
    pub fn finish(&self) {
        self.0.store(DONE, Relaxed);
    }

    /// Anyone: leaves a token. True when it was parked, and has to be put into its worker's queue by the caller.
    #[must_use]
    pub fn unpark(&self) -> bool {
        let mut state = self.0.load(Relaxed);
        while state != DONE {
            match self.0.compare_exchange_weak(state, NOTIFIED, AcqRel, Relaxed) {
                Ok(_) => return state == PARKED,
                Err(found) => state = found,
            }
        }
        false
    }
}
