//! What a consumer and a worker have in common: they wait for events, take a batch, hand it out and release it.

use super::core::Access;
use super::strategy::{Pause, WaitStrategy};
use crate::consumer::Waited;
use crate::layout::Cell;
use crate::sequence::count;
use millrace_park::Sleeper;
use std::time::{Duration, Instant};

/// Who processes a stage's events, all of them or a part.
pub trait Processor {
    type Event: Send + Sync;
    type Strategy: WaitStrategy;

    fn access(&self) -> &Access<Self::Event>;
    fn strategy(&mut self) -> &mut Self::Strategy;
    /// Its seat among the consumers: who waits is armed by it, and its cell counts what is done.
    fn seat(&self) -> u32;
    /// The stage, declared or joined.
    fn stage(&self) -> u32;

    /// A wait begins.
    fn begin_wait(&mut self) {}
    /// The first look of a wait found nothing.
    fn found_nothing(&mut self) {}
    /// Whether there are events to take.
    fn is_ready(&mut self) -> bool;
    /// Whether no more will come, where none are ready.
    fn has_ended(&self) -> bool;
    /// Arms itself on who holds it back. False when it may sleep; true when it need not, and is not armed.
    fn arm(&self) -> bool;
    /// Writes what it counted to its cell.
    fn settle(&mut self);

    /// Makes events that are ready its own, `max` at most, and gives their number. Those it took and did not release
    /// come first.
    fn take(&mut self, max: u32) -> u32;
    /// The sequence of the first event taken.
    fn next(&self) -> u32;
    /// The exact number of that.
    fn number(&self) -> u64;
    /// Releases the first `n` events taken, one at least.
    fn release(&mut self, n: u32);

    #[inline(always)]
    fn cell(&self) -> &'static Cell {
        &self.access().view.stages[self.seat() as usize]
    }
}

/// Waits until something is ready, the ring's way, `timeout` at most.
pub(super) fn wait<P: Processor>(processor: &mut P, timeout: Option<Duration>) -> Waited {
    processor.begin_wait();
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut looks = 0u32;
    loop {
        if processor.is_ready() {
            if looks > 0 {
                processor.strategy().found(looks);
            }
            return Waited::Ready;
        }
        if looks == 0 {
            processor.found_nothing();
        }
        if processor.has_ended() {
            return last_look(processor);
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Waited::TimedOut;
        }
        match processor.strategy().pause(looks) {
            Pause::Spin => std::hint::spin_loop(),
            Pause::Park if P::Strategy::PARKS => park(processor, left),
            Pause::Yield | Pause::Park => processor.strategy().sleeper().yield_now(),
        }
        looks = looks.saturating_add(1);
    }
}

/// Who failed the ring may have released events since it was found to have nothing ready.
#[cold]
#[inline(never)]
fn last_look(processor: &mut impl Processor) -> Waited {
    if processor.is_ready() { Waited::Ready } else { Waited::Ended }
}

#[cold]
#[inline(never)]
fn park(processor: &mut impl Processor, timeout: Option<Duration>) {
    processor.settle();
    let sleeper = processor.strategy().sleeper();
    processor.access().core.memory.consumers().set(processor.seat(), sleeper.waker());
    if !processor.arm() {
        count(&processor.cell().waits, 1);
        sleeper.sleep(timeout);
    }
}

/// Hands pointers to the events of a batch, `max` at most, to `each` (with its number, and whether it is the batch's
/// last), releases them together, and gives their number. If `each` panics, nothing is released.
#[inline(always)]
pub(super) fn hand_out<P: Processor>(
    processor: &mut P,
    max: u32,
    mut each: impl FnMut(*mut P::Event, u64, bool),
) -> u32 {
    let n = processor.take(max);
    if n == 0 {
        return 0;
    }
    let mut number = processor.number();
    let last = number + u64::from(n) - 1;
    for (first, length) in processor.access().parts(processor.next(), n) {
        for at in 0..length as usize {
            // SAFETY: `parts` gives no more events than there are behind one another.
            each(unsafe { first.add(at) }, number, number == last);
            number += 1;
        }
    }
    processor.release(n);
    n
}

/// As [`hand_out`], for who reads.
#[inline(always)]
pub(super) fn poll<P: Processor>(processor: &mut P, max: u32, mut each: impl FnMut(&P::Event, u64, bool)) -> u32 {
    // SAFETY: the event is published, and neither released by this stage nor another worker's: no producer writes it,
    // nor does a stage upstream or downstream. A stage beside this one that writes, by `poll_mut`, has promised that
    // this reference does not mind.
    hand_out(processor, max, |event, number, last| each(unsafe { &*event }, number, last))
}

/// Hands out what comes until nothing more will.
#[inline(always)]
pub(super) fn run<P: Processor>(processor: &mut P, mut each: impl FnMut(&P::Event, u64, bool)) {
    while wait(processor, None) == Waited::Ready {
        poll(processor, u32::MAX, &mut each);
    }
}
