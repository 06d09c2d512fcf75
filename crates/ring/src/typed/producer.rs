//! The only producer of its ring.

use super::claim::{Claim, Claimant};
use super::core::{Access, Core, Wakes};
use super::room;
use super::strategy::WaitStrategy;
use super::yielding::Yielding;
use crate::claim::ClaimError;
use crate::layout::{Cell, OPEN};
use crate::producer_seat::{leave_seat, take_seat};
use crate::ring::OpenError;
use crate::sequence::count;
use millrace_park::sync::Arc;
use millrace_park::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

/// The only producer of its ring: it cannot be cloned, and the ring gives one out at a time.
///
/// An event costs two stores beside its own, and no look at what consumers write as long as there was room the last
/// time somebody looked.
///
/// ```compile_fail,E0599
/// # use millrace_ring::typed::Builder;
/// let ring = Builder::new(8).stage("only", &[]).create(u32::default).unwrap();
/// let out = ring.producer().unwrap();
/// let other = out.clone();
/// ```
#[derive(Debug)]
pub struct Producer<E: Send + Sync, W: WaitStrategy> {
    access: Access<E>,
    /// Slots of sequences before this are free.
    limit: u32,
    wakes: Wakes,
    /// How it waits for room.
    yielding: Yielding,
    strategy: W,
}

impl<E: Send + Sync, W: WaitStrategy> Producer<E, W> {
    pub(super) fn open(core: Arc<Core<E>>, strategy: W) -> Result<Self, OpenError> {
        let access = Access::new(core);
        take_seat(&access.view, 1)?;
        let next = access.view.cursor.value.load(Acquire);
        Ok(Self { access, limit: next, wakes: Wakes::default(), yielding: Yielding::default(), strategy })
    }

    /// Publishes an event that `write` fills; the slot still has what was in it a lap ago. If `write` panics, nothing
    /// is published.
    ///
    /// # Errors
    /// [`ClaimError::Full`], [`ClaimError::Closed`], [`ClaimError::Failed`].
    #[inline(always)]
    pub fn try_publish(&mut self, write: impl FnOnce(&mut E)) -> Result<(), ClaimError> {
        let next = self.next();
        self.publish_at(next, write)
    }

    #[inline(always)]
    fn publish_at(&mut self, next: u32, write: impl FnOnce(&mut E)) -> Result<(), ClaimError> {
        self.claim_at(next, 1)?;
        let withdraw = Withdraw { access: &self.access, next };
        // SAFETY: the slot is ours until the cursor passes it: see `claim_at`.
        write(unsafe { &mut *self.access.slot(next) });
        std::mem::forget(withdraw);
        self.publish_claimed(next, 1);
        Ok(())
    }

    /// Publishes `n` events together, each filled by `write` (its place, the event). If `write` panics, nothing is
    /// published.
    ///
    /// # Errors
    /// As [`try_publish`](Self::try_publish), and [`ClaimError::TooLarge`] when the ring is smaller than that.
    #[inline]
    pub fn try_publish_many(&mut self, n: u32, mut write: impl FnMut(u32, &mut E)) -> Result<(), ClaimError> {
        let next = self.next();
        self.claim_at(next, n)?;
        let withdraw = Withdraw { access: &self.access, next };
        let mut place = 0;
        for (first, length) in self.access.parts(next, n) {
            for at in 0..length as usize {
                // SAFETY: the slots are ours until the cursor passes them: see `claim_at`.
                write(place, unsafe { &mut *first.add(at) });
                place += 1;
            }
        }
        std::mem::forget(withdraw);
        self.publish_claimed(next, n);
        Ok(())
    }

    /// Publishes an event, waiting for room.
    ///
    /// # Errors
    /// [`ClaimError::Closed`], [`ClaimError::Failed`].
    #[inline]
    pub fn publish(&mut self, write: impl FnOnce(&mut E)) -> Result<(), ClaimError> {
        let next = self.next();
        // Again where a stage that joins was further behind for a moment.
        while next == self.limit && !self.finds_room(next, 1) {
            self.wait_for_room(1, None)?;
        }
        self.publish_at(next, write)
    }

    /// Publishes `n` events together, waiting for room for all of them.
    ///
    /// # Errors
    /// [`ClaimError::Closed`], [`ClaimError::Failed`], [`ClaimError::TooLarge`].
    #[inline]
    pub fn publish_many(&mut self, n: u32, write: impl FnMut(u32, &mut E)) -> Result<(), ClaimError> {
        let next = self.next();
        while !self.fits(next, n) && !self.finds_room(next, n) {
            self.wait_for_room(n, None)?;
        }
        self.try_publish_many(n, write)
    }

