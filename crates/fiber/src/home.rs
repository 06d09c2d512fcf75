//! What other threads see of a worker.

use crate::protocol::Inbox;
use crate::stats::Count;
use millrace_park::SleepFlag;
use millrace_park::sync::atomic::AtomicU32;
use std::sync::OnceLock;
use std::thread::Thread;

/// The place where a worker's coroutines are called back to.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) index: usize,
    pub(crate) inbox: Inbox,
    pub(crate) flag: SleepFlag,
    /// Set by the worker before it first sleeps.
    thread: OnceLock<Thread>,
    pub(crate) finished: Count,
    pub(crate) steals: Count,
    pub(crate) parked: Count,
}

impl Home {
    pub(crate) fn new(index: usize) -> Self {
        Self {
            index,
            inbox: Inbox::new(),
            flag: SleepFlag::new(),
            thread: OnceLock::new(),
            finished: Count::default(),
            steals: Count::default(),
            parked: Count::default(),
        }
    }

    /// The calling thread is this worker.
    pub(crate) fn move_in(&self) {
        let _ = self.thread.set(std::thread::current());
    }

    /// Makes the coroutine in `slot`, which has just been unparked, runnable from another thread.
    pub(crate) fn deliver(&self, slot: u32, link: &AtomicU32) {
        self.inbox.push(slot, link);
        self.wake();
    }

    /// Gets the worker to look at its queues, by a system call if it sleeps.
    pub(crate) fn wake(&self) {
        self.flag.wake(|| {
            if let Some(thread) = self.thread.get() {
                thread.unpark();
            }
        });
    }
}
