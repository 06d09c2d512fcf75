//! Coroutines that other threads made runnable, on their way to the worker they stay on.

use millrace_park::sync::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};

const EMPTY: u32 = 0;

/// A stack of slot numbers, linked through a word in each coroutine (Treiber's; the consumer takes all at once).
///
/// Lock-free rather than a short mutex: a waker that is preempted in the middle holds up nobody, neither the worker
/// nor other wakers, and a link in the coroutine itself means that a wake allocates nothing. A coroutine is in at most
/// one queue at a time ([`ParkState`](super::ParkState) hands it to exactly one waker), so that one link is enough.
/// Entries are only ever taken all together, so that the ABA problem of a single pop does not arise.
///
/// # Memory ordering
/// [`push`](Self::push) releases its link with the exchange of `head`; [`take`](Self::take) acquires it. Exchanges in
/// between continue the release sequence, so that one acquire covers every link below.
#[derive(Debug)]
pub struct Inbox {
    /// Slot + 1 of the coroutine pushed last.
    head: AtomicU32,
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Inbox {
    /// Nothing there.
    #[must_use]
    pub fn new() -> Self {
        Self { head: AtomicU32::new(EMPTY) }
    }

    /// Puts a slot in; `link` is the word of the coroutine that lies in that slot.
    pub fn push(&self, slot: u32, link: &AtomicU32) {
        let mut head = self.head.load(Relaxed);
        loop {
            link.store(head, Relaxed);
            match self.head.compare_exchange_weak(head, slot + 1, Release, Relaxed) {
                Ok(_) => return,
                Err(found) => head = found,
            }
        }
    }

    /// True when nothing is there.
    pub fn is_empty(&self) -> bool {
        self.head.load(Acquire) == EMPTY
    }

    /// Takes all that is there, the last one pushed first; `link_of` finds the word given to [`push`](Self::push).
    pub fn take(&self, mut link_of: impl FnMut(u32) -> u32) {
        if self.head.load(Relaxed) == EMPTY {
            return;
        }
        let mut next = self.head.swap(EMPTY, AcqRel);
        while next != EMPTY {
            next = link_of(next - 1);
        }
    }
}
