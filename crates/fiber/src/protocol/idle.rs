//! Which workers look for something to start.

use millrace_park::sync::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Relaxed, SeqCst},
    fence,
};

/// A bit a worker: set while it sleeps or is about to. Whoever offers new work takes one bit, and wakes that worker.
///
/// ```text
///   worker                               whoever spawns
///   I1  bit = 1                          S1  put the coroutine into a queue
///   I2  fence                            S2  fence
///   I3  look at all queues               S3  look at the bits
///   I4  empty: sleep                     S4  one is set: clear it, wake its worker
/// ```
///
/// # Memory ordering
/// I1/I3 against S1/S3 is Dekker's handshake: each side writes one place and then reads the other's. The two fences
/// (SeqCst) are ordered: if I2 comes first, S3 sees the bit; if S2 comes first, I3 sees the coroutine. Fences and not
/// SeqCst accesses, because the queues are another crate's and promise release and acquire only.
#[derive(Debug)]
pub struct Idle {
    words: Box<[AtomicU32]>,
}

impl Idle {
    /// All of `workers` awake.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self { words: (0..workers.div_ceil(32)).map(|_| AtomicU32::new(0)).collect() }
    }

    /// I1 and I2: this worker has to look at all queues once more after this.
    pub fn arm(&self, worker: usize) {
        self.words[worker / 32].fetch_or(1 << (worker % 32), AcqRel);
        fence(SeqCst);
    }

    /// The worker is up.
    pub fn disarm(&self, worker: usize) {
        self.words[worker / 32].fetch_and(!(1 << (worker % 32)), AcqRel);
    }

    /// S2 to S4: the worker to wake, if one sleeps.
    pub fn take(&self) -> Option<usize> {
        fence(SeqCst);
        for (index, word) in self.words.iter().enumerate() {
            let mut bits = word.load(Relaxed);
            while bits != 0 {
                let bit = bits & bits.wrapping_neg();
                let before = word.fetch_and(!bit, AcqRel);
                if before & bit != 0 {
                    return Some(index * 32 + bit.trailing_zeros() as usize);
                }
                bits = before;
            }
        }
        None
    }
}
