//! What a stage in native code does with events that fail, as its [`OnError`] says.

use crate::memory::Memory;
use crate::sequence::{count, distance, position};
use crate::typed::OnError;
use millrace_park::Sleeper;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What becomes of an event that failed, and of the batch that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// It is passed over: released with its batch, which goes on behind it.
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
    on_error: OnError,
    skipped: F,
    /// How often the batch has been begun in vain.
    failures: u32,
    /// What broke the batch off.
    error: Option<X>,
}

impl<X: fmt::Debug, F> fmt::Debug for Recovery<X, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, on_error, failures, error, .. } = self;
        write!(f, "Recovery {{ stage: {stage}, on_error: {on_error:?}, failures: {failures}, error: {error:?} }}")
    }
}

impl<X, F: FnMut(X, u64)> Recovery<X, F> {
    pub(crate) fn new(memory: Arc<Memory>, stage: u32, on_error: OnError, skipped: F) -> Self {
        Self { memory, stage, on_error, skipped, failures: 0, error: None }
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
        match self.on_error {
            OnError::Skip => {
                if let Some(view) = self.memory.enter() {
                    let cell = &view.stages[self.stage as usize];
                    count(&cell.skipped, 1);
                    let released = position(cell);
                    let number = released.wrapping_add_signed(distance(released as u32, sequence).into());
                    drop(view);
                    (self.skipped)(error, number);
                }
                Failed::Skip
            }
            OnError::Stop => {
                self.error = Some(error);
                Failed::Stop
            }
            OnError::Retry { .. } => {
                self.error = Some(error);
                Failed::Rewind
            }
        }
    }

    /// To be called behind each batch, with the number of events that were released: sleeps before one that is begun
    /// again. Neither a close nor a failure of the ring ends that sleep.
    ///
    /// # Errors
    /// What the event failed by that ends the stage: the ring is to [fail](crate::Ring::fail_by).
    pub fn end_batch(&mut self, released: u32, sleeper: &dyn Sleeper) -> Result<(), X> {
        let Some(error) = self.error.take() else {
            // Pieces of a record that failed in a later one say nothing yet.
            if released > 0 {
                self.failures = 0;
            }
            return Ok(());
        };
        match self.on_error {
            OnError::Retry { attempts, backoff } if self.failures + 1 < attempts => {
                if let Some(view) = self.memory.enter() {
                    count(&view.stages[self.stage as usize].retries, 1);
                }
                sleep(sleeper, backoff.saturating_mul(2u32.saturating_pow(self.failures)));
                self.failures += 1;
                Ok(())
            }
            _ => Err(error),
        }
    }
}

fn sleep(sleeper: &dyn Sleeper, time: Duration) {
    let begun = Instant::now();
    loop {
        let left = time.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return;
        }
        sleeper.sleep(Some(left));
    }
}
