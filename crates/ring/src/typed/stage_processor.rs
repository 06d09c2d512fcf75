//! Consumer and workers of a stage that owns fields.

use super::consumer::Consumer;
use super::on_error::{self, OnError, Ran, Stopped};
use super::owned::{Stage, Writer};
use super::processor::{self, Processor};
use super::strategy::WaitStrategy;
use super::worker::Worker;
use crate::consumer::Waited;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

/// A [`Consumer`] that lends its handler the right to write what stage `S` owns, see [`Owned`](super::Owned).
pub type StageConsumer<E, W, S> = StageProcessor<Consumer<E, W>, S>;

/// A [`Worker`] that lends its handler the right to write what stage `S` owns, see [`Owned`](super::Owned). An event is
/// in the hand of one worker at a time, so that its fields still have one writer.
pub type StageWorker<E, W, S> = StageProcessor<Worker<E, W>, S>;

/// A [`StageConsumer`] or a [`StageWorker`].
pub struct StageProcessor<P, S> {
    processor: P,
    stage: PhantomData<fn() -> S>,
}

impl<P: fmt::Debug, S> fmt::Debug for StageProcessor<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.processor.fmt(f)
    }
}

impl<P: Processor, S: Stage> StageProcessor<P, S> {
    pub(super) fn new(processor: P) -> Self {
        Self { processor, stage: PhantomData }
    }

    /// As [`Consumer::poll`] or [`Worker::poll`], with the stage's writer behind the event.
    #[inline]
    pub fn poll(&mut self, max: u32, mut each: impl FnMut(&P::Event, &Writer<S>, u64, bool)) -> u32 {
        processor::poll(&mut self.processor, max, |event, number, last| each(event, &Writer::new(), number, last))
    }

    /// As [`Consumer::wait`] or [`Worker::wait`].
    pub fn wait(&mut self, timeout: Option<Duration>) -> Waited {
        processor::wait(&mut self.processor, timeout)
    }

    /// As [`Consumer::run`] or [`Worker::run`], with the stage's writer behind the event.
    #[inline]
    pub fn run(&mut self, mut each: impl FnMut(&P::Event, &Writer<S>, u64, bool)) {
        processor::run(&mut self.processor, |event, number, last| each(event, &Writer::new(), number, last));
    }

    /// As [`Consumer::run_fallible`] or [`Worker::run_fallible`], with the stage's writer behind the event.
    ///
    /// # Errors
    /// As [`Consumer::run_fallible`] or [`Worker::run_fallible`].
    pub fn run_fallible<X: fmt::Display>(
        &mut self,
        on_error: OnError,
        mut each: impl FnMut(&P::Event, &Writer<S>, u64, bool) -> Result<(), X>,
    ) -> Result<Ran, Stopped<X>> {
        on_error::run(&mut self.processor, on_error, |event, number, last| each(event, &Writer::new(), number, last))
    }
}

impl<E: Send + Sync, W: WaitStrategy, S: Stage> StageConsumer<E, W, S> {
    /// As [`Consumer::sequence`].
    #[must_use]
    #[inline]
    pub fn sequence(&self) -> u64 {
        self.processor.sequence()
    }
}
