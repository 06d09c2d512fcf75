//! A ring: what producers and consumers are opened on.

use crate::byte_consumer::ByteConsumer;
use crate::byte_producer::ByteProducer;
use crate::claim::ended;
use crate::config::{Config, ConfigError};
use crate::consumer::{Consumer, Gone};
use crate::end;
use crate::graph::mask_of;
use crate::join::{self, Guest, JoinError, JoinFrom};
use crate::layout::{CLOSING, FAILED};
use crate::memory::Memory;
use crate::statistics::Statistics;
use millrace_park::sync::atomic::AtomicU32;
use millrace_park::sync::atomic::Ordering::{Acquire, Relaxed};
use millrace_park::{Barrier, Failure};
use std::fmt;
use std::sync::Arc;

/// Why a producer or a consumer could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// Every seat is taken: the one of this stage, or all of the producers.
    Taken,
    /// There is no such stage.
    Stage,
    /// The stage is shared by workers, or a worker was asked of one that is not.
    Shared,
    /// Records were asked of a ring of events, or the other way round.
    Kind,
    /// The ring's memory is gone.
    Gone,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Taken => "somebody else has it open",
            Self::Stage => "there is no such stage",
            Self::Shared => "a stage that workers share is opened by its workers, and no other is",
            Self::Kind => "this is another kind of ring",
            Self::Gone => "the ring's memory is gone",
        })
    }
}

impl std::error::Error for OpenError {}

/// A preallocated ring of slots between producers and a graph of stages.
#[derive(Debug, Clone)]
pub struct Ring {
    pub(crate) memory: Arc<Memory>,
}

