//! A ring: what producers and consumers are opened on.

use crate::byte_consumer::ByteConsumer;
use crate::byte_producer::ByteProducer;
use crate::claim::{ended, settle};
use crate::config::{Config, ConfigError};
use crate::consumer::Consumer;
use crate::graph::mask_of;
use crate::join::{self, Guest, JoinError, JoinFrom};
use crate::layout::{CLOSING, FAILED, OPEN};
use crate::memory::Memory;
use millrace_park::sync::atomic::Ordering::Acquire;
use millrace_park::sync::seqcst;
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
    /// Names of the stages; empty for a ring that JavaScript laid out, whose stages go by number.
    names: Arc<[String]>,
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
        let names = config.stages.iter().map(|stage| stage.name.clone()).collect();
        Ok(Self { memory: Arc::new(Memory::heap(&config, upstream, fields)), names })
    }

    /// The ring that JavaScript laid out in this region.
    ///
    /// # Errors
    /// It is none, or one of another version.
    pub fn attach(region: Arc<millrace_park::Region>) -> Result<Self, crate::LayoutError> {
        Ok(Self { memory: Arc::new(Memory::region(region)?), names: Arc::new([]) })
    }

    fn stage(&self, name: &str) -> Result<u32, OpenError> {
        let at = self.names.iter().position(|known| known == name).ok_or(OpenError::Stage)?;
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
        join::check_declared(&self.names, name)?;
        let upstream = mask_of(|name| self.names.iter().position(|known| known == name), after)
            .map_err(|unknown| JoinError::After(unknown.into()))?;
        Ok(Guest { name, upstream, from, owner })
    }

    /// Takes no more events; what was published is still consumed. Wakes everyone who waits.
    pub fn close(&self) {
        self.end(CLOSING);
    }

    /// As [`close`](Self::close), because a stage failed for good: producers are told so.
    pub fn fail(&self) {
        self.end(FAILED);
    }

    /// As [`fail`](Self::fail), and keeps why, for everyone who finds the ring failed. Of several failures the first is
    /// kept: false when this is a later one.
    pub fn fail_by(&self, failure: Failure) -> bool {
        // First, so that it is there when the state is seen.
        let first = self.memory.failure().set(failure).is_ok();
        self.end(FAILED);
        first
    }

    /// Why the ring failed, where whoever failed it said so.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.memory.failure().get()
    }

    fn end(&self, state: u32) {
        let Some(view) = self.memory.enter() else { return };
        // A ring that closes can still fail: stages behind the failed one would wait for ever.
        let mut found = OPEN;
        while found < state
            && let Err(other) = seqcst::compare_exchange(&view.header.state, found, state)
        {
            found = other;
        }
        if found == OPEN {
            settle(&view, Barrier::new());
        }
        drop(view);
        self.memory.consumers().wake(u32::MAX);
        self.memory.producers().wake(u32::MAX);
    }

    /// True when the ring is closed and this stage has consumed everything.
    #[must_use]
    pub fn stage_ended(&self, stage: u32) -> bool {
        self.memory.enter().is_none_or(|view| ended(&view, view.stages[stage as usize].value.load(Acquire)))
    }
}
