//! A ring by the numbers of its seats, for code that reads and writes slots itself (JavaScript).

use crate::byte_producer::push_copied;
use crate::claim::ClaimError;
use crate::join::{self, Guest, JoinError, JoinFrom, vacate};
use crate::layout::OPEN;
use crate::memory::View;
use crate::open_claim::{self, NoClaim};
use crate::place::take_stage;
use crate::producer_seat::{count_lost, leave_seat, recover_claim, take_seat};
use crate::ring::{OpenError, Ring};
use crate::staged::publish_copied;
use crate::workers::Workers;
use millrace_park::sync::atomic::Ordering::Acquire;
use millrace_park::sync::seqcst;
use std::task::Waker;

/// A ring whose seats are taken, used and given back by their numbers. Rust's own producers and consumers, which are
/// their seats, are opened on the [`Ring`] that it stands for.
#[derive(Debug, Clone)]
pub struct Seats(Ring);

impl std::ops::Deref for Seats {
    type Target = Ring;

    fn deref(&self) -> &Ring {
        &self.0
    }
}

impl Seats {
    /// The seats of `ring`.
    ///
    /// # Safety
    /// A number does not tell who is at work. Whoever has these
    /// - uses a seat, and writes and reads slots by it, from when it was taken here until it is given back, from one
    ///   thread at a time;
    /// - gives back only seats that were taken here, and what an owner has ([`release_owner`](Self::release_owner)) only
    ///   when nothing of its works any more, producers and consumers of Rust included;
    /// - commits a claim when its slots are written, and releases events when nobody looks at them any more.
    #[must_use]
    pub unsafe fn of(ring: Ring) -> Self {
        Self(ring)
    }

    /// Joins, and gives the seat; leave by [`leave_stage`](Self::leave_stage). `upstream` has a bit a declared stage, or
    /// [`layout::CURSOR`](crate::layout::CURSOR). That no declared stage has this name is the caller's to see.
    ///
    /// # Errors
    /// [`JoinError`]: nothing has changed.
    ///
    /// # Panics
    /// When `owner` is 0.
    pub fn take_join(&self, name: &str, upstream: u32, from: JoinFrom, owner: u32) -> Result<u32, JoinError> {
        let view = self.memory.enter().ok_or(JoinError::Gone)?;
        join::join(&self.memory, &view, &Guest { name, upstream, from, owner }, || Ok(()))
    }

    /// Takes a producer seat. Give it back with [`leave_producer`](Self::leave_producer).
    ///
    /// # Errors
    /// [`OpenError::Taken`], [`OpenError::Gone`].
    ///
    /// # Panics
    /// When `owner` is 0.
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
    /// Of a byte ring `n` granules (1 to half of the ring) for one record, which must not cross the ring's end: where they
    /// would, the claim begins with what is left before it, to be written as padding, and the record at the ring's begin.
    ///
    /// # Errors
    /// [`ClaimError`]: nothing was claimed. [`ClaimError::Kind`] on single-producer rings.
    ///
    /// # Panics
    /// When the seat has a claim open.
    pub fn claim(&self, index: u32, n: u32) -> Result<u32, ClaimError> {
        open_claim::claim(&self.memory, index, n)
    }

    /// Publishes the first `used` slots of the claim that seat `index` has open, and gives the others up: no consumer
    /// sees them, and they are counted as aborted. On a ring that has failed all are given up, and the used ones counted
    /// as lost. Of a byte ring the used ones begin with a prefix, and end where its granules do.
    ///
    /// # Errors
    /// [`NoClaim`].
    pub fn commit_claim(&self, index: u32, used: u32) -> Result<(), NoClaim> {
        open_claim::commit(&self.memory, index, used)
    }

    /// Publishes copies of up to `n` slots for the producer that holds seat `index` of a multi-producer ring, and gives
    /// their number: as many as there is room for. They are events, or the granules of whole records, which begin with
    /// their length and the number of their granules. A closed ring takes those that the producer's cell says were staged
    /// before.
    ///
    /// # Errors
    /// [`ClaimError`]: nothing was published. [`ClaimError::Kind`] on single-producer rings.
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
    /// [`ClaimError`]: nothing was published. [`ClaimError::Kind`] on single-producer rings and on rings of events.
    ///
    /// # Panics
    /// When the seat has a [claim](Self::claim) open.
    pub fn push_copied(&self, index: u32, fields: &[u8], payload: &[u8]) -> Result<(), ClaimError> {
        push_copied(&self.memory, index, fields, payload)
    }

    /// Takes a stage.
    ///
    /// # Errors
    /// [`OpenError::Taken`], [`OpenError::Stage`], [`OpenError::Gone`].
    ///
    /// # Panics
    /// When `owner` is 0.
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
        self.memory.closers().remove(|key| key >> 32 == u64::from(owner));
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

    /// Has `waker` woken when something changes by which a closed ring may have come to its end: the sequences on whose
    /// cells the bit [`CLOSERS`](millrace_park::CLOSERS) is set, and what changes beside sequences. Known by a number of
    /// `owner`'s.
    pub fn await_end(&self, owner: u32, number: u32, waker: Waker) {
        self.memory.closers().add(u64::from(owner) << 32 | u64::from(number), waker);
    }

    /// Takes [`await_end`](Self::await_end) back.
    pub fn leave_end(&self, owner: u32, number: u32) {
        self.memory.closers().remove(|key| key == u64::from(owner) << 32 | u64::from(number));
    }

    /// Dies between intent and claim, for models of recovery.
    #[cfg(loom)]
    pub fn intend_only(&self, index: u32, n: u32) {
        let view = self.memory.enter().expect("native memory is never gone");
        view.claim.ledger.intend_only(|claimant| &view.producers[claimant as usize].claimant, index, n);
    }
}
