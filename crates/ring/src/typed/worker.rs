//! Consuming a part of a stage's events, beside other workers.

use super::core::{Access, Core, Wakes};
use super::strategy::{Pause, WaitStrategy};
use crate::consumer::Waited;
use crate::layout::{Cell, FAILED, OPEN};
use crate::ring::OpenError;
use crate::sequence::{count, distance, slowest};
use crate::stamps::Skips;
use crate::workers::Workers;
use millrace_park::sync::Arc;
use millrace_park::sync::atomic::Ordering::{Acquire, Release};
use millrace_park::{Sleeper, ThreadSleeper};
use std::time::{Duration, Instant};

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
    pub fn poll(&mut self, max: u32, mut each: impl FnMut(&E, u64, bool)) -> u32 {
        if self.left == 0 {
            self.claim(max);
            // What producers left for consumers to publish comes to one that never waits, too.
            if self.left == 0 && self.access.help() {
                self.claim(max);
            }
        }
        let n = self.left.min(max);
        let (mut number, last) = (self.number, self.number + u64::from(n.max(1)) - 1);
        for (first, length) in self.access.parts(self.next, n) {
            for at in 0..length as usize {
                // SAFETY: `parts` gives no more events than there are behind one another; they are published, not released
                // by this stage, and no other worker's: nobody writes them.
                each(unsafe { &*first.add(at) }, number, number == last);
                number += 1;
            }
        }
        self.finish(n);
        n
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

    fn finish(&mut self, n: u32) {
        if n == 0 {
            return;
        }
        self.next = self.next.wrapping_add(n);
        self.number += u64::from(n);
        self.left -= n;
        let Self { access, wakes, .. } = self;
        let Some(workers) = Workers::of_stage(&access.view, self.stage) else { return };
        count(&workers.seat(self.seat).batches, 1);
        workers.finish(self.seat, self.next, || access.wake(workers.stage, wakes));
    }

    /// Waits until something is ready, the ring's way, `timeout` at most. Another worker may be faster all the same.
    ///
    /// [`Waited::Ended`]: the ring is closed and the whole stage has consumed everything: until then what another
    /// worker leaves may still come. Or a stage failed and nothing more is ready.
    pub fn wait(&mut self, timeout: Option<Duration>) -> Waited {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut looks = 0u32;
        loop {
            let ended = self.ended();
            if self.ready() {
                if looks > 0 {
                    self.strategy.found(looks);
                }
                return Waited::Ready;
            }
            if ended {
                return Waited::Ended;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Waited::TimedOut;
            }
            match self.strategy.pause(looks) {
                Pause::Spin => std::hint::spin_loop(),
                Pause::Park if W::PARKS => self.park(left),
                Pause::Yield | Pause::Park => millrace_park::sync::thread::yield_now(),
            }
            looks = looks.saturating_add(1);
        }
    }

    /// Consumes on this thread, beside the other workers, until the ring is closed and the stage has consumed
    /// everything, or until a stage failed and nothing more is ready. As with [`Consumer::run`](super::Consumer::run), a
    /// panic of `each` passes through and the ring stays open.
    pub fn run(&mut self, mut each: impl FnMut(&E, u64, bool)) {
        while self.wait(None) == Waited::Ready {
            self.poll(u32::MAX, &mut each);
        }
    }

    fn ready(&self) -> bool {
        let pending = || Workers::of_stage(&self.access.view, self.stage).is_some_and(|workers| workers.pending());
        self.left > 0 || (!self.over && (pending() || (self.access.help() && pending())))
    }

    fn ended(&self) -> bool {
        self.access.ended(self.stage_cell().value.load(Acquire))
    }

    fn stage_cell(&self) -> &'static Cell {
        &self.access.view.stages[self.stage as usize]
    }

    fn cell(&self) -> &'static Cell {
        &self.access.view.stages[self.seat as usize]
    }

    #[cold]
    #[inline(never)]
    fn park(&mut self, timeout: Option<Duration>) {
        self.wakes.settle(self.cell());
        let sleeper = ThreadSleeper::current();
        self.access.core.memory.consumers().set(self.seat, sleeper.waker());
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
        if !self.access.arm(find, arm, disarm, held, || self.ready() || self.ended()) {
            count(&self.cell().waits, 1);
            sleeper.sleep(timeout);
        }
    }
}

impl<E: Send + Sync, W: WaitStrategy> Drop for Worker<E, W> {
    fn drop(&mut self) {
        self.wakes.settle(self.cell());
        let memory = &self.access.core.memory;
        memory.consumers().clear(self.seat);
        Workers::give_up(memory, &self.access.view, self.seat);
        self.cell().owner.store(0, Release);
    }
}
