//! Bytes that several stages have at the same time, each with a part of its own to write.

use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

/// The bytes of an event, or of a record's header fields, as long as a stage looks at them.
///
/// Stages beside each other have the same events at the same time. All may read; writing is for a stage that owns what
/// it writes, which no type tells here (those of [`typed`](crate::typed) rings do), so it is `unsafe`. Where stages
/// beside each other write, each keeps to [`part`](Self::part) for what it reads.
///
/// ```
/// use millrace_ring::{Config, Ring};
/// let stages = |config: Config| config.stage("double", &[]).stage("print", &["double"]);
/// let ring = Ring::create_bytes(stages(Config::bytes(1024)), 2)?;
/// let mut out = ring.byte_producer(1)?;
/// out.try_push(|fields| fields.copy_from_slice(&[21, 0]), &[])?;
/// out.flush();
/// ring.byte_consumer("double", 1)?.poll(u32::MAX, |record| {
///     let mut fields = record.fields_mut();
///     let double = fields[0] * 2;
///     // SAFETY: no stage is beside this one.
///     unsafe { fields.write(1, &[double]) };
/// }).unwrap();
/// ring.byte_consumer("print", 1)?.poll(u32::MAX, |record| assert_eq!(record.fields(), [21, 42])).unwrap();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SharedBytes<'a> {
    start: NonNull<u8>,
    length: usize,
    _ring: PhantomData<&'a [u8]>,
}

impl SharedBytes<'_> {
    /// # Safety
    /// These bytes are of an event that is published, and that the stage which looks at them has not released before
    /// this is dropped.
    pub(crate) unsafe fn new(start: NonNull<u8>, length: usize) -> Self {
        Self { start, length, _ring: PhantomData }
    }

    /// `length` bytes from `at` on, if there are as many.
    #[must_use]
    pub fn part(&self, at: usize, length: usize) -> Option<&[u8]> {
        if at.checked_add(length)? > self.length {
            return None;
        }
        // SAFETY: these bytes lie within the event, and who writes there answers for it that nobody reads them.
        Some(unsafe { std::slice::from_raw_parts(self.start.as_ptr().add(at), length) })
    }

    /// Writes `bytes` from `at` on, for the stages behind this one.
    ///
    /// # Panics
    /// When they reach beyond the end.
    ///
    /// # Safety
    /// Until this stage has released the event, no stage beside it writes these bytes or has a reference to any of them;
    /// a slice of all of the event is such a reference.
    pub unsafe fn write(&mut self, at: usize, bytes: &[u8]) {
        assert!(at <= self.length && bytes.len() <= self.length - at, "{} bytes at {at}", bytes.len());
        // SAFETY: they lie within the event, and nobody else is there by this function's contract. `bytes` may lie in
        // the event as well.
        unsafe { self.start.as_ptr().add(at).copy_from(bytes.as_ptr(), bytes.len()) };
    }
}

impl Deref for SharedBytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: as in `part`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}
