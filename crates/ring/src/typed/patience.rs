//! How long a producer stays away when another was faster.
//!
//! Two producers that claim at the same time hand the same few cache lines back and forth, and publish less together
//! than one of them alone: by one, 6 to 8 M/s in place of 45, on two cores. So one that lost gives the processor away
//! for a while, and twice as long when it loses again soon: then one publishes undisturbed and the others wait for their
//! turn, as they would for a lock. One that loses now and then stays away for as long as a yield takes.

use std::time::{Duration, Instant};

const LEAST: Duration = Duration::from_nanos(100);
/// Some hundred events of who goes on meanwhile: of that, what a lost claim costs is a few percent.
const MOST: Duration = Duration::from_micros(10);
/// Losses further apart have nothing to do with each other.
const SOON: Duration = Duration::from_micros(50);

/// What one producer remembers of its losses.
#[derive(Debug, Default)]
pub(super) struct Patience {
    last: Option<(Instant, Duration)>,
}

impl Patience {
    /// Another was faster.
    #[cold]
    #[inline(never)]
    pub(super) fn stay_away(&mut self) {
        let begin = Instant::now();
        let again = self.last.filter(|(end, _)| begin.duration_since(*end) < SOON);
        let time = again.map_or(LEAST, |(_, time)| MOST.min(time * 2));
        let end = loop {
            millrace_park::sync::thread::yield_now();
            let now = Instant::now();
            // A model must not depend on the clock.
            if cfg!(loom) || now.duration_since(begin) >= time {
                break now;
            }
        };
        self.last = Some((end, time));
    }
}
