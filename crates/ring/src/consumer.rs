//! Consuming events in native code: on a thread of its own or in a coroutine.

use crate::claim::ended;
use crate::layout::{PADDING, RECORD_PREFIX};
use crate::memory::{Memory, View};
use crate::producer::payload_offset;
use crate::ring::OpenError;
use crate::sequence::{count, distance, release, slowest};
use millrace_park::Sleeper;
use millrace_park::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use millrace_park::sync::seqcst;
use std::ptr::NonNull;
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
    let cell = view.stages.get(stage as usize).ok_or(OpenError::Stage)?;
    cell.owner.compare_exchange(0, owner, AcqRel, Relaxed).map(drop).map_err(|_| OpenError::Taken)
}

#[derive(Debug)]
struct Seat {
    memory: Arc<Memory>,
    stage: u32,
    next: u32,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.memory.consumers().clear(self.stage);
        if let Some(view) = self.memory.enter() {
            view.stages[self.stage as usize].owner.store(0, Release);
        }
    }
}

impl Seat {
    fn take(memory: Arc<Memory>, stage: u32, owner: u32) -> Result<Self, OpenError> {
        let next = {
            let view = memory.enter().ok_or(OpenError::Gone)?;
            take_stage(&view, stage, owner)?;
            view.stages[stage as usize].value.load(Acquire)
        };
        Ok(Self { memory, stage, next })
    }

    fn available(&self, view: &View<'_>) -> u32 {
        let mask = view.geometry.upstream[self.stage as usize];
        distance(self.next, slowest(view, mask).1).max(0).cast_unsigned()
    }

    fn release(&mut self, view: &View<'_>, next: u32) {
        self.next = next;
        let cell = &view.stages[self.stage as usize];
        count(&cell.batches, 1);
        release(&self.memory, cell, next);
    }

    fn look(&self, view: &View<'_>) -> Option<Waited> {
        if self.available(view) > 0 {
            return Some(Waited::Ready);
        }
        ended(view, self.next).then_some(Waited::Ended)
    }

    /// One look, armed to be woken if it finds nothing and this ring's waiters sleep.
    fn look_before_sleep(&self, view: &View<'_>) -> Option<Waited> {
        let mask = view.geometry.upstream[self.stage as usize];
        loop {
            let (cell, _) = slowest(view, mask);
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

    fn wait(&mut self, sleeper: &dyn Sleeper, timeout: Option<Duration>) -> Result<Waited, Gone> {
        use crate::config::Wait;
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        let wait = self.memory.geometry.wait;
        let mut looks = 0u32;
        let mut armed = false;
        loop {
            let view = self.memory.enter().ok_or(Gone)?;
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
        Seat::take(memory, stage, owner).map(Self)
    }

    /// Hands every event that is ready, `max` at most, to `each` (sequence, bytes, whether it is the batch's last),
    /// releases them together, and gives their number. The slots may be changed where this stage owns the fields.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn poll(&mut self, max: u32, mut each: impl FnMut(u32, &mut [u8], bool)) -> Result<u32, Gone> {
        let memory = self.0.memory.clone();
        let view = memory.enter().ok_or(Gone)?;
        let n = self.0.available(&view).min(max);
        let stride = view.geometry.stride as usize;
        for i in 0..n {
            let sequence = self.0.next.wrapping_add(i);
            let slot = NonNull::slice_from_raw_parts(view.slot(sequence), stride);
            // SAFETY: the event is published and this stage has not released it, so no producer writes it; stages beside
            // this one keep to fields of their own.
            each(sequence, unsafe { &mut *slot.as_ptr() }, i + 1 == n);
        }
        if n > 0 {
            self.0.release(&view, self.0.next.wrapping_add(n));
        }
        Ok(n)
    }

    /// Waits for events the ring's way; `sleeper` is the calling thread or coroutine.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn wait(&mut self, sleeper: &dyn Sleeper, timeout: Option<Duration>) -> Result<Waited, Gone> {
        self.0.wait(sleeper, timeout)
    }
}

/// Consumes a stage's records.
#[derive(Debug)]
pub struct ByteConsumer {
    seat: Seat,
    fields: u32,
}

/// One record, as long as it is being looked at.
#[derive(Debug)]
pub struct Record<'a> {
    start: NonNull<u8>,
    fields: u32,
    length: u32,
    /// Its first granule.
    pub sequence: u32,
    _ring: std::marker::PhantomData<&'a mut [u8]>,
}

