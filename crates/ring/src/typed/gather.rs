//! Letting batches grow.
//!
//! A ring has two modes. When the producer is far ahead, the consumer takes long runs and nobody waits for anybody. When
//! the consumer sits right behind, it looks at the cursor after every event or two, and each look takes the cache line
//! from the producer in the middle of its work: an event costs the journey of one or two lines, 20 ns, in place of 2 to
//! 5. Whichever mode a process falls into sticks.
//!
//! So a consumer that finds only a few events at each look lets some time pass before the next one: twice as much each
//! time, until there are enough to be worth the journey, and half as much when there are plenty. Where waiting brings no
//! more events, as with one that comes only when the last was answered, it does not wait; nor where a look found nothing.

use std::time::{Duration, Instant};

/// Fewer events than this at a look are few: the journey of a line is as long as a producer takes for about as many.
const FEW: u32 = 128;
/// More are plenty, and the wait can be shorter.
const PLENTY: u32 = 512;
/// So few that a wait which brought no more than this was in vain, unless it brought more than the one before.
const IN_VAIN: u32 = 8;
const LEAST: Duration = Duration::from_nanos(100);
/// What an event waits at most because of this.
const MOST: Duration = Duration::from_nanos(1600);

/// How long one consumer lets batches grow.
#[derive(Debug)]
pub(super) struct Gather {
    few: u32,
    plenty: u32,
    time: Duration,
    /// Events found last.
    last: u32,
}

impl Gather {
    /// For a ring of this capacity: of a small one a sixteenth is enough, so that its producer is not held up.
    pub(super) fn new(capacity: u32) -> Self {
        Self { few: FEW.min(capacity / 16), plenty: PLENTY.min(capacity / 2), time: Duration::ZERO, last: 0 }
    }

    /// A look found `n` events, and they are consumed: waits if the next look had better be later.
    #[inline]
    pub(super) fn found(&mut self, n: u32) {
        let in_vain = n < IN_VAIN && n <= self.last && self.time >= LEAST;
        self.last = n;
        if in_vain {
            self.time = Duration::ZERO;
        } else if n < self.few {
            self.time = (self.time * 2).clamp(LEAST, MOST);
        } else if n > self.plenty {
            self.time /= 2;
        }
        if self.time >= LEAST {
            self.wait();
        }
    }

    /// A look found nothing.
    #[inline]
    pub(super) fn found_nothing(&mut self) {
        self.time /= 4;
    }

    #[cold]
    #[inline(never)]
    fn wait(&self) {
        let begin = Instant::now();
        while begin.elapsed() < self.time {
            std::hint::spin_loop();
        }
    }
}
