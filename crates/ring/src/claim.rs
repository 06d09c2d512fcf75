//! Claiming slots and publishing them, for one producer and for many.
//!
//! # One producer
//! `next` is private; a flush stores it into the cursor. Nobody else writes the cursor.
//!
//! # Many producers
//! A claim looks at the capacity first and then moves the claim sequence by compare-and-swap, so a claim that does not
//! fit leaves nothing behind. Module `stamps` tells how claims are published in order.
//!
//! # A close that meets a claim
//! Whoever looks whether a closing ring has ended must see what is being accepted, and whoever accepts must see a close
//! that was looked at. A producer notes in its cell what it is about to claim, and then looks at the state; a consumer
//! looks at the state and then at the notes. So either the consumer finds the note and waits, or the producer finds the
//! ring closed, takes the note back and has the consumers look again. A producer notes often and a ring closes once, so
//! whoever closes pays for the order of both ([`settle`]): it sets the state, fences all threads (`park::Barrier`), and
//! then sets `settled`, before which no consumer takes a closed ring for ended. So an ordinary store is enough for a
//! note; `Claimer`, whose claims are records, fences all the same. One producer's note is the sequence behind what it
//! claims, and stands until the cursor has reached it; of many producers' notes only whether they are zero counts, and
//! the claim sequence takes over where they end.
//!
//! # The gate
//! `gate`, beside the claim sequence, is a shared lower bound of the slowest sink, so that a claim normally reads no
//! line that consumers write. It must never be 2^31 events old, when it would seem to lie ahead and everything to fit.
//! It is not while claims go on, each of which is within a capacity of it; but a thread that stands still between its
//! look and its store would bring an old one back. So [`raise_gate`] swaps it from what it was before the look: when
//! that fails somebody else has looked since, and theirs stays.

use crate::layout::CURSOR;
use crate::layout::{Cell, FAILED, OPEN};
use crate::memory::{Memory, View};
use crate::sequence::{distance, publish, slowest, slowest_sink, wake};
use crate::stamps;
use millrace_park::Barrier;
use millrace_park::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use millrace_park::sync::seqcst;
use std::fmt;

/// Why nothing was claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimError {
    /// No room now.
    Full,
    /// More than the ring could ever hold.
    TooLarge,
    /// The ring takes no more events.
    Closed,
    /// A stage failed and stopped the ring. [`typed`](crate::typed) rings tell it from [`Closed`](Self::Closed).
    Failed,
    /// The ring's memory is gone: every environment has left it.
    Gone,
    /// Claims by a seat's number: the ring has a single producer, or records were asked of a ring of events or the other
    /// way round.
    Kind,
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the ring has no room now",
            Self::TooLarge => "this is more than the ring could ever hold",
            Self::Closed => "the ring takes no more events",
            Self::Failed => "a stage failed and stopped the ring",
            Self::Gone => "the ring's memory is gone",
            Self::Kind => "this is another kind of ring",
        })
    }
}

impl std::error::Error for ClaimError {}

/// What one producer knows.
#[derive(Debug)]
pub(crate) struct Claimer {
    /// Which producer cell is ours.
    pub(crate) index: u32,
    /// Next sequence to claim; one producer only.
    next: u32,
    /// Lower bound of the slowest sink; one producer only.
    gate: u32,
    /// Something was committed since the last flush.
    dirty: bool,
}

impl Claimer {
    pub(crate) fn new(index: u32, view: &View<'_>) -> Self {
        let next = view.cursor.value.load(Acquire);
        Self { index, next, gate: slowest_sink(view).1, dirty: false }
    }

    /// For a seat of a multi-producer ring, where nothing but the seat is a producer's own.
    ///
    /// # Panics
    /// When the seat has a claim open: another would take its place in the seat's cell, and nobody could finish it.
    pub(crate) fn stateless(index: u32, view: &View<'_>) -> Result<Self, ClaimError> {
        if !view.geometry.multi {
            return Err(ClaimError::Kind);
        }
        let open = view.producers[index as usize].claimant.open();
        assert!(open.is_none(), "seat {index} has a claim open, which would be left behind");
        Ok(Self { index, next: 0, gate: 0, dirty: false })
    }

