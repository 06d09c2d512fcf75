//! An event that tells whose it is, whether it is whole, and what stages did to it.

use super::plan::MOST_STAGES;
use millrace_ring::typed::{Owned, Stage};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The first stage of every graph.
pub(crate) enum First {}
impl Stage for First {
    const NAME: &'static str = "a";
}

#[derive(Debug, Default)]
pub(crate) struct Event {
    /// The thread that published it, and as its which.
    pub(crate) by: u32,
    pub(crate) n: u32,
    check: u32,
    /// What the first stage writes to what it owns, and what every stage writes.
    pub(crate) owned: Owned<First, u32>,
    marks: [AtomicU32; MOST_STAGES],
}

impl Event {
    pub(crate) fn fill(&mut self, by: u32, n: u32) {
        (self.by, self.n, self.check) = (by, n, check(by, n));
        self.owned.reset(0);
        self.marks = Default::default();
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.check == check(self.by, self.n)
    }

    /// What the stage with an index leaves in it.
    pub(crate) fn mark_of(&self, stage: usize) -> u32 {
        check(self.by, self.n).wrapping_add(stage as u32) | 1
    }

    /// What only the first stage does, when it has the event alone.
    pub(crate) fn mark_alone(&mut self) {
        let mark = self.mark_of(0);
        self.owned.reset(mark);
    }

    pub(crate) fn mark(&self, stage: usize) {
        self.marks[stage].store(self.mark_of(stage), Relaxed);
    }

    pub(crate) fn is_marked(&self, stage: usize) -> bool {
        self.marks[stage].load(Relaxed) == self.mark_of(stage)
    }
}

fn check(by: u32, n: u32) -> u32 {
    by.wrapping_add(1).wrapping_mul(0x9e37_79b1) ^ n.wrapping_add(7).wrapping_mul(0x85eb_ca6b)
}
