//! A ring: what producers and consumers are opened on.

use crate::byte_consumer::ByteConsumer;
use crate::byte_producer::{ByteProducer, push_copied};
use crate::claim::{ClaimError, ended, settle};
use crate::config::{Config, ConfigError};
use crate::consumer::{Consumer, take_stage};
use crate::graph::mask_of;
use crate::join::{self, Guest, JoinError, JoinFrom, vacate};
use crate::layout::{CLOSING, FAILED, GRANULE, OPEN};
use crate::memory::{Memory, View};
use crate::open_claim::{self, NoClaim};
use crate::producer_seat::{count_lost, leave_seat, recover_claim, take_seat};
use crate::staged::publish_copied;
use crate::workers::Workers;
use millrace_park::Barrier;
use millrace_park::sync::atomic::Ordering::Acquire;
use millrace_park::sync::seqcst;
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
    /// A ring of events in native memory, whose slots are written as those of a ring in JavaScript's: by several producers
    /// that [publish copies](Self::publish_copied). Rust's own events go through [`typed`](crate::typed) rings.
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
        if config.stride != GRANULE {
            return Err(ConfigError::Stride(config.stride));
        }
        if fields > config.most_fields() {
            return Err(ConfigError::Fields(fields));
        }
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

    /// Joins for code that reads slots itself (JavaScript), and gives the seat; leave by [`leave_stage`](Self::leave_stage).
    /// `upstream` has a bit a declared stage, or [`layout::CURSOR`](crate::layout::CURSOR). That no declared stage has
    /// this name is the caller's to see.
    ///
    /// # Errors
    /// [`JoinError`]: nothing has changed.
    pub fn take_join(&self, name: &str, upstream: u32, from: JoinFrom, owner: u32) -> Result<u32, JoinError> {
        let view = self.memory.enter().ok_or(JoinError::Gone)?;
        join::join(&self.memory, &view, &Guest { name, upstream, from, owner }, || Ok(()))
    }

    /// Takes a producer seat for code that writes slots itself (JavaScript). Give it back with
    /// [`leave_producer`](Self::leave_producer).
    ///
    /// # Errors
    /// [`OpenError::Taken`], [`OpenError::Gone`].
    pub fn take_producer(&self, owner: u32) -> Result<u32, OpenError> {
        take_seat(&*self.memory.enter().ok_or(OpenError::Gone)?, owner)
    }

    /// Gives a producer seat back. What it has [claimed](Self::claim) is given up, and counted as recovered.
    pub fn leave_producer(&self, index: u32) {
        self.memory.producers().clear(index);
        if let Some(view) = self.memory.enter() {
            let recovered = recover_claim(&view, index);
            count_lost(&view, index);
            leave_seat(&view, index);
            if recovered {
                self.wake(u32::MAX, u32::MAX);
            }
            self.look_again(&view);
        }
    }

    /// What ends a closed ring may have changed beside its sequences: everyone looks again.
    fn look_again(&self, view: &View<'_>) {
        if seqcst::load(&view.header.state) != OPEN {
            self.wake(u32::MAX, u32::MAX);
        }
    }

    /// Claims `n` slots (1 to the capacity) for the producer that holds seat `index` of a multi-producer ring, and gives
    /// the first one's sequence. Producers that claim behind it publish when it is [committed](Self::commit_claim), or
    /// its seat is given back. One claim a seat at a time.
    ///
    /// # Errors
    /// [`ClaimError`]: nothing was claimed.
    ///
    /// # Panics
    /// On a single-producer ring, and when the seat has a claim open.
    pub fn claim(&self, index: u32, n: u32) -> Result<u32, ClaimError> {
        open_claim::claim(&self.memory, index, n)
    }

    /// Publishes the first `used` slots of the claim that seat `index` has open, and gives the others up: no consumer
    /// sees them, and they are counted as aborted. On a ring that has failed all are given up, and the used ones counted
    /// as lost.
    ///
    /// # Errors
    /// [`NoClaim`].
    pub fn commit_claim(&self, index: u32, used: u32) -> Result<(), NoClaim> {
        open_claim::commit(&self.memory, index, used)
    }

    /// Dies between intent and claim, for models of recovery.
    #[cfg(loom)]
    pub fn intend_only(&self, index: u32, n: u32) {
        let view = self.memory.enter().expect("native memory is never gone");
        view.claim.ledger.intend_only(|claimant| &view.producers[claimant as usize].claimant, index, n);
    }

    /// Publishes copies of up to `n` slots for the producer that holds seat `index` of a multi-producer ring, and gives
    /// their number: as many as there is room for. They are events, or the granules of whole records, which begin with
    /// their length and the number of their granules.
    ///
    /// # Errors
    /// [`ClaimError`]: nothing was published.
    ///
    /// # Panics
    /// When the seat has a [claim](Self::claim) open.
    pub fn publish_copied(&self, index: u32, events: &[u8], n: u32) -> Result<u32, ClaimError> {
        publish_copied(&self.memory, index, events, n)
    }

    /// Publishes one record for the producer that holds seat `index` of a multi-producer byte ring; `fields` is as long
    /// as its header fields are.
    ///
    /// # Errors
    /// [`ClaimError`]: nothing was published.
    pub fn push_copied(&self, index: u32, fields: &[u8], payload: &[u8]) -> Result<(), ClaimError> {
        push_copied(&self.memory, index, fields, payload)
    }

    /// Takes a stage for code that reads slots itself (JavaScript).
    ///
    /// # Errors
    /// [`OpenError::Taken`], [`OpenError::Stage`], [`OpenError::Gone`].
    pub fn take_stage(&self, stage: u32, owner: u32) -> Result<(), OpenError> {
        take_stage(&*self.memory.enter().ok_or(OpenError::Gone)?, stage, owner)
    }

    /// Lets another open a stage, or the seat of a worker, and what a worker had in hand comes to the others; a stage that
    /// joined leaves.
    pub fn leave_stage(&self, seat: u32) {
        match self.memory.enter() {
            Some(view) => {
                Workers::give_up(&self.memory, &view, seat);
                vacate(&self.memory, &view, seat);
            }
            None => self.memory.consumers().clear(seat),
        }
    }

    /// Gives back every stage and every producer seat of an environment that is gone, and wakes everyone who waits: a
    /// thread may end between advancing a sequence and waking, or with the sleepers' bits in its hand.
    pub fn release_owner(&self, owner: u32) {
        let Some(view) = self.memory.enter() else { return };
        for (seat, cell) in view.stages.iter().enumerate() {
            if cell.owner.load(Acquire) == owner {
                Workers::give_up(&self.memory, &view, seat as u32);
                vacate(&self.memory, &view, seat as u32);
            }
        }
        let taken = view.header.producers.load(Acquire);
        for (index, cell) in view.producers.iter().enumerate() {
            if taken & (1 << index) != 0 && cell.owner.load(Acquire) == owner {
                self.memory.producers().clear(index as u32);
                recover_claim(&view, index as u32);
                count_lost(&view, index as u32);
                leave_seat(&view, index as u32);
            }
        }
        drop(view);
        self.wake(u32::MAX, u32::MAX);
    }

    /// Wakes waiting consumers and producers by their bits, for code that advances sequences itself.
    pub fn wake(&self, consumers: u32, producers: u32) {
        self.memory.consumers().wake(consumers);
        self.memory.producers().wake(producers);
    }

    /// Who waits for events.
    pub fn consumers(&self) -> &millrace_park::WakerTable {
        self.memory.consumers()
    }

    /// Who waits for room.
    pub fn producers(&self) -> &millrace_park::WakerTable {
        self.memory.producers()
    }

    /// Takes no more events; what was published is still consumed. Wakes everyone who waits.
    pub fn close(&self) {
        self.end(CLOSING);
    }

    /// As [`close`](Self::close), because a stage failed for good: producers are told so.
    pub fn fail(&self) {
        self.end(FAILED);
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
        self.wake(u32::MAX, u32::MAX);
    }

    /// True when the ring is closed and this stage has consumed everything.
    #[must_use]
    pub fn stage_ended(&self, stage: u32) -> bool {
        self.memory.enter().is_none_or(|view| ended(&view, view.stages[stage as usize].value.load(Acquire)))
    }
}
