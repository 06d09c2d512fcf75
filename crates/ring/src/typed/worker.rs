//! Consuming a part of a stage's events, beside other workers.

use super::core::{Access, Core, Wakes};
use super::on_error::{self, OnError, Ran, Stopped};
use super::processor::{self, Processor};
use super::strategy::WaitStrategy;
use crate::consumer::Waited;
use crate::layout::{Cell, FAILED, OPEN};
use crate::ring::OpenError;
use crate::sequence::{count, distance, slowest};
use crate::stamps::Skips;
use crate::workers::Workers;
use millrace_park::sync::Arc;
use millrace_park::sync::atomic::Ordering::{Acquire, Release};
use std::fmt;
use std::time::Duration;

/// One of the workers of a stage: each event of the stage goes to exactly one of them. Dropping it, or a panic on the
/// way, leaves what it had taken and not released to the others, or to the next that is opened.
#[derive(Debug)]
pub struct Worker<E: Send + Sync, W: WaitStrategy> {
    access: Access<E>,
    strategy: W,
    stage: u32,
    seat: u32,
    /// What is in hand: the next sequence, the exact number of that, and how many.
    next: u32,
    number: u64,
    left: u32,
    skips: Skips,
    /// The ring failed, and there is nothing more for us.
    over: bool,
    wakes: Wakes,
}

impl<E: Send + Sync, W: WaitStrategy> Worker<E, W> {
    pub(super) fn open(core: Arc<Core<E>>, stage: u32, strategy: W) -> Result<Self, OpenError> {
        let access = Access::new(core);
        let seat = Workers::of_stage(&access.view, stage).ok_or(OpenError::Shared)?.take(1)?;
        let (skips, wakes) = (Skips::default(), Wakes::default());
        Ok(Self { access, strategy, stage, seat, next: 0, number: 0, left: 0, skips, over: false, wakes })
    }

    /// Takes a batch, `max` events at most and no more than this worker's share of what is ready, hands each event to
    /// `each` (the event, its number, whether it is the batch's last), releases them together, and gives their number.
    ///
    /// The share is what is ready divided by the workers that are open. 0 when nothing is ready, or others were faster.
    /// If `each` panics nothing is released, and the batch is still this worker's: it comes again.
    #[inline]
    pub fn poll(&mut self, max: u32, each: impl FnMut(&E, u64, bool)) -> u32 {
        processor::poll(self, max, each)
    }

    /// Waits until something is ready, the ring's way, `timeout` at most. Another worker may be faster all the same.
    ///
    /// [`Waited::Ended`]: the ring is closed and the whole stage has consumed everything: until then what another
    /// worker leaves may still come. Or a stage failed and nothing more is ready.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Waited {
        processor::wait(self, timeout)
    }

    /// Consumes on this thread, beside the other workers, until the ring is closed and the stage has consumed
    /// everything, or until a stage failed and nothing more is ready. As with [`Consumer::run`](super::Consumer::run), a
    /// panic of `each` passes through and the ring stays open.
    #[inline]
    pub fn run(&mut self, each: impl FnMut(&E, u64, bool)) {
        processor::run(self, each);
    }

    /// As [`Consumer::run_fallible`](super::Consumer::run_fallible), with the batches of this worker: one that is begun
    /// again is so by this worker alone. What others had in hand when the ring failed they still finish.
    ///
    /// # Errors
    /// [`Stopped`] when the policy ends the run, and the ring has failed. What this worker had in hand and did not
    /// release is left as it is: in a failed ring nobody takes it over.
    pub fn run_fallible<X: fmt::Display>(
        &mut self,
        on_error: OnError,
        each: impl FnMut(&E, u64, bool) -> Result<(), X>,
    ) -> Result<Ran, Stopped<X>> {
        on_error::run(self, on_error, each)
    }

    fn claim(&mut self, max: u32) {
        let Self { access, skips, wakes, .. } = self;
        let Some(workers) = Workers::of_stage(&access.view, self.stage) else { return };
        // Looked at first: what comes between is claimed, or there is nothing.
        let failed = access.state() == FAILED;
        match workers.claim(self.seat, max, skips, || access.wake(workers.stage, wakes)) {
            Some((start, n)) => (self.next, self.number, self.left) = (start, workers.number(start), n),
            None => self.over = failed,
        }
    }

    fn pending(&self) -> bool {
        let pending = || Workers::of_stage(&self.access.view, self.stage).is_some_and(|workers| workers.pending());
        self.left > 0 || (!self.over && (pending() || (self.access.help() && pending())))
    }

    fn stage_cell(&self) -> &'static Cell {
        &self.access.view.stages[self.stage as usize]
    }
}

impl<E: Send + Sync, W: WaitStrategy> Processor for Worker<E, W> {
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
        self.seat
    }

    fn stage(&self) -> u32 {
        self.stage
    }

    fn is_ready(&mut self) -> bool {
        self.pending()
    }

    fn has_ended(&self) -> bool {
        self.access.ended(self.stage_cell().value.load(Acquire))
    }

    fn arm(&self) -> bool {
        let (stage, seat) = (self.stage_cell(), self.seat);
        // The last batches of a closing ring may be in others' hands, or be left by them.
        let closing = || self.access.state() != OPEN;
        let arm = |cell: &Cell| {
            cell.consumers.arm(seat);
            if closing() {
                stage.consumers.arm(seat);
            }
        };
        let disarm = |cell: &Cell| {
            cell.consumers.disarm(seat);
            stage.consumers.disarm(seat);
        };
        let upstream = self.access.view.geometry.upstream[self.stage as usize];
        let find = || {
            self.access.help();
            slowest(&self.access.view, upstream)
        };
        let held = |sequence: u32| distance(stage.ledger.sequence(), sequence) <= 0;
        self.access.arm(find, arm, disarm, held, || self.pending() || self.has_ended())
    }

    fn settle(&mut self) {
        self.wakes.settle(self.cell());
    }

    fn take(&mut self, max: u32) -> u32 {
        if self.left == 0 {
            self.claim(max);
            // What producers left for consumers to publish comes to one that never waits, too.
            if self.left == 0 && self.access.help() {
                self.claim(max);
            }
        }
        self.left.min(max)
    }

    #[inline(always)]
    fn next(&self) -> u32 {
        self.next
    }

    #[inline(always)]
    fn number(&self) -> u64 {
        self.number
    }

    fn release(&mut self, n: u32) {
        self.next = self.next.wrapping_add(n);
        self.number += u64::from(n);
        self.left -= n;
        let Self { access, wakes, .. } = self;
        let Some(workers) = Workers::of_stage(&access.view, self.stage) else { return };
        count(&workers.seat(self.seat).batches, 1);
        workers.finish(self.seat, self.next, || access.wake(workers.stage, wakes));
    }
}

impl<E: Send + Sync, W: WaitStrategy> Drop for Worker<E, W> {
    fn drop(&mut self) {
        self.settle();
        let memory = &self.access.core.memory;
        memory.consumers().clear(self.seat);
        Workers::give_up(memory, &self.access.view, self.seat);
        self.cell().owner.store(0, Release);
    }
}
