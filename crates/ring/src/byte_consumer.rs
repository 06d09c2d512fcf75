//! Consuming records in native code, whole or in pieces.

use crate::byte_producer::payload_offset;
use crate::consumer::{Gone, Waited};
use crate::join::{Guest, JoinError};
use crate::layout::{PADDING, RECORD_PREFIX};
use crate::memory::{Memory, View};
use crate::place::Place;
use crate::recovery::{Failed, Recovery};
use crate::ring::OpenError;
use crate::shared_bytes::SharedBytes;
use crate::typed::{OnError, Ran, Stopped};
use millrace_park::Sleeper;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

/// Consumes a stage's records. A stage is open to one consumer at a time; dropping it lets another open it, which goes
/// on behind the last record that was released.
///
/// Made by [`Ring::byte_worker`](crate::Ring::byte_worker), it is one of several *workers*, and each record of their stage
/// goes to exactly one of them. Then a batch is a fair share of what is ready: that, divided by the workers that are
/// open. None may be ready for it because others were faster, and it ends when the whole stage has consumed everything:
/// until then what another leaves may come. What it has taken and not released when it is dropped goes to the others, or
/// to the next that is opened; in a failed ring to nobody.
#[derive(Debug)]
pub struct ByteConsumer {
    place: Place,
    fields: u32,
    /// Payload bytes of the next record that [`poll_pieces`](Self::poll_pieces) has handed out.
    begun: u32,
}

/// One record, as long as it is being looked at.
#[derive(Debug)]
pub struct Record<'a> {
    start: NonNull<u8>,
    fields: u32,
    length: u32,
    /// Its first granule.
    pub sequence: u32,
    _ring: PhantomData<&'a [u8]>,
}

impl Record<'_> {
    /// The header fields.
    #[must_use]
    pub fn fields(&self) -> &[u8] {
        let fields = self.start.as_ptr().wrapping_add(RECORD_PREFIX as usize);
        // SAFETY: a record holds its header fields; who writes there answers for it that nobody has a reference to them.
        unsafe { std::slice::from_raw_parts(fields, self.fields as usize) }
    }

    /// The header fields, for a stage that owns one of them.
    pub fn fields_mut(&mut self) -> SharedBytes<'_> {
        self.header()
    }

    fn header(&self) -> SharedBytes<'_> {
        // SAFETY: a record holds its header fields behind its prefix, and is not released while it is looked at.
        unsafe { SharedBytes::new(self.start.add(RECORD_PREFIX as usize), self.fields as usize) }
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        let payload = self.start.as_ptr().wrapping_add(payload_offset(self.fields) as usize);
        // SAFETY: `length` was checked against the granules of the record, and nobody writes a published payload.
        unsafe { std::slice::from_raw_parts(payload, self.length as usize) }
    }
}

impl ByteConsumer {
    pub(crate) fn open(memory: Arc<Memory>, stage: u32, owner: u32) -> Result<Self, OpenError> {
        let fields = memory.geometry.fields.ok_or(OpenError::Kind)?;
        Ok(Self { place: Place::take_stage(memory, stage, owner)?, fields, begun: 0 })
    }

    pub(crate) fn share(memory: Arc<Memory>, stage: u32, owner: u32) -> Result<Self, OpenError> {
        let fields = memory.geometry.fields.ok_or(OpenError::Kind)?;
        Ok(Self { place: Place::take_worker(memory, stage, owner)?, fields, begun: 0 })
    }

    pub(crate) fn join(memory: Arc<Memory>, guest: &Guest<'_>) -> Result<Self, JoinError> {
        let fields = memory.geometry.fields.ok_or(JoinError::Kind)?;
        Ok(Self { place: Place::join(memory, guest)?, fields, begun: 0 })
    }

