//! Slots that were claimed and are not published yet.

use std::ops::{Index, IndexMut};

/// A producer, as a claim needs it.
pub trait Claimant {
    type Event;
    /// The slot of a sequence that this producer has claimed.
    fn slot(&self, sequence: u32) -> *mut Self::Event;
    /// Publishes the first `used` of the `n` slots from `start` on, and gives the rest up.
    fn end_claim(&mut self, start: u32, n: u32, used: u32);
}

/// Claimed slots: fill them by index in any order, then [`commit`](Self::commit). Dropped without that, the claim is
/// aborted: no consumer sees its slots, and nobody waits for them. An index that is not of the claim panics.
#[derive(Debug)]
#[must_use = "a claim that is dropped is aborted"]
pub struct Claim<'a, P: Claimant> {
    producer: &'a mut P,
    start: u32,
    length: u32,
}

impl<'a, P: Claimant> Claim<'a, P> {
    pub(super) fn new(producer: &'a mut P, start: u32, length: u32) -> Self {
        Self { producer, start, length }
    }

    /// Number of slots.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a claim is never empty")]
    pub fn len(&self) -> usize {
        self.length as usize
    }

    /// Publishes all slots.
    #[inline(always)]
    pub fn commit(self) {
        let all = self.length;
        self.finish(all);
    }

    /// Publishes the first `n` slots, at most all, and gives the others up.
    #[inline(always)]
    pub fn commit_first(self, n: usize) {
        let used = n.min(self.length as usize) as u32;
        self.finish(used);
    }

    #[inline(always)]
    fn finish(mut self, used: u32) {
        let (start, length) = (self.start, self.length);
        // What is left for `drop` is nothing.
        self.length = 0;
        self.producer.end_claim(start, length, used);
    }

    #[inline(always)]
    pub(super) fn first(&self) -> *mut P::Event {
        self.producer.slot(self.start)
    }

    fn slot(&self, index: usize) -> *mut P::Event {
        assert!(index < self.length as usize, "slot {index} of a claim of {}", self.length);
        self.producer.slot(self.start.wrapping_add(index as u32))
    }
}

impl<P: Claimant> Index<usize> for Claim<'_, P> {
    type Output = P::Event;
    fn index(&self, index: usize) -> &P::Event {
        // SAFETY: the slot is claimed, and borrowed as the claim is.
        unsafe { &*self.slot(index) }
    }
}

impl<P: Claimant> IndexMut<usize> for Claim<'_, P> {
    fn index_mut(&mut self, index: usize) -> &mut P::Event {
        // SAFETY: as above.
        unsafe { &mut *self.slot(index) }
    }
}

impl<P: Claimant> Drop for Claim<'_, P> {
    fn drop(&mut self) {
        if self.length > 0 {
            self.producer.end_claim(self.start, self.length, 0);
        }
    }
}
