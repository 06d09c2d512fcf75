//! Consuming a stage's events.

use super::core::{Access, Core, Wakes};
use super::exclusive::may_join;
use super::gather::Gather;
use super::processor::{self, Processor};
use super::strategy::WaitStrategy;
use crate::consumer::Waited;
use crate::join::{Guest, JoinError, join, vacate};
use crate::layout::Cell;
use crate::place::take_stage;
use crate::ring::OpenError;
use crate::sequence::{count, distance, slowest};
use crate::stamps::Skips;
use millrace_park::sync::Arc;
use millrace_park::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

/// Consumes a stage's events. A stage is open to one consumer at a time; dropping it lets another open it, which goes
/// on behind the last event that was released. Of a stage that has [joined](super::Ring::join), dropping it leaves.
#[derive(Debug)]
pub struct Consumer<E: Send + Sync, W: WaitStrategy> {
    access: Access<E>,
    strategy: W,
    stage: u32,
    upstream: u32,
    /// Next sequence to consume.
    next: u32,
    /// Sequences before this are ready.
    limit: u32,
    /// Multi-producer rings: slots that producers gave up.
    skips: Option<Skips>,
    batches: u32,
    gather: Gather,
    /// Events released since the last wait, at the last time.
    released: u32,
    wakes: Wakes,
}

impl<E: Send + Sync, W: WaitStrategy> Consumer<E, W> {
    pub(super) fn open(core: Arc<Core<E>>, stage: u32, strategy: W) -> Result<Self, OpenError> {
        let access = Access::new(core);
        take_stage(&access.view, stage, 1)?;
        let upstream = access.view.geometry.upstream[stage as usize];
        Ok(Self::seated(access, stage, upstream, strategy))
    }

    pub(super) fn join(core: Arc<Core<E>>, guest: &Guest<'_>, strategy: W) -> Result<Self, JoinError> {
        let access = Access::new(core);
        let core = &access.core;
        let seat = join(&core.memory, &access.view, guest, || may_join(core, guest.upstream))?;
        Ok(Self::seated(access, seat, guest.upstream, strategy))
    }

    fn seated(access: Access<E>, stage: u32, upstream: u32, strategy: W) -> Self {
        let next = access.view.stages[stage as usize].value.load(Acquire);
        let skips = access.view.geometry.multi.then(Skips::default);
        let gather = Gather::new(access.mask + 1);
        let wakes = Wakes::default();
        Self { access, strategy, stage, upstream, next, limit: next, skips, batches: 0, gather, released: 0, wakes }
    }

    /// Hands every event that is ready, `max` at most, to `each` (the event, its number, whether it is the batch's
    /// last), releases them together, and gives their number. If `each` panics, nothing is released: the batch comes
    /// again to the next consumer.
    #[inline]
    pub fn poll(&mut self, max: u32, each: impl FnMut(&E, u64, bool)) -> u32 {
        processor::poll(self, max, each)
    }

    /// As [`poll`](Self::poll), with pointers to events, for stages that stand beside each other and write to the same
    /// events without atomics. [`Owned`](super::Owned) does this for numbers and costs the same;
    /// [`exclusive_consumer`](super::Ring::exclusive_consumer) is for a stage that no other stands beside.
    ///
    /// # Safety
    /// Neither producers nor stages upstream or downstream of this one touch an event while `each` has it. Stages
    /// *beside* this one, and those that join, may have it at the same time, so the caller promises for all of them:
    /// - what `each` writes, no stage beside reads or writes, unless both sides do it atomically;
    /// - nobody makes a reference to more of the event than what is his. `&mut *event` is undefined behaviour while
    ///   another stage has the event, and so is the `&E` of another stage's [`poll`](Self::poll) while this one writes,
    ///   but into an `UnsafeCell`, whatever is done with them. Go from the pointer to the field (`(*event).field = 1`,
    ///   `&raw mut (*event).field`), and have every stage beside this one do so too, by `poll_mut`;
    /// - the pointer is not used after `each` has returned.
    #[inline]
    pub unsafe fn poll_mut(&mut self, max: u32, each: impl FnMut(*mut E, u64, bool)) -> u32 {
        processor::hand_out(self, max, each)
    }

