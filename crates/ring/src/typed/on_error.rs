//! Consuming with handlers that may fail.

use super::consumer::Consumer;
use super::strategy::WaitStrategy;
use crate::consumer::Waited;
use crate::layout::FAILED;
use crate::sequence::count;
use std::fmt;
use std::time::Duration;

/// What [`Consumer::run_fallible`] does when its handler fails.
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
        /// How long the thread sleeps before the second time, doubled each time after that. A close or a failure of the
        /// ring does not end it.
        backoff: Duration,
    },
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
    /// producers get [`ClaimError::Closed`](crate::ClaimError::Closed), other stages end where they find nothing ready,
    /// and who opens this stage next begins with the first event that was not released.
    pub fn run_fallible<X>(
        &mut self,
        on_error: OnError,
        mut each: impl FnMut(&E, u64, bool) -> Result<(), X>,
    ) -> Result<Ran, Stopped<X>> {
        // SAFETY: as in `poll`; nothing is released before the batch has ended.
        self.run_each(on_error, |event, sequence, last| each(unsafe { &*event }, sequence, last))
    }

    /// Hands pointers to events that are published and not released by this stage.
    pub(super) fn run_each<X>(
        &mut self,
        on_error: OnError,
        mut each: impl FnMut(*mut E, u64, bool) -> Result<(), X>,
    ) -> Result<Ran, Stopped<X>> {
        let mut ran = Ran::default();
        while self.wait(None) == Waited::Ready {
            self.batch(on_error, &mut each, &mut ran).map_err(|(error, sequence)| {
                self.fail();
                Stopped { error, sequence, ran }
            })?;
        }
        Ok(ran)
    }

    /// Does what is ready; the error, and the number of the event, that ends the run.
    fn batch<X>(
        &mut self,
        on_error: OnError,
        each: &mut impl FnMut(*mut E, u64, bool) -> Result<(), X>,
        ran: &mut Ran,
    ) -> Result<(), (X, u64)> {
        let n = self.ready();
        let first = self.sequence();
        let (mut at, mut failures, mut skipped) = (0, 0, 0);
        while at < n {
            let sequence = first + u64::from(at);
            let Err(error) = each(self.event(at), sequence, at + 1 == n) else {
                at += 1;
                continue;
            };
            match on_error {
                OnError::Skip => {
                    count(&self.cell().skipped, 1);
                    skipped += 1;
                    at += 1;
                }
                OnError::Retry { attempts, backoff } if failures + 1 < attempts => {
                    count(&self.cell().retries, 1);
                    ran.retries += 1;
                    std::thread::sleep(backoff.saturating_mul(2u32.saturating_pow(failures)));
                    failures += 1;
                    at = 0;
                }
                OnError::Retry { .. } => return Err((error, sequence)),
                OnError::Stop => {
                    self.pass(at, 0, ran);
                    return Err((error, sequence));
                }
            }
        }
        self.pass(n, skipped, ran);
        Ok(())
    }

    /// Releases `n` events, of which the handler accepted all but `skipped`.
    fn pass(&mut self, n: u32, skipped: u32, ran: &mut Ran) {
        ran.consumed += u64::from(n - skipped);
        ran.skipped += u64::from(skipped);
        if n > 0 {
            self.release(n);
        }
    }

    fn fail(&self) {
        self.core().end(FAILED);
    }
}
