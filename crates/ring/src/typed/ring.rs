//! A ring of typed events.

use super::closing::{self, Closed};
use super::consumer::Consumer;
use super::core::Core;
use super::exclusive::{ExclusiveConsumer, ExclusiveError};
use super::multi_producer::MultiProducer;
use super::owned::Stage;
use super::producer::Producer;
use super::stage_processor::{StageConsumer, StageProcessor, StageWorker};
use super::strategy::{Adaptive, Pause, SleepBy, WaitStrategy};
use super::worker::Worker;
use crate::config::{Config, ConfigError};
use crate::graph::mask_of;
use crate::join::{Guest, JoinError, JoinFrom, check_declared};
use crate::layout::CLOSING;
use crate::ring::OpenError;
use crate::statistics::Statistics;
use millrace_park::sync::Arc;
use millrace_park::{Barrier, Failure, Sleeper};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

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
        Self { config: Config::new(capacity, 4), strategy: Adaptive::default(), producers: PhantomData }
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

    /// Another number of stages at a time, those of the graph and those that [join](Ring::join): from as many as the
    /// graph has to 31. Eight more than the graph has, unless said otherwise.
    #[must_use]
    pub fn max_consumers(mut self, most: u32) -> Self {
        self.config = self.config.max_consumers(most);
        self
    }

    /// Adds a stage whose events up to `workers` [`Worker`]s share out, each event to one of them: 1 to 30. Stages and
    /// workers are 31 in all at most.
    ///
    /// ```
    /// use millrace_ring::typed::Builder;
    /// let ring = Builder::new(64).workers("resize", &[], 2).create(|| 0u64)?;
    /// let (mut one, mut other, mut out) = (ring.worker("resize")?, ring.worker("resize")?, ring.producer()?);
    /// out.try_publish_many(8, |at, event| *event = at.into()).expect("room");
    /// let mut seen = Vec::new();
    /// assert_eq!(one.poll(u32::MAX, |event, _, _| seen.push(*event)), 4); // its share
    /// assert_eq!(other.poll(2, |event, _, _| seen.push(*event)), 2);
    /// assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn workers(mut self, name: &str, after: &[&str], workers: u32) -> Self {
        self.config = self.config.workers(name, after, workers);
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

    /// Has who waits sleep by what `current` gives, and not on its thread: consumers, workers, producers without room, and
    /// [who closes](Ring::close_within). It is called by whoever is about to wait, where it is. After
    /// [`wait`](Self::wait), which takes this back.
    ///
    /// `.sleep_by(millrace_fiber::current_sleeper)` is for coroutines, which leave their worker to others while they wait.
    /// Threads may take part in such a ring, too. The guide of fibers has an example.
    ///
    /// ```
    /// use millrace_park::ThreadSleeper;
    /// use millrace_ring::typed::Builder;
    /// // As it is unless said otherwise.
    /// let ring = Builder::new(8).sleep_by(ThreadSleeper::current).stage("store", &[]).create(u32::default)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn sleep_by<F, S>(self, current: F) -> Builder<SleepBy<W, F>, P>
    where
        F: Fn() -> S + Clone + Send + Sync + 'static,
        S: Sleeper,
    {
        let Self { config, strategy, producers } = self;
        Builder { config, strategy: SleepBy::new(strategy, current), producers }
    }

    /// The ring, with `event` making what its slots begin with.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn create<E: Send + Sync>(self, event: impl FnMut() -> E) -> Result<Ring<E, W, P>, ConfigError> {
        let upstream = self.config.check()?;
        // Where consumers sleep at the first look, each event is fenced once either way.
        let sleeps_at_once = self.strategy.clone().pause(0) == Pause::Park;
        let barrier = if sleeps_at_once { Barrier::symmetric() } else { Barrier::new() };
        let core = Arc::new(Core::new(&self.config, upstream, barrier, event));
        Ok(Ring { core, strategy: self.strategy, producers: PhantomData })
    }
}

/// A preallocated ring of events between producers and a graph of stages.
#[derive(Debug)]
pub struct Ring<E, W = Adaptive, P = Single> {
    pub(super) core: Arc<Core<E>>,
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
        Producer::open(self.core.clone(), self.strategy.clone())
    }
}

