//! When a run begins, and when its producers stop.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// The clock of one run, shared by everyone in it. While events move, its producers read one line of it that nobody
/// writes.
#[derive(Debug)]
pub(crate) struct Race {
    producers: Barrier,
    began: OnceLock<Instant>,
    stopped: AtomicBool,
}

impl Race {
    /// A race of this many producers.
    pub(crate) fn new(producers: usize) -> Self {
        Self { producers: Barrier::new(producers), began: OnceLock::new(), stopped: AtomicBool::new(false) }
    }

    /// Waits until all producers are here, and starts the clock. For threads; a task calls [`begin`](Self::begin).
    pub(crate) fn meet(&self) {
        self.producers.wait();
        self.begin();
    }

    /// Starts the clock, unless it runs.
    pub(crate) fn begin(&self) {
        self.began.get_or_init(Instant::now);
    }

    /// True when producers are to publish no more.
    #[inline(always)]
    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    /// Stops the producers when the clock has run for `time`.
    pub(crate) fn stop_after(&self, time: Duration) {
        let began = self.began.wait();
        thread::sleep(time.saturating_sub(began.elapsed()));
        self.stopped.store(true, Relaxed);
    }

    /// The clock at `then`.
    pub(crate) fn clock(&self, then: Instant) -> Duration {
        self.began.get().map_or(Duration::ZERO, |began| then.saturating_duration_since(*began))
    }
}
