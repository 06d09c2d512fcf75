//! A stage that is open, or a worker's share of one, and where it stands.

use crate::claim::ended;
use crate::config::Wait;
use crate::consumer::{Gone, Waited};
use crate::join::{self, Guest, JoinError, vacate};
use crate::layout::{Cell, FAILED, OPEN};
use crate::memory::{Memory, View};
use crate::producer_seat::check_owner;
use crate::recovery::Recovery;
use crate::ring::OpenError;
use crate::sequence::{count, distance, release, slowest, wake};
use crate::stamps::Skips;
use crate::typed::OnError;
use crate::workers::Workers;
use millrace_park::Sleeper;
use millrace_park::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use millrace_park::sync::seqcst;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Looks before an `adaptive` waiter yields, and yields before it sleeps. Together about as long as a wake costs, so
/// that a ring that is never idle for longer needs none.
const SPINS: u32 = 100;
const YIELDS: u32 = 4;

/// Takes a stage for `owner`.
pub(crate) fn take_stage(view: &View<'_>, stage: u32, owner: u32) -> Result<(), OpenError> {
    check_owner(owner);
    if stage >= view.geometry.upstream.len() as u32 {
        return Err(OpenError::Stage);
    }
    if view.geometry.workers[stage as usize].1 > 0 {
        return Err(OpenError::Shared);
    }
    let cell = &view.stages[stage as usize];
    cell.owner.compare_exchange(0, owner, AcqRel, Relaxed).map(drop).map_err(|_| OpenError::Taken)
}

/// Takes the seat of a worker of a stage.
pub(crate) fn take_worker(view: &View<'_>, stage: u32, owner: u32) -> Result<u32, OpenError> {
    if stage as usize >= view.geometry.workers.len() {
        return Err(OpenError::Stage);
    }
    Workers::of_stage(view, stage).ok_or(OpenError::Shared)?.take(owner)
}

/// What consumers do a stage by.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) memory: Arc<Memory>,
    /// The stage, declared or joined.
    stage: u32,
    /// Its seat, or that of the worker.
    pub(crate) seat: u32,
    upstream: u32,
    /// The sequence behind the last one released.
    pub(crate) next: u32,
    part: Part,
}

/// How much of the stage's events it gets.
#[derive(Debug)]
enum Part {
    /// All of them.
    Whole {
        /// Events of many producers: slots that they gave up.
        skips: Option<Skips>,
    },
    /// Those that other workers do not get.
    Share {
        /// Places in hand, from `next` on.
        left: u32,
        skips: Skips,
        /// The ring failed, and there is nothing more for us.
        over: bool,
    },
}

impl Drop for Place {
    fn drop(&mut self) {
        match self.memory.enter() {
            Some(view) => {
                Workers::give_up(&self.memory, &view, self.seat);
                vacate(&self.memory, &view, self.seat);
            }
            None => self.memory.consumers().clear(self.seat),
        }
    }
}

impl Place {
    pub(crate) fn take_stage(memory: Arc<Memory>, stage: u32, owner: u32) -> Result<Self, OpenError> {
        let (next, upstream) = {
            let view = memory.enter().ok_or(OpenError::Gone)?;
            take_stage(&view, stage, owner)?;
            (view.stages[stage as usize].value.load(Acquire), view.geometry.upstream[stage as usize])
        };
        Ok(Self::whole(memory, stage, upstream, next))
    }

    pub(crate) fn join(memory: Arc<Memory>, guest: &Guest<'_>) -> Result<Self, JoinError> {
        let (stage, next) = {
            let view = memory.enter().ok_or(JoinError::Gone)?;
            let stage = join::join(&memory, &view, guest, || Ok(()))?;
            (stage, view.stages[stage as usize].value.load(Acquire))
        };
        Ok(Self::whole(memory, stage, guest.upstream, next))
    }

    fn whole(memory: Arc<Memory>, stage: u32, upstream: u32, next: u32) -> Self {
        let skips = (memory.geometry.multi && memory.geometry.fields.is_none()).then(Skips::default);
        Self { memory, stage, seat: stage, upstream, next, part: Part::Whole { skips } }
    }

    pub(crate) fn take_worker(memory: Arc<Memory>, stage: u32, owner: u32) -> Result<Self, OpenError> {
        let (seat, upstream) = {
            let view = memory.enter().ok_or(OpenError::Gone)?;
            (take_worker(&view, stage, owner)?, view.geometry.upstream[stage as usize])
        };
        let part = Part::Share { left: 0, skips: Skips::default(), over: false };
        Ok(Self { memory, stage, seat, upstream, next: 0, part })
    }

    /// Places ready behind one another from `next` on; what producers gave up before them is passed over. A worker takes
    /// some `most` in hand where it has none; those that it has may be more.
    pub(crate) fn take(&mut self, view: &View<'_>, most: u32) -> u32 {
        match &mut self.part {
            Part::Whole { .. } => self.available(view),
            Part::Share { left, .. } if *left > 0 || most == 0 => *left,
            Part::Share { left, skips, over } => {
                let Some(workers) = Workers::of_stage(view, self.stage) else { return 0 };
                // Looked at first: what comes between is claimed, or there is nothing.
                let failed = view.header.state.load(Acquire) == FAILED;
                let moved = || wake(&self.memory, workers.stage, workers.seat(self.seat));
                match workers.claim(self.seat, most, skips, moved) {
                    Some((start, n)) => (self.next, *left) = (start, n),
                    None => *over = failed,
                }
                *left
            }
        }
    }

