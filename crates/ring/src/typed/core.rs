//! What a typed ring's producers and consumers share.

use crate::claim::{ClaimError, ended};
use crate::config::Config;
use crate::end;
use crate::join::stage_name;
use crate::layout::{Cell, FAILED, OPEN};
use crate::memory::{Memory, View};
use crate::sequence::{distance, slowest_sink};
use crate::stamps;
use crate::statistics::Statistics;
use millrace_park::sync::Arc;
use millrace_park::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use millrace_park::{Barrier, Failure};
use std::cell::UnsafeCell;
use std::fmt;
use std::ptr::NonNull;

/// Sequences, cells and wakers, and the events themselves.
pub(crate) struct Core<E> {
    pub(crate) memory: Memory,
    slots: Box<[UnsafeCell<E>]>,
    pub(crate) barrier: Barrier,
    /// Stages that are open exclusively, a bit each. Set by who holds [`Joining`](crate::join::Joining).
    pub(crate) exclusive: AtomicU32,
    /// The first sequence.
    pub(crate) start: u32,
    /// Slots that several producers claimed and gave up. Raised before they are stamped.
    pub(crate) given_up: AtomicU64,
}

// SAFETY: an event is written by the one who claimed its slot (so `Send`) and read by many (so `Sync`) between the
// sequences that hand it over; all else are atomics.
unsafe impl<E: Send + Sync> Sync for Core<E> {}
// SAFETY: as above.
unsafe impl<E: Send + Sync> Send for Core<E> {}

impl<E> fmt::Debug for Core<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("memory", &self.memory).finish_non_exhaustive()
    }
}

impl<E> Core<E> {
    pub(crate) fn new(config: &Config, upstream: Vec<u32>, barrier: Barrier, event: impl FnMut() -> E) -> Self {
        let mut event = event;
        // The events lie here: slots of so many bytes would lie beside them unused.
        Self {
            memory: Memory::heap(&config.without_slots(), upstream, None),
            slots: (0..config.capacity).map(|_| UnsafeCell::new(event())).collect(),
            barrier,
            exclusive: AtomicU32::new(0),
            start: config.start,
            given_up: AtomicU64::new(0),
        }
    }

    /// Takes no more events.
    pub(crate) fn end(&self, state: u32) {
        end::end(&self.memory, self.barrier, state);
    }

    /// Ends the ring because of this.
    pub(crate) fn fail(&self, stage: &str, message: &dyn fmt::Display) {
        let failure = Failure { part: stage.into(), message: message.to_string(), details: Vec::new() };
        end::fail(&self.memory, self.barrier, failure);
    }

    /// What the ring has done so far.
    pub(crate) fn statistics(&self) -> Statistics {
        let view = self.memory.enter().expect("native memory is never gone");
        if view.geometry.multi {
            // Producers may have left something to a consumer, and none may be looking.
            stamps::help(&view);
        }
        Statistics::of(&self.memory, &view, self.given_up.load(Relaxed))
    }

    pub(crate) fn wake_all(&self) {
        self.memory.consumers().wake(u32::MAX);
        self.memory.producers().wake(u32::MAX);
    }
}

/// A way into a ring for one producer or consumer.
pub struct Access<E> {
    /// Pointers into `core`, which keeps them good: what they point to never moves.
    pub(crate) view: View<'static>,
    slots: NonNull<UnsafeCell<E>>,
    pub(crate) mask: u32,
    pub(crate) barrier: Barrier,
    pub(crate) core: Arc<Core<E>>,
}

// SAFETY: see `Core`.
unsafe impl<E: Send + Sync> Send for Access<E> {}

impl<E> fmt::Debug for Access<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

impl<E> Access<E> {
    pub(crate) fn new(core: Arc<Core<E>>) -> Self {
        let view: View<'_> = *core.memory.enter().expect("native memory is never gone");
        // SAFETY: the view points into boxes that `core` owns, and `core` lives as long as this access.
        let view = unsafe { std::mem::transmute::<View<'_>, View<'static>>(view) };
        Self {
            view,
            slots: NonNull::from(&*core.slots).cast(),
            mask: view.geometry.capacity - 1,
            barrier: core.barrier,
            core,
        }
    }

    /// The name of a stage, declared or joined.
    pub(crate) fn stage_name(&self, stage: u32) -> String {
        stage_name(&self.core.memory, &self.view, stage)
    }

    /// The slot of a sequence.
    #[inline(always)]
    pub(crate) fn slot(&self, sequence: u32) -> *mut E {
        // SAFETY: there are `mask + 1` slots.
        unsafe { self.slots.add((sequence & self.mask) as usize).as_ref().get() }
    }

    /// The slots of `n` sequences from `first` on: those up to the ring's end, and those from its begin.
    #[inline(always)]
    pub(crate) fn parts(&self, first: u32, n: u32) -> [(*mut E, u32); 2] {
        let until_end = n.min(self.mask + 1 - (first & self.mask));
        [(self.slot(first), until_end), (self.slot(first.wrapping_add(until_end)), n - until_end)]
    }

    /// Why a ring that is not open takes nothing.
    #[cold]
    pub(crate) fn refusal(&self) -> ClaimError {
        if self.state() == FAILED { ClaimError::Failed } else { ClaimError::Closed }
    }

