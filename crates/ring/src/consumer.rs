//! Consuming events in native code: on a thread of its own or in a coroutine.

use crate::claim::ended;
use crate::join::{self, Guest, JoinError, vacate};
use crate::memory::{Memory, View};
use crate::producer_seat::check_owner;
use crate::recovery::{Failed, Recovery};
use crate::ring::OpenError;
use crate::sequence::{count, distance, release, slowest};
use crate::shared_bytes::SharedBytes;
use crate::stamps::Skips;
use crate::typed::OnError;
use millrace_park::Sleeper;
use millrace_park::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use millrace_park::sync::seqcst;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Looks before an `adaptive` waiter yields, and yields before it sleeps. Together about as long as a wake costs, so
/// that a ring that is never idle for longer needs none.
const SPINS: u32 = 100;
const YIELDS: u32 = 4;

/// What a wait ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// There are events.
    Ready,
    /// There will be no more.
    Ended,
    /// The time is up.
    TimedOut,
}

/// Nothing more can be consumed: the ring's memory is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

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

/// A stage that is open, and where it stands.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) memory: Arc<Memory>,
    pub(crate) stage: u32,
    upstream: u32,
    /// The sequence behind the last one released.
    pub(crate) next: u32,
    /// Events of many producers: slots that they gave up.
    skips: Option<Skips>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        match self.memory.enter() {
            Some(view) => vacate(&self.memory, &view, self.stage),
            None => self.memory.consumers().clear(self.stage),
        }
    }
}

impl Seat {
    pub(crate) fn take(memory: Arc<Memory>, stage: u32, owner: u32) -> Result<Self, OpenError> {
        let (next, upstream) = {
            let view = memory.enter().ok_or(OpenError::Gone)?;
            take_stage(&view, stage, owner)?;
            (view.stages[stage as usize].value.load(Acquire), view.geometry.upstream[stage as usize])
        };
        Ok(Self::seated(memory, stage, upstream, next))
    }

    pub(crate) fn join(memory: Arc<Memory>, guest: &Guest<'_>) -> Result<Self, JoinError> {
        let (stage, next) = {
            let view = memory.enter().ok_or(JoinError::Gone)?;
            let stage = join::join(&memory, &view, guest, || Ok(()))?;
            (stage, view.stages[stage as usize].value.load(Acquire))
        };
        Ok(Self::seated(memory, stage, guest.upstream, next))
    }

    fn seated(memory: Arc<Memory>, stage: u32, upstream: u32, next: u32) -> Self {
        let skips = (memory.geometry.multi && memory.geometry.fields.is_none()).then(Skips::default);
        Self { memory, stage, upstream, next, skips }
    }

    /// Slots ready behind one another; what producers gave up before them is passed over.
    pub(crate) fn available(&mut self, view: &View<'_>) -> u32 {
        loop {
            let available = distance(self.next, slowest(view, self.upstream).1).max(0).cast_unsigned();
            let Some(skips) = &mut self.skips else { return available };
            if available == 0 {
                return 0;
            }
            let (over, n) = skips.clip(view, self.next, available);
            if over == 0 {
                return n;
            }
            self.advance(view, self.next.wrapping_add(over));
        }
    }

    pub(crate) fn release(&mut self, view: &View<'_>, next: u32) {
        count(&view.stages[self.stage as usize].batches, 1);
        self.advance(view, next);
    }

    fn advance(&mut self, view: &View<'_>, next: u32) {
        self.next = next;
        release(&self.memory, &view.stages[self.stage as usize], next);
    }

    pub(crate) fn look(&mut self, view: &View<'_>) -> Option<Waited> {
        if self.available(view) > 0 {
            return Some(Waited::Ready);
        }
        // Looked at again: what fails a ring releases what it had done first.
        ended(view, self.next).then(|| if self.available(view) > 0 { Waited::Ready } else { Waited::Ended })
    }

