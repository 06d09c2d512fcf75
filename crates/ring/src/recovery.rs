//! What a stage in native code does with events that fail, as its [`OnError`] says.

use crate::consumer::{Gone, Waited};
use crate::end;
use crate::join::stage_name;
use crate::memory::{Memory, View};
use crate::sequence::{count, distance, position};
use crate::typed::{OnError, Ran, Stopped, back_off};
use crate::workers::Workers;
use millrace_park::sync::atomic::Ordering::Relaxed;
use millrace_park::{Barrier, Failure, Sleeper};
use std::fmt;
use std::sync::Arc;

/// What becomes of an event that failed, and of the batch that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// It is passed over: released with its batch, which goes on behind it, and counted then in
    /// [`StageStatistics::skipped`](crate::StageStatistics::skipped).
    Skip,
    /// It comes again, and those behind it; those before it are released.
    Stop,
    /// All of the batch comes again: nothing is released.
    Rewind,
}

/// Follows a stage's failures; made by [`Consumer::recovery`](crate::Consumer::recovery) and
/// [`ByteConsumer::recovery`](crate::ByteConsumer::recovery).
///
/// ```
/// use millrace_park::ThreadSleeper;
/// use millrace_ring::{Config, Ring, typed::OnError};
/// let ring = Ring::create_bytes(Config::bytes(1024).stage("parse", &[]), 0)?;
/// let mut out = ring.byte_producer(1)?;
/// for text in [b"1", b"x", b"3"] {
///     out.try_push(|_| (), &[text])?;
/// }
/// out.flush();
/// let mut parse = ring.byte_consumer("parse", 1)?;
/// let mut failed = Vec::new();
/// let mut recovery = parse.recovery(OnError::Skip, |error, number| failed.push((error, number)));
/// let mut sum = 0;
/// let released = parse.try_poll(u32::MAX, |record| {
///     let parsed = std::str::from_utf8(record.payload()).unwrap().parse::<u32>();
///     recovery.check(record.sequence, parsed.map(|n| sum += n).map_err(|error| error.to_string()))
/// }).unwrap();
/// recovery.end_batch(released, &ThreadSleeper::current()).unwrap();
/// drop(recovery);
/// assert_eq!((sum, failed), (4, vec![("invalid digit found in string".into(), 1)]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recovery<X, F> {
    memory: Arc<Memory>,
    stage: u32,
    /// Whose cell counts: the stage's, or its worker's.
    seat: u32,
    on_error: OnError,
    skipped: F,
    /// How often the batch has been begun in vain.
    failures: u32,
    /// What broke the batch off, and the number of the event.
    error: Option<(X, u64)>,
    ran: Ran,
    /// What the seat had counted as skipped before it passed over what is not released yet, if there is something.
    skipped_before: Option<u32>,
}

impl<X: fmt::Debug, F> fmt::Debug for Recovery<X, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, on_error, failures, error, .. } = self;
        write!(f, "Recovery {{ stage: {stage}, on_error: {on_error:?}, failures: {failures}, error: {error:?} }}")
    }
}

impl<X, F: FnMut(X, u64)> Recovery<X, F> {
    pub(crate) fn new(memory: Arc<Memory>, stage: u32, seat: u32, on_error: OnError, skipped: F) -> Self {
        let ran = Ran::default();
        Self { memory, stage, seat, on_error, skipped, failures: 0, error: None, ran, skipped_before: None }
    }

    /// What has become of the event at `sequence`, for `try_poll` and `poll_pieces`: those end the batch where the event
    /// is not passed over, and then comes [`end_batch`](Self::end_batch).
    ///
    /// # Errors
    /// [`Failed`] when `outcome` is an error.
    #[inline]
    pub fn check(&mut self, sequence: u32, outcome: Result<(), X>) -> Result<(), Failed> {
        outcome.map_err(|error| self.fail(sequence, error))
    }

    #[cold]
    fn fail(&mut self, sequence: u32, error: X) -> Failed {
        let number = self.memory.enter().map_or(sequence.into(), |view| self.number(&view, sequence));
        match self.on_error {
            OnError::Skip => {
                if self.skipped_before.is_none() {
                    self.skipped_before = self.passed_over();
                }
                (self.skipped)(error, number);
                Failed::Skip
            }
            OnError::Stop => {
                self.error = Some((error, number));
                Failed::Stop
            }
            OnError::Retry { .. } => {
                self.error = Some((error, number));
                Failed::Rewind
            }
        }
    }

    /// Events that the seat has passed over and released.
    fn passed_over(&self) -> Option<u32> {
        self.memory.enter().map(|view| view.stages[self.seat as usize].skipped.load(Relaxed))
    }