    /// As [`take`](Self::take), of all that is ready in the stage.
    fn available(&mut self, view: &View<'_>) -> u32 {
        loop {
            let available = distance(self.next, slowest(view, self.upstream).1).max(0).cast_unsigned();
            let Part::Whole { skips: Some(skips) } = &mut self.part else { return available };
            if available == 0 {
                return 0;
            }
            let (over, n) = skips.clip(view, self.next, available);
            if over == 0 {
                return n;
            }
            self.next = self.next.wrapping_add(over);
            release(&self.memory, &view.stages[self.stage as usize], self.next);
        }
    }

    /// Releases the first `n` places taken, one at least, of which `skipped` events are passed over. Those are counted
    /// here: a batch that is not released comes again.
    pub(crate) fn release(&mut self, view: &View<'_>, n: u32, skipped: u32) {
        self.next = self.next.wrapping_add(n);
        let cell = &view.stages[self.seat as usize];
        count(&cell.batches, 1);
        if skipped > 0 {
            count(&cell.skipped, skipped);
        }
        match &mut self.part {
            Part::Whole { .. } => release(&self.memory, cell, self.next),
            Part::Share { left, .. } => {
                *left -= n;
                let Some(workers) = Workers::of_stage(view, self.stage) else { return };
                workers.finish(self.seat, self.next, || wake(&self.memory, workers.stage, cell));
            }
        }
    }

    /// Whether there is something to take, or was a moment ago.
    fn is_ready(&mut self, view: &View<'_>) -> bool {
        match self.part {
            Part::Whole { .. } => self.available(view) > 0,
            Part::Share { left, over, .. } => {
                left > 0 || (!over && Workers::of_stage(view, self.stage).is_some_and(|workers| workers.pending()))
            }
        }
    }

    pub(crate) fn look(&mut self, view: &View<'_>) -> Option<Waited> {
        if self.is_ready(view) {
            return Some(Waited::Ready);
        }
        let stands = match self.part {
            Part::Whole { .. } => self.next,
            // Until all workers are done, what one leaves may still come.
            Part::Share { .. } => view.stages[self.stage as usize].value.load(Acquire),
        };
        // Looked at again: what fails a ring releases what it had done first.
        ended(view, stands).then(|| if self.is_ready(view) { Waited::Ready } else { Waited::Ended })
    }

    /// One look, armed to be woken if it finds nothing and this ring's waiters sleep.
    pub(crate) fn look_before_sleep(&mut self, view: &View<'_>) -> Option<Waited> {
        let stage = &view.stages[self.stage as usize];
        let is_share = matches!(self.part, Part::Share { .. });
        loop {
            let (cell, _) = slowest(view, self.upstream);
            cell.consumers.arm(self.seat);
            // The last batches of a closing ring may be in others' hands, or be left by them.
            if is_share && seqcst::load(&view.header.state) != OPEN {
                stage.consumers.arm(self.seat);
            }
            let found = self.look(view);
            let front = if is_share { stage.ledger.sequence_in_order() } else { self.next };
            // Whom we armed on may have moved on in between while another became the slowest: only one that still
            // holds us back will wake us.
            if found.is_none() && distance(front, seqcst::load(&cell.value)) <= 0 {
                count(&view.stages[self.seat as usize].waits, 1);
                return None;
            }
            self.disarm_on(cell);
            if is_share {
                self.disarm_on(stage);
            }
            if found.is_some() {
                return found;
            }
        }
    }

    fn disarm_on(&self, cell: &Cell) {
        cell.consumers.disarm(self.seat);
    }

    /// Takes [`look_before_sleep`](Self::look_before_sleep) back.
    pub(crate) fn disarm(&self, view: &View<'_>) {
        self.disarm_on(view.cursor);
        view.stages.iter().for_each(|cell| self.disarm_on(cell));
    }

    pub(crate) fn wait(&mut self, sleeper: &dyn Sleeper, timeout: Option<Duration>) -> Result<Waited, Gone> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let memory = self.memory.clone();
        let wait = memory.geometry.wait;
        let mut looks = 0u32;
        let mut armed = false;
        loop {
            let view = memory.enter().ok_or(Gone)?;
            let sleeps = match wait {
                Wait::Block => true,
                Wait::Adaptive => looks >= SPINS + YIELDS,
                Wait::Yield | Wait::Spin => false,
            };
            if sleeps && !armed {
                self.memory.consumers().set(self.seat, sleeper.waker());
                armed = true;
            }
            let found = if sleeps { self.look_before_sleep(&view) } else { self.look(&view) };
            if let Some(found) = found {
                return Ok(found);
            }
            drop(view);
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Waited::TimedOut);
            }
            if sleeps {
                sleeper.sleep(left);
            } else if wait == Wait::Yield
                || (wait == Wait::Adaptive && looks >= SPINS)
                // Now and then, so that a coroutine that spins can be cancelled; true again once `looks` has saturated.
                || (wait == Wait::Spin && looks % 64 == 63)
            {
                sleeper.yield_now();
            } else {
                std::hint::spin_loop();
            }
            looks = looks.saturating_add(1);
        }
    }

    pub(crate) fn recovery<X, F: FnMut(X, u64)>(&self, on_error: OnError, skipped: F) -> Recovery<X, F> {
        Recovery::new(self.memory.clone(), self.stage, self.seat, on_error, skipped)
    }
}
