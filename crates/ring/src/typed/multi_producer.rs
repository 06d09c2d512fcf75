//! One of several producers of a ring.

use super::claim::{Claim, Claimant};
use super::core::{Access, Core, Wakes};
use super::patience::Patience;
use super::room;
use super::strategy::WaitStrategy;
use super::yielding::Yielding;
use crate::claim::{ClaimError, raise_gate};
use crate::layout::{Cell, OPEN};
use crate::producer_seat::{leave_seat, take_seat};
use crate::ring::OpenError;
use crate::sequence::distance;
use crate::stamps;
use millrace_park::sync::Arc;
use millrace_park::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

/// One of several producers of a ring. Each thread opens its own.
#[derive(Debug)]
pub struct MultiProducer<E: Send + Sync, W: WaitStrategy> {
    access: Access<E>,
    seat: u32,
    /// The claim that is lent: start and number. It comes back, unless it is forgotten.
    lent: Option<(u32, u32)>,
    wakes: Wakes,
    patience: Patience,
    /// How it waits for room.
    yielding: Yielding,
    strategy: W,
}

impl<E: Send + Sync, W: WaitStrategy> MultiProducer<E, W> {
    pub(super) fn open(core: Arc<Core<E>>, strategy: W) -> Result<Self, OpenError> {
        let access = Access::new(core);
        let seat = take_seat(&access.view, 1)?;
        Ok(Self {
            access,
            seat,
            lent: None,
            wakes: Wakes::default(),
            patience: Patience::default(),
            yielding: Yielding::default(),
            strategy,
        })
    }

    /// Publishes an event that `write` fills; the slot still has what was in it a lap ago. If `write` panics, the slot
    /// is skipped.
    ///
    /// # Errors
    /// [`ClaimError::Full`], [`ClaimError::Closed`], [`ClaimError::Failed`].
    #[inline]
    pub fn try_publish(&mut self, write: impl FnOnce(&mut E)) -> Result<(), ClaimError> {
        let start = self.claim_next(1)?;
        let claim = Claim::<_, false>::new(self, start, 1);
        // SAFETY: the slot is claimed.
        write(unsafe { &mut *claim.first() });
        claim.commit();
        Ok(())
    }

    /// Publishes `n` events together, each filled by `write` (its place, the event). If `write` panics, all are skipped.
    ///
    /// # Errors
    /// As [`try_publish`](Self::try_publish), and [`ClaimError::TooLarge`] when the ring is smaller than that.
    #[inline]
    pub fn try_publish_many(&mut self, n: u32, mut write: impl FnMut(u32, &mut E)) -> Result<(), ClaimError> {
        let start = self.claim_next(n)?;
        let parts = self.access.parts(start, n);
        let claim = Claim::<_, false>::new(self, start, n);
        let mut place = 0;
        for (first, length) in parts {
            for at in 0..length as usize {
                // SAFETY: the slots are claimed.
                write(place, unsafe { &mut *first.add(at) });
                place += 1;
            }
        }
        claim.commit();
        Ok(())
    }

    /// Publishes an event, waiting for room.
    ///
    /// # Errors
    /// [`ClaimError::Closed`], [`ClaimError::Failed`].
    #[inline]
    pub fn publish(&mut self, write: impl FnOnce(&mut E)) -> Result<(), ClaimError> {
        let claim = loop {
            match self.claim_next(1) {
                Ok(start) => break Claim::<_, false>::new(self, start, 1),
                Err(ClaimError::Full) => self.wait_for_room(1, None)?,
                Err(error) => return Err(error),
            }
        };
        // SAFETY: the slot is claimed.
        write(unsafe { &mut *claim.first() });
        claim.commit();
        Ok(())
    }

    /// Publishes `n` events together, waiting for room for all of them.
    ///
    /// # Errors
    /// [`ClaimError::Closed`], [`ClaimError::Failed`], [`ClaimError::TooLarge`].
    #[inline]
    pub fn publish_many(&mut self, n: u32, mut write: impl FnMut(u32, &mut E)) -> Result<(), ClaimError> {
        loop {
            match self.try_publish_many(n, &mut write) {
                Err(ClaimError::Full) => self.wait_for_room(n, None)?,
                other => return other,
            }
        }
    }

