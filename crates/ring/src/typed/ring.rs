//! A ring of typed events.

use super::consumer::Consumer;
use super::core::Core;
use super::multi_producer::MultiProducer;
use super::producer::Producer;
use super::strategy::{Adaptive, WaitStrategy};
use crate::config::{Config, ConfigError};
use crate::layout::{CLOSING, FAILED};
use crate::ring::OpenError;
use millrace_park::sync::Arc;
use std::marker::PhantomData;

/// A ring with one producer.
#[derive(Debug, Clone, Copy)]
pub enum Single {}

/// A ring with several producers.
#[derive(Debug, Clone, Copy)]
pub enum Multi {}

/// What a ring is made of.
#[derive(Debug, Clone)]
pub struct Builder<W = Adaptive, P = Single> {
    config: Config,
    strategy: W,
    producers: PhantomData<P>,
}

impl Builder {
    /// A ring of `capacity` slots, a power of two from 2 to 2^30, for one producer; consumers wait adaptively.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Self { config: Config::new(capacity, 4), strategy: Adaptive, producers: PhantomData }
    }
}

impl<W: WaitStrategy> Builder<W> {
    /// Up to `most` producers at a time, 32 at most.
    #[must_use]
    pub fn multi(self, most: u32) -> Builder<W, Multi> {
        Builder { config: self.config.multi(most), strategy: self.strategy, producers: PhantomData }
    }
}

impl<W: WaitStrategy, P> Builder<W, P> {
    /// Adds a stage that follows `after`, or the producers when `after` is empty.
    #[must_use]
    pub fn stage(mut self, name: &str, after: &[&str]) -> Self {
        self.config = self.config.stage(name, after);
        self
    }

    /// Another first sequence than 0, for who wants to see the wrap.
    #[must_use]
    pub fn start(mut self, sequence: u32) -> Self {
        self.config = self.config.start(sequence);
        self
    }

    /// Another way to wait for events.
    #[must_use]
    pub fn wait<Other: WaitStrategy>(self, strategy: Other) -> Builder<Other, P> {
        Builder { config: self.config, strategy, producers: PhantomData }
    }

    /// The ring, with `event` making what its slots begin with.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn create<E: Send + Sync>(self, event: impl FnMut() -> E) -> Result<Ring<E, W, P>, ConfigError> {
        let upstream = self.config.check()?;
        let core = Arc::new(Core::new(&self.config, upstream, event));
        Ok(Ring { core, strategy: self.strategy, producers: PhantomData })
    }
}

/// A preallocated ring of events between producers and a graph of stages.
#[derive(Debug)]
pub struct Ring<E, W = Adaptive, P = Single> {
    core: Arc<Core<E>>,
    strategy: W,
    producers: PhantomData<P>,
}

impl<E, W: Clone, P> Clone for Ring<E, W, P> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), strategy: self.strategy.clone(), producers: PhantomData }
    }
}

impl<E: Send + Sync, W: WaitStrategy> Ring<E, W, Single> {
    /// The producer.
    ///
    /// # Errors
    /// [`OpenError::Taken`] while there is one.
    pub fn producer(&self) -> Result<Producer<E, W>, OpenError> {
        Producer::open(self.core.clone())
    }
}

impl<E: Send + Sync, W: WaitStrategy> Ring<E, W, Multi> {
    /// One of the producers.
    ///
    /// # Errors
    /// [`OpenError::Taken`] while there are as many as were allowed for.
    pub fn producer(&self) -> Result<MultiProducer<E, W>, OpenError> {
        MultiProducer::open(self.core.clone())
    }
}

impl<E: Send + Sync, W: WaitStrategy, P> Ring<E, W, P> {
    /// The consumer of a stage.
    ///
    /// # Errors
    /// [`OpenError::Stage`], [`OpenError::Taken`] while the stage has one.
    pub fn consumer(&self, stage: &str) -> Result<Consumer<E, W>, OpenError> {
        let at = self.core.names.iter().position(|known| known == stage).ok_or(OpenError::Stage)?;
        Consumer::open(self.core.clone(), at as u32, self.strategy.clone())
    }

    /// Takes no more events; what was published is still consumed. Wakes everyone who waits.
    pub fn close(&self) {
        self.core.end(CLOSING);
    }

    /// As [`close`](Self::close), because a stage failed for good: producers are told so, and stages end at once.
    pub fn fail(&self) {
        self.core.end(FAILED);
    }
}
