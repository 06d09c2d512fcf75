//! Figures of a scheduler.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a scheduler has done so far, and what it holds. Read without stopping it: each figure is exact, but they are
/// not all of one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Coroutines spawned.
    pub spawned: u64,
    /// Coroutines that have ended: returned, panicked or cancelled. Counted before `join` returns.
    pub finished: u64,
    /// Coroutines started by a worker that took them from another worker's queue.
    pub steals: u64,
    /// Wakes that needed a system call, because the worker slept.
    pub wakes_made: u64,
    /// Wakes that found the worker awake.
    pub wakes_elided: u64,
    /// Coroutines that are parked now: in `park`, `sleep`, `join` or a sleeper.
    pub parked: u64,
}

/// A figure that one thread changes and all read: no locked instruction.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(more), Relaxed);
    }

    pub(crate) fn subtract(&self, less: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_sub(less), Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