    /// Claims `n` slots, to be filled in any order and published by [`Claim::commit`]. Producers that claim behind it
    /// publish when it ends, so it should end soon.
    ///
    /// # Errors
    /// As [`try_publish_many`](Self::try_publish_many).
    #[inline]
    pub fn try_claim(&mut self, n: u32) -> Result<Claim<'_, Self>, ClaimError> {
        let start = self.claim_next(n)?;
        self.lent = Some((start, n));
        Ok(Claim::new(self, start, n))
    }

    /// As [`try_claim`](Self::try_claim), waiting for room for all of them, `timeout` at most.
    ///
    /// # Errors
    /// [`ClaimError::Full`] when the time is up, [`ClaimError::Closed`], [`ClaimError::Failed`],
    /// [`ClaimError::TooLarge`].
    pub fn claim(&mut self, n: u32, timeout: Option<Duration>) -> Result<Claim<'_, Self>, ClaimError> {
        let start = room::keep_trying(timeout, |left| match self.claim_next(n) {
            Err(ClaimError::Full) => self.wait_for_room(n, left).map(|()| None),
            claimed => claimed.map(Some),
        })?;
        self.lent = Some((start, n));
        Ok(Claim::new(self, start, n))
    }

    /// Waits until `n` slots may be free, `timeout` at most: another producer may be faster.
    ///
    /// # Errors
    /// [`ClaimError::Full`] when the time is up, [`ClaimError::Closed`], [`ClaimError::Failed`],
    /// [`ClaimError::TooLarge`].
    #[cold]
    pub fn wait_for_room(&mut self, n: u32, timeout: Option<Duration>) -> Result<(), ClaimError> {
        self.settle();
        self.take_back();
        let claimed = || self.access.view.claim.ledger.sequence();
        room::wait(&self.access, self.seat, &self.strategy.sleeper(), &mut self.yielding, n, timeout, claimed)
    }

    #[inline(always)]
    fn own(&self) -> &'static Cell {
        &self.access.view.producers[self.seat as usize]
    }

    /// Makes `n` slots ours, and gives the first one's sequence. Announced as one producer's claims are.
    #[inline(always)]
    fn claim_next(&mut self, n: u32) -> Result<u32, ClaimError> {
        let view = self.access.view;
        let capacity = self.access.mask + 1;
        // One event always fits, and the compiler sees that it is one.
        if n != 1 && n > capacity {
            return Err(ClaimError::TooLarge);
        }
        self.take_back();
        let own = self.own();
        own.staged.store(1, Relaxed);
        self.access.barrier.light();
        if self.access.state() != OPEN {
            return Err(self.refuse());
        }
        // No trace of who claims: a thread that dies drops its claim, which aborts it.
        let Self { access, patience, .. } = self;
        let fit = |start| {
            // Not `gate` to the claim's end, which a full ring of 2^30 slots and a claim of all of them overflow.
            if distance(view.claim.gate.load(Acquire), start) > (capacity - n).cast_signed() {
                look_for_room(access, own, start, n)?;
            }
            Ok(n)
        };
        let start = view.claim.ledger.claim_untraced(fit, || patience.stay_away())?;
        // The claim sequence stands for it from now on.
        own.staged.store(0, Release);
        // For a claim of nothing it stands still: who has seen what was announced would wait for it.
        if n == 0 {
            self.access.look_again();
        }
        Ok(start)
    }

    #[cold]
    #[inline(never)]
    fn refuse(&self) -> ClaimError {
        withdraw(&self.access, self.own());
        self.access.refusal()
    }

    /// Aborts the claim that was lent and never came back: it was forgotten.
    #[inline(always)]
    fn take_back(&mut self) {
        if let Some((start, n)) = self.lent.take() {
            self.end_claim(start, n, 0);
        }
    }

    fn settle(&mut self) {
        let own = self.own();
        self.wakes.settle(own);
    }
}

impl<E: Send + Sync, W: WaitStrategy> Claimant for MultiProducer<E, W> {
    type Event = E;

    #[inline(always)]
    fn slot(&self, sequence: u32) -> *mut E {
        self.access.slot(sequence)
    }

    #[inline(always)]
    fn end_claim(&mut self, start: u32, n: u32, used: u32) {
        let view = &self.access.view;
        if used < n {
            // Stamped first, so that it is passed together with what is used.
            give_up(&self.access, start.wrapping_add(used), n - used);
        }
        if used > 0 {
            stamps::publish_lightly(view, start, used);
        }
        if W::PARKS {
            self.access.wake(view.cursor, &mut self.wakes);
        }
    }

    #[inline]
    fn returned(&mut self) {
        self.lent = None;
    }
}

impl<E: Send + Sync, W: WaitStrategy> Drop for MultiProducer<E, W> {
    fn drop(&mut self) {
        self.take_back();
        self.settle();
        self.access.core.memory.producers().clear(self.seat);
        leave_seat(&self.access.view, self.seat);
    }
}

/// Looks how far the stages are, for a claim of `n` slots at `start`.
#[cold]
#[inline(never)]
fn look_for_room<E>(access: &Access<E>, own: &Cell, start: u32, n: u32) -> Result<(), ClaimError> {
    let view = &access.view;
    let gate = raise_gate(view);
    if distance(gate, start) <= (access.mask + 1 - n).cast_signed() {
        return Ok(());
    }
    withdraw(access, own);
    Err(ClaimError::Full)
}

/// What was announced will not come: who waits for a closed ring to end looks again.
fn withdraw<E>(access: &Access<E>, own: &Cell) {
    own.staged.store(0, Release);
    access.look_again();
}

/// Nobody consumes these slots. Where consumers never sleep, nobody else wakes who waits for the end.
#[cold]
fn give_up<E>(access: &Access<E>, start: u32, n: u32) {
    access.core.given_up.fetch_add(n.into(), Relaxed);
    stamps::skip(&access.view, start, n);
    access.look_again();
}
