//! Deadlines of the coroutines of one worker.

use std::collections::BTreeMap;
use std::time::Instant;

/// When a timer is due, and its number, which keeps timers of one instant in the order they were set.
pub(crate) type TimerKey = (Instant, u64);

/// A worker's timers: slots ordered by deadline. A tree, so that a coroutine woken early takes its timer out again
/// and none is left to fire at a stranger.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<TimerKey, u32>,
    set: u64,
}

impl Timers {
    pub(crate) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    pub(crate) fn set(&mut self, deadline: Instant, slot: u32) -> TimerKey {
        let key = (deadline, self.set);
        self.set += 1;
        self.due.insert(key, slot);
        key
    }

    pub(crate) fn remove(&mut self, key: TimerKey) {
        self.due.remove(&key);
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.first_key_value().map(|(&(deadline, _), _)| deadline)
    }

    /// Takes the earliest timer if it is due by `now`.
    pub(crate) fn expired(&mut self, now: Instant) -> Option<u32> {
        let entry = self.due.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }
}