    /// The exact number of a sequence that this stage has not released.
    fn number(&self, view: &View<'_>, sequence: u32) -> u64 {
        if let Some(workers) = Workers::of_stage(view, self.stage) {
            return workers.number(sequence);
        }
        let released = position(&view.stages[self.stage as usize]);
        released.wrapping_add_signed(distance(released as u32, sequence).into())
    }

    /// To be called behind each batch, with the number of events that were released: sleeps before one that is begun
    /// again. Neither a close nor a failure of the ring ends that sleep.
    ///
    /// # Errors
    /// What the event failed by that ends the stage: the ring is to [fail](crate::Ring::fail_by).
    pub fn end_batch(&mut self, released: u32, sleeper: &dyn Sleeper) -> Result<(), X> {
        self.end(released, sleeper).map_err(|(error, _)| error)
    }

    fn end(&mut self, released: u32, sleeper: &dyn Sleeper) -> Result<(), (X, u64)> {
        let before = self.skipped_before.take();
        let skipped = before.and_then(|before| Some(self.passed_over()?.wrapping_sub(before))).unwrap_or(0);
        self.ran.consumed += u64::from(released.saturating_sub(skipped));
        self.ran.skipped += u64::from(skipped);
        let Some(failed) = self.error.take() else {
            // Pieces of a record that failed in a later one say nothing yet.
            if released > 0 {
                self.failures = 0;
            }
            return Ok(());
        };
        let Some(time) = self.on_error.back_off_after(self.failures) else { return Err(failed) };
        if let Some(view) = self.memory.enter() {
            count(&view.stages[self.seat as usize].retries, 1);
        }
        self.ran.retries += 1;
        back_off(sleeper, time);
        self.failures += 1;
        Ok(())
    }

    /// Does batches, each by a `turn`, as long as `wait` says that there are events, and tells what was done. For turns
    /// that [`run_fallible`](crate::ByteConsumer::run_fallible) does not do: those of a few events, or of pieces of a
    /// record. A turn gives the number of events that it released.
    ///
    /// ```
    /// use millrace_park::ThreadSleeper;
    /// use millrace_ring::{ByteConsumer, Config, Ring, typed::OnError};
    /// let ring = Ring::create_bytes(Config::bytes(1024).stage("sum", &[]), 0)?;
    /// ring.byte_producer(1)?.try_push(|_| (), &[&[1; 300]])?;
    /// ring.close();
    /// let mut records = ring.byte_consumer("sum", 1)?;
    /// let (sleeper, mut sum, mut turns) = (ThreadSleeper::current(), 0u32, 0);
    /// let recovery = records.recovery::<&str, _>(OnError::Stop, |_, _| ());
    /// let wait = |records: &mut ByteConsumer| records.wait(&sleeper, None);
    /// let ran = recovery.turns(&mut records, &sleeper, wait, |records, recovery| {
    ///     turns += 1;
    ///     records.poll_pieces(128, |sequence, piece, _| {
    ///         sum += piece.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    ///         recovery.check(sequence, Ok(()))
    ///     })
    /// }).unwrap();
    /// assert_eq!((sum, turns, ran.consumed), (300, 3, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Stopped`] when the policy ends the stage: the ring is to [fail](crate::Ring::fail_by).
    pub fn turns<C>(
        mut self,
        consumer: &mut C,
        sleeper: &dyn Sleeper,
        mut wait: impl FnMut(&mut C) -> Result<Waited, Gone>,
        mut turn: impl FnMut(&mut C, &mut Self) -> Result<u32, Gone>,
    ) -> Result<Ran, Stopped<X>> {
        while wait(consumer) == Ok(Waited::Ready) {
            let Ok(released) = turn(consumer, &mut self) else { break };
            if let Err((error, sequence)) = self.end(released, sleeper) {
                return Err(Stopped { error, sequence, ran: self.ran });
            }
        }
        Ok(self.ran)
    }

    /// As [`turns`](Self::turns), and fails the ring.
    pub(crate) fn run<C>(
        self,
        consumer: &mut C,
        sleeper: &dyn Sleeper,
        wait: impl FnMut(&mut C) -> Result<Waited, Gone>,
        turn: impl FnMut(&mut C, &mut Self) -> Result<u32, Gone>,
    ) -> Result<Ran, Stopped<X>>
    where
        X: fmt::Display,
    {
        let (memory, stage) = (self.memory.clone(), self.stage);
        self.turns(consumer, sleeper, wait, turn).inspect_err(|stopped| {
            let part = memory.enter().map_or_else(String::new, |view| stage_name(&memory, &view, stage));
            let failure = Failure { part, message: stopped.to_string(), details: Vec::new() };
            end::fail(&memory, Barrier::new(), failure);
        })
    }
}