    /// Hands records that are ready to `each` until about `max` bytes have been looked at, releases them together, and
    /// gives their number.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn poll(&mut self, max: u32, mut each: impl FnMut(&mut Record<'_>)) -> Result<u32, Gone> {
        self.try_poll(max, |record| {
            each(record);
            Ok(())
        })
    }

    /// As [`poll`](Self::poll), for what may fail on a record, and gives the number of those released.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn try_poll(
        &mut self,
        max: u32,
        mut each: impl FnMut(&mut Record<'_>) -> Result<(), Failed>,
    ) -> Result<u32, Gone> {
        let memory = self.place.memory.clone();
        let view = memory.enter().ok_or(Gone)?;
        let most = max.div_ceil(view.geometry.stride);
        let available = self.place.take(&view, most);
        let (mut taken, mut records, mut skipped) = (0, 0, 0);
        self.begun = 0;
        while taken < available && taken < most {
            let (granules, record) = self.read(&view, taken, available);
            if let Some(mut record) = record {
                match each(&mut record) {
                    Ok(()) => {}
                    Err(Failed::Skip) => skipped += 1,
                    Err(Failed::Stop) => break,
                    Err(Failed::Rewind) => return Ok(0),
                }
                records += 1;
            }
            taken += granules;
        }
        self.release(&view, taken, skipped);
        Ok(records)
    }

    /// As [`poll`](Self::poll), for work that takes long on long records: hands out at most `max` bytes of payload, and
    /// goes on in the middle of a record when it is called again. The last piece of a record, which may be empty, comes
    /// with its header fields; only then the record counts, and is released. Of a record that fails nothing more is
    /// handed out; where it is not passed over it begins anew.
    ///
    /// What was handed out of a record that is not released comes again to who opens the stage next.
    ///
    /// ```
    /// use millrace_ring::{Config, Ring};
    /// let ring = Ring::create_bytes(Config::bytes(1024).stage("sum", &[]), 8)?;
    /// let mut out = ring.byte_producer(1)?;
    /// out.try_push(|_| (), &[&[1; 300]]).unwrap();
    /// out.flush();
    /// let mut records = ring.byte_consumer("sum", 1)?;
    /// let (mut sum, mut turns) = (0u64, 0);
    /// while records.poll_pieces(128, |_, piece, fields| {
    ///     sum += piece.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    ///     if let Some(fields) = fields {
    ///         // SAFETY: no stage is beside this one.
    ///         unsafe { fields.write(0, &sum.to_le_bytes()) };
    ///     }
    ///     Ok(())
    /// }) == Ok(0) {
    ///     turns += 1;
    /// }
    /// assert_eq!((sum, turns), (300, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Gone`].
    pub fn poll_pieces(
        &mut self,
        max: u32,
        mut each: impl FnMut(u32, &[u8], Option<&mut SharedBytes<'_>>) -> Result<(), Failed>,
    ) -> Result<u32, Gone> {
        let memory = self.place.memory.clone();
        let view = memory.enter().ok_or(Gone)?;
        let available = self.place.take(&view, max.div_ceil(view.geometry.stride));
        let (mut taken, mut records, mut skipped, mut left) = (0, 0, 0, max);
        while taken < available && left > 0 {
            let (granules, record) = self.read(&view, taken, available);
            if let Some(record) = record {
                let sequence = record.sequence;
                // Between two calls its length may have been scribbled over.
                let rest = record.payload().get(self.begun as usize..).unwrap_or_default();
                let piece = &rest[..rest.len().min(left as usize)];
                let whole = piece.len() == rest.len();
                let mut header = record.header();
                let outcome = each(sequence, piece, whole.then_some(&mut header));
                if outcome.is_ok() && !whole {
                    self.begun += piece.len() as u32;
                    break;
                }
                self.begun = 0;
                match outcome {
                    Ok(()) => {}
                    Err(Failed::Skip) => skipped += 1,
                    Err(Failed::Stop) => break,
                    Err(Failed::Rewind) => return Ok(0),
                }
                records += 1;
                // Short records cost something too.
                left = left.saturating_sub(view.geometry.stride + piece.len() as u32);
            }
            taken += granules;
        }
        self.release(&view, taken, skipped);
        Ok(records)
    }

    /// What begins `taken` granules behind this stage's sequence: its granules, and the record if it is not padding.
    fn read<'a>(&self, view: &View<'a>, taken: u32, available: u32) -> (u32, Option<Record<'a>>) {
        let sequence = self.place.next.wrapping_add(taken);
        let start = view.slot(sequence);
        // SAFETY: a published record begins here, with its two words.
        let [length, granules] = unsafe { start.cast::<[u32; 2]>().read() };
        // A scribbled record ends at what was published, and at the ring's end, which no record crosses.
        let left = view.geometry.capacity - (sequence & (view.geometry.capacity - 1));
        let granules = granules.clamp(1, left.min(available - taken));
        // Header fields are handed out whole: what has no room for them is no record.
        let room = granules.saturating_mul(view.geometry.stride);
        if length == PADDING || room < payload_offset(self.fields) {
            return (granules, None);
        }
        let length = length.min(room - payload_offset(self.fields));
        (granules, Some(Record { start, fields: self.fields, length, sequence, _ring: PhantomData }))
    }

    /// Releases what was taken, if anything was.
    fn release(&mut self, view: &View<'_>, taken: u32, skipped: u32) {
        if taken > 0 {
            self.place.release(view, taken, skipped);
        }
    }

    /// What follows this stage's failures, for [`try_poll`](Self::try_poll) and [`poll_pieces`](Self::poll_pieces);
    /// `skipped` gets the error and the number of each record that is passed over, before it is counted, and again when its
    /// batch comes again.
    pub fn recovery<X, F: FnMut(X, u64)>(&self, on_error: OnError, skipped: F) -> Recovery<X, F> {
        self.place.recovery(on_error, skipped)
    }

    /// Waits for records the ring's way; `sleeper` is the calling thread or coroutine.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn wait(&mut self, sleeper: &dyn Sleeper, timeout: Option<Duration>) -> Result<Waited, Gone> {
        self.place.wait(sleeper, timeout)
    }

    /// Consumes until the ring is closed and everything was consumed, until a stage failed and nothing more is ready, or
    /// until the ring's memory is gone. A panic of `each` passes through, nothing of its batch is released, and the ring
    /// stays open: somebody else may open the stage, or should [`fail`](crate::Ring::fail_by) the ring, or its producers
    /// wait for ever.
    ///
    /// ```
    /// use millrace_park::ThreadSleeper;
    /// use millrace_ring::{Config, Ring};
    /// let ring = Ring::create_bytes(Config::bytes(1024).stage("count", &[]), 0)?;
    /// let mut count = ring.byte_consumer("count", 1)?;
    /// let counting = std::thread::spawn(move || {
    ///     let mut bytes = 0;
    ///     count.run(&ThreadSleeper::current(), |record| bytes += record.payload().len());
    ///     bytes
    /// });
    /// ring.byte_producer(1)?.publish(&ThreadSleeper::current(), None, |_| (), &[b"12345"])?;
    /// ring.close();
    /// assert_eq!(counting.join().unwrap(), 5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn run(&mut self, sleeper: &dyn Sleeper, mut each: impl FnMut(&mut Record<'_>)) {
        while self.wait(sleeper, None) == Ok(Waited::Ready) && self.poll(u32::MAX, &mut each).is_ok() {}
    }

    /// As [`run`](Self::run), with a handler that may fail, and tells what was done; `skipped` gets the error and the
    /// number of each record that is passed over. A worker that begins a batch again does so alone.
    ///
    /// ```
    /// use millrace_park::ThreadSleeper;
    /// use millrace_ring::{ClaimError, Config, Ring, typed::OnError};
    /// let ring = Ring::create_bytes(Config::bytes(1024).stage("parse", &[]), 0)?;
    /// let (mut out, mut parse) = (ring.byte_producer(1)?, ring.byte_consumer("parse", 1)?);
    /// for text in [b"1", b"x", b"3"] {
    ///     out.try_push(|_| (), &[text])?;
    /// }
    /// out.flush();
    /// let (sleeper, mut sum) = (ThreadSleeper::current(), 0);
    /// let stopped = parse.run_fallible(&sleeper, OnError::Stop, |_, _| (), |record| {
    ///     std::str::from_utf8(record.payload()).unwrap().parse::<u32>().map(|n| sum += n)
    /// }).unwrap_err();
    /// assert_eq!((sum, stopped.sequence, stopped.ran.consumed), (1, 1, 1));
    /// assert_eq!(out.try_push(|_| (), &[b"4"]), Err(ClaimError::Closed));
    /// assert_eq!(ring.failure().unwrap().part, "parse");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Stopped`] when the policy ends the run, and the ring has failed: [`Ring::failure`](crate::Ring::failure) names
    /// this stage. Who opens it next begins with the first record that was not released; what a worker had in hand then
    /// nobody takes over.
    pub fn run_fallible<X: fmt::Display>(
        &mut self,
        sleeper: &dyn Sleeper,
        on_error: OnError,
        skipped: impl FnMut(X, u64),
        mut each: impl FnMut(&mut Record<'_>) -> Result<(), X>,
    ) -> Result<Ran, Stopped<X>> {
        let wait = |records: &mut Self| records.wait(sleeper, None);
        self.recovery(on_error, skipped).run(self, sleeper, wait, |records, recovery| {
            records.try_poll(u32::MAX, |record| {
                let sequence = record.sequence;
                recovery.check(sequence, each(record))
            })
        })
    }

    /// For a loop that sleeps by other means: has `waker` woken when a record comes. True when nothing is there and the
    /// waker will be called. Never so on [`Wait::Yield`](crate::Wait::Yield) and [`Wait::Spin`](crate::Wait::Spin) rings,
    /// which wake no consumer: there the loop has to look again.
    pub fn arm(&mut self, waker: &std::task::Waker) -> bool {
        if !self.place.memory.geometry.wait.sleeps() {
            return false;
        }
        self.place.memory.consumers().set(self.place.seat, waker.clone());
        let memory = self.place.memory.clone();
        memory.enter().is_some_and(|view| self.place.look_before_sleep(&view).is_none())
    }

    /// Takes an [`arm`](Self::arm) back: writers spare the wake.
    pub fn disarm(&self) {
        if let Some(view) = self.place.memory.enter() {
            self.place.disarm(&view);
        }
    }

    /// True when the ring is closed and everything in it is consumed, or its memory is gone.
    #[must_use]
    pub fn ended(&mut self) -> bool {
        let memory = self.place.memory.clone();
        memory.enter().is_none_or(|view| self.place.look(&view) == Some(Waited::Ended))
    }
}