    /// One look, armed to be woken if it finds nothing and this ring's waiters sleep.
    pub(crate) fn look_before_sleep(&mut self, view: &View<'_>) -> Option<Waited> {
        loop {
            let (cell, _) = slowest(view, self.upstream);
            cell.consumers.arm(self.stage);
            let found = self.look(view);
            // Whom we armed on may have moved on in between while another became the slowest: only one that still
            // holds us back will wake us.
            if found.is_none() && distance(self.next, seqcst::load(&cell.value)) <= 0 {
                count(&view.stages[self.stage as usize].waits, 1);
                return None;
            }
            cell.consumers.disarm(self.stage);
            if found.is_some() {
                return found;
            }
        }
    }

    pub(crate) fn wait(&mut self, sleeper: &dyn Sleeper, timeout: Option<Duration>) -> Result<Waited, Gone> {
        use crate::config::Wait;
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
                self.memory.consumers().set(self.stage, sleeper.waker());
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
}

/// Consumes a stage's events of a fixed size. A stage is open to one consumer at a time; dropping it lets another
/// open it, which goes on behind the last event that was consumed.
#[derive(Debug)]
pub struct Consumer(Seat);

impl Consumer {
    pub(crate) fn open(memory: Arc<Memory>, stage: u32, owner: u32) -> Result<Self, OpenError> {
        if memory.geometry.fields.is_some() {
            return Err(OpenError::Kind);
        }
        Seat::take(memory, stage, owner).map(Self)
    }

    pub(crate) fn join(memory: Arc<Memory>, guest: &Guest<'_>) -> Result<Self, JoinError> {
        if memory.geometry.fields.is_some() {
            return Err(JoinError::Kind);
        }
        Seat::join(memory, guest).map(Self)
    }

    /// Hands every event that is ready, `max` at most, to `each` (sequence, bytes, whether it is the batch's last),
    /// releases them together, and gives their number.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn poll(&mut self, max: u32, mut each: impl FnMut(u32, &mut SharedBytes<'_>, bool)) -> Result<u32, Gone> {
        self.try_poll(max, |sequence, event, last| {
            each(sequence, event, last);
            Ok(())
        })
    }

    /// As [`poll`](Self::poll), for what may fail on an event, and gives the number of those released.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn try_poll(
        &mut self,
        max: u32,
        mut each: impl FnMut(u32, &mut SharedBytes<'_>, bool) -> Result<(), Failed>,
    ) -> Result<u32, Gone> {
        let memory = self.0.memory.clone();
        let view = memory.enter().ok_or(Gone)?;
        let n = self.0.available(&view).min(max);
        let mut done = n;
        let stride = view.geometry.stride as usize;
        for i in 0..n {
            let sequence = self.0.next.wrapping_add(i);
            // SAFETY: the event is published and this stage has not released it, so no producer writes it.
            let mut slot = unsafe { SharedBytes::new(view.slot(sequence), stride) };
            match each(sequence, &mut slot, i + 1 == n) {
                Ok(()) | Err(Failed::Skip) => continue,
                Err(Failed::Stop) => done = i,
                Err(Failed::Rewind) => done = 0,
            }
            break;
        }
        if done > 0 {
            self.0.release(&view, self.0.next.wrapping_add(done));
        }
        Ok(done)
    }

    /// What follows this stage's failures, for [`try_poll`](Self::try_poll); `skipped` gets the error and the number of
    /// each event that is passed over, when it has been counted.
    pub fn recovery<X, F: FnMut(X, u64)>(&self, on_error: OnError, skipped: F) -> Recovery<X, F> {
        Recovery::new(self.0.memory.clone(), self.0.stage, on_error, skipped)
    }

    /// Waits for events the ring's way; `sleeper` is the calling thread or coroutine.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn wait(&mut self, sleeper: &dyn Sleeper, timeout: Option<Duration>) -> Result<Waited, Gone> {
        self.0.wait(sleeper, timeout)
    }
}
