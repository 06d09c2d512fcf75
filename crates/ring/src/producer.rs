//! Publishing events of a fixed size from native code.

use crate::claim::{ClaimError, Claimed, Claimer};
use crate::memory::Memory;
use crate::producer_seat::Seat;
use crate::ring::OpenError;
use millrace_park::Sleeper;
use millrace_park::sync::atomic::Ordering::{Relaxed, Release};
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

/// Publishes copies of up to `n` events that lie behind one another in `events`: as many as there is room for, in one
/// claim. For a producer of a multi-producer ring whose events are staged elsewhere, so that a ring that was closed in
/// between still takes them; `index` is its seat.
pub(crate) fn publish_copied(memory: &Memory, index: u32, events: &[u8], n: u32) -> Result<u32, ClaimError> {
    let view = memory.enter().ok_or(ClaimError::Gone)?;
    let stride = view.geometry.stride as usize;
    let n = n.min((events.len() / stride) as u32);
    let mut claimer = Claimer::stateless(index);
    let (start, n) = loop {
        let at = claimer.position(&view);
        let n = n.min(claimer.room(&view, at));
        if n == 0 {
            return Err(ClaimError::Full);
        }
        if claimer.try_claim_accepted(&view, at, n)? {
            break (at, n);
        }
    };
    let claim = Claimed { claimer: &mut claimer, view: &view, start, n };
    let until_end = n.min(view.geometry.capacity - (start & (view.geometry.capacity - 1)));
    let (first, second) = events[..n as usize * stride].split_at(until_end as usize * stride);
    // SAFETY: the slots are claimed and lie behind one another up to the ring's end, and from its begin on.
    unsafe {
        view.slot(start).copy_from_nonoverlapping(NonNull::from(first).cast(), first.len());
        view.slot(start.wrapping_add(until_end)).copy_from_nonoverlapping(NonNull::from(second).cast(), second.len());
    }
    drop(claim);
    claimer.flush(memory, &view);
    // Here, and not when the caller knows: a thread that ends in between would leave them counted as lost.
    let staged = &view.producers[index as usize].staged;
    staged.store(staged.load(Relaxed).saturating_sub(n), Release);
    Ok(n)
}

/// Publishes events of a fixed size. A single-producer ring gives out one of these at a time.
///
/// ```
/// use millrace_ring::{Config, Ring};
/// let ring = Ring::create(Config::new(8, 8).stage("sum", &[])).unwrap();
/// let mut out = ring.producer(1).unwrap();
/// let mut sum = ring.consumer("sum", 1).unwrap();
/// out.try_publish(3, |i, slot| slot.copy_from_slice(&(i as u64 + 1).to_le_bytes())).unwrap();
/// let mut total = 0;
/// sum.poll(u32::MAX, |_, slot, _| total += u64::from_le_bytes(slot.try_into().unwrap())).unwrap();
/// assert_eq!(total, 6);
/// ```
#[derive(Debug)]
pub struct Producer(Seat);

impl Producer {
    pub(crate) fn open(memory: Arc<Memory>, owner: u32) -> Result<Self, OpenError> {
        Seat::take(memory, owner).map(Self)
    }

    /// Claims `n` slots, lets `write` fill each (its place in the claim, its bytes), publishes them together and wakes
    /// consumers that wait. If `write` panics, the events are published as far as they were written: others' claims stand
    /// behind them.
    ///
    /// # Errors
    /// Nothing is claimed: [`ClaimError`].
    pub fn try_publish(&mut self, n: u32, mut write: impl FnMut(u32, &mut [u8])) -> Result<(), ClaimError> {
        if n == 0 {
            return Ok(());
        }
        let Seat { memory, claimer } = &mut self.0;
        let view = memory.enter().ok_or(ClaimError::Gone)?;
        let start = loop {
            let at = claimer.position(&view);
            if claimer.try_claim(memory, &view, at, n)? {
                break at;
            }
        };
        let claim = Claimed { claimer, view: &view, start, n };
        let stride = view.geometry.stride as usize;
        for i in 0..n {
            let slot = NonNull::slice_from_raw_parts(view.slot(start.wrapping_add(i)), stride);
            // SAFETY: the slot is claimed: no consumer reads it before the commit, no producer claims it again before
            // every sink has passed it.
            write(i, unsafe { &mut *slot.as_ptr() });
        }
        drop(claim);
        claimer.flush(memory, &view);
        Ok(())
    }

    /// Blocks until `n` slots may be free, the ring is closed, or `timeout` has passed.
    ///
    /// # Errors
    /// [`ClaimError::Gone`].
    pub fn wait(&mut self, n: u32, sleeper: &dyn Sleeper, timeout: Option<Duration>) -> Result<(), ClaimError> {
        self.0.wait(n, sleeper, timeout)
    }
}