    /// `OPEN`, `CLOSING` or `FAILED`.
    #[inline(always)]
    pub(crate) fn state(&self) -> u32 {
        self.view.header.state.load(Relaxed)
    }

    /// True when a stage that stands at `next`, where nothing is ready, will get nothing more.
    pub(crate) fn ended(&self, next: u32) -> bool {
        self.state() != OPEN && ended(&self.view, next)
    }

    /// What was announced or claimed will not come: who waits for a closed ring to end looks again.
    pub(crate) fn look_again(&self) {
        self.barrier.light();
        if self.state() != OPEN {
            self.core.wake_all();
        }
    }

    /// Wakes who waits for `cell`, after it was advanced.
    #[inline(always)]
    pub(crate) fn wake(&self, cell: &Cell, counters: &mut Wakes) {
        self.barrier.light();
        if cell.consumers.any() || cell.producers.any() {
            self.wake_sleepers(cell);
            counters.made = counters.made.wrapping_add(1);
        } else {
            counters.elided = counters.elided.wrapping_add(1);
        }
    }

    #[cold]
    fn wake_sleepers(&self, cell: &Cell) {
        let consumers = cell.consumers.take();
        let producers = cell.producers.take();
        self.core.memory.consumers().wake(consumers);
        self.core.memory.producers().wake(producers);
    }

    /// Publishes what one of many producers left for consumers to publish; see `stamps`. False when there was nothing.
    pub(crate) fn help(&self) -> bool {
        let helped = self.view.geometry.multi && stamps::help(&self.view);
        if helped {
            self.barrier.light();
            self.wake_sleepers(self.view.cursor);
        }
        helped
    }

    /// Arms a waiter on whichever cell is the slowest by `find`, so that it is woken when that one moves on.
    ///
    /// `held` tells whether a cell at this sequence still holds the waiter back; `over` whether it need not wait any
    /// more. False when it is armed and may sleep.
    pub(crate) fn arm<'a>(
        &self,
        find: impl Fn() -> (&'a Cell, u32),
        arm: impl Fn(&Cell),
        disarm: impl Fn(&Cell),
        held: impl Fn(u32) -> bool,
        over: impl Fn() -> bool,
    ) -> bool {
        loop {
            let (cell, _) = find();
            arm(cell);
            self.barrier.heavy();
            let over = over();
            let (slowest, sequence) = find();
            let held = !over && held(sequence);
            // Only a cell that holds us back will wake us: another may have become the slowest.
            if held && std::ptr::eq(slowest, cell) {
                return false;
            }
            disarm(cell);
            if !held {
                return true;
            }
        }
    }

    /// Slots free behind `next`.
    pub(crate) fn free(&self, next: u32) -> u32 {
        let gate = slowest_sink(&self.view).1;
        // A stage that is about to join may be further behind for a moment.
        (self.mask + 1).saturating_sub(distance(gate, next).max(0).cast_unsigned())
    }
}

/// Wakes made and elided, counted where it costs nothing and written to a cell now and then.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    pub(crate) made: u32,
    pub(crate) elided: u32,
}

impl Wakes {
    /// Adds to the counters of the cell of who counts.
    pub(crate) fn settle(&mut self, cell: &Cell) {
        let Self { made, elided } = std::mem::take(self);
        crate::sequence::count(&cell.made, made);
        crate::sequence::count(&cell.elided, elided);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{Access, Core, Wakes};
    use crate::config::Config;
    use crate::layout::Offsets;
    use crate::typed::Builder;
    use millrace_park::Barrier;
    use millrace_park::sync::{Arc, atomic::Ordering::Relaxed};

    fn core() -> Core<u8> {
        let config = Config::new(2, 4).stage("only", &[]);
        let upstream = config.check().unwrap();
        Core::new(&config, upstream, Barrier::symmetric(), || 0)
    }

    #[test]
    fn events_lie_nowhere_but_in_their_own_slots() {
        let Offsets { slots, length, .. } = core().memory.geometry.offsets;
        assert_eq!(slots, length);
    }

    /// A stage that never sleeps settles nothing, however long it runs.
    #[test]
    fn wakes_wrap_where_nobody_settles_them() {
        let access = Access::new(Arc::new(core()));
        let mut wakes = Wakes { made: u32::MAX, elided: u32::MAX };
        let cell = access.view.cursor;
        access.wake(cell, &mut wakes);
        cell.consumers.arm(0);
        access.wake(cell, &mut wakes);
        wakes.settle(cell);
        assert_eq!((cell.made.load(Relaxed), cell.elided.load(Relaxed)), (0, 0));
    }

    /// As of a producer that brought the cursor to a stamp that it did not see yet, where no consumer looks.
    #[test]
    fn the_cursor_counts_what_producers_left_to_a_consumer() {
        let ring = Builder::new(4).multi(2).stage("only", &[]).create(u32::default).unwrap();
        let (mut slow, mut fast) = (ring.producer().unwrap(), ring.producer().unwrap());
        let claim = slow.try_claim(1).unwrap();
        fast.try_publish(|_| ()).unwrap();
        assert_eq!(ring.stats().cursor, 0);
        ring.core.memory.enter().unwrap().cursor.value.store(1, Relaxed);
        let statistics = ring.stats();
        assert_eq!((statistics.cursor, statistics.stages[0].lag), (2, 2));
        drop(claim);
    }
}
