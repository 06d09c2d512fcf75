//! The seats of producers: taken, given back, and what is left in one whose thread is gone.

use crate::claim::Claimer;
use crate::layout::Cell;
use crate::memory::{Memory, View};
use crate::open_claim;
use crate::ring::OpenError;
use crate::sequence::distance;
use crate::stamps;
use millrace_park::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::Arc;

/// The seat of one producer in a ring: a bit of the header's mask and a cell.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) memory: Arc<Memory>,
    pub(crate) claimer: Claimer,
}

impl Seat {
    pub(crate) fn take(memory: Arc<Memory>, owner: u32) -> Result<Self, OpenError> {
        let claimer = {
            let view = memory.enter().ok_or(OpenError::Gone)?;
            let index = take_seat(&view, owner)?;
            Claimer::new(index, &view)
        };
        Ok(Self { memory, claimer })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.memory.producers().clear(self.claimer.index);
        if let Some(view) = self.memory.enter() {
            self.claimer.flush(&self.memory, &view);
            leave_seat(&view, self.claimer.index);
        }
    }
}

/// A seat of owner 0 would be free for the next as well.
pub(crate) fn check_owner(owner: u32) {
    assert!(owner != 0, "an owner is any number but 0");
}

/// Finds a free producer seat.
pub(crate) fn take_seat(view: &View<'_>, owner: u32) -> Result<u32, OpenError> {
    check_owner(owner);
    let most = view.geometry.max_producers;
    let mut taken = view.header.producers.load(Acquire);
    loop {
        let index = taken.trailing_ones();
        if index >= most {
            return Err(OpenError::Taken);
        }
        match view.header.producers.compare_exchange(taken, taken | 1 << index, AcqRel, Acquire) {
            Ok(_) => {
                let cell = &view.producers[index as usize];
                let cursor = view.cursor.value.load(Acquire);
                cell.value.store(cursor, Relaxed);
                cell.staged.store(if view.geometry.multi { 0 } else { cursor }, Relaxed);
                cell.owner.store(owner, Release);
                return Ok(index);
            }
            Err(found) => taken = found,
        }
    }
}

/// Gives a producer seat back.
pub(crate) fn leave_seat(view: &View<'_>, index: u32) {
    view.producers[index as usize].owner.store(0, Release);
    view.header.producers.fetch_and(!(1 << index), AcqRel);
}

/// Gives up what a producer that is gone had claimed; before its seat is given back. True when it had a claim open: then
/// the cursor may have moved.
pub(crate) fn recover_claim(view: &View<'_>, index: u32) -> bool {
    let Cell { claimant, value, .. } = &view.producers[index as usize];
    let Some((start, n)) = claimant.open() else { return false };
    let left = if view.geometry.multi {
        let made = view.claim.ledger.was_made(claimant, index, start.wrapping_add(n));
        if made { give_up_rest(view, start, n) } else { 0 }
    } else {
        // Nobody claims behind a single producer: what it had claimed, behind which it stood, is claimed again.
        value.store(start, Release);
        n.min(view.geometry.capacity)
    };
    view.header.recovered.fetch_add(left, Relaxed);
    claimant.finish();
    true
}

/// Gives up what is left of a dead producer's claim, and gives its number.
fn give_up_rest(view: &View<'_>, start: u32, n: u32) -> u32 {
    // More in scribbled memory only.
    let left = stamps::left_open(view, start, n.min(view.geometry.capacity));
    if left > 0 {
        open_claim::give_up(view, start, left);
    }
    left
}

/// Counts what a producer in JavaScript had accepted and not flushed; before its seat is given back.
pub(crate) fn count_lost(view: &View<'_>, index: u32) {
    let Cell { staged, value, .. } = &view.producers[index as usize];
    let lost = if view.geometry.multi {
        staged.swap(0, AcqRel)
    } else {
        let cursor = view.cursor.value.load(Acquire);
        staged.store(cursor, Release);
        distance(cursor, value.swap(cursor, AcqRel)).max(0).cast_unsigned()
    };
    view.header.lost.fetch_add(lost, Relaxed);
}
