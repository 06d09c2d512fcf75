//! Consuming with handlers that may fail.

use super::consumer::Consumer;
use super::processor::{self, Processor};
use super::strategy::WaitStrategy;
use crate::consumer::Waited;
use crate::sequence::count;
use millrace_park::Sleeper;
use std::fmt;
use std::time::{Duration, Instant};

/// What [`Consumer::run_fallible`], [`Worker::run_fallible`](super::Worker::run_fallible) and those of
/// [records](crate::ByteConsumer::run_fallible) do when their handler fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The events before the failed one are released, and the ring fails.
    Stop,
    /// The event is passed over, counted in [`StageStatistics::skipped`](super::StageStatistics::skipped), and released
    /// with its batch. The handler looks at its error itself before it returns it.
    Skip,
    /// The batch is begun again from its first event: LMAX's batch rewind. When the attempts are used up, the ring
    /// fails and nothing of the batch is released.
    Retry {
        /// How often a batch is begun, the first time included; 0 is 1.
        attempts: u32,
        /// How long it sleeps before the second time, doubled each time after that. A close or a failure of the
        /// ring does not end it.
        backoff: Duration,
    },
}

impl OnError {
    /// How long to sleep before a batch that has failed, `failures` times before, is begun again; none when it is not.
    pub(crate) fn back_off_after(self, failures: u32) -> Option<Duration> {
        match self {
            Self::Retry { attempts, backoff } if failures + 1 < attempts => {
                Some(backoff.saturating_mul(2u32.saturating_pow(failures)))
            }
            _ => None,
        }
    }
}

/// What a run has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ran {
    /// Events that the handler accepted and that were released.
    pub consumed: u64,
    /// Events that were passed over, see [`OnError::Skip`].
    pub skipped: u64,
    /// Batches that were begun again, see [`OnError::Retry`].
    pub retries: u64,
}

/// A run that a failing handler ended, and the ring with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped<X> {
    /// What the handler returned.
    pub error: X,
    /// The number of the event it failed on.
    pub sequence: u64,
    /// What was done before.
    pub ran: Ran,
}

impl<X: fmt::Display> fmt::Display for Stopped<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handler failed on event {}: {}", self.sequence, self.error)
    }
}

impl<X: std::error::Error + 'static> std::error::Error for Stopped<X> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl<E: Send + Sync, W: WaitStrategy> Consumer<E, W> {
    /// As [`run`](Self::run), with a handler that may fail, and tells what was done.
    ///
    /// A handler that *panics* is no handler that fails: the panic passes through, nothing of its batch is released,
    /// and the ring stays open, whatever `on_error` says.
    ///
    /// ```
    /// use millrace_ring::typed::{Builder, OnError};
    /// let ring = Builder::new(8).stage("parse", &[]).create(String::new)?;
    /// let mut parse = ring.consumer("parse")?;
    /// let mut out = ring.producer()?;
    /// for text in ["1", "two", "3"] {
    ///     out.publish(|event| *event = text.into()).unwrap();
    /// }
    /// ring.close();
    /// let mut sum = 0;
    /// let add = |text: &String, _, _| text.parse::<u32>().map(|n| sum += n);
    /// let ran = parse.run_fallible(OnError::Skip, add)?;
    /// assert_eq!((ran.consumed, ran.skipped, sum), (2, 1, 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Stopped`] when the policy ends the run. The ring has failed then, as by [`Ring::fail`](super::Ring::fail):
    /// producers get [`ClaimError::Failed`](crate::ClaimError::Failed), other stages end where they find nothing ready,
    /// and who opens this stage next begins with the first event that was not released.
    pub fn run_fallible<X: fmt::Display>(
        &mut self,
        on_error: OnError,
        each: impl FnMut(&E, u64, bool) -> Result<(), X>,
    ) -> Result<Ran, Stopped<X>> {
        self::run(self, on_error, each)
    }
}

/// Has a handler that may fail do what comes, until nothing more will or the policy ends it.
pub(super) fn run<P: Processor, X: fmt::Display>(
    processor: &mut P,
    on_error: OnError,
    mut each: impl FnMut(&P::Event, u64, bool) -> Result<(), X>,
) -> Result<Ran, Stopped<X>> {
    // SAFETY: as in `processor::poll`; nothing is released before the batch has ended.
    run_each(processor, on_error, |event, number, last| each(unsafe { &*event }, number, last))
}

/// Hands pointers to events that are published and not released by this stage.
pub(super) fn run_each<P: Processor, X: fmt::Display>(
    processor: &mut P,
    on_error: OnError,
    mut each: impl FnMut(*mut P::Event, u64, bool) -> Result<(), X>,
) -> Result<Ran, Stopped<X>> {
    let mut ran = Ran::default();
    while processor::wait(processor, None) == Waited::Ready {
        batch(processor, on_error, &mut each, &mut ran).map_err(|(error, sequence)| {
            let stopped = Stopped { error, sequence, ran };
            let access = processor.access();
            access.core.fail(&access.stage_name(processor.stage()), &stopped);
            stopped
        })?;
    }
    Ok(ran)
}

/// Does what is ready; the error, and the number of the event, that ends the run.
fn batch<P: Processor, X>(
    processor: &mut P,
    on_error: OnError,
    each: &mut impl FnMut(*mut P::Event, u64, bool) -> Result<(), X>,
    ran: &mut Ran,
) -> Result<(), (X, u64)> {
    let n = processor.take(u32::MAX);
    let (next, first) = (processor.next(), processor.number());
    let (mut at, mut failures, mut skipped) = (0, 0, 0);
    while at < n {
        let number = first + u64::from(at);
        let event = processor.access().slot(next.wrapping_add(at));
        let Err(error) = each(event, number, at + 1 == n) else {
            at += 1;
            continue;
        };
        match on_error {
            OnError::Skip => {
                skipped += 1;
                at += 1;
            }
            OnError::Retry { .. } => {
                let Some(time) = on_error.back_off_after(failures) else { return Err((error, number)) };
                count(&processor.cell().retries, 1);
                ran.retries += 1;
                back_off(&processor.strategy().sleeper(), time);
                failures += 1;
                at = 0;
            }
            OnError::Stop => {
                pass(processor, at, 0, ran);
                return Err((error, number));
            }
        }
    }
    pass(processor, n, skipped, ran);
    Ok(())
}

/// Sleeps for all of this time: what wakes a consumer is not meant for it now.
pub(crate) fn back_off(sleeper: &dyn Sleeper, time: Duration) {
    let begin = Instant::now();
    loop {
        let left = time.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return;
        }
        sleeper.sleep(Some(left));
    }
}

/// Releases `n` events, of which the handler accepted all but `skipped`. Those are counted here and not before: a batch
/// that a panic ends comes again.
fn pass(processor: &mut impl Processor, n: u32, skipped: u32, ran: &mut Ran) {
    if skipped > 0 {
        count(&processor.cell().skipped, skipped);
    }
    ran.consumed += u64::from(n - skipped);
    ran.skipped += u64::from(skipped);
    if n > 0 {
        processor.release(n);
    }
}