impl Record<'_> {
    /// The header fields.
    #[must_use]
    pub fn fields(&self) -> &[u8] {
        let fields = self.start.as_ptr().wrapping_add(RECORD_PREFIX as usize);
        // SAFETY: a record holds its header fields, and nobody but stages that own one of them writes there.
        unsafe { std::slice::from_raw_parts(fields, self.fields as usize) }
    }

    /// The header fields, for a stage that owns one of them.
    pub fn fields_mut(&mut self) -> &mut [u8] {
        let fields = self.start.as_ptr().wrapping_add(RECORD_PREFIX as usize);
        // SAFETY: as above; the borrow is exclusive in this stage, and stages beside it keep to fields of their own.
        unsafe { std::slice::from_raw_parts_mut(fields, self.fields as usize) }
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        let payload = self.start.as_ptr().wrapping_add(payload_offset(self.fields) as usize);
        // SAFETY: `length` was checked against the granules of the record, and nobody writes a published payload.
        unsafe { std::slice::from_raw_parts(payload, self.length as usize) }
    }
}

impl ByteConsumer {
    pub(crate) fn open(memory: Arc<Memory>, stage: u32, owner: u32) -> Result<Self, OpenError> {
        let fields = memory.geometry.fields.ok_or(OpenError::Kind)?;
        Ok(Self { seat: Seat::take(memory, stage, owner)?, fields })
    }

    /// Hands records that are ready to `each` until about `max` bytes have been looked at, releases them together, and
    /// gives their number.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn poll(&mut self, max: u32, mut each: impl FnMut(&mut Record<'_>)) -> Result<u32, Gone> {
        let memory = self.seat.memory.clone();
        let view = memory.enter().ok_or(Gone)?;
        let available = self.seat.available(&view);
        let most = max.div_ceil(view.geometry.stride);
        let (mut taken, mut records) = (0, 0);
        while taken < available && taken < most {
            let sequence = self.seat.next.wrapping_add(taken);
            let start = view.slot(sequence);
            // SAFETY: a published record begins here, with its two words.
            let [length, granules] = unsafe { start.cast::<[u32; 2]>().read() };
            // A scribbled record ends at what was published, and at the ring's end, which no record crosses.
            let left = view.geometry.capacity - (sequence & (view.geometry.capacity - 1));
            let granules = granules.clamp(1, left.min(available - taken));
            taken += granules;
            // Header fields are handed out whole: what has no room for them is no record.
            let room = granules.saturating_mul(view.geometry.stride);
            if length == PADDING || room < payload_offset(self.fields) {
                continue;
            }
            let length = length.min(room - payload_offset(self.fields));
            records += 1;
            each(&mut Record { start, fields: self.fields, length, sequence, _ring: std::marker::PhantomData });
        }
        if taken > 0 {
            self.seat.release(&view, self.seat.next.wrapping_add(taken));
        }
        Ok(records)
    }

    /// Waits for records the ring's way; `sleeper` is the calling thread or coroutine.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn wait(&mut self, sleeper: &dyn Sleeper, timeout: Option<Duration>) -> Result<Waited, Gone> {
        self.seat.wait(sleeper, timeout)
    }

    /// For a loop that sleeps by other means: has `waker` woken when a record comes. True when nothing is there and the
    /// waker will be called.
    pub fn arm(&mut self, waker: &std::task::Waker) -> bool {
        self.seat.memory.consumers().set(self.seat.stage, waker.clone());
        match self.seat.memory.enter() {
            Some(view) => self.seat.look_before_sleep(&view).is_none(),
            None => false,
        }
    }

    /// Takes an [`arm`](Self::arm) back: writers spare the wake.
    pub fn disarm(&self) {
        let Some(view) = self.seat.memory.enter() else { return };
        view.cursor.consumers.disarm(self.seat.stage);
        for cell in view.stages {
            cell.consumers.disarm(self.seat.stage);
        }
    }

    /// True when the ring is closed and everything in it is consumed, or its memory is gone.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.seat.memory.enter().is_none_or(|view| self.seat.look(&view) == Some(Waited::Ended))
    }
}
