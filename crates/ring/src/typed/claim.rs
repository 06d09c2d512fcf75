//! Slots that were claimed and are not published yet.

use std::ops::{Index, IndexMut};

/// A producer, as a claim needs it.
pub trait Claimant {
    type Event;
    /// The slot of a sequence that this producer has claimed.
    fn slot(&self, sequence: u32) -> *mut Self::Event;
    /// Publishes the first `used` of the `n` slots from `start` on, and gives the rest up.
    fn end_claim(&mut self, start: u32, n: u32, used: u32);
    /// The claim that was lent to a caller has ended.
    fn returned(&mut self) {}
}

/// Claimed slots: fill them by index in any order, then [`commit`](Self::commit). Dropped without that, the claim is
/// aborted: no consumer sees its slots, and nobody waits for them. An index that is not of the claim panics.
///
/// One that is forgotten ([`std::mem::forget`]) is aborted when its producer is used again or dropped.
#[derive(Debug)]
#[must_use = "a claim that is dropped is aborted"]
pub struct Claim<'a, P: Claimant, const LENT: bool = true> {
    producer: &'a mut P,
    start: u32,
    length: u32,
}

impl<'a, P: Claimant, const LENT: bool> Claim<'a, P, LENT> {
    /// What is lent to a caller may be forgotten; a claim of our own (not `LENT`) need not be minded.
    pub(super) fn new(producer: &'a mut P, start: u32, length: u32) -> Self {
        Self { producer, start, length }
    }

    /// Number of slots.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length as usize
    }

    /// Whether it was a claim of none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
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
        self.end(start, length, used);
    }

    #[inline(always)]
    fn end(&mut self, start: u32, length: u32, used: u32) {
        self.producer.end_claim(start, length, used);
        if LENT {
            self.producer.returned();
        }
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

impl<P: Claimant, const LENT: bool> Index<usize> for Claim<'_, P, LENT> {
    type Output = P::Event;
    fn index(&self, index: usize) -> &P::Event {
        // SAFETY: the slot is claimed, and borrowed as the claim is.
        unsafe { &*self.slot(index) }
    }
}

impl<P: Claimant, const LENT: bool> IndexMut<usize> for Claim<'_, P, LENT> {
    fn index_mut(&mut self, index: usize) -> &mut P::Event {
        // SAFETY: as above.
        unsafe { &mut *self.slot(index) }
    }
}

impl<P: Claimant, const LENT: bool> Drop for Claim<'_, P, LENT> {
    fn drop(&mut self) {
        if self.length > 0 {
            self.end(self.start, self.length, 0);
        }
    }
}