    /// Slots free behind `at`.
    pub(crate) fn room(&self, view: &View<'_>, at: u32) -> u32 {
        let used = distance(slowest_sink(view).1, at).max(0).cast_unsigned();
        view.geometry.capacity.saturating_sub(used)
    }

    fn cell<'a>(&self, view: &View<'a>) -> &'a Cell {
        &view.producers[self.index as usize]
    }

    /// Where the next claim begins, unless another producer is faster.
    pub(crate) fn position(&self, view: &View<'_>) -> u32 {
        if view.geometry.multi { view.claim.ledger.sequence() } else { self.next }
    }

    /// Claims `n` slots that begin at `at`; `Ok(false)` when another producer was faster.
    #[inline]
    pub(crate) fn try_claim(&mut self, memory: &Memory, view: &View<'_>, at: u32, n: u32) -> Result<bool, ClaimError> {
        let open = || seqcst::load(&view.header.state) == OPEN;
        if !open() {
            return Err(ClaimError::Closed);
        }
        let staged = &self.cell(view).staged;
        let (note, nothing) = if view.geometry.multi { (1, 0) } else { (at.wrapping_add(n), at) };
        if self.dirty && !view.geometry.multi {
            // What the note stands for is not flushed yet.
            return self.try_claim_accepted(view, at, n);
        }
        seqcst::store(staged, note);
        let outcome = if open() { self.try_claim_accepted(view, at, n) } else { Err(ClaimError::Closed) };
        if view.geometry.multi || outcome.is_err() {
            seqcst::store(staged, nothing);
        }
        // What was noted does not come, or not yet: who was slower than another may find the ring closed at its next try.
        if outcome != Ok(true) && !open() {
            memory.consumers().wake(u32::MAX);
        }
        outcome
    }

    /// The same for events that were accepted while the ring was open.
    pub(crate) fn try_claim_accepted(&mut self, view: &View<'_>, at: u32, n: u32) -> Result<bool, ClaimError> {
        let capacity = view.geometry.capacity;
        if n > capacity {
            return Err(ClaimError::TooLarge);
        }
        if view.header.state.load(Acquire) == FAILED {
            return Err(ClaimError::Closed);
        }
        let end = at.wrapping_add(n);
        // In 64 bits: a claim of a whole ring of 2^30 slots behind as many would not be told from none.
        let fits = |gate: u32| i64::from(distance(gate, at)) + i64::from(n) <= i64::from(capacity);
        if view.geometry.multi {
            if !fits(view.claim.gate.load(Acquire)) && !fits(raise_gate(view)) {
                return Err(ClaimError::Full);
            }
            let mut here = |start| if start == at { Ok(n) } else { Err(()) };
            let claimants = |index: u32| &view.producers[index.min(view.geometry.max_producers - 1) as usize].claimant;
            return Ok(view.claim.ledger.claim(claimants, self.index, &mut here).is_ok());
        }
        if !fits(self.gate) {
            self.gate = slowest_sink(view).1;
            if !fits(self.gate) {
                return Err(ClaimError::Full);
            }
        }
        self.next = end;
        Ok(true)
    }

    /// The claim of `n` slots from `start` on is written. Consumers may see it from now on and do after the flush, which
    /// is now where it brought the cursor over what others published: their flush may have come before.
    #[inline]
    pub(crate) fn commit(&mut self, memory: &Memory, view: &View<'_>, start: u32, n: u32) {
        self.dirty = true;
        if !view.geometry.multi {
            return;
        }
        let moved = stamps::publish(view, start, n);
        self.cell(view).claimant.finish();
        if moved {
            self.flush(memory, view);
        }
    }

    /// Makes what was committed visible and wakes consumers that wait for it.
    #[inline]
    pub(crate) fn flush(&mut self, memory: &Memory, view: &View<'_>) {
        if !self.dirty {
            return;
        }
        self.dirty = false;
        if !view.geometry.multi {
            self.cell(view).staged.store(self.next, Relaxed);
            publish(memory, view.cursor, self.next, self.cell(view));
        } else if view.geometry.wait.sleeps() {
            wake(memory, view.cursor, self.cell(view));
        }
    }

    /// Asks to be woken when the slowest sink moves on. True when `n` slots are free already, or never will be.
    pub(crate) fn arm(&mut self, view: &View<'_>, n: u32) -> bool {
        loop {
            let (cell, _) = slowest_sink(view);
            cell.producers.arm(self.index);
            let at = self.position(view);
            let open = seqcst::load(&view.header.state) == OPEN;
            let (slowest, sequence) = slowest_sink(view);
            // In 64 bits, as a claim looks at it.
            let needed = i64::from(distance(sequence, at)) + i64::from(n);
            let held = open && needed > i64::from(view.geometry.capacity);
            // Only who holds us back will wake us: see the consumer's side.
            if held && std::ptr::eq(slowest, cell) {
                return false;
            }
            cell.producers.disarm(self.index);
            if !held {
                return true;
            }
        }
    }
}