    /// Waits until something is ready, the ring's way, `timeout` at most.
    ///
    /// [`Waited::Ended`]: the ring is closed and this stage has consumed everything, or a stage failed and nothing more
    /// is ready.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Waited {
        processor::wait(self, timeout)
    }

    /// Consumes on this thread until the ring is closed and everything was consumed, or until a stage failed and
    /// nothing more is ready. A panic of `each` passes through, as through [`poll`](Self::poll), and the ring stays
    /// open: somebody else may open the stage, or should [`fail`](super::Ring::fail) the ring, or its producers wait
    /// for ever.
    #[inline]
    pub fn run(&mut self, each: impl FnMut(&E, u64, bool)) {
        processor::run(self, each);
    }

    /// The number of the next event.
    #[must_use]
    #[inline]
    pub fn sequence(&self) -> u64 {
        self.number()
    }

    pub(super) fn core(&self) -> &Core<E> {
        &self.access.core
    }

    /// Events ready behind one another; what producers gave up before them is passed over.
    #[inline(always)]
    fn ready(&mut self) -> u32 {
        loop {
            let available = self.available();
            let Some(skips) = &mut self.skips else { return available };
            if available == 0 {
                return 0;
            }
            let (over, n) = skips.clip(&self.access.view, self.next, available);
            if over == 0 {
                return n;
            }
            self.advance(over);
        }
    }

    #[inline(always)]
    fn advance(&mut self, n: u32) {
        let cell = self.cell();
        let next = self.next.wrapping_add(n);
        if next < self.next {
            count(&cell.wraps, 1);
        }
        self.next = next;
        cell.value.store(next, Release);
        self.access.wake(cell, &mut self.wakes);
    }

    #[inline(always)]
    fn available(&mut self) -> u32 {
        if self.limit == self.next {
            self.limit = slowest(&self.access.view, self.upstream).1;
            if self.limit == self.next && self.access.help() {
                self.limit = slowest(&self.access.view, self.upstream).1;
            }
        }
        distance(self.next, self.limit).max(0).cast_unsigned()
    }
}

impl<E: Send + Sync, W: WaitStrategy> Processor for Consumer<E, W> {
    type Event = E;
    type Strategy = W;

    #[inline(always)]
    fn access(&self) -> &Access<E> {
        &self.access
    }

    #[inline(always)]
    fn strategy(&mut self) -> &mut W {
        &mut self.strategy
    }

    #[inline(always)]
    fn seat(&self) -> u32 {
        self.stage
    }

    fn stage(&self) -> u32 {
        self.stage
    }

    #[inline(always)]
    fn begin_wait(&mut self) {
        let released = std::mem::take(&mut self.released);
        if W::GATHERS && released > 0 {
            self.gather.found(released);
        }
    }

    #[inline(always)]
    fn found_nothing(&mut self) {
        self.gather.found_nothing();
    }

    #[inline(always)]
    fn is_ready(&mut self) -> bool {
        self.ready() > 0
    }

    #[inline(always)]
    fn has_ended(&self) -> bool {
        self.access.ended(self.next)
    }

    fn arm(&self) -> bool {
        let Self { access, stage, upstream, next, .. } = self;
        let held = |sequence: u32| distance(*next, sequence) <= 0;
        let arm = |cell: &Cell| cell.consumers.arm(*stage);
        let disarm = |cell: &Cell| cell.consumers.disarm(*stage);
        let find = || {
            access.help();
            slowest(&access.view, *upstream)
        };
        access.arm(find, arm, disarm, held, || access.ended(*next))
    }

    fn settle(&mut self) {
        let cell = self.cell();
        self.wakes.settle(cell);
        count(&cell.batches, std::mem::take(&mut self.batches));
    }

    #[inline(always)]
    fn take(&mut self, max: u32) -> u32 {
        self.ready().min(max)
    }

    #[inline(always)]
    fn next(&self) -> u32 {
        self.next
    }

    #[inline(always)]
    fn number(&self) -> u64 {
        (u64::from(self.cell().wraps.load(Relaxed)) << 32) + u64::from(self.next)
    }

    #[inline(always)]
    fn release(&mut self, n: u32) {
        self.released = n;
        self.batches = self.batches.wrapping_add(1);
        self.advance(n);
    }
}

impl<E: Send + Sync, W: WaitStrategy> Drop for Consumer<E, W> {
    fn drop(&mut self) {
        self.settle();
        vacate(&self.access.core.memory, &self.access.view, self.stage);
    }
}