impl<E: Send + Sync, W: WaitStrategy> Ring<E, W, Multi> {
    /// One of the producers.
    ///
    /// # Errors
    /// [`OpenError::Taken`] while there are as many as were allowed for.
    pub fn producer(&self) -> Result<MultiProducer<E, W>, OpenError> {
        MultiProducer::open(self.core.clone(), self.strategy.clone())
    }
}

impl<E: Send + Sync, W: WaitStrategy, P> Ring<E, W, P> {
    /// The consumer of a stage.
    ///
    /// # Errors
    /// [`OpenError::Stage`], [`OpenError::Taken`] while the stage has one, [`OpenError::Shared`] for one of
    /// [`workers`](Builder::workers).
    pub fn consumer(&self, stage: &str) -> Result<Consumer<E, W>, OpenError> {
        Consumer::open(self.core.clone(), self.stage(stage)? as u32, self.strategy.clone())
    }

    /// One of the workers of a stage.
    ///
    /// # Errors
    /// [`OpenError::Stage`], [`OpenError::Shared`] when the stage has no workers, [`OpenError::Taken`] while it has as
    /// many as were allowed for.
    pub fn worker(&self, stage: &str) -> Result<Worker<E, W>, OpenError> {
        Worker::open(self.core.clone(), self.stage(stage)? as u32, self.strategy.clone())
    }

    /// The consumer of the stage that `S` stands for, which may write the fields that the stage owns.
    ///
    /// # Errors
    /// As [`consumer`](Self::consumer).
    pub fn consumer_of<S: Stage>(&self) -> Result<StageConsumer<E, W, S>, OpenError> {
        self.consumer(S::NAME).map(StageProcessor::new)
    }

    /// One of the workers of the stage that `S` stands for, which may write the fields that the stage owns.
    ///
    /// # Errors
    /// As [`worker`](Self::worker).
    pub fn worker_of<S: Stage>(&self) -> Result<StageWorker<E, W, S>, OpenError> {
        self.worker(S::NAME).map(StageProcessor::new)
    }

    /// The consumer of a stage that no other stands beside, which may change its events.
    ///
    /// # Errors
    /// [`ExclusiveError::Beside`] with the name of a stage that may have an event at the same time, and as
    /// [`consumer`](Self::consumer).
    pub fn exclusive_consumer(&self, stage: &str) -> Result<ExclusiveConsumer<E, W>, ExclusiveError> {
        ExclusiveConsumer::open(self.core.clone(), self.stage(stage)?, self.strategy.clone())
    }

    /// Joins as a stage that was not declared, and gives its consumer; dropping that leaves. From any thread, while
    /// events flow. The stage follows `after`, or the producers when that is empty; it holds the producers back from now
    /// on, and nobody follows it. It loses and doubles nothing for itself or for others.
    ///
    /// Its name, of 48 bytes at most, is its own among all stages. The number of stages at a time is
    /// [`Builder::max_consumers`]. Costs less than a microsecond, allocates, and is no part of what an event costs.
    ///
    /// ```
    /// use millrace_ring::{JoinFrom, typed::Builder};
    /// let ring = Builder::new(8).stage("store", &[]).create(u32::default)?;
    /// let (mut out, mut store) = (ring.producer()?, ring.consumer("store")?);
    /// out.publish(|event| *event = 1).unwrap();
    /// let mut watch = ring.join("watch", &["store"], JoinFrom::Now)?;
    /// out.publish(|event| *event = 2).unwrap();
    /// store.poll(8, |_, _, _| ());
    /// let mut seen = Vec::new();
    /// watch.poll(8, |event, sequence, _| seen.push((*event, sequence)));
    /// // Both: the stage it follows had done neither.
    /// assert_eq!(seen, [(1, 0), (2, 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`JoinError`]: nothing has changed.
    pub fn join(&self, name: &str, after: &[&str], from: JoinFrom) -> Result<Consumer<E, W>, JoinError> {
        check_declared(&self.core.memory.names, name)?;
        let upstream = mask_of(|name| self.stage(name).ok(), after).map_err(|name| JoinError::After(name.into()))?;
        Consumer::join(self.core.clone(), &Guest { name, upstream, from, owner: 1 }, self.strategy.clone())
    }

