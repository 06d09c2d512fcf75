//! Publishing events from native code.

use crate::claim::{ClaimError, Claimer};
use crate::layout::{Cell, PADDING, RECORD_PREFIX};
use crate::memory::{Geometry, Memory, View};
use crate::ring::OpenError;
use crate::sequence::distance;
use crate::stamps;
use millrace_park::Sleeper;
use millrace_park::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// The seat of one producer in a ring: a bit of the header's mask and a cell.
#[derive(Debug)]
struct Seat {
    memory: Arc<Memory>,
    claimer: Claimer,
}

impl Seat {
    fn take(memory: Arc<Memory>, owner: u32) -> Result<Self, OpenError> {
        let claimer = {
            let view = memory.enter().ok_or(OpenError::Gone)?;
            let index = take_seat(&view, owner)?;
            Claimer::new(index, &view)
        };
        Ok(Self { memory, claimer })
    }

    fn wait(&mut self, n: u32, sleeper: &dyn Sleeper, timeout: Option<Duration>) -> Result<(), ClaimError> {
        self.memory.producers().set(self.claimer.index, sleeper.waker());
        loop {
            {
                let view = self.memory.enter().ok_or(ClaimError::Gone)?;
                if self.claimer.arm(&view, n) {
                    return Ok(());
                }
            }
            sleeper.sleep(timeout);
            if timeout.is_some() {
                return Ok(());
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.memory.producers().clear(self.claimer.index);
        if let Some(view) = self.memory.enter() {
            self.claimer.flush(&self.memory, &view);
            leave_seat(&view, self.claimer.index);
        }
    }
}

/// Finds a free producer seat.
pub(crate) fn take_seat(view: &View<'_>, owner: u32) -> Result<u32, OpenError> {
    let most = view.geometry.max_producers;
    let mut taken = view.header.producers.load(Acquire);
    loop {
        let index = taken.trailing_ones();
        if index >= most {
            return Err(OpenError::Taken);
        }
        match view.header.producers.compare_exchange(taken, taken | 1 << index, AcqRel, Acquire) {
            Ok(_) => {
                let cell = &view.producers[index as usize];
                let cursor = view.cursor.value.load(Acquire);
                cell.value.store(cursor, Relaxed);
                cell.staged.store(if view.geometry.multi { 0 } else { cursor }, Relaxed);
                cell.owner.store(owner, Release);
                return Ok(index);
            }
            Err(found) => taken = found,
        }
    }
}

/// Gives a producer seat back.
pub(crate) fn leave_seat(view: &View<'_>, index: u32) {
    view.producers[index as usize].owner.store(0, Release);
    view.header.producers.fetch_and(!(1 << index), AcqRel);
}

/// Gives up what a producer that is gone had claimed; before its seat is given back. True when it had a claim open: then
/// the cursor may have moved.
pub(crate) fn recover_claim(view: &View<'_>, index: u32) -> bool {
    let Cell { claimant, .. } = &view.producers[index as usize];
    let Some((start, n)) = claimant.open() else { return false };
    let left = if view.geometry.multi {
        let made = view.claim.ledger.was_made(claimant, index, start.wrapping_add(n));
        if made { give_up(view, start, n) } else { 0 }
    } else {
        // Nobody claims behind a single producer: what it had claimed is claimed again.
        n.min(view.geometry.capacity)
    };
    view.header.recovered.fetch_add(left, Relaxed);
    claimant.finish();
    true
}

/// Gives up what is left of a dead producer's claim, and gives its number.
fn give_up(view: &View<'_>, start: u32, n: u32) -> u32 {
    // More in scribbled memory only.
    let left = stamps::left_open(view, start, n.min(view.geometry.capacity));
    if left > 0 && view.geometry.fields.is_some() {
        fill(view, start, left);
        stamps::publish(view, start, left);
    } else if left > 0 {
        stamps::skip(view, start, left);
    }
    left
}

/// Makes padding of granules that belong to nobody any more: consumers of records look at prefixes, not at skips.
fn fill(view: &View<'_>, start: u32, n: u32) {
    let until_end = n.min(view.geometry.capacity - (start & (view.geometry.capacity - 1)));
    for (at, granules) in [(0, until_end), (until_end, n - until_end)] {
        if granules > 0 {
            // SAFETY: claimed by who is dead, and not published.
            unsafe { write_prefix(view.slot(start.wrapping_add(at)), PADDING, granules) };
        }
    }
}

/// Counts what a producer in JavaScript had accepted and not flushed; before its seat is given back.
pub(crate) fn count_lost(view: &View<'_>, index: u32) {
    let Cell { staged, value, .. } = &view.producers[index as usize];
    let lost = if view.geometry.multi {
        staged.swap(0, AcqRel)
    } else {
        let cursor = view.cursor.value.load(Acquire);
        staged.store(cursor, Release);
        distance(cursor, value.swap(cursor, AcqRel)).max(0).cast_unsigned()
    };
    view.header.lost.fetch_add(lost, Relaxed);
}

/// A claim that is committed when it is dropped, also by a panic: an open claim would hold everyone behind it up.
struct Claimed<'a, 'v> {
    claimer: &'a mut Claimer,
    view: &'a View<'v>,
    start: u32,
    n: u32,
}

impl Drop for Claimed<'_, '_> {
    fn drop(&mut self) {
        self.claimer.commit(self.view, self.start, self.n);
    }
}

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

/// Publishes records of any length up to half of the ring.
///
/// A record is one claim of granules: a length word, a granule count, the header fields, the payload. Where it would
/// cross the end of the ring it begins at the front, behind a padding record.
///
/// ```
/// use millrace_ring::{Config, Ring};
/// let ring = Ring::create_bytes(Config::bytes(4096).stage("print", &[]), 4).unwrap();
/// let mut out = ring.byte_producer(1).unwrap();
/// let mut print = ring.byte_consumer("print", 1).unwrap();
/// out.try_push(|fields| fields.copy_from_slice(&7u32.to_le_bytes()), &[b"hello ", b"world"]).unwrap();
/// out.flush();
/// print.poll(u32::MAX, |record| {
///     assert_eq!((record.fields()[0], record.payload()), (7, &b"hello world"[..]));
/// }).unwrap();
/// ```
#[derive(Debug)]
pub struct ByteProducer {
    seat: Seat,
    fields: u32,
}

impl ByteProducer {
    pub(crate) fn open(memory: Arc<Memory>, owner: u32) -> Result<Self, OpenError> {
        let fields = memory.geometry.fields.ok_or(OpenError::Kind)?;
        Ok(Self { seat: Seat::take(memory, owner)?, fields })
    }

    /// Most payload bytes of a record.
    #[must_use]
    pub fn max_payload(&self) -> usize {
        max_payload(&self.seat.memory.geometry)
    }

    /// Appends a record: `write` fills its header fields, its payload is `parts` behind one another. Consumers see it
    /// after the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// Nothing is left behind: [`ClaimError`].
    pub fn try_push(&mut self, write: impl FnOnce(&mut [u8]), parts: &[&[u8]]) -> Result<(), ClaimError> {
        let Seat { memory, claimer } = &mut self.seat;
        let view = memory.enter().ok_or(ClaimError::Gone)?;
        push(memory, &view, claimer, write, parts)
    }

    /// Makes pushed records visible and wakes consumers that wait.
    pub fn flush(&mut self) {
        let Seat { memory, claimer } = &mut self.seat;
        if let Some(view) = memory.enter() {
            claimer.flush(memory, &view);
        }
    }

    /// Has `waker` woken when a consumer makes room. True when there is room for a record of `length` payload bytes
    /// already, or when the ring takes none any more.
    pub fn wait_for_room(&mut self, length: usize, waker: &Waker) -> bool {
        let Seat { memory, claimer } = &mut self.seat;
        memory.producers().set(claimer.index, waker.clone());
        let Some(view) = memory.enter() else { return true };
        let granules = (payload_offset(self.fields) as usize + length).div_ceil(view.geometry.stride as usize) as u32;
        let left = view.geometry.capacity - (claimer.position(&view) & (view.geometry.capacity - 1));
        claimer.arm(&view, granules + if granules > left { left } else { 0 })
    }
}

/// Most payload bytes of a record: what fits into half of the ring fits wherever the ring's end falls.
pub(crate) fn max_payload(geometry: &Geometry) -> usize {
    let fields = payload_offset(geometry.fields.unwrap_or(0)) as usize;
    geometry.capacity as usize / 2 * geometry.stride as usize - fields
}

/// Claims a record's granules, fills them and commits.
fn push(
    memory: &Memory,
    view: &View<'_>,
    claimer: &mut Claimer,
    write: impl FnOnce(&mut [u8]),
    parts: &[&[u8]],
) -> Result<(), ClaimError> {
    let fields_bytes = view.geometry.fields.unwrap_or(0);
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length > max_payload(view.geometry) {
        return Err(ClaimError::TooLarge);
    }
    let stride = view.geometry.stride;
    let granules = (payload_offset(fields_bytes) + length as u32).div_ceil(stride);
    let (start, padding) = loop {
        let at = claimer.position(view);
        let left = view.geometry.capacity - (at & (view.geometry.capacity - 1));
        let padding = if granules > left { left } else { 0 };
        if claimer.try_claim(memory, view, at, padding + granules)? {
            break (at, padding);
        }
    };
    let _claim = Claimed { claimer, view, start, n: padding + granules };
    if padding > 0 {
        // SAFETY: claimed.
        unsafe { write_prefix(view.slot(start), PADDING, padding) };
    }
    let record = view.slot(start.wrapping_add(padding));
    // SAFETY: the record's granules lie behind one another, and are ours until the commit.
    unsafe {
        // Padding until it is whole: should `write` panic, consumers skip it.
        write_prefix(record, PADDING, granules);
        let fields = NonNull::slice_from_raw_parts(record.add(RECORD_PREFIX as usize), fields_bytes as usize);
        write(&mut *fields.as_ptr());
        let mut to = record.add(payload_offset(fields_bytes) as usize);
        for part in parts {
            to.copy_from_nonoverlapping(NonNull::from(*part).cast(), part.len());
            to = to.add(part.len());
        }
        write_prefix(record, length as u32, granules);
    }
    Ok(())
}

/// Publishes one record for a producer that holds seat `index` of a multi-producer ring, at once.
pub(crate) fn push_copied(memory: &Memory, index: u32, fields: &[u8], payload: &[u8]) -> Result<(), ClaimError> {
    let view = memory.enter().ok_or(ClaimError::Gone)?;
    let mut claimer = Claimer::stateless(index);
    push(memory, &view, &mut claimer, |to| to.copy_from_slice(fields), &[payload])?;
    claimer.flush(memory, &view);
    Ok(())
}

/// Where a record's payload begins.
#[must_use]
pub const fn payload_offset(fields: u32) -> u32 {
    RECORD_PREFIX + fields.next_multiple_of(8)
}

/// # Safety
/// `record` is the begin of a claimed granule.
unsafe fn write_prefix(record: NonNull<u8>, length: u32, granules: u32) {
    // SAFETY: a granule is longer than a prefix and word-aligned.
    unsafe { record.cast::<[u32; 2]>().write([length, granules]) };
}
