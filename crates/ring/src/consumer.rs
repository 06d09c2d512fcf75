//! Consuming events in native code: on a thread of its own or in a coroutine.

use crate::join::{Guest, JoinError};
use crate::memory::Memory;
use crate::place::Place;
use crate::recovery::{Failed, Recovery};
use crate::ring::OpenError;
use crate::shared_bytes::SharedBytes;
use crate::typed::{OnError, Ran, Stopped};
use millrace_park::Sleeper;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

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

/// Consumes a stage's events of a fixed size. A stage is open to one consumer at a time; dropping it lets another
/// open it, which goes on behind the last event that was consumed.
///
/// Made by [`Ring::worker`](crate::Ring::worker), it is one of several that share a stage, as
/// [`ByteConsumer`](crate::ByteConsumer) tells.
#[derive(Debug)]
pub struct Consumer(Place);

impl Consumer {
    pub(crate) fn open(memory: Arc<Memory>, stage: u32, owner: u32) -> Result<Self, OpenError> {
        if memory.geometry.fields.is_some() {
            return Err(OpenError::Kind);
        }
        Place::take_stage(memory, stage, owner).map(Self)
    }

    pub(crate) fn share(memory: Arc<Memory>, stage: u32, owner: u32) -> Result<Self, OpenError> {
        if memory.geometry.fields.is_some() {
            return Err(OpenError::Kind);
        }
        Place::take_worker(memory, stage, owner).map(Self)
    }

    pub(crate) fn join(memory: Arc<Memory>, guest: &Guest<'_>) -> Result<Self, JoinError> {
        if memory.geometry.fields.is_some() {
            return Err(JoinError::Kind);
        }
        Place::join(memory, guest).map(Self)
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
        let n = self.0.take(&view, max).min(max);
        let (mut done, mut skipped) = (n, 0);
        let stride = view.geometry.stride as usize;
        for i in 0..n {
            let sequence = self.0.next.wrapping_add(i);
            // SAFETY: the event is published and not released by this stage, nor another worker's: no producer writes it.
            let mut slot = unsafe { SharedBytes::new(view.slot(sequence), stride) };
            match each(sequence, &mut slot, i + 1 == n) {
                Ok(()) => continue,
                Err(Failed::Skip) => {
                    skipped += 1;
                    continue;
                }
                Err(Failed::Stop) => done = i,
                Err(Failed::Rewind) => done = 0,
            }
            break;
        }
        if done > 0 {
            self.0.release(&view, done, skipped);
        }
        Ok(done)
    }

    /// What follows this stage's failures, for [`try_poll`](Self::try_poll); `skipped` gets the error and the number of
    /// each event that is passed over, before it is counted, and again when its batch comes again.
    pub fn recovery<X, F: FnMut(X, u64)>(&self, on_error: OnError, skipped: F) -> Recovery<X, F> {
        self.0.recovery(on_error, skipped)
    }

    /// Waits for events the ring's way; `sleeper` is the calling thread or coroutine.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn wait(&mut self, sleeper: &dyn Sleeper, timeout: Option<Duration>) -> Result<Waited, Gone> {
        self.0.wait(sleeper, timeout)
    }

    /// Consumes until the ring is closed and everything was consumed, until a stage failed and nothing more is ready, or
    /// until the ring's memory is gone. A panic of `each` passes through, nothing of its batch is released, and the ring
    /// stays open: somebody else may open the stage, or should [`fail`](crate::Ring::fail_by) the ring, or its producers
    /// wait for ever.
    pub fn run(&mut self, sleeper: &dyn Sleeper, mut each: impl FnMut(u32, &mut SharedBytes<'_>, bool)) {
        while self.wait(sleeper, None) == Ok(Waited::Ready) && self.poll(u32::MAX, &mut each).is_ok() {}
    }

    /// As [`run`](Self::run), with a handler that may fail, and tells what was done; `skipped` gets the error and the
    /// number of each event that is passed over.
    ///
    /// ```
    /// use millrace_park::ThreadSleeper;
    /// use millrace_ring::{Config, Ring, Seats, typed::OnError};
    /// // SAFETY: nobody else uses the seat.
    /// let ring = unsafe { Seats::of(Ring::create(Config::new(8, 4).multi(1).stage("sum", &[]))?) };
    /// let seat = ring.take_producer(1)?;
    /// ring.publish_copied(seat, &[1, 2, 3].map(u32::to_le_bytes).concat(), 3)?;
    /// ring.leave_producer(seat);
    /// ring.close();
    /// let (mut sum, mut odd) = (0, Vec::new());
    /// let ran = ring.consumer("sum", 1)?.run_fallible(
    ///     &ThreadSleeper::current(),
    ///     OnError::Skip,
    ///     |error, number| odd.push((error, number)),
    ///     |_, event, _| if event[0] % 2 == 0 { Ok(sum += event[0]) } else { Err("odd") },
    /// ).unwrap();
    /// assert_eq!((sum, ran.consumed, odd), (2, 1, vec![("odd", 0), ("odd", 2)]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Stopped`] when the policy ends the run, and the ring has failed: [`Ring::failure`](crate::Ring::failure) names
    /// this stage. Who opens it next begins with the first event that was not released.
    pub fn run_fallible<X: fmt::Display>(
        &mut self,
        sleeper: &dyn Sleeper,
        on_error: OnError,
        skipped: impl FnMut(X, u64),
        mut each: impl FnMut(u32, &mut SharedBytes<'_>, bool) -> Result<(), X>,
    ) -> Result<Ran, Stopped<X>> {
        let wait = |events: &mut Self| events.wait(sleeper, None);
        self.recovery(on_error, skipped).run(self, sleeper, wait, |events, recovery| {
            events.try_poll(u32::MAX, |sequence, event, last| recovery.check(sequence, each(sequence, event, last)))
        })
    }
}