/// Looks at the slowest sink for producers that share the gate, and brings that to it unless another has meanwhile.
#[cold]
#[inline(never)]
pub(crate) fn raise_gate(view: &View<'_>) -> u32 {
    let before = view.claim.gate.load(Acquire);
    let found = slowest_sink(view).1;
    bring_gate(view, before, found);
    found
}

fn bring_gate(view: &View<'_>, before: u32, found: u32) {
    // That another was faster is as good.
    let _ = view.claim.gate.compare_exchange(before, found, Release, Relaxed);
}

/// A claim that is committed when it is dropped, also by a panic: an open claim would hold everyone behind it up.
pub(crate) struct Claimed<'a, 'v> {
    pub(crate) claimer: &'a mut Claimer,
    pub(crate) memory: &'a Memory,
    pub(crate) view: &'a View<'v>,
    pub(crate) start: u32,
    pub(crate) n: u32,
}

impl Drop for Claimed<'_, '_> {
    fn drop(&mut self) {
        self.claimer.commit(self.memory, self.view, self.start, self.n);
    }
}

/// A ring was closed just now: when this returns, every producer has seen it, or can be seen to have noted an event before.
pub(crate) fn settle(view: &View<'_>, barrier: Barrier) {
    barrier.heavy();
    view.header.settled.store(1, Release);
}

/// True when a stage that stands at `next`, where nothing is ready, will get nothing more: all that was accepted has
/// come, or a consumer failed, and stages behind it would wait for ever.
pub(crate) fn ended(view: &View<'_>, next: u32) -> bool {
    match seqcst::load(&view.header.state) {
        OPEN => return false,
        FAILED => return true,
        _ if view.header.settled.load(Acquire) == 0 => return false,
        _ => {}
    }
    if staged(view, next) {
        return false;
    }
    let claimed = if view.geometry.multi { view.claim.ledger.sequence_in_order() } else { next };
    let published = slowest(view, CURSOR).1;
    published == next && claimed == next
}

/// True while a producer holds events behind the cursor that it accepted, or is about to, and did not flush.
fn staged(view: &View<'_>, cursor: u32) -> bool {
    if view.geometry.multi {
        return view.producers.iter().any(|producer| seqcst::load(&producer.staged) != 0);
    }
    view.producers.iter().any(|producer| distance(cursor, seqcst::load(&producer.staged)) > 0)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{ClaimError, bring_gate};
    use crate::sequence::slowest_sink;
    use crate::{Config, Ring, Seats};
    use millrace_park::sync::atomic::Ordering::Relaxed;

    /// As of a producer that stands still between its look at the sinks and what it does with it.
    #[test]
    fn who_looked_for_room_half_a_lap_ago_lets_nobody_run_over_consumers() {
        const ALL: u32 = 1 << 20;
        let ring = Ring::create(Config::new(ALL, 4).multi(1).workers("work", &[], 1)).unwrap();
        // SAFETY: seats are used by this test alone, in turn.
        let ring = unsafe { Seats::of(ring) };
        let (producer, worker) = (ring.take_producer(1).unwrap(), ring.take_worker(0, 1).unwrap());
        let view = ring.memory.enter().unwrap();
        let (before, found) = (view.claim.gate.load(Relaxed), slowest_sink(&view).1);
        // So many that the next one is more than half of all sequences ahead of the look.
        for _ in 0..=(1 << 31) / ALL {
            assert_eq!(ring.claim_work(worker, ALL), None);
            ring.claim(producer, ALL).unwrap();
            ring.commit_claim(producer, 0).unwrap();
        }
        bring_gate(&view, before, found);
        assert_eq!(ring.claim(producer, 1), Err(ClaimError::Full));
    }
}
