//! Shared memory that JavaScript owns, and the short turns in which native threads may touch it.

use crate::crowd::Crowd;
use crate::failure::Failure;
use crate::sleepers::WakerTable;
use crate::sync::{
    atomic::{
        AtomicU32,
        Ordering::{AcqRel, Acquire, Release},
    },
    thread,
};
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

/// Set once nobody is attached any more; the bits below count turns under way.
const GONE: u32 = 1 << 31;

/// The bit of a consumers' word that no stage has: it stands for all who wait for the end.
pub const CLOSERS: u32 = 31;

/// A block of shared memory that belongs to JavaScript, with the wakers of those who wait on its sequences.
///
/// # Memory ordering
/// `turns` is one word, changed by read-modify-write only. A turn enters with acquire and leaves with release;
/// [`leave_forever`](Self::leave_forever) sets `GONE` and waits with acquire for the count to reach zero, so that all
/// a turn did happens before the memory is given up, and a turn that comes later sees `GONE` and gives up.
#[derive(Debug)]
pub struct Region {
    base: NonNull<u8>,
    length: usize,
    turns: AtomicU32,
    consumers: WakerTable,
    producers: WakerTable,
    closers: Arc<Crowd>,
    failure: OnceLock<Failure>,
}

// SAFETY: the region hands its address out only inside turns, and what lies there is used through atomics and by the
// ring's protocol of who owns which slot.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// A region over `length` bytes at `base`.
    ///
    /// # Safety
    /// The memory stays valid until [`leave_forever`](Self::leave_forever) has returned.
    pub unsafe fn new(base: NonNull<u8>, length: usize) -> Self {
        let consumers = WakerTable::new();
        Self {
            base,
            length,
            turns: AtomicU32::new(0),
            closers: Crowd::behind(&consumers, CLOSERS),
            consumers,
            producers: WakerTable::new(),
            failure: OnceLock::new(),
        }
    }

    /// Begins a turn: the memory is good until the turn is dropped. None when it is gone.
    ///
    /// Keep it short (a batch, a copy of a frame): the end of an environment waits for it.
    #[inline]
    pub fn turn(&self) -> Option<Turn<'_>> {
        // More turns than threads cannot be, so the count never reaches the flag.
        if self.turns.fetch_add(1, Acquire) & GONE != 0 {
            self.turns.fetch_sub(1, Release);
            return None;
        }
        Some(Turn { region: self })
    }

    /// True once the memory was given up.
    pub fn is_gone(&self) -> bool {
        self.turns.load(Acquire) & GONE != 0
    }

    /// Gives the memory up: no turn begins any more, the ones under way are waited for, and every waiter is woken, to
    /// find the region gone.
    pub fn leave_forever(&self) {
        self.turns.fetch_or(GONE, AcqRel);
        while self.turns.load(Acquire) != GONE {
            thread::yield_now();
        }
        self.consumers.wake(u32::MAX);
        self.producers.wake(u32::MAX);
    }

    /// Who waits for events: bit = stage.
    pub fn consumers(&self) -> &WakerTable {
        &self.consumers
    }

    /// Who waits for room: bit = producer.
    pub fn producers(&self) -> &WakerTable {
        &self.producers
    }

    /// Who waits for the end, behind the bit [`CLOSERS`] of the consumers.
    pub fn closers(&self) -> &Crowd {
        &self.closers
    }

    /// Why what lies here was stopped: kept beside the memory, because it has any length. The first one stays.
    pub fn failure(&self) -> &OnceLock<Failure> {
        &self.failure
    }

    /// The address, for comparison only: it may be used only inside a turn.
    pub fn address(&self) -> usize {
        self.base.as_ptr() as usize
    }

    /// Bytes.
    pub fn length(&self) -> usize {
        self.length
    }
}

/// A short stay in a region's memory.
#[derive(Debug)]
pub struct Turn<'a> {
    region: &'a Region,
}

impl Turn<'_> {
    /// Where the memory begins; good while this turn lives.
    #[inline]
    pub fn base(&self) -> NonNull<u8> {
        self.region.base
    }
}

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        self.region.turns.fetch_sub(1, Release);
    }
}
