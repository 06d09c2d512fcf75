//! Publishing records from native code.

use crate::claim::{ClaimError, Claimed, Claimer};
use crate::geometry::Geometry;
use crate::layout::{PADDING, RECORD_PREFIX};
use crate::memory::{Memory, View};
use crate::producer_seat::Seat;
use crate::ring::OpenError;
use millrace_park::Sleeper;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

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
}

impl ByteProducer {
    pub(crate) fn open(memory: Arc<Memory>, owner: u32) -> Result<Self, OpenError> {
        memory.geometry.fields.ok_or(OpenError::Kind)?;
        Ok(Self { seat: Seat::take(memory, owner)? })
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

    /// Publishes a record at once, with those pushed before, and waits for room where there is none, `timeout` at most.
    /// `sleeper` is the calling thread or coroutine. Nobody who consumes this ring may wait here for what only its own
    /// release can make room for.
    ///
    /// ```
    /// use millrace_park::ThreadSleeper;
    /// use millrace_ring::{Config, Ring};
    /// let ring = Ring::create_bytes(Config::bytes(64).stage("count", &[]), 0)?;
    /// let mut out = ring.byte_producer(1)?;
    /// let mut count = ring.byte_consumer("count", 1)?;
    /// let consuming = std::thread::spawn(move || {
    ///     let (sleeper, mut seen) = (ThreadSleeper::current(), 0);
    ///     while count.wait(&sleeper, None).unwrap() == millrace_ring::Waited::Ready {
    ///         seen += count.poll(u32::MAX, |_| ()).unwrap();
    ///     }
    ///     seen
    /// });
    /// for _ in 0..100 {
    ///     out.publish(&ThreadSleeper::current(), None, |_| (), &[b"tick"])?;
    /// }
    /// ring.close();
    /// assert_eq!(consuming.join().unwrap(), 100);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`ClaimError`]: this record was not accepted, and `write` not called. [`ClaimError::Full`] when the time is up.
    pub fn publish(
        &mut self,
        sleeper: &dyn Sleeper,
        timeout: Option<Duration>,
        write: impl FnOnce(&mut [u8]),
        parts: &[&[u8]],
    ) -> Result<(), ClaimError> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut write = Some(write);
        loop {
            let fill = |fields: &mut [u8]| {
                if let Some(write) = write.take() {
                    write(fields);
                }
            };
            let pushed = self.try_push(fill, parts);
            self.flush();
            if pushed != Err(ClaimError::Full) {
                return pushed;
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return pushed;
            }
            if !self.wait_for_room(length_of(parts), &sleeper.waker()) {
                sleeper.sleep(left);
            }
        }
    }

    /// Makes pushed records visible and wakes consumers that wait.
    pub fn flush(&mut self) {
        let Seat { memory, claimer } = &mut self.seat;
        if let Some(view) = memory.enter() {
            claimer.flush(memory, &view);
        }
    }

    /// Flushes, and has `waker` woken when a consumer makes room. True when there is room for a record of `length` payload
    /// bytes already, or when the ring takes none any more, or none as long.
    pub fn wait_for_room(&mut self, length: usize, waker: &Waker) -> bool {
        let Seat { memory, claimer } = &mut self.seat;
        memory.producers().set(claimer.index, waker.clone());
        let Some(view) = memory.enter() else { return true };
        // What is not flushed nobody consumes, and so makes no room.
        claimer.flush(memory, &view);
        if length > max_payload(view.geometry) {
            return true;
        }
        let granules = granules(view.geometry, length);
        let padding = padding(view.geometry, claimer.position(&view), granules);
        claimer.arm(&view, padding + granules)
    }
}

/// Most payload bytes of a record: what fits into half of the ring fits wherever the ring's end falls.
pub(crate) fn max_payload(geometry: &Geometry) -> usize {
    let fields = payload_offset(geometry.fields.unwrap_or(0)) as usize;
    geometry.capacity as usize / 2 * geometry.stride as usize - fields
}

/// Bytes of a payload; of more than there can be as many as there can be.
fn length_of(parts: &[&[u8]]) -> usize {
    parts.iter().fold(0, |length, part| length.saturating_add(part.len()))
}

/// Granules of a record whose payload is as long, and no longer than the greatest.
fn granules(geometry: &Geometry, length: usize) -> u32 {
    (payload_offset(geometry.fields.unwrap_or(0)) as usize + length).div_ceil(geometry.stride as usize) as u32
}

/// Granules to be left before a record from `at` on: none crosses the end of the ring.
pub(crate) fn padding(geometry: &Geometry, at: u32, granules: u32) -> u32 {
    let left = geometry.capacity - (at & (geometry.capacity - 1));
    if granules > left { left } else { 0 }
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
    let length = length_of(parts);
    if length > max_payload(view.geometry) {
        return Err(ClaimError::TooLarge);
    }
    let granules = granules(view.geometry, length);
    let (start, padding) = loop {
        let at = claimer.position(view);
        let padding = padding(view.geometry, at, granules);
        if claimer.try_claim(memory, view, at, padding + granules)? {
            break (at, padding);
        }
    };
    let _claim = Claimed { claimer, memory, view, start, n: padding + granules };
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
    if view.geometry.fields.is_none() {
        return Err(ClaimError::Kind);
    }
    let mut claimer = Claimer::stateless(index, &view)?;
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
pub(crate) unsafe fn write_prefix(record: NonNull<u8>, length: u32, granules: u32) {
    // SAFETY: a granule is longer than a prefix and word-aligned.
    unsafe { record.cast::<[u32; 2]>().write([length, granules]) };
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{granules, max_payload, payload_offset};
    use crate::geometry::Geometry;
    use crate::layout::{MAX_BYTES, MAX_FIELDS};
    use crate::{Config, ConfigError};

    #[test]
    fn the_longest_record_takes_half_of_any_ring_that_is_not_refused() {
        for capacity in (1..=30).map(|bits| 1 << bits) {
            let config = Config::new(capacity, 32).stage("only", &[]);
            let bytes = u64::from(capacity) * 32;
            for fields in [0, 6, 8, 1000, MAX_FIELDS] {
                let checked = config.check().map(drop).and_then(|()| config.check_records(fields));
                if bytes > u64::from(MAX_BYTES) {
                    assert_eq!(checked, Err(ConfigError::Bytes(bytes)));
                } else if checked.is_ok() {
                    let geometry = Geometry::new(&config, vec![1], 1, vec![(1, 0)], Some(fields));
                    let most = max_payload(&geometry);
                    assert_eq!(u64::from(payload_offset(fields)) + most as u64, bytes / 2);
                    assert_eq!(
                        (granules(&geometry, most), granules(&geometry, most + 1)),
                        (capacity / 2, capacity / 2 + 1)
                    );
                } else {
                    assert!(u64::from(payload_offset(fields)) > bytes / 4, "{fields} in {bytes}");
                }
            }
        }
    }
}
