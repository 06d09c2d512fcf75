//! Advancing a sequence, looking at others, and waking who waits.

use crate::layout::{CURSOR, Cell};
use crate::memory::{Memory, View};
use millrace_park::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use millrace_park::sync::seqcst;

/// How far `to` is ahead of `from`; negative when it is behind. Both are less than 2^31 apart.
#[inline(always)]
pub(crate) fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

/// Adds to a counter that one thread writes at a time.
#[inline(always)]
pub(crate) fn count(counter: &millrace_park::sync::atomic::AtomicU32, by: u32) {
    counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
}

/// Brings the cursor to `value` and wakes consumers that wait for it; `counters` is the cell of who does it.
#[inline(always)]
pub(crate) fn publish(memory: &Memory, cursor: &Cell, value: u32, counters: &Cell) {
    note_wrap(cursor, value);
    if memory.geometry.wait.sleeps() {
        seqcst::store(&cursor.value, value);
        wake(memory, cursor, counters);
    } else {
        cursor.value.store(value, Release);
    }
}

/// Brings a stage to `value` and wakes who waits for it: stages behind it, and producers, which sleep while they wait
/// for room whatever the ring's way to wait is.
#[inline(always)]
pub(crate) fn release(memory: &Memory, stage: &Cell, value: u32) {
    note_wrap(stage, value);
    seqcst::store(&stage.value, value);
    wake(memory, stage, stage);
}

fn note_wrap(cell: &Cell, value: u32) {
    if value < cell.value.load(Relaxed) {
        count(&cell.wraps, 1);
    }
}

/// A cell's sequence in 64 bits. Its wraps are counted beside it, not with it: looked at again until they stand still.
/// For the few instructions between the two it is 2^32 too much where its writer counts first, and too little where
/// several bring it on, which count when they have.
pub(crate) fn position(cell: &Cell) -> u64 {
    loop {
        let wraps = cell.wraps.load(Acquire);
        let value = cell.value.load(Acquire);
        if cell.wraps.load(Relaxed) == wraps {
            return (u64::from(wraps) << 32) + u64::from(value);
        }
    }
}

/// Wakes who waits for `cell`, after it was advanced.
#[inline(always)]
pub(crate) fn wake(memory: &Memory, cell: &Cell, counters: &Cell) {
    let consumers = cell.consumers.take();
    let producers = cell.producers.take();
    if consumers | producers == 0 {
        count(&counters.elided, 1);
        return;
    }
    count(&counters.made, 1);
    memory.consumers().wake(consumers);
    memory.producers().wake(producers);
}

/// The stages of a mask.
fn stages(mut mask: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = mask.trailing_zeros();
        mask &= mask.wrapping_sub(1);
        (at < 32).then_some(at as usize)
    })
}

/// The cell of those that `mask` names whose sequence is furthest behind, and that sequence.
///
/// Sequentially consistent loads, because a waiter looks here after it has armed; on x86 and arm64 they cost the same
/// as acquiring ones.
#[inline]
pub(crate) fn slowest<'a>(view: &View<'a>, mask: u32) -> (&'a Cell, u32) {
    if mask == CURSOR {
        return (view.cursor, seqcst::load(&view.cursor.value));
    }
    let mut cells = stages(mask & !CURSOR).map(|at| &view.stages[at]).map(|cell| (cell, seqcst::load(&cell.value)));
    let first = cells.next().unwrap_or((view.cursor, view.cursor.value.load(Acquire)));
    cells.fold(first, |slow, next| if distance(slow.1, next.1) < 0 { next } else { slow })
}

/// The stage furthest behind of those that hold the producers back, and its sequence: what may be claimed ends a ring's
/// length behind it.
///
/// Stages join and leave meanwhile; `join` tells why the bits are looked at again behind the sequences, and why those of
/// the graph's stages, which have the lower seats, come first.
#[inline]
pub(crate) fn slowest_sink<'a>(view: &View<'a>) -> (&'a Cell, u32) {
    // Shared memory could be scribbled over: bits of no seat are left out.
    let look = || seqcst::load(&view.header.sinks) & ((1 << view.geometry.seats) - 1);
    let mut sinks = look();
    loop {
        let found = slowest(view, sinks);
        let now = look();
        if now == sinks {
            return found;
        }
        sinks = now;
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::stages;

    /// What `join` rests on: a look for room has read every declared stage before it reads one that joined.
    #[test]
    fn stages_are_looked_at_from_the_lowest_seat_up() {
        assert_eq!(stages(1 | 1 << 3 | 1 << 30).collect::<Vec<_>>(), [0, 3, 30]);
        assert_eq!(stages(0).next(), None);
    }
}