    fn stage(&self, name: &str) -> Result<usize, OpenError> {
        self.core.memory.names.iter().position(|known| known == name).ok_or(OpenError::Stage)
    }

    /// Takes no more events; what was accepted is still consumed, also what another thread publishes meanwhile. Wakes
    /// everyone who waits. From any thread, as often as one likes.
    pub fn close(&self) {
        self.core.end(CLOSING);
    }

    /// Closes the ring and waits until every stage, those that joined as well, has consumed all that was accepted,
    /// `timeout` at most; none waits for as long as it takes. Tells how many events were consumed by all stages, and how
    /// many were left by one. Slots that a [`Claim`](super::Claim) gave up are no events, and those of one that is still
    /// open when the time is up are none yet.
    ///
    /// A ring that has failed, or fails meanwhile, is not waited for: nobody consumes the rest. What is abandoned may
    /// still be consumed afterwards. From any thread, several at a time, and again. Sleeps, whatever the ring's way to
    /// wait is, and is woken once for each batch of the slowest stage.
    ///
    /// Exact, but where a producer ends a claim in the very moment in which the time is up.
    ///
    /// ```
    /// use millrace_ring::typed::{Builder, Closed};
    /// use std::time::Duration;
    /// let ring = Builder::new(8).stage("store", &[]).create(u32::default)?;
    /// let mut store = ring.consumer("store")?;
    /// ring.producer()?.publish_many(3, |at, event| *event = at).unwrap();
    /// store.poll(1, |_, _, _| ());
    /// assert_eq!(ring.close_within(Some(Duration::ZERO)), Closed { consumed: 1, abandoned: 2 });
    /// let storing = std::thread::spawn(move || store.run(|_, _, _| ()));
    /// assert_eq!(ring.close_within(None), Closed { consumed: 3, abandoned: 0 });
    /// storing.join().unwrap();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn close_within(&self, timeout: Option<Duration>) -> Closed {
        closing::close(&self.core, &self.strategy.sleeper(), timeout)
    }

    /// As [`close`](Self::close), because a stage failed for good: stages end where they find nothing ready, and do not
    /// wait for what the failed one will never pass. A ring that is closed already can still fail.
    ///
    /// `stage` and `message` are for who asks for the [`failure`](Self::failure): say, the stage whose handler panicked.
    pub fn fail(&self, stage: &str, message: impl fmt::Display) {
        self.core.fail(stage, &message);
    }

    /// Why the ring has failed: the first failure, by [`fail`](Self::fail) or by a handler that stopped the ring, see
    /// [`Consumer::run_fallible`]. From any thread.
    ///
    /// ```
    /// use millrace_ring::{ClaimError, typed::{Builder, OnError}};
    /// let ring = Builder::new(8).stage("store", &[]).create(u32::default)?;
    /// let (mut out, mut store) = (ring.producer()?, ring.consumer("store")?);
    /// out.publish(|event| *event = 1).unwrap();
    /// store.run_fallible(OnError::Stop, |_, _, _| Err::<(), _>("the disk is full")).unwrap_err();
    /// assert_eq!(out.publish(|_| ()), Err(ClaimError::Failed));
    /// let failure = ring.failure().unwrap().to_string();
    /// assert_eq!(failure, "'store' failed: the handler failed on event 0: the disk is full");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.core.memory.failure().get()
    }

    /// What the ring has done so far. From any thread; allocates, and takes nothing from who publishes and consumes.
    ///
    /// Sequences are as of now, each by itself; within the few instructions in which one wraps, every 2^32 events, it
    /// may be read 2^32 off. *Batches and wakes lag behind*: producers and consumers count in variables of their own
    /// and settle when they are about to wait and when they are dropped. A producer that always finds room and a
    /// consumer that never sleeps show theirs at the end.
    #[must_use]
    pub fn stats(&self) -> Statistics {
        self.core.statistics()
    }
}