    /// Claims `n` slots, to be filled in any order and published by [`Claim::commit`].
    ///
    /// # Errors
    /// As [`try_publish_many`](Self::try_publish_many).
    pub fn try_claim(&mut self, n: u32) -> Result<Claim<'_, Self>, ClaimError> {
        let start = self.next();
        self.claim_at(start, n)?;
        Ok(Claim::new(self, start, n))
    }

    /// As [`try_claim`](Self::try_claim), waiting for room for all of them, `timeout` at most.
    ///
    /// # Errors
    /// [`ClaimError::Full`] when the time is up, [`ClaimError::Closed`], [`ClaimError::Failed`],
    /// [`ClaimError::TooLarge`].
    pub fn claim(&mut self, n: u32, timeout: Option<Duration>) -> Result<Claim<'_, Self>, ClaimError> {
        let start = self.next();
        room::keep_trying(timeout, |left| match self.claim_at(start, n) {
            Err(ClaimError::Full) => self.wait_for_room(n, left).map(|()| None),
            claimed => claimed.map(Some),
        })?;
        Ok(Claim::new(self, start, n))
    }

    /// Waits until `n` slots are free, `timeout` at most.
    ///
    /// # Errors
    /// [`ClaimError::Full`] when the time is up, [`ClaimError::Closed`], [`ClaimError::Failed`],
    /// [`ClaimError::TooLarge`].
    #[cold]
    pub fn wait_for_room(&mut self, n: u32, timeout: Option<Duration>) -> Result<(), ClaimError> {
        self.settle();
        let next = self.next();
        room::wait(&self.access, 0, &self.strategy.sleeper(), &mut self.yielding, n, timeout, || next)?;
        self.limit = next.wrapping_add(self.access.free(next));
        Ok(())
    }

    /// Events published since the ring was made.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        (u64::from(self.access.view.cursor.wraps.load(Relaxed)) << 32) + u64::from(self.next())
    }

    /// The limit is never behind `next`, so what is between them is no negative number, and `n` may be any.
    #[inline(always)]
    fn fits(&self, next: u32, n: u32) -> bool {
        self.limit.wrapping_sub(next) >= n
    }

    /// Next sequence to publish: nobody else writes the cursor. Not kept beside it, which would be one store an event
    /// more, of the three that it takes; stores are what an event waits for.
    #[inline(always)]
    fn next(&self) -> u32 {
        self.access.view.cursor.value.load(Relaxed)
    }

    #[inline(always)]
    pub(super) fn own(&self) -> &Cell {
        &self.access.view.producers[0]
    }

    /// Makes `n` slots from `next` on ours.
    ///
    /// Announced before the look at the state, and whoever closes fences both of us in between: so either the closing
    /// side sees the announcement, and consumers wait for the cursor to reach it, or we see the close.
    #[inline(always)]
    fn claim_at(&mut self, next: u32, n: u32) -> Result<(), ClaimError> {
        if !self.fits(next, n) {
            self.look_for_room(n)?;
        }
        self.own().staged.store(next.wrapping_add(n), Relaxed);
        self.access.barrier.light();
        if self.access.state() != OPEN {
            return Err(self.refuse());
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn look_for_room(&mut self, n: u32) -> Result<(), ClaimError> {
        self.settle();
        if n > self.access.mask + 1 {
            return Err(ClaimError::TooLarge);
        }
        if self.access.state() != OPEN {
            return Err(self.access.refusal());
        }
        if self.finds_room(self.next(), n) { Ok(()) } else { Err(ClaimError::Full) }
    }

    /// Looks how far the stages are. Who waits does this first: to be ready to sleep costs as much as a hundred events.
    #[cold]
    #[inline(never)]
    fn finds_room(&mut self, next: u32, n: u32) -> bool {
        let free = self.access.free(next);
        self.limit = next.wrapping_add(free);
        free >= n
    }

    #[cold]
    #[inline(never)]
    fn refuse(&self) -> ClaimError {
        withdraw(&self.access, self.next());
        self.access.refusal()
    }

    /// The first `n` claimed slots are written: consumers may see them.
    #[inline(always)]
    pub(super) fn publish_claimed(&mut self, start: u32, n: u32) {
        let cursor = self.access.view.cursor;
        let next = start.wrapping_add(n);
        if next < start {
            count(&cursor.wraps, 1);
        }
        cursor.value.store(next, Release);
        if W::PARKS {
            self.access.wake(cursor, &mut self.wakes);
        }
    }

    fn settle(&mut self) {
        let Self { wakes, access, .. } = self;
        wakes.settle(&access.view.producers[0]);
    }
}

impl<E: Send + Sync, W: WaitStrategy> Claimant for Producer<E, W> {
    type Event = E;

    fn slot(&self, sequence: u32) -> *mut E {
        self.access.slot(sequence)
    }

    /// Nobody claims behind this producer: what it gives up is claimed again by itself.
    #[inline]
    fn end_claim(&mut self, start: u32, n: u32, used: u32) {
        if used > 0 {
            self.publish_claimed(start, used);
        }
        if used < n {
            withdraw(&self.access, self.next());
        }
    }
}

impl<E: Send + Sync, W: WaitStrategy> Drop for Producer<E, W> {
    fn drop(&mut self) {
        self.settle();
        // A claim that was forgotten stands announced.
        withdraw(&self.access, self.next());
        self.access.core.memory.producers().clear(0);
        leave_seat(&self.access.view, 0);
    }
}

/// Takes an announcement back when `write` panics.
struct Withdraw<'a, E> {
    access: &'a Access<E>,
    next: u32,
}

impl<E> Drop for Withdraw<'_, E> {
    fn drop(&mut self) {
        withdraw(self.access, self.next);
    }
}

/// What was announced beyond `next` will not come: who waits for a closed ring to end looks again.
fn withdraw<E>(access: &Access<E>, next: u32) {
    access.view.producers[0].staged.store(next, Release);
    access.look_again();
}
