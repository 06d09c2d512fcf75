//! The consumer of a stage that owns fields.

use super::consumer::Consumer;
use super::on_error::{OnError, Ran, Stopped};
use super::owned::{Stage, Writer};
use super::strategy::WaitStrategy;
use crate::consumer::Waited;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// A [`Consumer`] that lends its handler the right to write what stage `S` owns, see [`Owned`](super::Owned).
pub struct StageConsumer<E: Send + Sync, W: WaitStrategy, S> {
    consumer: Consumer<E, W>,
    stage: PhantomData<fn() -> S>,
}

impl<E: Send + Sync, W: WaitStrategy, S> fmt::Debug for StageConsumer<E, W, S>
where
    Consumer<E, W>: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.consumer.fmt(f)
    }
}

impl<E: Send + Sync, W: WaitStrategy, S: Stage> StageConsumer<E, W, S> {
    pub(super) fn new(consumer: Consumer<E, W>) -> Self {
        Self { consumer, stage: PhantomData }
    }

    /// As [`Consumer::poll`], with the stage's writer behind the event.
    #[inline]
    pub fn poll(&mut self, max: u32, mut each: impl FnMut(&E, &Writer<S>, u64, bool)) -> u32 {
        self.consumer.poll(max, |event, sequence, last| each(event, &Writer::new(), sequence, last))
    }

    /// As [`Consumer::wait`].
    pub fn wait(&mut self, timeout: Option<Duration>) -> Waited {
        self.consumer.wait(timeout)
    }

    /// As [`Consumer::run`], with the stage's writer behind the event.
    #[inline]
    pub fn run(&mut self, mut each: impl FnMut(&E, &Writer<S>, u64, bool)) {
        self.consumer.run(|event, sequence, last| each(event, &Writer::new(), sequence, last));
    }

    /// As [`Consumer::run_fallible`], with the stage's writer behind the event.
    ///
    /// # Errors
    /// As [`Consumer::run_fallible`].
    pub fn run_fallible<X>(
        &mut self,
        on_error: OnError,
        mut each: impl FnMut(&E, &Writer<S>, u64, bool) -> Result<(), X>,
    ) -> Result<Ran, Stopped<X>> {
        self.consumer.run_fallible(on_error, |event, sequence, last| each(event, &Writer::new(), sequence, last))
    }

    /// As [`Consumer::sequence`].
    #[must_use]
    #[inline]
    pub fn sequence(&self) -> u64 {
        self.consumer.sequence()
    }
}
