//! How long to yield before it is worth sleeping.
//!
//! To fall asleep and to be woken on another core takes 10 to 50 us, and twice that where two threads wait for each
//! other: longer than most waits in a busy ring, and too long to yield through every wait in an idle one. So a waiter
//! yields for as long as it has had to wait lately. As adaptive mutexes do it (Boguslavsky et al., *Optimal strategies
//! for spinning and blocking*, 1994: waiting as long as a sleep costs is never worse than twice the best).

use std::time::{Duration, Instant};

/// What was learned can be unlearned: a wait this short is always seen.
const LEAST: Duration = Duration::from_micros(4);
/// About what two sleeps and wakes cost.
const MOST: Duration = Duration::from_micros(200);

/// What one waiter has learned.
#[derive(Debug, Clone, Default)]
pub(super) struct Yielding {
    since: Option<Instant>,
    patience: Duration,
}

impl Yielding {
    /// A wait begins; one before it may have been given up.
    #[inline]
    pub(super) fn begins(&mut self) {
        self.since = None;
    }

    /// A look found nothing: true to yield and look again, false to sleep.
    #[cold]
    pub(super) fn goes_on(&mut self) -> bool {
        let now = Instant::now();
        let waited = now.duration_since(*self.since.get_or_insert(now));
        // A model must not depend on the clock.
        !cfg!(loom) && waited <= self.patience.max(LEAST)
    }

    /// The wait is over.
    #[cold]
    pub(super) fn ends(&mut self) {
        let Some(since) = self.since.take() else { return };
        let waited = since.elapsed();
        self.patience = if waited < MOST { self.patience.max(waited * 2).min(MOST) } else { self.patience / 2 };
    }
}