impl Ring {
    /// A ring of events in native memory, whose slots are written as those of a ring in JavaScript's, by
    /// [`Seats`](crate::Seats). Rust's own events go through [`typed`](crate::typed) rings.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn create(config: Config) -> Result<Self, ConfigError> {
        Self::on_heap(config, None)
    }

    /// A byte ring in native memory, whose records carry `fields` bytes of header fields.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn create_bytes(config: Config, fields: u32) -> Result<Self, ConfigError> {
        config.check_records(fields)?;
        Self::on_heap(config, Some(fields))
    }

    fn on_heap(config: Config, fields: Option<u32>) -> Result<Self, ConfigError> {
        let upstream = config.check()?;
        Ok(Self { memory: Arc::new(Memory::heap(&config, upstream, fields)) })
    }

    /// The ring that JavaScript laid out in this region.
    ///
    /// # Errors
    /// It is none, or one of another version.
    pub fn attach(region: Arc<millrace_park::Region>) -> Result<Self, crate::LayoutError> {
        Ok(Self { memory: Arc::new(Memory::region(region)?) })
    }

    fn stage(&self, name: &str) -> Result<u32, OpenError> {
        let at = self.memory.names.iter().position(|known| known == name).ok_or(OpenError::Stage)?;
        Ok(at as u32)
    }

    /// A producer of records for `owner`, an environment's number (any but 0).
    ///
    /// # Errors
    /// [`OpenError::Taken`] when the ring has no seat left: one on single-producer rings. [`OpenError::Kind`].
    pub fn byte_producer(&self, owner: u32) -> Result<ByteProducer, OpenError> {
        ByteProducer::open(self.memory.clone(), owner)
    }

    /// The consumer of a stage.
    ///
    /// # Errors
    /// [`OpenError::Taken`] when the stage is open, [`OpenError::Kind`].
    pub fn consumer(&self, stage: &str, owner: u32) -> Result<Consumer, OpenError> {
        Consumer::open(self.memory.clone(), self.stage(stage)?, owner)
    }

    /// The consumer of a stage's records.
    ///
    /// # Errors
    /// As [`consumer`](Self::consumer).
    pub fn byte_consumer(&self, stage: &str, owner: u32) -> Result<ByteConsumer, OpenError> {
        self.byte_consumer_at(self.stage(stage)?, owner)
    }

    /// The consumer of the stage with this number.
    ///
    /// # Errors
    /// As [`byte_consumer`](Self::byte_consumer).
    pub fn byte_consumer_at(&self, stage: u32, owner: u32) -> Result<ByteConsumer, OpenError> {
        ByteConsumer::open(self.memory.clone(), stage, owner)
    }

    /// The consumer of the stage with this number.
    ///
    /// # Errors
    /// As [`consumer`](Self::consumer).
    pub fn consumer_at(&self, stage: u32, owner: u32) -> Result<Consumer, OpenError> {
        Consumer::open(self.memory.clone(), stage, owner)
    }

    /// One of the workers that share a stage's records, each going to one of them; as many can be open as the stage
    /// [has](Config::workers).
    ///
    /// ```
    /// use millrace_park::ThreadSleeper;
    /// use millrace_ring::{Config, Ring};
    /// let ring = Ring::create_bytes(Config::bytes(1024).workers("work", &[], 2), 0)?;
    /// let mut out = ring.byte_producer(1)?;
    /// (0..8).for_each(|_| out.try_push(|_| (), &[b"job"]).unwrap());
    /// out.flush();
    /// ring.close();
    /// let working = [(); 2].map(|()| {
    ///     let mut worker = ring.byte_worker("work", 1).unwrap();
    ///     std::thread::spawn(move || {
    ///         let mut jobs = 0;
    ///         worker.run(&ThreadSleeper::current(), |_| jobs += 1);
    ///         jobs
    ///     })
    /// });
    /// assert_eq!(working.map(|worker| worker.join().unwrap()).iter().sum::<u32>(), 8);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`OpenError::Taken`] when all are open, [`OpenError::Shared`] when the stage has no workers,
    /// [`OpenError::Kind`], [`OpenError::Stage`].
    pub fn byte_worker(&self, stage: &str, owner: u32) -> Result<ByteConsumer, OpenError> {
        ByteConsumer::share(self.memory.clone(), self.stage(stage)?, owner)
    }

    /// As [`byte_worker`](Self::byte_worker), of a ring of events.
    ///
    /// # Errors
    /// As [`byte_worker`](Self::byte_worker).
    pub fn worker(&self, stage: &str, owner: u32) -> Result<Consumer, OpenError> {
        Consumer::share(self.memory.clone(), self.stage(stage)?, owner)
    }

    /// Joins as a stage that was not declared, and gives its consumer; dropping that leaves. From any thread, while
    /// events flow. The stage follows `after`, or the producers when that is empty; it holds the producers back from now
    /// on, and nobody follows it. Up to [`Config::max_consumers`] at a time.
    ///
    /// # Errors
    /// [`JoinError`]: nothing has changed.
    pub fn join(&self, name: &str, after: &[&str], from: JoinFrom, owner: u32) -> Result<Consumer, JoinError> {
        Consumer::join(self.memory.clone(), &self.guest(name, after, from, owner)?)
    }

    /// As [`join`](Self::join), for records.
    ///
    /// ```
    /// use millrace_ring::{Config, JoinFrom, Ring};
    /// let ring = Ring::create_bytes(Config::bytes(256).stage("sum", &[]), 0)?;
    /// let mut out = ring.byte_producer(1)?;
    /// out.try_push(|_| (), &[b"one"])?;
    /// out.flush();
    /// let mut watch = ring.byte_join("watch", &[], JoinFrom::Oldest, 1)?;
    /// let mut seen = Vec::new();
    /// watch.poll(u32::MAX, |record| seen.extend_from_slice(record.payload())).unwrap();
    /// assert_eq!(seen, b"one");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`JoinError`]: nothing has changed.
    pub fn byte_join(&self, name: &str, after: &[&str], from: JoinFrom, owner: u32) -> Result<ByteConsumer, JoinError> {
        ByteConsumer::join(self.memory.clone(), &self.guest(name, after, from, owner)?)
    }

    fn guest<'a>(&self, name: &'a str, after: &[&str], from: JoinFrom, owner: u32) -> Result<Guest<'a>, JoinError> {
        join::check_declared(&self.memory.names, name)?;
        let upstream = mask_of(|name| self.memory.names.iter().position(|known| known == name), after)
            .map_err(|unknown| JoinError::After(unknown.into()))?;
        Ok(Guest { name, upstream, from, owner })
    }

    /// Takes no more events; what was published is still consumed. Wakes everyone who waits.
    pub fn close(&self) {
        end::end(&self.memory, Barrier::new(), CLOSING);
    }

    /// As [`close`](Self::close), because a stage failed for good: producers are told so.
    pub fn fail(&self) {
        end::end(&self.memory, Barrier::new(), FAILED);
    }

    /// As [`fail`](Self::fail), and keeps why, for everyone who finds the ring failed. Of several failures the first is
    /// kept: false when this is a later one.
    pub fn fail_by(&self, failure: Failure) -> bool {
        end::fail(&self.memory, Barrier::new(), failure)
    }

    /// Why the ring failed, where whoever failed it said so.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.memory.failure().get()
    }

    /// What the ring has done so far, as of now, counted in slots: those of a byte ring have 32 bytes, and a record takes
    /// one or more. From any thread; allocates, and takes nothing from who publishes and consumes. Within the few
    /// instructions in which a sequence wraps, every 2^32 events, it may be read 2^32 off.
    ///
    /// ```
    /// use millrace_ring::{Config, Ring};
    /// let ring = Ring::create_bytes(Config::bytes(1024).stage("count", &[]), 0)?;
    /// let mut out = ring.byte_producer(1)?;
    /// out.try_push(|_| (), &[b"short"])?;
    /// out.try_push(|_| (), &[&[0; 50]])?;
    /// out.flush();
    /// ring.byte_consumer("count", 1)?.poll(1, |_| ()).unwrap();
    /// let stats = ring.stats().unwrap();
    /// let count = &stats.stages[0];
    /// assert_eq!((stats.cursor, count.sequence, count.lag, count.batches), (3, 1, 2, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Gone`].
    pub fn stats(&self) -> Result<Statistics, Gone> {
        let view = self.memory.enter().ok_or(Gone)?;
        let given_up = |word: &AtomicU32| u64::from(word.load(Relaxed));
        let all = given_up(&view.header.aborted) + given_up(&view.header.recovered);
        Ok(Statistics::of(&self.memory, &view, all))
    }

    /// True when the ring is closed and this stage has consumed everything.
    #[must_use]
    pub fn stage_ended(&self, stage: u32) -> bool {
        self.memory.enter().is_none_or(|view| ended(&view, view.stages[stage as usize].value.load(Acquire)))
    }
}
